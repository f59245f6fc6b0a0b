/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who may use a fence device next. A device is used by one call at a time: many BMCs have one session, and
 * answers to two masters at once prove nothing. Calls to different devices run side by side. A call that only
 * watches waits behind all else and is forgotten where something else is to be done: who wants to watch asks
 * again. Pure: runs nothing.
 */
#ifndef RK_FENCE_QUEUE_H
#define RK_FENCE_QUEUE_H

#include "plan.h"

#include <stddef.h>

#define FENCE_QUEUE_MAX 24 /* calls that wait for one device: one of each node, and what an operator adds */

struct fence_job {
	struct plan_fence_call call;
	boot_t deadline;
};

struct fence_queue_device {
	bool busy;
	struct fence_job running; /* while busy */
	uint8_t count;
	struct fence_job waiting[FENCE_QUEUE_MAX]; /* in order; those that only watch are last */
};

struct fence_queue {
	struct fence_queue_device device[FENCE_DEVICES_MAX];
};

#define FENCE_QUEUE_CANCEL 1

void fence_queue_init(struct fence_queue *q);
/* Returns 0, or FENCE_QUEUE_CANCEL: the device is watched at the moment, that call is to be killed.
 * @retval -EBUSY   it only watches, and something else is to be done, or this target is watched already
 * @retval -ENOSPC  FENCE_QUEUE_MAX calls wait already */
int fence_queue_add(struct fence_queue *q, const struct fence_job *job);
/* The next call whose device is free; it is taken to run. False if there is none. */
bool fence_queue_next(struct fence_queue *q, struct fence_job *ret);
/* The call to the device has ended. */
void fence_queue_done(struct fence_queue *q, fence_device_t device);

#endif
