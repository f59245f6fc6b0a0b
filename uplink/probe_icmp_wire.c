/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_icmp_wire.h"

#include "bytes.h"
#include "inet_sum.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

size_t probe_icmp_write(uint8_t family, const uint8_t nonce[PROBE_NONCE_SIZE], uint16_t sequence,
			uint8_t ret[PROBE_ICMP_ECHO_SIZE])
{
	struct writer w = writer_init(ret, PROBE_ICMP_ECHO_SIZE);

	write_u8(&w, family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
	write_u8(&w, 0);
	write_u16(&w, 0);
	write_bytes(&w, nonce, 2);
	write_u16(&w, sequence);
	write_bytes(&w, nonce, PROBE_NONCE_SIZE);
	if (family == AF_INET)
		inet_sum_write(&ret[2], inet_sum(ret, PROBE_ICMP_ECHO_SIZE, 0));
	return w.used;
}

/* Steps over the IP header; the kernel has checked it, but this may be fed anything. */
static void skip_ip_header(struct reader *r)
{
	uint8_t version_and_length = read_u8(r);
	size_t len = (version_and_length & 15U) * 4;

	if (version_and_length >> 4 != 4 || len < 20)
		r->failed = true;
	else
		(void)read_span(r, len - 1);
}

int probe_icmp_read(uint8_t family, const uint8_t nonce[PROBE_NONCE_SIZE], const void *data, size_t len,
		    uint16_t *ret_sequence)
{
	struct reader r = reader_init(data, len);
	uint8_t type, code, identifier[2], got[PROBE_NONCE_SIZE];
	uint16_t sequence;

	if (family == AF_INET)
		skip_ip_header(&r);
	type = read_u8(&r);
	code = read_u8(&r);
	(void)read_u16(&r); /* the checksum: the kernel has checked it */
	read_bytes(&r, identifier, sizeof identifier);
	sequence = read_u16(&r);
	read_bytes(&r, got, sizeof got);
	if (r.failed || type != (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || code != 0 ||
	    memcmp(identifier, nonce, sizeof identifier) != 0 || memcmp(got, nonce, sizeof got) != 0)
		return -EBADMSG;
	*ret_sequence = sequence;
	return 0;
}
