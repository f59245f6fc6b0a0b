/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as what an adapter says, line by line, to an agent that has just started it and has two requests
 * under way. Whatever it says, the agent gets nothing that breaks a limit, and no more alarms than the rate
 * allows.
 */
#include "adapter_private.h"
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALARMS_MAX (3 * ADAPTER_ALARMS)

static const boot_t now = { 1000 * NS_PER_S };

struct seen {
	size_t alarms, answers;
};

static bool is_sentence(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void on_health(void *ctx, const struct adapter_health *h)
{
	(void)ctx;
	assert(strnlen(h->why, sizeof h->why) < sizeof h->why);
	assert(h->state == PBX_STARTING || h->state == PBX_HEALTHY || h->state == PBX_SICK ||
	       h->state == PBX_DEAD);
	assert(is_sentence(h->why) && h->pid >= 0);
}

static void on_put(void *ctx, const struct binding *b)
{
	(void)ctx;
	assert(binding_check(b, NULL) == 0);
	assert(b->epoch.counter == 0);
}

static void on_remove(void *ctx, const char *aor, const char *contact)
{
	(void)ctx;
	assert(*aor && strlen(aor) <= BINDING_AOR_MAX);
	assert(*contact && strlen(contact) <= BINDING_CONTACT_MAX);
}

static void on_trunk(void *ctx, const struct adapter_trunk *t)
{
	(void)ctx;
	assert(*t->name && is_sentence(t->why));
	assert(t->status >= 0 && t->status < 1000 && t->retry_after_ms >= -1);
}

static void on_quality(void *ctx, const struct adapter_quality *q)
{
	struct ip_address ip;

	(void)ctx;
	assert(ip_parse(q->peer, &ip) == 0);
	assert(*q->call && is_sentence(q->call) && q->lost <= q->packets);
}

static void on_answered(void *ctx, uint64_t id, enum adapter_request kind, int error, const char *why)
{
	struct seen *s = ctx;

	(void)kind;
	assert(id == 7 || id == 8);
	assert(error == 0 || error == EREMOTEIO);
	assert(is_sentence(why));
	s->answers++;
}

static void on_alarm(void *ctx, enum adapter_alarm alarm, const char *text)
{
	struct seen *s = ctx;

	assert(alarm < ADAPTER_ALARMS && is_sentence(text));
	s->alarms++;
}

static void on_log(void *ctx, const char *line)
{
	(void)ctx;
	assert(is_sentence(line));
}

static void nothing(void *ctx)
{
	(void)ctx;
}

/* A child that was started and reads nothing: what is said to it goes nowhere. */
static struct adapter *listening(struct seen *s)
{
	struct adapter *a = calloc(1, sizeof *a);

	assert(a);
	a->ops = (struct adapter_ops){ .ready = nothing,
				       .health = on_health,
				       .put = on_put,
				       .remove = on_remove,
				       .full_begin = nothing,
				       .full_end = nothing,
				       .trunk = on_trunk,
				       .quality = on_quality,
				       .bindings_end = nothing,
				       .answered = on_answered,
				       .alarm = on_alarm,
				       .log = on_log };
	a->ctx = s;
	a->configure = json_object();
	a->child = ADAPTER_CHILD_NONE;
	a->pbx = PROCESS_WATCH_NONE;
	a->epoll_fd = -EBADF;
	a->state = ADAPTER_STARTED;
	a->health.calls = ADAPTER_CALLS_UNKNOWN;
	a->pending[0] = (struct adapter_pending){ .id = 7, .kind = ADAPTER_APPLY, .deadline = BOOT_NEVER };
	a->pending[1] = (struct adapter_pending){ .id = 8, .kind = ADAPTER_TRUNK, .deadline = BOOT_NEVER };
	a->next_id = 8;
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text, *line;
	struct seen s = { 0 };
	struct adapter *a = listening(&s);

	assert(text);
	while ((line = strsep(&rest, "\n")) && a->state != ADAPTER_DYING)
		adapter_handle_line(a, line, now);
	assert(s.answers <= 2 && s.alarms <= ALARMS_MAX);
	process_watch_close(&a->pbx);
	json_decref(a->configure);
	free(a->out);
	free(a);
	free(text);
	return 0;
}
