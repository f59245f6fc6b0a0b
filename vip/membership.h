/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps this node a member of the solicited-node groups of the IPv6 addresses on virtual MAC interfaces, on
 * the interface below. The kernel reports the membership from the address's own interface, too, but with the
 * virtual MAC, which a standby's gate drops: a switch with MLD snooping would send a new holder no neighbour
 * solicitation before its next query, two minutes later. From below it knows the port beforehand.
 *
 * Addresses that are on an ordinary interface need none of it. Private to vip/.
 */
#ifndef RK_MEMBERSHIP_H
#define RK_MEMBERSHIP_H

#include "address.h"

/* The kernel bounds the memberships of one socket (net.core.optmem_max). */
#define MEMBERSHIP_SOCKETS_MAX 16

struct membership {
	int fd[MEMBERSHIP_SOCKETS_MAX];
};

void membership_init(struct membership *m);
void membership_close(struct membership *m);
/* Follows the addresses. On failure what could be joined is; returns the first error. */
int membership_update(struct membership *m, const struct address_table *t);

#endif
