/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asterisk_contact.h"
#include "asterisk_names.h"
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const boot_t now = { 1000 * NS_PER_S };
#define WALL_NS (1795578470 * NS_PER_S)

/* As Asterisk 22.10.1 wrote it. */
static const char *const udp_id = "/registrar/contact/1001;@7b0f8580f8b0e68f4985f0c49bc03cf4";
static const char *const udp_row =
	"{\"via_addr\":\"10.78.0.50\",\"qualify_timeout\":\"3.000000\",\"qualify_2xx_only\":\"false\","
	"\"call_id\":\"py-1001@ph\",\"reg_server\":\"pbx-a\",\"prune_on_boot\":\"no\",\"path\":\"\","
	"\"endpoint\":\"1001\",\"via_port\":\"5071\",\"authenticate_qualify\":\"no\","
	"\"uri\":\"sip:1001@10.78.0.50:5071\",\"qualify_frequency\":\"0\",\"user_agent\":\"\","
	"\"expiration_time\":\"1795578770\",\"outbound_proxy\":\"\"}";

static int parse(const char *id, const char *row, struct asterisk_contact *ret, json_t **ret_json)
{
	*ret_json = json_loads(row, 0, NULL);
	ck_assert_ptr_nonnull(*ret_json);
	return asterisk_contact_parse(id, *ret_json, now, WALL_NS, ret);
}

/* A row of that AOR, URI and more, parsed. */
static int parse_made(const char *aor, const char *uri, const char *more, struct asterisk_contact *ret,
		      json_t **ret_json)
{
	char id[ASTERISK_ID_MAX + 1], row[4096];

	asterisk_contact_id(aor, uri, id);
	snprintf(row, sizeof row, "{\"uri\":\"%s\",\"expiration_time\":\"1795578770\"%s}", uri, more);
	return parse(id, row, ret, ret_json);
}

START_TEST(reads_a_row)
{
	struct asterisk_contact c;
	json_t *json;

	ck_assert_int_eq(parse(udp_id, udp_row, &c, &json), 0);
	ck_assert_str_eq(c.b.text[BINDING_AOR], "1001");
	ck_assert_str_eq(c.b.text[BINDING_CONTACT], "sip:1001@10.78.0.50:5071");
	ck_assert_str_eq(c.b.text[BINDING_CALL_ID], "py-1001@ph");
	ck_assert_str_eq(c.b.text[BINDING_CONNECTION], "");
	ck_assert_str_eq(c.b.text[BINDING_DATA], "via=10.78.0.50 port=5071");
	ck_assert_int_eq(boot_diff_ns(now, c.b.expires_at), 300 * NS_PER_S);
	json_decref(json);
}
END_TEST

START_TEST(refuses_what_is_no_row_of_asterisk)
{
	static const struct {
		const char *id, *row;
		int error;
	} cases[] = {
		{ "1001;@7b0f8580f8b0e68f4985f0c49bc03cf4", "{\"uri\":\"sip:1001@10.78.0.50:5071\"}",
		  -EBADMSG },
		{ "1001;@7b0f8580f8b0e68f4985f0c49bc03cf5",
		  "{\"uri\":\"sip:1001@10.78.0.50:5071\",\"expiration_time\":\"1795578770\"}", -EBADMSG },
		{ "1001@@7b0f8580f8b0e68f4985f0c49bc03cf4",
		  "{\"uri\":\"sip:1001@10.78.0.50:5071\",\"expiration_time\":\"1795578770\"}", -EBADMSG },
		{ "1001;@7b0f8580f8b0e68f4985f0c49bc03cf4",
		  "{\"uri\":\"sip:1001@10.78.0.50:5071\",\"expiration_time\":1795578770}", -EBADMSG },
		{ "1001;@7b0f8580f8b0e68f4985f0c49bc03cf4",
		  "{\"uri\":\"sip:1001@10.78.0.50:5071\",\"expiration_time\":\"1795578470\"}", -ETIME },
		{ "1001;@7b0f8580f8b0e68f4985f0c49bc03cf4",
		  "{\"uri\":\"sip:1001@10.78.0.50:5071\",\"expiration_time\":\"0\"}", -ETIME },
		{ "1001;@7b0f8580f8b0e68f4985f0c49bc03cf4",
		  "{\"uri\":\"sip:1001@10.78.0.50:5071\",\"expiration_time\":\"-1\"}", -EBADMSG },
		{ "", "{}", -EBADMSG },
		{ ";@7b0f8580f8b0e68f4985f0c49bc03cf4", "[]", -EBADMSG },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct asterisk_contact c;
		json_t *json;

		ck_assert_msg(parse(cases[i].id, cases[i].row, &c, &json) == cases[i].error, "case %zu", i);
		json_decref(json);
	}
}
END_TEST

START_TEST(a_contact_of_a_connection_is_bound_to_it)
{
	static const struct {
		const char *uri, *prune, *connection;
	} cases[] = {
		{ "sip:1002@127.0.0.1:52662;transport=TCP;x-ast-orig-host=192.168.5.5:5060", "yes",
		  "tcp:127.0.0.1:52662" },
		{ "sip:1002@192.0.2.9:5062;transport=tcp", "no", "" },
		{ "sip:abc@203.0.113.9:40123;transport=ws", "no", "ws:203.0.113.9:40123" },
		{ "sip:abc@203.0.113.9:40123;transport=WSS", "yes", "wss:203.0.113.9:40123" },
		{ "sips:1002@[2001:db8::9]:5071", "yes", "tls:[2001:db8::9]:5071" },
		{ "sip:192.0.2.9;transport=tls", "yes", "tls:192.0.2.9:5061" },
		{ "sip:1002@192.0.2.9", "yes", "tcp:192.0.2.9:5060" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct asterisk_contact c;
		char more[64];
		json_t *json;

		snprintf(more, sizeof more, ",\"prune_on_boot\":\"%s\"", cases[i].prune);
		ck_assert_int_eq(parse_made("1002", cases[i].uri, more, &c, &json), 0);
		ck_assert_str_eq(c.b.text[BINDING_CONNECTION], cases[i].connection);
		json_decref(json);
	}
}
END_TEST

START_TEST(what_goes_to_another_asterisk_reads_back_the_same)
{
	static const char *const more =
		",\"endpoint\":\"a b%c\",\"via_addr\":\"10.0.0.5\",\"via_port\":\"5060\","
		"\"outbound_proxy\":\"sip:192.0.2.1\\\\;lr\",\"path\":\"<sip:192.0.2.7;lr>\","
		"\"user_agent\":\"Foo \\\"x\\\" 1\",\"call_id\":\"c1\",\"reg_server\":\"pbx-a\"";
	const struct asterisk_qualify q = { "60", "3.000000", "false", "" };
	struct asterisk_contact c, again;
	json_t *json, *body, *fields;
	char *text, endpoint[ASTERISK_ENDPOINT_MAX + 1], id[ASTERISK_ID_MAX + 1];

	ck_assert_int_eq(parse_made("1001@example.org", "sip:1001@192.0.2.5:5062", more, &c, &json), 0);
	asterisk_contact_endpoint(&c.b, endpoint);
	ck_assert_str_eq(endpoint, "a b%c");
	text = asterisk_contact_body(&c.b, &q, now, WALL_NS);
	ck_assert_ptr_nonnull(text);
	body = json_loads(text, 0, NULL);
	fields = asterisk_fields(json_object_get(body, "fields"));
	ck_assert_ptr_nonnull(fields);
	ck_assert_str_eq(json_string_value(json_object_get(fields, "qualify_frequency")), "60");
	ck_assert_ptr_null(json_object_get(fields, "reg_server"));
	ck_assert_str_eq(json_string_value(json_object_get(fields, "expiration_time")), "1795578770");
	ck_assert_ptr_null(json_object_get(fields, "qualify_2xx_only"));
	asterisk_contact_id("1001@example.org", "sip:1001@192.0.2.5:5062", id);
	ck_assert_int_eq(asterisk_contact_parse(id, fields, now, WALL_NS, &again), 0);
	ck_assert(binding_same_content(&c.b, &again.b));
	ck_assert(c.by_registrar && !again.by_registrar);
	json_decref(fields);
	json_decref(body);
	json_decref(json);
	free(text);
}
END_TEST

START_TEST(refuses_what_a_binding_has_no_room_for)
{
	struct asterisk_contact c;
	char more[600] = ",\"outbound_proxy\":\"sip:";
	json_t *json;

	memset(more + strlen(more), 'x', 300);
	strcat(more, "\"");
	ck_assert_int_eq(parse_made("1001", "sip:1001@192.0.2.5", more, &c, &json), -E2BIG);
	json_decref(json);
	ck_assert_int_eq(parse_made("1001", "sip:1001@192.0.2.5\\nX: y", "", &c, &json), -EBADMSG);
	json_decref(json);
}
END_TEST

START_TEST(a_binding_without_an_end_has_no_body)
{
	const struct asterisk_qualify q = { 0 };
	struct binding b;

	binding_init(&b);
	b.text[BINDING_AOR] = "1001";
	b.text[BINDING_CONTACT] = "sip:1001@192.0.2.5";
	ck_assert_ptr_null(asterisk_contact_body(&b, &q, now, WALL_NS));
}
END_TEST

START_TEST(names_are_kept_apart_by_kind_and_found_among_many)
{
	struct asterisk_names n;
	struct asterisk_name *e;
	char name[16];

	ck_assert_int_eq(asterisk_names_init(&n), 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "%d", i);
		e = asterisk_names_add(&n, ASTERISK_AOR, name);
		ck_assert_ptr_nonnull(e);
		e->presence = i % 2 ? ASTERISK_EXISTS : ASTERISK_MISSING;
	}
	ck_assert_ptr_null(asterisk_names_find(&n, ASTERISK_ENDPOINT, "77"));
	e = asterisk_names_find(&n, ASTERISK_AOR, "77");
	ck_assert_int_eq(e->presence, ASTERISK_EXISTS);
	ck_assert_ptr_eq(asterisk_names_add(&n, ASTERISK_AOR, "77"), e);
	ck_assert(!asterisk_name_qualified(e));
	strcpy(e->qualify.frequency, "60");
	ck_assert(asterisk_name_qualified(e));
	strcpy(e->qualify.frequency, "0");
	ck_assert(!asterisk_name_qualified(e));
	asterisk_names_close(&n);
}
END_TEST

UNIT_MAIN("asterisk_contact", reads_a_row, refuses_what_is_no_row_of_asterisk,
	  a_contact_of_a_connection_is_bound_to_it, what_goes_to_another_asterisk_reads_back_the_same,
	  refuses_what_a_binding_has_no_room_for, a_binding_without_an_end_has_no_body,
	  names_are_kept_apart_by_kind_and_found_among_many)
