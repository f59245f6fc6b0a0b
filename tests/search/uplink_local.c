/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "uplink_choice.h"
#include "uplink_explore.h"

#define DAY_S 86400
#define NOW   ((boot_t){ 400LL * DAY_S * NS_PER_S })
#define ASKED 12 /* times, a day apart */

enum budget { BUDGET_FULL, BUDGET_SCARCE, BUDGET_SPENT, BUDGETS };

struct local {
	int count; /* uplinks */
	int grade[3];
	int damped;   /* bits */
	bool doubted; /* all but the one in use */
	int active, draining, pinned;
	int calls, calls_draining;
	bool held; /* the latest switch was long ago */
	bool old;  /* and what is so has been so for long */
	enum budget budget;
	int failback;
	bool window, drain, cheaper;
};

/* One choice, brought into the state. */
struct local_world {
	const struct local *l;
	struct uplink_choice_policy policy;
	struct uplink_choice c;
	struct uplink_facts f;
	bool first; /* nothing was done yet: the timers are those of the state */
};

static boot_t ago(int64_t seconds)
{
	return boot_add(NOW, -seconds * NS_PER_S);
}

static uint32_t calls_of(int n)
{
	return n == 2 ? UPLINK_CALLS_UNKNOWN : (uint32_t)(3 * n);
}

static void facts_set(struct local_world *w)
{
	const struct local *l = w->l;

	w->f = (struct uplink_facts){ .count = (uint8_t)l->count,
				      .calls = calls_of(l->calls),
				      .calls_draining = calls_of(l->calls_draining),
				      .in_window = l->window };
	for (int i = 0; i < l->count; i++)
		w->f.uplink[i] = (struct uplink_fact){
			.grade = (enum uplink_grade)l->grade[i],
			.damped = l->damped >> i & 1,
			.doubted = l->doubted && i != l->active,
			.preference = l->cheaper ? 0 : (uint8_t)i,
			.cost = l->cheaper ? (uint32_t)(l->count - i) : 0,
		};
}

static void choice_set(struct local_world *w)
{
	static const int taken[BUDGETS] = { 0, 4, 6 };
	const struct local *l = w->l;
	struct uplink_choice *c = &w->c;

	w->policy = uplink_choice_policy_default;
	w->policy.failback = (enum uplink_failback)l->failback;
	w->policy.drain = l->drain;
	uplink_choice_init(c, &w->policy, (int8_t)l->active, NOW);
	c->draining = (int8_t)l->draining;
	c->pinned = (int8_t)l->pinned;
	c->switched_at = l->held ? ago(DAY_S) : ago(0);
	c->worse_since = c->back_since = l->old ? ago(DAY_S) : ago(0);
	c->back_to = l->active < 0 ? UPLINK_ANY : l->cheaper ? (int8_t)(l->count - 1) : 0;
	for (int i = 0; i < taken[l->budget]; i++)
		(void)token_bucket_take(&c->budget, NOW);
}

static bool dead(enum uplink_grade g)
{
	return !uplink_grade_usable(g);
}

/* ---- what a switch must not be ---- */

static const char *check_goal(const struct local_world *w, const struct uplink_decision *d)
{
	enum uplink_grade from = w->f.uplink[d->from].grade, to = w->f.uplink[d->to].grade;

	if (dead(to))
		return "U7: switched to an uplink without a path";
	if (w->f.uplink[d->to].doubted)
		return "(p) switched to an uplink that may have died just now";
	if (to < from)
		return "U8: switched to a lower grade";
	if (to > from || dead(from))
		return NULL;
	if (w->policy.failback == UPLINK_FAILBACK_MANUAL)
		return "U9: failed back, and that is by hand";
	if (w->policy.failback == UPLINK_FAILBACK_WINDOW && !w->f.in_window)
		return "U9: failed back out of its time of day";
	if (w->f.calls != 0 && w->policy.failback == UPLINK_FAILBACK_IDLE)
		return "U9: failed back with calls up";
	return w->first && !w->l->old ? "U9: failed back before its time" : NULL;
}

static const char *check_calls(const struct local_world *w, const struct uplink_decision *d)
{
	enum uplink_grade from = w->f.uplink[d->from].grade;

	if (dead(from) || w->f.calls == 0 || !w->first || w->l->old)
		return NULL;
	return "(a) a moment of degradation disturbs calls";
}

static const char *check_rank(const struct local_world *w, const struct uplink_decision *d)
{
	const struct uplink_fact *from = &w->f.uplink[d->from], *to = &w->f.uplink[d->to];

	for (int i = 0; i < w->f.count; i++) {
		const struct uplink_fact *u = &w->f.uplink[i];

		if (i == d->from || dead(u->grade) || u->grade < from->grade || u->damped || u->doubted)
			continue;
		if (to->damped)
			return "(b) an uplink that flaps is chosen, and another would do";
		if (u->grade > to->grade)
			return "(c) an uplink is chosen, and another is better";
	}
	return to->damped && !dead(from->grade) ? "(b) an uplink that flaps is chosen without need" : NULL;
}

static const char *check_budget(const struct local_world *w, const struct uplink_decision *d)
{
	if (!w->first)
		return NULL;
	if (!w->l->held)
		return "S2: two switches in a moment";
	if (w->l->budget == BUDGET_SPENT)
		return "S3: switched more often than the budget has it";
	if (w->l->budget == BUDGET_SCARCE && !dead(w->f.uplink[d->from].grade))
		return "S3: the reserve is spent on what is not dead";
	return NULL;
}

static const char *check_switch(const struct local_world *w, const struct uplink_decision *d)
{
	const char *v = NULL;

	if (d->to < 0 || d->to >= w->f.count || d->to == d->from)
		return "(d) switched to nowhere";
	if (w->c.pinned != UPLINK_ANY)
		return d->to == w->c.pinned && d->rule == 510 ? NULL : "(e) an operator's word is broken";
	if (d->from == UPLINK_ANY)
		return w->f.uplink[d->to].grade == UPLINK_GRADE_NONE ? "(f) no route there" : NULL;
	v = check_budget(w, d);
	if (!v)
		v = check_goal(w, d);
	if (!v)
		v = check_calls(w, d);
	if (!v)
		v = check_rank(w, d);
	if (!v && d->action == UPLINK_DRAIN && (!w->policy.drain || dead(w->f.uplink[d->from].grade)))
		v = "(g) drained, and that is not wanted or too late";
	return v;
}

static const char *check_finish(const struct local_world *w, int8_t draining, int8_t active)
{
	if (draining == UPLINK_ANY)
		return "(h) a drain is ended that never was";
	if (w->f.calls_draining == 0)
		return NULL;
	return dead(w->f.uplink[draining].grade) && !dead(w->f.uplink[active].grade)
		       ? NULL
		       : "(h) a drain is ended with calls up on a living uplink";
}

/* The switch that has to be made now. */
static const char *check_idle(const struct local_world *w)
{
	enum uplink_grade active =
		w->c.active == UPLINK_ANY ? UPLINK_GRADE_NONE : w->f.uplink[w->c.active].grade;

	if (w->c.pinned != UPLINK_ANY || !dead(active) || active == UPLINK_GRADE_UNKNOWN)
		return NULL;
	if (w->first && w->c.active != UPLINK_ANY && (!w->l->held || w->l->budget == BUDGET_SPENT))
		return NULL;
	for (int i = 0; i < w->f.count; i++)
		if (!dead(w->f.uplink[i].grade) && !w->f.uplink[i].doubted)
			return "(i) stays on a dead uplink, and another is fit";
	return NULL;
}

/* After days in which nothing changed. */
static const char *check_end(const struct local_world *w)
{
	if (w->c.pinned != UPLINK_ANY || w->c.active == UPLINK_ANY || w->c.draining != UPLINK_ANY)
		return NULL;
	if (w->f.uplink[w->c.active].grade == UPLINK_GRADE_UNKNOWN)
		return NULL;
	for (int i = 0; i < w->f.count; i++)
		if (!dead(w->f.uplink[i].grade) && !w->f.uplink[i].damped && !w->f.uplink[i].doubted &&
		    w->f.uplink[i].grade > w->f.uplink[w->c.active].grade)
			return "(j) stays for days on an uplink, and another is better";
	return NULL;
}

static const char *local_play(const struct local *l, struct uplink_explored *e)
{
	struct local_world w = { .l = l, .first = true };
	int actions = 0;

	facts_set(&w);
	choice_set(&w);
	for (int i = 0; i < ASKED; i++) {
		boot_t now = boot_add(NOW, (int64_t)i * DAY_S * NS_PER_S);
		int8_t draining = w.c.draining, active = w.c.active;
		struct uplink_decision d;
		const char *v = NULL;

		uplink_choice_step(&w.c, &w.f, now, &d);
		if (d.action == UPLINK_SWITCH || d.action == UPLINK_DRAIN)
			v = check_switch(&w, &d);
		else if (d.action == UPLINK_FINISH)
			v = check_finish(&w, draining, active);
		else
			v = check_idle(&w);
		if (v)
			return v;
		w.first = false;
		if (d.action == UPLINK_STAY || d.action == UPLINK_HOLD)
			continue;
		uplink_choice_done(&w.c, now);
		e->actions++;
		if (++actions > UPLINK_ACTIONS_MAX)
			return "(k) does not come to an end";
		if (actions > e->longest)
			e->longest = actions;
	}
	return check_end(&w);
}

static void local_print(const struct local *l, char *buf, size_t size)
{
	(void)snprintf(buf, size,
		       "grades %s %s %s damped %d doubted %d, in use %d draining %d pinned %d, calls %d/%d, "
		       "switched "
		       "%s, so %s, "
		       "budget %d, failback %d window %d, drain %d cheaper %d",
		       uplink_grade_name((enum uplink_grade)l->grade[0]),
		       uplink_grade_name((enum uplink_grade)l->grade[1]),
		       l->count > 2 ? uplink_grade_name((enum uplink_grade)l->grade[2]) : "-", l->damped,
		       l->doubted, l->active, l->draining, l->pinned, l->calls, l->calls_draining,
		       l->held ? "long ago" : "just now", l->old ? "for long" : "just now", l->budget,
		       l->failback, l->window, l->drain, l->cheaper);
}

/* The next digit of a number whose digits count so far. */
static int digit(uint64_t *n, int count)
{
	int d = (int)(*n % (uint64_t)count);

	*n /= (uint64_t)count;
	return d;
}

static bool local_make(uint64_t n, int count, struct local *ret)
{
	bool full = count == 2;

	*ret = (struct local){ .count = count, .draining = UPLINK_ANY, .pinned = UPLINK_ANY, .drain = true };
	for (int i = 0; i < count; i++)
		ret->grade[i] = digit(&n, UPLINK_GRADES_COUNT);
	ret->damped = digit(&n, 1 << count);
	ret->doubted = digit(&n, 2);
	ret->active = digit(&n, count + 1) - 1;
	ret->held = digit(&n, 2);
	ret->old = digit(&n, 2);
	ret->budget = (enum budget)digit(&n, BUDGETS);
	ret->cheaper = digit(&n, 2);
	ret->calls = digit(&n, 3);
	ret->failback = digit(&n, 4);
	if (full) {
		ret->draining = digit(&n, count + 1) - 1;
		ret->pinned = digit(&n, count + 1) - 1;
		ret->calls_draining = digit(&n, 3);
		ret->window = digit(&n, 2);
		ret->drain = digit(&n, 2);
	}
	return n == 0;
}

/* What cannot be: draining what is in use, or with nothing in use; calls on a drain that is none. */
static bool local_possible(const struct local *l)
{
	if (l->draining != UPLINK_ANY && (l->active == UPLINK_ANY || l->draining == l->active))
		return false;
	if (l->window && l->failback != UPLINK_FAILBACK_WINDOW)
		return false; /* nobody asks */
	return l->draining != UPLINK_ANY || l->calls_draining == 0;
}

static bool local_run(int count, uint32_t every, struct uplink_explored *e)
{
	struct local l;

	for (uint64_t n = 0; local_make(n, count, &l); n += every) {
		const char *v;

		if (!local_possible(&l))
			continue;
		e->states++;
		v = local_play(&l, e);
		if (!v)
			continue;
		e->violation = v;
		local_print(&l, e->state, sizeof e->state);
		return false;
	}
	return true;
}

void uplink_explore_local(uint32_t every, struct uplink_explored *ret)
{
	*ret = (struct uplink_explored){ 0 };
	if (local_run(2, every, ret))
		(void)local_run(3, every, ret);
}
