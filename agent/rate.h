/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How often something happens: per second over the last ten, the busiest second, and in all, since a point in
 * time. Pure; fixed size.
 */
#ifndef RK_RATE_H
#define RK_RATE_H

#include "clock.h"

#define RATE_SECONDS 10

struct rate {
	boot_t since;
	int64_t second; /* number of the latest one that is counted, from `since` */
	uint32_t count[RATE_SECONDS];
	uint32_t peak; /* most in one second */
	uint64_t total;
};

void rate_reset(struct rate *r, boot_t now);
void rate_count(struct rate *r, boot_t now);
/* Per second, over the last RATE_SECONDS or since the reset, whichever is shorter; at least one second. */
double rate_per_s(struct rate *r, boot_t now);

#endif
