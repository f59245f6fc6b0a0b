/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alert_events.h"

#include "words.h"

#include <stddef.h>
#include <string.h>

const char *const alert_severity_names[ALERT_SEVERITIES_COUNT + 1] = {
	[ALERT_INFO] = "info",
	[ALERT_WARNING] = "warning",
	[ALERT_CRITICAL] = "critical",
};

static const char *const names[ALERT_EVENTS_COUNT] = {
	[ALERT_TAKEOVER] = "takeover",
	[ALERT_TAKEOVER_FAILED] = "takeover-failed",
	[ALERT_REFUSED] = "refused",
	[ALERT_LETGO] = "letgo",
	[ALERT_GROUP] = "group",
	[ALERT_NODE] = "node",
	[ALERT_QUORUM] = "quorum",
	[ALERT_TWO_HOLDERS] = "two-holders",
	[ALERT_AUTHENTICATION] = "authentication",
	[ALERT_ROGUE_VRRP] = "rogue-vrrp",
	[ALERT_CONTENTION] = "contention",
	[ALERT_FENCING] = "fencing",
	[ALERT_WATCHDOG] = "watchdog",
	[ALERT_GATE] = "gate",
	[ALERT_ADDRESS] = "address",
	[ALERT_UPLINK] = "uplink",
	[ALERT_PBX] = "pbx",
	[ALERT_REGISTRATIONS] = "registrations",
	[ALERT_TRUNK] = "trunk",
	[ALERT_DNS] = "dns",
	[ALERT_DRIFT] = "drift",
	[ALERT_LAG] = "lag",
	[ALERT_CERTIFICATE] = "certificate",
	[ALERT_COMMAND] = "command",
	[ALERT_AGENT] = "agent",
	[ALERT_ALARM] = "alarm",
	[ALERT_RECEIVER] = "receiver",
	[ALERT_OTHER] = "other",
	[ALERT_HELD_BACK] = "held-back",
	[ALERT_TEST] = "test",
};

const char *alert_event_name(enum alert_event e)
{
	return (unsigned)e < ALERT_EVENTS_COUNT ? names[e] : "other";
}

enum alert_event alert_event_parse(const char *name)
{
	int e = 0;

	while (e < ALERT_EVENTS_COUNT && strcmp(names[e], name))
		e++;
	return (enum alert_event)e;
}

const char *alert_event_suggest(const char *name)
{
	struct words_nearest near = words_nearest(name);

	for (int e = 0; e < ALERT_CHOOSABLE; e++)
		words_nearest_offer(&near, names[e]);
	return near.word;
}

const char *alert_severity_name(enum alert_severity s)
{
	return (unsigned)s < ALERT_SEVERITIES_COUNT ? alert_severity_names[s] : "info";
}
