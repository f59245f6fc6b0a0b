/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Uplinks for people: a line each, and which one voice takes and why.
 */
#include "hactl.h"

#include <inttypes.h>
#include <string.h>

static enum hactl_style class_style(const char *class)
{
	if (!strcmp(class, "good"))
		return STYLE_GOOD;
	return !strcmp(class, "degraded") || !strcmp(class, "unknown") ? STYLE_WARN : STYLE_BAD;
}

struct uplink_widths {
	int name, isp;
};

/* "4.36", or "-" if it is not known. */
static const char *real_text(const json_t *o, const char *key, const char *format, char *ret, size_t size)
{
	const json_t *v = json_object_get(o, key);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (json_is_number(v))
		(void)snprintf(ret, size, format, json_number_value(v));
	else
		(void)snprintf(ret, size, "-");
#pragma GCC diagnostic pop
	return ret;
}

static void show_numbers(struct hactl *h, const json_t *u)
{
	static const struct {
		const char *key, *format;
		int width;
	} columns[] = { { "mos", "%.2f", 6 },
			{ "loss_percent", "%.1f%%", 8 },
			{ "delay_ms", "%.1fms", 9 },
			{ "jitter_ms", "%.1fms", 0 } };
	char text[32];

	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
		hactl_put(h, h->out, STYLE_PLAIN, columns[i].width,
			  real_text(u, columns[i].key, columns[i].format, text, sizeof text));
}

static void show_target(struct hactl *h, const json_t *t)
{
	const char *state = hactl_text(t, "state");

	(void)fputs("    ", h->out);
	hactl_put(h, h->out, STYLE_PLAIN, 14, hactl_text(t, "name"));
	hactl_put(h, h->out, STYLE_PLAIN, 6, hactl_text(t, "kind"));
	hactl_put(h, h->out, !strcmp(state, "down") ? STYLE_BAD : STYLE_PLAIN, 9, state);
	(void)fprintf(h->out, "%.1fms, %.1f%% lost%s, %s\n", json_number_value(json_object_get(t, "rtt_ms")),
		      json_number_value(json_object_get(t, "loss_percent")),
		      hactl_true(t, "suspect") ? ", itself in doubt" : "", hactl_text(t, "address"));
}

static void show_uplink(struct hactl *h, const json_t *u, const struct uplink_widths *w)
{
	const char *state = hactl_text(u, "state"), *class = hactl_text(u, "class");
	json_t *target;
	char age[40];
	size_t i;

	(void)fputs("  ", h->out);
	hactl_put(h, h->out, STYLE_BOLD, w->name + 2, hactl_text(u, "name"));
	hactl_put(h, h->out, STYLE_PLAIN, w->isp + 2, hactl_text(u, "isp"));
	hactl_put(h, h->out, STYLE_PLAIN, 6, hactl_text(u, "family"));
	hactl_put(h, h->out, !strcmp(state, "in-use") ? STYLE_BOLD : STYLE_PLAIN, 10, state);
	hactl_put(h, h->out, class_style(class), 10, class);
	show_numbers(h, u);
	hactl_duration(hactl_number(u, "since_ms", 0), age, sizeof age);
	(void)fprintf(h->out, "\n    %s for %s: %s%s%s%s\n", class, age, hactl_text(u, "why"),
		      hactl_true(u, "pinned") ? ", by hand" : "", hactl_true(u, "damped") ? ", flaps" : "",
		      hactl_true(u, "doubted") ? ", in doubt" : "");
	if (hactl_flag(h, "verbose"))
		json_array_foreach(json_object_get(u, "targets"), i, target) show_target(h, target);
}

static void show_columns(struct hactl *h, const struct uplink_widths *w)
{
	const struct {
		const char *title;
		int width;
	} columns[] = { { "", w->name + 2 }, { "isp", w->isp + 2 }, { "", 6 },
			{ "use", 10 },	     { "class", 10 },	    { "mos", 6 },
			{ "loss", 8 },	     { "delay", 9 },	    { "jitter", 0 } };

	(void)fputs("  ", h->out);
	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
		hactl_put(h, h->out, STYLE_DIM, columns[i].width, columns[i].title);
	(void)fputc('\n', h->out);
}

/* "    verified in 1.6 to 9.0 s; waits for trunks, flows" */
static void show_pending(struct hactl *h, const json_t *p)
{
	json_t *waits = json_object_get(p, "waits_for"), *w;
	double at_most = (double)hactl_number(p, "ended_in_ms_max", 0) / 1000;
	size_t i;

	if (hactl_true(p, "undoing"))
		(void)fprintf(h->out, "    being undone, within %.1f s", at_most);
	else
		(void)fprintf(h->out, "    verified in %.1f to %.1f s",
			      (double)hactl_number(p, "verified_in_ms_min", 0) / 1000, at_most);
	json_array_foreach(waits, i, w)
	{
		(void)fprintf(h->out, "%s%s", i ? ", " : "; waits for ",
			      json_string_value(w) ? json_string_value(w) : "?");
	}
	(void)fputc('\n', h->out);
}

/* Where it goes now, and by which row. */
static void show_way(struct hactl *h, const json_t *v)
{
	const json_t *calls = json_object_get(v, "calls"), *s = json_object_get(v, "last_switch");
	bool moving = hactl_true(s, "running");

	(void)fprintf(h->out, "  voice %s %s ", hactl_text(v, "family"), moving ? "moving to" : "over");
	hactl_put(h, h->out, STYLE_BOLD, 0,
		  moving		     ? hactl_text(s, "to")
		  : *hactl_text(v, "uplink") ? hactl_text(v, "uplink")
					     : "nothing");
	if (moving)
		(void)fprintf(h->out, " from %s", *hactl_text(s, "from") ? hactl_text(s, "from") : "nothing");
	if (json_is_integer(calls))
		(void)fprintf(h->out, ", %" PRId64 " calls", (int64_t)json_integer_value(calls));
	if (moving)
		(void)fprintf(h->out, "\n    R%" PRId64 ": %s\n", hactl_number(s, "rule", 0),
			      hactl_text(s, "why"));
	else
		(void)fprintf(h->out, "\n    %s: %s\n", hactl_text(v, "rule"), hactl_text(v, "why"));
	if (moving)
		show_pending(h, json_object_get(s, "pending"));
}

static void show_others(struct hactl *h, const json_t *list, const char *family)
{
	const json_t *u;
	size_t i;

	json_array_foreach(list, i, u)
	{
		if (strcmp(hactl_text(u, "family"), family) != 0 || !*hactl_text(u, "not_taken"))
			continue;
		(void)fputs("    not ", h->out);
		hactl_put(h, h->out, STYLE_BOLD, 0, hactl_text(u, "name"));
		(void)fprintf(h->out, ": %s\n", hactl_text(u, "not_taken"));
	}
}

void show_uplink_lines(struct hactl *h, const json_t *data, bool others)
{
	json_t *list = json_object_get(data, "uplinks"), *voice = json_object_get(data, "voice"), *o;
	struct uplink_widths w = { hactl_width(list, "name", 4), hactl_width(list, "isp", 3) };
	size_t i;

	if (!json_array_size(list))
		return;
	(void)fputc('\n', h->out);
	hactl_put(h, h->out, STYLE_BOLD, 0, "uplinks");
	(void)fputc('\n', h->out);
	show_columns(h, &w);
	json_array_foreach(list, i, o) show_uplink(h, o, &w);
	json_array_foreach(voice, i, o)
	{
		show_way(h, o);
		if (others)
			show_others(h, list, hactl_text(o, "family"));
	}
}

void show_uplinks(struct hactl *h, const json_t *data)
{
	if (json_object_get(data, "records")) {
		show_history(h, data);
		return;
	}
	if (!json_array_size(json_object_get(data, "uplinks")))
		(void)fputs("this node has no uplinks; see ringkeep.conf(5), Uplinks\n", h->out);
	show_uplink_lines(h, data, false);
	if (*hactl_text(data, "note"))
		(void)fprintf(h->out, "\n%s\n", hactl_text(data, "note"));
}
