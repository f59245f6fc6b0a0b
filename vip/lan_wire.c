/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan_wire.h"

#include "bytes.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define ARP_REQUEST  1
#define ARP_REPLY    2
#define ND_SOLICIT   135
#define ND_ADVERTISE 136
#define HOP_LIMIT    255 /* RFC 4861 §7.1: anything less comes from another network */

static bool all_zero(const uint8_t *bytes, size_t length)
{
	uint8_t any = 0;

	for (size_t i = 0; i < length; i++)
		any |= bytes[i];
	return any == 0;
}

static enum lan_saying read_arp(struct reader *r, struct ip_address *ip, struct mac_address *from)
{
	struct ip_address sender = { .family = AF_INET }, target = { .family = AF_INET };
	bool ethernet = read_u16(r) == 1;
	uint16_t operation;

	ethernet &= read_u16(r) == 0x0800;
	ethernet &= read_u16(r) == 0x0604; /* lengths of the two kinds of address */
	operation = read_u16(r);
	read_bytes(r, from->bytes, sizeof from->bytes);
	read_bytes(r, sender.bytes, 4);
	(void)read_span(r, 6);
	read_bytes(r, target.bytes, 4);
	if (r->failed || !ethernet || (operation != ARP_REQUEST && operation != ARP_REPLY))
		return LAN_NOTHING;
	if (!all_zero(sender.bytes, 4)) {
		*ip = sender;
		return operation == ARP_REPLY ? LAN_ANSWER : LAN_CLAIM;
	}
	*ip = target;
	return operation == ARP_REQUEST ? LAN_PROBE : LAN_NOTHING;
}

static enum lan_saying read_nd(struct reader *r, struct ip_address *ip)
{
	struct ip_address target = { .family = AF_INET6 };
	uint8_t source[16], next, hops, type;

	(void)read_span(r, 6);
	next = read_u8(r);
	hops = read_u8(r);
	read_bytes(r, source, sizeof source);
	(void)read_span(r, 16);
	type = read_u8(r);
	(void)read_span(r, 7);
	read_bytes(r, target.bytes, sizeof target.bytes);
	if (r->failed || next != IPPROTO_ICMPV6 || hops != HOP_LIMIT)
		return LAN_NOTHING;
	*ip = target;
	if (type == ND_ADVERTISE)
		return LAN_ANSWER;
	return type == ND_SOLICIT && all_zero(source, sizeof source) ? LAN_PROBE : LAN_NOTHING;
}

enum lan_saying lan_wire_read(const uint8_t *frame, size_t length, struct ip_address *ret_ip,
			      struct mac_address *ret_to, struct mac_address *ret_from)
{
	struct reader r = reader_init(frame, length);
	uint16_t type;

	read_bytes(&r, ret_to->bytes, sizeof ret_to->bytes);
	read_bytes(&r, ret_from->bytes, sizeof ret_from->bytes);
	type = read_u16(&r);
	if (r.failed)
		return LAN_NOTHING;
	if (type == ETHERTYPE_ARP)
		return read_arp(&r, ret_ip, ret_from);
	return type == ETHERTYPE_IPV6 ? read_nd(&r, ret_ip) : LAN_NOTHING;
}
