/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmac_wire.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

#define LINK_LOCAL_METRIC 256 /* as the kernel's own */

/* ---- reading ---- */

static void parse_macvlan(struct nlattr *info, struct vmac_seen *seen)
{
	struct nlattr *kind = nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND);
	struct nlattr *data = nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA);
	struct nlattr *mode = data ? nla_find(nla_data(data), nla_len(data), IFLA_MACVLAN_MODE) : NULL;

	if (kind)
		(void)nla_strlcpy(seen->kind, kind, sizeof seen->kind);
	if (mode && nla_len(mode) == sizeof seen->mode)
		seen->mode = nla_get_u32(mode);
}

static int32_t setting(struct nlattr *conf, int number)
{
	int32_t value = 0;
	size_t at = (size_t)(number - 1) * sizeof value;

	if (nla_len(conf) >= (int)(at + sizeof value))
		memcpy(&value, (const uint8_t *)nla_data(conf) + at, sizeof value);
	return value;
}

static void parse_ipv4(struct nlattr *af, struct vmac_seen *seen)
{
	struct nlattr *conf = nla_find(nla_data(af), nla_len(af), IFLA_INET_CONF);

	if (!conf)
		return;
	seen->has_ipv4 = true;
	seen->settings = (struct vmac_settings){
		.arp_ignore = setting(conf, IPV4_DEVCONF_ARP_IGNORE),
		.arp_announce = setting(conf, IPV4_DEVCONF_ARP_ANNOUNCE),
		.rp_filter = setting(conf, IPV4_DEVCONF_RP_FILTER),
		.forwarding = setting(conf, IPV4_DEVCONF_FORWARDING),
	};
}

static void parse_ipv6(struct nlattr *af, struct vmac_seen *seen)
{
	struct nlattr *mode = nla_find(nla_data(af), nla_len(af), IFLA_INET6_ADDR_GEN_MODE);
	struct nlattr *conf = nla_find(nla_data(af), nla_len(af), IFLA_INET6_CONF);

	if (conf)
		seen->forwards_ipv6 = setting(conf, DEVCONF_FORWARDING + 1); /* these count from 0 */
	if (!mode || nla_len(mode) != 1)
		return;
	seen->has_ipv6 = true;
	seen->address_mode = nla_get_u8(mode);
}

int vmac_parse(const struct nlmsghdr *h, struct vmac_seen *ret)
{
	const struct ifinfomsg *ifi = nlmsg_data(h);
	struct nlattr *tb[IFLA_MAX + 1], *af;
	struct vmac_seen seen;
	int left;

	if (h->nlmsg_type != RTM_NEWLINK)
		return -ENOENT;
	if (nlmsg_parse((struct nlmsghdr *)h, sizeof *ifi, tb, IFLA_MAX, NULL) < 0 || !tb[IFLA_IFNAME])
		return -EBADMSG;
	if (ifi->ifi_family != AF_UNSPEC)
		return -ENOENT;
	seen = (struct vmac_seen){ .ifindex = ifi->ifi_index, .up = ifi->ifi_flags & IFF_UP };
	(void)nla_strlcpy(seen.name, tb[IFLA_IFNAME], sizeof seen.name);
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == sizeof seen.mac) {
		memcpy(&seen.mac, nla_data(tb[IFLA_ADDRESS]), sizeof seen.mac);
		seen.ethernet = ifi->ifi_type == ARPHRD_ETHER;
	}
	if (tb[IFLA_IFALIAS])
		(void)nla_strlcpy(seen.alias, tb[IFLA_IFALIAS], sizeof seen.alias);
	if (tb[IFLA_LINK] && nla_len(tb[IFLA_LINK]) == sizeof(uint32_t))
		seen.base = (int)nla_get_u32(tb[IFLA_LINK]);
	seen.base_elsewhere = tb[IFLA_LINK_NETNSID];
	if (tb[IFLA_LINKINFO])
		parse_macvlan(tb[IFLA_LINKINFO], &seen);
	if (tb[IFLA_AF_SPEC]) {
		nla_for_each_nested(af, tb[IFLA_AF_SPEC], left)
		{
			if (nla_type(af) == AF_INET)
				parse_ipv4(af, &seen);
			else if (nla_type(af) == AF_INET6)
				parse_ipv6(af, &seen);
		}
	}
	*ret = seen;
	return 0;
}

/* ---- building ---- */

static struct nl_msg *link_message(int type, int flags, int ifindex, unsigned up)
{
	const struct ifinfomsg ifi = {
		.ifi_family = AF_UNSPEC, .ifi_index = ifindex, .ifi_flags = up, .ifi_change = up
	};

	return netlink_message(type, flags, &ifi, sizeof ifi);
}

static int link_send(struct netlink *n, struct nl_msg *msg, bool failed)
{
	if (failed) {
		nlmsg_free(msg); /* NULL is fine */
		msg = NULL;
	}
	return netlink_request(n, msg);
}

static bool put_macvlan(struct nl_msg *msg, uint32_t mode)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO), *data;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "macvlan") < 0)
		return false;
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data || nla_put_u32(msg, IFLA_MACVLAN_MODE, mode) < 0)
		return false;
	return nla_nest_end(msg, data) == 0 && nla_nest_end(msg, info) == 0;
}

int vmac_send_create(struct netlink *n, const char *name, int base, const struct mac_address *mac,
		     uint32_t mode)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0);

	return link_send(n, msg,
			 !msg || nla_put_string(msg, IFLA_IFNAME, name) < 0 ||
				 nla_put_u32(msg, IFLA_LINK, (uint32_t)base) < 0 ||
				 nla_put(msg, IFLA_ADDRESS, sizeof mac->bytes, mac->bytes) < 0 ||
				 !put_macvlan(msg, mode));
}

int vmac_send_delete(struct netlink *n, int ifindex)
{
	int r = netlink_request(n, link_message(RTM_DELLINK, 0, ifindex, 0));

	return r == -ENODEV ? 0 : r; /* not there is what was wanted */
}

int vmac_send_alias(struct netlink *n, int ifindex, const char *alias)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, 0, ifindex, 0);

	return link_send(n, msg, !msg || nla_put(msg, IFLA_IFALIAS, (int)strlen(alias), alias) < 0);
}

int vmac_send_address_mode_none(struct netlink *n, int ifindex)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, 0, ifindex, 0);
	struct nlattr *spec = msg ? nla_nest_start(msg, IFLA_AF_SPEC) : NULL;
	struct nlattr *af = spec ? nla_nest_start(msg, AF_INET6) : NULL;

	return link_send(n, msg,
			 !af || nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0 ||
				 nla_nest_end(msg, af) < 0 || nla_nest_end(msg, spec) < 0);
}

int vmac_send_up(struct netlink *n, int ifindex)
{
	return netlink_request(n, link_message(RTM_NEWLINK, 0, ifindex, IFF_UP));
}

int vmac_send_setting(struct netlink *n, int ifindex, int setting, int32_t value)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, 0, ifindex, 0);
	struct nlattr *spec = msg ? nla_nest_start(msg, IFLA_AF_SPEC) : NULL;
	struct nlattr *af = spec ? nla_nest_start(msg, AF_INET) : NULL;
	struct nlattr *conf = af ? nla_nest_start(msg, IFLA_INET_CONF) : NULL;

	return link_send(n, msg,
			 !conf || nla_put_u32(msg, setting, (uint32_t)value) < 0 ||
				 nla_nest_end(msg, conf) < 0 || nla_nest_end(msg, af) < 0 ||
				 nla_nest_end(msg, spec) < 0);
}

int vmac_send_link_local_route(struct netlink *n, int ifindex)
{
	static const uint8_t prefix[16] = { 0xfe, 0x80 };
	const struct rtmsg rt = { .rtm_family = AF_INET6,
				  .rtm_dst_len = 64,
				  .rtm_table = RT_TABLE_MAIN,
				  .rtm_protocol = RTPROT_KERNEL,
				  .rtm_scope = RT_SCOPE_UNIVERSE,
				  .rtm_type = RTN_UNICAST };
	/* Beside those of other interfaces, which have the same metric. */
	struct nl_msg *msg = netlink_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, &rt, sizeof rt);
	int r = link_send(n, msg,
			  !msg || nla_put(msg, RTA_DST, sizeof prefix, prefix) < 0 ||
				  nla_put_u32(msg, RTA_OIF, (uint32_t)ifindex) < 0 ||
				  nla_put_u32(msg, RTA_PRIORITY, LINK_LOCAL_METRIC) < 0);

	return r == -EEXIST ? 0 : r;
}
