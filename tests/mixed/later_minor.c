/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeepd of a later minor version, for the test of a mixed cluster: it says its minor, and more than this
 * version knows: a field at the end of each STATE, and an entry in each pulse. Linked with --wrap; never
 * installed.
 */
#include "heartbeat_wire.h"
#include "pulse_wire.h"

#include <errno.h>
#include <string.h>

#define LATER_FIELD 200
#define LATER_ENTRY 200
#define ENTRIES_AT  (PULSE_HEADER_SIZE - 1)

int __real_heartbeat_encode(struct heartbeat *h, const struct peers_config *peers, void *buf, size_t size);
int __wrap_heartbeat_encode(struct heartbeat *h, const struct peers_config *peers, void *buf, size_t size);
int __real_pulse_encode(const struct pulse *p, void *buf, size_t size);
int __wrap_pulse_encode(const struct pulse *p, void *buf, size_t size);

static const uint8_t more[] = { LATER_FIELD, 4, 0xde, 0xad, 0xbe, 0xef };

static int add_more(uint8_t *buf, int len, size_t size)
{
	if (size - (size_t)len < sizeof more)
		return -EMSGSIZE;
	memcpy(buf + len, more, sizeof more);
	return len + (int)sizeof more;
}

int __wrap_heartbeat_encode(struct heartbeat *h, const struct peers_config *peers, void *buf, size_t size)
{
	int len = __real_heartbeat_encode(h, peers, buf, size);

	return len < 0 || h->type != HEARTBEAT_STATE ? len : add_more(buf, len, size);
}

int __wrap_pulse_encode(const struct pulse *p, void *buf, size_t size)
{
	int len = __real_pulse_encode(p, buf, size);
	uint8_t *bytes = buf;

	_Static_assert(LATER_ENTRY == LATER_FIELD, "the same bytes serve for both");
	if (len < 0 || size - (size_t)len < sizeof more)
		return len;
	bytes[ENTRIES_AT]++;
	return add_more(bytes, len, size);
}
