/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The node that shoots: delay, then level by level all devices "off", then a status of each that was asked
 * for after the last shot, then silence of the target. What is left of the time of one call is its time
 * limit, so that retries cost nothing more; the whole has an end, too.
 */
#include <assert.h>

#include "fence_private.h"

/* After "off" was verified, corosync needs its token's time to notice; a target heard longer than this lives.
 */
#define FENCE_GONE_NS (15 * NS_PER_S)

static const struct fence_level_config *fence_level(const struct fence *f, node_id_t n)
{
	return &f->config.target[n].level[f->target[n].level];
}

static fence_device_t fence_device(const struct fence *f, node_id_t n)
{
	return fence_level(f, n)->device[f->target[n].index];
}

void fence_shot_forget(struct fence_target *x)
{
	x->phase = FENCE_PHASE_NONE;
	x->seq = 0;
	x->index = x->tries = 0;
	x->late = x->shot = false;
}

/* ---- delay ---- */

/* Twice a measured shot and a little more: the other one must be dead before we shoot, not only shot. Before
 * any shot: one asks for the state several times. */
static int64_t fence_off_ns(const struct fence *f)
{
	return f->off_ns_max ? f->off_ns_max : 4 * f->status_ns_max;
}

/* Who served is spared; of two alike the lower number is. With a third vote the one that still serves is
 * known to, and the one that does not is dead or without a majority: nobody has to wait for it. */
static bool fence_waits(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	bool mine = node_in(w->holders, f->self), theirs = node_in(w->holders, n);

	if (mine == theirs)
		return f->self > n;
	return theirs && f->two;
}

int64_t fence_delay_ns(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	int64_t computed_ns = 2 * fence_off_ns(f) + 2 * NS_PER_S;

	if (f->config.target[n].delay_ns > 0)
		return f->config.target[n].delay_ns;
	if (node_count(f->nodes) != 2 || !fence_waits(f, n, w))
		return 0;
	return computed_ns < FENCE_DELAY_NS_MIN ? FENCE_DELAY_NS_MIN : computed_ns;
}

/* ---- the end ---- */

static void fence_shot_end(struct fence_turn *t, node_id_t n, enum fence_state s)
{
	struct fence_target *x = &t->f->target[n];

	x->phase = FENCE_PHASE_NONE;
	x->seq = 0;
	fence_send(t, n, FENCE_MSG_END, s);
}

static void fence_shot_failed(struct fence_turn *t, node_id_t n)
{
	fence_shot_end(t, n, t->f->target[n].late ? FENCE_UNKNOWN : FENCE_FAILED);
}

/* It came back, or this node may not shoot any more. */
static void fence_shot_given_up(struct fence_turn *t, node_id_t n)
{
	fence_shot_end(t, n, t->f->target[n].shot ? FENCE_UNKNOWN : FENCE_CLEAN);
}

/* ---- calls ---- */

uint32_t fence_call(struct fence_turn *t, node_id_t n, fence_device_t device, enum fence_verb verb,
		    int64_t timeout_ns)
{
	struct plan_fence_call *c = &plan_add(t->plan, PLAN_FENCE_CALL, 0)->fence_call;

	if (++t->f->next_seq == 0)
		t->f->next_seq = 1;
	*c = (struct plan_fence_call){
		.seq = t->f->next_seq,
		.device = device,
		.verb = verb,
		.target = n,
		.timeout_ns = timeout_ns,
	};
	return c->seq;
}

static int64_t fence_verb_ns(const struct fence_device_config *d, enum fence_verb verb)
{
	return verb == FENCE_STATUS ? d->status_ns : d->off_ns;
}

static enum fence_verb fence_phase_verb(enum fence_phase p)
{
	return p == FENCE_PHASE_STATUS ? FENCE_STATUS : p == FENCE_PHASE_ON ? FENCE_ON : FENCE_OFF;
}

/* Looked at before each shot. What lives is shot only if a person says so, or if it was
 * declared off. */
static bool fence_may_shoot(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	const struct fence_target *x = &f->target[n];

	return n != f->self && fence_quorate(f, w) && (!w->paused || x->op.why == FENCE_WHY_OPERATOR) &&
	       (x->op.why != FENCE_WHY_LOST || fence_gone(f, n, w));
}

static void fence_call_device(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];
	fence_device_t device = fence_device(t->f, n);
	enum fence_verb verb = fence_phase_verb(x->phase);

	if (verb == FENCE_OFF && !fence_may_shoot(t->f, n, t->w)) {
		fence_shot_given_up(t, n);
		return;
	}
	if (x->tries == 0)
		x->call_until = boot_add(t->w->now, fence_verb_ns(&t->f->config.device[device], verb));
	x->tries++;
	if (verb == FENCE_OFF)
		x->shot = true;
	x->seq = fence_call(t, n, device, verb, boot_diff_ns(t->w->now, x->call_until));
	t->plan->actions[t->plan->count - 1].fence_call.first_query =
		x->phase == FENCE_PHASE_STATUS && x->index == 0;
}

/* ---- levels ---- */

static void fence_phase_go(struct fence_turn *t, node_id_t n);

static void fence_level_begin(struct fence_turn *t, node_id_t n, uint8_t level)
{
	struct fence_target *x = &t->f->target[n];

	if (level >= t->f->config.target[n].levels_count) {
		fence_shot_failed(t, n);
		return;
	}
	if (!fence_may_shoot(t->f, n, t->w)) {
		fence_shot_given_up(t, n);
		return;
	}
	x->level = level;
	x->index = x->tries = 0;
	x->phase = FENCE_PHASE_OFF;
	fence_set_state(t, n, FENCE_SHOOTING);
	fence_send(t, n, FENCE_MSG_PROGRESS, FENCE_SHOOTING);
	fence_phase_go(t, n);
}

static void fence_level_failed(struct fence_turn *t, node_id_t n)
{
	fence_level_begin(t, n, (uint8_t)(t->f->target[n].level + 1));
}

/* ---- the watchdog of the target itself ---- */

static boot_t fence_watchdog_until(const struct fence_target *x)
{
	int64_t T = x->watchdog_ns, ns = 2 * T;

	if (T + FENCE_WATCHDOG_MARGIN_NS > ns)
		ns = T + FENCE_WATCHDOG_MARGIN_NS;
	return boot_add(x->lost_at, ns);
}

static bool fence_watchdog_counts(const struct fence_target *x)
{
	return x->watchdog_ns > 0 && x->lost;
}

/* ---- after the last status ---- */

bool fence_device_proved(const struct fence *f, fence_device_t device, node_id_t n, boot_t now)
{
	const struct fence_watch *w = &f->watch[device][n];

	return w->on_at.ns != 0 && boot_diff_ns(w->on_at, now) <= FENCE_PROVED_NS_MAX &&
	       !(f->target[n].lied >> device & 1);
}

static bool fence_level_proved(const struct fence *f, node_id_t n, boot_t now)
{
	const struct fence_level_config *l = fence_level(f, n);

	for (int i = 0; i < l->count; i++)
		if (!f->config.device[l->device[i]].watchdog && !fence_device_proved(f, l->device[i], n, now))
			return false;
	return true;
}

static void fence_level_lied(struct fence_turn *t, node_id_t n)
{
	const struct fence_level_config *l = fence_level(t->f, n);

	for (int i = 0; i < l->count; i++)
		t->f->target[n].lied |= (uint16_t)(1U << l->device[i]);
	fence_keep(t);
	fence_level_failed(t, n);
}

static void fence_reboot(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];

	if (t->f->config.target[n].action != FENCE_ACTION_REBOOT)
		return;
	x->phase = FENCE_PHASE_ON;
	x->index = x->tries = 0;
	fence_phase_go(t, n);
}

static void fence_silence(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];

	if (fence_gone(t->f, n, t->w)) {
		if (!fence_level_proved(t->f, n, t->w->now)) {
			fence_level_failed(t, n);
			return;
		}
		fence_shot_end(t, n, FENCE_FENCED);
		fence_reboot(t, n);
	} else if (!boot_before(t->w->now, x->until)) {
		fence_level_lied(t, n);
	}
}

/* ---- device after device ---- */

static void fence_phase_over(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];

	x->index = x->tries = 0;
	switch (x->phase) {
	case FENCE_PHASE_OFF:
		x->phase = FENCE_PHASE_STATUS;
		fence_set_state(t, n, FENCE_VERIFYING);
		fence_send(t, n, FENCE_MSG_PROGRESS, FENCE_VERIFYING);
		fence_phase_go(t, n);
		return;
	case FENCE_PHASE_STATUS:
		x->phase = FENCE_PHASE_GONE;
		x->until = boot_add(t->w->now, FENCE_GONE_NS);
		fence_silence(t, n);
		return;
	case FENCE_PHASE_ON:
	case FENCE_PHASE_GONE:
	case FENCE_PHASE_NONE:
		x->phase = FENCE_PHASE_NONE;
		return;
	}
}

static void fence_device_over(struct fence_turn *t, node_id_t n)
{
	t->f->target[n].index++;
	t->f->target[n].tries = 0;
	fence_phase_go(t, n);
}

/* True: nothing is asked of this device in this phase. */
static bool fence_device_skipped(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];
	const struct fence_device_config *d = &t->f->config.device[fence_device(t->f, n)];

	if (x->phase == FENCE_PHASE_ON)
		return d->watchdog || d->fabric;
	return d->watchdog &&
	       (x->phase == FENCE_PHASE_OFF || !boot_before(t->w->now, fence_watchdog_until(x)));
}

static void fence_phase_go(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];
	const struct fence_device_config *d;

	if (x->index >= fence_level(t->f, n)->count) {
		fence_phase_over(t, n);
		return;
	}
	d = &t->f->config.device[fence_device(t->f, n)];
	if (d->watchdog && x->phase != FENCE_PHASE_ON && !fence_watchdog_counts(x))
		fence_level_failed(t, n);
	else if (fence_device_skipped(t, n))
		fence_device_over(t, n);
	else if (d->watchdog)
		x->until = fence_watchdog_until(x);
	else
		fence_call_device(t, n);
}

/* ---- answers ---- */

static bool fence_answer_good(enum fence_phase p, enum fence_answer a)
{
	return p == FENCE_PHASE_STATUS ? a == FENCE_ANSWER_OFF : a == FENCE_ANSWER_OK;
}

/* A shot that was cut off, or that ended in a way nobody knows, may still be carried out. */
static bool fence_answer_late(enum fence_phase p, enum fence_answer a)
{
	return p == FENCE_PHASE_OFF && (a == FENCE_ANSWER_TIMEOUT || a == FENCE_ANSWER_BROKEN);
}

static void fence_measure(struct fence_turn *t, enum fence_phase p, int64_t took_ns)
{
	int64_t *max = p == FENCE_PHASE_OFF ? &t->f->off_ns_max : &t->f->status_ns_max;

	if (p == FENCE_PHASE_ON || took_ns <= *max)
		return;
	*max = took_ns;
	fence_keep(t);
}

static bool fence_tries_left(const struct fence_turn *t, node_id_t n, enum fence_answer a)
{
	const struct fence_target *x = &t->f->target[n];

	return a != FENCE_ANSWER_TIMEOUT && x->tries <= t->f->config.device[fence_device(t->f, n)].retries &&
	       boot_before(t->w->now, x->call_until);
}

static void fence_shot_answer(struct fence_turn *t, node_id_t n, enum fence_answer answer)
{
	struct fence_target *x = &t->f->target[n];

	x->seq = 0;
	x->late = x->late || fence_answer_late(x->phase, answer);
	if (fence_answer_good(x->phase, answer) || x->phase == FENCE_PHASE_ON)
		fence_device_over(t, n);
	else if (fence_tries_left(t, n, answer))
		fence_call_device(t, n);
	else
		fence_level_failed(t, n);
}

static void fence_tell_attempt(struct fence_turn *t, node_id_t n, enum fence_answer answer, int64_t took_ns)
{
	const struct fence_target *x = &t->f->target[n];

	plan_add(t->plan, PLAN_FENCE_ATTEMPT, 0)->fence_attempt = (struct plan_fence_attempt){
		.target = n,
		.op = x->op,
		.level = x->level,
		.device = fence_device(t->f, n),
		.verb = fence_phase_verb(x->phase),
		.answer = answer,
		.took_ns = took_ns,
	};
}

void fence_shot_answered(struct fence_turn *t, node_id_t n, enum fence_answer answer, int64_t took_ns)
{
	struct fence_target *x = &t->f->target[n];

	if (x->phase == FENCE_PHASE_NONE || x->seq == 0)
		return;
	if (fence_answer_good(x->phase, answer))
		fence_measure(t, x->phase, took_ns);
	fence_tell_attempt(t, n, answer, took_ns);
	fence_shot_answer(t, n, answer);
}

/* ---- begin, time ---- */

void fence_shot_begin(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];
	int64_t delay_ns = x->op.why == FENCE_WHY_LOST ? fence_delay_ns(t->f, n, t->w) : 0;

	x->phase = FENCE_PHASE_OFF;
	x->until = boot_add(t->w->now, delay_ns);
	if (delay_ns == 0)
		fence_level_begin(t, n, x->op.first_level);
}

static bool fence_call_lost(const struct fence_target *x, boot_t now)
{
	return x->seq != 0 && !boot_before(now, boot_add(x->call_until, FENCE_SLACK_NS));
}

void fence_shot_tick(struct fence_turn *t, node_id_t n)
{
	struct fence_target *x = &t->f->target[n];

	if (x->phase != FENCE_PHASE_ON && !boot_before(t->w->now, x->deadline)) {
		x->late = x->late || (x->seq != 0 && x->phase == FENCE_PHASE_OFF);
		fence_shot_failed(t, n);
	} else if (fence_call_lost(x, t->w->now)) {
		fence_shot_answer(t, n, FENCE_ANSWER_TIMEOUT);
	} else if (x->phase == FENCE_PHASE_GONE) {
		fence_silence(t, n);
	} else if (x->seq == 0 && !boot_before(t->w->now, x->until)) {
		if (x->state == FENCE_DELAY)
			fence_level_begin(t, n, x->op.first_level);
		else
			fence_phase_go(t, n);
	}
}

boot_t fence_shot_next(const struct fence_target *x)
{
	boot_t next = x->phase == FENCE_PHASE_ON ? BOOT_NEVER : x->deadline;

	if (x->seq != 0)
		return boot_min(next, boot_add(x->call_until, FENCE_SLACK_NS));
	return boot_min(next, x->until);
}
