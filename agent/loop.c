/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <qb/qbloop.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static enum qb_loop_priority loop_qb_priority(enum loop_priority p)
{
	return p == LOOP_HIGH ? QB_LOOP_HIGH : QB_LOOP_LOW;
}

static void loop_arm(struct loop *l, boot_t next)
{
	struct itimerspec its = { 0 };

	if (next.ns < 1)
		next.ns = 1; /* zero would disarm */
	if (next.ns == l->armed.ns)
		return;
	l->armed = next;
	if (next.ns != BOOT_NEVER.ns) {
		its.it_value.tv_sec = next.ns / NS_PER_S;
		its.it_value.tv_nsec = next.ns % NS_PER_S;
	}
	/* Cannot fail with a valid descriptor and a normalised time. */
	(void)timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &its, NULL);
}

static int32_t loop_dispatch(int32_t fd, int32_t revents, void *data)
{
	struct loop_source *s = data;
	struct loop *l = s->loop;

	if (s->fd != fd)
		return -1; /* removed by an earlier callback of the same round */
	l->ops->enter(l->ctx);
	s->fn(s->ctx, fd, revents);
	loop_arm(l, l->ops->leave(l->ctx));
	return 0;
}

static int32_t loop_timer(int32_t fd, int32_t revents, void *data)
{
	struct loop *l = data;
	uint64_t expirations;

	(void)revents;
	/* EAGAIN: the deadline was moved after it had fired; the tick is harmless. */
	(void)!read(fd, &expirations, sizeof expirations);
	l->armed = BOOT_NEVER; /* it has fired */
	l->ops->enter(l->ctx);
	l->ops->tick(l->ctx);
	loop_arm(l, l->ops->leave(l->ctx));
	return 0;
}

int loop_init(struct loop *l, const struct loop_ops *ops, void *ctx)
{
	int r;

	memset(l, 0, sizeof *l);
	l->ops = ops;
	l->ctx = ctx;
	l->armed = BOOT_NEVER;
	for (size_t i = 0; i < LOOP_SOURCES_MAX; i++)
		l->source[i] = (struct loop_source){ .loop = l, .fd = -1 };
	l->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer_fd < 0)
		return -errno;
	l->qb = qb_loop_create();
	if (!l->qb) {
		close(l->timer_fd);
		return -ENOMEM;
	}
	r = qb_loop_poll_add(l->qb, QB_LOOP_HIGH, l->timer_fd, POLLIN, l, loop_timer);
	if (r < 0)
		loop_close(l);
	return r;
}

void loop_close(struct loop *l)
{
	if (l->qb)
		qb_loop_destroy(l->qb);
	l->qb = NULL;
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	l->timer_fd = -1;
}

static struct loop_source *loop_find(struct loop *l, int fd)
{
	for (size_t i = 0; i < LOOP_SOURCES_MAX; i++)
		if (l->source[i].fd == fd)
			return &l->source[i];
	return NULL;
}

int loop_add(struct loop *l, int fd, int events, enum loop_priority priority, loop_fn fn, void *ctx)
{
	struct loop_source *s = loop_find(l, -1);
	int r;

	if (!s)
		return -ENOSPC;
	s->fd = fd;
	s->fn = fn;
	s->ctx = ctx;
	r = qb_loop_poll_add(l->qb, loop_qb_priority(priority), fd, events, s, loop_dispatch);
	if (r < 0)
		s->fd = -1;
	return r;
}

int loop_events(struct loop *l, int fd, int events, enum loop_priority priority)
{
	struct loop_source *s = fd >= 0 ? loop_find(l, fd) : NULL;

	if (!s)
		return -ENOENT;
	return qb_loop_poll_mod(l->qb, loop_qb_priority(priority), fd, events, s, loop_dispatch);
}

void loop_remove(struct loop *l, int fd)
{
	struct loop_source *s = fd >= 0 ? loop_find(l, fd) : NULL;

	if (!s)
		return;
	(void)qb_loop_poll_del(l->qb, fd); /* -ENOENT when libqb dropped it already after POLLNVAL */
	s->fd = -1;
}

void loop_run(struct loop *l)
{
	l->ops->enter(l->ctx);
	l->ops->tick(l->ctx);
	loop_arm(l, l->ops->leave(l->ctx));
	qb_loop_run(l->qb);
}

void loop_stop(struct loop *l)
{
	qb_loop_stop(l->qb);
}
