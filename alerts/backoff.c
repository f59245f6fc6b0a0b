/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backoff.h"

#include "clock.h"

#define FIRST_MS      1000
#define DOUBLINGS_MAX 16

int64_t backoff_ns(uint32_t failures, uint32_t max_ms, uint32_t dice)
{
	uint32_t doublings = failures > DOUBLINGS_MAX ? DOUBLINGS_MAX : failures ? failures - 1 : 0;
	int64_t ms = (int64_t)FIRST_MS << doublings;
	int64_t ns = (ms > (int64_t)max_ms ? (int64_t)max_ms : ms) * NS_PER_MS;

	return ns - ns / 8 * (int64_t)(dice % 1024) / 1024;
}
