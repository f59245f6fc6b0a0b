/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asterisk_channels.h"
#include "unit.h"

#include <stdio.h>

#define A_PHONE "PJSIP/1001-00000001"

START_TEST(a_call_is_counted_once_whoever_takes_part_in_it)
{
	struct asterisk_channels c;

	asterisk_channels_init(&c);
	asterisk_channels_list_begin(&c);
	for (int i = 0; i < 3; i++) /* a queue: who waits, and two members that ring */
		asterisk_channels_listed(&c, A_PHONE, "1795578470.1");
	asterisk_channels_listed(&c, A_PHONE, "1795578470.9"); /* voicemail */
	ck_assert(asterisk_channels_list_end(&c));
	ck_assert_uint_eq(c.calls, 2);
	ck_assert_uint_eq(asterisk_channels_calls(&c, 4), 2);
	asterisk_channels_close(&c);
}
END_TEST

START_TEST(a_list_that_begins_anew_forgets_the_one_before)
{
	struct asterisk_channels c;

	asterisk_channels_init(&c);
	asterisk_channels_list_begin(&c);
	asterisk_channels_listed(&c, A_PHONE, "a"); /* and AMI is cut */
	asterisk_channels_list_begin(&c);
	for (int i = 0; i < 3000; i++) {
		char id[16];

		(void)snprintf(id, sizeof id, "%d", i / 2);
		asterisk_channels_listed(&c, A_PHONE, id);
	}
	ck_assert(asterisk_channels_list_end(&c));
	ck_assert_uint_eq(asterisk_channels_calls(&c, 3000), 1500);
	asterisk_channels_close(&c);
}
END_TEST

/* Once a phone has sent a text, this one is listed until Asterisk ends. CoreStatus does not count it. */
START_TEST(the_channel_of_text_messages_is_no_call)
{
	struct asterisk_channels c;

	asterisk_channels_init(&c);
	asterisk_channels_list_begin(&c);
	asterisk_channels_listed(&c, "Message/ast_msg_queue", "1795578470.5");
	ck_assert(asterisk_channels_list_end(&c));
	ck_assert_uint_eq(asterisk_channels_calls(&c, (uint32_t)c.count), 0);
	asterisk_channels_list_begin(&c);
	asterisk_channels_listed(&c, "Message/ast_msg_queue", "1795578470.5");
	for (int i = 0; i < 2; i++)
		asterisk_channels_listed(&c, A_PHONE, "1795578470.7");
	ck_assert(asterisk_channels_list_end(&c));
	ck_assert_uint_eq(asterisk_channels_calls(&c, (uint32_t)c.count), 1);
	ck_assert_uint_eq(asterisk_channels_calls(&c, 20), 10);
	asterisk_channels_close(&c);
}
END_TEST

START_TEST(between_two_lists_the_number_of_channels_tells)
{
	struct asterisk_channels c;

	asterisk_channels_init(&c);
	ck_assert_uint_eq(asterisk_channels_calls(&c, 0), 0);
	ck_assert_uint_eq(asterisk_channels_calls(&c, 1), 1);
	ck_assert_uint_eq(asterisk_channels_calls(&c, 2), 1);
	asterisk_channels_list_begin(&c);
	ck_assert(asterisk_channels_list_end(&c)); /* all have gone meanwhile */
	ck_assert_uint_eq(asterisk_channels_calls(&c, 1), 1);
	ck_assert_uint_eq(asterisk_channels_calls(&c, UINT32_MAX), UINT32_MAX / 2);
	asterisk_channels_close(&c);
}
END_TEST

START_TEST(who_calls_waits_until_answered_or_gone_and_told_so)
{
	struct asterisk_channels c;
	boot_t now = { 5 * NS_PER_S }, told = boot_add(now, ASTERISK_ANSWERED_NS);

	asterisk_channels_init(&c);
	asterisk_channels_event(&c, "PJSIP/1001-00000001", "1.1", "4", now);
	asterisk_channels_event(&c, "PJSIP/1001-00000001", "1.1", "4", now);
	asterisk_channels_event(&c, "PJSIP/1002-00000002", "1.2", "5", now); /* is called */
	asterisk_channels_event(&c, "Local/7@queue-00000003;2", "1.3", "4", now);
	ck_assert_uint_eq(c.calling_count, 1);
	ck_assert_int_eq(asterisk_channels_next(&c).ns, BOOT_NEVER.ns);
	asterisk_channels_event(&c, "PJSIP/1003-00000004", "1.4", "4", now);
	asterisk_channels_event(&c, "PJSIP/1001-00000001", "1.1", "6", now);
	asterisk_channels_event(&c, "PJSIP/1001-00000001", "1.1", NULL,
				boot_add(now, NS_PER_MS)); /* not anew */
	ck_assert_int_eq(asterisk_channels_next(&c).ns, told.ns);
	ck_assert(asterisk_channels_calling(&c, told));
	ck_assert_uint_eq(c.calling_count, 1);
	asterisk_channels_event(&c, "PJSIP/1003-00000004", "1.4", NULL, now);
	asterisk_channels_event(&c, "PJSIP/1009-00000009", "1.9", NULL, now); /* never seen */
	ck_assert(asterisk_channels_calling(&c, boot_add(told, -1)));
	ck_assert(!asterisk_channels_calling(&c, told));
	for (int i = 0; i < ASTERISK_CALLING_MAX + 10; i++) {
		char id[16];

		(void)snprintf(id, sizeof id, "2.%d", i);
		asterisk_channels_event(&c, "PJSIP/1001-00000001", id, "4", now);
	}
	ck_assert_uint_eq(c.calling_count, ASTERISK_CALLING_MAX);
	asterisk_channels_forget(&c);
	ck_assert(!asterisk_channels_calling(&c, now));
	asterisk_channels_close(&c);
}
END_TEST

UNIT_MAIN("asterisk_channels", a_call_is_counted_once_whoever_takes_part_in_it,
	  a_list_that_begins_anew_forgets_the_one_before, the_channel_of_text_messages_is_no_call,
	  between_two_lists_the_number_of_channels_tells, who_calls_waits_until_answered_or_gone_and_told_so)
