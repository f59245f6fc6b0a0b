/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as what an HTTP server says, as they come.
 */
#include "fuzz.h"
#include "probe_http_wire.h"

#include <assert.h>
#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int known = 0;

	for (size_t i = 0; i <= size && i < 64; i++) {
		int r = probe_http_read(data, i);

		assert(r == -EBADMSG || r == 0 || (r >= 100 && r <= 599));
		assert(known == 0 || r == known); /* what was said is not taken back */
		known = r;
	}
	return 0;
}
