/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How good an uplink is, from worst to best, so that grades compare as numbers. It is the class of
 * placement.h with one more place at the bottom: NONE, nothing can leave there at all. Other nodes are told
 * the class only.
 */
#ifndef RK_UPLINK_GRADE_H
#define RK_UPLINK_GRADE_H

#include "placement.h"

enum uplink_grade {
	UPLINK_GRADE_NONE,    /* no carrier, route, address or gateway */
	UPLINK_GRADE_UNKNOWN, /* not enough probes yet */
	UPLINK_GRADE_BAD,     /* no answers, or no speech */
	UPLINK_GRADE_DEGRADED,
	UPLINK_GRADE_GOOD,
	UPLINK_GRADES_COUNT
};

/* Fit for calls: an uplink is never switched to below this. */
static inline bool uplink_grade_usable(enum uplink_grade g)
{
	return g > UPLINK_GRADE_BAD;
}

/* Borders of MOS in thousandths, each for going up; it goes down `hysteresis` lower. */
struct uplink_borders {
	uint32_t good_mos_milli;     /* 3900 */
	uint32_t degraded_mos_milli; /* 3300 */
	uint32_t hysteresis_mos_milli;
};

/* before: UNKNOWN if this is the first verdict; the lower borders count then, so that an uplink is not worse
 * for having been forgotten. */
enum uplink_grade uplink_grade_of(const struct uplink_borders *b, uint32_t mos_milli,
				  enum uplink_grade before);
enum uplink_class uplink_grade_class(enum uplink_grade g);
const char *uplink_grade_name(enum uplink_grade g);

#endif
