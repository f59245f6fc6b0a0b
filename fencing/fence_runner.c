/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_runner.h"

#include "cleanup.h"
#include "fence_queue.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

/* What runs on one device. */
struct run {
	bool busy;
	struct fence_job job;
	struct fence_call child; /* none: result waits to be told */
	boot_t overdue;		 /* the program itself has failed to keep the time */
	bool cancelled;
	struct fence_result result;
	char room[FENCE_ANSWER_LINE_MAX];
};

struct fence_runner {
	const struct fence_runner_ops *ops;
	void *ctx;
	int epoll;
	char program[256];
	struct fence_queue queue;
	struct run run[FENCE_DEVICES_MAX];
};

int fence_runner_new(const char *program, const struct fence_runner_ops *ops, void *ctx,
		     struct fence_runner **ret)
{
	struct fence_runner *r = calloc(1, sizeof *r);
	int error = 0;

	if (!r)
		return -ENOMEM;
	r->ops = ops;
	r->ctx = ctx;
	for (size_t i = 0; i < FENCE_DEVICES_MAX; i++)
		fence_call_init(&r->run[i].child, r->run[i].room, sizeof r->run[i].room);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0)
		error = -errno;
	else if (snprintf(r->program, sizeof r->program, "%s", program) >= (int)sizeof r->program)
		error = -ENAMETOOLONG;
	if (error < 0) {
		fence_runner_free(r);
		return error;
	}
	*ret = r;
	return 0;
}

void fence_runner_free(struct fence_runner *r)
{
	struct fence_result nobody_wants;

	if (!r)
		return;
	for (size_t i = 0; i < FENCE_DEVICES_MAX; i++) {
		if (!r->run[i].child.pid)
			continue;
		fence_call_kill(&r->run[i].child);
		fence_call_end(&r->run[i].child, &nobody_wants, NULL, NULL);
	}
	close_fd(&r->epoll);
	free(r);
}

/* ---- start ---- */

static int run_watch(struct fence_runner *r, const struct run *run)
{
	const int fds[] = { run->child.pidfd, run->child.output };

	for (int i = 0; i < 2; i++) {
		struct epoll_event e = { .events = EPOLLIN };

		if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fds[i], &e) < 0)
			return -errno;
	}
	return 0;
}

static void run_fails(struct run *run, const char *why)
{
	run->result = (struct fence_result){ .answer = FENCE_ANSWER_BROKEN };
	fence_said(why, strlen(why), run->result.said);
}

static void run_start(struct fence_runner *r, const struct fence_job *job, boot_t now)
{
	struct run *run = &r->run[job->call.device];
	int64_t left_ms = boot_diff_ns(now, job->deadline) / NS_PER_MS;
	struct fence_request request;
	int error;

	run->busy = true;
	run->cancelled = false;
	run->job = *job;
	if (left_ms <= 0) {
		run_fails(run, "the device was busy all the time");
		return;
	}
	if (!r->ops->request(r->ctx, &job->call, &request)) {
		run_fails(run, "the device has no agent");
		return;
	}
	request.timeout_ms = left_ms < FENCE_TIMEOUT_MS_MAX ? (uint32_t)left_ms : FENCE_TIMEOUT_MS_MAX;
	error = fence_call_start(&run->child, r->program, &request);
	if (error < 0) {
		run_fails(run, strerror(-error));
		return;
	}
	run->overdue = boot_add(job->deadline, FENCE_CALL_GRACE_MS * NS_PER_MS);
	if (run_watch(r, run) < 0)
		run->overdue = now; /* no memory for it: killed, and seen in fence_runner_next() */
}

static void start_all(struct fence_runner *r, boot_t now)
{
	struct fence_job job;

	while (fence_queue_next(&r->queue, &job))
		run_start(r, &job, now);
}

void fence_runner_call(struct fence_runner *r, const struct plan_fence_call *call, boot_t now)
{
	const struct fence_job job = { *call, boot_add(now, call->timeout_ns) };

	/* Without a place it is never answered, and the core gives it up at its time. */
	if (fence_queue_add(&r->queue, &job) == FENCE_QUEUE_CANCEL) {
		r->run[call->device].cancelled = true;
		fence_call_kill(&r->run[call->device].child);
	}
	start_all(r, now);
}

/* ---- end ---- */

static bool run_ended(const struct run *run)
{
	struct pollfd ended = { .fd = run->child.pidfd, .events = POLLIN };

	return run->busy && (!run->child.pid || poll(&ended, 1, 0) == 1);
}

static void run_end(struct fence_runner *r, struct run *run)
{
	struct fence_job job = run->job;

	if (run->child.pid)
		fence_call_end(&run->child, &run->result, NULL, NULL);
	run->busy = false;
	fence_queue_done(&r->queue, job.call.device);
	if (!run->cancelled)
		r->ops->answered(r->ctx, &job.call, &run->result);
}

int fence_runner_fd(const struct fence_runner *r)
{
	return r->epoll;
}

boot_t fence_runner_next(const struct fence_runner *r)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < FENCE_DEVICES_MAX; i++)
		if (r->run[i].busy)
			next = boot_min(next, r->run[i].child.pid ? r->run[i].overdue : (boot_t){ 0 });
	return next;
}

void fence_runner_work(struct fence_runner *r, boot_t now)
{
	for (size_t i = 0; i < FENCE_DEVICES_MAX; i++) {
		struct run *run = &r->run[i];

		if (run->busy && run->child.pid)
			fence_call_listen(&run->child);
		if (run_ended(run)) {
			run_end(r, run);
		} else if (run->busy && !boot_before(now, run->overdue)) {
			fence_call_kill(&run->child);
			run->overdue = boot_add(now, FENCE_CALL_GRACE_MS * NS_PER_MS);
		}
	}
	start_all(r, now);
}
