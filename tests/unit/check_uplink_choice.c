/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One node with two or three uplinks, in seconds after the start. The first is preferred.
 */
#include "uplink_choice.h"

#include <string.h>

#include "unit.h"

#define GOOD UPLINK_GRADE_GOOD
#define DEGR UPLINK_GRADE_DEGRADED
#define BAD  UPLINK_GRADE_BAD
#define NONE UPLINK_GRADE_NONE
#define UNKN UPLINK_GRADE_UNKNOWN

static struct uplink_choice c;
static struct uplink_choice_policy policy;
static struct uplink_facts f;
static struct uplink_decision d;

static boot_t at_s(int64_t s)
{
	return (boot_t){ (1000000 + s) * NS_PER_S };
}

static void begin(int8_t active, enum uplink_grade first, enum uplink_grade second)
{
	policy = uplink_choice_policy_default;
	memset(&f, 0, sizeof f);
	f.count = 2;
	for (int i = 0; i < UPLINKS_MAX; i++)
		f.uplink[i].preference = (uint8_t)i;
	f.uplink[0].grade = first;
	f.uplink[1].grade = second;
	uplink_choice_init(&c, &policy, active, at_s(0));
}

static void expect(int64_t s, uint16_t rule, enum uplink_action action)
{
	uplink_choice_step(&c, &f, at_s(s), &d);
	ck_assert_uint_eq(d.rule, rule);
	ck_assert_str_eq(uplink_action_name(d.action), uplink_action_name(action));
	ck_assert_ptr_nonnull(d.why);
}

static void expect_to(int64_t s, uint16_t rule, enum uplink_action action, int8_t to)
{
	expect(s, rule, action);
	ck_assert_int_eq(d.to, to);
	uplink_choice_done(&c, at_s(s));
}

START_TEST(good_stays)
{
	static const enum uplink_grade all[] = { NONE, UNKN, BAD, DEGR, GOOD };

	for (int i = 0; i < 5; i++) {
		begin(0, GOOD, all[i]);
		expect(100, 580, UPLINK_STAY);
	}
}
END_TEST

START_TEST(dead_switches_at_once)
{
	begin(0, BAD, GOOD);
	f.calls = 10;
	expect_to(0, 542, UPLINK_SWITCH, 1);
	begin(0, NONE, DEGR);
	expect_to(0, 542, UPLINK_SWITCH, 1);
	ck_assert_int_eq(c.active, 1);
}
END_TEST

START_TEST(nothing_fit_is_held_with_an_alarm)
{
	static const enum uplink_grade unfit[] = { NONE, UNKN, BAD };

	for (int i = 0; i < 3; i++) {
		begin(0, BAD, unfit[i]);
		expect(0, 543, UPLINK_HOLD);
		ck_assert(d.alarm);
		begin(0, NONE, unfit[i]);
		expect(0, 543, UPLINK_HOLD);
	}
}
END_TEST

START_TEST(unknown_stays)
{
	begin(0, UNKN, GOOD);
	expect(0, 550, UPLINK_STAY);
}
END_TEST

START_TEST(degraded_waits_drains_and_finishes)
{
	begin(0, DEGR, GOOD);
	f.calls = 3;
	expect(0, 565, UPLINK_HOLD);
	ck_assert_int_eq(d.again_at.ns, at_s(10).ns);
	expect_to(10, 563, UPLINK_DRAIN, 1);
	ck_assert_int_eq(c.draining, 0);
	f.calls_draining = 3;
	expect(20, 580, UPLINK_STAY);
	f.calls_draining = 0;
	expect_to(30, 531, UPLINK_FINISH, 1);
	ck_assert_int_eq(d.from, 0);
	ck_assert_int_eq(c.draining, UPLINK_ANY);
	ck_assert_int_eq(c.active, 1);
}
END_TEST

START_TEST(degraded_and_idle_switches)
{
	begin(0, DEGR, GOOD);
	expect_to(0, 562, UPLINK_SWITCH, 1);
}
END_TEST

START_TEST(degraded_for_a_moment_only)
{
	begin(0, DEGR, GOOD);
	f.calls = 1;
	expect(0, 565, UPLINK_HOLD);
	f.uplink[0].grade = GOOD;
	expect(5, 580, UPLINK_STAY);
	f.uplink[0].grade = DEGR;
	expect(9, 565, UPLINK_HOLD);
	expect(18, 565, UPLINK_HOLD); /* counted from 9 */
	expect_to(19, 563, UPLINK_DRAIN, 1);
}
END_TEST

START_TEST(unknown_calls_are_calls)
{
	begin(0, DEGR, GOOD);
	f.calls = UPLINK_CALLS_UNKNOWN;
	expect(0, 565, UPLINK_HOLD);
	policy.drain = false;
	expect_to(10, 564, UPLINK_SWITCH, 1);
}
END_TEST

START_TEST(drained_uplink_dies)
{
	begin(0, DEGR, GOOD);
	f.calls = 3;
	expect(0, 565, UPLINK_HOLD);
	expect_to(10, 563, UPLINK_DRAIN, 1);
	f.calls_draining = 3;
	f.uplink[0].grade = BAD;
	expect_to(11, 530, UPLINK_FINISH, 1);
}
END_TEST

/* The new one dies during the drain: back, and nothing is being drained any more. */
START_TEST(drain_target_dies)
{
	begin(0, DEGR, GOOD);
	f.calls = 3;
	expect(0, 565, UPLINK_HOLD);
	expect_to(10, 563, UPLINK_DRAIN, 1);
	f.calls_draining = 3;
	f.uplink[1].grade = BAD;
	expect(11, 540, UPLINK_HOLD);
	ck_assert_int_eq(d.again_at.ns, at_s(13).ns);
	expect_to(13, 542, UPLINK_SWITCH, 0);
	ck_assert_int_eq(c.draining, UPLINK_ANY);
}
END_TEST

START_TEST(failback_when_idle)
{
	begin(1, GOOD, GOOD);
	f.calls = 1;
	expect(0, 571, UPLINK_HOLD);
	expect(299, 571, UPLINK_HOLD);
	expect(300, 577, UPLINK_HOLD);
	expect(100000, 577, UPLINK_HOLD); /* idle is idle, however long it takes */
	f.calls = 0;
	expect_to(100001, 574, UPLINK_SWITCH, 0);
	expect(100002, 580, UPLINK_STAY);
}
END_TEST

START_TEST(failback_starts_anew_when_the_preferred_one_fails)
{
	begin(1, GOOD, GOOD);
	expect(0, 571, UPLINK_HOLD);
	f.uplink[0].grade = BAD;
	expect(200, 580, UPLINK_STAY);
	f.uplink[0].grade = GOOD;
	expect(201, 571, UPLINK_HOLD);
	expect(500, 571, UPLINK_HOLD);
	expect_to(501, 574, UPLINK_SWITCH, 0);
}
END_TEST

START_TEST(failback_with_a_limit)
{
	begin(1, GOOD, GOOD);
	policy.failback = UPLINK_FAILBACK_DELAY;
	f.calls = 1;
	expect(0, 571, UPLINK_HOLD);
	expect(300, 577, UPLINK_HOLD);
	expect(4 * 3600 - 1, 577, UPLINK_HOLD);
	expect_to(4 * 3600, 575, UPLINK_DRAIN, 0);
	begin(1, GOOD, GOOD);
	policy.failback = UPLINK_FAILBACK_DELAY;
	policy.drain = false;
	f.calls = 1;
	expect(0, 571, UPLINK_HOLD);
	expect_to(4 * 3600, 576, UPLINK_SWITCH, 0);
}
END_TEST

START_TEST(failback_in_a_window)
{
	begin(1, GOOD, GOOD);
	policy.failback = UPLINK_FAILBACK_WINDOW;
	expect(0, 571, UPLINK_HOLD);
	expect(300, 572, UPLINK_HOLD);
	f.in_window = true;
	expect_to(301, 574, UPLINK_SWITCH, 0);
}
END_TEST

START_TEST(failback_by_hand)
{
	begin(1, GOOD, GOOD);
	policy.failback = UPLINK_FAILBACK_MANUAL;
	expect(0, 570, UPLINK_STAY);
	expect(1000000, 570, UPLINK_STAY);
}
END_TEST

/* U8: preferred, but not as good. */
START_TEST(no_failback_to_a_lower_grade)
{
	begin(1, DEGR, GOOD);
	expect(1000, 580, UPLINK_STAY);
	begin(1, DEGR, DEGR);
	expect(0, 571, UPLINK_HOLD);
}
END_TEST

START_TEST(damped_is_not_chosen_unless_nothing_else_will_do)
{
	begin(0, DEGR, GOOD);
	f.uplink[1].damped = true;
	expect(100, 580, UPLINK_STAY);
	f.uplink[0].grade = BAD;
	f.uplink[2] = (struct uplink_fact){ .grade = DEGR, .preference = 2 };
	f.count = 3;
	expect_to(101, 542, UPLINK_SWITCH, 2);
	begin(0, BAD, GOOD);
	f.uplink[1].damped = true;
	expect_to(0, 542, UPLINK_SWITCH, 1);
	begin(1, GOOD, GOOD);
	f.uplink[0].damped = true;
	expect(1000, 580, UPLINK_STAY);
}
END_TEST

/* Grade, preference, metered, cost, MOS: each only among equals of what comes before it. */
START_TEST(ranks)
{
	begin(0, BAD, DEGR);
	f.count = 3;
	f.uplink[1] = (struct uplink_fact){ .grade = DEGR, .preference = 0, .mos_milli = 4400 };
	f.uplink[2] = (struct uplink_fact){ .grade = GOOD, .preference = 9, .metered = true, .cost = 100 };
	expect(0, 542, UPLINK_SWITCH);
	ck_assert_int_eq(d.to, 2);
	for (int i = 0; i < 5; i++) {
		begin(0, BAD, GOOD);
		f.count = 3;
		f.uplink[1] = f.uplink[2] =
			(struct uplink_fact){ .grade = GOOD, .preference = 1, .mos_milli = 4000 };
		f.uplink[1].preference += i == 0;
		f.uplink[1].metered = i == 1;
		f.uplink[1].cost = i == 2;
		f.uplink[1].mos_milli -= i == 3 ? 200 : 0;
		f.uplink[2].mos_milli += i == 4 ? 199 : 0; /* that is the same */
		expect(0, 542, UPLINK_SWITCH);
		ck_assert_int_eq(d.to, i == 4 ? 1 : 2);
	}
}
END_TEST

START_TEST(cheaper_is_a_reason_to_go_back)
{
	begin(1, GOOD, GOOD);
	f.uplink[0].preference = f.uplink[1].preference = 0;
	f.uplink[1].metered = true;
	expect(0, 571, UPLINK_HOLD);
	expect_to(300, 574, UPLINK_SWITCH, 0);
	f.uplink[0].mos_milli = 3900;
	f.uplink[1] = f.uplink[0];
	f.uplink[1].mos_milli = 4400; /* MOS alone is none */
	expect(1000, 580, UPLINK_STAY);
}
END_TEST

START_TEST(pinned_by_an_operator)
{
	begin(0, GOOD, BAD);
	uplink_choice_pin(&c, 1);
	expect_to(0, 510, UPLINK_SWITCH, 1);
	f.uplink[1].grade = NONE;
	expect(1, 512, UPLINK_STAY);
	uplink_choice_pin(&c, UPLINK_ANY);
	expect_to(10, 542, UPLINK_SWITCH, 0);
	uplink_choice_pin(&c, 1);
	expect(11, 511, UPLINK_HOLD);
	ck_assert(d.alarm);
	uplink_choice_pin(&c, 7); /* gone with a reload: as if not pinned */
	expect(20, 580, UPLINK_STAY);
}
END_TEST

/* Whoever asks at each event would try it at each event. */
START_TEST(a_pinned_one_that_failed_is_tried_again_later)
{
	begin(0, GOOD, BAD);
	uplink_choice_pin(&c, 1);
	expect(0, 510, UPLINK_SWITCH);
	uplink_choice_failed(&c, at_s(1));
	expect(1, 513, UPLINK_HOLD);
	ck_assert(d.alarm);
	ck_assert_int_eq(d.again_at.ns, at_s(31).ns);
	expect(30, 513, UPLINK_HOLD);
	expect(31, 510, UPLINK_SWITCH);
	uplink_choice_failed(&c, at_s(31));
	expect(32, 513, UPLINK_HOLD);
	uplink_choice_pin(&c, 1); /* again: he may have mended it */
	expect_to(33, 510, UPLINK_SWITCH, 1);
}
END_TEST

START_TEST(nothing_in_use)
{
	begin(UPLINK_ANY, DEGR, GOOD);
	expect_to(0, 520, UPLINK_SWITCH, 1);
	begin(UPLINK_ANY, UNKN, UNKN);
	expect_to(0, 521, UPLINK_SWITCH, 0);
	begin(UPLINK_ANY, NONE, BAD);
	expect_to(0, 521, UPLINK_SWITCH, 1);
	begin(UPLINK_ANY, NONE, NONE);
	expect(0, 522, UPLINK_HOLD);
	ck_assert(d.alarm);
}
END_TEST

START_TEST(one_thing_at_a_time)
{
	begin(0, BAD, GOOD);
	expect(0, 542, UPLINK_SWITCH);
	expect(1, 500, UPLINK_HOLD);
	uplink_choice_pin(&c, 0);
	expect(2, 500, UPLINK_HOLD);
}
END_TEST

START_TEST(failed_switch_leaves_its_target_alone)
{
	begin(0, BAD, GOOD);
	f.count = 3;
	f.uplink[2].grade = DEGR;
	expect(0, 542, UPLINK_SWITCH);
	uplink_choice_failed(&c, at_s(1));
	ck_assert_int_eq(c.active, 0);
	expect(1, 542, UPLINK_SWITCH);
	ck_assert_int_eq(d.to, 2);
	uplink_choice_failed(&c, at_s(2));
	expect(2, 543, UPLINK_HOLD);
	ck_assert_int_eq(d.again_at.ns, at_s(31).ns);
	expect(31, 542, UPLINK_SWITCH);
	ck_assert_int_eq(d.to, 1);
}
END_TEST

/* S2 and S3: whatever the uplinks do, no two switches within hold_ns, and not more than the budget. */
START_TEST(budget)
{
	int64_t switched[64];
	int count = 0;

	begin(0, GOOD, GOOD);
	policy.failback_delay_ns = 0;
	for (int64_t s = 1; s <= 3600; s++) {
		f.uplink[s & 1].grade = BAD;
		f.uplink[!(s & 1)].grade = GOOD;
		uplink_choice_step(&c, &f, at_s(s), &d);
		if (d.action != UPLINK_SWITCH)
			continue;
		switched[count++] = s;
		uplink_choice_done(&c, at_s(s));
	}
	ck_assert_int_eq(count, 6 + 11);
	for (int i = 1; i < count; i++)
		ck_assert_int_ge(switched[i] - switched[i - 1], 3);
	ck_assert_int_ge(switched[7] - switched[6], 299);
}
END_TEST

START_TEST(reserve_is_for_the_dead)
{
	begin(0, GOOD, GOOD);
	for (int i = 0; i < 4; i++) {
		f.uplink[c.active].grade = DEGR;
		f.uplink[!c.active].grade = GOOD;
		expect_to(4 * i, 562, UPLINK_SWITCH, !c.active);
	}
	f.uplink[c.active].grade = DEGR;
	f.uplink[!c.active].grade = GOOD;
	expect(20, 561, UPLINK_HOLD);
	f.uplink[c.active].grade = BAD;
	expect_to(24, 542, UPLINK_SWITCH, !c.active);
	f.uplink[c.active].grade = BAD;
	f.uplink[!c.active].grade = GOOD;
	expect_to(28, 542, UPLINK_SWITCH, !c.active);
	f.uplink[c.active].grade = BAD;
	f.uplink[!c.active].grade = GOOD;
	expect(32, 541, UPLINK_HOLD);
	ck_assert(d.alarm);
	ck_assert_int_eq(d.again_at.ns, at_s(300).ns);
	expect_to(300, 542, UPLINK_SWITCH, !c.active);
}
END_TEST

START_TEST(rules_have_numbers_and_sentences)
{
	size_t count;
	const struct uplink_rule *r = uplink_rules_table(&count);

	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_ge(r[i].number, 500); /* those of the core are below */
		ck_assert_uint_lt(r[i].number, 600);
		ck_assert_uint_gt(strlen(r[i].why), 20);
		ck_assert_uint_eq(r[i].when >> UPLINK_FACTS_COUNT, 0);
		for (size_t k = 0; k < i; k++)
			ck_assert_uint_ne(r[i].number, r[k].number);
	}
	ck_assert_uint_eq(r[count - 1].when | r[count - 1].unless, 0);
}
END_TEST

/* Going back was a mistake: each time the wait is twice as long. One that lasts makes it short again. */
START_TEST(failback_learns)
{
	static const int64_t delay_s[] = { 300, 600, 1200, 2400, 4800, 9600, 9600 };
	int64_t s = 0;

	begin(1, GOOD, GOOD);
	for (int i = 0; i < 7; i++) {
		f.uplink[0].grade = GOOD;
		expect(s, 571, UPLINK_HOLD);
		ck_assert_int_eq(d.again_at.ns - at_s(s).ns, delay_s[i] * NS_PER_S);
		s += delay_s[i];
		expect_to(s, 574, UPLINK_SWITCH, 0);
		s += 60;
		f.uplink[0].grade = BAD;
		expect_to(s, 542, UPLINK_SWITCH, 1);
		s += 60;
	}
	f.uplink[0].grade = GOOD;
	expect(s, 571, UPLINK_HOLD);
	s += 9600;
	expect_to(s, 574, UPLINK_SWITCH, 0);
	s += 4 * 9600;
	f.uplink[0].grade = BAD;
	expect_to(s, 542, UPLINK_SWITCH, 1);
	f.uplink[0].grade = GOOD;
	expect(s + 10, 571, UPLINK_HOLD);
	ck_assert_int_eq(c.back_shift, 0);
}
END_TEST

START_TEST(doubted_is_not_switched_to)
{
	begin(0, BAD, GOOD);
	f.uplink[1].doubted = true;
	expect(0, 544, UPLINK_HOLD);
	f.uplink[1].doubted = false;
	expect_to(1, 542, UPLINK_SWITCH, 1);
	begin(0, DEGR, GOOD);
	f.uplink[1].doubted = true;
	expect(0, 567, UPLINK_HOLD);
	begin(UPLINK_ANY, BAD, GOOD);
	f.uplink[1].doubted = true;
	expect(0, 521, UPLINK_SWITCH);
	/* Another that is not in doubt is taken at once. */
	begin(0, BAD, GOOD);
	f.count = 3;
	f.uplink[1].doubted = true;
	f.uplink[2].grade = DEGR;
	expect_to(0, 542, UPLINK_SWITCH, 2);
}
END_TEST

/* A probe is lost now and then: that does not begin the wait anew. */
START_TEST(doubt_stops_no_clock)
{
	begin(0, DEGR, GOOD);
	f.calls = 1;
	expect(0, 565, UPLINK_HOLD);
	f.uplink[1].doubted = true;
	expect(5, 567, UPLINK_HOLD);
	f.uplink[1].doubted = false;
	expect_to(10, 563, UPLINK_DRAIN, 1);
	begin(1, GOOD, GOOD);
	expect(0, 571, UPLINK_HOLD);
	f.uplink[0].doubted = true;
	expect(300, 579, UPLINK_HOLD);
	f.uplink[0].doubted = false;
	expect_to(301, 574, UPLINK_SWITCH, 0);
}
END_TEST

static const char *not_taken(int64_t s, int8_t uplink)
{
	const char *why = uplink_choice_not(&c, &f, uplink, at_s(s));

	return why ? why : "taken";
}

START_TEST(says_why_not_the_others)
{
	begin(0, GOOD, GOOD);
	expect(0, 580, UPLINK_STAY);
	ck_assert_str_eq(not_taken(0, 0), "taken");
	ck_assert_str_eq(not_taken(0, 1), "as good as the one in use, which is preferred");
	f.uplink[1].preference = 0;
	ck_assert_str_eq(not_taken(0, 1), "as good as the one in use");
	f.uplink[1].doubted = true;
	ck_assert_str_eq(not_taken(0, 1), "it may have died just now");
	f.uplink[1].damped = true;
	ck_assert_str_eq(not_taken(0, 1), "it came and went too often lately");
	f.uplink[1].grade = DEGR;
	ck_assert_str_eq(not_taken(0, 1), "worse than the one in use");
	f.uplink[1].grade = UNKN;
	ck_assert_str_eq(not_taken(0, 1), "not known yet how good it is");
	f.uplink[1].grade = BAD;
	ck_assert_str_eq(not_taken(0, 1), "too bad for speech");
	f.uplink[1].grade = NONE;
	ck_assert_str_eq(not_taken(0, 1), "nothing can leave there");
	begin(1, GOOD, GOOD);
	ck_assert_str_eq(not_taken(0, 0),
			 "as good as the one in use and preferred: the row that decided says when");
	f.uplink[1].grade = DEGR;
	f.calls = 1;
	expect(0, 565, UPLINK_HOLD);
	ck_assert_str_eq(not_taken(0, 0),
			 "better than the one in use: the row that decided says what is waited for");
	uplink_choice_pin(&c, 1);
	ck_assert_str_eq(not_taken(0, 0), "an operator wants another one");
	uplink_choice_pin(&c, 7); /* gone with a reload */
	ck_assert_str_ne(not_taken(0, 0), "an operator wants another one");
}
END_TEST

START_TEST(says_why_not_the_others_in_a_switch)
{
	begin(0, GOOD, GOOD);
	uplink_choice_pin(&c, 1);
	expect(0, 510, UPLINK_SWITCH);
	ck_assert_str_eq(not_taken(0, 0), "voice is leaving it");
	ck_assert_str_eq(not_taken(0, 1), "voice is moving there");
	uplink_choice_failed(&c, at_s(1));
	ck_assert_str_eq(not_taken(1, 0), "taken");
	ck_assert_str_eq(not_taken(1, 1), "a switch to it has just failed");
	begin(0, DEGR, GOOD);
	f.calls = 2;
	expect(0, 565, UPLINK_HOLD);
	expect_to(10, 563, UPLINK_DRAIN, 1);
	f.calls_draining = 2;
	ck_assert_str_eq(not_taken(11, 0), "only live calls are still on it");
	f.calls_draining = 0;
	expect(12, 531, UPLINK_FINISH);
	ck_assert_str_eq(not_taken(12, 1), "taken");
	begin(UPLINK_ANY, NONE, UNKN);
	ck_assert_str_eq(not_taken(0, 0), "nothing can leave there");
	ck_assert_str_eq(not_taken(0, 1), "not known yet how good it is");
}
END_TEST

UNIT_MAIN("uplink_choice", says_why_not_the_others, says_why_not_the_others_in_a_switch, failback_learns,
	  doubted_is_not_switched_to, doubt_stops_no_clock, good_stays, dead_switches_at_once,
	  nothing_fit_is_held_with_an_alarm, unknown_stays, degraded_waits_drains_and_finishes,
	  degraded_and_idle_switches, degraded_for_a_moment_only, unknown_calls_are_calls,
	  drained_uplink_dies, drain_target_dies, failback_when_idle,
	  failback_starts_anew_when_the_preferred_one_fails, failback_with_a_limit, failback_in_a_window,
	  failback_by_hand, no_failback_to_a_lower_grade, damped_is_not_chosen_unless_nothing_else_will_do,
	  ranks, cheaper_is_a_reason_to_go_back, pinned_by_an_operator,
	  a_pinned_one_that_failed_is_tried_again_later, nothing_in_use, one_thing_at_a_time,
	  failed_switch_leaves_its_target_alone, budget, reserve_is_for_the_dead,
	  rules_have_numbers_and_sentences)
