/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "damping.h"

/* Whole half-lives are shifts; inside one the curve is taken as a straight line, at most 6 % above the true
 * one. */
static uint32_t damping_decay(uint32_t penalty, int64_t half_life_ns, int64_t age_ns)
{
	int64_t halves, rest_ns;

	if (age_ns <= 0)
		return penalty;
	halves = age_ns / half_life_ns;
	if (halves >= 32)
		return 0;
	penalty >>= halves;
	rest_ns = age_ns % half_life_ns;
	/* In thousandths, so that the product stays far below 2^63. */
	return penalty - (uint32_t)((int64_t)penalty * (rest_ns / (half_life_ns / 1000 + 1)) / 2000);
}

static uint32_t damping_now(const struct damping *d, const struct damping_policy *p, boot_t now)
{
	return damping_decay(d->penalty, p->half_life_ns, boot_diff_ns(d->at, now));
}

void damping_add(struct damping *d, const struct damping_policy *p, boot_t now)
{
	uint64_t sum;

	if (p->half_life_ns <= 0)
		return;
	sum = (uint64_t)damping_now(d, p, now) + p->penalty;
	d->penalty = sum > p->penalty_max ? p->penalty_max : (uint32_t)sum;
	d->at = now;
	(void)damping_value(d, p, now); /* for `suppressed` */
}

/* penalty and at are left as damping_add() wrote them: decaying in many small rounded steps would decay too
 * fast. */
uint32_t damping_value(struct damping *d, const struct damping_policy *p, boot_t now)
{
	uint32_t value;

	if (p->half_life_ns <= 0)
		return 0;
	value = damping_now(d, p, now);
	if (value >= p->suppress && p->suppress > 0)
		d->suppressed = true;
	else if (value < p->reuse)
		d->suppressed = false;
	return value;
}
