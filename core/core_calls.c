/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls that are up: how many a node has, those among them that came with a move and that its PBX does not
 * count, and an operation that waits for all of them to end.
 */
#include "core_private.h"

/* ---- who has how many ---- */

static uint32_t core_calls_own(const struct core *c, group_index_t group)
{
	uint32_t calls = c->facts_known ? c->facts.group[group].calls : UINT32_MAX;
	uint32_t unseen = c->group[group].unseen.calls;

	return calls >= UINT32_MAX - unseen ? UINT32_MAX : calls + unseen;
}

uint32_t core_calls(const struct core *c, group_index_t group, node_id_t node)
{
	if (node == c->config.self)
		return core_calls_own(c, group);
	return node != NODE_NONE && c->peer[node].facts_known ? c->peer[node].facts.group[group].calls
							      : UINT32_MAX;
}

/* Whoever takes over next counts on from here, also for those that came before. */
void core_published_facts(const struct core *c, boot_t now, struct node_facts *ret)
{
	*ret = c->facts;
	for (int i = 0; i < ret->uplinks_count; i++)
		ret->uplink[i].since = c->uplink[i].since;
	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		ret->group[g].calls = core_calls_own(c, g);
		ret->group[g].uplink_moves = c->group[g].uplink_moves[c->config.self];
	}
	node_facts_ages(ret, now);
}

void core_unseen_take(struct core_turn *t, group_index_t group, node_id_t from)
{
	struct core *c = t->c;
	struct core_unseen *u = &c->group[group].unseen;

	/* What this node let go of itself it counts still; what came before that goes on, too. */
	if (from == c->config.self || c->config.groups[group].unseen_ns == 0)
		return;
	*u = (struct core_unseen){ .from = from, .since = t->now.boot };
	if (from != NODE_NONE)
		u->calls = c->peer[from].calls[group];
}

boot_t core_unseen_until(const struct core *c, group_index_t group)
{
	const struct core_unseen *u = &c->group[group].unseen;

	return u->calls ? boot_add(u->since, c->config.groups[group].unseen_ns) : BOOT_NEVER;
}

/* They are the next holder's, once there is one: it has taken over what this node published. */
void core_unseen_tick(struct core_turn *t, group_index_t group)
{
	struct core_group *g = &t->c->group[group];
	bool moved_on = g->seen_holder != NODE_NONE && g->seen_holder != t->c->config.self;

	if (moved_on || !boot_before(t->now.boot, core_unseen_until(t->c, group)))
		g->unseen = (struct core_unseen){ 0 };
}

/* ---- waiting for calls to end ---- */

bool core_operation_drains(const struct core_operation *op)
{
	return op->state == OPERATION_RUNNING && op->drain_until.ns != 0;
}

void core_operation_drained(struct core_turn *t, group_index_t group)
{
	struct core_operation *op = &t->c->group[group].operation;

	op->drain_until = (boot_t){ 0 };
	op->until = boot_add(t->now.boot, t->c->config.operation_timeout_ns);
}

/* The holder begins nothing after the time that the operator gave. The others call it failed when they would
 * have heard of what it began just before; a holder that heard of the command later than that has lost its
 * lease. */
static boot_t core_drain_limit(const struct core *c, group_index_t group)
{
	const struct core_group *g = &c->group[group];
	const struct lease_timing *timing = &c->config.timing;

	if (lease_holds(&g->lease))
		return g->operation.drain_until;
	return boot_add(g->operation.drain_until,
			2 * (timing->lease_ns + timing->guard_ns) + CORE_RELEASE_WAIT_NS);
}

bool core_drain_holder_changed(struct core_turn *t, group_index_t group)
{
	struct core_group *g = &t->c->group[group];
	struct core_operation *op = &g->operation;
	int64_t settled_ns = CORE_PULSES_SETTLED * t->c->config.timing.pulse_ns;

	if (op->target == NODE_NONE || g->seen_holder == op->target)
		return false; /* the goal, soon */
	if (g->seen_holder == NODE_NONE || g->seen_holder == op->from ||
	    epoch_cmp(g->seen_epoch, op->epoch) <= 0)
		return false;
	/* What was seen when it was accepted may have been old; not so what this node did itself. */
	if (g->seen_holder != t->c->config.self && boot_diff_ns(op->accepted, t->now.boot) < settled_ns) {
		op->from = g->seen_holder;
		op->epoch = g->seen_epoch;
		return false;
	}
	return true;
}

/* A holder that is not quorate may not have heard that it was cancelled. */
static bool core_drain_lost_touch(const struct core *c, group_index_t group)
{
	const struct core_group *g = &c->group[group];
	node_id_t from = g->operation.from;

	if (lease_holds(&g->lease))
		return c->facts_known && !c->facts.quorate;
	return from != NODE_NONE && from != c->config.self && !c->peer[from].facts_known;
}

static enum reason core_drain_blame(const struct core_turn *t, group_index_t group)
{
	const struct core *c = t->c;
	const struct core_group *g = &c->group[group];
	uint32_t calls = core_calls(c, group, g->operation.from);

	if (calls == UINT32_MAX)
		return REASON_CALLS_UNKNOWN;
	if (calls > 0 ||
	    (lease_holds(&g->lease) && boot_diff_ns(g->idle_since, t->now.boot) < CORE_DRAIN_SETTLE_NS))
		return REASON_CALLS_UP;
	return core_operation_blame(t, group);
}

/* REASON_NONE: go on waiting. A target that cannot take over for a moment is waited for, too. */
static enum reason core_drain_end(struct core_turn *t, group_index_t group)
{
	if (t->c->intent.paused)
		return REASON_PAUSED;
	if (core_drain_lost_touch(t->c, group))
		return REASON_LOST_TOUCH;
	if (!core_releasing(t->c, group) && !boot_before(t->now.boot, core_drain_limit(t->c, group)))
		return core_drain_blame(t, group);
	return REASON_NONE;
}

boot_t core_operation_next(const struct core *c, group_index_t group, boot_t now)
{
	const struct core_group *g = &c->group[group];
	boot_t next, drained;

	if (g->operation.state != OPERATION_RUNNING)
		return BOOT_NEVER;
	if (!core_operation_drains(&g->operation))
		return g->operation.until;
	next = core_releasing(c, group) ? BOOT_NEVER : core_drain_limit(c, group);
	drained = boot_add(g->idle_since, CORE_DRAIN_SETTLE_NS);
	return g->idle_since.ns != 0 && boot_before(now, drained) ? boot_min(next, drained) : next;
}

void core_drain_tick(struct core_turn *t, group_index_t group)
{
	enum reason why = core_drain_end(t, group);

	if (why != REASON_NONE)
		core_operation_end(t, group, why);
}
