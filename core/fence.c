/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <string.h>

#include "fence_private.h"

/* The first member orders the shot, the others a little later each, if it did not. */
#define FENCE_RANK_NS (500 * NS_PER_MS)
/* One that was there in this boot and is not when the agent starts again is lost by then. */
#define FENCE_MISSING_NS (10 * NS_PER_S)
/* An order that did not come back by then is given again. */
#define FENCE_ASKED_NS (5 * NS_PER_S)

void fence_init(struct fence *f, const struct fence_config *config, node_id_t self, node_set_t nodes,
		node_set_t wanted, bool two)
{
	memset(f, 0, sizeof *f);
	f->config = *config;
	f->self = self;
	f->nodes = nodes;
	f->wanted = wanted;
	f->two = two;
	assert(config->devices_count <= FENCE_DEVICES_MAX);
}

/* ---- what is so ---- */

bool fence_runs(const struct fence_target *x)
{
	return x->state == FENCE_DELAY || x->state == FENCE_SHOOTING || x->state == FENCE_VERIFYING;
}

bool fence_is_off(const struct fence *f, node_id_t n)
{
	return f->target[n].state == FENCE_FENCED || f->target[n].state == FENCE_CONFIRMED;
}

bool fence_bars(const struct fence *f, node_id_t n)
{
	const struct fence_target *x = &f->target[n];

	switch (x->state) {
	case FENCE_CLEAN:
	case FENCE_SUSPECT:
	case FENCE_FAILED:
		return false;
	case FENCE_DELAY:
		return !x->member; /* nothing was asked of a device yet */
	case FENCE_SHOOTING:
	case FENCE_VERIFYING:
	case FENCE_FENCED:
	case FENCE_UNKNOWN:
	case FENCE_DISPUTED:
	case FENCE_CONFIRMED:
		return true;
	}
	return true;
}

bool fence_gone(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	return !f->target[n].member && !node_in(w->heard, n);
}

/* Two votes: each half of a cut cluster would be quorate, or none. Then who has met the other in this boot
 * may shoot, and the delays see to it that one shoots first. */
bool fence_quorate(const struct fence *f, const struct fence_world *w)
{
	return f->two || w->quorate;
}

void fence_set_state(struct fence_turn *t, node_id_t n, enum fence_state s)
{
	struct fence_target *x = &t->f->target[n];

	if (x->state == s)
		return;
	x->state = s;
	x->since = t->w->now;
	if (s != FENCE_FENCED && s != FENCE_CONFIRMED)
		x->proved = false;
	if (s == FENCE_CLEAN)
		x->late = false;
	plan_add(t->plan, PLAN_FENCE_STATE, 0)->fence_state =
		(struct plan_fence_state){ .target = n, .state = s };
}

void fence_send(struct fence_turn *t, node_id_t n, enum fence_msg_type type, enum fence_state state)
{
	const struct fence_target *x = &t->f->target[n];
	struct fence_msg *m = &plan_add(t->plan, PLAN_FENCE_SEND, 0)->fence_msg;

	*m = (struct fence_msg){
		.type = type,
		.from = t->f->self,
		.target = n,
		.op = x->op,
		.boot = fence_is_off(t->f, n) || x->state == FENCE_DISPUTED ? x->gone_boot : x->boot,
		.state = state,
		.level = x->level,
	};
	if (x->level < t->f->config.target[n].levels_count)
		m->device = t->f->config.target[n].level[x->level].device[x->index];
}

/* ---- orders ---- */

void fence_order(struct fence_turn *t, node_id_t n, enum fence_why why, uint8_t first_level)
{
	struct fence_target *x = &t->f->target[n];
	const struct fence_operation op = x->op;

	x->asked_at = t->w->now;
	x->op = (struct fence_operation){ t->f->self, ++t->f->next_number, why, first_level };
	fence_send(t, n, FENCE_MSG_START, FENCE_DELAY);
	x->op = op; /* it begins when the order comes back */
}

static int64_t fence_rank_ns(const struct fence *f, node_id_t n)
{
	int64_t rank = 0;

	for (node_id_t k = 1; k < f->self; k++)
		if (k != n && f->target[k].member)
			rank++;
	return rank * FENCE_RANK_NS;
}

static bool fence_may_begin(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	const struct fence_target *x = &f->target[n];

	return !w->paused && n != f->self && node_in(f->wanted, n) && x->lost &&
	       f->config.target[n].levels_count > 0 && fence_quorate(f, w) &&
	       (!f->two || node_in(w->met, n)) && fence_gone(f, n, w);
}

/* When this node may order a shot of a target that waits for one. */
static boot_t fence_order_at(const struct fence *f, node_id_t n)
{
	const struct fence_target *x = &f->target[n];
	boot_t at = x->asked_at.ns ? boot_add(x->asked_at, FENCE_ASKED_NS) : (boot_t){ 0 };

	if (x->state == FENCE_SUSPECT)
		return boot_max(at, boot_add(x->since, fence_rank_ns(f, n)));
	if (x->state == FENCE_FAILED || x->state == FENCE_UNKNOWN)
		return boot_max(at, boot_add(x->retry_at, fence_rank_ns(f, n)));
	if (x->state == FENCE_DISPUTED)
		return boot_max(at, boot_add(x->since, fence_rank_ns(f, n)));
	return BOOT_NEVER;
}

/* A device that lied is believed by nobody; what comes after it is tried at once, on a node that lives. */
static bool fence_dispute_goes_on(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	const struct fence_target *x = &f->target[n];

	return !w->paused && n != f->self && fence_quorate(f, w) &&
	       (fence_may_begin(f, n, w) || x->level + 1 < f->config.target[n].levels_count);
}

static void fence_order_tick(struct fence_turn *t, node_id_t n)
{
	struct fence *f = t->f;
	struct fence_target *x = &f->target[n];

	if (boot_before(t->w->now, fence_order_at(f, n)))
		return;
	if (x->state == FENCE_DISPUTED && fence_dispute_goes_on(f, n, t->w))
		fence_order(t, n, FENCE_WHY_DISPUTED, fence_gone(f, n, t->w) ? 0 : (uint8_t)(x->level + 1));
	else if (x->state != FENCE_DISPUTED && fence_may_begin(f, n, t->w))
		fence_order(t, n, FENCE_WHY_LOST, 0);
}

/* ---- messages ---- */

static bool fence_op_same(const struct fence_operation *a, const struct fence_operation *b)
{
	return a->shooter == b->shooter && a->number == b->number;
}

/* What has an answer already needs no second shot. */
static bool fence_joins(const struct fence_target *x, enum fence_why why)
{
	return fence_runs(x) || x->state == FENCE_FENCED ||
	       (x->state == FENCE_CONFIRMED && why != FENCE_WHY_OPERATOR);
}

static void fence_started(struct fence_turn *t, const struct fence_msg *m)
{
	struct fence_target *x = &t->f->target[m->target];

	x->asked_at = (boot_t){ 0 };
	if (fence_joins(x, m->op.why) || m->op.shooter != m->from)
		return;
	fence_shot_forget(x);
	x->op = m->op;
	x->level = m->op.first_level;
	x->index = 0;
	x->deadline = boot_add(t->w->now, t->f->config.total_ns);
	if (m->boot && !x->boot)
		x->boot = m->boot;
	fence_set_state(t, m->target, FENCE_DELAY);
	if (m->op.shooter == t->f->self)
		fence_shot_begin(t, m->target);
}

static void fence_declared(struct fence_turn *t, node_id_t n, enum fence_state s, uint64_t boot)
{
	struct fence_target *x = &t->f->target[n];

	x->gone_boot = boot;
	x->gone_pulses = x->pulses;
	x->lost = true;
	fence_set_state(t, n, s);
	/* A heartbeat of the dead boot that came before the end of its shot is life all the same. */
	if (x->member && boot && x->boot == boot)
		fence_set_state(t, n, FENCE_DISPUTED);
}

/* Only what is without power has lost its memory, and only a status says so. */
static bool fence_level_is_power(const struct fence *f, node_id_t n)
{
	const struct fence_level_config *l = &f->config.target[n].level[f->target[n].level];

	for (int i = 0; i < l->count; i++)
		if (f->config.device[l->device[i]].fabric || f->config.device[l->device[i]].watchdog)
			return false;
	return l->count > 0;
}

static void fence_ended(struct fence_turn *t, const struct fence_msg *m)
{
	struct fence_target *x = &t->f->target[m->target];

	if (!fence_runs(x) || !fence_op_same(&x->op, &m->op) || m->from != x->op.shooter)
		return;
	x->level = m->level;
	if (m->state == FENCE_FENCED) {
		fence_declared(t, m->target, FENCE_FENCED, m->boot);
		x->proved = x->state == FENCE_FENCED && m->from == t->f->self &&
			    fence_level_is_power(t->f, m->target);
	} else if (x->op.why == FENCE_WHY_DISPUTED && x->member && x->boot == x->gone_boot) {
		fence_set_state(t, m->target, FENCE_DISPUTED); /* it lives, and no device could change that */
	} else if (m->state == FENCE_CLEAN) {
		fence_set_state(t, m->target, x->member ? FENCE_CLEAN : FENCE_SUSPECT);
	} else {
		x->retry_at = boot_add(t->w->now, x->member ? t->f->config.total_ns : FENCE_RETRY_NS);
		fence_set_state(t, m->target, m->state);
	}
}

static void fence_progressed(struct fence_turn *t, const struct fence_msg *m)
{
	struct fence_target *x = &t->f->target[m->target];

	if (!fence_runs(x) || !fence_op_same(&x->op, &m->op) || m->from == t->f->self)
		return;
	x->level = m->level;
	if (m->state == FENCE_SHOOTING || m->state == FENCE_VERIFYING)
		fence_set_state(t, m->target, m->state);
}

/* Valid for a node that is lost at this point of the order; the same at all. */
static void fence_confirmed(struct fence_turn *t, const struct fence_msg *m)
{
	struct fence_target *x = &t->f->target[m->target];

	if (x->member || m->target == t->f->self)
		return;
	fence_shot_forget(x);
	fence_declared(t, m->target, FENCE_CONFIRMED, x->boot ? x->boot : m->boot);
	x->proved = true;
}

static void fence_life(struct fence_turn *t, node_id_t n, uint64_t boot)
{
	struct fence_target *x = &t->f->target[n];
	const struct fence_level_config *l = &t->f->config.target[n].level[x->level];

	if (!fence_is_off(t->f, n) || (boot && x->gone_boot != boot))
		return;
	if (x->state == FENCE_FENCED && x->level < t->f->config.target[n].levels_count)
		for (int i = 0; i < l->count; i++)
			x->lied |= (uint16_t)(1U << l->device[i]);
	fence_keep(t);
	fence_set_state(t, n, FENCE_DISPUTED);
}

/* A node that joins has seen nothing of it; one that has keeps what it saw. */
static void fence_told(struct fence_turn *t, const struct fence_msg *m)
{
	struct fence_target *x = &t->f->target[m->target];

	if (x->state != FENCE_CLEAN || x->member || m->target == t->f->self)
		return;
	x->op = m->op;
	x->level = m->level;
	x->deadline = boot_add(t->w->now, t->f->config.total_ns);
	x->retry_at = boot_add(t->w->now, FENCE_RETRY_NS);
	x->lost = true;
	if (m->state == FENCE_FENCED || m->state == FENCE_CONFIRMED)
		fence_declared(t, m->target, m->state, m->boot);
	else
		fence_set_state(t, m->target, m->state);
}

void fence_message(struct fence *f, const struct fence_msg *m, const struct fence_world *w,
		   struct core_plan *plan)
{
	struct fence_turn t = { f, w, plan };

	if (m->target > NODE_ID_MAX || m->target == f->self || !node_in(f->nodes, m->target) ||
	    m->from == NODE_NONE || m->from > NODE_ID_MAX || m->level >= FENCE_LEVELS_MAX ||
	    m->op.first_level >= FENCE_LEVELS_MAX)
		return;
	switch (m->type) {
	case FENCE_MSG_START:
		fence_started(&t, m);
		return;
	case FENCE_MSG_PROGRESS:
		fence_progressed(&t, m);
		return;
	case FENCE_MSG_END:
		fence_ended(&t, m);
		return;
	case FENCE_MSG_CONFIRM:
		fence_confirmed(&t, m);
		return;
	case FENCE_MSG_LIFE:
		fence_life(&t, m->target, m->boot);
		return;
	case FENCE_MSG_TELL:
		fence_told(&t, m);
		return;
	}
}

/* ---- membership ---- */

/* Every target that is not clean is told to who has just come, by the first of the members. */
static void fence_tell(struct fence_turn *t, node_id_t who)
{
	struct fence *f = t->f;

	for (node_id_t k = 1; k < f->self; k++)
		if (k != who && f->target[k].member)
			return;
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (n != who && f->target[n].state != FENCE_CLEAN && f->target[n].state != FENCE_SUSPECT)
			fence_send(t, n, FENCE_MSG_TELL, f->target[n].state);
}

/* It is there again: what that means depends on whether it has been off since. */
static void fence_returned(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];

	switch (x->state) {
	case FENCE_CLEAN:
	case FENCE_DELAY: /* whoever shoots looks once more before it does */
	case FENCE_SHOOTING:
	case FENCE_VERIFYING:
		return;
	case FENCE_SUSPECT:
	case FENCE_FAILED:
		fence_set_state(t, n, FENCE_CLEAN);
		return;
	case FENCE_UNKNOWN: /* refused until no shot can come any more */
		x->retry_at = boot_add(t->w->now, t->f->config.total_ns);
		return;
	case FENCE_FENCED:
	case FENCE_CONFIRMED:
		if (x->gone_boot && x->boot == x->gone_boot) {
			fence_life(t, n, x->boot);
			return;
		}
		fence_set_state(t, n, FENCE_CLEAN);
		return;
	case FENCE_DISPUTED:
		if (x->boot != x->gone_boot) {
			x->lied = 0;
			fence_set_state(t, n, FENCE_CLEAN);
		}
		return;
	}
}

void fence_member(struct fence *f, node_id_t n, uint64_t boot, int64_t watchdog_ns,
		  const struct fence_world *w, struct core_plan *plan)
{
	struct fence_turn t = { f, w, plan };
	struct fence_target *x = &f->target[n];
	bool fresh = !x->member || x->boot != boot;

	if (!node_in(f->nodes, n) || n == f->self)
		return;
	x->member = x->seen = true;
	x->lost = false;
	x->boot = boot;
	x->watchdog_ns = watchdog_ns;
	if (!fresh)
		return;
	fence_returned(&t, n);
	fence_tell(&t, n);
}

/* Nobody ends the operation any more, and what was asked of a device may still happen: one that is lost is
 * shot again, one that lives is refused until no shot can come. */
static void fence_orphaned(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];

	x->retry_at = x->member ? boot_add(t->w->now, t->f->config.total_ns) : t->w->now;
	x->late = true;
	fence_set_state(t, n, FENCE_UNKNOWN);
}

static void fence_orphans(struct fence_turn *t, node_id_t shooter)
{
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		const struct fence_target *x = &t->f->target[n];

		if (fence_runs(x) && x->op.shooter == shooter)
			fence_orphaned(t, n);
	}
}

void fence_left(struct fence *f, node_id_t n, bool down, const struct fence_world *w, struct core_plan *plan)
{
	struct fence_turn t = { f, w, plan };
	struct fence_target *x = &f->target[n];

	if (!node_in(f->nodes, n) || n == f->self)
		return;
	fence_orphans(&t, n);
	if (down && x->member) {
		x->lost = true;
		x->lost_at = w->now;
		if (x->state == FENCE_CLEAN && f->config.target[n].levels_count > 0)
			fence_set_state(&t, n, FENCE_SUSPECT);
	}
	x->member = false;
}

void fence_proof_void(struct fence *f, node_id_t n, boot_t now, struct core_plan *plan)
{
	const struct fence_world w = { .now = now };
	struct fence_turn t = { f, &w, plan };

	f->target[n].retry_at = now;
	fence_set_state(&t, n, FENCE_UNKNOWN);
}

void fence_heard(struct fence *f, node_id_t n, uint64_t incarnation, const struct fence_world *w,
		 struct core_plan *plan)
{
	struct fence_turn t = { f, w, plan };
	struct fence_target *x = &f->target[n];

	if (!node_in(f->nodes, n))
		return;
	x->pulses = incarnation;
	if (!fence_is_off(f, n))
		return;
	if (x->gone_pulses != 0 && x->gone_pulses == incarnation) {
		fence_life(&t, n, x->gone_boot);
		fence_send(&t, n, FENCE_MSG_LIFE, x->state);
	} else if (f->two) {
		fence_set_state(
			&t, n,
			FENCE_SUSPECT); /* it has started again: silent once more, it is shot once more */
	}
}

/* ---- time ---- */

/* No state without a way out: an owner that does not end its operation, a shot that cannot come any more, a
 * suspect that was only cut off from corosync for a moment. */
static void fence_target_tick(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];

	if (fence_runs(x) && !boot_before(t->w->now, boot_add(x->deadline, FENCE_SLACK_NS)))
		fence_orphaned(t, n);
	if ((x->state == FENCE_UNKNOWN || x->state == FENCE_FAILED) && x->member &&
	    !boot_before(t->w->now, x->retry_at))
		fence_set_state(t, n, FENCE_CLEAN);
	if (x->phase != FENCE_PHASE_NONE)
		fence_shot_tick(t, n);
	fence_order_tick(t, n);
}

/* An agent that starts while a node is dead may have nobody who saw it die. That they met in this boot, or
 * that a promise of this boot still names it, is known: it was there, and has not let go. */
static void fence_missing_tick(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];

	if (x->seen || x->lost || !node_in(t->f->two ? t->w->met : t->w->owed, n) ||
	    !fence_gone(t->f, n, t->w) || boot_diff_ns(t->f->began, t->w->now) < FENCE_MISSING_NS ||
	    t->f->config.target[n].levels_count == 0)
		return;
	x->lost = true;
	x->lost_at = t->w->now;
	fence_set_state(t, n, FENCE_SUSPECT);
}

void fence_tick(struct fence *f, const struct fence_world *w, struct core_plan *plan)
{
	struct fence_turn t = { f, w, plan };

	if (f->began.ns == 0)
		f->began = w->now;
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (node_in(f->nodes, n) && n != f->self)
			fence_missing_tick(&t, n);
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (node_in(f->nodes, n) && n != f->self)
			fence_target_tick(&t, n);
	fence_watch_tick(&t);
}

static boot_t fence_target_next(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	const struct fence_target *x = &f->target[n];
	boot_t next = BOOT_NEVER, order = fence_order_at(f, n);
	bool orders = x->state == FENCE_DISPUTED ? fence_dispute_goes_on(f, n, w) : fence_may_begin(f, n, w);

	if (fence_runs(x))
		next = boot_add(x->deadline, FENCE_SLACK_NS);
	if ((x->state == FENCE_UNKNOWN || x->state == FENCE_FAILED) && x->member)
		next = boot_min(next, x->retry_at);
	if (x->phase != FENCE_PHASE_NONE)
		next = boot_min(next, fence_shot_next(x));
	return orders ? boot_min(next, order) : next;
}

boot_t fence_next(const struct fence *f, const struct fence_world *w)
{
	boot_t next = fence_watch_next(f);

	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (node_in(f->nodes, n) && n != f->self)
			next = boot_min(next, fence_target_next(f, n, w));
	return next;
}
