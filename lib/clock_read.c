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

int64_t clock_suspended_ns(void)
{
	int64_t mono_ns = clock_read_ns(CLOCK_MONOTONIC);

	return clock_read_ns(CLOCK_BOOTTIME) - mono_ns;
}

int64_t clock_wall_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}
