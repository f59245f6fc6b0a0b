/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hactl check: what the agent says, judged for a monitoring system. CRITICAL is what callers notice, or what
 * leaves this node useless; WARNING is what they do not notice yet.
 */
#include "check_verdict.h"
#include "cleanup.h"
#include "hactl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct check {
	struct hactl *h;
	const json_t *data;
	const char *group; /* only this one, or NULL */
	struct check_verdict *v;
};

static enum check_state worse_if(bool critical)
{
	return critical ? CHECK_CRITICAL : CHECK_WARNING;
}

__attribute__((format(printf, 6, 7))) static void measure(struct check *c, const json_t *number,
							  double factor, const char *unit, const char *max,
							  const char *fmt, ...)
{
	struct check_value v = { .unit = unit, .known = json_is_number(number), .min = "0", .max = max };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(v.label, sizeof v.label, fmt, ap);
	va_end(ap);
	v.value = json_number_value(number) * factor;
	check_measure(c->v, &v);
}

static void measure_count(struct check *c, const char *label, size_t count)
{
	struct check_value v = { .unit = "", .known = true, .value = (double)count, .min = "0", .max = "" };

	(void)snprintf(v.label, sizeof v.label, "%s", label);
	check_measure(c->v, &v);
}

/* ---- this node and the others ---- */

static void check_agent(struct check *c)
{
	const char *node = hactl_text(c->data, "node");

	if (hactl_true(c->data, "stopping"))
		check_find(c->v, CHECK_WARNING, "the agent of %s is stopping", node);
	else
		check_find(c->v, CHECK_OK, "the agent of %s answers, version %s", node,
			   hactl_text(c->data, "version"));
	if (hactl_true(c->data, "paused"))
		check_find(c->v, CHECK_WARNING, "paused: nothing automatic happens until hactl resume");
	measure(c, json_object_get(c->data, "loop_lag_ms"), 0.001, "s", "", "loop_lag");
}

static void check_node(struct check *c, const json_t *n)
{
	const char *name = hactl_text(n, "name"), *state = hactl_text(n, "state");

	if (strcmp(state, "up") != 0)
		check_find(c->v, CHECK_WARNING, "node %s is %s", name, state);
	if (json_object_get(n, "wire_refused"))
		check_find(c->v, CHECK_WARNING, "node %s speaks another version", name);
	if (hactl_true(n, "standby"))
		check_find(c->v, CHECK_WARNING, "node %s is in standby", name);
	if (json_is_false(json_object_get(n, "quorate")))
		check_find(c->v, CHECK_WARNING, "node %s has no corosync quorum", name);
	if (json_is_false(json_object_get(n, "config_equal")))
		check_find(c->v, CHECK_WARNING, "node %s has another configuration", name);
	if (!strcmp(state, "up") && json_is_false(json_object_get(n, "hears_us")))
		check_find(c->v, CHECK_WARNING, "node %s does not hear this node", name);
}

static void check_nodes(struct check *c)
{
	json_t *list = json_object_get(c->data, "nodes"), *n;
	size_t i, up = 0;

	json_array_foreach(list, i, n)
	{
		check_node(c, n);
		up += !strcmp(hactl_text(n, "state"), "up");
	}
	check_find(c->v, CHECK_OK, "%zu of %zu nodes up", up, json_array_size(list));
	measure_count(c, "nodes_up", up);
}

static void check_links(struct check *c)
{
	json_t *list = json_object_get(c->data, "links"), *l;
	size_t i, down = 0;

	json_array_foreach(list, i, l)
	{
		bool up = hactl_true(l, "up");

		down += !up;
		if (!up)
			check_find(c->v, CHECK_WARNING, "link %s to %s is silent", hactl_text(l, "link"),
				   hactl_text(l, "node"));
		measure(c, up ? json_object_get(l, "rtt_ms") : NULL, 0.001, "s", "", "%s/%s.rtt",
			hactl_text(l, "node"), hactl_text(l, "link"));
	}
	if (json_array_size(list) && !down)
		check_find(c->v, CHECK_OK, "%zu links up", json_array_size(list));
	measure_count(c, "links_down", down);
}

static void check_fencing(struct check *c)
{
	json_t *list = json_object_get(json_object_get(c->data, "fencing"), "nodes"), *n;
	size_t i;

	json_array_foreach(list, i,
			   n) if (*hactl_text(n, "state") && strcmp(hactl_text(n, "state"), "clean") != 0)
		check_find(c->v, CHECK_WARNING, "fencing: node %s %s", hactl_text(n, "node"),
			   hactl_text(n, "text"));
}

static void check_alarms(struct check *c)
{
	json_t *list = json_object_get(c->data, "alarms"), *a;
	char age[40];
	size_t i;

	json_array_foreach(list, i, a)
	{
		bool event = hactl_true(a, "event");

		hactl_duration(hactl_number(a, event ? "last_ms" : "since_ms", -1), age, sizeof age);
		check_find(c->v, CHECK_WARNING, "alarm: %s (%s %s%s)", hactl_text(a, "text"),
			   event ? "last" : "for", age, event ? " ago" : "");
	}
	if (!json_array_size(list))
		check_find(c->v, CHECK_OK, "no alarms");
	measure_count(c, "alarms", json_array_size(list));
}

/* ---- uplinks ---- */

static void check_uplink(struct check *c, const json_t *u)
{
	const char *name = hactl_text(u, "name"), *class = hactl_text(u, "class"),
		   *state = hactl_text(u, "state");
	bool used = !strcmp(state, "in-use") || !strcmp(state, "draining");
	bool down = !strcmp(class, "bad") || !strcmp(class, "none") || !strcmp(state, "missing");
	enum check_state s =
		!strcmp(class, "good") && strcmp(state, "missing") != 0 ? CHECK_OK : worse_if(down && used);

	check_find(c->v, s, "uplink %s is %s (%s), %s", name, *class ? class : "unknown",
		   hactl_text(u, "why"), state);
	if (hactl_true(u, "pinned"))
		check_find(
			c->v, CHECK_WARNING,
			"uplink %s is what an operator wants, whatever is measured, until hactl uplink auto",
			name);
	measure(c, json_object_get(u, "mos"), 1, "", "4.5", "%s.mos", name);
	measure(c, json_object_get(u, "loss_percent"), 1, "%", "100", "%s.loss", name);
	measure(c, json_object_get(u, "delay_ms"), 0.001, "s", "", "%s.delay", name);
	measure(c, json_object_get(u, "jitter_ms"), 0.001, "s", "", "%s.jitter", name);
}

static void check_uplinks(struct check *c)
{
	json_t *o;
	size_t i;

	json_array_foreach(json_object_get(c->data, "uplinks"), i, o) check_uplink(c, o);
	json_array_foreach(json_object_get(c->data, "voice"), i, o) if (!*hactl_text(o, "uplink"))
		check_find(c->v, CHECK_CRITICAL, "voice over %s has no uplink", hactl_text(o, "family"));
}

/* ---- groups ---- */

static void check_holder(struct check *c, const json_t *g, bool here)
{
	const char *name = hactl_text(g, "name"), *holder = hactl_text(g, "holder"),
		   *gate = hactl_text(g, "gate");
	char age[40];

	hactl_duration(hactl_number(g, "since_ms", -1), age, sizeof age);
	if (!*holder)
		check_find(c->v, CHECK_CRITICAL, "group %s: nobody holds it, the address is silent", name);
	else if (hactl_number(g, "since_ms", -1) >= 0)
		check_find(c->v, CHECK_OK, "group %s is held by %s for %s", name, holder, age);
	else
		check_find(c->v, CHECK_OK, "group %s is held by %s", name, holder);
	if (here && !strcmp(gate, "shut"))
		check_find(c->v, CHECK_CRITICAL, "group %s: this node holds it and its gate is shut", name);
	if (*holder && !here && !strcmp(gate, "open"))
		check_find(c->v, CHECK_CRITICAL, "group %s: %s holds it and the gate of this node is open",
			   name, holder);
	if (json_is_false(json_object_get(g, "majority")))
		check_find(c->v, CHECK_CRITICAL, "group %s: no majority of voters in reach of this node",
			   name);
}

static void check_pbx(struct check *c, const json_t *g, bool here)
{
	const json_t *pbx = json_object_get(g, "pbx");
	const char *name = hactl_text(g, "name"), *state = hactl_text(pbx, "state"),
		   *why = hactl_text(pbx, "why");

	if (!*state || !strcmp(state, "none"))
		return;
	if (strcmp(state, "healthy") != 0)
		check_find(c->v, worse_if(here), "group %s: the PBX of this node is %s%s%s%s", name, state,
			   *why ? " (" : "", why, *why ? ")" : "");
	else
		check_find(c->v, CHECK_OK, "group %s: the PBX of this node is healthy", name);
	if (hactl_true(pbx, "overloaded"))
		check_find(c->v, CHECK_WARNING, "group %s: the PBX of this node is overloaded", name);
	if (json_is_false(json_object_get(pbx, "adapter_ready")))
		check_find(c->v, CHECK_WARNING, "group %s: the adapter of the PBX does not answer", name);
	if (!here && json_is_false(json_object_get(pbx, "in_step")))
		check_find(c->v, CHECK_WARNING,
			   "group %s: the PBX of this node has not all registrations yet", name);
}

/* Whether one is registered matters where the group is held. */
static void check_trunks(struct check *c, const json_t *g)
{
	const char *name = hactl_text(g, "name");
	json_t *list = json_object_get(g, "trunks"), *t;
	size_t i, down = 0;

	json_array_foreach(list, i, t)
	{
		const char *state = hactl_text(t, "state"), *why = hactl_text(t, "why");
		bool good = !strcmp(state, "registered") || !strcmp(state, "ip-authenticated");
		bool refused = !strcmp(state, "failed") || !strcmp(state, "rejected");

		down += !good;
		check_find(c->v, good ? CHECK_OK : worse_if(refused), "group %s: trunk %s is %s%s%s%s%s",
			   name, hactl_text(t, "name"), state, hactl_true(t, "withdrawn") ? " by hand" : "",
			   *why ? " (" : "", why, *why ? ")" : "");
	}
	if (json_array_size(list)) {
		char label[CHECK_LABEL_MAX];

		(void)snprintf(label, sizeof label, "%s.trunks_down", name);
		measure_count(c, label, down);
	}
}

static void check_successor(struct check *c, const json_t *g)
{
	json_t *list = json_object_get(g, "candidates"), *o;
	size_t i, fit = 0;

	json_array_foreach(list, i, o) fit +=
		hactl_true(o, "eligible") && strcmp(hactl_text(o, "node"), hactl_text(g, "holder")) != 0;
	if (!*hactl_text(g, "holder") || json_array_size(list) < 2)
		return;
	if (fit == 0)
		check_find(c->v, CHECK_WARNING,
			   "group %s: no other node could take over now; see hactl why %s",
			   hactl_text(g, "name"), hactl_text(g, "name"));
	else
		check_find(c->v, CHECK_OK, "group %s: %zu other node%s could take over now",
			   hactl_text(g, "name"), fit, fit == 1 ? "" : "s");
}

static void check_group(struct check *c, const json_t *g)
{
	const char *name = hactl_text(g, "name"), *holder = hactl_text(g, "holder");
	const json_t *op = json_object_get(g, "operation");
	bool here = *holder && !strcmp(holder, hactl_text(c->data, "node"));
	int64_t calls = hactl_number(json_object_get(g, "pbx"), "calls", -1);

	check_holder(c, g, here);
	measure(c, json_object_get(g, "bindings"), 1, "", "", "%s.registrations", name);
	if (!strcmp(hactl_text(g, "gate"), "none"))
		return; /* a witness: the rest is for nodes with a PBX */
	check_pbx(c, g, here);
	if (here)
		check_trunks(c, g);
	check_successor(c, g);
	if (!strcmp(hactl_text(op, "state"), "failed"))
		check_find(c->v, CHECK_OK, "group %s: the last move, to %s, failed (%s)", name,
			   hactl_text(op, "to"), hactl_text(op, "reason"));
	measure(c, calls < 0 ? NULL : json_object_get(json_object_get(g, "pbx"), "calls"), 1, "", "",
		"%s.calls", name);
}

static void check_groups(struct check *c)
{
	json_t *list = json_object_get(c->data, "groups"), *g;
	size_t i, judged = 0;

	json_array_foreach(list, i, g)
	{
		if (c->group && strcmp(c->group, hactl_text(g, "name")) != 0)
			continue;
		check_group(c, g);
		judged++;
	}
	if (c->group && !judged)
		check_find(c->v, CHECK_UNKNOWN, "there is no group %s here; see hactl status", c->group);
}

/* ---- the whole ---- */

/* "office held by n1, 3 of 3 nodes up" */
static void say_fine(const struct check *c, char *ret, size_t size)
{
	json_t *list = json_object_get(c->data, "groups"), *g;
	size_t i, used = 0;

	ret[0] = 0;
	json_array_foreach(list, i, g)
	{
		if ((c->group && strcmp(c->group, hactl_text(g, "name")) != 0) || used >= size / 2)
			continue;
		(void)snprintf(ret + used, size - used, "%s%s held by %s", used ? ", " : "",
			       hactl_text(g, "name"), hactl_text(g, "holder"));
		used = strlen(ret);
	}
	(void)snprintf(ret + used, size - used, "%s%zu nodes up, no alarms", used ? ", " : "",
		       json_array_size(json_object_get(c->data, "nodes")));
}

static int finish(struct check *c)
{
	const char *unused = check_limit_unused(c->v);
	char fine[400] = "";

	if (unused && c->data)
		check_find(c->v, CHECK_UNKNOWN, "a limit for %s: there is no such value here", unused);
	if (c->data)
		say_fine(c, fine, sizeof fine);
	check_print(c->v, "RINGKEEP", fine, c->h->out);
	return (int)check_worst(c->v);
}

/* The agent's status, or NULL with the reason found. What hactl would complain of is what the plugin says. */
static json_t *ask(struct check *c)
{
	struct hactl h = *c->h;
	_cleanup_(free_ptr) char *said = NULL;
	size_t size = 0;
	int exit_code = 0;
	FILE *err = open_memstream(&said, &size);

	if (!err)
		return NULL;
	h.command = hactl_command_find("status");
	h.args = json_object();
	h.json = false;
	h.err = err;
	json_t *reply = hactl_ask(&h, &exit_code);

	json_decref(h.args);
	(void)fclose(err);
	if (said)
		said[strcspn(said, "\n")] = 0;
	if (reply && hactl_true(reply, "ok"))
		return reply;
	if (reply)
		check_find(c->v, CHECK_UNKNOWN, "%s", hactl_text(reply, "error"));
	else
		/* Who may not ask knows nothing; who gets no answer knows that this node does nothing. */
		check_find(c->v, h.error == EACCES || h.error == EPERM ? CHECK_UNKNOWN : CHECK_CRITICAL, "%s",
			   said && !strncmp(said, "hactl: ", 7) ? said + 7 : "the agent does not answer");
	json_decref(reply);
	return NULL;
}

static bool take_limits(struct check *c)
{
	static const struct {
		const char *key;
		enum check_state state;
	} options[] = { { "warning", CHECK_WARNING }, { "critical", CHECK_CRITICAL } };
	char error[160];

	for (size_t i = 0; i < 2; i++)
		if (!check_limits_parse(c->v, options[i].state, hactl_arg(c->h, options[i].key, ""), error,
					sizeof error)) {
			check_find(c->v, CHECK_UNKNOWN, "--%s: %s", options[i].key, error);
			return false;
		}
	return true;
}

static void judge(struct check *c)
{
	if (!*hactl_text(c->data, "node") || !json_is_array(json_object_get(c->data, "groups")))
		check_find(c->v, CHECK_UNKNOWN,
			   "the agent's answer has neither node nor groups: is hactl of its version?");
	check_agent(c);
	check_groups(c);
	check_nodes(c);
	check_links(c);
	check_fencing(c);
	check_uplinks(c);
	check_alarms(c);
}

int run_check(struct hactl *h)
{
	_cleanup_(free_ptr) struct check_verdict *v = calloc(1, sizeof *v);
	struct check c = { .h = h, .group = hactl_arg(h, "group", NULL), .v = v };

	if (!v)
		return CHECK_UNKNOWN;
	json_t *reply = take_limits(&c) ? ask(&c) : NULL;

	c.data = json_object_get(reply, "data");
	if (reply)
		judge(&c);
	int ret = finish(&c);

	json_decref(reply);
	return ret;
}
