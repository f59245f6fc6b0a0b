/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bytes of a tickle: a bare TCP acknowledgement that belongs to nothing. Pure. The peer of an old connection
 * answers it with the numbers it expects (RFC 9293 3.10.7.4, RFC 5961), that answer meets no socket at the
 * new holder of the address, and the kernel resets the connection with exactly those numbers.
 */
#ifndef RK_TICKLE_WIRE_H
#define RK_TICKLE_WIRE_H

#include "ip_address.h"

#define TICKLE_BYTES_MAX 60 /* IPv6 and TCP header */

struct tickle {
	struct ip_address from, to; /* of one family */
	uint16_t from_port, to_port;
};

/* The whole IP packet; returns its length, 0 if the families differ or are none. */
size_t tickle_write(const struct tickle *t, uint8_t ret[TICKLE_BYTES_MAX]);

#endif
