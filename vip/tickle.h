/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends tickles (tickle_wire.h). Owns two raw sockets. What cannot be sent is counted, not tried again: the
 * caller sends every tickle more than once.
 */
#ifndef RK_TICKLE_H
#define RK_TICKLE_H

#include "tickle_wire.h"

struct tickle_socket {
	int fd4, fd6; /* -EBADF: closed */
	uint64_t sent, failed;
};

#define TICKLE_SOCKET_NONE ((struct tickle_socket){ .fd4 = -EBADF, .fd6 = -EBADF })

/* -errno of a socket of a family that the system has. */
int tickle_open(struct tickle_socket *s);
void tickle_send(struct tickle_socket *s, const struct tickle *t);
void tickle_close(struct tickle_socket *s);

#endif
