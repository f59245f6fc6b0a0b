/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RTM_NEWLINK messages of macvlans: read as far as a virtual MAC needs it, and built. Each change is a
 * message of its own, since the kernel applies what one message says in an order of its own: brought up
 * together with its address generation mode, an interface has got its link-local address already. Private to
 * vip/.
 */
#ifndef RK_VMAC_WIRE_H
#define RK_VMAC_WIRE_H

#include "ip_address.h"
#include "netlink.h"

struct vmac_settings { /* IPv4, per interface; the kernel uses the larger of this and "all" */
	int32_t arp_ignore;
	int32_t arp_announce;
	int32_t rp_filter;
	int32_t forwarding;
};

struct vmac_seen {
	int ifindex;
	char name[IF_NAMESIZE];
	bool up;
	bool ethernet;
	struct mac_address mac;
	char kind[16];
	char alias[96];
	/* of a macvlan */
	uint32_t mode;	      /* MACVLAN_MODE_... */
	int base;	      /* ifindex of the interface below */
	bool base_elsewhere;  /* that is in another network namespace */
	bool has_ipv4;	      /* settings are there */
	bool has_ipv6;	      /* has_address_mode likewise */
	uint8_t address_mode; /* IN6_ADDR_GEN_MODE_... */
	bool forwards_ipv6;
	struct vmac_settings settings;
};

/* @retval -ENOENT not about an interface itself. @retval -EBADMSG malformed. */
int vmac_parse(const struct nlmsghdr *h, struct vmac_seen *ret);

int vmac_send_create(struct netlink *n, const char *name, int base, const struct mac_address *mac,
		     uint32_t mode);
int vmac_send_delete(struct netlink *n, int ifindex);
int vmac_send_alias(struct netlink *n, int ifindex, const char *alias);
int vmac_send_address_mode_none(struct netlink *n, int ifindex);
int vmac_send_up(struct netlink *n, int ifindex);
/* fe80::/64 on it; without an address of its own the kernel adds none. There already: fine. */
int vmac_send_link_local_route(struct netlink *n, int ifindex);
/* setting: IPV4_DEVCONF_... */
int vmac_send_setting(struct netlink *n, int ifindex, int setting, int32_t value);

#endif
