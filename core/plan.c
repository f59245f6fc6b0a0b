/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan.h"

#include <assert.h>
#include <string.h>

struct plan_action *plan_add(struct core_plan *plan, enum plan_action_type type, group_index_t group)
{
	struct plan_action *a;

	assert(plan->count < PLAN_ACTIONS_MAX);
	a = &plan->actions[plan->count++];
	memset(a, 0, sizeof *a);
	a->type = type;
	a->group = group;
	return a;
}

/* ---- order of a plan ---- */

/* If a save fails, the rest of the plan is dropped. What does not hang on the promise goes before it:
 * history, intents, and above all the shutting of a gate. */
static bool plan_independent(const struct core_plan *plan, uint32_t i)
{
	const struct plan_action *a = &plan->actions[i];

	switch (a->type) {
	case PLAN_RECORD:
	case PLAN_SAVE_INTENT:
	case PLAN_RESERVE_EPOCHS:
	case PLAN_SAVE_VOTERS:
	case PLAN_EXPLAIN:
	case PLAN_FACTS_CHANGED:
	case PLAN_FENCE_ATTEMPT:
	case PLAN_FENCE_STATE:
	case PLAN_FENCE_SAVE:
		return true;
	case PLAN_GATE_SET:
		return a->gate_deadline.ns == 0;
	case PLAN_SAVE_VOTER:
	case PLAN_SEND:
	case PLAN_PULSE:
	case PLAN_PULSE_TO:
	case PLAN_STEP:
	case PLAN_FENCE_CALL:
	case PLAN_FENCE_SEND:
		return false;
	}
	return false;
}

/* Moves action `from` forward to `to`, keeping the order of the others. */
static void plan_move(struct core_plan *plan, uint32_t from, uint32_t to)
{
	struct plan_action a = plan->actions[from];

	memmove(&plan->actions[to + 1], &plan->actions[to], (from - to) * sizeof a);
	plan->actions[to] = a;
}

/* A gate opened and shut again in one plan stays shut, whatever order the two are in now. */
static void plan_shut(struct core_plan *plan, uint32_t from, uint32_t shut)
{
	for (uint32_t i = from; i < shut; i++)
		if (plan->actions[i].type == PLAN_GATE_SET &&
		    plan->actions[i].group == plan->actions[shut].group)
			plan->actions[i].gate_deadline = (boot_t){ 0 };
}

static void plan_order_saves(struct core_plan *plan)
{
	uint32_t save = 0;

	while (save < plan->count && plan->actions[save].type != PLAN_SAVE_VOTER)
		save++;
	for (uint32_t i = save + 1; i < plan->count; i++) {
		if (!plan_independent(plan, i))
			continue;
		if (plan->actions[i].type == PLAN_GATE_SET)
			plan_shut(plan, save, i);
		plan_move(plan, i, save++);
	}
}

/* An agent that is killed the moment after a gate has opened leaves a record of why. In their order: the end
 * of a sequence that was interrupted comes before the beginning of the next. */
static void plan_order_records(struct core_plan *plan)
{
	uint32_t open = 0;

	while (open < plan->count &&
	       (plan->actions[open].type != PLAN_GATE_SET || plan->actions[open].gate_deadline.ns == 0))
		open++;
	for (uint32_t i = open + 1; i < plan->count; i++)
		if (plan->actions[i].type == PLAN_RECORD)
			plan_move(plan, i, open++);
}

void plan_order(struct core_plan *plan)
{
	plan_order_saves(plan);
	plan_order_records(plan);
}
