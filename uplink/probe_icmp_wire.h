/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ICMP and ICMPv6 echo: bytes, pure. RFC 792, RFC 4443. Fuzzed by tests/fuzz/fuzz_probe_icmp.c.
 */
#ifndef RK_PROBE_ICMP_WIRE_H
#define RK_PROBE_ICMP_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define PROBE_NONCE_SIZE     16
#define PROBE_ICMP_ECHO_SIZE (8 + PROBE_NONCE_SIZE)

/* identifier: the first two bytes of the nonce. The checksum of ICMPv6 is the kernel's to write. */
size_t probe_icmp_write(uint8_t family, const uint8_t nonce[PROBE_NONCE_SIZE], uint16_t sequence,
			uint8_t ret[PROBE_ICMP_ECHO_SIZE]);
/* data: what a raw socket hands over, for IPv4 with the IP header. Only the answer to such a request with
 * this nonce will do. @retval -EBADMSG it is not. */
int probe_icmp_read(uint8_t family, const uint8_t nonce[PROBE_NONCE_SIZE], const void *data, size_t len,
		    uint16_t *ret_sequence);

#endif
