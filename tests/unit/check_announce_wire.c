/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "announce_wire.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static const struct mac_address mac = { { 2, 0, 0, 0, 0, 1 } };

/* Made with an independent implementation (tests/lab/stimuli.py); the kernel accepts them
 * (tests/lab/test_vip.py). */
static const char garp_request[] = "ffffffffffff020000000001080600010800060400010200000000010a4d0064"
				   "0000000000000a4d0064";
static const char garp_reply[] = "ffffffffffff020000000001080600010800060400020200000000010a4d0064"
				 "0200000000010a4d0064";
static const char arp_question[] = "ffffffffffff020000000001080600010800060400010200000000010a4d0001"
				   "0000000000000a4d0064";
static const char arp_probe[] = "ffffffffffff0200000000010806000108000604000102000000000100000000"
				"0000000000000a4d0064";
static const char advert[] = "33330000000102000000000186dd6000000000203afffd770000000000000000"
			     "000000000100ff020000000000000000000000000001880057af20000000fd77"
			     "00000000000000000000000001000201020000000001";
static const char advert_of_router[] = "33330000000102000000000186dd6000000000203afffd770000000000000000"
				       "000000000100ff0200000000000000000000000000018800d7aea0000000fd77"
				       "00000000000000000000000001000201020000000001";
static const char solicit[] = "3333ffabcdef02000000000186dd6000000000203afffe800000000000000000"
			      "000000000001ff0200000000000000000001ffabcdef8700cc6e00000000fd77"
			      "0000000000000000000012abcdef0101020000000001";
static const char solicit_from_nobody[] = "3333ffabcdef02000000000186dd6000000000183aff00000000000000000000"
					  "000000000000ff0200000000000000000001ffabcdef8700cdfa00000000fd77"
					  "0000000000000000000012abcdef";

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

static void assert_frame(const struct announce_frame *f, const char *hex)
{
	char text[2 * ANNOUNCE_FRAME_MAX + 1] = "";

	for (size_t i = 0; i < f->length; i++)
		sprintf(text + 2 * i, "%02x", f->bytes[i]);
	ck_assert_str_eq(text, hex);
}

static size_t from_hex(const char *hex, uint8_t *ret)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		ret[i] = (uint8_t)v;
	}
	return n;
}

START_TEST(gratuitous_arp_has_golden_bytes)
{
	struct ip_address a = ip("10.77.0.100");
	struct announce_frame f;

	announce_arp(&a, &mac, false, &f);
	assert_frame(&f, garp_request);
	announce_arp(&a, &mac, true, &f);
	assert_frame(&f, garp_reply);
}
END_TEST

START_TEST(advertisement_has_golden_bytes)
{
	struct ip_address a = ip("fd77::100");
	struct announce_frame f;

	announce_na(&a, &mac, false, &f);
	assert_frame(&f, advert);
	announce_na(&a, &mac, true, &f);
	assert_frame(&f, advert_of_router);
}
END_TEST

START_TEST(questions_have_golden_bytes)
{
	struct ip_address a = ip("10.77.0.100"), own = ip("10.77.0.1"), none = { 0 };
	struct announce_frame f;

	announce_ask_arp(&a, &own, &mac, &f);
	assert_frame(&f, arp_question);
	announce_ask_arp(&a, &none, &mac, &f);
	assert_frame(&f, arp_probe);
	a = ip("fd77::12ab:cdef");
	own = ip("fe80::1");
	announce_ask_ns(&a, &own, &mac, &f);
	assert_frame(&f, solicit);
	announce_ask_ns(&a, &none, &mac, &f);
	assert_frame(&f, solicit_from_nobody);
}
END_TEST

START_TEST(claims_are_read)
{
	static const struct {
		const char *frame;
		const char *ip;
	} cases[] = { { garp_request, "10.77.0.100" },
		      { garp_reply, "10.77.0.100" },
		      { arp_question, "10.77.0.1" }, /* who asks claims its own */
		      { advert, "fd77::100" } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t frame[ANNOUNCE_FRAME_MAX];
		size_t length = from_hex(cases[i].frame, frame);
		struct ip_address expected = ip(cases[i].ip), got;
		struct mac_address whose;

		ck_assert(announce_claim(frame, length, &got, &whose));
		ck_assert(ip_equal(&got, &expected));
		ck_assert_mem_eq(&whose, &mac, sizeof mac);
	}
}
END_TEST

START_TEST(advertisement_without_option_is_of_the_frames_source)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	size_t length = from_hex(advert, frame);
	struct mac_address whose;
	struct ip_address got;

	frame[11] = 0x77; /* source of the frame; the option still says 01 */
	ck_assert(announce_claim(frame, length, &got, &whose));
	ck_assert_uint_eq(whose.bytes[5], 1);
	ck_assert(announce_claim(frame, length - 8, &got, &whose));
	ck_assert_uint_eq(whose.bytes[5], 0x77);
	frame[79] = 0; /* an option of length 0 would never end */
	ck_assert(announce_claim(frame, length, &got, &whose));
	ck_assert_uint_eq(whose.bytes[5], 0x77);
}
END_TEST

START_TEST(what_claims_nothing)
{
	static const char *const frames[] = { arp_probe, solicit, solicit_from_nobody };
	struct mac_address whose;
	struct ip_address got;
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		size_t length = from_hex(frames[i], frame);

		ck_assert(!announce_claim(frame, length, &got, &whose));
	}
}
END_TEST

START_TEST(cut_frames_claim_nothing)
{
	static const char *const frames[] = { garp_reply, advert };
	static const size_t needed[] = { 32, 78 }; /* up to the sender's address; up to the target */
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	for (size_t i = 0; i < 2; i++) {
		size_t length = from_hex(frames[i], frame);

		for (size_t cut = 0; cut <= length; cut++) {
			_Alignas(16) uint8_t copy[ANNOUNCE_FRAME_MAX];
			struct mac_address whose;
			struct ip_address got;

			memcpy(copy, frame, cut);
			ck_assert_int_eq(announce_claim(copy, cut, &got, &whose), cut >= needed[i]);
		}
	}
}
END_TEST

UNIT_MAIN("announce_wire", gratuitous_arp_has_golden_bytes, advertisement_has_golden_bytes,
	  questions_have_golden_bytes, claims_are_read, advertisement_without_option_is_of_the_frames_source,
	  what_claims_nothing, cut_frames_claim_nothing)
