/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prober DEVICE VIP4 VIP6|- SIP_US: stands where the phones are and asks the virtual address, at real-time
 * priority where that is allowed: a UDP echo over IPv4 every 1 ms and over IPv6 every 5 ms, SIP OPTIONS every
 * SIP_US (0: never), a broadcast ARP who-has and a multicast neighbour solicitation every 10 ms (every node
 * that believes it has the address answers those), and reads the kernel's neighbour entry for it. Every
 * answer is one JSON line on stdout with the times of asking and answering; a tick that came late is a line
 * too, so that a pause of this machine is not taken for an outage. What the frames look like and who sent
 * them is watcher's business.
 */
#include "labtool.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { PROBE_UDP4, PROBE_UDP6, PROBE_SIP, PROBE_TIMER, PROBE_N };

struct prober {
	struct pollfd fds[PROBE_N];
	int arp_fd, icmp6_fd, netlink_fd, ifindex;
	uint8_t mac[6];
	struct in_addr own4, vip4;
	struct in6_addr vip6;
	bool has_v6;
	uint64_t sent[3];
	uint64_t sip_interval_ns, sip_next_ns;
	char neigh[2][32];
	uint16_t sip_port;
};

static volatile sig_atomic_t prober_stop;

static void prober_on_signal(int signal_number)
{
	prober_stop = signal_number;
}

static int prober_socket(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		lab_die("socket");
	return fd;
}

static struct sockaddr_in prober_to4(const struct prober *p, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = p->vip4 };
}

static void prober_send_echo(struct prober *p, int kind)
{
	struct lab_echo echo = { .magic = LAB_ECHO_MAGIC, .seq = ++p->sent[kind], .sent_ns = lab_now_ns() };
	struct sockaddr_in a4 = prober_to4(p, LAB_ECHO_PORT);
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(LAB_ECHO_PORT),
				   .sin6_addr = p->vip6 };
	/* No route, no neighbour, no carrier: the missing answer is what we record. */
	if (kind == PROBE_UDP4)
		(void)sendto(p->fds[kind].fd, &echo, sizeof echo, 0, (struct sockaddr *)&a4, sizeof a4);
	else
		(void)sendto(p->fds[kind].fd, &echo, sizeof echo, 0, (struct sockaddr *)&a6, sizeof a6);
}

static void prober_send_options(struct prober *p)
{
	char text[700], own[INET_ADDRSTRLEN], vip[INET_ADDRSTRLEN];
	struct sockaddr_in to = prober_to4(p, 5060);
	unsigned long long seq = ++p->sent[PROBE_SIP], now = lab_now_ns();
	inet_ntop(AF_INET, &p->own4, own, sizeof own);
	inet_ntop(AF_INET, &p->vip4, vip, sizeof vip);
	/* RFC 3261 8.1.1.7: the branch is "unique across space and time". Half a minute later a PBX still
	 * takes one of the session before for a retransmission, and answers to where that came from. */
	int n = snprintf(
		text, sizeof text,
		"OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bKp%llu-%llu\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:prober@%s>;tag=p\r\nTo: <sip:%s>\r\nCall-ID: p-%llu-%llu@prober\r\nCSeq: 1 "
		"OPTIONS\r\n"
		"Content-Length: 0\r\n\r\n",
		vip, own, p->sip_port, seq, now, own, vip, seq, now);
	(void)sendto(p->fds[PROBE_SIP].fd, text, n, 0, (struct sockaddr *)&to, sizeof to);
}

static void prober_send_arp(struct prober *p)
{
	uint8_t frame[42] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t request[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = p->ifindex, .sll_halen = 6 };
	memcpy(frame + 6, p->mac, 6);
	memcpy(frame + 12, request, sizeof request);
	memcpy(frame + 22, p->mac, 6);
	memcpy(frame + 28, &p->own4, 4);
	memcpy(frame + 38, &p->vip4, 4);
	(void)sendto(p->arp_fd, frame, sizeof frame, 0, (struct sockaddr *)&to, sizeof to);
}

static void prober_send_solicitation(struct prober *p)
{
	struct {
		struct nd_neighbor_solicit ns;
		uint8_t type, length, mac[6];
	} m = { .ns.nd_ns_type = ND_NEIGHBOR_SOLICIT, .ns.nd_ns_target = p->vip6, .type = 1, .length = 1 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = (uint32_t)p->ifindex };
	inet_pton(AF_INET6, "ff02::1:ff00:0", &to.sin6_addr);
	memcpy(&to.sin6_addr.s6_addr[13], &p->vip6.s6_addr[13], 3);
	memcpy(m.mac, p->mac, 6);
	(void)sendto(p->icmp6_fd, &m, sizeof m, 0, (struct sockaddr *)&to, sizeof to);
}

/* One RTM_GETNEIGH for one address; prints only what changed. */
static void prober_ask_neighbour(struct prober *p, int family)
{
	struct {
		struct nlmsghdr h;
		struct ndmsg m;
		struct rtattr a;
		uint8_t address[16];
	} q = { .h = { .nlmsg_type = RTM_GETNEIGH, .nlmsg_flags = NLM_F_REQUEST },
		.m = { .ndm_family = (uint8_t)family, .ndm_ifindex = p->ifindex },
		.a = { .rta_type = NDA_DST } };
	size_t length = family == AF_INET ? 4 : 16;
	memcpy(q.address, family == AF_INET ? (void *)&p->vip4 : (void *)&p->vip6, length);
	q.a.rta_len = (unsigned short)RTA_LENGTH(length);
	q.h.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof q.m) + q.a.rta_len);
	if (send(p->netlink_fd, &q, q.h.nlmsg_len, 0) < 0)
		return;
	char reply[4096], mac[32] = "none";
	ssize_t n = recv(p->netlink_fd, reply, sizeof reply, 0);
	struct nlmsghdr *h = (struct nlmsghdr *)reply;
	if (n >= (ssize_t)NLMSG_LENGTH(sizeof(struct ndmsg)) && h->nlmsg_type == RTM_NEWNEIGH) {
		struct ndmsg *m = NLMSG_DATA(h);
		int left = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof *m));
		for (struct rtattr *a = (struct rtattr *)(m + 1); RTA_OK(a, left); a = RTA_NEXT(a, left))
			if (a->rta_type == NDA_LLADDR && !(m->ndm_state & (NUD_FAILED | NUD_INCOMPLETE))) {
				const uint8_t *x = RTA_DATA(a);
				snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", x[0], x[1], x[2],
					 x[3], x[4], x[5]);
			}
	}
	char *last = p->neigh[family == AF_INET6];
	if (strcmp(last, mac) != 0) {
		strcpy(last, mac);
		printf("{\"k\":\"neigh%d\",\"t\":%llu,\"m\":\"%s\"}\n", family == AF_INET ? 4 : 6,
		       (unsigned long long)lab_now_ns(), mac);
	}
}

static void prober_read_echo(struct prober *p, int kind)
{
	struct lab_echo echo;
	while (recv(p->fds[kind].fd, &echo, sizeof echo, 0) == sizeof echo)
		if (echo.magic == LAB_ECHO_MAGIC)
			printf("{\"k\":\"%s\",\"s\":%llu,\"ts\":%llu,\"te\":%llu,\"t\":%llu,\"n\":%u}\n",
			       kind == PROBE_UDP4 ? "udp4" : "udp6", (unsigned long long)echo.seq,
			       (unsigned long long)echo.sent_ns, (unsigned long long)echo.echoed_ns,
			       (unsigned long long)lab_now_ns(), echo.node);
}

static void prober_read_sip(struct prober *p)
{
	char text[2048];
	ssize_t n;
	while ((n = recv(p->fds[PROBE_SIP].fd, text, sizeof text - 1, 0)) > 0) {
		unsigned code;
		unsigned long long seq, sent;
		text[n] = 0;
		const char *id = strstr(text, "Call-ID: p-");
		if (sscanf(text, "SIP/2.0 %u", &code) == 1 && id &&
		    sscanf(id, "Call-ID: p-%llu-%llu", &seq, &sent) == 2)
			printf("{\"k\":\"sip\",\"s\":%llu,\"ts\":%llu,\"t\":%llu,\"c\":%u}\n", seq, sent,
			       (unsigned long long)lab_now_ns(), code);
	}
}

static void prober_tick(struct prober *p, uint64_t tick)
{
	prober_send_echo(p, PROBE_UDP4);
	if (p->has_v6 && tick % 5 == 1)
		prober_send_echo(p, PROBE_UDP6);
	uint64_t now = lab_now_ns();
	if (p->sip_interval_ns && now >= p->sip_next_ns) {
		p->sip_next_ns = now + p->sip_interval_ns - p->sip_interval_ns / 10;
		prober_send_options(p);
	}
	if (tick % 10 == 2)
		prober_send_arp(p);
	if (p->has_v6 && tick % 10 == 4)
		prober_send_solicitation(p);
	if (tick % 10 == 6)
		prober_ask_neighbour(p, AF_INET);
	if (p->has_v6 && tick % 10 == 8)
		prober_ask_neighbour(p, AF_INET6);
	if (tick % 20 == 0)
		fflush(stdout);
}

static void prober_learn_device(struct prober *p, const char *device)
{
	struct ifreq q = { 0 };
	snprintf(q.ifr_name, sizeof q.ifr_name, "%s", device);
	if (ioctl(p->fds[PROBE_UDP4].fd, SIOCGIFHWADDR, &q) < 0)
		lab_die("%s", device);
	memcpy(p->mac, q.ifr_hwaddr.sa_data, 6);
	if (ioctl(p->fds[PROBE_UDP4].fd, SIOCGIFADDR, &q) < 0)
		lab_die("address of %s", device);
	p->own4 = ((struct sockaddr_in *)&q.ifr_addr)->sin_addr;
	p->ifindex = (int)if_nametoindex(device);
}

static void prober_open(struct prober *p, char **argv)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	socklen_t length = sizeof any;
	if (inet_pton(AF_INET, argv[2], &p->vip4) != 1)
		lab_die("address %s", argv[2]);
	p->has_v6 = inet_pton(AF_INET6, argv[3], &p->vip6) == 1;
	p->sip_interval_ns = strtoull(argv[4], NULL, 10) * 1000;
	p->fds[PROBE_UDP4].fd = prober_socket(AF_INET, SOCK_DGRAM, 0);
	p->fds[PROBE_UDP6].fd = prober_socket(AF_INET6, SOCK_DGRAM, 0);
	p->fds[PROBE_SIP].fd = prober_socket(AF_INET, SOCK_DGRAM, 0);
	p->fds[PROBE_TIMER].fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	p->arp_fd = prober_socket(AF_PACKET, SOCK_RAW, 0);
	p->netlink_fd = prober_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	prober_learn_device(p, argv[1]);
	if (p->has_v6) {
		int hops = 255;
		p->icmp6_fd = prober_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
		if (setsockopt(p->icmp6_fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) < 0 ||
		    setsockopt(p->icmp6_fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &p->ifindex, sizeof p->ifindex) <
			    0)
			lab_die("IPV6_MULTICAST_HOPS");
	}
	if (bind(p->fds[PROBE_SIP].fd, (struct sockaddr *)&any, sizeof any) < 0 ||
	    getsockname(p->fds[PROBE_SIP].fd, (struct sockaddr *)&any, &length) < 0)
		lab_die("SIP socket");
	p->sip_port = ntohs(any.sin_port);
	struct itimerspec every = { { 0, 1000000 }, { 0, 1 } };
	timerfd_settime(p->fds[PROBE_TIMER].fd, 0, &every, NULL);
	for (int i = 0; i < PROBE_N; i++)
		p->fds[i].events = POLLIN;
}

static void prober_run(struct prober *p)
{
	uint64_t ticks = 0, last_ns = lab_now_ns();
	while (!prober_stop) {
		if (poll(p->fds, PROBE_N, 100) < 0 && errno != EINTR)
			lab_die("poll");
		uint64_t missed, now = lab_now_ns();
		if (p->fds[PROBE_TIMER].revents &&
		    read(p->fds[PROBE_TIMER].fd, &missed, sizeof missed) == sizeof missed) {
			if (now - last_ns > 5000000)
				printf("{\"k\":\"late\",\"t\":%llu,\"ns\":%llu}\n", (unsigned long long)now,
				       (unsigned long long)(now - last_ns));
			last_ns = now;
			prober_tick(p, ++ticks);
		}
		prober_read_echo(p, PROBE_UDP4);
		prober_read_echo(p, PROBE_UDP6);
		prober_read_sip(p);
	}
}

int main(int argc, char **argv)
{
	struct prober p = { 0 };
	static char buffer[1 << 16];
	if (argc != 5) {
		fprintf(stderr, "usage: prober DEVICE VIP4 VIP6|- SIP_US\n");
		return 2;
	}
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	signal(SIGTERM, prober_on_signal);
	signal(SIGINT, prober_on_signal);
	struct sched_param rr = { .sched_priority = 50 };
	bool realtime = sched_setscheduler(0, SCHED_RR, &rr) == 0;
	(void)mlockall(MCL_CURRENT); /* noise, not truth */
	prober_open(&p, argv);
	printf("{\"k\":\"start\",\"t\":%llu,\"rr\":%d}\n", (unsigned long long)lab_now_ns(), realtime);
	prober_run(&p);
	printf("{\"k\":\"end\",\"t\":%llu,\"udp4\":%llu,\"udp6\":%llu,\"sip\":%llu}\n",
	       (unsigned long long)lab_now_ns(), (unsigned long long)p.sent[PROBE_UDP4],
	       (unsigned long long)p.sent[PROBE_UDP6], (unsigned long long)p.sent[PROBE_SIP]);
	return 0;
}
