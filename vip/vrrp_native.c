/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_native.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static size_t family_slot(int family)
{
	return family == AF_INET ? VRRP_ROUTER4 : VRRP_ROUTER6;
}

static struct vrrp_group *unit_group(const struct vrrp_native *n, const struct vrrp_unit *u, size_t member)
{
	return &n->groups[u->key[member].group];
}

static struct vrrp_router *unit_router(const struct vrrp_native *n, const struct vrrp_unit *u, size_t member)
{
	return &unit_group(n, u, member)->router[family_slot(u->key[member].family)];
}

/* Each group once: its members are side by side. */
static bool unit_first_of_group(const struct vrrp_unit *u, size_t member)
{
	return !member || u->key[member].group != u->key[member - 1].group;
}

static int unit_member(const struct vrrp_unit *u, group_index_t group, int family)
{
	for (int m = 0; m < u->count; m++)
		if (u->key[m].group == group && (!family || u->key[m].family == family))
			return m;
	return -1;
}

static struct vrrp_unit *unit_find(struct vrrp_native *n, group_index_t group, int family,
				   uint8_t *ret_member)
{
	for (struct vrrp_unit *u = n->unit; u < n->unit + RK_GROUPS_MAX; u++) {
		int m = unit_member(u, group, family);

		if (m < 0)
			continue;
		*ret_member = (uint8_t)m;
		return u;
	}
	return NULL;
}

const struct vrrp_unit *vrrp_native_unit(const struct vrrp_native *n, group_index_t group,
					 uint8_t *ret_member)
{
	return unit_find((struct vrrp_native *)n, group, 0, ret_member);
}

/* ---- carrying out a plan ---- */

static void unit_gate(struct vrrp_native *n, struct vrrp_unit *u, boot_t until)
{
	u->open_until = until;
	for (size_t m = 0; m < u->count; m++)
		if (unit_first_of_group(u, m))
			n->ops->gate(n->ctx, u->key[m].group, until);
}

/* Active is told when the gate is open. Who gave way before, or could not send, has never been one for the
 * agent. */
static void unit_state(struct vrrp_native *n, struct vrrp_unit *u, boot_t now)
{
	enum vrrp_state state = u->fsm.state;

	if (state == u->told || (state == VRRP_ACTIVE && !boot_before(now, u->open_until)))
		return;
	u->told = state;
	for (size_t m = 0; m < u->count; m++)
		if (unit_first_of_group(u, m))
			n->ops->state(n->ctx, u->key[m].group, state, u->cause);
}

static void unit_announce(const struct vrrp_native *n, const struct vrrp_unit *u)
{
	for (size_t m = 0; m < u->count; m++)
		if (unit_first_of_group(u, m))
			n->ops->announce(n->ctx, u->key[m].group);
}

/* The gate holds back what has the virtual MAC until it is open, and it opens only when an advertisement has
 * left: so the first one leaves with the interface's own MAC, and so does the last one (priority 0). */
static int unit_send(const struct vrrp_native *n, const struct vrrp_unit *u, uint8_t priority, boot_t now)
{
	bool open = boot_before(now, u->open_until);
	int error = 0, e;

	for (size_t m = 0; m < u->count; m++) {
		e = vrrp_router_send(unit_router(n, u, m), priority, open,
				     &unit_group(n, u, m)->seen.counters);
		error = error ? error : e;
	}
	return error;
}

static void unit_do_gate(struct vrrp_native *n, struct vrrp_unit *u, const struct vrrp_plan *plan)
{
	if (plan->gate_shut)
		unit_gate(n, u, (boot_t){ 0 });
	if (plan->gate_deadline.ns)
		unit_gate(n, u, plan->gate_deadline);
}

/* `sent`: what the sending itself leads to. */
static void unit_do_send(struct vrrp_native *n, struct vrrp_unit *u, const struct vrrp_plan *plan, boot_t now,
			 struct vrrp_plan *ret_sent)
{
	const struct vrrp_event sent = { .type = VRRP_EVENT_SENT, .at = now, .sent_at = now };

	if (unit_send(n, u, plan->send_priority, now) < 0 || plan->send_priority == VRRP_PRIORITY_RELEASE)
		return;
	vrrp_fsm_step(&u->fsm, &sent, ret_sent);
	unit_do_gate(n, u, ret_sent);
}

/* The order of vrrp_fsm.h, but a state is told once the gate that belongs to it is open. */
static void unit_step(struct vrrp_native *n, struct vrrp_unit *u, const struct vrrp_event *ev)
{
	struct vrrp_plan plan, sent = { 0 };

	vrrp_fsm_step(&u->fsm, ev, &plan);
	unit_do_gate(n, u, &plan);
	if (plan.send)
		unit_do_send(n, u, &plan, ev->at, &sent);
	if (plan.changed || sent.changed)
		u->cause = sent.changed ? sent.cause : plan.cause;
	unit_state(n, u, ev->at);
	if (plan.announce || sent.announce)
		unit_announce(n, u);
}

/* ---- starting and stopping ---- */

static bool unit_able(const struct vrrp_native *n, const struct vrrp_unit *u)
{
	for (size_t m = 0; m < u->count; m++)
		if (!unit_group(n, u, m)->able || !vrrp_router_ready(unit_router(n, u, m)))
			return false;
	return true;
}

/* Did the agent say no, so that what the gate still holds must not stay? */
static bool unit_refused(const struct vrrp_native *n, const struct vrrp_unit *u)
{
	for (size_t m = 0; m < u->count; m++)
		if (unit_group(n, u, m)->asked && !unit_group(n, u, m)->able)
			return true;
	return false;
}

/* What the gates of all its groups held when the agent first asked; {0}: one of them was shut. Asked for
 * once. */
static boot_t unit_take_adoption(struct vrrp_native *n, struct vrrp_unit *u, boot_t now)
{
	boot_t until = BOOT_NEVER;
	bool some = false;

	for (size_t m = 0; m < u->count; m++) {
		struct vrrp_group *g = unit_group(n, u, m);

		if (!unit_first_of_group(u, m))
			continue;
		until = boot_min(until, g->adopt);
		some |= g->adopt.ns != 0;
		g->adopt = (boot_t){ 0 };
	}
	if (boot_before(now, until))
		return until;
	if (some)
		unit_gate(n, u, (boot_t){ 0 });
	return (boot_t){ 0 };
}

/* Begun by a reload, with gates that are open: it goes on with them, or resigns as it should. */
static bool unit_inherits(const struct vrrp_unit *u, boot_t now)
{
	return u->fsm.state == VRRP_INITIALIZE && boot_before(now, u->open_until);
}

static void unit_start(struct vrrp_native *n, struct vrrp_unit *u, boot_t now)
{
	struct vrrp_event ev = { .type = VRRP_EVENT_STARTUP, .at = now };

	ev.deadline = unit_take_adoption(n, u, now);
	if (unit_inherits(u, now))
		ev.deadline = u->open_until;
	unit_step(n, u, &ev);
}

static void unit_stop(struct vrrp_native *n, struct vrrp_unit *u, boot_t now)
{
	const struct vrrp_event ev = { .type = VRRP_EVENT_SHUTDOWN, .at = now };

	unit_step(n, u, &ev);
}

static uint8_t unit_priority(const struct vrrp_native *n, const struct vrrp_unit *u)
{
	uint8_t penalty = 0;

	if (u->fsm.config.priority == VRRP_PRIORITY_OWNER)
		return VRRP_PRIORITY_OWNER;
	for (size_t m = 0; m < u->count; m++)
		if (unit_group(n, u, m)->penalty > penalty)
			penalty = unit_group(n, u, m)->penalty;
	return penalty < u->fsm.config.priority ? u->fsm.config.priority - penalty : 1;
}

static void unit_settle(struct vrrp_native *n, struct vrrp_unit *u, boot_t now)
{
	const struct vrrp_event ev = { .type = VRRP_EVENT_PRIORITY,
				       .at = now,
				       .priority = unit_priority(n, u) };
	bool able = unit_able(n, u);

	for (uint8_t m = 0; m < u->count; m++)
		vrrp_fsm_own(&u->fsm, m, &unit_router(n, u, m)->place.from);
	if (unit_refused(n, u))
		(void)unit_take_adoption(n, u, BOOT_NEVER); /* shuts what is open */
	if (ev.priority != u->fsm.priority)
		unit_step(n, u, &ev);
	if ((able && u->fsm.state == VRRP_INITIALIZE) || unit_inherits(u, now))
		unit_start(n, u, now);
	if (!able && u->fsm.state != VRRP_INITIALIZE)
		unit_stop(n, u, now);
}

void vrrp_native_settle(struct vrrp_native *n, boot_t now)
{
	for (struct vrrp_unit *u = n->unit; u < n->unit + RK_GROUPS_MAX; u++)
		if (u->count)
			unit_settle(n, u, now);
}

/* ---- configuration ---- */

static void unit_take_group(struct vrrp_unit *u, const struct vrrp_group *g)
{
	for (size_t f = 0; f < VRRP_FAMILIES; f++) {
		const struct vrrp_router *r = &g->router[f];
		struct vrrp_unit_key *key = &u->key[u->count];

		if (!r->family)
			continue;
		*key = (struct vrrp_unit_key){ .group = g->config.group,
					       .vrid = r->vrid,
					       .version = r->version,
					       .family = (uint8_t)r->family };
		memcpy(key->device, g->config.device, strnlen(g->config.device, sizeof key->device));
		u->count++;
	}
}

static void config_join(struct vrrp_fsm_config *c, const struct vrrp_group_config *g)
{
	if (g->version < c->version)
		c->version = g->version;
	if (g->priority < c->priority)
		c->priority = g->priority;
	if (g->advert_ns < c->advert_ns)
		c->advert_ns = g->advert_ns;
	c->preempt &= g->preempt;
	if (g->preempt_delay_ns > c->preempt_delay_ns)
		c->preempt_delay_ns = g->preempt_delay_ns;
	if (g->clock_error_ppm > c->clock_error_ppm)
		c->clock_error_ppm = g->clock_error_ppm;
}

static struct vrrp_fsm_config unit_config(const struct vrrp_unit *u, const struct vrrp_group *groups)
{
	struct vrrp_fsm_config c = { .version = UINT8_MAX,
				     .priority = VRRP_PRIORITY_OWNER,
				     .advert_ns = INT64_MAX,
				     .preempt = true,
				     .members_count = u->count };

	for (size_t m = 0; m < u->count; m++)
		config_join(&c, &groups[u->key[m].group].config);
	return c;
}

/* The unit with the index of its first group: a group's own, or that of the first with its sync number. */
static size_t unit_index(const struct vrrp_group *groups, size_t group)
{
	for (size_t i = 0; i < group; i++)
		if (groups[i].used && groups[i].config.mode == VRRP_NATIVE && groups[i].config.sync &&
		    groups[i].config.sync == groups[group].config.sync)
			return i;
	return group;
}

static void units_build(const struct vrrp_group *groups, struct vrrp_unit ret[RK_GROUPS_MAX])
{
	memset(ret, 0, RK_GROUPS_MAX * sizeof *ret);
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (groups[i].used && groups[i].config.mode == VRRP_NATIVE)
			unit_take_group(&ret[unit_index(groups, i)], &groups[i]);
}

static bool unit_same(const struct vrrp_unit *a, const struct vrrp_unit *b)
{
	return a->count == b->count && !memcmp(a->key, b->key, a->count * sizeof a->key[0]);
}

/* Has the group kept at least one virtual router? One with another VRID, or on another device, says nothing
 * about who is Active there. */
static bool unit_shares(const struct vrrp_unit *old, const struct vrrp_unit *fresh, group_index_t group)
{
	for (size_t i = 0; i < old->count; i++)
		for (size_t j = 0; old->key[i].group == group && j < fresh->count; j++)
			if (!memcmp(&old->key[i], &fresh->key[j], sizeof old->key[i]))
				return true;
	return false;
}

/* What its groups' gates hold now, if all of them are open. */
static boot_t unit_heritage(const struct vrrp_native *n, const struct vrrp_unit *fresh)
{
	boot_t until = BOOT_NEVER;

	for (size_t m = 0; m < fresh->count; m++) {
		uint8_t member;
		const struct vrrp_unit *old = vrrp_native_unit(n, fresh->key[m].group, &member);

		if (!old || old->fsm.state != VRRP_ACTIVE || !unit_shares(old, fresh, fresh->key[m].group))
			return (boot_t){ 0 };
		until = boot_min(until, old->open_until);
	}
	return until;
}

/* Would every group of it go on in a unit that is open? */
static bool unit_lives_on(const struct vrrp_native *n, const struct vrrp_unit *old,
			  const struct vrrp_unit *fresh)
{
	for (size_t m = 0; m < old->count; m++) {
		bool heir = false;

		for (size_t i = 0; i < RK_GROUPS_MAX; i++)
			heir |= unit_member(&fresh[i], old->key[m].group, 0) >= 0 &&
				unit_heritage(n, &fresh[i]).ns;
		if (!heir)
			return false;
	}
	return true;
}

/* A virtual router that the heirs do not have any more resigns for good. */
static void unit_leave_routers(const struct vrrp_native *n, const struct vrrp_unit *old,
			       const struct vrrp_group *next)
{
	for (size_t m = 0; m < old->count; m++) {
		struct vrrp_group *g = unit_group(n, old, m);
		struct vrrp_router *r = unit_router(n, old, m);
		const struct vrrp_group *heir = &next[old->key[m].group];

		if (!vrrp_router_same(r, g->config.device, &heir->router[family_slot(r->family)],
				      heir->config.device))
			(void)vrrp_router_send(r, VRRP_PRIORITY_RELEASE, false, &g->seen.counters);
	}
}

static void unit_end(struct vrrp_native *n, struct vrrp_unit *u, const struct vrrp_unit *fresh,
		     const struct vrrp_group *next, boot_t now)
{
	if (!u->count || unit_same(u, &fresh[u - n->unit]))
		return;
	if (u->fsm.state == VRRP_ACTIVE && unit_lives_on(n, u, fresh))
		unit_leave_routers(n, u, next);
	else if (u->fsm.state != VRRP_INITIALIZE)
		unit_stop(n, u, now);
}

/* An heir finds the gates open, like the agent that adopts. */
static void unit_begin(struct vrrp_native *n, struct vrrp_unit *u, const struct vrrp_group *next,
		       size_t index)
{
	const struct vrrp_fsm_config config = unit_config(u, next);
	struct vrrp_unit *old = &n->unit[index];

	if (unit_same(u, old)) {
		u->fsm = old->fsm;
		u->open_until = old->open_until;
		u->told = old->told;
		u->cause = old->cause;
		vrrp_fsm_configure(&u->fsm, &config);
		return;
	}
	vrrp_fsm_init(&u->fsm, &config);
	u->open_until = unit_heritage(n, u);
}

void vrrp_native_replace(struct vrrp_native *n, const struct vrrp_group *next, boot_t now)
{
	struct vrrp_unit fresh[RK_GROUPS_MAX];

	units_build(next, fresh);
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		unit_end(n, &n->unit[i], fresh, next, now);
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (fresh[i].count)
			unit_begin(n, &fresh[i], next, i);
	memcpy(n->unit, fresh, sizeof fresh);
}

/* ---- events ---- */

void vrrp_native_heard(struct vrrp_native *n, const struct vrrp_group *g, const struct vrrp_router *r,
		       const struct vrrp_advert *a, boot_t now)
{
	struct vrrp_event ev = {
		.type = VRRP_EVENT_ADVERT,
		.at = now,
		.advert = { .priority = a->priority, .interval_ns = a->interval_ns, .from = a->from }
	};
	struct vrrp_unit *u = unit_find(n, g->config.group, r->family, &ev.member);

	if (u)
		unit_step(n, u, &ev);
}

boot_t vrrp_native_next(const struct vrrp_native *n)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (n->unit[i].count)
			next = boot_min(next, vrrp_fsm_next(&n->unit[i].fsm));
	return next;
}

void vrrp_native_tick(struct vrrp_native *n, boot_t now)
{
	const struct vrrp_event ev = { .type = VRRP_EVENT_TICK, .at = now };

	for (struct vrrp_unit *u = n->unit; u < n->unit + RK_GROUPS_MAX; u++)
		if (u->count && !boot_before(now, vrrp_fsm_next(&u->fsm)))
			unit_step(n, u, &ev);
}

int vrrp_native_yield(struct vrrp_native *n, group_index_t group, boot_t now)
{
	const struct vrrp_event ev = { .type = VRRP_EVENT_YIELD, .at = now };
	uint8_t member;
	struct vrrp_unit *u = unit_find(n, group, 0, &member);

	if (!u || u->fsm.state != VRRP_ACTIVE)
		return -EAGAIN;
	unit_step(n, u, &ev);
	return 0;
}
