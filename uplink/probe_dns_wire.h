/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One DNS question and whether an answer is about it: bytes, pure. RFC 1035, RFC 5452 section 9. What the
 * records say is not read: that somebody answers is what counts. Fuzzed by tests/fuzz/fuzz_probe_dns.c.
 */
#ifndef RK_PROBE_DNS_WIRE_H
#define RK_PROBE_DNS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define PROBE_DNS_NAME_MAX  254 /* text, with the final NUL */
#define PROBE_DNS_QUERY_MAX (12 + 255 + 4)

/* Asks for an IPv4 address; recursion desired. "." is the root. Bytes, or
 * @retval -EINVAL not a name: an empty label, one of more than 63 bytes, longer than 255 in all. */
int probe_dns_write(const char *name, uint16_t id, uint8_t ret[PROBE_DNS_QUERY_MAX]);
/* 0 and the rcode and the id; the question must come back as it was, but for upper and lower case.
 * @retval -EBADMSG not an answer, or to something else. */
int probe_dns_read(const char *name, const void *data, size_t len, uint16_t *ret_id, uint8_t *ret_rcode);

#define PROBE_DNS_NOERROR  0
#define PROBE_DNS_NXDOMAIN 3

#endif
