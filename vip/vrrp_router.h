/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A virtual router: VRID and address family on one device, what it says and to whom. Sends; decides nothing.
 * Private to vip/.
 */
#ifndef RK_VRRP_ROUTER_H
#define RK_VRRP_ROUTER_H

#include "vrrp.h"
#include "vrrp_socket.h"

#define VRRP_ROUTER_BYTES_MAX (16 * VRRP_ADDRESSES6_MAX) /* 90 IPv6 addresses are more than 255 IPv4 ones */

/* Where it is, as vrrp_place.h keeps it. */
struct vrrp_place {
	int ifindex;	 /* base device; 0 = not there */
	int mac_ifindex; /* of the virtual MAC; 0 = none */
	bool carrier;
	struct ip_address from; /* family 0: none */
	boot_t sourceless;	/* since when, with a carrier, there has been none; {0}: there is */
	bool check_mac;		/* the virtual MAC's interface is to be looked at */
	const char *trouble;	/* what was told */
	int trouble_error;
};

struct vrrp_router {
	int family; /* 0: the group has no address of it */
	uint8_t vrid;
	uint8_t version;
	uint8_t dscp;
	bool checksum_rfc9568;
	int64_t advert_ns;
	enum vrrp_mac_mode mac;
	char mac_device[IF_NAMESIZE];
	uint8_t count;
	uint8_t addresses[VRRP_ROUTER_BYTES_MAX];
	uint32_t digest; /* of the addresses, in any order */
	size_t peers_count;
	struct ip_address peers[VRRP_PEERS_MAX]; /* of this family */
	struct vrrp_place place;
	struct vrrp_sender sender;
};

/* @retval -ENOENT no address of the family. @retval -E2BIG too many. -EINVAL: out of the protocol's range. */
int vrrp_router_configure(struct vrrp_router *r, int family, const struct vrrp_group_config *g);
/* Do they stand for the same virtual router on the LAN? */
bool vrrp_router_same(const struct vrrp_router *a, const char *device_a, const struct vrrp_router *b,
		      const char *device_b);
/* Can it send? */
bool vrrp_router_ready(const struct vrrp_router *r);
/* One advertisement, unicast to each peer but ourselves. virtual_mac: from the interface that has it, if
 * there is one; the gate lets it pass only while it is open. Goes on after an error, and returns the first.
 */
int vrrp_router_send(const struct vrrp_router *r, uint8_t priority, bool virtual_mac,
		     struct vrrp_counters *counters);

bool vrrp_router_is_peer(const struct vrrp_router *r, const struct ip_address *ip);
bool vrrp_router_has_address(const struct vrrp_router *r, const struct ip_address *ip);
/* Of an advertisement's addresses, to compare with `digest`. */
uint32_t vrrp_router_digest(int family, const uint8_t *addresses, size_t count);

#endif
