/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What uplink_move is to know: this node's uplinks, what peers said of theirs and when, and how often the
 * group was moved for their sake. Each node tells when it did so itself, so whoever holds the group next
 * counts on.
 */
#include "core_private.h"

#include <assert.h>
#include <string.h>

/* Two heartbeats: one may be missed. */
#define CORE_UPLINKS_FRESH_NS (2 * NS_PER_S)
/* Nearer than this it is the same move: reported once more, which is off by as long as that was on its way,
 * or tried again because the other did not take over. */
#define CORE_MOVES_APART_NS NS_PER_S

/* ---- moves for the uplinks' sake ---- */

static void core_moves_add(struct uplink_moves *m, boot_t at)
{
	if (m->count && boot_diff_ns(m->at[m->count - 1], at) < CORE_MOVES_APART_NS)
		return;
	if (m->count == UPLINK_MOVES_KEPT)
		memmove(&m->at[0], &m->at[1], sizeof m->at - sizeof m->at[0]);
	else
		m->count++;
	m->at[m->count - 1] = at;
}

void core_uplinks_moved(struct core_turn *t, group_index_t group)
{
	core_moves_add(&t->c->group[group].uplink_moves[t->c->config.self], t->now.boot);
}

/* A full list is newer than what was known. A shorter one may be that of an agent that has started again and
 * forgotten its moves: those who heard of them have not. */
void core_uplinks_told(struct core *c, node_id_t from, const struct node_facts *facts)
{
	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		const struct uplink_moves *told = &facts->group[g].uplink_moves;
		struct uplink_moves *known = &c->group[g].uplink_moves[from];

		if (told->count == UPLINK_MOVES_KEPT)
			*known = *told;
		else if (told->count > 0)
			core_moves_add(known, told->at[told->count - 1]);
	}
}

static void core_moves_gather(const struct core *c, group_index_t group, boot_t now,
			      struct uplink_move_facts *ret)
{
	const size_t room = sizeof ret->moved_at / sizeof ret->moved_at[0];
	int64_t span_ns = c->config.groups[group].uplinks.moves_span_ns;

	for (int k = 0; k < c->config.nodes_count; k++) {
		const struct uplink_moves *m = &c->group[group].uplink_moves[c->config.nodes[k].id];

		for (int i = 0; i < m->count && ret->moves_count < room; i++)
			if (boot_diff_ns(m->at[i], now) < span_ns)
				ret->moved_at[ret->moves_count++] = m->at[i];
	}
}

/* ---- nodes ---- */

static void core_uplinks_node(const struct node_facts *facts, const struct node_uplink *uplink,
			      group_index_t group, struct uplink_move_node *n)
{
	n->pbx_dead = facts->group[group].pbx == PBX_DEAD;
	n->count = facts->uplinks_count;
	n->in_use = facts->uplink_in_use;
	assert(n->count <= UPLINK_MOVE_UPLINKS_MAX);
	for (int i = 0; i < n->count; i++)
		n->uplink[i] = (struct uplink_move_link){
			.isp = uplink[i].isp,
			.class = uplink[i].class,
			.since = uplink[i].since,
		};
}

static bool core_uplinks_fit(const struct core *c, group_index_t group,
			     const struct placement_candidate *cand, struct instant now)
{
	const struct lease *l = &c->group[group].lease;

	return cand->eligible && lease_majority_reachable(l, now) && !lease_peer_mute(l, cand->node);
}

static void core_uplinks_other(const struct core *c, group_index_t group,
			       const struct placement_candidate *cand, struct instant now,
			       struct uplink_move_facts *ret)
{
	const struct core_peer *p = &c->peer[cand->node];
	struct uplink_move_node *n = &ret->other[ret->others_count++];

	n->node = cand->node;
	n->seen = p->facts_at;
	n->fresh = p->facts_known && boot_diff_ns(p->facts_at, now.boot) < CORE_UPLINKS_FRESH_NS;
	n->fit = core_uplinks_fit(c, group, cand, now);
	core_uplinks_node(&p->facts, p->facts.uplink, group, n);
}

/* By rank; those that are not fit come last, for what they say of a shared cause. */
static void core_uplinks_others(const struct core *c, group_index_t group, struct instant now,
				struct uplink_move_facts *ret)
{
	const struct core_look look = { .exclude = c->config.self };
	struct placement p;

	core_place(c, group, &look, now.boot, &p);
	for (int rank = 0; rank <= p.count; rank++)
		for (int i = 0; i < p.count; i++) {
			const struct placement_candidate *cand = &p.candidate[i];
			int its = cand->eligible ? cand->rank : p.count;

			if (its == rank && cand->node != c->config.self)
				core_uplinks_other(c, group, cand, now, ret);
		}
}

uint32_t core_uplink_facts(const struct core *c, group_index_t group, struct instant now, node_id_t *ret_to)
{
	struct uplink_move_facts f = { .calls = core_drained(&c->group[group], now.boot) ? 0 : UINT32_MAX };
	struct uplink_move move;

	*ret_to = NODE_NONE;
	if (!c->facts_known || c->facts.uplinks_count == 0)
		return 0;
	core_uplinks_node(&c->facts, c->uplink, group, &f.self);
	core_uplinks_others(c, group, now, &f);
	core_moves_gather(c, group, now.boot, &f);
	uplink_move_look(&f, &c->config.groups[group].uplinks, now.boot, &move);
	*ret_to = move.to;
	return move.facts;
}

/* ---- what others decide by ---- */

void core_uplinks_own(struct core *c, const struct node_facts *facts)
{
	for (int i = 0; i < facts->uplinks_count; i++) {
		const struct node_uplink *now = &facts->uplink[i];
		struct node_uplink *kept = &c->uplink[i];
		bool same = c->facts_known && i < c->facts.uplinks_count && kept->isp == now->isp &&
			    kept->class == now->class;

		if (!same)
			*kept = *now;
	}
}

bool core_uplinks_differ(const struct node_facts *a, const struct node_facts *b)
{
	if (a->uplinks_count != b->uplinks_count || a->uplink_in_use != b->uplink_in_use)
		return true;
	for (int i = 0; i < a->uplinks_count; i++)
		if (a->uplink[i].isp != b->uplink[i].isp || a->uplink[i].class != b->uplink[i].class)
			return true;
	return false;
}
