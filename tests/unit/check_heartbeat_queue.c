/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heartbeat_queue.h"
#include "unit.h"

#include <errno.h>

START_TEST(first_in_first_out_round_and_round)
{
	struct heartbeat_queue q;
	uint8_t data[100], got[100];
	unsigned put = 0, taken = 0;

	ck_assert_int_eq(heartbeat_queue_init(&q, 257), 0);
	for (int round = 0; round < 1000; round++) {
		size_t len = 1 + put * 7 % 100;

		memset(data, (int)put, len);
		if (heartbeat_queue_put(&q, data, len) == 0) {
			put++;
			continue;
		}
		len = heartbeat_queue_take(&q, got, sizeof got);
		ck_assert_uint_eq(len, 1 + taken * 7 % 100);
		memset(data, (int)taken, len);
		ck_assert_mem_eq(got, data, len);
		taken++;
	}
	ck_assert_uint_gt(taken, 100);
	heartbeat_queue_clear(&q);
	ck_assert_uint_eq(heartbeat_queue_take(&q, got, sizeof got), 0);
	heartbeat_queue_close(&q);
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
	struct heartbeat_queue q;
	uint8_t data[64] = { 0 };

	ck_assert_int_eq(heartbeat_queue_init(&q, 64), 0);
	ck_assert_int_eq(heartbeat_queue_put(&q, data, 61), -ENOBUFS);
	ck_assert_int_eq(heartbeat_queue_put(&q, data, SIZE_MAX - 2), -ENOBUFS);
	ck_assert_int_eq(heartbeat_queue_put(&q, data, 60), 0);
	ck_assert_int_eq(heartbeat_queue_put(&q, data, 1), -ENOBUFS);
	heartbeat_queue_close(&q);
}
END_TEST

UNIT_MAIN("heartbeat_queue", first_in_first_out_round_and_round, refuses_what_does_not_fit)
