/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each rule of the candidate and holder as a small story (the voter's: check_lease_voter.c). Nodes 1, 2, 3
 * vote, all four may hold.
 */
#include "lease_story.h"

#define THREE 0x0eULL /* nodes 1, 2, 3 */

static struct story s;

static void setup(void)
{
	story_init(&s, THREE);
}

START_TEST(a_majority_opens_the_gate_until_the_noted_time_plus_l)
{
	boot_t asked;

	setup();
	story_pulses(&s);
	asked = story_now(&s).boot;
	story_want(&s, 1);
	ck_assert_int_eq(s.l[1].role, LEASE_ASKING);
	ck_assert(!story_open(&s, 1));
	s.ms += 50; /* slow network: the deadline still counts from before the sending */
	story_deliver(&s);
	ck_assert(lease_holds(&s.l[1]));
	ck_assert_int_eq(s.gate[1].ns, asked.ns + L_MS * NS_PER_MS);
	ck_assert_uint_eq(s.l[1].epoch.counter, 1);
	ck_assert_int_eq(s.l[1].last_cause, CAUSE_VACANT);
}
END_TEST

START_TEST(the_promise_is_written_before_anything_leaves)
{
	setup();
	story_pulses(&s);
	story_want(&s, 1);
	ck_assert_uint_ge(s.plan.count, 3);
	ck_assert_int_eq(s.plan.actions[0].type, PLAN_SAVE_VOTER);
	ck_assert_int_eq(s.plan.actions[1].type, PLAN_SEND);
	ck_assert_int_eq(s.file[1].promise.node, 1);
	story_deliver_one(&s, 0);
	ck_assert_int_eq(s.plan.actions[0].type, PLAN_SAVE_VOTER);
	ck_assert_int_eq(s.plan.actions[1].msg.type, LEASE_GRANT);
}
END_TEST

START_TEST(a_grant_of_an_old_id_does_not_extend_the_lease)
{
	struct lease_msg old;
	boot_t first;

	setup();
	story_pulses(&s);
	story_want(&s, 1);
	first = story_now(&s).boot;
	story_deliver_one(&s, 0); /* REQUEST at node 2 */
	old = *story_find(&s, LEASE_GRANT);
	story_lose_all(&s);
	s.ms += PULSE_MS;
	story_tick(&s, 1); /* a newer id, all of it lost */
	story_lose_all(&s);
	s.plan.count = 0;
	lease_receive(&s.l[1], &old, story_now(&s), &s.plan);
	story_obey(&s, 1);
	ck_assert_int_eq(s.gate[1].ns, first.ns + L_MS * NS_PER_MS);
}
END_TEST

START_TEST(grants_of_another_process_or_epoch_are_nothing)
{
	struct lease_msg m;

	setup();
	story_pulses(&s);
	story_want(&s, 1);
	story_deliver_one(&s, 0);
	m = *story_find(&s, LEASE_GRANT);
	for (int i = 0; i < 3; i++) {
		struct lease_msg bad = m;

		if (i == 0)
			bad.id.process++;
		else if (i == 1)
			bad.epoch.counter++;
		else
			bad.id.counter += 3;
		s.plan.count = 0;
		lease_receive(&s.l[1], &bad, story_now(&s), &s.plan);
		ck_assert_uint_eq(s.plan.count, 0);
	}
	ck_assert(!lease_holds(&s.l[1]));
}
END_TEST

START_TEST(a_majority_that_comes_too_late_opens_nothing)
{
	setup();
	story_pulses(&s);
	story_want(&s, 1);
	s.ms += L_MS; /* the process stood still */
	story_deliver(&s);
	ck_assert(!lease_holds(&s.l[1]));
	ck_assert_int_eq(s.gate[1].ns, 0);
}
END_TEST

START_TEST(a_healthy_holder_renews_for_ever)
{
	setup();
	story_held_by(&s, 1);
	for (node_id_t n = 2; n <= 4; n++)
		story_want(&s, n);
	for (int i = 0; i < 100; i++) {
		story_run(&s, PULSE_MS);
		ck_assert(story_open(&s, 1));
		ck_assert_uint_eq(s.l[1].epoch.counter, 1);
	}
}
END_TEST

START_TEST(a_holder_without_majority_falls_silent_at_its_deadline)
{
	setup();
	story_held_by(&s, 1);
	s.off[2] = s.off[3] = true;
	story_run(&s, L_MS - 1);
	ck_assert(story_open(&s, 1));
	story_run(&s, 1);
	ck_assert(!story_open(&s, 1));
	ck_assert(!lease_holds(&s.l[1]));
}
END_TEST

START_TEST(after_a_lapse_the_epoch_is_dead)
{
	setup();
	story_held_by(&s, 1);
	s.off[2] = s.off[3] = true;
	story_run(&s, L_MS + G_MS);
	s.off[2] = s.off[3] = false;
	story_run(&s, 3 * PULSE_MS);
	ck_assert(story_open(&s, 1));
	ck_assert_uint_eq(s.l[1].epoch.counter, 2);
	ck_assert_int_eq(s.l[1].last_cause, CAUSE_LEASE_EXPIRED);
	ck_assert_int_eq(s.l[1].last_holder, 1);
}
END_TEST

START_TEST(a_dead_holder_is_followed_when_the_last_promise_has_run_out)
{
	int64_t died;

	setup();
	story_held_by(&s, 1);
	story_want(&s, 2);
	story_run(&s, 5 * PULSE_MS);
	died = s.ms; /* it had renewed in this very ms or before */
	s.off[1] = true;
	while (!lease_holds(&s.l[2]) && s.ms < died + 2 * L_MS)
		story_run(&s, 1);
	ck_assert(story_open(&s, 2));
	ck_assert_int_le(s.ms - died, L_MS + G_MS + 1);
	ck_assert_int_eq(s.l[2].last_cause, CAUSE_LEASE_EXPIRED);
	ck_assert_int_eq(s.l[2].last_holder, 1);
}
END_TEST

START_TEST(three_candidates_do_not_meet_when_their_places_differ)
{
	setup();
	story_held_by(&s, 1);
	lease_place(&s.l[3], 1);
	story_want(&s, 2);
	story_want(&s, 3);
	story_run(&s, 5 * PULSE_MS);
	s.off[1] = true;
	story_run(&s, L_MS + G_MS + 1);
	ck_assert(story_open(&s, 2));
	ck_assert_uint_eq(s.l[2].epoch.counter, 2);
}
END_TEST

START_TEST(a_planned_hand_over_is_one_round_trip_and_a_half)
{
	setup();
	story_held_by(&s, 1);
	story_want(&s, 2);
	story_want(&s, 3);
	story_hand_over(&s, 1, 2);
	ck_assert_int_eq(s.plan.actions[0].type, PLAN_GATE_SET); /* shut before anything is said */
	ck_assert_int_eq(s.plan.actions[0].gate_deadline.ns, 0);
	ck_assert(!story_open(&s, 1));
	story_deliver(&s); /* no time passes, no pulse comes */
	ck_assert(story_open(&s, 2));
	ck_assert_int_eq(s.l[2].last_cause, CAUSE_RELEASE);
	ck_assert_int_eq(s.l[2].last_holder, 1);
	ck_assert(epoch_none(s.l[1].release.epoch)); /* acknowledged by all */
}
END_TEST

START_TEST(a_release_is_repeated_until_acknowledged_or_p_has_passed)
{
	int sent = 0;

	setup();
	story_held_by(&s, 1);
	lease_want(&s.l[1], false, 0, story_now(&s), &s.plan);
	story_hand_over(&s, 1, NODE_NONE);
	story_deliver_one(&s, 0); /* node 2 has it; node 3 hears nothing */
	s.off[3] = true;
	story_deliver(&s);
	ck_assert(!epoch_none(s.l[1].release.epoch));
	for (int i = 0; i < 40; i++) {
		s.ms += PULSE_MS;
		story_tick(&s, 1);
		for (uint32_t k = 0; k < s.plan.count; k++)
			if (s.plan.actions[k].type == PLAN_SEND) {
				ck_assert_int_eq(s.plan.actions[k].msg.to, 3);
				sent++;
			}
		story_lose_all(&s);
	}
	ck_assert_int_eq(sent, (2 * (L_MS + G_MS) - 1) / PULSE_MS);
	ck_assert(epoch_none(s.l[1].release.epoch));
}
END_TEST

START_TEST(a_loser_releases_what_it_got_and_waits_by_rank)
{
	setup();
	story_pulses(&s);
	story_want(&s, 2); /* rank 1 */
	story_lose_all(&s);
	s.ms += RTT_MS + 2 * PULSE_MS;
	story_tick(&s, 2);
	ck_assert_int_eq(s.l[2].role, LEASE_IDLE);
	ck_assert(story_find(&s, LEASE_RELEASE) != NULL);
	ck_assert_int_eq(s.l[2].voter.promise.node, NODE_NONE);
	ck_assert_int_eq(boot_diff_ns(story_now(&s).boot, s.l[2].next_ask),
			 (PULSE_MS + RTT_MS + 2 * PULSE_MS) * NS_PER_MS);
}
END_TEST

START_TEST(two_that_meet_are_parted_by_the_higher_epoch)
{
	setup();
	story_pulses(&s);
	s.off[3] = true; /* only 1 and 2 vote: each has voted for itself */
	story_want(&s, 1);
	story_want(&s, 2);
	story_run(&s, 2);
	ck_assert(story_open(&s, 2));
	ck_assert(!story_open(&s, 1));
}
END_TEST

START_TEST(a_refusal_with_a_higher_hi_ends_the_attempt)
{
	setup();
	story_pulses(&s);
	s.l[2].voter.hi = (struct epoch){ 7, 3 }; /* granted long ago, unknown to node 1 */
	story_want(&s, 1);
	s.off[3] = true;
	story_deliver(&s);
	ck_assert_int_eq(s.l[1].role, LEASE_IDLE);
	story_run(&s, 3 * PULSE_MS);
	ck_assert(story_open(&s, 1));
	ck_assert_uint_eq(s.l[1].epoch.counter, 8);
}
END_TEST

START_TEST(a_holder_raises_its_epoch_for_a_voter_that_cannot_follow)
{
	boot_t before;

	setup();
	story_held_by(&s, 1);
	s.l[3].voter.hi = (struct epoch){ 5, 3 };
	s.l[3].voter.promise.node = NODE_NONE;
	s.ms += PULSE_MS;
	before = s.gate[1];
	story_tick(&s, 1);
	story_deliver(&s);
	ck_assert(story_open(&s, 1));
	ck_assert_uint_eq(s.l[1].epoch.counter, 6);
	ck_assert(boot_before(before, s.gate[1]));
	ck_assert_uint_eq(s.l[1].newest[3], s.l[1].newest[2]); /* node 3 follows again */
}
END_TEST

START_TEST(nobody_asks_unless_a_majority_says_free_and_hears_us)
{
	struct lease_view v;

	setup();
	story_want(&s, 1); /* nobody heard yet */
	ck_assert_int_eq(s.l[1].role, LEASE_IDLE);
	v = lease_view_get(&s.l[2], story_now(&s));
	lease_peer_view(&s.l[1], 2, &v, false, story_now(&s), &s.plan); /* heard, but it does not hear us */
	ck_assert_int_eq(s.l[1].role, LEASE_IDLE);
	s.ms += 4 * PULSE_MS;
	lease_peer_view(&s.l[1], 2, &v, true, story_now(&s), &s.plan);
	ck_assert_int_eq(s.l[1].role, LEASE_ASKING);
}
END_TEST

START_TEST(a_voter_heard_too_long_ago_counts_no_more)
{
	setup();
	story_pulses(&s);
	s.ms += 3 * PULSE_MS + 1;
	story_want(&s, 1);
	ck_assert_int_eq(s.l[1].role, LEASE_IDLE);
	ck_assert(!lease_majority_reachable(&s.l[1], story_now(&s)));
}
END_TEST

START_TEST(a_peer_that_holds_with_a_higher_epoch_shuts_us_at_once)
{
	struct lease_view v;

	setup();
	story_held_by(&s, 1);
	v = lease_view_get(&s.l[2], story_now(&s));
	v.holds = (struct epoch){ 2, 2 };
	s.plan.count = 0;
	lease_peer_view(&s.l[1], 2, &v, true, story_now(&s), &s.plan);
	story_obey(&s, 1);
	ck_assert(!story_open(&s, 1));
	ck_assert(!lease_holds(&s.l[1]));
}
END_TEST

START_TEST(a_new_agent_adopts_an_open_gate)
{
	boot_t deadline;

	setup();
	story_held_by(&s, 1);
	deadline = s.gate[1];
	s.ms += 20;
	story_start(&s, 1, &s.file[1], 1000, false);
	s.plan.count = 0;
	lease_adopt(&s.l[1], deadline, story_now(&s), &s.plan);
	story_obey(&s, 1);
	ck_assert(lease_holds(&s.l[1]));
	ck_assert_uint_eq(s.l[1].epoch.counter, 1);  /* the same epoch */
	ck_assert_int_eq(s.gate[1].ns, deadline.ns); /* left alone */
	ck_assert_int_eq(s.l[1].last_cause, CAUSE_ADOPTED);
	story_deliver(&s); /* new ids, asked at once */
	ck_assert_int_eq(s.gate[1].ns, deadline.ns + 20 * NS_PER_MS);
}
END_TEST

START_TEST(what_cannot_be_adopted_is_shut)
{
	setup();
	story_held_by(&s, 1);
	/* a deadline that has passed; absurd; without a promise to ourselves */
	for (int i = 0; i < 3; i++) {
		boot_t deadline = story_now(&s).boot;

		story_start(&s, 1, i < 2 ? &s.file[1] : NULL, 1000, false);
		if (i == 1)
			deadline.ns += 3600 * NS_PER_S;
		else if (i == 2)
			deadline.ns += 1;
		s.plan.count = 0;
		lease_adopt(&s.l[1], deadline, story_now(&s), &s.plan);
		ck_assert_int_eq(s.l[1].role, LEASE_IDLE);
		ck_assert_uint_eq(s.plan.count, 1);
		ck_assert_int_eq(s.plan.actions[0].type, PLAN_GATE_SET);
		ck_assert_int_eq(s.plan.actions[0].gate_deadline.ns, 0);
	}
}
END_TEST

START_TEST(waking_up_shuts_first_and_asks_again_with_a_new_epoch)
{
	setup();
	story_held_by(&s, 1);
	s.ms += 10;
	s.plan.count = 0;
	lease_wake(&s.l[1], story_now(&s), &s.plan);
	ck_assert_int_eq(s.plan.actions[0].type, PLAN_GATE_SET);
	story_obey(&s, 1);
	ck_assert(!story_open(&s, 1));
	story_run(&s, 2 * PULSE_MS);
	ck_assert(story_open(&s, 1));
	ck_assert_uint_eq(s.l[1].epoch.counter, 2);
}
END_TEST

START_TEST(an_attempt_ends_when_its_promise_could_not_be_written)
{
	setup();
	story_pulses(&s);
	story_want(&s, 1);
	story_lose_all(&s); /* the plan was dropped */
	s.plan.count = 0;
	lease_save_failed(&s.l[1], story_now(&s), &s.plan);
	ck_assert_int_eq(s.l[1].role, LEASE_IDLE);
	story_run(&s, 6 * PULSE_MS);
	ck_assert(story_open(&s, 1));
	ck_assert_uint_ge(s.l[1].epoch.counter, 2);
}
END_TEST

START_TEST(no_epoch_above_the_durable_ceiling_is_used)
{
	setup();
	s.l[1].ceiling = 0;
	story_pulses(&s);
	story_want(&s, 1);
	ck_assert_int_eq(s.l[1].role, LEASE_IDLE);
	ck_assert_uint_eq(lease_counter_needed(&s.l[1]), 1);
	lease_ceiling_set(&s.l[1], 1);
	story_want(&s, 1);
	ck_assert_int_eq(s.l[1].role, LEASE_ASKING);
}
END_TEST

START_TEST(a_candidate_that_is_no_voter_keeps_its_numbers)
{
	setup();
	story_held_by(&s, 4); /* not among the voters */
	ck_assert_uint_eq(s.file[4].hi.counter, 1);
	ck_assert_int_eq(s.file[4].hi.node, 4);
	story_hand_over(&s, 4, NODE_NONE);
	story_deliver(&s);
	story_start(&s, 4, NULL, 1000, false); /* reboot: not even its own numbers are known */
	story_pulses(&s);
	lease_ceiling_set(&s.l[4], 2000);
	for (node_id_t n = 1; n <= 3; n++)
		lease_ceiling_set(&s.l[n], 2000);
	story_want(&s, 4);
	ck_assert_uint_eq(s.l[4].epoch.counter, 1001);
}
END_TEST

START_TEST(one_voter_alone_holds_by_itself)
{
	story_init(&s, 0x2);
	story_want(&s, 1);
	ck_assert(story_open(&s, 1));
	story_run(&s, 3 * L_MS);
	ck_assert(story_open(&s, 1));
	ck_assert_uint_eq(s.l[1].epoch.counter, 1);
}
END_TEST

UNIT_MAIN("lease", a_majority_opens_the_gate_until_the_noted_time_plus_l,
	  the_promise_is_written_before_anything_leaves, a_grant_of_an_old_id_does_not_extend_the_lease,
	  grants_of_another_process_or_epoch_are_nothing, a_majority_that_comes_too_late_opens_nothing,
	  a_healthy_holder_renews_for_ever, a_holder_without_majority_falls_silent_at_its_deadline,
	  after_a_lapse_the_epoch_is_dead, a_dead_holder_is_followed_when_the_last_promise_has_run_out,
	  three_candidates_do_not_meet_when_their_places_differ,
	  a_planned_hand_over_is_one_round_trip_and_a_half,
	  a_release_is_repeated_until_acknowledged_or_p_has_passed,
	  a_loser_releases_what_it_got_and_waits_by_rank, two_that_meet_are_parted_by_the_higher_epoch,
	  a_refusal_with_a_higher_hi_ends_the_attempt,
	  a_holder_raises_its_epoch_for_a_voter_that_cannot_follow,
	  nobody_asks_unless_a_majority_says_free_and_hears_us, a_voter_heard_too_long_ago_counts_no_more,
	  a_peer_that_holds_with_a_higher_epoch_shuts_us_at_once, a_new_agent_adopts_an_open_gate,
	  what_cannot_be_adopted_is_shut, waking_up_shuts_first_and_asks_again_with_a_new_epoch,
	  an_attempt_ends_when_its_promise_could_not_be_written, no_epoch_above_the_durable_ceiling_is_used,
	  a_candidate_that_is_no_voter_keeps_its_numbers, one_voter_alone_holds_by_itself)
