/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RTM_NEWADDR and RTM_DELADDR messages of virtual addresses. libnl 3.7 knows no IFA_PROTO, so they are built
 * and read here. Private to vip/.
 */
#ifndef RK_ADDRESS_WIRE_H
#define RK_ADDRESS_WIRE_H

#include "ip_address.h"
#include "netlink.h"

struct address_seen {
	struct ip_address ip;
	int ifindex;
	uint8_t prefix_length;
	uint8_t tag;	/* IFA_PROTO; 0 = none */
	uint32_t flags; /* IFA_F_... */
};

/* @retval -ENOENT neither IPv4 nor IPv6. @retval -EBADMSG malformed. */
int address_parse(const struct nlmsghdr *h, struct address_seen *ret);
/* Asks for all addresses; handler gets RTM_NEWADDR. */
int address_dump(struct netlink *n, netlink_handler *handler, void *ctx);
int address_add(struct netlink *n, const struct ip_address *ip, int ifindex, const char *device, uint8_t tag);
/* Only with this very prefix length: never an address of somebody else that contains it. */
int address_delete(struct netlink *n, const struct ip_address *ip, int ifindex);

#endif
