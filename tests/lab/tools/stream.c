/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fast stream of numbered datagrams, and who counts them.
 *
 *   stream send ADDRESS PORT PER_SECOND SECONDS    prints how many it sent, and how many the kernel refused
 *   stream sink PORT                               until it gets one with the number LAST, prints how many
 * came, how many twice, and how many its socket had to drop
 *
 * The sender ends with some datagrams that carry LAST.
 */
#include "labtool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAST		   UINT32_MAX
#define NUMBERS_MAX	   (1U << 24)
#define SO_RXQ_OVFL_OPTION 40

static void stream_send(char **arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg[1])) };
	uint64_t per_second = strtoull(arg[2], NULL, 10), count = per_second * strtoull(arg[3], NULL, 10);
	uint64_t start, refused = 0;
	uint32_t message[40] = { 0 }; /* as long as 20 ms of G.711 */
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, arg[0], &to.sin_addr) != 1)
		lab_die("socket");
	start = lab_now_ns();
	for (uint64_t i = 0; i < count; i++) {
		while (lab_now_ns() < start + i * 1000000000ULL / per_second)
			if (i % 64 == 0)
				(void)usleep(100);
		message[0] = (uint32_t)i;
		if (sendto(fd, message, sizeof message, 0, (struct sockaddr *)&to, sizeof to) < 0)
			refused++;
	}
	printf("sent=%llu refused=%llu ms=%llu\n", (unsigned long long)count, (unsigned long long)refused,
	       (unsigned long long)((lab_now_ns() - start) / 1000000));
	message[0] = LAST;
	for (int i = 0; i < 20; i++) {
		(void)usleep(50000);
		(void)sendto(fd, message, sizeof message, 0, (struct sockaddr *)&to, sizeof to);
	}
}

static uint32_t dropped(const struct msghdr *m, uint32_t before)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL_OPTION)
			memcpy(&before, CMSG_DATA(c), sizeof before);
	return before;
}

static void stream_sink(char **arg)
{
	static uint8_t seen[NUMBERS_MAX];
	struct sockaddr_in on = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg[0])) };
	uint64_t came = 0, twice = 0;
	uint32_t message[40], drops = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 64 << 20, yes = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&on, sizeof on) < 0)
		lab_die("bind");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL_OPTION, &yes, sizeof yes);
	printf("listening\n");
	fflush(stdout);
	for (;;) {
		_Alignas(struct cmsghdr) char control[64];
		struct iovec iov = { message, sizeof message };
		struct msghdr m = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof control };
		ssize_t n = recvmsg(fd, &m, 0);

		if (n < (ssize_t)sizeof message[0])
			continue;
		drops = dropped(&m, drops);
		if (message[0] == LAST)
			break;
		if (message[0] >= NUMBERS_MAX)
			continue;
		*(seen[message[0]] ? &twice : &came) += 1;
		seen[message[0]] = 1;
	}
	printf("came=%llu twice=%llu dropped=%u\n", (unsigned long long)came, (unsigned long long)twice,
	       drops);
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "send"))
		stream_send(argv + 2);
	else if (argc == 3 && !strcmp(argv[1], "sink"))
		stream_sink(argv + 2);
	else
		return 2;
	return 0;
}
