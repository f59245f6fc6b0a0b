/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_window.h"

#include <assert.h>
#include <string.h>

#define PPM		 1000000
#define TIMEOUT_FIRST_NS NS_PER_S /* RFC 6298 section 2.1: before there is a sample */
#define GRANULARITY_US	 10000	  /* section 2: G; a path that never varies is not late by that */
#define EWMA_PROBES	 16

static struct probe_slot *slot_of(struct probe_window *w, uint32_t number)
{
	return &w->slot[number % PROBE_WINDOW_MAX];
}

void probe_window_init(struct probe_window *w, const struct probe_policy *policy, uint32_t seed, boot_t now)
{
	assert(policy->window >= 1 && policy->window <= PROBE_WINDOW_MAX);
	assert(policy->fall >= 1 && policy->known >= 1 && policy->rise >= 1);
	memset(w, 0, sizeof *w);
	w->policy = policy;
	w->seed = seed;
	w->next_at = now;
}

static void outcomes_forget(struct probe_window *w)
{
	w->kept = w->kept_lost = 0;
	w->kept_rtt_us = 0;
	w->brownout = (struct brownout){ 0 };
}

void probe_window_down(struct probe_window *w, boot_t now)
{
	/* An answer that is still under way says nothing about the link that comes back. */
	for (int i = 0; i < PROBE_WINDOW_MAX; i++)
		w->slot[i].fate = PROBE_NONE;
	w->state = PROBE_DOWN;
	w->undecided = w->answered_next = w->sent;
	w->lost_run = w->answered_run = 0;
	w->burst_left = 0;
	w->srtt_us = w->rttvar_us = w->jitter_16th_us = w->rtt_before_us = 0;
	w->next_at = now;
	outcomes_forget(w);
}

/* ---- when ---- */

static int64_t interval_ns(const struct probe_window *w)
{
	if (w->burst_left > 0)
		return w->policy->burst_interval_ns;
	return w->slow ? w->policy->slow_interval_ns : w->policy->interval_ns;
}

/* Numerical Recipes' generator: any would do. */
static int64_t jitter_ns(struct probe_window *w, int64_t ns)
{
	int64_t thousandths;

	w->seed = w->seed * 1664525u + 1013904223u;
	thousandths = (int64_t)(w->seed >> 16) % 2001 - 1000;
	return ns / 100 * w->policy->jitter_percent / 1000 * thousandths;
}

void probe_window_pace(struct probe_window *w, bool slow, boot_t now)
{
	if (w->slow == slow)
		return;
	w->slow = slow;
	w->next_at = boot_min(w->next_at, boot_add(now, interval_ns(w)));
}

bool probe_window_due(const struct probe_window *w, boot_t now)
{
	return !boot_before(now, w->next_at);
}

int64_t probe_window_timeout_ns(const struct probe_window *w)
{
	int64_t vary_us = 4 * w->rttvar_us > GRANULARITY_US ? 4 * w->rttvar_us : GRANULARITY_US;
	int64_t ns = (w->srtt_us + vary_us) * NS_PER_US;

	if (w->srtt_us == 0)
		ns = TIMEOUT_FIRST_NS;
	if (ns < w->policy->timeout_ns_min)
		ns = w->policy->timeout_ns_min;
	return ns < w->policy->timeout_ns_max ? ns : w->policy->timeout_ns_max;
}

void probe_window_hurry(struct probe_window *w, boot_t now)
{
	if (w->state == PROBE_DOWN || boot_before(now, w->burst_from))
		return;
	w->burst_left = w->policy->burst;
	w->burst_from = boot_add(now, w->policy->burst_pause_ns);
	w->next_at = boot_min(w->next_at, boot_add(now, w->policy->burst_interval_ns));
}

/* One loss may be chance: some probes at once tell, also where they are rare. */
static void burst_begin(struct probe_window *w, boot_t now)
{
	if (w->lost_run == 1)
		probe_window_hurry(w, now);
}

boot_t probe_window_next(const struct probe_window *w)
{
	boot_t next = w->next_at;

	for (uint32_t n = w->undecided; n != w->sent; n++)
		if (w->slot[n % PROBE_WINDOW_MAX].fate == PROBE_OUT)
			next = boot_min(next, w->slot[n % PROBE_WINDOW_MAX].lost_at);
	if (w->state != PROBE_DOWN && w->lost_run >= w->policy->fall)
		next = boot_min(next, boot_add(w->lost_since, w->policy->fall_ns));
	return next;
}

/* ---- what was judged ---- */

static void outcome_put(struct probe_window *w, int32_t outcome_us)
{
	uint32_t sample_ppm = outcome_us < 0 ? PPM : 0;

	if (w->kept == w->policy->window) {
		int32_t oldest = w->outcome_us[(w->judged - w->kept) % PROBE_WINDOW_MAX];

		w->kept_lost -= oldest < 0;
		w->kept_rtt_us -= oldest < 0 ? 0 : oldest;
		w->kept--;
	}
	w->outcome_us[w->judged++ % PROBE_WINDOW_MAX] = outcome_us;
	w->kept++;
	w->kept_lost += outcome_us < 0;
	w->kept_rtt_us += outcome_us < 0 ? 0 : outcome_us;
	w->loss_ewma_ppm += ((int64_t)sample_ppm - w->loss_ewma_ppm) / EWMA_PROBES;
	brownout_take(&w->brownout, w->policy->brownout, outcome_us < 0);
}

/* Both directions vary: half of the difference of two round trips stands for one. */
static void jitter_take(struct probe_window *w, int64_t rtt_us)
{
	int64_t d = rtt_us - w->rtt_before_us;

	if (w->rtt_before_us > 0)
		w->jitter_16th_us += (d < 0 ? -d : d) / 2 - (w->jitter_16th_us + 8) / 16;
	w->rtt_before_us = rtt_us;
}

static void rtt_take(struct probe_window *w, int64_t rtt_us)
{
	int64_t error = w->srtt_us - rtt_us;

	if (rtt_us < 1)
		rtt_us = 1;
	if (w->srtt_us == 0) {
		w->srtt_us = rtt_us;
		w->rttvar_us = rtt_us / 2;
		return;
	}
	w->rttvar_us += ((error < 0 ? -error : error) - w->rttvar_us) / 4;
	w->srtt_us -= error / 8;
}

/* UP to DOWN and back, by what came in a row. */
static void state_follow(struct probe_window *w, boot_t now)
{
	const struct probe_policy *p = w->policy;

	if (w->state != PROBE_DOWN && w->lost_run >= p->fall &&
	    boot_diff_ns(w->lost_since, now) >= p->fall_ns) {
		w->state = PROBE_DOWN;
		w->burst_left = 0;
		outcomes_forget(w);
	} else if (w->state != PROBE_UP && w->answered_run >= (w->state == PROBE_DOWN ? p->rise : p->known)) {
		w->state = PROBE_UP;
	}
}

static void judge_lost(struct probe_window *w, struct probe_slot *s, enum probe_fate fate, boot_t now)
{
	s->fate = fate;
	if (fate == PROBE_UNSENT)
		w->counters.unsent++;
	else
		w->counters.lost++;
	w->answered_run = 0;
	if (s->number >= w->answered_next) {
		w->lost_since = w->lost_run == 0 ? s->sent_at : boot_min(w->lost_since, s->sent_at);
		w->lost_run++;
	}
	outcome_put(w, -1);
	/* What was measured before a target came back says nothing about it now. */
	if (w->state == PROBE_DOWN)
		outcomes_forget(w);
	burst_begin(w, now);
	state_follow(w, now);
}

static void undecided_advance(struct probe_window *w)
{
	while (w->undecided != w->sent && slot_of(w, w->undecided)->fate != PROBE_OUT)
		w->undecided++;
}

void probe_window_tick(struct probe_window *w, boot_t now)
{
	for (uint32_t n = w->undecided; n != w->sent; n++) {
		struct probe_slot *s = slot_of(w, n);

		if (s->fate == PROBE_OUT && !boot_before(now, s->lost_at))
			judge_lost(w, s, PROBE_LOST, now);
	}
	undecided_advance(w);
	state_follow(w, now);
}

/* Losses older than an answer are no run any more. */
static void lost_run_recount(struct probe_window *w, uint32_t number)
{
	if (number < w->answered_next)
		return;
	w->answered_next = number + 1;
	if (w->lost_run == 0)
		return;
	w->lost_run = 0;
	for (uint32_t n = w->answered_next; n != w->sent; n++) {
		const struct probe_slot *s = slot_of(w, n);

		if (s->fate != PROBE_LOST && s->fate != PROBE_UNSENT)
			continue;
		if (w->lost_run++ == 0)
			w->lost_since = s->sent_at;
	}
}

/* It counts as lost for quality, and yet the target answers: the time-out learns from it. */
static enum probe_answer answer_late(struct probe_window *w, struct probe_slot *s, boot_t at)
{
	if (s->fate == PROBE_OUT)
		judge_lost(w, s, PROBE_LOST, at);
	s->fate = PROBE_LATE;
	w->counters.late++;
	rtt_take(w, boot_diff_ns(s->sent_at, at) / NS_PER_US);
	lost_run_recount(w, s->number);
	return PROBE_ANSWER_LATE;
}

static enum probe_answer answer_good(struct probe_window *w, struct probe_slot *s, boot_t at)
{
	int64_t rtt_us = boot_diff_ns(s->sent_at, at) / NS_PER_US;

	s->fate = PROBE_ANSWERED;
	w->counters.answered++;
	w->answered_run++;
	rtt_take(w, rtt_us);
	jitter_take(w, rtt_us);
	lost_run_recount(w, s->number);
	outcome_put(w, (int32_t)rtt_us);
	state_follow(w, at);
	return PROBE_ANSWER_GOOD;
}

enum probe_answer probe_window_answered(struct probe_window *w, uint16_t sequence, boot_t at)
{
	struct probe_slot *s = slot_of(w, sequence);
	enum probe_answer answer;

	if ((uint16_t)s->number != sequence || s->fate == PROBE_NONE || s->fate == PROBE_UNSENT ||
	    boot_before(at, s->sent_at)) {
		w->counters.stray++;
		return PROBE_ANSWER_STRAY;
	}
	if (s->fate == PROBE_ANSWERED || s->fate == PROBE_LATE) {
		w->counters.twice++;
		return PROBE_ANSWER_TWICE;
	}
	answer = s->fate == PROBE_OUT && boot_before(at, s->lost_at) ? answer_good(w, s, at)
								     : answer_late(w, s, at);
	undecided_advance(w);
	return answer;
}

static struct probe_slot *slot_take(struct probe_window *w, boot_t now)
{
	struct probe_slot *s = slot_of(w, w->sent);

	if (s->fate == PROBE_OUT)
		judge_lost(w, s, PROBE_LOST, now);
	*s = (struct probe_slot){
		.number = w->sent++,
		.fate = PROBE_OUT,
		.sent_at = now,
		.lost_at = boot_add(now, probe_window_timeout_ns(w)),
	};
	undecided_advance(w);
	if (w->burst_left > 0)
		w->burst_left--;
	w->next_at = boot_add(now, interval_ns(w));
	if (w->burst_left == 0)
		w->next_at = boot_add(w->next_at, jitter_ns(w, interval_ns(w)));
	return s;
}

uint16_t probe_window_sent(struct probe_window *w, boot_t now)
{
	w->unsent = false;
	return (uint16_t)slot_take(w, now)->number;
}

void probe_window_unsent(struct probe_window *w, boot_t now)
{
	w->unsent = true;
	judge_lost(w, slot_take(w, now), PROBE_UNSENT, now);
	undecided_advance(w);
}

void probe_window_quality(const struct probe_window *w, struct probe_quality *ret)
{
	uint32_t answered = w->kept - w->kept_lost, normal = brownout_normal_ppm(w->policy->brownout);

	*ret = (struct probe_quality){ .judged = w->kept };
	if (w->kept == 0)
		return;
	ret->rtt_us = answered ? (uint32_t)(w->kept_rtt_us / answered) : 0;
	ret->jitter_us = (uint32_t)(w->jitter_16th_us / 16);
	ret->loss_ppm = (uint32_t)((uint64_t)w->kept_lost * PPM / w->kept);
	ret->believed_loss_ppm = w->brownout.found || ret->loss_ppm < normal ? ret->loss_ppm : normal;
}
