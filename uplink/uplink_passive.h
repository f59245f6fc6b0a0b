/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Quality as live calls have it: what the carrier's side reports by RTCP about the speech that it got. Fifty
 * packets a second see a brown-out ten times sooner than probes do. Only legs towards a carrier over this
 * uplink belong here: what a telephone reports is about the LAN.
 *
 * A verdict of its own, never mixed with that of the probes: codec, packet size and path differ.
 */
#ifndef RK_UPLINK_PASSIVE_H
#define RK_UPLINK_PASSIVE_H

#include "emodel.h"
#include "uplink_grade.h"

struct uplink_passive_policy {
	int64_t span_ns;      /* a verdict rests on the last one to two of these */
	uint32_t packets_min; /* and on that many packets: ten seconds of one call */
	int64_t hold_ns; /* a bad verdict stands for so long without a report: when the calls have left an
			  * uplink nobody reports about it any more, and it is not good again by that */
};

/* Since the report before it of the same leg. */
struct uplink_report {
	uint32_t packets; /* expected by the receiver */
	uint32_t lost;
	uint32_t rtt_us;
	uint32_t jitter_us;
};

struct uplink_passive_sum {
	uint64_t packets, lost;
	uint64_t rtt_us, jitter_us; /* times packets */
};

struct uplink_passive {
	struct uplink_passive_sum sum[2]; /* [0] is being filled */
	boot_t filled_from;
	enum uplink_grade grade; /* UNKNOWN: no verdict */
	uint32_t mos_milli;
	boot_t reported_at;
};

void uplink_passive_init(struct uplink_passive *p);
/* Reports that say nothing (no packets, more lost than sent) are left out; false then. */
bool uplink_passive_take(struct uplink_passive *p, const struct uplink_passive_policy *policy,
			 enum emodel_codec codec, const struct uplink_borders *borders,
			 const struct uplink_report *r, boot_t now);
/* Forgets a verdict whose time is over. */
void uplink_passive_tick(struct uplink_passive *p, const struct uplink_passive_policy *policy, boot_t now);

#endif
