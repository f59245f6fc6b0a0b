/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What VRRP keeps of one group: its configuration, its pair of virtual routers, what the agent has ordered,
 * and what was heard. Private to vip/.
 */
#ifndef RK_VRRP_GROUP_H
#define RK_VRRP_GROUP_H

#include "vrrp_announce.h"
#include "vrrp_router.h"

enum { VRRP_ROUTER4, VRRP_ROUTER6, VRRP_FAMILIES };

struct vrrp_group {
	bool used;
	struct vrrp_group_config config; /* without `addresses`: the routers have them */
	struct vrrp_router router[VRRP_FAMILIES];
	struct vrrp_speaker speaker; /* announce */
	/* native, what the agent has said */
	bool asked; /* vrrp_run() was called */
	bool able;
	uint8_t penalty;
	boot_t adopt;		 /* open_until of the first vrrp_run() */
	struct vrrp_status seen; /* heard_*, rogue_* and counters are kept here */
};

/* No sockets anywhere. */
void vrrp_groups_init(struct vrrp_group groups[RK_GROUPS_MAX]);
void vrrp_groups_close(struct vrrp_group groups[RK_GROUPS_MAX]);
/* Both families; the place of each is to be found. @retval -ENOENT no address. -EINVAL, -E2BIG as for a
 * router. */
int vrrp_group_configure(struct vrrp_group *g, const struct vrrp_group_config *config);
/* What goes on over a reload. */
void vrrp_group_keep(struct vrrp_group *g, const struct vrrp_group *old);
/* announce: a virtual router that was spoken for, and that `g` has no more, resigns. Closes the senders. */
void vrrp_group_leave(struct vrrp_group *old, const struct vrrp_group *g);
/* One advertisement of each router, as vrrp_router_send(). */
int vrrp_group_send(struct vrrp_group *g, uint8_t priority, bool virtual_mac);

#endif
