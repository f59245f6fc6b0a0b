/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Same events, same plan: field by field, since padding may differ where a struct was copied from a stack.
 */
#include "sim.h"

static bool sim_records_equal(const struct core_record *a, const struct core_record *b)
{
	return a->type == b->type && a->group == b->group && a->node == b->node && a->peer == b->peer &&
	       epoch_cmp(a->epoch, b->epoch) == 0 && epoch_cmp(a->peer_epoch, b->peer_epoch) == 0 &&
	       a->begins == b->begins && a->cause == b->cause && a->reason == b->reason &&
	       a->command == b->command && a->operation == b->operation && a->ok == b->ok &&
	       a->at.ns == b->at.ns && a->asked_to_won_ns == b->asked_to_won_ns &&
	       a->won_to_announced_ns == b->won_to_announced_ns && a->won_to_awake_ns == b->won_to_awake_ns &&
	       a->won_to_verified_ns == b->won_to_verified_ns && a->failed_step == b->failed_step &&
	       a->error == b->error;
}

static bool sim_messages_equal(const struct lease_msg *a, const struct lease_msg *b)
{
	return a->type == b->type && a->group == b->group && a->from == b->from && a->to == b->to &&
	       epoch_cmp(a->epoch, b->epoch) == 0 && request_id_eq(a->id, b->id) &&
	       a->version == b->version && a->lease_ns == b->lease_ns && a->refusal == b->refusal &&
	       epoch_cmp(a->hi, b->hi) == 0 && a->promise_node == b->promise_node &&
	       a->promise_left_ns == b->promise_left_ns && a->successor == b->successor &&
	       a->voters.version == b->voters.version && a->voters.phase == b->voters.phase &&
	       a->voters.old_set == b->voters.old_set && a->voters.new_set == b->voters.new_set;
}

static bool sim_fence_ops_equal(const struct fence_operation *a, const struct fence_operation *b)
{
	return a->shooter == b->shooter && a->number == b->number && a->why == b->why &&
	       a->first_level == b->first_level;
}

static bool sim_fence_equal(const struct plan_action *a, const struct plan_action *b)
{
	const struct plan_fence_call *c = &a->fence_call, *d = &b->fence_call;
	const struct fence_msg *m = &a->fence_msg, *n = &b->fence_msg;

	if (a->type == PLAN_FENCE_CALL)
		return c->seq == d->seq && c->device == d->device && c->verb == d->verb &&
		       c->target == d->target && c->timeout_ns == d->timeout_ns && c->watch == d->watch;
	if (a->type == PLAN_FENCE_SEND)
		return m->type == n->type && m->target == n->target && m->boot == n->boot &&
		       m->state == n->state && m->level == n->level && m->device == n->device &&
		       sim_fence_ops_equal(&m->op, &n->op);
	if (a->type == PLAN_FENCE_ATTEMPT)
		return a->fence_attempt.target == b->fence_attempt.target &&
		       a->fence_attempt.answer == b->fence_attempt.answer &&
		       a->fence_attempt.took_ns == b->fence_attempt.took_ns;
	return a->fence_state.target == b->fence_state.target && a->fence_state.state == b->fence_state.state;
}

static bool sim_actions_equal(const struct plan_action *a, const struct plan_action *b)
{
	if (a->type != b->type || a->group != b->group || a->node != b->node)
		return false;
	switch (a->type) {
	case PLAN_GATE_SET:
		return a->gate_deadline.ns == b->gate_deadline.ns;
	case PLAN_SEND:
		return sim_messages_equal(&a->msg, &b->msg);
	case PLAN_STEP:
		return a->step.kind == b->step.kind && a->step.seq == b->step.seq &&
		       epoch_cmp(a->step.epoch, b->step.epoch) == 0;
	case PLAN_RECORD:
		return sim_records_equal(&a->record, &b->record);
	case PLAN_RESERVE_EPOCHS:
		return a->ceiling == b->ceiling;
	case PLAN_SAVE_VOTERS:
		return a->voters.version == b->voters.version && a->voters.new_set == b->voters.new_set;
	case PLAN_EXPLAIN:
		return a->explain.rule == b->explain.rule && a->explain.value == b->explain.value &&
		       epoch_cmp(a->explain.epoch, b->explain.epoch) == 0;
	case PLAN_FENCE_CALL:
	case PLAN_FENCE_SEND:
	case PLAN_FENCE_ATTEMPT:
	case PLAN_FENCE_STATE:
		return sim_fence_equal(a, b);
	case PLAN_SAVE_VOTER:
	case PLAN_PULSE:
	case PLAN_PULSE_TO:
	case PLAN_SAVE_INTENT:
	case PLAN_FACTS_CHANGED:
	case PLAN_FENCE_SAVE:
		return true;
	}
	return false;
}

bool sim_plans_equal(const struct core_plan *a, const struct core_plan *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!sim_actions_equal(&a->actions[i], &b->actions[i]))
			return false;
	return true;
}
