/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"
#include "receiver.h"
#include "unit.h"

#include <string.h>

static const struct alert event = { .id = "record/n2.7",
				    .key = "takeover/office/n2",
				    .cluster = "lab",
				    .node = "n2",
				    .group = "office",
				    .teller = "n2",
				    .event = ALERT_TAKEOVER,
				    .severity = ALERT_CRITICAL,
				    .state = ALERT_HAPPENED,
				    .time = "2026-12-01T10:00:00.250Z",
				    .text = "n2, office: took over: \"n1\" is [gone] \\ \xc3\xbc" };

static struct alert resolved(void)
{
	struct alert a = event;

	a.state = ALERT_RESOLVED;
	a.event = ALERT_ROGUE_VRRP;
	(void)snprintf(a.since, sizeof a.since, "2026-12-01T09:00:00.000Z");
	return a;
}

#define NOW 1796119200000000000LL /* 2026-12-01T10:00:00Z */

START_TEST(json_comes_back_the_same)
{
	struct alert a = resolved(), again;
	char *text = message_json(&a);

	ck_assert_int_eq(alert_parse(text, strlen(text), &again), 0);
	ck_assert_mem_eq(&again, &a, sizeof a);
	free(text);
	text = message_json(&event);
	ck_assert_str_eq(text, "{\"version\":1,\"id\":\"record/n2.7\",\"key\":\"takeover/office/"
			       "n2\",\"state\":\"event\",\"event\":"
			       "\"takeover\",\"severity\":\"critical\",\"cluster\":\"lab\",\"time\":\"2026-"
			       "12-01T10:00:00.250Z\","
			       "\"text\":\"n2, office: took over: \\\"n1\\\" is [gone] \\\\ "
			       "\xc3\xbc\",\"node\":\"n2\",\"group\":"
			       "\"office\",\"told_by\":\"n2\"}");
	free(text);
}
END_TEST

START_TEST(a_body_is_signed_as_anybody_can_check)
{
	char signature[MESSAGE_SIGNATURE_MAX];

	/* RFC 4231, test case 2. */
	ck_assert_int_eq(message_signature("Jefe", "what do ya want for nothing?", signature), 0);
	ck_assert_str_eq(signature,
			 "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
END_TEST

static void expect_element(const struct alert *a, const char *text)
{
	json_t *j = message_alertmanager(a, NOW, 60000);
	char *is = json_dumps(j, JSON_COMPACT);

	ck_assert_str_eq(is, text);
	free(is);
	json_decref(j);
}

START_TEST(alertmanager_gets_an_end_and_the_same_labels_for_both)
{
	struct alert a = resolved();

	expect_element(&event,
		       "{\"labels\":{\"alertname\":\"RingkeepTakeover\",\"cluster\":\"lab\",\"severity\":"
		       "\"critical\",\"key\":"
		       "\"takeover/office/n2\",\"node\":\"n2\",\"group\":\"office\",\"id\":\"record/"
		       "n2.7\"},\"annotations\":"
		       "{\"summary\":\"n2, office: took over: \\\"n1\\\" is [gone] \\\\ "
		       "\xc3\xbc\",\"told_by\":\"n2\"},"
		       "\"startsAt\":\"2026-12-01T10:00:00.250Z\",\"endsAt\":\"2026-12-01T10:05:00.000Z\"}");
	(void)snprintf(a.text, sizeof a.text, "x");
	expect_element(&a, "{\"labels\":{\"alertname\":\"RingkeepRogueVrrp\",\"cluster\":\"lab\","
			   "\"severity\":\"critical\","
			   "\"key\":\"takeover/office/"
			   "n2\",\"node\":\"n2\",\"group\":\"office\"},\"annotations\":{\"summary\":"
			   "\"x\",\"told_by\":\"n2\"},\"startsAt\":\"2026-12-01T09:00:00.000Z\",\"endsAt\":"
			   "\"2026-12-01T10:00:00.250Z\"}");
	a.state = ALERT_FIRING;
	expect_element(&a, "{\"labels\":{\"alertname\":\"RingkeepRogueVrrp\",\"cluster\":\"lab\","
			   "\"severity\":\"critical\","
			   "\"key\":\"takeover/office/"
			   "n2\",\"node\":\"n2\",\"group\":\"office\"},\"annotations\":{\"summary\":"
			   "\"x\",\"told_by\":\"n2\"},\"startsAt\":\"2026-12-01T09:00:00.000Z\",\"endsAt\":"
			   "\"2026-12-01T10:04:00.000Z\"}");
}
END_TEST

START_TEST(a_mail_is_one)
{
	static const char *const to[] = { "noc@example.com", "boss@example.com" };
	char *text = message_mail(&event, "ringkeep@example.com", to, 2, NOW);

	ck_assert_msg(
		strstr(text,
		       "Date: Tue, 01 Dec 2026 10:00:00 +0000\r\nFrom: <ringkeep@example.com>\r\nTo: "
		       "<noc@example.com>,\r\n <boss@example.com>\r\nSubject: [lab] critical takeover: n2, "
		       "office: took over: \"n1\" is [gone] \\ ??\r\nMessage-ID: <"),
		"%s", text);
	ck_assert_msg(
		strstr(text,
		       "\r\nImportance: high\r\n\r\nn2, office: took over: \"n1\" is [gone] \\ "
		       "\xc3\xbc\r\n\r\n"
		       "event     takeover\r\nseverity  critical\r\nstate     event\r\ncluster   lab\r\n"
		       "node      n2\r\ngroup     office\r\ntime      2026-12-01T10:00:00.250Z\r\n"
		       "told by   n2\r\nid        record/n2.7\r\n"),
		"%s", text);
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		ck_assert(p > text && p[-1] == '\r');
	free(text);
}
END_TEST

START_TEST(syslog_is_rfc_5424)
{
	char line[MESSAGE_LINE_MAX];

	message_syslog(&event, 77, line);
	ck_assert_str_eq(line,
			 "<26>1 2026-12-01T10:00:00.250Z n2 ringkeep-alertd 77 takeover [ringkeep@32473 "
			 "id=\"record/n2.7\" cluster=\"lab\" state=\"event\" node=\"n2\" group=\"office\"] "
			 "n2, office: "
			 "took over: \"n1\" is [gone] \\ \xc3\xbc");
}
END_TEST

START_TEST(nothing_from_outside_ends_a_line_or_breaks_out_of_its_quotes)
{
	struct alert a = event;
	char line[MESSAGE_LINE_MAX];

	alert_set(a.text, sizeof a.text, "one\r\nRCPT TO:<x@y>\x1b[2J");
	ck_assert_str_eq(a.text, "one  RCPT TO:<x@y> [2J");
	alert_set(a.node, sizeof a.node, "n\"]\\");
	message_syslog(&a, 1, line);
	ck_assert_msg(strstr(line, " node=\"n\\\"\\]\\\\\""), "%s", line);
	memset(a.id, '"', sizeof a.id - 1);
	memset(a.node, ']', sizeof a.node - 1);
	memset(a.group, '\\', sizeof a.group - 1);
	memset(a.cluster, '"', sizeof a.cluster - 1);
	memset(a.text, 'x', sizeof a.text - 1);
	message_syslog(&a, 1, line); /* ends somewhere within its bounds */
	ck_assert_uint_lt(strlen(line), sizeof line);
	alert_set(a.text, sizeof a.text, "cut \xc3");
	ck_assert_str_eq(a.text, "cut ?");
	alert_set(a.text, sizeof a.text,
		  "\xe2\x82\xac \xf0\x9f\x93\x9e \xff\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82");
	ck_assert_str_eq(a.text, "\xe2\x82\xac \xf0\x9f\x93\x9e ??? ??? ???? ??");
	/* Cut between characters, not within one. */
	alert_set(a.group, 4, "ab\xc3\xbc");
	ck_assert_str_eq(a.group, "ab");
}
END_TEST

START_TEST(programs_find_it_in_their_environment)
{
	char vars[MESSAGE_VARS][MESSAGE_VAR_MAX];

	message_environment(&event, vars);
	ck_assert_str_eq(vars[2], "RINGKEEP_ID=record/n2.7");
	ck_assert_str_eq(vars[MESSAGE_VARS - 1],
			 "RINGKEEP_TEXT=n2, office: took over: \"n1\" is [gone] \\ \xc3\xbc");
}
END_TEST

START_TEST(a_receiver_gets_what_it_wants)
{
	struct config_alert c = { .name = "noc", .severity = ALERT_WARNING, .resolved = false };
	struct alert a = event;

	ck_assert(receiver_wants(&c, &a));
	a.severity = ALERT_INFO;
	ck_assert(!receiver_wants(&c, &a));
	a = resolved();
	ck_assert(!receiver_wants(&c, &a));
	c.resolved = true;
	ck_assert(receiver_wants(&c, &a));
	c.events_count = 1;
	(void)snprintf(c.events[0], sizeof c.events[0], "trunk");
	ck_assert(!receiver_wants(&c, &a));
	a.event = ALERT_HELD_BACK; /* always: it stands for others */
	a.severity = ALERT_INFO;
	ck_assert(receiver_wants(&c, &a));
	/* That it cannot be reached need not wait for it. */
	c.events_count = 0;
	a = event;
	a.event = ALERT_RECEIVER;
	(void)snprintf(a.key, sizeof a.key, "state/receiver/noc@n1");
	ck_assert(!receiver_wants(&c, &a));
	(void)snprintf(a.key, sizeof a.key, "state/receiver/noc2@n1");
	ck_assert(receiver_wants(&c, &a));
}
END_TEST

UNIT_MAIN("message", json_comes_back_the_same, a_body_is_signed_as_anybody_can_check,
	  alertmanager_gets_an_end_and_the_same_labels_for_both, a_mail_is_one, syslog_is_rfc_5424,
	  nothing_from_outside_ends_a_line_or_breaks_out_of_its_quotes, programs_find_it_in_their_environment,
	  a_receiver_gets_what_it_wants)
