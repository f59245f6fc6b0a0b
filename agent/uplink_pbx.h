/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The PBXs are told by which uplink voice leaves and what the world sees of them there: at a switch, when an
 * adapter is ready, and when the public address changes.
 */
#ifndef RK_UPLINK_PBX_H
#define RK_UPLINK_PBX_H

#include "agent.h"
#include "path_plan.h"

/* Public addresses are compared with what was told no more often: one that changes all the time would have
 * trunks register all the time. */
#define UPLINK_PBX_LOOK_NS (10 * NS_PER_S)

struct uplink_pbx {
	uint64_t request[RK_GROUPS_MAX]; /* in flight, 0: none */
	bool failed[RK_GROUPS_MAX];	 /* the latest */
	bool told;
	struct ip_address public[PATH_FAMILIES]; /* as told */
	boot_t look_at;
};

/* Everybody. from: the uplink on which live calls stay, -1: none do. */
void uplink_pbx_tell(struct uplinks *u, int from);
void uplink_pbx_reinvite(struct uplinks *u);
/* Those of held groups have answered, or cannot be told. */
bool uplink_pbx_ended(const struct uplinks *u);
bool uplink_pbx_failed(const struct uplinks *u);
/* Has the public address changed? */
void uplink_pbx_tick(struct uplinks *u);
boot_t uplink_pbx_next(const struct uplinks *u);

#endif
