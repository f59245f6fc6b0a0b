/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Listens on the devices of virtual addresses for anybody who claims one: ARP whose sender is one of them,
 * neighbour advertisements for one. ETH_P_ALL sockets see a frame before the gate can drop it. A classic BPF
 * filter keeps everything else in the kernel. Private to vip/.
 */
#ifndef RK_CONTENTION_H
#define RK_CONTENTION_H

#include "address.h"

#include <linux/filter.h>

#define CONTENTION_DEVICES_MAX	    RK_GROUPS_MAX
#define CONTENTION_INSTRUCTIONS_MAX BPF_MAXINSNS

struct contention_device {
	int ifindex; /* 0 = unused */
	int fd;
};

struct contention {
	int epoll; /* borrowed: the sockets are added to it */
	struct contention_device device[CONTENTION_DEVICES_MAX];
};

/* Called for each claim by a MAC that none of our interfaces has. */
typedef void contention_handler(void *ctx, const struct address_entry *e, const struct link_info *link,
				const struct mac_address *mac);

void contention_init(struct contention *c, int epoll);
void contention_close(struct contention *c);
/* After addresses or devices have changed: sockets and filters as they should be. Returns the first error. */
int contention_update(struct contention *c, const struct address_table *t);
/* Reads what has come, a bounded number of frames. */
void contention_read(struct contention *c, const struct address_table *t, const struct vip_links *links,
		     contention_handler *handler, void *ctx);

/* Pure: the filter for the addresses on one device; not exact: for all addresses, where the kernel has too
 * little memory for the long one (net.core.optmem_max). Returns its length. */
size_t contention_filter(const struct address_table *t, int ifindex, bool exact,
			 struct sock_filter ret[CONTENTION_INSTRUCTIONS_MAX]);

#endif
