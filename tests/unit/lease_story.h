/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A small cluster for stories about the lease: real leases, a list of messages that are under way, the gates
 * and promise files that outlive an agent. Time is in ms and the same at all nodes.
 */
#ifndef RK_LEASE_STORY_H
#define RK_LEASE_STORY_H

#include "lease.h"
#include "unit.h"

#include <string.h>

#define STORY_NODES 4 /* nodes 1..4 */
#define L_MS	    800
#define G_MS	    112
#define PULSE_MS    100
#define HOLD_MS	    130
#define RTT_MS	    10

struct story {
	int64_t ms;
	struct voter_set voters;
	struct lease l[STORY_NODES + 1];
	struct lease_memory file[STORY_NODES + 1];
	bool written[STORY_NODES + 1];
	boot_t gate[STORY_NODES + 1];
	bool off[STORY_NODES + 1];
	struct core_plan plan; /* the latest */
	struct lease_msg wire[64];
	int wire_count;
};

static inline struct instant story_now(const struct story *s)
{
	return (struct instant){ { 1000 * NS_PER_S + s->ms * NS_PER_MS },
				 { 500 * NS_PER_S + s->ms * NS_PER_MS } };
}

static inline void story_start(struct story *s, node_id_t n, const struct lease_memory *memory,
			       uint64_t ceiling, bool disk_lost)
{
	static uint64_t process;
	const struct lease_config config = {
		.self = n,
		.candidate = true,
		.process = ++process,
		.timing = {
			.lease_ns = L_MS * NS_PER_MS,
			.guard_ns = G_MS * NS_PER_MS,
			.lease_max_ns = 2 * L_MS * NS_PER_MS,
			.guard_max_ns = 2 * G_MS * NS_PER_MS,
			.pulse_ns = PULSE_MS * NS_PER_MS,
			.hold_ns = HOLD_MS * NS_PER_MS,
			.rtt_ns = RTT_MS * NS_PER_MS,
		},
	};

	lease_init(&s->l[n], &config, &s->voters, memory, ceiling, disk_lost, story_now(s));
}

/* voters as a set; every node 1..STORY_NODES runs a lease, memory intact, nothing ever granted. */
static inline void story_init(struct story *s, node_set_t voters)
{
	static const struct lease_memory nothing;

	memset(s, 0, sizeof *s);
	s->voters = (struct voter_set){ 1, VOTERS_STABLE, voters, voters };
	for (node_id_t n = 1; n <= STORY_NODES; n++) {
		story_start(s, n, &nothing, 0, false);
		lease_ceiling_set(&s->l[n], 1000);
	}
}

/* Does what the latest plan of node n says. */
static inline void story_obey(struct story *s, node_id_t n)
{
	for (uint32_t i = 0; i < s->plan.count; i++) {
		const struct plan_action *a = &s->plan.actions[i];

		if (a->type == PLAN_SAVE_VOTER) {
			lease_memory_get(&s->l[n], &s->file[n]);
			s->written[n] = true;
		} else if (a->type == PLAN_GATE_SET) {
			s->gate[n] = a->gate_deadline;
		} else if (a->type == PLAN_SEND) {
			ck_assert_int_lt(s->wire_count, 64);
			s->wire[s->wire_count++] = a->msg;
		}
	}
}

static inline bool story_open(const struct story *s, node_id_t n)
{
	return boot_before(story_now(s).boot, s->gate[n]);
}

/* Delivers message i of the wire and everything it leads to; a node that is off loses it. */
static inline void story_deliver_one(struct story *s, int i)
{
	struct lease_msg m = s->wire[i];

	memmove(&s->wire[i], &s->wire[i + 1], (--s->wire_count - i) * sizeof m);
	if (s->off[m.to] || m.to > STORY_NODES)
		return;
	s->plan.count = 0;
	lease_receive(&s->l[m.to], &m, story_now(s), &s->plan);
	story_obey(s, m.to);
}

static inline void story_deliver(struct story *s)
{
	while (s->wire_count > 0)
		story_deliver_one(s, 0);
}

static inline void story_lose_all(struct story *s)
{
	s->wire_count = 0;
}

static inline void story_pulse(struct story *s, node_id_t from, node_id_t to)
{
	struct lease_view v = lease_view_get(&s->l[from], story_now(s));

	if (s->off[from] || s->off[to])
		return;
	s->plan.count = 0;
	lease_peer_view(&s->l[to], from, &v, true, story_now(s), &s->plan);
	story_obey(s, to);
}

/* Everybody hears everybody. */
static inline void story_pulses(struct story *s)
{
	for (node_id_t from = 1; from <= STORY_NODES; from++)
		for (node_id_t to = 1; to <= STORY_NODES; to++)
			if (from != to)
				story_pulse(s, from, to);
}

static inline void story_tick(struct story *s, node_id_t n)
{
	s->plan.count = 0;
	lease_tick(&s->l[n], story_now(s), &s->plan);
	story_obey(s, n);
}

static inline void story_want(struct story *s, node_id_t n)
{
	s->plan.count = 0;
	lease_want(&s->l[n], true, n - 1, story_now(s), &s->plan);
	story_obey(s, n);
}

/* Runs n's timer whenever it wants, everything is delivered at once, pulses every PULSE_MS. */
static inline void story_run(struct story *s, int64_t ms)
{
	for (int64_t end = s->ms + ms; s->ms < end;) {
		s->ms++;
		if (s->ms % PULSE_MS == 0)
			story_pulses(s);
		for (node_id_t n = 1; n <= STORY_NODES; n++)
			if (!s->off[n] && !boot_before(story_now(s).boot, lease_next(&s->l[n], story_now(s))))
				story_tick(s, n);
		story_deliver(s);
	}
}

/* Node n holds, and everybody knows. */
static inline void story_held_by(struct story *s, node_id_t n)
{
	story_pulses(s);
	story_want(s, n);
	story_deliver(s);
	ck_assert(lease_holds(&s->l[n]));
	ck_assert(story_open(s, n));
	story_pulses(s);
}

/* The first message of the type on the wire, or NULL. */
static inline const struct lease_msg *story_find(const struct story *s, enum lease_msg_type type)
{
	for (int i = 0; i < s->wire_count; i++)
		if (s->wire[i].type == type)
			return &s->wire[i];
	return NULL;
}

static inline void story_hand_over(struct story *s, node_id_t n, node_id_t successor)
{
	s->plan.count = 0;
	lease_hand_over(&s->l[n], successor, story_now(s), &s->plan);
	story_obey(s, n);
}

/* Asks voter `to` as candidate `from` would. Returns the answer. */
static inline struct lease_msg story_ask(struct story *s, node_id_t to, node_id_t from, uint64_t counter)
{
	const struct lease_msg m = {
		.type = LEASE_REQUEST,
		.from = from,
		.to = to,
		.epoch = { counter, from },
		.id = { 77, 1 },
		.version = s->voters.version,
		.lease_ns = L_MS * NS_PER_MS,
	};

	s->plan.count = 0;
	lease_receive(&s->l[to], &m, story_now(s), &s->plan);
	story_obey(s, to);
	ck_assert_int_gt(s->wire_count, 0);
	return s->wire[--s->wire_count];
}

static inline void story_release(struct story *s, node_id_t to, node_id_t from, uint64_t counter,
				 node_id_t successor)
{
	const struct lease_msg m = { .type = LEASE_RELEASE,
				     .from = from,
				     .to = to,
				     .epoch = { counter, from },
				     .successor = successor };

	s->plan.count = 0;
	lease_receive(&s->l[to], &m, story_now(s), &s->plan);
	story_obey(s, to);
}

#endif
