/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sockets.h"

#include "cleanup.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>

/* Not what listens, and not TIME_WAIT, which sends nothing on its own. */
#define STATES (0xfffu & ~(1u << TCP_LISTEN) & ~(1u << TCP_TIME_WAIT) & ~(1u << TCP_CLOSE))
/* In one sweep; then we look again. */
#define SOCKETS_MAX 1024
#define SWEEPS_MAX  64

struct sockets_found {
	const struct ip_address *addresses;
	size_t address_count;
	size_t count;
	struct inet_diag_req_v2 socket[SOCKETS_MAX];
};

/* A socket of both families has IPv4 addresses in their mapped form. */
static struct ip_address sockets_local(const struct inet_diag_msg *m)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *b = (const uint8_t *)m->id.idiag_src;

	if (m->idiag_family == AF_INET6 && !memcmp(b, mapped, sizeof mapped))
		return ip_make(AF_INET, b + sizeof mapped);
	return ip_make(m->idiag_family, b);
}

static bool sockets_wanted(const struct sockets_found *f, const struct inet_diag_msg *m)
{
	struct ip_address local;

	if (m->idiag_family != AF_INET && m->idiag_family != AF_INET6)
		return false;
	/* A connection from the address to itself never left the machine. */
	if (!memcmp(m->id.idiag_src, m->id.idiag_dst, sizeof m->id.idiag_src))
		return false;
	local = sockets_local(m);
	for (size_t i = 0; i < f->address_count; i++)
		if (ip_equal(&f->addresses[i], &local))
			return true;
	return false;
}

static void sockets_see(void *ctx, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = nlmsg_data(h);
	struct sockets_found *f = ctx;

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlmsg_datalen(h) < (int)sizeof *m)
		return;
	if (f->count == SOCKETS_MAX || !sockets_wanted(f, m))
		return;
	f->socket[f->count++] = (struct inet_diag_req_v2){ .sdiag_family = m->idiag_family,
							   .sdiag_protocol = IPPROTO_TCP,
							   .id = m->id };
}

static int sockets_list(struct netlink *n, struct sockets_found *f)
{
	const uint8_t families[] = { AF_INET, AF_INET6 };

	f->count = 0;
	for (int i = 0; i < 2; i++) {
		const struct inet_diag_req_v2 req = { .sdiag_family = families[i],
						      .sdiag_protocol = IPPROTO_TCP,
						      .idiag_states = STATES };
		int r = netlink_dump(n, netlink_message(SOCK_DIAG_BY_FAMILY, 0, &req, sizeof req),
				     sockets_see, f);

		if (r < 0 && r != -EAGAIN)
			return r;
	}
	return 0;
}

/* Returns how many are gone now, or -errno. */
static int sockets_sweep(struct netlink *n, const struct sockets_found *f)
{
	int gone = 0;

	for (size_t i = 0; i < f->count; i++) {
		int r = netlink_request(n,
					netlink_message(SOCK_DESTROY, 0, &f->socket[i], sizeof f->socket[i]));

		if (r == -EOPNOTSUPP || r == -EPERM)
			return r;
		gone += r == 0; /* else it ended by itself */
	}
	return gone;
}

int sockets_destroy(const struct ip_address *addresses, size_t address_count, size_t *ret_count)
{
	_cleanup_(free_ptr) struct sockets_found *f = malloc(sizeof *f);
	struct netlink n;
	size_t total = 0;
	int r;

	if (!f)
		return -ENOMEM;
	f->addresses = addresses;
	f->address_count = address_count;
	r = netlink_open(&n, NETLINK_SOCK_DIAG, NULL);
	if (r < 0)
		return r;
	for (int i = 0; i < SWEEPS_MAX && r >= 0; i++) {
		r = sockets_list(&n, f);
		if (r == 0)
			r = sockets_sweep(&n, f);
		if (r > 0)
			total += (size_t)r;
		if (r <= 0 || f->count < SOCKETS_MAX)
			break;
	}
	netlink_close(&n);
	if (r < 0)
		return r;
	*ret_count = total;
	return 0;
}
