/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What of a core can change in a cluster of three nodes and one group, and the world around it.
 */
#include "drain_private.h"

#include <string.h>

#define OF_GROUP(field) offsetof(struct core, group[0].field)

/* Of lists by node the first four; fencing is nobody's business here. */
static const struct {
	size_t from, to;
} pieces[] = {
	{ offsetof(struct core, intent), offsetof(struct core, peer[DRAIN_NODES + 1]) },
	{ OF_GROUP(lease), OF_GROUP(lease.peer[DRAIN_NODES + 1]) },
	{ OF_GROUP(lease.release), OF_GROUP(damping[DRAIN_NODES + 1]) },
	{ OF_GROUP(takeover), offsetof(struct core, group[1]) },
	{ offsetof(struct core, voters), offsetof(struct core, fence) },
};

#define PIECES (sizeof pieces / sizeof pieces[0])

size_t drain_world_size(void)
{
	size_t size = sizeof(struct drain_truth) + sizeof(boot_t[DRAIN_NODES + 1]);

	for (size_t p = 0; p < PIECES; p++)
		size += DRAIN_NODES * (pieces[p].to - pieces[p].from);
	return size;
}

void drain_world_save(const struct drain_world *w, void *ret)
{
	uint8_t *to = ret;

	memcpy(to, &w->truth, sizeof w->truth);
	to += sizeof w->truth;
	memcpy(to, w->gate, sizeof w->gate);
	to += sizeof w->gate;
	for (int n = 1; n <= DRAIN_NODES; n++)
		for (size_t p = 0; p < PIECES; p++) {
			size_t size = pieces[p].to - pieces[p].from;

			memcpy(to, (const uint8_t *)w->core[n] + pieces[p].from, size);
			to += size;
		}
}

void drain_world_restore(struct drain_world *w, const void *saved)
{
	const uint8_t *from = saved;

	memcpy(&w->truth, from, sizeof w->truth);
	from += sizeof w->truth;
	memcpy(w->gate, from, sizeof w->gate);
	from += sizeof w->gate;
	for (int n = 1; n <= DRAIN_NODES; n++)
		for (size_t p = 0; p < PIECES; p++) {
			size_t size = pieces[p].to - pieces[p].from;

			memcpy((uint8_t *)w->core[n] + pieces[p].from, from, size);
			from += size;
		}
	w->bad = NULL;
}

static void digest_bytes(uint64_t h[2], const uint8_t *p, size_t size)
{
	for (; size > 0; p += 8) {
		size_t n = size < 8 ? size : 8;
		uint64_t x = 0;

		memcpy(&x, p, n);
		size -= n;
		h[0] = (h[0] ^ x) * 0xff51afd7ed558ccdULL;
		h[0] ^= h[0] >> 32;
		h[1] = (h[1] + x) * 0xc4ceb9fe1a85ec53ULL;
		h[1] ^= h[1] >> 29;
	}
}

void drain_world_digest(const struct drain_world *w, uint64_t ret[2])
{
	ret[0] = 0x9e3779b97f4a7c15ULL;
	ret[1] = 0xbf58476d1ce4e5b9ULL;
	digest_bytes(ret, (const uint8_t *)&w->truth, sizeof w->truth);
	digest_bytes(ret, (const uint8_t *)w->gate, sizeof w->gate);
	for (int n = 1; n <= DRAIN_NODES; n++)
		for (size_t p = 0; p < PIECES; p++)
			digest_bytes(ret, (const uint8_t *)w->core[n] + pieces[p].from,
				     pieces[p].to - pieces[p].from);
}
