/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void fence_queue_init(struct fence_queue *q)
{
	memset(q, 0, sizeof *q);
}

static bool queue_has_watch_of(const struct fence_queue_device *d, node_id_t target)
{
	for (uint8_t i = 0; i < d->count; i++)
		if (d->waiting[i].call.target == target)
			return true;
	return d->busy && d->running.call.target == target;
}

static int queue_add_watch(struct fence_queue_device *d, const struct fence_job *job)
{
	bool wanted = (d->busy && !d->running.call.watch) || (d->count && !d->waiting[0].call.watch);

	if (wanted || queue_has_watch_of(d, job->call.target))
		return -EBUSY;
	if (d->count == FENCE_QUEUE_MAX)
		return -ENOSPC;
	d->waiting[d->count++] = *job;
	return 0;
}

int fence_queue_add(struct fence_queue *q, const struct fence_job *job)
{
	struct fence_queue_device *d = &q->device[job->call.device];

	assert(job->call.device < FENCE_DEVICES_MAX);
	if (job->call.watch)
		return queue_add_watch(d, job);
	while (d->count && d->waiting[d->count - 1].call.watch)
		d->count--;
	if (d->count == FENCE_QUEUE_MAX)
		return -ENOSPC;
	d->waiting[d->count++] = *job;
	return d->busy && d->running.call.watch ? FENCE_QUEUE_CANCEL : 0;
}

bool fence_queue_next(struct fence_queue *q, struct fence_job *ret)
{
	for (fence_device_t i = 0; i < FENCE_DEVICES_MAX; i++) {
		struct fence_queue_device *d = &q->device[i];

		if (d->busy || !d->count)
			continue;
		*ret = d->running = d->waiting[0];
		d->busy = true;
		d->count--;
		memmove(&d->waiting[0], &d->waiting[1], d->count * sizeof d->waiting[0]);
		return true;
	}
	return false;
}

void fence_queue_done(struct fence_queue *q, fence_device_t device)
{
	assert(device < FENCE_DEVICES_MAX && q->device[device].busy);
	q->device[device].busy = false;
}
