/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whose address the kernel names when it asks for a neighbour's MAC because of a packet from a virtual
 * address: without arp_announce it is the virtual one, which a shut gate stops, so that what a standby's PBX
 * has spoken to is not known when the address comes, and is asked for again only after a second. With
 * arp_announce 2 it is the node's own, and the gate lets it pass. Set on devices where all virtual IPv4
 * addresses are in a subnet of the node's own; elsewhere a router may not answer to the node's address.
 *
 * IPv6 has no such setting. Private to vip/.
 */
#ifndef RK_ARP_SOURCE_H
#define RK_ARP_SOURCE_H

#include "address.h"

#define ARP_SOURCE_DEVICES_MAX 64

struct arp_source {
	size_t count;
	struct arp_source_device {
		int ifindex;
		int32_t before;
	} device[ARP_SOURCE_DEVICES_MAX];
};

/* Sets it where addresses are, restores it where none is any more; what somebody has set meanwhile stays. */
int arp_source_update(struct arp_source *s, struct address_table *t);
int arp_source_restore(struct arp_source *s, struct address_table *t);

#endif
