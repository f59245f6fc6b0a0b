/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The node: probes that leave and come back, calls that begin and end, RTCP reports while calls are up, and
 * the deciders as they ship. Switches are carried out at once.
 */
#include <assert.h>
#include <string.h>

#include "uplink_choice.h"
#include "uplink_state.h"
#include "weather.h"

#define HOUR_MS	     3600000
#define START_NS     (1000 * NS_PER_S)
#define FLIGHT	     64 /* answers under way, per line and target */
#define REPORT_MS    5000
#define REPORT_SLOTS (REPORT_MS / WEATHER_SLOT_MS)
#define DEAD_TARGET  1
#define SWITCHES_MAX 4096

struct answer {
	int64_t at_ms;
	uint16_t sequence;
};

struct flight {
	struct answer answer[FLIGHT];
	int count;
};

struct node {
	const struct weather_scenario *scenario;
	const struct weather_line *lines;
	struct weather_random *random;
	struct uplink_state uplink[WEATHER_LINES];
	struct uplink_choice choice;
	struct flight flight[WEATHER_LINES][WEATHER_TARGETS];
	bool carrier[WEATHER_LINES];
	bool calls;
	int64_t line_at_ms[WEATHER_LINES]; /* something is to be done there */
	struct uplink_facts facts;	   /* decided on last */
	int64_t now_ms, calls_until_ms, drained_at_ms, report_at_ms, again_at_ms;
	int64_t switched_ms[SWITCHES_MAX];
	struct weather_result result;
};

static boot_t at_ms(int64_t ms)
{
	return (boot_t){ START_NS + ms * NS_PER_MS };
}

/* Rounded up: when it is time, it is. */
static int64_t ms_of(boot_t t)
{
	return t.ns == BOOT_NEVER.ns ? INT64_MAX : (t.ns - START_NS + NS_PER_MS - 1) / NS_PER_MS;
}

static int64_t slot_now(const struct node *n)
{
	return n->now_ms / WEATHER_SLOT_MS;
}

/* ---- probes ---- */

static bool target_dead(const struct node *n, int target)
{
	return n->scenario->target_dies && target == DEAD_TARGET && n->now_ms >= 10 * HOUR_MS &&
	       n->now_ms < 12 * HOUR_MS;
}

static void probe_send(struct node *n, int line, int target)
{
	const struct weather_line *l = &n->lines[line];
	uint16_t sequence = uplink_state_sent(&n->uplink[line], (uint8_t)target, at_ms(n->now_ms));
	struct flight *f = &n->flight[line][target];
	int64_t rtt_ms = l->rtt_ms[slot_now(n)] + weather_random(n->random, 5);

	/* A tenth of a percent is always lost. */
	if (weather_random(n->random, 1000) < 10u * l->loss_percent[slot_now(n)] + 1 ||
	    target_dead(n, target))
		return;
	assert(f->count < FLIGHT);
	f->answer[f->count++] = (struct answer){ n->now_ms + rtt_ms, sequence };
}

static void answers_take(struct node *n, int line, int target)
{
	struct flight *f = &n->flight[line][target];

	for (int i = 0; i < f->count;) {
		if (f->answer[i].at_ms > n->now_ms) {
			i++;
			continue;
		}
		(void)uplink_state_answered(&n->uplink[line], (uint8_t)target, f->answer[i].sequence,
					    at_ms(f->answer[i].at_ms));
		f->answer[i] = f->answer[--f->count];
	}
}

static void line_run(struct node *n, int line)
{
	struct uplink_state *u = &n->uplink[line];
	bool down = n->lines[line].loss_percent[slot_now(n)] == 100;

	if (n->scenario->line[line].carrier && down == n->carrier[line]) {
		n->carrier[line] = !down;
		memset(n->flight[line], 0, sizeof n->flight[line]);
		uplink_state_hard(u, UPLINK_HARD_CARRIER, down, at_ms(n->now_ms));
	}
	for (int t = 0; t < WEATHER_TARGETS; t++)
		answers_take(n, line, t);
	uplink_state_tick(u, at_ms(n->now_ms));
	for (int t = 0; t < WEATHER_TARGETS; t++)
		if (uplink_state_due(u, (uint8_t)t, at_ms(n->now_ms)))
			probe_send(n, line, t);
}

/* What is not in use is looked at more closely when the one in use is dead, or may be. */
static void roles_run(struct node *n)
{
	const struct uplink_state *used = &n->uplink[n->choice.active];
	bool dead = !uplink_grade_usable(used->grade) && used->grade != UPLINK_GRADE_UNKNOWN;

	for (int i = 0; i < WEATHER_LINES; i++) {
		enum uplink_role other = dead ? UPLINK_WANTED : UPLINK_STANDBY;
		bool is_used = i == n->choice.active;

		uplink_state_role(&n->uplink[i], is_used ? UPLINK_IN_USE : other, at_ms(n->now_ms));
		if (!is_used && uplink_state_doubted(&n->uplink[n->choice.active], at_ms(n->now_ms)))
			uplink_state_hurry(&n->uplink[i], at_ms(n->now_ms));
	}
}

static void suspects_run(struct node *n)
{
	const struct uplink_state *const both[WEATHER_LINES] = { &n->uplink[0], &n->uplink[1] };
	uint32_t suspects = uplink_suspects(both, WEATHER_LINES);

	for (int i = 0; i < WEATHER_LINES; i++)
		uplink_state_suspect(&n->uplink[i], suspects, at_ms(n->now_ms));
}

/* ---- calls ---- */

static void calls_run(struct node *n)
{
	bool day = n->now_ms >= 8 * HOUR_MS && n->now_ms < 18 * HOUR_MS;
	int64_t busy_ms = day ? 600000 : 180000, idle_ms = day ? 60000 : 1800000;

	if (n->now_ms < n->calls_until_ms)
		return;
	n->calls = !n->calls;
	n->calls_until_ms = n->now_ms + weather_random_exp(n->random, n->calls ? busy_ms : idle_ms);
}

/* One call's report about the last five seconds; a line that is dead brings none. */
static void report_run(struct node *n)
{
	const struct weather_line *l = &n->lines[n->choice.active];
	int64_t slot = slot_now(n), lost = 0;
	struct uplink_report r = { .packets = REPORT_MS / 20,
				   .rtt_us = l->rtt_ms[slot] * 1000u,
				   .jitter_us = 2000 };

	if (n->now_ms < n->report_at_ms)
		return;
	n->report_at_ms = n->now_ms + REPORT_MS;
	for (int64_t i = slot - REPORT_SLOTS; i < slot; i++)
		lost += i >= 0 ? l->loss_percent[i] : 0;
	if (!n->calls || lost == 100 * REPORT_SLOTS)
		return;
	r.lost = (uint32_t)(r.packets * lost / (100 * REPORT_SLOTS));
	(void)uplink_state_report(&n->uplink[n->choice.active], &r, at_ms(n->now_ms));
}

/* ---- deciding ---- */

/* Field by field: what is between them stays zero. MOS, which changes all the time, would only rank more than
 * two. */
static void uplink_fact_set(struct node *n, int line, struct uplink_fact *ret)
{
	ret->grade = n->uplink[line].grade;
	ret->damped = uplink_state_damped(&n->uplink[line], at_ms(n->now_ms));
	ret->doubted = uplink_state_doubted(&n->uplink[line], at_ms(n->now_ms));
	ret->preference = (uint8_t)line;
}

static void facts_gather(struct node *n, struct uplink_facts *ret)
{
	memset(ret, 0, sizeof *ret); /* compared as bytes */
	ret->count = WEATHER_LINES;
	ret->calls = n->calls;
	ret->calls_draining = n->now_ms < n->drained_at_ms;
	for (int i = 0; i < WEATHER_LINES; i++)
		uplink_fact_set(n, i, &ret->uplink[i]);
}

static void switch_note(struct node *n)
{
	struct weather_result *r = &n->result;
	uint32_t recent = 1;

	assert(r->switches < SWITCHES_MAX);
	for (uint32_t i = r->switches; i > 0 && n->now_ms - n->switched_ms[i - 1] < HOUR_MS; i--)
		recent++;
	if (recent > r->switches_hour)
		r->switches_hour = recent;
	if (r->switches > 0 && n->now_ms - n->switched_ms[r->switches - 1] < r->gap_ms_min)
		r->gap_ms_min = n->now_ms - n->switched_ms[r->switches - 1];
	n->switched_ms[r->switches++] = n->now_ms;
}

static void decide(struct node *n)
{
	struct uplink_facts f;
	struct uplink_decision d;

	facts_gather(n, &f);
	if (n->now_ms < n->again_at_ms && memcmp(&f, &n->facts, sizeof f) == 0)
		return;
	n->facts = f;
	uplink_choice_step(&n->choice, &f, at_ms(n->now_ms), &d);
	n->again_at_ms = ms_of(d.again_at);
	if (d.action == UPLINK_STAY || d.action == UPLINK_HOLD)
		return;
	if (d.action != UPLINK_FINISH)
		switch_note(n);
	if (d.action == UPLINK_DRAIN) {
		n->result.drains++;
		n->drained_at_ms = n->now_ms + weather_random_exp(n->random, 180000);
	}
	uplink_choice_done(&n->choice, at_ms(n->now_ms));
	n->again_at_ms = n->now_ms + 1;
}

/* ---- time ---- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t line_next_ms(const struct node *n, int line)
{
	int64_t next = ms_of(uplink_state_next(&n->uplink[line]));

	for (int t = 0; t < WEATHER_TARGETS; t++)
		for (int k = 0; k < n->flight[line][t].count; k++)
			next = earlier(next, n->flight[line][t].answer[k].at_ms);
	if (n->scenario->line[line].carrier)
		next = earlier(next, (slot_now(n) + 1) * WEATHER_SLOT_MS);
	return next;
}

static int64_t next_ms(struct node *n)
{
	int64_t next = earlier(n->report_at_ms, earlier(n->calls_until_ms, n->again_at_ms));

	if (n->drained_at_ms > n->now_ms)
		next = earlier(next, n->drained_at_ms);
	for (int i = 0; i < WEATHER_LINES; i++) {
		n->line_at_ms[i] = line_next_ms(n, i);
		next = earlier(next, n->line_at_ms[i]);
	}
	return next > n->now_ms ? next : n->now_ms + 1;
}

/* What calls had between now and then. */
static void spend(struct node *n, int64_t until_ms)
{
	const uint8_t *cost = n->lines[n->choice.active].cost;

	while (n->now_ms < until_ms) {
		int64_t end_ms = earlier(until_ms, (slot_now(n) + 1) * WEATHER_SLOT_MS);
		uint8_t c = cost[slot_now(n)];

		n->result.speechless_s += c == 100 ? (double)(end_ms - n->now_ms) / 1000 : 0;
		n->result.degraded_s += c == 25 ? (double)(end_ms - n->now_ms) / 1000 : 0;
		n->now_ms = end_ms;
	}
}

void weather_node_play(const struct weather_scenario *s, const struct weather_line lines[WEATHER_LINES],
		       struct weather_random *r, struct weather_result *ret)
{
	static const uint8_t networks[WEATHER_TARGETS] = { 0, 1 };
	struct node n = { .scenario = s, .lines = lines, .random = r, .again_at_ms = INT64_MAX };

	n.result.gap_ms_min = INT64_MAX;
	for (int i = 0; i < WEATHER_LINES; i++) {
		n.carrier[i] = true;
		uplink_state_init(&n.uplink[i], &uplink_policy_default, networks, WEATHER_TARGETS, false,
				  weather_random(r, 1000000), at_ms(0));
		uplink_state_role(&n.uplink[i], i == 0 ? UPLINK_IN_USE : UPLINK_STANDBY, at_ms(0));
	}
	uplink_choice_init(&n.choice, &uplink_choice_policy_default, 0, at_ms(0));
	while (n.now_ms < WEATHER_DAY_MS) {
		for (int i = 0; i < WEATHER_LINES; i++)
			if (n.now_ms >= n.line_at_ms[i])
				line_run(&n, i);
		suspects_run(&n);
		roles_run(&n);
		calls_run(&n);
		report_run(&n);
		decide(&n);
		spend(&n, earlier(next_ms(&n), WEATHER_DAY_MS));
	}
	*ret = n.result;
}
