/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rate.h"

#include "unit.h"

static struct rate rate;

static boot_t at_ms(int64_t ms)
{
	return (boot_t){ 1000 * NS_PER_S + ms * NS_PER_MS };
}

START_TEST(a_burst_is_a_peak_and_decays)
{
	rate_reset(&rate, at_ms(0));
	for (int i = 0; i < 40; i++)
		rate_count(&rate, at_ms(2000 + i));
	ck_assert_uint_eq(rate.peak, 40);
	ck_assert_uint_eq(rate.total, 40);
	ck_assert_double_eq(rate_per_s(&rate, at_ms(3500)), 10); /* 40 in 4 seconds */
	ck_assert_double_eq(rate_per_s(&rate, at_ms(11900)), 4); /* in 10 */
	ck_assert_double_eq(rate_per_s(&rate, at_ms(12100)), 0);
	ck_assert_uint_eq(rate.peak, 40);
	rate_reset(&rate, at_ms(13000));
	ck_assert_uint_eq(rate.peak, 0);
	ck_assert_double_eq(rate_per_s(&rate, at_ms(13000)), 0);
}
END_TEST

START_TEST(a_steady_rate_is_told)
{
	rate_reset(&rate, at_ms(0));
	for (int i = 0; i < 300; i++)
		rate_count(&rate, at_ms(i * 100));
	ck_assert_double_eq(rate_per_s(&rate, at_ms(29999)), 10);
	ck_assert_uint_eq(rate.peak, 10);
}
END_TEST

START_TEST(a_long_silence_leaves_nothing_behind)
{
	rate_reset(&rate, at_ms(0));
	rate_count(&rate, at_ms(1));
	rate_count(&rate, at_ms(86400000));
	ck_assert_double_eq(rate_per_s(&rate, at_ms(86400000)), 0.1);
	ck_assert_uint_eq(rate.total, 2);
}
END_TEST

UNIT_MAIN("rate", a_burst_is_a_peak_and_decays, a_steady_rate_is_told, a_long_silence_leaves_nothing_behind)
