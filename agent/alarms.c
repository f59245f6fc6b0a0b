/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alarms.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct alarm *alarms_find(struct alarms *as, const char *key)
{
	for (size_t i = 0; i < ALARMS_MAX; i++)
		if (strcmp(as->alarm[i].key, key) == 0)
			return &as->alarm[i];
	return NULL;
}

/* A free place, else that of the event seen longest ago, else of any alarm seen longest ago. */
static struct alarm *alarms_place(struct alarms *as)
{
	struct alarm *oldest = NULL;

	for (size_t i = 0; i < ALARMS_MAX; i++) {
		struct alarm *al = &as->alarm[i];

		if (!al->key[0])
			return al;
		if (!oldest || (al->event && !oldest->event) ||
		    (al->event == oldest->event && boot_before(al->last, oldest->last)))
			oldest = al;
	}
	return oldest;
}

__attribute__((format(printf, 5, 0))) static bool alarms_put(struct alarms *as, const char *key, bool event,
							     boot_t now, const char *fmt, va_list args)
{
	struct alarm *al = alarms_find(as, key);
	bool fresh = !al;

	if (fresh) {
		al = alarms_place(as);
		memset(al, 0, sizeof *al);
		(void)snprintf(al->key, sizeof al->key, "%s", key);
		al->first = now;
	}
	al->event = event;
	al->count++;
	al->last = now;
	(void)vsnprintf(al->text, sizeof al->text, fmt, args); /* a cut sentence is still one */
	return fresh;
}

bool alarms_raise(struct alarms *as, const char *key, boot_t now, const char *fmt, ...)
{
	va_list args;
	bool fresh;

	va_start(args, fmt);
	fresh = alarms_put(as, key, false, now, fmt, args);
	va_end(args);
	return fresh;
}

bool alarms_event(struct alarms *as, const char *key, boot_t now, const char *fmt, ...)
{
	va_list args;
	bool fresh;

	alarms_expire(as, now);
	va_start(args, fmt);
	fresh = alarms_put(as, key, true, now, fmt, args);
	va_end(args);
	return fresh;
}

bool alarms_clear(struct alarms *as, const char *key)
{
	struct alarm *al = alarms_find(as, key);

	if (!al)
		return false;
	al->key[0] = '\0';
	return true;
}

void alarms_expire(struct alarms *as, boot_t now)
{
	for (size_t i = 0; i < ALARMS_MAX; i++) {
		struct alarm *al = &as->alarm[i];

		if (al->event && boot_diff_ns(al->last, now) > ALARM_EVENT_STAY_NS)
			memset(al, 0, sizeof *al);
	}
}

json_t *alarms_json(const struct alarms *as, boot_t now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ALARMS_MAX; i++) {
		const struct alarm *al = &as->alarm[i];

		if (al->key[0])
			json_array_append_new(
				list,
				json_pack("{s:s, s:s, s:I, s:I, s:I, s:b}", "key", al->key, "text", al->text,
					  "since_ms", (json_int_t)(boot_diff_ns(al->first, now) / NS_PER_MS),
					  "last_ms", (json_int_t)(boot_diff_ns(al->last, now) / NS_PER_MS),
					  "count", (json_int_t)al->count, "event", al->event));
	}
	return list;
}
