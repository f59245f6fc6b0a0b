/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_lookup.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

struct lookup_answer {
	uint32_t table;
	int ifindex;
	struct ip_address gateway;
	bool there;
};

static void lookup_take(void *ctx, const struct nlmsghdr *h)
{
	struct lookup_answer *a = ctx;
	const struct rtmsg *rtm = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];

	if (h->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof *rtm, tb, RTA_MAX, NULL) < 0 ||
	    rtm->rtm_type != RTN_UNICAST)
		return;
	a->there = true;
	a->table = tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	a->ifindex = tb[RTA_OIF] ? (int)nla_get_u32(tb[RTA_OIF]) : 0;
	if (tb[RTA_GATEWAY] && (rtm->rtm_family == AF_INET || rtm->rtm_family == AF_INET6) &&
	    nla_len(tb[RTA_GATEWAY]) == (rtm->rtm_family == AF_INET ? 4 : 16))
		a->gateway = ip_make(rtm->rtm_family, nla_data(tb[RTA_GATEWAY]));
}

static struct nl_msg *lookup_message(const struct path_question *q)
{
	const uint8_t whole = q->to.family == AF_INET ? 32 : 128;
	const struct rtmsg rtm = { .rtm_family = q->to.family,
				   .rtm_dst_len = whole,
				   .rtm_src_len = q->from.family ? whole : 0,
				   .rtm_flags = RTM_F_LOOKUP_TABLE };
	struct nl_msg *msg = netlink_message(RTM_GETROUTE, 0, &rtm, sizeof rtm);

	if (msg && (nla_put(msg, RTA_DST, (int)ip_length(&q->to), q->to.bytes) < 0 ||
		    nla_put_u32(msg, RTA_OIF, (uint32_t)q->ifindex) < 0 ||
		    (q->mark && nla_put_u32(msg, RTA_MARK, q->mark) < 0) ||
		    (q->from.family && nla_put(msg, RTA_SRC, (int)ip_length(&q->from), q->from.bytes) < 0))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

int path_lookup(struct netlink *n, const struct path_question *q)
{
	struct lookup_answer a = { 0 };
	int r = netlink_get(n, lookup_message(q), lookup_take, &a);

	if (r == -ENOMEM)
		return r;
	if (r < 0 || !a.there || a.ifindex != q->ifindex)
		return -ENETUNREACH;
	if (!a.gateway.family && q->gateway.family && ip_equal(&q->to, &q->gateway))
		return 0;
	return a.table == q->table && ip_equal(&a.gateway, &q->gateway) ? 0 : -ENETUNREACH;
}
