/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any frame: it says nothing, or something about a whole address.
 */
#include "fuzz.h"
#include "lan_wire.h"

#include <assert.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mac_address to, from;
	struct ip_address ip;

	if (lan_wire_read(data, size, &ip, &to, &from) != LAN_NOTHING) {
		assert(ip.family == AF_INET || ip.family == AF_INET6);
		assert(size >= (ip.family == AF_INET ? 42 : 78));
	}
	return 0;
}
