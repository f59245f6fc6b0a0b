/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The change of the voters, {1,3,4} -> {1,2,4}: node 1 begins, each node is a struct voters here.
 */
#include "unit.h"
#include "voters.h"

#include <string.h>

#define P_NS	     (900 * NS_PER_MS)
#define PULSE_NS     (100 * NS_PER_MS)
#define SET(a, b, c) (1ULL << (a) | 1ULL << (b) | 1ULL << (c))

static struct voters v[5];
static struct voters_own own[5];
static struct core_plan plan;
static struct instant now;

static void setup(void)
{
	const struct voter_set old = { 1, VOTERS_STABLE, SET(1, 3, 4), SET(1, 3, 4) };

	plan.count = 0;
	now = (struct instant){ { 1000 * NS_PER_S }, { 500 * NS_PER_S } };
	for (node_id_t n = 1; n <= 4; n++) {
		voters_init(&v[n], n, &old, P_NS, PULSE_NS);
		own[n] = (struct voters_own){ .hi_known = true, .hi = { n, n }, .ceiling = 100 };
	}
}

static void pass_ns(int64_t ns)
{
	now.boot.ns += ns;
	now.raw.ns += ns;
}

/* The disk of node n answers. */
static void save(node_id_t n)
{
	ck_assert_uint_ne(v[n].taking.version, 0);
	ck_assert(voters_saved(&v[n], &v[n].taking));
	voters_acknowledge(&v[n], &own[n], &plan);
}

/* Delivers all that is in the plan to the nodes of the set; what they say stays in the plan. */
static void deliver(node_set_t to)
{
	static struct core_plan old;

	old = plan;
	plan.count = 0;
	for (uint32_t i = 0; i < old.count; i++) {
		const struct plan_action *a = &old.actions[i];

		if (a->type == PLAN_SEND && node_in(to, a->msg.to))
			voters_receive(&v[a->msg.to], &a->msg, &own[a->msg.to], &plan);
	}
}

static void tick(node_id_t n)
{
	voters_tick(&v[n], &own[n], now, &plan);
}

/* Node 1 has JOINT durable and has proposed it. */
static void begin(void)
{
	setup();
	ck_assert(voters_change(&v[1], SET(1, 2, 4), &plan));
	ck_assert_int_eq(plan.actions[0].type, PLAN_SAVE_VOTERS);
	save(1);
	plan.count = 0;
	tick(1);
}

START_TEST(majorities_are_counted_by_the_rule_of_the_set)
{
	const struct voter_set joint = { 2, VOTERS_JOINT, SET(1, 3, 4), SET(1, 2, 4) };
	const struct voter_set four = { 1, VOTERS_STABLE, 0x1e, 0x1e };

	ck_assert_int_eq(voter_set_majority_size(0x1e), 3);
	ck_assert(!voter_set_majority(&four, 0x06));
	ck_assert(voter_set_majority(&four, 0x0e));
	ck_assert(!voter_set_majority(&joint, node_bit(1) | node_bit(3))); /* OLD only */
	ck_assert(!voter_set_majority(&joint, node_bit(1) | node_bit(2))); /* NEW only */
	ck_assert(voter_set_majority(&joint, node_bit(1) | node_bit(4)));
	ck_assert(voter_set_majority(&joint, node_bit(1) | node_bit(2) | node_bit(3)));
}
END_TEST

START_TEST(nothing_is_in_force_or_said_before_it_is_durable)
{
	setup();
	ck_assert(voters_change(&v[1], SET(1, 2, 4), &plan));
	ck_assert_uint_eq(v[1].set.version, 1);
	plan.count = 0;
	tick(1);
	ck_assert_uint_eq(plan.count, 0);
	save(1);
	ck_assert_uint_eq(v[1].set.version, 2);
	ck_assert_int_eq(v[1].set.phase, VOTERS_JOINT);
	tick(1);
	deliver(node_bit(3));
	ck_assert_int_eq(plan.actions[0].type, PLAN_SAVE_VOTERS); /* node 3 saves, and says nothing yet */
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_uint_eq(v[3].set.version, 1);
	plan.count = 0;
	save(3);
	ck_assert_int_eq(plan.actions[0].msg.type, LEASE_VSET_ACK);
}
END_TEST

START_TEST(new_is_issued_after_both_majorities_and_p)
{
	begin();
	deliver(node_bit(2) | node_bit(3) | node_bit(4));
	plan.count = 0;
	save(2);
	deliver(node_bit(1));
	tick(1);
	pass_ns(2 * P_NS); /* NEW's majority (1, 2) has it, OLD's has not */
	tick(1);
	ck_assert_uint_eq(v[1].taking.version, 0);
	plan.count = 0;
	save(4);
	deliver(node_bit(1));
	tick(1);
	pass_ns(P_NS - 1);
	tick(1);
	ck_assert_uint_eq(v[1].taking.version, 0); /* a lease of OLD may still run */
	pass_ns(1);
	tick(1);
	ck_assert_uint_eq(v[1].taking.version, 3);
	save(1);
	ck_assert_uint_eq(v[1].set.new_set, SET(1, 2, 4));
	ck_assert_int_eq(v[1].set.phase, VOTERS_STABLE);
	ck_assert_uint_eq(v[1].floor.counter, 4); /* the highest hi that was acknowledged */
}
END_TEST

START_TEST(who_does_not_know_its_hi_does_not_acknowledge)
{
	begin();
	own[2].hi_known = false;
	deliver(node_bit(2));
	plan.count = 0;
	save(2);
	ck_assert_uint_eq(plan.count, 0);
	own[2].hi_known = true;
	pass_ns(PULSE_NS);
	tick(1); /* asked again */
	deliver(node_bit(2));
	ck_assert_int_eq(plan.actions[0].msg.type, LEASE_VSET_ACK);
}
END_TEST

START_TEST(only_one_change_at_a_time)
{
	begin();
	ck_assert(!voters_change(&v[1], SET(1, 2, 3), &plan));
	setup();
	ck_assert(!voters_change(&v[1], SET(1, 3, 4), &plan)); /* nothing to change */
	ck_assert(!voters_change(&v[1], 0, &plan));
}
END_TEST

START_TEST(one_content_per_version)
{
	struct lease_msg rival = { .type = LEASE_VSET_PROPOSE,
				   .from = 3,
				   .to = 4,
				   .voters = { 2, VOTERS_JOINT, SET(1, 3, 4), SET(2, 3, 4) } };

	begin();
	deliver(node_bit(4));
	plan.count = 0;
	voters_receive(&v[4], &rival, &own[4], &plan); /* while the other is being saved */
	save(4);
	plan.count = 0;
	voters_receive(&v[4], &rival, &own[4], &plan);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_uint_eq(v[4].set.new_set, SET(1, 2, 4));
	/* A higher version supersedes what got no majority. */
	rival.voters = (struct voter_set){ 3, VOTERS_STABLE, SET(2, 3, 4), SET(2, 3, 4) };
	voters_receive(&v[4], &rival, &own[4], &plan);
	save(4);
	ck_assert_uint_eq(v[4].set.version, 3);
}
END_TEST

START_TEST(joint_stands_on_the_set_it_replaces)
{
	struct lease_msg m = { .type = LEASE_VSET_PROPOSE,
			       .from = 3,
			       .to = 4,
			       .voters = { 2, VOTERS_JOINT, SET(1, 2, 3), SET(2, 3, 4) } };

	setup();
	voters_receive(&v[4], &m, &own[4], &plan); /* another OLD */
	m.voters = (struct voter_set){ 2, VOTERS_JOINT, SET(1, 3, 4), 0 };
	voters_receive(&v[4], &m, &own[4], &plan);
	m.voters = (struct voter_set){ 3, VOTERS_STABLE, SET(1, 3, 4), SET(1, 2, 4) };
	voters_receive(&v[4], &m, &own[4], &plan);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

START_TEST(a_node_that_slept_is_told_by_whom_it_meets)
{
	const struct voter_set new = { 3, VOTERS_STABLE, SET(1, 2, 4), SET(1, 2, 4) };

	setup();
	voters_init(&v[2], 2, &new, P_NS, PULSE_NS);
	voters_peer_version(&v[2], 3, 1, &own[2], &plan);
	deliver(node_bit(3));
	save(3);
	ck_assert_uint_eq(v[3].set.version, 3);
	ck_assert_uint_eq(v[3].floor.counter, 2); /* at least what the teller knows */
}
END_TEST

START_TEST(a_floor_above_the_ceiling_waits_for_the_ceiling)
{
	struct lease_msg m = { .type = LEASE_VSET_PROPOSE,
			       .from = 1,
			       .to = 2,
			       .hi = { 500, 1 },
			       .voters = { 3, VOTERS_STABLE, SET(1, 2, 4), SET(1, 2, 4) } };

	setup();
	ck_assert_uint_eq(voters_receive(&v[2], &m, &own[2], &plan), 500);
	ck_assert_uint_eq(plan.count, 0);
	own[2].ceiling = 500;
	ck_assert_uint_eq(voters_receive(&v[2], &m, &own[2], &plan), 0);
	ck_assert_int_eq(plan.actions[0].type, PLAN_SAVE_VOTERS);
}
END_TEST

START_TEST(another_node_finishes_what_its_beginner_left)
{
	begin();
	deliver(node_bit(2) | node_bit(3) | node_bit(4));
	save(2);
	save(3);
	save(4);
	plan.count = 0;
	tick(4); /* node 1 is gone */
	deliver(node_bit(2) | node_bit(3));
	deliver(node_bit(4));
	tick(4);
	pass_ns(P_NS);
	tick(4);
	ck_assert_uint_eq(v[4].taking.version, 3);
	ck_assert_uint_eq(v[4].taking.new_set, SET(1, 2, 4));
}
END_TEST

UNIT_MAIN("voters", majorities_are_counted_by_the_rule_of_the_set,
	  nothing_is_in_force_or_said_before_it_is_durable, new_is_issued_after_both_majorities_and_p,
	  who_does_not_know_its_hi_does_not_acknowledge, only_one_change_at_a_time, one_content_per_version,
	  joint_stands_on_the_set_it_replaces, a_node_that_slept_is_told_by_whom_it_meets,
	  a_floor_above_the_ceiling_waits_for_the_ceiling, another_node_finishes_what_its_beginner_left)
