/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drain_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX    36 /* the drain, what the others wait for longer, the operation, and a lease */
#define STEPS_BEFORE 20
#define NOTICE_MAX   3 /* steps after which corosync has told everybody */
#define CANCEL_ID    8

/* ---- events into a core ---- */

static bool wire_passes(const struct drain_world *w, int from, int to)
{
	const struct drain_truth *t = &w->truth;

	if (!drain_world_up(w, from) || !drain_world_up(w, to))
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
	bool hears = node_in(core_heard(w->core[from], drain_world_now(w)), (node_id_t)to);

	if (from == to || !wire_passes(w, from, to))
		return;
	ev.heard.hears_me = hears;
	wire_put(w, to, &ev);
	ev = (struct core_event){ .type = CORE_VIEW, .node = (node_id_t)from };
	ev.view.view = core_view(w->core[from], 0, drain_world_now(w));
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
		drain_check_record(w, n, &a->record);
		return;
	case PLAN_SAVE_VOTER:
	case PLAN_SAVE_INTENT:
	case PLAN_EXPLAIN:
	case PLAN_FENCE_CALL:
	case PLAN_FENCE_SEND:
	case PLAN_FENCE_ATTEMPT:
	case PLAN_FENCE_STATE:
	case PLAN_FENCE_SAVE:
	case PLAN_FACTS_CHANGED: /* heartbeats go out with each pulse */
		return;
	}
}

static void feed(struct drain_world *w, int n, struct core_event ev)
{
	bool held, handed;

	if (!drain_world_up(w, n))
		return;
	ev.at = drain_world_now(w);
	held = lease_holds(&w->core[n]->group[0].lease);
	handed = w->core[n]->group[0].operation.handed;
	core_step(w->core[n], &ev, &w->plan);
	drain_check_step(w, n, held, handed);
	for (uint32_t i = 0; i < w->plan.count; i++)
		obey_action(w, n, &w->plan.actions[i]);
	drain_check_gates(w);
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

	if (!drain_world_up(w, n) || t->given[n] >= t->ordered)
		return false;
	return n == DRAIN_HOLDER ? !t->cut && !t->unheard : !(t->cut || t->dead) || t->left;
}

static bool may_notice(const struct drain_world *w, int n)
{
	return drain_world_up(w, n) && (w->truth.cut || w->truth.dead) && !w->truth.noticed[n];
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
		core_init(w->core[n], &c, memory, drain_world_now(w));
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
