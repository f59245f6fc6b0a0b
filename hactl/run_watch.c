/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hactl watch: records as they come, also over a restart of the agent. What was written while nobody was
 * connected is in the history, and is told when the agent is back: a record is named by its node and that
 * node's number.
 */
#include "hactl.h"
#include "history_text.h"
#include "ids.h"

#include <string.h>
#include <unistd.h>

#define CATCH_UP_RECORDS 1000
#define RETRY_S		 1

struct watch {
	struct hactl *h;
	struct hactl talk;	       /* h, but what is not an event goes to stderr */
	int64_t seen[NODE_ID_MAX + 1]; /* latest number of each node */
	json_t *caught_up; /* names of what was told from the history: the stream may have it, too */
};

static void print_event(struct watch *w, const json_t *event)
{
	struct hactl *h = w->h;

	if (h->json) {
		(void)json_dumpf(event, h->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
		(void)fputc('\n', h->out);
	} else {
		history_print_line(event, h->out);
	}
	(void)fflush(h->out);
}

/* False: no record with a name. */
static bool record_name(const json_t *r, int64_t *ret_node, int64_t *ret_number, char *ret, size_t size)
{
	*ret_node = hactl_number(r, "node_id", -1);
	*ret_number = hactl_number(r, "number", -1);
	(void)snprintf(ret, size, "%lld.%lld", (long long)*ret_node, (long long)*ret_number);
	return *ret_node >= 0 && *ret_node <= NODE_ID_MAX && *ret_number > 0;
}

static void take_event(struct watch *w, const json_t *event)
{
	int64_t node, number;
	char name[48];
	bool named = record_name(event, &node, &number, name, sizeof name);

	if (named && json_object_get(w->caught_up, name))
		return;
	if (named && number > w->seen[node])
		w->seen[node] = number;
	print_event(w, event);
}

/* Asked after the stream was opened, so that nothing falls between. The first time nothing of it is news. */
static void catch_up(struct watch *w, bool tell)
{
	struct hactl h = w->talk;
	int64_t node, number, before[NODE_ID_MAX + 1];
	int exit_code;
	char name[48];
	json_t *reply, *r;
	size_t i;

	h.command = hactl_command_find("history");
	h.args = json_pack("{s:i}", "count", CATCH_UP_RECORDS);
	reply = hactl_ask(&h, &exit_code);
	memcpy(before, w->seen, sizeof before);
	(void)json_object_clear(w->caught_up);
	json_array_foreach(json_object_get(json_object_get(reply, "data"), "records"), i, r)
	{
		if (!record_name(r, &node, &number, name, sizeof name) || number <= before[node])
			continue;
		if (tell)
			take_event(w, r);
		w->seen[node] = number > w->seen[node] ? number : w->seen[node];
		if (tell)
			(void)json_object_set_new(w->caught_up, name, json_true());
	}
	json_decref(reply);
	json_decref(h.args);
}

/* Until the agent goes (NULL) or ends the stream (its reply). */
static json_t *follow(struct watch *w, struct hactl_stream *s, int *ret_exit)
{
	json_t *line;

	while ((line = hactl_stream_next(&w->talk, s, ret_exit))) {
		const json_t *event = json_object_get(line, "event");

		if (!event)
			return line;
		take_event(w, event);
		json_decref(line);
		if (ferror(w->h->out))
			return json_pack("{s:b, s:s}", "ok", 0, "error", "nobody reads");
	}
	return NULL;
}

/* Until there is an agent again; only its absence was told. */
static struct hactl_stream *reopen(struct watch *w)
{
	struct hactl quiet = w->talk;
	struct hactl_stream *s = NULL;
	FILE *nowhere = fopen("/dev/null", "we");
	int exit_code;

	if (!nowhere)
		return NULL;
	quiet.err = nowhere;
	while (!s && !ferror(w->h->out)) {
		(void)sleep(RETRY_S);
		s = hactl_stream_open(&quiet, 0, &exit_code);
	}
	(void)fclose(nowhere);
	return s;
}

int run_watch(struct hactl *h)
{
	struct watch w = { .h = h, .talk = *h, .caught_up = json_object() };
	int ret = HACTL_UNREACHABLE;
	json_t *reply = NULL;
	struct hactl_stream *s = hactl_stream_open(h, 0, &ret);

	w.talk.json = false;
	for (bool again = false; s && !reply; again = true) {
		if (again)
			(void)fputs("hactl: the agent is back\n", h->err);
		catch_up(&w, again);
		reply = follow(&w, s, &ret);
		hactl_stream_close(s);
		if (reply)
			break;
		(void)fputs("hactl: waiting for the agent\n", h->err);
		s = reopen(&w);
	}
	json_decref(w.caught_up);
	return reply ? hactl_finish(h, reply) : ret;
}
