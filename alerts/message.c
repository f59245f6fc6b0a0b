/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"

#include "clock.h"
#include "crypto.h"
#include "digest.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define HAPPENED_NS    (300 * NS_PER_S)
#define REPEATS_MISSED 4
#define FACILITY       LOG_DAEMON
#define SUBJECT_MAX    200

char *message_json(const struct alert *a)
{
	json_t *j = alert_json(a);
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	return text;
}

int message_signature(const char *secret, const char *body, char ret[MESSAGE_SIGNATURE_MAX])
{
	uint8_t mac[CRYPTO_MAC_SIZE];
	int r = crypto_hmac(secret, strlen(secret), body, strlen(body), mac);
	int n = snprintf(ret, MESSAGE_SIGNATURE_MAX, "sha256=");

	for (size_t i = 0; r == 0 && i < sizeof mac; i++)
		n += snprintf(ret + n, MESSAGE_SIGNATURE_MAX - (size_t)n, "%02x", mac[i]);
	return r;
}

/* ---- Alertmanager ---- */

/* "rogue-vrrp" to "RingkeepRogueVrrp". */
static void alert_name(const struct alert *a, char *ret, size_t size)
{
	size_t n = (size_t)snprintf(ret, size, "Ringkeep");
	bool first = true;

	for (const char *p = alert_event_name(a->event); *p && n + 1 < size; p++) {
		if (*p == '-') {
			first = true;
			continue;
		}
		ret[n++] = first ? (char)toupper((unsigned char)*p) : *p;
		first = false;
	}
	ret[n] = '\0';
}

/* The same for a beginning and its end. What happened has its id, so that a second one is another. */
static json_t *labels(const struct alert *a)
{
	char name[64];
	json_t *j;

	alert_name(a, name, sizeof name);
	j = json_pack("{s:s, s:s, s:s, s:s}", "alertname", name, "cluster", a->cluster, "severity",
		      alert_severity_name(a->severity), "key", a->key);
	if (j && a->node[0])
		(void)json_object_set_new(j, "node", json_string(a->node));
	if (j && a->group[0])
		(void)json_object_set_new(j, "group", json_string(a->group));
	if (j && a->state == ALERT_HAPPENED)
		(void)json_object_set_new(j, "id", json_string(a->id));
	return j;
}

json_t *message_alertmanager(const struct alert *a, int64_t now_wall_ns, uint32_t repeat_ms)
{
	int64_t ends_ns = a->state == ALERT_RESOLVED ? alert_time_parse(a->time)
			  : a->state == ALERT_FIRING
				  ? now_wall_ns + REPEATS_MISSED * (int64_t)repeat_ms * NS_PER_MS
				  : now_wall_ns + HAPPENED_NS;
	char ends[ALERT_TIME_MAX];

	alert_time(ends_ns, ends);
	return json_pack("{s:o, s:{s:s, s:s}, s:s, s:s}", "labels", labels(a), "annotations", "summary",
			 a->text, "told_by", a->teller, "startsAt", a->since[0] ? a->since : a->time,
			 "endsAt", ends);
}

/* ---- mail ---- */

static const char *state_word(const struct alert *a)
{
	return a->state == ALERT_RESOLVED ? "resolved" : alert_severity_name(a->severity);
}

/* ASCII only: what is not is in the body. */
static void subject(const struct alert *a, char *ret, size_t size)
{
	(void)snprintf(ret, size, "[%s] %s %s: %.100s", a->cluster, state_word(a), alert_event_name(a->event),
		       a->text);
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			*p = '?';
}

static void mail_head(FILE *f, const struct alert *a, const char *from, const char *const *to,
		      size_t to_count, int64_t now_wall_ns)
{
	char text[SUBJECT_MAX], date[64], hash[DIGEST_HEX_SIZE];
	time_t s = (time_t)(now_wall_ns / NS_PER_S);
	struct tm tm;

	subject(a, text, sizeof text);
	if (!gmtime_r(&s, &tm) || !strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm))
		date[0] = '\0';
	digest_sha256_hex(a->id, strlen(a->id), hash);
	(void)fprintf(f, "Date: %s\r\nFrom: <%s>\r\nTo: ", date, from);
	for (size_t i = 0; i < to_count; i++)
		(void)fprintf(f, "%s<%s>", i ? ",\r\n " : "", to[i]);
	/* The same from whichever node it comes: many mail programs show it once. */
	(void)fprintf(f, "\r\nSubject: %s\r\nMessage-ID: <%.32s.%s@ringkeep.invalid>\r\n", text, hash,
		      a->cluster);
	(void)fprintf(f, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n");
	if (a->severity == ALERT_CRITICAL && a->state != ALERT_RESOLVED)
		(void)fprintf(f, "Importance: high\r\n");
	(void)fprintf(f, "\r\n");
}

static void mail_row(FILE *f, const char *name, const char *value)
{
	if (*value)
		(void)fprintf(f, "%-10s%s\r\n", name, value);
}

char *message_mail(const struct alert *a, const char *from, const char *const *to, size_t to_count,
		   int64_t now_wall_ns)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	mail_head(f, a, from, to, to_count, now_wall_ns);
	(void)fprintf(f, "%s\r\n\r\n", a->text);
	mail_row(f, "event", alert_event_name(a->event));
	mail_row(f, "severity", alert_severity_name(a->severity));
	mail_row(f, "state", alert_state_name(a->state));
	mail_row(f, "cluster", a->cluster);
	mail_row(f, "node", a->node);
	mail_row(f, "group", a->group);
	mail_row(f, "time", a->time);
	mail_row(f, "since", a->since);
	mail_row(f, "told by", a->teller);
	mail_row(f, "id", a->id);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- syslog ---- */

static int priority(const struct alert *a)
{
	static const int levels[ALERT_SEVERITIES_COUNT] = {
		[ALERT_INFO] = LOG_INFO, [ALERT_WARNING] = LOG_WARNING, [ALERT_CRITICAL] = LOG_CRIT
	};

	return FACILITY | (a->state == ALERT_RESOLVED ? LOG_NOTICE : levels[a->severity]);
}

/* RFC 5424 section 6.3.3: '"', '\' and ']' MUST be escaped in a PARAM-VALUE. */
static size_t param(char *ret, size_t size, size_t used, const char *name, const char *value)
{
	if (size - used < strlen(name) + 8)
		return used; /* left out rather than cut */
	used += (size_t)snprintf(ret + used, size - used, " %s=\"", name);
	for (; *value && used + 4 < size; value++) {
		if (strchr("\"\\]", *value))
			ret[used++] = '\\';
		ret[used++] = *value;
	}
	ret[used++] = '"';
	ret[used] = '\0';
	return used;
}

void message_syslog(const struct alert *a, long pid, char ret[MESSAGE_LINE_MAX])
{
	char data[2 * ALERT_ID_MAX + 8 * ALERT_NAME_MAX + 64] = "";
	size_t used = 0;

	used = param(data, sizeof data, used, "id", a->id);
	used = param(data, sizeof data, used, "cluster", a->cluster);
	used = param(data, sizeof data, used, "state", alert_state_name(a->state));
	if (a->node[0])
		used = param(data, sizeof data, used, "node", a->node);
	if (a->group[0])
		(void)param(data, sizeof data, used, "group", a->group);
	/* 32473 is the number for examples (RFC 5612): we have none. */
	(void)snprintf(ret, MESSAGE_LINE_MAX, "<%d>1 %s %s ringkeep-alertd %ld %s [ringkeep@32473%s] %s",
		       priority(a), a->time, a->teller[0] ? a->teller : "-", pid, alert_event_name(a->event),
		       data, a->text);
}

void message_syslog_local(const struct alert *a, long pid, char ret[MESSAGE_LINE_MAX])
{
	time_t now = time(NULL);
	char date[32];
	struct tm tm;

	if (!localtime_r(&now, &tm) || !strftime(date, sizeof date, "%b %e %H:%M:%S", &tm))
		date[0] = '\0';
	(void)snprintf(ret, MESSAGE_LINE_MAX, "<%d>%s ringkeep-alertd[%ld]: %s %s: %s (id %s)", priority(a),
		       date, pid, state_word(a), alert_event_name(a->event), a->text, a->id);
}

/* ---- exec ---- */

__attribute__((format(printf, 3, 4))) static void var(char ret[MESSAGE_VARS][MESSAGE_VAR_MAX], int *n,
						      const char *fmt, ...)
{
	va_list ap;

	assert(*n < MESSAGE_VARS);
	va_start(ap, fmt);
	(void)vsnprintf(ret[(*n)++], MESSAGE_VAR_MAX, fmt, ap); /* a cut sentence is still one */
	va_end(ap);
}

void message_environment(const struct alert *a, char ret[MESSAGE_VARS][MESSAGE_VAR_MAX])
{
	int n = 0;

	var(ret, &n, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	var(ret, &n, "LC_ALL=C.UTF-8");
	var(ret, &n, "RINGKEEP_ID=%s", a->id);
	var(ret, &n, "RINGKEEP_KEY=%s", a->key);
	var(ret, &n, "RINGKEEP_EVENT=%s", alert_event_name(a->event));
	var(ret, &n, "RINGKEEP_SEVERITY=%s", alert_severity_name(a->severity));
	var(ret, &n, "RINGKEEP_STATE=%s", alert_state_name(a->state));
	var(ret, &n, "RINGKEEP_CLUSTER=%s", a->cluster);
	var(ret, &n, "RINGKEEP_NODE=%s", a->node);
	var(ret, &n, "RINGKEEP_GROUP=%s", a->group);
	var(ret, &n, "RINGKEEP_TIME=%s", a->time);
	var(ret, &n, "RINGKEEP_SINCE=%s", a->since);
	var(ret, &n, "RINGKEEP_TOLD_BY=%s", a->teller);
	var(ret, &n, "RINGKEEP_TEXT=%s", a->text);
	assert(n == MESSAGE_VARS);
}
