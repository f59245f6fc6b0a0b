/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which trunk peers are refused to this node's own programs: those that no open group names. Pure. Nothing
 * that is refused touches what is open, since two groups can name a carrier, or one's prefix be in the
 * other's; and none of them is in another, as the guard's sets need it.
 */
#ifndef RK_REFUSAL_H
#define RK_REFUSAL_H

#include "gate.h"

struct refusal {
	bool known;    /* the peers were learnt; cleared by the owner for other ones */
	uint32_t open; /* groups, a bit each, of the latest list */
	size_t count;
	struct refusal_peer {
		uint32_t groups; /* of all peers that it touches */
		int16_t around;	 /* index of the narrowest one around it, -1 = none */
	} peer[GATE_PEERS_TOTAL_MAX];
};

/* Once for each configuration: with a thousand peers it takes 20 ms. */
void refusal_learn(struct refusal *r, const struct gate_peer *peers, size_t count);
/* Those of the same peers that are refused while these groups are open; returns how many. */
size_t refusal_list(struct refusal *r, const struct gate_peer *peers, uint32_t open,
		    struct ip_prefix ret[GATE_PEERS_TOTAL_MAX]);

#endif
