/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the control socket can ask for. A command that changes something is checked here first, then sent to
 * all nodes in one order; the caller is answered when it came back in that order, or (wait) when the
 * operation has ended.
 */
#include "agent.h"
#include "history.h"
#include "log.h"
#include "pushing.h"
#include "uplinks.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

#define COMMAND_DELIVERY_NS (5 * NS_PER_S)
#define COMMAND_RECORDS_MAX 10000

static const char *command_text(const struct control_request *req, const char *key)
{
	const char *s = json_string_value(json_object_get(req->args, key));

	return s ? s : "";
}

static bool command_flag(const struct control_request *req, const char *key)
{
	return json_is_true(json_object_get(req->args, key));
}

static enum control_answer command_refuse(json_t **ret_reply, json_t *reply)
{
	*ret_reply = reply;
	return CONTROL_REPLY;
}

/* ---- looking ---- */

static enum control_answer command_status(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	(void)req;
	*ret_reply = control_ok(status_json(ctx));
	return CONTROL_REPLY;
}

static enum control_answer command_gate(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;

	(void)req;
	if (!a->gate)
		return command_refuse(ret_reply, control_refusal("refused", NULL, "A witness has no gate."));
	*ret_reply = control_ok(status_gate_json(a));
	return CONTROL_REPLY;
}

/* True, or the refusal is in *ret_reply. */
static bool command_group(struct agent *a, const struct control_request *req, group_index_t *ret,
			  json_t **ret_reply)
{
	const char *name = command_text(req, "group");
	int index = config_group_index(a->config, name);
	struct words_nearest near = words_nearest(name);
	char hint[WORDS_HINT_MAX];

	if (index < 0) {
		for (uint32_t g = 0; g < a->config->groups_count; g++)
			words_nearest_offer(&near, a->config->groups[g].name);
		*ret_reply = control_refusal("usage", NULL, "There is no group \"%s\"; %s", name,
					     words_nearest_hint(&near, "see hactl status.", hint));
		return false;
	}
	*ret = (group_index_t)index;
	return true;
}

static bool command_node(struct agent *a, const char *name, node_id_t *ret, json_t **ret_reply)
{
	const struct config_node *n = config_node_named(a->config, name);
	struct words_nearest near = words_nearest(name);
	char hint[WORDS_HINT_MAX];

	if (!n) {
		for (uint32_t i = 0; i < a->config->nodes_count; i++)
			words_nearest_offer(&near, a->config->nodes[i].name);
		*ret_reply = control_refusal("usage", NULL, "There is no node \"%s\"; %s", name,
					     words_nearest_hint(&near, "see hactl status.", hint));
		return false;
	}
	*ret = (node_id_t)n->id;
	return true;
}

static enum control_answer command_why(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;
	group_index_t group;

	if (command_group(a, req, &group, ret_reply))
		*ret_reply = control_ok(status_why_json(a, group));
	return CONTROL_REPLY;
}

static enum control_answer command_watch(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	(void)ctx, (void)req, (void)ret_reply;
	return CONTROL_STREAM; /* records_watchers() publishes */
}

/* How many records are asked for. */
static unsigned command_records(const struct control_request *req)
{
	json_int_t count = json_integer_value(json_object_get(req->args, "count"));

	return count > 0 && count <= COMMAND_RECORDS_MAX ? (unsigned)count : 50;
}

static enum control_answer command_history(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;
	unsigned wanted = command_records(req);
	/* A change has two records on disk and one to show. */
	json_t *records = history_read(a->state_fd,
				       wanted < COMMAND_RECORDS_MAX / 2 ? 2 * wanted : COMMAND_RECORDS_MAX);

	if (records)
		history_tidy(records, wanted);
	*ret_reply = records ? control_ok(json_pack("{s:o}", "records", records))
			     : control_refusal("internal", NULL, "The history cannot be read.");
	return CONTROL_REPLY;
}

/* ---- registrations ---- */

static json_t *command_binding_json(const struct agent *a, const struct binding *b)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "aor", b->text[BINDING_AOR], "contact",
			      b->text[BINDING_CONTACT], "received", b->text[BINDING_RECEIVED], "socket",
			      b->text[BINDING_SOCKET], "user_agent", b->text[BINDING_USER_AGENT]);
	int64_t left_ns = boot_diff_ns(a->now.boot, b->expires_at);

	if (o && b->expires_at.ns != BOOT_NEVER.ns)
		json_object_set_new(o, "expires_s", json_integer(left_ns / NS_PER_S));
	return o;
}

static json_t *command_list_group(const struct agent *a, group_index_t group)
{
	const struct binding_store *s = a->group[group].store;
	json_t *list = json_array();

	for (size_t i = 0; s && i < binding_store_count(s); i++)
		json_array_append_new(list, command_binding_json(a, binding_store_at(s, i)));
	return json_pack("{s:s, s:o}", "group", agent_group_name(a, group), "bindings", list);
}

/* How each node's digest compares with the holder's, and this node's PBX with its store. */
static json_t *command_diff_group(const struct agent *a, group_index_t group)
{
	const struct agent_group *g = &a->group[group];
	node_id_t holder = a->core.group[group].seen_holder;
	uint64_t digest = g->store ? binding_store_digest(g->store) : 0;
	json_t *nodes = json_array();
	bool equal = true;

	if (holder && holder != a->self && a->core.peer[holder].facts_known)
		digest = a->core.peer[holder].facts.group[group].bindings_digest;
	for (uint8_t i = 0; i < a->core.config.nodes_count; i++) {
		node_id_t n = a->core.config.nodes[i].id;
		const struct group_facts *f =
			n == a->self ? &a->core.facts.group[group] : &a->core.peer[n].facts.group[group];
		bool known = n == a->self || a->core.peer[n].facts_known;

		if (a->core.config.nodes[i].witness)
			continue;
		if (!known || f->bindings_digest != digest || !f->registrations_in_step)
			equal = false;
		json_array_append_new(nodes,
				      json_pack("{s:s, s:b, s:i, s:b, s:b}", "node", agent_node_name(a, n),
						"known", known, "bindings", (int)f->bindings_count, "equal",
						known && f->bindings_digest == digest, "pbx_in_step",
						known && f->registrations_in_step));
	}
	return json_pack("{s:s, s:s, s:b, s:o}", "group", agent_group_name(a, group), "holder",
			 agent_node_name(a, holder), "equal", equal, "nodes", nodes);
}

static enum control_answer command_registrations(void *ctx, const struct control_request *req,
						 json_t **ret_reply)
{
	struct agent *a = ctx;
	bool diff = strcmp(command_text(req, "action"), "diff") == 0;
	json_t *groups = json_array();
	group_index_t only;

	if (command_text(req, "group")[0]) {
		if (!command_group(a, req, &only, ret_reply)) {
			json_decref(groups);
			return CONTROL_REPLY;
		}
		json_array_append_new(groups,
				      diff ? command_diff_group(a, only) : command_list_group(a, only));
	} else {
		for (uint32_t g = 0; g < a->config->groups_count; g++)
			json_array_append_new(groups, diff ? command_diff_group(a, (group_index_t)g)
							   : command_list_group(a, (group_index_t)g));
	}
	*ret_reply = control_ok(json_pack("{s:o}", "groups", groups));
	return CONTROL_REPLY;
}

/* ---- changing ---- */

static json_t *command_verdict_refusal(const struct agent *a, const struct core_verdict *v)
{
	return control_refusal("refused", status_candidates_json(a, &v->placement), "Refused: %s",
			       reason_text(v->reason));
}

static json_t *command_verdict_json(const struct agent *a, const struct core_command *cmd,
				    const struct core_verdict *v)
{
	uint32_t calls = core_calls(&a->core, cmd->group, a->core.group[cmd->group].seen_holder);
	json_t *o = json_pack("{s:b, s:s, s:s, s:o}", "dry_run", 1, "group", agent_group_name(a, cmd->group),
			      "to", agent_node_name(a, v->target), "nodes",
			      status_candidates_json(a, &v->placement));

	if (o && cmd->drain_ns) {
		json_object_set_new(o, "drain_ms", json_integer(cmd->drain_ns / NS_PER_MS));
		json_object_set_new(o, "calls", json_integer(calls));
	}
	return o;
}

static struct agent_operator *command_operator(struct agent *a)
{
	for (size_t i = 0; i < AGENT_OPERATORS_MAX; i++)
		if (!a->operators[i].used)
			return &a->operators[i];
	return NULL;
}

static json_t *command_done_json(const struct agent *a, const struct agent_operator *op, const char *state)
{
	char id[24];

	(void)snprintf(id, sizeof id, "%016" PRIx64, op->operation);
	return json_pack("{s:s, s:s, s:s, s:s}", "operation", id, "group",
			 op->command.type >= COMMAND_SWITCHOVER ? agent_group_name(a, op->command.group) : "",
			 "to", agent_node_name(a, op->command.node), "state", state);
}

/* Without corosync, where nothing but VRRP decides, a command is for this node. */
static enum control_answer command_alone(struct agent *a, const struct core_command *cmd, json_t **ret_reply)
{
	struct core_event ev = { .type = CORE_COMMAND, .node = a->self, .group = cmd->group };
	const struct agent_operator done = { .operation = cmd->operation, .command = *cmd };

	if ((cmd->type == COMMAND_STANDBY || cmd->type == COMMAND_UNSTANDBY) && cmd->node != a->self)
		return command_refuse(
			ret_reply,
			control_refusal("refused", NULL,
					"Corosync is not connected, so %s cannot be told; give the "
					"command there.",
					agent_node_name(a, cmd->node)));
	ev.command = *cmd;
	agent_feed(a, &ev);
	return command_refuse(ret_reply, control_ok(command_done_json(a, &done, "accepted")));
}

/* Of a drain: on a node that is not the holder it ends a little after its time. */
static int64_t command_lasts_ns(const struct agent *a, const struct core_command *cmd)
{
	return cmd->drain_ns + 2 * a->core.config.operation_timeout_ns;
}

/* Sends the checked command and remembers who waits for it. */
static enum control_answer command_send(struct agent *a, const struct control_request *req,
					struct core_command *cmd, bool wait, json_t **ret_reply)
{
	struct agent_operator *op = command_operator(a);
	int r;

	if (!op)
		return command_refuse(
			ret_reply,
			control_refusal("refused", NULL,
					"Too many commands are waiting; try again in some seconds."));
	cmd->origin = a->self;
	cmd->stamp = core_stamp_next(&a->core);
	cmd->operation = (uint64_t)a->self << 56 |
			 ((uint64_t)(a->now.boot.ns / NS_PER_MS) << 8 & 0xffffffffffff00ULL) |
			 (a->next_operation++ & 0xff);
	records_remember(a, cmd->operation, req->user, command_text(req, "why"));
	r = cluster_send_command(a, cmd, req, command_text(req, "why"));
	if (r < 0 && !config_needs_lease(a->config))
		return command_alone(a, cmd, ret_reply);
	if (r < 0)
		return command_refuse(
			ret_reply,
			control_refusal(
				"refused", NULL,
				"The other nodes cannot be told: corosync is not connected (%s). Check "
				"corosync on this node, or use another node.",
				strerror(-r)));
	*op = (struct agent_operator){
		.used = true,
		.wait = wait,
		.operation = cmd->operation,
		.command = *cmd,
		.ticket = req->ticket,
		.until = boot_add(a->now.boot, COMMAND_DELIVERY_NS + (wait ? command_lasts_ns(a, cmd) : 0)),
	};
	return CONTROL_LATER;
}

static enum control_answer command_checked(struct agent *a, const struct control_request *req,
					   struct core_command *cmd, json_t **ret_reply)
{
	struct core_verdict v;

	if (a->paths.witness)
		return command_refuse(
			ret_reply,
			control_refusal("refused", NULL,
					"This is a witness: it has no corosync. Give the command on a "
					"PBX node."));
	core_check_command(&a->core, cmd, a->now, &v);
	if (!v.accepted)
		return command_refuse(ret_reply, command_verdict_refusal(a, &v));
	if (command_flag(req, "dry_run"))
		return command_refuse(ret_reply, control_ok(command_verdict_json(a, cmd, &v)));
	if (cmd->type == COMMAND_SWITCHOVER || cmd->type == COMMAND_FAILOVER)
		cmd->node = v.target;
	return command_send(a, req, cmd, command_flag(req, "wait"), ret_reply);
}

/* VRRP has no command to take over, only one to resign: the others take over by their priorities, and this
 * node does not come back while one of them is there. */
static enum control_answer command_yield(struct agent *a, const struct control_request *req,
					 const struct core_command *cmd, json_t **ret_reply)
{
	const char *group = agent_group_name(a, cmd->group);
	json_auto_t *holder = routers_holder_json(a, cmd->group);
	const char *name = json_string_value(holder);

	if (!core_holds(&a->core, cmd->group))
		return command_refuse(
			ret_reply, control_refusal("refused", NULL,
						   "VRRP decides about %s (mode native), and only its Active "
						   "router can resign: %s. Give the command there.",
						   group, name ? name : "nobody is it now"));
	if (cmd->drain_ns)
		return command_refuse(
			ret_reply, control_refusal("refused", NULL,
						   "VRRP decides about %s (mode native), and it cannot wait "
						   "for calls; leave --drain out.",
						   group));
	if (cmd->node == a->self)
		return command_refuse(ret_reply, control_refusal("refused", NULL, "%s holds %s already.",
								 agent_node_name(a, a->self), group));
	if (command_flag(req, "dry_run"))
		return command_refuse(
			ret_reply, control_ok(json_pack("{s:b, s:s, s:s, s:[]}", "dry_run", 1, "group", group,
							"to", "the next router by priority", "nodes")));
	log_notice("%s: resigning on command of %s", group, req->user);
	if (vrrp_yield(a->vrrp, cmd->group, a->now.boot) < 0)
		return command_refuse(ret_reply, control_refusal("refused", NULL,
								 "%s is not the Active router any more.",
								 agent_node_name(a, a->self)));
	return command_refuse(
		ret_reply, control_ok(json_pack("{s:s, s:s, s:s, s:s}", "operation", "", "group", group, "to",
						"the next router by priority", "state", "accepted")));
}

/* True, or the refusal is in *ret_reply. */
static bool command_drain(const struct control_request *req, struct core_command *cmd, json_t **ret_reply)
{
	const json_t *value = json_object_get(req->args, "drain_ms");
	json_int_t ms = json_integer_value(value);

	if (!value || cmd->type != COMMAND_SWITCHOVER)
		return true;
	if (ms < 1 || ms > CORE_DRAIN_NS_MAX / NS_PER_MS) {
		*ret_reply =
			control_refusal("usage", NULL,
					"The time for calls to end is a number of milliseconds, at most a "
					"week.");
		return false;
	}
	cmd->drain_ns = ms * NS_PER_MS;
	return true;
}

static enum control_answer command_move(struct agent *a, const struct control_request *req,
					enum core_command_type type, json_t **ret_reply)
{
	struct core_command cmd = { .type = type };
	const char *to = command_text(req, "to");

	if (!command_group(a, req, &cmd.group, ret_reply))
		return CONTROL_REPLY;
	if (to[0] && !command_node(a, to, &cmd.node, ret_reply))
		return CONTROL_REPLY;
	if (!command_drain(req, &cmd, ret_reply))
		return CONTROL_REPLY;
	if (config_group_native(&a->config->groups[cmd.group]))
		return command_yield(a, req, &cmd, ret_reply);
	return command_checked(a, req, &cmd, ret_reply);
}

static enum control_answer command_switchover(void *ctx, const struct control_request *req,
					      json_t **ret_reply)
{
	return command_move(ctx, req, COMMAND_SWITCHOVER, ret_reply);
}

static enum control_answer command_cancel(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;
	struct core_command cmd = { .type = COMMAND_CANCEL };

	if (!command_group(a, req, &cmd.group, ret_reply))
		return CONTROL_REPLY;
	cmd.cancels = a->core.group[cmd.group].operation.command.operation;
	return command_checked(a, req, &cmd, ret_reply);
}

static enum control_answer command_failover(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	if (!command_flag(req, "force"))
		return command_refuse(
			ret_reply,
			control_refusal(
				"usage", NULL,
				"failover ignores the health of PBX and node and needs --force; for a "
				"planned move use switchover."));
	return command_move(ctx, req, COMMAND_FAILOVER, ret_reply);
}

static enum control_answer command_intent(struct agent *a, const struct control_request *req,
					  enum core_command_type type, json_t **ret_reply)
{
	struct core_command cmd = { .type = type };

	if ((type == COMMAND_STANDBY || type == COMMAND_UNSTANDBY) &&
	    !command_node(a, command_text(req, "node"), &cmd.node, ret_reply))
		return CONTROL_REPLY;
	return command_checked(a, req, &cmd, ret_reply);
}

static enum control_answer command_standby(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	return command_intent(ctx, req, COMMAND_STANDBY, ret_reply);
}

static enum control_answer command_unstandby(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	return command_intent(ctx, req, COMMAND_UNSTANDBY, ret_reply);
}

static enum control_answer command_pause(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	return command_intent(ctx, req, COMMAND_PAUSE, ret_reply);
}

static enum control_answer command_resume(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	return command_intent(ctx, req, COMMAND_RESUME, ret_reply);
}

/* ---- trunks ---- */

static enum control_answer command_trunk(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;
	const char *name = command_text(req, "trunk"), *action = command_text(req, "action");
	bool on = !strcmp(action, "register");
	struct sentence why = { "" };
	group_index_t group;

	if (!command_group(a, req, &group, ret_reply))
		return CONTROL_REPLY;
	if (!on && strcmp(action, "unregister") != 0)
		return command_refuse(ret_reply,
				      control_refusal("usage", NULL, "A trunk can register or unregister."));
	if (a->paths.witness)
		return command_refuse(ret_reply,
				      control_refusal("refused", NULL, "A witness has no trunks."));
	if (trunks_order_by_hand(a, group, name, on, &why) < 0)
		return command_refuse(ret_reply, control_refusal("refused", NULL, "%s", why.text));
	log_notice("%s: trunk %s: %s on command of %s", agent_group_name(a, group), name, action, req->user);
	records_event(a, "trunk", agent_group_name(a, group), "trunk %s: %s on command of %s", name, action,
		      req->user);
	return command_refuse(ret_reply,
			      control_ok(json_pack("{s:s, s:s, s:s}", "group", agent_group_name(a, group),
						   "trunk", name, "action", action)));
}

/* ---- voters ---- */

static json_t *command_names(const struct agent *a, node_set_t set)
{
	json_t *list = json_array();

	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (node_in(set, n))
			json_array_append_new(list, json_string(agent_node_name(a, n)));
	return list;
}

static json_t *command_voters_json(const struct agent *a)
{
	const struct voter_set *v = &a->core.voters.set;

	return json_pack("{s:i, s:s, s:o, s:o, s:o}", "version", (int)v->version, "phase",
			 v->phase == VOTERS_JOINT ? "joint" : "stable", "voters",
			 command_names(a, v->old_set), "next", command_names(a, v->new_set), "configured",
			 command_names(a, config_voters(a->config)));
}

/* ---- uplinks ---- */

static json_t *command_uplinks_json(struct agent *a)
{
	return json_pack("{s:o, s:o}", "uplinks", uplinks_json(a->uplinks), "voice",
			 uplinks_voice_json(a->uplinks));
}

static enum control_answer command_uplink(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;
	const char *action = command_text(req, "action"), *name = command_text(req, "uplink");
	bool use = !strcmp(action, "use");
	struct sentence why = { "" };
	json_t *ret;
	int r;

	if (!use && *name)
		return command_refuse(ret_reply, control_refusal("usage", NULL, "Only use names an uplink."));
	if (!strcmp(action, "list"))
		return command_refuse(ret_reply, control_ok(command_uplinks_json(a)));
	if (!strcmp(action, "history"))
		return command_refuse(ret_reply,
				      control_ok(json_pack("{s:o}", "records",
							   history_read_type(a->state_fd, "uplink",
									     command_records(req)))));
	if (!use && strcmp(action, "auto") != 0)
		return command_refuse(ret_reply, control_refusal("usage", NULL,
								 "An action is list, use, auto or history."));
	if (req->role < ROLE_OPERATOR)
		return command_refuse(ret_reply, control_refusal("forbidden", NULL,
								 "Only an operator may choose the uplink."));
	if (use && !*name)
		return command_refuse(ret_reply,
				      control_refusal("usage", NULL, "Which one? See hactl uplink list."));
	r = use ? uplinks_use(a->uplinks, name, req->user, &why) : uplinks_auto(a->uplinks, req->user, &why);
	if (r < 0)
		return command_refuse(ret_reply, control_refusal("refused", NULL, "%s", why.text));
	ret = command_uplinks_json(a);
	if (!use && r == 0)
		json_object_set_new(ret, "note",
				    json_string("No uplink was ordered by hand: nothing changes."));
	return command_refuse(ret_reply, control_ok(ret));
}

/* Brings the voters in force to those of the configuration, by way of a joint set. */
static enum control_answer command_voters(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_VOTERS_CHANGE };
	const struct voter_set *v = &a->core.voters.set;

	if (strcmp(command_text(req, "action"), "apply") != 0)
		return command_refuse(ret_reply, control_ok(command_voters_json(a)));
	if (req->role < ROLE_ADMIN)
		return command_refuse(ret_reply, control_refusal("forbidden", NULL,
								 "Only an admin may change the voters."));
	if (v->phase == VOTERS_JOINT)
		return command_refuse(
			ret_reply,
			control_refusal("refused", NULL,
					"A change of the voters is under way; it ends when a majority of "
					"the old and of the new voters have taken it."));
	if (v->new_set == config_voters(a->config))
		return command_refuse(ret_reply,
				      control_refusal("refused", NULL,
						      "The voters in force are those of the configuration."));
	ev.voters.new_set = config_voters(a->config);
	agent_feed(a, &ev);
	records_event(a, "voters-change", NULL, "change of the voters begun by %s", req->user);
	return command_refuse(ret_reply, control_ok(command_voters_json(a)));
}

/* ---- who waits ---- */

static void command_answer(struct agent *a, struct agent_operator *op, json_t *reply)
{
	control_reply(a->control, op->ticket, reply);
	op->used = false;
}

/* It may have ended by itself while the command was on its way. */
static json_t *command_cancelled(const struct agent *a, const struct agent_operator *op)
{
	const struct core_operation *run = &a->core.group[op->command.group].operation;

	if (run->command.operation == op->command.cancels && run->state == OPERATION_FAILED &&
	    run->reason == REASON_CANCELLED)
		return control_ok(command_done_json(a, op, "done"));
	return control_refusal("refused", NULL, "Too late: %s", reason_text(REASON_NO_OPERATION));
}

void commands_delivered(struct agent *a, const struct core_command *cmd)
{
	for (size_t i = 0; i < AGENT_OPERATORS_MAX; i++) {
		struct agent_operator *op = &a->operators[i];

		if (!op->used || op->operation != cmd->operation)
			continue;
		op->delivered = true;
		if (op->command.type == COMMAND_CANCEL)
			command_answer(a, op, command_cancelled(a, op));
		else if (!op->wait || op->command.type == COMMAND_PAUSE || op->command.type == COMMAND_RESUME)
			command_answer(a, op, control_ok(command_done_json(a, op, "accepted")));
	}
}

/* The node in standby holds nothing any more, or the one out of it may hold again. */
static bool command_intent_done(const struct agent *a, const struct core_command *cmd)
{
	for (uint8_t g = 0; cmd->type == COMMAND_STANDBY && g < a->core.config.groups_count; g++)
		if (a->core.group[g].seen_holder == cmd->node)
			return false;
	return true;
}

static void command_look(struct agent *a, struct agent_operator *op)
{
	bool intent = op->command.type == COMMAND_STANDBY || op->command.type == COMMAND_UNSTANDBY;
	const struct core_operation *run = &a->core.group[op->command.group].operation;
	bool mine = run->command.operation == op->operation;

	if (intent && op->delivered && command_intent_done(a, &op->command))
		command_answer(a, op, control_ok(command_done_json(a, op, "done")));
	else if (mine && run->state == OPERATION_DONE)
		command_answer(a, op, control_ok(command_done_json(a, op, "done")));
	else if (mine && run->state == OPERATION_FAILED)
		command_answer(a, op,
			       control_refusal(
				       "refused",
				       status_candidates_json(a, &a->core.group[op->command.group].placement),
				       "It was accepted, but failed: %s", reason_text(run->reason)));
	else if (!boot_before(a->now.boot, op->until))
		command_answer(a, op,
			       control_refusal("refused", NULL,
					       "No answer from corosync in time; whether the command took "
					       "effect is in hactl "
					       "history."));
}

void commands_tick(struct agent *a)
{
	for (size_t i = 0; i < AGENT_OPERATORS_MAX; i++)
		if (a->operators[i].used)
			command_look(a, &a->operators[i]);
}

boot_t commands_next(const struct agent *a)
{
	/* While somebody waits, look again with every pulse. */
	for (size_t i = 0; i < AGENT_OPERATORS_MAX; i++)
		if (a->operators[i].used)
			return boot_add(a->now.boot, a->core.config.timing.pulse_ns);
	return BOOT_NEVER;
}

static void command_gone(void *ctx, control_ticket_t ticket)
{
	struct agent *a = ctx;

	for (size_t i = 0; i < AGENT_OPERATORS_MAX; i++)
		if (a->operators[i].used && a->operators[i].ticket.value == ticket.value)
			a->operators[i].used = false;
}

static enum config_role command_role(void *ctx, uid_t uid, const char *user)
{
	const struct agent *a = ctx;

	return config_role_of(a->config, uid, user);
}

const struct control_ops agent_control_ops = {
	.role = command_role,
	.gone = command_gone,
};

/* The latest records of fencing among the latest of all. */
static enum control_answer command_fence_history(struct agent *a, const struct control_request *req,
						 json_t **ret_reply)
{
	json_t *all = history_read(a->state_fd, COMMAND_RECORDS_MAX), *kept = json_array(), *r;
	size_t i;

	json_array_foreach(all, i, r)
	{
		const char *type = json_string_value(json_object_get(r, "type"));

		if (type && !strcmp(type, "fence"))
			json_array_append(kept, r);
		if (json_array_size(kept) > command_records(req))
			json_array_remove(kept, 0);
	}
	*ret_reply = all ? control_ok(json_pack("{s:O}", "records", kept))
			 : control_refusal("internal", NULL, "The history cannot be read.");
	json_decref(kept);
	json_decref(all);
	return CONTROL_REPLY;
}

/* A machine loses its power, or is declared without: for administrators, and with a reason in the history. */
static enum control_answer command_fence(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;
	const char *action = command_text(req, "action"), *why = command_text(req, "reason");
	bool confirm = !strcmp(action, "confirm");
	struct sentence refused = { "" };
	node_id_t node;

	if (!strcmp(action, "history"))
		return command_fence_history(a, req, ret_reply);
	if (req->role < ROLE_ADMIN)
		return command_refuse(ret_reply,
				      control_refusal("forbidden", NULL, "Only an admin may fence a node."));
	if (!command_node(a, command_text(req, "node"), &node, ret_reply))
		return CONTROL_REPLY;
	if (!confirm && strcmp(action, "off") != 0)
		return command_refuse(ret_reply,
				      control_refusal("usage", NULL, "A node can be shot or confirmed."));
	if (confirm && !why[0])
		return command_refuse(
			ret_reply,
			control_refusal("usage", NULL, "Say with --reason how you know that it is off."));
	if (fences_order(a, node, confirm, req->user, why, &refused) < 0)
		return command_refuse(ret_reply, control_refusal("refused", NULL, "%s", refused.text));
	return command_refuse(ret_reply, control_ok(json_pack("{s:s, s:s}", "node", agent_node_name(a, node),
							      "action", action)));
}

static enum control_answer command_config(void *ctx, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = ctx;

	if (!strcmp(command_text(req, "action"), "push"))
		return pushing_command(a->pushing, req, ret_reply);
	return command_refuse(ret_reply, control_refusal("usage", NULL, "An action is push."));
}

const struct control_command agent_commands[] = {
	{ "status", ROLE_VIEWER, command_status },
	{ "why", ROLE_VIEWER, command_why },
	{ "gate", ROLE_VIEWER, command_gate },
	{ "watch", ROLE_VIEWER, command_watch },
	{ "history", ROLE_VIEWER, command_history },
	{ "registrations", ROLE_VIEWER, command_registrations },
	{ "trunk", ROLE_OPERATOR, command_trunk },
	{ "uplink", ROLE_VIEWER, command_uplink },
	{ "voters", ROLE_VIEWER, command_voters },
	{ "switchover", ROLE_OPERATOR, command_switchover },
	{ "failover", ROLE_ADMIN, command_failover },
	{ "cancel", ROLE_OPERATOR, command_cancel },
	{ "standby", ROLE_OPERATOR, command_standby },
	{ "unstandby", ROLE_OPERATOR, command_unstandby },
	{ "pause", ROLE_OPERATOR, command_pause },
	{ "resume", ROLE_OPERATOR, command_resume },
	{ "fence", ROLE_VIEWER, command_fence },
	{ "config", ROLE_ADMIN, command_config },
	{ NULL, ROLE_NONE, NULL },
};
