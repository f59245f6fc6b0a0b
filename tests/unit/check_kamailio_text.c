/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_keys.h"
#include "kamailio_evapi.h"
#include "kamailio_text.h"
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const boot_t now = { 1000 * NS_PER_S };
#define WALL_NS (1795555970 * NS_PER_S)

/* As Kamailio 5.6.3 answered. */
static const char *const answered =
	"{\"Address\":\"sip:1001@192.168.5.5:5062\",\"Expires\":300,\"Q\":0.500000,\"Call-ID\":\"cid1\","
	"\"CSeq\":5,"
	"\"User-Agent\":\"Foo \\\"x\\\"\",\"Received\":\"sip:203.0.113.9:40123\",\"Path\":\"[not "
	"set]\",\"State\":\"CS_NEW\","
	"\"Flags\":0,\"CFlags\":64,\"Socket\":\"udp:10.77.0.100:5060\",\"Methods\":13,\"Ruid\":\"uloc-1\","
	"\"Instance\":\"<urn:uuid:0001>\",\"Reg-Id\":1,\"Server-Id\":0,\"Tcpconn-Id\":-1,\"Last-Modified\":"
	"1795555963}";

static char connection[BINDING_CONNECTION_MAX + 1];

static int parse(const char *text, struct binding *ret, json_t **ret_json)
{
	*ret_json = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(*ret_json);
	return kamailio_contact_parse(*ret_json, "1001", now, WALL_NS, connection, ret);
}

START_TEST(reads_a_contact)
{
	struct binding b;
	json_t *json;

	ck_assert_int_eq(parse(answered, &b, &json), 0);
	ck_assert_str_eq(b.text[BINDING_CONTACT], "sip:1001@192.168.5.5:5062");
	ck_assert_str_eq(b.text[BINDING_RECEIVED], "sip:203.0.113.9:40123");
	ck_assert_str_eq(b.text[BINDING_PATH], "");
	ck_assert_str_eq(b.text[BINDING_INSTANCE], "<urn:uuid:0001>");
	ck_assert(b.cseq == 5 && b.cflags == 64 && b.methods == 13 && b.reg_id == 1 && b.q_milli == 500);
	ck_assert_int_eq(b.expires_at.ns, 1300 * NS_PER_S);
	ck_assert_int_eq(b.modified_at.ns, 993 * NS_PER_S);
	json_decref(json);
}
END_TEST

START_TEST(knows_what_is_no_binding_any_more)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{ "{\"Address\":\"sip:a@h\",\"Expires\":\"permanent\"}", 0 },
		{ "{\"Address\":\"sip:a@h\",\"Expires\":\"expired\"}", -ENOENT },
		{ "{\"Address\":\"sip:a@h\",\"Expires\":\"deleted\"}", -ENOENT },
		{ "{\"Address\":\"sip:a@h\",\"Expires\":0}", -ENOENT },
		{ "{\"Address\":\"sip:a@h\",\"Expires\":99999999999999999}", -ENOENT },
		{ "{\"Address\":\"sip:a@h\"}", -EINVAL },
		{ "{\"Expires\":5}", -EINVAL },
		{ "{\"Address\":7,\"Expires\":5}", -EINVAL },
		{ "{\"Address\":\"sip:a@h>\",\"Expires\":5}", -EINVAL },
		{ "{\"Address\":\"sip:a@h\",\"Expires\":5,\"Call-ID\":\"x\\r\\nContact: <sip:b@h>\"}",
		  -EINVAL },
		{ "{\"Address\":\"sip:a@h\",\"Expires\":5,\"User-Agent\":\"x\\ty\"}", 0 },
		{ "{\"Address\":\"sip:a@h\",\"Expires\":5,\"Q\":7,\"CSeq\":-1,\"Last-Modified\":-"
		  "99999999999999}",
		  0 },
		{ "[]", -EINVAL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct binding b;
		json_t *json;

		ck_assert_msg(parse(cases[i].text, &b, &json) == cases[i].error, "%s", cases[i].text);
		json_decref(json);
	}
}
END_TEST

START_TEST(registers_what_the_phone_said)
{
	char text[KAMAILIO_REGISTER_MAX];
	struct binding b;
	json_t *json;
	int n;

	ck_assert_int_eq(parse(answered, &b, &json), 0);
	n = kamailio_register_build(&b, boot_add(now, NS_PER_S / 2), "127.0.0.1:9", "10.77.0.100", "rk1",
				    text, sizeof text);
	ck_assert_int_eq(n, (int)strlen(text));
	ck_assert_str_eq(text, "REGISTER sip:10.77.0.100 SIP/2.0\r\n"
			       "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKrk1\r\n"
			       "Max-Forwards: 5\r\n"
			       "From: <sip:1001@10.77.0.100>;tag=rk\r\n"
			       "To: <sip:1001@10.77.0.100>\r\n"
			       "Call-ID: cid1\r\n"
			       "CSeq: 5 REGISTER\r\n"
			       "Contact: "
			       "<sip:1001@192.168.5.5:5062>;expires=300;q=0.500;+sip.instance=\"<urn:uuid:"
			       "0001>\";reg-id=1\r\n"
			       "User-Agent: Foo \"x\"\r\n"
			       "Supported: path, gruu, outbound\r\n"
			       "Allow: INVITE, ACK, BYE\r\n"
			       "X-RK-Received: sip:203.0.113.9:40123\r\n"
			       "Sock-Info: udp:10.77.0.100:5060\r\n"
			       "X-RK-CFlags: 64\r\n"
			       "Content-Length: 0\r\n\r\n");
	for (size_t size = 1; size <= (size_t)n; size += 13)
		ck_assert_int_eq(
			kamailio_register_build(&b, now, "127.0.0.1:9", "10.77.0.100", "rk1", text, size),
			-ENOSPC);
	b.text[BINDING_AOR] = "1001@example.org"; /* use_domain: its own domain, not ours */
	ck_assert_int_gt(
		kamailio_register_build(&b, now, "127.0.0.1:9", "10.77.0.100", "rk1", text, sizeof text), 0);
	ck_assert_ptr_nonnull(strstr(text, "To: <sip:1001@example.org>\r\n"));
	json_decref(json);
}
END_TEST

START_TEST(adds_with_numbers_as_numbers)
{
	struct binding b;
	json_t *json, *params;

	ck_assert_int_eq(parse(answered, &b, &json), 0);
	params = kamailio_add_params(&b, now, "location");
	char *text = json_dumps(params, JSON_COMPACT);

	ck_assert_str_eq(text, "[\"location\",\"1001\",\"sip:1001@192.168.5.5:5062\",300,0.5,\".\",0,64,13,"
			       "\"sip:203.0.113.9:40123\",\"udp:10.77.0.100:5060\"]");
	free(text);
	json_decref(params);
	json_decref(json);
}
END_TEST

static const struct {
	const char *contact, *received;
	int id; /* Tcpconn-Id */
	const char *connection;
} bound_cases[] = {
	{ "sip:a@192.0.2.1:5062", "[not set]", -1, "" },
	{ "sip:a@192.0.2.1:5062", "sip:203.0.113.9:40123", -1, "" },
	{ "sip:a@192.0.2.1:5062", "sip:203.0.113.9:40123;transport=udp", -1, "" },
	/* Given by another node, or by hand: no connection of this Kamailio. */
	{ "sip:a@192.0.2.1;transport=tcp", "[not set]", -1, "" },
	{ "sip:a@192.0.2.1;transport=tcp", "[not set]", 7, "tcp:192.0.2.1:5060" },
	{ "sips:a@[2001:db8::9]:40123;transport=tls;x=y", "[not set]", 0, "tls:[2001:db8::9]:40123" },
	{ "sips:a@[2001:db8::9]", "[not set]", 0, "tcp:[2001:db8::9]:5060" },
	{ "sip:a@192.168.1.1:5062;transport=tcp", "sip:203.0.113.9:40123;transport=TCP", 7,
	  "tcp:203.0.113.9:40123" },
	{ "sip:a@h", "sip:203.0.113.9:40123;transport=TLS", -1, "tls:203.0.113.9:40123" },
	{ "sip:a@x.invalid;transport=ws", "[not set]", -1, "ws:x.invalid:5060" },
	{ "sip:a@x.invalid;transport=ws", "sip:203.0.113.9:40123;transport=wss", -1,
	  "wss:203.0.113.9:40123" },
	{ "sip:a@"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "", 7, "tcp:unknown" },
	{ "sip:?;transport=ws", "[not set]", 7, "ws::5060" },
};

START_TEST(tells_what_is_bound_to_a_connection)
{
	for (size_t i = 0; i < sizeof bound_cases / sizeof bound_cases[0]; i++) {
		struct binding b;
		json_t *json;
		char text[512];

		(void)snprintf(text, sizeof text,
			       "{\"Address\":\"%s\",\"Expires\":300,\"Received\":\"%s\",\"Tcpconn-Id\":%d}",
			       bound_cases[i].contact, bound_cases[i].received, bound_cases[i].id);
		ck_assert_int_eq(parse(text, &b, &json), 0);
		ck_assert_str_eq(b.text[BINDING_CONNECTION], bound_cases[i].connection);
		ck_assert(binding_is_bound(&b) == (*bound_cases[i].connection != 0));
		json_decref(json);
	}
}
END_TEST

START_TEST(reads_the_count_of_requests)
{
	static const struct {
		const char *text;
		uint64_t n;
	} cases[] = {
		{ "[\"core:rcv_requests = 4711\"]", 4711 },
		{ "[\"core:rcv_requests = 99999999999999999999999\"]", 9999999999999999999ULL },
		{ "[\"core:rcv_requests = x\"]", 0 },
		{ "[\"tm:rcv = 1\"]", 0 },
		{ "[]", 0 },
		{ "{}", 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *json = json_loads(cases[i].text, 0, NULL);

		ck_assert_uint_eq(kamailio_requests_parse(json), cases[i].n);
		json_decref(json);
	}
	ck_assert_uint_eq(kamailio_requests_parse(NULL), 0);
}
END_TEST

START_TEST(compares_as_far_as_the_pbx_can_know)
{
	struct binding want, have;
	json_t *json;

	ck_assert_int_eq(parse(answered, &want, &json), 0);
	have = want;
	have.text[BINDING_USER_AGENT] = "";
	ck_assert(kamailio_in_step(&want, &have, false));
	have.expires_at = boot_add(want.expires_at, 60 * NS_PER_S); /* min_expires */
	ck_assert(kamailio_in_step(&want, &have, false));
	have.expires_at = boot_add(want.expires_at, -60 * NS_PER_S); /* a refresh was missed */
	ck_assert(!kamailio_in_step(&want, &have, false));
	have = want;
	have.cseq--;
	ck_assert(!kamailio_in_step(&want, &have, false));
	ck_assert(kamailio_in_step(&want, &have, true));
	have = want;
	have.text[BINDING_RECEIVED] = "";
	ck_assert(!kamailio_in_step(&want, &have, true));
	json_decref(json);
}
END_TEST

START_TEST(cuts_netstrings)
{
	const char *p = NULL;
	size_t len = 0;

	ck_assert_int_eq(kamailio_netstring("3:abc,4:", 8, &p, &len), 6);
	ck_assert(len == 3 && !memcmp(p, "abc", 3));
	ck_assert_int_eq(kamailio_netstring("0:,", 3, &p, &len), 3);
	for (size_t n = 0; n < 6; n++)
		ck_assert_int_eq(kamailio_netstring("3:abc,", n, &p, &len), 0);
	ck_assert_int_eq(kamailio_netstring("3:abcd", 6, &p, &len), -EBADMSG);
	ck_assert_int_eq(kamailio_netstring(":,", 2, &p, &len), -EBADMSG);
	ck_assert_int_eq(kamailio_netstring("-1:,", 4, &p, &len), -EBADMSG);
	ck_assert_int_eq(kamailio_netstring("99999:", 6, &p, &len), -EBADMSG);
	ck_assert_int_eq(kamailio_netstring("9999999:", 8, &p, &len), -EBADMSG);
	ck_assert_int_eq(kamailio_netstring("016384", 6, &p, &len), 0);
}
END_TEST

START_TEST(key_queue_is_bounded_and_keeps_order)
{
	struct binding_keys k = { 0 };
	char aor[16];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < BINDING_KEYS_MAX; i++) {
			(void)snprintf(aor, sizeof aor, "%d", i);
			ck_assert(binding_keys_push(&k, aor, "c"));
			ck_assert(binding_keys_push(&k, aor, "c"));
		}
		ck_assert(!binding_keys_push(&k, "more", "c"));
		for (int i = 0; i < BINDING_KEYS_MAX - round; i++) {
			(void)snprintf(aor, sizeof aor, "%d", i);
			ck_assert_str_eq(binding_keys_first(&k)->aor, aor);
			binding_keys_pop(&k);
		}
		while (binding_keys_first(&k))
			binding_keys_pop(&k);
	}
	binding_keys_pop(&k);
	ck_assert_uint_eq(k.count, 0);
}
END_TEST

START_TEST(cleans_what_is_no_utf8)
{
	char text[] = "a\xc3\xa4\xe4|\xff\xc0\xaf\xed\xa0\x80\xf0\x9f\x93\x9e\xe2\x82";
	char json_text[] = "{\"Address\":\"sip:a@h\",\"Expires\":5,\"User-Agent\":\"T\xe9l\xe9phone\"}";
	struct binding b;
	json_t *json;

	kamailio_clean(text, sizeof text - 1);
	ck_assert_str_eq(text, "a\xc3\xa4\x7f|\x7f\x7f\x7f\x7f\x7f\x7f\xf0\x9f\x93\x9e\x7f\x7f");
	kamailio_clean(json_text, sizeof json_text - 1);
	ck_assert_int_eq(parse(json_text, &b, &json), 0); /* callable, without the odd name */
	ck_assert_str_eq(b.text[BINDING_USER_AGENT], "");
	json_decref(json);
	char odd[] = "{\"Address\":\"sip:\xe9@h\",\"Expires\":5}";

	kamailio_clean(odd, sizeof odd - 1);
	ck_assert_int_eq(parse(odd, &b, &json), -EINVAL); /* another contact than the phone's: refused */
	json_decref(json);
}
END_TEST

UNIT_MAIN("kamailio_text", cleans_what_is_no_utf8, reads_a_contact, knows_what_is_no_binding_any_more,
	  registers_what_the_phone_said, adds_with_numbers_as_numbers, tells_what_is_bound_to_a_connection,
	  reads_the_count_of_requests, compares_as_far_as_the_pbx_can_know, cuts_netstrings,
	  key_queue_is_bounded_and_keeps_order)
