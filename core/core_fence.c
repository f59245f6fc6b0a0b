/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The fence decider within the core: what it is told of the world, and when.
 */
#include "core_private.h"

/* Said by a view that came with, or just before, the latest pulse. */
static bool core_peer_held(const struct core *c, node_id_t n)
{
	const struct core_peer *p = &c->peer[n];

	return p->held_at.ns != 0 && boot_diff_ns(p->held_at, p->heard_at) <= 3 * c->config.timing.pulse_ns;
}

/* It held until its lease ran out for want of the other one's vote. Only two nodes look at this. */
static bool core_self_held(const struct core *c)
{
	boot_t heard = { 0 };

	for (int i = 0; i < c->config.nodes_count; i++)
		heard = boot_max(heard, c->peer[c->config.nodes[i].id].heard_at);
	return c->held_at.ns != 0 && boot_diff_ns(c->held_at, heard) <= 3 * c->config.timing.pulse_ns;
}

/* Who shoots after a boot without having met the other one does not know what was won by proof. */
static node_set_t core_met(const struct core *c)
{
	node_set_t met = c->met;

	if (!c->config.proof_votes)
		return met;
	met = ~(node_set_t)0;
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		met &= c->group[g].lease.met;
	return met;
}

/* A third vote that is heard keeps renewing its promise to a node that we do not hear: it lives. */
static node_set_t core_heard_of(const struct core *c, group_index_t group, boot_t now)
{
	const struct lease_timing *t = &c->config.timing;
	node_set_t set = 0;

	for (int i = 0; i < c->config.nodes_count; i++) {
		const struct lease_peer *p = &c->group[group].lease.peer[c->config.nodes[i].id];

		if (p->at.ns != 0 && boot_diff_ns(p->at, now) <= 3 * t->pulse_ns &&
		    p->view.promise_node <= NODE_ID_MAX && p->view.promise_left_ns > t->lease_ns / 2)
			set |= node_bit(p->view.promise_node);
	}
	return set;
}

/* Another candidate was granted an epoch above the latest tenure that this node saw: it may have held. */
static bool core_epoch_newer(const struct core *c, group_index_t group, struct epoch e)
{
	return e.node != c->config.self && core_is_candidate(c, group, e.node) &&
	       epoch_cmp(e, c->group[group].lease.former.epoch) > 0;
}

/* Whom this node promised to since the latest tenure that it saw: it may have held. */
static node_id_t core_promised(const struct core *c, group_index_t group)
{
	const struct lease *l = &c->group[group].lease;
	const struct lease_promise *p = &l->voter.promise;

	return epoch_cmp(p->epoch, l->former.epoch) > 0 ? p->node : NODE_NONE;
}

/* Who held it last and did not let go, as far as this node saw; self: nobody. */
static node_id_t core_former(const struct core *c, group_index_t group)
{
	const struct lease *l = &c->group[group].lease;

	if (!l->former.released)
		return l->former.node;
	return core_epoch_newer(c, group, l->voter.hi) || core_epoch_newer(c, group, l->heard_hi)
		       ? NODE_NONE
		       : c->config.self;
}

struct fence_world core_fence_world(const struct core *c, struct instant now)
{
	struct fence_world w = { .now = now.boot, .heard = core_heard(c, now), .met = core_met(c) };

	for (group_index_t g = 0; g < c->config.groups_count; g++)
		w.heard |= core_heard_of(c, g, now.boot);

	w.paused = c->intent.paused;
	/* Corosync's quorum says nothing where two nodes have two_node: the voters' majority does. */
	w.quorate = c->facts_known && c->facts.quorate && c->config.groups_count > 0 &&
		    lease_majority_reachable(&c->group[0].lease, now);
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		w.owed |= node_bit(core_former(c, g)) | node_bit(core_promised(c, g));
	if (core_self_held(c))
		w.holders |= node_bit(c->config.self);
	for (int i = 0; i < c->config.nodes_count; i++)
		if (core_peer_held(c, c->config.nodes[i].id))
			w.holders |= node_bit(c->config.nodes[i].id);
	return w;
}

/* Whom some group wants shot when it is lost: its candidates. */
static node_set_t core_fence_wanted(const struct core_config *config)
{
	node_set_t set = 0;

	for (int g = 0; g < config->groups_count; g++)
		for (int i = 0; i < config->groups[g].candidates_count; i++)
			if (config->groups[g].fence != FENCE_NEVER)
				set |= node_bit(config->groups[g].candidates[i]);
	return set;
}

void core_fence_init(struct core *c)
{
	node_set_t nodes = 0;

	for (int i = 0; i < c->config.nodes_count; i++)
		if (!c->config.nodes[i].witness)
			nodes |= node_bit(c->config.nodes[i].id);
	if (!node_in(nodes, c->config.self))
		nodes = 0; /* a witness shoots nobody */
	fence_init(&c->fence, &c->config.fence, c->config.self, nodes, core_fence_wanted(&c->config),
		   c->config.nodes_count == 2);
}

/* ---- two nodes: a proof is a vote ---- */

/* The other node, if its proof is this node's own. */
static node_id_t core_proved(const struct core *c)
{
	for (int i = 0; i < c->config.nodes_count && c->config.proof_votes; i++)
		if (c->fence.target[c->config.nodes[i].id].proved)
			return c->config.nodes[i].id;
	return NODE_NONE;
}

static void core_query_each(struct core *c)
{
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		lease_fence_query(&c->group[g].lease);
}

static void core_queries(struct core_turn *t, uint32_t first)
{
	for (uint32_t i = first; i < t->plan->count; i++)
		if (t->plan->actions[i].type == PLAN_FENCE_CALL && t->plan->actions[i].fence_call.first_query)
			core_query_each(t->c);
}

static void core_proof_given(struct core_turn *t, node_id_t peer)
{
	const struct core_letgo letgo = { .cause = CAUSE_LEASE_EXPIRED };
	struct core *c = t->c;
	bool taken = true;

	/* A person has looked now. */
	if (c->fence.target[peer].state == FENCE_CONFIRMED)
		core_query_each(c);
	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		struct core_role before = core_role_before(c, g);

		lease_fence_proof(&c->group[g].lease, peer, t->now, t->plan);
		core_role_follow(t, g, before, &letgo);
		taken = taken && (c->config.groups[g].native || c->group[g].lease.proof.node == peer);
	}
	if (!taken)
		fence_proof_void(&c->fence, peer, t->now.boot, t->plan);
}

static void core_proof_follow(struct core_turn *t, node_id_t before, uint32_t first)
{
	struct core *c = t->c;
	node_id_t now;

	if (!c->config.proof_votes)
		return;
	core_queries(t, first);
	now = core_proved(c);
	if (now != NODE_NONE && before == NODE_NONE)
		core_proof_given(t, now);
	/* One that starts again ends nothing: the lease itself binds the proof to the epoch it was used for.
	 */
	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		node_id_t n = c->group[g].lease.proof.node;

		if (n != NODE_NONE && c->fence.target[n].state == FENCE_DISPUTED)
			lease_fence_drop(&c->group[g].lease, t->now, t->plan);
	}
}

static void core_fence_feed(struct core_turn *t, const struct core_event *ev)
{
	struct core *c = t->c;
	struct fence_world w = core_fence_world(c, t->now);

	switch ((int)ev->type) {
	case CORE_TICK:
		fence_tick(&c->fence, &w, t->plan);
		return;
	case CORE_HEARD:
		fence_heard(&c->fence, ev->node, ev->heard.incarnation, &w, t->plan);
		return;
	case CORE_PEER_FACTS:
		fence_member(&c->fence, ev->node, ev->facts.boot, ev->facts.watchdog_ns, &w, t->plan);
		return;
	case CORE_PEER_LEFT:
		fence_left(&c->fence, ev->node, ev->left.down, &w, t->plan);
		return;
	case CORE_FENCE_MESSAGE:
		fence_message(&c->fence, &ev->fence_msg, &w, t->plan);
		return;
	case CORE_FENCE_ANSWER:
		fence_answered(&c->fence, ev->fence_answer.seq, ev->fence_answer.answer,
			       ev->fence_answer.took_ns, &w, t->plan);
		return;
	case CORE_FENCE_ORDER:
		if (ev->fence_order.confirm)
			fence_confirm_by_hand(&c->fence, ev->node, &w, t->plan);
		else
			fence_order_by_hand(&c->fence, ev->node, &w, t->plan);
		return;
	default:
		return;
	}
}

void core_fence_event(struct core_turn *t, const struct core_event *ev)
{
	node_id_t before = core_proved(t->c);
	uint32_t first = t->plan->count;

	core_fence_feed(t, ev);
	core_proof_follow(t, before, first);
}

/* ---- fence = required ---- */

/* One that lives although a device said "off" is as good as any where the lease decides; where storage was
 * given away because of that word, it must start again first. */
bool core_fence_bars(const struct core *c, group_index_t group, node_id_t n)
{
	const struct fence_target *x = &c->fence.target[n];
	bool lives = x->state == FENCE_DISPUTED && x->member;

	return fence_bars(&c->fence, n) && !(lives && c->config.groups[group].fence != FENCE_REQUIRED);
}

/* It lives and holds nothing: its own agent saw to the end of `tenure`. A pulse that was late says so too,
 * but its sender did not know of that epoch then. */
static bool core_let_go(const struct core *c, group_index_t group, node_id_t n, struct epoch tenure,
			boot_t now)
{
	const struct lease_peer *p = &c->group[group].lease.peer[n];

	return p->at.ns != 0 && boot_diff_ns(p->at, now) <= 3 * c->config.timing.pulse_ns &&
	       epoch_none(p->view.holds) && epoch_cmp(p->view.hi, tenure) >= 0;
}

/* Nobody was seen to hold it since this agent began: who is not heard now may have. */
static bool core_fence_unseen(const struct core *c, group_index_t group, boot_t now)
{
	const struct core_group_config *g = &c->config.groups[group];

	for (int i = 0; i < g->candidates_count; i++) {
		node_id_t n = g->candidates[i];

		if (n != c->config.self && !core_let_go(c, group, n, (struct epoch){ 0 }, now) &&
		    !fence_is_off(&c->fence, n))
			return true;
	}
	return false;
}

/* n held it, and neither its own word nor a proof says that it does no more. */
static bool core_owes(const struct core *c, group_index_t group, node_id_t n, struct epoch tenure, boot_t now)
{
	return n != NODE_NONE && n != c->config.self && !fence_is_off(&c->fence, n) &&
	       !core_let_go(c, group, n, tenure, now);
}

bool core_fence_waits(const struct core *c, group_index_t group, boot_t now)
{
	const struct lease *l = &c->group[group].lease;
	node_id_t former = core_former(c, group);

	if (c->config.groups[group].fence != FENCE_REQUIRED)
		return false;
	if (core_owes(c, group, core_promised(c, group), l->voter.promise.epoch, now))
		return true;
	if (former == NODE_NONE)
		return core_fence_unseen(c, group, now);
	return core_owes(c, group, former, l->former.epoch, now);
}

boot_t core_fence_next(const struct core *c, struct instant now)
{
	struct fence_world w = core_fence_world(c, now);

	return fence_next(&c->fence, &w);
}

enum fence_refusal core_check_fence(const struct core *c, node_id_t target, bool confirm, struct instant now)
{
	struct fence_world w = core_fence_world(c, now);

	return confirm ? fence_check_confirm(&c->fence, target, &w)
		       : fence_check_order(&c->fence, target, &w);
}
