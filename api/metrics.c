/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metrics.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

struct metrics {
	FILE *out;
	enum metrics_format format;
	const char *name;
	bool counter;
};

enum metrics_format metrics_negotiate(const char *accept)
{
	return accept && strcasestr(accept, "application/openmetrics-text") ? METRICS_OPENMETRICS
									    : METRICS_PROMETHEUS;
}

const char *metrics_content_type(enum metrics_format f)
{
	return f == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					: "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- one family, one sample ---- */

/* name: without ringkeep_ and _total. */
static void family(struct metrics *m, const char *name, bool counter, const char *help)
{
	/* In the older format a family is called as its samples are. */
	const char *suffix = counter && m->format == METRICS_PROMETHEUS ? "_total" : "";

	m->name = name;
	m->counter = counter;
	(void)fprintf(m->out, "# HELP ringkeep_%s%s %s\n# TYPE ringkeep_%s%s %s\n", name, suffix, help, name,
		      suffix, counter ? "counter" : "gauge");
}

static void label_value(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			(void)fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			(void)fprintf(out, "\\%c", *text);
		else
			(void)fputc(*text, out);
	}
}

/* labels: name, value, name, value, ..., NULL. A value that is NULL leaves its label out. */
static void sample(struct metrics *m, double value, ...)
{
	const char *name, *text;
	char sign = '{';
	va_list ap;

	(void)fprintf(m->out, "ringkeep_%s%s", m->name, m->counter ? "_total" : "");
	va_start(ap, value);
	while ((name = va_arg(ap, const char *))) {
		text = va_arg(ap, const char *);
		if (!text)
			continue;
		(void)fprintf(m->out, "%c%s=\"", sign, name);
		label_value(m->out, text);
		(void)fputc('"', m->out);
		sign = ',';
	}
	va_end(ap);
	(void)fprintf(m->out, "%s %.15g\n", sign == ',' ? "}" : "", value);
}

/* ---- from JSON ---- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static bool true_of(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* Not a number: NAN. */
static double number_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

/* Of what is not known there is no sample. */
static bool known(double value)
{
	return !isnan(value);
}

/* A sample for each element of a list that has this number. */
static void each_number(struct metrics *m, const json_t *list, const char *label, const char *id,
			const char *key, double factor)
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		double value = number_of(o, key);

		if (known(value) && value >= 0)
			sample(m, value * factor, label, text_of(o, id), NULL);
	}
}

/* One sample for each state that there is, 1 for the present one. */
static void states(struct metrics *m, const char *const *all, const char *is, const char *label,
		   const char *id)
{
	for (; *all; all++)
		sample(m, !strcmp(*all, is), label, id, "state", *all, NULL);
}

/* ---- cluster and nodes ---- */

static void cluster_metrics(struct metrics *m, const json_t *s)
{
	family(m, "info", false, "Cluster, node, version and safety level; always 1.");
	sample(m, 1, "cluster", text_of(s, "cluster"), "node", text_of(s, "node"), "version",
	       text_of(s, "version"), "safety", text_of(s, "safety"), NULL);
	family(m, "paused", false, "1 while nothing automatic happens, by hactl pause.");
	sample(m, true_of(s, "paused"), NULL);
	family(m, "corosync_connected", false, "1 if this agent is connected to corosync.");
	sample(m, true_of(s, "corosync"), NULL);
	family(m, "loop_lag_seconds", false,
	       "How late the agent's main loop was at most since its last heartbeat.");
	if (known(number_of(s, "loop_lag_ms")))
		sample(m, number_of(s, "loop_lag_ms") / 1000, NULL);
}

static void node_metrics(struct metrics *m, const json_t *nodes)
{
	static const char *const all[] = { "up", "joining", "unreachable", "never-seen", NULL };
	json_t *n;
	size_t i;

	family(m, "node_state", false,
	       "State of each node and witness as seen from here; 1 for the present one.");
	json_array_foreach(nodes, i, n) states(m, all, text_of(n, "state"), "node", text_of(n, "name"));
	family(m, "node_standby", false, "1 if the node holds nothing, by hactl standby.");
	json_array_foreach(nodes, i, n) sample(m, true_of(n, "standby"), "node", text_of(n, "name"), NULL);
	family(m, "node_heard_seconds", false, "Time since a pulse of the node was heard.");
	each_number(m, nodes, "node", "name", "last_heard_ms", 0.001);
	family(m, "node_quorate", false, "1 if corosync on the node says that it has quorum.");
	json_array_foreach(nodes, i, n) if (json_is_boolean(json_object_get(n, "quorate")))
		sample(m, true_of(n, "quorate"), "node", text_of(n, "name"), NULL);
	family(m, "node_config_equal", false, "1 if the node runs the same configuration as this one.");
	json_array_foreach(nodes, i, n) if (json_is_boolean(json_object_get(n, "config_equal")))
		sample(m, true_of(n, "config_equal"), "node", text_of(n, "name"), NULL);
}

static void link_metrics(struct metrics *m, const json_t *links)
{
	json_t *l;
	size_t i;

	family(m, "link_up", false, "1 if pulses of the node come over the link.");
	json_array_foreach(links, i, l)
		sample(m, true_of(l, "up"), "node", text_of(l, "node"), "link", text_of(l, "link"), NULL);
	family(m, "link_rtt_seconds", false, "Smoothed round trip of pulses.");
	json_array_foreach(links, i, l) if (number_of(l, "rtt_ms") > 0)
		sample(m, number_of(l, "rtt_ms") / 1000, "node", text_of(l, "node"), "link",
		       text_of(l, "link"), NULL);
	family(m, "link_send_errors", true, "Pulses that the kernel did not take.");
	json_array_foreach(links, i, l) if (known(number_of(l, "send_errors"))) sample(
		m, number_of(l, "send_errors"), "node", text_of(l, "node"), "link", text_of(l, "link"), NULL);
}

/* ---- groups ---- */

/* "42.1": the counter; the node is a label of its own elsewhere. */
static double epoch_of(const char *text)
{
	unsigned long long counter;

	return sscanf(text, "%llu", &counter) == 1 ? (double)counter : NAN;
}

static void holder_metrics(struct metrics *m, const json_t *groups, const json_t *nodes, const char *self)
{
	json_t *g, *n;
	size_t i, k;

	family(m, "group_holder", false, "1 for the node that holds the group, as known here.");
	json_array_foreach(groups, i, g) json_array_foreach(nodes, k, n) if (!true_of(n, "witness"))
		sample(m, !strcmp(text_of(g, "holder"), text_of(n, "name")), "group", text_of(g, "name"),
		       "node", text_of(n, "name"), NULL);
	family(m, "group_held", false, "1 if any node is known to hold the group.");
	json_array_foreach(groups, i, g)
		sample(m, *text_of(g, "holder") != 0, "group", text_of(g, "name"), NULL);
	family(m, "group_active", false, "1 if this node holds the group.");
	json_array_foreach(groups, i, g)
		sample(m, !strcmp(text_of(g, "holder"), self), "group", text_of(g, "name"), NULL);
	family(m, "group_gate_open", false, "1 if this node's gate lets the group's addresses through.");
	json_array_foreach(groups, i, g)
		sample(m, !strcmp(text_of(g, "gate"), "open"), "group", text_of(g, "name"), NULL);
	family(m, "group_epoch", false, "Counter of the epoch in which the group is held.");
	json_array_foreach(groups, i, g) if (known(epoch_of(text_of(g, "epoch"))))
		sample(m, epoch_of(text_of(g, "epoch")), "group", text_of(g, "name"), NULL);
	family(m, "group_held_seconds", false, "Time that the present holder has held the group.");
	each_number(m, groups, "group", "name", "since_ms", 0.001);
	family(m, "group_majority", false, "1 if a majority of voters is in reach of this node.");
	json_array_foreach(groups, i, g) if (json_is_boolean(json_object_get(g, "majority")))
		sample(m, true_of(g, "majority"), "group", text_of(g, "name"), NULL);
	family(m, "group_registrations", false, "Registrations that this node knows of the group.");
	each_number(m, groups, "group", "name", "bindings", 1);
}

static void candidate_metrics(struct metrics *m, const json_t *groups)
{
	json_t *g, *c;
	size_t i, k;

	family(m, "candidate_eligible", false,
	       "1 if the node could hold the group; reason says what it is or lacks.");
	json_array_foreach(groups, i, g) json_array_foreach(json_object_get(g, "candidates"), k, c)
		sample(m, true_of(c, "eligible"), "group", text_of(g, "name"), "node", text_of(c, "node"),
		       "reason", text_of(c, "reason"), NULL);
}

static void pbx_metrics(struct metrics *m, const json_t *groups)
{
	static const char *const all[] = { "unknown", "starting", "healthy", "sick", "dead", "none", NULL };
	json_t *g;
	size_t i;

	family(m, "pbx_state", false, "Health of this node's PBX; 1 for the present state.");
	json_array_foreach(groups, i, g)
		states(m, all, text_of(json_object_get(g, "pbx"), "state"), "group", text_of(g, "name"));
	family(m, "pbx_calls", false, "Calls that this node's PBX says are up.");
	json_array_foreach(groups, i, g) if (number_of(json_object_get(g, "pbx"), "calls") >= 0)
		sample(m, number_of(json_object_get(g, "pbx"), "calls"), "group", text_of(g, "name"), NULL);
	family(m, "pbx_in_step", false, "1 if this node's PBX has the registrations that the cluster has.");
	json_array_foreach(groups, i,
			   g) if (json_is_boolean(json_object_get(json_object_get(g, "pbx"), "in_step")))
		sample(m, true_of(json_object_get(g, "pbx"), "in_step"), "group", text_of(g, "name"), NULL);
}

static void trunk_metrics(struct metrics *m, const json_t *groups)
{
	json_t *g, *t;
	size_t i, k;

	family(m, "trunk_up", false,
	       "1 if the trunk is registered, or needs no registration; state says more.");
	json_array_foreach(groups, i, g) json_array_foreach(json_object_get(g, "trunks"), k, t)
	{
		const char *state = text_of(t, "state");

		sample(m, !strcmp(state, "registered") || !strcmp(state, "ip-authenticated"), "group",
		       text_of(g, "name"), "trunk", text_of(t, "name"), "state", state, NULL);
	}
}

/* ---- uplinks, alarms, counters ---- */

static void uplink_metrics(struct metrics *m, const json_t *s)
{
	static const char *const classes[] = { "unknown", "none", "bad", "degraded", "good", NULL };
	const json_t *list = json_object_get(s, "uplinks");
	json_t *u;
	size_t i;

	if (!json_array_size(list))
		return;
	family(m, "uplink_class", false, "Class of this node's line; 1 for the present one.");
	json_array_foreach(list, i, u) states(m, classes, text_of(u, "class"), "uplink", text_of(u, "name"));
	family(m, "uplink_in_use", false, "1 if voice takes the line.");
	json_array_foreach(list, i, u)
		sample(m, !strcmp(text_of(u, "state"), "in-use"), "uplink", text_of(u, "name"), "isp",
		       text_of(u, "isp"), "family", text_of(u, "family"), NULL);
	family(m, "uplink_mos", false, "Mean opinion score that the line would give a call (ITU-T G.107).");
	each_number(m, list, "uplink", "name", "mos", 1);
	family(m, "uplink_loss_ratio", false, "Probes lost on the line.");
	each_number(m, list, "uplink", "name", "loss_percent", 0.01);
	family(m, "uplink_delay_seconds", false, "Delay of the line, one way.");
	each_number(m, list, "uplink", "name", "delay_ms", 0.001);
	family(m, "uplink_jitter_seconds", false, "Jitter of the line.");
	each_number(m, list, "uplink", "name", "jitter_ms", 0.001);
	family(m, "uplink_switches", true, "Switches of this node's voice to another line.");
	json_array_foreach(json_object_get(s, "voice"), i, u) if (known(number_of(u, "switches")))
		sample(m, number_of(u, "switches"), "family", text_of(u, "family"), NULL);
}

static void fence_metrics(struct metrics *m, const json_t *fencing)
{
	json_t *n;
	size_t i;

	if (!json_is_object(fencing))
		return;
	family(m, "fence_clean", false,
	       "1 if the node is clean, 0 while it is being fenced or was; state says more.");
	json_array_foreach(json_object_get(fencing, "nodes"), i, n)
		sample(m, !strcmp(text_of(n, "state"), "clean"), "node", text_of(n, "node"), "state",
		       text_of(n, "state"), NULL);
}

static void alarm_metrics(struct metrics *m, const json_t *alarms)
{
	json_t *a;
	size_t i;

	family(m, "alarms", false, "Alarms of this node's agent.");
	sample(m, (double)json_array_size(alarms), NULL);
	family(m, "alarm", false, "Each alarm; key says what it is about.");
	json_array_foreach(alarms, i, a) sample(m, 1, "key", text_of(a, "key"), NULL);
}

static void counter_metrics(struct metrics *m, json_t *counters)
{
	const char *key;
	json_t *v;

	family(m, "events", true,
	       "The agent's own counters, by name: packets, messages, losses and repairs.");
	json_object_foreach(counters, key, v) if (json_is_integer(v))
		sample(m, (double)json_integer_value(v), "event", key, NULL);
}

/* ---- this process ---- */

static void own_metrics(struct metrics *m, const json_t *status, const struct metrics_own *own)
{
	family(m, "up", false, "1 if the agent answers.");
	sample(m, status != NULL, NULL);
	family(m, "api_status_age_seconds", false, "Age of the agent's status that all this was made of.");
	if (own->status_age_s >= 0)
		sample(m, own->status_age_s, NULL);
	family(m, "api_connections", false, "Connections to this API.");
	sample(m, own->connections, NULL);
	family(m, "api_requests", true, "Requests that this API has answered.");
	sample(m, (double)own->requests, NULL);
	family(m, "api_refused", true, "Requests without the right to what they asked for.");
	sample(m, (double)own->refused, NULL);
	family(m, "api_limited", true, "Requests and connections above the limits.");
	sample(m, (double)own->limited, NULL);
	family(m, "api_start_time_seconds", false, "When this API was started, since the epoch.");
	sample(m, own->start_time_s, NULL);
}

void metrics_write(FILE *out, enum metrics_format f, const json_t *status, const struct metrics_own *own)
{
	struct metrics m = { .out = out, .format = f };
	const json_t *groups = json_object_get(status, "groups"), *nodes = json_object_get(status, "nodes");

	own_metrics(&m, status, own);
	if (status) {
		cluster_metrics(&m, status);
		node_metrics(&m, nodes);
		link_metrics(&m, json_object_get(status, "links"));
		holder_metrics(&m, groups, nodes, text_of(status, "node"));
		candidate_metrics(&m, groups);
		pbx_metrics(&m, groups);
		trunk_metrics(&m, groups);
		uplink_metrics(&m, status);
		fence_metrics(&m, json_object_get(status, "fencing"));
		alarm_metrics(&m, json_object_get(status, "alarms"));
		counter_metrics(&m, json_object_get(status, "counters"));
	}
	if (f == METRICS_OPENMETRICS)
		(void)fputs("# EOF\n", out);
}
