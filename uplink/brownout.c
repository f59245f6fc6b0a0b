/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "brownout.h"

#include <assert.h>

#define RUN_TOLD 2

static const struct {
	uint32_t normal_ppm, bad_ppm;
	int64_t lost_micro, not_lost_micro;
} tests[BROWNOUT_TESTS_COUNT] = {
	[BROWNOUT_05_3] = { 5000, 30000, 1791759, -25447 },
	[BROWNOUT_1_5] = { 10000, 50000, 1609438, -41243 },
	[BROWNOUT_1_10] = { 10000, 100000, 2302585, -95310 },
};

int64_t brownout_weight_micro(enum brownout_test test, bool lost)
{
	assert((unsigned)test < BROWNOUT_TESTS_COUNT);
	return lost ? tests[test].lost_micro : tests[test].not_lost_micro;
}

uint32_t brownout_normal_ppm(enum brownout_test test)
{
	assert((unsigned)test < BROWNOUT_TESTS_COUNT);
	return tests[test].normal_ppm;
}

uint32_t brownout_bad_ppm(enum brownout_test test)
{
	assert((unsigned)test < BROWNOUT_TESTS_COUNT);
	return tests[test].bad_ppm;
}

void brownout_take(struct brownout *b, enum brownout_test test, bool lost)
{
	int64_t weight = brownout_weight_micro(test, lost);

	if (!lost)
		b->run = 0;
	else if (b->run < RUN_TOLD)
		b->run++;
	else
		return;
	b->evidence_micro += b->found ? -weight : weight;
	if (b->evidence_micro < 0)
		b->evidence_micro = 0;
	if (b->evidence_micro < (b->found ? BROWNOUT_GONE_MICRO : BROWNOUT_FOUND_MICRO))
		return;
	b->found = !b->found;
	b->evidence_micro = 0;
}
