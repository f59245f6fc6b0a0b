/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What gate, registrations, moves and intents print.
 */
#include "hactl.h"

#include <inttypes.h>
#include <string.h>

/* ---- gate ---- */

static void show_gate_group(struct hactl *h, const json_t *g, int width)
{
	json_t *list = json_object_get(g, "addresses"), *a;
	bool open = hactl_true(g, "open");
	char text[64];
	size_t i;

	(void)snprintf(text, sizeof text, "open for %" PRId64 " ms more", hactl_number(g, "open_for_ms", 0));
	json_array_foreach(list, i, a)
	{
		hactl_put(h, h->out, STYLE_BOLD, width + 2, i ? "" : hactl_text(g, "group"));
		(void)fprintf(h->out, "%-39s  ", json_string_value(a) ? json_string_value(a) : "?");
		hactl_put(h, h->out, open ? STYLE_GOOD : STYLE_PLAIN, 0, open ? text : "shut");
		if (!i)
			(void)fprintf(h->out, "  (dropped %" PRId64 " in, %" PRId64 " out)",
				      hactl_number(g, "drops_in", 0), hactl_number(g, "drops_out", 0));
		(void)fputc('\n', h->out);
	}
}

static void show_gate_peers(struct hactl *h, json_t *peers)
{
	json_t *o, *group;
	size_t i, k;

	if (!json_array_size(peers))
		return;
	(void)fputs("\ntrunk peers (UDP, TCP and SCTP to them)\n", h->out);
	json_array_foreach(peers, i, o)
	{
		bool open = hactl_true(o, "open");
		json_t *groups = json_object_get(o, "groups");

		(void)fprintf(h->out, "  %-43s  ", hactl_text(o, "peer"));
		hactl_put(h, h->out, open ? STYLE_GOOD : STYLE_PLAIN, 6, open ? "open" : "shut");
		json_array_foreach(groups, k, group)(void)
			fprintf(h->out, "%s%s", k ? ", " : "", json_string_value(group));
		(void)fprintf(h->out, "  (dropped %" PRId64 " out)\n", hactl_number(o, "drops_out", 0));
	}
}

void show_gate(struct hactl *h, const json_t *data)
{
	json_t *groups = json_object_get(data, "groups"), *links = json_object_get(data, "interfaces"), *o;
	const json_t *guard = json_object_get(data, "guard");
	int group_width = hactl_width(groups, "group", 5), link_width = hactl_width(links, "interface", 5);
	size_t i;

	json_array_foreach(groups, i, o) show_gate_group(h, o, group_width);
	show_gate_peers(h, json_object_get(data, "peers"));
	(void)fputs("\ninterfaces\n", h->out);
	json_array_foreach(links, i, o)
	{
		bool on = hactl_true(o, "gate");

		(void)fputs("  ", h->out);
		hactl_put(h, h->out, STYLE_PLAIN, link_width + 2, hactl_text(o, "interface"));
		hactl_put(h, h->out, on ? STYLE_GOOD : STYLE_BAD, 0,
			  on ? "gate in force" : "no gate: all virtual addresses dropped by the guard");
		(void)fprintf(h->out, "%s%s\n", *hactl_text(o, "error") ? ", " : "", hactl_text(o, "error"));
	}
	(void)fputs("guard  ", h->out);
	hactl_put(h, h->out, hactl_true(guard, "up") ? STYLE_GOOD : STYLE_BAD, 0,
		  hactl_true(guard, "up") ? "in force" : "not in force");
	(void)fprintf(h->out, ", removed by others %" PRId64 " times\n", hactl_number(guard, "losses", 0));
}

/* ---- trunks ---- */

void show_trunk(struct hactl *h, const json_t *data)
{
	(void)fprintf(h->out, "trunk %s of %s: the PBX is ordered to %s it; see hactl status\n",
		      hactl_text(data, "trunk"), hactl_text(data, "group"), hactl_text(data, "action"));
}

/* ---- voters ---- */

static void show_names(struct hactl *h, const char *label, const json_t *list)
{
	const json_t *name;
	size_t i;

	(void)fprintf(h->out, "  %-12s", label);
	json_array_foreach(list, i, name)(void)
		fprintf(h->out, "%s%s", i ? ", " : "", json_string_value(name));
	(void)fputc('\n', h->out);
}

void show_voters(struct hactl *h, const json_t *data)
{
	bool joint = !strcmp(hactl_text(data, "phase"), "joint");

	(void)fprintf(h->out, "voter set, version %" PRId64 ": ", hactl_number(data, "version", 0));
	hactl_put(h, h->out, joint ? STYLE_WARN : STYLE_GOOD, 0,
		  joint ? "changing, both sets decide together" : "stable");
	(void)fputc('\n', h->out);
	show_names(h, joint ? "old" : "voters", json_object_get(data, "voters"));
	if (joint)
		show_names(h, "new", json_object_get(data, "next"));
	show_names(h, "configured", json_object_get(data, "configured"));
}

/* ---- registrations ---- */

static void show_bindings(struct hactl *h, const json_t *g)
{
	json_t *list = json_object_get(g, "bindings"), *b;
	int aor = hactl_width(list, "aor", 3), contact = hactl_width(list, "contact", 7);
	size_t i;

	(void)fputs("group ", h->out);
	hactl_put(h, h->out, STYLE_BOLD, 0, hactl_text(g, "group"));
	(void)fprintf(h->out, ": %zu registrations\n", json_array_size(list));
	json_array_foreach(list, i, b)
	{
		char expires[40] = "no end";

		if (json_object_get(b, "expires_s"))
			hactl_duration(hactl_number(b, "expires_s", 0) * 1000, expires, sizeof expires);
		(void)fprintf(h->out, "  %-*s  %-*s  %-12s  %s\n", aor, hactl_text(b, "aor"), contact,
			      hactl_text(b, "contact"), expires, hactl_text(b, "user_agent"));
	}
}

static void show_binding_diff(struct hactl *h, const json_t *g)
{
	json_t *list = json_object_get(g, "nodes"), *n;
	int width = hactl_width(list, "node", 4);
	bool equal = hactl_true(g, "equal");
	size_t i;

	(void)fputs("group ", h->out);
	hactl_put(h, h->out, STYLE_BOLD, 0, hactl_text(g, "group"));
	(void)fputs(": ", h->out);
	hactl_put(h, h->out, equal ? STYLE_GOOD : STYLE_WARN, 0,
		  equal ? "all nodes have the same registrations"
			: "the nodes differ; this heals by itself within seconds");
	(void)fputc('\n', h->out);
	json_array_foreach(list, i, n)
	{
		bool known = hactl_true(n, "known"), same = hactl_true(n, "equal");

		(void)fputs("  ", h->out);
		hactl_put(h, h->out, STYLE_BOLD, width + 2, hactl_text(n, "node"));
		if (!known) {
			hactl_put(h, h->out, STYLE_BAD, 0, "not heard");
		} else {
			(void)fprintf(h->out, "%6" PRId64 "  ", hactl_number(n, "bindings", 0));
			hactl_put(h, h->out, same ? STYLE_GOOD : STYLE_WARN, 0,
				  same ? "same as the holder" : "differs from the holder");
			(void)fputs(hactl_true(n, "pbx_in_step") ? ", its PBX has them"
								 : ", its PBX is behind",
				    h->out);
		}
		(void)fputs(!strcmp(hactl_text(n, "node"), hactl_text(g, "holder")) ? " (holder)\n" : "\n",
			    h->out);
	}
}

void show_registrations(struct hactl *h, const json_t *data)
{
	bool diff = !strcmp(hactl_arg(h, "action", ""), "diff");
	json_t *g;
	size_t i;

	json_array_foreach(json_object_get(data, "groups"), i, g)
	{
		if (diff)
			show_binding_diff(h, g);
		else
			show_bindings(h, g);
	}
}

/* ---- what changes something ---- */

static void show_drain(struct hactl *h, const json_t *data)
{
	int64_t calls = hactl_number(data, "calls", 0);
	char time[40];

	hactl_duration(hactl_number(data, "drain_ms", 0), time, sizeof time);
	(void)fprintf(h->out, " when no call is up (%" PRId64 " %s now), within %s or not at all", calls,
		      calls == 1 ? "is" : "are", time);
}

void show_move(struct hactl *h, const json_t *data)
{
	const char *group =
		*hactl_text(data, "group") ? hactl_text(data, "group") : hactl_arg(h, "group", "");
	const char *state = hactl_text(data, "state");

	if (hactl_true(data, "dry_run")) {
		(void)fprintf(h->out, "%s would move to %s", group, hactl_text(data, "to"));
		if (json_object_get(data, "drain_ms"))
			show_drain(h, data);
		(void)fputs("; nothing was changed\n", h->out);
		hactl_print_candidates(h, h->out, json_object_get(data, "nodes"), 2);
		return;
	}
	(void)fprintf(h->out, "%s of %s to %s: ", h->command->name, group, hactl_text(data, "to"));
	hactl_put(h, h->out, STYLE_GOOD, 0, state);
	if (!strcmp(state, "accepted"))
		(void)fputs(" (--wait tells the end; so does hactl history)", h->out);
	if (json_object_get(data, "ms"))
		(void)fprintf(h->out, " in %" PRId64 " ms", hactl_number(data, "ms", 0));
	(void)fputc('\n', h->out);
}

void show_intent(struct hactl *h, const json_t *data)
{
	static const struct {
		const char *command, *text;
	} texts[] = {
		{ "standby", "%s is in standby: it hands over what it holds, and holds nothing until hactl "
			     "unstandby %s\n" },
		{ "unstandby",
		  "%s may hold groups again; nothing moves back by itself unless failback says so\n" },
		{ "pause", "paused: nothing automatic happens until hactl resume\n" },
		{ "resume", "resumed: failover is automatic again\n" },
		{ "cancel", "cancelled: the move of %s has ended; hactl status says who holds it\n" },
	};
	const char *node = hactl_arg(h, "node", hactl_arg(h, "group", ""));

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *p = texts[i].text, *at;

		if (strcmp(texts[i].command, h->command->name))
			continue;
		for (; (at = strstr(p, "%s")); p = at + 2)
			(void)fprintf(h->out, "%.*s%s", (int)(at - p), p, node);
		(void)fputs(p, h->out);
	}
}
