/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One event in, one plan out: the event changes what is known, then every group is decided anew from all that
 * is known, so that nothing depends on which event happened to carry the news.
 */
#include "core.h"

#include <assert.h>
#include <string.h>

#include "core_private.h"

/* Epochs are reserved on disk in blocks, long before they are needed: no takeover ever waits for a disk. */
#define CORE_EPOCHS_BLOCK    1000
#define CORE_EPOCHS_REASK_NS (1 * NS_PER_S)

/* ---- start ---- */

static struct voter_set core_voters_initial(const struct core_config *config)
{
	struct voter_set v = { .version = 1, .phase = VOTERS_STABLE };

	for (int i = 0; i < config->nodes_count; i++)
		v.old_set |= node_bit(config->nodes[i].id);
	v.new_set = v.old_set;
	return v;
}

static void core_config_assert(const struct core_config *config)
{
	assert(config->self != NODE_NONE && config->self <= NODE_ID_MAX);
	assert(config->nodes_count >= 1 && config->nodes_count <= RK_NODES_MAX);
	assert(config->groups_count <= RK_GROUPS_MAX);
	assert(config->timing.pulse_ns > 0 && config->timing.lease_ns > 0);
	for (int g = 0; g < config->groups_count; g++)
		assert(config->groups[g].candidates_count <= RK_NODES_MAX);
}

static void core_init_stamp(struct core *c)
{
	c->stamp = c->intent.paused_stamp;
	for (int n = 1; n <= NODE_ID_MAX; n++)
		if (c->intent.node[n].stamp > c->stamp)
			c->stamp = c->intent.node[n].stamp;
}

void core_init(struct core *c, const struct core_config *config, const struct core_memory *memory,
	       struct instant now)
{
	struct voter_set voters = memory->voters;

	core_config_assert(config);
	memset(c, 0, sizeof *c);
	c->config = *config;
	c->intent = memory->intent;
	c->ceiling = memory->ceiling;
	c->ceiling_asked = memory->ceiling;
	c->next_pulse = now.boot;
	core_init_stamp(c);
	if (voters.version == 0)
		voters = core_voters_initial(config);
	voters_init(&c->voters, config->self, &voters,
		    config->timing.lease_max_ns + config->timing.guard_max_ns, config->timing.pulse_ns);
	for (group_index_t g = 0; g < config->groups_count; g++) {
		const struct core_node_config *self = core_node_find(c, config->self);
		struct lease_config lc = {
			.self = config->self,
			.group = g,
			.candidate = core_is_candidate(c, g, config->self) && !(self && self->witness) &&
				     !config->groups[g].native,
			.proof_votes = config->proof_votes,
			.alone_votes = config->alone_votes,
			.process = config->process,
			.timing = config->timing,
		};

		lease_init(&c->group[g].lease, &lc, &voters, memory->memory_lost ? NULL : &memory->lease[g],
			   memory->ceiling, memory->disk_lost, now);
	}
	core_fence_init(c);
	fence_remember(&c->fence, &memory->fence, now.boot);
}

/* ---- the voter set, one for the whole node ---- */

static struct voters_own core_voters_own(const struct core *c)
{
	struct voters_own own = { .hi_known = true, .ceiling = c->ceiling };

	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		const struct lease_voter *v = &c->group[g].lease.voter;

		if (epoch_cmp(v->hi, own.hi) > 0)
			own.hi = v->hi;
		own.hi_known = own.hi_known && !v->hi_unknown;
	}
	return own;
}

static void core_counter_see(struct core *c, uint64_t counter)
{
	if (counter > c->counter_seen)
		c->counter_seen = counter;
}

static void core_voters_message(struct core_turn *t, const struct lease_msg *msg)
{
	struct voters_own own = core_voters_own(t->c);

	core_counter_see(t->c, voters_receive(&t->c->voters, msg, &own, t->plan));
}

/* Durable here: every lease goes by the new set before anybody is told so. */
static void core_voters_saved(struct core_turn *t, const struct voter_set *set)
{
	const struct core_letgo letgo = { .cause = CAUSE_LEASE_EXPIRED };
	struct core *c = t->c;
	struct voters_own own;

	if (!voters_saved(&c->voters, set))
		return;
	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		struct core_role before = core_role_before(c, g);

		lease_voters_set(&c->group[g].lease, &c->voters.set, c->voters.floor, t->now, t->plan);
		core_role_follow(t, g, before, &letgo);
	}
	own = core_voters_own(c);
	voters_acknowledge(&c->voters, &own, t->plan);
}

static void core_ceiling_set(struct core *c, uint64_t ceiling)
{
	if (ceiling <= c->ceiling)
		return;
	c->ceiling = ceiling;
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		lease_ceiling_set(&c->group[g].lease, ceiling);
}

/* ---- the lease of every group ---- */

static void core_lease_tick(struct core_turn *t, group_index_t g)
{
	const struct core_letgo letgo = { .cause = CAUSE_LEASE_EXPIRED };
	struct core_role before = core_role_before(t->c, g);

	lease_tick(&t->c->group[g].lease, t->now, t->plan);
	core_role_follow(t, g, before, &letgo);
}

/* Before the view makes one of them give way. */
static void core_overlap_look(struct core_turn *t, const struct core_event *ev, struct core_letgo *letgo)
{
	struct lease *l = &t->c->group[ev->group].lease;

	if (!lease_holds(l) || !boot_before(t->now.boot, l->deadline))
		return;
	letgo->overlap_ns = lease_alone_overlap(l, ev->view.view.holds, l->won_at, t->now);
	if (letgo->overlap_ns == 0)
		return;
	letgo->cause = CAUSE_TWO_HOLDERS;
	core_overlap_tell(t, ev->group, ev->node, letgo->overlap_ns);
}

static void core_lease_view(struct core_turn *t, const struct core_event *ev)
{
	struct core_letgo letgo = { .cause = CAUSE_HIGHER_EPOCH, .successor = ev->node };
	struct core_role before = core_role_before(t->c, ev->group);

	core_overlap_look(t, ev, &letgo);
	lease_peer_view(&t->c->group[ev->group].lease, ev->node, &ev->view.view, ev->view.hears_me, t->now,
			t->plan);
	core_role_follow(t, ev->group, before, &letgo);
	core_seen_view(t, ev->group, ev->node, &ev->view.view);
	if (!epoch_none(ev->view.view.holds))
		t->c->peer[ev->node].held_at = t->now.boot;
	if (ev->group == 0) {
		const struct voters_own own = core_voters_own(t->c);

		voters_peer_version(&t->c->voters, ev->node, ev->view.view.version, &own, t->plan);
	}
	core_counter_see(t->c, ev->view.view.hi.counter);
}

/* Every voter hears where a hand-over goes; a pause that comes after it must not stop it half way. */
static void core_release_seen(struct core_turn *t, const struct lease_msg *msg)
{
	struct core_group *g = &t->c->group[msg->group];

	if (msg->type != LEASE_RELEASE || msg->successor == NODE_NONE || lease_holds(&g->lease))
		return;
	if (epoch_cmp(msg->epoch, g->seen_epoch) < 0)
		return;
	core_moving_set(t, msg->group, msg->epoch);
	if (core_operation_drains(&g->operation) && msg->successor == g->operation.target)
		core_operation_drained(t, msg->group);
}

static void core_lease_message(struct core_turn *t, const struct lease_msg *msg)
{
	const struct core_letgo letgo = { .cause = CAUSE_LEASE_EXPIRED };
	struct core_role before = core_role_before(t->c, msg->group);

	lease_receive(&t->c->group[msg->group].lease, msg, t->now, t->plan);
	core_role_follow(t, msg->group, before, &letgo);
	core_release_seen(t, msg);
}

static void core_lease_wake(struct core_turn *t, group_index_t g)
{
	const struct core_letgo letgo = { .cause = CAUSE_STANDSTILL };
	struct core_role before = core_role_before(t->c, g);

	lease_wake(&t->c->group[g].lease, t->now, t->plan);
	core_role_follow(t, g, before, &letgo);
}

static void core_lease_save_failed(struct core_turn *t, group_index_t g)
{
	const struct core_letgo letgo = { .cause = CAUSE_LEASE_EXPIRED };
	struct core_role before = core_role_before(t->c, g);

	lease_save_failed(&t->c->group[g].lease, t->now, t->plan);
	core_role_follow(t, g, before, &letgo);
	takeover_repeat(&t->c->group[g].takeover, g, t->now.boot, t->plan);
}

/* A node that did not go on holding makes sure of standby: a former agent may have died as holder and left
 * the PBX awake. No record: nothing changed now. */
static void core_lease_adopt(struct core_turn *t, const struct core_event *ev)
{
	const struct core_letgo letgo = { .cause = CAUSE_ADOPTED };
	struct core_group *g = &t->c->group[ev->group];
	struct core_role before = core_role_before(t->c, ev->group);
	const struct core_record nothing = { .at = t->now.boot };

	if (g->started)
		return;
	g->started = true;
	/* Whether an open gate goes on is for VRRP to say: CORE_NATIVE. */
	if (t->c->config.groups[ev->group].native && boot_before(t->now.boot, ev->adopt_deadline))
		return;
	lease_adopt(&g->lease, ev->adopt_deadline, t->now, t->plan);
	core_role_follow(t, ev->group, before, &letgo);
	if (!lease_holds(&g->lease) && g->takeover.direction == TAKEOVER_REST &&
	    core_is_candidate(t->c, ev->group, t->c->config.self))
		takeover_start(&g->takeover, ev->group, TAKEOVER_DOWN, &nothing, t->plan);
}

static void core_native(struct core_turn *t, const struct core_event *ev)
{
	struct core_group *g = &t->c->group[ev->group];

	if (g->native_holds == ev->native.holds || !t->c->config.groups[ev->group].native)
		return;
	g->native_holds = ev->native.holds;
	core_native_follow(t, ev->group, ev->native.cause);
}

static void core_each_group(struct core_turn *t, void (*fn)(struct core_turn *, group_index_t))
{
	for (group_index_t g = 0; g < t->c->config.groups_count; g++)
		fn(t, g);
}

/* ---- time ---- */

static uint64_t core_highest_counter(const struct core *c)
{
	uint64_t hi = c->counter_seen;

	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		uint64_t needed = lease_counter_needed(&c->group[g].lease);

		if (needed > hi)
			hi = needed;
	}
	return hi;
}

/* A ceiling written while hi is unknown would hide, at the next start, that the disk had been lost. */
static bool core_hi_known(const struct core *c)
{
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		if (c->group[g].lease.voter.hi_unknown)
			return false;
	return true;
}

static void core_ceiling_tick(struct core_turn *t)
{
	struct core *c = t->c;
	uint64_t wanted = core_highest_counter(c) + CORE_EPOCHS_BLOCK;

	if (c->ceiling >= wanted - CORE_EPOCHS_BLOCK / 2 || !core_hi_known(c))
		return;
	if (c->ceiling_asked >= wanted - CORE_EPOCHS_BLOCK / 2 &&
	    boot_diff_ns(c->ceiling_asked_at, t->now.boot) < CORE_EPOCHS_REASK_NS)
		return;
	c->ceiling_asked = wanted;
	c->ceiling_asked_at = t->now.boot;
	plan_add(t->plan, PLAN_RESERVE_EPOCHS, 0)->ceiling = wanted;
}

static void core_pulse_tick(struct core_turn *t)
{
	struct core *c = t->c;

	if (boot_before(t->now.boot, c->next_pulse))
		return;
	plan_add(t->plan, PLAN_PULSE, 0);
	c->next_pulse = boot_add(c->next_pulse, c->config.timing.pulse_ns);
	/* After a stall: from now on, not many at once. */
	if (!boot_before(t->now.boot, c->next_pulse))
		c->next_pulse = boot_add(t->now.boot, c->config.timing.pulse_ns);
}

static void core_group_tick(struct core_turn *t, group_index_t g)
{
	core_lease_tick(t, g);
	core_seen_tick(t, g);
	core_unseen_tick(t, g);
	takeover_tick(&t->c->group[g].takeover, g, t->now.boot, t->plan);
}

static void core_tick(struct core_turn *t)
{
	const struct voters_own own = core_voters_own(t->c);

	core_pulse_tick(t);
	core_each_group(t, core_group_tick);
	voters_tick(&t->c->voters, &own, t->now, t->plan);
	core_ceiling_tick(t);
}

boot_t core_next(const struct core *c, struct instant now)
{
	boot_t next = boot_min(c->next_pulse, voters_next(&c->voters, now));

	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		const struct core_group *group = &c->group[g];

		next = boot_min(next, lease_next(&group->lease, now));
		next = boot_min(next, takeover_next(&group->takeover));
		if (group->release_asked.ns)
			next = boot_min(next, boot_add(group->release_asked, CORE_RELEASE_WAIT_NS));
		next = boot_min(next, core_operation_next(c, g, now.boot));
		next = boot_min(next, core_unseen_until(c, g));
	}
	return boot_min(next, core_fence_next(c, now));
}

/* ---- one event ---- */

static void core_heard_event(struct core_turn *t, const struct core_event *ev)
{
	struct core_peer *p = &t->c->peer[ev->node];

	if (ev->node == t->c->config.self || !core_node_find(t->c, ev->node))
		return;
	p->heard_at = t->now.boot;
	p->hears_me = ev->heard.hears_me;
	if (p->hears_me)
		t->c->met |= node_bit(ev->node);
	for (group_index_t g = 0; g < t->c->config.groups_count; g++)
		lease_peer_alive(&t->c->group[g].lease, ev->node, t->now, t->plan);
}

static void core_step_event(struct core_turn *t, const struct core_event *ev)
{
	struct takeover *up = &t->c->group[ev->group].takeover;

	if (ev->step.error != 0 && up->step != STEP_NONE && up->seq == ev->step.seq)
		core_explain(t, ev->group, RULE_STEP_FAILED, t->c->config.self, up->step);
	takeover_answer(up, ev->group, ev->step.seq, ev->step.error, t->now.boot, t->plan);
}

static void core_member(struct core *c, node_id_t node, bool here)
{
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		lease_member(&c->group[g].lease, node, here);
}

static void core_lan(struct core_turn *t, const struct core_event *ev)
{
	const struct core_letgo letgo = { .cause = CAUSE_LEASE_EXPIRED };
	struct core_role before = core_role_before(t->c, ev->group);

	lease_lan(&t->c->group[ev->group].lease, &ev->lan, t->now, t->plan);
	core_role_follow(t, ev->group, before, &letgo);
}

static void core_hello(struct core_turn *t, node_id_t from)
{
	const struct core_letgo letgo = { .cause = CAUSE_LEASE_EXPIRED };

	for (group_index_t g = 0; g < t->c->config.groups_count; g++) {
		struct core_role before = core_role_before(t->c, g);

		lease_hello(&t->c->group[g].lease, from, t->now, t->plan);
		core_role_follow(t, g, before, &letgo);
	}
}

static void core_event_apply(struct core_turn *t, const struct core_event *ev)
{
	struct core *c = t->c;

	switch (ev->type) {
	case CORE_TICK:
		core_tick(t);
		return;
	case CORE_WAKE:
		core_each_group(t, core_lease_wake);
		return;
	case CORE_HEARD:
		core_heard_event(t, ev);
		return;
	case CORE_VIEW:
		core_lease_view(t, ev);
		return;
	case CORE_MESSAGE:
		if (ev->msg.type == LEASE_VSET_PROPOSE || ev->msg.type == LEASE_VSET_ACK)
			core_voters_message(t, &ev->msg);
		else
			core_lease_message(t, &ev->msg);
		return;
	case CORE_LOCAL_FACTS:
		core_own_facts_set(t, &ev->facts);
		return;
	case CORE_PEER_FACTS:
		core_peer_facts_set(t, ev->node, &ev->facts);
		core_member(c, ev->node, true);
		return;
	case CORE_PEER_LEFT:
		c->peer[ev->node].facts_known = false;
		core_member(c, ev->node, false);
		return;
	case CORE_LAN:
		core_lan(t, ev);
		return;
	case CORE_HELLO:
		core_hello(t, ev->node);
		return;
	case CORE_COMMAND:
		core_command_take(t, &ev->command);
		return;
	case CORE_INTENT:
		core_intent_merge(t, &ev->intent);
		return;
	case CORE_STEP:
		core_step_event(t, ev);
		return;
	case CORE_SAVE_FAILED:
		core_explain(t, 0, RULE_SAVE_FAILED, c->config.self, 0);
		core_each_group(t, core_lease_save_failed);
		return;
	case CORE_CEILING:
		core_ceiling_set(c, ev->ceiling);
		return;
	case CORE_ADOPT:
		core_lease_adopt(t, ev);
		return;
	case CORE_NATIVE:
		core_native(t, ev);
		return;
	case CORE_STOP:
		c->stopping = true;
		return;
	case CORE_VOTERS_SAVED:
		core_voters_saved(t, &ev->voters);
		return;
	case CORE_VOTERS_CHANGE:
		(void)voters_change(&c->voters, ev->voters.new_set, t->plan); /* false: one is under way */
		return;
	case CORE_FENCE_MESSAGE:
	case CORE_FENCE_ANSWER:
	case CORE_FENCE_ORDER:
		return; /* core_fence_event() */
	}
}

/* Events that concern one group only decide that one. */
static bool core_event_of_group(enum core_event_type type)
{
	return type == CORE_VIEW || type == CORE_MESSAGE || type == CORE_STEP || type == CORE_ADOPT ||
	       type == CORE_NATIVE || type == CORE_LAN;
}

static void core_group_settle(struct core_turn *t, group_index_t g)
{
	core_operation_tick(t, g);
	/* "At start, executors report what is before any rule may act." */
	if (t->c->group[g].started && core_is_candidate(t->c, g, t->c->config.self) &&
	    !t->c->config.groups[g].native)
		core_decide(t, g);
}

/* ---- the step ---- */

void core_step(struct core *c, const struct core_event *ev, struct core_plan *ret_plan)
{
	struct core_turn t = { .c = c, .now = ev->at, .plan = ret_plan };

	assert(ev->node <= NODE_ID_MAX && ev->group < RK_GROUPS_MAX);
	ret_plan->count = 0;
	core_event_apply(&t, ev);
	core_fence_event(&t, ev);
	if (core_event_of_group(ev->type)) {
		group_index_t g = ev->type == CORE_MESSAGE ? ev->msg.group : ev->group;

		core_group_settle(&t, g);
	} else if (ev->type != CORE_HEARD) {
		core_each_group(&t, core_group_settle);
	}
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		if (core_holds(c, g))
			c->held_at = ev->at.boot;
	plan_order(ret_plan);
}

/* ---- for the shell ---- */

void core_voter_state(const struct core *c, struct lease_memory ret[RK_GROUPS_MAX])
{
	memset(ret, 0, RK_GROUPS_MAX * sizeof ret[0]);
	for (group_index_t g = 0; g < c->config.groups_count; g++)
		lease_memory_get(&c->group[g].lease, &ret[g]);
}

struct lease_view core_view(const struct core *c, group_index_t group, struct instant now)
{
	assert(group < c->config.groups_count);
	return lease_view_get(&c->group[group].lease, now);
}

bool core_stopped(const struct core *c)
{
	for (group_index_t g = 0; g < c->config.groups_count; g++) {
		const struct core_group *group = &c->group[g];

		if (group->native_holds || group->lease.role != LEASE_IDLE ||
		    group->takeover.direction != TAKEOVER_REST || !epoch_none(group->lease.release.epoch))
			return false;
	}
	return c->stopping;
}

bool core_holds(const struct core *c, group_index_t group)
{
	return lease_holds(&c->group[group].lease) || c->group[group].native_holds;
}

bool core_releasing(const struct core *c, group_index_t group)
{
	return c->group[group].release_asked.ns != 0;
}

const char *core_group_state(const struct core *c, group_index_t group)
{
	const struct core_group *g = &c->group[group];

	if (core_holds(c, group))
		return g->takeover.direction == TAKEOVER_UP ? "taking-over" : "holding";
	if (g->takeover.direction == TAKEOVER_DOWN && g->takeover.record.type != 0)
		return "letting-go";
	if (g->lease.role == LEASE_ASKING)
		return "asking";
	if (!core_is_candidate(c, group, c->config.self))
		return "no-candidate";
	if (c->config.groups[group].native)
		return "standby"; /* what VRRP hears is for vip/ to say */
	return g->seen_holder == NODE_NONE ? "vacant" : "standby";
}
