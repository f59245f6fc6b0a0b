/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What remembers the old uplink after a switch: connection tracking, which keeps the old public address for
 * as long as a flow lives, and TCP sockets that wait on a dead line for a quarter of an hour.
 *
 * Only after the route has moved, and only the old uplink's: flows of a healthy line are none of our
 * business.
 */
#ifndef RK_PATH_FLUSH_H
#define RK_PATH_FLUSH_H

#include "ip_address.h"
#include "netlink.h"

struct path_flush {
	struct netlink conntrack;
	struct netlink sockets;
};

/* @retval -EPROTONOSUPPORT the kernel lacks nfnetlink or sock_diag (its module cannot be loaded). */
int path_flush_open(struct path_flush *f);
void path_flush_close(struct path_flush *f);

/* Deletes all entries, IPv4 and IPv6, whose mark under the mask is this; in one message, by the kernel.
 * @retval -EINVAL the mask is 0, or the mark not within it: that would be other flows, too. */
int path_flush_conntrack(struct path_flush *f, uint32_t mark, uint32_t mask);
/* How many there are: to look again after a second, when a packet on its way may have made another. */
int path_flush_conntrack_count(struct path_flush *f, uint32_t mark, uint32_t mask, uint32_t *ret);

#define PATH_FLUSH_SOCKETS_MAX 1024 /* destroyed at once; more are found by the next call */

/* Destroys TCP connections from this address to one of the prefixes: the program sees ECONNABORTED. Listeners
 * stay.
 * @retval -EOPNOTSUPP the kernel cannot (CONFIG_INET_DIAG_DESTROY). */
int path_flush_sockets(struct path_flush *f, const struct ip_address *local, const struct ip_prefix *remote,
		       size_t remote_count, uint32_t *ret_destroyed);
/* Can the kernel? @retval -EOPNOTSUPP no. */
int path_flush_sockets_check(struct path_flush *f);

#endif
