/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The node's own addresses, as the events tell: which of them an advertisement comes from, and whether one
 * that was heard is ours. What is tagged as a virtual address is never among them. Private to vip/.
 */
#ifndef RK_VRRP_OWN_H
#define RK_VRRP_OWN_H

#include "ip_address.h"

struct nlmsghdr;

#define VRRP_OWN_MAX 512

struct vrrp_own_address {
	struct ip_address ip;
	int ifindex;
	bool usable; /* not tentative, not a duplicate */
};

struct vrrp_own {
	size_t count;
	struct vrrp_own_address address[VRRP_OWN_MAX]; /* in the order of their coming */
};

/* RTM_NEWADDR, RTM_DELADDR. Returns true if something has changed. */
bool vrrp_own_event(struct vrrp_own *o, const struct nlmsghdr *h);
bool vrrp_own_set(struct vrrp_own *o, const struct vrrp_own_address *a);
bool vrrp_own_remove(struct vrrp_own *o, int ifindex, const struct ip_address *ip);
/* All of a device that is gone. */
void vrrp_own_remove_device(struct vrrp_own *o, int ifindex);

bool vrrp_own_has(const struct vrrp_own *o, const struct ip_address *ip);
/* Usable, and on that device. */
bool vrrp_own_has_on(const struct vrrp_own *o, int ifindex, const struct ip_address *ip);
/* The first on the device: IPv4, or IPv6 of link scope; except those that `skip` says no to. Family 0: none.
 */
struct ip_address vrrp_own_first(const struct vrrp_own *o, int ifindex, int family,
				 bool (*skip)(const void *ctx, const struct ip_address *ip), const void *ctx);
bool vrrp_own_link_local(const struct ip_address *ip);

#endif
