/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Facts are gathered, the first matching row of rules.c is obeyed. Only a holder's own trouble, an operator,
 * or the failback policy ever makes it let go: nothing that happens to others is among the facts of a holder.
 */
#include "core_private.h"

#include <assert.h>
#include <string.h>

/* What the rows cannot say: to whom, for which operation, by which rank. */
struct core_choice {
	uint32_t facts;
	node_id_t successor;	   /* best other candidate */
	node_id_t move_target;	   /* of a ready operation */
	node_id_t uplink_to;	   /* better uplinks, with FACT_UPLINK_BETTER */
	struct core_operation *op; /* running, or NULL */
};

node_id_t core_successor(const struct core *c, group_index_t group, const struct core_look *look,
			 struct instant now)
{
	struct placement p;

	if (!lease_majority_reachable(&c->group[group].lease, now))
		return NODE_NONE;
	core_place(c, group, look, now.boot, &p);
	return p.chosen;
}

static uint32_t core_trouble(const struct core *c, group_index_t group)
{
	const struct group_facts *f = &c->facts.group[group];
	uint32_t facts = 0;

	/* An agent that has just adopted an open gate knows nothing yet: that is no trouble. */
	if (!c->facts_known)
		return 0;
	if (!f->gate_ok || !f->addresses_ok)
		facts |= FACT_GATE_LOST;
	if (!f->lan_up)
		facts |= FACT_LAN_DOWN;
	if (f->pbx == PBX_DEAD)
		facts |= FACT_PBX_DEAD;
	if (f->pbx == PBX_SICK)
		facts |= FACT_PBX_SICK;
	return facts;
}

bool core_drained(const struct core_group *g, boot_t now)
{
	return g->unseen.calls == 0 && g->idle_since.ns != 0 &&
	       boot_diff_ns(g->idle_since, now) >= CORE_DRAIN_SETTLE_NS;
}

/* An operation that wants another holder than this one. */
static void core_move_facts(const struct core *c, group_index_t group, struct instant now,
			    struct core_choice *choice)
{
	const struct core_operation *op = choice->op;
	node_id_t self = c->config.self;
	struct core_look look = { .exclude = self, .ignore_health = op->command.type == COMMAND_FAILOVER };
	struct placement p;
	const struct placement_candidate *cand;

	/* A drained move is for the node whose calls were waited for, not for whoever has won since. */
	if (op->command.drain_ns > 0 && lease_holds(&c->group[group].lease) && op->from != self)
		return;
	if (core_operation_drains(op)) {
		if (!lease_holds(&c->group[group].lease) || op->target == self ||
		    (!core_releasing(c, group) && !boot_before(now.boot, op->drain_until)))
			return;
		choice->facts |= FACT_DRAINING;
		if (!core_drained(&c->group[group], now.boot))
			return;
	} else if (op->target == self || (op->target == NODE_NONE && op->from != self)) {
		choice->facts |= FACT_MOVE_HERE;
		return;
	}
	choice->facts |= FACT_MOVE_AWAY;
	if (op->handed || !core_operation_may_start(c, op, now.boot) ||
	    !lease_majority_reachable(&c->group[group].lease, now))
		return;
	core_place(c, group, &look, now.boot, &p);
	choice->move_target = op->target == NODE_NONE ? p.chosen : op->target;
	cand = core_candidate_find(&p, choice->move_target);
	if (cand && cand->eligible && !lease_peer_mute(&c->group[group].lease, choice->move_target))
		choice->facts |= FACT_MOVE_READY;
}

/* The better candidate must have been eligible without a break; the clock starts anew with each tenure. */
static uint32_t core_failback_facts(struct core *c, group_index_t group, struct instant now)
{
	struct core_group *g = &c->group[group];
	const struct placement_policy *policy = &c->config.groups[group].policy;
	const struct core_look look = { .failback = true };
	struct placement p;

	if (policy->failback == FAILBACK_MANUAL)
		return 0;
	core_place(c, group, &look, now.boot, &p);
	if (p.chosen == c->config.self || p.chosen == NODE_NONE) {
		g->failback_node = NODE_NONE;
		return 0;
	}
	if (p.chosen != g->failback_node) {
		g->failback_node = p.chosen;
		g->failback_since = now.boot;
	}
	if (boot_diff_ns(g->failback_since, now.boot) < policy->failback_after_ns)
		return 0;
	if (!lease_majority_reachable(&g->lease, now))
		return 0;
	if (policy->failback == FAILBACK_IDLE && core_calls(c, group, c->config.self) == UINT32_MAX)
		return FACT_FAILBACK_BLIND;
	if (policy->failback == FAILBACK_IDLE && !core_drained(g, now.boot))
		return FACT_FAILBACK_CALLS;
	return FACT_FAILBACK;
}

static uint32_t core_holder_facts(struct core *c, group_index_t group, struct instant now,
				  struct core_choice *choice)
{
	const struct core_look look = { .exclude = c->config.self };
	uint32_t facts = FACT_HOLDING | core_trouble(c, group);

	choice->successor = core_successor(c, group, &look, now);
	if (choice->successor != NODE_NONE)
		facts |= FACT_SUCCESSOR;
	facts |= core_uplink_facts(c, group, now, &choice->uplink_to);
	return facts | core_failback_facts(c, group, now);
}

static uint32_t core_other_facts(const struct core *c, group_index_t group, struct instant now,
				 const struct core_choice *choice)
{
	const struct core_group *g = &c->group[group];
	const struct placement_candidate *me = core_candidate_find(&g->placement, c->config.self);
	uint32_t facts = 0;

	if (me && me->eligible)
		facts |= FACT_ELIGIBLE;
	if (choice->facts & FACT_MOVE_HERE && choice->op->command.type == COMMAND_FAILOVER) {
		const struct core_look forced = { .ignore_health = true };
		struct placement p;

		core_place(c, group, &forced, now.boot, &p);
		me = core_candidate_find(&p, c->config.self);
		if (me && me->eligible)
			facts |= FACT_ELIGIBLE;
	}
	if (g->seen_holder != NODE_NONE && g->seen_holder != c->config.self)
		facts |= FACT_HOLDER_SEEN;
	return facts;
}

static void core_gather(struct core *c, group_index_t group, struct instant now, struct core_choice *ret)
{
	const struct core_look plain = { 0 };
	struct core_group *g = &c->group[group];

	memset(ret, 0, sizeof *ret);
	core_place(c, group, &plain, now.boot, &g->placement);
	ret->op = core_operation_running(c, group);
	if (ret->op)
		core_move_facts(c, group, now, ret);
	if (c->stopping)
		ret->facts |= FACT_STOPPING;
	if (c->intent.paused)
		ret->facts |= FACT_PAUSED;
	if (boot_before(now.boot, g->moving_until))
		ret->facts |= FACT_MOVING;
	if (c->intent.node[c->config.self].standby)
		ret->facts |= FACT_STANDBY;
	ret->facts |= lease_holds(&g->lease) ? core_holder_facts(c, group, now, ret)
					     : core_other_facts(c, group, now, ret);
}

/* Retries after a collision wait by rank, and two nodes with the same rank would collide for ever: candidates
 * that this node cannot see count as better if they are so by configuration. An operation's target goes
 * first. */
static uint8_t core_rank(const struct core *c, group_index_t group, const struct core_choice *choice)
{
	const struct placement *p = &c->group[group].placement;
	const struct placement_candidate *me = core_candidate_find(p, c->config.self);
	uint8_t rank = 0;

	if (choice->facts & FACT_MOVE_HERE)
		return 0;
	if (choice->op && !core_operation_drains(choice->op))
		rank++;
	if (me && me->eligible)
		rank += me->rank;
	for (int i = 0; i < p->count && p->candidate[i].node != c->config.self; i++)
		if (p->candidate[i].reason == REASON_UNREACHABLE)
			rank++;
	return rank;
}

/* How many fit candidates in reach are better: a first attempt gives them the time of one round trip. */
static uint8_t core_place_of(const struct core *c, group_index_t group, const struct core_choice *choice)
{
	const struct placement_candidate *me =
		core_candidate_find(&c->group[group].placement, c->config.self);

	if (choice->facts & FACT_MOVE_HERE || !me || !me->eligible)
		return 0;
	return me->rank;
}

static void core_hand_over(struct core_turn *t, group_index_t group, const struct rule *r,
			   const struct core_choice *choice)
{
	struct core *c = t->c;
	struct core_group *g = &c->group[group];
	struct core_role before = core_role_before(c, group);
	struct core_letgo letgo = { .cause = r->cause };

	if (r->cause == CAUSE_FAILBACK)
		letgo.successor = g->failback_node;
	else if (r->cause == CAUSE_UPLINK)
		letgo.successor = choice->uplink_to;
	else if (r->when & FACT_MOVE_READY)
		letgo.successor = choice->move_target;
	else if (r->goal == GOAL_HAND_OVER)
		letgo.successor = choice->successor;
	if (r->when & FACT_MOVE_READY) {
		letgo.operation = choice->op->command.operation;
		choice->op->handed = true;
		if (core_operation_drains(choice->op))
			core_operation_drained(t, group);
	}
	if (r->cause == CAUSE_UPLINK)
		core_uplinks_moved(t, group);
	/* A pause that comes now must not leave the group between two nodes. */
	if (letgo.successor != NODE_NONE)
		core_moving_set(t, group, g->lease.epoch);
	lease_hand_over(&g->lease, letgo.successor, t->now, t->plan);
	core_role_follow(t, group, before, &letgo);
}

/* What an operator, a stop or the failback policy wants, or a line that is only worse; not failover --force,
 * and not out of trouble. */
static bool core_planned(const struct core *c, group_index_t group, const struct rule *r,
			 const struct core_choice *choice)
{
	if (r->when & FACT_MOVE_READY && choice->op->command.type != COMMAND_SWITCHOVER)
		return false;
	return (r->cause == CAUSE_OPERATOR || r->cause == CAUSE_STOPPING || r->cause == CAUSE_FAILBACK ||
		r->when & FACT_UPLINK_DEGRADED) &&
	       core_trouble(c, group) == 0;
}

/* The lease is held and renewed meanwhile, so nobody notices; a lease that is lost ends the wait. */
static bool core_release_waits(struct core_turn *t, group_index_t group, const struct rule *r,
			       const struct core_choice *choice)
{
	struct core_group *g = &t->c->group[group];

	if (!t->c->facts.group[group].release_wait || !core_planned(t->c, group, r, choice))
		return false;
	if (g->release_asked.ns == 0) {
		g->release_asked = t->now.boot;
		core_explain(t, group, RULE_RELEASING, choice->successor, 0);
	}
	return boot_diff_ns(g->release_asked, t->now.boot) < CORE_RELEASE_WAIT_NS;
}

static void core_tell(struct core_turn *t, group_index_t group, const struct rule *r,
		      const struct core_choice *choice)
{
	struct core_group *g = &t->c->group[group];
	const struct placement_candidate *me = core_candidate_find(&g->placement, t->c->config.self);
	node_id_t other = lease_holds(&g->lease) ? choice->successor : g->seen_holder;

	if (g->rule == r->number)
		return;
	g->rule = r->number;
	if (r->when & FACT_UPLINK_BETTER)
		other = choice->uplink_to;
	core_explain(t, group, r->number, other, me ? me->reason : REASON_NOT_A_CANDIDATE);
}

/* A node that may ask only since now (cold start, resume) gives the better ones two pulses each: the group
 * begins where the configuration wants it. When a holder dies, the others have been allowed to ask for long.
 */
static bool core_may_ask(struct core_turn *t, group_index_t group, const struct rule *r,
			 const struct core_choice *choice)
{
	struct core_group *g = &t->c->group[group];
	int64_t patience_ns = core_place_of(t->c, group, choice) * 2 * t->c->config.timing.pulse_ns;

	if (r->goal != GOAL_ASK) {
		g->asking_since = (boot_t){ 0 };
		return false;
	}
	if (g->asking_since.ns == 0)
		g->asking_since = t->now.boot;
	return boot_diff_ns(g->asking_since, t->now.boot) >= patience_ns;
}

/* True: it let go. */
static bool core_obey(struct core_turn *t, group_index_t group, const struct rule *r,
		      const struct core_choice *choice)
{
	struct core *c = t->c;
	struct core_role before = core_role_before(c, group);
	const struct core_letgo letgo = { .cause = CAUSE_LEASE_EXPIRED };

	switch (r->goal) {
	case GOAL_KEEP:
		c->group[group].release_asked = (boot_t){ 0 };
		return false;
	case GOAL_HAND_OVER:
	case GOAL_RELEASE:
		if (core_release_waits(t, group, r, choice))
			return false;
		core_hand_over(t, group, r, choice);
		return true;
	case GOAL_ASK:
	case GOAL_REST:
		lease_place(&c->group[group].lease, core_place_of(c, group, choice));
		lease_want(&c->group[group].lease, core_may_ask(t, group, r, choice),
			   core_rank(c, group, choice), t->now, t->plan);
		core_role_follow(t, group, before, &letgo);
		return false;
	}
	return false;
}

void core_decide(struct core_turn *t, group_index_t group)
{
	/* A holder that let go is judged once more, as a candidate. */
	for (int pass = 0; pass < 2; pass++) {
		struct core_choice choice;
		const struct rule *r;

		core_gather(t->c, group, t->now, &choice);
		r = rules_match(choice.facts);
		core_tell(t, group, r, &choice);
		if (!core_obey(t, group, r, &choice))
			return;
	}
}
