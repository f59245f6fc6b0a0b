/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verify.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

static void verifier_answer(struct verifier *v, group_index_t group, int error)
{
	const struct vip_verdict verdict = { .group = group, .error = error };

	v->group[group].active = false;
	v->ops->verified(v->ctx, &verdict);
}

static void question(const struct address_entry *e, const struct link_info *link, const struct ip_address *v4,
		     const struct ip_address *v6, struct announce_frame *ret)
{
	ret->ifindex = link->ifindex;
	if (e->va.ip.family == AF_INET)
		announce_ask_arp(&e->va.ip, v4, &link->mac, ret);
	else
		announce_ask_ns(&e->va.ip, v6, &link->mac, ret);
}

struct questions {
	struct verifier *v;
	const struct link_info *link;
	struct ip_address v4; /* the node's own, to ask from */
	struct ip_address v6;
	struct announce_frame frame[ANNOUNCE_BATCH];
	size_t count;
	size_t sent;
	int error;
};

static void questions_flush(struct questions *q)
{
	int r;

	if (!q->count)
		return;
	r = announcer_send(q->v->announcer, q->frame, q->count, &q->sent);
	q->error = q->error ? q->error : r;
	q->count = 0;
}

/* All addresses of a group are on one interface, or on one per family if they have virtual MACs. There the
 * node has no address of its own. */
static int questions_prepare(struct questions *q, const struct address_entry *e)
{
	if (q->link && q->link->ifindex == e->ifindex)
		return 0;
	q->v4 = q->v6 = (struct ip_address){ 0 };
	q->link = e->ifindex ? vip_links_find(q->v->addresses->links, e->ifindex) : NULL;
	if (!q->link || !q->link->ethernet)
		return q->link ? -EAFNOSUPPORT : -ENODEV;
	if (q->link->base)
		return 0;
	return address_table_own(q->v->addresses, e->ifindex, &q->v4, &q->v6);
}

static int verifier_ask(struct verifier *v, group_index_t group)
{
	struct questions q = { .v = v };

	for (size_t i = 0; i < v->addresses->count; i++) {
		const struct address_entry *e = &v->addresses->entry[i];
		int r;

		if (e->va.group != group)
			continue;
		r = questions_prepare(&q, e);
		if (r < 0)
			return r;
		question(e, q.link, &q.v4, &q.v6, &q.frame[q.count++]);
		if (q.count == ANNOUNCE_BATCH)
			questions_flush(&q);
	}
	questions_flush(&q);
	return q.error;
}

static void group_step(struct verifier *v, group_index_t group, boot_t now)
{
	struct verify_group *g = &v->group[group];
	int r;

	if (g->rounds == VERIFY_ROUNDS) {
		verifier_answer(v, group, 0);
		return;
	}
	r = verifier_ask(v, group);
	if (r < 0) {
		verifier_answer(v, group, r);
		return;
	}
	g->rounds++;
	g->next = boot_add(now, VERIFY_ROUND_NS);
}

void verifier_start(struct verifier *v, group_index_t group, boot_t now)
{
	assert(group < RK_GROUPS_MAX);
	v->group[group] = (struct verify_group){ .active = true };
	group_step(v, group, now);
}

void verifier_claimed(struct verifier *v, const struct virtual_address *va, const struct mac_address *mac)
{
	const struct vip_verdict verdict = {
		.group = va->group, .error = -EADDRINUSE, .ip = va->ip, .mac = *mac
	};

	if (!v->group[va->group].active)
		return;
	v->group[va->group].active = false;
	v->ops->verified(v->ctx, &verdict);
}

boot_t verifier_next(const struct verifier *v)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (v->group[i].active)
			next = boot_min(next, v->group[i].next);
	return next;
}

void verifier_tick(struct verifier *v, boot_t now)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		if (v->group[i].active && !boot_before(now, v->group[i].next))
			group_step(v, (group_index_t)i, now);
}
