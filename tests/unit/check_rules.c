/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The table of decisions, searched whole: every mix of facts has a row, every row can be reached, and what
 * must never be decided never is.
 */
#include "rules.h"

#include <string.h>

#include "unit.h"

#define MIXES (1U << RULE_FACTS_COUNT)

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
	for (uint32_t facts = 0; facts < MIXES; facts++)
		hits[rules_match(facts) - rows]++;
	for (size_t i = 0; i < count; i++)
		if (rows[i].number < RULE_WON)
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
	for (uint32_t facts = 0; facts < MIXES; facts++) {
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
				 FACT_LAN_DOWN | FACT_PBX_DEAD | FACT_PBX_SICK | FACT_FAILBACK;

	for (uint32_t facts = 0; facts < MIXES; facts++)
		if (has(facts, FACT_HOLDING) && !(facts & grounds))
			ck_assert_int_eq(rules_match(facts)->goal, GOAL_KEEP);
}
END_TEST

/* With no successor only a stopping agent lets go, or an operator's or failback's own ready target. */
START_TEST(trouble_without_successor_keeps)
{
	for (uint32_t facts = 0; facts < MIXES; facts++)
		if (has(facts, FACT_HOLDING) &&
		    !(facts & (FACT_SUCCESSOR | FACT_STOPPING | FACT_MOVE_READY | FACT_FAILBACK)))
			ck_assert_int_eq(rules_match(facts)->goal, GOAL_KEEP);
}
END_TEST

/* I11. */
START_TEST(paused_does_nothing_automatic)
{
	for (uint32_t facts = 0; facts < MIXES; facts++) {
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

START_TEST(only_the_fit_ask)
{
	for (uint32_t facts = 0; facts < MIXES; facts++)
		if (rules_match(facts)->goal == GOAL_ASK) {
			ck_assert(has(facts, FACT_ELIGIBLE));
			ck_assert(!has(facts, FACT_STOPPING));
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
	  paused_does_nothing_automatic, only_the_fit_ask, rows_print_themselves)
