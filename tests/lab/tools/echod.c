/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * echod NODE: answers the prober's datagrams from the very address they were sent to (IP_PKTINFO), with its
 * node id and the time. It runs on every node all the time and answers at any local address: what keeps a
 * standby silent must be the gate, not this server.
 */
#include "labtool.h"

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>

static int echod_open(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(LAB_ECHO_PORT) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(LAB_ECHO_PORT) };
	bool v6 = family == AF_INET6;
	if (fd < 0)
		lab_die("socket");
	if (v6 && (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0 ||
		   setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) < 0))
		lab_die("IPV6_RECVPKTINFO");
	if (!v6 && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0)
		lab_die("IP_PKTINFO");
	if (bind(fd, v6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4, v6 ? sizeof a6 : sizeof a4) < 0)
		lab_die("bind port %d", LAB_ECHO_PORT);
	return fd;
}

/* The control message that came in says where the datagram was sent to; the same message going out sets the
 * source. */
static void echod_turn_around(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			info.ipi_spec_dst = info.ipi_addr;
			info.ipi_ifindex = 0;
			memcpy(CMSG_DATA(c), &info, sizeof info);
		}
	}
}

static void echod_answer(int fd, uint32_t node)
{
	struct lab_echo echo;
	struct sockaddr_storage from;
	char control[256];
	struct iovec iov = { &echo, sizeof echo };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof from,
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof control };
	if (recvmsg(fd, &m, MSG_DONTWAIT) != sizeof echo || echo.magic != LAB_ECHO_MAGIC)
		return;
	echo.node = node;
	echo.echoed_ns = lab_now_ns();
	echod_turn_around(&m);
	(void)sendmsg(fd, &m, MSG_DONTWAIT); /* a shut gate is no error of ours */
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	uint32_t node = (uint32_t)atoi(argv[1]);
	struct sched_param rr = { .sched_priority = 40 };
	(void)sched_setscheduler(0, SCHED_RR,
				 &rr); /* where it is not allowed the numbers get noisier, not wrong */
	struct pollfd fds[2] = { { echod_open(AF_INET), POLLIN, 0 }, { echod_open(AF_INET6), POLLIN, 0 } };
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++)
			if (fds[i].revents & POLLIN)
				echod_answer(fds[i].fd, node);
	}
}
