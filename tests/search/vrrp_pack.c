/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_pack.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

boot_t vrrp_ticks_ahead(int ticks)
{
	return boot_add(VRRP_NOW, ticks * VRRP_TICK_NS);
}

uint8_t vrrp_ticks_until(boot_t t)
{
	int64_t n = boot_diff_ns(VRRP_NOW, t) / VRRP_TICK_NS;

	assert(n < VRRP_NONE);
	return n > 0 ? (uint8_t)n : 0;
}

static uint8_t ticks_since(boot_t t, int limit)
{
	int64_t n = boot_diff_ns(t, VRRP_NOW) / VRRP_TICK_NS;

	return n < limit ? (uint8_t)n : (uint8_t)limit;
}

uint8_t vrrp_interval(const struct vrrp_search_config *c, int router)
{
	return c->interval[router] ? c->interval[router] : VRRP_WORLD_TICKS;
}

struct ip_address vrrp_address(const struct vrrp_search_config *c, int router, int member)
{
	int host = member && c->crossed ? VRRP_WORLD_ROUTERS - router : router + 1;
	const uint8_t bytes[4] = { 10, 0, (uint8_t)member, (uint8_t)host };

	return ip_make(AF_INET, bytes);
}

static void unpack_member(const struct vrrp_search_config *c, int m, const struct vrrp_router_member *x,
			  struct vrrp_fsm_member *ret)
{
	ret->active_advert_ns = x->advert * VRRP_TICK_NS;
	ret->down_at = vrrp_ticks_ahead(x->down);
	ret->preempting = x->flags & VRRP_FLAG_PREEMPTING;
	if (x->heard_age == VRRP_NONE)
		return;
	ret->heard_at = vrrp_ticks_ahead(-x->heard_age);
	ret->heard_priority = x->heard_priority;
	ret->heard_from = vrrp_address(c, x->heard_from, m);
}

void vrrp_unpack(const struct vrrp_search_config *c, int router, const struct vrrp_router *r,
		 struct vrrp_fsm *ret)
{
	struct vrrp_fsm_config config = { .version = 3,
					  .priority = c->priority[router],
					  .advert_ns = vrrp_interval(c, router) * VRRP_TICK_NS,
					  .preempt = c->preempt,
					  .preempt_delay_ns = c->preempt_delay * VRRP_TICK_NS,
					  .members_count = c->members };

	vrrp_fsm_init(ret, &config);
	ret->state = (enum vrrp_state)r->state;
	ret->priority = r->priority;
	ret->yielded = r->flags & VRRP_FLAG_YIELDED;
	ret->advertised_at = r->flags & VRRP_FLAG_ADVERTISED ? VRRP_NOW : vrrp_ticks_ahead(-1);
	ret->adver_at = vrrp_ticks_ahead(r->adver);
	if (r->flags & VRRP_FLAG_GUARD)
		ret->open_at = boot_add(VRRP_NOW, VRRP_GUARD_NS);
	ret->active_at = vrrp_ticks_ahead(-r->active_age);
	if (r->lower != VRRP_NONE)
		ret->lower_since = vrrp_ticks_ahead(-r->lower);
	if (r->deadline != VRRP_NONE)
		ret->deadline = vrrp_ticks_ahead(r->deadline);
	for (int m = 0; m < c->members; m++) {
		ret->member[m].own = vrrp_address(c, router, m);
		unpack_member(c, m, &r->member[m], &ret->member[m]);
	}
}

static void pack_heard(const struct vrrp_search_config *c, const struct vrrp_fsm *f, int m,
		       struct vrrp_router_member *ret)
{
	const struct vrrp_fsm_member *x = &f->member[m];
	/* For a tie among members, and for who was about to preempt. */
	bool matters = x->heard_at.ns && (x->preempting || (c->members > 1 && f->state != VRRP_INITIALIZE));
	int limit = x->preempting ? VRRP_LONG : VRRP_WORLD_TICKS;

	ret->heard_age = VRRP_NONE;
	if (!matters || (ticks_since(x->heard_at, limit) == limit && !x->preempting))
		return;
	ret->heard_age = ticks_since(x->heard_at, limit);
	ret->heard_priority = x->heard_priority;
	while (memcmp(vrrp_address(c, ret->heard_from, m).bytes, x->heard_from.bytes, 4) != 0)
		ret->heard_from++;
}

static void pack_member(const struct vrrp_search_config *c, const struct vrrp_fsm *f, int m,
			struct vrrp_router_member *ret)
{
	const struct vrrp_fsm_member *x = &f->member[m];

	*ret = (struct vrrp_router_member){ 0 };
	ret->advert = (uint8_t)(x->active_advert_ns / VRRP_TICK_NS);
	pack_heard(c, f, m, ret);
	if (f->state != VRRP_BACKUP)
		return;
	ret->down = vrrp_ticks_until(x->down_at);
	ret->flags = x->preempting ? VRRP_FLAG_PREEMPTING : 0;
}

void vrrp_pack(const struct vrrp_search_config *c, int router, const struct vrrp_fsm *f,
	       struct vrrp_router *ret)
{
	bool active = f->state == VRRP_ACTIVE;

	ret->state = (uint8_t)f->state;
	ret->priority = f->priority;
	ret->flags = (uint8_t)((f->yielded ? VRRP_FLAG_YIELDED : 0) |
			       (active && f->open_at.ns ? VRRP_FLAG_GUARD : 0) |
			       (active && f->advertised_at.ns >= VRRP_NOW.ns ? VRRP_FLAG_ADVERTISED : 0));
	ret->adver = active ? vrrp_ticks_until(f->adver_at) : 0;
	ret->deadline = active && f->deadline.ns ? vrrp_ticks_until(f->deadline) : VRRP_NONE;
	ret->active_age = 0;
	if (active)
		ret->active_age = f->deadline.ns ? VRRP_LONG : ticks_since(f->active_at, VRRP_LONG);
	ret->lower = VRRP_NONE;
	if (f->state == VRRP_BACKUP && f->lower_since.ns && c->preempt_delay)
		ret->lower = ticks_since(f->lower_since, c->preempt_delay);
	for (int m = 0; m < c->members; m++)
		pack_member(c, f, m, &ret->member[m]);
}
