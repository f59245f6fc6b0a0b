/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drain_world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

#define STEP_NS	     (500 * NS_PER_MS)
#define STEPS_MAX    36 /* the drain, what the others wait for longer, the operation, and a lease */
#define STEPS_BEFORE 20
#define QUEUE_MAX    2 /* commands: the drain and its cancel */
#define WIRE_MAX     512
#define NOTICE_MAX   3 /* steps after which corosync has told everybody */
#define DRAIN_ID     7
#define CANCEL_ID    8

/* What no core holds: the world around it, and what the invariants remember. All bytes, no padding. */
struct drain_truth {
	int8_t step;	  /* 0: the drain is ordered */
	int8_t idle_step; /* node 1 was told of no call since */
	uint8_t steps_cut;
	uint8_t used[DRAIN_EVENTS_COUNT];
	uint8_t dead, cut, lossy; /* of node 1 */
	uint8_t noticed[DRAIN_NODES + 1];
	uint8_t left;			     /* the others' corosync has no node 1 */
	uint8_t ordered;		     /* commands given: 1 the drain, 2 its cancel too */
	uint8_t given[DRAIN_NODES + 1];	     /* how many of them arrived */
	uint8_t unheard;		     /* node 1 does not get them now */
	uint8_t cancel_heard, cancel_missed; /* by node 1 */
	uint8_t calls;			     /* 0, 1, 255 = unknown */
	uint8_t target_sick, release_wait;
	uint8_t handed;		 /* node 1 let go for the drain */
	uint8_t target_held;	 /* node 2 held it since */
	uint8_t faulty;		 /* node 1 was cut off, or its messages were lost */
	uint8_t ends;		 /* how often the origin wrote down an end */
	uint8_t end_ok, end_why; /* enum reason */
};

struct drain_wire {
	node_id_t to;
	struct core_event event;
};

struct drain_world {
	const struct drain_config *config;
	struct core *core[DRAIN_NODES + 1];
	boot_t gate[DRAIN_NODES + 1];
	struct drain_truth truth;
	struct drain_wire wire[WIRE_MAX]; /* empty between two actions */
	int wire_first, wire_count;
	struct core_plan plan;
	const char *bad;
};

/* ---- saving: what of a core can change in a cluster of three nodes and one group ---- */

#define OF_GROUP(field) offsetof(struct core, group[0].field)

/* Of lists by node the first four; fencing is nobody's business here. */
static const struct {
	size_t from, to;
} pieces[] = {
	{ offsetof(struct core, intent), offsetof(struct core, peer[DRAIN_NODES + 1]) },
	{ OF_GROUP(lease), OF_GROUP(lease.peer[DRAIN_NODES + 1]) },
	{ OF_GROUP(lease.release), OF_GROUP(damping[DRAIN_NODES + 1]) },
	{ OF_GROUP(takeover), offsetof(struct core, group[1]) },
	{ offsetof(struct core, voters), offsetof(struct core, fence) },
};

#define PIECES (sizeof pieces / sizeof pieces[0])

size_t drain_world_size(void)
{
	size_t size = sizeof(struct drain_truth) + sizeof(boot_t[DRAIN_NODES + 1]);

	for (size_t p = 0; p < PIECES; p++)
		size += DRAIN_NODES * (pieces[p].to - pieces[p].from);
	return size;
}

void drain_world_save(const struct drain_world *w, void *ret)
{
	uint8_t *to = ret;

	memcpy(to, &w->truth, sizeof w->truth);
	to += sizeof w->truth;
	memcpy(to, w->gate, sizeof w->gate);
	to += sizeof w->gate;
	for (int n = 1; n <= DRAIN_NODES; n++)
		for (size_t p = 0; p < PIECES; p++) {
			size_t size = pieces[p].to - pieces[p].from;

			memcpy(to, (const uint8_t *)w->core[n] + pieces[p].from, size);
			to += size;
		}
}

void drain_world_restore(struct drain_world *w, const void *saved)
{
	const uint8_t *from = saved;

	memcpy(&w->truth, from, sizeof w->truth);
	from += sizeof w->truth;
	memcpy(w->gate, from, sizeof w->gate);
	from += sizeof w->gate;
	for (int n = 1; n <= DRAIN_NODES; n++)
		for (size_t p = 0; p < PIECES; p++) {
			size_t size = pieces[p].to - pieces[p].from;

			memcpy((uint8_t *)w->core[n] + pieces[p].from, from, size);
			from += size;
		}
	w->bad = NULL;
}

static void digest_bytes(uint64_t h[2], const uint8_t *p, size_t size)
{
	for (; size > 0; p += 8) {
		size_t n = size < 8 ? size : 8;
		uint64_t x = 0;

		memcpy(&x, p, n);
		size -= n;
		h[0] = (h[0] ^ x) * 0xff51afd7ed558ccdULL;
		h[0] ^= h[0] >> 32;
		h[1] = (h[1] + x) * 0xc4ceb9fe1a85ec53ULL;
		h[1] ^= h[1] >> 29;
	}
}

void drain_world_digest(const struct drain_world *w, uint64_t ret[2])
{
	ret[0] = 0x9e3779b97f4a7c15ULL;
	ret[1] = 0xbf58476d1ce4e5b9ULL;
	digest_bytes(ret, (const uint8_t *)&w->truth, sizeof w->truth);
	digest_bytes(ret, (const uint8_t *)w->gate, sizeof w->gate);
	for (int n = 1; n <= DRAIN_NODES; n++)
		for (size_t p = 0; p < PIECES; p++)
			digest_bytes(ret, (const uint8_t *)w->core[n] + pieces[p].from,
				     pieces[p].to - pieces[p].from);
}

/* ---- what must be true ---- */

static struct instant world_now(const struct drain_world *w)
{
	int64_t ns = 1000 * NS_PER_S + w->truth.step * STEP_NS;

	return (struct instant){ { ns }, { ns } };
}

static bool world_up(const struct drain_world *w, int n)
{
	return !(n == DRAIN_HOLDER && w->truth.dead);
}

static void world_wrong(struct drain_world *w, const char *what)
{
	if (!w->bad)
		w->bad = what;
}

static void check_gates(struct drain_world *w)
{
	int open = 0;

	for (int n = 1; n <= DRAIN_NODES; n++)
		open += world_up(w, n) && boot_before(world_now(w).boot, w->gate[n]);
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

static void check_step(struct drain_world *w, int n, bool held, bool handed)
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

static void check_record(struct drain_world *w, int n, const struct core_record *r)
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

/* ---- events into a core ---- */

static bool wire_passes(const struct drain_world *w, int from, int to)
{
	const struct drain_truth *t = &w->truth;

	if (!world_up(w, from) || !world_up(w, to))
		return false;
	if ((from == DRAIN_HOLDER || to == DRAIN_HOLDER) && t->cut)
		return false;
	return !(from == DRAIN_HOLDER && t->lossy);
}

static void wire_put(struct drain_world *w, int to, const struct core_event *ev)
{
	assert(w->wire_first + w->wire_count < WIRE_MAX);
	w->wire[w->wire_first + w->wire_count++] = (struct drain_wire){ .to = (node_id_t)to, .event = *ev };
}

static void send_pulse(struct drain_world *w, int from, int to)
{
	struct core_event ev = { .type = CORE_HEARD, .node = (node_id_t)from };
	bool hears = node_in(core_heard(w->core[from], world_now(w)), (node_id_t)to);

	if (from == to || !wire_passes(w, from, to))
		return;
	ev.heard.hears_me = hears;
	wire_put(w, to, &ev);
	ev = (struct core_event){ .type = CORE_VIEW, .node = (node_id_t)from };
	ev.view.view = core_view(w->core[from], 0, world_now(w));
	ev.view.hears_me = hears;
	wire_put(w, to, &ev);
}

static void obey_action(struct drain_world *w, int n, const struct plan_action *a)
{
	struct core_event ev = { 0 };

	switch (a->type) {
	case PLAN_GATE_SET:
		w->gate[n] = a->gate_deadline;
		return;
	case PLAN_SEND:
		ev.type = CORE_MESSAGE;
		ev.msg = a->msg;
		ev.node = (node_id_t)n;
		if (wire_passes(w, n, a->msg.to))
			wire_put(w, a->msg.to, &ev);
		return;
	case PLAN_PULSE:
		for (int to = 1; to <= DRAIN_NODES; to++)
			send_pulse(w, n, to);
		return;
	case PLAN_PULSE_TO:
		send_pulse(w, n, a->node);
		return;
	case PLAN_STEP:
		ev.type = CORE_STEP;
		ev.step.seq = a->step.seq;
		wire_put(w, n, &ev);
		return;
	case PLAN_RESERVE_EPOCHS:
		ev.type = CORE_CEILING;
		ev.ceiling = a->ceiling;
		wire_put(w, n, &ev);
		return;
	case PLAN_SAVE_VOTERS:
		ev.type = CORE_VOTERS_SAVED;
		ev.voters = a->voters;
		wire_put(w, n, &ev);
		return;
	case PLAN_RECORD:
		check_record(w, n, &a->record);
		return;
	case PLAN_SAVE_VOTER:
	case PLAN_SAVE_INTENT:
	case PLAN_EXPLAIN:
	case PLAN_FENCE_CALL:
	case PLAN_FENCE_SEND:
	case PLAN_FENCE_ATTEMPT:
	case PLAN_FENCE_STATE:
	case PLAN_FACTS_CHANGED: /* heartbeats go out with each pulse */
		return;
	}
}

static void feed(struct drain_world *w, int n, struct core_event ev)
{
	bool held, handed;

	if (!world_up(w, n))
		return;
	ev.at = world_now(w);
	held = lease_holds(&w->core[n]->group[0].lease);
	handed = w->core[n]->group[0].operation.handed;
	core_step(w->core[n], &ev, &w->plan);
	check_step(w, n, held, handed);
	for (uint32_t i = 0; i < w->plan.count; i++)
		obey_action(w, n, &w->plan.actions[i]);
	check_gates(w);
}

static void wire_run(struct drain_world *w)
{
	while (w->wire_count > 0) {
		struct drain_wire x = w->wire[w->wire_first++];

		w->wire_count--;
		feed(w, x.to, x.event);
	}
	w->wire_first = 0;
}

static struct node_facts node_facts(const struct drain_world *w, int n)
{
	const struct drain_truth *t = &w->truth;
	struct node_facts f = {
		.config_accepted = true,
		.quorate = !t->noticed[n] || n != DRAIN_HOLDER,
		.group[0] = { .pbx = PBX_HEALTHY,
			      .lan_up = true,
			      .gate_ok = true,
			      .addresses_ok = true,
			      .registrations_in_step = true,
			      .uplink = UPLINK_GOOD },
	};

	if (n == DRAIN_HOLDER) {
		f.group[0].calls = t->calls == 255 ? UINT32_MAX : t->calls;
		f.group[0].release_wait = t->release_wait;
	}
	if (n == DRAIN_TARGET && t->target_sick)
		f.group[0].pbx = PBX_SICK;
	return f;
}

static void tell_own(struct drain_world *w, int n)
{
	feed(w, n, (struct core_event){ .type = CORE_LOCAL_FACTS, .facts = node_facts(w, n) });
}

static void tell_others(struct drain_world *w, int n)
{
	for (int to = 1; to <= DRAIN_NODES; to++)
		if (to != n && wire_passes(w, n, to))
			feed(w, to,
			     (struct core_event){ .type = CORE_PEER_FACTS,
						  .node = (node_id_t)n,
						  .facts = node_facts(w, n) });
}

/* ---- what can happen ---- */

static void act_deliver(struct drain_world *w, int n)
{
	struct core_event ev = { .type = CORE_COMMAND };

	ev.command = (struct core_command){
		.type = COMMAND_SWITCHOVER,
		.operation = DRAIN_ID,
		.stamp = DRAIN_ID,
		.origin = DRAIN_ORIGIN,
		.node = DRAIN_TARGET,
		.drain_ns = w->config->time * STEP_NS,
	};
	if (w->truth.given[n]++ > 0) {
		ev.command.type = COMMAND_CANCEL;
		ev.command.operation = ev.command.stamp = CANCEL_ID;
		ev.command.node = NODE_NONE;
		ev.command.drain_ns = 0;
		ev.command.cancels = DRAIN_ID;
		w->truth.cancel_heard |= n == DRAIN_HOLDER;
	}
	feed(w, n, ev);
}

static void act_notice(struct drain_world *w, int n)
{
	struct drain_truth *t = &w->truth;

	t->noticed[n] = 1;
	if (n == DRAIN_HOLDER) {
		t->unheard = 1;
		tell_own(w, n);
	} else {
		t->left = 1;
		feed(w, n, (struct core_event){ .type = CORE_PEER_LEFT, .node = DRAIN_HOLDER });
	}
	for (int other = 1; n == DRAIN_HOLDER && other <= DRAIN_NODES; other++)
		if (other != n)
			feed(w, n, (struct core_event){ .type = CORE_PEER_LEFT, .node = (node_id_t)other });
}

static void act_heal(struct drain_world *w)
{
	struct drain_truth *t = &w->truth;

	t->cut = t->left = 0;
	if (t->unheard && t->given[DRAIN_HOLDER] < t->ordered) {
		t->cancel_missed = t->ordered > 1;
		t->given[DRAIN_HOLDER] = t->ordered;
	}
	t->unheard = 0;
	memset(t->noticed, 0, sizeof t->noticed);
	tell_own(w, DRAIN_HOLDER);
	for (int n = 1; n <= DRAIN_NODES; n++)
		tell_others(w, n);
}

static void act_time(struct drain_world *w)
{
	struct drain_truth *t = &w->truth;

	t->step++;
	if (t->cut || t->dead)
		t->steps_cut++;
	t->lossy = 0;
	for (int n = 1; n <= DRAIN_NODES; n++) {
		feed(w, n, (struct core_event){ .type = CORE_TICK });
		wire_run(w);
		tell_others(w, n);
		wire_run(w);
	}
}

static void act_calls(struct drain_world *w, uint8_t calls)
{
	w->truth.calls = calls;
	w->truth.idle_step = w->truth.step;
	tell_own(w, DRAIN_HOLDER);
}

static void act(struct drain_world *w, struct drain_action a)
{
	struct drain_truth *t = &w->truth;

	switch ((enum drain_event)a.event) {
	case DRAIN_TIME:
		act_time(w);
		return;
	case DRAIN_DELIVER:
		act_deliver(w, a.node);
		return;
	case DRAIN_CALL_BEGINS:
		act_calls(w, 1);
		return;
	case DRAIN_CALLS_END:
		act_calls(w, 0);
		return;
	case DRAIN_CALLS_UNKNOWN:
		act_calls(w, 255);
		return;
	case DRAIN_CANCEL:
		t->ordered = 2;
		return;
	case DRAIN_CUT:
		t->cut = t->faulty = 1;
		return;
	case DRAIN_HEAL:
		act_heal(w);
		return;
	case DRAIN_NOTICE:
		act_notice(w, a.node);
		return;
	case DRAIN_DIE:
		t->dead = 1;
		w->gate[DRAIN_HOLDER] = (boot_t){ 0 };
		return;
	case DRAIN_LOSE:
		t->lossy = t->faulty = 1;
		return;
	case DRAIN_TARGET_SICK:
	case DRAIN_TARGET_WELL:
		t->target_sick = a.event == DRAIN_TARGET_SICK;
		tell_own(w, DRAIN_TARGET);
		tell_others(w, DRAIN_TARGET);
		return;
	case DRAIN_RELEASED:
		t->release_wait = 0;
		tell_own(w, DRAIN_HOLDER);
		return;
	case DRAIN_EVENTS_COUNT:
		break;
	}
	assert(!"an event");
}

const char *drain_world_act(struct drain_world *w, struct drain_action a)
{
	w->bad = NULL;
	w->truth.used[a.event] += w->config->budget[a.event] > 0;
	act(w, a);
	wire_run(w);
	return w->bad;
}

/* A command arrives in one order everywhere; not at a node that was cut off, and at the others only when
 * corosync has found out. */
static bool may_deliver(const struct drain_world *w, int n)
{
	const struct drain_truth *t = &w->truth;

	if (!world_up(w, n) || t->given[n] >= t->ordered)
		return false;
	return n == DRAIN_HOLDER ? !t->cut && !t->unheard : !(t->cut || t->dead) || t->left;
}

static bool may_notice(const struct drain_world *w, int n)
{
	return world_up(w, n) && (w->truth.cut || w->truth.dead) && !w->truth.noticed[n];
}

static bool fits(const struct drain_world *w, enum drain_event e)
{
	const struct drain_truth *t = &w->truth;
	int noticed = t->noticed[1] + t->noticed[2] + t->noticed[3];

	switch (e) {
	case DRAIN_CALL_BEGINS:
		return !t->dead && t->calls != 1;
	case DRAIN_CALLS_END:
		return !t->dead && t->calls != 0;
	case DRAIN_CALLS_UNKNOWN:
		return !t->dead && t->calls != 255;
	case DRAIN_CANCEL:
		return t->ordered == 1;
	case DRAIN_CUT:
		return !t->cut && !t->dead;
	case DRAIN_HEAL: /* shorter than corosync minds, or found out by all */
		return t->cut && !t->dead && (noticed == 0 || noticed == DRAIN_NODES);
	case DRAIN_DIE:
		return !t->dead && !t->cut;
	case DRAIN_LOSE:
		return !t->dead && !t->cut && !t->lossy;
	case DRAIN_TARGET_SICK:
		return !t->target_sick && !t->target_held;
	case DRAIN_TARGET_WELL:
		return t->target_sick;
	case DRAIN_RELEASED:
		return !t->dead && t->release_wait && core_releasing(w->core[DRAIN_HOLDER], 0);
	case DRAIN_TIME:
	case DRAIN_DELIVER:
	case DRAIN_NOTICE:
	case DRAIN_EVENTS_COUNT:
		break;
	}
	return false;
}

/* Time does not pass what has to have happened by then. */
static bool time_waits(const struct drain_world *w)
{
	for (int n = 1; n <= DRAIN_NODES; n++)
		if (may_deliver(w, n) || (may_notice(w, n) && w->truth.steps_cut >= NOTICE_MAX))
			return true;
	return false;
}

int drain_world_actions(const struct drain_world *w, struct drain_action ret[DRAIN_ACTIONS_MAX])
{
	const struct drain_truth *t = &w->truth;
	int count = 0;

	if (t->step >= STEPS_MAX)
		return 0;
	for (int n = 1; n <= DRAIN_NODES; n++) {
		if (may_deliver(w, n))
			ret[count++] = (struct drain_action){ DRAIN_DELIVER, (uint8_t)n };
		if (may_notice(w, n))
			ret[count++] = (struct drain_action){ DRAIN_NOTICE, (uint8_t)n };
	}
	for (int e = 1; e < DRAIN_EVENTS_COUNT; e++)
		if (t->step <= w->config->steps_open && t->used[e] < w->config->budget[e] &&
		    fits(w, (enum drain_event)e))
			ret[count++] = (struct drain_action){ (uint8_t)e, 0 };
	if (!time_waits(w))
		ret[count++] = (struct drain_action){ DRAIN_TIME, 0 };
	assert(count <= DRAIN_ACTIONS_MAX);
	return count;
}

const char *drain_world_end(const struct drain_world *w)
{
	int holders = 0;

	for (int n = 1; n <= DRAIN_NODES; n++) {
		if (!world_up(w, n))
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

/* ---- the beginning: node 1 holds, and all know each other ---- */

static struct core_config core_config_of(int n)
{
	return (struct core_config){
		.self = (node_id_t)n,
		.process = (uint64_t)n,
		.nodes_count = DRAIN_NODES,
		.nodes = { { 1, false }, { 2, false }, { 3, true } },
		.groups_count = 1,
		.groups[0] = { .candidates_count = 2,
			       .candidates = { DRAIN_HOLDER, DRAIN_TARGET },
			       .policy = { .failback = FAILBACK_MANUAL } },
		.timing = { .lease_ns = 2 * NS_PER_S,
			    .guard_ns = 100 * NS_PER_MS,
			    .lease_max_ns = 2 * NS_PER_S,
			    .guard_max_ns = 100 * NS_PER_MS,
			    .pulse_ns = STEP_NS,
			    .hold_ns = NS_PER_S,
			    .rtt_ns = 10 * NS_PER_MS },
		.operation_timeout_ns = 4 * NS_PER_S,
		.facts_timeout_ns = 3 * NS_PER_S,
	};
}

static void world_settle(struct drain_world *w)
{
	w->truth.faulty = 1; /* nobody holds yet */
	while (w->truth.step < 0)
		act_time(w);
	assert(lease_holds(&w->core[DRAIN_HOLDER]->group[0].lease) && !w->bad);
	for (int n = 1; n <= DRAIN_NODES; n++)
		assert(w->core[n]->group[0].seen_holder == DRAIN_HOLDER);
	w->truth.faulty = 0;
	w->truth.ordered = 1;
	w->truth.release_wait = w->config->release_wait;
	tell_own(w, DRAIN_HOLDER);
	w->wire_first = 0;
}

struct drain_world *drain_world_new(const struct drain_config *config)
{
	struct drain_world *w = calloc(1, sizeof *w);
	struct core_memory *memory = calloc(1, sizeof *memory);

	assert(w && memory);
	w->config = config;
	w->truth.step = w->truth.idle_step = -STEPS_BEFORE;
	w->truth.calls = config->calls;
	memory->ceiling = 1000;
	for (int n = 1; n <= DRAIN_NODES; n++) {
		const struct core_config c = core_config_of(n);

		w->core[n] = calloc(1, sizeof *w->core[n]);
		assert(w->core[n]);
		core_init(w->core[n], &c, memory, world_now(w));
		tell_own(w, n);
		feed(w, n, (struct core_event){ .type = CORE_ADOPT });
	}
	free(memory);
	wire_run(w);
	world_settle(w);
	return w;
}

void drain_world_free(struct drain_world *w)
{
	for (int n = 1; n <= DRAIN_NODES; n++)
		free(w->core[n]);
	free(w);
}

const char *drain_event_name(enum drain_event e)
{
	static const char *const names[DRAIN_EVENTS_COUNT] = {
		[DRAIN_TIME] = "a pulse later",
		[DRAIN_DELIVER] = "the next command arrives",
		[DRAIN_CALL_BEGINS] = "a call begins",
		[DRAIN_CALLS_END] = "the calls end",
		[DRAIN_CALLS_UNKNOWN] = "calls are not counted any more",
		[DRAIN_CANCEL] = "the operator cancels",
		[DRAIN_CUT] = "node 1 is cut off",
		[DRAIN_HEAL] = "node 1 is there again",
		[DRAIN_NOTICE] = "corosync has noticed",
		[DRAIN_DIE] = "node 1 loses power",
		[DRAIN_LOSE] = "node 1 sends in vain until the next pulse",
		[DRAIN_TARGET_SICK] = "the target's PBX is sick",
		[DRAIN_TARGET_WELL] = "the target's PBX is well",
		[DRAIN_RELEASED] = "node 1 has said outside that it goes",
	};

	return e < DRAIN_EVENTS_COUNT && names[e] ? names[e] : "?";
}
