/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's main loop: libqb's loop for descriptors, and one timerfd on CLOCK_BOOTTIME for the next
 * deadline of everything. Around every callback it calls enter() (read the clocks, notice that we stood
 * still) and leave() (flush what is to be sent, say when to come back). Modules know nothing of it.
 */
#ifndef RK_LOOP_H
#define RK_LOOP_H

#include "clock.h"

#define LOOP_SOURCES_MAX 128

struct loop;
typedef struct qb_loop qb_loop_t;

struct loop_ops {
	void (*enter)(void *ctx);
	void (*tick)(void *ctx);    /* the deadline has come */
	boot_t (*leave)(void *ctx); /* the next deadline */
};

/* revents as of poll(2). */
typedef void (*loop_fn)(void *ctx, int fd, int revents);

enum loop_priority { LOOP_LOW, LOOP_HIGH };

struct loop_source {
	struct loop *loop;
	int fd; /* -1 = free */
	loop_fn fn;
	void *ctx;
};

struct loop {
	qb_loop_t *qb;
	int timer_fd;
	boot_t armed;
	const struct loop_ops *ops;
	void *ctx;
	struct loop_source source[LOOP_SOURCES_MAX];
};

/* 0 or -errno. Borrows ops and ctx. */
int loop_init(struct loop *l, const struct loop_ops *ops, void *ctx);
void loop_close(struct loop *l);
/* Watches fd; -ENOSPC if there are too many. Does not take the descriptor. */
int loop_add(struct loop *l, int fd, int events, enum loop_priority priority, loop_fn fn, void *ctx);
/* Changes the events of a watched fd. */
int loop_events(struct loop *l, int fd, int events, enum loop_priority priority);
/* Stops watching; do this before the descriptor is closed. An fd that is not watched is ignored. */
void loop_remove(struct loop *l, int fd);
/* Runs until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
