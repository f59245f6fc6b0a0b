/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_private.h"

#include <assert.h>
#include <string.h>

/* As in the pre-check of the lease: heard within 3 pulses. */
#define CORE_PULSES_HEARD 3

static bool core_peer_heard(const struct core *c, node_id_t n, boot_t now)
{
	const struct core_peer *p = &c->peer[n];

	return p->heard_at.ns != 0 &&
	       boot_diff_ns(p->heard_at, now) <= CORE_PULSES_HEARD * c->config.timing.pulse_ns;
}

bool core_peer_hears(const struct core *c, node_id_t n, boot_t now)
{
	return core_peer_heard(c, n, now) && c->peer[n].hears_me;
}

node_set_t core_heard(const struct core *c, struct instant now)
{
	node_set_t set = node_bit(c->config.self);

	for (int i = 0; i < c->config.nodes_count; i++)
		if (core_peer_heard(c, c->config.nodes[i].id, now.boot))
			set |= node_bit(c->config.nodes[i].id);
	return set;
}

const struct core_node_config *core_node_find(const struct core *c, node_id_t n)
{
	for (int i = 0; i < c->config.nodes_count; i++)
		if (c->config.nodes[i].id == n)
			return &c->config.nodes[i];
	return NULL;
}

bool core_is_candidate(const struct core *c, group_index_t group, node_id_t n)
{
	const struct core_group_config *g = &c->config.groups[group];

	for (int i = 0; i < g->candidates_count; i++)
		if (g->candidates[i] == n)
			return true;
	return false;
}

/* A fit node that failed: what flap damping counts. Not knowing, starting and stopping are no failures. */
static bool core_facts_failed(const struct group_facts *before, const struct group_facts *after)
{
	bool pbx = before->pbx == PBX_HEALTHY && (after->pbx == PBX_SICK || after->pbx == PBX_DEAD);

	return pbx || (before->lan_up && !after->lan_up);
}

static void core_facts_damp(struct core_turn *t, node_id_t n, const struct node_facts *before,
			    const struct node_facts *after)
{
	for (group_index_t g = 0; g < t->c->config.groups_count; g++)
		if (core_facts_failed(&before->group[g], &after->group[g]))
			damping_add(&t->c->group[g].damping[n], &t->c->config.groups[g].policy.damping,
				    t->now.boot);
}

/* My own heartbeat comes back over CPG: the local facts are newer. */
void core_peer_facts_set(struct core_turn *t, node_id_t n, const struct node_facts *facts)
{
	struct core_peer *p = &t->c->peer[n];

	if (n == t->c->config.self || !core_node_find(t->c, n))
		return;
	if (p->facts_known)
		core_facts_damp(t, n, &p->facts, facts);
	for (group_index_t g = 0; g < t->c->config.groups_count; g++)
		if (facts->group[g].calls != UINT32_MAX)
			p->calls[g] = facts->group[g].calls;
	core_uplinks_told(t->c, n, facts);
	p->facts = *facts;
	p->facts_known = true;
	p->facts_at = t->now.boot;
}

/* Others decide by these; loop lag, calls and digests go with the next regular heartbeat. */
static bool core_group_facts_differ(const struct group_facts *a, const struct group_facts *b)
{
	return a->pbx != b->pbx || a->lan_up != b->lan_up || a->gate_ok != b->gate_ok ||
	       a->addresses_ok != b->addresses_ok || a->registrations_in_step != b->registrations_in_step ||
	       a->uplink != b->uplink;
}

static bool core_facts_differ(const struct core *c, const struct node_facts *a, const struct node_facts *b)
{
	if (a->config_hash != b->config_hash || a->config_accepted != b->config_accepted ||
	    a->joining != b->joining || a->quorate != b->quorate || a->watchdog_ns != b->watchdog_ns ||
	    core_uplinks_differ(a, b))
		return true;
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		if (core_group_facts_differ(&a->group[g], &b->group[g]))
			return true;
	return false;
}

void core_own_facts_set(struct core_turn *t, const struct node_facts *facts)
{
	struct core *c = t->c;

	if (c->facts_known)
		core_facts_damp(t, c->config.self, &c->facts, facts);
	if (!c->facts_known || core_facts_differ(c, &c->facts, facts))
		plan_add(t->plan, PLAN_FACTS_CHANGED, 0);
	core_uplinks_own(c, facts);
	c->facts = *facts;
	c->facts_known = true;
	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		if (facts->group[g].calls != 0)
			c->group[g].idle_since = (boot_t){ 0 };
		else if (c->group[g].idle_since.ns == 0)
			c->group[g].idle_since = t->now.boot;
	}
}

/* Reachable: the lease could reach it (pulses both ways) and what it says of itself is not old. */
static bool core_peer_reachable(const struct core *c, node_id_t n, boot_t now)
{
	const struct core_peer *p = &c->peer[n];

	if (n == c->config.self)
		return true;
	return p->facts_known && boot_diff_ns(p->facts_at, now) <= c->config.facts_timeout_ns &&
	       core_peer_hears(c, n, now);
}

static struct placement_input core_input(const struct core *c, group_index_t group, node_id_t n,
					 const struct core_look *look, bool waits, boot_t now)
{
	const struct core_group *g = &c->group[group];
	const struct node_facts *facts = n == c->config.self ? &c->facts : &c->peer[n].facts;
	struct damping d = g->damping[n];

	(void)damping_value(&d, &c->config.groups[group].policy.damping, now);
	return (struct placement_input){
		.node = n,
		.reachable = n != look->exclude && core_peer_reachable(c, n, now),
		.standby = c->intent.node[n].standby || n == look->assume_standby,
		.fenced = core_fence_bars(c, group, n),
		.fence_wait = waits && g->seen_holder != n,
		.proof = n == c->config.self && c->group[group].lease.proof.node != NODE_NONE,
		.damped = d.suppressed,
		.incumbent = !look->failback && g->seen_holder == n,
		.uplink_most = look->failback ? c->facts.group[group].uplink : UPLINK_UNKNOWN,
		.config_differs = n != c->config.self && facts->config_hash != c->config.config_hash,
		.facts = facts,
		.group = &facts->group[group],
	};
}

void core_place(const struct core *c, group_index_t group, const struct core_look *look, boot_t now,
		struct placement *ret)
{
	const struct core_group_config *config = &c->config.groups[group];
	struct placement_input inputs[RK_NODES_MAX];
	bool waits = core_fence_waits(c, group, now);

	for (int i = 0; i < config->candidates_count; i++)
		inputs[i] = core_input(c, group, config->candidates[i], look, waits, now);
	placement_decide(inputs, config->candidates_count, look->ignore_health, &config->policy, ret);
}

const struct placement_candidate *core_candidate_find(const struct placement *p, node_id_t n)
{
	for (int i = 0; i < p->count; i++)
		if (p->candidate[i].node == n)
			return &p->candidate[i];
	return NULL;
}
