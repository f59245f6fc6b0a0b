/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a network interface is, out of RTM_NEWLINK and RTM_DELLINK messages.
 */
#ifndef RK_LINK_INFO_H
#define RK_LINK_INFO_H

#include "ip_address.h"
#include "netlink.h"

struct link_info {
	int ifindex;
	char name[IF_NAMESIZE];
	uint16_t type; /* ARPHRD_... */
	bool loopback;
	bool up;       /* IFF_UP */
	bool carrier;  /* up and IFF_LOWER_UP */
	bool ethernet; /* with a MAC of 6 bytes */
	bool forwards; /* IPv6 forwarding: the router flag of its neighbour advertisements */
	struct mac_address mac;
	int base; /* of a macvlan: the interface below it, if that is in this namespace; 0: none */
};

/* @retval -ENOENT not about an interface itself (a bridge's view of a port, for example).
 * @retval -EBADMSG malformed. */
int link_info_parse(const struct nlmsghdr *h, struct link_info *ret);
/* Asks for all interfaces; handler gets RTM_NEWLINK messages. */
int link_info_dump(struct netlink *n, netlink_handler *handler, void *ctx);

#endif
