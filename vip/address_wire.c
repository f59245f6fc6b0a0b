/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address_wire.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LIFETIME_FOREVER 0xffffffffu

int address_parse(const struct nlmsghdr *h, struct address_seen *ret)
{
	const struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *tb[IFA_MAX + 1], *ip;
	struct address_seen seen;

	if (nlmsg_parse((struct nlmsghdr *)h, sizeof *ifa, tb, IFA_MAX, NULL) < 0)
		return -EBADMSG;
	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return -ENOENT;
	ip = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]; /* they differ on point-to-point devices */
	if (!ip || nla_len(ip) != (ifa->ifa_family == AF_INET ? 4 : 16))
		return -EBADMSG;
	seen = (struct address_seen){ .ip = ip_make(ifa->ifa_family, nla_data(ip)),
				      .ifindex = (int)ifa->ifa_index,
				      .prefix_length = ifa->ifa_prefixlen,
				      .flags = ifa->ifa_flags };
	if (tb[IFA_PROTO] && nla_len(tb[IFA_PROTO]) == 1)
		seen.tag = nla_get_u8(tb[IFA_PROTO]);
	if (tb[IFA_FLAGS] && nla_len(tb[IFA_FLAGS]) == sizeof(uint32_t))
		seen.flags = nla_get_u32(tb[IFA_FLAGS]);
	*ret = seen;
	return 0;
}

int address_dump(struct netlink *n, netlink_handler *handler, void *ctx)
{
	const struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	int r = -EAGAIN;

	for (int i = 0; i < 5 && r == -EAGAIN; i++)
		r = netlink_dump(n, netlink_message(RTM_GETADDR, 0, &ifa, sizeof ifa), handler, ctx);
	return r;
}

static struct ifaddrmsg address_header(const struct ip_address *ip, int ifindex)
{
	return (struct ifaddrmsg){
		.ifa_family = ip->family,
		.ifa_prefixlen = (uint8_t)(ip_length(ip) * 8),
		/* `host`: of a narrower scope than any route to elsewhere, so source selection skips it, also
		 * where it is the only address of the device. The kernel works out IPv6 scopes by itself. */
		.ifa_scope = ip->family == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
		.ifa_index = (unsigned)ifindex,
	};
}

static struct nl_msg *address_message(int type, int flags, const struct ip_address *ip, int ifindex)
{
	const struct ifaddrmsg ifa = address_header(ip, ifindex);
	struct nl_msg *msg = netlink_message(type, flags, &ifa, sizeof ifa);

	if (msg && (nla_put(msg, IFA_LOCAL, (int)ip_length(ip), ip->bytes) < 0 ||
		    nla_put(msg, IFA_ADDRESS, (int)ip_length(ip), ip->bytes) < 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/* "eth0:rk" where it fits: an administrator sees whose address it is, and what asks for *the* address of eth0
 * (SIOCGIFADDR takes the first with that label) gets the node's own. */
static int address_put_label(struct nl_msg *msg, const struct ip_address *ip, const char *device)
{
	char label[IF_NAMESIZE + 3];

	(void)snprintf(label, sizeof label, "%s:rk", device);
	if (ip->family != AF_INET || strlen(label) >= IF_NAMESIZE)
		return 0;
	return nla_put_string(msg, IFA_LABEL, label);
}

int address_add(struct netlink *n, const struct ip_address *ip, int ifindex, const char *device, uint8_t tag)
{
	/* Preferred lifetime 0: IPv6 source selection avoids it. For IPv4 it only shows as "deprecated". */
	const struct ifa_cacheinfo lifetime = { .ifa_prefered = 0, .ifa_valid = LIFETIME_FOREVER };
	struct nl_msg *msg = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ip, ifindex);

	if (msg && (nla_put_u32(msg, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE) < 0 ||
		    nla_put_u8(msg, IFA_PROTO, tag) < 0 || address_put_label(msg, ip, device) < 0 ||
		    nla_put(msg, IFA_CACHEINFO, sizeof lifetime, &lifetime) < 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return netlink_request(n, msg);
}

int address_delete(struct netlink *n, const struct ip_address *ip, int ifindex)
{
	int r = netlink_request(n, address_message(RTM_DELADDR, 0, ip, ifindex));

	return r == -EADDRNOTAVAIL || r == -ENODEV ? 0 : r; /* not there is what was wanted */
}
