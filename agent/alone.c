/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two nodes and nothing else (two-node = best-effort): asks the service network on behalf of the core, and
 * tells an administrator what it means. What follows from the answers is decided in core/lease_alone.c.
 */
#include "agent.h"
#include "log.h"

#include <string.h>

static bool alone_group(const struct agent *a, group_index_t group)
{
	return config_alone_votes(a->config) && !config_group_native(&a->config->groups[group]);
}

static node_id_t alone_peer(const struct agent *a)
{
	return (node_id_t)(a->config->nodes[0].id == a->self ? a->config->nodes[1].id
							     : a->config->nodes[0].id);
}

void alone_open(struct agent *a)
{
	for (uint32_t i = 0; a->vip && i < a->config->groups_count; i++) {
		const struct config_group *g = &a->config->groups[i];
		struct vip_lan_config lan;

		if (!alone_group(a, (group_index_t)i))
			continue;
		memset(&lan, 0, sizeof lan);
		lan.group = (group_index_t)i;
		lan.gateways_count = g->gateways_count;
		memcpy(lan.gateways, g->gateways, sizeof lan.gateways);
		lan.needed = g->gateways_needed;
		lan.interval_ns = a->config->gateway_interval_ms * NS_PER_MS;
		lan.timeout_ns = a->config->gateway_timeout_ms * NS_PER_MS;
		lan.first = a->self < alone_peer(a); /* not by the order of candidates: a reload changes it */
		vip_lan_set(a->vip, &lan, a->now.boot);
	}
}

_Static_assert(CONFIG_GATEWAYS_MAX == VIP_GATEWAYS_MAX, "the same");

/* ---- alarms ---- */

static void alone_alarms(struct agent *a, group_index_t group, bool silent)
{
	const struct lease *l = &a->core.group[group].lease;
	bool gateway = lease_alone_gateway(l, a->now);
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "gateway/%s", agent_group_name(a, group));
	if (gateway)
		(void)alarms_clear(&a->alarms, key);
	else if (boot_diff_ns(a->group[group].lan_since, a->now.boot) >
		 2 * a->config->gateway_timeout_ms * NS_PER_MS)
		(void)alarms_raise(
			&a->alarms, key, a->now.boot,
			"No gateway of %s answers: if the other node goes silent as well, this one "
			"neither keeps nor takes the group.",
			agent_group_name(a, group));
	(void)snprintf(key, sizeof key, "alone/%s", agent_group_name(a, group));
	if (silent && core_holds(&a->core, group))
		(void)alarms_raise(
			&a->alarms, key, a->now.boot,
			"%s is held without the vote of %s, which is not heard: if it lives, it may "
			"hold the group, too.",
			agent_group_name(a, group), agent_node_name(a, alone_peer(a)));
	else
		(void)alarms_clear(&a->alarms, key);
}

void alone_overlap(struct agent *a, group_index_t group, node_id_t peer, int64_t overlap_ns)
{
	const char *name = agent_group_name(a, group);

	log_error("%s: %s and this node both held the group, for at most %lld ms -> one gives way", name,
		  agent_node_name(a, peer), (long long)(overlap_ns / NS_PER_MS));
	(void)alarms_event(&a->alarms, "two-holders", a->now.boot,
			   "%s: this node and %s both held the group, for at most %lld ms.", name,
			   agent_node_name(a, peer), (long long)(overlap_ns / NS_PER_MS));
	records_event(a, "two-holders", name, "this node and %s both held the group, for at most %lld ms",
		      agent_node_name(a, peer), (long long)(overlap_ns / NS_PER_MS));
}

/* ---- what the service network says ---- */

/* Since when nobody answers is read when it is noticed first: what makes this node wait is read late. */
static void alone_word(struct agent *a, group_index_t group, struct lease_lan *ret)
{
	struct agent_group *g = &a->group[group];
	struct vip_lan_word word;

	vip_lan_word(a->vip, group, &word);
	if (!word.quiet || word.quiet_since.ns != g->lan_row.ns) {
		g->lan_row = word.quiet_since;
		g->lan_quiet_since = a->now.raw;
	}
	ret->gateway_until = word.gateway_until;
	ret->quiet = word.quiet;
	ret->quiet_since = word.quiet ? g->lan_quiet_since : (raw_t){ 0 };
	ret->quiet_until = word.quiet_until;
	ret->other_until = word.other_until;
}

/* The other one gives way to the questions of the first, which must have a use for the answer. */
static bool alone_asks(const struct agent *a, group_index_t group)
{
	const struct placement *p = &a->core.group[group].placement;

	for (int i = 0; i < p->count && a->self < alone_peer(a); i++)
		if (p->candidate[i].node == a->self)
			return p->candidate[i].eligible || core_holds(&a->core, group);
	return true;
}

static void alone_refresh_group(struct agent *a, group_index_t group)
{
	const struct lease *l = &a->core.group[group].lease;
	struct core_event ev;
	bool silent = raw_diff_ns(l->alone.heard_at, a->now.raw) >= a->core.config.timing.keep_ns;

	if (a->group[group].lan_since.ns == 0)
		a->group[group].lan_since = a->now.boot;
	vip_lan_ask(a->vip, group, silent && alone_asks(a, group), a->now.boot);
	memset(&ev, 0, sizeof ev); /* compared as bytes below */
	ev.type = CORE_LAN;
	ev.group = group;
	alone_word(a, group, &ev.lan);
	if (memcmp(&ev.lan, &l->alone.lan, sizeof ev.lan) != 0)
		agent_feed(a, &ev);
	alone_alarms(a, group, silent);
}

void alone_refresh(struct agent *a)
{
	for (uint32_t g = 0; a->vip && g < a->config->groups_count; g++)
		if (alone_group(a, (group_index_t)g))
			alone_refresh_group(a, (group_index_t)g);
}

void alone_look(struct agent *a)
{
	if (!a->vip || !config_alone_votes(a->config))
		return;
	links_read(a);
	(void)vip_readable(a->vip, a->now.boot); /* an error is followed by a full look */
	alone_refresh(a);
}

json_t *alone_json(const struct agent *a, group_index_t group)
{
	const struct lease *l = &a->core.group[group].lease;
	const struct lease_lan *lan = &l->alone.lan;

	if (!alone_group(a, group) || a->paths.witness)
		return json_null();
	return json_pack("{s:b, s:I, s:b, s:b, s:b}", "gateway", lease_alone_gateway(l, a->now), "silent_ms",
			 (json_int_t)(raw_diff_ns(l->alone.heard_at, a->now.raw) / NS_PER_MS), "quiet",
			 lan->quiet, "other", boot_before(a->now.boot, lan->other_until), "alone",
			 lease_alone_yes(l, a->now) != 0);
}
