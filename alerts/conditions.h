/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * States that have a beginning and an end: what one look found, compared with what is known. A state is told
 * when it has lasted, and its end when that has; one that all nodes see is told by one of them. Pure: times
 * come as arguments, what is to be told goes to a function.
 */
#ifndef RK_CONDITIONS_H
#define RK_CONDITIONS_H

#include "alert.h"
#include "clock.h"
#include "cluster_view.h"

#define CONDITIONS_MAX 160

/* Who has looked: what it did not see this time is over, what another sees is not. */
enum condition_source { CONDITION_AGENT, CONDITION_SELF };

struct condition {
	char name[ALERT_ID_MAX]; /* one of its kind on this node, "" = unused place: "group/office" */
	char node[ALERT_NAME_MAX];
	char group[ALERT_NAME_MAX];
	char text[ALERT_SAID_MAX];
	enum condition_source source;
	enum alert_event event;
	enum alert_severity severity;
	bool cluster; /* all nodes see it */
	bool once;    /* goes by itself: its end is not told */
	int64_t settle_ns;
	/* kept by conditions_update() */
	boot_t since, gone_since; /* gone: 0 = it is there */
	int64_t since_wall_ns;
	bool told;
	enum alert_severity told_severity;
};

struct conditions {
	size_t count;
	struct condition at[CONDITIONS_MAX];
	uint64_t overflowed;
};

/* One look. Copies; what does not fit is counted. */
void conditions_see(struct conditions *look, const struct condition *c);

struct conditions_limits {
	int64_t settle_ns, lag_ns;
};
/* Everything in the agent's status and alarms that is in docs/ALERTS.md, into the look. */
void conditions_of_status(const json_t *status, const struct conditions_limits *limits,
			  struct conditions *look);

typedef void conditions_tell(void *ctx, const struct alert *a);
/* Takes a look in of that source (NULL: it could not look, only time has passed). True if something has
 * changed that should outlive this process. */
bool conditions_update(struct conditions *known, enum condition_source source, const struct conditions *look,
		       const struct cluster_view *view, boot_t now, int64_t wall_ns, conditions_tell *tell,
		       void *ctx);
/* One that was told, as it would be told now: as bad as it was at its worst, by which receivers know it. */
void conditions_alert(const struct condition *c, const struct cluster_view *view, enum alert_state state,
		      int64_t wall_ns, struct alert *ret);

/* Those that were told. New reference. */
json_t *conditions_json(const struct conditions *known);
void conditions_load(struct conditions *known, const json_t *j, boot_t now);

#endif
