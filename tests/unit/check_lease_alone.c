/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two voters and nothing else: when the absence of one counts as its vote, and when not.
 */
#include "lease_story.h"

#define SILENCE_MS 3500
#define TELL_MS	   100

static struct story s;

struct service_network {
	bool gateway, quiet, other;
	int64_t quiet_since_ms;
};

static struct service_network net[3];

static void configure(node_id_t n)
{
	s.l[n].config.alone_votes = true;
	s.l[n].config.timing.keep_ns = 3 * PULSE_MS * NS_PER_MS;
	s.l[n].config.timing.silence_ns = SILENCE_MS * NS_PER_MS;
}

/* Node 1 holds, both reach their gateways, nobody else speaks for the address. */
static void begin(void)
{
	story_init(&s, 0x06);
	for (node_id_t n = 1; n <= 2; n++) {
		configure(n);
		net[n] = (struct service_network){ .gateway = true, .quiet = true };
	}
	story_held_by(&s, 1);
	story_want(&s, 2);
	story_pulses(&s);
}

static void tell(node_id_t n)
{
	struct instant now = story_now(&s);
	const struct service_network *x = &net[n];
	const struct lease_lan lan = {
		.gateway_until = boot_add(now.boot, x->gateway ? NS_PER_S : 0),
		.quiet = x->quiet,
		.quiet_since = raw_add(now.raw, (x->quiet_since_ms - s.ms) * NS_PER_MS),
		.quiet_until = boot_add(now.boot, NS_PER_S),
		.other_until = boot_add(now.boot, x->other ? NS_PER_S : 0),
	};

	s.plan.count = 0;
	lease_lan(&s.l[n], &lan, now, &s.plan);
	story_obey(&s, n);
}

/* Time passes and nothing gets from one to the other. */
static void cut_for(int64_t ms)
{
	for (int64_t end = s.ms + ms; s.ms < end;) {
		for (node_id_t n = 1; n <= 2; n++)
			if (!s.off[n])
				tell(n);
		for (int i = 0; i < TELL_MS; i++) {
			story_lose_all(&s);
			s.ms++;
			for (node_id_t n = 1; n <= 2; n++)
				if (!s.off[n])
					story_tick(&s, n);
		}
	}
	story_lose_all(&s);
}

START_TEST(a_holder_goes_on_when_the_other_dies)
{
	begin();
	s.off[2] = true;
	for (int i = 0; i < 50; i++) {
		cut_for(TELL_MS);
		ck_assert(story_open(&s, 1));
	}
}
END_TEST

START_TEST(a_holder_without_peer_and_gateway_gives_up)
{
	begin();
	net[1].gateway = net[2].gateway = false;
	cut_for(2 * L_MS);
	ck_assert(!story_open(&s, 1));
	ck_assert_int_eq(lease_alone_lapse_cause(&s.l[1], story_now(&s)), CAUSE_CUT_OFF);
}
END_TEST

START_TEST(an_idle_node_waits_for_all_of_the_silence)
{
	begin();
	s.off[1] = true;
	cut_for(SILENCE_MS - 2 * TELL_MS);
	ck_assert(!story_open(&s, 2));
	cut_for(6 * TELL_MS);
	ck_assert(story_open(&s, 2));
	ck_assert_int_eq(s.l[2].last_cause, CAUSE_PEER_ABSENT);
	ck_assert_int_eq(s.l[2].last_holder, 1);
}
END_TEST

START_TEST(an_idle_node_that_reaches_no_gateway_takes_nothing)
{
	begin();
	s.off[1] = true;
	net[2].gateway = false;
	cut_for(3 * SILENCE_MS);
	ck_assert(!story_open(&s, 2));
	net[2].gateway = true;
	cut_for(5 * TELL_MS);
	ck_assert(story_open(&s, 2));
}
END_TEST

START_TEST(an_answer_for_the_address_is_a_veto)
{
	begin();
	net[2].quiet = false;
	cut_for(3 * SILENCE_MS);
	ck_assert(story_open(&s, 1) && !story_open(&s, 2));
}
END_TEST

START_TEST(corosync_has_to_agree)
{
	begin();
	s.off[1] = true;
	lease_member(&s.l[2], 1, true);
	cut_for(3 * SILENCE_MS);
	ck_assert(!story_open(&s, 2));
	lease_member(&s.l[2], 1, false);
	cut_for(5 * TELL_MS);
	ck_assert(story_open(&s, 2));
}
END_TEST

START_TEST(of_two_holders_the_lower_epoch_gives_way_and_frees_its_vote)
{
	begin();
	cut_for(2 * SILENCE_MS);
	ck_assert(story_open(&s, 1) && story_open(&s, 2));
	ck_assert_int_lt(epoch_cmp(s.l[1].epoch, s.l[2].epoch), 0);
	story_pulses(&s);
	ck_assert(!story_open(&s, 1) && story_open(&s, 2));
	ck_assert_int_ne(s.l[1].voter.promise.node, 1);
	story_run(&s, 3 * L_MS);
	ck_assert(!story_open(&s, 1) && story_open(&s, 2));
}
END_TEST

START_TEST(heard_on_the_service_network_only_the_first_goes_on)
{
	begin();
	cut_for(2 * SILENCE_MS);
	ck_assert(story_open(&s, 1) && story_open(&s, 2));
	for (node_id_t n = 1; n <= 2; n++) {
		net[n].other = true;
		net[n].quiet = false;
	}
	cut_for(2 * L_MS);
	ck_assert(story_open(&s, 1) && !story_open(&s, 2));
}
END_TEST

/* Links that carry one direction only, and this node's agent has restarted: all it hears are hellos. */
START_TEST(a_hello_is_a_sign_of_life_and_no_more)
{
	begin();
	cut_for(TELL_MS);
	for (int i = 0; i < 50; i++) {
		raw_t said_at = { s.l[2].peer[1].at.ns };

		s.plan.count = 0;
		lease_hello(&s.l[2], 1, story_now(&s), &s.plan);
		ck_assert_int_eq(s.plan.count, 0);
		ck_assert_int_eq(s.l[2].peer[1].at.ns, said_at.ns);
		cut_for(TELL_MS);
	}
	ck_assert(story_open(&s, 1) && !story_open(&s, 2));
	cut_for(SILENCE_MS + 2 * TELL_MS);
	ck_assert(story_open(&s, 1) && story_open(&s, 2));
	for (int i = 0; i < 10; i++) {
		lease_hello(&s.l[2], 1, story_now(&s), &s.plan);
		cut_for(TELL_MS);
	}
	ck_assert(story_open(&s, 1) && !story_open(&s, 2));
}
END_TEST

START_TEST(who_stood_still_begins_to_wait_anew)
{
	begin();
	s.off[1] = true;
	cut_for(SILENCE_MS - 2 * TELL_MS);
	s.plan.count = 0;
	lease_wake(&s.l[2], story_now(&s), &s.plan);
	cut_for(10 * TELL_MS);
	ck_assert(!story_open(&s, 2));
}
END_TEST

UNIT_MAIN("lease_alone", a_holder_goes_on_when_the_other_dies, a_holder_without_peer_and_gateway_gives_up,
	  an_idle_node_waits_for_all_of_the_silence, an_idle_node_that_reaches_no_gateway_takes_nothing,
	  an_answer_for_the_address_is_a_veto, corosync_has_to_agree,
	  of_two_holders_the_lower_epoch_gives_way_and_frees_its_vote,
	  heard_on_the_service_network_only_the_first_goes_on, a_hello_is_a_sign_of_life_and_no_more,
	  who_stood_still_begins_to_wait_anew)
