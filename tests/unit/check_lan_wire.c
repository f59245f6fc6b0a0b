/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "announce_wire.h"
#include "lan_wire.h"
#include "unit.h"

#include <string.h>
#include <sys/socket.h>

static const struct ip_address v4 = { AF_INET, { 10, 77, 0, 100 } };
static const struct ip_address own4 = { AF_INET, { 10, 77, 0, 1 } };
static const struct ip_address v6 = { AF_INET6, { 0xfd, 0x77, [15] = 1 } };
static const struct ip_address own6 = { AF_INET6, { 0xfe, 0x80, [15] = 2 } };
static const struct mac_address mac = { { 2, 0, 0, 0, 0, 1 } };

static enum lan_saying says(const struct announce_frame *f, const struct ip_address *ip)
{
	struct ip_address about = { 0 };
	struct mac_address to, from;
	enum lan_saying s = lan_wire_read(f->bytes, f->length, &about, &to, &from);

	if (s != LAN_NOTHING)
		ck_assert(ip_equal(&about, ip) && !memcmp(&from, &mac, sizeof mac));
	return s;
}

START_TEST(a_question_of_one_without_an_address_is_a_probe)
{
	const struct ip_address none = { 0 };
	struct announce_frame f;

	announce_ask_arp(&v4, &none, &mac, &f);
	ck_assert_int_eq(says(&f, &v4), LAN_PROBE);
	announce_ask_ns(&v6, &none, &mac, &f);
	ck_assert_int_eq(says(&f, &v6), LAN_PROBE);
}
END_TEST

START_TEST(a_question_of_one_with_an_address_claims_that)
{
	struct announce_frame f;

	announce_ask_arp(&v4, &own4, &mac, &f);
	ck_assert_int_eq(says(&f, &own4), LAN_CLAIM);
	announce_ask_ns(&v6, &own6, &mac, &f);
	ck_assert_int_eq(says(&f, &own6), LAN_NOTHING);
}
END_TEST

START_TEST(announcements_are_told_apart)
{
	struct announce_frame f;

	announce_arp(&v4, &mac, true, &f);
	ck_assert_int_eq(says(&f, &v4), LAN_ANSWER);
	announce_arp(&v4, &mac, false, &f);
	ck_assert_int_eq(says(&f, &v4), LAN_CLAIM);
	announce_na(&v6, &mac, false, &f);
	ck_assert_int_eq(says(&f, &v6), LAN_ANSWER);
}
END_TEST

START_TEST(what_is_cut_short_says_nothing)
{
	struct announce_frame f;

	announce_arp(&v4, &mac, true, &f);
	for (f.length = 0; f.length < 42; f.length++)
		ck_assert_int_eq(says(&f, &v4), LAN_NOTHING);
	announce_na(&v6, &mac, false, &f);
	for (f.length = 0; f.length < 78; f.length++)
		ck_assert_int_eq(says(&f, &v6), LAN_NOTHING);
}
END_TEST

/* RFC 4861 §7.1: a router has passed it on, so it is of no neighbour. */
START_TEST(what_comes_from_another_network_says_nothing)
{
	const struct ip_address none = { 0 };
	struct announce_frame f;

	announce_na(&v6, &mac, false, &f);
	f.bytes[14 + 7] = 254;
	ck_assert_int_eq(says(&f, &v6), LAN_NOTHING);
	announce_ask_ns(&v6, &none, &mac, &f);
	f.bytes[14 + 7] = 254;
	ck_assert_int_eq(says(&f, &v6), LAN_NOTHING);
}
END_TEST

UNIT_MAIN("lan_wire", a_question_of_one_without_an_address_is_a_probe,
	  a_question_of_one_with_an_address_claims_that, announcements_are_told_apart,
	  what_is_cut_short_says_nothing, what_comes_from_another_network_says_nothing)
