/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hactl, as the shell does it: check at the node that is asked, then broadcast.
 */
#include "sim.h"

#include <string.h>

static void sim_operation_note(struct sim *s, const struct sim_node *n, const struct core_command *cmd)
{
	struct sim_operation_truth *o;

	if (s->operations_count >= SIM_OPERATIONS_MAX)
		return;
	o = &s->operation[s->operations_count++];
	*o = (struct sim_operation_truth){
		.id = cmd->operation,
		.origin = n->id,
		.life = n->life,
		.at = s->now,
		.drain_ns = cmd->drain_ns,
	};
	s->operations++;
}

static const char *sim_command_name(enum core_command_type type)
{
	static const char *const names[] = {
		[COMMAND_PAUSE] = "pause",	     [COMMAND_RESUME] = "resume",
		[COMMAND_STANDBY] = "standby",	     [COMMAND_UNSTANDBY] = "unstandby",
		[COMMAND_SWITCHOVER] = "switchover", [COMMAND_FAILOVER] = "failover --force",
		[COMMAND_CANCEL] = "cancel",
	};

	return names[type];
}

static bool sim_command_moves(enum core_command_type type)
{
	return type == COMMAND_SWITCHOVER || type == COMMAND_FAILOVER;
}

static void sim_command_trace(struct sim *s, node_id_t at, const struct core_command *cmd,
			      const struct core_verdict *v)
{
	sim_trace(s, "%s operator: %s%s%s%s: %s%s", sim_name(s, at), sim_command_name(cmd->type),
		  cmd->drain_ns ? " --drain" : "", cmd->node ? " " : "",
		  cmd->node ? sim_name(s, cmd->node) : "", v->accepted ? "accepted" : "refused, ",
		  v->accepted ? "" : reason_name(v->reason));
}

bool sim_order(struct sim *s, node_id_t at, const struct core_command *cmd)
{
	struct sim_node *n = &s->node[at];
	struct core_event ev = { .type = CORE_COMMAND, .command = *cmd };
	struct core_verdict v;

	if (!n->running || n->stalled_until)
		return false;
	core_check_command(n->core, &ev.command, sim_instant(s, n), &v);
	sim_command_trace(s, at, cmd, &v);
	if (!v.accepted)
		return false;
	if (sim_command_moves(cmd->type))
		ev.command.node = v.target;
	if (cmd->type == COMMAND_CANCEL)
		ev.command.cancels = n->core->group[cmd->group].operation.command.operation;
	ev.command.stamp = core_stamp_next(n->core);
	ev.command.origin = at;
	ev.command.operation = (uint64_t)at << 56 | ++s->operation_number;
	if (sim_command_moves(cmd->type))
		sim_operation_note(s, n, &ev.command);
	sim_cpg_send(s, at, &ev);
	return true;
}

bool sim_command(struct sim *s, node_id_t at, enum core_command_type type, group_index_t group,
		 node_id_t node)
{
	const struct core_command cmd = { .type = type, .group = group, .node = node };

	return sim_order(s, at, &cmd);
}
