/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A bounded queue of messages, first in first out, in one ring of bytes that is allocated once. Pure.
 */
#ifndef RK_HEARTBEAT_QUEUE_H
#define RK_HEARTBEAT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct heartbeat_queue {
	uint8_t *ring;
	size_t size;
	size_t head; /* of the oldest */
	size_t used;
};

int heartbeat_queue_init(struct heartbeat_queue *q, size_t size);
void heartbeat_queue_close(struct heartbeat_queue *q);
void heartbeat_queue_clear(struct heartbeat_queue *q);
/* Copies. @retval -ENOBUFS no room for it */
int heartbeat_queue_put(struct heartbeat_queue *q, const void *data, size_t len);
/* Takes the oldest one out. Returns its length, 0 if there is none. size: at least that of the longest put.
 */
size_t heartbeat_queue_take(struct heartbeat_queue *q, void *ret, size_t size);

#endif
