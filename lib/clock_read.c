/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock_read.h"

#include <assert.h>
#include <time.h>

static int64_t clock_read_ns(clockid_t id)
{
	struct timespec t;
	int r = clock_gettime(id, &t);

	assert(r == 0);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

struct instant clock_now(void)
{
	struct instant now;

	now.boot.ns = clock_read_ns(CLOCK_BOOTTIME);
	now.raw.ns = clock_read_ns(CLOCK_MONOTONIC_RAW);
	return now;
}

/* The two clocks cannot be read at one instant. A process that is preempted between them would see a suspend
 * that never was, so the reading with the narrowest window of some counts. */
int64_t clock_suspended_ns(void)
{
	int64_t best_ns = 0, window_ns = INT64_MAX;

	for (int i = 0; i < 16 && window_ns > NS_PER_MS / 10; i++) {
		int64_t before_ns = clock_read_ns(CLOCK_MONOTONIC);
		int64_t boot_ns = clock_read_ns(CLOCK_BOOTTIME);
		int64_t after_ns = clock_read_ns(CLOCK_MONOTONIC);

		if (after_ns - before_ns < window_ns) {
			window_ns = after_ns - before_ns;
			best_ns = boot_ns - before_ns;
		}
	}
	return best_ns;
}

int64_t clock_wall_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}
