/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The matrix of docs/UPLINKS.md: node 1 holds the group, node 2 might. Seconds after the start.
 */
#include "uplink_move.h"

#include <string.h>

#include "unit.h"

#define G UPLINK_GOOD
#define D UPLINK_DEGRADED
#define X UPLINK_BAD
#define U UPLINK_UNKNOWN

static struct uplink_move_facts f;
static struct uplink_move m;

static boot_t at_s(int64_t s)
{
	return (boot_t){ (1000 + s) * NS_PER_S };
}

/* All has been as it is for long. */
static void node(struct uplink_move_node *n, node_id_t id, enum uplink_class first, enum uplink_class second)
{
	*n = (struct uplink_move_node){
		.node = id,
		.fit = true,
		.fresh = true,
		.seen = at_s(0),
		.count = 2,
		.uplink = { { 1, first, at_s(-100) }, { 2, second, at_s(-100) } },
	};
	n->in_use = second == G && first != G ? 1 : second == D && first == X ? 1 : 0;
}

static void begin(enum uplink_class a1, enum uplink_class a2, enum uplink_class b1, enum uplink_class b2)
{
	memset(&f, 0, sizeof f);
	node(&f.self, 1, a1, a2);
	node(&f.other[0], 2, b1, b2);
	f.others_count = 1;
}

static const struct rule *decide_at(boot_t now)
{
	uplink_move_look(&f, &uplink_move_policy_default, now, &m);
	return rules_match(FACT_HOLDING | m.facts);
}

static void expect(uint16_t number, enum rule_goal goal)
{
	const struct rule *r = decide_at(at_s(0));

	ck_assert_uint_eq(r->number, number);
	ck_assert_int_eq(r->goal, goal);
	if (goal == GOAL_HAND_OVER) {
		ck_assert_int_eq(r->cause, CAUSE_UPLINK);
		ck_assert_int_eq(m.to, 2);
	}
}

START_TEST(good_stays)
{
	begin(G, X, G, G);
	expect(120, GOAL_KEEP);
	begin(X, G, G, G);
	expect(120, GOAL_KEEP);
}
END_TEST

START_TEST(helps_itself_first)
{
	begin(X, G, G, G);
	f.self.in_use = 0;
	expect(120, GOAL_KEEP);
	begin(X, D, G, G);
	f.self.in_use = 0;
	expect(120, GOAL_KEEP);
	begin(D, G, G, G);
	f.self.in_use = -1;
	expect(120, GOAL_KEEP);
}
END_TEST

START_TEST(no_path_moves)
{
	begin(X, X, X, D);
	f.calls = 50;
	expect(612, GOAL_HAND_OVER);
	f.calls = UINT32_MAX;
	expect(612, GOAL_HAND_OVER);
}
END_TEST

START_TEST(no_path_anywhere_holds)
{
	begin(X, X, X, X);
	f.other[0].uplink[0].since = f.other[0].uplink[1].since = at_s(-50);
	expect(615, GOAL_KEEP);
	begin(X, X, U, X);
	f.other[0].uplink[1].since = at_s(-50);
	expect(615, GOAL_KEEP);
}
END_TEST

START_TEST(shared_cause_has_a_name)
{
	begin(X, X, X, X);
	expect(613, GOAL_KEEP);
	f.other[0].uplink[0].since = at_s(-97);
	f.other[0].uplink[1].since = at_s(-103);
	expect(613, GOAL_KEEP);
	f.other[0].uplink[0].since = at_s(-96);
	expect(615, GOAL_KEEP);
}
END_TEST

START_TEST(degraded_moves_when_idle)
{
	begin(D, D, G, X);
	expect(623, GOAL_HAND_OVER);
	f.calls = 1;
	expect(620, GOAL_KEEP);
	f.calls = UINT32_MAX;
	expect(620, GOAL_KEEP);
	begin(X, D, G, G);
	expect(623, GOAL_HAND_OVER);
	begin(D, D, D, D);
	expect(120, GOAL_KEEP);
}
END_TEST

START_TEST(dead_pbx_is_not_our_matter)
{
	begin(X, X, G, G);
	f.self.pbx_dead = true;
	expect(120, GOAL_KEEP);
}
END_TEST

START_TEST(not_to_a_node_that_cannot)
{
	begin(X, X, G, G);
	f.other[0].fresh = false;
	expect(614, GOAL_KEEP);
	begin(X, X, G, G);
	f.other[0].fit = false;
	f.other[0].uplink[0].since = f.other[0].uplink[1].since = at_s(-50);
	expect(615, GOAL_KEEP);
	begin(X, X, G, G);
	f.other[0].pbx_dead = true;
	expect(615, GOAL_KEEP);
	begin(X, X, U, U);
	expect(615, GOAL_KEEP);
	begin(X, X, G, G);
	f.others_count = 0;
	expect(615, GOAL_KEEP);
}
END_TEST

START_TEST(unknown_stays)
{
	begin(U, U, G, G);
	expect(120, GOAL_KEEP);
	begin(X, U, G, G);
	expect(120, GOAL_KEEP);
	begin(X, X, G, G);
	f.self.count = 0; /* none configured */
	expect(120, GOAL_KEEP);
}
END_TEST

START_TEST(settles_before_it_moves)
{
	begin(X, X, G, G);
	f.self.uplink[1].since = at_s(-2); /* lost just now */
	expect(610, GOAL_KEEP);
	f.self.uplink[1].since = at_s(-3);
	f.other[0].seen = at_s(-1); /* two seconds later: it may be about to say the same */
	expect(610, GOAL_KEEP);
	f.other[0].seen = at_s(0);
	expect(612, GOAL_HAND_OVER);
	f.other[0].uplink[0].since = at_s(-2); /* came back there: here, too, perhaps */
	expect(610, GOAL_KEEP);
	begin(D, D, G, G);
	f.self.uplink[1].since = at_s(-2);
	expect(621, GOAL_KEEP);
}
END_TEST

START_TEST(freezes)
{
	begin(X, X, G, G);
	f.moves_count = 2;
	f.moved_at[0] = at_s(-601);
	f.moved_at[1] = at_s(-300);
	expect(612, GOAL_HAND_OVER);
	f.moved_at[0] = at_s(-599);
	expect(611, GOAL_KEEP);
	begin(D, D, G, G);
	f.moves_count = 2;
	f.moved_at[0] = f.moved_at[1] = at_s(-1);
	expect(622, GOAL_KEEP);
}
END_TEST

START_TEST(best_of_several_first_in_placement)
{
	begin(X, X, D, X);
	node(&f.other[1], 3, G, X);
	node(&f.other[2], 4, G, G);
	f.others_count = 3;
	(void)decide_at(at_s(0));
	ck_assert_int_eq(m.to, 3);
	f.other[1].fit = false;
	(void)decide_at(at_s(0));
	ck_assert_int_eq(m.to, 4);
}
END_TEST

/* What stays says nothing, so that the rows behind decide as if there were no uplinks. */
START_TEST(staying_has_no_facts)
{
	begin(G, G, G, G);
	(void)decide_at(at_s(0));
	ck_assert_uint_eq(m.facts, 0);
	begin(U, X, G, G);
	(void)decide_at(at_s(0));
	ck_assert_uint_eq(m.facts, 0);
	f.self.count = 0;
	(void)decide_at(at_s(0));
	ck_assert_uint_eq(m.facts, 0);
}
END_TEST

UNIT_MAIN("uplink_move", good_stays, helps_itself_first, no_path_moves, no_path_anywhere_holds,
	  shared_cause_has_a_name, degraded_moves_when_idle, dead_pbx_is_not_our_matter,
	  not_to_a_node_that_cannot, unknown_stays, settles_before_it_moves, freezes,
	  best_of_several_first_in_placement, staying_has_no_facts)
