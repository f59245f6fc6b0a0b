/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "damping.h"

#include "unit.h"

static const struct damping_policy policy = {
	.penalty = 1000,
	.suppress = 3000,
	.reuse = 1000,
	.penalty_max = 6000,
	.half_life_ns = 60 * NS_PER_S,
};

static boot_t at_s(int64_t s)
{
	return (boot_t){ s * NS_PER_S };
}

START_TEST(one_failure_suppresses_nothing)
{
	struct damping d = { 0 };

	damping_add(&d, &policy, at_s(1));
	ck_assert_uint_eq(damping_value(&d, &policy, at_s(1)), 1000);
	ck_assert(!d.suppressed);
}
END_TEST

START_TEST(halves_in_each_half_life)
{
	struct damping d = { 0 };

	for (int i = 0; i < 4; i++)
		damping_add(&d, &policy, at_s(1));
	ck_assert_uint_eq(damping_value(&d, &policy, at_s(1)), 4000);
	ck_assert_uint_eq(damping_value(&d, &policy, at_s(61)), 2000);
	ck_assert_uint_eq(damping_value(&d, &policy, at_s(121)), 1000);
	ck_assert_uint_eq(damping_value(&d, &policy, at_s(100000)), 0);
}
END_TEST

/* Asked a thousand times a second or once: the same answer. */
START_TEST(asking_often_does_not_decay_faster)
{
	struct damping often = { 0 }, once = { 0 };
	uint32_t value = 0;

	damping_add(&often, &policy, at_s(1));
	damping_add(&once, &policy, at_s(1));
	for (int64_t ns = NS_PER_S; ns <= 31 * NS_PER_S; ns += NS_PER_S / 100)
		value = damping_value(&often, &policy, (boot_t){ ns });
	ck_assert_uint_eq(value, damping_value(&once, &policy, at_s(31)));
	ck_assert_uint_gt(value, 707); /* never below the true curve, 2^-0.5 */
	ck_assert_uint_lt(value, 760);
}
END_TEST

START_TEST(suppressed_until_reuse_not_until_suppress)
{
	struct damping d = { 0 };

	for (int i = 0; i < 3; i++)
		damping_add(&d, &policy, at_s(1));
	ck_assert(d.suppressed);
	(void)damping_value(&d, &policy, at_s(41)); /* below suppress, above reuse */
	ck_assert(d.suppressed);
	(void)damping_value(&d, &policy, at_s(130));
	ck_assert(!d.suppressed);
}
END_TEST

START_TEST(has_a_ceiling)
{
	struct damping d = { 0 };

	for (int i = 0; i < 100; i++)
		damping_add(&d, &policy, at_s(1));
	ck_assert_uint_eq(damping_value(&d, &policy, at_s(1)), 6000);
}
END_TEST

START_TEST(no_half_life_damps_nothing)
{
	const struct damping_policy off = { .penalty = 1000, .suppress = 1 };
	struct damping d = { 0 };

	damping_add(&d, &off, at_s(1));
	ck_assert_uint_eq(damping_value(&d, &off, at_s(1)), 0);
	ck_assert(!d.suppressed);
}
END_TEST

UNIT_MAIN("damping", one_failure_suppresses_nothing, halves_in_each_half_life,
	  asking_often_does_not_decay_faster, suppressed_until_reuse_not_until_suppress, has_a_ceiling,
	  no_half_life_damps_nothing)
