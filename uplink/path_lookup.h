/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asks the kernel which way a packet would take. A socket that is bound to a device for which no route leads
 * to its target sends all the same: the kernel takes the target to be on the link, and a router that answers
 * ARP for all the world then makes a dead uplink look alive. So nothing is sent unless this agrees.
 */
#ifndef RK_PATH_LOOKUP_H
#define RK_PATH_LOOKUP_H

#include "ip_address.h"
#include "netlink.h"

struct path_question {
	struct ip_address to, from; /* from: none = the kernel's choice */
	int ifindex;		    /* of the socket's device */
	uint32_t mark;
	uint32_t table;		   /* the uplink's */
	struct ip_address gateway; /* none: the device itself (PPP) */
};

/* Would it leave through the uplink: by its table and gateway, or straight to the gateway itself?
 * @retval -ENETUNREACH no, or nowhere. */
int path_lookup(struct netlink *n, const struct path_question *q);

#endif
