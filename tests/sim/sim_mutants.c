/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The simulator must be able to fail: each mutant takes one rule out of the core (by wrapping a function of
 * it at link time) and must be caught within a few hundred seeds, for the right reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core_private.h"
#include "fence_private.h"
#include "sim.h"

#define MUTANT_SEEDS_MAX 1500

enum mutant {
	MUTANT_NONE,
	MUTANT_PAUSE_IGNORED,
	MUTANT_ASKS_UNFIT,
	MUTANT_NO_SUCCESSOR_NEEDED,
	MUTANT_HEALTHY_LETS_GO,
	MUTANT_BELIEVES_DEAD_PBX,
	MUTANT_MOVE_ALWAYS_READY,
	MUTANT_STOP_IGNORED,
	MUTANT_STANDBY_IGNORED,
	MUTANT_GATE_LEFT_OPEN,
	MUTANT_TWO_RECORDS,
	MUTANT_NO_RECORD,
	MUTANT_RECORD_AT_THE_END,
	MUTANT_STEP_WITHOUT_BOUND,
	MUTANT_DROPPED_STEP_FORGOTTEN,
	MUTANT_OPERATION_WITHOUT_END,
	MUTANT_VIEWS_NOT_SEEN,
	MUTANT_INTENT_NOT_MERGED,
	MUTANT_RELEASE_WITHOUT_BOUND,
	MUTANT_FAILOVER_WAITS,
	MUTANT_CALLS_IGNORED,
	MUTANT_CALLS_NOT_SETTLED,
	MUTANT_DRAIN_WITHOUT_END,
	MUTANT_DRAIN_IN_SPITE_OF_PAUSE,
	MUTANT_CANCEL_IGNORED,
	MUTANT_PROOF_NOT_NEEDED,
	MUTANT_SHOOTS_THE_LIVING,
	MUTANT_ANY_ANSWER_IS_A_PROOF,
	MUTANT_SHOT_WITHOUT_END,
	MUTANT_HIDDEN_STATE,
	MUTANT_FIRST_WITH_UPLINKS,
	MUTANT_UPLINK_OLD_REPORT = MUTANT_FIRST_WITH_UPLINKS,
	MUTANT_UPLINK_SEEN_BEFORE,
	MUTANT_UPLINK_UNFIT,
	MUTANT_UPLINK_CALLS,
	MUTANT_UPLINK_LOCAL_LAST,
	MUTANT_UPLINK_NOT_SETTLED,
	MUTANT_UPLINK_OTHER_NOT_SETTLED,
	MUTANT_UPLINK_MOVES_FORGOTTEN,
	MUTANT_UPLINK_MOVES_NOT_TOLD,
	MUTANT_UPLINK_FAILBACK_BY_CLASS,
	MUTANT_UPLINK_STAYS_LOST,
	MUTANTS,
};

static const struct {
	const char *name;
	const char *caught_as; /* beginning of the failure, after its time */
	uint64_t first;	       /* the hunt begins here: the search from 1 on took minutes; a change of the
				* simulator may move it, and it is found again */
} mutants[MUTANTS] = {
	[MUTANT_NONE] = { "no mutant", NULL },
	[MUTANT_PAUSE_IGNORED] = { "the pause is ignored", "I11" },
	[MUTANT_ASKS_UNFIT] = { "an unfit node asks", "I2" },
	[MUTANT_NO_SUCCESSOR_NEEDED] = { "a holder in trouble lets go with no successor", "I4" },
	[MUTANT_HEALTHY_LETS_GO] = { "a healthy holder lets go although failback is manual", "I4" },
	[MUTANT_BELIEVES_DEAD_PBX] = { "a healthy PBX is taken for dead", "I4" },
	[MUTANT_MOVE_ALWAYS_READY] = { "an operation moves to a target that is not ready", "I4" },
	[MUTANT_STOP_IGNORED] = { "stop is ignored", "I" },
	[MUTANT_STANDBY_IGNORED] = { "placement ignores standby", "I" },
	[MUTANT_GATE_LEFT_OPEN] = { "the gate stays open at a hand-over", "I1:" },
	[MUTANT_TWO_RECORDS] = { "a change is recorded twice", "I8" },
	[MUTANT_NO_RECORD] = { "a change is not recorded", "I8" },
	[MUTANT_RECORD_AT_THE_END] = { "a change is recorded when its steps have ended", "I8" },
	[MUTANT_STEP_WITHOUT_BOUND] = { "a silent step is waited for for ever", "I9" },
	[MUTANT_DROPPED_STEP_FORGOTTEN] = { "a dropped step is not started again", "steps" },
	[MUTANT_OPERATION_WITHOUT_END] = { "an operation has no end", "I9" },
	[MUTANT_VIEWS_NOT_SEEN] = { "the holder in the views is not seen", "I9" },
	[MUTANT_INTENT_NOT_MERGED] = { "intents are not merged after a partition", "I9" },
	[MUTANT_RELEASE_WITHOUT_BOUND] = { "a planned hand-over waits for ever", "I9" },
	[MUTANT_FAILOVER_WAITS] = { "a failover waits, too", "I3" },
	[MUTANT_CALLS_IGNORED] = { "a drained move does not look at calls", "I14" },
	[MUTANT_CALLS_NOT_SETTLED] = { "a drained move takes the first moment with no call", "I14" },
	[MUTANT_DRAIN_WITHOUT_END] = { "a drain has no end", "I9" },
	[MUTANT_DRAIN_IN_SPITE_OF_PAUSE] = { "a drained move does not look at the pause", "I11" },
	[MUTANT_CANCEL_IGNORED] = { "an operation goes on although it was cancelled", "I14" },
	[MUTANT_PROOF_NOT_NEEDED] = { "fence = required does not wait", "fence" },
	[MUTANT_SHOOTS_THE_LIVING] = { "a node that is heard is shot", "fence" },
	[MUTANT_ANY_ANSWER_IS_A_PROOF] = { "any answer of a device is a proof", "fence" },
	[MUTANT_SHOT_WITHOUT_END] = { "a shooter never ends what it began", "I" },
	[MUTANT_HIDDEN_STATE] = { "a decision depends on hidden state", "determinism" },
	[MUTANT_UPLINK_OLD_REPORT] = { "uplinks: a report may be old", "U2" },
	[MUTANT_UPLINK_SEEN_BEFORE] = { "uplinks: a report may be from before what it is asked about",
					"U10" },
	[MUTANT_UPLINK_UNFIT] = { "uplinks: the other node need not be fit", "" },
	[MUTANT_UPLINK_CALLS] = { "uplinks: calls do not count", "U4" },
	[MUTANT_UPLINK_LOCAL_LAST] = { "uplinks: a node does not help itself first", "U" },
	[MUTANT_UPLINK_NOT_SETTLED] = { "uplinks: no waiting here", "U10" },
	[MUTANT_UPLINK_OTHER_NOT_SETTLED] = { "uplinks: no waiting there", "U10" },
	[MUTANT_UPLINK_MOVES_FORGOTTEN] = { "uplinks: moves have no budget", "U10", 630 },
	[MUTANT_UPLINK_MOVES_NOT_TOLD] = { "uplinks: a node counts its own moves alone", "U10", 1300 },
	[MUTANT_UPLINK_FAILBACK_BY_CLASS] = { "uplinks: failback follows them", "U4" },
	[MUTANT_UPLINK_STAYS_LOST] = { "uplinks: no path is no reason", "I" },
};

static enum mutant mutant_now;

static bool mutant_is(enum mutant m)
{
	return mutant_now == m;
}

/* ---- the wrapped functions ---- */

const struct rule *__real_rules_match(uint32_t facts);
const struct rule *__wrap_rules_match(uint32_t facts);
void __real_placement_decide(const struct placement_input *inputs, uint8_t count, bool ignore_health,
			     const struct placement_policy *policy, struct placement *ret);
void __wrap_placement_decide(const struct placement_input *inputs, uint8_t count, bool ignore_health,
			     const struct placement_policy *policy, struct placement *ret);
void __real_lease_hand_over(struct lease *l, node_id_t successor, struct instant now, struct core_plan *plan);
void __wrap_lease_hand_over(struct lease *l, node_id_t successor, struct instant now, struct core_plan *plan);
void __real_takeover_start(struct takeover *t, group_index_t group, enum takeover_direction direction,
			   const struct core_record *record, struct core_plan *plan);
void __wrap_takeover_start(struct takeover *t, group_index_t group, enum takeover_direction direction,
			   const struct core_record *record, struct core_plan *plan);
void __real_takeover_tick(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan);
void __wrap_takeover_tick(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan);
boot_t __real_takeover_next(const struct takeover *t);
boot_t __wrap_takeover_next(const struct takeover *t);
void __real_takeover_repeat(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan);
void __wrap_takeover_repeat(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan);
void __real_core_operation_tick(struct core_turn *t, group_index_t group);
void __wrap_core_operation_tick(struct core_turn *t, group_index_t group);
void __real_core_own_facts_set(struct core_turn *t, const struct node_facts *facts);
void __wrap_core_own_facts_set(struct core_turn *t, const struct node_facts *facts);
void __real_core_command_take(struct core_turn *t, const struct core_command *cmd);
void __wrap_core_command_take(struct core_turn *t, const struct core_command *cmd);
void __real_core_decide(struct core_turn *t, group_index_t group);
void __wrap_core_decide(struct core_turn *t, group_index_t group);
void __real_core_seen_view(struct core_turn *t, group_index_t group, node_id_t from,
			   const struct lease_view *view);
void __wrap_core_seen_view(struct core_turn *t, group_index_t group, node_id_t from,
			   const struct lease_view *view);
void __real_core_intent_merge(struct core_turn *t, const struct core_intent *other);
void __wrap_core_intent_merge(struct core_turn *t, const struct core_intent *other);

const struct rule *__wrap_rules_match(uint32_t facts)
{
	const uint32_t trouble = FACT_GATE_LOST | FACT_LAN_DOWN | FACT_PBX_DEAD | FACT_PBX_SICK;

	if (mutant_is(MUTANT_PAUSE_IGNORED))
		facts &= ~(uint32_t)FACT_PAUSED;
	if (mutant_is(MUTANT_ASKS_UNFIT))
		facts |= FACT_ELIGIBLE;
	if (mutant_is(MUTANT_NO_SUCCESSOR_NEEDED) && facts & trouble)
		facts |= FACT_SUCCESSOR;
	if (mutant_is(MUTANT_HEALTHY_LETS_GO))
		facts |= FACT_FAILBACK;
	if (mutant_is(MUTANT_BELIEVES_DEAD_PBX))
		facts |= FACT_PBX_DEAD;
	if (mutant_is(MUTANT_MOVE_ALWAYS_READY) && facts & FACT_MOVE_AWAY)
		facts |= FACT_MOVE_READY;
	if (mutant_is(MUTANT_STOP_IGNORED))
		facts &= ~(uint32_t)FACT_STOPPING;
	return __real_rules_match(facts);
}

void __wrap_placement_decide(const struct placement_input *inputs, uint8_t count, bool ignore_health,
			     const struct placement_policy *policy, struct placement *ret)
{
	static unsigned calls;
	struct placement_input changed[RK_NODES_MAX];

	memcpy(changed, inputs, count * sizeof changed[0]);
	for (int i = 0; i < count; i++) {
		if (mutant_is(MUTANT_STANDBY_IGNORED))
			changed[i].standby = false;
		if (mutant_is(MUTANT_UPLINK_FAILBACK_BY_CLASS))
			changed[i].uplink_most = UPLINK_UNKNOWN;
		if (mutant_is(MUTANT_HIDDEN_STATE) && ++calls % 1009 == 0)
			changed[i].reachable = false;
	}
	__real_placement_decide(changed, count, ignore_health, policy, ret);
}

void __wrap_lease_hand_over(struct lease *l, node_id_t successor, struct instant now, struct core_plan *plan)
{
	uint32_t first = plan->count;

	__real_lease_hand_over(l, successor, now, plan);
	for (uint32_t i = first; i < plan->count && mutant_is(MUTANT_GATE_LEFT_OPEN); i++)
		if (plan->actions[i].type == PLAN_GATE_SET)
			plan->actions[i].type = PLAN_FACTS_CHANGED;
}

void __wrap_takeover_start(struct takeover *t, group_index_t group, enum takeover_direction direction,
			   const struct core_record *record, struct core_plan *plan)
{
	struct core_record changed = *record;
	uint32_t first = plan->count;

	if (mutant_is(MUTANT_NO_RECORD) && direction == TAKEOVER_UP)
		changed.type = 0;
	__real_takeover_start(t, group, direction, &changed, plan);
	if (mutant_is(MUTANT_TWO_RECORDS))
		__real_takeover_start(t, group, direction, &changed, plan);
	for (uint32_t i = first; i < plan->count && mutant_is(MUTANT_RECORD_AT_THE_END); i++)
		if (plan->actions[i].type == PLAN_RECORD && plan->actions[i].record.begins)
			plan->actions[i].type = PLAN_FACTS_CHANGED;
}

void __wrap_takeover_tick(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan)
{
	if (!mutant_is(MUTANT_STEP_WITHOUT_BOUND))
		__real_takeover_tick(t, group, now, plan);
}

boot_t __wrap_takeover_next(const struct takeover *t)
{
	return mutant_is(MUTANT_STEP_WITHOUT_BOUND) ? BOOT_NEVER : __real_takeover_next(t);
}

void __wrap_takeover_repeat(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan)
{
	if (!mutant_is(MUTANT_DROPPED_STEP_FORGOTTEN))
		__real_takeover_repeat(t, group, now, plan);
}

void __wrap_core_own_facts_set(struct core_turn *t, const struct node_facts *facts)
{
	struct node_facts changed = *facts;

	for (group_index_t g = 0; g < t->c->config.groups_count; g++) {
		struct core_group *group = &t->c->group[g];

		if (mutant_is(MUTANT_CALLS_IGNORED))
			changed.group[g].calls = 0;
		if (mutant_is(MUTANT_CALLS_NOT_SETTLED) && changed.group[g].calls == 0)
			group->idle_since = boot_add(t->now.boot, -CORE_DRAIN_SETTLE_NS);
	}
	__real_core_own_facts_set(t, &changed);
}

void __wrap_core_command_take(struct core_turn *t, const struct core_command *cmd)
{
	if (!mutant_is(MUTANT_CANCEL_IGNORED) || cmd->type != COMMAND_CANCEL)
		__real_core_command_take(t, cmd);
}

void __wrap_core_operation_tick(struct core_turn *t, group_index_t group)
{
	struct core_operation *op = &t->c->group[group].operation;
	bool paused = t->c->intent.paused;

	if (mutant_is(MUTANT_DRAIN_WITHOUT_END) && core_operation_drains(op))
		op->drain_until = boot_add(t->now.boot, NS_PER_S);
	if (mutant_is(MUTANT_DRAIN_IN_SPITE_OF_PAUSE))
		t->c->intent.paused = false;
	/* core_next() would wait for the end that never comes: push it ahead. */
	if (mutant_is(MUTANT_OPERATION_WITHOUT_END))
		t->c->group[group].operation.until = boot_add(t->now.boot, NS_PER_S);
	else
		__real_core_operation_tick(t, group);
	t->c->intent.paused = paused;
}

void __wrap_core_decide(struct core_turn *t, group_index_t group)
{
	struct core_group *g = &t->c->group[group];
	enum pbx_health pbx = t->c->facts.group[group].pbx;

	if (mutant_is(MUTANT_RELEASE_WITHOUT_BOUND) && g->release_asked.ns)
		g->release_asked = t->now.boot;
	if (mutant_is(MUTANT_FAILOVER_WAITS) && g->release_asked.ns && (pbx == PBX_DEAD || pbx == PBX_SICK))
		return;
	__real_core_decide(t, group);
}

void __wrap_core_seen_view(struct core_turn *t, group_index_t group, node_id_t from,
			   const struct lease_view *view)
{
	if (!mutant_is(MUTANT_VIEWS_NOT_SEEN))
		__real_core_seen_view(t, group, from, view);
}

void __wrap_core_intent_merge(struct core_turn *t, const struct core_intent *other)
{
	if (!mutant_is(MUTANT_INTENT_NOT_MERGED))
		__real_core_intent_merge(t, other);
}

bool __real_core_fence_waits(const struct core *c, group_index_t group, boot_t now);
bool __wrap_core_fence_waits(const struct core *c, group_index_t group, boot_t now);
bool __real_fence_gone(const struct fence *f, node_id_t n, const struct fence_world *w);
bool __wrap_fence_gone(const struct fence *f, node_id_t n, const struct fence_world *w);
bool __real_fence_shot_answered(struct fence_turn *t, node_id_t n, enum fence_answer answer, int64_t took_ns);
bool __wrap_fence_shot_answered(struct fence_turn *t, node_id_t n, enum fence_answer answer, int64_t took_ns);
void __real_fence_tick(struct fence *f, const struct fence_world *w, struct core_plan *plan);
void __wrap_fence_tick(struct fence *f, const struct fence_world *w, struct core_plan *plan);

bool __wrap_core_fence_waits(const struct core *c, group_index_t group, boot_t now)
{
	return !mutant_is(MUTANT_PROOF_NOT_NEEDED) && __real_core_fence_waits(c, group, now);
}

bool __wrap_fence_gone(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	return mutant_is(MUTANT_SHOOTS_THE_LIVING) || __real_fence_gone(f, n, w);
}

bool __wrap_fence_shot_answered(struct fence_turn *t, node_id_t n, enum fence_answer answer, int64_t took_ns)
{
	if (mutant_is(MUTANT_ANY_ANSWER_IS_A_PROOF))
		answer = t->f->target[n].phase == FENCE_PHASE_STATUS ? FENCE_ANSWER_OFF : FENCE_ANSWER_OK;
	return __real_fence_shot_answered(t, n, answer, took_ns);
}

void __wrap_fence_tick(struct fence *f, const struct fence_world *w, struct core_plan *plan)
{
	if (mutant_is(MUTANT_SHOT_WITHOUT_END))
		for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
			f->target[n].deadline = boot_add(w->now, NS_PER_S);
	__real_fence_tick(f, w, plan);
}

void __real_uplink_move_look(const struct uplink_move_facts *f, const struct uplink_move_policy *p,
			     boot_t now, struct uplink_move *ret);
void __wrap_uplink_move_look(const struct uplink_move_facts *f, const struct uplink_move_policy *p,
			     boot_t now, struct uplink_move *ret);
void __real_core_uplinks_told(struct core *c, node_id_t from, const struct node_facts *facts);
void __wrap_core_uplinks_told(struct core *c, node_id_t from, const struct node_facts *facts);

static void links_since(struct uplink_move_node *n, boot_t since)
{
	for (int i = 0; i < n->count; i++)
		n->uplink[i].since = since;
}

void __wrap_uplink_move_look(const struct uplink_move_facts *f, const struct uplink_move_policy *p,
			     boot_t now, struct uplink_move *ret)
{
	struct uplink_move_facts changed = *f;
	const boot_t long_ago = boot_add(now, -1000 * NS_PER_S);

	for (int i = 0; i < f->others_count; i++) {
		struct uplink_move_node *o = &changed.other[i];

		o->fresh |= mutant_is(MUTANT_UPLINK_OLD_REPORT);
		o->fit |= mutant_is(MUTANT_UPLINK_UNFIT);
		if (mutant_is(MUTANT_UPLINK_SEEN_BEFORE) || mutant_is(MUTANT_UPLINK_OLD_REPORT))
			o->seen = now;
		if (mutant_is(MUTANT_UPLINK_OTHER_NOT_SETTLED))
			links_since(o, long_ago);
	}
	if (mutant_is(MUTANT_UPLINK_NOT_SETTLED))
		links_since(&changed.self, long_ago);
	if (mutant_is(MUTANT_UPLINK_CALLS))
		changed.calls = 0;
	if (mutant_is(MUTANT_UPLINK_LOCAL_LAST) && f->self.in_use >= 0) {
		changed.self.count = 1;
		changed.self.uplink[0] = f->self.uplink[f->self.in_use];
		changed.self.in_use = 0;
	}
	if (mutant_is(MUTANT_UPLINK_MOVES_FORGOTTEN))
		changed.moves_count = 0;
	__real_uplink_move_look(&changed, p, now, ret);
	if (mutant_is(MUTANT_UPLINK_STAYS_LOST))
		ret->facts &= ~(uint32_t)FACT_UPLINK_LOST;
}

void __wrap_core_uplinks_told(struct core *c, node_id_t from, const struct node_facts *facts)
{
	if (!mutant_is(MUTANT_UPLINK_MOVES_NOT_TOLD))
		__real_core_uplinks_told(c, from, facts);
}

/* ---- the hunt ---- */

/* The seed that catches it, 0 if none does; ret_failure as the simulator says it. */
static uint64_t mutant_hunt(enum mutant m, char *ret_failure, size_t size)
{
	mutant_now = m;
	uint64_t first = mutants[m].first ? mutants[m].first : 1;

	for (uint64_t seed = first; seed < first + MUTANT_SEEDS_MAX; seed++) {
		const struct sim_options options = { .seed = seed,
						     .uplinks = m >= MUTANT_FIRST_WITH_UPLINKS };
		struct sim *s = sim_new(&options);
		bool good = sim_play(s);

		(void)snprintf(ret_failure, size, "%s", s->failure);
		sim_free(s);
		if (!good)
			return seed;
	}
	return 0;
}

static bool mutant_caught(enum mutant m)
{
	char failure[512];
	uint64_t seed = mutant_hunt(m, failure, sizeof failure);
	const char *what = strstr(failure, "ms: ");
	bool right =
		seed && what && strncmp(what + 4, mutants[m].caught_as, strlen(mutants[m].caught_as)) == 0;

	printf("%s (seed %u): %s%s%s\n", right ? "caught" : "MISSED", (unsigned)seed, mutants[m].name,
	       seed ? ": " : "", seed ? failure : "");
	return right;
}

/* --uplinks: those of worlds with uplinks; else the others. */
int main(int argc, char **argv)
{
	bool uplinks = argc > 1 && strcmp(argv[1], "--uplinks") == 0;
	int first = uplinks ? MUTANT_FIRST_WITH_UPLINKS : MUTANT_NONE + 1;
	int end = uplinks ? MUTANTS : MUTANT_FIRST_WITH_UPLINKS;
	int missed = 0;

	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* one that takes long is seen to */
	for (int m = first; m < end; m++)
		missed += !mutant_caught((enum mutant)m);
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}
