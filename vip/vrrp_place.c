/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_place.h"

#include "address_wire.h"
#include "vmac.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define RETRY_NS      NS_PER_S	      /* after a failure */
#define CHECK_MAC_NS  (10 * NS_PER_S) /* settings of an interface change without an event */
#define SOURCELESS_NS (5 * NS_PER_S)  /* a link that has come up needs a moment for its addresses */

static const char trouble_mac[] = "virtual MAC interface";
static const char trouble_socket[] = "socket";
static const char trouble_source[] = "source address";

#define GROUPS struct vrrp_group groups[RK_GROUPS_MAX]

/* Every router there is, with its group as `g`. */
#define FOR_EACH_ROUTER(g, r)                                                               \
	for (struct vrrp_group *g = groups; g < groups + RK_GROUPS_MAX; g++)                \
		for (struct vrrp_router *r = g->router; r < g->router + VRRP_FAMILIES; r++) \
			if (g->used && r->family)

/* ---- events ---- */

struct place_event {
	struct vrrp_places *places;
	struct vrrp_group *groups;
	bool changed;
};

/* A link that matters to a virtual MAC: its own, or the one below. */
static void place_check_macs(struct vrrp_group *groups, const char *name)
{
	FOR_EACH_ROUTER(g, r)
	if (!strcmp(g->config.device, name) || !strcmp(r->mac_device, name))
		r->place.check_mac = true;
}

static void place_link_event(struct place_event *e, const struct nlmsghdr *h)
{
	struct link_info link;

	if (link_info_parse(h, &link) < 0 || link.loopback)
		return;
	e->changed = true;
	place_check_macs(e->groups, link.name);
	if (h->nlmsg_type == RTM_NEWLINK) {
		(void)vip_links_set(&e->places->links, &link); /* without room: as if it were not there */
		return;
	}
	vip_links_remove(&e->places->links, link.ifindex);
	vrrp_own_remove_device(&e->places->own, link.ifindex);
}

static void place_event(void *ctx, const struct nlmsghdr *h)
{
	struct place_event *e = ctx;

	if (h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_DELLINK)
		place_link_event(e, h);
	else if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR)
		e->changed |= vrrp_own_event(&e->places->own, h);
}

static void place_collect(void *ctx, const struct nlmsghdr *h)
{
	struct vrrp_places *p = ctx;
	struct link_info link;

	if (h->nlmsg_type == RTM_NEWADDR)
		(void)vrrp_own_event(&p->own, h);
	else if (link_info_parse(h, &link) == 0 && !link.loopback)
		(void)vip_links_set(&p->links, &link);
}

static int places_list(struct vrrp_places *p)
{
	int r;

	p->links.count = 0;
	p->own.count = 0;
	r = link_info_dump(&p->request, place_collect, p);
	return r < 0 ? r : address_dump(&p->request, place_collect, p);
}

bool vrrp_places_read(struct vrrp_places *p, GROUPS)
{
	struct place_event e = { .places = p, .groups = groups };

	if (netlink_receive(&p->events, place_event, &e) != -ENOBUFS)
		return e.changed;
	(void)places_list(p); /* at the worst nothing is there until the next event */
	FOR_EACH_ROUTER(g, r)
	r->place.check_mac = true;
	return true;
}

int vrrp_places_open(struct vrrp_places *p)
{
	const int wanted[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0 };
	int r = netlink_open(&p->events, NETLINK_ROUTE, wanted);

	p->next = BOOT_NEVER;
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		p->receiver[i].fd = -EBADF;
	if (r == 0)
		r = netlink_open(&p->request, NETLINK_ROUTE, NULL);
	return r < 0 ? r : places_list(p);
}

void vrrp_places_close(struct vrrp_places *p)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (p->receiver[i].ifindex)
			vrrp_receiver_close(&p->receiver[i]);
	netlink_close(&p->request);
	netlink_close(&p->events);
}

bool vrrp_places_sent(const struct vrrp_places *p, const struct mac_address *mac,
		      const struct ip_address *from)
{
	/* A virtual MAC is on several nodes: then the address tells. */
	static const uint8_t virtual_mac[] = { 0x00, 0x00, 0x5e, 0x00 };

	if (!memcmp(mac->bytes, virtual_mac, sizeof virtual_mac))
		return vrrp_own_has(&p->own, from);
	return vip_links_own(&p->links, mac);
}

/* ---- one router ---- */

struct place_view {
	struct vrrp_places *places;
	struct vrrp_group *groups;
	boot_t now;
	group_index_t group;
};

/* One trouble at a time, each change of it once. */
static void place_tell(const struct place_view *v, struct vrrp_place *p, const char *what, int error)
{
	if (error < 0)
		v->places->next = boot_min(v->places->next, boot_add(v->now, RETRY_NS));
	if (p->trouble_error == error && p->trouble == what)
		return;
	if (p->trouble_error && p->trouble != what)
		v->places->ops->trouble(v->places->ctx, v->group, p->trouble, 0);
	if (error || p->trouble == what)
		v->places->ops->trouble(v->places->ctx, v->group, what, error);
	p->trouble = error ? what : NULL;
	p->trouble_error = error;
}

static const struct link_info *place_link(const struct vrrp_places *p, const struct vrrp_group *g,
					  const struct vrrp_router *r)
{
	const struct link_info *link = vip_links_named(&p->links, g->config.device);

	/* Renamed under us: it stays where it is until another device takes the name. */
	if (!link && r->place.ifindex)
		link = vip_links_find(&p->links, r->place.ifindex);
	return link && link->ethernet ? link : NULL;
}

static bool place_is_virtual(const void *ctx, const struct ip_address *ip)
{
	const struct vrrp_group *groups = ctx;

	for (const struct vrrp_group *g = groups; g < groups + RK_GROUPS_MAX; g++)
		for (size_t f = 0; g->used && f < VRRP_FAMILIES; f++)
			if (vrrp_router_has_address(&g->router[f], ip))
				return true;
	return false;
}

static bool place_on(const struct place_view *v, const struct vrrp_router *r, const struct ip_address *ip)
{
	return ip->family == r->family && vrrp_own_has_on(&v->places->own, r->place.ifindex, ip);
}

/* Unicast: the peer that we are. Then what is preferred; an IPv6 multicast only ever from the link's scope.
 */
static struct ip_address place_source(const struct place_view *v, const struct vrrp_group *g,
				      const struct vrrp_router *r)
{
	for (size_t i = 0; i < r->peers_count; i++)
		if (place_on(v, r, &r->peers[i]))
			return r->peers[i];
	for (size_t i = 0; i < g->config.sources_count; i++) {
		const struct ip_address *ip = &g->config.sources[i];

		if (place_on(v, r, ip) && (r->family == AF_INET || r->peers_count || vrrp_own_link_local(ip)))
			return *ip;
	}
	return vrrp_own_first(&v->places->own, r->place.ifindex, r->family, place_is_virtual, v->groups);
}

/* For so long that it has to be told. */
static bool place_sourceless(const struct place_view *v, const struct vrrp_place *p)
{
	return p->sourceless.ns && boot_diff_ns(p->sourceless, v->now) >= SOURCELESS_NS;
}

static void place_find_source(const struct place_view *v, const struct vrrp_group *g, struct vrrp_router *r)
{
	struct vrrp_place *p = &r->place;

	p->from = p->ifindex ? place_source(v, g, r) : (struct ip_address){ 0 };
	if (p->from.family || !p->carrier) {
		p->sourceless = (boot_t){ 0 };
		return;
	}
	if (!p->sourceless.ns)
		p->sourceless = v->now;
	if (!place_sourceless(v, p))
		v->places->next = boot_min(v->places->next, boot_add(p->sourceless, SOURCELESS_NS));
}

static int place_ensure_mac(const struct place_view *v, const struct vrrp_group *g, struct vrrp_router *r)
{
	struct vmac want = { .family = (uint8_t)r->family, .vrid = r->vrid, .mode = r->mac };
	int ifindex = 0, error;

	if (r->mac == VRRP_MAC_NONE || !r->place.ifindex) {
		r->place.mac_ifindex = 0;
		return 0;
	}
	v->places->next = boot_min(v->places->next, boot_add(v->now, CHECK_MAC_NS));
	if (!r->place.check_mac && r->place.mac_ifindex)
		return 0;
	memcpy(want.device, g->config.device, sizeof want.device);
	error = vmac_ensure(&v->places->request, &want, &ifindex, NULL);
	r->place.mac_ifindex = error < 0 ? 0 : ifindex;
	r->place.check_mac = error < 0;
	return error;
}

static int place_ensure_sender(struct vrrp_router *r, bool renew)
{
	int error = r->sender.fd < 0 ? vrrp_sender_open(&r->sender, r->family) : 0;

	if (error < 0)
		return error;
	return vrrp_sender_join(&r->sender, r->peers_count ? 0 : r->place.ifindex,
				r->peers_count ? 0 : r->place.mac_ifindex, renew);
}

static void router_settle(const struct place_view *v, const struct vrrp_group *g, struct vrrp_router *r)
{
	const struct link_info *link = place_link(v->places, g, r);
	bool had_carrier = r->place.carrier;
	int error_mac, error;

	r->place.ifindex = link ? link->ifindex : 0;
	r->place.carrier = link && link->carrier;
	error_mac = place_ensure_mac(v, g, r);
	error = place_ensure_sender(r, r->place.carrier && !had_carrier);
	place_find_source(v, g, r);
	if (error_mac < 0)
		place_tell(v, &r->place, trouble_mac, error_mac);
	else if (error < 0)
		place_tell(v, &r->place, trouble_socket, error);
	else if (place_sourceless(v, &r->place))
		place_tell(v, &r->place, trouble_source, -EADDRNOTAVAIL);
	else
		place_tell(v, &r->place, r->place.trouble, 0);
}

/* ---- receivers ---- */

static struct vrrp_filter_ids ids_of(GROUPS, int ifindex)
{
	struct vrrp_filter_ids ids = { 0 };

	_Static_assert(VRRP_FILTER_IDS_MAX >= RK_GROUPS_MAX, "an id for each group");
	FOR_EACH_ROUTER(g, r)
	{
		if (r->place.ifindex != ifindex)
			continue;
		if (r->family == AF_INET)
			ids.id4[ids.count4++] = r->vrid;
		else
			ids.id6[ids.count6++] = r->vrid;
	}
	return ids;
}

static struct vrrp_receiver *receiver_find(struct vrrp_places *p, int ifindex)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (p->receiver[i].ifindex == ifindex)
			return &p->receiver[i];
	return NULL;
}

static int receiver_ensure(struct vrrp_places *p, GROUPS, int ifindex)
{
	const struct vrrp_filter_ids ids = ids_of(groups, ifindex);
	struct vrrp_receiver *r = receiver_find(p, ifindex);

	if (r)
		return memcmp(&r->ids, &ids, sizeof ids) ? vrrp_receiver_filter(r, &ids) : 0;
	r = receiver_find(p, 0);
	return r ? vrrp_receiver_open(r, p->epoll, ifindex, &ids) : -ENOSPC;
}

static void receivers_close_unused(struct vrrp_places *p, GROUPS)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++) {
		struct vrrp_filter_ids ids;

		if (!p->receiver[i].ifindex)
			continue;
		ids = ids_of(groups, p->receiver[i].ifindex);
		if (!ids.count4 && !ids.count6)
			vrrp_receiver_close(&p->receiver[i]);
	}
}

/* A router that cannot hear must not speak in mode native: its device counts as not there. */
static void receivers_settle(struct vrrp_places *p, GROUPS, boot_t now)
{
	receivers_close_unused(p, groups);
	FOR_EACH_ROUTER(g, r)
	{
		const struct place_view v = { p, groups, now, g->config.group };
		int error = r->place.ifindex ? receiver_ensure(p, groups, r->place.ifindex) : 0;

		if (error == 0)
			continue;
		place_tell(&v, &r->place, trouble_socket, error);
		r->place.carrier = false;
	}
}

/* ---- all ---- */

void vrrp_places_settle(struct vrrp_places *p, GROUPS, boot_t now)
{
	bool checks = !boot_before(now, p->next);

	if (p->ended)
		return;
	p->next = BOOT_NEVER;
	FOR_EACH_ROUTER(g, r)
	{
		const struct place_view v = { p, groups, now, g->config.group };

		r->place.check_mac |= checks;
		router_settle(&v, g, r);
	}
	receivers_settle(p, groups, now);
}

boot_t vrrp_places_next(const struct vrrp_places *p)
{
	return p->next;
}

int vrrp_places_sweep(struct vrrp_places *p, const struct vrrp_group *groups)
{
	struct vmac keep[VMACS_MAX];
	size_t count = 0;

	for (size_t i = 0; groups && i < RK_GROUPS_MAX; i++)
		for (size_t f = 0; groups[i].used && f < VRRP_FAMILIES; f++) {
			const struct vrrp_router *r = &groups[i].router[f];

			if (!r->family || r->mac == VRRP_MAC_NONE)
				continue;
			keep[count] = (struct vmac){ .family = (uint8_t)r->family,
						     .vrid = r->vrid,
						     .mode = r->mac };
			memcpy(keep[count++].device, groups[i].config.device, IF_NAMESIZE);
		}
	p->ended = !groups;
	p->next = p->ended ? BOOT_NEVER : p->next;
	return vmac_sweep(&p->request, keep, count);
}
