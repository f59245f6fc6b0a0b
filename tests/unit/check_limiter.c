/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backoff.h"
#include "limiter.h"
#include "unit.h"

#include <string.h>

static boot_t at_s(int64_t s)
{
	return (boot_t){ (1000 + s) * NS_PER_S };
}

static const struct alert trunk = { .event = ALERT_TRUNK, .severity = ALERT_WARNING };
static const struct alert takeover = { .event = ALERT_TAKEOVER, .severity = ALERT_CRITICAL };

static uint32_t flood(struct limiter *l, const struct alert *a, int n, boot_t now)
{
	uint32_t through = 0;

	for (int i = 0; i < n; i++)
		through += limiter_take(l, a, now, now.ns);
	return through;
}

START_TEST(a_flood_is_cut_and_counted_and_does_not_hold_back_what_is_critical)
{
	struct limiter l;
	struct alert sum;

	limiter_init(&l, 20, 30, at_s(0));
	ck_assert_uint_eq(flood(&l, &trunk, 500, at_s(0)), 30);
	ck_assert_uint_eq(flood(&l, &takeover, 5, at_s(0)), 5);
	ck_assert_uint_eq(flood(&l, &trunk, 100, at_s(60)), 20);
	ck_assert(limiter_summary(&l, at_s(60), 1785542400000000000, &sum));
	ck_assert_int_eq(sum.event, ALERT_HELD_BACK);
	ck_assert_int_eq(sum.severity, ALERT_WARNING);
	ck_assert_msg(
		!strncmp(sum.text,
			 "550 alerts since 1970-01-01T00:16:40.000Z were not told one by one: 550 trunk;",
			 76),
		"%s", sum.text);
	ck_assert(!limiter_summary(&l, at_s(200), 0, &sum));
	ck_assert_int_eq(limiter_due(&l).ns, BOOT_NEVER.ns);
}
END_TEST

START_TEST(a_flood_that_is_over_is_summarized_soon_one_that_goes_on_each_minute)
{
	struct limiter l;
	struct alert sum;

	limiter_init(&l, 1, 1, at_s(0));
	ck_assert_uint_eq(flood(&l, &trunk, 3, at_s(0)), 1);
	ck_assert_int_eq(limiter_due(&l).ns, at_s(5).ns);
	ck_assert(!limiter_summary(&l, at_s(4), 0, &sum));
	for (int s = 1; s < 60; s++) {
		(void)flood(&l, &trunk, 1, at_s(s));
		ck_assert(!limiter_summary(&l, at_s(s), 0, &sum));
	}
	ck_assert(limiter_summary(&l, at_s(60), 0, &sum));
}
END_TEST

START_TEST(what_was_lost_and_what_is_held_back_outlive_a_restart)
{
	struct limiter l, again;
	struct alert sum;
	json_t *j;

	limiter_init(&l, 1, 1, at_s(0));
	ck_assert_ptr_null(limiter_json(&l));
	(void)flood(&l, &takeover, 3, at_s(0));
	limiter_lose(&l, &trunk, at_s(0), 0);
	j = limiter_json(&l);
	limiter_init(&again, 1, 1, at_s(100));
	limiter_load(&again, j, at_s(100));
	json_decref(j);
	ck_assert(limiter_summary(&again, at_s(105), 0, &sum));
	ck_assert_int_eq(sum.severity, ALERT_CRITICAL);
	ck_assert_msg(strstr(sum.text, ": 2 takeover 1 trunk; 1 of them waited in vain"), "%s", sum.text);
}
END_TEST

START_TEST(a_failed_delivery_waits_longer_each_time_up_to_a_bound)
{
	int64_t before = 0;

	ck_assert_int_eq(backoff_ns(1, 300000, 0), NS_PER_S);
	ck_assert_int_eq(backoff_ns(2, 300000, 0), 2 * NS_PER_S);
	for (uint32_t n = 1; n < 100; n++) {
		int64_t ns = backoff_ns(n, 300000, 0);

		ck_assert_int_ge(ns, before);
		ck_assert_int_le(ns, 300 * NS_PER_S);
		for (uint32_t dice = 0; dice < 5000; dice += 7) {
			ck_assert_int_le(backoff_ns(n, 300000, dice), ns);
			ck_assert_int_ge(backoff_ns(n, 300000, dice), ns - ns / 8);
		}
		before = ns;
	}
	ck_assert_int_eq(backoff_ns(UINT32_MAX, 300000, 0), 300 * NS_PER_S);
	ck_assert_int_eq(backoff_ns(9, 1000, 0), NS_PER_S);
}
END_TEST

UNIT_MAIN("limiter", a_flood_is_cut_and_counted_and_does_not_hold_back_what_is_critical,
	  a_flood_that_is_over_is_summarized_soon_one_that_goes_on_each_minute,
	  what_was_lost_and_what_is_held_back_outlive_a_restart,
	  a_failed_delivery_waits_longer_each_time_up_to_a_bound)
