/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void fence_queue_init(struct fence_queue *q)
{
	memset(q, 0, sizeof *q);
}

static void queue_take_out(struct fence_queue_device *d, uint8_t at)
{
	d->count--;
	memmove(&d->waiting[at], &d->waiting[at + 1], (size_t)(d->count - at) * sizeof d->waiting[0]);
}

static bool queue_ends_with_monitor(const struct fence_queue_device *d)
{
	return d->count && d->waiting[d->count - 1].verb == FENCE_MONITOR;
}

int fence_queue_add(struct fence_queue *q, const struct fence_job *job, struct fence_job *ret_dropped)
{
	struct fence_queue_device *d = &q->device[job->device];
	int effect = FENCE_QUEUE_ADDED;

	assert(job->device < FENCE_DEVICES_MAX);
	if (job->verb == FENCE_MONITOR && (d->busy || d->count))
		return -EBUSY;
	if (queue_ends_with_monitor(d)) {
		*ret_dropped = d->waiting[d->count - 1];
		d->count--;
		effect = FENCE_QUEUE_DROPPED;
	} else if (d->busy && d->running.verb == FENCE_MONITOR) {
		*ret_dropped = d->running;
		effect = FENCE_QUEUE_CANCEL;
	}
	if (d->count == FENCE_QUEUE_MAX)
		return -ENOSPC;
	d->waiting[d->count++] = *job;
	return effect;
}

bool fence_queue_next(struct fence_queue *q, struct fence_job *ret)
{
	for (fence_device_t i = 0; i < FENCE_DEVICES_MAX; i++) {
		struct fence_queue_device *d = &q->device[i];

		if (d->busy || !d->count)
			continue;
		*ret = d->running = d->waiting[0];
		d->busy = true;
		queue_take_out(d, 0);
		return true;
	}
	return false;
}

void fence_queue_done(struct fence_queue *q, fence_device_t device)
{
	assert(device < FENCE_DEVICES_MAX && q->device[device].busy);
	q->device[device].busy = false;
}

bool fence_queue_remove(struct fence_queue *q, uint64_t id)
{
	for (fence_device_t i = 0; i < FENCE_DEVICES_MAX; i++)
		for (uint8_t k = 0; k < q->device[i].count; k++)
			if (q->device[i].waiting[k].id == id) {
				queue_take_out(&q->device[i], k);
				return true;
			}
	return false;
}
