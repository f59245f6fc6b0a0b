/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the world with a drain share and nobody else may use.
 *   drain_world.c  what can happen, and what the cores then do to each other
 *   drain_check.c  what must be true
 *   drain_state.c  the bytes of a state
 */
#ifndef RK_SEARCH_DRAIN_PRIVATE_H
#define RK_SEARCH_DRAIN_PRIVATE_H

#include "drain_world.h"

#define STEP_NS	 (500 * NS_PER_MS)
#define WIRE_MAX 512
#define DRAIN_ID 7

/* What no core holds: the world around it, and what the invariants remember. All bytes, no padding. */
struct drain_truth {
	int8_t step;	  /* 0: the drain is ordered */
	int8_t idle_step; /* node 1 was told of no call since */
	uint8_t steps_cut;
	uint8_t used[DRAIN_EVENTS_COUNT];
	uint8_t dead, cut, lossy; /* of node 1 */
	uint8_t noticed[DRAIN_NODES + 1];
	uint8_t left;			     /* the others' corosync has no node 1 */
	uint8_t ordered;		     /* commands given: 1 the drain, 2 its cancel too */
	uint8_t given[DRAIN_NODES + 1];	     /* how many of them arrived */
	uint8_t unheard;		     /* node 1 does not get them now */
	uint8_t cancel_heard, cancel_missed; /* by node 1 */
	uint8_t calls;			     /* 0, 1, 255 = unknown */
	uint8_t target_sick, release_wait;
	uint8_t handed;		 /* node 1 let go for the drain */
	uint8_t target_held;	 /* node 2 held it since */
	uint8_t faulty;		 /* node 1 was cut off, or its messages were lost */
	uint8_t ends;		 /* how often the origin wrote down an end */
	uint8_t end_ok, end_why; /* enum reason */
};

struct drain_wire {
	node_id_t to;
	struct core_event event;
};

struct drain_world {
	const struct drain_config *config;
	struct core *core[DRAIN_NODES + 1];
	boot_t gate[DRAIN_NODES + 1];
	struct drain_truth truth;
	struct drain_wire wire[WIRE_MAX]; /* empty between two actions */
	int wire_first, wire_count;
	struct core_plan plan;
	const char *bad;
};

static inline struct instant drain_world_now(const struct drain_world *w)
{
	int64_t ns = 1000 * NS_PER_S + w->truth.step * STEP_NS;

	return (struct instant){ { ns }, { ns } };
}

static inline bool drain_world_up(const struct drain_world *w, int n)
{
	return !(n == DRAIN_HOLDER && w->truth.dead);
}

/* ---- drain_check.c: what is wrong goes to w->bad, the first one only ---- */

void drain_check_gates(struct drain_world *w);
/* After node n has taken a step; held, handed: as before it. */
void drain_check_step(struct drain_world *w, int n, bool held, bool handed);
void drain_check_record(struct drain_world *w, int n, const struct core_record *r);

#endif
