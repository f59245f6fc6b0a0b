/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * keepalived counts good things up and bad things down, a weight for each; we take off one weight for each
 * kind. A positive weight of theirs is the same as a priority that is so much higher and ours off it.
 */
#include "import.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY_MAX 254 /* 255 is the owner, by configuration only */

/* Words of a command that looks after a PBX, and the adapter that does it here. */
static const struct {
	const char *word, *adapter;
} pbx_words[] = {
	{ "kamailio", "kamailio" }, { "kamcmd", "kamailio" }, { "kamctl", "kamailio" }, { "opensips", "sip" },
	{ "asterisk", "asterisk" }, { "freeswitch", "sip" },  { "fs_cli", "sip" },	{ "sipsak", "sip" },
	{ "sipp", "sip" },	    { "options", "sip" },     { "5060", "sip" },	{ "5061", "sip" },
	{ "pbx", "sip" },	    { "sip", "sip" },	      { "voip", "sip" },
};

const char *import_pbx_adapter(const struct keepalived_script *s)
{
	char text[KEEPALIVED_COMMAND_MAX + KEEPALIVED_NAME_MAX + 2];

	(void)snprintf(text, sizeof text, "%s %s", s->name, s->command);
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < sizeof pbx_words / sizeof pbx_words[0]; i++)
		if (strstr(text, pbx_words[i].word))
			return pbx_words[i].adapter;
	return NULL;
}

/* What is taken off while the thing is bad; a positive weight is on the priority while it is good. */
static uint32_t weight_of(struct import_group *g, int weight)
{
	if (!weight)
		return CONFIG_WEIGHT_FAULT;
	if (weight > 0 && g->priority <= PRIORITY_MAX)
		g->priority = g->priority + (uint32_t)weight > PRIORITY_MAX ? PRIORITY_MAX
									    : g->priority + (uint32_t)weight;
	return (uint32_t)abs(weight);
}

/* ---- interfaces ---- */

bool import_track_add(struct import_group *g, const char *device, uint32_t weight)
{
	for (uint32_t i = 0; i < g->tracked_count; i++)
		if (!strcmp(g->tracked[i], device))
			return true;
	if (g->tracked_count == CONFIG_TRACKED_MAX)
		return false;
	(void)snprintf(g->tracked[g->tracked_count++], CONFIG_DEVICE_MAX, "%s", device);
	g->interface_weight = weight;
	return true;
}

static void take_interface(const struct import_mapping *m, const struct keepalived_track *t,
			   struct import_group *g)
{
	char name[RK_NAME_MAX];
	uint32_t weight = t->weight ? (uint32_t)abs(t->weight) : CONFIG_WEIGHT_FAULT;

	import_name(t->name, name);
	if (!strcmp(t->name, g->device))
		findings_add(m->findings, FINDING_NOTE, t->at,
			     "track_interface %s: a group's own device always counts", t->name);
	else if (t->reverse)
		findings_add(m->findings, FINDING_LEFT, t->at,
			     "track_interface %s: nothing is better for an interface being down", t->name);
	else if (strcmp(name, t->name) || strlen(name) >= CONFIG_DEVICE_MAX)
		findings_add(m->findings, FINDING_ERROR, t->at,
			     "track_interface: \"%s\" is no name of a network interface", t->name);
	else if (g->tracked_count && weight != g->interface_weight)
		findings_add(m->findings, FINDING_LEFT, t->at,
			     "track_interface %s: one interface-weight for all of a group, and it is %s; "
			     "choose which one it shall be",
			     t->name, g->interface_weight == CONFIG_WEIGHT_FAULT ? "a fault" : "another one");
	else if (!import_track_add(g, t->name, weight))
		findings_add(m->findings, FINDING_ERROR, t->at, "track_interface %s: more than %u of them",
			     t->name, CONFIG_TRACKED_MAX);
	else
		(void)weight_of(g, t->weight);
}

/* ---- scripts and processes ---- */

static void take_script(const struct import_mapping *m, const struct keepalived_track *t,
			struct import_group *g)
{
	struct keepalived_script *s = keepalived_script_named(m->k, t->name);
	const char *adapter = s ? import_pbx_adapter(s) : NULL;
	bool reverse = t->weighted ? t->reverse : s && s->reverse;

	if (!s) {
		findings_add(m->findings, FINDING_ERROR, t->at,
			     "there is no vrrp_script or vrrp_track_process %s", t->name);
		return;
	}
	s->used = true;
	if (reverse) {
		findings_add(m->findings, FINDING_LEFT, t->at, "track_script %s: no scripts are run",
			     t->name);
		return;
	}
	uint32_t weight = weight_of(g, t->weighted ? t->weight : s->weight);

	if (adapter && !g->pbx) {
		g->pbx = s;
		g->pbx_weight = weight;
	}
	if (adapter)
		findings_add(m->findings, FINDING_LEFT, t->at,
			     "track_script %s (%.80s): no scripts are run; it looks after a PBX, which "
			     "adapter %s does here: complete "
			     "the section pbx that is ready as a comment",
			     t->name, s->command, adapter);
	else
		findings_add(m->findings, FINDING_LEFT, t->at,
			     "track_script %s (%.80s): no scripts are run; if the PBX depends on it, an "
			     "adapter of your own can say so "
			     "(adapter = exec:/PATH, docs/adapter-protocol.md)",
			     t->name, s->command);
}

void import_take_tracks(const struct import_mapping *m, const struct keepalived_tracks *tracks, bool faults,
			struct import_group *g)
{
	for (uint32_t i = 0; i < tracks->interfaces_count; i++) {
		struct keepalived_track t = tracks->interfaces[i];

		t.weight = faults ? 0 : t.weight;
		take_interface(m, &t, g);
	}
	for (uint32_t i = 0; i < tracks->scripts_count; i++) {
		struct keepalived_track t = tracks->scripts[i];

		t.weighted |= faults;
		t.weight = faults ? 0 : t.weight;
		take_script(m, &t, g);
	}
}
