/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One alert: what is told, and how it is kept on disk. An alert of something that happened has the id of its
 * history record, so that it is the same from whichever node tells it; one of a state has a key that its end
 * has, too. Pure.
 */
#ifndef RK_ALERT_H
#define RK_ALERT_H

#include "alert_events.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ALERT_ID_MAX   160
#define ALERT_NAME_MAX 48
#define ALERT_TIME_MAX 32
#define ALERT_SAID_MAX 640
#define ALERT_JSON_MAX 4096
#define ALERT_VERSION  1

enum alert_state { ALERT_HAPPENED, ALERT_FIRING, ALERT_RESOLVED };

struct alert {
	char id[ALERT_ID_MAX];	/* of this message: who has seen it may drop another of the same */
	char key[ALERT_ID_MAX]; /* what it is about */
	char cluster[ALERT_NAME_MAX];
	char node[ALERT_NAME_MAX];  /* whom it is about; "" = the cluster */
	char group[ALERT_NAME_MAX]; /* "" = none */
	char teller[ALERT_NAME_MAX];
	enum alert_event event;
	enum alert_severity severity;
	enum alert_state state;
	char time[ALERT_TIME_MAX];  /* ISO 8601, UTC, ms */
	char since[ALERT_TIME_MAX]; /* of a state: when it began */
	char text[ALERT_SAID_MAX];  /* one line of UTF-8 */
};

/* "resolved" */
const char *alert_state_name(enum alert_state s);
/* New reference, or NULL without memory. */
json_t *alert_json(const struct alert *a);
/* What alert_json() made, as it comes back from the disk. @retval -EBADMSG it is something else. */
int alert_from_json(const json_t *j, struct alert *ret);
int alert_parse(const char *text, size_t len, struct alert *ret);
/* One line of UTF-8: what would end the line or steer a terminal becomes a space, what is no UTF-8 (a cut
 * character) "?". */
void alert_clean(char *text);
/* Copies what fits, and cleans it. */
void alert_set(char *ret, size_t size, const char *text);
/* ISO 8601 of nanoseconds since 1970. */
void alert_time(long long wall_ns, char ret[ALERT_TIME_MAX]);
/* And back; 0 if it is none. */
long long alert_time_parse(const char *text);

#endif
