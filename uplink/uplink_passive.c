/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_passive.h"

#include <string.h>

#define PPM	    1000000
#define SPANS_STALE 3 /* a good verdict is none after so many without a report */

void uplink_passive_init(struct uplink_passive *p)
{
	memset(p, 0, sizeof *p);
	p->grade = UPLINK_GRADE_UNKNOWN;
}

static void passive_judge(struct uplink_passive *p, enum emodel_codec codec, const struct uplink_borders *b)
{
	const struct uplink_passive_sum *s = p->sum;
	uint64_t packets = s[0].packets + s[1].packets;
	const struct emodel_path path = {
		.rtt_us = (uint32_t)((s[0].rtt_us + s[1].rtt_us) / packets),
		.jitter_us = (uint32_t)((s[0].jitter_us + s[1].jitter_us) / packets),
		.loss_ppm = (uint32_t)((s[0].lost + s[1].lost) * PPM / packets),
	};

	p->mos_milli = emodel_score_mos_milli(codec, &path);
	p->grade = uplink_grade_of(b, p->mos_milli, p->grade);
}

static void passive_turn(struct uplink_passive *p, const struct uplink_passive_policy *policy, boot_t now)
{
	int64_t age_ns = boot_diff_ns(p->filled_from, now);

	if (age_ns < policy->span_ns)
		return;
	p->sum[1] = p->sum[0];
	if (age_ns >= 2 * policy->span_ns)
		memset(&p->sum[1], 0, sizeof p->sum[1]);
	memset(&p->sum[0], 0, sizeof p->sum[0]);
	p->filled_from = now;
}

bool uplink_passive_take(struct uplink_passive *p, const struct uplink_passive_policy *policy,
			 enum emodel_codec codec, const struct uplink_borders *borders,
			 const struct uplink_report *r, boot_t now)
{
	struct uplink_passive_sum *s = &p->sum[0];

	if (r->packets == 0 || r->lost > r->packets)
		return false;
	uplink_passive_tick(p, policy, now);
	passive_turn(p, policy, now);
	s->packets += r->packets;
	s->lost += r->lost;
	s->rtt_us += (uint64_t)r->rtt_us * r->packets;
	s->jitter_us += (uint64_t)r->jitter_us * r->packets;
	p->reported_at = now;
	if (s->packets + p->sum[1].packets >= policy->packets_min)
		passive_judge(p, codec, borders);
	return true;
}

void uplink_passive_tick(struct uplink_passive *p, const struct uplink_passive_policy *policy, boot_t now)
{
	int64_t stands_ns = p->grade == UPLINK_GRADE_GOOD ? SPANS_STALE * policy->span_ns : policy->hold_ns;

	if (p->grade != UPLINK_GRADE_UNKNOWN && boot_diff_ns(p->reported_at, now) >= stands_ns)
		uplink_passive_init(p);
}
