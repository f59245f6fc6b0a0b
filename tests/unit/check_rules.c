/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The table of decisions, searched whole: every mix of facts has a row, every row can be reached, and what
 * must never be decided never is.
 */
#include "rules.h"

#include <string.h>

#include "unit.h"

/* Every mix of the facts that are not about uplinks, then every mix of those with every mix of what may come
 * before or after them in the table. */
#define PLAIN_COUNT  19
#define PLAIN_MIXES  (1U << PLAIN_COUNT)
#define UPLINK_COUNT (RULE_FACTS_COUNT - PLAIN_COUNT)
#define BESIDE_COUNT 12
#define MIXES	     (PLAIN_MIXES + (1U << (UPLINK_COUNT + BESIDE_COUNT)))

static uint32_t mix(uint32_t n)
{
	static const uint32_t beside[BESIDE_COUNT] = {
		FACT_HOLDING,	 FACT_STOPPING, FACT_PAUSED,   FACT_STANDBY,  FACT_SUCCESSOR, FACT_MOVE_AWAY,
		FACT_MOVE_READY, FACT_PBX_DEAD, FACT_PBX_SICK, FACT_ELIGIBLE, FACT_FAILBACK,  FACT_DRAINING,
	};
	uint32_t facts;

	if (n < PLAIN_MIXES)
		return n;
	n -= PLAIN_MIXES;
	facts = n >> BESIDE_COUNT << PLAIN_COUNT;
	for (int i = 0; i < BESIDE_COUNT; i++)
		if (n >> i & 1)
			facts |= beside[i];
	return facts;
}

static bool has(uint32_t facts, uint32_t all)
{
	return (facts & all) == all;
}

START_TEST(every_row_is_reached)
{
	size_t count;
	const struct rule *rows = rules_table(&count);
	unsigned hits[64] = { 0 };

	ck_assert_uint_le(count, 64);
	for (uint32_t n = 0; n < MIXES; n++)
		hits[rules_match(mix(n)) - rows]++;
	for (size_t i = 0; i < count; i++)
		if (rows[i].when != UINT32_MAX)
			ck_assert_msg(hits[i] > 0, "R%d is never reached", rows[i].number);
		else
			ck_assert_uint_eq(hits[i], 0);
}
END_TEST

START_TEST(numbers_are_unique_and_have_sentences)
{
	size_t count;
	const struct rule *rows = rules_table(&count);

	for (size_t i = 0; i < count; i++) {
		ck_assert_ptr_eq(rules_sentence(rows[i].number), rows[i].why);
		for (size_t k = 0; k < i; k++)
			ck_assert_int_ne(rows[i].number, rows[k].number);
	}
	for (uint16_t told = RULE_WON; told <= RULE_STEP_FAILED; told++)
		ck_assert_ptr_nonnull(rules_sentence(told));
	ck_assert_ptr_null(rules_sentence(999));
}
END_TEST

START_TEST(holders_and_others_get_their_own_goals)
{
	for (uint32_t n = 0; n < MIXES; n++) {
		uint32_t facts = mix(n);
		enum rule_goal goal = rules_match(facts)->goal;

		if (has(facts, FACT_HOLDING))
			ck_assert(goal == GOAL_KEEP || goal == GOAL_HAND_OVER || goal == GOAL_RELEASE);
		else
			ck_assert(goal == GOAL_ASK || goal == GOAL_REST);
	}
}
END_TEST

/* I4: without trouble of its own, an operator, or the failback policy, a holder keeps. */
START_TEST(healthy_holder_keeps)
{
	const uint32_t grounds = FACT_STOPPING | FACT_STANDBY | FACT_MOVE_READY | FACT_GATE_LOST |
				 FACT_LAN_DOWN | FACT_PBX_DEAD | FACT_PBX_SICK | FACT_FAILBACK |
				 FACT_UPLINK_BETTER;

	for (uint32_t n = 0; n < MIXES; n++) {
		uint32_t facts = mix(n);

		if (has(facts, FACT_HOLDING) && !(facts & grounds))
			ck_assert_int_eq(rules_match(facts)->goal, GOAL_KEEP);
	}
}
END_TEST

/* With no successor only a stopping agent lets go, or an operator's or failback's own ready target. */
START_TEST(trouble_without_successor_keeps)
{
	for (uint32_t n = 0; n < MIXES; n++) {
		uint32_t facts = mix(n);

		if (has(facts, FACT_HOLDING) && !(facts & (FACT_SUCCESSOR | FACT_STOPPING | FACT_MOVE_READY |
							   FACT_FAILBACK | FACT_UPLINK_BETTER)))
			ck_assert_int_eq(rules_match(facts)->goal, GOAL_KEEP);
	}
}
END_TEST

/* I11. */
START_TEST(paused_does_nothing_automatic)
{
	for (uint32_t n = 0; n < MIXES; n++) {
		uint32_t facts = mix(n);
		enum rule_goal goal = rules_match(facts)->goal;

		if (!has(facts, FACT_PAUSED))
			continue;
		if (goal == GOAL_HAND_OVER)
			ck_assert(has(facts, FACT_MOVE_AWAY | FACT_MOVE_READY));
		if (goal == GOAL_RELEASE)
			ck_assert(has(facts, FACT_STOPPING));
		if (goal == GOAL_ASK)
			ck_assert(has(facts, FACT_MOVE_HERE) || has(facts, FACT_MOVING));
	}
}
END_TEST

/* Whatever else is so: to a better node, settled, with budget, and not with calls up if something is left. */
START_TEST(uplinks_move_only_for_good_reason)
{
	const uint32_t always = FACT_HOLDING | FACT_UPLINK_BETTER | FACT_UPLINK_SETTLED;
	bool moved[2] = { false };

	for (uint32_t n = 0; n < MIXES; n++) {
		uint32_t facts = mix(n);
		const struct rule *r = rules_match(facts);

		if (r->cause != CAUSE_UPLINK)
			continue;
		ck_assert(has(facts, always));
		ck_assert(!(facts & (FACT_PAUSED | FACT_UPLINK_FROZEN)));
		ck_assert(has(facts, FACT_UPLINK_LOST) ||
			  has(facts, FACT_UPLINK_DEGRADED | FACT_UPLINK_IDLE));
		moved[has(facts, FACT_UPLINK_LOST)] = true;
	}
	ck_assert(moved[0] && moved[1]);
}
END_TEST

/* Staying without a path, or with a worse one than others for lack of budget. */
START_TEST(alarms_are_of_holders_that_stay)
{
	size_t count, alarms = 0;
	const struct rule *rows = rules_table(&count);

	for (size_t i = 0; i < count; i++) {
		if (!rules_alarm(rows[i].number))
			continue;
		alarms++;
		ck_assert_int_eq(rows[i].goal, GOAL_KEEP);
		ck_assert(rows[i].when & (FACT_UPLINK_LOST | FACT_UPLINK_FROZEN));
	}
	ck_assert_uint_eq(alarms, 5);
}
END_TEST

START_TEST(only_the_fit_ask)
{
	for (uint32_t n = 0; n < MIXES; n++) {
		uint32_t facts = mix(n);

		if (rules_match(facts)->goal == GOAL_ASK) {
			ck_assert(has(facts, FACT_ELIGIBLE));
			ck_assert(!has(facts, FACT_STOPPING));
		}
	}
}
END_TEST

START_TEST(rows_print_themselves)
{
	char text[256], small[8];
	size_t count, n = rules_print(rules_match(FACT_HOLDING | FACT_PAUSED), text, sizeof text);
	const struct rule *rows = rules_table(&count);

	ck_assert_str_eq(text, "R220 +holding +paused -> keep: paused: keep holding, nothing is automatic");
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_uint_eq(rules_print(&rows[0], small, sizeof small), sizeof small - 1);
	ck_assert_str_eq(small, "R200 +h");
	ck_assert_uint_eq(rules_print(&rows[0], small, 0), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_lt(rules_print(&rows[i], text, sizeof text), sizeof text - 1);
}
END_TEST

UNIT_MAIN("rules", every_row_is_reached, numbers_are_unique_and_have_sentences,
	  holders_and_others_get_their_own_goals, healthy_holder_keeps, trouble_without_successor_keeps,
	  paused_does_nothing_automatic, uplinks_move_only_for_good_reason, alarms_are_of_holders_that_stay,
	  only_the_fit_ask, rows_print_themselves)
