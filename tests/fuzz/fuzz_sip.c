/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a SIP response and as a stream of messages.
 */
#include "fuzz.h"
#include "sip_options.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct sip_response r;
	int len;

	if (sip_response_parse(text, size, &r) == 0) {
		assert(r.status >= 100 && r.status <= 699);
		assert(r.branch[0] && strlen(r.branch) < SIP_BRANCH_MAX);
		assert(r.method[0] && strlen(r.method) < sizeof r.method);
	}
	while ((len = sip_message_length(text, size)) > 0) {
		assert((size_t)len <= size);
		text += len;
		size -= (size_t)len;
	}
	assert(len == 0 || len == -EBADMSG);
	return 0;
}
