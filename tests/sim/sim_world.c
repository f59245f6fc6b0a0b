/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIM_RATE_ERROR_PPM 50000 /* the guard below is sized for clocks this wrong */

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t sim_random_next(struct sim_random *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

int64_t sim_random_below(struct sim_random *r, int64_t n)
{
	return n <= 0 ? 0 : (int64_t)(sim_random_next(r) % (uint64_t)n);
}

int64_t sim_random_between(struct sim_random *r, int64_t low, int64_t high)
{
	return low + sim_random_below(r, high - low + 1);
}

bool sim_random_permille(struct sim_random *r, int permille)
{
	return sim_random_below(r, 1000) < permille;
}

/* ---- the queue: a binary heap by time, then by order of scheduling ---- */

static bool sim_event_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void sim_heap_swap(struct sim *s, int a, int b)
{
	struct sim_event *e = s->heap[a];

	s->heap[a] = s->heap[b];
	s->heap[b] = e;
}

static void sim_heap_push(struct sim *s, struct sim_event *e)
{
	int i = s->heap_count++;

	if (s->heap_count > s->heap_size) {
		s->heap_size = s->heap_size ? s->heap_size * 2 : 256;
		s->heap = realloc(s->heap, (size_t)s->heap_size * sizeof *s->heap);
		assert(s->heap);
	}
	s->heap[i] = e;
	for (; i > 0 && sim_event_before(s->heap[i], s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		sim_heap_swap(s, i, (i - 1) / 2);
}

static struct sim_event *sim_heap_pop(struct sim *s)
{
	struct sim_event *top = s->heap[0];
	int i = 0;

	s->heap[0] = s->heap[--s->heap_count];
	for (;;) {
		int least = i;

		for (int k = 2 * i + 1; k <= 2 * i + 2 && k < s->heap_count; k++)
			if (sim_event_before(s->heap[k], s->heap[least]))
				least = k;
		if (least == i)
			return top;
		sim_heap_swap(s, i, least);
		i = least;
	}
}

/* Most events are ticks and datagrams: only those that need it are allocated whole. */
static size_t sim_event_size(enum sim_event_type type)
{
	switch (type) {
	case SIM_CORE:
	case SIM_CPG_DELIVER:
		return sizeof(struct sim_event);
	case SIM_DATAGRAM:
		return offsetof(struct sim_event, datagram) + sizeof(struct sim_datagram);
	case SIM_FENCE:
		return offsetof(struct sim_event, fence_call) + sizeof(struct plan_fence_call);
	case SIM_TICK:
	case SIM_RESUME:
	case SIM_CPG_REFORM:
	case SIM_HEARTBEAT:
	case SIM_START:
	case SIM_POWER:
	case SIM_FAULT:
	case SIM_STOPPED:
	case SIM_RELEASED:
	case SIM_FACTS:
	case SIM_ALONE:
	case SIM_SNAPSHOT:
	case SIM_UPLINK:
		break;
	}
	return offsetof(struct sim_event, number) + sizeof(uint64_t);
}

struct sim_event *sim_schedule(struct sim *s, int64_t at, enum sim_event_type type, node_id_t node)
{
	struct sim_event *e = calloc(1, sim_event_size(type));

	assert(e);
	e->at = at > s->now ? at : s->now;
	e->order = ++s->order;
	e->type = type;
	e->node = node;
	sim_heap_push(s, e);
	return e;
}

void sim_requeue(struct sim *s, struct sim_event *e, int64_t at)
{
	e->at = at > s->now ? at : s->now;
	e->order = ++s->order;
	sim_heap_push(s, e);
}

/* ---- start and end ---- */

static void sim_config(struct sim *s)
{
	struct sim_random *r = &s->random;
	const struct sim_options *o = &s->options;
	struct core_config *c = &s->config;
	int nodes = o->nodes ? o->nodes : (int)sim_random_between(r, 2, 5);
	int witnesses = o->witnesses || o->nodes ? o->witnesses
			: nodes % 2 == 0	 ? 1
						 : (int)sim_random_below(r, 2);

	if (!o->nodes && nodes == 3 && sim_random_permille(r, 200))
		witnesses = 2;
	s->nodes_count = nodes + witnesses;
	assert(s->nodes_count < SIM_NODES_MAX);
	c->nodes_count = (uint8_t)s->nodes_count;
	for (int i = 0; i < s->nodes_count; i++)
		c->nodes[i] = (struct core_node_config){ .id = (node_id_t)(i + 1), .witness = i >= nodes };
	c->groups_count = (uint8_t)(o->groups ? o->groups : sim_random_between(r, 1, SIM_GROUPS_MAX));
	for (int g = 0; g < c->groups_count; g++) {
		struct core_group_config *gc = &c->groups[g];

		for (int i = 0; i < nodes; i++)
			gc->candidates[gc->candidates_count++] = (node_id_t)((i + g) % nodes + 1);
		/* Not every node needs to be a candidate: the others only vote. */
		if (!o->story && nodes > 2 && sim_random_permille(r, 200))
			gc->candidates_count--;
		gc->unseen_ns = o->story ? 0 : 4 * NS_PER_S;
		gc->policy.failback = o->failback;
		gc->policy.failback_after_ns = o->failback_after_ns ? o->failback_after_ns : 3 * NS_PER_S;
		gc->policy.damping = (struct damping_policy){
			.penalty = 1000,
			.suppress = 3000,
			.reuse = 1000,
			.penalty_max = 6000,
			.half_life_ns = 4 * NS_PER_S,
		};
		if (!o->story && sim_random_permille(r, 300))
			gc->policy.failback = sim_random_permille(r, 500) ? FAILBACK_AUTO : FAILBACK_IDLE;
	}
}

/* The guard: G >= (L + resolution)(1 + rv)/(1 - rh) - L, with nothing to spare. */
static void sim_timing(struct sim *s)
{
	struct lease_timing *t = &s->config.timing;
	const int64_t million = 1000000;
	/* The timing profiles; lan most often. */
	static const struct {
		int64_t pulse_ms, lease_ms;
	} profiles[] = { { 100, 800 }, { 100, 800 }, { 100, 800 }, { 100, 800 }, { 25, 200 }, { 250, 2500 } };
	int64_t p = s->options.story ? 0 : sim_random_below(&s->random, 6);

	t->pulse_ns = profiles[p].pulse_ms * NS_PER_MS;
	t->lease_ns = profiles[p].lease_ms * NS_PER_MS;
	t->guard_ns = (t->lease_ns + NS_PER_MS) / 1000 * (million + SIM_RATE_ERROR_PPM) /
			      (million - SIM_RATE_ERROR_PPM) * 1000 -
		      t->lease_ns + 1000;
	t->lease_max_ns = t->lease_ns;
	t->guard_max_ns = t->guard_ns;
	t->rtt_ns = 20 * NS_PER_MS;
	t->hold_ns = 3 * t->rtt_ns + t->pulse_ns;
	s->config.config_hash = 0xc0ffee;
	s->config.operation_timeout_ns = 5 * NS_PER_S;
	s->config.facts_timeout_ns = 4 * NS_PER_S;
}

static void sim_node_init(struct sim *s, struct sim_node *n, node_id_t id)
{
	struct sim_random *r = &s->random;

	n->id = id;
	n->witness = s->config.nodes[id - 1].witness;
	n->core = calloc(1, sizeof *n->core);
	n->shadow = calloc(1, sizeof *n->shadow);
	n->rest = calloc(1, sizeof *n->rest);
	assert(n->core && n->shadow && n->rest);
	n->boot.clock_ns =
		s->options.story ? 10 * NS_PER_S : sim_random_between(r, NS_PER_S, 1000 * NS_PER_S);
	n->raw.clock_ns = s->options.story ? 10 * NS_PER_S : sim_random_between(r, NS_PER_S, 1000 * NS_PER_S);
	if (!s->options.story)
		sim_clock_rate(s, n, sim_random_between(r, -SIM_RATE_ERROR_PPM, SIM_RATE_ERROR_PPM),
			       sim_random_between(r, -SIM_RATE_ERROR_PPM, SIM_RATE_ERROR_PPM));
	n->facts.config_hash = s->config.config_hash;
	n->facts.config_accepted = true;
	n->facts.boot = (uint64_t)id << 32 | ++n->boots;
	for (int g = 0; g < s->config.groups_count; g++)
		n->facts.group[g] = (struct group_facts){
			.pbx = PBX_HEALTHY,
			.lan_up = true,
			.gate_ok = true,
			.addresses_ok = true,
			.registrations_in_step = true,
			.uplink = UPLINK_GOOD,
			.release_wait = !s->options.story && sim_random_permille(r, 500),
		};
	sim_uplinks_init(s, n);
}

struct sim *sim_new(const struct sim_options *options)
{
	struct sim *s = calloc(1, sizeof *s);

	assert(s);
	s->options = *options;
	s->random.state = options->seed * 0x2545f4914f6cdd1dULL + 1;
	sim_config(s);
	sim_fence_config(s);
	sim_uplinks_config(s);
	sim_timing(s);
	for (node_id_t id = 1; id <= s->nodes_count; id++)
		sim_node_init(s, &s->node[id], id);
	sim_fault_init(s);
	s->cpg_rings = 0;
	for (node_id_t id = 1; id <= s->nodes_count; id++) {
		/* In a story witnesses are there, n1 comes, then the others, in a boot that has promised
		 * nothing. */
		int64_t story_ms = s->node[id].witness ? 1 : id == 1 ? 50 : 400 + id;

		s->node[id].powered = true;
		s->node[id].tmpfs.written = options->story;
		/* Everything starts within two seconds, not together. */
		sim_schedule(
			s, options->story ? story_ms * NS_PER_MS : sim_random_below(&s->random, 2 * NS_PER_S),
			SIM_START, id);
		sim_schedule(s, NS_PER_S + id * NS_PER_MS, SIM_HEARTBEAT, id);
	}
	sim_cpg_changed(s, 1);
	return s;
}

static void sim_chain_free(struct sim_event *e)
{
	while (e) {
		struct sim_event *next = e->next;

		free(e);
		e = next;
	}
}

void sim_free(struct sim *s)
{
	while (s->heap_count > 0)
		free(sim_heap_pop(s));
	free(s->heap);
	sim_chain_free(s->cpg_held_first);
	for (node_id_t id = 1; id <= s->nodes_count; id++) {
		sim_chain_free(s->node[id].inbox_first);
		free(s->node[id].core);
		free(s->node[id].shadow);
		free(s->node[id].rest);
	}
	free(s->text);
	free(s);
}

/* Events of the world; those of an agent go through its loop. */
static void sim_dispatch(struct sim *s, struct sim_event *e)
{
	struct sim_node *n = e->node ? &s->node[e->node] : NULL;

	switch (e->type) {
	case SIM_TICK:
	case SIM_DATAGRAM:
	case SIM_CORE:
	case SIM_RELEASED:
	case SIM_FACTS:
	case SIM_ALONE:
	case SIM_SNAPSHOT:
		sim_node_input(s, e);
		return;
	case SIM_CPG_DELIVER:
		sim_cpg_deliver(s, e);
		return;
	case SIM_RESUME:
		if (n->stalled_until == e->at)
			sim_node_resume(s, n);
		break;
	case SIM_CPG_REFORM:
		sim_cpg_reform(s, e->number);
		break;
	case SIM_HEARTBEAT:
		sim_heartbeat(s, n);
		sim_schedule(s, s->now + NS_PER_S, SIM_HEARTBEAT, e->node);
		break;
	case SIM_START:
		if (n->powered && !n->running)
			sim_agent_start(s, n);
		break;
	case SIM_POWER:
		sim_power_on(s, n);
		break;
	case SIM_FAULT:
		sim_fault_next(s);
		break;
	case SIM_FENCE:
		sim_fence_device_done(s, e);
		break;
	case SIM_UPLINK:
		sim_uplink_event(s, e);
		break;
	case SIM_STOPPED:
		if (e->life == n->life)
			sim_agent_look_stopped(s, n);
		break;
	}
	free(e);
}

void sim_run(struct sim *s, int64_t until)
{
	while (!s->failed && s->heap_count > 0 && s->heap[0]->at <= until) {
		struct sim_event *e = sim_heap_pop(s);

		s->now = e->at;
		sim_dispatch(s, e);
	}
	if (!s->failed)
		s->now = until;
}

/* How long a healed cluster may take: a mute voter, the hung steps, an operation's end, and some retries. */
#define SIM_SETTLE_NS_MAX (60 * NS_PER_S)
#define SIM_STABLE_NS	  (2 * NS_PER_S)
/* I3: the rest of a stall, corosync, a boot, a mute and some retries; in the slowest profile. */
#define SIM_ANSWER_NS_MAX (25 * NS_PER_S)

/* A shot that failed while faults went on is tried again a minute later, and a late one bars its target. */
static int64_t sim_fence_ns_max(const struct sim *s)
{
	return s->config.fence.devices_count ? 2 * FENCE_RETRY_NS : 0;
}

static void sim_settle(struct sim *s)
{
	int64_t begin = s->now, good_since = 0, more_ns = sim_fence_ns_max(s);
	char why[256] = "";

	while (!s->failed) {
		sim_run(s, s->now + 250 * NS_PER_MS);
		if (s->failed)
			return;
		if (s->answer_ns == 0 && sim_check_answered(s))
			s->answer_ns = s->now - begin;
		if (s->now - begin > SIM_ANSWER_NS_MAX + more_ns && sim_check_beyond_help(s)) {
			s->beyond_help = true;
			return;
		}
		if (s->answer_ns == 0 && s->now - begin > SIM_ANSWER_NS_MAX + more_ns)
			sim_fail(s, "I3: no holder for every group %lld s after the last fault",
				 (long long)(SIM_ANSWER_NS_MAX / NS_PER_S));
		if (!sim_check_settled(s, why, sizeof why))
			good_since = 0;
		else if (good_since == 0)
			good_since = s->now;
		if (good_since != 0 && s->now - good_since >= SIM_STABLE_NS)
			break;
		if (s->now - begin > SIM_SETTLE_NS_MAX + more_ns)
			sim_fail(s, "I9: not settled %lld s after the last fault: %s",
				 (long long)(SIM_SETTLE_NS_MAX / NS_PER_S), why);
	}
	s->settle_ns = good_since - begin;
}

bool sim_play(struct sim *s)
{
	sim_run(s, s->end);
	if (!s->failed) {
		sim_fault_heal(s);
		sim_settle(s);
	}
	if (!s->failed && !s->beyond_help)
		sim_check_end(s);
	return !s->failed;
}
