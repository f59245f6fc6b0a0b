/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * docs/ALERTS.md (ALERTS_MD) is the golden output of the table.
 */
#include "event_table.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static char *docs_read(void)
{
	FILE *f = fopen(ALERTS_MD, "re");
	static char text[65536];

	ck_assert_msg(f, "no " ALERTS_MD);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	(void)fclose(f);
	return text;
}

START_TEST(the_docs_have_each_row_of_the_table_and_no_other)
{
	const char *docs = docs_read();
	char row[200];
	size_t rows = 0, in_docs = 0;

	for (; event_table_row(rows, row, sizeof row); rows++)
		ck_assert_msg(strstr(docs, row), "docs/ALERTS.md lacks: %s", row);
	for (const char *p = docs; (p = strchr(p, '\n')); p++)
		in_docs += !strncmp(p, "\n| record ", 10) || !strncmp(p, "\n| alarm ", 9);
	ck_assert_uint_eq(rows, in_docs);
}
END_TEST

START_TEST(the_docs_have_each_event)
{
	const char *docs = docs_read();
	char word[60];

	for (int e = 0; e < ALERT_EVENTS_COUNT; e++) {
		(void)snprintf(word, sizeof word, "`%s`", alert_event_name((enum alert_event)e));
		ck_assert_msg(strstr(docs, word), "docs/ALERTS.md lacks %s", word);
	}
}
END_TEST

static const struct {
	const char *record, *id, *severity, *event, *text;
} golden[] = {
	{ "{\"type\":\"takeover\",\"node\":\"n2\",\"number\":7,\"node_id\":2,\"time\":\"2026-12-01T00:00:00."
	  "000Z\","
	  "\"group\":\"office\",\"peer\":\"n1\",\"cause\":\"lease_expired\",\"ok\":true}",
	  "record/n2.7", "critical", "takeover", "n2, office: took over: the lease of n1 ran out" },
	{ "{\"type\":\"takeover\",\"node\":\"n2\",\"number\":8,\"time\":\"t\",\"group\":\"office\",\"cause\":"
	  "\"operator\","
	  "\"ok\":true}",
	  "record/n2.8", "info", "takeover", "n2, office: took over: on command" },
	{ "{\"type\":\"takeover\",\"node\":\"n2\",\"number\":9,\"time\":\"t\",\"group\":\"office\",\"cause\":"
	  "\"operator\","
	  "\"ok\":false,\"failed_step\":\"gate\",\"error\":\"EPERM\"}",
	  "record/n2.9", "critical", "takeover-failed",
	  "n2, office: took over: on command; step gate failed: EPERM" },
	{ "{\"type\":\"operation\",\"node\":\"n1\",\"number\":3,\"time\":\"t\",\"group\":\"office\","
	  "\"command\":\"switchover\","
	  "\"peer\":\"n2\",\"ok\":false,\"reason\":\"pbx_dead\"}",
	  "record/n1.3", "warning", "refused", "n1, office: switchover to n2: failed, pbx_dead" },
	{ "{\"type\":\"letgo\",\"node\":\"n1\",\"number\":4,\"time\":\"t\",\"group\":\"office\",\"cause\":"
	  "\"pbx_dead\",\"ok\":"
	  "true,\"peer\":\"n2\"}",
	  "record/n1.4", "critical", "letgo", "n1, office: let go: its PBX died, to n2" },
	{ "{\"type\":\"rogue-vrrp\",\"node\":\"n1\",\"number\":5,\"time\":\"t\",\"group\":\"office\","
	  "\"text\":\"10.0.0.9 \\n "
	  "advertises\"}",
	  "record/n1.5", "critical", "rogue-vrrp", "n1, office: rogue-vrrp: 10.0.0.9   advertises" },
	{ "{\"type\":\"invented\",\"node\":\"n1\",\"number\":6,\"time\":\"t\",\"text\":\"x\"}", "record/n1.6",
	  "info", "other", "n1: invented: x" },
};

START_TEST(records_become_alerts)
{
	for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
		json_t *j = json_loads(golden[i].record, 0, NULL);
		struct alert a;

		ck_assert(j && event_of_record(j, &a));
		ck_assert_str_eq(a.id, golden[i].id);
		ck_assert_str_eq(alert_severity_name(a.severity), golden[i].severity);
		ck_assert_str_eq(alert_event_name(a.event), golden[i].event);
		ck_assert_str_eq(a.text, golden[i].text);
		json_decref(j);
	}
}
END_TEST

START_TEST(beginnings_and_what_is_no_record_are_not_told)
{
	static const char *const none[] = { "{}", "[]",
					    "{\"type\":\"takeover-begun\",\"node\":\"n1\",\"time\":\"t\"}",
					    "{\"type\":\"takeover\",\"time\":\"t\"}" };

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		json_t *j = json_loads(none[i], 0, NULL);
		struct alert a;

		ck_assert_msg(!event_of_record(j, &a), "%s", none[i]);
		json_decref(j);
	}
}
END_TEST

START_TEST(an_alarm_is_known_by_its_first_word)
{
	ck_assert_int_eq(event_of_alarm("trunk/0/itsp")->event, ALERT_TRUNK);
	ck_assert_int_eq(event_of_alarm("fence/n1")->event, ALERT_FENCING);
	ck_assert(event_of_alarm("fence/n1")->cluster);
	ck_assert(!event_of_alarm("fence-device/pdu")->cluster);
	ck_assert_int_eq(event_of_alarm("tr")->event, ALERT_ALARM);
	ck_assert_int_eq(event_of_alarm("")->event, ALERT_ALARM);
}
END_TEST

/* records_event(a, "TYPE", ... in the agent's sources (AGENT_DIR). */
static int types_of(const char *text, const char *file)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, "records_event(")); p++) {
		const char *from = strchr(p, '"'), *to = from ? strchr(from + 1, '"') : NULL,
			   *end = strchr(p, ';');
		char record[200];
		struct alert a;

		if (!to || !end || to > end) /* its definition */
			continue;
		(void)snprintf(record, sizeof record,
			       "{\"type\":\"%.*s\",\"node\":\"n\",\"number\":1,\"time\":\"t\"}",
			       (int)(to - from - 1), from + 1);
		json_t *j = json_loads(record, 0, NULL);

		ck_assert_msg(j && event_of_record(j, &a) && a.event != ALERT_OTHER,
			      "%s writes a record that alerts/event_table.c does not know: %s", file, record);
		json_decref(j);
		n++;
	}
	return n;
}

START_TEST(every_record_of_the_agent_has_a_row)
{
	DIR *dir = opendir(AGENT_DIR);
	static char text[1 << 18];
	struct dirent *e;
	int types = 0;

	ck_assert(dir);
	while ((e = readdir(dir))) {
		char path[512];
		FILE *f;

		if (strlen(e->d_name) < 3 || strcmp(e->d_name + strlen(e->d_name) - 2, ".c"))
			continue;
		(void)snprintf(path, sizeof path, "%s/%.200s", AGENT_DIR, e->d_name);
		f = fopen(path, "re");
		ck_assert(f);
		text[fread(text, 1, sizeof text - 1, f)] = '\0';
		(void)fclose(f);
		types += types_of(text, e->d_name);
	}
	(void)closedir(dir);
	ck_assert_int_gt(types, 20);
}
END_TEST

UNIT_MAIN("event_table", every_record_of_the_agent_has_a_row,
	  the_docs_have_each_row_of_the_table_and_no_other, the_docs_have_each_event, records_become_alerts,
	  beginnings_and_what_is_no_record_are_not_told, an_alarm_is_known_by_its_first_word)
