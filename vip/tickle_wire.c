/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tickle_wire.h"

#include "bytes.h"
#include "inet_sum.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define TCP_HEADER	20
#define TCP_CHECKSUM_AT 16
#define IPV4_HEADER	20
#define HOPS		64
#define FLAG_ACK	0x10

/* The kernel fills in length, identification and checksum of a raw IPv4 header. */
static void write_ipv4(struct writer *w)
{
	write_u8(w, 0x45);
	write_u8(w, 0);
	write_u16(w, IPV4_HEADER + TCP_HEADER);
	write_u32(w, 0x4000); /* no identification, do not fragment */
	write_u8(w, HOPS);
	write_u8(w, IPPROTO_TCP);
	write_u16(w, 0);
}

static void write_ipv6(struct writer *w)
{
	write_u32(w, 0x60000000);
	write_u16(w, TCP_HEADER);
	write_u8(w, IPPROTO_TCP);
	write_u8(w, HOPS);
}

static void write_tcp(struct writer *w, const struct tickle *t)
{
	write_u16(w, t->from_port);
	write_u16(w, t->to_port);
	write_u32(w, 0); /* numbers that no connection is likely to be at */
	write_u32(w, 0);
	write_u8(w, TCP_HEADER / 4 << 4);
	write_u8(w, FLAG_ACK);
	write_u16(w, 0);
	write_u32(w, 0); /* checksum, urgent pointer */
}

size_t tickle_write(const struct tickle *t, uint8_t ret[TICKLE_BYTES_MAX])
{
	struct writer w = writer_init(ret, TICKLE_BYTES_MAX);
	size_t len = ip_length(&t->from), tcp;
	uint16_t sum;

	if (t->from.family != t->to.family || (t->from.family != AF_INET && t->from.family != AF_INET6))
		return 0;
	if (t->from.family == AF_INET)
		write_ipv4(&w);
	else
		write_ipv6(&w);
	write_bytes(&w, t->from.bytes, len);
	write_bytes(&w, t->to.bytes, len);
	tcp = w.used;
	write_tcp(&w, t);
	sum = inet_sum(t->from.bytes, len, IPPROTO_TCP + TCP_HEADER);
	sum = inet_sum(t->to.bytes, len, sum);
	inet_sum_write(ret + tcp + TCP_CHECKSUM_AT, inet_sum(ret + tcp, TCP_HEADER, sum));
	return w.used;
}
