/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_grade.h"

enum uplink_grade uplink_grade_of(const struct uplink_borders *b, uint32_t mos_milli,
				  enum uplink_grade before)
{
	uint32_t good = b->good_mos_milli, degraded = b->degraded_mos_milli;

	if (before == UPLINK_GRADE_GOOD || before == UPLINK_GRADE_UNKNOWN)
		good -= b->hysteresis_mos_milli;
	if (before != UPLINK_GRADE_BAD && before != UPLINK_GRADE_NONE)
		degraded -= b->hysteresis_mos_milli;
	if (mos_milli >= good)
		return UPLINK_GRADE_GOOD;
	return mos_milli >= degraded ? UPLINK_GRADE_DEGRADED : UPLINK_GRADE_BAD;
}

enum uplink_class uplink_grade_class(enum uplink_grade g)
{
	static const enum uplink_class classes[UPLINK_GRADES_COUNT] = {
		[UPLINK_GRADE_NONE] = UPLINK_BAD,  [UPLINK_GRADE_UNKNOWN] = UPLINK_UNKNOWN,
		[UPLINK_GRADE_BAD] = UPLINK_BAD,   [UPLINK_GRADE_DEGRADED] = UPLINK_DEGRADED,
		[UPLINK_GRADE_GOOD] = UPLINK_GOOD,
	};

	return (unsigned)g < UPLINK_GRADES_COUNT ? classes[g] : UPLINK_UNKNOWN;
}

const char *uplink_grade_name(enum uplink_grade g)
{
	static const char *const names[UPLINK_GRADES_COUNT] = {
		[UPLINK_GRADE_NONE] = "none", [UPLINK_GRADE_UNKNOWN] = "unknown",
		[UPLINK_GRADE_BAD] = "bad",   [UPLINK_GRADE_DEGRADED] = "degraded",
		[UPLINK_GRADE_GOOD] = "good",
	};

	return (unsigned)g < UPLINK_GRADES_COUNT ? names[g] : "unknown";
}
