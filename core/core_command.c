/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What operators want. Intents (pause, standby) are values with a stamp: the latest wins, everywhere, for
 * ever. Operations (switchover, failover) are actions with an end: each is done or failed, and the node that
 * received the command records which. Commands come in one order on all nodes, so the latest operation of a
 * group replaces an earlier one everywhere alike.
 */
#include "core_private.h"

#include <assert.h>
#include <string.h>

/* ---- intents ---- */

/* What an intent is, apart from whom it concerns. */
struct core_wish {
	bool on;
	uint64_t stamp;
	node_id_t by;
};

/* The latest wins, ties by origin. A node that lost its disk may have given one stamp to two different
 * wishes: then the careful one wins, on every node alike. */
static bool core_wish_wins(struct core_wish a, struct core_wish over)
{
	if (a.stamp != over.stamp)
		return a.stamp > over.stamp;
	if (a.by != over.by)
		return a.by > over.by;
	return a.on && !over.on;
}

static bool core_pause_set(struct core_intent *in, struct core_wish w)
{
	if (!core_wish_wins(w, (struct core_wish){ in->paused, in->paused_stamp, in->paused_by }))
		return false;
	in->paused = w.on;
	in->paused_stamp = w.stamp;
	in->paused_by = w.by;
	return true;
}

static bool core_standby_set(struct core_intent *in, node_id_t n, struct core_wish w)
{
	if (n == NODE_NONE || n > NODE_ID_MAX ||
	    !core_wish_wins(w, (struct core_wish){ in->node[n].standby, in->node[n].stamp, in->node[n].by }))
		return false;
	in->node[n].standby = w.on;
	in->node[n].stamp = w.stamp;
	in->node[n].by = w.by;
	return true;
}

static void core_stamp_see(struct core *c, uint64_t stamp)
{
	if (stamp > c->stamp)
		c->stamp = stamp;
}

uint64_t core_stamp_next(struct core *c)
{
	return ++c->stamp;
}

void core_intent_merge(struct core_turn *t, const struct core_intent *other)
{
	struct core_intent *in = &t->c->intent;
	bool changed = core_pause_set(
		in, (struct core_wish){ other->paused, other->paused_stamp, other->paused_by });

	core_stamp_see(t->c, other->paused_stamp);
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		changed |= core_standby_set(in, n,
					    (struct core_wish){ other->node[n].standby, other->node[n].stamp,
								other->node[n].by });
		core_stamp_see(t->c, other->node[n].stamp);
	}
	if (changed)
		plan_add(t->plan, PLAN_SAVE_INTENT, 0);
}

/* why REASON_NONE: it took effect. Its origin tells. */
static void core_command_record(struct core_turn *t, const struct core_command *cmd, enum reason why)
{
	struct plan_action *a;

	if (cmd->origin != t->c->config.self)
		return;
	a = plan_add(t->plan, PLAN_RECORD, cmd->group);
	a->record = (struct core_record){
		.type = RECORD_COMMAND,
		.group = cmd->group,
		.node = cmd->origin,
		.peer = cmd->node,
		.cause = CAUSE_OPERATOR,
		.reason = (uint8_t)why,
		.command = cmd->type,
		.operation = cmd->operation,
		.ok = why == REASON_NONE,
		.at = t->now.boot,
	};
}

static void core_intent_command(struct core_turn *t, const struct core_command *cmd)
{
	struct core_intent *in = &t->c->intent;
	bool applied;

	if (cmd->type == COMMAND_PAUSE || cmd->type == COMMAND_RESUME)
		applied = core_pause_set(
			in, (struct core_wish){ cmd->type == COMMAND_PAUSE, cmd->stamp, cmd->origin });
	else
		applied = core_standby_set(
			in, cmd->node,
			(struct core_wish){ cmd->type == COMMAND_STANDBY, cmd->stamp, cmd->origin });
	if (applied) {
		plan_add(t->plan, PLAN_SAVE_INTENT, 0);
		core_explain(t, 0, RULE_COMMAND, cmd->node, cmd->type);
	}
	core_command_record(t, cmd, applied ? REASON_NONE : REASON_SUPERSEDED);
}

/* ---- operations ---- */

struct core_operation *core_operation_running(struct core *c, group_index_t group)
{
	struct core_operation *op = &c->group[group].operation;

	return op->state == OPERATION_RUNNING ? op : NULL;
}

bool core_operation_may_start(const struct core *c, const struct core_operation *op, boot_t now)
{
	return boot_before(now, boot_add(op->until, -c->config.operation_timeout_ns / 4));
}

static void core_operation_record(struct core_turn *t, group_index_t group)
{
	const struct core_operation *op = &t->c->group[group].operation;
	bool done = op->state == OPERATION_DONE;
	struct plan_action *a;

	core_explain(t, group, done ? RULE_OPERATION_DONE : RULE_OPERATION_FAILED, op->target, op->reason);
	if (op->command.origin != t->c->config.self)
		return;
	a = plan_add(t->plan, PLAN_RECORD, group);
	a->record = (struct core_record){
		.type = RECORD_OPERATION,
		.group = group,
		.node = op->command.origin,
		.peer = op->target,
		.epoch = t->c->group[group].seen_epoch,
		.cause = CAUSE_OPERATOR,
		.reason = (uint8_t)op->reason,
		.command = op->command.type,
		.operation = op->command.operation,
		.ok = done,
		.at = t->now.boot,
	};
}

void core_operation_end(struct core_turn *t, group_index_t group, enum reason why)
{
	struct core_operation *op = &t->c->group[group].operation;

	assert(op->state == OPERATION_RUNNING);
	op->state = why == REASON_NONE ? OPERATION_DONE : OPERATION_FAILED;
	op->reason = why;
	core_operation_record(t, group);
}

/* A RELEASE can be faster than the command behind it: the takeover that still goes on here is the command's.
 */
static void core_operation_claim(struct core_turn *t, const struct core_command *cmd)
{
	struct takeover *up = &t->c->group[cmd->group].takeover;

	if (up->direction != TAKEOVER_UP || up->record.cause != CAUSE_RELEASE ||
	    cmd->node != t->c->config.self)
		return;
	up->record.cause = CAUSE_OPERATOR;
	up->record.operation = cmd->operation;
}

static void core_operation_take(struct core_turn *t, const struct core_command *cmd)
{
	struct core *c = t->c;
	struct core_group *g = &c->group[cmd->group];

	core_operation_claim(t, cmd);
	if (core_operation_running(c, cmd->group))
		core_operation_end(t, cmd->group, REASON_SUPERSEDED);
	g->operation = (struct core_operation){
		.state = OPERATION_RUNNING,
		.command = *cmd,
		.target = cmd->node,
		.from = g->seen_holder,
		.epoch = g->seen_epoch,
		.accepted = t->now.boot,
		.until = boot_add(t->now.boot, cmd->drain_ns + c->config.operation_timeout_ns),
	};
	if (cmd->drain_ns > 0)
		g->operation.drain_until = boot_add(t->now.boot, cmd->drain_ns);
	core_explain(t, cmd->group, RULE_OPERATION_STARTED, cmd->node, cmd->type);
	/* The pause came first in the order of all nodes, so all refuse alike. */
	if (cmd->type == COMMAND_SWITCHOVER && c->intent.paused)
		core_operation_end(t, cmd->group, REASON_PAUSED);
	else if (cmd->node != NODE_NONE && !core_is_candidate(c, cmd->group, cmd->node))
		core_operation_end(t, cmd->group, REASON_NOT_A_CANDIDATE);
}

static bool core_operation_reached(const struct core_turn *t, group_index_t group)
{
	const struct core_group *g = &t->c->group[group];
	const struct core_operation *op = &g->operation;
	int64_t settled_ns = CORE_PULSES_SETTLED * t->c->config.timing.pulse_ns;

	if (g->seen_holder == NODE_NONE)
		return false;
	if (op->target == NODE_NONE ? g->seen_holder == op->from : g->seen_holder != op->target)
		return false;
	if (g->seen_holder == t->c->config.self && g->takeover.direction == TAKEOVER_UP)
		return false; /* its end is near and bounded */
	return epoch_cmp(g->seen_epoch, op->epoch) > 0 ||
	       boot_diff_ns(op->accepted, t->now.boot) >= settled_ns;
}

/* The closest we can say: what is wrong with the target, or with the voters, or else only that time is over.
 */
enum reason core_operation_blame(const struct core_turn *t, group_index_t group)
{
	const struct core *c = t->c;
	const struct core_operation *op = &c->group[group].operation;
	struct core_look look = { .ignore_health = op->command.type == COMMAND_FAILOVER };
	const struct placement_candidate *cand;
	struct placement p;

	core_place(c, group, &look, t->now.boot, &p);
	cand = core_candidate_find(&p, op->target);
	if (cand && !cand->eligible)
		return cand->reason;
	if (op->target == NODE_NONE && p.chosen == NODE_NONE)
		return REASON_NO_CANDIDATE;
	return lease_majority_reachable(&c->group[group].lease, t->now) ? REASON_TIMEOUT : REASON_NO_MAJORITY;
}

/* ---- commands ---- */

static void core_operation_cancel(struct core_turn *t, const struct core_command *cmd)
{
	struct core_operation *op = core_operation_running(t->c, cmd->group);
	bool runs = op && op->command.operation == cmd->cancels;

	if (runs)
		core_operation_end(t, cmd->group, REASON_CANCELLED);
	core_command_record(t, cmd, runs ? REASON_NONE : REASON_NO_OPERATION);
}

void core_operation_tick(struct core_turn *t, group_index_t group)
{
	struct core_operation *op = core_operation_running(t->c, group);

	if (!op)
		return;
	if (core_operation_reached(t, group))
		core_operation_end(t, group, REASON_NONE);
	else if (op->command.drain_ns > 0 && core_drain_holder_changed(t, group))
		core_operation_end(t, group, REASON_HOLDER_CHANGED);
	else if (core_operation_drains(op))
		core_drain_tick(t, group);
	else if (!boot_before(t->now.boot, op->until))
		core_operation_end(t, group, core_operation_blame(t, group));
	else if (op->handed && op->target != t->c->config.self && lease_holds(&t->c->group[group].lease))
		core_operation_end(t, group, core_operation_blame(t, group)); /* the target did not take it */
}

void core_command_take(struct core_turn *t, const struct core_command *cmd)
{
	core_stamp_see(t->c, cmd->stamp);
	switch (cmd->type) {
	case COMMAND_PAUSE:
	case COMMAND_RESUME:
	case COMMAND_STANDBY:
	case COMMAND_UNSTANDBY:
		core_intent_command(t, cmd);
		return;
	case COMMAND_SWITCHOVER:
	case COMMAND_FAILOVER:
		if (cmd->group < t->c->config.groups_count) /* came from a peer: never asserted */
			core_operation_take(t, cmd);
		return;
	case COMMAND_CANCEL:
		if (cmd->group < t->c->config.groups_count)
			core_operation_cancel(t, cmd);
		return;
	}
}
