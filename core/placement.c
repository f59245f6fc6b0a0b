/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two ladders. The first has the reasons that make a candidate ineligible; the second orders the eligible
 * ones and ends with the node id, so that there are no ties.
 */
#include "placement.h"

#include <assert.h>
#include <string.h>

#define PLACEMENT_NO_RANK 255

static enum reason placement_pbx_reason(enum pbx_health h)
{
	switch (h) {
	case PBX_HEALTHY:
		return REASON_NONE;
	case PBX_STARTING:
		return REASON_PBX_STARTING;
	case PBX_SICK:
		return REASON_PBX_SICK;
	case PBX_DEAD:
		return REASON_PBX_DEAD;
	case PBX_UNKNOWN:
		break;
	}
	return REASON_PBX_UNKNOWN;
}

/* What may be overruled by failover --force: the health of the node and of what it runs. */
static enum reason placement_health_veto(const struct placement_input *in)
{
	if (!in->group->lan_up)
		return REASON_LAN_DOWN;
	return placement_pbx_reason(in->group->pbx);
}

/* First ladder, without damping. Never overruled: what nobody can reach, what an operator wants, a fenced
 * node, and a node whose gate or configuration would let it speak where it must not. */
static enum reason placement_veto(const struct placement_input *in, bool ignore_health)
{
	if (!in->reachable || !in->facts || !in->group)
		return REASON_UNREACHABLE;
	if (!in->facts->quorate && !in->proof && !ignore_health)
		return REASON_NOT_QUORATE;
	if (in->standby)
		return REASON_STANDBY;
	if (in->fenced)
		return REASON_FENCED;
	if (in->fence_wait)
		return REASON_FENCE_WAIT;
	if (in->facts->joining && !ignore_health)
		return REASON_JOINING;
	if (in->config_differs || !in->facts->config_accepted)
		return REASON_CONFIG;
	if (!in->group->gate_ok || !in->group->addresses_ok)
		return REASON_GATE;
	return ignore_health ? REASON_NONE : placement_health_veto(in);
}

/* GOOD < UNKNOWN < DEGRADED < BAD: not knowing is no reason to move to a node known to be worse. */
static int placement_uplink_order(enum uplink_class u)
{
	static const int order[] = {
		[UPLINK_GOOD] = 0,
		[UPLINK_UNKNOWN] = 0,
		[UPLINK_DEGRADED] = 1,
		[UPLINK_BAD] = 2,
	};

	return (unsigned)u <= UPLINK_BAD ? order[u] : 0;
}

static int placement_uplink(const struct placement_input *in)
{
	int order = placement_uplink_order(in->group->uplink), most = placement_uplink_order(in->uplink_most);

	if (in->uplink_most == UPLINK_UNKNOWN)
		return order;
	if (in->group->uplink == UPLINK_UNKNOWN)
		return placement_uplink_order(UPLINK_BAD);
	return order > most ? order : most;
}

/* Second ladder: <0 if a is better; ret_why is why the loser loses. Inputs are in configured order, so a
 * lower index is the better priority. */
static int placement_compare(const struct placement_input *a, int index_a, const struct placement_input *b,
			     int index_b, enum reason *ret_why)
{
	int order;

	*ret_why = REASON_REGISTRATIONS;
	if (a->group->registrations_in_step != b->group->registrations_in_step)
		return a->group->registrations_in_step ? -1 : 1;
	*ret_why = REASON_UPLINK;
	order = placement_uplink(a) - placement_uplink(b);
	if (order != 0)
		return order;
	*ret_why = REASON_NOT_INCUMBENT;
	if (a->incumbent != b->incumbent)
		return a->incumbent ? -1 : 1;
	*ret_why = REASON_PRIORITY;
	if (index_a != index_b)
		return index_a - index_b;
	*ret_why = REASON_NODE_ID;
	return (int)a->node - (int)b->node;
}

static void placement_judge(const struct placement_input *inputs, uint8_t count, bool ignore_health,
			    struct placement *ret)
{
	bool fresh = false; /* somebody eligible is not damped */

	for (int i = 0; i < count; i++) {
		struct placement_candidate *c = &ret->candidate[i];

		c->node = inputs[i].node;
		c->rank = PLACEMENT_NO_RANK;
		c->reason = placement_veto(&inputs[i], ignore_health);
		c->eligible = c->reason == REASON_NONE;
		fresh |= c->eligible && !inputs[i].damped;
	}
	/* A node that flaps is still better than nobody. */
	for (int i = 0; i < count && fresh && !ignore_health; i++) {
		struct placement_candidate *c = &ret->candidate[i];

		if (c->eligible && inputs[i].damped) {
			c->eligible = false;
			c->reason = REASON_DAMPED;
		}
	}
}

/* The rank of i is how many eligible ones are better. ret_better is the closest of them, NULL if none. */
static void placement_rank(const struct placement_input *inputs, uint8_t count, int i, struct placement *ret)
{
	struct placement_candidate *c = &ret->candidate[i];
	int best = i;

	c->rank = 0;
	c->reason = REASON_CHOSEN;
	for (int k = 0; k < count; k++) {
		enum reason why;

		if (k == i || !ret->candidate[k].eligible)
			continue;
		if (placement_compare(&inputs[k], k, &inputs[i], i, &why) < 0)
			c->rank++;
		if (placement_compare(&inputs[k], k, &inputs[best], best, &why) < 0)
			best = k;
	}
	/* The reason of a loser is the rung on which the chosen one beats it. */
	if (best != i)
		(void)placement_compare(&inputs[best], best, &inputs[i], i, &c->reason);
}

void placement_decide(const struct placement_input *inputs, uint8_t count, bool ignore_health,
		      const struct placement_policy *policy, struct placement *ret)
{
	(void)policy; /* failback is the holder's decision: a healthy holder is never outvoted here */
	assert(count <= RK_NODES_MAX);
	memset(ret, 0, sizeof *ret);
	ret->count = count;
	placement_judge(inputs, count, ignore_health, ret);
	for (int i = 0; i < count; i++) {
		if (!ret->candidate[i].eligible)
			continue;
		placement_rank(inputs, count, i, ret);
		if (ret->candidate[i].rank == 0)
			ret->chosen = ret->candidate[i].node;
	}
}

/* ---- facts on their way to another clock ---- */

void node_facts_ages(struct node_facts *f, boot_t now)
{
	for (int i = 0; i < f->uplinks_count; i++)
		f->uplink[i].since.ns = now.ns - f->uplink[i].since.ns;
	for (int g = 0; g < RK_GROUPS_MAX; g++)
		for (int i = 0; i < f->group[g].uplink_moves.count; i++)
			f->group[g].uplink_moves.at[i].ns = now.ns - f->group[g].uplink_moves.at[i].ns;
}
