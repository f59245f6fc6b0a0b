/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The status model as JSON: what hactl, the monitoring and the tests see. Names of keys are stable.
 */
#include "agent.h"
#include "clock_read.h"
#include "rules.h"
#include "uplinks.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static json_t *status_epoch(struct epoch e)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%llu.%u", (unsigned long long)e.counter, e.node);
	return json_string(epoch_none(e) ? "" : text);
}

static json_t *status_name(const struct agent *a, node_id_t node)
{
	return node == NODE_NONE ? json_null() : json_string(agent_node_name(a, node));
}

static int64_t status_age_ms(const struct agent *a, boot_t at)
{
	return boot_diff_ns(at, a->now.boot) / NS_PER_MS;
}

/* ISO 8601 in UTC of a point on the boot clock. */
static json_t *status_wall(const struct agent *a, boot_t at)
{
	int64_t wall_ns = clock_wall_ns() - boot_diff_ns(at, a->now.boot);
	time_t s = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;
	char text[40];

	if (at.ns == 0 || !gmtime_r(&s, &tm))
		return json_null();
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

/* ---- nodes ---- */

static const char *status_node_state(const struct agent *a, const struct core_node_config *n)
{
	const struct core_peer *p = &a->core.peer[n->id];

	if (n->id == a->self)
		return !n->witness && !a->joined ? "joining" : "up";
	if (!node_in(core_heard(&a->core, a->now), n->id))
		return p->heard_at.ns ? "unreachable" : "never-seen";
	if (p->facts_known && p->facts.joining)
		return "joining";
	return "up";
}

#define REFUSED_STAYS_NS (30 * NS_PER_S) /* it is told each 10 s */

static void status_wire(const struct agent *a, node_id_t node, json_t *o)
{
	const struct agent_wire *w = &a->wire[node];
	bool self = node == a->self;
	char text[16];

	(void)snprintf(text, sizeof text, "%d.%d", wire_major(), self ? wire_minor() : w->minor);
	if (self || w->known)
		json_object_set_new(o, "wire", json_string(text));
	if (self || w->release[0])
		json_object_set_new(o, "release", json_string(self ? RINGKEEP_VERSION : w->release));
	if (w->refused_at.ns && boot_diff_ns(w->refused_at, a->now.boot) < REFUSED_STAYS_NS)
		json_object_set_new(o, "wire_refused", json_integer(w->refused));
}

static json_t *status_node(const struct agent *a, const struct core_node_config *n)
{
	const struct core_peer *p = &a->core.peer[n->id];
	const struct node_facts *f = n->id == a->self ? &a->core.facts : p->facts_known ? &p->facts : NULL;
	json_t *o = json_pack("{s:s, s:i, s:s, s:b, s:b}", "name", agent_node_name(a, n->id), "id", n->id,
			      "state", status_node_state(a, n), "standby", a->core.intent.node[n->id].standby,
			      "witness", n->witness);

	if (!o)
		return NULL;
	status_wire(a, n->id, o);
	if (n->id != a->self && p->heard_at.ns)
		json_object_set_new(o, "last_heard_ms", json_integer(status_age_ms(a, p->heard_at)));
	if (n->id != a->self)
		json_object_set_new(o, "hears_us", json_boolean(p->hears_me));
	if (f && !n->witness) {
		if (config_needs_lease(a->config) || f->quorate)
			json_object_set_new(o, "quorate", json_boolean(f->quorate));
		json_object_set_new(o, "config_equal", json_boolean(f->config_hash == a->config->hash));
		json_object_set_new(o, "loop_lag_ms", json_real(f->loop_lag_us_max / 1000.0));
		if (f->watchdog_ns)
			json_object_set_new(o, "watchdog_ms", json_integer(f->watchdog_ns / NS_PER_MS));
		if (f->uplinks_count)
			json_object_set_new(o, "uplinks", uplinks_of_node_json(a->config, f, a->now.boot));
	}
	return o;
}

static json_t *status_nodes(const struct agent *a)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < a->core.config.nodes_count; i++)
		json_array_append_new(list, status_node(a, &a->core.config.nodes[i]));
	return list;
}

/* ---- groups ---- */

json_t *status_candidates_json(const struct agent *a, const struct placement *p)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < p->count; i++) {
		const struct placement_candidate *c = &p->candidate[i];

		json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:s, s:i}", "node",
						      agent_node_name(a, c->node), "eligible", c->eligible,
						      "reason", reason_name(c->reason), "text",
						      reason_text(c->reason), "code", (int)c->reason));
	}
	return list;
}

static json_t *status_addresses(const struct agent *a, group_index_t group)
{
	const struct config_group *cg = &a->config->groups[group];
	json_t *list = json_array();
	char text[IP_TEXT_MAX];

	for (uint32_t i = 0; i < cg->addresses_count; i++)
		json_array_append_new(list, json_string(ip_format(&cg->addresses[i], text)));
	return list;
}

static bool status_gate_open(const struct agent *a, group_index_t group)
{
	return a->gate && boot_before(a->now.boot, gate_get(a->gate, group));
}

static json_t *status_pbx(const struct agent_group *g)
{
	if (!g->adapter)
		return json_pack("{s:s}", "state", "none");
	return json_pack(
		"{s:s, s:s, s:i, s:I, s:b, s:b, s:I, s:b}", "state", pbx_health_name(g->health.state), "why",
		g->health.why, "pid", (int)g->health.pid, "calls",
		g->health.calls == ADAPTER_CALLS_UNKNOWN ? (json_int_t)-1 : (json_int_t)g->health.calls,
		"in_step", g->health.in_step, "adapter_ready", adapter_ready(g->adapter), "unmovable",
		(json_int_t)g->health.unmovable, "overloaded", g->health.overloaded);
}

/* Of the holder: calls that its PBX does not count. */
static json_t *status_unseen(const struct agent *a, group_index_t group)
{
	const struct core_unseen *u = &a->core.group[group].unseen;

	if (!core_holds(&a->core, group) || u->calls == 0)
		return json_null();
	return json_pack(
		"{s:I, s:s, s:I, s:I}", "calls", (json_int_t)u->calls, "from", agent_node_name(a, u->from),
		"age_ms", (json_int_t)status_age_ms(a, u->since), "left_ms",
		(json_int_t)(boot_diff_ns(a->now.boot, core_unseen_until(&a->core, group)) / NS_PER_MS));
}

/* The holder's calls as this node knows them: on another node they are up to a second old. */
static json_t *status_draining(const struct agent *a, group_index_t group, const struct core_operation *op)
{
	uint32_t calls = core_calls(&a->core, group, op->from);
	int64_t left_ns = boot_diff_ns(a->now.boot, op->drain_until);

	return json_pack("{s:I, s:I}", "calls", calls == UINT32_MAX ? (json_int_t)-1 : (json_int_t)calls,
			 "left_ms", (json_int_t)(left_ns > 0 ? left_ns / NS_PER_MS : 0));
}

static json_t *status_operation(const struct agent *a, group_index_t group, const struct core_operation *op)
{
	static const char *const names[] = {
		[OPERATION_NONE] = "none",
		[OPERATION_RUNNING] = "running",
		[OPERATION_DONE] = "done",
		[OPERATION_FAILED] = "failed",
	};
	bool drains = op->state == OPERATION_RUNNING && op->drain_until.ns != 0;
	char id[24];

	if (op->state == OPERATION_NONE)
		return json_null();
	(void)snprintf(id, sizeof id, "%016llx", (unsigned long long)op->command.operation);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", id, "to", agent_node_name(a, op->target),
			 "state", names[op->state], "reason",
			 op->state == OPERATION_FAILED ? reason_name(op->reason) : "", "text",
			 op->state == OPERATION_FAILED ? reason_text(op->reason) : "", "draining",
			 drains ? status_draining(a, group, op) : json_null());
}

/* Phones that were moved need not register: what does so anyway, and how fast. */
static json_t *status_registering(const struct agent *a, group_index_t group)
{
	struct rate r = a->group[group].registering;

	if (!a->group[group].store || !core_holds(&a->core, group) || r.since.ns == 0)
		return json_null();
	return json_pack("{s:f, s:I, s:I}", "per_s", rate_per_s(&r, a->now.boot), "peak_per_s",
			 (json_int_t)r.peak, "since_takeover", (json_int_t)r.total);
}

static json_t *status_group(const struct agent *a, group_index_t group)
{
	const struct core_group *cg = &a->core.group[group];
	const struct agent_group *g = &a->group[group];
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(agent_group_name(a, group)));
	bool native = config_group_native(&a->config->groups[group]);

	json_object_set_new(o, "holder",
			    native ? routers_holder_json(a, group) : status_name(a, cg->seen_holder));
	json_object_set_new(o, "epoch", status_epoch(cg->seen_epoch));
	json_object_set_new(o, "state", json_string(core_group_state(&a->core, group)));
	json_object_set_new(o, "gate",
			    json_string(a->paths.witness	     ? "none"
					: status_gate_open(a, group) ? "open"
								     : "shut"));
	json_object_set_new(o, "since", status_wall(a, cg->since));
	json_object_set_new(o, "since_ms", json_integer(cg->since.ns ? status_age_ms(a, cg->since) : -1));
	json_object_set_new(o, "addresses", status_addresses(a, group));
	json_object_set_new(o, "device", json_string(a->config->groups[group].device));
	json_object_set_new(o, "pbx", status_pbx(g));
	json_object_set_new(o, "unseen_calls", status_unseen(a, group));
	json_object_set_new(o, "bindings",
			    json_integer(g->store ? (json_int_t)binding_store_count(g->store) : 0));
	json_object_set_new(o, "registrations", status_registering(a, group));
	json_object_set_new(o, "majority",
			    native ? json_null()
				   : json_boolean(lease_majority_reachable(&cg->lease, a->now)));
	json_object_set_new(o, "vrrp", routers_json(a, group));
	json_object_set_new(o, "alone", alone_json(a, group));
	json_object_set_new(o, "trunks", trunks_json(a, group));
	json_object_set_new(o, "operation", status_operation(a, group, &cg->operation));
	json_object_set_new(o, "candidates", status_candidates_json(a, &cg->placement));
	return o;
}

static json_t *status_groups(const struct agent *a)
{
	json_t *list = json_array();

	for (uint32_t g = 0; g < a->config->groups_count; g++)
		json_array_append_new(list, status_group(a, (group_index_t)g));
	return list;
}

/* ---- counters ---- */

static json_t *status_counters(const struct agent *a)
{
	json_t *o = links_counters_json(a);
	json_auto_t *cluster = cluster_counters_json(a), *routers = routers_counters_json(a);

	json_object_update(o, cluster);
	json_object_update(o, routers);
	json_object_set_new(o, "standstills", json_integer((json_int_t)a->standstills));
	json_object_set_new(o, "history_dropped",
			    json_integer((json_int_t)a->recorder.counters.history_dropped));
	json_object_set_new(o, "journal_dropped",
			    json_integer((json_int_t)a->recorder.counters.journal_dropped));
	if (a->vip) {
		struct vip_counters v;
		struct gate_counters gc;
		struct guard_status gs;

		vip_counters(a->vip, &v);
		gate_counters(a->gate, &gc);
		guard_status(a->guard, &gs);
		json_object_set_new(o, "addresses_restored", json_integer((json_int_t)v.removed_by_others));
		json_object_set_new(o, "announcements", json_integer((json_int_t)v.announcements));
		json_object_set_new(o, "contentions", json_integer((json_int_t)v.contentions));
		json_object_set_new(o, "gate_losses", json_integer((json_int_t)gc.losses));
		json_object_set_new(o, "gate_repairs", json_integer((json_int_t)gc.repairs));
		json_object_set_new(o, "guard_losses", json_integer((json_int_t)gs.losses));
	}
	return o;
}

static json_t *status_timing(const struct agent *a)
{
	const struct config_timing *t = &a->config->timing;

	json_t *o = json_pack("{s:i, s:i, s:i}", "pulse_ms", (int)t->pulse_ms, "lease_ms", (int)t->lease_ms,
			      "guard_ms", (int)t->guard_ms);

	if (config_replaces_in_time(a->config))
		json_object_set_new(o, "takeover_ms_max", json_integer(config_timing_takeover_ms(t)));
	return o;
}

json_t *status_json(struct agent *a)
{
	json_t *o = json_object();

	json_object_set_new(o, "cluster", json_string(a->config->cluster));
	json_object_set_new(o, "version", json_string(RINGKEEP_VERSION));
	json_object_set_new(o, "node", json_string(agent_node_name(a, a->self)));
	json_object_set_new(o, "witness", json_boolean(a->paths.witness));
	json_object_set_new(o, "safety", json_string(config_safety(a->config)));
	if (config_needs_lease(a->config)) {
		json_object_set_new(o, "safety_limit",
				    json_string("A paused virtual machine stops its clocks: on resume two "
						"gates can be open for at "
						"most the rest of one lease, about one pulse."));
		json_object_set_new(o, "timing", status_timing(a));
	}
	if (config_safety_note(a->config))
		json_object_set_new(o, "safety_note", json_string(config_safety_note(a->config)));
	json_object_set_new(o, "paused", json_boolean(a->core.intent.paused));
	json_object_set_new(o, "stopping", json_boolean(a->stopping));
	json_object_set_new(o, "corosync", json_boolean(cluster_connected(a)));
	json_object_set_new(o, "loop_lag_ms", json_real(a->lag_us_published / 1000.0));
	json_object_set_new(o, "nodes", status_nodes(a));
	json_object_set_new(o, "fencing", fences_json(a));
	json_object_set_new(o, "links", links_json(a));
	json_object_set_new(o, "groups", status_groups(a));
	json_object_set_new(o, "uplinks", uplinks_json(a->uplinks));
	json_object_set_new(o, "voice", uplinks_voice_json(a->uplinks));
	json_object_set_new(o, "watchdog", petter_json(a));
	json_object_set_new(o, "alarms", alarms_json(&a->alarms, a->now.boot));
	json_object_set_new(o, "counters", status_counters(a));
	return o;
}

json_t *status_why_json(struct agent *a, group_index_t group)
{
	json_t *o = status_group(a, group);
	const char *sentence = rules_sentence(a->core.group[group].rule);

	json_object_set_new(o, "rule", json_integer(a->core.group[group].rule));
	json_object_set_new(o, "decision", json_string(sentence ? sentence : ""));
	json_object_set_new(o, "node", json_string(agent_node_name(a, a->self)));
	if (a->config->uplinks_count) {
		json_object_set_new(o, "uplinks", uplinks_json(a->uplinks));
		json_object_set_new(o, "voice", uplinks_voice_json(a->uplinks));
	}
	return o;
}

/* ---- gate ---- */

static json_t *status_gate_interfaces(const struct agent *a)
{
	struct gate_link_status *links = calloc(GATE_LINKS_MAX, sizeof *links);
	size_t n = links ? gate_link_status(a->gate, links) : 0;
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "interface", links[i].device, "gate",
						      links[i].attached, "error",
						      links[i].error ? strerror(-links[i].error) : ""));
	free(links);
	return list;
}

/* Who may speak to whom now: a peer is open while one of its groups is. */
static json_t *status_gate_peer(const struct agent *a, const struct gate_peer_status *s)
{
	json_t *groups = json_array();
	char text[IP_PREFIX_TEXT_MAX];
	bool open = false;

	for (uint32_t g = 0; g < a->config->groups_count; g++) {
		if (!(s->groups & 1u << g))
			continue;
		json_array_append_new(groups, json_string(agent_group_name(a, (group_index_t)g)));
		open |= status_gate_open(a, (group_index_t)g);
	}
	return json_pack("{s:s, s:o, s:b, s:I}", "peer", ip_prefix_format(&s->prefix, text), "groups", groups,
			 "open", open, "drops_out", (json_int_t)s->drops);
}

static json_t *status_gate_peers(const struct agent *a)
{
	struct gate_peer_status *peers = calloc(GATE_PEERS_TOTAL_MAX, sizeof *peers);
	size_t n = peers ? gate_peer_status(a->gate, peers) : 0;
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, status_gate_peer(a, &peers[i]));
	free(peers);
	return list;
}

json_t *status_gate_json(struct agent *a)
{
	json_t *groups = json_array();
	struct guard_status gs;

	for (uint32_t g = 0; g < a->config->groups_count; g++) {
		struct gate_group_status s;
		int64_t left_ns;

		gate_group_status(a->gate, (group_index_t)g, &s);
		left_ns = boot_diff_ns(a->now.boot, s.open_until);
		json_array_append_new(groups, json_pack("{s:s, s:o, s:b, s:I, s:I, s:I}", "group",
							agent_group_name(a, (group_index_t)g), "addresses",
							status_addresses(a, (group_index_t)g), "open",
							left_ns > 0, "open_for_ms",
							(json_int_t)(left_ns > 0 ? left_ns / NS_PER_MS : 0),
							"drops_in", (json_int_t)s.drops_in, "drops_out",
							(json_int_t)s.drops_out));
	}
	guard_status(a->guard, &gs);
	return json_pack("{s:o, s:o, s:o, s:{s:b, s:i, s:I}}", "groups", groups, "peers",
			 status_gate_peers(a), "interfaces", status_gate_interfaces(a), "guard", "up", gs.up,
			 "allowed", (int)gs.allowed, "losses", (json_int_t)gs.losses);
}
