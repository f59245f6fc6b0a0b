/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history_text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

struct sentence_out {
	char *text;
	size_t used, size;
};

__attribute__((format(printf, 2, 3))) static void add(struct sentence_out *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(s->text + s->used, s->size - s->used, fmt, ap);

	va_end(ap);
	s->used += n > 0 ? (size_t)n : 0;
	if (s->used >= s->size)
		s->used = s->size - 1;
}

static const char *text_of(const json_t *r, const char *key)
{
	const char *t = json_string_value(json_object_get(r, key));

	return t ? t : "";
}

/* How a takeover came, "%s" is the former holder. */
static const struct {
	const char *cause;
	const char *with_peer, *alone;
} takeover_causes[] = {
	{ "vacant", "nobody had held it", "nobody had held it" },
	{ "release", "%s released it", "it was released" },
	{ "lease_expired", "the lease of %s ran out", "the former lease ran out" },
	{ "fenced", "%s was fenced", "the former holder was fenced" },
	{ "peer_absent", "%s is away, as far as this node can tell",
	  "the other node is away, as far as this one can tell" },
	{ "operator", "%s handed over on command", "on command" },
	{ "adopted", "its agent was restarted and kept it", "its agent was restarted and kept it" },
	{ "failback", "%s gave it back", "it came back" },
	{ "vrrp_silence", "%s was not heard any more", "no other router was heard any more" },
	{ "vrrp_release", "%s resigned", "the other router resigned" },
	{ "vrrp_preempt", "%s has a lower priority", "the other router has a lower priority" },
};

static const struct {
	const char *cause, *text;
} letgo_causes[] = {
	{ "operator", "on command" },
	{ "lease_expired", "its lease ran out" },
	{ "pbx_dead", "its PBX died" },
	{ "pbx_sick", "its PBX did not answer SIP" },
	{ "lan_down", "its service network had no link" },
	{ "gate_lost", "its gate was removed" },
	{ "stopping", "its agent was stopped" },
	{ "higher_epoch", "another node holds it with a newer epoch" },
	{ "standstill", "it had stood still for longer than the lease" },
	{ "failback", "to a better candidate" },
	{ "vrrp_better", "a better router was heard" },
	{ "vrrp_unsent", "its VRRP advertisements could not be sent" },
	{ "vrrp_fault", "what it tracks is down" },
	{ "cut_off", "it reached neither the other node nor a gateway" },
	{ "uplink", "another node has better uplinks" },
	{ "two_holders", "the other node held it at the same time, and this one gave way" },
};

static void add_takeover(struct sentence_out *s, const json_t *r, bool begins)
{
	const char *cause = text_of(r, "cause"), *peer = text_of(r, "peer");

	add(s, "%s: ", begins ? "begins to take over" : "took over");
	for (size_t i = 0; i < sizeof takeover_causes / sizeof takeover_causes[0]; i++) {
		if (strcmp(takeover_causes[i].cause, cause))
			continue;
		const char *form = *peer ? takeover_causes[i].with_peer : takeover_causes[i].alone;
		const char *at = strstr(form, "%s");

		if (at)
			add(s, "%.*s%s%s", (int)(at - form), form, peer, at + 2);
		else
			add(s, "%s", form);
		return;
	}
	add(s, "%s", cause);
}

static void add_letgo(struct sentence_out *s, const json_t *r, bool begins)
{
	const char *cause = text_of(r, "cause"), *text = cause;

	for (size_t i = 0; i < sizeof letgo_causes / sizeof letgo_causes[0]; i++)
		if (!strcmp(letgo_causes[i].cause, cause))
			text = letgo_causes[i].text;
	if (!strcmp(cause, "reason"))
		text = text_of(r, "reason");
	add(s, "%s: %s", begins ? "begins to let go" : "let go", text);
	if (*text_of(r, "peer"))
		add(s, ", to %s", text_of(r, "peer"));
}

static void add_command(struct sentence_out *s, const json_t *r, bool ended)
{
	const char *target = *text_of(r, "peer") ? text_of(r, "peer") : text_of(r, "about");
	const char *command = text_of(r, "command");

	add(s, "%s", *command ? command : "operation");
	if (*target)
		add(s, " %s%s", *text_of(r, "group") ? "to " : "", target);
	if (ended && json_is_true(json_object_get(r, "ok")))
		add(s, ": done");
	else if (ended)
		add(s, ": failed%s%s", *text_of(r, "reason") ? ", " : "", text_of(r, "reason"));
}

/* "asked 2.1 ms, announced 0.4 ms, PBX awake 12.0 ms, verified 30.1 ms" */
static void add_durations(struct sentence_out *s, const json_t *r)
{
	static const struct {
		const char *key, *text;
	} parts[] = { { "asked_to_won_ms", "won in" },
		      { "won_to_announced_ms", "announced after" },
		      { "won_to_awake_ms", "PBX awake after" },
		      { "won_to_verified_ms", "verified after" },
		      { "overlap_ms", "both held for at most" } };
	bool any = false;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		json_t *v = json_object_get(r, parts[i].key);

		if (!json_is_number(v))
			continue;
		add(s, "%s%s %.1f ms", any ? ", " : " (", parts[i].text, json_number_value(v));
		any = true;
	}
	if (any)
		add(s, ")");
}

void history_sentence(const json_t *r, char *ret, size_t size)
{
	struct sentence_out s = { .text = ret, .size = size };
	const char *type = text_of(r, "type");

	ret[0] = 0;
	if (!strcmp(type, "takeover") || !strcmp(type, "takeover-begun"))
		add_takeover(&s, r, type[8] == '-');
	else if (!strcmp(type, "letgo") || !strcmp(type, "letgo-begun"))
		add_letgo(&s, r, type[5] == '-');
	else if (!strcmp(type, "takeover-seen"))
		add(&s, "%s was seen to have taken over; its own record has not come", text_of(r, "about"));
	else if (!strcmp(type, "command") || !strcmp(type, "operation"))
		add_command(&s, r, *type == 'o');
	else
		add(&s, "%s%s%s", type, *text_of(r, "text") ? ": " : "", text_of(r, "text"));
	add_durations(&s, r);
	if (*text_of(r, "failed_step"))
		add(&s, "; step %s failed: %s", text_of(r, "failed_step"), text_of(r, "error"));
	if (json_is_true(json_object_get(r, "interrupted")))
		add(&s, "; interrupted: its agent ended before it was done");
	else if (json_object_get(r, "interrupted"))
		add(&s, "; not finished");
	if (*text_of(r, "who"))
		add(&s, ", by %s at %s", text_of(r, "who"), text_of(r, "from"));
	if (*text_of(r, "why"))
		add(&s, ", because: %s", text_of(r, "why"));
}

/* "2026-11-24T21:50:01.123Z" in local time, to the millisecond. */
static void local_time(const char *utc, char *ret, size_t size)
{
	struct tm tm = { 0 };
	const char *rest = strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t s = rest ? timegm(&tm) : 0;
	char date[32];

	if (!rest || !localtime_r(&s, &tm) || !strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm))
		(void)snprintf(ret, size, "%.23s", utc);
	else
		(void)snprintf(ret, size, "%s%.4s", date, *rest == '.' ? rest : "");
}

void history_print_line(const json_t *r, FILE *out)
{
	char line[1280], sentence[1024], time[48];

	history_sentence(r, sentence, sizeof sentence);
	local_time(text_of(r, "time"), time, sizeof time);
	(void)snprintf(line, sizeof line, "%-23s  %-8s %-10s %-7s %s", time, text_of(r, "node"),
		       *text_of(r, "group") ? text_of(r, "group") : "-",
		       *text_of(r, "epoch") ? text_of(r, "epoch") : "-",
		       sentence); /* a cut line is still one */
	/* A reason must not end the line and begin one that looks like a record, or steer the terminal. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	(void)fprintf(out, "%s\n", line);
}
