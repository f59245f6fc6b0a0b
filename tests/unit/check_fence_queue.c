/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_queue.h"
#include "unit.h"

#include <errno.h>

static struct fence_queue q;
static struct fence_job dropped;

static int add(uint64_t id, fence_device_t device, enum fence_verb verb)
{
	const struct fence_job job = { id, device, verb, verb == FENCE_MONITOR ? NODE_NONE : 2 };

	return fence_queue_add(&q, &job, &dropped);
}

/* Id of the next call, 0 for none. */
static uint64_t next(void)
{
	struct fence_job job;

	return fence_queue_next(&q, &job) ? job.id : 0;
}

START_TEST(one_call_at_a_time_for_each_device)
{
	fence_queue_init(&q);
	ck_assert_int_eq(add(1, 0, FENCE_OFF), FENCE_QUEUE_ADDED);
	ck_assert_int_eq(add(2, 0, FENCE_STATUS), FENCE_QUEUE_ADDED);
	ck_assert_int_eq(add(3, 5, FENCE_OFF), FENCE_QUEUE_ADDED);
	ck_assert_uint_eq(next(), 1);
	ck_assert_uint_eq(next(), 3); /* another device */
	ck_assert_uint_eq(next(), 0);
	fence_queue_done(&q, 5);
	ck_assert_uint_eq(next(), 0);
	fence_queue_done(&q, 0);
	ck_assert_uint_eq(next(), 2);
	fence_queue_done(&q, 0);
	ck_assert_uint_eq(next(), 0);
}
END_TEST

START_TEST(a_monitor_gives_way)
{
	fence_queue_init(&q);
	ck_assert_int_eq(add(1, 0, FENCE_MONITOR), FENCE_QUEUE_ADDED);
	ck_assert_int_eq(add(2, 0, FENCE_MONITOR), -EBUSY); /* one is enough */
	ck_assert_int_eq(add(3, 0, FENCE_OFF), FENCE_QUEUE_DROPPED);
	ck_assert_uint_eq(dropped.id, 1);
	ck_assert_int_eq(add(4, 0, FENCE_MONITOR), -EBUSY);
	ck_assert_uint_eq(next(), 3);
	ck_assert_int_eq(add(5, 0, FENCE_MONITOR), -EBUSY);
	fence_queue_done(&q, 0);
	ck_assert_uint_eq(next(), 0);
}
END_TEST

START_TEST(a_running_monitor_is_in_the_way)
{
	fence_queue_init(&q);
	ck_assert_int_eq(add(1, 0, FENCE_MONITOR), FENCE_QUEUE_ADDED);
	ck_assert_uint_eq(next(), 1);
	ck_assert_int_eq(add(2, 0, FENCE_OFF), FENCE_QUEUE_CANCEL);
	ck_assert_uint_eq(dropped.id, 1);
	ck_assert_uint_eq(next(), 0); /* not before the monitor is dead */
	fence_queue_done(&q, 0);
	ck_assert_uint_eq(next(), 2);
}
END_TEST

START_TEST(it_is_bounded_and_takes_back)
{
	fence_queue_init(&q);
	for (uint64_t i = 1; i <= FENCE_QUEUE_MAX; i++)
		ck_assert_int_eq(add(i, 15, FENCE_OFF), FENCE_QUEUE_ADDED);
	ck_assert_int_eq(add(99, 15, FENCE_OFF), -ENOSPC);
	ck_assert(fence_queue_remove(&q, 2));
	ck_assert(!fence_queue_remove(&q, 2));
	ck_assert_int_eq(add(99, 15, FENCE_STATUS), FENCE_QUEUE_ADDED);
	for (uint64_t i = 1; i <= FENCE_QUEUE_MAX; i++) {
		ck_assert_uint_eq(next(), i == 1 ? 1 : i == FENCE_QUEUE_MAX ? 99 : i + 1);
		ck_assert(!fence_queue_remove(&q, 1)); /* it runs, or has run */
		fence_queue_done(&q, 15);
	}
	ck_assert_uint_eq(next(), 0);
}
END_TEST

UNIT_MAIN("fence_queue", one_call_at_a_time_for_each_device, a_monitor_gives_way,
	  a_running_monitor_is_in_the_way, it_is_bounded_and_takes_back)
