/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "journal_codec.h"

#include "bytes.h"
#include "digest.h"
#include "journal.h"

#include <assert.h>
#include <stddef.h>

size_t journal_event_bytes(const struct core_event *ev)
{
	size_t head = offsetof(struct core_event, heard);

	switch (ev->type) {
	case CORE_TICK:
	case CORE_WAKE:
	case CORE_SAVE_FAILED:
	case CORE_STOP:
	case CORE_HELLO:
		return head;
	case CORE_PEER_LEFT:
		return head + sizeof ev->left;
	case CORE_FENCE_MESSAGE:
		return head + sizeof ev->fence_msg;
	case CORE_FENCE_ANSWER:
		return head + sizeof ev->fence_answer;
	case CORE_FENCE_ORDER:
		return head + sizeof ev->fence_order;
	case CORE_HEARD:
		return head + sizeof ev->heard;
	case CORE_VIEW:
		return head + sizeof ev->view;
	case CORE_MESSAGE:
		return head + sizeof ev->msg;
	case CORE_LOCAL_FACTS:
	case CORE_PEER_FACTS:
		return head + sizeof ev->facts;
	case CORE_COMMAND:
		return head + sizeof ev->command;
	case CORE_INTENT:
		return head + sizeof ev->intent;
	case CORE_STEP:
		return head + sizeof ev->step;
	case CORE_CEILING:
		return head + sizeof ev->ceiling;
	case CORE_VOTERS_SAVED:
	case CORE_VOTERS_CHANGE:
		return head + sizeof ev->voters;
	case CORE_ADOPT:
		return head + sizeof ev->adopt_deadline;
	case CORE_NATIVE:
		return head + sizeof ev->native;
	case CORE_LAN:
		return head + sizeof ev->lan;
	}
	return sizeof *ev;
}

const char *journal_event_name(enum core_event_type type)
{
	static const char *const names[] = {
		[CORE_TICK] = "tick",
		[CORE_WAKE] = "wake",
		[CORE_HEARD] = "heard",
		[CORE_VIEW] = "view",
		[CORE_MESSAGE] = "message",
		[CORE_LOCAL_FACTS] = "local facts",
		[CORE_PEER_FACTS] = "peer facts",
		[CORE_PEER_LEFT] = "peer left",
		[CORE_COMMAND] = "command",
		[CORE_INTENT] = "intent",
		[CORE_STEP] = "step ended",
		[CORE_SAVE_FAILED] = "save failed",
		[CORE_CEILING] = "ceiling saved",
		[CORE_VOTERS_SAVED] = "voters saved",
		[CORE_ADOPT] = "adopt",
		[CORE_STOP] = "stop",
		[CORE_VOTERS_CHANGE] = "voters change",
		[CORE_NATIVE] = "VRRP",
		[CORE_FENCE_MESSAGE] = "fence message",
		[CORE_FENCE_ANSWER] = "fence answer",
		[CORE_FENCE_ORDER] = "fence order",
		[CORE_LAN] = "service network",
		[CORE_HELLO] = "hello",
	};

	return (unsigned)type <= CORE_HELLO && names[type] ? names[type] : "unknown";
}

static void put_epoch(struct writer *w, struct epoch e)
{
	write_u64(w, e.counter);
	write_u8(w, e.node);
}

static void put_voters(struct writer *w, const struct voter_set *v)
{
	write_u32(w, v->version);
	write_u8(w, (uint8_t)v->phase);
	write_u64(w, v->old_set);
	write_u64(w, v->new_set);
}

static void put_msg(struct writer *w, const struct lease_msg *m)
{
	write_u8(w, (uint8_t)m->type);
	write_u8(w, m->from);
	write_u8(w, m->to);
	put_epoch(w, m->epoch);
	write_u64(w, m->id.process);
	write_u64(w, m->id.counter);
	write_u32(w, m->version);
	write_u64(w, (uint64_t)m->lease_ns);
	write_u8(w, (uint8_t)m->refusal);
	put_epoch(w, m->hi);
	write_u8(w, m->promise_node);
	write_u64(w, (uint64_t)m->promise_left_ns);
	write_u8(w, m->successor);
	put_voters(w, &m->voters);
}

static void put_record(struct writer *w, const struct core_record *r)
{
	write_u8(w, (uint8_t)r->type);
	write_u8(w, r->node);
	write_u8(w, r->peer);
	put_epoch(w, r->epoch);
	put_epoch(w, r->peer_epoch);
	write_u8(w, r->begins);
	write_u8(w, (uint8_t)r->cause);
	write_u8(w, r->reason);
	write_u8(w, r->command);
	write_u64(w, r->operation);
	write_u8(w, r->ok);
	write_u64(w, (uint64_t)r->at.ns);
	write_u64(w, (uint64_t)r->asked_to_won_ns);
	write_u64(w, (uint64_t)r->won_to_announced_ns);
	write_u64(w, (uint64_t)r->won_to_awake_ns);
	write_u64(w, (uint64_t)r->won_to_verified_ns);
	write_u64(w, (uint64_t)r->overlap_ns);
	write_u8(w, (uint8_t)r->failed_step);
	write_u32(w, (uint32_t)r->error);
}

static void put_fence_op(struct writer *w, const struct fence_operation *op)
{
	write_u8(w, op->shooter);
	write_u32(w, op->number);
	write_u8(w, (uint8_t)op->why);
	write_u8(w, op->first_level);
}

static void put_fence_call(struct writer *w, const struct plan_fence_call *c)
{
	write_u32(w, c->seq);
	write_u8(w, c->device);
	write_u8(w, (uint8_t)c->verb);
	write_u8(w, c->target);
	write_u64(w, (uint64_t)c->timeout_ns);
	write_u8(w, c->watch);
	write_u8(w, c->first_query);
}

static void put_fence_msg(struct writer *w, const struct fence_msg *m)
{
	write_u8(w, (uint8_t)m->type);
	write_u8(w, m->target);
	put_fence_op(w, &m->op);
	write_u64(w, m->boot);
	write_u8(w, (uint8_t)m->state);
	write_u8(w, m->level);
	write_u8(w, m->device);
}

static void put_fence_attempt(struct writer *w, const struct plan_fence_attempt *a)
{
	write_u8(w, a->target);
	put_fence_op(w, &a->op);
	write_u8(w, a->level);
	write_u8(w, a->device);
	write_u8(w, (uint8_t)a->verb);
	write_u8(w, (uint8_t)a->answer);
	write_u64(w, (uint64_t)a->took_ns);
}

static void put_action(struct writer *w, const struct plan_action *a)
{
	write_u8(w, (uint8_t)a->type);
	write_u8(w, a->group);
	switch (a->type) {
	case PLAN_SAVE_VOTER:
	case PLAN_PULSE:
	case PLAN_SAVE_INTENT:
	case PLAN_FACTS_CHANGED:
	case PLAN_FENCE_SAVE:
		break;
	case PLAN_GATE_SET:
		write_u64(w, (uint64_t)a->gate_deadline.ns);
		break;
	case PLAN_SEND:
		put_msg(w, &a->msg);
		break;
	case PLAN_PULSE_TO:
		write_u8(w, a->node);
		break;
	case PLAN_STEP:
		write_u8(w, (uint8_t)a->step.kind);
		write_u32(w, a->step.seq);
		put_epoch(w, a->step.epoch);
		break;
	case PLAN_RECORD:
		put_record(w, &a->record);
		break;
	case PLAN_RESERVE_EPOCHS:
		write_u64(w, a->ceiling);
		break;
	case PLAN_SAVE_VOTERS:
		put_voters(w, &a->voters);
		break;
	case PLAN_EXPLAIN:
		write_u8(w, a->node);
		write_u16(w, a->explain.rule);
		put_epoch(w, a->explain.epoch);
		write_u64(w, (uint64_t)a->explain.value);
		break;
	case PLAN_FENCE_CALL:
		put_fence_call(w, &a->fence_call);
		break;
	case PLAN_FENCE_SEND:
		put_fence_msg(w, &a->fence_msg);
		break;
	case PLAN_FENCE_ATTEMPT:
		put_fence_attempt(w, &a->fence_attempt);
		break;
	case PLAN_FENCE_STATE:
		write_u8(w, a->fence_state.target);
		write_u8(w, (uint8_t)a->fence_state.state);
		break;
	}
}

uint64_t journal_plan_digest(const struct core_plan *plan)
{
	uint64_t digest = DIGEST_FNV64_INIT;

	for (uint32_t i = 0; i < plan->count; i++) {
		uint8_t buffer[256];
		struct writer w = writer_init(buffer, sizeof buffer);

		put_action(&w, &plan->actions[i]);
		assert(!w.failed);
		digest = digest_fnv64(digest, buffer, w.used);
	}
	return digest;
}
