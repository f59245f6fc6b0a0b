/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "freeswitch_esl.h"
#include "freeswitch_list.h"
#include "freeswitch_text.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const boot_t now = { 1000 * NS_PER_S };

/* ---- frames ---- */

struct seen {
	char log[512];
	int stop_at_kind;
};

static void seen_add(struct seen *s, const char *text, size_t len)
{
	size_t used = strlen(s->log);

	(void)snprintf(s->log + used, sizeof s->log - used, "%.*s", (int)len, text);
}

static int seen_head(void *ctx, const struct esl_head *h)
{
	char line[256];

	(void)snprintf(line, sizeof line, "[%d %u%s%s]", h->kind, h->length, *h->reply ? " " : "", h->reply);
	seen_add(ctx, line, strlen(line));
	return 0;
}

static int seen_body(void *ctx, const char *data, size_t len)
{
	seen_add(ctx, data, len);
	return 0;
}

static int seen_end(void *ctx)
{
	seen_add(ctx, ".", 1);
	return 0;
}

static const struct esl_ops seen_ops = { seen_head, seen_body, seen_end };

static int feed(struct esl_reader *r, struct seen *s, const char *data, size_t piece)
{
	for (size_t len = strlen(data), at = 0; at < len; at += piece) {
		int e = esl_feed(r, data + at, piece < len - at ? piece : len - at, &seen_ops, s);

		if (e < 0)
			return e;
	}
	return 0;
}

START_TEST(frames_are_the_same_in_any_pieces)
{
	static const char stream[] = "Content-Type: auth/request\n\n"
				     "Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
				     "Content-Type: api/response\nContent-Length: 5\n\n12\n45"
				     "Content-Length: 4\nContent-Type: text/event-plain\n\na:b\n"
				     "Content-Type: log/data\nContent-Length: 3\nLog-Level: 7\n\nxyz"
				     "Content-Type: text/rude-rejection\nContent-Length: 2\n\nno";

	for (size_t piece = 1; piece < sizeof stream; piece++) {
		struct esl_reader r = { .used = 0 };
		struct seen s = { .log = "" };

		ck_assert_int_eq(feed(&r, &s, stream, piece), 0);
		ck_assert_str_eq(s.log, "[1 0].[2 0 +OK accepted].[3 5]12\n45.[4 4]a:b\n.[0 3]xyz.[6 2]no.");
	}
}
END_TEST

START_TEST(what_is_no_event_socket_is_told)
{
	static const struct {
		const char *data;
		int error;
	} cases[] = {
		{ "SSH-2.0-OpenSSH_9.2\n\n", -EBADMSG },
		{ "Content-Length: 70000000\n\n", -EMSGSIZE },
		{ "Content-Length: -1\n\n", -EBADMSG },
		{ "Content-Length: 1x\n\n", -EBADMSG },
		{ "Content-Length:\n\n", -EBADMSG },
		{ "Content-Type: auth/request\nhello\n\n", -EBADMSG },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct esl_reader r = { .used = 0 };
		struct seen s = { .log = "" };

		ck_assert_int_eq(feed(&r, &s, cases[i].data, 7), cases[i].error);
	}
	struct esl_reader r = { .used = 0 };
	struct seen s = { .log = "" };
	char line[ESL_HEAD_MAX + 2];

	memset(line, 'x', sizeof line);
	ck_assert_int_eq(esl_feed(&r, line, ESL_HEAD_MAX, &seen_ops, &s), 0);
	ck_assert_int_eq(esl_feed(&r, line, 1, &seen_ops, &s), -EBADMSG);
}
END_TEST

START_TEST(headers_of_events)
{
	static const char event[] =
		"Event-Name: CUSTOM\nfrom-user: %2B4930\nContact: "
		"%22%22%20%3Csip%3A1001%40192.0.2.7%3B"
		"fs_path%3Dsip%3A1001%3E\nempty: _undef_\nbad: a%0Ab\nContent-Length: 4\n\n"
		"hidden: x\n";
	size_t len = sizeof event - 1;
	char value[64];
	bool decoded;

	ck_assert(esl_event_get(event, len, "event-name", value, sizeof value, &decoded) && !decoded);
	ck_assert_str_eq(value, "CUSTOM");
	ck_assert(esl_event_get(event, len, "from-user", value, sizeof value, &decoded) && decoded);
	ck_assert_str_eq(value, "+4930");
	ck_assert(esl_event_get(event, len, "contact", value, sizeof value, NULL));
	ck_assert_str_eq(value, "\"\" <sip:1001@192.0.2.7;fs_path=sip:1001>");
	ck_assert(esl_event_get(event, len, "empty", value, sizeof value, NULL) && !*value);
	ck_assert(!esl_event_get(event, len, "bad", value, sizeof value, NULL)); /* a line break inside */
	ck_assert(!esl_event_get(event, len, "hidden", value, sizeof value, NULL));
	ck_assert(!esl_event_get(event, len, "contact", value, 10, NULL));
	ck_assert(!esl_event_get(event, len, "none", value, sizeof value, NULL));
}
END_TEST

/* ---- the list ---- */

#define ROW(call_id, user, contact, status)                                                           \
	"    <registration>\n        <call-id>" call_id "</call-id>\n        <user>" user             \
	"</user>\n        <contact>" contact "</contact>\n        <agent>lab &amp; phone</agent>\n"   \
	"        <status>" status "</status>\n        <ping-status>Reachable</ping-status>\n"         \
	"        <network-ip>192.0.2.7</network-ip>\n        <network-port>5062</network-port>\n"     \
	"        <sip-auth-user>1001</sip-auth-user>\n        <sip-auth-realm>pbx</sip-auth-realm>\n" \
	"        <mwi-account>1001@pbx</mwi-account>\n    </registration>\n"
#define HEADER "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<profile>\n  <registrations>\n"
#define FOOTER "  </registrations>\n</profile>\n"
#define UDP    "Registered(UDP)(unknown) exp(2026-11-25 03:00:00) expsecs(3500)"
#define DESK   "&quot;&quot; &lt;sip:1001@192.0.2.7:5062&gt;"

struct rows {
	int count, refused;
	struct binding b[8];
	struct freeswitch_row room[8];
	char call_id[8][256], aor[8][256], agent[8][256];
	char names[256];
};

static void on_item(void *ctx, const struct list_item *item)
{
	struct rows *rows = ctx;
	struct binding b;
	size_t used = strlen(rows->names);

	if (item->record != LIST_REGISTRATION) {
		(void)snprintf(rows->names + used, sizeof rows->names - used, "%d:%s=%s/%s ", item->record,
			       item->text[LIST_NAME], item->text[LIST_STATE], item->text[LIST_RETRY]);
		return;
	}
	if (freeswitch_row_parse(item, now, &rows->room[rows->count], &b) < 0) {
		rows->refused++;
		return;
	}
	strcpy(rows->call_id[rows->count], b.text[BINDING_CALL_ID]);
	strcpy(rows->aor[rows->count], b.text[BINDING_AOR]);
	strcpy(rows->agent[rows->count], b.text[BINDING_USER_AGENT]);
	b.text[BINDING_CALL_ID] = rows->call_id[rows->count];
	b.text[BINDING_AOR] = rows->aor[rows->count];
	b.text[BINDING_USER_AGENT] = rows->agent[rows->count];
	rows->b[rows->count++] = b;
}

static int read_list(const char *text, size_t piece, struct rows *rows)
{
	struct list_reader *l = list_reader_new(on_item, rows);
	int r;

	*rows = (struct rows){ .count = 0 };
	for (size_t len = strlen(text), at = 0; at < len; at += piece)
		list_reader_feed(l, text + at, piece < len - at ? piece : len - at);
	r = list_reader_end(l);
	list_reader_free(l);
	return r;
}

START_TEST(a_row_is_a_binding)
{
	struct rows rows;

	for (size_t piece = 1; piece < 2000; piece += 37) {
		ck_assert_int_eq(
			read_list(HEADER ROW("abc@phone", "1001@pbx", DESK, UDP) FOOTER, piece, &rows), 0);
		ck_assert_int_eq(rows.count, 1);
	}
	const struct binding *b = &rows.b[0];

	ck_assert_str_eq(b->text[BINDING_AOR], "1001@pbx");
	ck_assert_str_eq(b->text[BINDING_CONTACT], "sip:1001@192.0.2.7:5062");
	ck_assert_str_eq(b->text[BINDING_RECEIVED], "sip:192.0.2.7:5062");
	ck_assert_str_eq(b->text[BINDING_CONNECTION], "");
	ck_assert_str_eq(b->text[BINDING_DATA], ""); /* all of it is usual */
	ck_assert_str_eq(b->text[BINDING_CALL_ID], "abc@phone");
	ck_assert_str_eq(b->text[BINDING_USER_AGENT], "lab & phone");
	ck_assert_int_eq(boot_diff_ns(now, b->expires_at), 3500 * NS_PER_S);
}
END_TEST

START_TEST(a_phone_cannot_write_rows_into_the_list)
{
	struct rows rows;
	static const char evil[] = HEADER ROW("x</call-id></registration><registration><call-id>y",
					      "1001@pbx", DESK, UDP) ROW("a<b>&c&amp;", "1002@pbx", DESK, UDP)
		ROW("z</call-id><user>1003@pbx</user><call-id>", "1004@pbx", DESK, UDP) FOOTER;

	ck_assert_int_eq(read_list(evil, 64, &rows), 0);
	ck_assert_int_eq(rows.count + rows.refused, 3);
	ck_assert_str_eq(rows.aor[0], "1001@pbx");
	ck_assert_str_eq(rows.call_id[0], "x</call-id></registration><registration><call-id>y");
	ck_assert_str_eq(rows.call_id[1], "a<b>&c&amp;");
	ck_assert_str_eq(rows.aor[2], "1004@pbx");
}
END_TEST

START_TEST(odd_rows_are_refused_and_the_rest_is_read)
{
	struct rows rows;
	static const char list[] =
		HEADER ROW("1", "1001@pbx", DESK, "Registered(UDP)(unknown) exp() expsecs(0)")
			ROW("2", "1002", DESK, UDP)		    /* no domain */
		ROW("3", "1003@pbx", "&quot;&quot; &lt;sip:1", UDP) /* no end */
		ROW("4", "1004@pbx", DESK, "Registered")	    /* no expiry */
		ROW("", "1005@pbx", DESK, UDP)			    /* could not be taken out */
		"<registration>\n<user>1006@pbx</user>\n<user>1007@pbx</user>\n<status>" UDP
		"</status>\n<contact>" DESK "</contact>\n<call-id>6</call-id>\n</registration>\n" ROW(
			"7", "1007@pbx", "\xe9\xff sip:1007@192.0.2.7", UDP) ROW("8", "1008@pbx", DESK, UDP)
			FOOTER;

	ck_assert_int_eq(read_list(list, 100, &rows), 0);
	ck_assert_int_eq(rows.count, 1);
	ck_assert_int_eq(rows.refused, 7);
	ck_assert_str_eq(rows.aor[0], "1008@pbx");
}
END_TEST

START_TEST(what_is_no_list_is_told)
{
	struct rows rows;
	static const char *const broken[] = {
		HEADER,		       /* cut */
		HEADER "</profile>\n", /* crossed */
		HEADER ROW("1", "1001@pbx", DESK "&nonsense;", UDP) FOOTER,
		"<a>\n<a>\n<a>\n<a>\n<a>\n<a>\n<a>\n<a>\n<a>\n<a>\n</a>\n",
		"<?xml version=\"1.0\"?>\n<!DOCTYPE x [<!ENTITY a \"aaa\">]>\n",
	};

	ck_assert_int_eq(read_list("Invalid Profile!\n", 5, &rows), -ENOENT);
	ck_assert_int_eq(read_list("-ERR no reply\n", 5, &rows), -ENOENT);
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
		ck_assert_int_lt(read_list(broken[i], 50, &rows), 0);
	ck_assert_int_eq(read_list("", 1, &rows), -EBADMSG);
}
END_TEST

START_TEST(a_line_without_end_is_left_out)
{
	struct rows rows;
	static char list[LIST_LINE_MAX * 3];

	(void)snprintf(list, sizeof list, "%s<registration>\n<call-id>%0*d</call-id>\n</registration>\n%s%s",
		       HEADER, LIST_LINE_MAX, 1, ROW("2", "1002@pbx", DESK, UDP), FOOTER);
	ck_assert_int_eq(read_list(list, 1000, &rows), 0);
	ck_assert_int_eq(rows.count, 1);
	ck_assert_int_eq(rows.refused, 1);
}
END_TEST

START_TEST(profiles_and_gateways)
{
	struct rows rows;
	static const char list[] =
		"<?xml version=\"1.0\" "
		"encoding=\"ISO-8859-1\"?>\n<profiles>\n<profile>\n<name>internal</name>\n"
		"<type>profile</type>\n<data>sip:mod_sofia@10.77.0.100:5060</data>\n<state>RUNNING "
		"(0)</state>\n"
		"</profile>\n<gateway>\n<name>itsp</name>\n<type>gateway</type>\n<data>sip:a@b?x=1&y=2</"
		"data>\n"
		"<state>FAIL_WAIT</state>\n</gateway>\n (retry: 5s)\n<alias>\n<name>ten</name>\n</alias>\n"
		"</profiles>\n";
	static const char one[] = "<?xml version=\"1.0\"?>\n  <gateway>\n    <name>itsp</name>\n    "
				  "<profile>internal</profile>\n"
				  "    <state>FAIL_WAIT</state>\n    <retry>28s</retry>\n  </gateway>\n";

	ck_assert_int_eq(read_list(list, 30, &rows), 0);
	ck_assert_str_eq(rows.names, "1:internal=RUNNING (0)/ 2:itsp=FAIL_WAIT/ ");
	ck_assert_int_eq(read_list(one, 30, &rows), 0);
	ck_assert_str_eq(rows.names, "2:itsp=FAIL_WAIT/28s ");
}
END_TEST

static const struct binding *one_row(const char *contact, const char *status, struct rows *rows)
{
	static char list[4096];

	(void)snprintf(
		list, sizeof list,
		"%s<registration>\n<call-id>c</call-id>\n<user>1001@pbx</user>\n<contact>%s"
		"</contact>\n<status>%s</status>\n<network-ip>192.0.2.7</network-ip>\n<network-port>40123"
		"</network-port>\n<sip-auth-user>o%%27brien</sip-auth-user>\n<sip-auth-realm>pbx"
		"</sip-auth-realm>\n<mwi-account>900@pbx</mwi-account>\n</registration>\n%s",
		HEADER, contact, status, FOOTER);
	ck_assert_int_eq(read_list(list, 100, rows), 0);
	ck_assert_int_eq(rows->count, 1);
	return &rows->b[0];
}

#define STATUS(how) "Registered(" how ")(unknown) exp(x) expsecs(60)"

START_TEST(who_hangs_on_a_connection)
{
	struct rows rows;
	static const struct {
		const char *contact, *status, *connection;
	} cases[] = {
		{ "&lt;sip:1001@192.168.5.5:5060;fs_nat=yes;fs_path=sip%3A1001%40192.0.2.7%3A40123&gt;",
		  STATUS("UDP-NAT"), "" },
		{ "&lt;sip:1001@192.0.2.7:5060;transport=tcp&gt;", STATUS("TCP"), "" }, /* it listens */
		{ "&lt;sip:1001@192.0.2.7:40123;transport=tcp&gt;", STATUS("TCP"), "tcp:192.0.2.7:40123" },
		{ "&lt;sip:1001@192.168.5.5:5060;transport=tcp;fs_nat=yes&gt;", STATUS("TCP-NAT"),
		  "tcp:192.0.2.7:40123" },
		{ "&lt;sip:1001@192.0.2.7:5061;transport=tls&gt;", STATUS("TLS"), "tls:192.0.2.7:40123" },
		{ "&lt;sips:1001@192.0.2.7:5061&gt;", STATUS("TLS"), "tls:192.0.2.7:40123" },
		{ "&lt;sip:1001@q3.invalid;transport=wss;fs_nat=yes&gt;", STATUS("WSS-NAT"),
		  "wss:192.0.2.7:40123" },
		{ "&lt;sip:1001@q3.invalid&gt;", STATUS("WS-NAT"), "ws:192.0.2.7:40123" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ck_assert_str_eq(one_row(cases[i].contact, cases[i].status, &rows)->text[BINDING_CONNECTION],
				 cases[i].connection);
}
END_TEST

START_TEST(a_row_goes_into_another_freeswitch_as_it_was)
{
	static const struct freeswitch_target target = { "internal", "fs-b", "10.77.0.100", "pbx" };
	struct rows rows;
	char event[FREESWITCH_EVENT_MAX];
	const struct binding *b =
		one_row("&quot;A % &amp; B&quot; "
			"&lt;sip:1001@192.168.5.5:5060;fs_nat=yes;fs_path=sip%3A1001%40192.0.2.7"
			"%3A40123&gt;",
			"Registered(UDP-NAT)(busy) exp(x) expsecs(60)", &rows);
	int n = freeswitch_put_build(&target, b, boot_add(now, 10 * NS_PER_S), event, sizeof event);

	ck_assert_str_eq(b->text[BINDING_DATA], "u=o'brien&p=busy&m=900@pbx&d=\"A %25 %26 B\"");
	ck_assert_int_eq(n, (int)strlen(event));
	ck_assert_str_eq(event,
			 "sendevent CUSTOM\nEvent-Subclass: multicast::event\norig-event-name: CUSTOM\n"
			 "orig-event-subclass: sofia::register\norig-profile-name: internal\n"
			 "orig-from-user: 1001\norig-from-host: pbx\norig-to-user: 1001\norig-to-host: pbx\n"
			 "orig-call-id: c\norig-contact: \"A % & B\" <sip:1001@192.168.5.5:5060;fs_nat=yes;"
			 "fs_path=sip%3A1001%40192.0.2.7%3A40123>\norig-username: o'brien\norig-realm: pbx\n"
			 "orig-rpid: busy\norig-mwi-account: 900@pbx\norig-expires: 50\norig-user-agent: \n"
			 "orig-presence-hosts: pbx\norig-network-ip: 192.0.2.7\norig-network-port: 40123\n"
			 "orig-FreeSWITCH-IPv4: 10.77.0.100\norig-FreeSWITCH-Hostname: fs-b\n\n");
	n = freeswitch_remove_build(&target, "1001@pbx", "c", event, sizeof event);
	ck_assert_int_eq(n, (int)strlen(event));
	ck_assert_str_eq(event,
			 "sendevent CUSTOM\nEvent-Subclass: multicast::event\norig-event-name: CUSTOM\n"
			 "orig-event-subclass: sofia::unregister\norig-profile-name: internal\n"
			 "orig-from-user: 1001\norig-from-host: pbx\norig-to-user: 1001\norig-to-host: pbx\n"
			 "orig-call-id: c\n\n");
	ck_assert_int_eq(freeswitch_put_build(&target, b, now, event, 100), -ENOSPC);
	ck_assert_int_eq(freeswitch_remove_build(&target, "1001", "c", event, sizeof event), -EINVAL);
}
END_TEST

START_TEST(a_contact_without_brackets_stays_one)
{
	static const struct freeswitch_target target = { "internal", "fs-b", "10.77.0.100", "" };
	struct rows rows;
	char event[FREESWITCH_EVENT_MAX];
	const struct binding *b = one_row("sip:1001@192.0.2.7:5060", STATUS("UDP"), &rows);

	ck_assert_int_gt(freeswitch_put_build(&target, b, now, event, sizeof event), 0);
	ck_assert_ptr_nonnull(strstr(event, "\norig-contact: sip:1001@192.0.2.7:5060\n"));
}
END_TEST

START_TEST(calls_and_gateway_states)
{
	const char *why = NULL;

	ck_assert_int_eq(freeswitch_calls_parse("{\"row_count\":12,\"rows\":[]}", 26), 12);
	ck_assert_int_eq(freeswitch_calls_parse("{\"row_count\": 0}\n", 17), 0);
	ck_assert_int_eq(freeswitch_calls_parse("-ERR SQL Error []\n", 18), -1);
	ck_assert_int_eq(freeswitch_calls_parse("{\"row_count\":-1}", 16), -1);
	ck_assert_int_eq(freeswitch_gateway_state("REGED", 200, &why), TRUNK_REGISTERED);
	ck_assert_int_eq(freeswitch_gateway_state("FAIL_WAIT", 503, &why), TRUNK_FAILED);
	ck_assert_int_eq(freeswitch_gateway_state("FAIL_WAIT", 403, &why), TRUNK_REJECTED);
	ck_assert_int_eq(freeswitch_gateway_state("DOWN", 0, &why), TRUNK_UNREGISTERED);
	ck_assert_int_eq(freeswitch_gateway_state("", 0, &why), TRUNK_UNKNOWN);
	ck_assert_ptr_nonnull(why);
	ck_assert(freeswitch_account_plain("1001@pbx"));
	ck_assert(!freeswitch_account_plain("o'brien@pbx"));
	ck_assert(!freeswitch_account_plain("1001"));
}
END_TEST

UNIT_MAIN("freeswitch_text", frames_are_the_same_in_any_pieces, what_is_no_event_socket_is_told,
	  headers_of_events, a_row_is_a_binding, a_phone_cannot_write_rows_into_the_list,
	  odd_rows_are_refused_and_the_rest_is_read, what_is_no_list_is_told, a_line_without_end_is_left_out,
	  profiles_and_gateways, who_hangs_on_a_connection, a_row_goes_into_another_freeswitch_as_it_was,
	  a_contact_without_brackets_stays_one, calls_and_gateway_states)
