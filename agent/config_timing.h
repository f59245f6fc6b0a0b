/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The one set of timing inequalities (docs/ARCHITECTURE.md "The lease"): computes the guard, checks, and can
 * print every inequality with its numbers. No hidden constants: all that go in are here.
 */
#ifndef RK_CONFIG_TIMING_H
#define RK_CONFIG_TIMING_H

#include "lease.h"

#include <stdio.h>

enum timing_profile { PROFILE_METAL, PROFILE_LAN, PROFILE_VM };

/* As configured: 0 = take the profile's or the computed value. All filled after config_timing_complete(). */
struct config_timing {
	uint32_t profile; /* enum timing_profile */
	uint32_t pulse_ms;
	uint32_t lease_ms;
	uint32_t lease_max_ms;
	uint32_t guard_ms;
	uint32_t rtt_ms;	  /* bound of a round trip between two agents */
	uint32_t clock_error_ppm; /* rh: of the clock that the holder's gate reads, slewing included */
	uint32_t voter_error_ppm; /* rv: of a voter's raw clock */
	uint32_t guard_max_ms;	  /* computed: G of lease-max */
	uint32_t guard_needed_us; /* computed: what the inequality asks for */
};

/* A clock may be read this coarsely: one tick of a 250 Hz kernel. */
#define TIMING_RESOLUTION_US 4000

/* (L + resolution)(1 + rv) / (1 - rh) - L, in us, rounded up. */
uint32_t timing_guard_needed_us(uint32_t lease_ms, uint32_t holder_ppm, uint32_t voter_ppm);
/* Fills every 0 from profile and inequality. */
void config_timing_complete(struct config_timing *t);

#define TIMING_INEQUALITIES_MAX 8

struct timing_inequality {
	const char *key;  /* the option that can mend it */
	const char *rule; /* "guard >= (lease + resolution)(1 + rv)/(1 - rh) - lease" */
	const char *why;
	char numbers[96]; /* "112 ms >= 111.2 ms" */
	bool holds;
};

/* All inequalities of completed timing; returns how many. */
int config_timing_check(const struct config_timing *t, struct timing_inequality ret[TIMING_INEQUALITIES_MAX]);
/* For the core. */
struct lease_timing config_timing_lease(const struct config_timing *t);
/* How long the address is silent at most when the holder's node dies, with a healthy standby. */
uint32_t config_timing_takeover_ms(const struct config_timing *t);
/* How long a voter that lost its memory stays mute. */
uint32_t config_timing_mute_ms(const struct config_timing *t);

#endif
