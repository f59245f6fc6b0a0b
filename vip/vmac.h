/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The virtual MAC of a virtual router (RFC 9568 section 7.3): one macvlan per address family and VRID on the
 * base interface. It is up on every node, also on standbys; what keeps a standby from using the MAC is the
 * gate (fencing/gate.h), which must know it before the interface is made. Decides nothing, keeps no state:
 * what is there is asked from the kernel each time, so that all of this may be repeated after a crash.
 *
 * The interface never gets an address of its own (RFC 9568 section 7.4: no interface identifier out of a
 * virtual MAC), and answers ARP only for what is on it. While a virtual MAC for IPv4 is on it, the base
 * interface neither answers ARP for what is on others nor asks with their addresses; what it did before is
 * kept in the macvlan's alias, for the day on which the last one goes.
 *
 * An interface is ours if its alias begins with VMAC_ALIAS; no other is ever changed or removed.
 *
 * vrrp_address_device() of vrrp.h is vmac_name(), or the base interface where `mac` is VRRP_MAC_NONE.
 */
#ifndef RK_VMAC_H
#define RK_VMAC_H

#include "ip_address.h"
#include "netlink.h"
#include "sentence.h"
#include "vrrp.h"

#define VMAC_ALIAS "ringkeep virtual MAC"
#define VMACS_MAX  (2 * RK_GROUPS_MAX)

struct vmac {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t vrid;
	enum vrrp_mac_mode mode;  /* VRRP_MAC_BRIDGE, VRRP_MAC_PRIVATE */
	char device[IF_NAMESIZE]; /* the base interface */
};

/* "v4.51.eth0"; a device of more than 8 characters is told by its hash: "v4.51.89abcdef". */
void vmac_name(int family, uint8_t vrid, const char *device, char ret[IF_NAMESIZE]);

/* Makes the interface, or mends it where it is not as it should be (parent, mode, MAC: made anew; settings,
 * up: set again). Costs one dump of the interfaces if all is well. Call it at start, when a link event tells
 * of the base interface or of this one, and now and then (settings are changed without notification).
 * `request`: a socket of netlink_open(NETLINK_ROUTE) without groups.
 * @retval -ENODEV     the base interface is not there.
 * @retval -EEXIST     something that is not ours has the name.
 * @retval -EADDRINUSE another interface on the base has the MAC: another VRRP program with this VRID.
 * @retval -EOPNOTSUPP the base interface cannot carry a macvlan, or the kernel has none.
 * @retval -EBUSY      the base interface is a port of a bridge or bond: put it on that one. */
int vmac_ensure(struct netlink *request, const struct vmac *want, int *ret_ifindex, struct sentence *reterr);
/* Removes each interface of ours that is none of `keep`: at start, at a reload after the addresses have
 * moved, and with count 0 at the end. Restores a base interface when its last one goes.
 * Call it while the gate still knows the MACs. Goes on after an error, and returns the first. */
int vmac_sweep(struct netlink *request, const struct vmac *keep, size_t count);

#endif
