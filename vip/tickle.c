/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tickle.h"

#include "cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static int open_raw(int family)
{
	/* IPPROTO_RAW: the header is ours, in both families (raw(7), RFC 3542 leaves it open, Linux does it).
	 */
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);

	return fd < 0 ? -errno : fd;
}

int tickle_open(struct tickle_socket *s)
{
	*s = TICKLE_SOCKET_NONE;
	s->fd4 = open_raw(AF_INET);
	s->fd6 = open_raw(AF_INET6);
	if (s->fd4 < 0)
		return s->fd4;
	return s->fd6 < 0 && s->fd6 != -EAFNOSUPPORT ? s->fd6 : 0;
}

void tickle_send(struct tickle_socket *s, const struct tickle *t)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	uint8_t packet[TICKLE_BYTES_MAX];
	size_t len = tickle_write(t, packet);
	ssize_t n;

	if (t->to.family == AF_INET) {
		memcpy(&to4.sin_addr, t->to.bytes, sizeof to4.sin_addr);
		n = sendto(s->fd4, packet, len, MSG_DONTWAIT, (struct sockaddr *)&to4, sizeof to4);
	} else {
		memcpy(&to6.sin6_addr, t->to.bytes, sizeof to6.sin6_addr);
		n = sendto(s->fd6, packet, len, MSG_DONTWAIT, (struct sockaddr *)&to6, sizeof to6);
	}
	if (len > 0 && n == (ssize_t)len)
		s->sent++;
	else
		s->failed++;
}

void tickle_close(struct tickle_socket *s)
{
	close_fd(&s->fd4);
	close_fd(&s->fd6);
	s->fd4 = s->fd6 = -EBADF;
}
