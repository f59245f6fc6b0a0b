/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Mode `native`: feeds the state machines of vrrp_fsm.h and carries out what they plan. A unit is what has
 * one fate: the virtual routers of one group, or of all groups with the same sync number. Private to vip/.
 *
 * A sync group whose groups are configured differently takes of each setting what is careful: the lowest
 * priority, the shortest interval, preemption only if all want it, after the longest delay. Of what tracking
 * takes from the priority the largest counts, not the sum: groups of one fate often track the same thing, and
 * it must not weigh more because it is seen twice.
 */
#ifndef RK_VRRP_NATIVE_H
#define RK_VRRP_NATIVE_H

#include "vrrp_group.h"

/* What a unit consists of; a reload that leaves it as it is leaves the state machine alone. */
struct vrrp_unit_key {
	group_index_t group;
	uint8_t vrid;
	uint8_t version;
	uint8_t family;
	char device[IF_NAMESIZE];
};

struct vrrp_unit {
	uint8_t count; /* of members; 0 = unused */
	struct vrrp_unit_key key[VRRP_MEMBERS_MAX];
	struct vrrp_fsm fsm;
	boot_t open_until; /* what the gate was told */
	enum vrrp_state told;
	enum vrrp_cause cause; /* of what is to be told next */
};

struct vrrp_native {
	const struct vrrp_ops *ops; /* borrowed */
	void *ctx;
	struct vrrp_group *groups; /* borrowed: RK_GROUPS_MAX */
	struct vrrp_unit unit[RK_GROUPS_MAX];
};

/* A reload, before `next` takes the place of the groups: units that end resign, or hand their open gates to
 * the units that their groups are in now. */
void vrrp_native_replace(struct vrrp_native *n, const struct vrrp_group *next, boot_t now);
/* After places, orders or penalties have changed: starts and stops, tells addresses and priorities. */
void vrrp_native_settle(struct vrrp_native *n, boot_t now);
/* A good advertisement of somebody else for that router. */
void vrrp_native_heard(struct vrrp_native *n, const struct vrrp_group *g, const struct vrrp_router *r,
		       const struct vrrp_advert *a, boot_t now);
boot_t vrrp_native_next(const struct vrrp_native *n);
void vrrp_native_tick(struct vrrp_native *n, boot_t now);
/* @retval -EAGAIN not Active. */
int vrrp_native_yield(struct vrrp_native *n, group_index_t group, boot_t now);
/* NULL: none. ret_member: the first of the group. */
const struct vrrp_unit *vrrp_native_unit(const struct vrrp_native *n, group_index_t group,
					 uint8_t *ret_member);

#endif
