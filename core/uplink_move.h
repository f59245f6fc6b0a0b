/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether the uplinks are a reason to move a group to another node. A node helps itself first (uplink/); it
 * gives the group away when it has no path left and another has one, or, with no call up, when all it has is
 * degraded and another is good. Classes only: scores that two nodes measure drift apart by themselves.
 *
 * GROUNDWORK: nothing calls this yet, and cluster behaviour is as before. As a row of rules.c it belongs
 * after those of the PBX (R260 to R271) and before failback, its HOLD being GOAL_KEEP. Before that, failback
 * `auto` has to learn that a better uplink class elsewhere is no preferred candidate (placement's second
 * ladder): it would move a group from DEGRADED to GOOD with calls up.
 */
#ifndef RK_UPLINK_MOVE_H
#define RK_UPLINK_MOVE_H

#include "ids.h"
#include "placement.h"

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

enum uplink_move_fact {
	UPLINK_MOVE_PBX_DEAD = 1 << 0,
	UPLINK_MOVE_UNKNOWN = 1 << 1,  /* no uplink here is known to be usable, and one is not known */
	UPLINK_MOVE_LOCAL = 1 << 2,    /* an uplink that is not in use is better than the one that is */
	UPLINK_MOVE_LOST = 1 << 3,     /* every uplink here is bad */
	UPLINK_MOVE_DEGRADED = 1 << 4, /* the best one is */
	UPLINK_MOVE_BETTER = 1 << 5,   /* a node is fit, fresh, with a living PBX and a better class */
	UPLINK_MOVE_SETTLED = 1 << 6,  /* ... and that has stood on both for long enough */
	UPLINK_MOVE_FROZEN = 1 << 7,   /* moved too often lately */
	UPLINK_MOVE_IDLE = 1 << 8,
	UPLINK_MOVE_SHARED = 1 << 9, /* what is bad here is bad elsewhere since the same time */
	UPLINK_MOVE_STALE = 1 << 10, /* a fit node has not reported lately */
};

enum uplink_move_action { UPLINK_MOVE_STAY, UPLINK_MOVE_HOLD, UPLINK_MOVE_GO };

struct uplink_move_rule {
	uint16_t number;
	uint32_t when;	 /* all of these */
	uint32_t unless; /* and none of these */
	enum uplink_move_action action;
	bool alarm;
	const char *why;
};

struct uplink_move {
	enum uplink_move_action action;
	node_id_t to; /* GO; else NODE_NONE */
	const struct uplink_move_rule *rule;
	uint32_t facts;
};

/* The best class among a node's uplinks; UNKNOWN if none is known to be usable and one is not known. */
enum uplink_class uplink_move_class(const struct uplink_move_node *n);
void uplink_move_decide(const struct uplink_move_facts *f, const struct uplink_move_policy *p, boot_t now,
			struct uplink_move *ret);
const struct uplink_move_rule *uplink_move_table(size_t *ret_count);

#endif
