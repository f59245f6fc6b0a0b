/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where the virtual routers are: follows interfaces and the node's own addresses, and keeps each router's
 * device, virtual MAC interface, source address, sender and memberships, and the receivers of all devices, as
 * they should be. What it cannot do it tells, and tries again. Private to vip/.
 */
#ifndef RK_VRRP_PLACE_H
#define RK_VRRP_PLACE_H

#include "vip_links.h"
#include "vrrp_group.h"
#include "vrrp_own.h"

struct vrrp_places {
	const struct vrrp_ops *ops; /* borrowed: trouble */
	void *ctx;
	int epoll; /* borrowed */
	struct netlink events;
	struct netlink request;
	struct vip_links links;
	struct vrrp_own own;
	struct vrrp_receiver receiver[RK_GROUPS_MAX];
	boot_t next;
	bool ended; /* after the last sweep nothing is made again */
};

/* Subscribes, then lists what is there. */
int vrrp_places_open(struct vrrp_places *p);
void vrrp_places_close(struct vrrp_places *p);
/* Reads the events. Returns true if something has changed: vrrp_places_settle() is due. */
bool vrrp_places_read(struct vrrp_places *p, struct vrrp_group groups[RK_GROUPS_MAX]);
/* Everything as it should be. */
void vrrp_places_settle(struct vrrp_places *p, struct vrrp_group groups[RK_GROUPS_MAX], boot_t now);
/* When to settle again, without an event. */
boot_t vrrp_places_next(const struct vrrp_places *p);
/* Removes the interfaces of virtual MACs; `groups` whose ones stay, NULL = none: that is the end. */
int vrrp_places_sweep(struct vrrp_places *p, const struct vrrp_group *groups);

/* Did a frame come from ourselves? */
bool vrrp_places_sent(const struct vrrp_places *p, const struct mac_address *mac,
		      const struct ip_address *from);

#endif
