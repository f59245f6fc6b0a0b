/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * First match wins. Where the agent raises an alarm for the same thing, the alarm is told, since it has an
 * end, and the record is only information.
 */
#include "event_table.h"

#include "history_text.h"

#include <stdio.h>
#include <string.h>

enum row_ok { ANY, DONE, FAILED };

/* clang-format off */
static const struct record_row {
	const char *type, *cause; /* NULL: any */
	enum row_ok ok;
	enum alert_event event;
	enum alert_severity severity;
} record_rows[] = {
	{ "takeover", NULL, FAILED, ALERT_TAKEOVER_FAILED, ALERT_CRITICAL },
	{ "takeover", "adopted", ANY, ALERT_TAKEOVER, ALERT_INFO },
	{ "takeover", "operator", ANY, ALERT_TAKEOVER, ALERT_INFO },
	{ "takeover", "failback", ANY, ALERT_TAKEOVER, ALERT_INFO },
	{ "takeover", "vacant", ANY, ALERT_TAKEOVER, ALERT_INFO },
	{ "takeover", "vrrp_preempt", ANY, ALERT_TAKEOVER, ALERT_INFO },
	{ "takeover", "release", ANY, ALERT_TAKEOVER, ALERT_WARNING },
	{ "takeover", "vrrp_release", ANY, ALERT_TAKEOVER, ALERT_WARNING },
	{ "takeover", NULL, ANY, ALERT_TAKEOVER, ALERT_CRITICAL }, /* lease_expired, fenced, peer_absent, vrrp_silence */
	{ "takeover-seen", NULL, ANY, ALERT_TAKEOVER, ALERT_WARNING },
	{ "letgo", "operator", ANY, ALERT_LETGO, ALERT_INFO },
	{ "letgo", "stopping", ANY, ALERT_LETGO, ALERT_INFO },
	{ "letgo", "failback", ANY, ALERT_LETGO, ALERT_INFO },
	{ "letgo", "vrrp_better", ANY, ALERT_LETGO, ALERT_INFO },
	{ "letgo", "uplink", ANY, ALERT_LETGO, ALERT_WARNING },
	{ "letgo", "reason", ANY, ALERT_LETGO, ALERT_WARNING },
	{ "letgo", NULL, ANY, ALERT_LETGO, ALERT_CRITICAL },
	{ "operation", NULL, FAILED, ALERT_REFUSED, ALERT_WARNING },
	{ "operation", NULL, ANY, ALERT_COMMAND, ALERT_INFO },
	{ "command", NULL, ANY, ALERT_COMMAND, ALERT_INFO },
	{ "voters-change", NULL, ANY, ALERT_COMMAND, ALERT_WARNING },
	{ "two-holders", NULL, ANY, ALERT_TWO_HOLDERS, ALERT_CRITICAL },
	{ "rogue-vrrp", NULL, ANY, ALERT_ROGUE_VRRP, ALERT_CRITICAL },
	{ "contention", NULL, ANY, ALERT_CONTENTION, ALERT_CRITICAL },
	{ "pulse-alarm", NULL, ANY, ALERT_AUTHENTICATION, ALERT_CRITICAL },
	{ "heartbeat-alarm", NULL, ANY, ALERT_AUTHENTICATION, ALERT_CRITICAL },
	{ "fence", NULL, ANY, ALERT_FENCING, ALERT_WARNING },
	{ "watchdog-reset", NULL, ANY, ALERT_WATCHDOG, ALERT_CRITICAL },
	{ "watchdog", NULL, ANY, ALERT_WATCHDOG, ALERT_INFO },
	{ "gate-lost", NULL, ANY, ALERT_GATE, ALERT_CRITICAL },
	{ "guard-lost", NULL, ANY, ALERT_GATE, ALERT_CRITICAL },
	{ "address-removed", NULL, ANY, ALERT_ADDRESS, ALERT_WARNING },
	{ "standstill", NULL, ANY, ALERT_LAG, ALERT_WARNING },
	{ "uplink-switch", NULL, ANY, ALERT_UPLINK, ALERT_WARNING },
	{ "uplink", NULL, ANY, ALERT_UPLINK, ALERT_INFO },
	{ "trunk", NULL, ANY, ALERT_TRUNK, ALERT_INFO },
	{ "overloaded", NULL, ANY, ALERT_PBX, ALERT_INFO },
	{ "adapter", NULL, ANY, ALERT_PBX, ALERT_WARNING },
	{ "publish", NULL, ANY, ALERT_DNS, ALERT_INFO },
	{ "config-push", NULL, ANY, ALERT_COMMAND, ALERT_INFO },
	{ "reloaded", NULL, ANY, ALERT_COMMAND, ALERT_INFO },
	{ "agent-started", NULL, ANY, ALERT_AGENT, ALERT_INFO },
};

static const struct alarm_row alarm_rows[] = {
	{ "alone", ALERT_QUORUM, ALERT_CRITICAL, false, false },
	{ "adapter", ALERT_PBX, ALERT_WARNING, false, true },
	{ "address", ALERT_ADDRESS, ALERT_WARNING, false, true },
	{ "bindings", ALERT_REGISTRATIONS, ALERT_WARNING, false, false },
	{ "contention", ALERT_CONTENTION, ALERT_CRITICAL, false, true },
	{ "corosync", ALERT_QUORUM, ALERT_CRITICAL, false, false },
	{ "disk", ALERT_ALARM, ALERT_WARNING, false, false },
	{ "fence", ALERT_FENCING, ALERT_CRITICAL, true, false },
	{ "fence-device", ALERT_FENCING, ALERT_WARNING, false, false },
	{ "fence-memory", ALERT_FENCING, ALERT_WARNING, false, false },
	{ "gate", ALERT_GATE, ALERT_CRITICAL, false, true },
	{ "gateway", ALERT_QUORUM, ALERT_WARNING, false, false },
	{ "guard", ALERT_GATE, ALERT_CRITICAL, false, true },
	{ "guard-down", ALERT_GATE, ALERT_CRITICAL, false, false },
	{ "heartbeat", ALERT_AUTHENTICATION, ALERT_CRITICAL, false, true },
	{ "no-path", ALERT_UPLINK, ALERT_CRITICAL, false, false },
	{ "overloaded", ALERT_PBX, ALERT_CRITICAL, false, false },
	{ "promises", ALERT_ALARM, ALERT_CRITICAL, false, false },
	{ "publish", ALERT_DNS, ALERT_WARNING, false, false },
	{ "pulse", ALERT_AUTHENTICATION, ALERT_CRITICAL, false, true },
	{ "reload", ALERT_DRIFT, ALERT_WARNING, false, false },
	{ "rogue-vrrp", ALERT_ROGUE_VRRP, ALERT_CRITICAL, false, true },
	{ "spin", ALERT_LAG, ALERT_CRITICAL, false, false },
	{ "standstill", ALERT_LAG, ALERT_WARNING, false, true },
	{ "trunk", ALERT_TRUNK, ALERT_CRITICAL, false, false },
	{ "two-holders", ALERT_TWO_HOLDERS, ALERT_CRITICAL, false, true },
	{ "uplink-pbx", ALERT_UPLINK, ALERT_WARNING, false, false },
	{ "uplinks", ALERT_UPLINK, ALERT_WARNING, false, false },
	{ "voice", ALERT_UPLINK, ALERT_CRITICAL, false, false },
	{ "voters", ALERT_DRIFT, ALERT_WARNING, true, false },
	{ "vrrp", ALERT_ALARM, ALERT_WARNING, false, false },
	{ "watchdog", ALERT_WATCHDOG, ALERT_CRITICAL, false, false },
	{ "watchdog-reset", ALERT_WATCHDOG, ALERT_CRITICAL, false, true },
	{ "", ALERT_ALARM, ALERT_WARNING, false, false },
};
/* clang-format on */

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static const char *text_of(const json_t *r, const char *key)
{
	const char *t = json_string_value(json_object_get(r, key));

	return t ? t : "";
}

static bool matches(const struct record_row *row, const json_t *r)
{
	const json_t *ok = json_object_get(r, "ok");

	if (strcmp(row->type, text_of(r, "type")) || (row->cause && strcmp(row->cause, text_of(r, "cause"))))
		return false;
	return row->ok == ANY || (row->ok == DONE ? json_is_true(ok) : json_is_false(ok));
}

/* "n2: took over: n1 was fenced" */
static void record_text(const json_t *r, struct alert *ret)
{
	char sentence[ALERT_SAID_MAX], whole[2 * ALERT_SAID_MAX];

	history_sentence(r, sentence, sizeof sentence);
	(void)snprintf(whole, sizeof whole, "%s%s%s: %s", ret->node, ret->group[0] ? ", " : "", ret->group,
		       sentence);
	alert_set(ret->text, sizeof ret->text, whole);
}

/* Two of the same kind about the same are told apart by their ids. */
static void record_names(const json_t *r, struct alert *ret)
{
	alert_set(ret->node, sizeof ret->node, text_of(r, "node"));
	alert_set(ret->group, sizeof ret->group, text_of(r, "group"));
	alert_set(ret->time, sizeof ret->time, text_of(r, "time"));
	(void)snprintf(ret->id, sizeof ret->id, "record/%.40s.%lld", ret->node,
		       (long long)json_integer_value(json_object_get(r, "number")));
	(void)snprintf(ret->key, sizeof ret->key, "%.24s/%.40s/%.40s", alert_event_name(ret->event),
		       ret->group[0] ? ret->group : "-", ret->node);
	alert_clean(ret->id);
	alert_clean(ret->key);
}

bool event_of_record(const json_t *record, struct alert *ret)
{
	const char *type = text_of(record, "type");
	size_t len = strlen(type);

	if (!len || (len > 6 && !strcmp(type + len - 6, "-begun")))
		return false;
	memset(ret, 0, sizeof *ret);
	ret->event = ALERT_OTHER;
	for (size_t i = 0; i < COUNT(record_rows); i++) {
		if (!matches(&record_rows[i], record))
			continue;
		ret->event = record_rows[i].event;
		ret->severity = record_rows[i].severity;
		break;
	}
	record_names(record, ret);
	record_text(record, ret);
	return ret->node[0] && ret->time[0];
}

const struct alarm_row *event_of_alarm(const char *key)
{
	size_t len = strcspn(key, "/"), i = 0;

	while (alarm_rows[i].key[0] &&
	       (strlen(alarm_rows[i].key) != len || strncmp(alarm_rows[i].key, key, len)))
		i++;
	return &alarm_rows[i];
}

bool event_table_row(size_t i, char *ret, size_t size)
{
	static const char *const ok[] = { "", ", done", ", failed" };

	if (i < COUNT(record_rows)) {
		const struct record_row *r = &record_rows[i];

		(void)snprintf(ret, size, "| record %s%s%s%s | %s | %s |", r->type, r->cause ? ", " : "",
			       r->cause ? r->cause : "", ok[r->ok], alert_event_name(r->event),
			       alert_severity_name(r->severity));
		return true;
	}
	i -= COUNT(record_rows);
	if (i >= COUNT(alarm_rows))
		return false;
	(void)snprintf(ret, size, "| alarm %s%s%s | %s | %s |",
		       alarm_rows[i].key[0] ? alarm_rows[i].key : "of any other name",
		       alarm_rows[i].cluster ? ", one node tells it" : "",
		       alarm_rows[i].recorded ? " (one with a record: the record)" : "",
		       alert_event_name(alarm_rows[i].event), alert_severity_name(alarm_rows[i].severity));
	return true;
}
