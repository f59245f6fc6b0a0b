/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lease.h"

#include <assert.h>
#include <string.h>

#include "lease_private.h"

/* ---- what the parts share ---- */

void lease_save(struct lease_turn *t)
{
	for (uint32_t i = 0; i < t->plan->count; i++)
		if (t->plan->actions[i].type == PLAN_SAVE_VOTER)
			return;
	plan_add(t->plan, PLAN_SAVE_VOTER, t->l->config.group);
}

void lease_send(struct lease_turn *t, const struct lease_msg *msg)
{
	struct plan_action *a = plan_add(t->plan, PLAN_SEND, t->l->config.group);

	a->msg = *msg;
	a->msg.group = t->l->config.group;
	a->msg.from = t->l->config.self;
}

bool lease_votes(const struct lease *l)
{
	return node_in(voter_set_all(&l->voters), l->config.self);
}

void lease_need_counter(struct lease *l, uint64_t counter)
{
	if (counter > l->counter_needed)
		l->counter_needed = counter;
}

void lease_hear_hi(struct lease *l, struct epoch hi)
{
	l->heard_hi = epoch_max(l->heard_hi, hi);
	lease_need_counter(l, hi.counter);
}

/* ---- start ---- */

static void lease_config_assert(const struct lease_config *c)
{
	const struct lease_timing *t = &c->timing;

	assert(c->self != NODE_NONE && c->self <= NODE_ID_MAX);
	assert(t->lease_ns > 0 && t->guard_ns >= 0 && t->pulse_ns > 0);
	assert(t->lease_max_ns >= t->lease_ns && t->guard_max_ns >= t->guard_ns);
}

/* The last epoch that the ceiling covers: whatever was granted before the loss is not above it. */
static struct epoch lease_epoch_covered(uint64_t ceiling)
{
	if (ceiling == 0 || !LEASE_RULE(HI_DURABLE))
		return (struct epoch){ 0 };
	return (struct epoch){ ceiling, NODE_ID_MAX };
}

static void lease_init_lost(struct lease *l, bool disk_lost, struct instant now)
{
	if (LEASE_RULE(MUTE))
		l->voter.mute_until = raw_add(now.raw, lease_promise_ns_max(l));
	l->voter.hi = lease_epoch_covered(l->ceiling);
	l->voter.hi_unknown = disk_lost;
}

static void lease_init_remembered(struct lease *l, const struct lease_memory *m)
{
	l->voter.hi = m->hi;
	l->voter.hi_unknown = m->hi_unknown;
	l->voter.mute_until = m->mute_until;
	l->voter.promise = m->promise;
	memcpy(l->voter.dead, m->dead, sizeof l->voter.dead);
	l->proof = m->proof;
	l->met = m->met;
	/* Nothing granted in this boot says nothing about earlier ones. */
	if (epoch_none(m->hi))
		l->voter.hi = lease_epoch_covered(l->ceiling);
}

void lease_init(struct lease *l, const struct lease_config *config, const struct voter_set *voters,
		const struct lease_memory *memory, uint64_t ceiling, bool disk_lost, struct instant now)
{
	lease_config_assert(config);
	memset(l, 0, sizeof *l);
	l->config = *config;
	l->voters = *voters;
	l->ceiling = ceiling;
	l->next_counter = 1;
	l->voter.promised_since_query = true;
	if (memory)
		lease_init_remembered(l, memory);
	else
		lease_init_lost(l, disk_lost, now);
	lease_need_counter(l, l->voter.hi.counter);
	lease_alone_init(l, now);
}

void lease_memory_get(const struct lease *l, struct lease_memory *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->hi = l->voter.hi;
	ret->hi_unknown = l->voter.hi_unknown;
	ret->mute_until = l->voter.mute_until;
	ret->promise = l->voter.promise;
	ret->proof = l->proof;
	ret->met = l->met;
	memcpy(ret->dead, l->voter.dead, sizeof ret->dead);
}

void lease_ceiling_set(struct lease *l, uint64_t ceiling)
{
	if (ceiling > l->ceiling)
		l->ceiling = ceiling;
}

uint64_t lease_counter_needed(const struct lease *l)
{
	uint64_t needed = l->counter_needed;

	if (l->voter.hi.counter > needed)
		needed = l->voter.hi.counter;
	return l->epoch.counter > needed ? l->epoch.counter : needed;
}

/* A new voter starts mute and without hi. Not so a holder that becomes a voter: nobody else can have its
 * promise, and no epoch above its own was ever won. */
static void lease_voter_new(struct lease *l, struct instant now)
{
	if (l->role == LEASE_HOLDING)
		return;
	l->voter.mute_until = raw_add(now.raw, lease_promise_ns_max(l));
	l->voter.hi_unknown = true;
	l->voter.hi_told = 0;
}

void lease_voters_set(struct lease *l, const struct voter_set *voters, struct epoch floor, struct instant now,
		      struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };
	bool voted = lease_votes(l);

	lease_lapse_check(&t);
	l->voters = *voters;
	if (LEASE_RULE(FLOOR))
		l->voter.hi = epoch_max(l->voter.hi, floor);
	if (lease_votes(l) && !voted)
		lease_voter_new(l, now);
	lease_save(&t);
	/* Grants are counted by the rule of the version that was asked. */
	memset(l->sent, 0, sizeof l->sent);
	memset(l->newest, 0, sizeof l->newest);
	if (l->role != LEASE_IDLE)
		lease_request_round(&t);
}

/* ---- what comes in ---- */

void lease_receive(struct lease *l, const struct lease_msg *msg, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	if (msg->from == NODE_NONE || msg->from > NODE_ID_MAX || msg->from == l->config.self)
		return;
	lease_lapse_check(&t);
	lease_peer_alive(l, msg->from, now, plan);
	switch (msg->type) {
	case LEASE_REQUEST:
		lease_voter_request(&t, msg);
		return;
	case LEASE_GRANT:
		lease_granted(&t, msg);
		return;
	case LEASE_REFUSE:
		lease_refused(&t, msg);
		return;
	case LEASE_RELEASE:
		lease_peer_released(&t, msg);
		return;
	case LEASE_RELEASE_ACK:
		if (epoch_cmp(msg->epoch, l->release.epoch) == 0)
			l->release.unacked &= ~node_bit(msg->from);
		if (l->release.unacked == 0)
			l->release.epoch = (struct epoch){ 0 };
		return;
	case LEASE_VSET_PROPOSE:
	case LEASE_VSET_ACK:
		return; /* voters.c: one change for the whole node */
	}
}

void lease_peer_view(struct lease *l, node_id_t from, const struct lease_view *view, bool hears_me,
		     struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	if (from == NODE_NONE || from > NODE_ID_MAX || from == l->config.self)
		return;
	lease_lapse_check(&t);
	lease_peer_alive(l, from, now, plan);
	if (hears_me)
		lease_hello_answered(&t, from, view);
	l->peer[from] = (struct lease_peer){ .at = now.boot, .hears_me = hears_me, .view = *view };
	lease_hear_hi(l, view->hi);
	lease_voter_told(&t, from, view);
	lease_peer_holds(&t, from, view->holds);
	lease_ask_if_free(&t);
}

struct lease_view lease_view_get(const struct lease *l, struct instant now)
{
	const struct lease_voter *v = &l->voter;
	struct lease_view view = {
		.votes = lease_votes(l),
		.mute = raw_before(now.raw, v->mute_until),
		.hi_known = !v->hi_unknown,
		.version = l->voters.version,
		.hi = v->hi,
		.promise_node = lease_voter_promised(v, now.raw),
		.reserve_node = lease_voter_reserved(v, now.raw),
	};

	if (view.promise_node != NODE_NONE) {
		view.promise_epoch = v->promise.epoch;
		view.promise_left_ns = raw_diff_ns(now.raw, v->promise.until);
	}
	if (view.reserve_node != NODE_NONE)
		view.reserve_left_ns = raw_diff_ns(now.raw, v->reserve.until);
	if (l->role == LEASE_HOLDING && boot_before(now.boot, l->deadline))
		view.holds = l->epoch;
	return view;
}

/* ---- time ---- */

void lease_tick(struct lease *l, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	lease_lapse_check(&t);
	if (l->unsaved)
		lease_save(&t);
	l->unsaved = false;
	lease_release_tick(&t);
	if (l->role == LEASE_ASKING && boot_diff_ns(l->asked_at, now.boot) >= lease_attempt_ns(l)) {
		lease_let_go(&t, NODE_NONE);
		lease_wait_for_retry(&t);
	}
	if (l->role != LEASE_IDLE && !boot_before(now.boot, l->next_renew))
		lease_request_round(&t);
	lease_ask_if_free(&t);
}

boot_t lease_next(const struct lease *l, struct instant now)
{
	boot_t next = BOOT_NEVER;

	if (!epoch_none(l->release.epoch))
		next = l->release.next;
	switch (l->role) {
	case LEASE_IDLE:
		return boot_min(next, lease_ask_next(l, now));
	case LEASE_ASKING:
		next = boot_min(next, boot_add(l->asked_at, lease_attempt_ns(l)));
		return boot_min(next, l->next_renew);
	case LEASE_HOLDING:
		next = boot_min(next, l->deadline);
		return boot_min(next, l->next_renew);
	}
	return next;
}
