/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ami_text.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

/* As Asterisk 22.10.1 wrote it. */
static const char *const written =
	"Response: Success\r\nActionID: rk-2\r\nEventList: start\r\nMessage: Result will follow\r\n\r\n"
	"Event: DBGetTreeResponse\r\nKey: /registrar/contact/1001;@7b0f8580f8b0e68f4985f0c49bc03cf4\r\n"
	"Val: {\"via_addr\":\"10.78.0.50\",\"path\":\"\"}\r\nActionID: rk-2\r\n\r\n"
	"Event: DBGetTreeComplete\r\nActionID: rk-2\r\nEventList: Complete\r\nListItems: 1\r\n\r\n";

static void feed(struct ami_stream *s, const char *data, size_t len)
{
	while (len > 0) {
		size_t room;
		char *at = ami_stream_room(s, &room);
		size_t n = len < room ? len : room;

		ck_assert_uint_gt(room, 0);
		memcpy(at, data, n);
		ami_stream_filled(s, n);
		data += n;
		len -= n;
	}
}

START_TEST(reads_messages_however_they_are_cut)
{
	for (size_t piece = 1; piece < 80; piece++) {
		struct ami_stream s;
		struct ami_message m;
		int messages = 0;

		ck_assert_int_eq(ami_stream_init(&s), 0);
		for (size_t at = 0; at < strlen(written); at += piece) {
			feed(&s, written + at, strlen(written + at) < piece ? strlen(written + at) : piece);
			while (ami_stream_next(&s, &m)) {
				messages++;
				ck_assert_uint_eq(ami_action_id(&m), 2);
				if (messages == 2)
					ck_assert_str_eq(ami_message_get(&m, "val"),
							 "{\"via_addr\":\"10.78.0.50\",\"path\":\"\"}");
			}
		}
		ck_assert_int_eq(messages, 3);
		ami_stream_close(&s);
	}
}
END_TEST

START_TEST(drops_a_message_that_is_too_long_and_reads_on)
{
	static char filler[AMI_MESSAGE_MAX];
	struct ami_stream s;
	struct ami_message m;

	memset(filler, 'x', sizeof filler);
	ck_assert_int_eq(ami_stream_init(&s), 0);
	feed(&s, "Event: Big\r\nVal: ", 17);
	for (int i = 0; i < 4; i++) /* a megabyte */
		feed(&s, filler, sizeof filler);
	ck_assert(!ami_stream_next(&s, &m));
	feed(&s, "\r\n\r\nEvent: Small\r\n\r\n", 20);
	ck_assert(ami_stream_next(&s, &m));
	ck_assert_str_eq(ami_message_get(&m, "Event"), "Small");
	ck_assert_uint_eq(s.oversized, 1);
	ck_assert(!ami_stream_next(&s, &m));
	ami_stream_close(&s);
}
END_TEST

START_TEST(skips_what_is_no_message)
{
	static const char text[] = "garbage\r\n\r\n\r\n\r\n: no name\r\n\r\n\nEvent: A\nB:\n\n";
	struct ami_stream s;
	struct ami_message m;

	ck_assert_int_eq(ami_stream_init(&s), 0);
	feed(&s, text, sizeof text - 1);
	ck_assert(ami_stream_next(&s, &m));
	ck_assert_str_eq(ami_message_get(&m, "Event"), "A");
	ck_assert_str_eq(ami_message_get(&m, "B"), "");
	ck_assert_ptr_null(ami_message_get(&m, "C"));
	ck_assert_uint_eq(ami_action_id(&m), 0);
	ck_assert(!ami_stream_next(&s, &m));
	ami_stream_close(&s);
}
END_TEST

START_TEST(takes_no_more_fields_than_it_has_room_for)
{
	char text[AMI_FIELDS_MAX * 8 + 64] = "";
	struct ami_message m;

	for (int i = 0; i < AMI_FIELDS_MAX + 4; i++)
		strcat(text, "A: b\r\n");
	ck_assert_uint_eq(ami_message_parse(text, strlen(text), &m), AMI_FIELDS_MAX);
}
END_TEST

START_TEST(reads_a_banner)
{
	struct ami_stream s;

	ck_assert_int_eq(ami_stream_init(&s), 0);
	feed(&s, "Asterisk Call", 13);
	ck_assert_ptr_null(ami_stream_line(&s));
	feed(&s, " Manager/11.0.0\r\nEvent: A\r\n\r\n", 29);
	ck_assert_str_eq(ami_stream_line(&s), "Asterisk Call Manager/11.0.0");
	struct ami_message m;
	ck_assert(ami_stream_next(&s, &m));
	ami_stream_close(&s);
}
END_TEST

START_TEST(writes_an_action_that_nothing_can_break)
{
	struct ami_field fields[] = { { "Endpoint", "1001" }, { "X", "a b" } };
	char text[80];

	ck_assert_int_gt(ami_action_build(text, sizeof text, "PJSIPQualify", 7, fields, 2), 0);
	ck_assert_str_eq(text, "Action: PJSIPQualify\r\nActionID: rk-7\r\nEndpoint: 1001\r\nX: a b\r\n\r\n");
	for (size_t size = 0; size < strlen(text) + 1; size++) {
		char small[80];

		ck_assert_int_eq(ami_action_build(small, size, "PJSIPQualify", 7, fields, 2), -ENOSPC);
	}
	fields[0].value = "1001\r\nAction: Originate";
	ck_assert_int_eq(ami_action_build(text, sizeof text, "PJSIPQualify", 7, fields, 2), -EINVAL);
}
END_TEST

START_TEST(knows_its_own_action_ids)
{
	static const struct {
		const char *text;
		uint32_t id;
	} cases[] = { { "rk-1", 1 },
		      { "rk-4294967295", UINT32_MAX },
		      { "rk-4294967296", 0 },
		      { "rk-", 0 },
		      { "rk--1", 0 },
		      { "rk-1x", 0 },
		      { "1", 0 },
		      { "", 0 },
		      { "rk- 1", 0 },
		      { "rk-00000000001", 0 } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ami_message m = { { { "ActionID", cases[i].text } }, 1 };

		ck_assert_uint_eq(ami_action_id(&m), cases[i].id);
	}
}
END_TEST

UNIT_MAIN("ami_text", reads_messages_however_they_are_cut, drops_a_message_that_is_too_long_and_reads_on,
	  skips_what_is_no_message, takes_no_more_fields_than_it_has_room_for, reads_a_banner,
	  writes_an_action_that_nothing_can_break, knows_its_own_action_ids)
