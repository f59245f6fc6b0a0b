/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_state.h"

#include <assert.h>
#include <string.h>

const struct uplink_policy uplink_policy_default = {
	.probe = {
		.interval_ns = 200 * NS_PER_MS,
		.jitter_percent = 12,
		.slow_interval_ns = NS_PER_S,
		.burst_interval_ns = 50 * NS_PER_MS,
		.burst_pause_ns = 2 * NS_PER_S,
		.burst = 5,
		.timeout_ns_min = 300 * NS_PER_MS,
		.timeout_ns_max = 2 * NS_PER_S,
		.fall = 5,
		.known = 3,
		.rise = 25,
		.fall_ns = NS_PER_S,
		.window = 100,
		.brownout = BROWNOUT_1_5,
	},
	.codec = EMODEL_G711_PLC,
	.borders = { .good_mos_milli = 3900, .degraded_mos_milli = 3300, .hysteresis_mos_milli = 200 },
	.passive = { .span_ns = 5 * NS_PER_S, .packets_min = 500, .hold_ns = 300 * NS_PER_S },
	/* Suppressed above 2000, by the third flap in a row, until below 750: at most three half-lives. */
	.damping = { .penalty = 1000, .suppress = 2001, .reuse = 750, .penalty_max = 6000,
		     .half_life_ns = 300 * NS_PER_S },
	.quorum = 1,
	.partial_ns = 3 * NS_PER_S,
	.steady_ns = 10 * NS_PER_S,
};

/* ---- the quorum ---- */

struct reach {
	uint8_t answer, unknown; /* networks */
	uint8_t fresh;		 /* those that answered of late */
	uint8_t quorum;		 /* no more than there are */
	bool unsent;		 /* with what can be sent the quorum cannot be had */
};

struct network {
	enum probe_state state; /* the best of its targets */
	bool sends;		/* the latest probe to one of them left */
	bool fresh;		/* one of them answered all of late */
};

/* False: none of its targets has a voice. */
static bool network_look(const struct uplink_state *u, uint8_t network, struct network *ret)
{
	bool found = false;

	*ret = (struct network){ .state = PROBE_DOWN };
	for (int i = 0; i < u->targets_count; i++) {
		const struct uplink_target *t = &u->target[i];

		if (t->network != network || t->suspect)
			continue;
		found = true;
		ret->sends |= !t->window.unsent;
		ret->fresh |= t->window.state == PROBE_UP && t->window.lost_run == 0;
		if (t->window.state == PROBE_UP || ret->state == PROBE_DOWN)
			ret->state = t->window.state;
	}
	return found;
}

static bool network_first(const struct uplink_state *u, int target)
{
	for (int i = 0; i < target; i++)
		if (u->target[i].network == u->target[target].network)
			return false;
	return true;
}

static struct reach reach_count(const struct uplink_state *u)
{
	struct reach r = { 0 };
	uint8_t networks = 0, sends = 0;

	for (int i = 0; i < u->targets_count; i++) {
		struct network n;

		if (!network_first(u, i) || !network_look(u, u->target[i].network, &n))
			continue;
		networks++;
		sends += n.sends;
		r.answer += n.state == PROBE_UP;
		r.unknown += n.state == PROBE_UNKNOWN;
		r.fresh += n.fresh;
	}
	r.quorum = u->policy->quorum < networks ? u->policy->quorum : networks;
	r.unsent = sends < r.quorum;
	return r;
}

/* ---- quality ---- */

static uint32_t window_mos_milli(const struct uplink_state *u, const struct probe_window *w)
{
	struct probe_quality q;
	struct emodel_path path;

	probe_window_quality(w, &q);
	path = (struct emodel_path){
		.rtt_us = q.rtt_us,
		.jitter_us = q.jitter_us,
		.loss_ppm = q.believed_loss_ppm,
	};
	return emodel_score_mos_milli(u->policy->codec, &path);
}

static uint32_t network_mos_milli(const struct uplink_state *u, uint8_t network)
{
	uint32_t best = 0;

	for (int i = 0; i < u->targets_count; i++) {
		const struct uplink_target *t = &u->target[i];
		uint32_t mos;

		if (t->network != network || t->suspect || t->window.state != PROBE_UP)
			continue;
		mos = window_mos_milli(u, &t->window);
		best = mos > best ? mos : best;
	}
	return best;
}

/* The quorum-th best of the networks. */
static uint32_t quorum_mos_milli(const struct uplink_state *u, uint8_t quorum)
{
	uint32_t best[UPLINK_TARGETS_MAX] = { 0 };

	for (int i = 0; i < u->targets_count; i++) {
		uint32_t mos = network_first(u, i) ? network_mos_milli(u, u->target[i].network) : 0;

		for (int k = 0; k < UPLINK_TARGETS_MAX; k++)
			if (mos > best[k]) {
				uint32_t worse = best[k];

				best[k] = mos;
				mos = worse;
			}
	}
	return best[quorum - 1];
}

/* ---- the verdict ---- */

static enum uplink_why hard_why(const struct uplink_state *u)
{
	if (u->hard & UPLINK_HARD_CARRIER)
		return UPLINK_WHY_NO_CARRIER;
	if (u->hard & UPLINK_HARD_ADDRESS)
		return UPLINK_WHY_NO_ADDRESS;
	return u->hard & UPLINK_HARD_ROUTE ? UPLINK_WHY_NO_ROUTE : UPLINK_WHY_NO_GATEWAY;
}

struct verdict {
	enum uplink_grade grade;
	enum uplink_why why;
};

/* Not enough networks answer. */
static struct verdict judge_quorum(struct uplink_state *u, const struct reach *r, boot_t now)
{
	if (r->answer + r->unknown >= r->quorum && r->unknown > 0)
		return (struct verdict){ UPLINK_GRADE_UNKNOWN, UPLINK_WHY_STARTING };
	if (r->answer == 0)
		return (struct verdict){ UPLINK_GRADE_BAD, UPLINK_WHY_SILENT };
	if (u->partial_since.ns == 0)
		u->partial_since = now;
	if (boot_diff_ns(u->partial_since, now) < u->policy->partial_ns && uplink_grade_usable(u->probed))
		return (struct verdict){ u->probed, UPLINK_WHY_PROBES };
	return (struct verdict){ UPLINK_GRADE_BAD, UPLINK_WHY_QUORUM };
}

static struct verdict judge_probes(struct uplink_state *u, boot_t now)
{
	struct reach r = reach_count(u);

	u->mos_milli = 0;
	if (u->hard)
		return (struct verdict){ UPLINK_GRADE_NONE, hard_why(u) };
	if (r.quorum == 0)
		return (struct verdict){ UPLINK_GRADE_UNKNOWN, UPLINK_WHY_STARTING };
	if (r.unsent)
		return (struct verdict){ UPLINK_GRADE_NONE, UPLINK_WHY_UNSENT };
	if (r.answer < r.quorum)
		return judge_quorum(u, &r, now);
	u->partial_since = (boot_t){ 0 };
	u->mos_milli = quorum_mos_milli(u, r.quorum);
	return (struct verdict){ uplink_grade_of(&u->policy->borders, u->mos_milli, u->probed),
				 UPLINK_WHY_PROBES };
}

static void uplink_judge(struct uplink_state *u, boot_t now)
{
	struct verdict v = judge_probes(u, now);

	u->probed = v.grade;
	uplink_passive_tick(&u->passive, &u->policy->passive, now);
	if (u->passive.grade != UPLINK_GRADE_UNKNOWN && u->passive.grade < v.grade)
		v = (struct verdict){ u->passive.grade, UPLINK_WHY_CALLS };
	u->why = v.why;
	if (v.grade == u->grade)
		return;
	/* Down after up is a flap; further down is the same one. */
	if (v.grade < u->grade && u->rose)
		damping_add(&u->damping, &u->policy->damping, now);
	if (v.grade < u->grade || uplink_grade_usable(v.grade))
		u->rose = v.grade > u->grade;
	u->grade = v.grade;
	u->since = now;
}

/* ---- events ---- */

void uplink_state_init(struct uplink_state *u, const struct uplink_policy *policy, const uint8_t *networks,
		       uint8_t targets_count, bool metered, uint32_t seed, boot_t now)
{
	assert(targets_count <= UPLINK_TARGETS_MAX && policy->quorum >= 1);
	memset(u, 0, sizeof *u);
	u->policy = policy;
	u->targets_count = targets_count;
	u->metered = metered;
	u->probed = u->grade = UPLINK_GRADE_UNKNOWN;
	u->since = now;
	uplink_passive_init(&u->passive);
	for (int i = 0; i < targets_count; i++) {
		assert(networks[i] < 32);
		u->target[i].network = networks[i];
		probe_window_init(&u->target[i].window, &policy->probe, seed + (uint32_t)i, now);
		probe_window_pace(&u->target[i].window, true, now);
	}
}

void uplink_state_hard(struct uplink_state *u, enum uplink_hard fact, bool on, boot_t now)
{
	bool was = u->hard != 0;

	u->hard = on ? u->hard | (uint8_t)fact : u->hard & (uint8_t)~fact;
	if (was != (u->hard != 0))
		for (int i = 0; i < u->targets_count; i++)
			if (u->target[i].window.sent > 0) /* what was never asked is not known yet */
				probe_window_down(&u->target[i].window, now);
	uplink_judge(u, now);
}

void uplink_state_role(struct uplink_state *u, enum uplink_role role, boot_t now)
{
	bool slow = role == UPLINK_STANDBY || (role == UPLINK_IN_USE && u->metered);

	for (int i = 0; i < u->targets_count; i++)
		probe_window_pace(&u->target[i].window, slow, now);
}

void uplink_state_hurry(struct uplink_state *u, boot_t now)
{
	for (int i = 0; i < u->targets_count; i++)
		probe_window_hurry(&u->target[i].window, now);
}

bool uplink_state_due(const struct uplink_state *u, uint8_t target, boot_t now)
{
	assert(target < u->targets_count);
	return u->hard == 0 && probe_window_due(&u->target[target].window, now);
}

uint16_t uplink_state_sent(struct uplink_state *u, uint8_t target, boot_t now)
{
	uint16_t sequence;

	assert(target < u->targets_count);
	sequence = probe_window_sent(&u->target[target].window, now);
	uplink_judge(u, now);
	return sequence;
}

void uplink_state_unsent(struct uplink_state *u, uint8_t target, boot_t now)
{
	assert(target < u->targets_count);
	probe_window_unsent(&u->target[target].window, now);
	uplink_judge(u, now);
}

enum probe_answer uplink_state_answered(struct uplink_state *u, uint8_t target, uint16_t sequence, boot_t at)
{
	enum probe_answer answer;

	assert(target < u->targets_count);
	answer = probe_window_answered(&u->target[target].window, sequence, at);
	uplink_judge(u, at);
	return answer;
}

bool uplink_state_report(struct uplink_state *u, const struct uplink_report *r, boot_t now)
{
	bool taken = uplink_passive_take(&u->passive, &u->policy->passive, u->policy->codec,
					 &u->policy->borders, r, now);

	uplink_judge(u, now);
	return taken;
}

void uplink_state_suspect(struct uplink_state *u, uint32_t targets, boot_t now)
{
	bool changed = false;

	for (int i = 0; i < u->targets_count; i++) {
		bool suspect = targets >> i & 1;

		changed |= u->target[i].suspect != suspect;
		u->target[i].suspect = suspect;
	}
	if (changed)
		uplink_judge(u, now);
}

void uplink_state_tick(struct uplink_state *u, boot_t now)
{
	for (int i = 0; i < u->targets_count; i++)
		probe_window_tick(&u->target[i].window, now);
	uplink_judge(u, now);
}

boot_t uplink_state_next(const struct uplink_state *u)
{
	boot_t next = BOOT_NEVER;

	for (int i = 0; i < u->targets_count && u->hard == 0; i++)
		next = boot_min(next, probe_window_next(&u->target[i].window));
	if (u->partial_since.ns != 0 && uplink_grade_usable(u->probed))
		next = boot_min(next, boot_add(u->partial_since, u->policy->partial_ns));
	return next;
}

bool uplink_state_damped(struct uplink_state *u, boot_t now)
{
	(void)damping_value(&u->damping, &u->policy->damping, now);
	return u->damping.suppressed;
}

bool uplink_state_doubted(struct uplink_state *u, boot_t now)
{
	struct reach r = reach_count(u);

	if (r.fresh < r.quorum)
		return true;
	return uplink_state_damped(u, now) && boot_diff_ns(u->since, now) < u->policy->steady_ns;
}

const char *uplink_why_name(enum uplink_why w)
{
	static const char *const names[UPLINK_WHYS_COUNT] = {
		[UPLINK_WHY_STARTING] = "starting",	[UPLINK_WHY_NO_CARRIER] = "no_carrier",
		[UPLINK_WHY_NO_ROUTE] = "no_route",	[UPLINK_WHY_NO_ADDRESS] = "no_address",
		[UPLINK_WHY_NO_GATEWAY] = "no_gateway", [UPLINK_WHY_UNSENT] = "unsent",
		[UPLINK_WHY_SILENT] = "silent",		[UPLINK_WHY_QUORUM] = "quorum",
		[UPLINK_WHY_PROBES] = "probes",		[UPLINK_WHY_CALLS] = "calls",
	};

	return (unsigned)w < UPLINK_WHYS_COUNT ? names[w] : "unknown";
}

/* ---- targets that fail by themselves ---- */

static bool another_answers(const struct uplink_state *u, int target)
{
	for (int i = 0; i < u->targets_count; i++)
		if (u->target[i].network != u->target[target].network &&
		    u->target[i].window.state == PROBE_UP)
			return true;
	return false;
}

uint32_t uplink_suspects(const struct uplink_state *const *uplinks, int count)
{
	uint32_t suspects = 0;

	for (int t = 0; t < UPLINK_TARGETS_MAX; t++) {
		int silent = 0;
		bool answers = false;

		for (int i = 0; i < count; i++) {
			const struct uplink_state *u = uplinks[i];

			if (t >= u->targets_count)
				continue;
			answers |= u->target[t].window.state == PROBE_UP;
			silent += u->target[t].window.state == PROBE_DOWN && another_answers(u, t);
		}
		if (!answers && silent >= 2)
			suspects |= 1u << t;
	}
	return suspects;
}
