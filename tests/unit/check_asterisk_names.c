/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asterisk_names.h"
#include "unit.h"

#include <string.h>

static const boot_t at_1 = { NS_PER_S }, at_2 = { 2 * NS_PER_S };

static bool endpoint_is(const char *channel, const char *expected)
{
	char name[ASTERISK_ENDPOINT_MAX + 1];

	return asterisk_channel_endpoint(channel, name) && !strcmp(name, expected);
}

START_TEST(the_endpoint_is_in_the_name_of_its_channel)
{
	char name[ASTERISK_ENDPOINT_MAX + 1], longest[ASTERISK_ENDPOINT_MAX + 64] = "PJSIP/";

	ck_assert(endpoint_is("PJSIP/1001-0000002a", "1001"));
	ck_assert(endpoint_is("pjsip/door-2-0000002a", "door-2"));
	ck_assert(!asterisk_channel_endpoint("Local/1001@queue-0000002a;1", name));
	ck_assert(!asterisk_channel_endpoint("PJSIP/1001-0000002a<ZOMBIE>", name));
	ck_assert(!asterisk_channel_endpoint("PJSIP/1001", name));
	ck_assert(!asterisk_channel_endpoint("PJSIP/1001-", name));
	ck_assert(!asterisk_channel_endpoint("PJSIP/-0000002a", name));
	ck_assert(!asterisk_channel_endpoint("", name));
	memset(longest + 6, 'x', ASTERISK_ENDPOINT_MAX);
	memcpy(longest + 6 + ASTERISK_ENDPOINT_MAX, "-00000001", 10);
	ck_assert(asterisk_channel_endpoint(longest, name));
	ck_assert_uint_eq(strlen(name), ASTERISK_ENDPOINT_MAX);
	memcpy(longest + 6 + ASTERISK_ENDPOINT_MAX, "x-00000001", 11);
	ck_assert(!asterisk_channel_endpoint(longest, name));
}
END_TEST

START_TEST(an_endpoint_is_in_a_call_while_a_channel_of_it_exists)
{
	struct asterisk_names n;
	struct asterisk_name *e;

	ck_assert_int_eq(asterisk_names_init(&n), 0);
	asterisk_names_channel(&n, "PJSIP/1001-00000001", true, at_1);
	e = asterisk_names_find(&n, ASTERISK_ENDPOINT, "1001");
	ck_assert_ptr_nonnull(e);
	asterisk_names_channel(&n, "PJSIP/1001-00000002", true, at_1);
	asterisk_names_channel(&n, "PJSIP/1001-00000001", false, at_1);
	ck_assert_uint_eq(e->channels, 1);
	asterisk_names_channel(&n, "PJSIP/1001-00000002", false, at_2);
	asterisk_names_channel(&n, "PJSIP/1001-00000000", false, at_2); /* it began before we listened */
	ck_assert_uint_eq(e->channels, 0);
	ck_assert_int_eq(e->called_at.ns, at_2.ns);
	asterisk_names_close(&n);
}
END_TEST

START_TEST(the_list_puts_right_what_events_missed)
{
	struct asterisk_names n;
	struct asterisk_name *busy, *idle, *gone;

	ck_assert_int_eq(asterisk_names_init(&n), 0);
	busy = asterisk_names_add(&n, ASTERISK_ENDPOINT, "1001");
	idle = asterisk_names_add(&n, ASTERISK_ENDPOINT, "1002");
	gone = asterisk_names_add(&n, ASTERISK_ENDPOINT, "1003");
	asterisk_names_channel(&n, "PJSIP/1003-00000001", true, at_1);
	for (int round = 0; round < 2; round++) {
		asterisk_names_list_begin(&n);
		asterisk_names_listed(&n, "PJSIP/1001-00000007");
		asterisk_names_listed(&n, "PJSIP/1001-00000008");
		asterisk_names_listed(&n, "PJSIP/2001-00000009");
		asterisk_names_list_end(&n, at_2);
		ck_assert_uint_eq(busy->channels, 2);
		ck_assert_uint_eq(idle->channels, 0);
		ck_assert_uint_eq(gone->channels, 0);
	}
	ck_assert_int_eq(gone->called_at.ns, at_2.ns);
	ck_assert_int_eq(idle->called_at.ns, 0);
	asterisk_names_close(&n);
}
END_TEST

UNIT_MAIN("asterisk_names", the_endpoint_is_in_the_name_of_its_channel,
	  an_endpoint_is_in_a_call_while_a_channel_of_it_exists, the_list_puts_right_what_events_missed)
