/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Would a command be accepted now? Asked before it is broadcast and by --dry-run; changes nothing. A command
 * that was accepted may still fail: what was true here a moment ago may be false where it is carried out.
 */
#include "core_private.h"

#include <assert.h>
#include <string.h>

static void core_verdict(struct core_verdict *v, enum reason why)
{
	v->reason = why;
	v->accepted = why == REASON_NONE;
}

/* Every group that the node holds needs somebody else. */
static enum reason core_check_standby(const struct core *c, node_id_t n, struct instant now,
				      struct core_verdict *ret)
{
	const struct core_node_config *node = core_node_find(c, n);

	if (!node || node->witness)
		return REASON_NOT_A_CANDIDATE;
	if (c->intent.node[n].standby)
		return REASON_NONE;
	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		const struct core_look look = { .assume_standby = n };

		if (c->group[g].seen_holder != n)
			continue;
		if (!c->config.groups[g].native) { /* who comes after it there, VRRP decides */
			core_place(c, g, &look, now.boot, &ret->placement);
			if (ret->placement.chosen == NODE_NONE)
				return REASON_NO_CANDIDATE;
			ret->target = ret->placement.chosen;
		}
		if (c->intent.paused)
			return REASON_PAUSED;
	}
	return REASON_NONE;
}

static enum reason core_check_target(const struct core *c, const struct core_command *cmd, struct instant now,
				     struct core_verdict *ret)
{
	const struct core_group *g = &c->group[cmd->group];
	const struct core_look all = { .ignore_health = cmd->type == COMMAND_FAILOVER };
	const struct core_look others = { .ignore_health = all.ignore_health, .exclude = g->seen_holder };
	const struct placement_candidate *cand;
	struct placement p;

	core_place(c, cmd->group, &all, now.boot, &ret->placement);
	if (cmd->node == NODE_NONE) {
		core_place(c, cmd->group, &others, now.boot, &p);
		ret->target = p.chosen;
		if (p.chosen == NODE_NONE)
			return REASON_NO_CANDIDATE;
		return lease_peer_mute(&g->lease, p.chosen) ? REASON_MUTE : REASON_NONE;
	}
	cand = core_candidate_find(&ret->placement, cmd->node);
	if (!cand)
		return REASON_NOT_A_CANDIDATE;
	if (cmd->node == g->seen_holder)
		return REASON_ALREADY_HOLDER;
	ret->target = cmd->node;
	if (!cand->eligible)
		return cand->reason;
	return lease_peer_mute(&g->lease, cmd->node) ? REASON_MUTE : REASON_NONE;
}

static enum reason core_check_move(const struct core *c, const struct core_command *cmd, struct instant now,
				   struct core_verdict *ret)
{
	const struct core_group *g = &c->group[cmd->group];
	bool forced = cmd->type == COMMAND_FAILOVER;
	enum reason why;

	assert(cmd->group < c->config.groups_count);
	why = core_check_target(c, cmd, now, ret); /* first, so that the list is filled whatever is refused */
	if (c->stopping)
		return REASON_STOPPING;
	if (c->intent.paused && !forced)
		return REASON_PAUSED;
	if (g->operation.state == OPERATION_RUNNING && !forced)
		return REASON_BUSY;
	if (g->seen_holder == NODE_NONE && !forced)
		return REASON_NO_HOLDER;
	if (why != REASON_NONE)
		return why;
	if (cmd->drain_ns > 0 && core_calls(c, cmd->group, g->seen_holder) == UINT32_MAX)
		return REASON_CALLS_UNKNOWN;
	return lease_majority_reachable(&g->lease, now) ? REASON_NONE : REASON_NO_MAJORITY;
}

/* A holder that does not hear of it would go on. */
static enum reason core_check_cancel(const struct core *c, const struct core_command *cmd)
{
	const struct core_group *g = &c->group[cmd->group];
	node_id_t holder = g->seen_holder;

	assert(cmd->group < c->config.groups_count);
	if (g->operation.state != OPERATION_RUNNING)
		return REASON_NO_OPERATION;
	if (holder != NODE_NONE && holder != c->config.self && !c->peer[holder].facts_known)
		return REASON_LOST_TOUCH;
	return REASON_NONE;
}

void core_check_command(const struct core *c, const struct core_command *cmd, struct instant now,
			struct core_verdict *ret)
{
	memset(ret, 0, sizeof *ret);
	/* It does not know the latest stamps: what it said might be older than what it changes. */
	if (c->facts_known && c->facts.joining) {
		core_verdict(ret, REASON_JOINING);
		return;
	}
	switch (cmd->type) {
	case COMMAND_PAUSE:
	case COMMAND_RESUME:
		core_verdict(ret, REASON_NONE);
		return;
	case COMMAND_STANDBY:
		core_verdict(ret, core_check_standby(c, cmd->node, now, ret));
		return;
	case COMMAND_UNSTANDBY:
		core_verdict(ret, core_node_find(c, cmd->node) ? REASON_NONE : REASON_NOT_A_CANDIDATE);
		return;
	case COMMAND_SWITCHOVER:
	case COMMAND_FAILOVER:
		core_verdict(ret, core_check_move(c, cmd, now, ret));
		return;
	case COMMAND_CANCEL:
		core_verdict(ret, core_check_cancel(c, cmd));
		return;
	}
}
