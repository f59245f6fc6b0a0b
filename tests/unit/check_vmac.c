/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"
#include "vmac.h"
#include "vmac_wire.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mac[6] = { 0, 0, 0x5e, 0, 1, 51 };

static const char *name(int family, uint8_t vrid, const char *device)
{
	static char text[IF_NAMESIZE];

	vmac_name(family, vrid, device, text);
	return text;
}

START_TEST(the_name_tells_family_vrid_and_device)
{
	char first[IF_NAMESIZE];

	ck_assert_str_eq(name(AF_INET, 51, "eth0"), "v4.51.eth0");
	ck_assert_str_eq(name(AF_INET6, 255, "enp130s0"), "v6.255.enp130s0");
	/* Too long to be shown: told apart by its hash, in 15 characters. */
	strcpy(first, name(AF_INET, 255, "enp130s0f0"));
	ck_assert_uint_eq(strlen(first), 15);
	ck_assert_int_eq(strncmp(first, "v4.255.", 7), 0);
	ck_assert_str_ne(name(AF_INET, 255, "enp130s0f1"), first);
	ck_assert_str_eq(name(AF_INET, 255, "enp130s0f0"), first);
}
END_TEST

static struct nl_msg *link_message(int type, uint8_t family)
{
	const struct ifinfomsg ifi = {
		.ifi_family = family, .ifi_type = ARPHRD_ETHER, .ifi_index = 9, .ifi_flags = IFF_UP
	};

	return netlink_message(type, 0, &ifi, sizeof ifi);
}

static struct nl_msg *macvlan_message(void)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, AF_UNSPEC);
	struct nlattr *info, *data;

	nla_put_string(msg, IFLA_IFNAME, "v4.51.eth0");
	nla_put(msg, IFLA_ADDRESS, sizeof mac, mac);
	nla_put_string(msg, IFLA_IFALIAS, VMAC_ALIAS);
	nla_put_u32(msg, IFLA_LINK, 2);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "macvlan");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	nla_put_u32(msg, IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return msg;
}

/* The first `count` of the kernel's settings, each with its number as value. */
static void put_settings(struct nl_msg *msg, int count)
{
	struct nlattr *spec = nla_nest_start(msg, IFLA_AF_SPEC), *af = nla_nest_start(msg, AF_INET);
	int32_t value[64];

	for (int i = 0; i < count; i++)
		value[i] = i + 1;
	nla_put(msg, IFLA_INET_CONF, count * (int)sizeof value[0], value);
	nla_nest_end(msg, af);
	af = nla_nest_start(msg, AF_INET6);
	nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nla_nest_end(msg, af);
	nla_nest_end(msg, spec);
}

static int parse(struct nl_msg *msg, struct vmac_seen *seen)
{
	int r = vmac_parse(nlmsg_hdr(msg), seen);

	nlmsg_free(msg);
	return r;
}

START_TEST(a_macvlan_is_read)
{
	struct nl_msg *msg = macvlan_message();
	struct vmac_seen seen;

	put_settings(msg, 33);
	ck_assert_int_eq(parse(msg, &seen), 0);
	ck_assert_int_eq(seen.ifindex, 9);
	ck_assert_str_eq(seen.name, "v4.51.eth0");
	ck_assert_str_eq(seen.kind, "macvlan");
	ck_assert_str_eq(seen.alias, VMAC_ALIAS);
	ck_assert(seen.up && seen.ethernet && !memcmp(seen.mac.bytes, mac, sizeof mac));
	ck_assert_uint_eq(seen.mode, MACVLAN_MODE_PRIVATE);
	ck_assert(seen.base == 2 && !seen.base_elsewhere);
	ck_assert(seen.has_ipv4 && seen.has_ipv6);
	ck_assert_int_eq(seen.settings.arp_ignore, IPV4_DEVCONF_ARP_IGNORE);
	ck_assert_int_eq(seen.settings.arp_announce, IPV4_DEVCONF_ARP_ANNOUNCE);
	ck_assert_int_eq(seen.settings.rp_filter, IPV4_DEVCONF_RP_FILTER);
	ck_assert_int_eq(seen.address_mode, IN6_ADDR_GEN_MODE_NONE);
}
END_TEST

START_TEST(what_is_missing_or_short_reads_as_nothing)
{
	struct nl_msg *msg = macvlan_message();
	struct vmac_seen seen;

	put_settings(msg, IPV4_DEVCONF_ARP_ANNOUNCE);
	nla_put_u32(msg, IFLA_LINK_NETNSID, 1);
	ck_assert_int_eq(parse(msg, &seen), 0);
	ck_assert_int_eq(seen.settings.arp_announce, IPV4_DEVCONF_ARP_ANNOUNCE);
	ck_assert_int_eq(seen.settings.arp_ignore, 0); /* an older kernel has fewer */
	ck_assert(seen.base_elsewhere);
	msg = link_message(RTM_NEWLINK, AF_UNSPEC);
	nla_put_string(msg, IFLA_IFNAME, "tun0");
	nla_put_u8(msg, IFLA_LINK, 1);
	ck_assert_int_eq(parse(msg, &seen), 0);
	ck_assert(!seen.ethernet && !seen.kind[0] && !seen.alias[0] && !seen.base && !seen.has_ipv4);
}
END_TEST

START_TEST(other_messages_are_refused)
{
	struct nl_msg *port = link_message(RTM_NEWLINK, AF_BRIDGE);
	struct vmac_seen seen;

	nla_put_string(port, IFLA_IFNAME, "eth0");
	ck_assert_int_eq(parse(port, &seen), -ENOENT);
	ck_assert_int_eq(parse(link_message(RTM_DELLINK, AF_UNSPEC), &seen), -ENOENT);
	ck_assert_int_eq(parse(link_message(RTM_NEWLINK, AF_UNSPEC), &seen), -EBADMSG);
}
END_TEST

UNIT_MAIN("vmac", the_name_tells_family_vrid_and_device, a_macvlan_is_read,
	  what_is_missing_or_short_reads_as_nothing, other_messages_are_refused)
