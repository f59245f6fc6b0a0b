/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What this kernel and its settings make of several uplinks: findings for a person, each with a name. Only
 * looks: the settings belong to the administrator.
 */
#ifndef RK_PATH_CHECK_H
#define RK_PATH_CHECK_H

#include "path_plan.h"
#include "sentence.h"

enum path_finding_kind {
	PATH_FINDING_RP_FILTER,	     /* strict on the device of an uplink */
	PATH_FINDING_SRC_VALID_MARK, /* strict, and it does not look at marks */
	PATH_FINDING_LINKDOWN,	     /* routes over a device without carrier are used */
	PATH_FINDING_DESTROY,	     /* no SOCK_DESTROY */
	PATH_FINDING_NEXTHOP,	     /* no nexthop objects */
	PATH_FINDINGS_COUNT
};

struct path_finding {
	enum path_finding_kind kind;
	char device[IF_NAMESIZE]; /* "" if of the whole node */
	struct sentence text;	  /* what is so and what to do */
};

#define PATH_FINDINGS_MAX (3 * PATH_UPLINKS_MAX + 2)

const char *path_finding_name(enum path_finding_kind kind);
/* Returns how many. */
size_t path_check(const struct path_config *c, struct path_finding ret[PATH_FINDINGS_MAX]);
/* Packets that the reverse path filter has dropped since boot, in this network namespace
 * (IPReversePathFilter).
 */
int path_check_rp_dropped(uint64_t *ret);

#endif
