/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Is there a brown-out? Loss of a few percent cannot be read off a window of some fifty probes: one lost is
 * two percent. A sequential test (CUSUM, Page 1954, with the thresholds of Wald's SPRT at alpha 0.001 and
 * beta 0.05) adds up the evidence instead, probe by probe, and says when there is enough of it, in either
 * direction. Black-outs are not its business: of a run of lost probes it is told of two.
 */
#ifndef RK_BROWNOUT_H
#define RK_BROWNOUT_H

#include <stdbool.h>
#include <stdint.h>

/* From which loss to which. */
enum brownout_test {
	BROWNOUT_05_3, /* 0.5 % -> 3 %: 236 samples on average until it is seen */
	BROWNOUT_1_5,  /* 1 % -> 5 %: 166 */
	BROWNOUT_1_10, /* 1 % -> 10 %: 47 */
	BROWNOUT_TESTS_COUNT
};

struct brownout {
	int64_t evidence_micro; /* for a change of `found`, in millionths of a natural logarithm */
	uint8_t run;		/* lost, in a row */
	bool found;
};

void brownout_take(struct brownout *b, enum brownout_test test, bool lost);
/* The loss that is still normal, and the one that is not. */
uint32_t brownout_normal_ppm(enum brownout_test test);
uint32_t brownout_bad_ppm(enum brownout_test test);
/* What one sample weighs: ln(p1 / p0) if lost, ln((1 - p1) / (1 - p0)), negative, if not. */
int64_t brownout_weight_micro(enum brownout_test test, bool lost);

#define BROWNOUT_FOUND_MICRO 6856462 /* ln((1 - beta) / alpha) */
#define BROWNOUT_GONE_MICRO  2994732 /* ln((1 - alpha) / beta) */

#endif
