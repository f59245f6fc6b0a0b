/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What alerts can be about, and how bad it can be: the words of the configuration (alert { events severity
 * }), of every message that ringkeep-alertd sends, and of docs/ALERTS.md.
 */
#ifndef RK_ALERT_EVENTS_H
#define RK_ALERT_EVENTS_H

enum alert_severity { ALERT_INFO, ALERT_WARNING, ALERT_CRITICAL, ALERT_SEVERITIES_COUNT };

enum alert_event {
	ALERT_TAKEOVER,
	ALERT_TAKEOVER_FAILED,
	ALERT_REFUSED,
	ALERT_LETGO,
	ALERT_GROUP,
	ALERT_NODE,
	ALERT_QUORUM,
	ALERT_TWO_HOLDERS,
	ALERT_AUTHENTICATION,
	ALERT_ROGUE_VRRP,
	ALERT_CONTENTION,
	ALERT_FENCING,
	ALERT_WATCHDOG,
	ALERT_GATE,
	ALERT_ADDRESS,
	ALERT_UPLINK,
	ALERT_PBX,
	ALERT_REGISTRATIONS,
	ALERT_TRUNK,
	ALERT_DNS,
	ALERT_DRIFT,
	ALERT_LAG,
	ALERT_CERTIFICATE,
	ALERT_COMMAND,
	ALERT_AGENT,
	ALERT_ALARM,
	ALERT_RECEIVER,
	ALERT_OTHER,
	ALERT_CHOOSABLE, /* those before can be chosen in the configuration, these always come */
	ALERT_HELD_BACK = ALERT_CHOOSABLE,
	ALERT_TEST,
	ALERT_EVENTS_COUNT
};

/* "rogue-vrrp". */
const char *alert_event_name(enum alert_event e);
/* ALERT_EVENTS_COUNT if there is none. */
enum alert_event alert_event_parse(const char *name);
/* The closest one that can be chosen, or NULL: "did you mean". */
const char *alert_event_suggest(const char *name);
/* "critical". */
const char *alert_severity_name(enum alert_severity s);
extern const char *const alert_severity_names[ALERT_SEVERITIES_COUNT + 1]; /* ends with NULL */

#endif
