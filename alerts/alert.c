/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alert.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const state_names[] = {
	[ALERT_HAPPENED] = "event",
	[ALERT_FIRING] = "firing",
	[ALERT_RESOLVED] = "resolved",
};

const char *alert_state_name(enum alert_state s)
{
	return (unsigned)s <= ALERT_RESOLVED ? state_names[s] : "event";
}

/* Bytes of the character that begins there, 0 if it is none (RFC 3629). */
static size_t character(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t n = c[0] < 0x80			 ? 1
		   : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
		   : (c[0] & 0xf0) == 0xe0	 ? 3
		   : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
						 : 0;

	for (size_t i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80) /* the NUL, too */
			return 0;
	/* Longer than needed, a surrogate, beyond the last one. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] >= 0x90))
		return 0;
	return n;
}

void alert_clean(char *text)
{
	while (*text) {
		size_t n = character(text);

		if (n == 0)
			*text = '?';
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
		text += n ? n : 1;
	}
}

void alert_set(char *ret, size_t size, const char *text)
{
	size_t n = strnlen(text, size - 1);

	/* Not in the middle of a character. */
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	memcpy(ret, text, n);
	ret[n] = '\0';
	alert_clean(ret);
}

void alert_time(long long wall_ns, char ret[ALERT_TIME_MAX])
{
	time_t s = (time_t)(wall_ns / 1000000000);
	struct tm tm;
	size_t n = gmtime_r(&s, &tm) ? strftime(ret, ALERT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm) : 0;

	(void)snprintf(ret + n, ALERT_TIME_MAX - n, ".%03dZ", (int)(wall_ns % 1000000000 / 1000000));
}

long long alert_time_parse(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int ms = 0;

	if (!rest)
		return 0;
	if (sscanf(rest, ".%3dZ", &ms) != 1 || ms < 0)
		ms = 0;
	return (long long)timegm(&tm) * 1000000000 + ms * 1000000LL;
}

json_t *alert_json(const struct alert *a)
{
	json_t *j = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "version", ALERT_VERSION, "id",
			      a->id, "key", a->key, "state", alert_state_name(a->state), "event",
			      alert_event_name(a->event), "severity", alert_severity_name(a->severity),
			      "cluster", a->cluster, "time", a->time, "text", a->text);

	if (!j)
		return NULL;
	if (a->node[0])
		(void)json_object_set_new(j, "node", json_string(a->node));
	if (a->group[0])
		(void)json_object_set_new(j, "group", json_string(a->group));
	if (a->since[0])
		(void)json_object_set_new(j, "since", json_string(a->since));
	(void)json_object_set_new(j, "told_by", json_string(a->teller));
	return j;
}

static bool take(const json_t *j, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(j, key));

	alert_set(ret, size, text ? text : "");
	return text && *text;
}

static int word(const json_t *j, const char *key, const char *(*name)(int), int count)
{
	const char *text = json_string_value(json_object_get(j, key));

	for (int i = 0; text && i < count; i++)
		if (!strcmp(name(i), text))
			return i;
	return -1;
}

static const char *state_at(int i)
{
	return state_names[i];
}

static const char *event_at(int i)
{
	return alert_event_name((enum alert_event)i);
}

static const char *severity_at(int i)
{
	return alert_severity_name((enum alert_severity)i);
}

int alert_from_json(const json_t *j, struct alert *ret)
{
	struct alert a = { 0 };
	int state = word(j, "state", state_at, ALERT_RESOLVED + 1);
	int event = word(j, "event", event_at, ALERT_EVENTS_COUNT);
	int severity = word(j, "severity", severity_at, ALERT_SEVERITIES_COUNT);

	if (json_integer_value(json_object_get(j, "version")) != ALERT_VERSION || state < 0 || event < 0 ||
	    severity < 0 || !take(j, "id", a.id, sizeof a.id) || !take(j, "key", a.key, sizeof a.key) ||
	    !take(j, "cluster", a.cluster, sizeof a.cluster) || !take(j, "time", a.time, sizeof a.time))
		return -EBADMSG;
	(void)take(j, "text", a.text, sizeof a.text);
	(void)take(j, "node", a.node, sizeof a.node);
	(void)take(j, "group", a.group, sizeof a.group);
	(void)take(j, "since", a.since, sizeof a.since);
	(void)take(j, "told_by", a.teller, sizeof a.teller);
	a.state = (enum alert_state)state;
	a.event = (enum alert_event)event;
	a.severity = (enum alert_severity)severity;
	*ret = a;
	return 0;
}

int alert_parse(const char *text, size_t len, struct alert *ret)
{
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	int r = j ? alert_from_json(j, ret) : -EBADMSG;

	json_decref(j);
	return r;
}
