/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_wire.h"

#include "hex.h"
#include "unit.h"

#include <arpa/inet.h>

/* As keepalived, FRR and scapy put them on the wire, and as a dissector that is none of them finds them good.
 */
#define IPV4_TO_ALL "45c0002000000000ff70cf490a510101e0000012"
#define V3_RFC5798  IPV4_TO_ALL "310a64010014734a0a510164"
#define V3_RFC9568  IPV4_TO_ALL "310a640100145f2b0a510164"
#define V3_FRR	    IPV4_TO_ALL "310a96010014414a0a510164"
#define V3_FRR_STOP IPV4_TO_ALL "310a00010014d74a0a510164"
#define V3_UNICAST  "45c0002400000000ff70a4050a5101010a510102310a64020fff2c640a5101640a510165"
#define V2	    "45c0002800000000ff70cf410a510101e0000012210a640100016f3e0a5101640000000000000000"
#define V3_IPV6                                                                            \
	"6c000000002870fffe80000000000000d45e97fffe318c68ff020000000000000000000000000012" \
	"310b6402001477b4fe800000000000000000000000000100fd810000000000000000000000000100"

#define MS	     1000000LL
#define IPV4_MESSAGE 20 /* offset of the message */
#define IPV6_MESSAGE 40

struct bytes {
	uint8_t at[2048];
	size_t len;
};

static struct bytes from_hex(const char *hex)
{
	struct bytes b = { .len = strlen(hex) / 2 };

	for (size_t i = 0; i < b.len; i++) {
		unsigned v;

		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		b.at[i] = (uint8_t)v;
	}
	return b;
}

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

/* From a heap copy of the exact size, so that a sanitizer sees a read past the end. What `ret` points to
 * afterwards lies in `b`. */
static enum vrrp_verdict parse(const struct bytes *b, struct vrrp_advert *ret)
{
	uint8_t *exact = malloc(b->len ? b->len : 1);
	enum vrrp_verdict v;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, b->at, b->len);
	v = vrrp_advert_parse(exact, b->len, ret);
	if (ret->addresses)
		ret->addresses = b->at + (ret->addresses - exact);
	free(exact);
	return v;
}

static enum vrrp_verdict verdict(const struct bytes *b)
{
	struct vrrp_advert a;

	return parse(b, &a);
}

/* ---- damage with the checksums made right again: RFC 1071, written down once more ---- */

static uint16_t ones_sum(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (uint64_t)p[i] << (i % 2 ? 0 : 8);
	return (uint16_t)(sum % 0xffff);
}

static void put_sum(uint8_t *p, size_t len, size_t at, uint32_t more)
{
	p[at] = p[at + 1] = 0;
	more = (0xffffU - (ones_sum(p, len) + more) % 0xffffU);
	p[at] = (uint8_t)(more >> 8);
	p[at + 1] = (uint8_t)more;
}

/* Lengths and checksums as a sender would make them that means every byte. */
static void mend(struct bytes *b)
{
	if (b->at[0] >> 4 == 4) {
		size_t header = 4 * (b->at[0] & 0xfU);

		b->at[2] = (uint8_t)(b->len >> 8);
		b->at[3] = (uint8_t)b->len;
		put_sum(b->at, header, 10, 0);
		put_sum(b->at + header, b->len - header, 6, 0); /* RFC 9568's, or VRRPv2's */
	} else {
		size_t len = b->len - IPV6_MESSAGE;

		b->at[4] = (uint8_t)(len >> 8);
		b->at[5] = (uint8_t)len;
		put_sum(b->at + IPV6_MESSAGE, len, 6, ones_sum(b->at + 8, 32) + 112U + (uint32_t)len);
	}
}

/* One byte changed, everything else right. */
static enum vrrp_verdict verdict_with(const char *hex, size_t at, uint8_t value)
{
	struct bytes b = from_hex(hex);

	b.at[at] = value;
	mend(&b);
	return verdict(&b);
}

/* ---- what others send ---- */

START_TEST(adverts_of_other_implementations_are_read)
{
	static const struct {
		const char *packet;
		uint8_t version, vrid, priority, count;
		bool rfc9568;
		int64_t interval_ns;
		const char *from, *to, *first;
	} cases[] = {
		{ V3_RFC5798, 3, 10, 100, 1, false, 200 * MS, "10.81.1.1", "224.0.0.18", "10.81.1.100" },
		{ V3_RFC9568, 3, 10, 100, 1, true, 200 * MS, "10.81.1.1", "224.0.0.18", "10.81.1.100" },
		{ V3_FRR, 3, 10, 150, 1, false, 200 * MS, "10.81.1.1", "224.0.0.18", "10.81.1.100" },
		{ V3_FRR_STOP, 3, 10, 0, 1, false, 200 * MS, "10.81.1.1", "224.0.0.18", "10.81.1.100" },
		{ V3_UNICAST, 3, 10, 100, 2, false, 40950 * MS, "10.81.1.1", "10.81.1.2", "10.81.1.100" },
		{ V2, 2, 10, 100, 1, false, 1000 * MS, "10.81.1.1", "224.0.0.18", "10.81.1.100" },
		{ V3_IPV6, 3, 11, 100, 2, false, 200 * MS, "fe80::d45e:97ff:fe31:8c68", "ff02::12",
		  "fe80::100" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = from_hex(cases[i].packet);
		struct ip_address from = ip(cases[i].from), to = ip(cases[i].to), first = ip(cases[i].first);
		struct vrrp_advert a;

		ck_assert_int_eq(parse(&b, &a), VRRP_GOOD);
		ck_assert_uint_eq(a.version, cases[i].version);
		ck_assert_uint_eq(a.vrid, cases[i].vrid);
		ck_assert_uint_eq(a.priority, cases[i].priority);
		ck_assert_uint_eq(a.count, cases[i].count);
		ck_assert_int_eq(a.checksum_rfc9568, cases[i].rfc9568);
		ck_assert_int_eq(a.interval_ns, cases[i].interval_ns);
		ck_assert(ip_equal(&a.from, &from) && ip_equal(&a.to, &to));
		ck_assert_mem_eq(a.addresses, first.bytes, ip_length(&first));
	}
}
END_TEST

START_TEST(frame_padding_is_not_part_of_the_packet)
{
	struct bytes b = from_hex(V3_RFC5798);

	memset(b.at + b.len, 0x5a, 14); /* an Ethernet frame carries at least 46 bytes */
	b.len += 14;
	ck_assert_int_eq(verdict(&b), VRRP_GOOD);
}
END_TEST

START_TEST(options_in_the_ip_header_are_skipped)
{
	struct bytes b = from_hex(V3_RFC9568);

	memmove(b.at + 24, b.at + 20, b.len - 20);
	memset(b.at + 20, 1, 4); /* no-operation */
	b.len += 4;
	b.at[0] = 0x46;
	mend(&b);
	ck_assert_int_eq(verdict(&b), VRRP_GOOD);
}
END_TEST

START_TEST(reserved_bits_are_ignored)
{
	ck_assert_int_eq(verdict_with(V3_RFC9568, IPV4_MESSAGE + 4, 0xf0), VRRP_GOOD);
	ck_assert_int_eq(verdict_with(V3_IPV6, IPV6_MESSAGE + 4, 0xf0), VRRP_GOOD);
}
END_TEST

/* Which address list it should have, and which interval, is known to the caller; RFC 9568 lets neither be a
 * reason to drop. */
START_TEST(another_address_list_is_good)
{
	ck_assert_int_eq(verdict_with(V3_RFC9568, IPV4_MESSAGE + 8, 11), VRRP_GOOD);
	ck_assert_int_eq(verdict_with(V3_RFC9568, IPV4_MESSAGE + 5, 1), VRRP_GOOD);
}
END_TEST

/* ---- what must be dropped ---- */

START_TEST(each_check_drops_what_it_is_for)
{
	static const struct {
		const char *packet;
		size_t at;
		uint8_t value;
		enum vrrp_verdict expect;
	} cases[] = {
		{ V3_RFC9568, 6, 0x20, VRRP_BAD_PACKET }, /* first fragment */
		{ V3_RFC9568, 7, 0x01, VRRP_BAD_PACKET }, /* a later fragment */
		{ V3_RFC9568, 9, 17, VRRP_BAD_PACKET },
		{ V3_IPV6, 6, 0, VRRP_BAD_PACKET },  /* hop-by-hop options */
		{ V3_IPV6, 6, 44, VRRP_BAD_PACKET }, /* a fragment */
		{ V3_RFC9568, 8, 254, VRRP_BAD_TTL },
		{ V3_RFC9568, 8, 0, VRRP_BAD_TTL },
		{ V2, 8, 254, VRRP_BAD_TTL },
		{ V3_IPV6, 7, 254, VRRP_BAD_TTL },
		{ V3_RFC9568, IPV4_MESSAGE, 0x11, VRRP_BAD_VERSION },
		{ V3_RFC9568, IPV4_MESSAGE, 0x41, VRRP_BAD_VERSION },
		{ V3_RFC9568, IPV4_MESSAGE, 0x01, VRRP_BAD_VERSION },
		{ V3_IPV6, IPV6_MESSAGE, 0x21, VRRP_BAD_VERSION }, /* VRRPv2 has no IPv6 */
		{ V3_RFC9568, IPV4_MESSAGE, 0x30, VRRP_BAD_TYPE },
		{ V3_RFC9568, IPV4_MESSAGE, 0x32, VRRP_BAD_TYPE },
		{ V2, IPV4_MESSAGE, 0x22, VRRP_BAD_TYPE },
		{ V3_RFC9568, IPV4_MESSAGE + 3, 0, VRRP_BAD_LENGTH },
		{ V3_RFC9568, IPV4_MESSAGE + 3, 2, VRRP_BAD_LENGTH },
		{ V3_RFC9568, IPV4_MESSAGE + 3, 255, VRRP_BAD_LENGTH },
		{ V3_IPV6, IPV6_MESSAGE + 3, 1, VRRP_BAD_LENGTH },
		{ V2, IPV4_MESSAGE, 0x31, VRRP_BAD_LENGTH },	     /* VRRPv3 ends after the addresses */
		{ V3_RFC9568, IPV4_MESSAGE, 0x21, VRRP_BAD_LENGTH }, /* and VRRPv2 does not */
		{ V2, IPV4_MESSAGE + 4, 1, VRRP_BAD_AUTH },	     /* a password in the clear */
		{ V2, IPV4_MESSAGE + 4, 2, VRRP_BAD_AUTH },
		{ V3_RFC9568, IPV4_MESSAGE + 5, 0, VRRP_BAD_INTERVAL },
		{ V3_IPV6, IPV6_MESSAGE + 5, 0, VRRP_BAD_INTERVAL },
		{ V2, IPV4_MESSAGE + 5, 0, VRRP_BAD_INTERVAL },
		{ V3_IPV6, IPV6_MESSAGE + 8, 0xfd, VRRP_BAD_ADDRESS },
		{ V3_IPV6, IPV6_MESSAGE + 9, 0x40, VRRP_BAD_ADDRESS },
		{ V3_IPV6, IPV6_MESSAGE + 9, 0xc0, VRRP_BAD_ADDRESS }, /* fec0::/10 is site-local */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ck_assert_msg(verdict_with(cases[i].packet, cases[i].at, cases[i].value) == cases[i].expect,
			      "byte %zu = %#x in %s: not %s", cases[i].at, cases[i].value, cases[i].packet,
			      vrrp_verdict_name(cases[i].expect));
}
END_TEST

/* Erratum 8299. Each length is right for no address at all. */
START_TEST(count_0_is_dropped)
{
	static const struct {
		const char *packet;
		size_t message, cut;
	} cases[] = { { V3_RFC9568, IPV4_MESSAGE, 4 },
		      { V2, IPV4_MESSAGE, 4 },
		      { V3_IPV6, IPV6_MESSAGE, 32 } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = from_hex(cases[i].packet);

		b.len -= cases[i].cut;
		b.at[cases[i].message + 3] = 0;
		mend(&b);
		ck_assert_int_eq(verdict(&b), VRRP_BAD_COUNT);
	}
}
END_TEST

/* One forged packet with interval 0 and a high priority makes keepalived 2.2.7 give up the address and take
 * it again at once. */
START_TEST(interval_0_with_a_high_priority_is_dropped)
{
	struct bytes b = from_hex(V3_RFC9568);

	b.at[IPV4_MESSAGE + 2] = 254;
	b.at[IPV4_MESSAGE + 4] = 0xf0; /* reserved bits do not make an interval */
	b.at[IPV4_MESSAGE + 5] = 0;
	mend(&b);
	ck_assert_int_eq(verdict(&b), VRRP_BAD_INTERVAL);
}
END_TEST

START_TEST(every_single_flipped_bit_of_a_message_is_noticed)
{
	static const struct {
		const char *packet;
		size_t message;
	} cases[] = { { V3_RFC5798, IPV4_MESSAGE },
		      { V3_RFC9568, IPV4_MESSAGE },
		      { V2, IPV4_MESSAGE },
		      { V3_IPV6, IPV6_MESSAGE },
		      { V3_UNICAST, IPV4_MESSAGE } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t bit = 8 * cases[i].message; bit < 4 * strlen(cases[i].packet); bit++) {
			struct bytes b = from_hex(cases[i].packet);

			b.at[bit / 8] ^= (uint8_t)(1U << bit % 8);
			ck_assert_int_ne(verdict(&b), VRRP_GOOD);
		}
}
END_TEST

START_TEST(addresses_of_the_packet_are_part_of_the_checksum)
{
	struct bytes b = from_hex(V3_RFC5798);

	b.at[15] = 2; /* another source */
	put_sum(b.at, 20, 10, 0);
	ck_assert_int_eq(verdict(&b), VRRP_BAD_CHECKSUM);
	b = from_hex(V3_IPV6);
	b.at[23] ^= 1;
	ck_assert_int_eq(verdict(&b), VRRP_BAD_CHECKSUM);
}
END_TEST

START_TEST(damaged_ip_header_is_dropped)
{
	struct bytes b = from_hex(V3_RFC9568);

	b.at[10] ^= 0x40;
	ck_assert_int_eq(verdict(&b), VRRP_BAD_PACKET);
}
END_TEST

START_TEST(packets_cut_short_are_dropped)
{
	static const char *const packets[] = { V3_RFC5798, V3_RFC9568, V2, V3_IPV6 };

	for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
		struct bytes b = from_hex(packets[i]);

		while (b.len-- > 0)
			ck_assert_int_eq(verdict(&b), VRRP_BAD_PACKET);
	}
}
END_TEST

START_TEST(messages_cut_short_are_dropped)
{
	static const struct {
		const char *packet;
		size_t message;
	} cases[] = { { V3_RFC9568, IPV4_MESSAGE }, { V2, IPV4_MESSAGE }, { V3_IPV6, IPV6_MESSAGE } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes whole = from_hex(cases[i].packet);

		for (size_t len = cases[i].message; len < whole.len; len++) {
			struct bytes b = whole;

			b.len = len;
			if (b.at[0] >> 4 == 4) { /* the IP header is right, the rest as it was */
				b.at[3] = (uint8_t)len;
				put_sum(b.at, 20, 10, 0);
			} else {
				b.at[5] = (uint8_t)(len - IPV6_MESSAGE);
			}
			ck_assert_int_eq(verdict(&b), VRRP_BAD_LENGTH);
		}
	}
}
END_TEST

START_TEST(trailing_bytes_in_the_message_are_dropped)
{
	static const char *const packets[] = { V3_RFC9568, V2, V3_IPV6 };

	for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++)
		for (size_t more = 1; more < 20; more++) {
			struct bytes b = from_hex(packets[i]);

			b.len += more;
			mend(&b);
			ck_assert_int_eq(verdict(&b), VRRP_BAD_LENGTH);
		}
}
END_TEST

START_TEST(headers_that_lie_are_dropped)
{
	struct bytes b = from_hex(V3_RFC9568);

	b.at[0] = 0x55; /* IP version 5 */
	ck_assert_int_eq(verdict(&b), VRRP_BAD_PACKET);
	b.at[0] = 0x44; /* a header of 16 bytes */
	ck_assert_int_eq(verdict(&b), VRRP_BAD_PACKET);
	b.at[0] = 0x4f; /* of 60, in 32 */
	ck_assert_int_eq(verdict(&b), VRRP_BAD_PACKET);
	b = from_hex(V3_RFC9568);
	b.at[3] = 19; /* total length below the header's */
	put_sum(b.at, 20, 10, 0);
	ck_assert_int_eq(verdict(&b), VRRP_BAD_PACKET);
	b.at[3] = 33; /* beyond the end */
	put_sum(b.at, 20, 10, 0);
	ck_assert_int_eq(verdict(&b), VRRP_BAD_PACKET);
	b = from_hex(V3_IPV6);
	b.at[4] = b.at[5] = 0xff;
	ck_assert_int_eq(verdict(&b), VRRP_BAD_PACKET);
}
END_TEST

/* RFC 9568 section 7.1: the order decides which counter is counted up. */
START_TEST(checks_come_in_their_order)
{
	struct bytes b = from_hex(V3_RFC9568);

	b.at[8] = 1;
	b.at[IPV4_MESSAGE] = 0x4f;
	put_sum(b.at, 20, 10, 0);
	ck_assert_int_eq(verdict(&b), VRRP_BAD_TTL);
	b.at[8] = 255;
	put_sum(b.at, 20, 10, 0);
	ck_assert_int_eq(verdict(&b), VRRP_BAD_VERSION);
	b.at[IPV4_MESSAGE] = 0x3f;
	b.at[IPV4_MESSAGE + 3] = 7;
	ck_assert_int_eq(verdict(&b), VRRP_BAD_TYPE);
	b.at[IPV4_MESSAGE] = 0x31;
	b.at[IPV4_MESSAGE + 5] = 0;
	ck_assert_int_eq(verdict(&b), VRRP_BAD_LENGTH);
	b.at[IPV4_MESSAGE + 3] = 1;
	ck_assert_int_eq(verdict(&b), VRRP_BAD_CHECKSUM);
	mend(&b);
	ck_assert_int_eq(verdict(&b), VRRP_BAD_INTERVAL);
}
END_TEST

/* A counter per virtual router needs to know whose packet was bad. */
START_TEST(dropped_packets_tell_what_was_read)
{
	struct bytes b = from_hex(V3_RFC5798);
	struct ip_address from = ip("10.81.1.1");
	struct vrrp_advert a;

	b.at[IPV4_MESSAGE + 6] ^= 1;
	ck_assert_int_eq(parse(&b, &a), VRRP_BAD_CHECKSUM);
	ck_assert_uint_eq(a.vrid, 10);
	ck_assert(ip_equal(&a.from, &from));
}
END_TEST

/* ---- what we send ---- */

static struct vrrp_advert advert4(const struct ip_address *address)
{
	return (struct vrrp_advert){ .version = 3,
				     .vrid = 10,
				     .priority = 100,
				     .interval_ns = 200 * MS,
				     .from = ip("10.81.1.1"),
				     .to = vrrp_multicast(AF_INET),
				     .count = 1,
				     .addresses = address->bytes };
}

static void assert_packet4(const struct vrrp_advert *a, const char *hex)
{
	uint8_t packet[VRRP_PACKET4_MAX];

	hex_assert(hex, packet, vrrp_packet4_build(a, 48, packet));
}

START_TEST(ipv4_adverts_have_golden_bytes)
{
	struct ip_address address = ip("10.81.1.100");
	struct vrrp_advert a = advert4(&address);

	assert_packet4(&a, V3_RFC5798);
	a.checksum_rfc9568 = true;
	assert_packet4(&a, V3_RFC9568);
	a.version = 2;
	a.interval_ns = 1000 * MS;
	assert_packet4(&a, V2);
	a = advert4(&address);
	a.priority = 150;
	assert_packet4(&a, V3_FRR);
	a.priority = VRRP_PRIORITY_RELEASE;
	assert_packet4(&a, V3_FRR_STOP);
}
END_TEST

START_TEST(unicast_advert_has_golden_bytes)
{
	static const uint8_t addresses[] = { 10, 81, 1, 100, 10, 81, 1, 101 };
	struct ip_address address = ip("10.81.1.100");
	struct vrrp_advert a = advert4(&address);

	a.to = ip("10.81.1.2");
	a.interval_ns = VRRP_INTERVAL_NS_MAX;
	a.count = 2;
	a.addresses = addresses;
	assert_packet4(&a, V3_UNICAST);
}
END_TEST

START_TEST(ipv6_advert_has_golden_bytes)
{
	struct ip_address first = ip("fe80::100"), second = ip("fd81::100");
	uint8_t addresses[32], message[VRRP_PDU_MAX];
	struct vrrp_advert a = { .version = 3,
				 .vrid = 11,
				 .priority = 100,
				 .interval_ns = 200 * MS,
				 .from = ip("fe80::d45e:97ff:fe31:8c68"),
				 .to = vrrp_multicast(AF_INET6),
				 .count = 2,
				 .addresses = addresses };

	memcpy(addresses, first.bytes, 16);
	memcpy(addresses + 16, second.bytes, 16);
	hex_assert(&V3_IPV6[2 * IPV6_MESSAGE], message, vrrp_advert_build(&a, message));
}
END_TEST

START_TEST(longest_adverts_come_back)
{
	static uint8_t addresses[4 * VRRP_ADDRESSES4_MAX];
	struct ip_address any = ip("10.0.0.0");
	struct vrrp_advert a = advert4(&any), back;

	for (size_t i = 0; i < sizeof addresses; i++)
		addresses[i] = (uint8_t)(i * 7);
	a.count = VRRP_ADDRESSES4_MAX;
	a.addresses = addresses;
	for (a.version = 2; a.version <= 3; a.version++)
		for (int rfc9568 = 0; rfc9568 < a.version - 1; rfc9568++) {
			struct bytes b;

			a.checksum_rfc9568 = rfc9568;
			a.interval_ns = a.version == 2 ? VRRP2_INTERVAL_NS_MAX : VRRP_INTERVAL_NS_MIN;
			b.len = vrrp_packet4_build(&a, 0, b.at);
			ck_assert_int_eq(parse(&b, &back), VRRP_GOOD);
			ck_assert_int_eq(back.interval_ns, a.interval_ns);
			ck_assert_int_eq(back.checksum_rfc9568, a.checksum_rfc9568);
			ck_assert_uint_eq(back.count, VRRP_ADDRESSES4_MAX);
			ck_assert_mem_eq(back.addresses, addresses, sizeof addresses);
		}
}
END_TEST

START_TEST(constants_of_the_protocol)
{
	struct ip_address all4 = ip("224.0.0.18"), all6 = ip("ff02::12"), got;
	struct mac_address mac;
	char text[MAC_TEXT_MAX];

	got = vrrp_multicast(AF_INET);
	ck_assert(ip_equal(&got, &all4));
	got = vrrp_multicast(AF_INET6);
	ck_assert(ip_equal(&got, &all6));
	mac = vrrp_virtual_mac(AF_INET, 10);
	ck_assert_str_eq(mac_format(&mac, text), "00:00:5e:00:01:0a");
	mac = vrrp_virtual_mac(AF_INET6, 255);
	ck_assert_str_eq(mac_format(&mac, text), "00:00:5e:00:02:ff");
	for (int v = 0; v < VRRP_VERDICTS_COUNT; v++)
		ck_assert_ptr_nonnull(vrrp_verdict_name((enum vrrp_verdict)v));
}
END_TEST

UNIT_MAIN("vrrp_wire", adverts_of_other_implementations_are_read, frame_padding_is_not_part_of_the_packet,
	  options_in_the_ip_header_are_skipped, reserved_bits_are_ignored, another_address_list_is_good,
	  each_check_drops_what_it_is_for, count_0_is_dropped, interval_0_with_a_high_priority_is_dropped,
	  every_single_flipped_bit_of_a_message_is_noticed, addresses_of_the_packet_are_part_of_the_checksum,
	  damaged_ip_header_is_dropped, packets_cut_short_are_dropped, messages_cut_short_are_dropped,
	  trailing_bytes_in_the_message_are_dropped, headers_that_lie_are_dropped, checks_come_in_their_order,
	  dropped_packets_tell_what_was_read, ipv4_adverts_have_golden_bytes, unicast_advert_has_golden_bytes,
	  ipv6_advert_has_golden_bytes, longest_adverts_come_back, constants_of_the_protocol)
