/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Flap damping with a half-life, as BGP route-flap damping does it (RFC 2439): every failure adds a penalty
 * that decays; above `suppress` a node is not chosen until it is below `reuse`. Integers only.
 */
#ifndef RK_DAMPING_H
#define RK_DAMPING_H

#include "clock.h"

struct damping_policy {
	uint32_t penalty;     /* added per failure, e.g. 1000 */
	uint32_t suppress;    /* e.g. 3000 */
	uint32_t reuse;	      /* e.g. 1000 */
	uint32_t penalty_max; /* e.g. 6000 */
	int64_t half_life_ns;
};

struct damping {
	uint32_t penalty;
	boot_t at;
	bool suppressed;
};

void damping_add(struct damping *d, const struct damping_policy *p, boot_t now);
/* The decayed penalty now; updates suppressed. A half_life_ns of 0 damps nothing. */
uint32_t damping_value(struct damping *d, const struct damping_policy *p, boot_t now);

#endif
