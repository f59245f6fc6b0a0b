/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent_link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RETRY_NS    NS_PER_S
#define ANSWER_NS   (10 * NS_PER_S)
#define COUNT_FIRST 256 /* a restart of this process misses few */
#define COUNT_TIMES 4
#define COUNT_MAX   4096 /* fits into what the agent keeps for one client */

void agent_link_init(struct agent_link *l, const char *path, int64_t interval_ns,
		     const struct agent_link_ops *ops, void *ctx, boot_t now)
{
	memset(l, 0, sizeof *l);
	l->path = path;
	l->ops = ops;
	l->ctx = ctx;
	l->interval_ns = interval_ns;
	l->down_since = now;
	control_client_init(&l->watch);
	control_client_init(&l->ask);
}

void agent_link_close(struct agent_link *l)
{
	control_client_close(&l->watch);
	control_client_close(&l->ask);
	l->asked = ASKED_NOTHING;
	l->live = false;
}

__attribute__((format(printf, 3, 4))) static void give_up(struct agent_link *l, boot_t now, const char *fmt,
							  ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(l->why, sizeof l->why, fmt, args); /* a cut sentence is still one */
	va_end(args);
	agent_link_close(l);
	if (!l->down_since.ns)
		l->down_since = now;
	l->retry_at = boot_add(now, RETRY_NS);
}

static void ask(struct agent_link *l, enum agent_question question, boot_t now)
{
	char line[120];
	int r;

	if (question == ASKED_HISTORY)
		(void)snprintf(line, sizeof line, "{\"command\":\"history\",\"args\":{\"count\":%u}}\n",
			       l->count);
	else
		(void)snprintf(line, sizeof line, "{\"command\":\"status\",\"args\":{}}\n");
	r = control_client_send(&l->ask, line);
	l->asked = question;
	l->answer_by = boot_add(now, ANSWER_NS);
	if (r < 0)
		give_up(l, now, "cannot be asked: %s", strerror(-r));
}

/* The stream first: what happens while the history is read is in both, and told once. */
static void connect_both(struct agent_link *l, boot_t now)
{
	int r = control_client_open(&l->watch, l->path);

	if (r == 0)
		r = control_client_send(&l->watch, "{\"command\":\"watch\",\"args\":{}}\n");
	if (r == 0)
		r = control_client_open(&l->ask, l->path);
	if (r < 0) {
		give_up(l, now, "cannot be reached at %.80s: %s", l->path, strerror(-r));
		return;
	}
	l->count = COUNT_FIRST;
	ask(l, ASKED_STATUS, now); /* who this node is comes before what it wrote */
}

json_t *agent_link_parse(const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);

	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

/* ---- answers ---- */

static void history_answer(struct agent_link *l, const json_t *records, boot_t now)
{
	size_t n = json_array_size(records);
	bool all = n == 0 || l->ops->known(l->ctx, json_array_get(records, 0));

	if (!all && l->count < COUNT_MAX) {
		l->count *= COUNT_TIMES;
		ask(l, ASKED_HISTORY, now);
		return;
	}
	l->ops->missed(l->ctx, records, all || n < l->count);
	l->live = true;
	l->down_since = (boot_t){ 0 };
	l->why[0] = '\0';
}

static void answer(struct agent_link *l, const json_t *reply, boot_t now)
{
	const json_t *data = json_object_get(reply, "data");
	const char *error = json_string_value(json_object_get(reply, "error"));
	enum agent_question asked = l->asked;

	l->asked = ASKED_NOTHING;
	if (!json_is_true(json_object_get(reply, "ok"))) {
		give_up(l, now, "refuses: %.120s", error ? error : "?");
	} else if (asked == ASKED_HISTORY) {
		history_answer(l, json_object_get(data, "records"), now);
	} else if (asked == ASKED_STATUS) {
		l->status_at = boot_add(now, l->interval_ns);
		l->ops->status(l->ctx, data);
		if (!l->live)
			ask(l, ASKED_HISTORY, now);
	}
}

static void read_answers(struct agent_link *l, boot_t now)
{
	char *line;
	size_t len;
	int r = control_client_read(&l->ask);

	while (l->ask.fd >= 0 && (line = control_client_line(&l->ask, &len))) {
		json_t *reply = agent_link_parse(line, len);

		if (reply)
			answer(l, reply, now);
		else
			give_up(l, now, "says what is no JSON");
		json_decref(reply);
	}
	if (r < 0 && l->ask.fd >= 0)
		give_up(l, now, "hung up: %s", strerror(-r));
}

static void read_records(struct agent_link *l, boot_t now)
{
	char *line;
	size_t len;
	int r = control_client_read(&l->watch);

	while (l->watch.fd >= 0 && (line = control_client_line(&l->watch, &len))) {
		json_t *j = agent_link_parse(line, len);
		const json_t *record = json_object_get(j, "event");

		if (record)
			l->ops->record(l->ctx, record);
		else
			give_up(l, now, "ended the stream");
		json_decref(j);
	}
	if (r < 0 && l->watch.fd >= 0)
		give_up(l, now, "hung up: %s", strerror(-r));
}

void agent_link_work(struct agent_link *l, boot_t now)
{
	if (l->ask.fd < 0) {
		if (!boot_before(now, l->retry_at))
			connect_both(l, now);
		return;
	}
	/* Before what was missed is known, what comes waits in the socket. */
	if (l->live)
		read_records(l, now);
	if (l->ask.fd >= 0)
		read_answers(l, now);
	if (l->ask.fd < 0)
		return;
	if (l->asked != ASKED_NOTHING && !boot_before(now, l->answer_by))
		give_up(l, now, "does not answer");
	else if (l->asked == ASKED_NOTHING && !boot_before(now, l->status_at))
		ask(l, ASKED_STATUS, now);
}

boot_t agent_link_next(const struct agent_link *l)
{
	if (l->ask.fd < 0)
		return l->retry_at;
	return l->asked != ASKED_NOTHING ? l->answer_by : l->status_at;
}

int agent_link_fds(const struct agent_link *l, int ret[2])
{
	int n = 0;

	if (l->ask.fd >= 0)
		ret[n++] = l->ask.fd;
	if (l->watch.fd >= 0 && l->live)
		ret[n++] = l->watch.fd;
	return n;
}
