/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "import.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ADVERT_US_MAX 10000000 /* of mode native, as our configuration says */

void import_name(const char *text, char ret[RK_NAME_MAX])
{
	size_t n = 0;

	for (const char *p = text; *p && n < RK_NAME_MAX - 1; p++) {
		bool first_ok = isalnum((unsigned char)*p), ok = first_ok || strchr("-_.", *p);

		if (n || first_ok)
			ret[n++] = ok ? *p : '-';
	}
	ret[n] = 0;
	if (!n)
		(void)snprintf(ret, RK_NAME_MAX, "g1");
}

static bool name_valid(const char *text)
{
	char name[RK_NAME_MAX];

	import_name(text, name);
	return !strcmp(name, text);
}

/* ---- instances ---- */

static const struct keepalived_sync *sync_of(const struct keepalived *k, const struct keepalived_instance *in)
{
	for (uint32_t i = 0; i < k->syncs_count; i++)
		for (uint32_t m = 0; m < k->syncs[i].members_count; m++)
			if (!strcmp(k->syncs[i].members[m], in->name))
				return &k->syncs[i];
	return NULL;
}

/* Sync groups first, then every instance that is in none. */
static uint32_t fate_of(const struct keepalived *k, const struct keepalived_instance *in)
{
	const struct keepalived_sync *sync = sync_of(k, in);

	return sync ? (uint32_t)(sync - k->syncs) : KEEPALIVED_SYNCS_MAX + (uint32_t)(in - k->instances);
}

static bool instance_usable(const struct import_mapping *m, const struct keepalived_instance *in)
{
	const char *missing = !in->interface[0]	  ? "interface"
			      : !in->vrid_at.line ? "virtual_router_id"
						  : NULL;

	if (missing)
		findings_add(m->findings, FINDING_ERROR, in->at,
			     "vrrp_instance %s: no %s; add it, without it there is no group", in->name,
			     missing);
	else if (!in->vrid)
		findings_add(m->findings, FINDING_ERROR, in->vrid_at,
			     "vrrp_instance %s: no usable virtual_router_id; without it there is no group",
			     in->name);
	else if (!name_valid(in->interface))
		findings_add(m->findings, FINDING_ERROR, in->at,
			     "vrrp_instance %s: interface %s: only letters, digits and - _ . work; without "
			     "it there is no group",
			     in->name, in->interface);
	else if (!in->addresses_count)
		findings_add(m->findings, FINDING_ERROR, in->at,
			     "vrrp_instance %s: no virtual_ipaddress; without addresses there is no group",
			     in->name);
	else
		return true;
	return false;
}

/* What keepalived corrects by itself when it starts; it says so in its log. */
static void correct_preemption(const struct import_mapping *m, struct keepalived_instance *in)
{
	if (!in->priority) {
		in->priority = in->state_master ? 255 : 100;
		if (in->state_master)
			findings_add(
				m->findings, FINDING_NOTE, in->at,
				"vrrp_instance %s: state MASTER without a priority is 255, the address owner",
				in->name);
	}
	if (in->state_master && !in->preempt) {
		in->preempt = true;
		findings_add(m->findings, FINDING_NOTE, in->preempt_at,
			     "nopreempt: keepalived ignores it with state MASTER, so preempt = yes");
	}
	if (in->state_master && in->preempt_delay_us) {
		in->preempt_delay_us = 0;
		findings_add(m->findings, FINDING_NOTE, in->preempt_delay_at,
			     "preempt_delay: keepalived ignores it with state MASTER, so there is none");
	}
}

static void tell_differences(const struct import_mapping *m, const struct keepalived_instance *in,
			     uint32_t version)
{
	if (in->has_authentication && version == 2)
		findings_add(m->findings, FINDING_LEFT, in->authentication_at,
			     "authentication: RFC 3768 took it out of VRRP, and keepalived refuses "
			     "advertisements without it; take it "
			     "out of all routers before the first one is replaced");
	else if (in->has_authentication)
		findings_add(m->findings, FINDING_NOTE, in->authentication_at,
			     "authentication: there is none in version 3");
	if (in->has_strict && in->strict)
		findings_add(m->findings, FINDING_LEFT, in->strict_at,
			     "strict_mode: the RFC's checks are always on, but the holder accepts packets to "
			     "its addresses, as a PBX "
			     "has to");
}

/* In ms; what the version cannot carry is what keepalived makes of it. 0: nothing can be done. */
static uint32_t advert_ms(const struct import_mapping *m, const struct keepalived_instance *in,
			  uint32_t version)
{
	uint32_t step_us = version == 2 ? 1000000 : 10000, steps_max = version == 2 ? 255 : 4095;
	uint32_t steps = (in->advert_us + step_us / 2) / step_us;

	if (in->advert_us > ADVERT_US_MAX) {
		findings_add(m->findings, FINDING_ERROR, in->advert_at,
			     "advert_int %g: 10 s is the most in mode native, since the gate follows the "
			     "advertisements; lower it on all routers; vrrp_instance %s is left out",
			     in->advert_us / 1e6, in->name);
		return 0;
	}
	steps = steps < 1 ? 1 : steps > steps_max ? steps_max : steps;
	if (steps * step_us != in->advert_us)
		findings_add(m->findings, FINDING_ERROR, in->advert_at,
			     "advert_int %g: version %u carries %s only, and keepalived itself runs with %g "
			     "s; that is written%s",
			     in->advert_us / 1e6, version,
			     version == 2 ? "1 to 255 whole seconds" : "0.01 to 40.95 s in steps of 0.01",
			     steps * (step_us / 1e6),
			     version == 2 ? ", set version 3 on all routers for less" : "");
	return steps * (step_us / 1000);
}

/* ---- groups ---- */

static struct import_group group_of_instance(const struct import_mapping *m,
					     const struct keepalived_instance *in, uint8_t family)
{
	uint32_t version = family == AF_INET6 ? 3
			   : in->version      ? in->version
			   : m->k->version    ? m->k->version
					      : 2;
	struct import_group g = {
		.instances_count = 1,
		.instances = { in },
		.fate = fate_of(m->k, in),
		.has_v4 = family == AF_INET,
		.has_v6 = family == AF_INET6,
		.vrid = in->vrid,
		.version = version,
		.priority = in->priority,
		.preempt = in->preempt,
		.preempt_delay_ms = (uint32_t)((in->preempt_delay_us + 999) / 1000),
		.rfc9568 = version == 3 && (in->checksum_given ? in->checksum_as_v2 : m->k->checksum_as_v2),
		.vmac = in->vmac,
		.unicast = import_unicast(in, family),
		.interface_weight = CONFIG_WEIGHT_FAULT,
	};

	memcpy(g.device, in->interface, sizeof g.device);
	return g;
}

/* The two families of one virtual router, with one fate: one group. */
static bool groups_agree(const struct import_group *a, const struct import_group *b)
{
	return a->fate == b->fate && !(a->has_v4 && b->has_v4) && !(a->has_v6 && b->has_v6) &&
	       a->vrid == b->vrid && a->version == b->version && a->advert_ms == b->advert_ms &&
	       a->priority == b->priority && a->preempt == b->preempt &&
	       a->preempt_delay_ms == b->preempt_delay_ms && a->vmac == b->vmac && a->unicast == b->unicast &&
	       (!a->tracked_count || !b->tracked_count || a->interface_weight == b->interface_weight) &&
	       !strcmp(a->device, b->device);
}

static struct import_group *group_find(const struct import_mapping *m, const struct import_group *like)
{
	for (uint32_t i = 0; i < m->import->groups_count; i++)
		if (groups_agree(&m->import->groups[i], like))
			return &m->import->groups[i];
	return NULL;
}

static bool vrid_taken(const struct import_mapping *m, const struct import_group *g)
{
	for (uint32_t i = 0; i < m->import->groups_count; i++) {
		const struct import_group *o = &m->import->groups[i];

		if (o->vrid == g->vrid && !strcmp(o->device, g->device) &&
		    ((o->has_v4 && g->has_v4) || (o->has_v6 && g->has_v6)))
			return true;
	}
	return false;
}

static void merge_into(struct import_group *g, const struct import_group *like)
{
	g->has_v4 |= like->has_v4;
	g->has_v6 |= like->has_v6;
	for (uint32_t i = 0; i < like->tracked_count; i++)
		import_track_add(g, like->tracked[i], like->interface_weight);
	g->pbx = g->pbx ? g->pbx : like->pbx;
	g->pbx_weight = g->pbx == like->pbx ? like->pbx_weight : g->pbx_weight;
	if (g->instances[g->instances_count - 1] != like->instances[0])
		g->instances[g->instances_count++] = like->instances[0]; /* two families, so two at most */
}

static void map_family(struct import_mapping *m, const struct keepalived_instance *in, uint8_t family,
		       bool first)
{
	struct import_group like = group_of_instance(m, in, family), *g;
	const struct keepalived_sync *sync = sync_of(m->k, in);

	if (vrid_taken(m, &like)) {
		findings_add(m->findings, FINDING_ERROR, in->vrid_at,
			     "virtual_router_id %u is used on %s by another instance already; vrrp_instance "
			     "%s is left out",
			     in->vrid, in->interface, in->name);
		return;
	}
	if (first)
		tell_differences(m, in, like.version);
	if (in->version == 2 && family == AF_INET6)
		findings_add(m->findings, FINDING_NOTE, in->version_at,
			     "version 2: IPv6 is always version 3, with keepalived too");
	like.advert_ms = advert_ms(m, in, like.version);
	if (!like.advert_ms)
		return;
	import_take_tracks(m, &in->tracks, sync && !sync->members_weigh, &like);
	if (sync)
		import_take_tracks(m, &sync->tracks, false, &like);
	g = group_find(m, &like);
	if (!g && m->import->groups_count == RK_GROUPS_MAX) {
		findings_add(m->findings, FINDING_ERROR, in->at,
			     "vrrp_instance %s: more than %u groups; it is left out", in->name,
			     RK_GROUPS_MAX);
		return;
	}
	if (g) {
		merge_into(g, &like);
	} else {
		g = &m->import->groups[m->import->groups_count];
		*g = like;
	}
	import_take_addresses(m, in, family, g);
	if (!g->addresses_count)
		return; /* told: each address was refused */
	import_take_peers(m, in, family, g);
	if (g == &m->import->groups[m->import->groups_count])
		m->import->groups_count++;
}

static bool has_family(const struct keepalived_instance *in, uint8_t family)
{
	for (uint32_t i = 0; i < in->addresses_count; i++)
		if (in->addresses[i].ip.family == family)
			return true;
	return false;
}

static void map_instance(struct import_mapping *m, struct keepalived_instance *in)
{
	bool v4 = has_family(in, AF_INET);

	if (!instance_usable(m, in))
		return;
	correct_preemption(m, in);
	if (v4)
		map_family(m, in, AF_INET, true);
	if (has_family(in, AF_INET6))
		map_family(m, in, AF_INET6, !v4);
}

/* ---- names ---- */

static bool name_used(const struct import *i, const struct import_group *until, const char *name)
{
	for (const struct import_group *g = i->groups; g < until; g++)
		if (group_wire_id(g->name) == group_wire_id(name))
			return true;
	return false;
}

static void name_unique(const struct import_mapping *m, struct import_group *g, const char *wish)
{
	char base[RK_NAME_MAX];

	import_name(wish, base);
	(void)snprintf(g->name, sizeof g->name, "%s", base);
	for (unsigned n = 2; name_used(m->import, g, g->name); n++)
		(void)snprintf(g->name, sizeof g->name, "%.*s-%u", RK_NAME_MAX - 6, base, n);
}

static uint32_t fate_groups(const struct import *i, uint32_t fate)
{
	uint32_t count = 0;

	for (uint32_t n = 0; n < i->groups_count; n++)
		count += i->groups[n].fate == fate;
	return count;
}

/* Is it the IPv6 half of an instance whose IPv4 half is a group before it? */
static bool second_family(const struct import *i, const struct import_group *g)
{
	return g > i->groups && g[-1].instances[0] == g->instances[0];
}

/* After a sync group that has become one group, else after its instance. */
static void map_names(const struct import_mapping *m)
{
	for (uint32_t i = 0; i < m->import->groups_count; i++) {
		struct import_group *g = &m->import->groups[i];
		char wish[KEEPALIVED_NAME_MAX + 8];
		bool alone = fate_groups(m->import, g->fate) == 1, of_sync = g->fate < KEEPALIVED_SYNCS_MAX;
		const char *sync = of_sync ? m->k->syncs[g->fate].name : g->instances[0]->name;

		(void)snprintf(wish, sizeof wish, "%s%s", of_sync && alone ? sync : g->instances[0]->name,
			       second_family(m->import, g) ? "-ipv6" : "");
		name_unique(m, g, wish);
		if (!alone)
			import_name(sync, g->sync);
	}
}

/* Two sync groups whose names became the same would have one fate. */
static void map_sync_names(const struct import_mapping *m)
{
	for (uint32_t i = 0; i < m->import->groups_count; i++) {
		struct import_group *g = &m->import->groups[i];

		for (uint32_t k = 0; k < i && g->sync[0]; k++)
			if (m->import->groups[k].fate != g->fate &&
			    !strcmp(m->import->groups[k].sync, g->sync))
				(void)snprintf(g->sync, sizeof g->sync, "sync-%u", g->fate + 1);
	}
}

static void tell_names(const struct import_mapping *m)
{
	for (uint32_t i = 0; i < m->import->groups_count; i++) {
		const struct import_group *g = &m->import->groups[i];
		const char *was = g->fate < KEEPALIVED_SYNCS_MAX && !g->sync[0] ? m->k->syncs[g->fate].name
										: g->instances[0]->name;

		if (strcmp(was, g->name))
			findings_add(m->findings, FINDING_NOTE, g->instances[0]->at, "%s is group %s here",
				     was, g->name);
	}
}

/* ---- the whole ---- */

static void tell_sync_members(const struct import_mapping *m)
{
	for (uint32_t i = 0; i < m->k->syncs_count; i++) {
		const struct keepalived_sync *sync = &m->k->syncs[i];

		for (uint32_t n = 0; n < sync->members_count; n++) {
			bool found = false;

			for (uint32_t k = 0; k < m->k->instances_count; k++)
				found |= !strcmp(m->k->instances[k].name, sync->members[n]);
			if (!found)
				findings_add(m->findings, FINDING_ERROR, sync->at,
					     "vrrp_sync_group %s: there is no vrrp_instance %s", sync->name,
					     sync->members[n]);
		}
	}
}

static void tell_unused_scripts(const struct import_mapping *m)
{
	for (uint32_t i = 0; i < m->k->scripts_count; i++)
		if (!m->k->scripts[i].used)
			findings_add(m->findings, FINDING_NOTE, m->k->scripts[i].at,
				     "%s %s: nothing that was imported tracks it",
				     m->k->scripts[i].process ? "vrrp_track_process" : "vrrp_script",
				     m->k->scripts[i].name);
}

void import_map(struct keepalived *k, struct findings *f, struct import *ret)
{
	struct import_mapping m = { .k = k, .findings = f, .import = ret };

	if (k->strict)
		findings_add(f, FINDING_LEFT, k->strict_at,
			     "vrrp_strict: the RFC's checks are always on, but the holder accepts packets to "
			     "its addresses, as a PBX "
			     "has to");
	tell_sync_members(&m);
	for (uint32_t i = 0; i < k->instances_count; i++)
		map_instance(&m, &k->instances[i]);
	for (uint32_t i = 0; i < ret->groups_count; i++)
		import_link_local(&m, &ret->groups[i]);
	map_names(&m);
	map_sync_names(&m);
	tell_names(&m);
	tell_unused_scripts(&m);
}

struct import *import_new(void)
{
	return calloc(1, sizeof(struct import));
}

void import_free(struct import *i)
{
	free(i);
}
