/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watcher VIP4 VIP6|-: stands on the switch (the hub's namespace) and prints every frame that a node sends in
 * the name of the virtual address: its port (so: which node, whatever MAC it claims), its MAC, what it is,
 * and when it left the node. A frame is stamped on its way through the node's own veth, before the hub's
 * bridge, so nothing that the hub drops is missed. This is the oracle for "at most one node speaks". Losing
 * frames itself would make it blind, so the kernel's drop counter is in the last line and must be 0.
 */
#include "labtool.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>

enum { WATCHER_PORTS = 4096 };

struct watcher {
	int fd;
	uint8_t vip4[4], vip6[16];
	bool has_v6;
	char ports[WATCHER_PORTS][IF_NAMESIZE]; /* by interface index; indexes are not used again */
};

static volatile sig_atomic_t watcher_stop;

static void watcher_on_signal(int signal_number)
{
	watcher_stop = signal_number;
}

static const char *watcher_port(struct watcher *w, int index)
{
	if (index < 0 || index >= WATCHER_PORTS)
		return "?";
	if (!w->ports[index][0] && !if_indextoname((unsigned)index, w->ports[index]))
		return "?";
	return w->ports[index];
}

static const char *watcher_transport(uint8_t protocol, const uint8_t *header, size_t length)
{
	if (protocol == 17 && length >= 4)
		return (header[0] << 8 | header[1]) == 5060 ? "sip" : "udp";
	if (protocol == 6)
		return "tcp";
	return protocol == 1 || protocol == 58 ? "icmp" : "ip";
}

static const char *watcher_kind4(const struct watcher *w, const uint8_t *ip, size_t length)
{
	if (length < 20 || memcmp(ip + 12, w->vip4, 4) != 0)
		return NULL;
	size_t header = (size_t)(ip[0] & 15) * 4;
	return length > header ? watcher_transport(ip[9], ip + header, length - header) : "ip";
}

static const char *watcher_kind6(const struct watcher *w, const uint8_t *ip, size_t length)
{
	if (!w->has_v6 || length < 40)
		return NULL;
	if (length >= 64 && ip[6] == 58 && ip[40] == 136 && memcmp(ip + 48, w->vip6, 16) == 0)
		return "na";
	return memcmp(ip + 8, w->vip6, 16) == 0 ? watcher_transport(ip[6], ip + 40, length - 40) : NULL;
}

/* NULL: not in the name of the address. */
static const char *watcher_kind(const struct watcher *w, const uint8_t *frame, size_t length)
{
	if (length < 34)
		return NULL;
	switch (frame[12] << 8 | frame[13]) {
	case ETHERTYPE_ARP:
		if (length < 42 || memcmp(frame + 28, w->vip4, 4) != 0)
			return NULL;
		return memcmp(frame + 38, w->vip4, 4) == 0 ? "garp" : "arp";
	case ETHERTYPE_IP:
		return watcher_kind4(w, frame + 14, length - 14);
	case ETHERTYPE_IPV6:
		return watcher_kind6(w, frame + 14, length - 14);
	default:
		return NULL;
	}
}

/* From the wall clock to ours, by the closest of some readings of both: who is held up between the two would
 * misdate a frame by all that time. */
static uint64_t watcher_step_ns(void)
{
	uint64_t step = 0, closest = UINT64_MAX;
	for (int i = 0; i < 8 && closest > 2000; i++) {
		uint64_t before = lab_now_ns(), wall = lab_clock_ns(CLOCK_REALTIME),
			 passed = lab_now_ns() - before;
		if (passed < closest) {
			closest = passed;
			step = before + passed / 2 - wall;
		}
	}
	return step;
}

static uint64_t watcher_stamp(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec t;
			memcpy(&t, CMSG_DATA(c), sizeof t);
			/* The kernel stamps with the wall clock. */
			return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec + watcher_step_ns();
		}
	return lab_now_ns();
}

static bool watcher_read(struct watcher *w)
{
	uint8_t frame[2048];
	char control[128];
	struct sockaddr_ll from;
	struct iovec iov = { frame, sizeof frame };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof from,
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof control };
	ssize_t n = recvmsg(w->fd, &m, MSG_DONTWAIT);
	if (n < 0)
		return false;
	const char *kind = from.sll_pkttype == PACKET_OUTGOING ? NULL : watcher_kind(w, frame, (size_t)n);
	if (kind && strncmp(watcher_port(w, from.sll_ifindex), "br", 2) != 0) {
		const uint8_t *s = frame + 6;
		printf("{\"k\":\"f\",\"t\":%llu,\"p\":\"%s\",\"m\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"y\":"
		       "\"%s\"}\n",
		       (unsigned long long)watcher_stamp(&m), watcher_port(w, from.sll_ifindex), s[0], s[1],
		       s[2], s[3], s[4], s[5], kind);
	}
	return true;
}

static void watcher_open(struct watcher *w, char **argv)
{
	int on = 1, size = 32 << 20;
	if (inet_pton(AF_INET, argv[1], w->vip4) != 1)
		lab_die("address %s", argv[1]);
	w->has_v6 = inet_pton(AF_INET6, argv[2], w->vip6) == 1;
	w->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (w->fd < 0 || setsockopt(w->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
		lab_die("packet socket");
	if (setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		(void)setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

int main(int argc, char **argv)
{
	static struct watcher w;
	static char buffer[1 << 16];
	struct tpacket_stats stats = { 0 };
	socklen_t length = sizeof stats;
	if (argc != 3) {
		fprintf(stderr, "usage: watcher VIP4 VIP6|-\n");
		return 2;
	}
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	signal(SIGTERM, watcher_on_signal);
	signal(SIGINT, watcher_on_signal);
	struct sched_param rr = { .sched_priority = 45 };
	(void)sched_setscheduler(0, SCHED_RR, &rr);
	watcher_open(&w, argv);
	printf("{\"k\":\"start\",\"t\":%llu}\n", (unsigned long long)lab_now_ns());
	struct pollfd fd = { w.fd, POLLIN, 0 };
	while (!watcher_stop) {
		(void)poll(&fd, 1, 20);
		while (!watcher_stop && watcher_read(&w))
			;
		fflush(stdout);
	}
	getsockopt(w.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length);
	printf("{\"k\":\"end\",\"t\":%llu,\"drops\":%u}\n", (unsigned long long)lab_now_ns(), stats.tp_drops);
	return 0;
}
