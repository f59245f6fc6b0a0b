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
			{ "loss_percent", "%.1f%%", 7 },
			{ "delay_ms", "%.1fms", 9 },
			{ "jitter_ms", "%.1fms", 8 } };
	char text[32];

	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
		hactl_put(h, h->out, STYLE_PLAIN, columns[i].width,
			  real_text(u, columns[i].key, columns[i].format, text, sizeof text));
}

static void show_uplink(struct hactl *h, const json_t *u, int width)
{
	const char *state = hactl_text(u, "state"), *class = hactl_text(u, "class");
	char age[40];

	(void)fputs("  ", h->out);
	hactl_put(h, h->out, STYLE_PLAIN, width + 2, hactl_text(u, "name"));
	hactl_put(h, h->out, STYLE_PLAIN, 8, hactl_text(u, "family"));
	hactl_put(h, h->out, !strcmp(state, "in-use") ? STYLE_BOLD : STYLE_PLAIN, 10, state);
	hactl_put(h, h->out, class_style(class), 10, class);
	show_numbers(h, u);
	hactl_duration(hactl_number(u, "since_ms", 0), age, sizeof age);
	(void)fprintf(h->out, "for %s, %s%s%s%s\n", age, hactl_text(u, "why"),
		      hactl_true(u, "pinned") ? ", by hand" : "", hactl_true(u, "damped") ? ", flaps" : "",
		      hactl_true(u, "doubted") ? ", in doubt" : "");
}

static void show_columns(struct hactl *h, int width)
{
	static const struct {
		const char *title;
		int width;
	} columns[] = { { "family", 8 }, { "use", 10 },	 { "class", 10 }, { "mos", 6 },
			{ "loss", 7 },	 { "delay", 9 }, { "jitter", 0 } };

	(void)fprintf(h->out, "  %*s", width + 2, "");
	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
		hactl_put(h, h->out, STYLE_DIM, columns[i].width, columns[i].title);
	(void)fputc('\n', h->out);
}

static void show_voice(struct hactl *h, const json_t *v)
{
	const json_t *calls = json_object_get(v, "calls");

	(void)fprintf(h->out, "  voice %s over %s, %s: %s", hactl_text(v, "family"), hactl_text(v, "uplink"),
		      hactl_text(v, "rule"), hactl_text(v, "why"));
	if (json_is_integer(calls))
		(void)fprintf(h->out, "; %" PRId64 " calls", (int64_t)json_integer_value(calls));
	(void)fputc('\n', h->out);
}

void show_uplink_lines(struct hactl *h, const json_t *data)
{
	json_t *list = json_object_get(data, "uplinks"), *voice = json_object_get(data, "voice"), *o;
	int width = hactl_width(list, "name", 4);
	size_t i;

	if (!json_array_size(list))
		return;
	(void)fputc('\n', h->out);
	hactl_put(h, h->out, STYLE_BOLD, 0, "uplinks");
	(void)fputc('\n', h->out);
	show_columns(h, width);
	json_array_foreach(list, i, o) show_uplink(h, o, width);
	json_array_foreach(voice, i, o) show_voice(h, o);
}

void show_uplinks(struct hactl *h, const json_t *data)
{
	if (json_object_get(data, "records")) {
		show_history(h, data);
		return;
	}
	if (!json_array_size(json_object_get(data, "uplinks")))
		(void)fputs("this node has no uplinks; see ringkeep.conf(5), Uplinks\n", h->out);
	show_uplink_lines(h, data);
}
