/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who may use a fence device next. A device is used by one call at a time: many BMCs have one session, and
 * answers to two masters at once prove nothing. Calls to different devices run side by side. A monitor is
 * nobody's proof: it waits behind all else, and is dropped where something else is to be done. Pure: runs
 * nothing.
 */
#ifndef RK_FENCE_QUEUE_H
#define RK_FENCE_QUEUE_H

#include "fence_types.h"

#include <stddef.h>

#define FENCE_QUEUE_MAX 16 /* calls that wait for one device */

struct fence_job {
	uint64_t id; /* the asker's name for it */
	fence_device_t device;
	enum fence_verb verb;
	node_id_t target; /* NODE_NONE: of FENCE_MONITOR */
};

struct fence_queue_device {
	bool busy;
	struct fence_job running; /* while busy */
	uint8_t count;
	struct fence_job waiting[FENCE_QUEUE_MAX]; /* in order; a monitor is alone and last */
};

struct fence_queue {
	struct fence_queue_device device[FENCE_DEVICES_MAX];
};

enum fence_queue_effect {
	FENCE_QUEUE_ADDED = 0,
	FENCE_QUEUE_DROPPED, /* the monitor in ret_dropped will never be run */
	FENCE_QUEUE_CANCEL,  /* the running monitor in ret_dropped is to be killed: its device is needed */
};

void fence_queue_init(struct fence_queue *q);
/* Returns an effect.
 * @retval -EBUSY   a monitor, but the device is used or waited for already
 * @retval -ENOSPC  FENCE_QUEUE_MAX calls wait already */
int fence_queue_add(struct fence_queue *q, const struct fence_job *job, struct fence_job *ret_dropped);
/* The next call whose device is free; it is taken to run. False if there is none. */
bool fence_queue_next(struct fence_queue *q, struct fence_job *ret);
/* The call to the device has ended. */
void fence_queue_done(struct fence_queue *q, fence_device_t device);
/* Takes back a call that waits: true if it did, false if it runs or is unknown. */
bool fence_queue_remove(struct fence_queue *q, uint64_t id);

#endif
