/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pulse_socket.h"

#include "cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define RECEIVE_BUFFER_BYTES (1 << 20)
#define PRIORITY	     6 /* the highest one that needs no capability */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t address_fill(const struct ip_address *ip, uint16_t port, union address *ret)
{
	memset(ret, 0, sizeof *ret);
	if (ip->family == AF_INET) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(port);
		memcpy(&ret->in.sin_addr, ip->bytes, 4);
		return sizeof ret->in;
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(port);
	memcpy(&ret->in6.sin6_addr, ip->bytes, 16);
	return sizeof ret->in6;
}

/* A pulse arrives without any of these, only later or less surely. */
static void set_options(int fd, uint8_t family)
{
	const int tos = IPTOS_CLASS_CS6, priority = PRIORITY, size = RECEIVE_BUFFER_BYTES;

	if (family == AF_INET)
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
	else
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
	(void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static int set_free_bind(int fd, uint8_t family)
{
	const int on = 1;

	if (family == AF_INET)
		return setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on))
		return -1;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
}

int pulse_socket_open(const struct ip_address *address, uint16_t port, int *ret_fd)
{
	_cleanup_(close_fd) int fd = socket(address->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	union address a;
	socklen_t len = address_fill(address, port, &a);

	if (fd < 0 || set_free_bind(fd, address->family) || bind(fd, &a.sa, len))
		return -errno;
	set_options(fd, address->family);
	*ret_fd = fd;
	fd = -EBADF;
	return 0;
}

int pulse_socket_send(int fd, const struct ip_address *to, uint16_t port, const void *data, size_t len)
{
	union address a;
	socklen_t a_len = address_fill(to, port, &a);
	ssize_t n = sendto(fd, data, len, MSG_DONTWAIT, &a.sa, a_len);

	return n < 0 ? -errno : n == (ssize_t)len ? 0 : -EMSGSIZE;
}

static struct ip_address address_read(const union address *a)
{
	return a->sa.sa_family == AF_INET ? ip_make(AF_INET, &a->in.sin_addr)
					  : ip_make(AF_INET6, &a->in6.sin6_addr);
}

int pulse_socket_receive(int fd, struct pulse_batch *ret)
{
	struct mmsghdr messages[PULSE_BATCH_MAX] = { 0 };
	struct iovec parts[PULSE_BATCH_MAX];
	union address from[PULSE_BATCH_MAX];
	int n;

	for (int i = 0; i < PULSE_BATCH_MAX; i++) {
		parts[i] = (struct iovec){ ret->datagrams[i].data, sizeof ret->datagrams[i].data };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i],
			.msg_namelen = sizeof from[i],
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
		};
	}
	n = recvmmsg(fd, messages, PULSE_BATCH_MAX, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		ret->datagrams[i].from = address_read(&from[i]);
		ret->datagrams[i].len = messages[i].msg_len;
	}
	return n < 0 ? 0 : n;
}
