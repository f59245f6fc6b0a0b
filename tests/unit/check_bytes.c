/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bytes.h"
#include "unit.h"

#include <string.h>

START_TEST(reads_back_what_it_wrote)
{
	uint8_t buf[64];
	struct writer w = writer_init(buf, sizeof buf);
	struct reader r;
	char s[8];

	write_u8(&w, 0x12);
	write_u16(&w, 0x3456);
	write_u32(&w, 0x789abcde);
	write_u64(&w, 0x0123456789abcdefULL);
	write_str8(&w, "office");
	ck_assert(!w.failed);
	ck_assert_uint_eq(buf[1], 0x34); /* big endian */

	r = reader_init(buf, w.used);
	ck_assert_uint_eq(read_u8(&r), 0x12);
	ck_assert_uint_eq(read_u16(&r), 0x3456);
	ck_assert_uint_eq(read_u32(&r), 0x789abcde);
	ck_assert_uint_eq(read_u64(&r), 0x0123456789abcdefULL);
	read_str8(&r, s, sizeof s);
	ck_assert_str_eq(s, "office");
	ck_assert(reader_done(&r));
}
END_TEST

START_TEST(never_reads_past_the_end)
{
	const uint8_t buf[3] = { 1, 2, 3 };
	struct reader r = reader_init(buf, sizeof buf);

	ck_assert_uint_eq(read_u32(&r), 0);
	ck_assert(r.failed);
	ck_assert_uint_eq(read_u8(&r), 0); /* stays failed, although a byte would be there */
}
END_TEST

START_TEST(refuses_strings_too_long_or_with_nul)
{
	const uint8_t longer[] = { 4, 'a', 'b', 'c', 'd' };
	const uint8_t nul[] = { 3, 'a', 0, 'c' };
	char s[4];
	struct reader r = reader_init(longer, sizeof longer);

	read_str8(&r, s, sizeof s);
	ck_assert(r.failed);
	r = reader_init(nul, sizeof nul);
	read_str8(&r, s, sizeof s);
	ck_assert(r.failed);
	ck_assert_str_eq(s, "");
}
END_TEST

START_TEST(never_writes_past_the_end)
{
	uint8_t buf[4] = { 0xee, 0xee, 0xee, 0xee };
	struct writer w = writer_init(buf, 3);

	write_u32(&w, 1);
	ck_assert(w.failed);
	ck_assert_uint_eq(buf[3], 0xee);
	ck_assert_uint_eq(w.used, 0);
}
END_TEST

UNIT_MAIN("bytes", reads_back_what_it_wrote, never_reads_past_the_end, refuses_strings_too_long_or_with_nul,
	  never_writes_past_the_end)
