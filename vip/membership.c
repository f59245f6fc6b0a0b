/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "membership.h"

#include "cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

void membership_init(struct membership *m)
{
	for (size_t i = 0; i < MEMBERSHIP_SOCKETS_MAX; i++)
		m->fd[i] = -EBADF;
}

void membership_close(struct membership *m)
{
	for (size_t i = 0; i < MEMBERSHIP_SOCKETS_MAX; i++)
		close_fd(&m->fd[i]); /* leaves */
	membership_init(m);
}

static struct ipv6_mreq solicited_node(const struct ip_address *ip, int ifindex)
{
	static const uint8_t prefix[13] = { 0xff, 0x02, [11] = 1, [12] = 0xff };
	struct ipv6_mreq group = { .ipv6mr_interface = (unsigned)ifindex };

	memcpy(group.ipv6mr_multiaddr.s6_addr, prefix, sizeof prefix);
	memcpy(group.ipv6mr_multiaddr.s6_addr + 13, ip->bytes + 13, 3);
	return group;
}

static int socket_join(int *fd, const struct ipv6_mreq *group)
{
	if (*fd < 0)
		*fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	if (setsockopt(*fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, group, sizeof *group) == 0)
		return 0;
	return errno == EADDRINUSE ? 0 : -errno; /* two addresses may have one group */
}

/* `at`: the socket that still has room. */
static int membership_join(struct membership *m, size_t *at, const struct ipv6_mreq *group)
{
	int r = socket_join(&m->fd[*at], group);

	while ((r == -ENOMEM || r == -ENOBUFS) && *at + 1 < MEMBERSHIP_SOCKETS_MAX)
		r = socket_join(&m->fd[++*at], group);
	return r;
}

/* The new sockets join before the old ones leave, so that nobody is told of a leave. */
int membership_update(struct membership *m, const struct address_table *t)
{
	struct membership next;
	int error = 0;
	size_t at = 0;

	membership_init(&next);
	for (size_t i = 0; i < t->count; i++) {
		const struct address_entry *e = &t->entry[i];
		const struct link_info *link = e->ifindex ? vip_links_find(t->links, e->ifindex) : NULL;
		struct ipv6_mreq group;
		int r;

		if (e->va.ip.family != AF_INET6 || !link || !link->base)
			continue;
		group = solicited_node(&e->va.ip, link->base);
		r = membership_join(&next, &at, &group);
		error = error ? error : r;
	}
	membership_close(m);
	*m = next;
	return error;
}
