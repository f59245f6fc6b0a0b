/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "freeswitch_link.h"

#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_NS	(500 * NS_PER_MS)
#define RETRY_SLOW_NS	(5 * NS_PER_S) /* after a refused password: FreeSWITCH logs each */
#define CONNECT_NS	(3 * NS_PER_S)
#define GREETING_NS	(3 * NS_PER_S)
#define IDLE_FRAMES_MAX 1000

void link_init(struct freeswitch_link *l, const struct sockaddr_in *to, const char *password_file,
	       const struct link_ops *ops, void *ctx, boot_t now)
{
	l->to = *to;
	l->password_file = password_file;
	l->ops = ops;
	l->ctx = ctx;
	l->fd = -EBADF;
	l->state = LINK_WAIT;
	l->at = l->now = now;
	(void)snprintf(l->problem, sizeof l->problem, "is not connected yet"); /* fits */
}

void link_close(struct freeswitch_link *l)
{
	if (l->fd >= 0)
		(void)close(l->fd); /* nothing of it is kept */
	l->fd = -EBADF;
}

static void link_leave(struct freeswitch_link *l, const char *why, int64_t pause_ns, boot_t now)
{
	bool was_up = l->state == LINK_UP;

	link_close(l);
	l->state = LINK_WAIT;
	l->at = boot_add(now, pause_ns);
	(void)snprintf(l->problem, sizeof l->problem, "%s", why); /* cutting a sentence is fine */
	for (size_t i = 0; i < l->count; i++)
		l->ops->lost(l->ctx, &l->commands[(l->first + i) % LINK_COMMANDS_MAX]);
	l->first = l->count = l->out_used = l->event_used = l->text_used = 0;
	l->idle_frames = 0;
	l->refused = false;
	esl_reset(&l->reader);
	if (was_up)
		l->ops->down(l->ctx, now);
}

void link_drop(struct freeswitch_link *l, const char *why, boot_t now)
{
	link_leave(l, why, RETRY_NS, now);
}

static void link_drop_errno(struct freeswitch_link *l, const char *what, int error, boot_t now)
{
	char why[ADAPTER_WHY_MAX];

	(void)snprintf(why, sizeof why, "%s: %s", what, strerror(error)); /* fits */
	link_drop(l, why, now);
}

/* ---- sending ---- */

size_t link_free_slots(const struct freeswitch_link *l)
{
	return l->state == LINK_UP ? LINK_COMMANDS_MAX - l->count : 0;
}

size_t link_in_flight(const struct freeswitch_link *l, int kind)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += l->commands[(l->first + i) % LINK_COMMANDS_MAX].kind == kind;
	return n;
}

static bool link_put(struct freeswitch_link *l, const char *text, size_t len)
{
	if (len > sizeof l->out - l->out_used)
		return false;
	memcpy(l->out + l->out_used, text, len);
	l->out_used += len;
	return true;
}

int link_send(struct freeswitch_link *l, const struct link_command *c, const char *text, size_t len)
{
	if (l->state != LINK_UP)
		return -ENOTCONN;
	if (l->count == LINK_COMMANDS_MAX || !link_put(l, text, len))
		return -EAGAIN;
	l->commands[(l->first + l->count++) % LINK_COMMANDS_MAX] = *c;
	if (l->count == 1)
		l->at = boot_add(l->now, c->timeout_ns);
	return 0;
}

static void link_write(struct freeswitch_link *l, boot_t now)
{
	ssize_t n;

	if (l->out_used == 0 || l->state < LINK_GREETING)
		return;
	n = send(l->fd, l->out, l->out_used, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		link_drop_errno(l, "cannot be written to", errno, now);
	if (n <= 0)
		return;
	l->out_used -= (size_t)n;
	memmove(l->out, l->out + n, l->out_used);
}

/* ---- the login ---- */

static int link_log_in(struct freeswitch_link *l)
{
	char password[SECRET_FILE_MAX], line[SECRET_FILE_MAX + 16];
	int r = secret_file_read(l->password_file, password);

	if (r < 0) {
		link_drop_errno(l, "cannot be logged into, the password file cannot be read", -r, l->now);
		return -ECONNABORTED;
	}
	(void)snprintf(line, sizeof line, "auth %s\n\n", password); /* fits */
	(void)link_put(l, line, strlen(line));			    /* the buffer is empty: fits */
	explicit_bzero(password, sizeof password);
	explicit_bzero(line, sizeof line);
	l->state = LINK_LOGIN;
	l->at = boot_add(l->now, GREETING_NS);
	return 0;
}

static int link_greeting(struct freeswitch_link *l)
{
	if (l->head.kind == ESL_AUTH_REQUEST)
		return link_log_in(l);
	if (l->head.kind == ESL_REJECTION)
		link_leave(l, "refuses our address (an access list of FreeSWITCH)", RETRY_SLOW_NS, l->now);
	else
		link_drop(l, "says something else than an event socket", l->now);
	return -ECONNABORTED;
}

static int link_login_answered(struct freeswitch_link *l)
{
	if (l->head.kind == ESL_REPLY && !strncmp(l->head.reply, "+OK", 3)) {
		l->state = LINK_UP;
		l->problem[0] = 0;
		l->refused = false;
		l->ops->up(l->ctx, l->now);
		return l->state == LINK_UP ? 0 : -ECONNABORTED;
	}
	if (l->head.kind == ESL_REPLY) {
		link_leave(l, "refuses the password", RETRY_SLOW_NS, l->now);
		l->refused = true;
	} else {
		link_drop(l, "answers the login with something else", l->now);
	}
	return -ECONNABORTED;
}

/* ---- frames ---- */

static bool head_is_answer(const struct esl_head *h)
{
	return h->kind == ESL_REPLY || h->kind == ESL_API;
}

static int frame_head(void *ctx, const struct esl_head *h)
{
	struct freeswitch_link *l = ctx;

	l->head = *h;
	l->event_used = l->text_used = 0;
	if (l->state != LINK_UP)
		return 0;
	/* Of events there may be many: a storm of phones, told before the next answer. */
	if (h->kind == ESL_OTHER && ++l->idle_frames > IDLE_FRAMES_MAX) {
		link_drop(l, "sends a flood of what nobody asked for", l->now);
		return -ECONNABORTED;
	}
	if (!head_is_answer(h))
		return 0;
	if (l->count == 0) {
		link_drop(l, "answers what nobody asked", l->now);
		return -ECONNABORTED;
	}
	l->idle_frames = 0;
	l->ops->begin(l->ctx, &l->commands[l->first]);
	return 0;
}

static int frame_body(void *ctx, const char *data, size_t len)
{
	struct freeswitch_link *l = ctx;
	size_t room = sizeof l->text - 1 - l->text_used;

	if (l->state != LINK_UP)
		return 0;
	if (l->head.kind == ESL_EVENT && l->head.length <= sizeof l->event) {
		memcpy(l->event + l->event_used, data, len);
		l->event_used += len;
	}
	if (l->head.kind != ESL_API)
		return 0;
	memcpy(l->text + l->text_used, data, len < room ? len : room);
	l->text_used += len < room ? len : room;
	l->ops->body(l->ctx, &l->commands[l->first], data, len);
	return 0;
}

static int frame_answer(struct freeswitch_link *l)
{
	struct link_command c = l->commands[l->first];
	const char *text = l->head.kind == ESL_API ? l->text : l->head.reply;

	l->text[l->text_used] = 0;
	l->first = (l->first + 1) % LINK_COMMANDS_MAX;
	l->count--;
	l->at = l->count ? boot_add(l->now, l->commands[l->first].timeout_ns) : BOOT_NEVER;
	l->ops->end(l->ctx, &c, strncmp(text, "-ERR", 4) != 0, text, l->now);
	return l->state == LINK_UP ? 0 : -ECONNABORTED;
}

static int frame_end(void *ctx)
{
	struct freeswitch_link *l = ctx;

	if (l->state == LINK_GREETING)
		return link_greeting(l);
	if (l->state == LINK_LOGIN)
		return link_login_answered(l);
	if (head_is_answer(&l->head))
		return frame_answer(l);
	if (l->head.kind == ESL_DISCONNECT) {
		link_drop(l, "said goodbye", l->now);
		return -ECONNABORTED;
	}
	if (l->head.kind == ESL_EVENT && l->head.length > sizeof l->event)
		l->ops->event_lost(l->ctx, l->now);
	else if (l->head.kind == ESL_EVENT)
		l->ops->event(l->ctx, l->event, l->event_used, l->now);
	return l->state == LINK_UP ? 0 : -ECONNABORTED;
}

static void link_read(struct freeswitch_link *l, boot_t now)
{
	static const struct esl_ops ops = { frame_head, frame_body, frame_end };
	char data[65536];
	ssize_t n = recv(l->fd, data, sizeof data, 0);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		link_drop_errno(l, "broke", errno, now);
		return;
	}
	if (n == 0) {
		link_drop(l, l->state == LINK_UP ? "ended the connection" : "ends the connection at once",
			  now);
		return;
	}
	r = esl_feed(&l->reader, data, (size_t)n, &ops, l);
	if (r == -EMSGSIZE)
		link_drop(l, "says more in one answer than anything can be", now);
	else if (r == -EBADMSG)
		link_drop(l, "says something else than an event socket", now);
}

/* ---- the loop ---- */

static void link_connected(struct freeswitch_link *l, boot_t now)
{
	l->state = LINK_GREETING;
	l->at = boot_add(now, GREETING_NS);
}

static void link_connect(struct freeswitch_link *l, boot_t now)
{
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0) {
		link_drop_errno(l, "cannot be connected to", errno, now);
		return;
	}
	l->state = LINK_CONNECTING;
	l->at = boot_add(now, CONNECT_NS);
	if (connect(l->fd, (struct sockaddr *)&l->to, sizeof l->to) == 0)
		link_connected(l, now);
	else if (errno != EINPROGRESS)
		link_drop_errno(l, "cannot be connected to", errno, now);
}

short link_events(const struct freeswitch_link *l)
{
	if (l->state == LINK_CONNECTING)
		return POLLOUT;
	return (short)(POLLIN | (l->out_used ? POLLOUT : 0));
}

void link_ready(struct freeswitch_link *l, boot_t now)
{
	socklen_t len = sizeof(int);
	int error = 0;

	l->now = now;
	if (l->fd < 0)
		return;
	if (l->state == LINK_CONNECTING) {
		if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
			link_drop_errno(l, "cannot be connected to", error, now);
		else
			link_connected(l, now);
		return;
	}
	link_read(l, now);
	link_write(l, now);
}

boot_t link_next(const struct freeswitch_link *l)
{
	return l->state == LINK_UP && l->count == 0 ? BOOT_NEVER : l->at;
}

static const char *link_late(const struct freeswitch_link *l)
{
	switch (l->state) {
	case LINK_WAIT:
	case LINK_CONNECTING:
		return "cannot be connected to: no answer";
	case LINK_GREETING:
		return l->reader.used ? "does not come to the end of its greeting"
				      : "accepts the connection and says nothing";
	case LINK_LOGIN:
		return "does not answer the login";
	case LINK_UP:
		return "does not answer commands";
	}
	return "";
}

void link_tick(struct freeswitch_link *l, boot_t now)
{
	l->now = now;
	if (!boot_before(now, link_next(l))) {
		if (l->state == LINK_WAIT)
			link_connect(l, now);
		else
			link_drop(l, link_late(l), now);
	}
	link_write(l, now);
}
