/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "adapter_private.h"
#include "binding_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define OUT_SIZE_MIN (64 * 1024)

/* ---- the buffer towards the child ---- */

static void out_watch(struct adapter *a, bool wanted)
{
	struct epoll_event ev = { .events = wanted ? EPOLLOUT : 0 }; /* .data.u32 0: SOURCE_IN */

	if (a->out_watched == wanted)
		return;
	a->out_watched = wanted;
	(void)epoll_ctl(a->epoll_fd, EPOLL_CTL_MOD, a->child.in,
			&ev); /* a lost wake-up ends in the ping deadline */
}

void adapter_flush(struct adapter *a)
{
	while (a->out_start < a->out_used) {
		ssize_t n = send(a->child.in, a->out + a->out_start, a->out_used - a->out_start,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				a->out_start =
					a->out_used; /* its stdin is closed: the end of the child follows */
			break;
		}
		a->out_start += (size_t)n;
	}
	if (a->out_start == a->out_used)
		a->out_start = a->out_used = 0;
	out_watch(a, a->out_used > 0);
}

static int out_make_room(struct adapter *a, size_t len)
{
	size_t waiting = a->out_used - a->out_start;
	size_t size = a->out_size ? a->out_size : OUT_SIZE_MIN;
	char *grown;

	if (waiting + len > ADAPTER_OUT_MAX)
		return -EAGAIN;
	if (a->out_start > 0) {
		memmove(a->out, a->out + a->out_start, waiting);
		a->out_start = 0;
		a->out_used = waiting;
	}
	while (size < waiting + len)
		size *= 2;
	if (size == a->out_size)
		return 0;
	grown = realloc(a->out, size);
	if (!grown)
		return -EAGAIN;
	a->out = grown;
	a->out_size = size;
	return 0;
}

static int out_append(struct adapter *a, const json_t *object)
{
	size_t len = json_dumpb(object, NULL, 0, JSON_COMPACT);
	int r;

	if (len == 0 || len > ADAPTER_LINE_MAX)
		return -EMSGSIZE;
	r = out_make_room(a, len + 1);
	if (r < 0)
		return r;
	(void)json_dumpb(object, a->out + a->out_used, len, JSON_COMPACT); /* measured above */
	a->out_used += len;
	a->out[a->out_used++] = '\n';
	return 0;
}

int adapter_send(struct adapter *a, json_t *object, boot_t now)
{
	int r = object ? out_append(a, object) : -ENOMEM;

	json_decref(object);
	if (r == -EAGAIN) {
		a->counters.refused_requests++;
		adapter_alarm(a, ADAPTER_OVERFLOW, now,
			      "the adapter does not read: %zu bytes are waiting for it",
			      a->out_used - a->out_start);
	}
	if (r == 0)
		adapter_flush(a);
	return r;
}

/* ---- requests and their answers ---- */

static struct adapter_pending *pending_find(struct adapter *a, uint64_t id)
{
	for (size_t i = 0; i < ADAPTER_REQUESTS_MAX; i++)
		if (a->pending[i].id == id)
			return &a->pending[i];
	return NULL;
}

int adapter_request(struct adapter *a, enum adapter_request kind, json_t *object, boot_t now,
		    uint64_t *ret_id)
{
	struct adapter_pending *p = pending_find(a, 0);
	uint64_t id = a->next_id + 1;
	int r;

	if (!p) {
		json_decref(object);
		return -EBUSY;
	}
	if (!object || json_object_set_new(object, "id", json_integer((json_int_t)id)) < 0) {
		json_decref(object);
		return -ENOMEM;
	}
	r = adapter_send(a, object, now);
	if (r < 0)
		return r;
	a->next_id = id;
	*p = (struct adapter_pending){ .id = id,
				       .kind = kind,
				       .deadline = boot_add(now, a->request_deadline_ms * NS_PER_MS) };
	if (ret_id)
		*ret_id = id;
	return 0;
}

int adapter_send_configure(struct adapter *a, boot_t now)
{
	json_t *o = json_copy(a->configure);

	if (o)
		(void)json_object_set_new(o, "holder",
					  json_boolean(a->holder)); /* ENOMEM shows in the request */
	return adapter_request(a, ADAPTER_CONFIGURE, o, now, NULL);
}

int adapter_send_ping(struct adapter *a, boot_t now)
{
	a->ping_at = BOOT_NEVER;
	a->pong_until = boot_add(now, a->ping_deadline_ms * NS_PER_MS);
	return adapter_send(a, json_pack("{ss sI}", "type", "ping", "id", (json_int_t)++a->next_id), now);
}

static void configured(struct adapter *a, int error, const char *why, boot_t now)
{
	if (error == 0)
		a->state = ADAPTER_READY;
	else if (error == EREMOTEIO)
		adapter_alarm(a, ADAPTER_CONFIG, now, "the adapter refuses its configuration: %s", why);
	else if (error == ETIMEDOUT)
		adapter_kill(a);
}

static void adapter_log_again(struct adapter *a, const char *why, boot_t now)
{
	char text[ADAPTER_LOG_MAX];

	(void)snprintf(text, sizeof text, "The uplink of before was not taken again: %s", why); /* fits */
	adapter_log(a, text, now);
}

bool adapter_answer(struct adapter *a, uint64_t id, int error, const char *why, boot_t now)
{
	struct adapter_pending *p = id ? pending_find(a, id) : NULL;
	enum adapter_request kind;

	if (!p)
		return false;
	kind = p->kind;
	p->id = 0;
	if (kind == ADAPTER_CONFIGURE)
		configured(a, error, why, now);
	else if (p->again && error)
		adapter_log_again(a, why, now);
	else if (!p->again && a->ops.answered)
		a->ops.answered(a->ctx, id, kind, error, why);
	return true;
}

void adapter_fail_all(struct adapter *a, int error, const char *why, boot_t now)
{
	uint64_t newest = a->next_id; /* requests made from within the callbacks are not of the old child */

	for (size_t i = 0; i < ADAPTER_REQUESTS_MAX; i++)
		if (a->pending[i].id && a->pending[i].id <= newest)
			(void)adapter_answer(a, a->pending[i].id, error, why,
					     now); /* just seen to be there */
}

void adapter_fail_late(struct adapter *a, boot_t now)
{
	for (size_t i = 0; i < ADAPTER_REQUESTS_MAX; i++) {
		struct adapter_pending *p = &a->pending[i];

		if (!p->id || boot_before(now, p->deadline))
			continue;
		a->counters.timeouts++;
		(void)adapter_answer(a, p->id, ETIMEDOUT, "the adapter did not answer in time", now);
	}
}

boot_t adapter_request_next(const struct adapter *a)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < ADAPTER_REQUESTS_MAX; i++)
		if (a->pending[i].id)
			next = boot_min(next, a->pending[i].deadline);
	return next;
}

int adapter_simple(struct adapter *a, enum adapter_request kind, boot_t now, uint64_t *ret_id)
{
	if (a->state != ADAPTER_READY)
		return -ENOTCONN;
	return adapter_request(a, kind, json_pack("{ss}", "type", adapter_request_name(kind)), now, ret_id);
}

int adapter_activate(struct adapter *a, boot_t now, uint64_t *ret_id)
{
	a->holder = true;
	return adapter_simple(a, ADAPTER_ACTIVATE, now, ret_id);
}

int adapter_standby(struct adapter *a, boot_t now, uint64_t *ret_id)
{
	a->holder = false;
	return adapter_simple(a, ADAPTER_STANDBY, now, ret_id);
}

int adapter_dump(struct adapter *a, boot_t now, uint64_t *ret_id)
{
	return adapter_simple(a, ADAPTER_DUMP, now, ret_id);
}

int adapter_trunk_order(struct adapter *a, const char *trunk, bool registered, boot_t now, uint64_t *ret_id)
{
	if (a->state != ADAPTER_READY)
		return -ENOTCONN;
	return adapter_request(
		a, ADAPTER_TRUNK,
		json_pack("{ss ss sb}", "type", "trunk", "name", trunk, "register", (int)registered), now,
		ret_id);
}

/* ---- apply ---- */

/* Takes item. */
static int apply_append(struct adapter_apply *apply, json_t **list, json_t *item)
{
	if (apply->count >= ADAPTER_APPLY_MAX) {
		json_decref(item);
		return -ENOSPC;
	}
	if (!*list)
		*list = json_array();
	if (json_array_append_new(*list, item) < 0) /* takes item also when it fails */
		return -ENOMEM;
	apply->count++;
	return 0;
}

int adapter_apply_put(struct adapter_apply *apply, const struct binding *b, boot_t now)
{
	return apply_append(apply, &apply->put, binding_to_json(b, now));
}

int adapter_apply_remove(struct adapter_apply *apply, const char *aor, const char *contact)
{
	return apply_append(apply, &apply->remove, binding_key_to_json(aor, contact));
}

void adapter_apply_clear(struct adapter_apply *apply)
{
	json_decref(apply->put);
	json_decref(apply->remove);
	*apply = (struct adapter_apply){ 0 };
}

static json_t *apply_to_json(struct adapter_apply *apply)
{
	json_t *o = json_pack("{ss}", "type", "apply");
	int failed = o ? 0 : -1;

	if (apply->remove)
		failed |= json_object_set(o, "remove", apply->remove);
	if (apply->put)
		failed |= json_object_set(o, "put", apply->put);
	if (apply->full_begin)
		failed |= json_object_set_new(o, "full_begin", json_true());
	if (apply->full_end)
		failed |= json_object_set_new(o, "full_end", json_true());
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

int adapter_send_apply(struct adapter *a, struct adapter_apply *apply, boot_t now, uint64_t *ret_id)
{
	int r = -ENOTCONN;

	if (a->state == ADAPTER_READY)
		r = adapter_request(a, ADAPTER_APPLY, apply_to_json(apply), now, ret_id);
	adapter_apply_clear(apply);
	return r;
}
