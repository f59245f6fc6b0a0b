/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_trunks.h"
#include "unit.h"

#include <jansson.h>

START_TEST(record_of_the_list_means_a_state)
{
	/* Flags as Kamailio 5.6 printed them: 1 disabled, 2 under way, 4 registered, 8 with credentials, 16
	 * seen. */
	static const struct {
		int flags;
		int64_t expires_in_s;
		bool on;
		enum trunk_state state;
	} rows[] = {
		{ 1, 0, false, TRUNK_UNREGISTERED }, /* off in the table */
		{ 0, 0, false, TRUNK_REGISTERING },  /* on in the table: it tries by itself */
		{ 16, 1, true, TRUNK_REGISTERING },  /* enabled, sent at the next tick */
		{ 18, 0, true, TRUNK_REGISTERING },  /* under way */
		{ 26, 0, true, TRUNK_REGISTERING },  /* under way, with credentials */
		{ 20, 57, true, TRUNK_REGISTERED },  /* */
		{ 20, 57, false, TRUNK_REGISTERED }, /* before the adapter started */
		{ 20, -3, true, TRUNK_REGISTERING }, /* run out */
		{ 16, 3597, true, TRUNK_FAILED },    /* waits for reg_retry_interval */
		{ 17, -14, true, TRUNK_FAILED },     /* without it: disabled itself */
		{ 17, -14, false, TRUNK_UNREGISTERED },
		{ 21, 40, false, TRUNK_UNREGISTERED }, /* disabled while registered */
		{ 21, 40, true, TRUNK_UNREGISTERED },
		{ 19, 0, false, TRUNK_REGISTERING },   /* its last word is on the way */
		{ 17, -11, false, TRUNK_UNREGISTERED } /* said */
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_msg(kamailio_trunk_state(rows[i].flags, rows[i].expires_in_s, rows[i].on) ==
				      rows[i].state,
			      "row %zu", i);
}
END_TEST

static bool read_record(const char *text, struct kamailio_trunk_record *ret)
{
	json_t *o = json_loads(text, 0, NULL);
	bool good;

	ck_assert_ptr_nonnull(o);
	good = kamailio_trunk_record(o, ret);
	ret->registration = NULL; /* it goes with the JSON */
	json_decref(o);
	return good;
}

START_TEST(record_with_numbers_that_are_none_is_left_out)
{
	static const char *const bad[] = {
		"[]",
		"{\"flags\":20}",
		"{\"l_uuid\":7,\"flags\":20}",
		"{\"l_uuid\":\"x\",\"flags\":\"20\"}",
		"{\"l_uuid\":\"x\",\"flags\":-1}",
		"{\"l_uuid\":\"x\",\"flags\":4294967300}",
		"{\"l_uuid\":\"x\",\"flags\":20,\"diff_expires\":4294967300}",
		"{\"l_uuid\":\"x\",\"flags\":20,\"expires\":1.5}",
	};
	struct kamailio_trunk_record r;

	ck_assert(read_record("{\"l_uuid\":\"x\",\"flags\":20,\"diff_expires\":57,\"expires\":60,"
			      "\"r_username\":\"5000\",\"r_domain\":\"10.0.0.1\"}",
			      &r));
	ck_assert_int_eq(r.flags, 20);
	ck_assert_int_eq(r.expires_in_s, 57);
	ck_assert(!r.reload);
	ck_assert_str_eq(r.from, "sip:5000@10.0.0.1");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!read_record(bad[i], &r), "%s", bad[i]);
}
END_TEST

START_TEST(answer_of_a_carrier_is_read_from_the_table)
{
	static const struct {
		const char *text;
		int status;
		int64_t retry_after_ms;
	} rows[] = {
		{ "503 30", 503, 30000 },
		{ "503 ", 503, -1 },
		{ "403", 403, -1 },
		{ "503 120 (I am in a meeting)", 503, 120000 },
		{ "503 18000;duration=3600", 503, 18000000 },
		{ "503 0", 503, 0 },
		{ "503 -5", 503, -1 },
		{ "503 soon", 503, -1 },
		{ "503 99999999999999999999", 503, 86400000 },
		{ "200 ", 200, -1 },
	};
	static const char *const bad[] = { "", " ", "x", "99", "700", "-1 3", "503x", "0", "5033 1" };
	int64_t retry_after_ms;
	int status;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert(kamailio_trunk_status(rows[i].text, &status, &retry_after_ms));
		ck_assert_int_eq(status, rows[i].status);
		ck_assert_int_eq(retry_after_ms, rows[i].retry_after_ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!kamailio_trunk_status(bad[i], &status, &retry_after_ms), "%s", bad[i]);
}
END_TEST

UNIT_MAIN("kamailio_trunks", record_of_the_list_means_a_state, record_with_numbers_that_are_none_is_left_out,
	  answer_of_a_carrier_is_read_from_the_table)
