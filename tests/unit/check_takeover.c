/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "takeover.h"

#include <string.h>

#include "unit.h"

static struct takeover t;
static struct core_plan plan;

static boot_t at_ms(int64_t ms)
{
	return (boot_t){ ms * NS_PER_MS };
}

static void start(enum takeover_direction direction, enum core_record_type type, int64_t ms)
{
	const struct core_record r = { .type = type, .node = 1, .epoch = { 42, 1 }, .at = at_ms(ms) };

	plan.count = 0;
	takeover_start(&t, 3, direction, &r, &plan);
}

static void answer(int error, int64_t ms)
{
	plan.count = 0;
	takeover_answer(&t, 3, t.seq, error, at_ms(ms), &plan);
}

static void expect_step(uint32_t index, enum core_step_kind kind)
{
	ck_assert_uint_gt(plan.count, index);
	ck_assert_int_eq(plan.actions[index].type, PLAN_STEP);
	ck_assert_int_eq(plan.actions[index].group, 3);
	ck_assert_str_eq(step_name(plan.actions[index].step.kind), step_name(kind));
	ck_assert_uint_eq(plan.actions[index].step.seq, t.seq);
	ck_assert_uint_eq(plan.actions[index].step.epoch.counter, 42);
}

static void expect_beginning(uint32_t index, enum core_record_type type)
{
	const struct core_record *r = &plan.actions[index].record;

	ck_assert_uint_gt(plan.count, index);
	ck_assert_int_eq(plan.actions[index].type, PLAN_RECORD);
	ck_assert(r->begins && r->type == type && r->epoch.counter == 42);
}

START_TEST(up_in_order_with_durations)
{
	const struct core_record *r = &plan.actions[0].record;

	memset(&t, 0, sizeof t);
	start(TAKEOVER_UP, RECORD_TAKEOVER, 1000);
	expect_beginning(0, RECORD_TAKEOVER);
	expect_step(1, STEP_ANNOUNCE);
	answer(0, 1005);
	expect_step(0, STEP_WAKE_PBX);
	answer(0, 1030);
	expect_step(0, STEP_VERIFY);
	answer(0, 1100);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.actions[0].type, PLAN_RECORD);
	ck_assert(r->ok && !r->begins);
	ck_assert_int_eq(r->group, 3);
	ck_assert_int_eq(r->won_to_announced_ns, 5 * NS_PER_MS);
	ck_assert_int_eq(r->won_to_awake_ns, 30 * NS_PER_MS);
	ck_assert_int_eq(r->won_to_verified_ns, 100 * NS_PER_MS);
	ck_assert_int_eq(t.direction, TAKEOVER_REST);
	ck_assert_int_eq(takeover_next(&t).ns, BOOT_NEVER.ns);
}
END_TEST

START_TEST(down_in_order)
{
	memset(&t, 0, sizeof t);
	start(TAKEOVER_DOWN, RECORD_LETGO, 0);
	expect_beginning(0, RECORD_LETGO);
	expect_step(1, STEP_ANNOUNCE_STOP);
	answer(0, 1);
	expect_step(0, STEP_DESTROY_SOCKETS);
	answer(0, 2);
	expect_step(0, STEP_MUZZLE_PBX);
	answer(0, 3);
	ck_assert_int_eq(plan.actions[0].type, PLAN_RECORD);
	ck_assert_int_eq(plan.actions[0].record.type, RECORD_LETGO);
	ck_assert(!plan.actions[0].record.begins);
}
END_TEST

START_TEST(failed_step_is_recorded_and_the_rest_goes_on)
{
	memset(&t, 0, sizeof t);
	start(TAKEOVER_UP, RECORD_TAKEOVER, 0);
	answer(-5, 1);
	expect_step(0, STEP_WAKE_PBX);
	answer(-7, 2);
	answer(0, 3);
	ck_assert(!plan.actions[0].record.ok);
	ck_assert_int_eq(plan.actions[0].record.failed_step, STEP_ANNOUNCE);
	ck_assert_int_eq(plan.actions[0].record.error, -5);
	ck_assert_int_eq(plan.actions[0].record.won_to_announced_ns, 0);
	ck_assert_int_eq(plan.actions[0].record.won_to_verified_ns, 3 * NS_PER_MS);
}
END_TEST

START_TEST(interrupted_sequence_has_its_record_first)
{
	uint32_t old;

	memset(&t, 0, sizeof t);
	start(TAKEOVER_UP, RECORD_TAKEOVER, 0);
	old = t.seq;
	start(TAKEOVER_DOWN, RECORD_LETGO, 10);
	ck_assert_uint_eq(plan.count, 3);
	ck_assert_int_eq(plan.actions[0].type, PLAN_RECORD);
	ck_assert_int_eq(plan.actions[0].record.type, RECORD_TAKEOVER);
	ck_assert(!plan.actions[0].record.ok && !plan.actions[0].record.begins);
	expect_beginning(1, RECORD_LETGO);
	expect_step(2, STEP_ANNOUNCE_STOP);
	/* The late answer to the interrupted step moves nothing. */
	plan.count = 0;
	takeover_answer(&t, 3, old, 0, at_ms(11), &plan);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_int_eq(t.step, STEP_ANNOUNCE_STOP);
}
END_TEST

START_TEST(silent_step_ends_at_its_bound)
{
	boot_t bound;

	memset(&t, 0, sizeof t);
	start(TAKEOVER_UP, RECORD_TAKEOVER, 0);
	bound = takeover_next(&t);
	plan.count = 0;
	takeover_tick(&t, 3, boot_add(bound, -1), &plan);
	ck_assert_uint_eq(plan.count, 0);
	takeover_tick(&t, 3, bound, &plan);
	expect_step(0, STEP_WAKE_PBX);
	for (int i = 0; i < 2; i++) {
		plan.count = 0;
		takeover_tick(&t, 3, takeover_next(&t), &plan);
	}
	ck_assert_int_eq(plan.actions[0].record.error, TAKEOVER_ERROR_TIMEOUT);
	ck_assert_int_eq(plan.actions[0].record.failed_step, STEP_ANNOUNCE);
	ck_assert_int_eq(t.direction, TAKEOVER_REST);
}
END_TEST

START_TEST(dropped_step_is_started_again)
{
	uint32_t old;

	memset(&t, 0, sizeof t);
	start(TAKEOVER_UP, RECORD_TAKEOVER, 0);
	answer(0, 1);
	old = t.seq;
	plan.count = 0;
	takeover_repeat(&t, 3, at_ms(2), &plan);
	expect_step(0, STEP_WAKE_PBX);
	ck_assert_uint_ne(old, t.seq);
	answer(0, 3);
	answer(0, 4);
	plan.count = 0;
	takeover_repeat(&t, 3, at_ms(5), &plan);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

START_TEST(nothing_to_tell_leaves_no_record)
{
	memset(&t, 0, sizeof t);
	start(TAKEOVER_DOWN, 0, 0);
	for (int i = 0; i < 3; i++)
		answer(0, i);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_int_eq(t.direction, TAKEOVER_REST);
}
END_TEST

START_TEST(answers_at_rest_are_ignored)
{
	memset(&t, 0, sizeof t);
	plan.count = 0;
	takeover_answer(&t, 3, 0, 0, at_ms(1), &plan);
	takeover_tick(&t, 3, at_ms(1), &plan);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

START_TEST(every_cause_and_step_has_a_name)
{
	for (int i = 0; i < CORE_CAUSES_COUNT; i++)
		ck_assert_ptr_nonnull(cause_name((enum core_cause)i));
	for (int i = 0; i <= STEP_MUZZLE_PBX; i++)
		ck_assert_ptr_nonnull(step_name((enum core_step_kind)i));
	ck_assert_str_eq(cause_name((enum core_cause)99), "unknown");
	ck_assert_str_eq(step_name((enum core_step_kind)99), "unknown");
}
END_TEST

UNIT_MAIN("takeover", up_in_order_with_durations, down_in_order, failed_step_is_recorded_and_the_rest_goes_on,
	  interrupted_sequence_has_its_record_first, silent_step_ends_at_its_bound,
	  dropped_step_is_started_again, nothing_to_tell_leaves_no_record, answers_at_rest_are_ignored,
	  every_cause_and_step_has_a_name)
