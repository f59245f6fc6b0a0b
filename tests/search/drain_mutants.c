/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takes the rules of a drain away one by one, by wrapping a function of the core at link time, and shows that
 * the search sees the loss.
 */
#include <stdio.h>
#include <string.h>

#include "core_private.h"
#include "drain_configs.h"
#include "drain_explore.h"

enum mutant {
	MUTANT_NO_PROMISE,
	MUTANT_CANCEL_IGNORED,
	MUTANT_CANCEL_FORGETS_RELEASE,
	MUTANT_CALLS_IGNORED,
	MUTANT_CALLS_NOT_SETTLED,
	MUTANT_DRAIN_WITHOUT_END,
	MUTANT_OTHERS_TOO_EARLY,
	MUTANT_QUORUM_IGNORED,
	MUTANTS,
};

static const struct {
	const char *what;
	const char *expect; /* beginning of the violation */
	struct drain_config config;
} mutants[MUTANTS] = {
	[MUTANT_NO_PROMISE] = { "the holder promises the group to the target",
				"I14: let go without a promise", DRAIN_CALLS_CONFIG },
	[MUTANT_CANCEL_IGNORED] = { "a cancel ends the drain", "I14: let go for a drain that was cancelled",
				    DRAIN_CALLS_CONFIG },
	[MUTANT_CANCEL_FORGETS_RELEASE] = { "a cancel ends what is said outside, too", "I14: cancelled, but",
					    DRAIN_RELEASE_CONFIG },
	[MUTANT_CALLS_IGNORED] = { "calls are waited for", "I14: let go with calls up", DRAIN_CALLS_CONFIG },
	[MUTANT_CALLS_NOT_SETTLED] = { "... for two seconds", "I14: let go although a call",
				       DRAIN_CALLS_CONFIG },
	[MUTANT_DRAIN_WITHOUT_END] = { "the time to drain is bounded", "I14: let go after the time",
				       DRAIN_CALLS_CONFIG },
	[MUTANT_OTHERS_TOO_EARLY] = { "the others call it failed later than the holder",
				      "I8: failed, says the origin", DRAIN_RELEASE_CONFIG },
	[MUTANT_QUORUM_IGNORED] = { "a holder without a quorum drains no more",
				    "I14: let go for a drain that was cancelled while", DRAIN_CUT_CONFIG },
};

static enum mutant mutant_now = MUTANTS;

static bool mutant_is(enum mutant m)
{
	return mutant_now == m;
}

void __real_lease_hand_over(struct lease *l, node_id_t successor, struct instant now, struct core_plan *plan);
void __wrap_lease_hand_over(struct lease *l, node_id_t successor, struct instant now, struct core_plan *plan);
void __real_core_command_take(struct core_turn *t, const struct core_command *cmd);
void __wrap_core_command_take(struct core_turn *t, const struct core_command *cmd);
void __real_core_own_facts_set(struct core_turn *t, const struct node_facts *facts);
void __wrap_core_own_facts_set(struct core_turn *t, const struct node_facts *facts);
void __real_core_operation_tick(struct core_turn *t, group_index_t group);
void __wrap_core_operation_tick(struct core_turn *t, group_index_t group);
void __real_core_decide(struct core_turn *t, group_index_t group);
void __wrap_core_decide(struct core_turn *t, group_index_t group);

void __wrap_lease_hand_over(struct lease *l, node_id_t successor, struct instant now, struct core_plan *plan)
{
	__real_lease_hand_over(l, mutant_is(MUTANT_NO_PROMISE) ? NODE_NONE : successor, now, plan);
}

void __wrap_core_command_take(struct core_turn *t, const struct core_command *cmd)
{
	if (!mutant_is(MUTANT_CANCEL_IGNORED) || cmd->type != COMMAND_CANCEL)
		__real_core_command_take(t, cmd);
}

void __wrap_core_own_facts_set(struct core_turn *t, const struct node_facts *facts)
{
	struct node_facts changed = *facts;

	if (mutant_is(MUTANT_CALLS_IGNORED))
		changed.group[0].calls = 0;
	if (mutant_is(MUTANT_CALLS_NOT_SETTLED) && facts->group[0].calls == 0)
		t->c->group[0].idle_since = boot_add(t->now.boot, -CORE_DRAIN_SETTLE_NS);
	if (mutant_is(MUTANT_QUORUM_IGNORED))
		changed.quorate = true;
	__real_core_own_facts_set(t, &changed);
}

void __wrap_core_operation_tick(struct core_turn *t, group_index_t group)
{
	struct core_operation *op = &t->c->group[group].operation;

	if (mutant_is(MUTANT_DRAIN_WITHOUT_END) && core_operation_drains(op))
		op->drain_until = boot_add(t->now.boot, NS_PER_S);
	if (mutant_is(MUTANT_OTHERS_TOO_EARLY) && core_operation_drains(op) &&
	    !lease_holds(&t->c->group[group].lease) && !boot_before(t->now.boot, op->drain_until))
		core_operation_end(t, group, REASON_CALLS_UP);
	__real_core_operation_tick(t, group);
}

void __wrap_core_decide(struct core_turn *t, group_index_t group)
{
	boot_t asked = t->c->group[group].release_asked;

	__real_core_decide(t, group);
	if (mutant_is(MUTANT_CANCEL_FORGETS_RELEASE) && lease_holds(&t->c->group[group].lease) &&
	    asked.ns != 0)
		t->c->group[group].release_asked = asked;
}

static bool caught(enum mutant m)
{
	struct drain_result r;
	bool ok;

	mutant_now = m;
	r = drain_explore(&mutants[m].config, false);
	ok = r.violation && strncmp(r.violation, mutants[m].expect, strlen(mutants[m].expect)) == 0;
	printf("%-4s removed: %-50s %8u states, %5.1f s %s\n", ok ? "ok" : "FAIL", mutants[m].what, r.states,
	       r.seconds, r.violation ? r.violation : "");
	return ok;
}

int main(void)
{
	int missed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int m = 0; m < MUTANTS; m++)
		missed += !caught((enum mutant)m);
	return missed != 0;
}
