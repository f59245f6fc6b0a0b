/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "refusal.h"

#include <assert.h>

/* k is around i, or the same and named before. */
static bool peer_is_around(const struct gate_peer *peers, size_t k, size_t i)
{
	return k != i && ip_prefix_contains(&peers[k].prefix, &peers[i].prefix) &&
	       (k < i || !ip_prefix_equal(&peers[k].prefix, &peers[i].prefix));
}

static void peer_learn(struct refusal_peer *mine, const struct gate_peer *peers, size_t count, size_t i)
{
	*mine = (struct refusal_peer){ .groups = 1U << peers[i].group, .around = -1 };
	for (size_t k = 0; k < count; k++) {
		bool around = peer_is_around(peers, k, i);

		if (around || peer_is_around(peers, i, k))
			mine->groups |= 1U << peers[k].group;
		if (around &&
		    (mine->around < 0 || ip_prefix_contains(&peers[mine->around].prefix, &peers[k].prefix)))
			mine->around = (int16_t)k;
	}
}

void refusal_learn(struct refusal *r, const struct gate_peer *peers, size_t count)
{
	assert(count <= GATE_PEERS_TOTAL_MAX);
	r->known = true;
	r->count = count;
	for (size_t i = 0; i < count; i++)
		peer_learn(&r->peer[i], peers, count, i);
}

/* What touches a peer touches all that are around it, too: if any of those is refused, the narrowest is. */
size_t refusal_list(struct refusal *r, const struct gate_peer *peers, uint32_t open,
		    struct ip_prefix ret[GATE_PEERS_TOTAL_MAX])
{
	size_t n = 0;

	r->open = open;
	for (size_t i = 0; i < r->count; i++) {
		const struct refusal_peer *mine = &r->peer[i];

		if (!(mine->groups & open) && (mine->around < 0 || r->peer[mine->around].groups & open))
			ret[n++] = peers[i].prefix;
	}
	return n;
}
