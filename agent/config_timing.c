/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_timing.h"

#include <string.h>

static const struct {
	uint32_t pulse_ms, lease_ms;
} profiles[] = {
	[PROFILE_METAL] = { 25, 200 },
	[PROFILE_LAN] = { 100, 800 },
	[PROFILE_VM] = { 250, 2500 },
};

/* One value for all profiles: nodes in the middle of a change of profile must not refuse each other. */
#define LEASE_MAX_DEFAULT_MS 2500

uint32_t timing_guard_needed_us(uint32_t lease_ms, uint32_t holder_ppm, uint32_t voter_ppm)
{
	uint64_t lease_us = lease_ms * 1000ULL;
	uint64_t numerator = (lease_us + TIMING_RESOLUTION_US) * (1000000ULL + voter_ppm);
	uint64_t denominator = 1000000ULL - holder_ppm;

	return (uint32_t)((numerator + denominator - 1) / denominator - lease_us);
}

static uint32_t guard_ms(const struct config_timing *t, uint32_t lease_ms)
{
	return (timing_guard_needed_us(lease_ms, t->clock_error_ppm, t->voter_error_ppm) + 999) / 1000;
}

void config_timing_complete(struct config_timing *t)
{
	if (!t->pulse_ms)
		t->pulse_ms = profiles[t->profile].pulse_ms;
	if (!t->lease_ms)
		t->lease_ms = profiles[t->profile].lease_ms;
	if (!t->lease_max_ms)
		t->lease_max_ms = t->lease_ms > LEASE_MAX_DEFAULT_MS ? t->lease_ms : LEASE_MAX_DEFAULT_MS;
	if (!t->rtt_ms)
		t->rtt_ms = t->pulse_ms / 5 ? t->pulse_ms / 5 : 1;
	if (!t->guard_ms)
		t->guard_ms = guard_ms(t, t->lease_ms);
	t->guard_needed_us = timing_guard_needed_us(t->lease_ms, t->clock_error_ppm, t->voter_error_ppm);
	t->guard_max_ms = guard_ms(t, t->lease_max_ms);
	if (t->guard_max_ms < t->guard_ms)
		t->guard_max_ms = t->guard_ms;
}

static struct timing_inequality *add(struct timing_inequality *list, int *count, const char *key,
				     const char *rule, const char *why)
{
	struct timing_inequality *i = &list[(*count)++];

	*i = (struct timing_inequality){ .key = key, .rule = rule, .why = why };
	return i;
}

static void compare_ms(struct timing_inequality *i, uint32_t left_ms, uint32_t right_ms)
{
	i->holds = left_ms >= right_ms;
	(void)snprintf(i->numbers, sizeof i->numbers, "%u ms >= %u ms", left_ms, right_ms);
}

int config_timing_check(const struct config_timing *t, struct timing_inequality ret[TIMING_INEQUALITIES_MAX])
{
	struct timing_inequality *i;
	int n = 0;

	memset(ret, 0, TIMING_INEQUALITIES_MAX * sizeof *ret);
	i = add(ret, &n, "guard", "guard >= (lease + resolution)(1 + rv)/(1 - rh) - lease",
		"or a voter's promise can run out before a slow holder's gate shuts: two holders");
	i->holds = t->guard_ms * 1000ULL >= t->guard_needed_us;
	(void)snprintf(i->numbers, sizeof i->numbers, "%u ms >= %u.%03u ms", t->guard_ms,
		       t->guard_needed_us / 1000, t->guard_needed_us % 1000);

	i = add(ret, &n, "lease", "lease >= 3 x pulse-interval",
		"or two lost pulses shut a healthy holder's gate");
	compare_ms(i, t->lease_ms, 3 * t->pulse_ms);

	i = add(ret, &n, "lease", "lease >= 2 x pulse-interval + 2 x round-trip",
		"or a renewal may come back after the gate has shut");
	compare_ms(i, t->lease_ms, 2 * t->pulse_ms + 2 * t->rtt_ms);

	i = add(ret, &n, "lease-max", "lease-max >= lease",
		"or the voters refuse every request of their own cluster");
	compare_ms(i, t->lease_max_ms, t->lease_ms);

	i = add(ret, &n, "round-trip", "pulse-interval >= round-trip",
		"or an answer comes after the question was asked again");
	compare_ms(i, t->pulse_ms, t->rtt_ms);
	return n;
}

struct lease_timing config_timing_lease(const struct config_timing *t)
{
	return (struct lease_timing){
		.lease_ns = t->lease_ms * NS_PER_MS,
		.guard_ns = t->guard_ms * NS_PER_MS,
		.lease_max_ns = t->lease_max_ms * NS_PER_MS,
		.guard_max_ns = t->guard_max_ms * NS_PER_MS,
		.pulse_ns = t->pulse_ms * NS_PER_MS,
		.hold_ns = (3 * t->rtt_ms + t->pulse_ms) * NS_PER_MS,
		.rtt_ns = t->rtt_ms * NS_PER_MS,
	};
}

uint32_t config_timing_takeover_ms(const struct config_timing *t)
{
	uint64_t promise_us = (t->lease_ms + t->guard_ms) * 1000ULL;

	/* The promises run out at most that long after the last request arrived, on a slow voter's clock; the
	 * candidate sees it with the next pulse at worst, and asks. Half a round trip each for the last
	 * request, that pulse, the request and the grant. */
	promise_us += promise_us * t->voter_error_ppm / 1000000;
	return (uint32_t)((promise_us + 999) / 1000) + t->pulse_ms + 2 * t->rtt_ms;
}

uint32_t config_timing_mute_ms(const struct config_timing *t)
{
	return t->lease_max_ms + t->guard_max_ms;
}
