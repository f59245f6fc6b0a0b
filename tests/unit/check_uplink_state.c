/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One or two uplinks with three targets. Times are in ms after the start.
 */
#include "uplink_state.h"

#include "unit.h"

#define START_NS (1000 * NS_PER_S)
#define TARGETS	 3

/* What the world does with the probes of an uplink. */
struct line {
	struct uplink_state u;
	int rtt_ms[TARGETS]; /* 0: no answer */
	int lose_every;	     /* each so many-th probe is lost; 0: none */
	bool unsent[TARGETS];
	uint32_t count;
};

static struct line a, b;
static int64_t now_ms;
static struct uplink_policy policy;

static boot_t at_ms(int64_t ms)
{
	return (boot_t){ START_NS + ms * NS_PER_MS };
}

static void line_begin(struct line *l)
{
	static const uint8_t networks[TARGETS] = { 0, 1, 2 };

	*l = (struct line){ .rtt_ms = { 20, 25, 30 } };
	uplink_state_init(&l->u, &policy, networks, TARGETS, false, 1, at_ms(0));
	uplink_state_role(&l->u, UPLINK_IN_USE, at_ms(0));
}

static void begin(uint8_t quorum)
{
	policy = uplink_policy_default;
	policy.quorum = quorum;
	policy.probe.jitter_percent = 0;
	now_ms = 0;
	line_begin(&a);
	line_begin(&b);
}

/* Answers are given when the probe leaves, in the name of the time when they come: the window does not mind.
 */
static void line_send(struct line *l, uint8_t target)
{
	boot_t now = at_ms(now_ms);
	uint16_t sequence;

	if (l->unsent[target]) {
		uplink_state_unsent(&l->u, target, now);
		return;
	}
	sequence = uplink_state_sent(&l->u, target, now);
	if (l->rtt_ms[target] == 0 || (l->lose_every && ++l->count % l->lose_every == 0))
		return;
	ck_assert_int_le(
		uplink_state_answered(&l->u, target, sequence, boot_add(now, l->rtt_ms[target] * NS_PER_MS)),
		PROBE_ANSWER_LATE);
}

static void line_run(struct line *l)
{
	uplink_state_tick(&l->u, at_ms(now_ms));
	for (uint8_t t = 0; t < TARGETS; t++)
		if (uplink_state_due(&l->u, t, at_ms(now_ms)))
			line_send(l, t);
}

static void run(int64_t ms)
{
	const struct uplink_state *const both[] = { &a.u, &b.u };

	for (int64_t end = now_ms + ms; now_ms < end; now_ms += 10) {
		uint32_t suspects;

		line_run(&a);
		line_run(&b);
		suspects = uplink_suspects(both, 2);
		uplink_state_suspect(&a.u, suspects, at_ms(now_ms));
		uplink_state_suspect(&b.u, suspects, at_ms(now_ms));
	}
}

static void silent(struct line *l, int target, bool on)
{
	l->rtt_ms[target] = on ? 0 : 20;
}

static void blackout(struct line *l, bool on)
{
	for (int t = 0; t < TARGETS; t++)
		silent(l, t, on);
}

#define EXPECT(line, g, w)                                                                 \
	do {                                                                               \
		ck_assert_str_eq(uplink_grade_name((line).u.grade), uplink_grade_name(g)); \
		ck_assert_str_eq(uplink_why_name((line).u.why), uplink_why_name(w));       \
	} while (0)

START_TEST(unknown_then_good)
{
	begin(2);
	EXPECT(a, UPLINK_GRADE_UNKNOWN, UPLINK_WHY_STARTING);
	run(200);
	EXPECT(a, UPLINK_GRADE_UNKNOWN, UPLINK_WHY_STARTING);
	run(800);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	ck_assert_uint_gt(a.u.mos_milli, 4300);
}
END_TEST

START_TEST(blackout_is_bad_within_the_bound)
{
	begin(1);
	run(10000);
	blackout(&a, true);
	run(900);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	run(400);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_SILENT);
	EXPECT(b, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	ck_assert_uint_eq(a.u.damping.penalty, 1000);
	blackout(&a, false);
	run(4500);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_SILENT);
	run(1000);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
}
END_TEST

START_TEST(hard_facts_count_at_once)
{
	static const struct {
		enum uplink_hard fact;
		enum uplink_why why;
	} row[] = {
		{ UPLINK_HARD_CARRIER, UPLINK_WHY_NO_CARRIER },
		{ UPLINK_HARD_ROUTE, UPLINK_WHY_NO_ROUTE },
		{ UPLINK_HARD_ADDRESS, UPLINK_WHY_NO_ADDRESS },
		{ UPLINK_HARD_GATEWAY, UPLINK_WHY_NO_GATEWAY },
	};

	begin(1);
	run(2000);
	for (int i = 0; i < 4; i++) {
		uplink_state_hard(&a.u, row[i].fact, true, at_ms(now_ms));
		EXPECT(a, UPLINK_GRADE_NONE, row[i].why);
		ck_assert(!uplink_state_due(&a.u, 0, at_ms(now_ms + 10000)));
		ck_assert_int_eq(uplink_state_next(&a.u).ns, BOOT_NEVER.ns);
		uplink_state_hard(&a.u, row[i].fact, false, at_ms(now_ms));
		EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_SILENT); /* until it has answered again */
		run(6000);
		EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	}
	ck_assert(uplink_state_damped(&a.u, at_ms(now_ms)));
}
END_TEST

START_TEST(what_lacks_its_route_at_the_start_is_not_known_and_not_bad)
{
	begin(2);
	uplink_state_hard(&a.u, UPLINK_HARD_ROUTE, true, at_ms(now_ms));
	ck_assert_int_eq(a.u.grade, UPLINK_GRADE_NONE);
	uplink_state_hard(&a.u, UPLINK_HARD_ROUTE, false, at_ms(now_ms));
	ck_assert_int_eq(a.u.grade, UPLINK_GRADE_UNKNOWN);
	run(1000);
	ck_assert_int_eq(a.u.grade, UPLINK_GRADE_GOOD);
}
END_TEST

/* One that stays is one that counts. */
START_TEST(several_hard_facts)
{
	begin(1);
	run(2000);
	uplink_state_hard(&a.u, UPLINK_HARD_CARRIER, true, at_ms(now_ms));
	uplink_state_hard(&a.u, UPLINK_HARD_ROUTE, true, at_ms(now_ms));
	uplink_state_hard(&a.u, UPLINK_HARD_CARRIER, false, at_ms(now_ms));
	EXPECT(a, UPLINK_GRADE_NONE, UPLINK_WHY_NO_ROUTE);
	uplink_state_hard(&a.u, UPLINK_HARD_ROUTE, false, at_ms(now_ms));
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_SILENT);
}
END_TEST

START_TEST(probes_that_cannot_leave)
{
	begin(2);
	run(2000);
	a.unsent[0] = true; /* one target alone: a rule of a firewall, perhaps */
	run(300);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	a.unsent[1] = true;
	run(200);
	EXPECT(a, UPLINK_GRADE_NONE, UPLINK_WHY_UNSENT);
}
END_TEST

/* The target fails over both uplinks: it has no voice any more, also where the quorum needs all. */
START_TEST(dead_target_is_suspect)
{
	begin(3);
	run(5000);
	silent(&a, 1, true);
	silent(&b, 1, true);
	run(10000);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	EXPECT(b, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	ck_assert(a.u.target[1].suspect && b.u.target[1].suspect);
	ck_assert_uint_eq(a.u.damping.penalty, 0);
	silent(&a, 1, false);
	silent(&b, 1, false);
	run(8000);
	ck_assert(!a.u.target[1].suspect);
}
END_TEST

/* Over one uplink only: that uplink, once it has lasted. */
START_TEST(part_of_an_uplink_fails)
{
	begin(3);
	run(5000);
	silent(&a, 1, true);
	run(2500);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	run(2500);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_QUORUM);
	ck_assert(!a.u.target[1].suspect);
	EXPECT(b, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
}
END_TEST

/* Nothing answers over b: that says nothing about a target. */
START_TEST(dead_uplink_is_no_witness_against_a_target)
{
	begin(2);
	run(5000);
	silent(&a, 1, true);
	blackout(&b, true);
	run(10000);
	ck_assert(!a.u.target[1].suspect);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	EXPECT(b, UPLINK_GRADE_BAD, UPLINK_WHY_SILENT);
}
END_TEST

START_TEST(both_uplinks_dead_is_not_all_targets_dead)
{
	begin(1);
	run(5000);
	blackout(&a, true);
	blackout(&b, true);
	run(10000);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_SILENT);
	EXPECT(b, UPLINK_GRADE_BAD, UPLINK_WHY_SILENT);
}
END_TEST

/* Two targets in one network are one witness. */
START_TEST(diversity)
{
	static const uint8_t networks[TARGETS] = { 0, 0, 1 };

	begin(2);
	uplink_state_init(&a.u, &policy, networks, TARGETS, false, 1, at_ms(0));
	uplink_state_role(&a.u, UPLINK_IN_USE, at_ms(0));
	run(5000);
	silent(&a, 2, true);
	run(10000);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_QUORUM); /* 0 and 1 answer, and are one */
	silent(&a, 2, false);
	silent(&a, 0, true);
	run(10000);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES); /* one of them is enough */
}
END_TEST

/* A target that answers badly does not speak for the uplink while enough others answer well. */
START_TEST(quality_of_the_quorum)
{
	begin(2);
	a.rtt_ms[0] = 800;
	run(20000);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	a.rtt_ms[1] = 800;
	run(60000);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_PROBES);
}
END_TEST

START_TEST(brownout)
{
	begin(2);
	run(20000);
	a.lose_every = 10;
	run(60000);
	EXPECT(a, UPLINK_GRADE_DEGRADED, UPLINK_WHY_PROBES);
	a.lose_every = 4;
	run(60000);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_PROBES);
	a.lose_every = 0;
	run(60000);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	ck_assert_uint_le(a.u.damping.penalty, 1000); /* down and further down is one flap */
}
END_TEST

static void report(uint32_t packets, uint32_t lost)
{
	const struct uplink_report r = {
		.packets = packets, .lost = lost, .rtt_us = 40000, .jitter_us = 2000
	};

	ck_assert(uplink_state_report(&a.u, &r, at_ms(now_ms)));
}

/* Calls see what probes cannot: the worse verdict counts, and neither changes the other's number. */
START_TEST(calls_and_probes_are_kept_apart)
{
	uint32_t mos;

	begin(2);
	run(10000);
	mos = a.u.mos_milli;
	report(250, 30);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES); /* too few to say */
	report(250, 30);
	EXPECT(a, UPLINK_GRADE_DEGRADED, UPLINK_WHY_CALLS);
	ck_assert_uint_eq(a.u.mos_milli, mos);
	ck_assert_int_eq(a.u.probed, UPLINK_GRADE_GOOD);
	for (int i = 0; i < 4; i++) {
		run(5000);
		report(250, 100);
	}
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_CALLS);
	/* The calls have left: it is not good by that. */
	run(120000);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_CALLS);
	run(200000);
	EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
}
END_TEST

START_TEST(good_calls_do_not_hide_bad_probes)
{
	begin(2);
	run(10000);
	report(250, 0);
	report(250, 0);
	ck_assert_int_eq(a.u.passive.grade, UPLINK_GRADE_GOOD);
	blackout(&a, true);
	run(2000);
	EXPECT(a, UPLINK_GRADE_BAD, UPLINK_WHY_SILENT);
	run(20000);
	ck_assert_int_eq(a.u.passive.grade, UPLINK_GRADE_UNKNOWN); /* stale */
}
END_TEST

START_TEST(reports_that_say_nothing)
{
	static const struct uplink_report nothing = { 0 }, lost = { .packets = 10, .lost = 11 };

	begin(1);
	ck_assert(!uplink_state_report(&a.u, &nothing, at_ms(1)));
	ck_assert(!uplink_state_report(&a.u, &lost, at_ms(1)));
	ck_assert_int_eq(a.u.passive.grade, UPLINK_GRADE_UNKNOWN);
}
END_TEST

START_TEST(third_flap_is_damped)
{
	begin(1);
	run(5000);
	for (int i = 0; i < 3; i++) {
		ck_assert(!uplink_state_damped(&a.u, at_ms(now_ms)));
		blackout(&a, true);
		run(3000);
		blackout(&a, false);
		run(6000);
		EXPECT(a, UPLINK_GRADE_GOOD, UPLINK_WHY_PROBES);
	}
	ck_assert(uplink_state_damped(&a.u, at_ms(now_ms)));
	ck_assert(uplink_state_doubted(&a.u, at_ms(now_ms))); /* usable since a moment only */
	run(10000);
	ck_assert(!uplink_state_doubted(&a.u, at_ms(now_ms)));
	ck_assert(uplink_state_damped(&a.u, at_ms(now_ms + 490000)));
	ck_assert(!uplink_state_damped(&a.u, at_ms(now_ms + 650000))); /* two half-lives */
}
END_TEST

START_TEST(hysteresis)
{
	const struct uplink_borders *border = &uplink_policy_default.borders;
	static const struct {
		uint32_t mos_milli;
		enum uplink_grade before, grade;
	} row[] = {
		{ 3900, UPLINK_GRADE_DEGRADED, UPLINK_GRADE_GOOD },
		{ 3899, UPLINK_GRADE_DEGRADED, UPLINK_GRADE_DEGRADED },
		{ 3700, UPLINK_GRADE_GOOD, UPLINK_GRADE_GOOD },
		{ 3699, UPLINK_GRADE_GOOD, UPLINK_GRADE_DEGRADED },
		{ 3100, UPLINK_GRADE_DEGRADED, UPLINK_GRADE_DEGRADED },
		{ 3100, UPLINK_GRADE_GOOD, UPLINK_GRADE_DEGRADED },
		{ 3099, UPLINK_GRADE_DEGRADED, UPLINK_GRADE_BAD },
		{ 3299, UPLINK_GRADE_BAD, UPLINK_GRADE_BAD },
		{ 3300, UPLINK_GRADE_BAD, UPLINK_GRADE_DEGRADED },
		{ 3299, UPLINK_GRADE_NONE, UPLINK_GRADE_BAD },
		{ 3700, UPLINK_GRADE_UNKNOWN, UPLINK_GRADE_GOOD },
		{ 3100, UPLINK_GRADE_UNKNOWN, UPLINK_GRADE_DEGRADED },
	};

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		ck_assert_int_eq(uplink_grade_of(border, row[i].mos_milli, row[i].before), row[i].grade);
}
END_TEST

START_TEST(classes_for_others)
{
	ck_assert_int_eq(uplink_grade_class(UPLINK_GRADE_NONE), UPLINK_BAD);
	ck_assert_int_eq(uplink_grade_class(UPLINK_GRADE_UNKNOWN), UPLINK_UNKNOWN);
	ck_assert_int_eq(uplink_grade_class(UPLINK_GRADE_BAD), UPLINK_BAD);
	ck_assert_int_eq(uplink_grade_class(UPLINK_GRADE_DEGRADED), UPLINK_DEGRADED);
	ck_assert_int_eq(uplink_grade_class(UPLINK_GRADE_GOOD), UPLINK_GOOD);
}
END_TEST

/* Asked when it wants to be asked, it is never late and never busy. */
START_TEST(next_is_ahead)
{
	boot_t now = at_ms(0);

	begin(3);
	for (int i = 0; i < 3000; i++) {
		if (i % 300 == 100)
			silent(&a, i / 300 % 3, true);
		if (i % 300 == 250)
			blackout(&a, false);
		now_ms = (now.ns - START_NS) / NS_PER_MS;
		uplink_state_tick(&a.u, now);
		for (uint8_t t = 0; t < TARGETS; t++)
			if (uplink_state_due(&a.u, t, now))
				line_send(&a, t);
		ck_assert(boot_before(now, uplink_state_next(&a.u)));
		now = uplink_state_next(&a.u);
	}
}
END_TEST

START_TEST(standby_and_metered_are_probed_slowly)
{
	static const uint8_t networks[1] = { 0 };

	begin(1);
	uplink_state_role(&b.u, UPLINK_STANDBY, at_ms(0));
	run(60000);
	ck_assert_uint_ge(a.u.target[0].window.sent, 299);
	ck_assert_uint_le(b.u.target[0].window.sent, 61);
	uplink_state_role(&b.u, UPLINK_IN_USE, at_ms(now_ms));
	run(10000);
	ck_assert_uint_ge(b.u.target[0].window.sent, 108);
	uplink_state_init(&a.u, &policy, networks, 1, true, 1, at_ms(now_ms));
	uplink_state_role(&a.u, UPLINK_IN_USE, at_ms(now_ms));
	ck_assert(a.u.target[0].window.slow);
	uplink_state_role(&a.u, UPLINK_WANTED, at_ms(now_ms));
	ck_assert(!a.u.target[0].window.slow);
}
END_TEST

/* Both die together: the standby, slow as it is, is in doubt before the one in use is bad. */
START_TEST(doubt_comes_before_the_verdict)
{
	begin(1);
	uplink_state_role(&b.u, UPLINK_STANDBY, at_ms(0));
	run(10000);
	ck_assert(!uplink_state_doubted(&a.u, at_ms(now_ms)) && !uplink_state_doubted(&b.u, at_ms(now_ms)));
	silent(&a, 0, true);
	run(600);
	ck_assert(!uplink_state_doubted(&a.u, at_ms(now_ms))); /* others answer */
	silent(&a, 0, false);
	run(600);
	blackout(&a, true);
	blackout(&b, true);
	while (a.u.grade == UPLINK_GRADE_GOOD) {
		run(10);
		if (uplink_state_doubted(&a.u, at_ms(now_ms)))
			uplink_state_hurry(&b.u, at_ms(now_ms));
	}
	ck_assert(uplink_state_doubted(&b.u, at_ms(now_ms)));
	ck_assert_int_eq(b.u.grade, UPLINK_GRADE_GOOD);
}
END_TEST

UNIT_MAIN("uplink_state", doubt_comes_before_the_verdict, unknown_then_good, blackout_is_bad_within_the_bound,
	  hard_facts_count_at_once, several_hard_facts,
	  what_lacks_its_route_at_the_start_is_not_known_and_not_bad, probes_that_cannot_leave,
	  dead_target_is_suspect, part_of_an_uplink_fails, dead_uplink_is_no_witness_against_a_target,
	  both_uplinks_dead_is_not_all_targets_dead, diversity, quality_of_the_quorum, brownout,
	  calls_and_probes_are_kept_apart, good_calls_do_not_hide_bad_probes, reports_that_say_nothing,
	  third_flap_is_damped, hysteresis, classes_for_others, next_is_ahead,
	  standby_and_metered_are_probed_slowly)
