/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "announce_wire.h"

#include "bytes.h"
#include "inet_sum.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#define TYPE_ARP  0x0806
#define TYPE_IPV6 0x86dd

#define ARP_REQUEST 1
#define ARP_REPLY   2

#define ND_SOLICIT	 135
#define ND_ADVERTISE	 136
#define ND_ROUTER	 0x80000000u
#define ND_OVERRIDE	 0x20000000u
#define OPTION_SOURCE	 1
#define OPTION_TARGET	 2
#define ND_LENGTH	 32 /* header, target, one option with a MAC */
#define ND_LENGTH_NO_OPT 24
#define HOP_LIMIT	 255 /* RFC 4861 §7.1: anything less is discarded */

#define ETHER_HEADER 14
#define IPV6_HEADER  40

static const struct mac_address mac_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct mac_address mac_zero;
static const struct mac_address mac_all_nodes = { { 0x33, 0x33, 0, 0, 0, 1 } };
static const uint8_t ip_all_nodes[16] = { 0xff, 0x02, [15] = 1 };
static const uint8_t ip_zero[16];

/* ---- writing ---- */

static void put_ethernet(struct writer *w, const struct mac_address *to, const struct mac_address *from,
			 uint16_t type)
{
	write_bytes(w, to->bytes, sizeof to->bytes);
	write_bytes(w, from->bytes, sizeof from->bytes);
	write_u16(w, type);
}

static void put_arp(uint16_t operation, const struct mac_address *mac, const uint8_t *sender,
		    const struct mac_address *target_mac, const uint8_t *target, struct announce_frame *ret)
{
	struct writer w = writer_init(ret->bytes, sizeof ret->bytes);

	put_ethernet(&w, &mac_broadcast, mac, TYPE_ARP);
	write_u16(&w, 1); /* Ethernet */
	write_u16(&w, 0x0800);
	write_u8(&w, 6);
	write_u8(&w, 4);
	write_u16(&w, operation);
	write_bytes(&w, mac->bytes, sizeof mac->bytes);
	write_bytes(&w, sender, 4);
	write_bytes(&w, target_mac->bytes, sizeof target_mac->bytes);
	write_bytes(&w, target, 4);
	assert(!w.failed);
	ret->length = (uint16_t)w.used;
}

void announce_arp(const struct ip_address *ip, const struct mac_address *mac, bool reply,
		  struct announce_frame *ret)
{
	assert(ip->family == AF_INET);
	/* RFC 2002 §4.6: in the reply form the target hardware address is the sender's; in the request form
	 * it is not used. */
	if (reply)
		put_arp(ARP_REPLY, mac, ip->bytes, mac, ip->bytes, ret);
	else
		put_arp(ARP_REQUEST, mac, ip->bytes, &mac_zero, ip->bytes, ret);
}

void announce_ask_arp(const struct ip_address *ip, const struct ip_address *own,
		      const struct mac_address *mac, struct announce_frame *ret)
{
	assert(ip->family == AF_INET);
	put_arp(ARP_REQUEST, mac, own->family == AF_INET ? own->bytes : ip_zero, &mac_zero, ip->bytes, ret);
}

/* Over the pseudo-header and the message, whose checksum field is zero. */
static uint16_t icmp6_sum(const uint8_t *ip_header, const uint8_t *message, size_t length)
{
	return inet_sum(message, length,
			inet_sum(ip_header + 8, IPV6_HEADER - 8, IPPROTO_ICMPV6 + (uint32_t)length));
}

static void put_ipv6(struct writer *w, uint16_t length, const uint8_t *from, const uint8_t *to)
{
	write_u32(w, 0x60000000);
	write_u16(w, length);
	write_u8(w, IPPROTO_ICMPV6);
	write_u8(w, HOP_LIMIT);
	write_bytes(w, from, 16);
	write_bytes(w, to, 16);
}

static void put_nd(struct writer *w, uint8_t type, uint32_t flags, const uint8_t *target)
{
	write_u8(w, type);
	write_u8(w, 0);
	write_u16(w, 0);
	write_u32(w, flags);
	write_bytes(w, target, 16);
}

static void put_option(struct writer *w, uint8_t type, const struct mac_address *mac)
{
	write_u8(w, type);
	write_u8(w, 1);
	write_bytes(w, mac->bytes, sizeof mac->bytes);
}

static void finish_nd(struct writer *w, struct announce_frame *ret)
{
	uint8_t *message = ret->bytes + ETHER_HEADER + IPV6_HEADER;
	uint16_t sum = icmp6_sum(ret->bytes + ETHER_HEADER, message, w->used - ETHER_HEADER - IPV6_HEADER);

	assert(!w->failed);
	inet_sum_write(message + 2, sum);
	ret->length = (uint16_t)w->used;
}

void announce_na(const struct ip_address *ip, const struct mac_address *mac, bool router,
		 struct announce_frame *ret)
{
	struct writer w = writer_init(ret->bytes, sizeof ret->bytes);

	assert(ip->family == AF_INET6);
	put_ethernet(&w, &mac_all_nodes, mac, TYPE_IPV6);
	put_ipv6(&w, ND_LENGTH, ip->bytes, ip_all_nodes);
	put_nd(&w, ND_ADVERTISE, ND_OVERRIDE | (router ? ND_ROUTER : 0), ip->bytes);
	put_option(&w, OPTION_TARGET, mac);
	finish_nd(&w, ret);
}

void announce_ask_ns(const struct ip_address *ip, const struct ip_address *own, const struct mac_address *mac,
		     struct announce_frame *ret)
{
	const uint8_t *b = ip->bytes;
	const struct mac_address to = { { 0x33, 0x33, 0xff, b[13], b[14], b[15] } };
	uint8_t group[16] = { 0xff, 0x02, [11] = 1, [12] = 0xff, [13] = b[13], [14] = b[14], [15] = b[15] };
	/* RFC 4861 §4.3: from the unspecified address there is no source option. */
	bool known = own->family == AF_INET6;
	struct writer w = writer_init(ret->bytes, sizeof ret->bytes);

	assert(ip->family == AF_INET6);
	put_ethernet(&w, &to, mac, TYPE_IPV6);
	put_ipv6(&w, known ? ND_LENGTH : ND_LENGTH_NO_OPT, known ? own->bytes : ip_zero, group);
	put_nd(&w, ND_SOLICIT, 0, b);
	if (known)
		put_option(&w, OPTION_SOURCE, mac);
	finish_nd(&w, ret);
}

/* ---- reading ---- */

static bool claim_arp(struct reader *r, struct ip_address *ret_ip, struct mac_address *ret_mac)
{
	struct ip_address ip = { .family = AF_INET };
	struct mac_address mac;
	bool ethernet = read_u16(r) == 1;

	ethernet &= read_u16(r) == 0x0800;
	ethernet &= read_u16(r) == 0x0604; /* lengths of the two kinds of address */
	(void)read_u16(r);		   /* request, reply: both claim */
	read_bytes(r, mac.bytes, sizeof mac.bytes);
	read_bytes(r, ip.bytes, 4);
	if (r->failed || !ethernet || !memcmp(ip.bytes, ip_zero, 4))
		return false;
	*ret_ip = ip;
	*ret_mac = mac;
	return true;
}

/* The MAC is in the target option; without one the frame's source says it. */
static void claim_option(struct reader *r, struct mac_address *mac)
{
	while (r->left >= 8) {
		uint8_t type = read_u8(r), words = read_u8(r);

		if (type == OPTION_TARGET && words == 1) {
			read_bytes(r, mac->bytes, sizeof mac->bytes);
			return;
		}
		if (!words || !read_span(r, words * 8u - 2))
			return;
	}
}

static bool claim_na(struct reader *r, struct ip_address *ret_ip, struct mac_address *ret_mac)
{
	struct ip_address ip = { .family = AF_INET6 };
	uint8_t next, type;

	(void)read_span(r, 6);
	next = read_u8(r);
	(void)read_span(r, 33); /* hop limit and addresses */
	type = read_u8(r);
	(void)read_span(r, 7);
	read_bytes(r, ip.bytes, sizeof ip.bytes);
	if (r->failed || next != IPPROTO_ICMPV6 || type != ND_ADVERTISE)
		return false;
	*ret_ip = ip;
	claim_option(r, ret_mac);
	return true;
}

bool announce_claim(const uint8_t *frame, size_t length, struct ip_address *ret_ip,
		    struct mac_address *ret_mac)
{
	struct reader r = reader_init(frame, length);
	uint16_t type;

	(void)read_span(&r, 6);
	read_bytes(&r, ret_mac->bytes, sizeof ret_mac->bytes);
	type = read_u16(&r);
	if (r.failed)
		return false;
	if (type == TYPE_ARP)
		return claim_arp(&r, ret_ip, ret_mac);
	return type == TYPE_IPV6 && claim_na(&r, ret_ip, ret_mac);
}
