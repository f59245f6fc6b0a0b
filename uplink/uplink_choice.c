/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_choice.h"

#include "uplink_rule.h"

#include <assert.h>
#include <string.h>

#define BACK_SHIFT_MAX 5
#define BACK_RIGHT     4   /* a failback that lasts so many delays was right */
#define MOS_STEP_MILLI 200 /* MOS closer than this is the same */

const struct uplink_choice_policy uplink_choice_policy_default = {
	.failback = UPLINK_FAILBACK_IDLE,
	.failback_delay_ns = 300 * NS_PER_S,
	.max_wait_ns = 4 * 3600 * NS_PER_S,
	.confirm_ns = 10 * NS_PER_S,
	.hold_ns = 3 * NS_PER_S,
	.retry_ns = 30 * NS_PER_S,
	.budget_every_ns = 300 * NS_PER_S,
	.budget_burst = 6,
	.budget_reserve = 2,
	.drain = true,
};

/* ---- ranking ---- */

/* <0 if a is preferred by what was configured: preference, then metered, then cost. */
static int fact_preferred(const struct uplink_fact *a, const struct uplink_fact *b)
{
	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	if (a->metered != b->metered)
		return a->metered ? 1 : -1;
	if (a->cost != b->cost)
		return a->cost < b->cost ? -1 : 1;
	return 0;
}

/* <0 if a is better. Who is damped comes after everybody else: one that flaps is better than none. So does
 * who is in doubt; when that is the best, it is waited for. */
static int fact_compare(const struct uplink_fact *a, const struct uplink_fact *b)
{
	int order;

	if (a->damped != b->damped && UPLINK_RULE(DAMPED))
		return a->damped ? 1 : -1;
	if (a->doubted != b->doubted && UPLINK_RULE(DOUBT))
		return a->doubted ? 1 : -1;
	if (a->grade != b->grade && UPLINK_RULE(GRADE_FIRST))
		return a->grade > b->grade ? -1 : 1;
	order = fact_preferred(a, b);
	if (order != 0)
		return order;
	return (int)(b->mos_milli / MOS_STEP_MILLI) - (int)(a->mos_milli / MOS_STEP_MILLI);
}

/* What it can be compared with: where nothing is in use, nothing is worse. */
static enum uplink_grade active_grade(const struct uplink_choice *c, const struct uplink_facts *f)
{
	return c->active == UPLINK_ANY ? UPLINK_GRADE_NONE : f->uplink[c->active].grade;
}

/* The best of the others that is usable and better than the one in use, or UPLINK_ANY. */
static int8_t choice_best(const struct uplink_choice *c, const struct uplink_facts *f, boot_t now)
{
	enum uplink_grade active = active_grade(c, f);
	int8_t best = UPLINK_ANY;

	for (int8_t i = 0; i < f->count; i++) {
		const struct uplink_fact *u = &f->uplink[i];

		if (i == c->active || boot_before(now, c->barred_until[i]))
			continue;
		if (!uplink_grade_usable(u->grade) && UPLINK_RULE(NEVER_TO_DEAD))
			continue;
		if (u->grade <= active && UPLINK_RULE(STRICTLY_BETTER))
			continue;
		if (best == UPLINK_ANY || fact_compare(u, &f->uplink[best]) < 0)
			best = i;
	}
	return best;
}

/* The preferred one that has a route, whatever its grade: for a node that uses nothing yet. */
static int8_t choice_first(const struct uplink_choice *c, const struct uplink_facts *f, boot_t now)
{
	int8_t first = UPLINK_ANY;

	for (int8_t i = 0; i < f->count; i++) {
		if (f->uplink[i].grade == UPLINK_GRADE_NONE || boot_before(now, c->barred_until[i]))
			continue;
		if (first == UPLINK_ANY || fact_preferred(&f->uplink[i], &f->uplink[first]) < 0)
			first = i;
	}
	return first;
}

/* An equally good one that is preferred to the one in use. */
static int8_t choice_back(const struct uplink_choice *c, const struct uplink_facts *f, boot_t now)
{
	int8_t back = UPLINK_ANY;

	if (c->active == UPLINK_ANY)
		return UPLINK_ANY;
	for (int8_t i = 0; i < f->count; i++) {
		const struct uplink_fact *u = &f->uplink[i], *active = &f->uplink[c->active];

		if (i == c->active || u->damped || boot_before(now, c->barred_until[i]))
			continue;
		if (u->grade < active->grade && UPLINK_RULE(BACK_AS_GOOD))
			continue;
		if (!uplink_grade_usable(u->grade) || fact_preferred(u, active) >= 0)
			continue;
		if (back == UPLINK_ANY || fact_preferred(u, &f->uplink[back]) < 0)
			back = i;
	}
	return back;
}

/* ---- facts ---- */

struct choice_targets {
	int8_t best, back, first;
};

static bool since_for(boot_t since, int64_t ns, boot_t now)
{
	return since.ns != 0 && boot_diff_ns(since, now) >= ns;
}

static int64_t back_delay_ns(const struct uplink_choice *c)
{
	return c->policy->failback_delay_ns << c->back_shift;
}

static uint32_t pin_facts(const struct uplink_choice *c, const struct uplink_facts *f, boot_t now)
{
	uint32_t facts = UPLINK_FACT_PINNED;

	if (c->pinned == UPLINK_ANY || c->pinned >= f->count)
		return 0;
	if (c->pinned != c->active)
		facts |= UPLINK_FACT_PIN_ELSEWHERE;
	if (f->uplink[c->pinned].grade == UPLINK_GRADE_NONE)
		facts |= UPLINK_FACT_PIN_NO_ROUTE;
	if (boot_before(now, c->barred_until[c->pinned]))
		facts |= UPLINK_FACT_PIN_BARRED;
	return facts;
}

static uint32_t budget_facts(const struct uplink_choice *c, boot_t now)
{
	struct token_bucket spare = c->budget;
	uint32_t facts = 0;

	if (boot_before(now, token_bucket_next(&c->budget, now)) && UPLINK_RULE(BUDGET))
		facts |= UPLINK_FACT_SPENT;
	spare.burst -= c->policy->budget_reserve;
	if (boot_before(now, token_bucket_next(&spare, now)) && UPLINK_RULE(RESERVE))
		facts |= UPLINK_FACT_SCARCE;
	if (c->switched_at.ns != 0 && !since_for(c->switched_at, c->policy->hold_ns, now) &&
	    UPLINK_RULE(HOLD))
		facts |= UPLINK_FACT_EARLY;
	return facts;
}

static uint32_t grade_facts(struct uplink_choice *c, const struct uplink_facts *f, int8_t best, boot_t now)
{
	enum uplink_grade active = active_grade(c, f);
	bool better = best != UPLINK_ANY && (!f->uplink[best].damped || !UPLINK_RULE(DAMPED));
	uint32_t facts = best == UPLINK_ANY ? 0 : UPLINK_FACT_USABLE;

	if (active == UPLINK_GRADE_DEGRADED && better && c->worse_since.ns == 0)
		c->worse_since = now;
	else if (active != UPLINK_GRADE_DEGRADED || !better)
		c->worse_since = (boot_t){ 0 };
	if (better)
		facts |= UPLINK_FACT_BETTER;
	if (best != UPLINK_ANY && f->uplink[best].doubted && UPLINK_RULE(DOUBT))
		facts |= UPLINK_FACT_DOUBT;
	if (since_for(c->worse_since, c->policy->confirm_ns, now) || !UPLINK_RULE(CONFIRM))
		facts |= UPLINK_FACT_CONFIRMED;
	if (active == UPLINK_GRADE_DEGRADED)
		facts |= UPLINK_FACT_DEGRADED;
	else if (active == UPLINK_GRADE_UNKNOWN)
		facts |= UPLINK_FACT_UNKNOWN;
	else if (!uplink_grade_usable(active))
		facts |= UPLINK_FACT_DEAD;
	return facts;
}

static uint32_t back_facts(struct uplink_choice *c, const struct uplink_facts *f, int8_t back, boot_t now)
{
	const struct uplink_choice_policy *p = c->policy;
	uint32_t facts = UPLINK_FACT_BACK;

	if (back != c->back_to || back == UPLINK_ANY) {
		c->back_to = back;
		c->back_since = back == UPLINK_ANY ? (boot_t){ 0 } : now;
	}
	if (back == UPLINK_ANY)
		return 0;
	/* Its time goes on: doubt is of a moment. */
	if (f->uplink[back].doubted && UPLINK_RULE(BACK_DOUBT))
		facts |= UPLINK_FACT_BACK_DOUBT;
	if (p->failback == UPLINK_FAILBACK_MANUAL)
		facts |= UPLINK_FACT_BACK_BY_HAND;
	if (!since_for(c->back_since, back_delay_ns(c), now) && UPLINK_RULE(BACK_DELAY))
		facts |= UPLINK_FACT_BACK_YOUNG;
	if (p->failback == UPLINK_FAILBACK_WINDOW && !f->in_window)
		facts |= UPLINK_FACT_BACK_CLOSED;
	if (p->failback != UPLINK_FAILBACK_IDLE && since_for(c->back_since, p->max_wait_ns, now))
		facts |= UPLINK_FACT_BACK_WAITED;
	return facts;
}

static uint32_t drain_facts(const struct uplink_choice *c, const struct uplink_facts *f)
{
	if (c->draining == UPLINK_ANY)
		return c->policy->drain ? UPLINK_FACT_DRAINS : 0;
	if (f->calls_draining == 0)
		return UPLINK_FACT_DRAIN_DONE;
	if (!uplink_grade_usable(f->uplink[c->draining].grade) && uplink_grade_usable(active_grade(c, f)))
		return UPLINK_FACT_DRAIN_DEAD;
	return UPLINK_FACT_DRAINING;
}

static uint32_t choice_facts(struct uplink_choice *c, const struct uplink_facts *f, boot_t now,
			     struct choice_targets *ret)
{
	uint32_t facts;

	ret->best = choice_best(c, f, now);
	ret->back = choice_back(c, f, now);
	ret->first = choice_first(c, f, now);
	facts = pin_facts(c, f, now) | budget_facts(c, now) | grade_facts(c, f, ret->best, now) |
		back_facts(c, f, ret->back, now) | drain_facts(c, f);
	if (c->moving_to != UPLINK_ANY)
		facts |= UPLINK_FACT_MOVING;
	if (c->active == UPLINK_ANY)
		facts |= UPLINK_FACT_NOTHING;
	if (ret->first != UPLINK_ANY)
		facts |= UPLINK_FACT_ROUTE;
	if (f->calls == 0 || !UPLINK_RULE(CALLS))
		facts |= UPLINK_FACT_IDLE;
	return facts;
}

/* ---- deciding ---- */

static void again(struct uplink_decision *d, boot_t since, int64_t ns, boot_t now)
{
	boot_t at = boot_add(since, ns);

	if (since.ns != 0 && boot_before(now, at))
		d->again_at = boot_min(d->again_at, at);
}

static boot_t choice_again(const struct uplink_choice *c, boot_t now)
{
	const struct uplink_choice_policy *p = c->policy;
	struct token_bucket spare = c->budget;
	struct uplink_decision d = { .again_at = BOOT_NEVER };

	again(&d, c->switched_at, p->hold_ns, now);
	again(&d, c->worse_since, p->confirm_ns, now);
	again(&d, c->back_since, back_delay_ns(c), now);
	again(&d, c->back_since, p->max_wait_ns, now);
	again(&d, token_bucket_next(&c->budget, now), 0, now);
	spare.burst -= p->budget_reserve;
	again(&d, token_bucket_next(&spare, now), 0, now);
	for (int i = 0; i < UPLINKS_MAX; i++)
		again(&d, c->barred_until[i], 0, now);
	return d.again_at;
}

static int8_t goal_uplink(const struct uplink_choice *c, enum uplink_goal goal,
			  const struct choice_targets *t)
{
	switch (goal) {
	case UPLINK_TO_NOWHERE:
		break;
	case UPLINK_TO_PINNED:
		return c->pinned;
	case UPLINK_TO_FIRST:
		return t->first;
	case UPLINK_TO_BEST:
		return t->best;
	case UPLINK_TO_BACK:
		return t->back;
	}
	return c->active;
}

void uplink_choice_init(struct uplink_choice *c, const struct uplink_choice_policy *policy, int8_t active,
			boot_t now)
{
	assert(policy->budget_reserve < policy->budget_burst);
	memset(c, 0, sizeof *c);
	c->policy = policy;
	c->active = active;
	c->draining = c->pinned = c->moving_to = c->back_to = UPLINK_ANY;
	token_bucket_init_every(&c->budget, policy->budget_every_ns, policy->budget_burst, now);
}

void uplink_choice_pin(struct uplink_choice *c, int8_t uplink)
{
	c->pinned = uplink;
	if (uplink != UPLINK_ANY)
		c->barred_until[uplink] = (boot_t){ 0 }; /* who asks again may have mended it */
}

void uplink_choice_step(struct uplink_choice *c, const struct uplink_facts *f, boot_t now,
			struct uplink_decision *ret)
{
	struct choice_targets targets;
	const struct uplink_rule *r;

	assert(f->count <= UPLINKS_MAX && c->active < f->count && c->draining < f->count);
	r = uplink_rules_match(choice_facts(c, f, now, &targets));
	*ret = (struct uplink_decision){
		.action = r->action,
		.from = r->action == UPLINK_FINISH ? c->draining : c->active,
		.to = goal_uplink(c, r->goal, &targets),
		.rule = r->number,
		.why = r->why,
		.alarm = r->alarm,
		.again_at = BOOT_NEVER,
	};
	if (r->action == UPLINK_STAY || r->action == UPLINK_HOLD) {
		ret->again_at = choice_again(c, now);
		return;
	}
	c->moving = r->action;
	c->returning = r->goal == UPLINK_TO_BACK;
	c->moving_to = ret->to;
	/* An operator's switch, the first one, and the end of a drain are no flapping. */
	if (r->goal == UPLINK_TO_BEST || r->goal == UPLINK_TO_BACK)
		(void)token_bucket_take(&c->budget, now);
}

/* Compared with the one in use. */
static const char *compared(const struct uplink_fact *u, const struct uplink_fact *active)
{
	int order = fact_preferred(u, active);

	if (u->grade < active->grade)
		return "worse than the one in use";
	if (u->damped)
		return "it came and went too often lately";
	if (u->doubted)
		return "it may have died just now";
	if (u->grade > active->grade)
		return "better than the one in use: the row that decided says what is waited for";
	if (order < 0)
		return "as good as the one in use and preferred: the row that decided says when";
	return order > 0 ? "as good as the one in use, which is preferred" : "as good as the one in use";
}

const char *uplink_choice_not(const struct uplink_choice *c, const struct uplink_facts *f, int8_t uplink,
			      boot_t now)
{
	const struct uplink_fact *u = &f->uplink[uplink];

	if (uplink == c->active && (c->moving_to == UPLINK_ANY || c->moving == UPLINK_FINISH))
		return NULL;
	if (uplink == c->active)
		return "voice is leaving it";
	if (uplink == c->moving_to)
		return "voice is moving there";
	if (uplink == c->draining)
		return "only live calls are still on it";
	if (u->grade == UPLINK_GRADE_NONE)
		return "nothing can leave there";
	if (boot_before(now, c->barred_until[uplink]))
		return "a switch to it has just failed";
	if (c->pinned != UPLINK_ANY && c->pinned < f->count && c->pinned != uplink)
		return "an operator wants another one";
	if (u->grade == UPLINK_GRADE_BAD)
		return "too bad for speech";
	if (u->grade == UPLINK_GRADE_UNKNOWN)
		return "not known yet how good it is";
	return c->active == UPLINK_ANY ? "the row that decided says" : compared(u, &f->uplink[c->active]);
}

/* It was gone back to, and is left again already: the next time is later. */
static void back_judge(struct uplink_choice *c, boot_t now)
{
	bool wrong = c->returned_at.ns != 0 && !since_for(c->returned_at, BACK_RIGHT * back_delay_ns(c), now);

	if (c->returning) {
		c->returned_at = now;
		return;
	}
	if (!wrong && c->returned_at.ns != 0)
		c->back_shift = 0;
	else if (wrong && c->back_shift < BACK_SHIFT_MAX)
		c->back_shift++;
	c->returned_at = (boot_t){ 0 };
}

void uplink_choice_done(struct uplink_choice *c, boot_t now)
{
	int8_t before = c->active;

	assert(c->moving_to != UPLINK_ANY);
	c->active = c->moving_to;
	c->moving_to = UPLINK_ANY;
	if (c->moving == UPLINK_FINISH) {
		c->draining = UPLINK_ANY;
		return;
	}
	if (c->moving == UPLINK_DRAIN)
		c->draining = before;
	if (c->draining == c->active)
		c->draining = UPLINK_ANY;
	back_judge(c, now);
	c->switched_at = now;
	c->worse_since = c->back_since = (boot_t){ 0 };
	c->back_to = UPLINK_ANY;
}

void uplink_choice_failed(struct uplink_choice *c, boot_t now)
{
	assert(c->moving_to != UPLINK_ANY);
	if (c->moving != UPLINK_FINISH)
		c->barred_until[c->moving_to] = boot_add(now, c->policy->retry_ns);
	c->moving_to = UPLINK_ANY;
}
