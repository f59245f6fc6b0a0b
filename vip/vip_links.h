/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The interfaces of this node, as the events tell: what addresses, announcements and watchers share. Private
 * to vip/.
 */
#ifndef RK_VIP_LINKS_H
#define RK_VIP_LINKS_H

#include "link_info.h"

#define VIP_LINKS_MAX 1024

struct vip_links {
	size_t count;
	struct link_info link[VIP_LINKS_MAX];
};

const struct link_info *vip_links_find(const struct vip_links *l, int ifindex);
const struct link_info *vip_links_named(const struct vip_links *l, const char *name);
/* Does an interface of this node have that MAC? */
bool vip_links_own(const struct vip_links *l, const struct mac_address *mac);
/* Adds or replaces. Returns false if there is no room. */
bool vip_links_set(struct vip_links *l, const struct link_info *info);
void vip_links_remove(struct vip_links *l, int ifindex);

#endif
