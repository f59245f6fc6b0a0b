/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Ends TCP connections on addresses that this node no longer speaks for (SOCK_DESTROY): behind a shut gate a
 * connection sits in its retransmission timer, and would go on if the gate opened again, long after the peer
 * has talked to another holder. Listening sockets stay: the standby is to be ready. The owner of a destroyed
 * socket gets ECONNABORTED; its peer gets nothing, since the gate is shut.
 */
#ifndef RK_SOCKETS_H
#define RK_SOCKETS_H

#include "ip_address.h"

/* @retval -EOPNOTSUPP the kernel has no SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY). */
int sockets_destroy(const struct ip_address *addresses, size_t address_count, size_t *ret_count);

#endif
