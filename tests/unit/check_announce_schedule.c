/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "announce_schedule.h"
#include "unit.h"

static boot_t ms(int64_t v)
{
	return (boot_t){ 1000 * NS_PER_S + v * NS_PER_MS };
}

static int64_t next_ms(const struct announce_schedule *s)
{
	return (announce_schedule_next(s).ns - ms(0).ns) / NS_PER_MS;
}

START_TEST(at_once_then_100_ms_1_s_5_s_then_each_minute)
{
	static const int64_t expected[] = { 0, 100, 1000, 5000, 65000, 125000 };
	struct announce_schedule s = { 0 };

	ck_assert_int_eq(announce_schedule_next(&s).ns, BOOT_NEVER.ns);
	announce_schedule_start(&s, ms(0));
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		ck_assert_int_eq(next_ms(&s), expected[i]);
		announce_schedule_done(&s, announce_schedule_next(&s));
	}
	announce_schedule_stop(&s);
	ck_assert_int_eq(announce_schedule_next(&s).ns, BOOT_NEVER.ns);
}
END_TEST

START_TEST(late_rounds_do_not_shift_the_others)
{
	struct announce_schedule s = { 0 };

	announce_schedule_start(&s, ms(0));
	announce_schedule_done(&s, ms(90));
	ck_assert_int_eq(next_ms(&s), 100);
	announce_schedule_done(&s, ms(150));
	ck_assert_int_eq(next_ms(&s), 1000);
}
END_TEST

START_TEST(missed_rounds_are_not_made_up_for)
{
	struct announce_schedule s = { 0 };

	announce_schedule_start(&s, ms(0));
	announce_schedule_done(&s, ms(2000));
	ck_assert_int_eq(next_ms(&s), 5000);
	announce_schedule_done(&s, ms(20000));
	ck_assert_int_eq(next_ms(&s), 80000);
}
END_TEST

START_TEST(a_rival_is_answered_at_once_but_not_without_end)
{
	struct announce_schedule s = { 0 };

	announce_schedule_start(&s, ms(0));
	announce_schedule_done(&s, ms(0));
	announce_schedule_done(&s, ms(100));
	announce_schedule_defend(&s, ms(150)); /* the last round is 50 ms ago */
	ck_assert_int_eq(next_ms(&s), 200);
	announce_schedule_done(&s, ms(200));
	announce_schedule_defend(&s, ms(700));
	ck_assert_int_eq(next_ms(&s), 700);
	announce_schedule_done(&s, ms(700));
	ck_assert_int_eq(next_ms(&s), 1000); /* the schedule goes on */
}
END_TEST

START_TEST(a_standby_does_not_defend)
{
	struct announce_schedule s = { 0 };

	announce_schedule_defend(&s, ms(0));
	ck_assert_int_eq(announce_schedule_next(&s).ns, BOOT_NEVER.ns);
}
END_TEST

UNIT_MAIN("announce_schedule", at_once_then_100_ms_1_s_5_s_then_each_minute,
	  late_rounds_do_not_shift_the_others, missed_rounds_are_not_made_up_for,
	  a_rival_is_answered_at_once_but_not_without_end, a_standby_does_not_defend)
