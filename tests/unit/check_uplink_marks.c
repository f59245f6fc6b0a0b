/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The nftables table of the uplinks' marks as text.
 */
#include "uplink_marks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "unit.h"

static const struct path_config lines = {
	.mark_mask = 0xff00,
	.uplink_count = 2,
	.uplink = { { .device = "wan1", .family = AF_INET, .mark = 0x100 },
		    { .device = "wan2", .family = AF_INET6, .mark = 0x200 } },
	.voice_count = 3,
	.voice_to = { { .ip = { AF_INET, { 203, 0, 113, 0 } }, .length = 24 },
		      { .ip = { AF_INET, { 192, 0, 2, 1 } }, .length = 32 },
		      { .ip = { AF_INET6, { 0 } }, .length = 0 } },
};

START_TEST(marks_at_the_start_of_a_flow)
{
	char *text = uplink_marks_text(&lines, 0);

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "ct mark and 0xff00 != 0 accept\n"));
	ck_assert_ptr_nonnull(strstr(text, "meta nfproto ipv4 oifname \"wan1\" ip daddr { 203.0.113.0/24, "
					   "192.0.2.1 } ct mark set ct mark "
					   "and 0xffff00ff or 0x100\n"));
	ck_assert_ptr_nonnull(strstr(text, "meta mark and 0xff00 != 0 accept\n"));
	ck_assert_ptr_nonnull(strstr(
		text, "meta nfproto ipv6 oifname \"wan2\" ct mark set ct mark and 0xffff00ff or 0x200\n"));
	ck_assert_ptr_null(strstr(text, "meta mark set"));
	free(text);
}
END_TEST

START_TEST(pins_one_line_only)
{
	char *text = uplink_marks_text(&lines, 1U << 1);

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "type route hook output"));
	ck_assert_ptr_nonnull(strstr(text, "ct mark and 0xff00 == 0x200 meta mark set"));
	ck_assert_ptr_null(strstr(text, "ct mark and 0xff00 == 0x100"));
	free(text);
}
END_TEST

/* By its comment a table is known that a former agent left. */
START_TEST(comment_tells_what_is_in_it)
{
	char *a = uplink_marks_text(&lines, 0), *b = uplink_marks_text(&lines, 0);
	char *c = uplink_marks_text(&lines, 1);
	const char *in_a, *in_c;

	ck_assert(a && b && c);
	ck_assert_str_eq(a, b);
	in_a = strstr(a, "comment \"");
	in_c = strstr(c, "comment \"");
	ck_assert(in_a && in_c);
	ck_assert_int_ne(strncmp(in_a, in_c, 36), 0);
	free(a);
	free(b);
	free(c);
}
END_TEST

START_TEST(settles_when_loaded)
{
	struct uplink_marks m;

	uplink_marks_init(&m, true);
	ck_assert(!uplink_marks_settled(&m));
	m.wanted = false; /* as after a load */
	ck_assert(uplink_marks_settled(&m));
	uplink_marks_pin(&m, 0); /* no change */
	ck_assert(uplink_marks_settled(&m));
	uplink_marks_pin(&m, 2);
	ck_assert(!uplink_marks_settled(&m));
	uplink_marks_init(&m, false); /* the administrator's business */
	uplink_marks_pin(&m, 2);
	ck_assert(!uplink_marks_settled(&m));
	ck_assert_int_eq(uplink_marks_next(&m).ns, BOOT_NEVER.ns);
}
END_TEST

UNIT_MAIN("uplink_marks", marks_at_the_start_of_a_flow, pins_one_line_only, comment_tells_what_is_in_it,
	  settles_when_loaded)
