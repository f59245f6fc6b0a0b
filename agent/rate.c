/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rate.h"

#include <string.h>

void rate_reset(struct rate *r, boot_t now)
{
	*r = (struct rate){ .since = now };
}

/* Seconds that have gone by with nothing in them are emptied. */
static void rate_advance(struct rate *r, boot_t now)
{
	int64_t second = boot_diff_ns(r->since, now) / NS_PER_S;

	if (second - r->second >= RATE_SECONDS) {
		memset(r->count, 0, sizeof r->count);
		r->second = second;
	}
	while (r->second < second)
		r->count[++r->second % RATE_SECONDS] = 0;
}

void rate_count(struct rate *r, boot_t now)
{
	uint32_t *count;

	rate_advance(r, now);
	count = &r->count[r->second % RATE_SECONDS];
	r->total++;
	if (++*count > r->peak)
		r->peak = *count;
}

double rate_per_s(struct rate *r, boot_t now)
{
	int64_t lived = boot_diff_ns(r->since, now) / NS_PER_S + 1;
	uint64_t sum = 0;

	rate_advance(r, now);
	for (int i = 0; i < RATE_SECONDS; i++)
		sum += r->count[i];
	return (double)sum / (double)(lived < RATE_SECONDS ? lived : RATE_SECONDS);
}
