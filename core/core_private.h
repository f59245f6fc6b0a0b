/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the decider share and nobody else may use: one step's context, and who does what.
 *   core.c          one event in, one plan out
 *   core_peers.c    what is known of the nodes, as input for placement
 *   core_decide.c   facts -> row of rules.c -> lease
 *   core_role.c     what a change of the lease's role means: takeover sequences, records, seen holder
 *   core_fence.c    power fencing: what fence.c is told
 *   core_command.c  intents and operations of an operator
 *   core_uplinks.c  uplinks, as a reason to move a group
 *   core_calls.c    calls that are up, and operations that wait for their end
 */
#ifndef RK_CORE_PRIVATE_H
#define RK_CORE_PRIVATE_H

#include "core.h"
#include "rules.h"

/* A holder named as target may be seen so by an old view: wait this long before believing it without a new
 * epoch. */
#define CORE_PULSES_SETTLED 5

/* One event being worked on. */
struct core_turn {
	struct core *c;
	struct instant now;
	struct core_plan *plan;
};

/* ---- core_peers.c ---- */

/* Pulses go both ways between this node and n, within the last three. */
bool core_peer_hears(const struct core *c, node_id_t n, boot_t now);
const struct core_node_config *core_node_find(const struct core *c, node_id_t n);
bool core_is_candidate(const struct core *c, group_index_t group, node_id_t n);
void core_peer_facts_set(struct core_turn *t, node_id_t n, const struct node_facts *facts);
void core_own_facts_set(struct core_turn *t, const struct node_facts *facts);

/* How to look at the candidates. */
struct core_look {
	node_id_t exclude;  /* not an answer: holder, self */
	bool ignore_health; /* failover --force */
	bool failback;	    /* as if nobody held, and better uplinks than here alone make nobody better */
	node_id_t assume_standby;
};
void core_place(const struct core *c, group_index_t group, const struct core_look *look, boot_t now,
		struct placement *ret);
const struct placement_candidate *core_candidate_find(const struct placement *p, node_id_t n);

/* ---- core_fence.c ---- */

void core_fence_init(struct core *c);
/* After the event has changed what is known. */
void core_fence_event(struct core_turn *t, const struct core_event *ev);
boot_t core_fence_next(const struct core *c, struct instant now);
struct fence_world core_fence_world(const struct core *c, struct instant now);
/* It must not hold the group: shot, or a shot may come. */
bool core_fence_bars(const struct core *c, group_index_t group, node_id_t n);
/* The group wants a proof that its lost holder is off, and there is none. */
bool core_fence_waits(const struct core *c, group_index_t group, boot_t now);

/* ---- core_role.c ---- */

/* Taken before a call into the lease, given back after it. */
struct core_role {
	enum lease_role role;
	struct epoch epoch;
	boot_t deadline;
	struct epoch former; /* the latest tenure of another node that was seen; {0,0} = none was */
};
struct core_role core_role_before(const struct core *c, group_index_t group);

/* Why a tenure ended, and for whom. */
struct core_letgo {
	enum core_cause cause;
	node_id_t successor;
	uint64_t operation;
	int64_t overlap_ns;
};
void core_role_follow(struct core_turn *t, group_index_t group, struct core_role before,
		      const struct core_letgo *letgo);
/* g->native_holds has changed. */
void core_native_follow(struct core_turn *t, group_index_t group, enum core_cause cause);
/* A hand-over out of this tenure begins: it may be finished in spite of a pause that comes after it. */
void core_moving_set(struct core_turn *t, group_index_t group, struct epoch epoch);
void core_seen_view(struct core_turn *t, group_index_t group, node_id_t from, const struct lease_view *view);
void core_seen_tick(struct core_turn *t, group_index_t group);
void core_explain(struct core_turn *t, group_index_t group, uint16_t rule, node_id_t node, int64_t value);

/* Both nodes hold, or held, and hear each other now. */
void core_overlap_tell(struct core_turn *t, group_index_t group, node_id_t peer, int64_t overlap_ns);

/* ---- core_decide.c ---- */

void core_decide(struct core_turn *t, group_index_t group);
/* Best other candidate that could take over now, NODE_NONE if none. */
node_id_t core_successor(const struct core *c, group_index_t group, const struct core_look *look,
			 struct instant now);

/* None was counted for long enough, and none that came with a move can be up. */
bool core_drained(const struct core_group *g, boot_t now);

/* ---- core_uplinks.c ---- */

/* FACT_UPLINK_* of a holder. ret_to: the node with better uplinks, or NODE_NONE. */
uint32_t core_uplink_facts(const struct core *c, group_index_t group, struct instant now, node_id_t *ret_to);
/* This node hands the group over because of its uplinks. */
void core_uplinks_moved(struct core_turn *t, group_index_t group);
void core_uplinks_told(struct core *c, node_id_t from, const struct node_facts *facts);
/* Before c->facts becomes that. */
void core_uplinks_own(struct core *c, const struct node_facts *facts);
/* A class, or which one is in use. */
bool core_uplinks_differ(const struct node_facts *a, const struct node_facts *b);

/* ---- core_command.c ---- */

void core_command_take(struct core_turn *t, const struct core_command *cmd);
void core_intent_merge(struct core_turn *t, const struct core_intent *other);
void core_operation_tick(struct core_turn *t, group_index_t group);
/* The operation of the group if it still runs, else NULL. */
struct core_operation *core_operation_running(struct core *c, group_index_t group);
/* The last quarter of an operation's time is for its end only, so that no node starts a move that another has
 * just called failed. */
bool core_operation_may_start(const struct core *c, const struct core_operation *op, boot_t now);
/* why REASON_NONE: done. */
void core_operation_end(struct core_turn *t, group_index_t group, enum reason why);
/* What keeps it from its goal. */
enum reason core_operation_blame(const struct core_turn *t, group_index_t group);

/* ---- core_calls.c ---- */

/* This node takes over from `from`, and the calls that were up there. */
void core_unseen_take(struct core_turn *t, group_index_t group, node_id_t from);
void core_unseen_tick(struct core_turn *t, group_index_t group);
/* The holder waits for its calls to end; nobody else does anything for the operation. */
bool core_operation_drains(const struct core_operation *op);
/* When core_operation_tick() has something to do. */
boot_t core_operation_next(const struct core *c, group_index_t group, boot_t now);
/* The holder has let go, or lets go now: from here on it is as any other operation. */
void core_operation_drained(struct core_turn *t, group_index_t group);
/* Another node than the one whose calls were waited for, and than the target, has won since. */
bool core_drain_holder_changed(struct core_turn *t, group_index_t group);
/* Fails it if there is no point in waiting any longer. */
void core_drain_tick(struct core_turn *t, group_index_t group);

#endif
