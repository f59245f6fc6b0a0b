/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What this node knows of itself, gathered at the end of every round of the loop; the core hears of it only
 * when something has changed.
 */
#include "agent.h"
#include "uplinks.h"

#include <string.h>

/* A feed that is busy for a moment is a registration on its way, not a difference: told to everybody at once,
 * each registration would cost two more messages. */
#define FACTS_FEED_NS (2 * NS_PER_S)

static bool facts_in_step(struct agent *a, group_index_t group)
{
	struct agent_group *g = &a->group[group];

	/* The holder is the truth. A standby is in step if it has what the holder says it has, also in its
	 * PBX. */
	if (!g->store || core_holds(&a->core, group))
		return true;
	return !service_digests_differ(&g->digests) && g->health.in_step &&
	       !binding_feed_late(&g->feed, a->now.boot, FACTS_FEED_NS);
}

/* Those who call now are not asked to call again: a planned hand-over gives them a moment to be answered. */
bool facts_calling(const struct agent *a, group_index_t group)
{
	const struct agent_group *g = &a->group[group];

	return g->adapter && adapter_ready(g->adapter) && g->health.calling;
}

static void facts_group(struct agent *a, group_index_t group, struct group_facts *f)
{
	const struct agent_group *g = &a->group[group];

	f->pbx = g->health.state;
	f->lan_up = a->vip && vip_link_up(a->vip, group);
	/* Without the watchdog that it requires, a gate would be open that nothing shuts for good. */
	f->gate_ok = a->gate && a->gate_missing == 0 && !petter_missing(a);
	f->addresses_ok = !g->address_missing;
	f->registrations_in_step = facts_in_step(a, group);
	f->release_wait = trunks_release_wait(a, group) || facts_calling(a, group);
	f->uplink = uplinks_class(a->uplinks);
	/* An adapter that is being started again may have missed the beginning of a call. */
	f->calls = g->adapter && adapter_ready(g->adapter) ? g->health.calls : UINT32_MAX;
	f->bindings_digest = g->store ? binding_store_digest(g->store) : 0;
	f->bindings_count = g->store ? (uint32_t)binding_store_count(g->store) : 0;
}

void facts_refresh(struct agent *a)
{
	struct core_event ev;
	struct node_facts *f = &ev.facts;

	memset(&ev, 0, sizeof ev); /* compared as bytes below */
	ev.type = CORE_LOCAL_FACTS;
	ev.node = a->self;
	f->config_hash = a->config->hash;
	f->config_accepted = true;
	f->joining = !a->paths.witness && !a->joined;
	f->quorate = a->quorate;
	f->loop_lag_us_max = a->lag_us_published;
	f->boot = a->boot;
	uplinks_facts(a->uplinks, f);
	f->watchdog_ns = a->paths.witness ? 0 : petter_counts_ns(a);
	for (uint32_t g = 0; !a->paths.witness && g < a->config->groups_count; g++)
		facts_group(a, (group_index_t)g, &f->group[g]);
	if (memcmp(f, &a->core.facts, sizeof *f) != 0)
		agent_feed(a, &ev);
}
