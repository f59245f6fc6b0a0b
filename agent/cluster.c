/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Corosync: heartbeats out once a second and at every change, and what the others say turned into events.
 * Without corosync the lease goes on; commands and replication wait.
 */
#include "agent.h"
#include "history.h"
#include "log.h"
#include "service_batch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER_SNAPSHOT_RECORDS 200

enum cluster_section { CLUSTER_SECTION_BINDINGS, CLUSTER_SECTION_HISTORY };

/* ---- from corosync ---- */

static void cluster_connection(void *ctx, bool up)
{
	struct agent *a = ctx;

	log_notice("corosync: %s%s", up ? "connected" : "not connected",
		   config_needs_lease(a->config) ? "" : ", which no group needs");
	if (up || !config_needs_lease(a->config)) {
		(void)alarms_clear(&a->alarms, "corosync");
		a->next_heartbeat = (boot_t){ 0 };
	} else {
		(void)alarms_raise(&a->alarms, "corosync", a->now.boot,
				   "Corosync is not connected: the lease goes on, but commands and "
				   "registrations are not "
				   "replicated; start corosync on this node.");
	}
}

static void cluster_quorum(void *ctx, bool quorate)
{
	struct agent *a = ctx;

	log_notice("corosync: %s", quorate ? "quorate" : "not quorate");
	a->quorate = quorate;
}

static void cluster_lost(void *ctx, node_set_t lost)
{
	struct agent *a = ctx;

	a->nodes_lost = lost;
}

static void cluster_fence(void *ctx, node_id_t from, const struct heartbeat_fence *fence, struct instant at)
{
	struct agent *a = ctx;

	a->now = at;
	fences_receive(a, from, fence);
}

static void cluster_members(void *ctx, node_set_t members, node_set_t left)
{
	struct agent *a = ctx;

	(void)members;
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		struct core_event ev = { .type = CORE_PEER_LEFT, .node = n };

		if (!node_in(left, n) || n == a->self)
			continue;
		ev.left.down = node_in(a->nodes_lost, n);
		log_notice("corosync: %s left%s", agent_node_name(a, n),
			   ev.left.down ? ": the node is lost" : "");
		agent_feed(a, &ev);
	}
	a->next_heartbeat = (boot_t){ 0 };
}

static void cluster_state(void *ctx, node_id_t from, const struct heartbeat_state *state, struct instant at)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_PEER_FACTS, .node = from };

	a->now = at;
	if (from == a->self)
		return;
	a->wire[from].known = true;
	a->wire[from].minor = state->minor;
	memcpy(a->wire[from].release, state->version, sizeof a->wire[from].release);
	ev.facts = state->facts;
	node_facts_ages(&ev.facts, at.boot);
	agent_feed(a, &ev);
	services_compare(a, from);
}

static void cluster_command(void *ctx, node_id_t from, const struct heartbeat_command *command,
			    struct instant at)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_COMMAND, .node = from, .group = command->command.group };

	a->now = at;
	ev.command = command->command;
	log_notice("command %d from %s (%s): %s", command->command.type, agent_node_name(a, from),
		   command->user, command->why[0] ? command->why : "no reason given");
	agent_feed(a, &ev);
	commands_delivered(a, &command->command);
}

static void cluster_bindings(void *ctx, node_id_t from, const uint8_t *data, size_t len, struct instant at)
{
	struct agent *a = ctx;

	a->now = at;
	services_receive(a, from, data, len);
}

static void cluster_history(void *ctx, node_id_t from, const uint8_t *data, size_t len, struct instant at)
{
	struct agent *a = ctx;

	a->now = at;
	if (from != a->self)
		records_receive(a, (const char *)data, len);
}

static void cluster_intent(void *ctx, node_id_t from, const struct core_intent *intent, struct instant at)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_INTENT, .node = from };

	a->now = at;
	ev.intent = *intent;
	agent_feed(a, &ev);
}

static void cluster_section(void *ctx, node_id_t from, uint8_t section, const uint8_t *data, size_t len,
			    struct instant at)
{
	struct agent *a = ctx;

	a->now = at;
	if (section == CLUSTER_SECTION_BINDINGS)
		services_receive(a, from, data, len);
	else if (section == CLUSTER_SECTION_HISTORY)
		records_receive(a, (const char *)data, len);
}

static void cluster_send_record(struct agent *a, uint64_t snapshot, const char *line)
{
	if (snapshot)
		(void)heartbeat_io_send_section(a->heartbeat, snapshot, CLUSTER_SECTION_HISTORY, line,
						strlen(line));
	else
		(void)cluster_send_history(a, line, strlen(line));
}

/* The last records, oldest first: into the answer to that request, or (snapshot 0) this node's own to all. */
static void cluster_send_records(struct agent *a, uint64_t snapshot)
{
	json_t *records = history_read(a->state_fd, CLUSTER_SNAPSHOT_RECORDS);
	json_t *record;
	size_t i;

	if (records)
		history_drop_begun(records);
	json_array_foreach(records, i, record)
	{
		char *line;

		if (!snapshot && json_integer_value(json_object_get(record, "node_id")) != a->self)
			continue;
		json_object_del(record, "prev"); /* of our chain; the reader has its own */
		line = json_dumps(record, JSON_COMPACT);
		if (line)
			cluster_send_record(a, snapshot, line);
		free(line);
	}
	json_decref(records);
}

/* What this node wrote while nobody heard it, before it was started again, is on its disk alone. Who has it
 * already ignores it. */
static void cluster_joining(void *ctx, bool joining)
{
	struct agent *a = ctx;

	log_notice("cluster: %s", joining ? "joining, waiting for a snapshot" : "joined");
	a->joined = !joining;
	a->next_heartbeat = (boot_t){ 0 };
	if (a->joined)
		cluster_send_records(a, 0);
}

void cluster_snapshot_go(struct agent *a)
{
	if (!a->snapshot)
		return;
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		if (a->group[i].resend.active && a->group[i].resend.snapshot == a->snapshot)
			return;
	if (!a->snapshot_told)
		cluster_send_records(a, a->snapshot);
	a->snapshot_told = true;
	/* Without room it waits for cluster_tick(); stale: somebody else answers. */
	if (heartbeat_io_send_snapshot_end(a->heartbeat, a->snapshot) != -ENOBUFS)
		a->snapshot = 0;
}

static void cluster_snapshot_wanted(void *ctx, uint64_t request)
{
	struct agent *a = ctx;

	a->snapshot = request;
	a->snapshot_told = false;
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		if (a->group[i].store && service_resend_start(&a->group[i], request) == 0)
			(void)service_resend_run(&a->group[i]); /* the rest with the timer */
	cluster_snapshot_go(a);
}

static void cluster_intent_get(void *ctx, struct core_intent *ret)
{
	const struct agent *a = ctx;

	*ret = a->core.intent;
}

static void cluster_alarm(void *ctx, const struct heartbeat_alarm *al)
{
	struct agent *a = ctx;
	const char *what = heartbeat_outcome_name(al->outcome);
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "heartbeat/%s/%s", what, agent_node_name(a, al->node));
	log_warning("heartbeat of %s (corosync node %u): %s, %llu times -> dropped",
		    agent_node_name(a, al->node), al->corosync_node, what, (unsigned long long)al->count);
	/* Right after a start a heartbeat may come before the pulse that vouches for it: no alarm. */
	if (al->outcome == HEARTBEAT_UNPROVEN)
		return;
	if (al->outcome == HEARTBEAT_UNKNOWN_VERSION && al->node) {
		agent_wire_refused(a, al->node, "Heartbeats", al->version);
		return;
	}
	if (alarms_event(&a->alarms, key, a->now.boot,
			 "Heartbeats in the name of %s from corosync node %u are refused: %s.",
			 agent_node_name(a, al->node), al->corosync_node, what))
		records_event(a, "heartbeat-alarm", NULL,
			      "heartbeats in the name of %s from corosync node %u: %s",
			      agent_node_name(a, al->node), al->corosync_node, what);
}

static void cluster_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)fd, (void)revents;
	heartbeat_io_readable(a->heartbeat);
}

static void cluster_fd_changed(void *ctx, int old_fd, int fd)
{
	struct agent *a = ctx;
	int r = 0;

	loop_remove(&a->loop, old_fd);
	if (fd >= 0)
		r = loop_add(&a->loop, fd, POLLIN, LOOP_LOW, cluster_readable, a);
	if (r < 0)
		log_error("corosync's connection cannot be watched: %s", strerror(-r));
}

static const struct heartbeat_io_ops cluster_ops = {
	.connection = cluster_connection,
	.quorum = cluster_quorum,
	.lost = cluster_lost,
	.fence = cluster_fence,
	.members = cluster_members,
	.state = cluster_state,
	.command = cluster_command,
	.bindings = cluster_bindings,
	.history = cluster_history,
	.intent = cluster_intent,
	.section = cluster_section,
	.joining = cluster_joining,
	.snapshot_wanted = cluster_snapshot_wanted,
	.intent_get = cluster_intent_get,
	.alarm = cluster_alarm,
	.fd_changed = cluster_fd_changed,
};

/* ---- life ---- */

int cluster_open(struct agent *a, struct sentence *reterr)
{
	struct heartbeat_io_config hc;
	int r;

	a->joined = !config_needs_lease(a->config); /* VRRP alone waits for nobody */
	r = links_peers(a, &hc.peers, reterr);
	if (r < 0)
		return r;
	r = heartbeat_io_new(&hc, &a->key, &a->proof, &cluster_ops, a, a->now, &a->heartbeat);
	if (r < 0)
		return sentence_fail(reterr, r, "The connection to corosync cannot be set up: %s.",
				     strerror(-r));
	if (heartbeat_io_fd(a->heartbeat) >= 0)
		(void)loop_add(&a->loop, heartbeat_io_fd(a->heartbeat), POLLIN, LOOP_LOW, cluster_readable,
			       a);
	if (!heartbeat_io_connected(a->heartbeat))
		cluster_connection(a, false);
	return 0;
}

void cluster_close(struct agent *a)
{
	if (!a->heartbeat)
		return;
	loop_remove(&a->loop, heartbeat_io_fd(a->heartbeat));
	heartbeat_io_free(a->heartbeat);
	a->heartbeat = NULL;
}

boot_t cluster_next(const struct agent *a)
{
	if (!a->heartbeat)
		return BOOT_NEVER;
	return boot_min(a->next_heartbeat, heartbeat_io_next(a->heartbeat));
}

void cluster_publish_facts(struct agent *a)
{
	struct heartbeat_state state = { .version = RINGKEEP_VERSION };

	services_flush(a); /* whoever reads the digest below has had all that it is of */
	facts_refresh(a);
	core_published_facts(&a->core, a->now.boot, &state.facts);
	(void)heartbeat_io_send_state(a->heartbeat,
				      &state); /* not connected, or the queue is full: the next one */
}

void cluster_tick(struct agent *a)
{
	if (!a->heartbeat)
		return;
	heartbeat_io_tick(a->heartbeat, a->now);
	if (a->snapshot && a->snapshot_told)
		cluster_snapshot_go(a);
	if (boot_before(a->now.boot, a->next_heartbeat))
		return;
	a->next_heartbeat = boot_add(a->now.boot, HEARTBEAT_PERIOD_NS);
	cluster_publish_facts(a);
}

bool cluster_connected(const struct agent *a)
{
	return a->heartbeat && heartbeat_io_connected(a->heartbeat);
}

int cluster_send_command(struct agent *a, const struct core_command *cmd, const struct control_request *req,
			 const char *why)
{
	struct heartbeat_command hc = { .command = *cmd, .uid = req->uid };

	if (!a->heartbeat)
		return -ENOTCONN;
	(void)snprintf(hc.user, sizeof hc.user, "%.*s", (int)sizeof hc.user - 1,
		       req->user); /* cut: still a name */
	(void)snprintf(hc.why, sizeof hc.why, "%.*s", (int)sizeof hc.why - 1, why);
	return heartbeat_io_send_command(a->heartbeat, &hc);
}

int cluster_send_bindings(struct agent *a, uint64_t snapshot, const void *data, size_t len)
{
	if (!a->heartbeat)
		return -ENOTCONN;
	if (snapshot)
		return heartbeat_io_send_section(a->heartbeat, snapshot, CLUSTER_SECTION_BINDINGS, data, len);
	return heartbeat_io_send_bindings(a->heartbeat, data, len);
}

int cluster_send_fence(struct agent *a, const struct heartbeat_fence *fence)
{
	return a->heartbeat ? heartbeat_io_send_fence(a->heartbeat, fence) : -ENOTCONN;
}

int cluster_send_history(struct agent *a, const char *line, size_t len)
{
	return a->heartbeat ? heartbeat_io_send_history(a->heartbeat, line, len) : -ENOTCONN;
}

json_t *cluster_counters_json(const struct agent *a)
{
	json_t *o = json_object();
	char key[64];

	for (int i = 0; a->heartbeat && i < HEARTBEAT_OUTCOMES_COUNT; i++) {
		(void)snprintf(key, sizeof key, "heartbeat_%s",
			       heartbeat_outcome_name((enum heartbeat_outcome)i));
		json_object_set_new(o, key,
				    json_integer((json_int_t)heartbeat_io_count(a->heartbeat,
										(enum heartbeat_outcome)i)));
	}
	return o;
}
