/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A cluster of three in which an operator moves the group from node 1 to node 2 when its calls have ended:
 * the whole shipped core of each node, and what can happen to a drain. Time goes in steps of one pulse, and a
 * message arrives at once or never: what late messages do to the lease is search.c's. A state is kept as the
 * bytes of the cores, with absolute times, so a search has an end after so many steps.
 */
#ifndef RK_SEARCH_DRAIN_WORLD_H
#define RK_SEARCH_DRAIN_WORLD_H

#include "core.h"

#define DRAIN_NODES  3
#define DRAIN_HOLDER 1 /* at the beginning */
#define DRAIN_TARGET 2
#define DRAIN_ORIGIN 3 /* where the operator types; it votes and holds nothing */

enum drain_event {
	DRAIN_TIME = 1,	   /* one pulse passes at all nodes */
	DRAIN_DELIVER,	   /* the next command arrives at `node` */
	DRAIN_CALL_BEGINS, /* at node 1, as its PBX counts */
	DRAIN_CALLS_END,
	DRAIN_CALLS_UNKNOWN,
	DRAIN_CANCEL, /* the operator cancels */
	DRAIN_CUT,    /* node 1 is cut off from the others */
	DRAIN_HEAL,   /* ... and is not any more */
	DRAIN_NOTICE, /* corosync tells `node` that the cluster has split */
	DRAIN_DIE,    /* node 1 loses power */
	DRAIN_LOSE,   /* what node 1 sends until the next pulse is lost */
	DRAIN_TARGET_SICK,
	DRAIN_TARGET_WELL,
	DRAIN_RELEASED, /* node 1 has said outside what it had to say before a planned move */
	DRAIN_EVENTS_COUNT,
};

/* What bounds one search: how often each event may come, and in which of the first steps. */
struct drain_config {
	const char *name;
	uint8_t budget[DRAIN_EVENTS_COUNT]; /* TIME, DELIVER and NOTICE have none */
	uint8_t steps_open;		    /* in these steps something may happen; then only time passes */
	uint8_t calls;			    /* at node 1 when the command comes */
	uint8_t time;			    /* of the drain, in steps */
	bool release_wait;		    /* node 1 has something to say outside first */
};

struct drain_action {
	uint8_t event, node;
};

struct drain_world; /* one at a time; its states are saved and restored */

struct drain_world *drain_world_new(const struct drain_config *config);
void drain_world_free(struct drain_world *w);
size_t drain_world_size(void);
void drain_world_save(const struct drain_world *w, void *ret);
void drain_world_restore(struct drain_world *w, const void *saved);
/* Of all that decides what comes next. */
void drain_world_digest(const struct drain_world *w, uint64_t ret[2]);

#define DRAIN_ACTIONS_MAX 24
/* Everything that can happen next; 0 at the end of a run. */
int drain_world_actions(const struct drain_world *w, struct drain_action ret[DRAIN_ACTIONS_MAX]);
/* NULL, or what is wrong after it. */
const char *drain_world_act(struct drain_world *w, struct drain_action a);
/* NULL, or what is wrong at the end of a run. */
const char *drain_world_end(const struct drain_world *w);
const char *drain_event_name(enum drain_event e);

#endif
