/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a node can find out by itself about the service network of a group: does a gateway answer, and does
 * anybody else speak for the group's addresses? It asks by ARP and neighbour solicitation, out of the group's
 * device, so many times a second and no more, and believes only what answers it. For two nodes that have no
 * third voter (two-node = best-effort); it decides nothing. Private to vip/.
 */
#ifndef RK_LAN_H
#define RK_LAN_H

#include "address.h"

struct lan_gateway {
	boot_t asked_at;  /* the first question since the latest answer; {0} = none is open */
	boot_t proven_at; /* when the latest question that was answered, at the earliest, left; {0} = never */
};

struct lan_group {
	bool used;
	struct vip_lan_config config;
	int fd; /* -EBADF: not open */
	int ifindex;
	struct ip_address v4, v6; /* the node's own, to ask from */
	unsigned rounds;
	bool asks; /* for the addresses */
	boot_t next;
	struct lan_gateway gateway[VIP_GATEWAYS_MAX];
	struct vip_lan_word word;
};

struct lan {
	int epoll; /* borrowed */
	const struct vip_links *links;
	struct address_table *addresses;
	struct lan_group group[RK_GROUPS_MAX];
};

void lan_init(struct lan *l, int epoll);
void lan_close(struct lan *l);
void lan_set(struct lan *l, const struct vip_lan_config *config, boot_t now);
void lan_ask(struct lan *l, group_index_t group, bool ask, boot_t now);
void lan_read(struct lan *l, boot_t now);
boot_t lan_next(const struct lan *l);
void lan_tick(struct lan *l, boot_t now);

#endif
