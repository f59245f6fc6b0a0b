/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_watch.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define LOOK_TRIES 5

static const char *const event_names[PATH_EVENTS_COUNT] = {
	[PATH_EVENT_DEVICE] = "device",	      [PATH_EVENT_CARRIER] = "carrier",
	[PATH_EVENT_GATEWAY] = "gateway",     [PATH_EVENT_ADDRESS] = "address",
	[PATH_EVENT_NEIGHBOUR] = "neighbour", [PATH_EVENT_TOUCHED] = "touched",
};

const char *path_event_name(enum path_event_kind kind)
{
	return event_names[kind];
}

static void watch_tell(struct path_watch *w, enum path_event_kind kind, int uplink, bool on)
{
	const struct path_event e = { .kind = kind, .uplink = (int8_t)uplink, .on = on };

	w->handler(w->ctx, &e);
}

/* ---- links ---- */

static void device_is(struct path_watch *w, int i, int ifindex)
{
	struct path_watched *u = &w->uplink[i];

	if (u->ifindex == ifindex)
		return;
	u->ifindex = ifindex;
	u->neighbour_failed = false;
	w->look = w->touched = true;
	watch_tell(w, PATH_EVENT_DEVICE, i, ifindex != 0);
}

/* Routes go with a device that is put down, and nobody is told of IPv4's. */
static void carrier_is(struct path_watch *w, int i, bool on)
{
	struct path_watched *u = &w->uplink[i];

	if (u->carrier == on)
		return;
	u->carrier = on;
	w->look = w->touched = true;
	watch_tell(w, PATH_EVENT_CARRIER, i, on);
}

static void link_take(struct path_watch *w, const struct nlmsghdr *h)
{
	struct link_info link;

	if (link_info_parse(h, &link) < 0)
		return;
	for (int i = 0; i < w->count; i++) {
		struct path_watched *u = &w->uplink[i];
		bool named = !strncmp(u->device, link.name, sizeof link.name);

		if (h->nlmsg_type == RTM_NEWLINK && named) {
			device_is(w, i, link.ifindex);
			carrier_is(w, i, link.carrier);
		} else if (u->ifindex == link.ifindex) { /* gone, or renamed */
			carrier_is(w, i, false);
			device_is(w, i, 0);
		}
	}
}

/* ---- neighbours ---- */

static void neighbour_take(struct path_watch *w, const struct nlmsghdr *h)
{
	const struct ndmsg *nd = nlmsg_data(h);
	struct nlattr *tb[NDA_MAX + 1];
	bool failed = nd->ndm_state & NUD_FAILED;

	if (nlmsg_parse((struct nlmsghdr *)h, sizeof *nd, tb, NDA_MAX, NULL) < 0 || !tb[NDA_DST])
		return;
	if (!failed && !(nd->ndm_state & (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP)))
		return; /* asking, or not sure */
	for (int i = 0; i < w->count; i++) {
		struct path_watched *u = &w->uplink[i];

		if (u->ifindex != nd->ndm_ifindex || u->family != nd->ndm_family || !u->gateway.family ||
		    nla_len(tb[NDA_DST]) != (int)ip_length(&u->gateway) ||
		    memcmp(nla_data(tb[NDA_DST]), u->gateway.bytes, ip_length(&u->gateway)) != 0 ||
		    u->neighbour_failed == failed)
			continue;
		u->neighbour_failed = failed;
		watch_tell(w, PATH_EVENT_NEIGHBOUR, i, !failed);
	}
}

/* ---- addresses and default routes, by looking ---- */

struct watch_look {
	const struct path_watch *w;
	struct {
		bool routed;
		uint32_t metric;
		struct ip_address gateway;
		uint8_t address_count;
		struct ip_address address[PATH_ADDRESSES_MAX];
	} found[PATH_UPLINKS_MAX];
};

static void look_address(void *ctx, const struct nlmsghdr *h)
{
	struct watch_look *l = ctx;
	const struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *tb[IFA_MAX + 1], *a;
	uint32_t flags;

	if (h->nlmsg_type != RTM_NEWADDR || ifa->ifa_scope != RT_SCOPE_UNIVERSE ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof *ifa, tb, IFA_MAX, NULL) < 0)
		return;
	a = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]; /* with a peer (PPP), LOCAL is ours */
	flags = tb[IFA_FLAGS] ? nla_get_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	if (!a || (flags & (IFA_F_TENTATIVE | IFA_F_DEPRECATED)))
		return;
	for (int i = 0; i < l->w->count; i++) {
		const struct path_watched *u = &l->w->uplink[i];
		uint8_t *n = &l->found[i].address_count;

		if (u->ifindex == (int)ifa->ifa_index && u->family == ifa->ifa_family &&
		    nla_len(a) == (u->family == AF_INET ? 4 : 16) && *n < PATH_ADDRESSES_MAX)
			l->found[i].address[(*n)++] = ip_make(u->family, nla_data(a));
	}
}

static void look_way(struct watch_look *l, uint8_t family, int ifindex, uint32_t metric,
		     struct nlattr *gateway)
{
	for (int i = 0; i < l->w->count; i++) {
		const struct path_watched *u = &l->w->uplink[i];

		if (u->ifindex != ifindex || u->family != family ||
		    (l->found[i].routed && l->found[i].metric <= metric))
			continue;
		l->found[i].routed = true;
		l->found[i].metric = metric;
		l->found[i].gateway = (struct ip_address){ 0 };
		if (gateway && nla_len(gateway) == (family == AF_INET ? 4 : 16))
			l->found[i].gateway = ip_make(family, nla_data(gateway));
	}
}

static void look_multipath(struct watch_look *l, uint8_t family, uint32_t metric, struct nlattr *multipath)
{
	struct rtnexthop *nh = nla_data(multipath);
	int left = nla_len(multipath);

	for (; RTNH_OK(nh, left); left -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh))
		look_way(l, family, nh->rtnh_ifindex, metric,
			 nla_find((struct nlattr *)RTNH_DATA(nh), (int)(nh->rtnh_len - sizeof *nh),
				  RTA_GATEWAY));
}

static void look_route(void *ctx, const struct nlmsghdr *h)
{
	struct watch_look *l = ctx;
	const struct rtmsg *rtm = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];
	uint32_t metric;

	if (h->nlmsg_type != RTM_NEWROUTE || rtm->rtm_dst_len || rtm->rtm_protocol == PATH_PROTOCOL ||
	    rtm->rtm_type != RTN_UNICAST ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof *rtm, tb, RTA_MAX, NULL) < 0)
		return;
	metric = tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0;
	if (tb[RTA_MULTIPATH])
		look_multipath(l, rtm->rtm_family, metric, tb[RTA_MULTIPATH]);
	else if (tb[RTA_OIF])
		look_way(l, rtm->rtm_family, (int)nla_get_u32(tb[RTA_OIF]), metric, tb[RTA_GATEWAY]);
}

static int look_once(struct path_watch *w, struct watch_look *l)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	const struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	int r;

	*l = (struct watch_look){ .w = w };
	r = netlink_dump(&w->request, netlink_message(RTM_GETADDR, 0, &ifa, sizeof ifa), look_address, l);
	for (int i = 0; i < 2 && r == 0; i++) {
		const struct rtmsg rtm = { .rtm_family = families[i] };

		r = netlink_dump(&w->request, netlink_message(RTM_GETROUTE, 0, &rtm, sizeof rtm), look_route,
				 l);
	}
	return r;
}

static void look_compare(struct path_watch *w, int i, const struct watch_look *l)
{
	struct path_watched *u = &w->uplink[i];

	if (u->address_count != l->found[i].address_count ||
	    memcmp(u->address, l->found[i].address, sizeof u->address) != 0) {
		u->address_count = l->found[i].address_count;
		memcpy(u->address, l->found[i].address, sizeof u->address);
		watch_tell(w, PATH_EVENT_ADDRESS, i, u->address_count > 0);
	}
	if (u->routed != l->found[i].routed || !ip_equal(&u->gateway, &l->found[i].gateway)) {
		u->routed = l->found[i].routed;
		u->gateway = l->found[i].gateway;
		u->neighbour_failed = false;
		watch_tell(w, PATH_EVENT_GATEWAY, i, u->routed);
	}
}

static int watch_look(struct path_watch *w)
{
	struct watch_look l;
	int r = -EAGAIN;

	for (int i = 0; i < LOOK_TRIES && r == -EAGAIN; i++)
		r = look_once(w, &l);
	if (r < 0)
		return r; /* `look` stays set: the next read tries again */
	w->look = false;
	for (int i = 0; i < w->count; i++)
		look_compare(w, i, &l);
	return 0;
}

/* ---- ours ---- */

/* Taken away, or replaced by somebody: `ip route replace` over ours is one message about theirs. */
static void ours_take(struct path_watch *w, const struct nlmsghdr *h)
{
	struct path_object o;

	if (path_object_parse(h, &o) < 0)
		return;
	if (h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_NEWNEXTHOP)
		w->touched |= o.protocol != PATH_PROTOCOL && (h->nlmsg_flags & NLM_F_REPLACE);
	else if (h->nlmsg_type != RTM_NEWRULE)
		w->touched |= o.protocol == PATH_PROTOCOL;
}

/* A look lists all routes: not for each of a thousand that some routing daemon learns. */
static bool route_default(const struct nlmsghdr *h)
{
	const struct rtmsg *rtm = nlmsg_data(h);

	return nlmsg_datalen(h) >= (int)sizeof *rtm && rtm->rtm_dst_len == 0;
}

static void watch_take(void *ctx, const struct nlmsghdr *h)
{
	struct path_watch *w = ctx;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		link_take(w, h);
		break;
	case RTM_NEWNEIGH:
		neighbour_take(w, h);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		w->look = true;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		w->look |= route_default(h);
		ours_take(w, h);
		break;
	default:
		ours_take(w, h);
		break;
	}
}

static int watch_everything(struct path_watch *w)
{
	int r = link_info_dump(&w->request, watch_take, w);

	return r < 0 ? r : watch_look(w);
}

int path_watch_open(struct path_watch *w, const struct path_config *c, path_event_handler *handler, void *ctx)
{
	const int groups[] = { RTNLGRP_LINK,	    RTNLGRP_NEIGH,
			       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
			       RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE,
			       RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,
			       RTNLGRP_NEXTHOP,	    0 };
	int r;

	*w = (struct path_watch){ .handler = handler, .ctx = ctx, .count = c->uplink_count };
	for (int i = 0; i < w->count; i++) {
		memcpy(w->uplink[i].device, c->uplink[i].device, sizeof w->uplink[i].device);
		w->uplink[i].family = c->uplink[i].family;
	}
	r = netlink_open(&w->events, NETLINK_ROUTE, groups); /* first, so that nothing is missed */
	if (r == 0)
		r = netlink_open(&w->request, NETLINK_ROUTE, NULL);
	if (r == 0)
		r = watch_everything(w);
	if (r < 0)
		path_watch_close(w);
	w->touched = false; /* who opens it ensures afterwards in any case */
	return r;
}

void path_watch_close(struct path_watch *w)
{
	netlink_close(&w->events);
	netlink_close(&w->request);
}

int path_watch_fd(const struct path_watch *w)
{
	return netlink_fd(&w->events);
}

int path_watch_read(struct path_watch *w)
{
	int r = netlink_receive(&w->events, watch_take, w);

	if (r == -ENOBUFS) {
		w->overruns++;
		w->touched = true;
		r = watch_everything(w);
	}
	if (w->look && r == 0)
		r = watch_look(w);
	if (w->touched) {
		w->touched = false;
		watch_tell(w, PATH_EVENT_TOUCHED, -1, true);
	}
	return r;
}

void path_watch_fill(const struct path_watch *w, int8_t uplink, bool learn, struct path_uplink *u)
{
	const struct path_watched *seen = &w->uplink[uplink];

	u->ifindex = seen->ifindex;
	u->address_count = seen->address_count;
	memcpy(u->address, seen->address, sizeof u->address);
	if (!learn)
		return;
	u->routed = seen->routed;
	u->gateway = seen->gateway;
}
