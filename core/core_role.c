/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lease changes its role by itself (won, lapsed, adopted, shut by a higher epoch) or because it was told
 * to hand over. Here every such change becomes exactly one sequence and exactly one record.
 */
#include "core_private.h"

#include <string.h>

struct core_role core_role_before(const struct core *c, group_index_t group)
{
	const struct lease *l = &c->group[group].lease;

	return (struct core_role){
		.role = l->role, .epoch = l->epoch, .deadline = l->deadline, .former = l->former.epoch
	};
}

void core_explain(struct core_turn *t, group_index_t group, uint16_t rule, node_id_t node, int64_t value)
{
	struct plan_action *a = plan_add(t->plan, PLAN_EXPLAIN, group);

	a->node = node;
	a->explain.rule = rule;
	a->explain.epoch = t->c->group[group].lease.epoch;
	a->explain.value = value;
}

/* A hand-over is a matter of round trips; two promises is time enough for the successor, or for the former
 * holder if the successor cannot. */
void core_moving_set(struct core_turn *t, group_index_t group, struct epoch epoch)
{
	const struct lease_timing *timing = &t->c->config.timing;
	struct core_group *g = &t->c->group[group];

	g->moving_until = boot_add(t->now.boot, 2 * (timing->lease_ns + timing->guard_ns));
	g->moving_epoch = epoch;
}

static void core_seen_set(struct core_turn *t, group_index_t group, node_id_t holder)
{
	struct core_group *g = &t->c->group[group];

	if (g->seen_holder == holder)
		return;
	g->seen_holder = holder;
	g->since = t->now.boot;
}

/* The highest tenure seen; a hand-over out of an older one has come to its end. */
static void core_seen_epoch(struct core_turn *t, group_index_t group, struct epoch epoch)
{
	struct core_group *g = &t->c->group[group];

	g->seen_epoch = epoch;
	if (epoch_cmp(epoch, g->moving_epoch) > 0)
		g->moving_until = (boot_t){ 0 };
}

/* An operator's move that wanted this node explains the takeover better than the release it caused. */
static enum core_cause core_won_cause(struct core *c, group_index_t group, uint64_t *ret_operation)
{
	const struct core_operation *op = core_operation_running(c, group);
	const struct lease *l = &c->group[group].lease;
	bool here = op && !core_operation_drains(op) &&
		    (op->target == c->config.self || op->target == NODE_NONE) && op->from != c->config.self;

	*ret_operation = here ? op->command.operation : 0;
	return here && l->last_cause != CAUSE_ADOPTED ? CAUSE_OPERATOR : l->last_cause;
}

static void core_role_won(struct core_turn *t, group_index_t group, struct epoch former, bool adopted)
{
	struct core *c = t->c;
	struct core_group *g = &c->group[group];
	const struct lease *l = &g->lease;
	struct core_record r = {
		.type = RECORD_TAKEOVER,
		.group = group,
		.node = c->config.self,
		.peer = adopted ? c->config.self : l->last_holder,
		.peer_epoch = !adopted && former.node == l->last_holder ? former : (struct epoch){ 0 },
		.epoch = l->epoch,
		.at = t->now.boot,
		.asked_to_won_ns = adopted ? 0 : boot_diff_ns(l->asked_at, t->now.boot),
	};

	r.cause = adopted ? CAUSE_ADOPTED : core_won_cause(c, group, &r.operation);
	/* The holder before us failed without a word: that is what damping counts. */
	if (!adopted && l->last_cause == CAUSE_LEASE_EXPIRED && l->last_holder != c->config.self &&
	    l->last_holder != NODE_NONE)
		damping_add(&g->damping[l->last_holder], &c->config.groups[group].policy.damping,
			    t->now.boot);
	if (!adopted)
		core_unseen_take(t, group, l->last_holder);
	core_seen_set(t, group, c->config.self);
	core_seen_epoch(t, group, l->epoch);
	g->failback_node = NODE_NONE;
	core_explain(t, group, adopted ? RULE_ADOPTED : RULE_WON, r.peer, r.asked_to_won_ns);
	takeover_start(&g->takeover, group, TAKEOVER_UP, &r, t->plan);
	plan_add(t->plan, PLAN_FACTS_CHANGED, group);
}

static bool core_lapsed(const struct core_letgo *letgo)
{
	return letgo->cause == CAUSE_LEASE_EXPIRED || letgo->cause == CAUSE_CUT_OFF ||
	       (letgo->cause == CAUSE_TWO_HOLDERS && letgo->overlap_ns == 0);
}

void core_overlap_tell(struct core_turn *t, group_index_t group, node_id_t peer, int64_t overlap_ns)
{
	core_explain(t, group, RULE_TWO_HOLDERS, peer, overlap_ns);
}

static void core_role_lost(struct core_turn *t, group_index_t group, struct epoch epoch,
			   const struct core_letgo *letgo)
{
	struct core_group *g = &t->c->group[group];
	struct core_record r = {
		.type = RECORD_LETGO,
		.group = group,
		.node = t->c->config.self,
		.peer = letgo->successor,
		.epoch = epoch,
		.cause = letgo->cause,
		.operation = letgo->operation,
		.at = t->now.boot,
		.overlap_ns = letgo->overlap_ns,
	};

	g->release_asked = (boot_t){ 0 };
	core_seen_set(t, group, NODE_NONE);
	core_explain(t, group, core_lapsed(letgo) ? RULE_LAPSED : RULE_LET_GO, letgo->successor,
		     letgo->cause);
	takeover_start(&g->takeover, group, TAKEOVER_DOWN, &r, t->plan);
	plan_add(t->plan, PLAN_FACTS_CHANGED, group);
}

void core_role_follow(struct core_turn *t, group_index_t group, struct core_role before,
		      const struct core_letgo *letgo)
{
	struct core_group *g = &t->c->group[group];
	const struct lease *l = &g->lease;
	bool held = before.role == LEASE_HOLDING, holds = lease_holds(l);

	if (held && holds && epoch_cmp(before.epoch, l->epoch) != 0) {
		core_seen_epoch(t, group, l->epoch);
		core_explain(t, group, RULE_RAISED, NODE_NONE, 0);
	} else if (held && !holds) {
		struct core_letgo why = *letgo;

		/* Whatever brought the news, the lease had run out before. */
		if (why.cause != CAUSE_STANDSTILL && !boot_before(t->now.boot, before.deadline))
			why = (struct core_letgo){ .cause = lease_alone_lapse_cause(l, t->now) };
		core_role_lost(t, group, before.epoch, &why);
	} else if (!held && holds) {
		core_role_won(t, group, before.former, letgo->cause == CAUSE_ADOPTED);
	}
}

/* VRRP's tenures have no epoch, and the gate follows its state machine, not the plan. */
void core_native_follow(struct core_turn *t, group_index_t group, enum core_cause cause)
{
	struct core_group *g = &t->c->group[group];
	struct core_record r = {
		.type = g->native_holds ? RECORD_TAKEOVER : RECORD_LETGO,
		.group = group,
		.node = t->c->config.self,
		.cause = cause,
		.at = t->now.boot,
	};

	core_seen_set(t, group, g->native_holds ? t->c->config.self : NODE_NONE);
	g->rule = g->native_holds ? RULE_NATIVE_WON : RULE_NATIVE_LOST;
	core_explain(t, group, g->rule, NODE_NONE, cause);
	takeover_start(&g->takeover, group, g->native_holds ? TAKEOVER_UP : TAKEOVER_DOWN, &r, t->plan);
	plan_add(t->plan, PLAN_FACTS_CHANGED, group);
}

/* What a peer says of its own tenure. Pulses may overtake each other, so an older epoch says nothing. */
void core_seen_view(struct core_turn *t, group_index_t group, node_id_t from, const struct lease_view *view)
{
	struct core_group *g = &t->c->group[group];
	struct epoch holds = view->holds;

	/* A holder that only others hear: they still renew their promises to it. */
	if (view->promise_node != NODE_NONE && view->promise_node == g->seen_holder &&
	    view->promise_left_ns > t->c->config.timing.lease_ns / 2)
		g->seen_at = t->now.boot;
	if (epoch_none(holds)) {
		if (g->seen_holder == from)
			core_seen_set(t, group, NODE_NONE);
		return;
	}
	if (lease_holds(&g->lease) || epoch_cmp(holds, g->seen_epoch) < 0)
		return;
	core_seen_epoch(t, group, holds);
	g->seen_at = t->now.boot;
	core_seen_set(t, group, from);
}

/* A holder that says nothing for longer than its lease and the voters' promises holds nothing any more, as
 * far as this node can tell; it decides nothing by this. */
void core_seen_tick(struct core_turn *t, group_index_t group)
{
	struct core_group *g = &t->c->group[group];
	const struct lease_timing *timing = &t->c->config.timing;
	int64_t silent_ns_max = timing->lease_ns + timing->guard_ns + timing->pulse_ns;

	if (g->seen_holder == NODE_NONE || g->seen_holder == t->c->config.self)
		return;
	if (boot_diff_ns(g->seen_at, t->now.boot) > silent_ns_max)
		core_seen_set(t, group, NODE_NONE);
}
