/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Carries out the calls of fence agents that the core asks for: one at a time for each device, those to
 * different devices side by side, each in ringkeep-fence-call. Every call is answered once, later than it was
 * asked for; one that only watches may never be answered, because its device was needed. Decides nothing,
 * logs nothing.
 */
#ifndef RK_FENCE_RUNNER_H
#define RK_FENCE_RUNNER_H

#include "fence_call.h"
#include "plan.h"

struct fence_runner;

struct fence_runner_ops {
	/* The words of a call that is about to start; borrowed until it has. False: the device has no agent.
	 */
	bool (*request)(void *ctx, const struct plan_fence_call *call, struct fence_request *ret);
	void (*answered)(void *ctx, const struct plan_fence_call *call, const struct fence_result *result);
};

/* program: path of ringkeep-fence-call, copied. ops, ctx: borrowed. Returns 0 or -errno. */
int fence_runner_new(const char *program, const struct fence_runner_ops *ops, void *ctx,
		     struct fence_runner **ret);
/* Kills what runs, without an answer. fence_runner_free(NULL) does nothing. */
void fence_runner_free(struct fence_runner *r);

/* The call's timeout begins now, also if its device is busy. */
void fence_runner_call(struct fence_runner *r, const struct plan_fence_call *call, boot_t now);

/* An epoll descriptor: when it is readable, or fence_runner_next() has come, fence_runner_work() is due. */
int fence_runner_fd(const struct fence_runner *r);
boot_t fence_runner_next(const struct fence_runner *r);
void fence_runner_work(struct fence_runner *r, boot_t now);

#endif
