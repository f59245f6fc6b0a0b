/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A STUN binding request and its response, which tells the public address of the uplink: bytes, pure.
 * RFC 8489 sections 5, 6.3.3, 14.2; servers of RFC 3489 are understood. Fuzzed by
 * tests/fuzz/fuzz_probe_stun.c.
 */
#ifndef RK_PROBE_STUN_WIRE_H
#define RK_PROBE_STUN_WIRE_H

#include "ip_address.h"

#define PROBE_STUN_REQUEST_SIZE 20
#define PROBE_STUN_ID_SIZE	12

struct probe_stun {
	uint16_t error;		   /* of an error response, 300..699; 0: success, and then: */
	struct ip_address address; /* as the server sees us */
	uint16_t port;
};

size_t probe_stun_write(const uint8_t id[PROBE_STUN_ID_SIZE], uint8_t ret[PROBE_STUN_REQUEST_SIZE]);
/* @retval -EBADMSG not a binding response with this id, or one that may not be believed. */
int probe_stun_read(const uint8_t id[PROBE_STUN_ID_SIZE], const void *data, size_t len,
		    struct probe_stun *ret);
/* The id of a response, before it is known whose: @retval -EBADMSG too short. */
int probe_stun_id(const void *data, size_t len, uint8_t ret[PROBE_STUN_ID_SIZE]);

#endif
