/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Points in time. Each clock has its own one-field type, so that mixing two clocks, or a point with a
 * duration, does not compile. Durations are plain int64_t whose name ends in its unit. Nothing here reads a
 * clock: lib/clock_read.h does.
 */
#ifndef RK_CLOCK_H
#define RK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* CLOCK_BOOTTIME, ns: what the gate compares with; runs on in suspend. */
typedef struct {
	int64_t ns;
} boot_t;

/* CLOCK_MONOTONIC_RAW, ns: never slewed; promises and mutes. A suspended voter waits longer. */
typedef struct {
	int64_t ns;
} raw_t;

/* Both clocks, read together: raw LAST. Every event of the core carries one. */
struct instant {
	boot_t boot;
	raw_t raw;
};

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

static inline boot_t boot_add(boot_t t, int64_t ns)
{
	return (boot_t){ t.ns + ns };
}

static inline raw_t raw_add(raw_t t, int64_t ns)
{
	return (raw_t){ t.ns + ns };
}

/* a < b: strictly earlier. */
static inline bool boot_before(boot_t a, boot_t b)
{
	return a.ns < b.ns;
}

static inline bool raw_before(raw_t a, raw_t b)
{
	return a.ns < b.ns;
}

static inline boot_t boot_min(boot_t a, boot_t b)
{
	return a.ns < b.ns ? a : b;
}

static inline boot_t boot_max(boot_t a, boot_t b)
{
	return a.ns > b.ns ? a : b;
}

/* b - a in ns. */
static inline int64_t boot_diff_ns(boot_t a, boot_t b)
{
	return b.ns - a.ns;
}

static inline int64_t raw_diff_ns(raw_t a, raw_t b)
{
	return b.ns - a.ns;
}

#define BOOT_NEVER ((boot_t){ INT64_MAX })

#endif
