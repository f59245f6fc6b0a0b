/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vip.h"

#include "address.h"
#include "announce.h"
#include "arp_source.h"
#include "cleanup.h"
#include "contention.h"
#include "lan.h"
#include "membership.h"
#include "sockets.h"
#include "verify.h"

#include <assert.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/epoll.h>

#define CONTENTION_REPORT_NS NS_PER_S /* per address, so that a flood of claims is no flood of reports */

struct vip {
	struct vip_ops ops;
	void *ctx;
	int epoll;
	boot_t now; /* of the call that is being served */
	struct netlink events;
	struct vip_links links;
	struct address_table addresses;
	struct announcer announcer;
	struct contention contention;
	struct membership membership;
	struct arp_source arp_source;
	struct verifier verifier;
	struct lan lan;
	bool link_up[RK_GROUPS_MAX];
	uint64_t placements; /* that contention knows */
	struct vip_counters counters;
};

/* ---- links ---- */

/* A virtual MAC's interface has the carrier of the one below, also while that is down on purpose. */
static bool vip_base_up(const struct vip *v, const struct link_info *link)
{
	const struct link_info *base = link->base ? vip_links_find(&v->links, link->base) : link;

	return base && base->carrier;
}

bool vip_link_up(const struct vip *v, group_index_t group)
{
	for (size_t i = 0; i < v->addresses.count; i++) {
		const struct address_entry *e = &v->addresses.entry[i];
		const struct link_info *link;

		if (e->va.group != group)
			continue;
		link = e->ifindex ? vip_links_find(&v->links, e->ifindex) : NULL;
		return link && link->carrier && vip_base_up(v, link);
	}
	return false;
}

static void vip_announce_on(struct vip *v, int ifindex)
{
	for (size_t i = 0; i < v->addresses.count; i++)
		if (v->addresses.entry[i].ifindex == ifindex)
			announcer_again(&v->announcer, v->addresses.entry[i].va.group, v->now);
}

static void vip_link_seen(struct vip *v, const struct link_info *link)
{
	const struct link_info *old = vip_links_find(&v->links, link->ifindex);
	bool mac_changed = old && memcmp(&old->mac, &link->mac, sizeof link->mac);

	if (link->loopback || !vip_links_set(&v->links, link))
		return;
	address_table_link_seen(&v->addresses, link, v->now);
	if (mac_changed)
		vip_announce_on(v, link->ifindex);
}

static void vip_link_event(struct vip *v, const struct nlmsghdr *h)
{
	struct link_info link;

	if (link_info_parse(h, &link) < 0)
		return;
	if (h->nlmsg_type == RTM_NEWLINK) {
		vip_link_seen(v, &link);
		return;
	}
	vip_links_remove(&v->links, link.ifindex);
	address_table_link_gone(&v->addresses, link.ifindex);
}

/* Watching, being sent questions early and asking them as the node are a help, not a condition. */
static void vip_follow_placements(struct vip *v)
{
	v->placements = v->addresses.placements;
	(void)contention_update(&v->contention, &v->addresses);
	(void)membership_update(&v->membership, &v->addresses);
	(void)arp_source_update(&v->arp_source, &v->addresses);
}

/* What follows from changed links and places. */
static void vip_settle(struct vip *v)
{
	if (v->placements != v->addresses.placements)
		vip_follow_placements(v);
	for (group_index_t i = 0; i < RK_GROUPS_MAX; i++) {
		bool up = vip_link_up(v, i);

		if (v->link_up[i] == up)
			continue;
		v->link_up[i] = up;
		if (up)
			announcer_again(&v->announcer, i, v->now);
		v->ops.link(v->ctx, i, up);
	}
}

/* ---- events ---- */

static void vip_event(void *ctx, const struct nlmsghdr *h)
{
	struct vip *v = ctx;

	if (h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_DELLINK)
		vip_link_event(v, h);
	else if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR)
		address_table_event(&v->addresses, h, v->now);
}

static void vip_collect_link(void *ctx, const struct nlmsghdr *h)
{
	struct vip *v = ctx;
	struct link_info link;

	if (link_info_parse(h, &link) == 0 && !link.loopback)
		(void)vip_links_set(&v->links, &link); /* without room: as if it were not there */
}

static int vip_list_links(struct vip *v)
{
	v->links.count = 0;
	return link_info_dump(&v->addresses.request, vip_collect_link, v);
}

static int vip_resync(struct vip *v)
{
	int r;

	v->counters.overruns++;
	r = vip_list_links(v);
	return r < 0 ? r : address_table_resync(&v->addresses, v->now);
}

static void vip_claimed(void *ctx, const struct address_entry *entry, const struct link_info *link,
			const struct mac_address *mac)
{
	struct vip *v = ctx;
	struct address_entry *e = &v->addresses.entry[entry - v->addresses.entry];
	struct vip_contention report = {
		.ip = e->va.ip, .group = e->va.group, .ifindex = link->ifindex, .mac = *mac
	};

	verifier_claimed(&v->verifier, &e->va, mac);
	if (!announcer_active(&v->announcer, e->va.group))
		return; /* the holder is another node, and says so */
	v->counters.contentions++;
	announcer_defend(&v->announcer, e->va.group, v->now);
	if (e->contended_at.ns && boot_diff_ns(e->contended_at, v->now) < CONTENTION_REPORT_NS) {
		e->contentions_suppressed++;
		return;
	}
	memcpy(report.device, link->name, sizeof report.device);
	report.suppressed = e->contentions_suppressed;
	e->contended_at = v->now;
	e->contentions_suppressed = 0;
	v->ops.contended(v->ctx, &report);
}

int vip_fd(const struct vip *v)
{
	return v->epoll;
}

int vip_readable(struct vip *v, boot_t now)
{
	int r;

	v->now = now;
	r = netlink_receive(&v->events, vip_event, v);
	if (r == -ENOBUFS)
		r = vip_resync(v);
	vip_settle(v);
	contention_read(&v->contention, &v->addresses, &v->links, vip_claimed, v);
	lan_read(&v->lan, now);
	return r;
}

boot_t vip_next(const struct vip *v)
{
	boot_t next = boot_min(address_table_next(&v->addresses), lan_next(&v->lan));

	return boot_min(next, boot_min(announcer_next(&v->announcer), verifier_next(&v->verifier)));
}

void vip_tick(struct vip *v, boot_t now)
{
	v->now = now;
	address_table_tick(&v->addresses, now);
	announcer_tick(&v->announcer, now);
	verifier_tick(&v->verifier, now);
	lan_tick(&v->lan, now);
}

/* ---- start, reload, end ---- */

static void vip_wire(struct vip *v)
{
	v->addresses.ops = &v->ops;
	v->addresses.ctx = v->ctx;
	v->addresses.links = &v->links;
	v->announcer.ops = &v->ops;
	v->announcer.ctx = v->ctx;
	v->announcer.links = &v->links;
	v->announcer.addresses = &v->addresses;
	v->verifier.ops = &v->ops;
	v->verifier.ctx = v->ctx;
	v->verifier.addresses = &v->addresses;
	v->verifier.announcer = &v->announcer;
	v->lan.links = &v->links;
	v->lan.addresses = &v->addresses;
}

/* Subscribed before anything is listed, so that no change is missed in between. */
static int vip_open_sockets(struct vip *v)
{
	const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	int r = netlink_open(&v->events, NETLINK_ROUTE, groups);

	if (r == 0)
		r = netlink_open(&v->addresses.request, NETLINK_ROUTE, NULL);
	if (r == 0)
		r = announcer_open(&v->announcer);
	if (r < 0)
		return r;
	v->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (v->epoll < 0 || epoll_ctl(v->epoll, EPOLL_CTL_ADD, netlink_fd(&v->events), &event) < 0)
		return -errno;
	contention_init(&v->contention, v->epoll);
	lan_init(&v->lan, v->epoll);
	return vip_list_links(v);
}

static int vip_start(struct vip *v, const struct vip_config *config, struct sentence *reterr)
{
	int r = vip_open_sockets(v);

	if (r == -EPERM)
		return sentence_fail(reterr, r, "no permission to announce addresses: CAP_NET_RAW is needed");
	if (r < 0)
		return sentence_fail(reterr, r, "the network cannot be watched: %s", strerror(-r));
	r = address_table_start(&v->addresses, config, v->now, reterr);
	if (r < 0)
		return r;
	for (group_index_t i = 0; i < RK_GROUPS_MAX; i++)
		v->link_up[i] = vip_link_up(v, i);
	vip_follow_placements(v);
	return 0;
}

int vip_open(const struct vip_config *config, const struct vip_ops *ops, void *ctx, boot_t now,
	     struct vip **ret, struct sentence *reterr)
{
	struct vip *v = calloc(1, sizeof *v);
	int r;

	if (!v)
		return sentence_fail(reterr, -ENOMEM, "no memory for the virtual addresses");
	v->ops = *ops;
	v->ctx = ctx;
	v->now = now;
	v->epoll = -EBADF;
	v->announcer.fd = -EBADF;
	contention_init(&v->contention, -EBADF);
	lan_init(&v->lan, -EBADF);
	membership_init(&v->membership);
	vip_wire(v);
	r = vip_start(v, config, reterr);
	if (r < 0) {
		vip_free(v);
		return r;
	}
	*ret = v;
	return 0;
}

void vip_free(struct vip *v)
{
	if (!v)
		return;
	contention_close(&v->contention);
	lan_close(&v->lan);
	membership_close(&v->membership);
	announcer_close(&v->announcer);
	netlink_close(&v->addresses.request);
	netlink_close(&v->events);
	close_fd(&v->epoll);
	free(v);
}

int vip_remove(struct vip *v)
{
	for (group_index_t i = 0; i < RK_GROUPS_MAX; i++)
		announcer_stop(&v->announcer, i);
	(void)arp_source_restore(&v->arp_source, &v->addresses); /* a setting that stays does no harm */
	return address_table_remove(&v->addresses);
}

int vip_update(struct vip *v, const struct vip_config *config, boot_t now)
{
	int r;

	v->now = now;
	r = address_table_update(&v->addresses, config, now);
	vip_settle(v);
	return r;
}

/* ---- steps ---- */

void vip_announce(struct vip *v, group_index_t group, boot_t now)
{
	v->now = now;
	announcer_start(&v->announcer, group, now);
}

void vip_announce_again(struct vip *v, group_index_t group, boot_t now)
{
	v->now = now;
	announcer_again(&v->announcer, group, now);
}

void vip_announce_stop(struct vip *v, group_index_t group)
{
	announcer_stop(&v->announcer, group);
}

void vip_verify(struct vip *v, group_index_t group, boot_t now)
{
	v->now = now;
	verifier_start(&v->verifier, group, now);
}

int vip_destroy_sockets(struct vip *v, group_index_t group, size_t *ret_count)
{
	_cleanup_(free_ptr) struct ip_address *ips = calloc(VIRTUAL_ADDRESSES_MAX, sizeof *ips);
	size_t count = 0;
	int r;

	if (!ips)
		return -ENOMEM;
	for (size_t i = 0; i < v->addresses.count; i++)
		if (v->addresses.entry[i].va.group == group)
			ips[count++] = v->addresses.entry[i].va.ip;
	r = sockets_destroy(ips, count, ret_count);
	if (r == 0)
		v->counters.sockets_destroyed += *ret_count;
	return r;
}

/* ---- the service network ---- */

void vip_lan_set(struct vip *v, const struct vip_lan_config *config, boot_t now)
{
	lan_set(&v->lan, config, now);
}

void vip_lan_ask(struct vip *v, group_index_t group, bool ask, boot_t now)
{
	lan_ask(&v->lan, group, ask, now);
}

void vip_lan_word(const struct vip *v, group_index_t group, struct vip_lan_word *ret)
{
	*ret = v->lan.group[group].word;
}

/* ---- status ---- */

void vip_counters(const struct vip *v, struct vip_counters *ret)
{
	*ret = v->counters;
	ret->removed_by_others = v->addresses.removed_by_others;
	ret->announcements = v->announcer.frames;
	ret->announcements_dropped = v->announcer.dropped;
}

const char *vip_address_event_name(enum vip_address_event event)
{
	static const char *const names[] = {
		[VIP_ADDRESS_REMOVED] = "removed by somebody",
		[VIP_ADDRESS_ADOPTED] = "there without our tag: left alone",
		[VIP_ADDRESS_ORPHAN] = "left over: removed",
		[VIP_ADDRESS_ELSEWHERE] = "on another device, too: left alone",
		[VIP_ADDRESS_NO_DEVICE] = "its device is not there",
		[VIP_ADDRESS_READY] = "on its device again",
		[VIP_ADDRESS_FAILED] = "cannot be added",
	};

	return names[event];
}
