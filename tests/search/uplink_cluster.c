/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two nodes. The rows of the core decide about a dead PBX and, by what uplink_move finds, about uplinks, each
 * node's own choice about which of them it uses.
 */
#include <stdio.h>

#include "rules.h"
#include "uplink_choice.h"
#include "uplink_explore.h"
#include "uplink_move.h"

#define DAY_S 86400
#define NOW   ((boot_t){ 400LL * DAY_S * NS_PER_S })

/* So that each of the times matters by itself. */
static const struct uplink_move_policy move_policy = {
	.settle_ns = 5 * NS_PER_S,
	.together_ns = 3 * NS_PER_S,
	.moves_max = 2,
	.moves_span_ns = 600 * NS_PER_S,
};

enum age { AGE_OLD, AGE_SELF_YOUNG, AGE_OTHER_YOUNG, AGE_SEEN_BEFORE, AGES };

struct cluster {
	enum uplink_grade grade[2][2];
	int in_use[2];
	bool pbx_dead[2];
	bool fit, fresh; /* the node that does not hold */
	int calls;	 /* 0, some, unknown */
	enum age age;
	int moves;  /* lately */
	int holder; /* 0 at the start: nodes differ by nothing but this */
	int ticks;  /* since the start: how old is old */
};

static uint32_t calls_of(int n)
{
	return n == 2 ? UINT32_MAX : (uint32_t)(3 * n);
}

static enum uplink_class class_of(const struct cluster *w, int node)
{
	enum uplink_class best = UPLINK_BAD;
	bool unknown = false;

	for (int i = 0; i < 2; i++) {
		enum uplink_class c = uplink_grade_class(w->grade[node][i]);

		unknown |= c == UPLINK_UNKNOWN;
		if (c == UPLINK_GOOD || (c == UPLINK_DEGRADED && best == UPLINK_BAD))
			best = c;
	}
	return best == UPLINK_BAD && unknown ? UPLINK_UNKNOWN : best;
}

static int order_of(enum uplink_class c)
{
	return c == UPLINK_GOOD ? 2 : c == UPLINK_DEGRADED;
}

static void node_facts_set(const struct cluster *w, int node, struct uplink_move_node *ret)
{
	bool self = node == w->holder;
	enum age young = self ? AGE_SELF_YOUNG : AGE_OTHER_YOUNG;
	int64_t age_s = w->age == young ? (self ? 4 : 2) : w->age == AGE_SEEN_BEFORE && self ? 6 : DAY_S;

	*ret = (struct uplink_move_node){
		.node = (node_id_t)(node + 1),
		.fit = w->fit,
		.fresh = w->fresh,
		.seen = boot_add(NOW, w->age == AGE_SEEN_BEFORE ? -4 * NS_PER_S : 0),
		.pbx_dead = w->pbx_dead[node],
		.count = 2,
		.in_use = (int8_t)w->in_use[node],
	};
	for (int i = 0; i < 2; i++)
		ret->uplink[i] = (struct uplink_move_link){
			.isp = (uint32_t)i,
			.class = uplink_grade_class(w->grade[node][i]),
			.since = boot_add(NOW, -age_s * NS_PER_S),
		};
}

/* ---- the three things that can happen ---- */

static bool may_switch(const struct cluster *w, int node, int *ret_to)
{
	struct uplink_choice c;
	struct uplink_facts f = { .count = 2, .calls = node == w->holder ? calls_of(w->calls) : 0 };
	struct uplink_decision d;

	for (int i = 0; i < 2; i++)
		f.uplink[i] = (struct uplink_fact){ .grade = w->grade[node][i], .preference = (uint8_t)i };
	uplink_choice_init(&c, &uplink_choice_policy_default, (int8_t)w->in_use[node], NOW);
	c.worse_since = c.back_since = boot_add(NOW, -DAY_S * NS_PER_S);
	c.back_to = 0;
	uplink_choice_step(&c, &f, NOW, &d);
	*ret_to = d.to;
	return d.action == UPLINK_SWITCH || d.action == UPLINK_DRAIN;
}

static bool may_move_for_pbx(const struct cluster *w)
{
	bool successor = w->fit && !w->pbx_dead[!w->holder];
	uint32_t facts = FACT_HOLDING | (successor ? FACT_SUCCESSOR : 0) |
			 (w->pbx_dead[w->holder] ? FACT_PBX_DEAD : 0);

	return rules_match(facts)->goal == GOAL_HAND_OVER;
}

static bool may_move_for_uplinks(const struct cluster *w)
{
	struct uplink_move_facts f = { .others_count = 1, .calls = calls_of(w->calls) };
	struct uplink_move m;

	node_facts_set(w, w->holder, &f.self);
	node_facts_set(w, !w->holder, &f.other[0]);
	for (int i = 0; i < w->moves; i++)
		f.moved_at[f.moves_count++] = boot_add(NOW, -NS_PER_S);
	uplink_move_look(&f, &move_policy, NOW, &m);
	return rules_match(FACT_HOLDING | m.facts)->cause == CAUSE_UPLINK;
}

/* ---- what a move must not be ---- */

static const char *check_move(const struct cluster *w)
{
	int self = w->holder, other = !w->holder, used = w->in_use[self];
	enum uplink_class here = class_of(w, self), there = class_of(w, other);
	int unused = order_of(uplink_grade_class(w->grade[self][!used]));

	if (order_of(there) <= order_of(here))
		return "U1: moved to a node that is not better";
	if (!w->fresh || !w->fit)
		return "U2: moved to a node whose report is old, or that cannot get the lease";
	if (w->pbx_dead[other])
		return "U3: moved to a node with a dead PBX";
	if (here == UPLINK_DEGRADED && w->calls != 0)
		return "U4: moved from degraded to good with calls up";
	if (unused > order_of(uplink_grade_class(w->grade[self][used])))
		return "U5: moved, and an uplink that is not in use is better here";
	if (order_of(there) == 0)
		return "U6: moved to a node without a path";
	if (w->age != AGE_OLD)
		return "(l) moved before it has settled";
	return w->moves >= 2 ? "(m) moved too often" : NULL;
}

/* Nothing more is to be done, and nothing stands in the way of it. */
static const char *check_end(const struct cluster *w)
{
	enum uplink_class here = class_of(w, w->holder), there = class_of(w, !w->holder);

	if (!w->fit || w->pbx_dead[!w->holder])
		return NULL;
	if (w->pbx_dead[w->holder])
		return "(n) stays on a node with a dead PBX";
	if (!w->fresh || w->age != AGE_OLD || w->moves >= 2)
		return NULL;
	/* What is not known is known a moment later: that it stays so is only here. */
	if (w->grade[w->holder][0] == UPLINK_GRADE_UNKNOWN || w->grade[w->holder][1] == UPLINK_GRADE_UNKNOWN)
		return NULL;
	if (order_of(there) > order_of(here) && (here == UPLINK_BAD || w->calls == 0))
		return "(o) stays on a node, and another is better";
	return NULL;
}

static const char *cluster_play(const struct cluster *w, int depth, struct uplink_explored *e);

static const char *after(const struct cluster *next, int depth, struct uplink_explored *e)
{
	e->actions++;
	if (depth + 1 > UPLINK_ACTIONS_MAX)
		return "(k) does not come to an end";
	if (depth + 1 > e->longest)
		e->longest = depth + 1;
	return cluster_play(next, depth + 1, e);
}

static const char *after_move(const struct cluster *w, int depth, struct uplink_explored *e)
{
	struct cluster next = *w;

	next.holder = !w->holder;
	next.moves++;
	return after(&next, depth, e);
}

/* Whoever may act does so first. */
static const char *cluster_play(const struct cluster *w, int depth, struct uplink_explored *e)
{
	const char *v = NULL;
	bool acted = false;
	int to;

	for (int node = 0; node < 2 && !v; node++)
		if (may_switch(w, node, &to)) {
			struct cluster next = *w;

			acted = true;
			next.in_use[node] = to;
			v = after(&next, depth, e);
		}
	if (!v && may_move_for_pbx(w)) {
		acted = true;
		v = !w->fit || w->pbx_dead[!w->holder] ? "U3: moved to a node that cannot"
						       : after_move(w, depth, e);
	} else if (!v && may_move_for_uplinks(w)) {
		acted = true;
		v = check_move(w);
		if (!v)
			v = after_move(w, depth, e);
	}
	return v || acted ? v : check_end(w);
}

static int digit(uint64_t *n, int count)
{
	int d = (int)(*n % (uint64_t)count);

	*n /= (uint64_t)count;
	return d;
}

static bool cluster_make(uint64_t n, struct cluster *ret)
{
	*ret = (struct cluster){ 0 };
	for (int i = 0; i < 4; i++)
		ret->grade[i / 2][i % 2] = (enum uplink_grade)digit(&n, UPLINK_GRADES_COUNT);
	ret->in_use[0] = digit(&n, 2);
	ret->in_use[1] = digit(&n, 2);
	ret->pbx_dead[0] = digit(&n, 2);
	ret->pbx_dead[1] = digit(&n, 2);
	ret->calls = digit(&n, 3);
	ret->fit = !digit(&n, 2);
	ret->fresh = !digit(&n, 2);
	ret->age = (enum age)digit(&n, AGES);
	ret->moves = 2 * digit(&n, 2);
	return n == 0;
}

static void cluster_print(const struct cluster *w, char *buf, size_t size)
{
	(void)snprintf(
		buf, size,
		"holder %s/%s uses %d, PBX %s; other %s/%s uses %d, PBX %s, fit %d fresh %d; calls %d, "
		"age %d, moves %d",
		uplink_grade_name(w->grade[0][0]), uplink_grade_name(w->grade[0][1]), w->in_use[0],
		w->pbx_dead[0] ? "dead" : "alive", uplink_grade_name(w->grade[1][0]),
		uplink_grade_name(w->grade[1][1]), w->in_use[1], w->pbx_dead[1] ? "dead" : "alive", w->fit,
		w->fresh, w->calls, w->age, w->moves);
}

void uplink_explore_cluster(uint32_t every, struct uplink_explored *ret)
{
	struct cluster w;

	*ret = (struct uplink_explored){ 0 };
	for (uint64_t n = 0; cluster_make(n, &w) && !ret->violation; n += every) {
		ret->states++;
		ret->violation = cluster_play(&w, 0, ret);
		if (ret->violation)
			cluster_print(&w, ret->state, sizeof ret->state);
	}
}

/* ---- the same change on both nodes ---- */

#define TOGETHER_STEP_MS 100
#define TOGETHER_END_MS	 15000

struct together {
	enum uplink_class before[2], after[2];
	int offset_ms[2]; /* of the other node, per ISP */
	int lag_ms;	  /* of its report */
	uint32_t calls;
};

static const int offsets_ms[] = { -2900, -1500, -200, 0, 200, 1500, 2900 };
#define OFFSETS (sizeof offsets_ms / sizeof offsets_ms[0])

static boot_t at_ms(int ms)
{
	return boot_add(NOW, ms * NS_PER_MS);
}

/* As the node is at `ms`; the change comes at 5,000, plus the offset. */
static void together_node(const struct together *t, bool other, int ms, struct uplink_move_node *ret)
{
	*ret = (struct uplink_move_node){
		.node = other ? 2 : 1, .fit = true, .fresh = true, .seen = at_ms(ms), .count = 2
	};
	for (int i = 0; i < 2; i++) {
		int changes_ms = 5000 + (other ? t->offset_ms[i] : 0);
		bool changed = ms >= changes_ms && t->before[i] != t->after[i];

		ret->uplink[i] = (struct uplink_move_link){
			.isp = (uint32_t)i,
			.class = changed ? t->after[i] : t->before[i],
			.since = changed ? at_ms(changes_ms) : at_ms(-1000000),
		};
	}
	/* Its own choice has done what it can. */
	ret->in_use = order_of(ret->uplink[1].class) > order_of(ret->uplink[0].class);
}

static const char *together_play(const struct together *t, struct uplink_explored *e)
{
	for (int ms = 0; ms < TOGETHER_END_MS; ms += TOGETHER_STEP_MS) {
		struct uplink_move_facts f = { .others_count = 1, .calls = t->calls };
		struct uplink_move m;

		together_node(t, false, ms, &f.self);
		together_node(t, true, ms - t->lag_ms, &f.other[0]);
		uplink_move_look(&f, &uplink_move_policy_default, at_ms(ms), &m);
		if (rules_match(FACT_HOLDING | m.facts)->cause == CAUSE_UPLINK)
			return "U10: moved because of what happened to both";
	}
	e->states++;
	return NULL;
}

static bool together_make(uint64_t n, struct together *ret)
{
	static const int lags_ms[] = { 0, 500, 1000, 1900 };

	for (int i = 0; i < 2; i++) {
		ret->before[i] = (enum uplink_class)(UPLINK_GOOD + digit(&n, 3));
		ret->after[i] = (enum uplink_class)(UPLINK_GOOD + digit(&n, 3));
		ret->offset_ms[i] = offsets_ms[digit(&n, OFFSETS)];
	}
	ret->lag_ms = lags_ms[digit(&n, 4)];
	ret->calls = (uint32_t)digit(&n, 2);
	return n == 0;
}

void uplink_explore_together(uint32_t every, struct uplink_explored *ret)
{
	struct together t;

	*ret = (struct uplink_explored){ 0 };
	for (uint64_t n = 0; together_make(n, &t) && !ret->violation; n += every) {
		ret->violation = together_play(&t, ret);
		if (ret->violation)
			(void)snprintf(
				ret->state, sizeof ret->state,
				"before %s/%s, after %s/%s, the other %d/%d ms later, its report %d ms old",
				uplink_class_name(t.before[0]), uplink_class_name(t.before[1]),
				uplink_class_name(t.after[0]), uplink_class_name(t.after[1]), t.offset_ms[0],
				t.offset_ms[1], t.lag_ms);
	}
}
