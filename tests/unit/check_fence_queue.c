/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_queue.h"
#include "unit.h"

#include <errno.h>

static struct fence_queue q;

static int add(uint32_t seq, fence_device_t device, node_id_t target, bool watch)
{
	const struct fence_job job = { .call = { .seq = seq,
						 .device = device,
						 .verb = watch ? FENCE_STATUS : FENCE_OFF,
						 .target = target,
						 .watch = watch } };

	return fence_queue_add(&q, &job);
}

static int shoot(uint32_t seq, fence_device_t device)
{
	return add(seq, device, 2, false);
}

static int watch(uint32_t seq, fence_device_t device, node_id_t target)
{
	return add(seq, device, target, true);
}

/* Number of the next call, 0 for none. */
static uint32_t next(void)
{
	struct fence_job job;

	return fence_queue_next(&q, &job) ? job.call.seq : 0;
}

START_TEST(one_call_at_a_time_for_each_device)
{
	fence_queue_init(&q);
	ck_assert_int_eq(shoot(1, 0), 0);
	ck_assert_int_eq(shoot(2, 0), 0);
	ck_assert_int_eq(shoot(3, 5), 0);
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

START_TEST(watching_gives_way)
{
	fence_queue_init(&q);
	ck_assert_int_eq(watch(1, 0, 1), 0);
	ck_assert_int_eq(watch(2, 0, 2), 0);
	ck_assert_int_eq(watch(3, 0, 2), -EBUSY); /* once is enough */
	ck_assert_int_eq(shoot(4, 0), 0);
	ck_assert_int_eq(watch(5, 0, 3), -EBUSY);
	ck_assert_uint_eq(next(), 4);
	ck_assert_int_eq(watch(6, 0, 3), -EBUSY);
	fence_queue_done(&q, 0);
	ck_assert_uint_eq(next(), 0);
	ck_assert_int_eq(watch(7, 0, 3), 0);
	ck_assert_uint_eq(next(), 7);
	ck_assert_int_eq(watch(8, 0, 3), -EBUSY);
}
END_TEST

START_TEST(who_watches_is_in_the_way)
{
	fence_queue_init(&q);
	ck_assert_int_eq(watch(1, 0, 1), 0);
	ck_assert_int_eq(watch(2, 0, 2), 0);
	ck_assert_uint_eq(next(), 1);
	ck_assert_int_eq(shoot(3, 0), FENCE_QUEUE_CANCEL);
	ck_assert_uint_eq(next(), 0); /* not before it is dead */
	fence_queue_done(&q, 0);
	ck_assert_uint_eq(next(), 3);
	ck_assert_int_eq(shoot(4, 0), 0);
}
END_TEST

START_TEST(it_is_bounded)
{
	fence_queue_init(&q);
	for (uint32_t i = 1; i <= FENCE_QUEUE_MAX; i++)
		ck_assert_int_eq(watch(i, 15, (node_id_t)i), 0);
	ck_assert_int_eq(watch(99, 15, 63), -ENOSPC);
	for (uint32_t i = 1; i <= FENCE_QUEUE_MAX; i++)
		ck_assert_int_eq(shoot(100 + i, 15), 0);
	ck_assert_int_eq(shoot(99, 15), -ENOSPC);
	for (uint32_t i = 1; i <= FENCE_QUEUE_MAX; i++) {
		ck_assert_uint_eq(next(), 100 + i);
		fence_queue_done(&q, 15);
	}
	ck_assert_uint_eq(next(), 0);
}
END_TEST

UNIT_MAIN("fence_queue", one_call_at_a_time_for_each_device, watching_gives_way, who_watches_is_in_the_way,
	  it_is_bounded)
