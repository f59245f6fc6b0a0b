/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "contention.h"

#include "announce_wire.h"
#include "cleanup.h"
#include "frame_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define FRAMES_PER_READ 64
#define ND_ADVERTISE	136

/* Offsets in a frame without tag (the kernel has taken it off). */
#define AT_ARP_SENDER  28
#define AT_NEXT_HEADER 20
#define AT_ICMP_TYPE   54
#define AT_TARGET_END  74 /* the last 4 bytes of the target; the whole is compared in user space */

/* ---- filter ---- */

/* Conditional jumps reach 255 instructions only, so each address gets a return of its own. */
static void emit_addresses(struct frame_filter *p, const struct address_table *t, int ifindex, uint8_t family)
{
	if (!t) {
		frame_filter_emit(p, BPF_RET | BPF_K, FRAME_FILTER_PASS, 0, 0);
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct address_entry *e = &t->entry[i];
		uint32_t word;

		if (e->ifindex != ifindex || e->va.ip.family != family)
			continue;
		memcpy(&word, e->va.ip.bytes + (family == AF_INET ? 0 : 12), sizeof word);
		frame_filter_emit(p, BPF_JMP | BPF_JEQ | BPF_K, ntohl(word), 0, 1);
		frame_filter_emit(p, BPF_RET | BPF_K, FRAME_FILTER_PASS, 0, 0);
	}
	frame_filter_emit(p, BPF_RET | BPF_K, 0, 0, 0);
}

size_t contention_filter(const struct address_table *t, int ifindex, bool exact,
			 struct sock_filter ret[CONTENTION_INSTRUCTIONS_MAX])
{
	struct frame_filter p = { .code = ret, .max = CONTENTION_INSTRUCTIONS_MAX };
	size_t jump;

	_Static_assert(2 * VIRTUAL_ADDRESSES_MAX + 32 <= CONTENTION_INSTRUCTIONS_MAX, "the filter must fit");
	frame_filter_untagged(&p);
	frame_filter_emit(&p, BPF_LD | BPF_H | BPF_ABS, FRAME_FILTER_AT_TYPE, 0, 0);
	frame_filter_emit(&p, BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_ARP, 0, 1);
	jump = p.used;
	frame_filter_emit(&p, BPF_JMP | BPF_JA, 0, 0, 0); /* to the ARP part: distance filled in below */
	frame_filter_must(&p, ETHERTYPE_IPV6);
	frame_filter_emit(&p, BPF_LD | BPF_B | BPF_ABS, AT_NEXT_HEADER, 0, 0);
	frame_filter_must(&p, IPPROTO_ICMPV6);
	frame_filter_emit(&p, BPF_LD | BPF_B | BPF_ABS, AT_ICMP_TYPE, 0, 0);
	frame_filter_must(&p, ND_ADVERTISE);
	frame_filter_emit(&p, BPF_LD | BPF_W | BPF_ABS, AT_TARGET_END, 0, 0);
	emit_addresses(&p, exact ? t : NULL, ifindex, AF_INET6);
	ret[jump].k = (uint32_t)(p.used - jump - 1);
	frame_filter_emit(&p, BPF_LD | BPF_W | BPF_ABS, AT_ARP_SENDER, 0, 0);
	emit_addresses(&p, exact ? t : NULL, ifindex, AF_INET);
	return p.used;
}

/* ---- sockets ---- */

void contention_init(struct contention *c, int epoll)
{
	*c = (struct contention){ .epoll = epoll };
	for (size_t i = 0; i < CONTENTION_DEVICES_MAX; i++)
		c->device[i].fd = -EBADF;
}

static void device_close(struct contention_device *d)
{
	close_fd(&d->fd); /* takes it out of the epoll as well */
	*d = (struct contention_device){ .fd = -EBADF };
}

void contention_close(struct contention *c)
{
	for (size_t i = 0; i < CONTENTION_DEVICES_MAX; i++)
		device_close(&c->device[i]);
}

static int device_set_filter(const struct contention_device *d, const struct address_table *t, bool exact,
			     struct sock_filter *code)
{
	struct sock_fprog program = { .filter = code };

	program.len = (uint16_t)contention_filter(t, d->ifindex, exact, code);
	return setsockopt(d->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno : 0;
}

static int device_filter(const struct contention_device *d, const struct address_table *t)
{
	_cleanup_(free_ptr) struct sock_filter *code = calloc(CONTENTION_INSTRUCTIONS_MAX, sizeof *code);
	int r;

	if (!code)
		return -ENOMEM;
	r = device_set_filter(d, t, true, code);
	return r == -ENOMEM ? device_set_filter(d, t, false, code) : r;
}

/* The filter is in place before the socket is bound, so nothing unwanted is ever queued. */
static int device_open(struct contention *c, struct contention_device *d, const struct address_table *t)
{
	const struct sockaddr_ll bind_to = { .sll_family = AF_PACKET,
					     .sll_protocol = htons(ETH_P_ALL),
					     .sll_ifindex = d->ifindex };
	struct epoll_event event = { .events = EPOLLIN };
	int on = 1, r;

	d->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0)
		return -errno;
	(void)setsockopt(d->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on); /* checked by MAC, too */
	r = device_filter(d, t);
	if (r < 0)
		return r;
	if (bind(d->fd, (const struct sockaddr *)&bind_to, sizeof bind_to) < 0)
		return -errno;
	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, d->fd, &event) < 0 ? -errno : 0;
}

static bool device_wanted(const struct address_table *t, int ifindex)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->entry[i].ifindex == ifindex)
			return true;
	return false;
}

static struct contention_device *device_find(struct contention *c, int ifindex)
{
	for (size_t i = 0; i < CONTENTION_DEVICES_MAX; i++)
		if (c->device[i].ifindex == ifindex)
			return &c->device[i];
	return NULL;
}

static int device_add(struct contention *c, const struct address_table *t, int ifindex)
{
	struct contention_device *d = device_find(c, 0);
	const struct link_info *link = vip_links_find(t->links, ifindex);
	int r;

	if (!d || !link || !link->ethernet)
		return d ? 0 : -ENOSPC;
	d->ifindex = ifindex;
	r = device_open(c, d, t);
	if (r < 0)
		device_close(d);
	return r;
}

int contention_update(struct contention *c, const struct address_table *t)
{
	int error = 0, r;

	for (size_t i = 0; i < CONTENTION_DEVICES_MAX; i++) {
		struct contention_device *d = &c->device[i];

		if (!d->ifindex)
			continue;
		r = device_wanted(t, d->ifindex) ? device_filter(d, t) : -ENODEV;
		if (r < 0)
			device_close(d);
	}
	for (size_t i = 0; i < t->count; i++) {
		int ifindex = t->entry[i].ifindex;

		if (!ifindex || device_find(c, ifindex))
			continue;
		r = device_add(c, t, ifindex);
		error = error ? error : r;
	}
	return error;
}

/* ---- reading ---- */

static void frame_look(const uint8_t *frame, size_t length, const struct contention_device *d,
		       const struct address_table *t, const struct vip_links *links,
		       contention_handler *handler, void *ctx)
{
	const struct link_info *link = vip_links_find(links, d->ifindex);
	const struct address_entry *e;
	struct mac_address mac;
	struct ip_address ip;

	/* A second card of ours on the same LAN answers ARP for every address of this node. */
	if (!link || !announce_claim(frame, length, &ip, &mac) || vip_links_own(links, &mac))
		return;
	e = address_table_find(t, &ip);
	if (e && e->ifindex == d->ifindex)
		handler(ctx, e, link, &mac);
}

static void device_read(const struct contention_device *d, const struct address_table *t,
			const struct vip_links *links, contention_handler *handler, void *ctx)
{
	uint8_t frame[256];

	for (int i = 0; i < FRAMES_PER_READ; i++) {
		ssize_t n = recv(d->fd, frame, sizeof frame, MSG_DONTWAIT);

		if (n < 0 && errno == ENETDOWN)
			continue; /* told once, when the device went down */
		if (n < 0)
			return;
		frame_look(frame, (size_t)n, d, t, links, handler, ctx);
	}
}

void contention_read(struct contention *c, const struct address_table *t, const struct vip_links *links,
		     contention_handler *handler, void *ctx)
{
	for (size_t i = 0; i < CONTENTION_DEVICES_MAX; i++)
		if (c->device[i].ifindex)
			device_read(&c->device[i], t, links, handler, ctx);
}
