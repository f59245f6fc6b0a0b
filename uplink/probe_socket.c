/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_socket.h"

#include "cleanup.h"
#include "clock_read.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* <linux/icmp.h> and <netinet/ip_icmp.h> cannot be included together. */
#define RAW_ICMP_FILTER 1
#define RAW_ICMP_REPLY	0
#define ANCILLARY_SIZE	256
#define DSCP_SHIFT	2

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_make(const struct ip_address *ip, uint16_t port, int ifindex,
			      union socket_address *ret)
{
	memset(ret, 0, sizeof *ret);
	if (ip->family == AF_INET) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		memcpy(&ret->v4.sin_addr, ip->bytes, sizeof ret->v4.sin_addr);
		return sizeof ret->v4;
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	memcpy(&ret->v6.sin6_addr, ip->bytes, sizeof ret->v6.sin6_addr);
	ret->v6.sin6_scope_id = ip_link_local(ip) ? (uint32_t)ifindex : 0;
	return sizeof ret->v6;
}

/* Only answers: a raw socket would be handed every ICMP message of the machine. */
static int filter_icmp(int fd, int protocol)
{
	const uint32_t block = ~(1U << RAW_ICMP_REPLY);
	struct icmp6_filter filter;

	if (protocol == IPPROTO_ICMP)
		return setsockopt(fd, SOL_RAW, RAW_ICMP_FILTER, &block, sizeof block) < 0 ? -errno : 0;
	if (protocol != IPPROTO_ICMPV6)
		return 0;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) < 0 ? -errno : 0;
}

static int set_dscp(int fd, uint8_t family, uint8_t dscp)
{
	int value = dscp << DSCP_SHIFT, r;

	if (dscp == 0)
		return 0;
	r = family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof value)
			      : setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value);
	return r < 0 ? -errno : 0;
}

static int set_binding(int fd, const struct probe_binding *b, int ifindex)
{
	union socket_address from;
	socklen_t len;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, b->device,
		       (socklen_t)strnlen(b->device, sizeof b->device)) < 0)
		return -errno;
	if (b->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &b->mark, sizeof b->mark) < 0)
		return -errno;
	if (!b->from.family)
		return 0;
	len = address_make(&b->from, 0, ifindex, &from);
	return bind(fd, &from.any, len) < 0 ? -errno : 0;
}

static int set_all(int fd, const struct probe_binding *b, int protocol, const struct ip_address *to,
		   uint16_t port, int ifindex)
{
	union socket_address peer;
	int on = 1, r = set_binding(fd, b, ifindex);

	if (r == 0)
		r = set_dscp(fd, to->family, b->dscp);
	if (r == 0)
		r = filter_icmp(fd, protocol);
	if (r < 0)
		return r;
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on); /* without it, `now` must do */
	if (connect(fd, &peer.any, address_make(to, port, ifindex, &peer)) < 0 && errno != EINPROGRESS)
		return -errno;
	return 0;
}

int probe_socket_open(const struct probe_binding *b, int type, int protocol, const struct ip_address *to,
		      uint16_t port, int ifindex)
{
	int fd = socket(to->family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), r;

	if (fd < 0)
		return -errno;
	r = set_all(fd, b, protocol, to, port, ifindex);
	if (r == 0)
		return fd;
	close_fd(&fd);
	return r;
}

/* The kernel stamps with the wall clock: its age is what counts, and nonsense (the clock was set) is not
 * believed. */
static boot_t stamp_time(struct msghdr *m, boot_t now)
{
	struct timespec stamp;
	int64_t age_ns;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS ||
		    c->cmsg_len < CMSG_LEN(sizeof stamp))
			continue;
		memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
		age_ns = clock_wall_ns() - (stamp.tv_sec * NS_PER_S + stamp.tv_nsec);
		return age_ns >= 0 && age_ns < 10 * NS_PER_S ? boot_add(now, -age_ns) : now;
	}
	return now;
}

ssize_t probe_socket_take(int fd, void *ret, size_t size, boot_t now, boot_t *ret_at)
{
	_Alignas(struct cmsghdr) char ancillary[ANCILLARY_SIZE];
	struct iovec iov = { ret, size };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary
	};
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	*ret_at = stamp_time(&m, now);
	return n;
}

const char *probe_endpoint_format(const struct ip_address *ip, uint16_t port,
				  char ret[PROBE_ENDPOINT_TEXT_MAX])
{
	char text[IP_TEXT_MAX];

	(void)ip_format(ip, text);
	(void)snprintf(ret, PROBE_ENDPOINT_TEXT_MAX, ip->family == AF_INET6 ? "[%s]:%u" : "%s:%u", text,
		       port); /* fits */
	return ret;
}

int probe_socket_name(int fd, struct ip_address *ret, uint16_t *ret_port)
{
	union socket_address a;
	socklen_t len = sizeof a;

	if (getsockname(fd, &a.any, &len) < 0)
		return -errno;
	if (a.any.sa_family == AF_INET) {
		*ret = ip_make(AF_INET, &a.v4.sin_addr);
		*ret_port = ntohs(a.v4.sin_port);
	} else {
		*ret = ip_make(AF_INET6, &a.v6.sin6_addr);
		*ret_port = ntohs(a.v6.sin6_port);
	}
	return 0;
}
