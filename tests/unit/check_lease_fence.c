/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two voters of which one is proved off by a power switch: when that counts as its vote, and when not.
 */
#include "lease_story.h"

static struct story s;

/* Node 1 holds, then loses power. */
static void begin(void)
{
	story_init(&s, 0x06);
	for (node_id_t n = 1; n <= 2; n++)
		s.l[n].config.proof_votes = true;
	story_held_by(&s, 1);
	story_want(&s, 2);
	story_pulses(&s);
	s.off[1] = true;
	s.wire_count = 0;
}

static void proof(node_id_t by, node_id_t of)
{
	s.plan.count = 0;
	lease_fence_proof(&s.l[by], of, story_now(&s), &s.plan);
	story_obey(&s, by);
}

static void power_on(node_id_t n)
{
	s.off[n] = false;
	s.gate[n] = (boot_t){ 0 };
	story_start(&s, n, NULL, 1000, false);
	s.l[n].config.proof_votes = true;
	for (node_id_t k = 1; k <= 2; k++)
		lease_ceiling_set(&s.l[k], 2000);
}

START_TEST(without_a_proof_nobody_holds)
{
	begin();
	ck_assert(node_in(s.l[2].met, 1));
	story_run(&s, 10 * L_MS);
	ck_assert(!story_open(&s, 2));
}
END_TEST

START_TEST(the_proof_is_the_vote_of_the_dead)
{
	begin();
	lease_fence_query(&s.l[2]);
	proof(2, 1);
	ck_assert(s.written[2]);
	ck_assert_int_eq(s.file[2].proof.node, 1);
	story_run(&s, 2);
	ck_assert(story_open(&s, 2));
	ck_assert_int_eq(s.l[2].last_cause, CAUSE_FENCED);
	ck_assert_int_eq(s.l[2].last_holder, 1);
	story_run(&s, 20 * L_MS);
	ck_assert(story_open(&s, 2));
}
END_TEST

START_TEST(an_answer_that_nobody_asked_for_is_nothing)
{
	begin();
	proof(2, 1);
	story_run(&s, 10 * L_MS);
	ck_assert(!story_open(&s, 2));
}
END_TEST

START_TEST(a_sign_of_life_before_the_answer_spoils_it)
{
	begin();
	lease_fence_query(&s.l[2]);
	s.plan.count = 0;
	lease_peer_alive(&s.l[2], 1, story_now(&s), &s.plan);
	proof(2, 1);
	ck_assert_int_eq(s.l[2].proof.node, NODE_NONE);
}
END_TEST

START_TEST(a_promise_after_the_query_runs_out)
{
	begin();
	lease_fence_query(&s.l[2]);
	s.l[2].voter.promised_since_query = true; /* as if it had asked without being heard otherwise */
	proof(2, 1);
	ck_assert_int_eq(s.l[2].voter.promise.node, 1);
	story_run(&s, L_MS / 2);
	ck_assert(!story_open(&s, 2));
	story_run(&s, L_MS + G_MS);
	ck_assert(story_open(&s, 2));
}
END_TEST

START_TEST(heard_again_it_is_good_for_the_present_epoch_only)
{
	struct epoch won;

	begin();
	lease_fence_query(&s.l[2]);
	proof(2, 1);
	story_run(&s, 2);
	won = s.l[2].epoch;
	s.plan.count = 0;
	lease_peer_alive(&s.l[2], 1, story_now(&s), &s.plan);
	story_obey(&s, 2);
	ck_assert_int_eq(epoch_cmp(s.file[2].proof.epoch, won), 0);
	story_run(&s, 5 * L_MS);
	ck_assert(story_open(&s, 2)); /* the tenure goes on */
	story_hand_over(&s, 2, NODE_NONE);
	ck_assert_int_eq(s.l[2].proof.node, NODE_NONE);
	story_run(&s, 5 * L_MS);
	ck_assert(!story_open(&s, 2)); /* ... and no other begins */
}
END_TEST

START_TEST(heard_again_while_idle_it_is_good_for_nothing)
{
	begin();
	s.l[2].want = false;
	lease_fence_query(&s.l[2]);
	proof(2, 1);
	s.plan.count = 0;
	lease_peer_alive(&s.l[2], 1, story_now(&s), &s.plan);
	ck_assert_int_eq(s.l[2].proof.node, NODE_NONE);
}
END_TEST

START_TEST(started_again_it_needs_our_vote)
{
	begin();
	lease_fence_query(&s.l[2]);
	proof(2, 1);
	story_run(&s, 2);
	power_on(1);
	story_want(&s, 1);
	for (int i = 0; i < 40; i++) {
		story_run(&s, PULSE_MS);
		ck_assert(story_open(&s, 2) && !story_open(&s, 1));
	}
	ck_assert(node_in(s.l[1].met, 2));
	ck_assert_int_ge(epoch_cmp(s.l[1].voter.hi, s.l[2].epoch), 0);
	story_hand_over(&s, 2, 1);
	story_run(&s, PULSE_MS);
	ck_assert(story_open(&s, 1) && !story_open(&s, 2));
}
END_TEST

START_TEST(a_restart_of_the_agent_keeps_it)
{
	struct lease_memory file;

	begin();
	lease_fence_query(&s.l[2]);
	proof(2, 1);
	story_run(&s, 2);
	file = s.file[2];
	story_start(&s, 2, &file, 1000, false);
	s.l[2].config.proof_votes = true;
	s.plan.count = 0;
	lease_adopt(&s.l[2], s.gate[2], story_now(&s), &s.plan);
	story_obey(&s, 2);
	story_run(&s, 10 * L_MS);
	ck_assert(story_open(&s, 2));
	story_start(&s, 2, NULL, 1000, false); /* a boot does not */
	ck_assert_int_eq(s.l[2].proof.node, NODE_NONE);
	ck_assert_uint_eq(s.l[2].met, 0);
}
END_TEST

START_TEST(three_voters_count_no_proof)
{
	story_init(&s, 0x0e);
	for (node_id_t n = 1; n <= 3; n++)
		s.l[n].config.proof_votes = true;
	story_want(&s, 2);
	lease_fence_query(&s.l[2]);
	proof(2, 1);
	ck_assert_int_eq(s.l[2].proof.node, NODE_NONE);
}
END_TEST

START_TEST(what_could_not_be_written_is_not_used)
{
	begin();
	s.l[2].want = false;
	lease_fence_query(&s.l[2]);
	proof(2, 1);
	s.plan.count = 0;
	lease_save_failed(&s.l[2], story_now(&s), &s.plan);
	ck_assert_int_eq(s.l[2].proof.node, NODE_NONE);
	s.written[2] = false;
	story_tick(&s, 2);
	ck_assert(s.written[2]);
	ck_assert_int_eq(s.file[2].proof.node, NODE_NONE);
}
END_TEST

UNIT_MAIN("lease_fence", without_a_proof_nobody_holds, the_proof_is_the_vote_of_the_dead,
	  an_answer_that_nobody_asked_for_is_nothing, a_sign_of_life_before_the_answer_spoils_it,
	  a_promise_after_the_query_runs_out, heard_again_it_is_good_for_the_present_epoch_only,
	  heard_again_while_idle_it_is_good_for_nothing, started_again_it_needs_our_vote,
	  a_restart_of_the_agent_keeps_it, three_voters_count_no_proof, what_could_not_be_written_is_not_used)
