/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One target. Times are in ms after the start.
 */
#include "probe_window.h"
#include "uplink_state.h"

#include "unit.h"

#define START_NS (1000 * NS_PER_S)

static struct probe_window w;

static boot_t at_ms(int64_t ms)
{
	return (boot_t){ START_NS + ms * NS_PER_MS };
}

static int64_t in_ms(boot_t t)
{
	return (t.ns - START_NS) / NS_PER_MS;
}

static struct probe_policy policy;

static void begin(void)
{
	policy = uplink_policy_default.probe;
	policy.jitter_percent = 0;
	probe_window_init(&w, &policy, 1, at_ms(0));
}

/* From `ms` on, until before `end_ms`: probes when they are due, answered after rtt_ms, or not at all if
 * that is 0. Returns how many were sent. */
static int run(int64_t ms, int64_t end_ms, int rtt_ms)
{
	uint32_t sent = w.sent;
	uint16_t answer[256];
	int64_t answer_ms[256];
	uint32_t from = 0, to = 0;

	for (; ms < end_ms; ms++) {
		for (; from != to && answer_ms[from % 256] <= ms; from++)
			ck_assert_int_ne(probe_window_answered(&w, answer[from % 256], at_ms(ms)),
					 PROBE_ANSWER_STRAY);
		probe_window_tick(&w, at_ms(ms));
		if (!probe_window_due(&w, at_ms(ms)))
			continue;
		answer_ms[to % 256] = ms + rtt_ms;
		answer[to % 256] = probe_window_sent(&w, at_ms(ms));
		to += rtt_ms > 0;
	}
	return (int)(w.sent - sent);
}

START_TEST(known_after_three_answers)
{
	begin();
	ck_assert_int_eq(w.state, PROBE_UNKNOWN);
	run(0, 401, 20);
	ck_assert_int_eq(w.state, PROBE_UNKNOWN);
	run(401, 500, 20);
	ck_assert_uint_eq(w.counters.answered, 2); /* the third had no time to be answered */
	run(500, 1300, 20);
	ck_assert_int_eq(w.state, PROBE_UP);
}
END_TEST

/* Who never answers is DOWN after fall_ns, and not "unknown" for ever. */
START_TEST(never_answered_is_down)
{
	begin();
	run(0, 1800, 0);
	ck_assert_int_eq(w.state, PROBE_UNKNOWN); /* the first time-out is a second */
	run(1800, 2700, 0);
	ck_assert_int_eq(w.state, PROBE_DOWN);
}
END_TEST

/* The goal: 1.3 s after the last answer, with 200 ms, 300 ms of time-out and five probes. */
START_TEST(blackout_is_seen_within_the_bound)
{
	int64_t down_ms = 10000;

	begin();
	run(0, 10000, 20);
	while (w.state == PROBE_UP) {
		run(down_ms, down_ms + 1, 0);
		down_ms++;
	}
	ck_assert_int_ge(down_ms, 11000);
	ck_assert_int_le(down_ms, 11300);
}
END_TEST

START_TEST(blip_is_no_blackout)
{
	begin();
	run(0, 10000, 20);
	run(10000, 10900, 0);
	run(10900, 20000, 20);
	ck_assert_int_eq(w.state, PROBE_UP);
	ck_assert_uint_eq(w.lost_run, 0);
	ck_assert(!w.brownout.found);
}
END_TEST

START_TEST(slow_uplink_is_seen_by_a_burst)
{
	int64_t down_ms = 60000;

	begin();
	probe_window_pace(&w, true, at_ms(0));
	run(0, 60000, 20);
	ck_assert_uint_le(w.sent, 61);
	while (w.state == PROBE_UP) {
		run(down_ms, down_ms + 1, 0);
		down_ms++;
	}
	ck_assert_int_le(down_ms, 62100); /* an interval, a time-out and what is more of fall_ns */
}
END_TEST

START_TEST(burst_after_the_first_loss_only)
{
	boot_t next;

	begin();
	run(0, 10000, 20);
	run(10000, 10300, 0); /* two leave, the first is lost at 10,300 */
	ck_assert_int_eq(run(10300, 10301, 20), 0);
	ck_assert_uint_eq(w.burst_left, 5);
	next = w.next_at;
	ck_assert_int_eq(in_ms(next), 10350);
	ck_assert_int_eq(run(10301, 10600, 20), 5);
	ck_assert_uint_eq(w.burst_left, 0);
	/* The next loss is within the pause: no burst. */
	run(10600, 11000, 20);
	run(11000, 11200, 0);
	ck_assert_int_le(run(11200, 12200, 20), 6);
}
END_TEST

START_TEST(rises_after_25_in_a_row)
{
	begin();
	run(0, 5000, 0);
	ck_assert_int_eq(w.state, PROBE_DOWN);
	run(5000, 9700, 20);
	ck_assert_int_eq(w.state, PROBE_DOWN);
	run(9700, 9900, 0); /* one is lost: from the beginning */
	run(9900, 14800, 20);
	ck_assert_int_eq(w.state, PROBE_DOWN);
	run(14800, 15800, 20);
	ck_assert_int_eq(w.state, PROBE_UP);
}
END_TEST

/* What was lost in a black-out is no measure of what comes after it. */
START_TEST(quality_begins_anew_after_a_blackout)
{
	struct probe_quality q;

	begin();
	run(0, 10000, 20);
	run(10000, 20000, 0);
	run(20000, 26000, 30);
	ck_assert_int_eq(w.state, PROBE_UP);
	probe_window_quality(&w, &q);
	ck_assert_uint_eq(q.loss_ppm, 0);
	ck_assert_uint_eq(q.rtt_us, 30000);
}
END_TEST

/* Answers after the time-out: lost for speech, but the target lives, and the time-out learns. */
START_TEST(a_slow_path_is_learned)
{
	struct probe_quality q;

	begin();
	run(0, 10000, 20);
	ck_assert_int_eq(probe_window_timeout_ns(&w) / NS_PER_MS, 300);
	run(10000, 40000, 900);
	ck_assert_int_eq(w.state, PROBE_UP);
	ck_assert_uint_gt(w.counters.late, 0);
	ck_assert_int_gt(probe_window_timeout_ns(&w) / NS_PER_MS, 900);
	probe_window_quality(&w, &q);
	ck_assert_uint_eq(q.loss_ppm, 0);
	ck_assert_uint_ge(q.rtt_us, 890000);
}
END_TEST

START_TEST(time_out_has_bounds)
{
	begin();
	ck_assert_int_eq(probe_window_timeout_ns(&w), NS_PER_S);
	w.srtt_us = 100;
	ck_assert_int_eq(probe_window_timeout_ns(&w), 300 * NS_PER_MS);
	w.srtt_us = 200000;
	w.rttvar_us = 50000;
	ck_assert_int_eq(probe_window_timeout_ns(&w), 400 * NS_PER_MS);
	w.rttvar_us = 5000000;
	ck_assert_int_eq(probe_window_timeout_ns(&w), 2 * NS_PER_S);
}
END_TEST

START_TEST(answers_are_matched_by_sequence)
{
	uint16_t a, b;

	begin();
	a = probe_window_sent(&w, at_ms(0));
	b = probe_window_sent(&w, at_ms(200));
	ck_assert_int_eq(probe_window_answered(&w, b, at_ms(210)), PROBE_ANSWER_GOOD);
	ck_assert_int_eq(probe_window_answered(&w, b, at_ms(211)), PROBE_ANSWER_TWICE);
	ck_assert_int_eq(probe_window_answered(&w, a, at_ms(212)), PROBE_ANSWER_GOOD);
	ck_assert_int_eq(probe_window_answered(&w, (uint16_t)(b + 1), at_ms(213)), PROBE_ANSWER_STRAY);
	ck_assert_int_eq(probe_window_answered(&w, (uint16_t)(b + PROBE_WINDOW_MAX), at_ms(213)),
			 PROBE_ANSWER_STRAY);
	a = probe_window_sent(&w, at_ms(400));
	ck_assert_int_eq(probe_window_answered(&w, a, at_ms(399)), PROBE_ANSWER_STRAY); /* before it left */
	ck_assert_int_eq(probe_window_answered(&w, a, at_ms(5000)), PROBE_ANSWER_LATE);
	ck_assert_uint_eq(w.counters.lost, 1);
	ck_assert_uint_eq(w.counters.stray, 3);
}
END_TEST

/* Losses older than an answer are no run; an answer that overtakes them ends it. */
START_TEST(run_is_what_is_newer_than_any_answer)
{
	uint16_t seq[6];

	begin();
	for (int i = 0; i < 6; i++)
		seq[i] = probe_window_sent(&w, at_ms(10 * i));
	probe_window_tick(&w, at_ms(1025)); /* 0, 1 and 2 are lost */
	ck_assert_uint_eq(w.lost_run, 3);
	ck_assert_int_eq(probe_window_answered(&w, seq[1], at_ms(1026)), PROBE_ANSWER_LATE);
	ck_assert_uint_eq(w.lost_run, 1);
	ck_assert_int_eq(in_ms(w.lost_since), 20);
	ck_assert_int_eq(probe_window_answered(&w, seq[5], at_ms(1027)), PROBE_ANSWER_GOOD);
	ck_assert_uint_eq(w.lost_run, 0);
	probe_window_tick(&w, at_ms(2000)); /* 3 and 4 are older than an answer */
	ck_assert_uint_eq(w.lost_run, 0);
	ck_assert_uint_eq(w.counters.lost, 5);
}
END_TEST

START_TEST(sequence_numbers_go_round)
{
	begin();
	for (int i = 0; i < 70000; i++) {
		boot_t now = at_ms(200 * i);

		ck_assert_int_eq(probe_window_answered(&w, probe_window_sent(&w, now), boot_add(now, 1000)),
				 PROBE_ANSWER_GOOD);
	}
	ck_assert_uint_eq(w.counters.answered, 70000);
}
END_TEST

/* A probe that cannot leave is lost at once. */
START_TEST(unsent_is_lost)
{
	begin();
	run(0, 3000, 20);
	for (int i = 0; i < 6; i++)
		probe_window_unsent(&w, at_ms(3000 + 200 * i));
	ck_assert(w.unsent);
	ck_assert_uint_eq(w.counters.unsent, 6);
	ck_assert_int_eq(w.state, PROBE_DOWN);
	(void)probe_window_sent(&w, at_ms(4200));
	ck_assert(!w.unsent);
}
END_TEST

/* More under way than there is room: the oldest is lost, nothing is mixed up. */
START_TEST(ring_that_overflows)
{
	begin();
	for (int i = 0; i < 3 * PROBE_WINDOW_MAX; i++)
		(void)probe_window_sent(&w, at_ms(i));
	ck_assert_uint_eq(w.counters.lost, 2 * PROBE_WINDOW_MAX);
	probe_window_tick(&w, at_ms(10000));
	ck_assert_uint_eq(w.counters.lost, 3 * PROBE_WINDOW_MAX);
	ck_assert_uint_eq(w.undecided, w.sent);
}
END_TEST

START_TEST(loss_is_believed_when_there_is_evidence)
{
	struct probe_quality q;

	begin();
	run(0, 10000, 20);
	run(10000, 10200, 0);
	run(10200, 15000, 20);
	run(15000, 15200, 0);
	run(15200, 20000, 20);
	probe_window_quality(&w, &q);
	ck_assert_uint_gt(q.loss_ppm, 10000);
	ck_assert_uint_eq(q.believed_loss_ppm, 10000); /* two of a hundred are nothing */
	for (int64_t ms = 20000; ms < 80000; ms += 2000) {
		run(ms, ms + 200, 0);
		run(ms + 200, ms + 2000, 20);
	}
	ck_assert(w.brownout.found);
	probe_window_quality(&w, &q);
	ck_assert_uint_gt(q.believed_loss_ppm, 30000);
	ck_assert_uint_eq(q.believed_loss_ppm, q.loss_ppm);
	run(80000, 110000, 20);
	ck_assert(!w.brownout.found);
}
END_TEST

/* RFC 3550's estimate, of half the difference of round trips. */
START_TEST(jitter_settles_at_the_mean_difference)
{
	struct probe_quality q;

	begin();
	for (int i = 0; i < 300; i++) {
		boot_t now = at_ms(200 * i);
		uint16_t seq = probe_window_sent(&w, now);

		ck_assert_int_eq(
			probe_window_answered(&w, seq, boot_add(now, (20 + 8 * (i % 2)) * NS_PER_MS)),
			PROBE_ANSWER_GOOD);
	}
	probe_window_quality(&w, &q);
	ck_assert_uint_eq(q.rtt_us, 24000);
	ck_assert_uint_ge(q.jitter_us, 3990);
	ck_assert_uint_le(q.jitter_us, 4000);
}
END_TEST

/* probe_window_next() is never in the past once what is due is done: no busy loop. */
START_TEST(next_is_ahead)
{
	boot_t now = at_ms(0);

	begin();
	for (int i = 0; i < 2000; i++) {
		bool dead = i % 500 >= 250;

		probe_window_tick(&w, now);
		if (probe_window_due(&w, now)) {
			uint16_t seq = probe_window_sent(&w, now);

			if (!dead)
				(void)probe_window_answered(&w, seq, boot_add(now, 1));
		}
		ck_assert(boot_before(now, probe_window_next(&w)));
		now = probe_window_next(&w);
	}
	ck_assert_uint_gt(w.counters.lost, 200);
}
END_TEST

START_TEST(link_that_was_gone_starts_low)
{
	begin();
	run(0, 3000, 20);
	(void)probe_window_sent(&w, at_ms(3000));
	probe_window_down(&w, at_ms(3001));
	ck_assert_int_eq(w.state, PROBE_DOWN);
	ck_assert_int_eq(probe_window_answered(&w, (uint16_t)(w.sent - 1), at_ms(3010)), PROBE_ANSWER_STRAY);
	run(3010, 7700, 20);
	ck_assert_int_eq(w.state, PROBE_DOWN);
	run(7700, 8300, 20);
	run(8300, 9000, 20);
	ck_assert_int_eq(w.state, PROBE_UP);
}
END_TEST

/* A line that is up and down in step with the probes: half of them are lost all the same. */
START_TEST(jitter_breaks_the_step)
{
	int lost = 0, sent = 0;

	begin();
	policy.jitter_percent = 12;
	for (int64_t ms = 0; ms < 200000; ms++) {
		if (!probe_window_due(&w, at_ms(ms)))
			continue;
		(void)probe_window_sent(&w, at_ms(ms));
		sent++;
		lost += ms % 100 >= 50;
		ck_assert_int_ge(in_ms(w.next_at), ms + 176);
		ck_assert_int_le(in_ms(w.next_at), ms + 224);
		w.slot[(w.sent - 1) % PROBE_WINDOW_MAX].fate = PROBE_ANSWERED;
	}
	ck_assert_int_ge(sent, 950);
	ck_assert_int_ge(lost, sent / 3);
	ck_assert_int_le(lost, 2 * sent / 3);
}
END_TEST

UNIT_MAIN("probe_window", jitter_breaks_the_step, known_after_three_answers, never_answered_is_down,
	  blackout_is_seen_within_the_bound, blip_is_no_blackout, slow_uplink_is_seen_by_a_burst,
	  burst_after_the_first_loss_only, rises_after_25_in_a_row, quality_begins_anew_after_a_blackout,
	  a_slow_path_is_learned, time_out_has_bounds, answers_are_matched_by_sequence,
	  run_is_what_is_newer_than_any_answer, sequence_numbers_go_round, unsent_is_lost,
	  ring_that_overflows, loss_is_believed_when_there_is_evidence, jitter_settles_at_the_mean_difference,
	  next_is_ahead, link_that_was_gone_starts_low)
