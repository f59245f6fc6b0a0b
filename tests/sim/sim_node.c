/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One node. The agent's loop is that of ringkeepd: read the clocks, say WAKE after a standstill, feed one
 * event, carry the plan out action by action. A stall may come between any two actions, and a kill during a
 * stall.
 */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000LL

/* ---- clocks ---- */

static int64_t sim_clock_at(const struct sim_clock *c, int64_t true_ns)
{
	return c->clock_ns + (true_ns - c->true_ns) +
	       (int64_t)((__int128)(true_ns - c->true_ns) * c->ppm / MILLION);
}

/* The first true time at which the clock shows clock_ns or more. */
static int64_t sim_clock_when(const struct sim_clock *c, int64_t clock_ns)
{
	return c->true_ns + (int64_t)((__int128)(clock_ns - c->clock_ns) * MILLION / (MILLION + c->ppm)) + 1;
}

static void sim_clock_rebase(const struct sim *s, struct sim_clock *c, int64_t ppm)
{
	c->clock_ns = sim_clock_at(c, s->now);
	c->true_ns = s->now;
	c->ppm = ppm;
}

void sim_clock_rate(struct sim *s, struct sim_node *n, int64_t boot_ppm, int64_t raw_ppm)
{
	sim_clock_rebase(s, &n->boot, boot_ppm);
	sim_clock_rebase(s, &n->raw, raw_ppm);
}

boot_t sim_boot_now(const struct sim *s, const struct sim_node *n)
{
	return (boot_t){ n->frozen ? n->boot.clock_ns : sim_clock_at(&n->boot, s->now) };
}

struct instant sim_instant(const struct sim *s, const struct sim_node *n)
{
	return (struct instant){
		.boot = sim_boot_now(s, n),
		.raw = { n->frozen ? n->raw.clock_ns : sim_clock_at(&n->raw, s->now) },
	};
}

/* ---- gate ---- */

/* As fencing/ has it in the kernel: a deadline absurdly far ahead counts as shut. */
bool sim_gate_open(const struct sim *s, const struct sim_node *n, group_index_t group)
{
	int64_t left = boot_diff_ns(sim_boot_now(s, n), n->gate[group]);

	return n->powered && !n->frozen && left > 0 && left <= 60 * NS_PER_S;
}

/* ---- the agent's loop ---- */

static void sim_inbox_put(struct sim_node *n, struct sim_event *e)
{
	e->next = NULL;
	if (n->inbox_last)
		n->inbox_last->next = e;
	else
		n->inbox_first = e;
	n->inbox_last = e;
}

static void sim_inbox_put_first(struct sim_node *n, struct sim_event *e)
{
	e->next = n->inbox_first;
	n->inbox_first = e;
	if (!n->inbox_last)
		n->inbox_last = e;
}

static void sim_inbox_clear(struct sim_node *n)
{
	while (n->inbox_first) {
		struct sim_event *e = n->inbox_first;

		n->inbox_first = e->next;
		free(e);
	}
	n->inbox_last = NULL;
}

void sim_node_stall(struct sim *s, struct sim_node *n, int64_t ns)
{
	n->stalled_until = s->now + ns;
	n->calm_since = INT64_MAX;
	sim_schedule(s, n->stalled_until, SIM_RESUME, n->id);
	sim_trace(s, "%s stands still for %lld ms", sim_name(s, n->id), (long long)(ns / NS_PER_MS));
}

static void sim_step_start(struct sim *s, struct sim_node *n, const struct plan_action *a)
{
	struct sim_random *r = &s->random;
	bool faulty = !s->faults_over;
	int64_t after_ns =
		s->options.story ? 2 * NS_PER_MS : sim_random_between(r, NS_PER_MS / 10, 60 * NS_PER_MS);
	struct sim_event *e;

	if (faulty && sim_random_permille(r, s->fault.step_hangs)) {
		if (sim_random_permille(r, 500))
			return; /* no answer, ever */
		after_ns = sim_random_between(r, NS_PER_S, 15 * NS_PER_S);
	}
	e = sim_schedule(s, s->now + after_ns, SIM_CORE, n->id);
	e->life = n->life;
	e->core.type = CORE_STEP;
	e->core.group = a->group;
	e->core.step.seq = a->step.seq;
	e->core.step.error = faulty && sim_random_permille(r, s->fault.step_fails) ? -5 : 0;
}

static void sim_reserve(struct sim *s, struct sim_node *n, uint64_t ceiling)
{
	struct sim_event *e;

	if (!s->faults_over && sim_random_permille(&s->random, s->fault.save_fails))
		return; /* the disk did not take it: the core asks again */
	n->disk.ceiling = ceiling;
	n->disk.epoch_lost = false;
	e = sim_schedule(s,
			 s->now + (s->options.story ? 5 : sim_random_between(&s->random, 1, 50)) * NS_PER_MS,
			 SIM_CORE, n->id);
	e->life = n->life;
	e->core.type = CORE_CEILING;
	e->core.ceiling = ceiling;
}

static void sim_save_voters(struct sim *s, struct sim_node *n, const struct voter_set *voters)
{
	struct sim_event *e;

	n->disk.voters = *voters;
	e = sim_schedule(s, s->now + NS_PER_MS, SIM_CORE, n->id);
	e->life = n->life;
	e->core.type = CORE_VOTERS_SAVED;
	e->core.voters = *voters;
}

/* False: the save failed. */
static bool sim_save_voter(struct sim *s, struct sim_node *n)
{
	if (!s->faults_over && sim_random_permille(&s->random, s->fault.save_fails)) {
		n->calm_since = s->now;
		return false;
	}
	core_voter_state(n->core, n->tmpfs.lease);
	n->tmpfs.written = true;
	return true;
}

static void sim_gate_set(struct sim *s, struct sim_node *n, group_index_t group, boot_t deadline)
{
	bool was_open = sim_gate_open(s, n, group);

	if (!was_open)
		sim_check_opening(s, n, group, deadline);
	n->gate[group] = deadline;
	sim_check_gate(s, n, group, was_open);
	sim_check_shut(s, n, group);
}

static void sim_fence_send(struct sim *s, struct sim_node *n, const struct fence_msg *m)
{
	struct core_event ev = { .type = CORE_FENCE_MESSAGE, .fence_msg = *m };

	ev.fence_msg.from = n->id;
	sim_cpg_send(s, n->id, &ev);
}

/* False: the rest of the plan is dropped. */
static bool sim_action(struct sim *s, struct sim_node *n, const struct plan_action *a)
{
	sim_check_action(s, n, a);
	sim_trace_action(s, n, a);
	switch (a->type) {
	case PLAN_SAVE_VOTER:
		return sim_save_voter(s, n);
	case PLAN_GATE_SET:
		sim_gate_set(s, n, a->group, a->gate_deadline);
		break;
	case PLAN_SEND:
		sim_net_send(s, n, &a->msg);
		break;
	case PLAN_PULSE:
		for (node_id_t to = 1; to <= s->nodes_count; to++)
			if (to != n->id)
				sim_net_pulse(s, n, to);
		break;
	case PLAN_PULSE_TO:
		sim_net_pulse(s, n, a->node);
		break;
	case PLAN_STEP:
		sim_step_start(s, n, a);
		break;
	case PLAN_SAVE_INTENT:
		n->disk.intent = n->core->intent;
		break;
	case PLAN_RESERVE_EPOCHS:
		sim_reserve(s, n, a->ceiling);
		break;
	case PLAN_SAVE_VOTERS:
		sim_save_voters(s, n, &a->voters);
		break;
	case PLAN_FACTS_CHANGED:
		sim_heartbeat(s, n);
		break;
	case PLAN_RECORD:
	case PLAN_EXPLAIN:
	case PLAN_FENCE_ATTEMPT:
	case PLAN_FENCE_STATE:
		break; /* checked and traced above */
	case PLAN_FENCE_SAVE:
		fence_memory_get(&n->core->fence, &n->tmpfs.fence);
		break;
	case PLAN_FENCE_CALL:
		sim_fence_call(s, n, &a->fence_call);
		break;
	case PLAN_FENCE_SEND:
		sim_fence_send(s, n, &a->fence_msg);
		break; /* checked and traced above */
	}
	return true;
}

/* What is left when a stall comes is carried out after it, as late as it then is. */
static void sim_rest_keep(struct sim_node *n, const struct core_plan *plan, uint32_t from)
{
	if (plan != n->rest) {
		n->rest->count = plan->count - from;
		memcpy(n->rest->actions, plan->actions + from, n->rest->count * sizeof plan->actions[0]);
		n->rest_next = 0;
	} else {
		n->rest_next = from;
	}
}

static int64_t sim_stall_length(struct sim *s)
{
	const struct lease_timing *t = &s->config.timing;
	struct sim_random *r = &s->random;

	switch (sim_random_below(r, 4)) {
	case 0:
		return sim_random_between(r, NS_PER_MS, t->pulse_ns);
	case 1:
		return sim_random_between(r, t->pulse_ns, t->lease_ns);
	case 2: /* around the end of the lease: the most interesting ones */
		return t->lease_ns + sim_random_between(r, -200 * NS_PER_MS, t->guard_ns + 200 * NS_PER_MS);
	default:
		return sim_random_between(r, t->lease_ns, 6 * t->lease_ns);
	}
}

static void sim_plan_run(struct sim *s, struct sim_node *n, struct core_plan *plan, uint32_t from)
{
	for (uint32_t i = from; i < plan->count && !s->failed; i++) {
		if (!s->faults_over && s->fault.stall &&
		    sim_random_below(&s->random, 100000) < s->fault.stall) {
			sim_rest_keep(n, plan, i);
			sim_node_stall(s, n, sim_stall_length(s));
			return;
		}
		if (!sim_action(s, n, &plan->actions[i])) {
			struct core_event failed = { .type = CORE_SAVE_FAILED };

			n->rest->count = 0;
			sim_node_feed(s, n, &failed);
			return;
		}
	}
	n->rest->count = 0;
	n->rest_next = 0;
	if (n->adopted)
		sim_check_rest(s, n);
}

static void sim_roles(const struct sim *s, const struct sim_node *n, enum lease_role *role,
		      struct epoch *epoch)
{
	for (int g = 0; g < s->config.groups_count; g++) {
		role[g] = n->core->group[g].lease.role;
		epoch[g] = n->core->group[g].lease.epoch;
	}
}

/* Schedules the next tick, unless an earlier one is on its way. */
static void sim_tick_schedule(struct sim *s, struct sim_node *n)
{
	boot_t next = core_next(n->core, sim_instant(s, n));
	int64_t at = sim_clock_when(&n->boot, next.ns);
	struct sim_event *e;

	if (at < s->now)
		at = s->now;
	if (!s->options.story)
		at += sim_random_below(&s->random, 2 * NS_PER_MS); /* the scheduler's lateness */
	if (n->tick_at != 0 && n->tick_at <= at)
		return;
	n->tick_at = at;
	e = sim_schedule(s, at, SIM_TICK, n->id);
	e->life = n->life;
	e->number = ++n->tick_number;
}

/* What agent and PBX do with a hand-over that is about to happen; often not within the bound, or never. */
static void sim_release_follow(struct sim *s, struct sim_node *n, group_index_t g)
{
	bool was = n->releasing[g].ns != 0, is = core_releasing(n->core, g);
	struct sim_event *e;

	if (was == is)
		return;
	n->releasing[g] = is ? n->loop_at : (boot_t){ 0 };
	if (!is) {
		n->facts.group[g].release_wait = sim_random_permille(&s->random, 600);
	} else if (sim_random_permille(&s->random, 700)) {
		e = sim_schedule(s, s->now + sim_random_between(&s->random, 1, 1500) * NS_PER_MS,
				 SIM_RELEASED, n->id);
		e->life = n->life;
		e->number = g;
	}
}

void sim_node_feed(struct sim *s, struct sim_node *n, struct core_event *ev)
{
	enum lease_role role[SIM_GROUPS_MAX];
	struct epoch epoch[SIM_GROUPS_MAX];

	if (s->failed)
		return;
	s->steps++;
	sim_uplinks_told(s, n, ev);
	ev->at = sim_instant(s, n);
	n->loop_at = ev->at.boot;
	n->core_at = ev->at;
	sim_roles(s, n, role, epoch);
	sim_check_told(n, ev);
	core_step(n->core, ev, &s->plan);
	core_step(n->shadow, ev, &s->shadow_plan);
	if (!sim_plans_equal(&s->plan, &s->shadow_plan))
		sim_fail(s, "determinism: two cores fed the same events gave different plans on %s",
			 sim_name(s, n->id));
	sim_check_step(s, n, ev, role, epoch);
	for (group_index_t g = 0; g < s->config.groups_count; g++) {
		sim_release_follow(s, n, g);
		sim_check_releasing(s, n, ev, g);
	}
	sim_plan_run(s, n, &s->plan, 0);
}

/* Waking up: the gap is measured by the loop, before anything that waits is looked at. */
static void sim_loop_begin(struct sim *s, struct sim_node *n)
{
	struct core_event wake = { .type = CORE_WAKE };

	if (boot_diff_ns(n->loop_at, sim_boot_now(s, n)) > s->config.timing.lease_ns)
		sim_node_feed(s, n, &wake);
}

static void sim_tick_feed(struct sim *s, struct sim_node *n)
{
	struct core_event tick = { .type = CORE_TICK };
	boot_t before = n->loop_at;

	n->tick_at = 0;
	sim_node_feed(s, n, &tick);
	n->spins = boot_before(before, n->loop_at) ? 0 : n->spins + 1;
	if (n->spins > 50)
		sim_fail(s, "%s: core_next() does not move on", sim_name(s, n->id));
}

static void sim_facts_feed(struct sim *s, struct sim_node *n)
{
	struct core_event ev = { .type = CORE_LOCAL_FACTS, .facts = n->facts };

	sim_node_feed(s, n, &ev);
}

/* Takes e. */
static void sim_input_process(struct sim *s, struct sim_node *n, struct sim_event *e)
{
	sim_loop_begin(s, n);
	if (n->stalled_until) {
		sim_inbox_put_first(n, e);
		return;
	}
	switch ((int)e->type) {
	case SIM_TICK:
		if (e->number == n->tick_number)
			sim_tick_feed(s, n);
		break;
	case SIM_DATAGRAM:
		sim_net_receive(s, n, &e->datagram);
		break;
	case SIM_ALONE:
		n->facts.joining = false;
		sim_facts_feed(s, n);
		break;
	case SIM_RELEASED:
		n->facts.group[e->number].release_wait = false;
		sim_facts_feed(s, n);
		break;
	case SIM_FACTS:
		sim_facts_feed(s, n);
		break;
	case SIM_SNAPSHOT:
		sim_cpg_snapshot_send(s, n, (node_id_t)e->number);
		break;
	default:
		if (e->core.type == CORE_COMMAND)
			sim_check_delivered(s, n, &e->core.command);
		if (e->core.type == CORE_LOCAL_FACTS) /* of a PBX that flaps, made before */
			sim_uplinks_now(n, &e->core.facts);
		if (e->core.type == CORE_PEER_FACTS)
			node_facts_ages(&e->core.facts, sim_boot_now(s, n));
		sim_node_feed(s, n, &e->core);
		break;
	}
	free(e);
}

void sim_node_input(struct sim *s, struct sim_event *e)
{
	struct sim_node *n = &s->node[e->node];

	bool unheard = n->frozen && e->type == SIM_DATAGRAM; /* nobody keeps packets for a paused VM */

	if (!n->running || unheard || (e->life && e->life != n->life)) {
		free(e);
		return;
	}
	if (n->stalled_until) {
		sim_inbox_put(n, e);
		return;
	}
	sim_input_process(s, n, e);
	if (n->running && !n->stalled_until && !s->failed)
		sim_tick_schedule(s, n);
}

void sim_node_resume(struct sim *s, struct sim_node *n)
{
	n->stalled_until = 0;
	n->calm_since = s->now;
	if (!n->running)
		return;
	sim_trace(s, "%s goes on", sim_name(s, n->id));
	if (n->rest->count > 0)
		sim_plan_run(s, n, n->rest, n->rest_next);
	while (n->inbox_first && !n->stalled_until && !s->failed) {
		struct sim_event *e = n->inbox_first;

		n->inbox_first = e->next;
		if (!n->inbox_first)
			n->inbox_last = NULL;
		e->next = NULL;
		sim_input_process(s, n, e);
	}
	if (!n->stalled_until && !s->failed) {
		n->tick_at = 0;
		sim_tick_schedule(s, n);
	}
}

/* ---- start and end of the agent ---- */

static void sim_memory(const struct sim_node *n, struct core_memory *ret)
{
	*ret = (struct core_memory){
		.memory_lost = !n->tmpfs.written,
		.disk_lost = n->disk.epoch_lost,
		.ceiling = n->disk.ceiling,
		.intent = n->disk.intent,
		.voters = n->disk.voters,
	};
	memcpy(ret->lease, n->tmpfs.lease, sizeof ret->lease);
	ret->fence = n->tmpfs.fence;
}

static void sim_adopt(struct sim *s, struct sim_node *n)
{
	for (group_index_t g = 0; g < s->config.groups_count; g++) {
		struct core_event ev = { .type = CORE_ADOPT, .group = g, .adopt_deadline = n->gate[g] };

		if (n->stalled_until) {
			struct sim_event *e = sim_schedule(s, n->stalled_until, SIM_CORE, n->id);

			e->life = n->life;
			e->core = ev;
		} else {
			sim_node_feed(s, n, &ev);
		}
	}
	n->adopted = !n->stalled_until;
}

/* The PBX has not been asked yet, and the snapshot of the others is still to come. */
static void sim_first_facts(struct sim *s, struct sim_node *n)
{
	struct core_event ev = { .type = CORE_LOCAL_FACTS, .facts = n->facts };
	int64_t soon = s->options.story ? 100 * NS_PER_MS
					: sim_random_between(&s->random, 20 * NS_PER_MS, 400 * NS_PER_MS);

	for (int g = 0; g < s->config.groups_count; g++)
		ev.facts.group[g].pbx = PBX_UNKNOWN;
	if (!n->stalled_until)
		sim_node_feed(s, n, &ev);
	sim_schedule(s, s->now + soon, SIM_FACTS, n->id)->life = n->life;
}

void sim_agent_start(struct sim *s, struct sim_node *n)
{
	struct core_memory memory;
	struct core_config config = s->config;
	bool facts_first = s->options.story || sim_random_permille(&s->random, 500);

	n->running = true;
	n->stopping = false;
	n->adopted = false;
	n->life++;
	n->incarnation = config.process = sim_random_next(&s->random);
	memset(n->known, 0, sizeof n->known);
	memset(n->releasing, 0, sizeof n->releasing);
	memset(n->idle_since, 0, sizeof n->idle_since);
	memset(n->cancelled, 0, sizeof n->cancelled);
	n->rest->count = 0;
	n->tick_at = 0;
	n->stalled_until = 0;
	n->calm_since = s->now;
	n->facts.joining = !n->witness;
	config.self = n->id;
	sim_memory(n, &memory);
	/* Whatever was in the memory before must not matter. */
	memset(n->core, 0xa5, sizeof *n->core);
	memset(n->shadow, 0x5a, sizeof *n->shadow);
	n->loop_at = sim_boot_now(s, n);
	core_init(n->core, &config, &memory, sim_instant(s, n));
	core_init(n->shadow, &config, &memory, sim_instant(s, n));
	sim_trace(s, "%s agent starts%s%s", sim_name(s, n->id), memory.memory_lost ? ", memory lost" : "",
		  memory.disk_lost ? ", disk lost" : "");
	if (facts_first)
		sim_first_facts(s, n);
	sim_adopt(s, n);
	if (!facts_first)
		sim_first_facts(s, n);
	sim_cpg_joined(s, n);
	sim_schedule(s, s->now + 1500 * NS_PER_MS, SIM_ALONE, n->id)->life = n->life;
	if (!n->stalled_until)
		sim_tick_schedule(s, n);
}

static void sim_agent_gone(struct sim *s, struct sim_node *n)
{
	struct core_event left = { .type = CORE_PEER_LEFT, .node = n->id };

	sim_check_life_over(s, n);
	n->running = false;
	n->gone_at = s->now;
	n->gone_boots = n->boots;
	n->stopping = false;
	n->calm_since = INT64_MAX;
	n->stalled_until = 0;
	n->rest->count = 0;
	sim_inbox_clear(n);
	if (n->powered && !n->witness)
		sim_cpg_send(s, n->id, &left);
}

void sim_agent_kill(struct sim *s, struct sim_node *n, int64_t restart_after_ns)
{
	sim_trace(s, "%s agent is killed", sim_name(s, n->id));
	sim_agent_gone(s, n);
	if (restart_after_ns >= 0)
		sim_schedule(s, s->now + restart_after_ns, SIM_START, n->id);
}

/* SIGTERM. systemd waits for so long and kills then. */
void sim_agent_stop(struct sim *s, struct sim_node *n)
{
	struct sim_event *e = sim_schedule(s, s->now, SIM_CORE, n->id);

	e->life = n->life;
	e->core.type = CORE_STOP;
	n->stopping = true;
	sim_trace(s, "%s agent is told to stop", sim_name(s, n->id));
	sim_schedule(s, s->now + 20 * NS_PER_MS, SIM_STOPPED, n->id)->life = n->life;
}

void sim_agent_look_stopped(struct sim *s, struct sim_node *n)
{
	if (!n->running || !n->stopping)
		return;
	if (n->stalled_until || !core_stopped(n->core)) {
		sim_schedule(s, s->now + 20 * NS_PER_MS, SIM_STOPPED, n->id)->life = n->life;
		return;
	}
	for (group_index_t g = 0; g < s->config.groups_count; g++)
		if (sim_gate_open(s, n, g))
			sim_fail(s, "stop: %s says stopped with its gate open", sim_name(s, n->id));
	sim_trace(s, "%s agent has stopped", sim_name(s, n->id));
	sim_agent_gone(s, n);
	sim_schedule(
		s, s->now + (s->options.story ? 5000 : sim_random_between(&s->random, 100, 5000)) * NS_PER_MS,
		SIM_START, n->id);
}

/* ---- power ---- */

void sim_power_off(struct sim *s, struct sim_node *n, bool lose_disk, int64_t on_after_ns)
{
	sim_trace(s, "%s loses power%s", sim_name(s, n->id), lose_disk ? " and its disk" : "");
	n->powered = false; /* nobody says goodbye: corosync finds out */
	if (n->running)
		sim_agent_gone(s, n);
	n->frozen = false;
	n->stalled_until = 0;
	memset(n->gate, 0, sizeof n->gate);
	memset(&n->tmpfs, 0, sizeof n->tmpfs);
	if (lose_disk) {
		memset(&n->disk, 0, sizeof n->disk);
		n->disk.epoch_lost = true;
	}
	for (int g = 0; g < s->config.groups_count; g++)
		n->facts.group[g].pbx = PBX_STARTING;
	sim_cpg_changed(s, s->options.story ? 2100 * NS_PER_MS
					    : sim_random_between(&s->random, 300, 2100) * NS_PER_MS);
	if (on_after_ns >= 0)
		sim_schedule(s, s->now + on_after_ns, SIM_POWER, n->id);
}

void sim_power_on(struct sim *s, struct sim_node *n)
{
	if (n->powered || n->id == s->left_down)
		return;
	sim_trace(s, "%s has power again", sim_name(s, n->id));
	n->powered = true;
	n->facts.boot = (uint64_t)n->id << 32 | ++n->boots;
	n->boot = (struct sim_clock){ .true_ns = s->now, .clock_ns = 5 * NS_PER_S, .ppm = n->boot.ppm };
	n->raw = (struct sim_clock){ .true_ns = s->now, .clock_ns = 5 * NS_PER_S, .ppm = n->raw.ppm };
	for (int g = 0; g < s->config.groups_count; g++)
		n->facts.group[g].pbx = PBX_HEALTHY;
	sim_uplinks_power(s, n);
	sim_schedule(s, s->now + 500 * NS_PER_MS, SIM_START, n->id);
	sim_cpg_changed(s, 700 * NS_PER_MS);
}

/* The whole VM, clocks and all: what no rule of ours can see from inside. */
void sim_vm_freeze(struct sim *s, struct sim_node *n)
{
	sim_trace(s, "%s: the whole VM is paused", sim_name(s, n->id));
	sim_clock_rebase(s, &n->boot, n->boot.ppm);
	sim_clock_rebase(s, &n->raw, n->raw.ppm);
	n->frozen = true;
	n->stalled_until = INT64_MAX;
	n->calm_since = INT64_MAX;
	sim_cpg_changed(s, 2100 * NS_PER_MS);
}

void sim_vm_thaw(struct sim *s, struct sim_node *n)
{
	bool was_open[SIM_GROUPS_MAX] = { false };

	n->frozen = false;
	n->boot.true_ns = n->raw.true_ns = s->now;
	sim_trace(s, "%s: the VM goes on", sim_name(s, n->id));
	for (group_index_t g = 0; g < s->config.groups_count; g++)
		sim_check_gate(s, n, g, was_open[g]);
	sim_cpg_changed(s, 500 * NS_PER_MS);
	n->stalled_until = s->now;
	sim_schedule(s, s->now, SIM_RESUME, n->id);
}
