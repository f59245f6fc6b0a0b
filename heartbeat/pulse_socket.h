/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One UDP socket of the pulse: bound to an address of this node, to no device, so that a renamed or
 * re-created interface does not matter. It may be opened before the address is there (IP_FREEBIND): until
 * then sending fails, and nothing has to be rebound when it comes, goes and comes back. Knows nothing of what
 * it carries.
 */
#ifndef RK_PULSE_SOCKET_H
#define RK_PULSE_SOCKET_H

#include "ip_address.h"
#include "pulse_wire.h"

#define PULSE_BATCH_MAX 16

struct pulse_datagram {
	struct ip_address from;
	size_t len; /* PULSE_SIZE_MAX + 1: longer than any pulse, cut */
	uint8_t data[PULSE_SIZE_MAX + 1];
};

struct pulse_batch {
	struct pulse_datagram datagrams[PULSE_BATCH_MAX];
};

/* @retval -EADDRINUSE another process has the port at this address */
int pulse_socket_open(const struct ip_address *address, uint16_t port, int *ret_fd);
int pulse_socket_send(int fd, const struct ip_address *to, uint16_t port, const void *data, size_t len);
/* Returns how many datagrams were there, 0 if none or on any error: there is nothing else to be done. */
int pulse_socket_receive(int fd, struct pulse_batch *ret);

#endif
