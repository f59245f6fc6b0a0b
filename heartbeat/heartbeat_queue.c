/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heartbeat_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int heartbeat_queue_init(struct heartbeat_queue *q, size_t size)
{
	*q = (struct heartbeat_queue){ .ring = malloc(size), .size = size };
	return q->ring ? 0 : -ENOMEM;
}

void heartbeat_queue_close(struct heartbeat_queue *q)
{
	free(q->ring);
	*q = (struct heartbeat_queue){ 0 };
}

void heartbeat_queue_clear(struct heartbeat_queue *q)
{
	q->head = q->used = 0;
}

static void copy_in(struct heartbeat_queue *q, const void *data, size_t len)
{
	size_t at = (q->head + q->used) % q->size;
	size_t first = len < q->size - at ? len : q->size - at;

	memcpy(q->ring + at, data, first);
	memcpy(q->ring, (const uint8_t *)data + first, len - first);
	q->used += len;
}

static void copy_out(struct heartbeat_queue *q, void *ret, size_t len)
{
	size_t first = len < q->size - q->head ? len : q->size - q->head;

	memcpy(ret, q->ring + q->head, first);
	memcpy((uint8_t *)ret + first, q->ring, len - first);
	q->head = (q->head + len) % q->size;
	q->used -= len;
}

int heartbeat_queue_put(struct heartbeat_queue *q, const void *data, size_t len)
{
	uint32_t head = (uint32_t)len;

	if (len > q->size || sizeof head + len > q->size - q->used)
		return -ENOBUFS;
	copy_in(q, &head, sizeof head);
	copy_in(q, data, len);
	return 0;
}

size_t heartbeat_queue_take(struct heartbeat_queue *q, void *ret, size_t size)
{
	uint32_t len;

	if (q->used == 0)
		return 0;
	copy_out(q, &len, sizeof len);
	assert(len <= size);
	copy_out(q, ret, len);
	return len;
}
