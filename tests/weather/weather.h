/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Twenty-four hours of ISP weather for one node with two lines: what the deciders of uplink/ make of it, and
 * what an oracle makes of it that knows the day in advance. Losses come from a Gilbert-Elliott chain and from
 * what a scenario adds; all of it from a seed.
 */
#ifndef RK_SIM_WEATHER_H
#define RK_SIM_WEATHER_H

#include <stdbool.h>
#include <stdint.h>

#define WEATHER_SLOT_MS 50
#define WEATHER_DAY_MS	86400000
#define WEATHER_SLOTS	(WEATHER_DAY_MS / WEATHER_SLOT_MS)
#define WEATHER_LINES	2
#define WEATHER_TARGETS 2

struct weather_random {
	uint64_t state;
};

uint32_t weather_random(struct weather_random *r, uint32_t below);
/* Exponentially distributed, at least 1. */
int64_t weather_random_exp(struct weather_random *r, int64_t mean);

/* What a scenario does with one line. Times in ms; 0: that does not happen. */
struct weather_plan {
	int64_t outage_every_ms, outage_ms; /* means */
	int64_t brownout_every_ms, brownout_ms;
	int64_t burst_every_ms, burst_ms; /* Gilbert-Elliott: means of the good and the bad state */
	uint8_t burst_percent;		  /* lost in the bad state */
	int64_t flap_ms;		  /* up and down in turn, from 8 to 16 h, a half of this each */
	bool flap_opposite;		  /* the other half */
	bool carrier;			  /* the kernel says when it is down */
	bool evening;			  /* 19 to 23 h: full buffers */
};

struct weather_scenario {
	const char *name;
	struct weather_plan line[WEATHER_LINES];
	bool target_dies;    /* one target over both lines, from 10 to 12 h */
	bool dead_together;  /* both lines, ten minutes at 6, 12 and 18 h */
	uint32_t switches;   /* at most so many are right */
	uint32_t speechless; /* permille of the day at most, above the oracle's */
};

/* The day of one line, per slot. */
struct weather_line {
	uint8_t *loss_percent; /* 100: down */
	uint16_t *rtt_ms;
	uint8_t *cost; /* of having calls on it: 0 good, 25 degraded, 100 no speech */
};

void weather_line_make(struct weather_line *l, const struct weather_plan *p, bool dead_together,
		       struct weather_random *r);
void weather_line_free(struct weather_line *l);

struct weather_result {
	uint32_t switches, drains;
	uint32_t switches_hour; /* most in any hour */
	int64_t gap_ms_min;	/* between two */
	double speechless_s, degraded_s;
};

/* The deciders. */
void weather_node_play(const struct weather_scenario *s, const struct weather_line lines[WEATHER_LINES],
		       struct weather_random *r, struct weather_result *ret);
/* Who knows the day: the least of speechless + degraded / 4 + price_ms per switch. Also, without any switch,
 * what line 0 alone would have given. */
void weather_oracle_play(const struct weather_line lines[WEATHER_LINES], int64_t price_ms,
			 struct weather_result *ret, struct weather_result *ret_alone);

#endif
