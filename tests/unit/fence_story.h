/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nodes 1..4 that decide about shooting each other: real deciders, one order of messages for all that are
 * together, and devices that do what the story says. Time is in ms and the same everywhere.
 */
#ifndef RK_FENCE_STORY_H
#define RK_FENCE_STORY_H

#include "fence.h"
#include "unit.h"

#include <string.h>

#define STORY_NODES 4
#define STORY_STEP  50 /* ms */

enum story_device { STORY_TRUE, STORY_LIES, STORY_HANGS, STORY_REFUSES, STORY_NOOP, STORY_CRASHES };

struct story_call {
	node_id_t by; /* 0 = unused */
	int64_t at, asked;
	struct plan_fence_call call;
};

struct story {
	int64_t ms;
	int nodes;
	struct fence f[STORY_NODES + 1];
	bool power[STORY_NODES + 1];
	uint64_t boot[STORY_NODES + 1];
	int part[STORY_NODES + 1]; /* those with the same number hear each other */
	bool quorate[STORY_NODES + 1];
	node_set_t holders;
	bool paused;
	node_set_t owed;
	enum story_device device[FENCE_DEVICES_MAX];
	int64_t device_ms[FENCE_DEVICES_MAX];
	struct story_call calls[16];
	struct fence_msg wire[64];
	int wire_part[64];
	int wire_count;
	struct core_plan plan;
	/* what happened */
	int shots[STORY_NODES + 1]; /* at whom, carried out or not */
	int shots_by[STORY_NODES + 1];
	int64_t shot_at[STORY_NODES + 1]; /* the latest, ms */
	int orders;
	int states[STORY_NODES + 1][FENCE_STATES_COUNT]; /* at node 1's or the last living one's view */
};

static inline boot_t story_now(const struct story *s)
{
	return (boot_t){ (1000000 + s->ms) * NS_PER_MS };
}

static inline bool story_together(const struct story *s, node_id_t a, node_id_t b)
{
	return s->power[a] && s->power[b] && s->part[a] == s->part[b];
}

static inline struct fence_world story_world(const struct story *s, node_id_t n)
{
	struct fence_world w = { .now = story_now(s),
				 .quorate = s->quorate[n],
				 .paused = s->paused,
				 .owed = s->owed,
				 .holders = s->holders,
				 .met = 0x1e };

	for (node_id_t k = 1; k <= s->nodes; k++)
		if (k == n || story_together(s, n, k))
			w.heard |= node_bit(k);
	return w;
}

static inline void story_call_add(struct story *s, node_id_t by, const struct plan_fence_call *c)
{
	for (int i = 0; i < 16; i++) {
		if (s->calls[i].by)
			continue;
		s->calls[i] = (struct story_call){ by, s->ms + s->device_ms[c->device], s->ms, *c };
		if (s->device[c->device] == STORY_HANGS)
			s->calls[i].at = s->ms + c->timeout_ns / NS_PER_MS;
		if (c->verb == FENCE_OFF) {
			s->shots[c->target]++;
			s->shots_by[by]++;
			s->shot_at[c->target] = s->ms;
		}
		return;
	}
	ck_abort_msg("too many calls");
}

static inline void story_obey(struct story *s, node_id_t n)
{
	for (uint32_t i = 0; i < s->plan.count; i++) {
		const struct plan_action *a = &s->plan.actions[i];

		if (a->type == PLAN_FENCE_CALL)
			story_call_add(s, n, &a->fence_call);
		else if (a->type == PLAN_FENCE_STATE)
			s->states[a->fence_state.target][a->fence_state.state]++;
		if (a->type != PLAN_FENCE_SEND)
			continue;
		ck_assert_int_lt(s->wire_count, 64);
		s->orders += a->fence_msg.type == FENCE_MSG_START;
		s->wire[s->wire_count] = a->fence_msg;
		s->wire_part[s->wire_count++] = s->part[n];
	}
	s->plan.count = 0;
}

static inline void story_power_off(struct story *s, node_id_t n)
{
	s->power[n] = false;
	for (int i = 0; i < 16; i++)
		if (s->calls[i].by == n)
			s->calls[i].by = 0;
}

/* What the machine room makes of it. */
static inline enum fence_answer story_device(struct story *s, const struct plan_fence_call *c)
{
	bool on = s->power[c->target];

	switch (s->device[c->device]) {
	case STORY_HANGS:
		return FENCE_ANSWER_TIMEOUT;
	case STORY_REFUSES:
		return FENCE_ANSWER_FAILED;
	case STORY_CRASHES:
		return FENCE_ANSWER_BROKEN;
	case STORY_LIES:
		return c->verb != FENCE_STATUS ? FENCE_ANSWER_OK
		       : !c->watch	       ? FENCE_ANSWER_OFF
					       : FENCE_ANSWER_OK;
	case STORY_NOOP:
	case STORY_TRUE:
		break;
	}
	if (c->verb == FENCE_OFF && s->device[c->device] == STORY_TRUE)
		story_power_off(s, c->target);
	if (c->verb == FENCE_STATUS)
		return on ? FENCE_ANSWER_OK : FENCE_ANSWER_OFF;
	return FENCE_ANSWER_OK;
}

static inline void story_deliver(struct story *s)
{
	for (int i = 0; i < s->wire_count; i++) {
		const struct fence_msg m = s->wire[i];

		for (node_id_t n = 1; n <= s->nodes; n++) {
			struct fence_world w = story_world(s, n);

			if (!s->power[n] || s->part[n] != s->wire_part[i])
				continue;
			fence_message(&s->f[n], &m, &w, &s->plan);
			story_obey(s, n);
		}
	}
	s->wire_count = 0;
}

static inline void story_answer(struct story *s, node_id_t by, uint32_t seq, enum fence_answer a, int64_t ms)
{
	struct fence_world w = story_world(s, by);

	fence_answered(&s->f[by], seq, a, ms * NS_PER_MS, &w, &s->plan);
	story_obey(s, by);
}

static inline void story_step(struct story *s)
{
	s->ms += STORY_STEP;
	story_deliver(s);
	for (int i = 0; i < 16; i++) {
		struct story_call x = s->calls[i];
		enum fence_answer a;

		if (!x.by || x.at > s->ms)
			continue;
		s->calls[i].by = 0;
		a = story_device(s, &x.call);
		if (s->power[x.by])
			story_answer(s, x.by, x.call.seq, a, s->ms - x.asked);
	}
	for (node_id_t n = 1; n <= s->nodes; n++) {
		struct fence_world w = story_world(s, n);

		if (!s->power[n])
			continue;
		fence_tick(&s->f[n], &w, &s->plan);
		story_obey(s, n);
		ck_assert(boot_before(story_now(s), fence_next(&s->f[n], &w)) || s->wire_count > 0);
	}
}

static inline void story_run(struct story *s, int64_t ms)
{
	for (int64_t end = s->ms + ms; s->ms < end;)
		story_step(s);
}

/* Corosync of every node finds out, token and consensus later, who is with whom. */
static inline void story_members(struct story *s)
{
	for (node_id_t n = 1; n <= s->nodes; n++)
		for (node_id_t k = 1; k <= s->nodes; k++) {
			struct fence_world w = story_world(s, n);

			if (n == k || !s->power[n])
				continue;
			if (story_together(s, n, k))
				fence_member(&s->f[n], k, s->boot[k], 0, &w, &s->plan);
			else if (s->f[n].target[k].member)
				fence_left(&s->f[n], k, true, &w, &s->plan);
			story_obey(s, n);
		}
}

static inline void story_dies(struct story *s, node_id_t n)
{
	story_power_off(s, n);
	story_run(s, 2000);
	story_members(s);
}

static inline struct fence_config story_config(int devices)
{
	struct fence_config c = { .devices_count = (uint8_t)devices, .total_ns = 60 * NS_PER_S };

	for (int d = 0; d < devices; d++)
		c.device[d] = (struct fence_device_config){ .off_ns = 10 * NS_PER_S,
							    .status_ns = 5 * NS_PER_S,
							    .monitor_ns = 5 * NS_PER_S,
							    .monitor_period_ns = 60 * NS_PER_S,
							    .targets = 0x1e };
	for (node_id_t n = 1; n <= STORY_NODES; n++) {
		c.target[n].levels_count = (uint8_t)devices;
		for (int l = 0; l < devices; l++)
			c.target[n].level[l] =
				(struct fence_level_config){ .count = 1, .device = { (fence_device_t)l } };
	}
	return c;
}

static inline void story_init(struct story *s, int nodes, const struct fence_config *c)
{
	node_set_t all = ((1ULL << nodes) - 1) << 1;

	memset(s, 0, sizeof *s);
	s->nodes = nodes;
	for (node_id_t n = 1; n <= nodes; n++) {
		fence_init(&s->f[n], c, n, all, all, nodes == 2);
		s->power[n] = s->quorate[n] = true;
		s->boot[n] = 100 + n;
	}
	for (int d = 0; d < FENCE_DEVICES_MAX; d++)
		s->device_ms[d] = 300;
	story_members(s);
	story_run(s, 2000); /* every device has said "on" of everybody */
}

static inline enum fence_state story_state(const struct story *s, node_id_t seen_by, node_id_t target)
{
	return s->f[seen_by].target[target].state;
}

#endif
