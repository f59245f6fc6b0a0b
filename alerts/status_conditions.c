/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the agent's status says that somebody should know: rows of docs/ALERTS.md, "States".
 */
#include "conditions.h"
#include "event_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The phones of a standby that is being filled are no news yet. */
#define STEP_SETTLES 12

struct reading {
	struct conditions *look;
	const struct conditions_limits *limits;
	const char *self;
};

static const char *text_of(const json_t *j, const char *key)
{
	const char *t = json_string_value(json_object_get(j, key));

	return t ? t : "";
}

static bool is_false(const json_t *j, const char *key)
{
	return json_is_false(json_object_get(j, key));
}

__attribute__((format(printf, 7, 8))) static void see(struct reading *r, enum alert_event event,
						      enum alert_severity severity, bool cluster,
						      const char *node, const char *group, const char *fmt,
						      ...)
{
	struct condition c = { .source = CONDITION_AGENT,
			       .event = event,
			       .severity = severity,
			       .cluster = cluster,
			       .settle_ns = r->limits->settle_ns };
	char text[2 * ALERT_SAID_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a cut sentence is still one */
	va_end(args);
	alert_set(c.text, sizeof c.text, text);
	alert_set(c.node, sizeof c.node, node);
	alert_set(c.group, sizeof c.group, group);
	(void)snprintf(c.name, sizeof c.name, "%.30s/%.50s%s%.50s", alert_event_name(event), group,
		       *group && cluster && *node ? "/" : "", cluster ? node : "");
	alert_clean(c.name);
	if (event == ALERT_REGISTRATIONS)
		c.settle_ns *= STEP_SETTLES;
	if (event == ALERT_LAG)
		c.settle_ns = 0; /* it has been late: nothing to wait for */
	conditions_see(r->look, &c);
}

/* ---- nodes ---- */

static void see_node(struct reading *r, const json_t *n)
{
	const char *name = text_of(n, "name"), *state = text_of(n, "state");
	bool witness = json_is_true(json_object_get(n, "witness"));

	if (!strcmp(state, "unreachable"))
		see(r, ALERT_NODE, witness ? ALERT_WARNING : ALERT_CRITICAL, true, name, "",
		    "%s is not heard any more", name);
	if (is_false(n, "config_equal"))
		see(r, ALERT_DRIFT, ALERT_WARNING, true, name, "",
		    "%s has another configuration than %s; compare the files and reload", name, r->self);
	if (!strcmp(name, r->self) && !witness && is_false(n, "quorate"))
		see(r, ALERT_QUORUM, ALERT_CRITICAL, false, name, "",
		    "%s is in a part of the cluster without quorum: it takes nothing over", name);
}

/* ---- groups ---- */

/* "n1: its PBX process is gone; n2: ..." */
static void reasons(const json_t *group, char *ret, size_t size)
{
	size_t i, used = 0;
	json_t *c;

	ret[0] = '\0';
	json_array_foreach(json_object_get(group, "candidates"), i, c)
	{
		int n = snprintf(ret + used, size - used, "; %s: %s", text_of(c, "node"),
				 json_is_true(json_object_get(c, "eligible")) ? "could" : text_of(c, "text"));

		if (n < 0 || (size_t)n >= size - used)
			return;
		used += (size_t)n;
	}
}

static void see_pbx(struct reading *r, const json_t *group, bool holds)
{
	const json_t *pbx = json_object_get(group, "pbx");
	const char *state = text_of(pbx, "state"), *why = text_of(pbx, "why"), *name = text_of(group, "name");

	if (!strcmp(state, "sick") || !strcmp(state, "dead"))
		see(r, ALERT_PBX, holds ? ALERT_CRITICAL : ALERT_WARNING, false, r->self, name,
		    "The PBX of %s on %s is %s%s%s", name, r->self, state, *why ? ": " : "", why);
	if (!strcmp(state, "healthy") && is_false(pbx, "in_step"))
		see(r, ALERT_REGISTRATIONS, ALERT_WARNING, false, r->self, name,
		    "The PBX of %s on %s does not have all registrations; see hactl registrations diff", name,
		    r->self);
}

static void see_group(struct reading *r, const json_t *group)
{
	const char *name = text_of(group, "name"), *holder = text_of(group, "holder");
	char why[ALERT_SAID_MAX];

	/* Who reaches no majority does not know who holds it. */
	if (!*holder && !is_false(group, "majority")) {
		reasons(group, why, sizeof why);
		see(r, ALERT_GROUP, ALERT_CRITICAL, true, "", name, "Nobody holds %s%s", name, why);
	}
	if (is_false(group, "majority"))
		see(r, ALERT_QUORUM, ALERT_CRITICAL, false, r->self, name,
		    "%s reaches no majority of the voters of %s: nobody here may hold it", r->self, name);
	see_pbx(r, group, !strcmp(holder, r->self));
}

/* ---- alarms ---- */

static void see_alarm(struct reading *r, const json_t *alarm)
{
	const char *key = text_of(alarm, "key");
	const struct alarm_row *row = event_of_alarm(key);
	bool event = json_is_true(json_object_get(alarm, "event"));
	struct condition c = { .source = CONDITION_AGENT,
			       .event = row->event,
			       .severity = row->severity,
			       .cluster = row->cluster,
			       .once = event };

	/* Each start of a node begins without corosync. */
	if (row->event == ALERT_QUORUM)
		c.settle_ns = r->limits->settle_ns;

	if (!*key || (event && row->recorded))
		return;
	(void)snprintf(c.name, sizeof c.name, "alarm/%.100s", key);
	alert_clean(c.name);
	alert_set(c.text, sizeof c.text, text_of(alarm, "text"));
	conditions_see(r->look, &c);
}

static void see_lag(struct reading *r, const json_t *status)
{
	double lag_ms = json_number_value(json_object_get(status, "loop_lag_ms"));

	if (lag_ms * (double)NS_PER_MS > (double)r->limits->lag_ns)
		see(r, ALERT_LAG, ALERT_WARNING, false, r->self, "", "The agent of %s was late by %.0f ms",
		    r->self, lag_ms);
}

void conditions_of_status(const json_t *status, const struct conditions_limits *limits,
			  struct conditions *look)
{
	struct reading r = { look, limits, text_of(status, "node") };
	json_t *one;
	size_t i;

	/* While it stops it lets everything go, on purpose. */
	if (json_is_true(json_object_get(status, "stopping")))
		return;
	json_array_foreach(json_object_get(status, "nodes"), i, one)
	{
		see_node(&r, one);
	}
	json_array_foreach(json_object_get(status, "groups"), i, one)
	{
		see_group(&r, one);
	}
	json_array_foreach(json_object_get(status, "alarms"), i, one)
	{
		see_alarm(&r, one);
	}
	see_lag(&r, status);
}
