/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top_view.h"

#include "cleanup.h"
#include "hactl.h"
#include "history_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 400

struct picture {
	const struct top_view *v;
	FILE *out;
	int rows_left, columns_left;
	bool started; /* the present line has something */
};

/* ---- lines ---- */

static int characters(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Bytes of at most `columns` characters. */
static size_t cut(const char *text, int columns)
{
	size_t i = 0;

	for (; text[i]; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && columns-- == 0)
			break;
	return i;
}

static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* width 0: as long as it is; otherwise cut or padded to it. Never beyond the line. */
__attribute__((format(printf, 4, 5))) static void put(struct picture *p, enum hactl_style style, int width,
						      const char *fmt, ...)
{
	const struct hactl h = { .colour = p->v->colour };
	char text[TEXT_MAX];
	int used, room = p->columns_left;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	clean(text);
	if (p->rows_left <= 0 || room <= 0)
		return;
	text[cut(text, width && width - 1 < room ? width - 1 : room)] = 0;
	used = characters(text);
	if (used)
		hactl_put(&h, p->out, style, 0, text);
	for (; used < width && used < room; used++)
		(void)fputc(' ', p->out);
	p->columns_left -= used;
	p->started = true;
}

static void end_line(struct picture *p)
{
	if (p->rows_left <= 0)
		return;
	(void)fputc('\n', p->out);
	p->rows_left--;
	p->columns_left = p->v->columns;
	p->started = false;
}

static void put_age(struct picture *p, enum hactl_style style, int width, int64_t ms)
{
	char age[40];

	hactl_duration(ms, age, sizeof age);
	put(p, style, width, "%s", ms < 0 ? "-" : age);
}

/* "-" if it is not known. */
static void put_number(struct picture *p, int width, const json_t *o, const char *key, const char *unit)
{
	const json_t *n = json_object_get(o, key);

	if (!json_is_number(n))
		put(p, STYLE_DIM, width, "-");
	else
		put(p, STYLE_PLAIN, width, json_is_integer(n) ? "%.0f%s" : "%.2f%s", json_number_value(n),
		    unit);
}

struct column {
	const char *title;
	int width;
};

static void put_titles(struct picture *p, const struct column *columns)
{
	for (; columns->title; columns++)
		put(p, STYLE_DIM, columns->width, "%s", columns->title);
	end_line(p);
}

/* Rows of a list with `count` members that may take a share of the screen: how many are shown. */
static size_t share(const struct picture *p, size_t count, int part)
{
	int most = p->v->rows / part;
	size_t limit = most > 2 ? (size_t)most : 2;

	return count <= limit ? count : limit - 1;
}

static void put_more(struct picture *p, size_t count, size_t shown)
{
	if (shown >= count)
		return;
	put(p, STYLE_DIM, 0, "and %zu more", count - shown);
	end_line(p);
}

static enum hactl_style good_if(bool good)
{
	return good ? STYLE_GOOD : STYLE_BAD;
}

/* ---- sections ---- */

static void paint_head(struct picture *p)
{
	const json_t *s = p->v->status;
	const char *safety = hactl_text(s, "safety");
	int right = p->v->columns - characters(p->v->time);

	put(p, STYLE_BOLD, 0, "%s", *hactl_text(s, "cluster") ? hactl_text(s, "cluster") : "ringkeep");
	if (*hactl_text(s, "node"))
		put(p, STYLE_PLAIN, 0, " from %s%s, ", hactl_text(s, "node"),
		    hactl_true(s, "witness") ? " (witness)" : "");
	put(p, good_if(strcmp(safety, "best-effort") != 0), 0, "%s", safety);
	if (hactl_true(s, "paused"))
		put(p, STYLE_WARN, 0, ", PAUSED");
	if (hactl_true(s, "stopping"))
		put(p, STYLE_WARN, 0, ", the agent is stopping");
	if (p->columns_left > characters(p->v->time)) {
		put(p, STYLE_PLAIN, right - (p->v->columns - p->columns_left), "%s", "");
		put(p, STYLE_DIM, 0, "%s", p->v->time);
	}
	end_line(p);
	if (*p->v->trouble) {
		put(p, STYLE_BAD, 0, "%s", p->v->trouble);
		end_line(p);
	}
}

static void paint_group(struct picture *p, const json_t *g)
{
	const json_t *pbx = json_object_get(g, "pbx"), *op = json_object_get(g, "operation");
	const char *holder = hactl_text(g, "holder"), *gate = hactl_text(g, "gate"),
		   *health = hactl_text(pbx, "state");
	bool open = !strcmp(gate, "open");

	put(p, STYLE_BOLD, 12, "%s", hactl_text(g, "name"));
	put(p, good_if(*holder), 14, "%s", *holder ? holder : "NOBODY");
	put_age(p, STYLE_PLAIN, 12, hactl_number(g, "since_ms", -1));
	put(p, open ? STYLE_GOOD : STYLE_PLAIN, 6, "%s", gate);
	put(p, good_if(!strcmp(health, "healthy") || !strcmp(health, "none") || !*health), 10, "%s", health);
	if (hactl_number(pbx, "calls", -1) < 0)
		put(p, STYLE_DIM, 6, "-");
	else
		put_number(p, 6, pbx, "calls", "");
	put_number(p, 6, g, "bindings", "");
	if (json_is_false(json_object_get(g, "majority")))
		put(p, STYLE_BAD, 0, "no majority");
	else if (!strcmp(hactl_text(op, "state"), "running"))
		put(p, STYLE_WARN, 0, "to %s", hactl_text(op, "to"));
	else
		put(p, STYLE_PLAIN, 0, "%s", hactl_text(g, "state"));
	end_line(p);
}

static void paint_groups(struct picture *p)
{
	static const struct column columns[] = { { "GROUP", 12 }, { "HOLDER", 14 },   { "FOR", 12 },
						 { "GATE", 6 },	  { "PBX HERE", 10 }, { "CALLS", 6 },
						 { "REGS", 6 },	  { "STATE", 0 },     { NULL, 0 } };
	json_t *list = json_object_get(p->v->status, "groups"), *g;
	size_t i, count = json_array_size(list), shown = share(p, count, 4);

	put_titles(p, columns);
	json_array_foreach(list, i, g)
	{
		if (i < shown)
			paint_group(p, g);
	}
	put_more(p, count, shown);
}

static void paint_alarms(struct picture *p)
{
	json_t *list = json_object_get(p->v->status, "alarms"), *a;
	size_t i, count = json_array_size(list), shown = share(p, count, 5);

	if (!count)
		return;
	put(p, STYLE_DIM, 0, "ALARMS");
	end_line(p);
	json_array_foreach(list, i, a)
	{
		bool event = hactl_true(a, "event");

		if (i >= shown)
			break;
		put_age(p, STYLE_PLAIN, 12, hactl_number(a, event ? "last_ms" : "since_ms", -1));
		put(p, event ? STYLE_WARN : STYLE_BAD, 0, "%s", hactl_text(a, "text"));
		end_line(p);
	}
	put_more(p, count, shown);
}

static void count_links(const json_t *status, const char *node, int *ret_up, int *ret_all)
{
	json_t *l;
	size_t i;

	*ret_up = *ret_all = 0;
	json_array_foreach(json_object_get(status, "links"), i, l)
	{
		bool its = !strcmp(hactl_text(l, "node"), node);

		*ret_all += its;
		*ret_up += its && hactl_true(l, "up");
	}
}

static void paint_node(struct picture *p, const json_t *n)
{
	const char *name = hactl_text(n, "name"), *state = hactl_text(n, "state");
	bool self = !strcmp(name, hactl_text(p->v->status, "node"));
	int up, all;

	count_links(p->v->status, name, &up, &all);
	put(p, STYLE_BOLD, 12, "%s", name);
	put(p, good_if(!strcmp(state, "up")), 14, "%s", state);
	if (self)
		put(p, STYLE_PLAIN, 12, "this node");
	else
		put_age(p, STYLE_PLAIN, 12, hactl_number(n, "last_heard_ms", -1));
	put(p, up == all ? STYLE_PLAIN : STYLE_BAD, 6, self ? "-" : "%d/%d", up, all);
	put_number(p, 10, n, "loop_lag_ms", " ms");
	put(p, STYLE_PLAIN, 0, "%s", hactl_true(n, "witness") ? "witness " : "");
	put(p, STYLE_WARN, 0, "%s%s%s", hactl_true(n, "standby") ? "standby " : "",
	    json_is_false(json_object_get(n, "quorate")) ? "no quorum " : "",
	    json_is_false(json_object_get(n, "config_equal")) ? "other config" : "");
	end_line(p);
}

static void paint_nodes(struct picture *p)
{
	static const struct column columns[] = { { "NODE", 12 }, { "STATE", 14 }, { "HEARD", 12 },
						 { "LINKS", 6 }, { "LAG", 10 },	  { "", 0 },
						 { NULL, 0 } };
	json_t *list = json_object_get(p->v->status, "nodes"), *n;
	size_t i, count = json_array_size(list), shown = share(p, count, 4);

	put_titles(p, columns);
	json_array_foreach(list, i, n)
	{
		if (i < shown)
			paint_node(p, n);
	}
	put_more(p, count, shown);
}

static void paint_uplink(struct picture *p, const json_t *u)
{
	const char *class = hactl_text(u, "class");

	put(p, STYLE_BOLD, 12, "%s", hactl_text(u, "name"));
	put(p, !strcmp(class, "degraded") ? STYLE_WARN : good_if(!strcmp(class, "good")), 14, "%s", class);
	put(p, STYLE_PLAIN, 12, "%s", hactl_text(u, "state"));
	put_number(p, 6, u, "mos", "");
	put_number(p, 10, u, "loss_percent", " %");
	put_number(p, 10, u, "delay_ms", " ms");
	put_number(p, 0, u, "jitter_ms", " ms");
	end_line(p);
}

static void paint_uplinks(struct picture *p)
{
	static const struct column columns[] = { { "UPLINK", 12 }, { "CLASS", 14 }, { "USE", 12 },
						 { "MOS", 6 },	   { "LOSS", 10 },  { "DELAY", 10 },
						 { "JITTER", 0 },  { NULL, 0 } };
	json_t *list = json_object_get(p->v->status, "uplinks"), *u;
	size_t i, count = json_array_size(list), shown = share(p, count, 5);

	if (!count)
		return;
	put_titles(p, columns);
	json_array_foreach(list, i, u)
	{
		if (i < shown)
			paint_uplink(p, u);
	}
	put_more(p, count, shown);
}

/* The latest, oldest first, in what is left of the screen. */
static void paint_records(struct picture *p)
{
	const json_t *list = p->v->records;
	size_t count = json_array_size(list);

	if (!count || p->rows_left < 2)
		return;
	put(p, STYLE_DIM, 0, "HISTORY");
	end_line(p);
	for (size_t i = count > (size_t)p->rows_left ? count - (size_t)p->rows_left : 0; i < count; i++) {
		_cleanup_(free_ptr) char *line = NULL;
		size_t size = 0;
		FILE *f = open_memstream(&line, &size);

		if (!f)
			return;
		history_print_line(json_array_get(list, i), f);
		(void)fclose(f);
		if (!line)
			return;
		line[strcspn(line, "\n")] = 0;
		/* The day is known. */
		put(p, STYLE_PLAIN, 0, "%s", strlen(line) > 11 && line[10] == ' ' ? line + 11 : line);
		end_line(p);
	}
}

void top_view_print(const struct top_view *v, FILE *out)
{
	struct picture p = { .v = v, .out = out, .rows_left = v->rows, .columns_left = v->columns };

	paint_head(&p);
	if (!v->status)
		return;
	paint_groups(&p);
	paint_alarms(&p);
	paint_nodes(&p);
	paint_uplinks(&p);
	paint_records(&p);
}
