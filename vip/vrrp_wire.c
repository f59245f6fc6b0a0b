/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_wire.h"

#include "bytes.h"
#include "inet_sum.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#define TYPE_ADVERTISEMENT 1
#define FIXED_LENGTH	   8 /* both versions, up to the first address */
#define AUTH_LENGTH	   8 /* VRRPv2: zeros after the addresses */
#define AT_PRIORITY	   2
#define AT_COUNT	   3
#define AT_INTERVAL	   4
#define AT_CHECKSUM	   6
#define INTERVAL_MASK	   0x0fff
#define CENTISECOND_NS	   (10 * 1000000LL)
#define SECOND_NS	   1000000000LL

#define IPV4_HEADER	 20
#define IPV4_HEADER_MAX	 60
#define IPV4_FRAGMENT	 0x3fff /* more fragments, or not the first one */
#define IPV6_HEADER	 40
#define IPV6_LENGTH	 4
#define IPV6_NEXT	 6
#define IPV6_HOP_LIMIT	 7
#define IPV6_SOURCE	 8
#define IPV6_DESTINATION 24

static uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* ---- checksums ---- */

/* RFC 9568 section 5.2.8 has a pseudo-header for IPv6 alone, RFC 5798 one for IPv4, too. Both kinds add up in
 * the same way: the addresses, the length, the protocol. */
static uint16_t sum_pseudo_header(const struct vrrp_advert *a, size_t len)
{
	uint32_t sum = VRRP_PROTOCOL + (uint32_t)len;

	sum = inet_sum(a->from.bytes, ip_length(&a->from), sum);
	return inet_sum(a->to.bytes, ip_length(&a->to), sum);
}

static bool sum_has_pseudo_header(const struct vrrp_advert *a)
{
	if (a->version == 2)
		return false;
	return a->to.family == AF_INET6 || !a->checksum_rfc9568;
}

static uint16_t sum_message(const struct vrrp_advert *a, const uint8_t *message, size_t len)
{
	return inet_sum(message, len, sum_has_pseudo_header(a) ? sum_pseudo_header(a, len) : 0);
}

/* VRRPv3 over IPv4: both forms are in use (RFC 5798's by keepalived and FRR, RFC 9568's by Cisco and
 * Juniper), so both are taken. A message that suits both counts as the older. */
static bool checksum_verify(struct vrrp_advert *a, const uint8_t *message, size_t len)
{
	a->checksum_rfc9568 = false;
	if (sum_message(a, message, len) == 0xffff)
		return true;
	if (a->version != 3 || a->to.family != AF_INET)
		return false;
	a->checksum_rfc9568 = true;
	return sum_message(a, message, len) == 0xffff;
}

/* ---- reading ---- */

/* Where the message is, and what of the IP header the checks need. */
struct envelope {
	const uint8_t *message;
	size_t len;
	uint8_t ttl;
};

static bool envelope_read4(const uint8_t *p, size_t len, struct vrrp_advert *a, struct envelope *ret)
{
	size_t header = len ? 4 * (size_t)(p[0] & 0xf) : 0, total;

	if (header < IPV4_HEADER || header > len)
		return false;
	total = get_u16(p + 2);
	if (total < header || total > len || get_u16(p + 6) & IPV4_FRAGMENT || p[9] != VRRP_PROTOCOL)
		return false;
	if (inet_sum(p, header, 0) != 0xffff)
		return false;
	a->from = ip_make(AF_INET, p + 12);
	a->to = ip_make(AF_INET, p + 16);
	*ret = (struct envelope){ .message = p + header, .len = total - header, .ttl = p[8] };
	return true;
}

/* An extension header is nothing that a VRRP router sends: not of protocol 112. */
static bool envelope_read6(const uint8_t *p, size_t len, struct vrrp_advert *a, struct envelope *ret)
{
	size_t payload;

	if (len < IPV6_HEADER || p[IPV6_NEXT] != VRRP_PROTOCOL)
		return false;
	payload = get_u16(p + IPV6_LENGTH);
	if (payload > len - IPV6_HEADER)
		return false;
	a->from = ip_make(AF_INET6, p + IPV6_SOURCE);
	a->to = ip_make(AF_INET6, p + IPV6_DESTINATION);
	*ret = (struct envelope){ .message = p + IPV6_HEADER, .len = payload, .ttl = p[IPV6_HOP_LIMIT] };
	return true;
}

static bool envelope_read(const uint8_t *p, size_t len, struct vrrp_advert *a, struct envelope *ret)
{
	switch (len ? p[0] >> 4 : 0) {
	case 4:
		return envelope_read4(p, len, a, ret);
	case 6:
		return envelope_read6(p, len, a, ret);
	}
	return false;
}

static size_t message_length(const struct vrrp_advert *a)
{
	return FIXED_LENGTH + a->count * ip_length(&a->to) + (a->version == 2 ? AUTH_LENGTH : 0);
}

static void message_read(const uint8_t *m, struct vrrp_advert *a)
{
	a->vrid = m[1];
	a->priority = m[AT_PRIORITY];
	a->count = m[AT_COUNT];
	/* RFC 9568 section 5.2.6: "The Reserve field MUST be set to zero on transmission and ignored on
	 * reception." VRRPv2 has the Auth Type in the byte before its Advertisement Interval. */
	a->interval_ns = a->version == 2 ? m[AT_INTERVAL + 1] * SECOND_NS
					 : (get_u16(m + AT_INTERVAL) & INTERVAL_MASK) * CENTISECOND_NS;
	a->addresses = m + FIXED_LENGTH;
}

static bool address_is_link_local(const uint8_t *p)
{
	return p[0] == 0xfe && (p[1] & 0xc0) == 0x80;
}

/* RFC 9568 section 7.1, what a whole and undamaged message may still have wrong. */
static enum vrrp_verdict message_check(const uint8_t *m, const struct vrrp_advert *a)
{
	/* RFC 3768 section 5.3.6: a packet with an unknown authentication type "MUST be discarded". Type 0 is
	 * all that it leaves, 1 and 2 were RFC 2338's. */
	if (a->version == 2 && m[AT_INTERVAL] != 0)
		return VRRP_BAD_AUTH;
	if (a->count == 0)
		return VRRP_BAD_COUNT;
	if (a->interval_ns == 0)
		return VRRP_BAD_INTERVAL;
	if (a->to.family == AF_INET6 && !address_is_link_local(a->addresses))
		return VRRP_BAD_ADDRESS;
	return VRRP_GOOD;
}

enum vrrp_verdict vrrp_advert_parse(const uint8_t *packet, size_t len, struct vrrp_advert *ret)
{
	struct envelope e;

	*ret = (struct vrrp_advert){ 0 };
	if (!envelope_read(packet, len, ret, &e))
		return VRRP_BAD_PACKET;
	if (e.ttl != VRRP_TTL)
		return VRRP_BAD_TTL;
	if (e.len == 0)
		return VRRP_BAD_LENGTH;
	ret->version = e.message[0] >> 4;
	if (ret->version != 3 && !(ret->version == 2 && ret->to.family == AF_INET))
		return VRRP_BAD_VERSION;
	if ((e.message[0] & 0xf) != TYPE_ADVERTISEMENT)
		return VRRP_BAD_TYPE;
	if (e.len < FIXED_LENGTH)
		return VRRP_BAD_LENGTH;
	message_read(e.message, ret);
	if (e.len != message_length(ret))
		return VRRP_BAD_LENGTH;
	if (!checksum_verify(ret, e.message, e.len))
		return VRRP_BAD_CHECKSUM;
	return message_check(e.message, ret);
}

/* ---- writing ---- */

static void write_interval(struct writer *w, const struct vrrp_advert *a)
{
	assert(a->interval_ns > 0);
	if (a->version == 2) {
		assert(a->interval_ns >= SECOND_NS && a->interval_ns <= VRRP2_INTERVAL_NS_MAX);
		write_u8(w, 0); /* Auth Type: no authentication */
		write_u8(w, (uint8_t)(a->interval_ns / SECOND_NS));
	} else {
		assert(a->interval_ns >= VRRP_INTERVAL_NS_MIN && a->interval_ns <= VRRP_INTERVAL_NS_MAX);
		write_u16(w, (uint16_t)(a->interval_ns / CENTISECOND_NS));
	}
}

size_t vrrp_advert_build(const struct vrrp_advert *a, uint8_t ret[VRRP_PDU_MAX])
{
	struct writer w = writer_init(ret, VRRP_PDU_MAX);
	static const uint8_t no_authentication[AUTH_LENGTH];

	assert(a->version == 3 || (a->version == 2 && a->to.family == AF_INET));
	assert(a->from.family == a->to.family && a->count > 0);
	write_u8(&w, (uint8_t)(a->version << 4 | TYPE_ADVERTISEMENT));
	write_u8(&w, a->vrid);
	write_u8(&w, a->priority);
	write_u8(&w, a->count);
	write_interval(&w, a);
	write_u16(&w, 0);
	write_bytes(&w, a->addresses, a->count * ip_length(&a->to));
	if (a->version == 2)
		write_bytes(&w, no_authentication, sizeof no_authentication);
	assert(!w.failed);
	inet_sum_write(ret + AT_CHECKSUM, sum_message(a, ret, w.used));
	return w.used;
}

size_t vrrp_packet4_build(const struct vrrp_advert *a, uint8_t dscp, uint8_t ret[VRRP_PACKET4_MAX])
{
	struct writer w = writer_init(ret, VRRP_PACKET4_MAX);
	uint8_t message[VRRP_PDU_MAX];
	size_t len = vrrp_advert_build(a, message);

	assert(a->to.family == AF_INET && dscp < 64);
	write_u8(&w, 0x45);
	write_u8(&w, (uint8_t)(dscp << 2));
	write_u16(&w, (uint16_t)(IPV4_HEADER + len));
	write_u32(&w, 0); /* the kernel chooses an identification; never a fragment */
	write_u8(&w, VRRP_TTL);
	write_u8(&w, VRRP_PROTOCOL);
	write_u16(&w, 0);
	write_bytes(&w, a->from.bytes, 4);
	write_bytes(&w, a->to.bytes, 4);
	write_bytes(&w, message, len);
	assert(!w.failed);
	inet_sum_write(ret + 10, inet_sum(ret, IPV4_HEADER, 0));
	return w.used;
}

/* ---- constants of the protocol ---- */

struct ip_address vrrp_multicast(int family)
{
	static const uint8_t group4[4] = { 224, 0, 0, 18 };
	static const uint8_t group6[16] = { 0xff, 0x02, [15] = 0x12 };

	return family == AF_INET ? ip_make(AF_INET, group4) : ip_make(AF_INET6, group6);
}

struct mac_address vrrp_virtual_mac(int family, uint8_t vrid)
{
	return (struct mac_address){ { 0x00, 0x00, 0x5e, 0x00, family == AF_INET ? 0x01 : 0x02, vrid } };
}

const char *vrrp_verdict_name(enum vrrp_verdict v)
{
	static const char *const names[VRRP_VERDICTS_COUNT] = {
		[VRRP_GOOD] = "good",
		[VRRP_BAD_PACKET] = "bad-packet",
		[VRRP_BAD_TTL] = "bad-ttl",
		[VRRP_BAD_VERSION] = "bad-version",
		[VRRP_BAD_TYPE] = "bad-type",
		[VRRP_BAD_LENGTH] = "bad-length",
		[VRRP_BAD_CHECKSUM] = "bad-checksum",
		[VRRP_BAD_AUTH] = "bad-auth",
		[VRRP_BAD_COUNT] = "bad-count",
		[VRRP_BAD_INTERVAL] = "bad-interval",
		[VRRP_BAD_ADDRESS] = "bad-address",
	};

	assert((unsigned)v < VRRP_VERDICTS_COUNT);
	return names[v];
}
