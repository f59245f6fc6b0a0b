/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether the uplinks are a reason to move a group to another node. A node helps itself first (uplink/); it
 * gives the group away when it has no path left and another has one, or, with no call up, when all it has is
 * degraded and another is good. Classes only: scores that two nodes measure drift apart by themselves.
 *
 * What is found here are facts for the rows R610 to R623 of rules.c: after those of the PBX, before failback.
 */
#ifndef RK_UPLINK_MOVE_H
#define RK_UPLINK_MOVE_H

#include "ids.h"
#include "placement.h"
#include "rules.h"

#include <stddef.h>

#define UPLINK_MOVE_UPLINKS_MAX 8

struct uplink_move_policy {
	int64_t settle_ns;     /* 3 s: so long a node has to help itself */
	int64_t together_ns;   /* 3 s: what befalls two nodes within this has one cause */
	uint8_t moves_max;     /* 2 for uplinks' sake ... */
	int64_t moves_span_ns; /* ... in 10 min */
};

extern const struct uplink_move_policy uplink_move_policy_default;

/* One uplink of one node. Times are of this node's clock: when the report came, less the age in it. */
struct uplink_move_link {
	uint32_t isp; /* same number: same ISP, on whatever node */
	enum uplink_class class;
	boot_t since; /* the class is what it is */
};

struct uplink_move_node {
	node_id_t node;
	bool fit;    /* others: placement has nothing against it, and a majority is in reach */
	bool fresh;  /* others: its report is younger than two heartbeats */
	boot_t seen; /* others: when it knew what it reports */
	bool pbx_dead;
	uint8_t count;
	int8_t in_use; /* index; -1: none */
	struct uplink_move_link uplink[UPLINK_MOVE_UPLINKS_MAX];
};

struct uplink_move_facts {
	struct uplink_move_node self; /* the holder */
	uint8_t others_count;
	struct uplink_move_node other[RK_NODES_MAX]; /* in the order of placement */
	uint32_t calls;				     /* UINT32_MAX: unknown, which is not none */
	uint8_t moves_count; /* for uplinks' sake, newest last, at least moves_max of them */
	boot_t moved_at[4];
};

struct uplink_move {
	uint32_t facts; /* FACT_UPLINK_*; none if the uplinks are no reason to do anything */
	node_id_t to;	/* with FACT_UPLINK_BETTER: the best of the better ones; else NODE_NONE */
};

/* The best class among a node's uplinks; UNKNOWN if none is known to be usable and one is not known. */
enum uplink_class uplink_move_class(const struct uplink_move_node *n);
void uplink_move_look(const struct uplink_move_facts *f, const struct uplink_move_policy *p, boot_t now,
		      struct uplink_move *ret);

#endif
