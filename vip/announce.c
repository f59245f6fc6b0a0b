/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "announce.h"

#include "cleanup.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>

int announcer_open(struct announcer *a)
{
	/* Protocol 0: only sends. */
	a->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return a->fd < 0 ? -errno : 0;
}

void announcer_close(struct announcer *a)
{
	close_fd(&a->fd);
	a->fd = -EBADF;
}

/* ---- sending ---- */

static struct sockaddr_ll frame_destination(const struct announce_frame *f)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = f->ifindex, .sll_halen = ETH_ALEN };

	memcpy(&to.sll_protocol, f->bytes + 12, sizeof to.sll_protocol);
	memcpy(to.sll_addr, f->bytes, ETH_ALEN);
	return to;
}

static int send_batch(struct announcer *a, struct mmsghdr *messages, size_t count, size_t *sent)
{
	int error = 0;

	for (size_t at = 0; at < count;) {
		int n = sendmmsg(a->fd, messages + at, (unsigned)(count - at), 0);

		if (n > 0) {
			at += (size_t)n;
			*sent += (size_t)n;
			a->frames += (uint64_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* The first of the rest failed; the others may pass. */
		error = error ? error : -errno;
		a->dropped++;
		at++;
	}
	return error;
}

int announcer_send(struct announcer *a, struct announce_frame *frames, size_t count, size_t *ret_sent)
{
	struct mmsghdr messages[ANNOUNCE_BATCH] = { 0 };
	struct sockaddr_ll to[ANNOUNCE_BATCH];
	struct iovec iov[ANNOUNCE_BATCH];

	assert(count <= ANNOUNCE_BATCH);
	for (size_t i = 0; i < count; i++) {
		to[i] = frame_destination(&frames[i]);
		iov[i] = (struct iovec){ frames[i].bytes, frames[i].length };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &iov[i], .msg_iovlen = 1
		};
	}
	return send_batch(a, messages, count, ret_sent);
}

/* ---- rounds ---- */

/* The frames of one address; returns how many. */
static size_t frames_of(const struct address_entry *e, const struct link_info *link,
			struct announce_frame ret[2])
{
	ret[0].ifindex = ret[1].ifindex = link->ifindex;
	if (e->va.ip.family == AF_INET6) {
		announce_na(&e->va.ip, &link->mac, link->forwards, &ret[0]);
		return 1;
	}
	announce_arp(&e->va.ip, &link->mac, false, &ret[0]);
	announce_arp(&e->va.ip, &link->mac, true, &ret[1]);
	return 2;
}

static int announce_link(const struct announcer *a, const struct address_entry *e,
			 const struct link_info **ret)
{
	const struct link_info *link = e->ifindex ? vip_links_find(a->links, e->ifindex) : NULL;

	*ret = link;
	if (!link)
		return -ENODEV;
	if (!link->up)
		return -ENETDOWN;
	return link->ethernet ? 0 : -EAFNOSUPPORT; /* nobody to tell on a device without neighbours */
}

/* Sends the next batch of a round. Returns true at the end of the round. */
static bool announce_batch(struct announcer *a, group_index_t group, struct announce_group *g)
{
	struct announce_frame frames[ANNOUNCE_BATCH];
	const struct link_info *link;
	size_t count = 0, i;
	int r;

	for (i = g->at; i < a->addresses->count && count + 2 <= ANNOUNCE_BATCH; i++) {
		const struct address_entry *e = &a->addresses->entry[i];

		if (e->va.group != group)
			continue;
		r = announce_link(a, e, &link);
		if (r < 0)
			g->error = g->error ? g->error : r;
		else
			count += frames_of(e, link, &frames[count]);
	}
	g->at = i;
	if (count) {
		r = announcer_send(a, frames, count, &g->sent);
		g->error = g->error ? g->error : r;
	}
	return i == a->addresses->count;
}

static void round_finish(struct announcer *a, group_index_t group, struct announce_group *g, boot_t now)
{
	int error = g->error;

	announce_schedule_done(&g->schedule, now);
	g->at = 0;
	g->error = 0;
	g->sent = 0;
	if (g->told)
		return;
	g->told = true;
	a->ops->announced(a->ctx, group, error);
}

static boot_t group_next(const struct announce_group *g)
{
	return g->schedule.active && g->at ? g->pause : announce_schedule_next(&g->schedule);
}

static void group_tick(struct announcer *a, group_index_t group, boot_t now)
{
	struct announce_group *g = &a->group[group];

	if (boot_before(now, group_next(g)))
		return;
	if (announce_batch(a, group, g))
		round_finish(a, group, g, now);
	else
		g->pause = boot_add(now, ANNOUNCE_PAUSE_NS);
}

void announcer_start(struct announcer *a, group_index_t group, boot_t now)
{
	struct announce_group *g = &a->group[group];

	assert(group < RK_GROUPS_MAX);
	announce_schedule_start(&g->schedule, now);
	g->at = 0;
	g->error = 0;
	g->sent = 0;
	g->told = false;
	group_tick(a, group, now);
}

void announcer_again(struct announcer *a, group_index_t group, boot_t now)
{
	struct announce_group *g = &a->group[group];

	assert(group < RK_GROUPS_MAX);
	if (!g->schedule.active)
		return;
	announce_schedule_start(&g->schedule, now);
	g->at = 0;
	group_tick(a, group, now);
}

void announcer_defend(struct announcer *a, group_index_t group, boot_t now)
{
	assert(group < RK_GROUPS_MAX);
	announce_schedule_defend(&a->group[group].schedule, now);
	if (a->group[group].schedule.active)
		group_tick(a, group, now);
}

void announcer_stop(struct announcer *a, group_index_t group)
{
	assert(group < RK_GROUPS_MAX);
	announce_schedule_stop(&a->group[group].schedule);
	a->group[group].at = 0;
}

bool announcer_active(const struct announcer *a, group_index_t group)
{
	return group < RK_GROUPS_MAX && a->group[group].schedule.active;
}

boot_t announcer_next(const struct announcer *a)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		next = boot_min(next, group_next(&a->group[i]));
	return next;
}

void announcer_tick(struct announcer *a, boot_t now)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		group_tick(a, (group_index_t)i, now);
}
