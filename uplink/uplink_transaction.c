/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_transaction.h"

#include <stddef.h>

#define BIT(task) (1U << (task))

static bool given(const struct uplink_transaction *t, enum uplink_task task)
{
	return t->given & BIT(task);
}

static bool reached(boot_t at)
{
	return at.ns != 0;
}

static bool passed(boot_t since, int64_t ns, boot_t now)
{
	return !boot_before(now, boot_add(since, ns));
}

bool uplink_transaction_late(const struct uplink_transaction *t, enum uplink_task task)
{
	return t->late & BIT(task);
}

void uplink_transaction_begin(struct uplink_transaction *t, enum uplink_switch_kind kind, bool may_undo,
			      bool reinvite, boot_t now)
{
	*t = (struct uplink_transaction){
		.kind = kind,
		.may_undo = may_undo && kind != UPLINK_KIND_FINISH,
		.reinvite = reinvite && kind == UPLINK_KIND_SWITCH,
		.begun = now,
		.why = "",
	};
	if (kind == UPLINK_KIND_FINISH)
		t->route_at = now;
}

void uplink_transaction_did(struct uplink_transaction *t, enum uplink_task task, bool ok, boot_t now)
{
	if (!ok)
		t->late |= BIT(task);
	if (task == UPLINK_TASK_ROUTE && !ok) {
		t->outcome = UPLINK_REFUSED;
		t->why = "there is no route";
	} else if (task == UPLINK_TASK_ROUTE) {
		t->route_at = now;
	} else if (task == UPLINK_TASK_FLUSH) {
		t->flush_at = now;
	} else if (task == UPLINK_TASK_PBX) {
		t->pbx_begun = now;
	} else if (task == UPLINK_TASK_TRUNKS) {
		t->trunks_begun = now;
	} else if (task == UPLINK_TASK_PBX_BACK) {
		t->back_begun = now;
	}
}

/* ---- what came of the steps ---- */

static void sip_look(struct uplink_transaction *t, const struct uplink_transaction_facts *f, boot_t now)
{
	if (reached(t->pbx_begun) && !reached(t->pbx_at) &&
	    (f->pbx_ended || passed(t->pbx_begun, UPLINK_PBX_NS, now))) {
		t->pbx_at = now;
		if (!f->pbx_ended || f->pbx_failed)
			t->late |= BIT(UPLINK_TASK_PBX);
	}
	if (reached(t->trunks_begun) && !reached(t->trunks_at) &&
	    (f->trunks_ended || (t->may_undo && f->trunks_failed) ||
	     passed(t->trunks_begun, UPLINK_TRUNKS_NS, now))) {
		t->trunks_at = now;
		if (!f->trunks_ended)
			t->late |= BIT(UPLINK_TASK_TRUNKS);
	}
}

static bool answered(const struct uplink_transaction *t, const struct uplink_transaction_facts *f)
{
	return reached(f->answered_at) && !boot_before(f->answered_at, t->route_at);
}

/* Why voice had better go back, or NULL. */
static const char *fault(const struct uplink_transaction *t)
{
	if (uplink_transaction_late(t, UPLINK_TASK_WAIT))
		return "no target answers there";
	if (uplink_transaction_late(t, UPLINK_TASK_PBX))
		return "the PBX does not follow";
	if (uplink_transaction_late(t, UPLINK_TASK_TRUNKS))
		return "trunks do not register there";
	return NULL;
}

static bool steps_ended(const struct uplink_transaction *t)
{
	bool flushed = t->kind == UPLINK_KIND_DRAIN || given(t, UPLINK_TASK_COUNT);
	bool sip = reached(t->pbx_at) && (t->kind == UPLINK_KIND_FINISH || reached(t->trunks_at));

	return flushed && sip;
}

static void end(struct uplink_transaction *t, enum uplink_outcome outcome, const char *why)
{
	t->outcome = outcome;
	if (why)
		t->why = why;
}

static void judge_line(struct uplink_transaction *t, const struct uplink_transaction_facts *f, boot_t now)
{
	if (t->kind == UPLINK_KIND_FINISH || t->heard)
		return;
	t->heard = answered(t, f);
	if (!t->heard && passed(t->route_at, UPLINK_ANSWER_NS, now))
		t->late |= BIT(UPLINK_TASK_WAIT);
}

static void judge(struct uplink_transaction *t, const struct uplink_transaction_facts *f, boot_t now)
{
	bool lost = f->new_lost && t->kind != UPLINK_KIND_FINISH;
	const char *why;

	judge_line(t, f, now);
	why = lost ? "that line was lost meanwhile" : fault(t);
	if (why && t->may_undo && f->old_fit) {
		t->undoing = true;
		t->why = why;
	} else if (lost) {
		end(t, UPLINK_UNPROVEN, why); /* so that there can be another decision at once */
	} else if (!steps_ended(t)) {
		return;
	} else if (why) {
		if (t->kind == UPLINK_KIND_FINISH || t->heard || uplink_transaction_late(t, UPLINK_TASK_WAIT))
			end(t, UPLINK_UNPROVEN, why);
	} else if (t->kind == UPLINK_KIND_FINISH || t->heard) {
		t->verified_at = now;
		end(t, UPLINK_DONE, NULL);
	}
}

/* ---- what is next ---- */

/* Trunks and calls show the address that the PBX has: not before it has the old one again. If the old line is
 * lost meanwhile, nothing holds up the next decision. */
static enum uplink_task next_back(const struct uplink_transaction *t,
				  const struct uplink_transaction_facts *f, boot_t now)
{
	static const enum uplink_task back[] = { UPLINK_TASK_ROUTE_BACK, UPLINK_TASK_FLUSH_BACK,
						 UPLINK_TASK_PBX_BACK };

	for (unsigned i = 0; i < sizeof back / sizeof back[0]; i++)
		if (!given(t, back[i]))
			return back[i];
	if (f->old_fit && !f->pbx_ended && !passed(t->back_begun, UPLINK_PBX_NS, now))
		return UPLINK_TASK_WAIT;
	if (!given(t, UPLINK_TASK_TRUNKS_BACK))
		return UPLINK_TASK_TRUNKS_BACK;
	if (given(t, UPLINK_TASK_REINVITE) && !given(t, UPLINK_TASK_REINVITE_BACK))
		return UPLINK_TASK_REINVITE_BACK;
	return UPLINK_TASK_END;
}

static enum uplink_task next_forth(const struct uplink_transaction *t, boot_t now)
{
	bool flush = t->kind != UPLINK_KIND_DRAIN;

	if (t->kind != UPLINK_KIND_FINISH && !given(t, UPLINK_TASK_ROUTE))
		return UPLINK_TASK_ROUTE;
	if (flush && !given(t, UPLINK_TASK_FLUSH))
		return UPLINK_TASK_FLUSH;
	if (!given(t, UPLINK_TASK_PBX))
		return UPLINK_TASK_PBX;
	/* With the address that the PBX has by then. */
	if (reached(t->pbx_at) && t->kind != UPLINK_KIND_FINISH && !given(t, UPLINK_TASK_TRUNKS))
		return UPLINK_TASK_TRUNKS;
	if (reached(t->pbx_at) && t->reinvite && !given(t, UPLINK_TASK_REINVITE))
		return UPLINK_TASK_REINVITE;
	if (flush && !given(t, UPLINK_TASK_FLUSH_AGAIN) && passed(t->route_at, UPLINK_AGAIN_NS, now))
		return UPLINK_TASK_FLUSH_AGAIN;
	if (flush && !given(t, UPLINK_TASK_COUNT) && passed(t->route_at, UPLINK_COUNT_NS, now))
		return UPLINK_TASK_COUNT;
	return UPLINK_TASK_WAIT;
}

static enum uplink_task give(struct uplink_transaction *t, enum uplink_task task)
{
	t->given |= task == UPLINK_TASK_WAIT ? 0 : BIT(task);
	return task;
}

enum uplink_task uplink_transaction_next(struct uplink_transaction *t,
					 const struct uplink_transaction_facts *f, boot_t now)
{
	enum uplink_task task;

	if (given(t, UPLINK_TASK_END))
		return UPLINK_TASK_WAIT;
	if (t->outcome == UPLINK_UNDER_WAY && !t->undoing) {
		sip_look(t, f, now);
		task = next_forth(t, now);
		if (task != UPLINK_TASK_WAIT)
			return give(t, task);
		judge(t, f, now);
	}
	if (t->undoing) {
		task = next_back(t, f, now);
		if (task == UPLINK_TASK_END)
			t->outcome = UPLINK_UNDONE;
		return give(t, task);
	}
	return t->outcome == UPLINK_UNDER_WAY ? UPLINK_TASK_WAIT : give(t, UPLINK_TASK_END);
}

boot_t uplink_transaction_due(const struct uplink_transaction *t)
{
	boot_t due = BOOT_NEVER;

	if (given(t, UPLINK_TASK_END))
		return BOOT_NEVER;
	if (reached(t->back_begun))
		return boot_add(t->back_begun, UPLINK_PBX_NS);
	if (!reached(t->route_at) || t->undoing || t->outcome != UPLINK_UNDER_WAY)
		return t->begun; /* at once */
	if (t->kind != UPLINK_KIND_DRAIN && !given(t, UPLINK_TASK_FLUSH_AGAIN))
		due = boot_add(t->route_at, UPLINK_AGAIN_NS);
	else if (t->kind != UPLINK_KIND_DRAIN && !given(t, UPLINK_TASK_COUNT))
		due = boot_add(t->route_at, UPLINK_COUNT_NS);
	if (reached(t->pbx_begun) && !reached(t->pbx_at))
		due = boot_min(due, boot_add(t->pbx_begun, UPLINK_PBX_NS));
	if (reached(t->trunks_begun) && !reached(t->trunks_at))
		due = boot_min(due, boot_add(t->trunks_begun, UPLINK_TRUNKS_NS));
	if (t->kind != UPLINK_KIND_FINISH && !t->heard && !uplink_transaction_late(t, UPLINK_TASK_WAIT))
		due = boot_min(due, boot_add(t->route_at, UPLINK_ANSWER_NS));
	return due;
}

static boot_t later(boot_t a, boot_t b)
{
	return boot_before(a, b) ? b : a;
}

static void pending_back(const struct uplink_transaction *t, struct uplink_pending *ret)
{
	boot_t begun = reached(t->back_begun) ? t->back_begun : t->begun;

	*ret = (struct uplink_pending){ .pbx = true,
					.soonest = BOOT_NEVER,
					.ended_by = boot_add(begun, UPLINK_PBX_NS) };
}

void uplink_transaction_pending(const struct uplink_transaction *t, struct uplink_pending *ret)
{
	boot_t route = reached(t->route_at) ? t->route_at : t->begun, sip = route;
	bool flush = t->kind != UPLINK_KIND_DRAIN, moves = t->kind != UPLINK_KIND_FINISH;

	if (t->undoing) {
		pending_back(t, ret);
		return;
	}
	*ret = (struct uplink_pending){ .pbx = !reached(t->pbx_at),
					.trunks = moves && !reached(t->trunks_at),
					.flows = flush && !given(t, UPLINK_TASK_COUNT),
					.answer = moves && !t->heard };
	if (ret->pbx)
		sip = boot_add(reached(t->pbx_begun) ? t->pbx_begun : route, UPLINK_PBX_NS);
	if (ret->trunks)
		sip = boot_add(reached(t->trunks_begun) ? t->trunks_begun : sip, UPLINK_TRUNKS_NS);
	ret->soonest = flush ? boot_add(route, UPLINK_COUNT_NS) : route;
	ret->ended_by = later(ret->soonest, sip);
	if (ret->answer)
		ret->ended_by = later(ret->ended_by, boot_add(route, UPLINK_ANSWER_NS));
}

const char *uplink_outcome_name(enum uplink_outcome o)
{
	static const char *const names[] = {
		[UPLINK_UNDER_WAY] = "under way",   [UPLINK_DONE] = "done",
		[UPLINK_UNPROVEN] = "not verified", [UPLINK_UNDONE] = "undone",
		[UPLINK_REFUSED] = "refused",
	};

	return o <= UPLINK_REFUSED ? names[o] : "?";
}
