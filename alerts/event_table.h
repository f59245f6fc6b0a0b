/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The table of docs/ALERTS.md: which event and severity a history record and an alarm of the agent are. Pure.
 */
#ifndef RK_EVENT_TABLE_H
#define RK_EVENT_TABLE_H

#include "alert.h"

/* What a record says; false: nothing that is told (a beginning, whose end follows). Fills id, key, node,
 * group, event, severity, state, time and text; leaves the cluster and the teller. */
bool event_of_record(const json_t *record, struct alert *ret);

struct alarm_row {
	const char *key; /* the alarm's, up to its "/" */
	enum alert_event event;
	enum alert_severity severity;
	bool cluster;  /* each node raises the same one: one of them tells it */
	bool recorded; /* there is a record of the same, which is told */
};

/* Never NULL: what is not in the table is ALERT_ALARM, a warning. */
const struct alarm_row *event_of_alarm(const char *key);

/* Everything that is in the table, for the test that holds the docs against it: one row a call, false at the
 * end. Fills ret and returns true. */
bool event_table_row(size_t i, char *ret, size_t size);

#endif
