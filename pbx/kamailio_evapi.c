/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_evapi.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_NS (500 * NS_PER_MS)

void kamailio_evapi_init(struct kamailio_evapi *e, const struct sockaddr_in *to,
			 const struct kamailio_evapi_ops *ops, void *ctx, boot_t now)
{
	*e = (struct kamailio_evapi){ .to = *to, .ops = ops, .ctx = ctx, .fd = -EBADF, .retry_at = now };
}

static void evapi_drop(struct kamailio_evapi *e, boot_t now)
{
	bool was_connected = e->connected;

	(void)close(e->fd); /* only read from */
	e->fd = -EBADF;
	e->connected = false;
	e->used = 0;
	e->retry_at = boot_add(now, RETRY_NS);
	if (was_connected)
		e->ops->connected(e->ctx, false, now);
}

static void evapi_connected(struct kamailio_evapi *e, boot_t now)
{
	e->connected = true;
	e->ops->connected(e->ctx, true, now);
}

static void evapi_connect(struct kamailio_evapi *e, boot_t now)
{
	e->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	e->retry_at = boot_add(now, RETRY_NS);
	if (e->fd < 0)
		return;
	if (connect(e->fd, (struct sockaddr *)&e->to, sizeof e->to) == 0)
		evapi_connected(e, now);
	else if (errno != EINPROGRESS)
		evapi_drop(e, now);
}

int kamailio_netstring(const char *data, size_t len, const char **ret_p, size_t *ret_len)
{
	size_t n = 0, i = 0;

	while (i < len && i < 6 && data[i] >= '0' && data[i] <= '9')
		n = n * 10 + (size_t)(data[i++] - '0');
	if (n > KAMAILIO_EVENT_MAX)
		return -EBADMSG;
	if (i == len)
		return 0;
	if (i == 0 || data[i] != ':')
		return -EBADMSG;
	if (len - i - 1 < n + 1)
		return 0;
	if (data[i + 1 + n] != ',')
		return -EBADMSG;
	*ret_p = data + i + 1;
	*ret_len = n;
	return (int)(i + n + 2);
}

static void evapi_event(struct kamailio_evapi *e, const char *data, size_t len, boot_t now)
{
	json_t *o = json_loadb(data, len, 0, NULL);
	const char *event = json_string_value(json_object_get(o, "ringkeep"));
	const char *aor = json_string_value(json_object_get(o, "aor"));

	if (event && !strcmp(event, "changed") && aor && *aor)
		e->ops->changed(e->ctx, aor, now);
	else if (!o)
		e->garbage++; /* JSON without our key is somebody else's event */
	json_decref(o);
}

static void evapi_read(struct kamailio_evapi *e, boot_t now)
{
	ssize_t n = recv(e->fd, e->buf + e->used, sizeof e->buf - e->used, 0);
	size_t at = 0, len;
	const char *p;
	int r;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			evapi_drop(e, now);
		return;
	}
	e->used += (size_t)n;
	while ((r = kamailio_netstring(e->buf + at, e->used - at, &p, &len)) > 0) {
		evapi_event(e, p, len, now);
		at += (size_t)r;
	}
	if (r < 0) { /* no way to find the next one: start over, and look at everything */
		e->garbage++;
		evapi_drop(e, now);
		return;
	}
	e->used -= at;
	memmove(e->buf, e->buf + at, e->used);
}

short kamailio_evapi_events(const struct kamailio_evapi *e)
{
	return e->connected ? POLLIN : POLLOUT;
}

void kamailio_evapi_ready(struct kamailio_evapi *e, boot_t now)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (e->fd < 0)
		return;
	if (e->connected) {
		evapi_read(e, now);
		return;
	}
	if (getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
		evapi_drop(e, now);
	else
		evapi_connected(e, now);
}

boot_t kamailio_evapi_next(const struct kamailio_evapi *e)
{
	return e->fd < 0 ? e->retry_at : BOOT_NEVER;
}

void kamailio_evapi_tick(struct kamailio_evapi *e, boot_t now)
{
	if (e->fd < 0 && !boot_before(now, e->retry_at))
		evapi_connect(e, now);
}
