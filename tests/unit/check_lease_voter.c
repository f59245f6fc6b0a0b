/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each rule of the voter as a small story: node 3 is asked by nodes 1 and 2.
 */
#include "lease_story.h"

#define THREE 0x0eULL

static struct story s;

static void setup(void)
{
	story_init(&s, THREE);
}

static void refused(node_id_t from, uint64_t counter, enum lease_refusal why)
{
	struct lease_msg m = story_ask(&s, 3, from, counter);

	ck_assert_int_eq(m.type, LEASE_REFUSE);
	ck_assert_int_eq(m.refusal, why);
}

static void granted(node_id_t from, uint64_t counter)
{
	struct lease_msg m = story_ask(&s, 3, from, counter);

	ck_assert_int_eq(m.type, LEASE_GRANT);
	ck_assert_uint_eq(m.epoch.counter, counter);
	ck_assert_uint_eq(m.id.counter, 1);
	ck_assert_int_eq(m.to, from);
}

START_TEST(a_promise_refuses_others_until_l_plus_g_after_receipt)
{
	struct lease_msg m;

	setup();
	granted(1, 1);
	s.ms += L_MS + G_MS - 1;
	m = story_ask(&s, 3, 2, 2);
	ck_assert_int_eq(m.refusal, LEASE_REFUSED_PROMISED);
	ck_assert_int_eq(m.promise_node, 1);
	ck_assert_int_eq(m.promise_left_ns, 1 * NS_PER_MS);
	s.ms += 1;
	granted(2, 2);
}
END_TEST

START_TEST(the_promise_is_for_the_asked_length_with_its_guard)
{
	struct lease_msg m = { .type = LEASE_REQUEST,
			       .from = 1,
			       .to = 3,
			       .epoch = { 1, 1 },
			       .version = 1,
			       .lease_ns = 2 * L_MS * NS_PER_MS };

	setup();
	lease_receive(&s.l[3], &m, story_now(&s), &s.plan);
	ck_assert_int_eq(raw_diff_ns(story_now(&s).raw, s.l[3].voter.promise.until),
			 2 * (L_MS + G_MS) * NS_PER_MS);
	m.lease_ns++;
	s.plan.count = 0;
	lease_receive(&s.l[3], &m, story_now(&s), &s.plan);
	ck_assert_int_eq(s.plan.actions[0].msg.refusal, LEASE_REFUSED_LEASE_TOO_LONG);
}
END_TEST

START_TEST(epochs_only_grow)
{
	setup();
	granted(2, 5);
	story_release(&s, 3, 2, 5, NODE_NONE);
	refused(1, 4, LEASE_REFUSED_EPOCH);
	refused(1, 5, LEASE_REFUSED_EPOCH); /* (5,1) < (5,2) */
	granted(1, 6);
}
END_TEST

START_TEST(a_refused_epoch_is_not_remembered)
{
	setup();
	granted(1, 1);
	refused(2, 9, LEASE_REFUSED_PROMISED);
	ck_assert_uint_eq(s.l[3].voter.hi.counter, 1);
}
END_TEST

START_TEST(a_release_frees_only_its_own_epoch)
{
	setup();
	granted(1, 1);
	story_release(&s, 3, 1, 1, NODE_NONE);
	granted(1, 2);
	story_release(&s, 3, 1, 1, NODE_NONE); /* late repeat */
	refused(2, 3, LEASE_REFUSED_PROMISED);
}
END_TEST

START_TEST(a_released_epoch_is_dead_even_if_it_was_never_asked)
{
	setup();
	story_release(&s, 3, 1, 4, NODE_NONE); /* overtakes its REQUEST */
	refused(1, 4, LEASE_REFUSED_DEAD);
	granted(1, 5);
}
END_TEST

START_TEST(a_reservation_refuses_others_for_h)
{
	setup();
	granted(1, 1);
	story_release(&s, 3, 1, 1, 2);
	ck_assert_int_eq(s.l[3].voter.promise.node, NODE_NONE); /* no vote for the successor */
	refused(1, 2, LEASE_REFUSED_RESERVED);
	s.ms += HOLD_MS - 1;
	refused(1, 2, LEASE_REFUSED_RESERVED);
	s.ms += 1;
	granted(1, 2);
	story_release(&s, 3, 1, 2, 2);
	granted(2, 3);
	ck_assert_int_eq(s.l[3].voter.reserve.node, NODE_NONE);
}
END_TEST

START_TEST(who_lost_its_memory_is_mute)
{
	setup();
	granted(1, 1);
	story_start(&s, 3, NULL, 1000, false);
	lease_ceiling_set(&s.l[3], 2000);
	s.ms += 2 * (L_MS + G_MS) - 1; /* longest lease anybody may have */
	refused(2, 1001, LEASE_REFUSED_MUTE);
	s.ms += 1;
	granted(2, 1001);
}
END_TEST

START_TEST(after_a_reboot_hi_is_what_the_ceiling_covers)
{
	setup();
	granted(2, 1000);
	story_start(&s, 3, NULL, 1000, false);
	lease_ceiling_set(&s.l[3], 2000);
	s.ms += 2 * (L_MS + G_MS);
	refused(1, 1000, LEASE_REFUSED_EPOCH);
	granted(1, 1001);
}
END_TEST

START_TEST(a_restart_while_mute_does_not_end_the_mute)
{
	struct lease_memory file;

	setup();
	story_start(&s, 3, NULL, 0, false);
	story_release(&s, 3, 1, 1, NODE_NONE); /* writes the file of this boot */
	file = s.file[3];
	story_start(&s, 3, &file, 1000, false);
	refused(1, 2, LEASE_REFUSED_MUTE);
}
END_TEST

START_TEST(a_restarted_agent_keeps_its_promise)
{
	setup();
	granted(1, 1);
	story_start(&s, 3, &s.file[3], 1000, false);
	refused(2, 2, LEASE_REFUSED_PROMISED);
	granted(1, 1);
}
END_TEST

START_TEST(who_lost_its_disk_votes_when_enough_others_told_their_hi)
{
	setup();
	s.l[1].voter.hi = (struct epoch){ 40, 1 };
	story_start(&s, 3, NULL, 0, true);
	lease_ceiling_set(&s.l[3], 1000);
	s.ms += 2 * (L_MS + G_MS);
	refused(2, 41, LEASE_REFUSED_HI_UNKNOWN);
	story_pulse(&s, 2, 3);
	story_pulse(&s, 4, 3); /* no voter: tells nothing */
	refused(2, 41, LEASE_REFUSED_HI_UNKNOWN);
	story_pulse(&s, 1, 3); /* N-M+1 = 2 */
	refused(2, 39, LEASE_REFUSED_EPOCH);
	granted(2, 41);
}
END_TEST

START_TEST(no_epoch_above_the_durable_ceiling_is_granted)
{
	setup();
	refused(1, 1001, LEASE_REFUSED_CEILING);
	ck_assert_uint_eq(lease_counter_needed(&s.l[3]), 1001);
	lease_ceiling_set(&s.l[3], 2000);
	granted(1, 1001);
}
END_TEST

START_TEST(a_voter_refuses_an_older_version_and_takes_a_newer_one)
{
	setup();
	s.voters.version = 3;
	granted(1, 1);
	s.ms += L_MS + G_MS;
	lease_voters_set(&s.l[3], &s.voters, (struct epoch){ 0 }, story_now(&s), &s.plan);
	s.voters.version = 2;
	refused(2, 2, LEASE_REFUSED_VERSION);
}
END_TEST

START_TEST(who_is_no_voter_grants_nothing)
{
	struct lease_msg m;

	setup();
	m = story_ask(&s, 4, 1, 1);
	ck_assert_int_eq(m.type, LEASE_REFUSE);
	ck_assert_int_eq(m.refusal, LEASE_REFUSED_NOT_VOTER);
}
END_TEST

START_TEST(nonsense_from_outside_is_ignored)
{
	struct lease_msg m = { .type = LEASE_REQUEST, .from = 1, .to = 3, .epoch = { 1, 2 }, .version = 1 };

	setup();
	lease_receive(&s.l[3], &m, story_now(&s), &s.plan); /* another node's epoch */
	m.from = 200;
	lease_receive(&s.l[3], &m, story_now(&s), &s.plan);
	m.type = LEASE_RELEASE;
	m.from = 1;
	m.epoch.node = 1;
	m.successor = 99;
	lease_receive(&s.l[3], &m, story_now(&s), &s.plan);
	ck_assert_uint_eq(s.plan.count, 0);
}
END_TEST

UNIT_MAIN("lease_voter", a_promise_refuses_others_until_l_plus_g_after_receipt,
	  the_promise_is_for_the_asked_length_with_its_guard, epochs_only_grow,
	  a_refused_epoch_is_not_remembered, a_release_frees_only_its_own_epoch,
	  a_released_epoch_is_dead_even_if_it_was_never_asked, a_reservation_refuses_others_for_h,
	  who_lost_its_memory_is_mute, after_a_reboot_hi_is_what_the_ceiling_covers,
	  a_restart_while_mute_does_not_end_the_mute, a_restarted_agent_keeps_its_promise,
	  who_lost_its_disk_votes_when_enough_others_told_their_hi,
	  no_epoch_above_the_durable_ceiling_is_granted,
	  a_voter_refuses_an_older_version_and_takes_a_newer_one, who_is_no_voter_grants_nothing,
	  nonsense_from_outside_is_ignored)
