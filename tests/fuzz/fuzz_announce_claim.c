/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any frame: it claims nothing, or a whole address.
 */
#include "announce_wire.h"
#include "fuzz.h"

#include <assert.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip_address ip;
	struct mac_address mac;

	if (announce_claim(data, size, &ip, &mac)) {
		assert(ip.family == AF_INET || ip.family == AF_INET6);
		assert(size >= 32);
	}
	return 0;
}
