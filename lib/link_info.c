/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link_info.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

/* IFF_LOWER_UP clashes between <net/if.h> and <linux/if.h>, which cannot be included together. */
#define LINK_LOWER_UP (1 << 16)

static bool link_info_forwards(struct nlattr *af_spec)
{
	struct nlattr *af = nla_find(nla_data(af_spec), nla_len(af_spec), AF_INET6);
	struct nlattr *conf = af ? nla_find(nla_data(af), nla_len(af), IFLA_INET6_CONF) : NULL;
	int32_t value;

	if (!conf || nla_len(conf) < (int)((DEVCONF_FORWARDING + 1) * sizeof value))
		return false;
	memcpy(&value, (const uint8_t *)nla_data(conf) + DEVCONF_FORWARDING * sizeof value, sizeof value);
	return value != 0;
}

/* Other interfaces have a link, too (VLANs), but see other frames than the one below. */
static int link_info_base(struct nlattr *const *tb)
{
	struct nlattr *info = tb[IFLA_LINKINFO];
	struct nlattr *kind = info ? nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND) : NULL;

	if (!kind || nla_strcmp(kind, "macvlan") || tb[IFLA_LINK_NETNSID] || !tb[IFLA_LINK] ||
	    nla_len(tb[IFLA_LINK]) != sizeof(uint32_t))
		return 0;
	return (int)nla_get_u32(tb[IFLA_LINK]);
}

int link_info_parse(const struct nlmsghdr *h, struct link_info *ret)
{
	const struct ifinfomsg *ifi = nlmsg_data(h);
	struct nlattr *tb[IFLA_MAX + 1];
	struct link_info link;

	if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
		return -ENOENT;
	if (nlmsg_parse((struct nlmsghdr *)h, sizeof *ifi, tb, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	if (ifi->ifi_family != AF_UNSPEC)
		return -ENOENT;
	if (!tb[IFLA_IFNAME])
		return -EBADMSG;
	link = (struct link_info){ .ifindex = ifi->ifi_index, .type = ifi->ifi_type };
	(void)nla_strlcpy(link.name, tb[IFLA_IFNAME], sizeof link.name);
	link.loopback = ifi->ifi_flags & IFF_LOOPBACK;
	link.up = ifi->ifi_flags & IFF_UP;
	link.carrier = link.up && (ifi->ifi_flags & LINK_LOWER_UP);
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == sizeof link.mac) {
		memcpy(&link.mac, nla_data(tb[IFLA_ADDRESS]), sizeof link.mac);
		link.ethernet = link.type == ARPHRD_ETHER;
	}
	if (tb[IFLA_AF_SPEC])
		link.forwards = link_info_forwards(tb[IFLA_AF_SPEC]);
	link.base = link_info_base(tb);
	*ret = link;
	return 0;
}

int link_info_dump(struct netlink *n, netlink_handler *handler, void *ctx)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	int r = -EAGAIN;

	for (int i = 0; i < 5 && r == -EAGAIN; i++)
		r = netlink_dump(n, netlink_message(RTM_GETLINK, 0, &ifi, sizeof ifi), handler, ctx);
	return r;
}
