/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Feeds the core and executes its plans, action by action in their order. A callback that arises while a plan
 * is executed (an announcement answered at once, say) is queued and fed after it: one event at a time.
 */
#include "agent.h"
#include "clock_read.h"
#include "log.h"
#include "rules.h"

#include <string.h>

/* The promise file of all groups, whole or not at all. */
static int executor_save_voter(struct agent *a)
{
	struct lease_memory memory[RK_GROUPS_MAX];
	struct state_promise promise[RK_GROUPS_MAX];
	uint8_t count = a->core.config.groups_count;

	core_voter_state(&a->core, memory);
	for (uint8_t i = 0; i < count; i++) {
		promise[i].wire_id = a->config->groups[i].wire_id;
		promise[i].memory = memory[i];
	}
	return state_promises_save(&a->run, promise, count);
}

static void executor_queue_message(struct agent *a, const struct lease_msg *msg)
{
	struct agent_outbox *box = &a->outbox[msg->to];

	/* More than fits in one round of the loop: send what is there, in order. */
	if (box->count == AGENT_OUTBOX_MAX)
		agent_flush(a);
	box->msg[box->count++] = *msg;
	box->due = true;
}

static void executor_pulse_all(struct agent *a)
{
	for (uint8_t i = 0; i < a->core.config.nodes_count; i++)
		if (a->core.config.nodes[i].id != a->self)
			a->outbox[a->core.config.nodes[i].id].due = true;
}

static void executor_explain(struct agent *a, const struct plan_action *act)
{
	const char *sentence = rules_sentence(act->explain.rule);

	log_info("R%u %s: %s rule=%u group=%s node=%s epoch=%llu.%u value=%lld", act->explain.rule,
		 agent_group_name(a, act->group), sentence ? sentence : "?", act->explain.rule,
		 agent_group_name(a, act->group), agent_node_name(a, act->node),
		 (unsigned long long)act->explain.epoch.counter, act->explain.epoch.node,
		 (long long)act->explain.value);
	if (act->explain.rule == RULE_TWO_HOLDERS)
		alone_overlap(a, act->group, act->node, act->explain.value);
}

static void executor_gate(struct agent *a, group_index_t group, boot_t deadline)
{
	if (a->gate) /* a witness has none */
		gate_set(a->gate, group, deadline);
}

/* False: the rest of the plan must not be executed. */
static bool executor_action(struct agent *a, const struct plan_action *act)
{
	int r;

	switch (act->type) {
	case PLAN_SAVE_VOTER:
		r = executor_save_voter(a);
		if (r < 0) {
			if (alarms_raise(&a->alarms, "promises", a->now.boot,
					 "The promise file in %s cannot be written (%s): no lease can be "
					 "granted or renewed; "
					 "make room there.",
					 a->paths.run_dir, strerror(-r)))
				log_error("promise file %s/voter: %s -> nothing granted", a->paths.run_dir,
					  strerror(-r));
			return false;
		}
		if (alarms_clear(&a->alarms, "promises"))
			log_notice("promise file %s/voter can be written again", a->paths.run_dir);
		break;
	case PLAN_GATE_SET:
		executor_gate(a, act->group, act->gate_deadline);
		break;
	case PLAN_SEND:
		executor_queue_message(a, &act->msg);
		break;
	case PLAN_PULSE:
		executor_pulse_all(a);
		break;
	case PLAN_PULSE_TO:
		a->outbox[act->node].due = true;
		break;
	case PLAN_STEP:
		steps_start(a, act->group, act->step.kind, act->step.seq, act->step.epoch);
		break;
	case PLAN_RECORD:
		records_core(a, &act->record);
		break;
	case PLAN_SAVE_INTENT:
		recorder_save_intent(&a->recorder, &a->core.intent);
		break;
	case PLAN_RESERVE_EPOCHS:
		recorder_save_ceiling(&a->recorder, act->ceiling);
		break;
	case PLAN_SAVE_VOTERS:
		recorder_save_voters(&a->recorder, &act->voters);
		break;
	case PLAN_EXPLAIN:
		executor_explain(a, act);
		break;
	case PLAN_FACTS_CHANGED:
		a->next_heartbeat = (boot_t){ 0 };
		break;
	case PLAN_FENCE_CALL:
		fences_call(a, &act->fence_call);
		break;
	case PLAN_FENCE_SEND:
		fences_send(a, &act->fence_msg);
		break;
	case PLAN_FENCE_ATTEMPT:
		fences_attempt(a, &act->fence_attempt);
		break;
	case PLAN_FENCE_STATE:
		fences_state(a, &act->fence_state);
		break;
	case PLAN_FENCE_SAVE:
		fences_save(a);
		break;
	}
	return true;
}

static void executor_step(struct agent *a, const struct core_event *ev)
{
	core_step(&a->core, ev, &a->plan);
	journal_event(&a->journal, &a->core, ev, &a->plan);
	for (uint32_t i = 0; i < a->plan.count; i++) {
		if (!executor_action(a, &a->plan.actions[i])) {
			struct core_event failed = { .type = CORE_SAVE_FAILED };

			agent_feed(a, &failed);
			return;
		}
	}
}

void agent_feed(struct agent *a, struct core_event *ev)
{
	ev->at = a->now;
	if (a->busy) {
		if (a->queue_count == AGENT_QUEUE_MAX) {
			/* A step whose answer is lost here runs into its own time limit. */
			log_error("event queue full: event type %d of group %d dropped", ev->type, ev->group);
			return;
		}
		a->queue[(a->queue_head + a->queue_count++) % AGENT_QUEUE_MAX] = *ev;
		return;
	}
	a->busy = true;
	executor_step(a, ev);
	while (a->queue_count) {
		struct core_event *next = &a->queue[a->queue_head];

		a->queue_head = (a->queue_head + 1) % AGENT_QUEUE_MAX;
		a->queue_count--;
		executor_step(a, next);
	}
	a->busy = false;
}

void agent_flush(struct agent *a)
{
	struct lease_view views[RK_GROUPS_MAX];
	bool viewed = false;
	node_set_t heard = 0;

	for (uint8_t i = 0; i < a->core.config.nodes_count; i++) {
		node_id_t node = a->core.config.nodes[i].id;
		struct agent_outbox *box = &a->outbox[node];

		if (!box->due || node == a->self)
			continue;
		if (!viewed) {
			struct instant now = clock_now();

			for (uint8_t g = 0; g < a->core.config.groups_count; g++)
				views[g] = core_view(&a->core, g, now);
			heard = core_heard(&a->core, now);
			viewed = true;
		}
		/* A node without a usable link is counted, and seen as silent. */
		(void)pulse_io_send(a->pulse, node, views, a->core.config.groups_count, box->msg,
				    (uint8_t)box->count, heard, a->now);
		box->due = false;
		box->count = 0;
	}
}
