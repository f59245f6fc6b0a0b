/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a STUN response, to a request with the id that they name.
 */
#include "fuzz.h"
#include "probe_stun_wire.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t other[PROBE_STUN_ID_SIZE];
	uint8_t id[PROBE_STUN_ID_SIZE];
	struct probe_stun s;
	int r;

	if (probe_stun_id(data, size, id) < 0)
		return 0;
	r = probe_stun_read(id, data, size, &s);
	assert(r == 0 || r == -EBADMSG);
	if (r == 0)
		assert(s.error ? s.error >= 300 && s.error <= 699
			       : s.address.family == AF_INET || s.address.family == AF_INET6);
	(void)probe_stun_read(other, data, size, &s);
	return 0;
}
