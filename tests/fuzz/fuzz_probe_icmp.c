/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as what a raw socket hands over: the first byte says which family.
 */
#include "fuzz.h"
#include "probe_icmp_wire.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nonce[PROBE_NONCE_SIZE] = "0123456789abcdef";
	uint16_t sequence;
	int r;

	if (size == 0)
		return 0;
	r = probe_icmp_read(data[0] & 1 ? AF_INET6 : AF_INET, nonce, data + 1, size - 1, &sequence);
	assert(r == -EBADMSG || (r == 0 && size > PROBE_ICMP_ECHO_SIZE));
	return 0;
}
