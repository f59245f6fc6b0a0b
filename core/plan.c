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
