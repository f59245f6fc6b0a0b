/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan.h"

#include "announce_wire.h"
#include "cleanup.h"
#include "frame_filter.h"
#include "lan_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define FRAMES_PER_READ	 64
#define LAN_OWN_ROUNDS	 8 /* own addresses are looked up again after so many */
#define LAN_OTHER_ROUNDS 3 /* a voice is believed for so many */
#define LAN_QUIET_ROUNDS 2 /* a row of questions is broken when none was asked for so many */
#define LAN_FRAMES_MAX	 (VIP_GATEWAYS_MAX + 2)
#define LAN_FILTER_MAX	 (40 + 2 * 2 * LAN_FRAMES_MAX)

/* Offsets in a frame without tag (the kernel has taken it off). */
#define AT_ARP_SENDER  28
#define AT_ARP_TARGET  38
#define AT_NEXT_HEADER 20
#define AT_TARGET_END  74

/* ---- which addresses ---- */

/* One of each family: they open and shut together. */
static const struct address_entry *lan_address(const struct lan *l, group_index_t group, int family)
{
	for (size_t i = 0; i < l->addresses->count; i++) {
		const struct address_entry *e = &l->addresses->entry[i];

		if (e->va.group == group && e->va.ip.family == family)
			return e;
	}
	return NULL;
}

/* NULL: not of the group. */
static const struct address_entry *lan_find(const struct lan *l, group_index_t group,
					    const struct ip_address *ip)
{
	const struct address_entry *e = address_table_find(l->addresses, ip);

	return e && e->va.group == group ? e : NULL;
}

/* ---- the socket ---- */

static void lan_emit_equal(struct frame_filter *p, const struct ip_address *ip)
{
	uint32_t word;

	memcpy(&word, ip->bytes + (ip->family == AF_INET ? 0 : 12), sizeof word);
	frame_filter_emit(p, BPF_JMP | BPF_JEQ | BPF_K, ntohl(word), 0, 1);
	frame_filter_emit(p, BPF_RET | BPF_K, FRAME_FILTER_PASS, 0, 0);
}

static void lan_emit_list(struct frame_filter *p, const struct lan *l, const struct lan_group *g, int family,
			  bool gateways)
{
	const struct address_entry *e = lan_address(l, g->config.group, family);

	if (e)
		lan_emit_equal(p, &e->va.ip);
	for (uint32_t i = 0; gateways && i < g->config.gateways_count; i++)
		if (g->config.gateways[i].family == family)
			lan_emit_equal(p, &g->config.gateways[i]);
}

/* ARP from a gateway, from or about an address; ND about either. */
static size_t lan_filter(const struct lan *l, const struct lan_group *g,
			 struct sock_filter ret[LAN_FILTER_MAX])
{
	struct frame_filter p = { .code = ret, .max = LAN_FILTER_MAX };
	size_t jump;

	frame_filter_untagged(&p);
	frame_filter_emit(&p, BPF_LD | BPF_H | BPF_ABS, FRAME_FILTER_AT_TYPE, 0, 0);
	frame_filter_emit(&p, BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_ARP, 0, 1);
	jump = p.used;
	frame_filter_emit(&p, BPF_JMP | BPF_JA, 0, 0, 0);
	frame_filter_must(&p, ETHERTYPE_IPV6);
	frame_filter_emit(&p, BPF_LD | BPF_B | BPF_ABS, AT_NEXT_HEADER, 0, 0);
	frame_filter_must(&p, IPPROTO_ICMPV6);
	frame_filter_emit(&p, BPF_LD | BPF_W | BPF_ABS, AT_TARGET_END, 0, 0);
	lan_emit_list(&p, l, g, AF_INET6, true);
	frame_filter_emit(&p, BPF_RET | BPF_K, 0, 0, 0);
	ret[jump].k = (uint32_t)(p.used - jump - 1);
	frame_filter_emit(&p, BPF_LD | BPF_W | BPF_ABS, AT_ARP_SENDER, 0, 0);
	lan_emit_list(&p, l, g, AF_INET, true);
	frame_filter_emit(&p, BPF_LD | BPF_W | BPF_ABS, AT_ARP_TARGET, 0, 0);
	lan_emit_list(&p, l, g, AF_INET, false);
	frame_filter_emit(&p, BPF_RET | BPF_K, 0, 0, 0);
	return p.used;
}

static int lan_open_socket(struct lan *l, struct lan_group *g, int ifindex)
{
	const struct sockaddr_ll bind_to = { .sll_family = AF_PACKET,
					     .sll_protocol = htons(ETH_P_ALL),
					     .sll_ifindex = ifindex };
	struct epoll_event event = { .events = EPOLLIN };
	struct sock_filter code[LAN_FILTER_MAX];
	struct sock_fprog program = { .filter = code, .len = (uint16_t)lan_filter(l, g, code) };
	int on = 1;

	g->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (g->fd < 0)
		return -errno;
	(void)setsockopt(g->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on); /* checked by MAC, too */
	/* Past the gate: it takes a question for an address for a word about it. */
	if (setsockopt(g->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0 ||
	    setsockopt(g->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
	    bind(g->fd, (const struct sockaddr *)&bind_to, sizeof bind_to) < 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, g->fd, &event) < 0)
		return -errno;
	g->ifindex = ifindex;
	return 0;
}

static void lan_close_socket(struct lan_group *g)
{
	close_fd(&g->fd); /* takes it out of the epoll as well */
	g->fd = -EBADF;
	g->ifindex = 0;
	g->rounds = 0;
}

/* NULL: nothing can be asked now. */
static const struct link_info *lan_link(struct lan *l, struct lan_group *g)
{
	const struct address_entry *e = lan_address(l, g->config.group, AF_INET);
	const struct link_info *link;

	if (!e)
		e = lan_address(l, g->config.group, AF_INET6);
	link = e && e->ifindex ? vip_links_find(l->links, e->ifindex) : NULL;
	if (link && link->base) /* a virtual MAC's: the node's own address is on the one below */
		link = vip_links_find(l->links, link->base);
	if (!link || !link->ethernet || !link->carrier)
		return NULL;
	if (g->ifindex != link->ifindex)
		lan_close_socket(g);
	if (g->fd < 0 && lan_open_socket(l, g, link->ifindex) < 0) {
		lan_close_socket(g);
		return NULL;
	}
	return link;
}

/* ---- asking ---- */

static void lan_question(const struct lan_group *g, const struct ip_address *ip, bool probe,
			 const struct link_info *link, struct announce_frame *ret)
{
	const struct ip_address none = { 0 };

	ret->ifindex = link->ifindex;
	if (ip->family == AF_INET)
		announce_ask_arp(ip, probe ? &none : &g->v4, &link->mac, ret);
	else
		announce_ask_ns(ip, probe ? &none : &g->v6, &link->mac, ret);
}

static size_t lan_ask_gateways(struct lan_group *g, const struct link_info *link,
			       struct announce_frame *frames, boot_t now)
{
	for (uint32_t i = 0; i < g->config.gateways_count; i++) {
		lan_question(g, &g->config.gateways[i], false, link, &frames[i]);
		if (g->gateway[i].asked_at.ns == 0)
			g->gateway[i].asked_at = now;
	}
	return g->config.gateways_count;
}

static size_t lan_ask_addresses(const struct lan *l, const struct lan_group *g, const struct link_info *link,
				struct announce_frame *frames)
{
	const int families[] = { AF_INET, AF_INET6 };
	size_t count = 0;

	for (int i = 0; i < 2; i++) {
		const struct address_entry *e = lan_address(l, g->config.group, families[i]);

		if (e)
			lan_question(g, &e->va.ip, true, link, &frames[count++]);
	}
	return count;
}

/* True if at least one has left. */
static bool lan_send(const struct lan_group *g, const struct announce_frame *frames, size_t count)
{
	bool left = false;

	for (size_t i = 0; i < count; i++)
		left |= send(g->fd, frames[i].bytes, frames[i].length, MSG_DONTWAIT) == frames[i].length;
	return left;
}

static void lan_row_breaks(struct lan_group *g)
{
	g->word.quiet = false;
	g->word.quiet_since = g->word.quiet_until = (boot_t){ 0 };
}

/* A row begins with a question that has left, and goes on while the next ones do. */
static void lan_row(struct lan_group *g, boot_t now)
{
	if (!g->word.quiet || !boot_before(now, g->word.quiet_until))
		g->word.quiet_since = now;
	g->word.quiet = true;
	g->word.quiet_until = boot_add(now, LAN_QUIET_ROUNDS * g->config.interval_ns);
}

static void lan_round(struct lan *l, struct lan_group *g, boot_t now)
{
	const struct link_info *link = lan_link(l, g);
	struct announce_frame frames[LAN_FRAMES_MAX];

	if (!link) {
		lan_row_breaks(g);
		return;
	}
	if (g->rounds++ % LAN_OWN_ROUNDS == 0 &&
	    address_table_own(l->addresses, link->ifindex, &g->v4, &g->v6) < 0)
		g->v4 = g->v6 = (struct ip_address){ 0 };		   /* asks as one that has none */
	(void)lan_send(g, frames, lan_ask_gateways(g, link, frames, now)); /* lost: nobody answers it */
	/* One is enough: below a VLAN or a bond the gate of another interface takes the one for IPv6. */
	if (!g->asks || !lan_send(g, frames, lan_ask_addresses(l, g, link, frames)))
		lan_row_breaks(g);
	else
		lan_row(g, now);
}

/* ---- hearing ---- */

/* Good since the k-th best of the gateways. */
static void lan_gateways_count(struct lan_group *g)
{
	boot_t best = { 0 };

	for (uint32_t i = 0; i < g->config.gateways_count; i++) {
		uint32_t as_good = 0;

		for (uint32_t k = 0; k < g->config.gateways_count; k++)
			as_good += g->gateway[k].proven_at.ns &&
				   !boot_before(g->gateway[k].proven_at, g->gateway[i].proven_at);
		if (g->gateway[i].proven_at.ns && as_good >= g->config.needed)
			best = boot_max(best, g->gateway[i].proven_at);
	}
	g->word.gateway_until = best.ns ? boot_add(best, g->config.timeout_ns) : best;
}

/* An answer counts from the first question that it can be for. */
static void lan_gateway_answers(struct lan_group *g, const struct ip_address *ip)
{
	for (uint32_t i = 0; i < g->config.gateways_count; i++) {
		struct lan_gateway *x = &g->gateway[i];

		if (!ip_equal(ip, &g->config.gateways[i]) || x->asked_at.ns == 0)
			continue;
		x->proven_at = x->asked_at;
		x->asked_at = (boot_t){ 0 };
		lan_gateways_count(g);
	}
}

/* A virtual MAC is on both nodes, and this socket hears nothing that this one sends. */
static bool lan_own(const struct lan *l, const struct address_entry *e, const struct mac_address *from)
{
	const struct link_info *at = e ? vip_links_find(l->links, e->ifindex) : NULL;

	if (at && at->base && !memcmp(&at->mac, from, sizeof *from))
		return false;
	return vip_links_own(l->links, from);
}

static void lan_frame(struct lan *l, struct lan_group *g, const uint8_t *frame, size_t length, boot_t now)
{
	const struct link_info *link = vip_links_find(l->links, g->ifindex);
	const struct address_entry *e;
	struct mac_address to, from;
	struct ip_address ip;
	enum lan_saying saying = lan_wire_read(frame, length, &ip, &to, &from);

	if (saying == LAN_NOTHING || !link)
		return;
	e = lan_find(l, g->config.group, &ip);
	if (lan_own(l, e, &from))
		return;
	if (saying == LAN_ANSWER && !memcmp(&to, &link->mac, sizeof to))
		lan_gateway_answers(g, &ip);
	if (!e)
		return;
	if (saying == LAN_PROBE && g->config.first)
		return; /* of two that ask, this one goes first */
	lan_row_breaks(g);
	if (saying != LAN_PROBE)
		g->word.other_until = boot_add(now, LAN_OTHER_ROUNDS * g->config.interval_ns);
}

static void lan_read_group(struct lan *l, struct lan_group *g, boot_t now)
{
	uint8_t frame[256];

	for (int i = 0; i < FRAMES_PER_READ; i++) {
		ssize_t n = recv(g->fd, frame, sizeof frame, MSG_DONTWAIT);

		if (n < 0 && errno == ENETDOWN)
			continue; /* told once, when the device went down */
		if (n < 0)
			return;
		lan_frame(l, g, frame, (size_t)n, now);
	}
}

void lan_read(struct lan *l, boot_t now)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (l->group[i].used && l->group[i].fd >= 0)
			lan_read_group(l, &l->group[i], now);
}

/* ---- time ---- */

boot_t lan_next(const struct lan *l)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (l->group[i].used)
			next = boot_min(next, l->group[i].next);
	return next;
}

void lan_tick(struct lan *l, boot_t now)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++) {
		struct lan_group *g = &l->group[i];

		if (!g->used || boot_before(now, g->next))
			continue;
		lan_round(l, g, now);
		g->next = boot_add(now, g->config.interval_ns);
	}
}

/* ---- the rest ---- */

void lan_init(struct lan *l, int epoll)
{
	l->epoll = epoll;
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		l->group[i].fd = -EBADF;
}

void lan_close(struct lan *l)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		lan_close_socket(&l->group[i]);
}

void lan_set(struct lan *l, const struct vip_lan_config *config, boot_t now)
{
	struct lan_group *g = &l->group[config->group];

	lan_close_socket(g); /* the addresses may be others: a new filter */
	*g = (struct lan_group){ .used = true, .config = *config, .fd = -EBADF, .next = now };
}

void lan_ask(struct lan *l, group_index_t group, bool ask, boot_t now)
{
	struct lan_group *g = &l->group[group];

	if (!g->used || g->asks == ask)
		return;
	g->asks = ask;
	lan_row_breaks(g);
	if (ask)
		g->next = now;
}
