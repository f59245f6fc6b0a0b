/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_move.h"

#include "uplink_rule.h"

#include <assert.h>

const struct uplink_move_policy uplink_move_policy_default = {
	.settle_ns = 3 * NS_PER_S,
	.together_ns = 3 * NS_PER_S,
	.moves_max = 2,
	.moves_span_ns = 600 * NS_PER_S,
};

/* ---- classes ---- */

/* From worst to best. UNKNOWN is not above BAD here: nobody moves to what nobody knows. */
static int class_order(enum uplink_class c)
{
	switch (c) {
	case UPLINK_GOOD:
		return 2;
	case UPLINK_DEGRADED:
		return 1;
	case UPLINK_UNKNOWN:
	case UPLINK_BAD:
		break;
	}
	return 0;
}

enum uplink_class uplink_move_class(const struct uplink_move_node *n)
{
	enum uplink_class best = UPLINK_BAD;
	bool unknown = n->count == 0;

	for (int i = 0; i < n->count; i++) {
		enum uplink_class c = n->uplink[i].class;

		unknown |= c == UPLINK_UNKNOWN;
		if (class_order(c) > class_order(best))
			best = c;
	}
	return best == UPLINK_BAD && unknown ? UPLINK_UNKNOWN : best;
}

/* The local loop has something better: it is faster and disturbs fewer. */
static bool helps_itself(const struct uplink_move_node *n)
{
	int in_use = n->in_use >= 0 && n->in_use < n->count ? class_order(n->uplink[n->in_use].class) : 0;

	for (int i = 0; i < n->count; i++)
		if (class_order(n->uplink[i].class) > in_use)
			return UPLINK_RULE(LOCAL_FIRST);
	return false;
}

/* The latest change of any of them. */
static boot_t node_since(const struct uplink_move_node *n)
{
	boot_t latest = { 0 };

	for (int i = 0; i < n->count; i++)
		latest = boot_max(latest, n->uplink[i].since);
	return latest;
}

/* ---- other nodes ---- */

static bool may_take(const struct uplink_move_node *n)
{
	return (n->fit || !UPLINK_RULE(FIT)) && (n->fresh || !UPLINK_RULE(FRESH)) &&
	       (!n->pbx_dead || !UPLINK_RULE(PBX));
}

/* The first one with the best class that is strictly better than ours; NULL: none. */
static const struct uplink_move_node *better_node(const struct uplink_move_facts *f)
{
	int best = class_order(uplink_move_class(&f->self));
	const struct uplink_move_node *node = NULL;

	if (!UPLINK_RULE(MOVE_STRICTLY_BETTER))
		best--;
	for (int i = 0; i < f->others_count; i++) {
		int order = class_order(uplink_move_class(&f->other[i]));

		if (order <= best || !may_take(&f->other[i]))
			continue;
		best = order;
		node = &f->other[i];
	}
	return node;
}

/* What was so on both nodes for long enough, and was said by the other after it could have seen what we see.
 * Else the two may be about to say the same. */
static bool settled(const struct uplink_move_facts *f, const struct uplink_move_policy *p,
		    const struct uplink_move_node *other, boot_t now)
{
	boot_t self = node_since(&f->self);

	if (boot_diff_ns(self, now) < p->settle_ns && UPLINK_RULE(SETTLE))
		return false;
	if (boot_diff_ns(self, other->seen) < p->together_ns && UPLINK_RULE(SEEN_AFTER))
		return false;
	return boot_diff_ns(node_since(other), now) >= p->together_ns || !UPLINK_RULE(OTHER_SETTLED);
}

static bool link_shared(const struct uplink_move_link *l, const struct uplink_move_node *other,
			int64_t together_ns)
{
	for (int i = 0; i < other->count; i++) {
		const struct uplink_move_link *o = &other->uplink[i];
		int64_t apart = boot_diff_ns(l->since, o->since);

		if (o->isp == l->isp && o->class == UPLINK_BAD && apart <= together_ns &&
		    apart >= -together_ns)
			return true;
	}
	return false;
}

/* Each uplink that is bad here went bad elsewhere at the same time. */
static bool cause_shared(const struct uplink_move_facts *f, int64_t together_ns)
{
	int shared = 0, bad = 0;

	for (int i = 0; i < f->self.count; i++) {
		bool found = false;

		if (f->self.uplink[i].class != UPLINK_BAD)
			continue;
		bad++;
		for (int k = 0; k < f->others_count && !found; k++)
			found = link_shared(&f->self.uplink[i], &f->other[k], together_ns);
		shared += found;
	}
	return bad > 0 && shared == bad;
}

static bool somebody_stale(const struct uplink_move_facts *f)
{
	for (int i = 0; i < f->others_count; i++)
		if (f->other[i].fit && !f->other[i].fresh)
			return true;
	return false;
}

static bool frozen(const struct uplink_move_facts *f, const struct uplink_move_policy *p, boot_t now)
{
	int recent = 0;

	assert(f->moves_count <= sizeof f->moved_at / sizeof f->moved_at[0]);
	for (int i = 0; i < f->moves_count; i++)
		recent += boot_diff_ns(f->moved_at[i], now) < p->moves_span_ns;
	return recent >= p->moves_max && UPLINK_RULE(FREEZE);
}

/* None: a dead PBX decides by itself (R260), a node whose next uplink is better switches by itself, and
 * nobody moves because of what is not known. */
static uint32_t own_facts(const struct uplink_move_node *self)
{
	if (self->pbx_dead || helps_itself(self))
		return 0;
	switch (uplink_move_class(self)) {
	case UPLINK_BAD:
		return FACT_UPLINK_LOST;
	case UPLINK_DEGRADED:
		return FACT_UPLINK_DEGRADED;
	case UPLINK_UNKNOWN:
	case UPLINK_GOOD:
		break;
	}
	return 0;
}

void uplink_move_look(const struct uplink_move_facts *f, const struct uplink_move_policy *p, boot_t now,
		      struct uplink_move *ret)
{
	const struct uplink_move_node *better = better_node(f);
	uint32_t facts = own_facts(&f->self);

	*ret = (struct uplink_move){ .to = NODE_NONE };
	if (!facts)
		return;
	if (better)
		facts |= FACT_UPLINK_BETTER;
	if (better && settled(f, p, better, now))
		facts |= FACT_UPLINK_SETTLED;
	if (frozen(f, p, now))
		facts |= FACT_UPLINK_FROZEN;
	if (f->calls == 0 || !UPLINK_RULE(MOVE_CALLS))
		facts |= FACT_UPLINK_IDLE;
	if (cause_shared(f, p->together_ns))
		facts |= FACT_UPLINK_SHARED;
	if (somebody_stale(f))
		facts |= FACT_UPLINK_STALE;
	*ret = (struct uplink_move){ .facts = facts, .to = better ? better->node : NODE_NONE };
}
