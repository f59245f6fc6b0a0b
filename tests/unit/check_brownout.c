/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "brownout.h"

#include <math.h>

#include "unit.h"

START_TEST(weights_are_those_of_the_sequential_test)
{
	for (int i = 0; i < BROWNOUT_TESTS_COUNT; i++) {
		enum brownout_test t = (enum brownout_test)i;
		double p0 = brownout_normal_ppm(t) / 1e6, p1 = brownout_bad_ppm(t) / 1e6;

		ck_assert_int_eq(brownout_weight_micro(t, true), lround(1e6 * log(p1 / p0)));
		ck_assert_int_eq(brownout_weight_micro(t, false), lround(1e6 * log((1 - p1) / (1 - p0))));
	}
	ck_assert_int_eq(BROWNOUT_FOUND_MICRO, lround(1e6 * log(0.95 / 0.001)));
	ck_assert_int_eq(BROWNOUT_GONE_MICRO, lround(1e6 * log(0.999 / 0.05)));
}
END_TEST

static uint64_t seed = 1;

static bool chance(uint32_t ppm)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % 1000000 < ppm;
}

/* Samples until the verdict changes, on average of many runs. */
static double samples_until(enum brownout_test test, uint32_t loss_ppm, bool found)
{
	const int runs = 2000;
	uint64_t samples = 0;

	for (int i = 0; i < runs; i++) {
		struct brownout b = { .found = !found };

		while (b.found != found) {
			brownout_take(&b, test, chance(loss_ppm));
			samples++;
		}
	}
	return (double)samples / runs;
}

/* Wald's averages are 236, 166 and 47 samples; the cumulative sum starts at nothing and is cut there, so it
 * is not far off them. */
START_TEST(finds_what_it_is_for_in_the_expected_time)
{
	double slow = samples_until(BROWNOUT_05_3, 30000, true);
	double middle = samples_until(BROWNOUT_1_5, 50000, true);
	double fast = samples_until(BROWNOUT_1_10, 100000, true);

	ck_assert_msg(slow > 170 && slow < 300, "%f", slow);
	ck_assert_msg(middle > 120 && middle < 220, "%f", middle);
	ck_assert_msg(fast > 30 && fast < 75, "%f", fast);
}
END_TEST

START_TEST(does_not_find_what_is_not_there)
{
	struct brownout b = { 0 };

	for (int i = 0; i < 1000000; i++) {
		brownout_take(&b, BROWNOUT_1_5, chance(1000)); /* 0.1 % */
		ck_assert(!b.found);
	}
}
END_TEST

/* A second without answers at five a second is no brown-out, and neither is a minute. */
START_TEST(a_gap_is_no_brownout)
{
	struct brownout b = { 0 };

	for (int i = 0; i < 300; i++)
		brownout_take(&b, BROWNOUT_1_5, true);
	ck_assert(!b.found);
	brownout_take(&b, BROWNOUT_1_5, false);
	for (int i = 0; i < 300; i++)
		brownout_take(&b, BROWNOUT_1_5, true);
	ck_assert(!b.found);
}
END_TEST

START_TEST(sees_the_end)
{
	struct brownout b = { .found = true };
	int samples = 0;

	for (; b.found; samples++)
		brownout_take(&b, BROWNOUT_1_5, false);
	ck_assert_int_eq(samples, 73);
	ck_assert_uint_eq(b.evidence_micro, 0);
}
END_TEST

UNIT_MAIN("brownout", weights_are_those_of_the_sequential_test, finds_what_it_is_for_in_the_expected_time,
	  does_not_find_what_is_not_there, a_gap_is_no_brownout, sees_the_end)
