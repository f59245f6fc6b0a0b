/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "emodel.h"
#include "weather.h"

#define HOUR_MS	    3600000
#define SPAN_SLOTS  (5000 / WEATHER_SLOT_MS) /* loss is felt over so long */
#define RTT_MS	    30
#define RTT_FULL_MS 600

uint32_t weather_random(struct weather_random *r, uint32_t below)
{
	/* splitmix64 */
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ z >> 31) % below);
}

int64_t weather_random_exp(struct weather_random *r, int64_t mean)
{
	double u = (weather_random(r, 1000000) + 1) / 1000001.0;
	int64_t n = (int64_t)(-log(u) * (double)mean);

	return n < 1 ? 1 : n;
}

static int64_t slot_of(int64_t ms)
{
	int64_t slot = ms / WEATHER_SLOT_MS;

	return slot < WEATHER_SLOTS ? slot : WEATHER_SLOTS;
}

static void lose(struct weather_line *l, int64_t from_ms, int64_t until_ms, uint8_t percent)
{
	for (int64_t i = slot_of(from_ms); i < slot_of(until_ms); i++)
		if (l->loss_percent[i] < percent)
			l->loss_percent[i] = percent;
}

/* Now and then, for a while: percent, or one of the usual if that is 0. */
static void episodes(struct weather_line *l, int64_t every_ms, int64_t last_ms, uint8_t percent,
		     struct weather_random *r)
{
	static const uint8_t usual[] = { 3, 5, 8, 12, 20, 30 };
	int64_t ms = 0;

	if (every_ms == 0)
		return;
	while ((ms += weather_random_exp(r, every_ms)) < WEATHER_DAY_MS) {
		int64_t end_ms = ms + weather_random_exp(r, last_ms);

		lose(l, ms, end_ms, percent ? percent : usual[weather_random(r, sizeof usual)]);
		ms = end_ms;
	}
}

static void flaps(struct weather_line *l, const struct weather_plan *p)
{
	int64_t half_ms = p->flap_ms / 2;

	if (p->flap_ms == 0)
		return;
	for (int64_t ms = 8 * HOUR_MS + (p->flap_opposite ? half_ms : 0); ms < 16 * HOUR_MS; ms += p->flap_ms)
		lose(l, ms, ms + half_ms, 100);
}

static void delays(struct weather_line *l, bool evening)
{
	for (int64_t i = 0; i < WEATHER_SLOTS; i++) {
		bool is_full = evening && i >= slot_of(19 * HOUR_MS) && i < slot_of(23 * HOUR_MS);

		l->rtt_ms[i] = is_full ? RTT_FULL_MS : RTT_MS;
	}
}

/* What calls feel: nothing gets through, or what the E-model makes of the loss. */
static uint8_t cost_of(const struct weather_line *l, int64_t slot, uint32_t loss_sum)
{
	const struct emodel_path path = {
		.rtt_us = l->rtt_ms[slot] * 1000u,
		.jitter_us = 2000,
		.loss_ppm = loss_sum * 10000 / SPAN_SLOTS,
	};
	uint32_t mos = emodel_score_mos_milli(EMODEL_G711_PLC, &path);

	if (l->loss_percent[slot] == 100 || mos < 3100)
		return 100;
	return mos < 3700 ? 25 : 0;
}

/* The loss of a span that ends with the slot, and of one that begins with it: the lesser, so that the seconds
 * before and after an outage are not counted as one. */
static void costs(struct weather_line *l)
{
	uint32_t *until = calloc(WEATHER_SLOTS + 2 * SPAN_SLOTS + 1, sizeof *until), last = UINT32_MAX;

	assert(until);
	for (int64_t i = 0; i < WEATHER_SLOTS + 2 * SPAN_SLOTS; i++) {
		bool in_day = i >= SPAN_SLOTS && i < WEATHER_SLOTS + SPAN_SLOTS;

		until[i + 1] = until[i] + (in_day ? l->loss_percent[i - SPAN_SLOTS] : 0);
	}
	for (int64_t i = 0; i < WEATHER_SLOTS; i++) {
		const uint32_t *here = until + SPAN_SLOTS + i;
		uint32_t before = here[1] - here[1 - SPAN_SLOTS], after = here[SPAN_SLOTS] - here[0];
		uint32_t sum = before < after ? before : after;
		bool same = sum == last && l->loss_percent[i] == l->loss_percent[i - 1] &&
			    l->rtt_ms[i] == l->rtt_ms[i - 1];

		l->cost[i] = same ? l->cost[i - 1] : cost_of(l, i, sum);
		last = sum;
	}
	free(until);
}

void weather_line_make(struct weather_line *l, const struct weather_plan *p, bool dead_together,
		       struct weather_random *r)
{
	l->loss_percent = calloc(WEATHER_SLOTS, 1);
	l->rtt_ms = calloc(WEATHER_SLOTS, sizeof *l->rtt_ms);
	l->cost = calloc(WEATHER_SLOTS, 1);
	assert(l->loss_percent && l->rtt_ms && l->cost);
	episodes(l, p->burst_every_ms, p->burst_ms, p->burst_percent, r);
	episodes(l, p->brownout_every_ms, p->brownout_ms, 0, r);
	episodes(l, p->outage_every_ms, p->outage_ms, 100, r);
	flaps(l, p);
	for (int64_t h = 6; h <= 18 && dead_together; h += 6)
		lose(l, h * HOUR_MS, h * HOUR_MS + 600000, 100);
	delays(l, p->evening);
	costs(l);
}

void weather_line_free(struct weather_line *l)
{
	free(l->loss_percent);
	free(l->rtt_ms);
	free(l->cost);
}
