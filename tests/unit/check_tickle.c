/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hex.h"
#include "tickle_wire.h"
#include "unit.h"

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

START_TEST(is_a_bare_acknowledgement)
{
	const struct tickle four = { ip("10.77.0.100"), ip("10.77.0.200"), 5060, 40123 };
	const struct tickle six = { ip("2001:db8::1"), ip("2001:db8::9"), 5061, 65535 };
	uint8_t packet[TICKLE_BYTES_MAX];

	ck_assert_uint_eq(tickle_write(&four, packet), 40);
	hex_assert("450000280000400040060000" /* the kernel fills in the checksum of a raw IPv4 header */
		   "0a4d00640a4d00c8"
		   "13c49cbb000000000000000050100000e98f0000",
		   packet, 40);
	ck_assert_uint_eq(tickle_write(&six, packet), 60);
	hex_assert("6000000000140640"
		   "20010db8000000000000000000000001"
		   "20010db8000000000000000000000009"
		   "13c5ffff00000000000000005010000040940000",
		   packet, 60);
}
END_TEST

START_TEST(wants_two_addresses_of_one_family)
{
	const struct tickle mixed = { ip("10.77.0.100"), ip("2001:db8::9"), 1, 1 }, none = { 0 };
	uint8_t packet[TICKLE_BYTES_MAX];

	ck_assert_uint_eq(tickle_write(&mixed, packet), 0);
	ck_assert_uint_eq(tickle_write(&none, packet), 0);
}
END_TEST

UNIT_MAIN("tickle", is_a_bare_acknowledgement, wants_two_addresses_of_one_family)
