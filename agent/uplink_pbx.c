/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_pbx.h"

#include "log.h"
#include "uplinks_private.h"

#include <errno.h>
#include <string.h>

static bool pbx_counts(const struct uplinks *u, uint32_t group)
{
	return u->agent->group[group].adapter && core_holds(&u->agent->core, (group_index_t)group);
}

/* ---- telling ---- */

static void pbx_public(const struct uplinks *u, struct ip_address ret[PATH_FAMILIES])
{
	for (int f = 0; f < PATH_FAMILIES; f++)
		ret[f] = uplinks_public(u, (enum path_family)f);
}

/* IPv4's, if voice goes anywhere by it: trunks of both families on one PBX are rare. */
static int pbx_uplink(const struct uplinks *u)
{
	int used = uplink_switch_voice(u, PATH_IPV4);

	return used >= 0 ? used : uplink_switch_voice(u, PATH_IPV6);
}

static void pbx_tell_group(struct uplinks *u, uint32_t group, int from)
{
	char text[PATH_FAMILIES][IP_TEXT_MAX];
	const char *public[PATH_FAMILIES];
	struct uplink_pbx *p = &u->pbx;
	struct adapter *adapter = u->agent->group[group].adapter;
	int r;

	for (int f = 0; f < PATH_FAMILIES; f++)
	public[f] = p->public[f].family ? ip_format(&p->public[f], text[f]) : NULL;
	const struct adapter_uplink told = { .name = uplinks_name(u, pbx_uplink(u)),
					     .public4 = public[PATH_IPV4],
					     .public6 = public[PATH_IPV6],
					     .drain = from >= 0,
					     .from = from >= 0 ? uplinks_name(u, from) : NULL };

	p->request[group] = 0;
	p->failed[group] = false;
	r = adapter_uplink(adapter, &told, u->agent->now.boot, &p->request[group]);
	if (r == 0)
		return;
	p->request[group] = 0;
	/* One that cannot be told has only its route; one that is not there is told when it is. */
	p->failed[group] = r != -EOPNOTSUPP && r != -ENOTCONN;
	if (p->failed[group])
		log_warning("%s: PBX cannot be told of uplink %s: %s",
			    agent_group_name(u->agent, (group_index_t)group), told.name, strerror(-r));
}

void uplink_pbx_tell(struct uplinks *u, int from)
{
	if (pbx_uplink(u) < 0)
		return;
	u->pbx.told = true;
	pbx_public(u, u->pbx.public);
	for (uint32_t g = 0; g < u->agent->config->groups_count; g++)
		if (u->agent->group[g].adapter)
			pbx_tell_group(u, g, from);
}

void uplink_pbx_reinvite(struct uplinks *u)
{
	for (uint32_t g = 0; g < u->agent->config->groups_count; g++) {
		uint64_t id;
		int r;

		if (!pbx_counts(u, g) || !adapter_can_reinvite(u->agent->group[g].adapter))
			continue;
		r = adapter_reinvite(u->agent->group[g].adapter, u->agent->now.boot, &id);
		if (r < 0)
			log_warning("%s: live calls get no re-INVITE: %s",
				    agent_group_name(u->agent, (group_index_t)g), strerror(-r));
	}
}

/* ---- answers ---- */

bool uplink_pbx_ended(const struct uplinks *u)
{
	for (uint32_t g = 0; g < u->agent->config->groups_count; g++)
		if (u->pbx.request[g] && pbx_counts(u, g))
			return false;
	return true;
}

bool uplink_pbx_failed(const struct uplinks *u)
{
	for (uint32_t g = 0; g < u->agent->config->groups_count; g++)
		if (u->pbx.failed[g] && pbx_counts(u, g))
			return true;
	return false;
}

void uplinks_answered(struct uplinks *u, uint32_t group, uint64_t request, int error, const char *why)
{
	const char *name;
	char key[ALARM_KEY_MAX];

	if (!u || u->pbx.request[group] != request)
		return;
	name = agent_group_name(u->agent, (group_index_t)group);
	u->pbx.request[group] = 0;
	u->pbx.failed[group] = error != 0;
	(void)snprintf(key, sizeof key, "uplink-pbx/%.*s", (int)sizeof key - 12, name);
	if (!error)
		(void)alarms_clear(&u->agent->alarms, key);
	else if (alarms_raise(
			 &u->agent->alarms, key, u->agent->now.boot,
			 "The PBX of %s does not follow the uplink, it may name an old address in calls: "
			 "%.120s",
			 name, why && *why ? why : strerror(error)))
		records_event(u->agent, "uplink", name, "PBX does not follow the uplink: %.120s",
			      why && *why ? why : strerror(error));
}

void uplinks_pbx_ready(struct uplinks *u)
{
	if (u && !u->pbx.told)
		uplink_pbx_tell(u, -1); /* else the adapter's own memory tells it again */
}

/* ---- public addresses ---- */

static bool switch_running(const struct uplinks *u)
{
	for (int f = 0; f < PATH_FAMILIES; f++)
		if (u->switching[f].running)
			return true;
	return false;
}

static int pbx_draining(const struct uplinks *u)
{
	for (int f = 0; f < PATH_FAMILIES; f++)
		if (u->family[f].choice.draining >= 0)
			return uplinks_index(u, (enum path_family)f, u->family[f].choice.draining);
	return -1;
}

void uplink_pbx_tick(struct uplinks *u)
{
	struct ip_address public[PATH_FAMILIES];
	bool changed = !u->pbx.told;

	if (boot_before(u->agent->now.boot, u->pbx.look_at))
		return;
	u->pbx.look_at = boot_add(u->agent->now.boot, UPLINK_PBX_LOOK_NS);
	if (switch_running(u) || pbx_uplink(u) < 0)
		return;
	pbx_public(u, public);
	for (int f = 0; f < PATH_FAMILIES; f++)
		changed |= public[f].family && !ip_equal(&public[f], &u -> pbx.public[f]);
	if (!changed)
		return;
	log_notice("the public address over %s is another -> PBXs are told, trunks register again",
		   uplinks_name(u, pbx_uplink(u)));
	uplink_pbx_tell(u, pbx_draining(u));
	trunks_reregister(u->agent);
}

boot_t uplink_pbx_next(const struct uplinks *u)
{
	return u->pbx.look_at;
}
