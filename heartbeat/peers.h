/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who the nodes are and what the groups are called on the wire: what pulses and heartbeats both need to know
 * of the configuration; and what a pulse proves to a heartbeat.
 */
#ifndef RK_PEERS_H
#define RK_PEERS_H

#include "node_key.h"

struct peers_config {
	char cluster[RK_NAME_MAX];
	node_id_t self;
	uint64_t incarnation; /* random per process, never 0; the same for pulses and heartbeats */
	uint8_t nodes_count;  /* witnesses and self included */
	struct {
		node_id_t id;
		struct node_public public_key;
	} nodes[RK_NODES_MAX];
	uint8_t groups_count;
	uint32_t groups[RK_GROUPS_MAX]; /* wire id by group index */
};

/* One per process, shared by pulse_io (writes what peers prove, tells peers `sequence`) and heartbeat_io (the
 * other way round).
 *
 * A heartbeat's signature says who made it, not when. Freshness is borrowed from the pulses: they run a
 * challenge and response per pair of nodes, so the incarnation and the heartbeat sequence that a fresh pulse
 * states are of the living process. A heartbeat counts only if it is of exactly that incarnation and newer
 * than what was stated when its sender came into view; a recorded one of a former incarnation, or of this one
 * before we met it, never does. */
struct heartbeat_proof {
	uint64_t sequence; /* the latest heartbeat sequence number that this process has used */
	struct {
		uint64_t incarnation; /* 0: nothing proven yet */
		uint64_t sequence;
	} node[NODE_ID_MAX + 1];
};

#endif
