/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an administrator should know now: conditions that are raised and cleared (corosync away, gate lost on
 * eth1, disk full), and events that stay for a while (a forged pulse, another host claiming the address). A
 * fixed number; the oldest event goes first. Decides nothing.
 */
#ifndef RK_ALARMS_H
#define RK_ALARMS_H

#include "clock.h"

#include <jansson.h>
#include <stdint.h>

#define ALARMS_MAX	    48
#define ALARM_KEY_MAX	    48
#define ALARM_TEXT_MAX	    240
#define ALARM_EVENT_STAY_NS (600 * NS_PER_S)

struct alarm {
	char key[ALARM_KEY_MAX]; /* "" = unused; names the condition, e.g. "corosync" or "auth/n2" */
	char text[ALARM_TEXT_MAX];
	bool event;	/* goes by itself */
	uint64_t count; /* how often */
	boot_t first;
	boot_t last;
};

struct alarms {
	struct alarm alarm[ALARMS_MAX];
};

/* Raises a condition. True if it is new (worth a log line and a history record). */
bool alarms_raise(struct alarms *as, const char *key, boot_t now, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* True if it was raised. */
bool alarms_clear(struct alarms *as, const char *key);
/* Something happened; true if the same has not been seen in the last ALARM_EVENT_STAY_NS. */
bool alarms_event(struct alarms *as, const char *key, boot_t now, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void alarms_expire(struct alarms *as, boot_t now);
/* [{"key","text","since_ms","last_ms","count","event"}], new reference. */
json_t *alarms_json(const struct alarms *as, boot_t now);

#endif
