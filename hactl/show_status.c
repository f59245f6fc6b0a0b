/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hactl.h"

#include <inttypes.h>
#include <string.h>

static void heading(struct hactl *h, const char *text)
{
	(void)fputc('\n', h->out);
	hactl_put(h, h->out, STYLE_BOLD, 0, text);
	(void)fputc('\n', h->out);
}

static void show_head(struct hactl *h, const json_t *data)
{
	bool leased = strcmp(hactl_text(data, "safety"), "best-effort") != 0;

	(void)fputs("cluster ", h->out);
	hactl_put(h, h->out, STYLE_BOLD, 0, hactl_text(data, "cluster"));
	(void)fprintf(h->out, ", seen from %s%s: safety ", hactl_text(data, "node"),
		      hactl_true(data, "witness") ? " (witness)" : "");
	hactl_put(h, h->out, leased ? STYLE_GOOD : STYLE_BAD, 0, hactl_text(data, "safety"));
	(void)fprintf(h->out, ", %s", leased ? "never two holders" : "two holders are possible");
	const json_t *timing = json_object_get(data, "timing");

	if (json_object_get(timing, "takeover_ms_max"))
		(void)fprintf(h->out, "; a dead node is replaced within %" PRId64 " ms",
			      hactl_number(timing, "takeover_ms_max", 0));
	(void)fputc('\n', h->out);
	if (*hactl_text(data, "safety_note"))
		(void)fprintf(h->out, "  %s\n", hactl_text(data, "safety_note"));
	if (*hactl_text(data, "safety_limit"))
		(void)fprintf(h->out, "  limit: %s\n", hactl_text(data, "safety_limit"));
	if (hactl_true(data, "paused")) {
		hactl_put(h, h->out, STYLE_WARN, 0, "PAUSED");
		(void)fputs(": nothing automatic happens until hactl resume\n", h->out);
	}
	if (hactl_true(data, "stopping"))
		(void)fputs("This agent is stopping.\n", h->out);
}

/* ---- nodes ---- */

static enum hactl_style state_style(const char *state)
{
	return !strcmp(state, "up") ? STYLE_GOOD : !strcmp(state, "joining") ? STYLE_WARN : STYLE_BAD;
}

/* In short; this node's own are told at length further down. */
static void show_node_uplinks(struct hactl *h, const json_t *n)
{
	json_t *list = json_object_get(n, "uplinks"), *u;
	size_t i;

	json_array_foreach(list, i, u)
	{
		const char *isp = hactl_text(u, "isp"), *name = hactl_text(u, "name");
		const char *class = hactl_text(u, "class");
		char age[40];

		(void)fprintf(h->out, "%s%s %s", i == 0 ? ", uplinks " : ", ",
			      *name  ? name
			      : *isp ? isp
				     : "(another)",
			      class);
		if (strcmp(class, "good") != 0) {
			hactl_duration(hactl_number(u, "age_ms", -1), age, sizeof age);
			(void)fprintf(h->out, " for %s", age);
		}
		if (hactl_true(u, "in_use"))
			(void)fputs(" (in use)", h->out);
	}
}

static void show_node(struct hactl *h, const json_t *data, const json_t *n, int name_width, int state_width)
{
	const char *state = hactl_text(n, "state");
	bool self = !strcmp(hactl_text(n, "name"), hactl_text(data, "node"));
	char age[40];

	(void)fputs("  ", h->out);
	hactl_put(h, h->out, STYLE_BOLD, name_width + 2, hactl_text(n, "name"));
	hactl_put(h, h->out, state_style(state), state_width + 2, state);
	if (self) {
		(void)fputs("this node", h->out);
	} else if (json_object_get(n, "last_heard_ms")) {
		hactl_duration(hactl_number(n, "last_heard_ms", -1), age, sizeof age);
		(void)fprintf(h->out, "heard %s ago", age);
	} else if (strcmp(state, "never-seen") != 0) {
		(void)fputs("never heard", h->out);
	} else {
		(void)fputs("since this agent started", h->out);
	}
	if (hactl_true(n, "witness"))
		(void)fputs(", witness", h->out);
	if (hactl_true(n, "standby")) {
		(void)fputs(", ", h->out);
		hactl_put(h, h->out, STYLE_WARN, 0, "standby");
	}
	if (json_is_false(json_object_get(n, "hears_us")))
		(void)fputs(", does not hear this node", h->out);
	if (json_is_false(json_object_get(n, "quorate")))
		(void)fputs(", no corosync quorum", h->out);
	if (json_is_false(json_object_get(n, "config_equal")))
		(void)fputs(", another configuration", h->out);
	if (json_number_value(json_object_get(n, "loop_lag_ms")) >= 10)
		(void)fprintf(h->out, ", late by %.0f ms",
			      json_number_value(json_object_get(n, "loop_lag_ms")));
	if (!self)
		show_node_uplinks(h, n);
	(void)fputc('\n', h->out);
}

static void show_nodes(struct hactl *h, const json_t *data)
{
	json_t *list = json_object_get(data, "nodes"), *n;
	int name_width = hactl_width(list, "name", 2), state_width = hactl_width(list, "state", 2);
	size_t i;

	heading(h, "nodes");
	json_array_foreach(list, i, n) show_node(h, data, n, name_width, state_width);
}

/* ---- fencing ---- */

static enum hactl_style fence_style(const char *state)
{
	bool off = !strcmp(state, "fenced") || !strcmp(state, "confirmed");

	return off							? STYLE_GOOD
	       : !strcmp(state, "disputed") || !strcmp(state, "failed") ? STYLE_BAD
									: STYLE_WARN;
}

/* Nothing of it while there is nothing to say. */
static void show_fencing(struct hactl *h, const json_t *data)
{
	json_t *list = json_object_get(json_object_get(data, "fencing"), "nodes"), *n;
	bool headed = false;
	size_t i;

	json_array_foreach(list, i, n)
	{
		const char *state = hactl_text(n, "state");

		if (!strcmp(state, "clean"))
			continue;
		if (!headed)
			heading(h, "fencing");
		headed = true;
		(void)fputs("  ", h->out);
		hactl_put(h, h->out, STYLE_BOLD, 0, hactl_text(n, "node"));
		(void)fputs("  ", h->out);
		hactl_put(h, h->out, fence_style(state), 0, state);
		(void)fprintf(h->out, ": it %s", hactl_text(n, "text"));
		if (*hactl_text(n, "shooter"))
			(void)fprintf(h->out, " (level %" PRId64 ", by %s)", hactl_number(n, "level", 1),
				      hactl_text(n, "shooter"));
		(void)fputc('\n', h->out);
	}
}

/* ---- groups ---- */

static void show_holder(struct hactl *h, const json_t *g)
{
	const char *holder = hactl_text(g, "holder");
	char age[40];

	(void)fputs("group ", h->out);
	hactl_put(h, h->out, STYLE_BOLD, 0, hactl_text(g, "name"));
	(void)fputs(": ", h->out);
	if (!*holder) {
		hactl_put(h, h->out, STYLE_BAD, 0, "nobody holds it");
		(void)fprintf(h->out, ", the address is silent (%s)\n", hactl_text(g, "state"));
		return;
	}
	(void)fputs("held by ", h->out);
	hactl_put(h, h->out, STYLE_GOOD, 0, holder);
	if (hactl_number(g, "since_ms", -1) >= 0) {
		hactl_duration(hactl_number(g, "since_ms", -1), age, sizeof age);
		(void)fprintf(h->out, " for %s", age);
	}
	if (!*hactl_text(g, "epoch")) /* VRRP's tenures have none */
		(void)fprintf(h->out, "%s%s%s\n", *hactl_text(g, "since") ? " (since " : "",
			      hactl_text(g, "since"), *hactl_text(g, "since") ? ")" : "");
	else
		(void)fprintf(h->out, " (since %s, epoch %s)\n",
			      *hactl_text(g, "since") ? hactl_text(g, "since") : "?", hactl_text(g, "epoch"));
}

static void show_addresses(struct hactl *h, const json_t *g)
{
	json_t *list = json_object_get(g, "addresses"), *a;
	size_t i, count = json_array_size(list);

	(void)fputs("  addresses   ", h->out);
	json_array_foreach(list, i, a)
	{
		if (i == 6 && count > 8) {
			(void)fprintf(h->out, " and %zu more", count - i);
			break;
		}
		(void)fprintf(h->out, "%s%s", i ? ", " : "",
			      json_string_value(a) ? json_string_value(a) : "?");
	}
	(void)fprintf(h->out, "%s%s\n", *hactl_text(g, "device") ? " on " : "", hactl_text(g, "device"));
}

static void show_here(struct hactl *h, const json_t *g)
{
	const char *gate = hactl_text(g, "gate");
	bool open = !strcmp(gate, "open");

	(void)fputs("  here        ", h->out);
	if (!strcmp(gate, "none")) {
		(void)fputs("only votes", h->out);
	} else {
		(void)fputs("gate ", h->out);
		hactl_put(h, h->out, open ? STYLE_GOOD : STYLE_PLAIN, 0, gate);
		(void)fprintf(h->out, ", %s", hactl_text(g, "state"));
	}
	if (json_is_false(json_object_get(g, "majority"))) {
		(void)fputs(", ", h->out);
		hactl_put(h, h->out, STYLE_BAD, 0, "no majority of voters in reach");
	}
	(void)fputc('\n', h->out);
}

static void show_pbx(struct hactl *h, const json_t *g)
{
	const json_t *pbx = json_object_get(g, "pbx");
	const char *state = json_is_string(pbx) ? json_string_value(pbx) : hactl_text(pbx, "state");
	bool healthy = !strcmp(state, "healthy");
	int64_t calls = hactl_number(pbx, "calls", -1), unmovable = hactl_number(pbx, "unmovable", 0);

	if (!strcmp(hactl_text(g, "gate"), "none"))
		return; /* a witness */
	(void)fputs("  PBX         ", h->out);
	hactl_put(h, h->out, healthy || !strcmp(state, "none") ? STYLE_GOOD : STYLE_BAD, 0, state);
	if (*hactl_text(pbx, "why") && !healthy)
		(void)fprintf(h->out, " (%s)", hactl_text(pbx, "why"));
	if (calls >= 0)
		(void)fprintf(h->out, ", %" PRId64 " call%s", calls, calls == 1 ? "" : "s");
	(void)fprintf(h->out, ", %" PRId64 " registration%s", hactl_number(g, "bindings", 0),
		      hactl_number(g, "bindings", 0) == 1 ? "" : "s");
	if (unmovable > 0)
		(void)fprintf(h->out, " (%" PRId64 " on a connection of its own, cannot be moved)",
			      unmovable);
	if (json_is_true(json_object_get(pbx, "overloaded"))) {
		(void)fputs(", ", h->out);
		hactl_put(h, h->out, STYLE_BAD, 0, "overloaded");
	}
	if (json_is_false(json_object_get(pbx, "in_step")))
		(void)fputs(", not yet in step", h->out);
	(void)fputc('\n', h->out);
}

static void show_unseen(struct hactl *h, const json_t *g)
{
	const json_t *u = json_object_get(g, "unseen_calls");
	int64_t calls = hactl_number(u, "calls", 0);
	char age[40], left[40];

	if (calls <= 0)
		return;
	hactl_duration(hactl_number(u, "age_ms", -1), age, sizeof age);
	hactl_duration(hactl_number(u, "left_ms", -1), left, sizeof left);
	(void)fprintf(h->out,
		      "  calls       %" PRId64 " came from %s with the move %s ago, not counted by this PBX: "
		      "taken for ended in %s\n",
		      calls, hactl_text(u, "from"), age, left);
}

static void show_registering(struct hactl *h, const json_t *g)
{
	const json_t *r = json_object_get(g, "registrations");

	if (!json_is_object(r))
		return;
	(void)fprintf(h->out,
		      "  REGISTERs   %.1f per second, at most %" PRId64 " in one, %" PRId64
		      " since the takeover\n",
		      json_number_value(json_object_get(r, "per_s")), hactl_number(r, "peak_per_s", 0),
		      hactl_number(r, "since_takeover", 0));
}

static void show_vrrp(struct hactl *h, const json_t *g)
{
	const json_t *v = json_object_get(g, "vrrp"), *heard = json_object_get(v, "heard"),
		     *rogue = json_object_get(v, "rogue");
	char age[40];

	if (!json_is_object(v))
		return;
	(void)fprintf(h->out,
		      "  VRRP        %s, VRID %" PRId64 ", version %" PRId64 ", priority %" PRId64
		      ", every %" PRId64 " ms: %s",
		      hactl_text(v, "mode"), hactl_number(v, "vrid", 0), hactl_number(v, "version", 0),
		      hactl_number(v, "priority", 0), hactl_number(v, "advert_ms", 0),
		      hactl_text(v, "state"));
	if (*hactl_text(v, "fault"))
		(void)fprintf(h->out, " (%s)", hactl_text(v, "fault"));
	if (json_is_object(heard)) {
		hactl_duration(hactl_number(heard, "ms", 0), age, sizeof age);
		(void)fprintf(h->out, "\n              heard %s (%s), priority %" PRId64 ", %s ago",
			      hactl_text(heard, "address"), hactl_text(heard, "mac"),
			      hactl_number(heard, "priority", 0), age);
	}
	if (json_is_object(rogue)) {
		hactl_duration(hactl_number(rogue, "ms", 0), age, sizeof age);
		(void)fputs("\n              ", h->out);
		hactl_put(h, h->out, STYLE_BAD, 0, "rogue ");
		(void)fprintf(h->out, "%s (%s), %s ago", hactl_text(rogue, "address"),
			      hactl_text(rogue, "mac"), age);
	}
	(void)fprintf(h->out, "\n              %s\n", hactl_text(v, "promise"));
}

static bool trunk_is_good(const json_t *t, bool holder)
{
	const char *state = hactl_text(t, "state");

	return !strcmp(state, "registered") || !strcmp(state, "ip-authenticated") || !holder;
}

/* Whether it is registered matters where the group is held. */
static void show_trunks(struct hactl *h, const json_t *g)
{
	json_t *list = json_object_get(g, "trunks"), *t;
	bool holder = !strcmp(hactl_text(g, "gate"), "open");
	char age[40];
	size_t i;

	if (!strcmp(hactl_text(g, "gate"), "none"))
		return; /* a witness */
	json_array_foreach(list, i, t)
	{
		int64_t since = hactl_number(t, "since_ms", -1), next = hactl_number(t, "next_try_ms", -1);

		(void)fprintf(h->out, "  %-12s%s ", i ? "" : "trunks", hactl_text(t, "name"));
		hactl_put(h, h->out,
			  trunk_is_good(t, holder) ? (holder ? STYLE_GOOD : STYLE_PLAIN) : STYLE_BAD, 0,
			  hactl_text(t, "state"));
		if (since >= 0) {
			hactl_duration(since, age, sizeof age);
			(void)fprintf(h->out, " for %s", age);
		}
		if (strcmp(hactl_text(t, "carrier"), hactl_text(t, "name")) != 0)
			(void)fprintf(h->out, ", carrier %s", hactl_text(t, "carrier"));
		if (hactl_true(t, "withdrawn"))
			(void)fputs(", unregistered by hand", h->out);
		if (*hactl_text(t, "why") && !trunk_is_good(t, holder))
			(void)fprintf(h->out, " (%s)", hactl_text(t, "why"));
		if (holder && next >= 0) {
			hactl_duration(next, age, sizeof age);
			(void)fprintf(h->out, ", next try in %s", age);
		}
		(void)fputc('\n', h->out);
	}
}

static void show_operation(struct hactl *h, const json_t *g)
{
	const json_t *op = json_object_get(g, "operation"), *drain = json_object_get(op, "draining");
	int64_t calls = hactl_number(drain, "calls", -1);
	char left[40];

	if (!json_is_object(op) || !strcmp(hactl_text(op, "state"), "done"))
		return;
	if (json_is_object(drain)) {
		hactl_duration(hactl_number(drain, "left_ms", -1), left, sizeof left);
		(void)fprintf(h->out, "  operation   to %s: draining: ", hactl_text(op, "to"));
		if (calls < 0)
			(void)fputs("nobody knows how many calls are up", h->out);
		else
			(void)fprintf(h->out, "%" PRId64 " call%s up", calls, calls == 1 ? "" : "s");
		(void)fprintf(h->out, ", %s left\n", left);
		return;
	}
	(void)fprintf(h->out, "  operation   to %s: %s%s%s\n", hactl_text(op, "to"), hactl_text(op, "state"),
		      *hactl_text(op, "reason") ? ", " : "", hactl_text(op, "reason"));
}

static void show_candidates(struct hactl *h, const json_t *g, const char *title)
{
	const json_t *list = json_object_get(g, "candidates");

	if (!json_array_size(list))
		return; /* a witness judges nobody */
	(void)fprintf(h->out, "  %s\n", title);
	hactl_print_candidates(h, h->out, list, 4);
}

static void show_group(struct hactl *h, const json_t *g)
{
	(void)fputc('\n', h->out);
	show_holder(h, g);
	show_addresses(h, g);
	show_here(h, g);
	show_pbx(h, g);
	show_unseen(h, g);
	show_registering(h, g);
	show_trunks(h, g);
	show_vrrp(h, g);
	show_operation(h, g);
	show_candidates(h, g, "candidates");
}

/* ---- links and alarms ---- */

static void show_links(struct hactl *h, const json_t *data)
{
	json_t *list = json_object_get(data, "links"), *l;
	int node_width = hactl_width(list, "node", 2), link_width = hactl_width(list, "link", 2);
	size_t i;

	if (!json_array_size(list))
		return;
	heading(h, "links");
	json_array_foreach(list, i, l)
	{
		bool up = hactl_true(l, "up");
		int64_t heard_ms = hactl_number(l, "heard_ms", -1);
		char age[40];

		(void)fputs("  ", h->out);
		hactl_put(h, h->out, STYLE_PLAIN, node_width + 2, hactl_text(l, "node"));
		hactl_put(h, h->out, STYLE_PLAIN, link_width + 2, hactl_text(l, "link"));
		hactl_put(h, h->out, up ? STYLE_GOOD : STYLE_BAD, 6, up ? "up" : "silent");
		if (up)
			(void)fprintf(h->out, "  round trip %.1f ms\n",
				      json_number_value(json_object_get(l, "rtt_ms")));
		else if (heard_ms < 0)
			(void)fputs("  never heard\n", h->out);
		else
			hactl_duration(heard_ms, age, sizeof age);
		if (!up && heard_ms >= 0)
			(void)fprintf(h->out, "  last heard %s ago\n", age);
	}
}

/* Of this node; its trouble is an alarm already. */
static void show_watchdog(struct hactl *h, const json_t *data)
{
	json_t *w = json_object_get(data, "watchdog");
	bool armed = !strcmp(hactl_text(w, "state"), "armed");
	char timeout[40];

	if (!json_is_object(w))
		return;
	(void)fprintf(h->out, "\nwatchdog %s: ", hactl_text(w, "device"));
	hactl_put(h, h->out, armed ? STYLE_GOOD : STYLE_BAD, 0, hactl_text(w, "state"));
	if (armed) {
		hactl_duration(hactl_number(w, "timeout_ms", -1), timeout, sizeof timeout);
		(void)fprintf(h->out, ", resets this node after %s without its agent", timeout);
	}
	if (hactl_true(w, "nowayout"))
		(void)fputs(", cannot be disarmed", h->out);
	if (hactl_true(w, "counted"))
		(void)fputs(", others count on it", h->out);
	if (hactl_true(w, "card_reset"))
		(void)fputs(", it reset this node before it booted", h->out);
	(void)fputc('\n', h->out);
}

static void show_alarms(struct hactl *h, const json_t *data)
{
	json_t *list = json_object_get(data, "alarms"), *a;
	char since[40];
	size_t i;

	if (!json_array_size(list)) {
		(void)fputs("\nno alarms\n", h->out);
		return;
	}
	heading(h, "alarms");
	json_array_foreach(list, i, a)
	{
		bool event = hactl_true(a, "event");
		int64_t count = hactl_number(a, "count", 1);

		hactl_duration(hactl_number(a, event ? "last_ms" : "since_ms", -1), since, sizeof since);
		(void)fputs("  ", h->out);
		hactl_put(h, h->out, event ? STYLE_WARN : STYLE_BAD, 0, hactl_text(a, "text"));
		(void)fprintf(h->out, " (%s %s%s", event ? "last" : "for", since, event ? " ago" : "");
		if (count > 1)
			(void)fprintf(h->out, ", %" PRId64 " times", count);
		(void)fputs(")\n", h->out);
	}
}

void show_status(struct hactl *h, const json_t *data)
{
	json_t *g;
	size_t i;

	show_head(h, data);
	show_nodes(h, data);
	show_fencing(h, data);
	json_array_foreach(json_object_get(data, "groups"), i, g) show_group(h, g);
	show_links(h, data);
	show_uplink_lines(h, data, false);
	show_watchdog(h, data);
	show_alarms(h, data);
}

void show_why(struct hactl *h, const json_t *data)
{
	show_holder(h, data);
	if (*hactl_text(data, "decision"))
		(void)fprintf(h->out, "  %s decides here: R%" PRId64 ", %s\n", hactl_text(data, "node"),
			      hactl_number(data, "rule", 0), hactl_text(data, "decision"));
	show_here(h, data);
	show_pbx(h, data);
	show_registering(h, data);
	show_vrrp(h, data);
	show_operation(h, data);
	show_candidates(h, data, "candidates, best first in the configuration");
	show_uplink_lines(h, data, true);
}
