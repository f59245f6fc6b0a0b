/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_object.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* ---- out of a dump ---- */

static int object_address(struct nlattr *a, uint8_t family, struct ip_address *ret)
{
	*ret = (struct ip_address){ 0 };
	if (!a)
		return 0;
	if (nla_len(a) != (family == AF_INET ? 4 : 16))
		return -EBADMSG;
	*ret = ip_make(family, nla_data(a));
	return 0;
}

static uint32_t object_u32(struct nlattr *a, uint32_t otherwise)
{
	return a && nla_len(a) == sizeof(uint32_t) ? nla_get_u32(a) : otherwise;
}

static bool object_family(uint8_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static int nexthop_parse(const struct nlmsghdr *h, struct path_object *o)
{
	const struct nhmsg *nh = nlmsg_data(h);
	struct nlattr *tb[NHA_MAX + 1];

	if (nlmsg_parse((struct nlmsghdr *)h, sizeof *nh, tb, NHA_MAX, NULL) < 0)
		return -EBADMSG;
	if (!tb[NHA_ID])
		return -ENOENT;
	o->kind = PATH_NEXTHOP;
	o->family = nh->nh_family;
	o->protocol = nh->nh_protocol;
	o->nexthop = object_u32(tb[NHA_ID], 0);
	o->ifindex = (int)object_u32(tb[NHA_OIF], 0);
	o->strange = tb[NHA_GROUP] || tb[NHA_BLACKHOLE] || !object_family(o->family);
	return object_family(o->family) ? object_address(tb[NHA_GATEWAY], o->family, &o->gateway) : 0;
}

static int route_parse(const struct nlmsghdr *h, struct path_object *o)
{
	const struct rtmsg *rtm = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];

	if (nlmsg_parse((struct nlmsghdr *)h, sizeof *rtm, tb, RTA_MAX, NULL) < 0)
		return -EBADMSG;
	if (!object_family(rtm->rtm_family) || (rtm->rtm_flags & RTM_F_CLONED))
		return -ENOENT;
	o->kind = PATH_ROUTE;
	o->family = rtm->rtm_family;
	o->protocol = rtm->rtm_protocol;
	o->table = object_u32(tb[RTA_TABLE], rtm->rtm_table);
	o->metric = object_u32(tb[RTA_PRIORITY], 0);
	o->unreachable = rtm->rtm_type == RTN_UNREACHABLE;
	o->strange = rtm->rtm_dst_len || rtm->rtm_src_len || rtm->rtm_tos || tb[RTA_MULTIPATH] ||
		     (rtm->rtm_type != RTN_UNICAST && !o->unreachable);
	if (o->unreachable)
		return 0; /* IPv6 shows it on loopback */
	o->nexthop = object_u32(tb[RTA_NH_ID], 0);
	if (o->nexthop)
		return 0; /* what that is at the moment is its own affair */
	o->ifindex = (int)object_u32(tb[RTA_OIF], 0);
	return object_address(tb[RTA_GATEWAY], o->family, &o->gateway);
}

static int rule_prefix(struct nlattr *a, uint8_t family, uint8_t length, struct ip_prefix *ret)
{
	int r = object_address(a, family, &ret->ip);

	ret->length = length;
	return r;
}

static int rule_parse(const struct nlmsghdr *h, struct path_object *o)
{
	const struct fib_rule_hdr *f = nlmsg_data(h);
	struct nlattr *tb[FRA_MAX + 1];
	int r;

	if (nlmsg_parse((struct nlmsghdr *)h, sizeof *f, tb, FRA_MAX, NULL) < 0)
		return -EBADMSG;
	if (!object_family(f->family))
		return -ENOENT;
	o->kind = PATH_RULE;
	o->family = f->family;
	if (tb[FRA_PROTOCOL] && nla_len(tb[FRA_PROTOCOL]) == 1)
		o->protocol = nla_get_u8(tb[FRA_PROTOCOL]);
	o->priority = object_u32(tb[FRA_PRIORITY], 0);
	o->table = object_u32(tb[FRA_TABLE], f->table);
	o->mark = object_u32(tb[FRA_FWMARK], 0);
	o->mask = object_u32(tb[FRA_FWMASK], 0);
	o->suppress_default = object_u32(tb[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX) == 0;
	if (tb[FRA_OIFNAME])
		(void)nla_strlcpy(o->oif, tb[FRA_OIFNAME], sizeof o->oif); /* the kernel's own limit */
	o->strange = f->action != FR_ACT_TO_TBL || f->tos || (f->flags & FIB_RULE_INVERT) ||
		     tb[FRA_IIFNAME] || tb[FRA_IP_PROTO] || tb[FRA_SPORT_RANGE] || tb[FRA_DPORT_RANGE] ||
		     tb[FRA_UID_RANGE];
	r = rule_prefix(tb[FRA_SRC], f->family, f->src_len, &o->from);
	return r < 0 ? r : rule_prefix(tb[FRA_DST], f->family, f->dst_len, &o->to);
}

int path_object_parse(const struct nlmsghdr *h, struct path_object *ret)
{
	struct path_object o = { 0 };
	int r;

	switch (h->nlmsg_type) {
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		r = nexthop_parse(h, &o);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		r = route_parse(h, &o);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		r = rule_parse(h, &o);
		break;
	default:
		return -ENOENT;
	}
	if (r == 0)
		*ret = o;
	return r;
}

/* ---- as a request ---- */

static int put_address(struct nl_msg *msg, int type, const struct ip_address *ip)
{
	return ip->family ? nla_put(msg, type, (int)ip_length(ip), ip->bytes) : 0;
}

static int put_u32(struct nl_msg *msg, int type, uint32_t v)
{
	return v ? nla_put_u32(msg, type, v) : 0;
}

static struct nl_msg *finish(struct nl_msg *msg, int failed)
{
	if (msg && failed) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/* A gateway counts as reachable because it is configured (onlink): carriers hand out gateways outside the
 * address's own network, and the connected route may come a moment later. */
static struct nl_msg *nexthop_message(const struct path_object *o, int type, int flags)
{
	const struct nhmsg nh = { .nh_family = o->family,
				  .nh_protocol = o->protocol,
				  .nh_flags = o->gateway.family ? RTNH_F_ONLINK : 0 };
	const struct nhmsg none = { .nh_family = AF_UNSPEC }; /* the id alone says what is to go */
	bool del = type == RTM_DELNEXTHOP;
	struct nl_msg *msg = netlink_message(type, flags, del ? &none : &nh, sizeof nh);

	return finish(msg, msg && (put_u32(msg, NHA_ID, o->nexthop) < 0 ||
				   (!del && (put_u32(msg, NHA_OIF, (uint32_t)o->ifindex) < 0 ||
					     put_address(msg, NHA_GATEWAY, &o->gateway) < 0))));
}

static struct nl_msg *route_message(const struct path_object *o, int type, int flags)
{
	const struct rtmsg rtm = {
		.rtm_family = o->family,
		.rtm_table = o->table < 256 ? (uint8_t)o->table : RT_TABLE_COMPAT,
		.rtm_protocol = o->protocol,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = o->unreachable ? RTN_UNREACHABLE : RTN_UNICAST,
		.rtm_flags = o->gateway.family ? RTNH_F_ONLINK : 0,
	};
	struct nl_msg *msg = netlink_message(type, flags, &rtm, sizeof rtm);

	return finish(msg, msg && (put_u32(msg, RTA_TABLE, o->table) < 0 ||
				   put_u32(msg, RTA_PRIORITY, o->metric) < 0 ||
				   put_u32(msg, RTA_NH_ID, o->nexthop) < 0 ||
				   put_u32(msg, RTA_OIF, (uint32_t)o->ifindex) < 0 ||
				   put_address(msg, RTA_GATEWAY, &o->gateway) < 0));
}

static struct nl_msg *rule_message(const struct path_object *o, int type, int flags)
{
	const struct fib_rule_hdr f = {
		.family = o->family,
		.action = FR_ACT_TO_TBL,
		.table = o->table < 256 ? (uint8_t)o->table : RT_TABLE_UNSPEC,
		.src_len = o->from.ip.family ? o->from.length : 0,
		.dst_len = o->to.ip.family ? o->to.length : 0,
	};
	struct nl_msg *msg = netlink_message(type, flags, &f, sizeof f);

	return finish(msg, msg && (nla_put_u32(msg, FRA_PRIORITY, o->priority) < 0 ||
				   nla_put_u32(msg, FRA_TABLE, o->table) < 0 ||
				   nla_put_u8(msg, FRA_PROTOCOL, o->protocol) < 0 ||
				   put_u32(msg, FRA_FWMARK, o->mark) < 0 ||
				   put_u32(msg, FRA_FWMASK, o->mask) < 0 ||
				   put_address(msg, FRA_SRC, &o->from.ip) < 0 ||
				   put_address(msg, FRA_DST, &o->to.ip) < 0 ||
				   (o->oif[0] && nla_put_string(msg, FRA_OIFNAME, o->oif) < 0) ||
				   (o->suppress_default && nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, 0) < 0)));
}

struct nl_msg *path_object_put(const struct path_object *o, bool replace)
{
	int flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);

	switch (o->kind) {
	case PATH_NEXTHOP:
		return nexthop_message(o, RTM_NEWNEXTHOP, flags);
	case PATH_ROUTE:
		return route_message(o, RTM_NEWROUTE, flags);
	case PATH_RULE:
		return rule_message(o, RTM_NEWRULE, flags);
	}
	return NULL;
}

struct nl_msg *path_object_delete(const struct path_object *o)
{
	switch (o->kind) {
	case PATH_NEXTHOP:
		return nexthop_message(o, RTM_DELNEXTHOP, 0);
	case PATH_ROUTE:
		return route_message(o, RTM_DELROUTE, 0);
	case PATH_RULE:
		return rule_message(o, RTM_DELRULE, 0);
	}
	return NULL;
}

/* ---- compared ---- */

bool path_object_key_equal(const struct path_object *a, const struct path_object *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case PATH_NEXTHOP:
		return a->nexthop == b->nexthop;
	case PATH_ROUTE:
		return a->family == b->family && a->table == b->table && a->metric == b->metric &&
		       !a->strange && !b->strange;
	case PATH_RULE:
		return false;
	}
	return false;
}

bool path_object_equal(const struct path_object *a, const struct path_object *b)
{
	return a->kind == b->kind && a->family == b->family && a->protocol == b->protocol &&
	       a->strange == b->strange && a->ifindex == b->ifindex && ip_equal(&a->gateway, &b->gateway) &&
	       a->nexthop == b->nexthop && a->unreachable == b->unreachable && a->metric == b->metric &&
	       a->table == b->table && a->priority == b->priority && a->mark == b->mark &&
	       a->mask == b->mask && !strncmp(a->oif, b->oif, sizeof a->oif) &&
	       ip_prefix_equal(&a->from, &b->from) && ip_prefix_equal(&a->to, &b->to) &&
	       a->suppress_default == b->suppress_default;
}

const char *path_object_format(const struct path_object *o, char ret[PATH_OBJECT_TEXT_MAX])
{
	const char *family = o->family == AF_INET6 ? "IPv6" : "IPv4";
	char gateway[IP_TEXT_MAX] = "the device";

	if (o->gateway.family)
		(void)ip_format(&o->gateway, gateway);
	switch (o->kind) {
	case PATH_NEXTHOP:
		(void)snprintf(ret, PATH_OBJECT_TEXT_MAX, "%s nexthop %u via %s, interface %d", family,
			       o->nexthop, gateway, o->ifindex);
		break;
	case PATH_ROUTE:
		(void)snprintf(ret, PATH_OBJECT_TEXT_MAX, "%s %s route of metric %u in table %u", family,
			       o->unreachable ? "unreachable" : "default", o->metric, o->table);
		break;
	case PATH_RULE:
		(void)snprintf(ret, PATH_OBJECT_TEXT_MAX, "%s rule %u to table %u", family, o->priority,
			       o->table);
		break;
	}
	return ret;
}
