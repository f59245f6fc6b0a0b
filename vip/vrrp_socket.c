/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_socket.h"

#include "cleanup.h"
#include "vrrp_wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Network control, as routers mark it: the first band of the default queueing discipline. */
#define SEND_PRIORITY 7

/* ---- receiver ---- */

int vrrp_receiver_filter(struct vrrp_receiver *r, const struct vrrp_filter_ids *ids)
{
	struct sock_filter code[VRRP_FILTER_INSTRUCTIONS_MAX];
	struct sock_fprog program = { .filter = code };

	program.len = (uint16_t)vrrp_filter_build(ids, code);
	if (setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
		return -errno;
	r->ids = *ids;
	return 0;
}

static int receiver_start(struct vrrp_receiver *r, int epoll, const struct vrrp_filter_ids *ids)
{
	const struct sockaddr_ll bind_to = { .sll_family = AF_PACKET,
					     .sll_protocol = htons(ETH_P_ALL),
					     .sll_ifindex = r->ifindex };
	struct epoll_event event = { .events = EPOLLIN };
	int on = 1, error;

	/* Protocol 0: nothing is queued before the filter is there. */
	r->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd < 0)
		return -errno;
	(void)setsockopt(r->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on); /* the filter, too */
	error = vrrp_receiver_filter(r, ids);
	if (error < 0)
		return error;
	if (bind(r->fd, (const struct sockaddr *)&bind_to, sizeof bind_to) < 0)
		return -errno;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, r->fd, &event) < 0 ? -errno : 0;
}

int vrrp_receiver_open(struct vrrp_receiver *r, int epoll, int ifindex, const struct vrrp_filter_ids *ids)
{
	int error;

	*r = (struct vrrp_receiver){ .fd = -EBADF, .ifindex = ifindex };
	error = receiver_start(r, epoll, ids);
	if (error < 0)
		vrrp_receiver_close(r);
	return error;
}

void vrrp_receiver_close(struct vrrp_receiver *r)
{
	close_fd(&r->fd); /* takes it out of the epoll as well */
	*r = (struct vrrp_receiver){ .fd = -EBADF };
}

size_t vrrp_receiver_read(const struct vrrp_receiver *r, struct vrrp_frames *ret)
{
	struct mmsghdr messages[VRRP_FRAMES_PER_READ] = { 0 };
	struct iovec iov[VRRP_FRAMES_PER_READ];
	int n;

	for (size_t i = 0; i < VRRP_FRAMES_PER_READ; i++) {
		iov[i] = (struct iovec){ ret->frame[i].bytes, VRRP_FRAME_MAX };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	do
		n = recvmmsg(r->fd, messages, VRRP_FRAMES_PER_READ, MSG_DONTWAIT, NULL);
	while (n < 0 && (errno == EINTR || errno == ENETDOWN)); /* told once, when the device went down */
	for (int i = 0; i < n; i++)
		ret->frame[i].len = messages[i].msg_len;
	return n < 0 ? 0 : (size_t)n;
}

/* ---- sender ---- */

static int option_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

/* RECVERR: without it, what the gate or a full queue drops on its way out counts as sent. */
static int sender_options4(int fd)
{
	int r = option_set(fd, IPPROTO_IP, IP_RECVERR, 1);

	if (r == 0)
		r = option_set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	return r < 0 ? r : option_set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

/* FREEBIND: the source is on the base device, also where the virtual MAC's one sends. */
static int sender_options6(int fd)
{
	int r = option_set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);

	if (r == 0)
		r = option_set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	return r < 0 ? r : option_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
}

/* IPPROTO_RAW: we write the IP header, of both families, and nothing is ever queued for reading. */
int vrrp_sender_open(struct vrrp_sender *s, int family)
{
	int r;

	*s = (struct vrrp_sender){ .family = family };
	s->fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (s->fd < 0)
		return -errno;
	(void)option_set(s->fd, SOL_SOCKET, SO_PRIORITY, SEND_PRIORITY); /* a help on a full link */
	r = family == AF_INET ? sender_options4(s->fd) : sender_options6(s->fd);
	if (r < 0)
		vrrp_sender_close(s);
	return r;
}

void vrrp_sender_close(struct vrrp_sender *s)
{
	close_fd(&s->fd);
	*s = (struct vrrp_sender){ .fd = -EBADF, .family = s->family };
}

static int membership_set4(int fd, int ifindex, bool join)
{
	const struct ip_address group = vrrp_multicast(AF_INET);
	struct ip_mreqn request = { .imr_ifindex = ifindex };

	memcpy(&request.imr_multiaddr, group.bytes, sizeof request.imr_multiaddr);
	return setsockopt(fd, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
			  sizeof request) < 0
		       ? -errno
		       : 0;
}

static int membership_set6(int fd, int ifindex, bool join)
{
	const struct ip_address group = vrrp_multicast(AF_INET6);
	struct ipv6_mreq request = { .ipv6mr_interface = (unsigned)ifindex };

	memcpy(&request.ipv6mr_multiaddr, group.bytes, sizeof request.ipv6mr_multiaddr);
	return setsockopt(fd, IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
			  sizeof request) < 0
		       ? -errno
		       : 0;
}

static int membership_set(const struct vrrp_sender *s, int ifindex, bool join)
{
	int r = s->family == AF_INET ? membership_set4(s->fd, ifindex, join)
				     : membership_set6(s->fd, ifindex, join);

	return join && r == -EADDRINUSE ? 0 : r;
}

static int membership_move(const struct vrrp_sender *s, int *at, int ifindex, bool renew)
{
	int r = 0;

	if (*at == ifindex && !renew)
		return 0;
	if (*at)
		(void)membership_set(s, *at, false); /* with its device it is gone already */
	if (ifindex)
		r = membership_set(s, ifindex, true);
	*at = r < 0 ? 0 : ifindex;
	return r;
}

int vrrp_sender_join(struct vrrp_sender *s, int ifindex, int mac_ifindex, bool renew)
{
	int r = membership_move(s, &s->joined, ifindex, renew);
	int r_mac = membership_move(s, &s->joined_mac, mac_ifindex, renew);

	return r < 0 ? r : r_mac;
}

/* The device of this one packet; the source as well, where the kernel wants to know it. */
static void control_fill4(struct msghdr *m, int ifindex)
{
	const struct in_pktinfo info = { .ipi_ifindex = ifindex };
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	*c = (struct cmsghdr){ .cmsg_level = IPPROTO_IP,
			       .cmsg_type = IP_PKTINFO,
			       .cmsg_len = CMSG_LEN(sizeof info) };
	memcpy(CMSG_DATA(c), &info, sizeof info);
	m->msg_controllen = CMSG_SPACE(sizeof info);
}

static void control_fill6(struct msghdr *m, int ifindex, const struct ip_address *from)
{
	struct in6_pktinfo info = { .ipi6_ifindex = (unsigned)ifindex };
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	memcpy(&info.ipi6_addr, from->bytes, sizeof info.ipi6_addr);
	*c = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6,
			       .cmsg_type = IPV6_PKTINFO,
			       .cmsg_len = CMSG_LEN(sizeof info) };
	memcpy(CMSG_DATA(c), &info, sizeof info);
	m->msg_controllen = CMSG_SPACE(sizeof info);
}

static socklen_t destination_fill(const struct ip_address *to, int ifindex, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){ .ss_family = to->family };
	if (to->family == AF_INET) {
		memcpy(&in4->sin_addr, to->bytes, sizeof in4->sin_addr);
		return sizeof *in4;
	}
	memcpy(&in6->sin6_addr, to->bytes, sizeof in6->sin6_addr);
	in6->sin6_scope_id = (unsigned)ifindex; /* counts for link-local destinations only */
	return sizeof *in6;
}

int vrrp_sender_send(const struct vrrp_sender *s, int ifindex, const struct ip_address *from,
		     const struct ip_address *to, const uint8_t *packet, size_t len)
{
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { (void *)packet, len };
	struct sockaddr_storage name;
	struct msghdr m = { .msg_name = &name, .msg_iov = &iov, .msg_iovlen = 1 };

	if (s->fd < 0)
		return -ENOTCONN;
	m.msg_namelen = destination_fill(to, ifindex, &name);
	m.msg_control = control;
	m.msg_controllen = sizeof control;
	if (s->family == AF_INET)
		control_fill4(&m, ifindex);
	else
		control_fill6(&m, ifindex, from);
	return sendmsg(s->fd, &m, MSG_DONTWAIT) < 0 ? -errno : 0;
}
