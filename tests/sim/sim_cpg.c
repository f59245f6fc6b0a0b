/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Corosync as the core sees it: rings of nodes that hear each other both ways; silence while a ring re-forms;
 * one order of messages for all members; the quorum of the ring; snapshots for those that join or meet again.
 */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool sim_cpg_node_up(const struct sim *s, node_id_t n)
{
	return !s->node[n].witness && s->node[n].powered && !s->node[n].frozen && !s->cpg_down[n];
}

static bool sim_cpg_agent_up(const struct sim *s, node_id_t n)
{
	return sim_cpg_node_up(s, n) && s->node[n].running;
}

static bool sim_cpg_hear(const struct sim *s, node_id_t a, node_id_t b)
{
	return !s->link[a][b].cut && !s->link[b][a].cut;
}

static bool sim_cpg_together(const struct sim *s, node_id_t a, node_id_t b)
{
	return a == b || (s->cpg_ring[a] != 0 && s->cpg_ring[a] == s->cpg_ring[b]);
}

void sim_cpg_changed(struct sim *s, int64_t after_ns)
{
	struct sim_event *e = sim_schedule(s, s->now + after_ns, SIM_CPG_REFORM, NODE_NONE);

	s->cpg_reforming = true;
	e->number = ++s->cpg_reform_number;
}

/* Each node joins the first ring in which it hears everybody; where hearing is not transitive, someone is
 * out. */
static void sim_cpg_rings(struct sim *s, int *ret_ring)
{
	memset(ret_ring, 0, SIM_NODES_MAX * sizeof *ret_ring);
	for (node_id_t n = 1; n <= s->nodes_count; n++) {
		int ring = 0;

		if (!sim_cpg_node_up(s, n))
			continue;
		for (node_id_t a = 1; a < n && ring == 0; a++) {
			bool all = ret_ring[a] != 0;

			for (node_id_t b = 1; b < n && all; b++)
				all = ret_ring[b] != ret_ring[a] || sim_cpg_hear(s, n, b);
			if (all)
				ring = ret_ring[a];
		}
		ret_ring[n] = ring ? ring : ++s->cpg_rings;
	}
}

static void sim_cpg_quorum(struct sim *s, node_id_t n)
{
	int total = 0, here = 0;
	bool quorate;

	for (node_id_t k = 1; k <= s->nodes_count; k++) {
		total += !s->node[k].witness;
		here += !s->node[k].witness && sim_cpg_node_up(s, k) && sim_cpg_together(s, n, k);
	}
	/* two_node: 1 */
	quorate = sim_cpg_node_up(s, n) && (total == 2 || here * 2 > total);
	if (quorate == s->node[n].facts.quorate)
		return;
	s->node[n].facts.quorate = quorate;
	sim_trace(s, "%s corosync: %s", sim_name(s, n), quorate ? "quorate" : "quorum lost");
	sim_facts_report(s, &s->node[n]);
}

void sim_facts_report(struct sim *s, struct sim_node *n)
{
	if (n->running)
		sim_schedule(s, s->now + NS_PER_MS, SIM_FACTS, n->id)->life = n->life;
}

/* a tells b what it knows of the operators' will: when its agent comes to it, after what waits there already.
 */
static void sim_cpg_snapshot(struct sim *s, node_id_t a, node_id_t b)
{
	/* What was sent before b came is delivered before the change of members: the snapshot has it. */
	int64_t at = s->now + NS_PER_MS > s->cpg_last[a] ? s->now + NS_PER_MS : s->cpg_last[a] + 1;
	struct sim_event *e = sim_schedule(s, at, SIM_SNAPSHOT, a);

	e->life = s->node[a].life;
	e->number = b;
}

static void sim_cpg_put(struct sim *s, const struct core_event *ev, node_id_t from, node_id_t to);

void sim_cpg_snapshot_send(struct sim *s, struct sim_node *n, node_id_t to)
{
	struct core_event ev = { .type = CORE_INTENT, .intent = n->core->intent };

	if (!sim_cpg_agent_up(s, to) || !sim_cpg_together(s, n->id, to))
		return;
	if (s->options.trace_all)
		sim_trace(s, "%s . snapshot to %s: paused %d, stamp %llu of %s", sim_name(s, n->id),
			  sim_name(s, to), ev.intent.paused, (unsigned long long)ev.intent.paused_stamp,
			  sim_name(s, ev.intent.paused_by));
	sim_cpg_put(s, &ev, n->id, to);
	if (s->node[to].facts.joining) {
		s->node[to].facts.joining = false;
		sim_facts_report(s, &s->node[to]);
	}
}

static void sim_cpg_leave(struct sim *s, node_id_t who, node_id_t at)
{
	struct sim_event *e = sim_schedule(s, s->now, SIM_CORE, at);

	e->life = s->node[at].life;
	e->core.type = CORE_PEER_LEFT;
	e->core.node = who;
	e->core.left.down = true;
}

static void sim_cpg_pair(struct sim *s, node_id_t a, node_id_t b, bool before)
{
	bool now = sim_cpg_together(s, a, b);

	if (before && !now && s->node[b].running)
		sim_cpg_leave(s, a, b);
	if (!before && now && sim_cpg_agent_up(s, a) && sim_cpg_agent_up(s, b)) {
		sim_cpg_snapshot(s, a, b);
		sim_heartbeat(s, &s->node[a]);
	}
}

static void sim_cpg_flush(struct sim *s);

void sim_cpg_reform(struct sim *s, uint64_t number)
{
	int old[SIM_NODES_MAX], fresh[SIM_NODES_MAX];

	if (number != s->cpg_reform_number)
		return; /* another change came meanwhile */
	memcpy(old, s->cpg_ring, sizeof old);
	sim_cpg_rings(s, fresh);
	memcpy(s->cpg_ring, fresh, sizeof fresh);
	s->cpg_reforming = false;
	for (node_id_t n = 1; n <= s->nodes_count; n++)
		if (!s->node[n].witness)
			sim_cpg_quorum(s, n);
	for (node_id_t a = 1; a <= s->nodes_count; a++)
		for (node_id_t b = 1; b <= s->nodes_count; b++)
			if (a != b && !s->node[a].witness && !s->node[b].witness)
				sim_cpg_pair(s, a, b, old[a] != 0 && old[a] == old[b]);
	sim_cpg_flush(s);
}

/* An agent has started on a node whose corosync may long be in a ring. Alone, it stops waiting for a
 * snapshot. */
void sim_cpg_joined(struct sim *s, struct sim_node *n)
{
	if (n->witness)
		return;
	sim_cpg_quorum(s, n->id);
	for (node_id_t k = 1; k <= s->nodes_count; k++)
		if (k != n->id && sim_cpg_agent_up(s, k) && sim_cpg_agent_up(s, n->id) &&
		    sim_cpg_together(s, k, n->id)) {
			sim_cpg_snapshot(s, k, n->id);
			sim_cpg_snapshot(s, n->id, k);
		}
	sim_heartbeat(s, n);
}

static void sim_cpg_put(struct sim *s, const struct core_event *ev, node_id_t from, node_id_t to)
{
	int64_t delay = s->options.story ? NS_PER_MS
					 : sim_random_between(&s->random, 200 * NS_PER_US, 15 * NS_PER_MS);
	int64_t at = s->now + delay;
	struct sim_event *e;

	if (at <= s->cpg_last[to])
		at = s->cpg_last[to] + 1;
	s->cpg_last[to] = at;
	e = sim_schedule(s, at, SIM_CPG_DELIVER, to);
	e->life = s->node[to].life;
	e->core = *ev;
	e->core.node = from;
}

static void sim_cpg_broadcast(struct sim *s, node_id_t from, const struct core_event *ev)
{
	for (node_id_t to = 1; to <= s->nodes_count; to++)
		if (sim_cpg_agent_up(s, to) && sim_cpg_together(s, from, to))
			sim_cpg_put(s, ev, from, to);
}

void sim_cpg_send(struct sim *s, node_id_t from, const struct core_event *ev)
{
	struct sim_event *e;

	if (!sim_cpg_node_up(s, from))
		return;
	if (!s->cpg_reforming) {
		sim_cpg_broadcast(s, from, ev);
		return;
	}
	/* "CPG goes silent for token + consensus": sent when the ring stands again. */
	e = calloc(1, sizeof *e);
	assert(e);
	e->core = *ev;
	e->node = from;
	e->life = s->node[from].life;
	if (s->cpg_held_last)
		s->cpg_held_last->next = e;
	else
		s->cpg_held_first = e;
	s->cpg_held_last = e;
}

static void sim_cpg_flush(struct sim *s)
{
	struct sim_event *e = s->cpg_held_first;

	s->cpg_held_first = s->cpg_held_last = NULL;
	while (e) {
		struct sim_event *next = e->next;

		if (sim_cpg_node_up(s, e->node) && e->life == s->node[e->node].life)
			sim_cpg_broadcast(s, e->node, &e->core);
		free(e);
		e = next;
	}
}

/* Those that lost the sender on the way do not get it: parts of the cluster may have seen a command and
 * others not. */
void sim_cpg_deliver(struct sim *s, struct sim_event *e)
{
	node_id_t from = e->core.node;

	if (!sim_cpg_together(s, from, e->node) && e->core.type != CORE_PEER_LEFT) {
		free(e);
		return;
	}
	e->type = SIM_CORE;
	sim_node_input(s, e);
}

/* Once a second, and at every change. */
void sim_heartbeat(struct sim *s, struct sim_node *n)
{
	/* `at` is when it was sent, in true time, until somebody is fed it. */
	struct core_event ev = { .type = CORE_PEER_FACTS, .node = n->id, .at.raw.ns = s->now };

	if (n->witness || !n->running || n->stalled_until)
		return;
	core_published_facts(n->core, sim_boot_now(s, n), &ev.facts);
	sim_cpg_send(s, n->id, &ev);
}
