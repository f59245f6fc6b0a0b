/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_flush.h"

#include "cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

int path_flush_open(struct path_flush *f)
{
	int r;

	*f = (struct path_flush){ 0 };
	r = netlink_open(&f->conntrack, NETLINK_NETFILTER, NULL);
	if (r == 0)
		r = netlink_open(&f->sockets, NETLINK_SOCK_DIAG, NULL);
	if (r < 0)
		path_flush_close(f);
	return r;
}

void path_flush_close(struct path_flush *f)
{
	netlink_close(&f->conntrack);
	netlink_close(&f->sockets);
}

/* ---- connection tracking ---- */

/* Without a tuple it is about all entries that fit the mark; without the mark it would be about all. */
static struct nl_msg *conntrack_message(int what, uint32_t mark, uint32_t mask)
{
	const struct nfgenmsg g = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };
	struct nl_msg *msg = netlink_message(NFNL_SUBSYS_CTNETLINK << 8 | what, 0, &g, sizeof g);

	if (msg && (nla_put_u32(msg, CTA_MARK, htonl(mark)) < 0 ||
		    nla_put_u32(msg, CTA_MARK_MASK, htonl(mask)) < 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static bool mark_valid(uint32_t mark, uint32_t mask)
{
	return mask && (mark & ~mask) == 0;
}

int path_flush_conntrack(struct path_flush *f, uint32_t mark, uint32_t mask)
{
	int r;

	if (!mark_valid(mark, mask))
		return -EINVAL;
	r = netlink_request(&f->conntrack, conntrack_message(IPCTNL_MSG_CT_DELETE, mark, mask));
	return r == -ENOENT ? 0 : r;
}

struct mark_count {
	uint32_t mark, mask, count;
};

/* Looked at again here: a kernel that does not know the filter sends all. */
static void count_take(void *ctx, const struct nlmsghdr *h)
{
	struct mark_count *c = ctx;
	struct nlattr *mark = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(struct nfgenmsg), CTA_MARK);

	if (mark && nla_len(mark) == sizeof(uint32_t) && (ntohl(nla_get_u32(mark)) & c->mask) == c->mark)
		c->count++;
}

int path_flush_conntrack_count(struct path_flush *f, uint32_t mark, uint32_t mask, uint32_t *ret)
{
	struct mark_count c = { .mark = mark, .mask = mask };
	int r;

	if (!mark_valid(mark, mask))
		return -EINVAL;
	r = netlink_dump(&f->conntrack, conntrack_message(IPCTNL_MSG_CT_GET, mark, mask), count_take, &c);
	if (r == 0)
		*ret = c.count;
	return r;
}

/* ---- sockets ---- */

#define TCP_STATES_ALL	  ((1U << (TCP_CLOSING + 1)) - 1)
#define TCP_STATES_KILLED (TCP_STATES_ALL & ~(1U << TCP_LISTEN) & ~(1U << TCP_TIME_WAIT) & ~(1U << TCP_CLOSE))

struct socket_search {
	const struct ip_address *local;
	const struct ip_prefix *remote;
	size_t remote_count;
	size_t count;
	struct {
		uint8_t family;
		struct inet_diag_sockid id;
	} found[PATH_FLUSH_SOCKETS_MAX];
};

/* A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d. */
static struct ip_address socket_address(uint8_t family, const __be32 *address)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (family == AF_INET6 && !memcmp(address, mapped, sizeof mapped))
		return ip_make(AF_INET, &address[3]);
	return ip_make(family, address);
}

static bool socket_wanted(const struct socket_search *s, uint8_t family, const struct inet_diag_sockid *id)
{
	struct ip_address local = socket_address(family, id->idiag_src);
	struct ip_address remote = socket_address(family, id->idiag_dst);

	if (!ip_equal(&local, s->local))
		return false;
	for (size_t i = 0; i < s->remote_count; i++)
		if (ip_prefix_has(&s->remote[i], &remote))
			return true;
	return false;
}

static void socket_take(void *ctx, const struct nlmsghdr *h)
{
	struct socket_search *s = ctx;
	const struct inet_diag_msg *m = nlmsg_data(h);

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlmsg_datalen(h) < (int)sizeof *m ||
	    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6) ||
	    s->count == PATH_FLUSH_SOCKETS_MAX || !socket_wanted(s, m->idiag_family, &m->id))
		return;
	s->found[s->count].family = m->idiag_family;
	s->found[s->count++].id = m->id;
}

static int sockets_find(struct path_flush *f, struct socket_search *s, uint8_t family)
{
	const struct inet_diag_req_v2 req = { .sdiag_family = family,
					      .sdiag_protocol = IPPROTO_TCP,
					      .idiag_states = TCP_STATES_KILLED };

	return netlink_dump(&f->sockets, netlink_message(SOCK_DIAG_BY_FAMILY, 0, &req, sizeof req),
			    socket_take, s);
}

static int socket_destroy(struct path_flush *f, uint8_t family, const struct inet_diag_sockid *id)
{
	const struct inet_diag_req_v2 req = { .sdiag_family = family,
					      .sdiag_protocol = IPPROTO_TCP,
					      .idiag_states = TCP_STATES_ALL,
					      .id = *id };

	return netlink_request(&f->sockets, netlink_message(SOCK_DESTROY, 0, &req, sizeof req));
}

static int sockets_destroy(struct path_flush *f, const struct socket_search *s, uint32_t *ret_destroyed)
{
	int error = 0;

	*ret_destroyed = 0;
	for (size_t i = 0; i < s->count; i++) {
		int r = socket_destroy(f, s->found[i].family, &s->found[i].id);

		if (r == 0)
			(*ret_destroyed)++;
		else if (r != -ENOENT) /* gone by itself */
			error = error ? error : r;
	}
	return error;
}

int path_flush_sockets(struct path_flush *f, const struct ip_address *local, const struct ip_prefix *remote,
		       size_t remote_count, uint32_t *ret_destroyed)
{
	_cleanup_(free_ptr) struct socket_search *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	s->local = local;
	s->remote = remote;
	s->remote_count = remote_count;
	r = sockets_find(f, s, AF_INET6);
	if (r == 0 && local->family == AF_INET)
		r = sockets_find(f, s, AF_INET);
	return r < 0 ? r : sockets_destroy(f, s, ret_destroyed);
}

int path_flush_sockets_check(struct path_flush *f)
{
	const struct inet_diag_sockid nobody = { .idiag_sport = htons(1), .idiag_dport = htons(1) };
	int r = socket_destroy(f, AF_INET, &nobody);

	return r == -ENOENT ? 0 : r;
}
