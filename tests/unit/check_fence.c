/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stories about shooting a node: who shoots, what is a proof, what becomes of an operation whose devices lie
 * or hang, whose shooter dies, whose target comes back.
 */
#include "fence_story.h"

static struct story s;

static void begin(int nodes, int devices)
{
	const struct fence_config c = story_config(devices);

	story_init(&s, nodes, &c);
}

START_TEST(a_lost_node_is_shot_once_and_proved_off)
{
	begin(3, 1);
	story_power_off(&s, 3);
	story_run(&s, 2000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
	story_members(&s);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_SUSPECT);
	story_run(&s, 2000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_FENCED);
	ck_assert_int_eq(s.shots[3], 1);
	ck_assert_int_eq(s.orders, 1);
	ck_assert(fence_is_off(&s.f[1], 3) && fence_is_off(&s.f[2], 3));
	ck_assert(s.f[1].target[3].proved && !s.f[2].target[3].proved);
	story_run(&s, 200000);
	ck_assert_int_eq(s.shots[3], 1);
}
END_TEST

START_TEST(a_node_that_said_goodbye_is_not_shot)
{
	struct fence_world w;

	begin(3, 1);
	for (node_id_t n = 1; n <= 2; n++) {
		w = story_world(&s, n);
		fence_left(&s.f[n], 3, false, &w, &s.plan);
	}
	story_power_off(&s, 3);
	story_run(&s, 100000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
	ck_assert_int_eq(s.shots[3], 0);
}
END_TEST

START_TEST(a_node_whose_pulses_are_heard_is_not_shot)
{
	struct fence_world w;

	begin(3, 1);
	for (node_id_t n = 1; n <= 2; n++) {
		w = story_world(&s, n);
		fence_left(&s.f[n], 3, true, &w, &s.plan);
		story_obey(&s, n);
	}
	story_run(&s, 100000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_SUSPECT);
	ck_assert_int_eq(s.shots[3], 0);
	story_members(&s);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
}
END_TEST

START_TEST(a_part_without_quorum_shoots_nobody)
{
	begin(3, 1);
	s.part[3] = 1;
	s.quorate[3] = false;
	story_run(&s, 2000);
	story_members(&s);
	story_run(&s, 5000);
	ck_assert_int_eq(s.shots[1] + s.shots[2], 0);
	ck_assert_int_eq(s.shots[3], 1);
	ck_assert(!s.power[3]);
}
END_TEST

START_TEST(while_paused_only_a_person_shoots)
{
	struct fence_world w;

	begin(3, 1);
	s.paused = true;
	story_dies(&s, 3);
	story_run(&s, 30000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_SUSPECT);
	ck_assert_int_eq(s.shots[3], 0);
	w = story_world(&s, 1);
	fence_order_by_hand(&s.f[1], 3, &w, &s.plan);
	story_obey(&s, 1);
	story_run(&s, 3000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
}
END_TEST

START_TEST(what_was_lost_in_a_pause_is_shot_after_it)
{
	begin(3, 1);
	s.paused = true;
	story_dies(&s, 3);
	story_run(&s, 30000);
	s.paused = false;
	story_run(&s, 3000);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_FENCED);
}
END_TEST

START_TEST(a_device_that_refuses_gives_way_to_the_next_level)
{
	begin(3, 2);
	s.device[0] = STORY_REFUSES;
	story_dies(&s, 3);
	story_run(&s, 4000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
	ck_assert_int_eq(s.f[2].target[3].level, 1);
	ck_assert_int_eq(s.shots[3], 2);
}
END_TEST

START_TEST(a_call_that_failed_is_tried_again_within_its_time)
{
	struct fence_config c = story_config(1);

	c.device[0].retries = 2;
	story_init(&s, 3, &c);
	s.device[0] = STORY_REFUSES;
	story_dies(&s, 3);
	story_run(&s, 4000);
	ck_assert_int_eq(s.shots[3], 3);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FAILED);
}
END_TEST

START_TEST(a_device_that_hangs_ends_as_unknown_and_is_tried_again)
{
	begin(3, 1);
	s.device[0] = STORY_HANGS;
	story_dies(&s, 3);
	story_run(&s, 12000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_UNKNOWN);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_UNKNOWN);
	ck_assert(fence_bars(&s.f[1], 3));
	s.device[0] = STORY_TRUE;
	story_run(&s, 62000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
}
END_TEST

START_TEST(a_late_shot_keeps_its_target_out_until_it_cannot_come_any_more)
{
	begin(3, 1);
	s.device[0] = STORY_HANGS;
	s.part[3] = 1;
	s.quorate[3] = false;
	story_run(&s, 2000);
	story_members(&s);
	story_run(&s, 12000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_UNKNOWN);
	s.part[3] = 0;
	story_members(&s);
	story_run(&s, 30000);
	ck_assert(fence_bars(&s.f[1], 3) && fence_bars(&s.f[2], 3));
	story_run(&s, 31000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_CLEAN);
}
END_TEST

START_TEST(off_that_changes_nothing_is_no_proof)
{
	begin(3, 1);
	s.device[0] = STORY_NOOP;
	s.part[3] = 1;
	s.quorate[3] = false;
	story_run(&s, 2000);
	story_members(&s);
	story_run(&s, 8000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FAILED);
	ck_assert_int_eq(s.states[3][FENCE_FENCED], 0);
}
END_TEST

START_TEST(a_device_that_never_said_on_is_no_proof_but_its_shot_is_made)
{
	begin(3, 1);
	memset(s.f[1].watch, 0, sizeof s.f[1].watch);
	memset(s.f[2].watch, 0, sizeof s.f[2].watch);
	for (node_id_t n = 1; n <= 2; n++)
		s.f[n].watch[0][3].due = boot_add(story_now(&s), 3600 * NS_PER_S);
	s.part[3] = 1;
	s.quorate[3] = false;
	story_run(&s, 2000);
	story_members(&s);
	story_run(&s, 5000);
	ck_assert(!s.power[3]);
	ck_assert_int_eq(s.shots[3], 1);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FAILED);
}
END_TEST

START_TEST(what_a_device_said_a_day_ago_is_no_proof)
{
	begin(3, 1);
	ck_assert(fence_device_proved(&s.f[1], 0, 3, story_now(&s)));
	ck_assert(!fence_device_proved(&s.f[1], 0, 3, boot_add(story_now(&s), 25 * 3600 * NS_PER_S)));
}
END_TEST

START_TEST(the_shooter_dies_and_another_one_goes_on)
{
	begin(4, 1);
	s.device_ms[0] = 3000;
	story_dies(&s, 4);
	story_run(&s, 1000);
	ck_assert_int_eq(story_state(&s, 2, 4), FENCE_SHOOTING);
	ck_assert_int_eq(s.f[2].target[4].op.shooter, 1);
	story_dies(&s, 1);
	ck_assert_int_eq(story_state(&s, 2, 4), FENCE_UNKNOWN);
	story_run(&s, 30000);
	ck_assert_int_eq(story_state(&s, 2, 4), FENCE_FENCED);
	ck_assert_int_eq(story_state(&s, 3, 4), FENCE_FENCED);
	ck_assert_int_eq(story_state(&s, 3, 1), FENCE_FENCED);
	ck_assert_int_eq(s.f[2].target[4].op.shooter, 2);
}
END_TEST

START_TEST(a_shooter_that_says_nothing_any_more_is_not_waited_for_for_ever)
{
	struct fence_world w;
	struct fence_msg m = {
		.type = FENCE_MSG_START, .from = 2, .target = 3, .op = { 2, 7, FENCE_WHY_OPERATOR, 0 }
	};

	begin(3, 1);
	w = story_world(&s, 1);
	fence_message(&s.f[1], &m, &w, &s.plan);
	story_obey(&s, 1);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_DELAY);
	story_run(&s, 66000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_UNKNOWN);
	story_run(&s, 61000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
}
END_TEST

START_TEST(a_target_that_comes_back_in_the_delay_is_spared)
{
	struct fence_config c = story_config(1);

	c.target[3].delay_ns = 5 * NS_PER_S;
	story_init(&s, 3, &c);
	s.part[3] = 1;
	s.quorate[3] = false;
	story_run(&s, 2000);
	story_members(&s);
	story_run(&s, 3000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_DELAY);
	s.part[3] = 0;
	story_members(&s);
	story_run(&s, 10000);
	ck_assert_int_eq(s.shots[3], 0);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_CLEAN);
}
END_TEST

START_TEST(of_two_nodes_the_idle_one_waits_and_the_holder_lives)
{
	begin(2, 1);
	s.holders = node_bit(1);
	ck_assert_int_eq(fence_delay_ns(&s.f[1], 2, &(struct fence_world){ .holders = 2 }), 0);
	ck_assert_int_ge(fence_delay_ns(&s.f[2], 1, &(struct fence_world){ .holders = 2 }), 3 * NS_PER_S);
	s.part[2] = 1;
	story_run(&s, 2000);
	story_members(&s);
	story_run(&s, 8000);
	ck_assert(s.power[1] && !s.power[2]);
	ck_assert_int_eq(s.shots[1], 0);
	ck_assert_int_eq(story_state(&s, 1, 2), FENCE_FENCED);
}
END_TEST

START_TEST(with_a_third_vote_nobody_waits_for_who_served)
{
	const struct fence_world w = { .holders = node_bit(1) }, none = { .holders = 0 };

	begin(2, 1);
	s.f[2].two = false;
	ck_assert_int_eq(fence_delay_ns(&s.f[2], 1, &w), 0);
	ck_assert_int_ge(fence_delay_ns(&s.f[2], 1, &none), 3 * NS_PER_S);
}
END_TEST

START_TEST(of_two_nodes_that_hold_nothing_the_second_waits)
{
	begin(2, 1);
	s.part[2] = 1;
	story_run(&s, 2000);
	story_members(&s);
	story_run(&s, 8000);
	ck_assert(s.power[1] && !s.power[2]);
}
END_TEST

START_TEST(the_delay_follows_what_shots_were_measured_to_take)
{
	struct fence_world w = { .holders = node_bit(1) };

	begin(2, 1);
	ck_assert_int_eq(fence_delay_ns(&s.f[2], 1, &w), 2 * 4 * s.f[2].status_ns_max + 2 * NS_PER_S);
	s.f[2].off_ns_max = 7 * NS_PER_S;
	ck_assert_int_eq(fence_delay_ns(&s.f[2], 1, &w), 16 * NS_PER_S);
}
END_TEST

START_TEST(two_supplies_are_both_off_before_either_is_asked)
{
	struct fence_config c = story_config(2);

	for (node_id_t n = 1; n <= 3; n++) {
		c.target[n].levels_count = 1;
		c.target[n].level[0] = (struct fence_level_config){ .count = 2, .device = { 0, 1 } };
	}
	story_init(&s, 3, &c);
	story_dies(&s, 3);
	story_run(&s, 300);
	ck_assert_int_eq(s.shots[3], 1);
	story_run(&s, 300);
	ck_assert_int_eq(s.shots[3], 2);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_SHOOTING);
	story_run(&s, 3000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
}
END_TEST

static void partition_and_lie(int devices)
{
	begin(3, devices);
	s.device[0] = STORY_LIES;
	s.part[3] = 1;
	s.quorate[3] = false;
	story_run(&s, 2000);
	story_members(&s);
	story_run(&s, 4000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
	ck_assert(s.power[3]);
	s.part[3] = 0;
	story_members(&s);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_DISPUTED);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_DISPUTED);
	ck_assert(!fence_is_off(&s.f[1], 3) && fence_bars(&s.f[1], 3));
}

START_TEST(life_after_the_proof_is_disputed_and_shot_at_the_next_level)
{
	partition_and_lie(2);
	story_run(&s, 1000);
	ck_assert(!s.power[3]);
	story_members(&s);
	story_run(&s, 5000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
	ck_assert_int_eq(s.f[1].target[3].level, 1);
}
END_TEST

START_TEST(disputed_ends_with_another_boot)
{
	partition_and_lie(1);
	story_run(&s, 100000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_DISPUTED);
	ck_assert(!fence_device_proved(&s.f[1], 0, 3, story_now(&s)));
	s.boot[3] = 999;
	story_members(&s);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_CLEAN);
}
END_TEST

START_TEST(a_pulse_of_the_dead_is_enough)
{
	struct fence_world w;

	begin(3, 1);
	for (node_id_t n = 1; n <= 2; n++) {
		w = story_world(&s, n);
		fence_heard(&s.f[n], 3, 77, &w, &s.plan);
	}
	story_dies(&s, 3);
	story_run(&s, 4000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
	w = story_world(&s, 2);
	fence_heard(&s.f[2], 3, 78, &w, &s.plan); /* another process: it may have booted */
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_FENCED);
	fence_heard(&s.f[2], 3, 77, &w, &s.plan);
	story_obey(&s, 2);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_DISPUTED);
	story_run(&s, 200);
	ck_assert_int_eq(s.states[3][FENCE_DISPUTED], 2);
	story_run(&s, 4000);
	ck_assert_int_eq(s.shots[3], 2);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FAILED); /* nobody believes the device any more */
}
END_TEST

START_TEST(a_new_boot_after_the_proof_is_welcome)
{
	begin(3, 1);
	story_dies(&s, 3);
	story_run(&s, 4000);
	s.power[3] = true;
	s.boot[3] = 500;
	story_members(&s);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
	ck_assert(!fence_bars(&s.f[1], 3));
}
END_TEST

START_TEST(an_operator_shoots_what_lives)
{
	struct fence_world w;

	begin(3, 1);
	w = story_world(&s, 2);
	ck_assert_int_eq(fence_check_order(&s.f[2], 3, &w), FENCE_ACCEPTED);
	ck_assert_int_eq(fence_check_order(&s.f[2], 2, &w), FENCE_REFUSED_SELF);
	ck_assert_int_eq(fence_check_order(&s.f[2], 4, &w), FENCE_REFUSED_UNKNOWN);
	fence_order_by_hand(&s.f[2], 3, &w, &s.plan);
	fence_order_by_hand(&s.f[2], 3, &w, &s.plan);
	story_obey(&s, 2);
	story_run(&s, 1000);
	ck_assert(!s.power[3]);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_VERIFYING);
	story_members(&s);
	story_run(&s, 1000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
	ck_assert_int_eq(s.shots[3], 1); /* the second order joined the first */
}
END_TEST

START_TEST(a_person_confirms_only_what_is_lost)
{
	struct fence_world w;

	begin(3, 1);
	s.device[0] = STORY_REFUSES;
	w = story_world(&s, 1);
	ck_assert_int_eq(fence_check_confirm(&s.f[1], 3, &w), FENCE_REFUSED_ALIVE);
	story_dies(&s, 3);
	w = story_world(&s, 1);
	ck_assert_int_eq(fence_check_confirm(&s.f[1], 3, &w), FENCE_ACCEPTED);
	fence_confirm_by_hand(&s.f[1], 3, &w, &s.plan);
	story_obey(&s, 1);
	story_run(&s, 3000);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_CONFIRMED);
	ck_assert(fence_is_off(&s.f[2], 3));
	s.power[3] = true; /* it was only unplugged from the network */
	story_members(&s);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_DISPUTED);
}
END_TEST

START_TEST(who_joins_is_told)
{
	begin(3, 1);
	story_dies(&s, 3);
	story_run(&s, 4000);
	/* node 2's agent starts again: it has seen nothing of it */
	fence_init(&s.f[2], &s.f[1].config, 2, 0xe, 0xe, false);
	s.boot[2] = 300;
	story_members(&s);
	story_run(&s, 200);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_FENCED);
}
END_TEST

START_TEST(an_agent_that_did_not_see_it_die_knows_by_its_promise)
{
	begin(3, 1);
	story_power_off(&s, 3);
	for (node_id_t n = 1; n <= 2; n++) { /* both agents start again, and see each other only */
		struct fence_config c = s.f[n].config;

		fence_init(&s.f[n], &c, n, 0xe, 0xe, false);
		s.boot[n] += 100;
	}
	story_members(&s);
	story_run(&s, 30000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_CLEAN);
	s.owed = node_bit(3);
	story_run(&s, 5000);
	ck_assert_int_eq(s.shots[3], 1);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FAILED); /* no device has said "on" since: no proof */
}
END_TEST

/* Both agents start again while node 3 is dead: nobody can ask a device about it. */
static void restarts(const struct fence_memory *memory, int64_t after_ms)
{
	story_power_off(&s, 3);
	s.ms += after_ms;
	for (node_id_t n = 1; n <= 2; n++) {
		struct fence_config c = s.f[n].config;

		fence_init(&s.f[n], &c, n, 0xe, 0xe, false);
		fence_remember(&s.f[n], &memory[n], story_now(&s));
		s.boot[n] += 100;
	}
	story_members(&s);
	s.owed = node_bit(3);
	story_run(&s, 15000);
}

static void memories(struct fence_memory ret[3])
{
	for (node_id_t n = 1; n <= 2; n++)
		fence_memory_get(&s.f[n], &ret[n]);
}

START_TEST(what_devices_said_outlives_a_restart_of_the_agent)
{
	struct fence_memory memory[3];

	begin(3, 1);
	memories(memory);
	restarts(memory, 0);
	ck_assert_int_eq(s.shots[3], 1);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
}
END_TEST

START_TEST(not_longer_than_a_day_and_not_of_the_future)
{
	struct fence_memory memory[3];

	begin(3, 1);
	memories(memory);
	restarts(memory, 25 * 3600 * 1000LL);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FAILED);
	begin(3, 1);
	memories(memory);
	for (node_id_t n = 1; n <= 2; n++)
		memory[n].on_at[0][3] = boot_add(story_now(&s), 3600 * NS_PER_S);
	restarts(memory, 0);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FAILED);
}
END_TEST

START_TEST(a_device_that_lied_is_not_kept)
{
	struct fence_memory memory;

	partition_and_lie(2);
	fence_memory_get(&s.f[1], &memory);
	ck_assert_int_eq(memory.on_at[0][3].ns, 0);
	ck_assert_int_ne(memory.on_at[1][3].ns, 0);
	ck_assert_int_ne(memory.on_at[0][2].ns, 0);
}
END_TEST

START_TEST(measured_times_are_kept_and_a_watch_goes_on_in_its_turn)
{
	struct fence_memory memory;
	struct fence_world w;
	struct fence_config c;

	begin(2, 1);
	s.f[2].off_ns_max = 7 * NS_PER_S;
	fence_memory_get(&s.f[2], &memory);
	c = s.f[2].config;
	fence_init(&s.f[2], &c, 2, 0x6, 0x6, true);
	fence_remember(&s.f[2], &memory, story_now(&s));
	w = (struct fence_world){ .now = story_now(&s), .holders = node_bit(1), .heard = 0x6 };
	ck_assert_int_eq(fence_delay_ns(&s.f[2], 1, &w), 16 * NS_PER_S);
	fence_member(&s.f[2], 1, s.boot[1], 0, &w, &s.plan);
	s.plan.count = 0;
	ck_assert_int_gt(boot_diff_ns(w.now, fence_next(&s.f[2], &w)), 30 * NS_PER_S);
}
END_TEST

static void watchdog_story(int64_t watchdog_ns)
{
	struct fence_config c = story_config(1);
	struct fence_world w;

	c.device[0].watchdog = true;
	story_init(&s, 3, &c);
	for (node_id_t n = 1; n <= 2; n++) {
		w = story_world(&s, n);
		fence_member(&s.f[n], 3, s.boot[3], watchdog_ns, &w, &s.plan);
		story_obey(&s, n);
	}
	story_dies(&s, 3);
}

START_TEST(an_armed_watchdog_counts_after_twice_its_time)
{
	watchdog_story(10 * NS_PER_S);
	story_run(&s, 19000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_VERIFYING);
	story_run(&s, 2000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
	ck_assert_int_eq(s.shots[3], 0);
	ck_assert(!s.f[1].target[3].proved);
}
END_TEST

START_TEST(a_watchdog_that_was_not_announced_counts_nothing)
{
	watchdog_story(0);
	story_run(&s, 30000);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FAILED);
}
END_TEST

START_TEST(after_the_proof_it_is_switched_on_if_so_configured)
{
	struct fence_config c = story_config(1);
	int on = 0;

	c.target[3].action = FENCE_ACTION_REBOOT;
	story_init(&s, 3, &c);
	story_dies(&s, 3);
	for (int i = 0; i < 60; i++) {
		story_step(&s);
		for (int k = 0; k < 16; k++)
			if (s.calls[k].by && s.calls[k].call.verb == FENCE_ON) {
				on++;
				ck_assert_int_ne(s.states[3][FENCE_VERIFYING], 0);
			}
	}
	ck_assert_int_gt(on, 0);
	ck_assert_int_eq(story_state(&s, 1, 3), FENCE_FENCED);
	ck_assert_int_eq(s.f[1].target[3].phase, FENCE_PHASE_NONE);
}
END_TEST

START_TEST(nonsense_from_outside_changes_nothing)
{
	struct fence_world w;
	const struct fence_msg bad[] = {
		{ .type = FENCE_MSG_START, .from = 1, .target = 200, .op = { 1, 1, 1, 0 } },
		{ .type = FENCE_MSG_START, .from = 1, .target = 3, .op = { 1, 1, 1, 200 } },
		{ .type = FENCE_MSG_START, .from = 2, .target = 3, .op = { 1, 1, 1, 0 } },
		{ .type = FENCE_MSG_END, .from = 1, .target = 3, .state = FENCE_FENCED, .level = 200 },
		{ .type = FENCE_MSG_END, .from = 1, .target = 3, .state = FENCE_FENCED },
		{ .type = FENCE_MSG_CONFIRM, .from = 1, .target = 3 }, /* it lives */
		{ .type = FENCE_MSG_LIFE, .from = 1, .target = 3 },
		{ .type = FENCE_MSG_TELL, .from = 1, .target = 3, .state = FENCE_FENCED },
	};

	begin(3, 1);
	w = story_world(&s, 2);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		fence_message(&s.f[2], &bad[i], &w, &s.plan);
	ck_assert_int_eq(story_state(&s, 2, 3), FENCE_CLEAN);
	ck_assert_int_eq(s.plan.count, 0);
}
END_TEST

UNIT_MAIN("fence", a_lost_node_is_shot_once_and_proved_off, a_node_that_said_goodbye_is_not_shot,
	  a_node_whose_pulses_are_heard_is_not_shot, a_part_without_quorum_shoots_nobody,
	  while_paused_only_a_person_shoots, what_was_lost_in_a_pause_is_shot_after_it,
	  a_device_that_refuses_gives_way_to_the_next_level,
	  a_call_that_failed_is_tried_again_within_its_time,
	  a_device_that_hangs_ends_as_unknown_and_is_tried_again,
	  a_late_shot_keeps_its_target_out_until_it_cannot_come_any_more,
	  off_that_changes_nothing_is_no_proof, a_device_that_never_said_on_is_no_proof_but_its_shot_is_made,
	  what_a_device_said_a_day_ago_is_no_proof, the_shooter_dies_and_another_one_goes_on,
	  a_shooter_that_says_nothing_any_more_is_not_waited_for_for_ever,
	  a_target_that_comes_back_in_the_delay_is_spared,
	  of_two_nodes_the_idle_one_waits_and_the_holder_lives,
	  of_two_nodes_that_hold_nothing_the_second_waits, with_a_third_vote_nobody_waits_for_who_served,
	  the_delay_follows_what_shots_were_measured_to_take,
	  two_supplies_are_both_off_before_either_is_asked,
	  life_after_the_proof_is_disputed_and_shot_at_the_next_level, disputed_ends_with_another_boot,
	  a_pulse_of_the_dead_is_enough, a_new_boot_after_the_proof_is_welcome, an_operator_shoots_what_lives,
	  a_person_confirms_only_what_is_lost, who_joins_is_told,
	  an_agent_that_did_not_see_it_die_knows_by_its_promise,
	  what_devices_said_outlives_a_restart_of_the_agent, not_longer_than_a_day_and_not_of_the_future,
	  a_device_that_lied_is_not_kept, measured_times_are_kept_and_a_watch_goes_on_in_its_turn,
	  an_armed_watchdog_counts_after_twice_its_time, a_watchdog_that_was_not_announced_counts_nothing,
	  after_the_proof_it_is_switched_on_if_so_configured, nonsense_from_outside_changes_nothing)
