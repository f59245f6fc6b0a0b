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

static const struct uplink_move_rule rules[] = {
	{ 600, UPLINK_MOVE_PBX_DEAD, 0, UPLINK_MOVE_STAY, false,
	  "the PBX is dead: that decides (R260), whatever the uplinks are" },
	{ 601, UPLINK_MOVE_LOCAL, 0, UPLINK_MOVE_STAY, false,
	  "another uplink of this node is better than the one in use: it switches by itself" },
	{ 602, UPLINK_MOVE_UNKNOWN, 0, UPLINK_MOVE_STAY, false,
	  "not known yet how good the uplinks are, or none is configured: stay" },
	{ 610, UPLINK_MOVE_LOST | UPLINK_MOVE_BETTER, UPLINK_MOVE_SETTLED, UPLINK_MOVE_HOLD, false,
	  "no path here and another node has one: a moment, to see whether the cause is shared" },
	{ 611, UPLINK_MOVE_LOST | UPLINK_MOVE_BETTER | UPLINK_MOVE_FROZEN, 0, UPLINK_MOVE_HOLD, true,
	  "no path here and another node has one, but the group was moved too often lately: frozen" },
	{ 612, UPLINK_MOVE_LOST | UPLINK_MOVE_BETTER, 0, UPLINK_MOVE_GO, false,
	  "no path here and another node has one: hand over" },
	{ 613, UPLINK_MOVE_LOST | UPLINK_MOVE_SHARED, 0, UPLINK_MOVE_HOLD, true,
	  "no path here, and what failed here failed on another node at the same time: the cause is shared" },
	{ 614, UPLINK_MOVE_LOST | UPLINK_MOVE_STALE, 0, UPLINK_MOVE_HOLD, true,
	  "no path here, and another node has not said lately how its uplinks are: hold" },
	{ 615, UPLINK_MOVE_LOST, 0, UPLINK_MOVE_HOLD, true,
	  "no path here and none on another node: hold, calls inside go on" },
	{ 620, UPLINK_MOVE_DEGRADED | UPLINK_MOVE_BETTER, UPLINK_MOVE_IDLE, UPLINK_MOVE_HOLD, false,
	  "degraded here and another node is good, but calls are up: when none is" },
	{ 621, UPLINK_MOVE_DEGRADED | UPLINK_MOVE_BETTER, UPLINK_MOVE_SETTLED, UPLINK_MOVE_HOLD, false,
	  "degraded here and another node is good: a moment, to see whether it lasts" },
	{ 622, UPLINK_MOVE_DEGRADED | UPLINK_MOVE_BETTER | UPLINK_MOVE_FROZEN, 0, UPLINK_MOVE_HOLD, true,
	  "degraded here and another node is good, but the group was moved too often lately: frozen" },
	{ 623, UPLINK_MOVE_DEGRADED | UPLINK_MOVE_BETTER, 0, UPLINK_MOVE_GO, false,
	  "degraded here, another node is good and no call is up: hand over" },
	{ 630, 0, 0, UPLINK_MOVE_STAY, false, "no other node has better uplinks: stay" },
};

#define RULES_COUNT (sizeof rules / sizeof rules[0])

const struct uplink_move_rule *uplink_move_table(size_t *ret_count)
{
	*ret_count = RULES_COUNT;
	return rules;
}

static const struct uplink_move_rule *rules_first(uint32_t facts)
{
	for (size_t i = 0; i < RULES_COUNT; i++)
		if ((facts & rules[i].when) == rules[i].when && !(facts & rules[i].unless))
			return &rules[i];
	assert(!"a row with no conditions ends the table");
	return NULL;
}

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

static uint32_t class_facts(enum uplink_class c)
{
	switch (c) {
	case UPLINK_UNKNOWN:
		return UPLINK_MOVE_UNKNOWN;
	case UPLINK_BAD:
		return UPLINK_MOVE_LOST;
	case UPLINK_DEGRADED:
		return UPLINK_MOVE_DEGRADED;
	case UPLINK_GOOD:
		break;
	}
	return 0;
}

void uplink_move_decide(const struct uplink_move_facts *f, const struct uplink_move_policy *p, boot_t now,
			struct uplink_move *ret)
{
	const struct uplink_move_node *better = better_node(f);
	uint32_t facts = class_facts(uplink_move_class(&f->self));

	if (f->self.pbx_dead)
		facts |= UPLINK_MOVE_PBX_DEAD;
	if (helps_itself(&f->self))
		facts |= UPLINK_MOVE_LOCAL;
	if (better)
		facts |= UPLINK_MOVE_BETTER;
	if (better && settled(f, p, better, now))
		facts |= UPLINK_MOVE_SETTLED;
	if (frozen(f, p, now))
		facts |= UPLINK_MOVE_FROZEN;
	if (f->calls == 0 || !UPLINK_RULE(MOVE_CALLS))
		facts |= UPLINK_MOVE_IDLE;
	if (cause_shared(f, p->together_ns))
		facts |= UPLINK_MOVE_SHARED;
	if (somebody_stale(f))
		facts |= UPLINK_MOVE_STALE;
	*ret = (struct uplink_move){ .rule = rules_first(facts), .facts = facts };
	ret->action = ret->rule->action;
	ret->to = ret->action == UPLINK_MOVE_GO ? better->node : NODE_NONE;
}
