/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent_ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char status_line[] = "{\"command\":\"status\",\"args\":{}}\n";

void agent_ask_init(struct agent_ask *a, const char *path, boot_t now)
{
	*a = (struct agent_ask){
		.path = path, .status_next = now, .wanted_at = now, .why = "it was not asked yet"
	};
	control_client_init(&a->status_client);
	for (int i = 0; i < AGENT_ASKS_MAX; i++)
		control_client_init(&a->open[i].client);
}

/* ---- status ---- */

__attribute__((format(printf, 2, 3))) static void status_none(struct agent_ask *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(a->why, sizeof a->why, fmt, ap); /* a cut sentence is still one */
	va_end(ap);
	json_decref(a->status);
	a->status = NULL;
	a->status_number++;
	control_client_close(&a->status_client);
	a->status_asked = false;
}

static void status_ask(struct agent_ask *a, boot_t now)
{
	int r = 0;

	a->status_next = boot_add(now, AGENT_BUSY_NS);
	a->status_by = boot_add(now, AGENT_ANSWER_NS);
	if (a->status_client.fd < 0)
		r = control_client_open(&a->status_client, a->path);
	if (r == 0)
		r = control_client_send(&a->status_client, status_line);
	if (r < 0)
		status_none(a, "%.80s: %s", a->path, strerror(-r));
	else
		a->status_asked = true;
}

static void status_take(struct agent_ask *a, const char *line, size_t len, boot_t now)
{
	json_t *reply = json_loadb(line, len, 0, NULL), *data = json_object_get(reply, "data");
	const char *error = json_string_value(json_object_get(reply, "error"));

	a->status_asked = false;
	if (json_is_true(json_object_get(reply, "ok")) && json_is_object(data)) {
		json_decref(a->status);
		a->status = json_incref(data);
		a->status_at = now;
		a->status_number++;
	} else {
		status_none(a, "it refuses: %.120s", error ? error : "no JSON");
	}
	json_decref(reply);
}

static void status_work(struct agent_ask *a, boot_t now)
{
	boot_t idle = boot_add(a->status_next, AGENT_IDLE_NS - AGENT_BUSY_NS);
	bool wanted = boot_diff_ns(a->wanted_at, now) < AGENT_WANTED_NS;
	char *line;
	size_t len;
	int r = 0;

	if (a->status_client.fd >= 0)
		r = control_client_read(&a->status_client);
	while (a->status_client.fd >= 0 && (line = control_client_line(&a->status_client, &len)))
		status_take(a, line, len, now);
	if (r < 0 && a->status_client.fd >= 0)
		status_none(a, "it hung up: %s", strerror(-r));
	if (a->status_asked && !boot_before(now, a->status_by))
		status_none(a, "no answer within %lld s", (long long)(AGENT_ANSWER_NS / NS_PER_S));
	if (!a->status_asked && !boot_before(now, wanted ? a->status_next : idle))
		status_ask(a, now);
}

const json_t *agent_ask_status(struct agent_ask *a, boot_t now)
{
	a->wanted_at = now;
	if (a->status && boot_diff_ns(a->status_at, now) > AGENT_STATUS_OLD_NS)
		status_none(a, "no answer for %lld s",
			    (long long)(boot_diff_ns(a->status_at, now) / NS_PER_S));
	return a->status;
}

/* ---- questions ---- */

static void question_end(struct agent_question_open *q, const json_t *reply, const char *why)
{
	agent_answer_fn *answer = q->answer;
	void *ctx = q->ctx;

	q->answer = NULL;
	if (answer)
		answer(ctx, reply, why);
	control_client_close(&q->client);
}

static void question_work(struct agent_question_open *q, boot_t now)
{
	int r = control_client_read(&q->client);
	size_t len;
	char *line = control_client_line(&q->client, &len);

	if (line) {
		json_t *reply = json_loadb(line, len, 0, NULL);

		question_end(q, json_is_object(reply) ? reply : NULL, "it says what is no JSON");
		json_decref(reply);
	} else if (r < 0) {
		question_end(q, NULL, "it hung up");
	} else if (!boot_before(now, q->answer_by)) {
		question_end(q, NULL, "no answer in time");
	}
}

int agent_ask_send(struct agent_ask *a, const char *line, agent_answer_fn *answer, void *ctx, boot_t now)
{
	for (int i = 0; i < AGENT_ASKS_MAX; i++) {
		struct agent_question_open *q = &a->open[i];
		int r;

		if (q->client.fd >= 0)
			continue;
		r = control_client_open(&q->client, a->path);
		if (r == 0)
			r = control_client_send(&q->client, line);
		if (r < 0) {
			control_client_close(&q->client);
			return r;
		}
		q->answer = answer;
		q->ctx = ctx;
		q->answer_by = boot_add(now, AGENT_ANSWER_NS);
		return 0;
	}
	return -EBUSY;
}

void agent_ask_forget(struct agent_ask *a, void *ctx)
{
	for (int i = 0; i < AGENT_ASKS_MAX; i++)
		if (a->open[i].ctx == ctx) {
			a->open[i].answer = NULL; /* a command that was sent is carried out all the same */
			control_client_close(&a->open[i].client);
		}
}

/* ---- both ---- */

void agent_ask_close(struct agent_ask *a)
{
	for (int i = 0; i < AGENT_ASKS_MAX; i++)
		if (a->open[i].client.fd >= 0)
			question_end(&a->open[i], NULL, "the API is stopping");
	status_none(a, "the API is stopping");
}

void agent_ask_work(struct agent_ask *a, boot_t now)
{
	status_work(a, now);
	for (int i = 0; i < AGENT_ASKS_MAX; i++)
		if (a->open[i].client.fd >= 0)
			question_work(&a->open[i], now);
}

boot_t agent_ask_next(const struct agent_ask *a, boot_t now)
{
	bool wanted = boot_diff_ns(a->wanted_at, now) < AGENT_WANTED_NS;
	boot_t next = a->status_asked ? a->status_by
		      : wanted	      ? a->status_next
				      : boot_add(a->status_next, AGENT_IDLE_NS - AGENT_BUSY_NS);

	for (int i = 0; i < AGENT_ASKS_MAX; i++)
		if (a->open[i].client.fd >= 0)
			next = boot_min(next, a->open[i].answer_by);
	return next;
}

int agent_ask_fds(const struct agent_ask *a, int ret[AGENT_ASKS_MAX + 1])
{
	int n = 0;

	if (a->status_client.fd >= 0)
		ret[n++] = a->status_client.fd;
	for (int i = 0; i < AGENT_ASKS_MAX; i++)
		if (a->open[i].client.fd >= 0)
			ret[n++] = a->open[i].client.fd;
	return n;
}
