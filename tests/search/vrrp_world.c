/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_world.h"

#include "vrrp_pack.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define WIRE_SECOND  1 /* of the second member */
#define WIRE_ARRIVED 2 /* in the socket: will be read before any timer is looked at */
#define WIRE_LATE    4 /* not in this tick */

#define REST 100 /* steps within a tick after which there must be nothing left to do */
#define STAY 12	 /* ticks: what has settled stays so */

_Static_assert(sizeof(struct vrrp_world) ==
		       VRRP_WORLD_ROUTERS * sizeof(struct vrrp_router) + 4 + VRRP_FAULTS_COUNT,
	       "no padding");

static const struct vrrp_search_config *config;

static struct vrrp_next *list;
static int list_count;

/* ---- what is seen ---- */

static bool router_is_alien(int r)
{
	return config->alien >> r & 1;
}

static bool router_open(const struct vrrp_world *w, int r)
{
	const struct vrrp_router *x = &w->router[r];

	return router_is_alien(r) ? x->up != VRRP_OFF && x->state == VRRP_ACTIVE : x->gate > 0;
}

static int world_open(const struct vrrp_world *w)
{
	int open = 0;

	for (int r = 0; r < config->routers; r++)
		open += router_open(w, r);
	return open;
}

/* (c): an open gate is an Active's, and an advertisement left within the time that it is open. A killed agent
 * has no state; its gate must shut all the same. */
static const char *world_check(const struct vrrp_world *w)
{
	for (int r = 0; r < config->routers; r++) {
		const struct vrrp_router *x = &w->router[r];

		if (router_is_alien(r) || x->gate == 0)
			continue;
		if (x->gate > x->justified)
			return "(c) a gate is open for longer than an advertisement justifies";
		if (x->up != VRRP_OFF && x->state != VRRP_ACTIVE)
			return "(c) the gate of a router that is not Active is open";
	}
	return config->instant && !w->cut && world_open(w) > 1 ? "(a) two gates are open" : NULL;
}

/* ---- advertisements ---- */

static bool reaches(const struct vrrp_world *w, int a, int b)
{
	return a != b && w->router[b].up != VRRP_OFF && !((w->cut >> a | w->cut >> b) & 1);
}

static bool wire_same(const struct vrrp_wire *a, const struct vrrp_wire *b)
{
	return a->from == b->from && a->priority == b->priority && a->interval == b->interval &&
	       (a->flags & WIRE_SECOND) == (b->flags & WIRE_SECOND);
}

/* One that lies unread in a socket already says what a second one would. */
static void wire_add(struct vrrp_router *to, const struct vrrp_wire *wire)
{
	for (int i = 0; to->up == VRRP_FROZEN && i < to->wires; i++)
		if (wire_same(&to->wire[i], wire))
			return;
	assert(to->wires < VRRP_WORLD_WIRES);
	to->wire[to->wires++] = *wire;
}

static struct vrrp_wire wire_take(struct vrrp_router *x, int i)
{
	struct vrrp_wire wire = x->wire[i];

	x->wires--;
	memmove(&x->wire[i], &x->wire[i + 1], (size_t)(x->wires - i) * sizeof wire);
	x->wire[x->wires] = (struct vrrp_wire){ 0 };
	return wire;
}

/* True if every member's has left. */
static bool adverts_leave(struct vrrp_world *w, int r, uint8_t priority)
{
	struct vrrp_router *x = &w->router[r];
	int members = x->mute ? config->members - 1 : config->members;

	for (int m = 0; m < members; m++)
		for (int to = 0; to < config->routers; to++) {
			const struct vrrp_wire wire = { .from = (uint8_t)r,
							.flags = m ? WIRE_SECOND : 0,
							.priority = priority,
							.interval = vrrp_interval(config, r) };

			if (reaches(w, r, to))
				wire_add(&w->router[to], &wire);
		}
	if (priority && !x->mute)
		x->justified = (uint8_t)(3 * vrrp_interval(config, r));
	return !x->mute;
}

/* ---- steps ---- */

static void obey_gate(struct vrrp_router *x, const struct vrrp_plan *plan)
{
	if (plan->gate_shut)
		x->gate = 0;
	if (plan->gate_deadline.ns)
		x->gate = vrrp_ticks_until(plan->gate_deadline);
}

static void tell_sent(struct vrrp_world *w, int r, struct vrrp_fsm *f, boot_t sent_at)
{
	const struct vrrp_event ev = { .type = VRRP_EVENT_SENT, .at = VRRP_NOW, .sent_at = sent_at };
	struct vrrp_plan plan;

	vrrp_fsm_step(f, &ev, &plan);
	assert(!plan.send);
	obey_gate(&w->router[r], &plan);
}

static void stall(struct vrrp_router *x, enum vrrp_stall where, uint8_t priority)
{
	x->up = VRRP_FROZEN;
	x->stalled = (uint8_t)where;
	x->stalled_age = 0;
	x->stalled_priority = priority;
}

static const char *obey_send(struct vrrp_world *w, int r, struct vrrp_fsm *f, uint8_t priority, boot_t at,
			     enum vrrp_stall where)
{
	struct vrrp_router *x = &w->router[r];
	bool all;

	if (where == VRRP_STALL_BEFORE) {
		stall(x, where, priority);
		return NULL;
	}
	if (priority == 0 && x->gate > 0 && !router_is_alien(r))
		return "(e) priority 0 leaves while the gate is open";
	all = adverts_leave(w, r, priority) && priority > 0;
	if (priority == 0 && config->served_within && world_open(w) == 0) {
		w->resigned = (uint8_t)(r + 1);
		w->unserved = 0;
	}
	if (where == VRRP_STALL_AFTER)
		stall(x, all ? where : VRRP_STALL_NONE, priority);
	else if (all)
		tell_sent(w, r, f, at);
	return NULL;
}

/* (b): an operator's switchover is not undone. */
static const char *check_yielded(const struct vrrp_world *w, const struct vrrp_router *before, int r)
{
	if (!config->served_within || !(before->flags & VRRP_FLAG_YIELDED) || before->state == VRRP_ACTIVE ||
	    w->router[r].state != VRRP_ACTIVE || world_open(w) == 0)
		return NULL;
	return "(b) who yielded preempts";
}

/* ret_sent: something was sent, so there is a step to stall in. */
static const char *feed_at(struct vrrp_world *w, int r, struct vrrp_event ev, boot_t at,
			   enum vrrp_stall where, bool *ret_sent)
{
	struct vrrp_fsm f;
	struct vrrp_plan plan;
	const struct vrrp_router before = w->router[r];
	const char *bad = NULL;

	vrrp_unpack(config, r, &w->router[r], &f);
	ev.at = at;
	vrrp_fsm_step(&f, &ev, &plan);
	obey_gate(&w->router[r], &plan);
	if (plan.send)
		bad = obey_send(w, r, &f, plan.send_priority, VRRP_NOW, where);
	vrrp_pack(config, r, &f, &w->router[r]);
	*ret_sent = plan.send;
	return bad ? bad : check_yielded(w, &before, r);
}

static const char *feed(struct vrrp_world *w, int r, struct vrrp_event ev, enum vrrp_stall where,
			bool *ret_sent)
{
	return feed_at(w, r, ev, VRRP_NOW, where, ret_sent);
}

/* Within the tick, but after what was under way: that lies in the sockets of those who do not read. */
static const char *open_gate(struct vrrp_world *w, int r)
{
	const struct vrrp_event ev = { .type = VRRP_EVENT_TICK };
	bool sent;

	for (int to = 0; to < config->routers; to++)
		for (int i = 0; i < w->router[to].wires && w->router[to].up == VRRP_FROZEN; i++)
			w->router[to].wire[i].flags |= WIRE_ARRIVED;
	return feed_at(w, r, ev, boot_add(VRRP_NOW, VRRP_GUARD_NS), VRRP_STALL_NONE, &sent);
}

static const char *thaw(struct vrrp_world *w, int r)
{
	struct vrrp_router *x = &w->router[r];
	boot_t at = vrrp_ticks_ahead(-x->stalled_age);
	uint8_t stalled = x->stalled;
	const char *bad = NULL;
	struct vrrp_fsm f;

	x->up = VRRP_RUNS;
	x->stalled = VRRP_STALL_NONE;
	x->stalled_age = 0;
	vrrp_unpack(config, r, x, &f);
	if (stalled == VRRP_STALL_BEFORE)
		bad = obey_send(w, r, &f, x->stalled_priority, at, VRRP_STALL_NONE);
	else if (stalled == VRRP_STALL_AFTER)
		tell_sent(w, r, &f, at);
	vrrp_pack(config, r, &f, x);
	x->stalled_priority = 0;
	return bad;
}

static struct vrrp_event wire_event(const struct vrrp_wire *wire)
{
	int m = wire->flags & WIRE_SECOND;

	return (struct vrrp_event){ .type = VRRP_EVENT_ADVERT,
				    .member = (uint8_t)m,
				    .advert = { .priority = wire->priority,
						.interval_ns = wire->interval * VRRP_TICK_NS,
						.from = vrrp_address(config, wire->from, m) } };
}

static const char *deliver(struct vrrp_world *w, int r, int i, enum vrrp_stall where, bool *ret_sent)
{
	const struct vrrp_wire wire = wire_take(&w->router[r], i);

	return feed(w, r, wire_event(&wire), where, ret_sent);
}

/* An agent that is gone leaves the gate as it is. */
static void kill_agent(struct vrrp_router *x)
{
	const struct vrrp_router dead = { .gate = x->gate, .justified = x->justified };

	*x = dead;
}

/* The gate's slot keeps its deadline when that has passed; the first agent finds none. */
static const char *start_agent(struct vrrp_world *w, int r, bool first, enum vrrp_stall where, bool *ret_sent)
{
	struct vrrp_router *x = &w->router[r];
	struct vrrp_event ev = { .type = VRRP_EVENT_STARTUP };
	struct vrrp_fsm f;

	if (x->up == VRRP_OFF) {
		x->priority = config->priority[r];
		x->deadline = x->lower = VRRP_NONE;
		for (int m = 0; m < config->members; m++) {
			x->member[m].advert = vrrp_interval(config, r);
			x->member[m].heard_age = VRRP_NONE;
		}
		vrrp_unpack(config, r, x, &f);
		vrrp_pack(config, r, &f, x);
		x->up = VRRP_RUNS;
	}
	if (!first)
		ev.deadline = vrrp_ticks_ahead(x->gate ? x->gate : -1);
	return feed(w, r, ev, where, ret_sent);
}

static void cut_router(struct vrrp_world *w, int r)
{
	w->cut = (uint8_t)(1U << r);
	for (int to = 0; to < config->routers; to++)
		for (int i = w->router[to].wires - 1; i >= 0; i--)
			if (!(w->router[to].wire[i].flags & WIRE_ARRIVED) &&
			    (to == r || w->router[to].wire[i].from == r))
				(void)wire_take(&w->router[to], i);
}

/* ---- time ---- */

static bool all_arrived(const struct vrrp_world *w)
{
	for (int r = 0; r < config->routers; r++) {
		const struct vrrp_router *x = &w->router[r];

		for (int i = 0; i < x->wires && x->up == VRRP_RUNS; i++)
			if (!(x->wire[i].flags & WIRE_LATE))
				return false;
	}
	return true;
}

/* An answer that had to wait leaves after what is under way has arrived, too. */
static bool timer_due(const struct vrrp_world *w, int r)
{
	const struct vrrp_router *x = &w->router[r];
	struct vrrp_fsm f;

	if (x->up != VRRP_RUNS || x->state == VRRP_INITIALIZE)
		return false;
	if (x->flags & VRRP_FLAG_ADVERTISED && !all_arrived(w))
		return false;
	if (x->state == VRRP_BACKUP ? x->member[0].down > 0 : x->adver > 0 && x->deadline > 0)
		return false; /* only to save time */
	vrrp_unpack(config, r, &w->router[r], &f);
	return !boot_before(VRRP_NOW, vrrp_fsm_next(&f));
}

/* Has somebody still to answer? It waits for half as long as a guard lasts. */
static bool answer_waits(const struct vrrp_world *w)
{
	for (int r = 0; r < config->routers; r++)
		if (w->router[r].flags & VRRP_FLAG_ADVERTISED && timer_due(w, r))
			return true;
	return false;
}

static bool guard_over(const struct vrrp_world *w, int r)
{
	return w->router[r].up == VRRP_RUNS && w->router[r].flags & VRRP_FLAG_GUARD && all_arrived(w) &&
	       !answer_waits(w);
}

static bool time_may_pass(const struct vrrp_world *w)
{
	for (int r = 0; r < config->routers; r++)
		if (timer_due(w, r) || guard_over(w, r))
			return false;
	return all_arrived(w);
}

static void count_down(uint8_t *ticks)
{
	if (*ticks > 0 && *ticks != VRRP_NONE)
		(*ticks)--;
}

static void count_up(uint8_t *ticks, uint8_t limit)
{
	if (*ticks < limit)
		(*ticks)++;
}

static void member_tick(struct vrrp_router_member *x)
{
	bool preempting = x->flags & VRRP_FLAG_PREEMPTING;

	count_down(&x->down);
	if (x->heard_age == VRRP_NONE)
		return;
	count_up(&x->heard_age, VRRP_LONG);
	if (x->heard_age >= VRRP_WORLD_TICKS && !preempting) {
		x->heard_age = VRRP_NONE;
		x->heard_priority = x->heard_from = 0;
	}
}

static void router_tick(struct vrrp_router *x)
{
	count_down(&x->gate);
	count_down(&x->justified);
	if (x->up == VRRP_OFF)
		return;
	count_down(&x->adver);
	count_down(&x->deadline);
	if (x->lower != VRRP_NONE)
		count_up(&x->lower, config->preempt_delay);
	if (x->state == VRRP_ACTIVE)
		count_up(&x->active_age, VRRP_LONG);
	if (x->stalled)
		count_up(&x->stalled_age, VRRP_LONG);
	x->flags &= (uint8_t)~VRRP_FLAG_ADVERTISED;
	for (int m = 0; m < config->members; m++)
		member_tick(&x->member[m]);
	for (int i = 0; i < x->wires; i++) {
		x->wire[i].flags &= (uint8_t)~WIRE_LATE;
		if (x->up == VRRP_FROZEN)
			x->wire[i].flags |= WIRE_ARRIVED;
	}
}

/* (b): who has resigned is followed soon, and by the best of those who run. */
static const char *check_successor(struct vrrp_world *w)
{
	int former = w->resigned - 1, successor = -1;

	for (int r = 0; r < config->routers; r++)
		if (router_open(w, r))
			successor = r;
	if (!config->served_within || former < 0)
		return NULL;
	if (successor == former)
		return "(b) who resigned is Active again before another was";
	if (successor < 0)
		return w->unserved++ == config->served_within ? "(b) nobody follows one that has resigned"
							      : NULL;
	for (int r = 0; r < config->routers; r++)
		if (r != former && w->router[r].up == VRRP_RUNS && w->router[r].state != VRRP_INITIALIZE &&
		    w->router[r].priority > w->router[successor].priority)
			return "(b) a lower one follows than could";
	w->resigned = w->unserved = 0;
	return NULL;
}

static const char *time_passes(struct vrrp_world *w)
{
	const char *bad = check_successor(w);

	if (bad)
		return bad;
	w->both = world_open(w) > 1 && !w->cut ? (uint8_t)(w->both + 1) : 0;
	if (w->both > config->overlap)
		return config->overlap ? "(a) two gates are open for longer than is claimed"
				       : "(a) two gates are open at the end of a tick";
	for (int r = 0; r < config->routers; r++)
		router_tick(&w->router[r]);
	return NULL;
}

static bool wire_arrived(const struct vrrp_router *x)
{
	for (int i = 0; i < x->wires; i++)
		if (x->wire[i].flags & WIRE_ARRIVED)
			return true;
	return false;
}

/* ---- what can happen ---- */

static void push(const struct vrrp_world *w, const struct vrrp_action *a, const char *violation)
{
	struct vrrp_next *x;

	assert(list_count < VRRP_NEXT_MAX);
	x = &list[list_count++];
	x->world = *w;
	x->action = *a;
	x->violation = violation ? violation : world_check(w);
}

static bool may_fail(int r)
{
	return !config->faulty || config->faulty >> r & 1;
}

static bool fault_left(const struct vrrp_world *w, enum vrrp_fault f)
{
	return w->used[f] < config->fault[f];
}

static struct vrrp_event priority_event(const struct vrrp_world *w, int r)
{
	uint8_t now = w->router[r].priority, other = config->changed[r];

	return (struct vrrp_event){ .type = VRRP_EVENT_PRIORITY,
				    .priority = now == other ? config->priority[r] : other };
}

static const char *perform(struct vrrp_world *w, const struct vrrp_action *a, bool *ret_sent)
{
	struct vrrp_router *x = &w->router[a->router];
	enum vrrp_stall where = (enum vrrp_stall)a->stall;

	*ret_sent = false;
	switch ((enum vrrp_action_type)a->type) {
	case VRRP_DO_TIME:
		return time_passes(w);
	case VRRP_DO_DELIVER:
		return deliver(w, a->router, a->wire, where, ret_sent);
	case VRRP_DO_LOSE:
		(void)wire_take(x, a->wire);
		return NULL;
	case VRRP_DO_DELAY:
		x->wire[a->wire].flags |= WIRE_LATE;
		return NULL;
	case VRRP_DO_TIMER:
		return feed(w, a->router, (struct vrrp_event){ .type = VRRP_EVENT_TICK }, where, ret_sent);
	case VRRP_DO_OPEN:
		return open_gate(w, a->router);
	case VRRP_DO_KILL:
		kill_agent(x);
		return NULL;
	case VRRP_DO_START:
		return start_agent(w, a->router, false, where, ret_sent);
	case VRRP_DO_FREEZE:
		x->up = VRRP_FROZEN;
		return NULL;
	case VRRP_DO_THAW:
		return thaw(w, a->router);
	case VRRP_DO_CUT:
		cut_router(w, a->router);
		return NULL;
	case VRRP_DO_HEAL:
		w->cut = 0;
		return NULL;
	case VRRP_DO_PRIORITY:
		return feed(w, a->router, priority_event(w, a->router), where, ret_sent);
	case VRRP_DO_YIELD:
		return feed(w, a->router, (struct vrrp_event){ .type = VRRP_EVENT_YIELD }, where, ret_sent);
	case VRRP_DO_STOP:
		return feed(w, a->router, (struct vrrp_event){ .type = VRRP_EVENT_SHUTDOWN }, where,
			    ret_sent);
	case VRRP_DO_MUTE:
	case VRRP_DO_SPEAK:
		x->mute = a->type == VRRP_DO_MUTE;
		return NULL;
	}
	return NULL;
}

/* The action, and the same with a stall in it. */
static void go(const struct vrrp_world *w, struct vrrp_action a)
{
	bool sent;

	for (a.stall = VRRP_STALL_NONE; a.stall <= VRRP_STALL_AFTER; a.stall++) {
		struct vrrp_world next = *w;
		const char *bad;

		if (a.stall)
			next.used[VRRP_FAULT_STALL]++;
		bad = perform(&next, &a, &sent);
		push(&next, &a, bad);
		if (!sent || !fault_left(w, VRRP_FAULT_STALL) || !may_fail(a.router) ||
		    router_is_alien(a.router))
			return;
	}
}

static void go_fault(const struct vrrp_world *w, enum vrrp_fault f, struct vrrp_action a)
{
	struct vrrp_world u = *w;

	if (!fault_left(w, f))
		return;
	u.used[f]++;
	go(&u, a);
}

/* The first of its sender that is not late: a LAN keeps the order. */
static bool wire_first(const struct vrrp_router *x, int i)
{
	for (int k = 0; k < i; k++)
		if (x->wire[k].from == x->wire[i].from && !(x->wire[k].flags & WIRE_LATE))
			return false;
	return !(x->wire[i].flags & WIRE_LATE);
}

static void next_wires(const struct vrrp_world *w, uint8_t r)
{
	const struct vrrp_router *x = &w->router[r];

	for (uint8_t i = 0; i < x->wires; i++) {
		if (x->up != VRRP_RUNS || !wire_first(x, i))
			continue;
		go(w, (struct vrrp_action){ .type = VRRP_DO_DELIVER, .router = r, .wire = i });
		if (x->wire[i].flags & WIRE_ARRIVED)
			continue;
		go_fault(w, VRRP_FAULT_LOSS,
			 (struct vrrp_action){ .type = VRRP_DO_LOSE, .router = r, .wire = i });
		go_fault(w, VRRP_FAULT_DELAY,
			 (struct vrrp_action){ .type = VRRP_DO_DELAY, .router = r, .wire = i });
	}
}

static void next_faults(const struct vrrp_world *w, uint8_t r)
{
	const struct vrrp_router *x = &w->router[r];
	bool alien = router_is_alien(r), runs = x->up == VRRP_RUNS;

	if (x->up != VRRP_OFF)
		go_fault(w, VRRP_FAULT_KILL, (struct vrrp_action){ .type = VRRP_DO_KILL, .router = r });
	if (runs && !alien)
		go_fault(w, VRRP_FAULT_FREEZE, (struct vrrp_action){ .type = VRRP_DO_FREEZE, .router = r });
	if (!w->cut)
		go_fault(w, VRRP_FAULT_CUT, (struct vrrp_action){ .type = VRRP_DO_CUT, .router = r });
	if (runs && x->state == VRRP_ACTIVE)
		go_fault(w, VRRP_FAULT_YIELD, (struct vrrp_action){ .type = VRRP_DO_YIELD, .router = r });
	if (runs && x->state != VRRP_INITIALIZE)
		go_fault(w, VRRP_FAULT_STOP, (struct vrrp_action){ .type = VRRP_DO_STOP, .router = r });
	if (runs && !x->mute && !alien)
		go_fault(w, VRRP_FAULT_MUTE, (struct vrrp_action){ .type = VRRP_DO_MUTE, .router = r });
}

static void next_router(const struct vrrp_world *w, uint8_t r)
{
	const struct vrrp_router *x = &w->router[r];

	next_wires(w, r);
	if (timer_due(w, r) && !wire_arrived(x))
		go(w, (struct vrrp_action){ .type = VRRP_DO_TIMER, .router = r });
	if (guard_over(w, r) && !timer_due(w, r))
		go(w, (struct vrrp_action){ .type = VRRP_DO_OPEN, .router = r });
	if (x->up == VRRP_OFF || (x->up == VRRP_RUNS && x->state == VRRP_INITIALIZE))
		go(w, (struct vrrp_action){ .type = VRRP_DO_START, .router = r });
	if (x->up == VRRP_FROZEN)
		go(w, (struct vrrp_action){ .type = VRRP_DO_THAW, .router = r });
	if (w->cut >> r & 1)
		go(w, (struct vrrp_action){ .type = VRRP_DO_HEAL, .router = r });
	if (x->mute)
		go(w, (struct vrrp_action){ .type = VRRP_DO_SPEAK, .router = r });
	if (x->up == VRRP_RUNS && config->changed[r])
		go_fault(w, VRRP_FAULT_PRIORITY,
			 (struct vrrp_action){ .type = VRRP_DO_PRIORITY, .router = r });
	if (may_fail(r))
		next_faults(w, r);
}

int vrrp_world_next(const struct vrrp_world *w, struct vrrp_next ret[VRRP_NEXT_MAX])
{
	list = ret;
	list_count = 0;
	if (time_may_pass(w))
		go(w, (struct vrrp_action){ .type = VRRP_DO_TIME });
	for (uint8_t r = 0; r < config->routers; r++)
		next_router(w, r);
	return list_count;
}

void vrrp_world_initial(struct vrrp_world *ret, const struct vrrp_search_config *c)
{
	bool sent;

	config = c;
	memset(ret, 0, sizeof *ret);
	for (int r = 0; r < c->routers; r++)
		(void)start_agent(ret, r, true, VRRP_STALL_NONE, &sent);
}

/* ---- the way out ---- */

static void faults_end(struct vrrp_world *w)
{
	bool sent;

	w->cut = 0;
	for (int r = 0; r < config->routers; r++) {
		struct vrrp_router *x = &w->router[r];

		x->mute = config->mute_stays ? x->mute : 0;
		if (x->up == VRRP_FROZEN)
			(void)thaw(w, r);
		if (x->up == VRRP_OFF || x->state == VRRP_INITIALIZE)
			(void)start_agent(w, r, false, VRRP_STALL_NONE, &sent);
	}
}

static bool settle_router(struct vrrp_world *w, int r, bool reads, bool fires)
{
	struct vrrp_router *x = &w->router[r];
	bool sent;

	if (x->up == VRRP_RUNS && x->wires && (reads || wire_arrived(x))) {
		(void)deliver(w, r, 0, VRRP_STALL_NONE, &sent);
		return true;
	}
	if (fires && timer_due(w, r)) {
		(void)feed(w, r, (struct vrrp_event){ .type = VRRP_EVENT_TICK }, VRRP_STALL_NONE, &sent);
		return true;
	}
	if (fires && guard_over(w, r)) {
		(void)open_gate(w, r);
		return true;
	}
	return false;
}

/* Together: all timers that are due have fired before anybody hears of it. */
static bool settle_step(struct vrrp_world *w, bool together)
{
	for (int r = 0; r < config->routers; r++)
		if (settle_router(w, r, !together, true))
			return true;
	for (int r = 0; r < config->routers; r++)
		if (settle_router(w, r, true, false))
			return true;
	return false;
}

/* A Backup that will hear the Active's next advertisement before its own timer fires. */
static bool router_waits(const struct vrrp_router *x)
{
	if (x->up == VRRP_OFF || x->state == VRRP_INITIALIZE)
		return true;
	if (x->state != VRRP_BACKUP || x->stalled || x->wires)
		return false;
	for (int m = 0; m < config->members; m++)
		if (x->member[m].down <= VRRP_WORLD_TICKS * 2)
			return false;
	return true;
}

/* The only Active, if all others know of it; -1: there is none. */
static int world_incumbent(const struct vrrp_world *w)
{
	int incumbent = -1;

	if (w->cut || world_open(w) != 1)
		return -1;
	for (int r = 0; r < config->routers; r++) {
		const struct vrrp_router *x = &w->router[r];

		if (router_open(w, r) && x->up == VRRP_RUNS && !x->wires && !x->mute)
			incumbent = r;
		else if (!router_waits(x))
			return -1;
	}
	return incumbent;
}

/* Nobody may replace it: without preemption nobody at all, with it nobody who yielded. */
static bool incumbent_stays(const struct vrrp_world *w, int incumbent)
{
	for (int r = 0; incumbent >= 0 && config->preempt && r < config->routers; r++) {
		const struct vrrp_router *x = &w->router[r];
		uint8_t priority = x->up == VRRP_OFF ? config->priority[r] : x->priority;

		if (priority > w->router[incumbent].priority && !(x->flags & VRRP_FLAG_YIELDED))
			return false;
	}
	return incumbent >= 0;
}

static const char *settled(const struct vrrp_world *w, int incumbent)
{
	int holder = -1;
	bool better = false, yielded = false;

	for (int r = 0; r < config->routers; r++) {
		if (w->router[r].state == VRRP_ACTIVE && !router_open(w, r))
			return "(b) an Active does not get its gate open";
		if (router_open(w, r))
			holder = r;
	}
	if (world_open(w) != 1)
		return holder < 0 ? "(b) nobody is Active" : "(b) more than one is Active";
	for (int r = 0; r < config->routers; r++) {
		better = better || w->router[r].priority > w->router[holder].priority;
		yielded = yielded || w->router[r].flags & VRRP_FLAG_YIELDED;
	}
	if (config->preempt && better && !yielded)
		return "(b) a lower router stays Active";
	if (incumbent >= 0 && holder != incumbent)
		return "(b) the incumbent was replaced";
	return NULL;
}

const char *vrrp_world_settle(const struct vrrp_world *w, bool together)
{
	int incumbent = world_incumbent(w);
	struct vrrp_world x = *w;

	if (!incumbent_stays(w, incumbent))
		incumbent = -1;
	faults_end(&x);
	for (int t = 0; t <= config->settle + STAY; t++) {
		const char *bad;
		int steps = 0;

		while (settle_step(&x, together))
			if (++steps > REST)
				return "(d) they answer each other without an end";
		bad = t < config->settle ? NULL : settled(&x, incumbent);
		if (bad)
			return bad;
		for (int r = 0; r < config->routers; r++)
			router_tick(&x.router[r]);
	}
	return NULL;
}

/* ---- traces ---- */

static void print_router(const struct vrrp_world *w, int r)
{
	static const char *const ups[] = { "off", "", "frozen " };
	const struct vrrp_router *x = &w->router[r];

	printf(" | %c %s", 'A' + r, ups[x->up]);
	if (x->up != VRRP_OFF)
		printf("%s %d", vrrp_state_name((enum vrrp_state)x->state), x->priority);
	if (x->up != VRRP_OFF && x->state == VRRP_BACKUP)
		printf(" down in %d", x->member[0].down);
	if (x->up != VRRP_OFF && x->state == VRRP_BACKUP && config->members > 1)
		printf(", %d", x->member[1].down);
	if (router_open(w, r))
		printf(" OPEN %d", x->gate);
	for (int i = 0; i < x->wires; i++)
		printf(" <%c%d", 'A' + x->wire[i].from, x->wire[i].priority);
}

void vrrp_world_print(const struct vrrp_world *w, const struct vrrp_action *a)
{
	static const char *const names[] = {
		[VRRP_DO_TIME] = "a tick",
		[VRRP_DO_DELIVER] = "hears",
		[VRRP_DO_LOSE] = "misses",
		[VRRP_DO_DELAY] = "will hear later",
		[VRRP_DO_TIMER] = "timer",
		[VRRP_DO_OPEN] = "guard is over",
		[VRRP_DO_KILL] = "is killed",
		[VRRP_DO_START] = "starts",
		[VRRP_DO_FREEZE] = "freezes",
		[VRRP_DO_THAW] = "thaws",
		[VRRP_DO_CUT] = "is cut off",
		[VRRP_DO_HEAL] = "is heard again",
		[VRRP_DO_PRIORITY] = "changes priority",
		[VRRP_DO_YIELD] = "yields",
		[VRRP_DO_STOP] = "stops",
		[VRRP_DO_MUTE] = "cannot send",
		[VRRP_DO_SPEAK] = "can send again",
	};
	static const char *const stalls[] = { "", ", freezes before sending", ", freezes after sending" };

	if (a->type == VRRP_DO_TIME)
		printf("    a tick");
	else
		printf("    %c %s%s", 'A' + a->router, names[a->type], stalls[a->stall]);
	for (int r = 0; r < config->routers; r++)
		print_router(w, r);
	printf("\n");
}
