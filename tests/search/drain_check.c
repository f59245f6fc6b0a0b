/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drain_private.h"

static void world_wrong(struct drain_world *w, const char *what)
{
	if (!w->bad)
		w->bad = what;
}

void drain_check_gates(struct drain_world *w)
{
	int open = 0;

	for (int n = 1; n <= DRAIN_NODES; n++)
		open += drain_world_up(w, n) && boot_before(drain_world_now(w).boot, w->gate[n]);
	if (open > 1)
		world_wrong(w, "I1: two gates are open");
}

static bool plan_promises(const struct core_plan *plan, node_id_t successor)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_action *a = &plan->actions[i];

		if (a->type == PLAN_SEND && a->msg.type == LEASE_RELEASE && a->msg.successor == successor)
			return true;
	}
	return false;
}

/* The origin called it failed because its time was over: then nobody begins it any more. */
static bool end_was_time(const struct drain_truth *t)
{
	return t->ends > 0 && !t->end_ok && t->end_why != REASON_CANCELLED &&
	       t->end_why != REASON_LOST_TOUCH && t->end_why != REASON_HOLDER_CHANGED;
}

static void check_handed(struct drain_world *w)
{
	const struct drain_truth *t = &w->truth;
	int64_t settle_steps = CORE_DRAIN_SETTLE_NS / STEP_NS;

	if (t->calls != 0)
		world_wrong(w, "I14: let go with calls up");
	else if (t->step - t->idle_step < settle_steps)
		world_wrong(w, "I14: let go although a call was up just before");
	if (t->cancel_heard)
		world_wrong(w, "I14: let go for a drain that was cancelled");
	if (t->cancel_missed)
		world_wrong(w, "I14: let go for a drain that was cancelled while it could not hear");
	if (t->step > w->config->time + CORE_RELEASE_WAIT_NS / STEP_NS)
		world_wrong(w, "I14: let go after the time to drain was over");
	if (t->noticed[DRAIN_HOLDER])
		world_wrong(w, "I14: let go without a quorum, so that it may have been cancelled");
	if (end_was_time(t))
		world_wrong(w, "I14: let go after the origin had called it failed");
	if (!plan_promises(&w->plan, DRAIN_TARGET))
		world_wrong(w, "I14: let go without a promise to the target");
}

void drain_check_step(struct drain_world *w, int n, bool held, bool handed)
{
	const struct core_group *g = &w->core[n]->group[0];
	struct drain_truth *t = &w->truth;
	bool holds = lease_holds(&g->lease);

	if (n == DRAIN_HOLDER && g->operation.handed && !handed) {
		check_handed(w);
		t->handed = 1;
	} else if (n == DRAIN_HOLDER && held && !holds && !t->faulty) {
		world_wrong(w, "I4: a healthy holder let go, and not for the drain");
	}
	if (n == DRAIN_HOLDER && t->cancel_heard && !t->handed && core_releasing(w->core[n], 0))
		world_wrong(w, "I14: cancelled, but still about to let go");
	if (n == DRAIN_TARGET && holds)
		t->target_held = 1;
}

void drain_check_record(struct drain_world *w, int n, const struct core_record *r)
{
	struct drain_truth *t = &w->truth;

	if (r->type != RECORD_OPERATION || r->operation != DRAIN_ID)
		return;
	if (n != DRAIN_ORIGIN)
		world_wrong(w, "I8: another node than the origin wrote down the end");
	t->ends++;
	t->end_ok = r->ok;
	t->end_why = (uint8_t)r->reason;
	if (t->ends > 1)
		world_wrong(w, "I8: two ends of one operation");
	if (r->ok && !t->target_held)
		world_wrong(w, "I8: done, says the origin, but the target never held it");
	if (end_was_time(t) && t->handed && !t->faulty && !t->dead)
		world_wrong(w, "I8: failed, says the origin, after the holder had let go for it");
}

const char *drain_world_end(const struct drain_world *w)
{
	int holders = 0;

	for (int n = 1; n <= DRAIN_NODES; n++) {
		if (!drain_world_up(w, n))
			continue;
		holders += lease_holds(&w->core[n]->group[0].lease);
		if (w->core[n]->group[0].operation.state == OPERATION_RUNNING)
			return "I9: an operation without an end";
	}
	if (w->truth.ends != 1)
		return "I8: the origin wrote down no end";
	if (holders != 1 && !w->truth.target_sick)
		return "I9: nobody holds it at the end";
	return NULL;
}
