/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What must be so some time after the last fault: one holder for every group, all nodes of one mind, nothing
 * under way, and every change in the records.
 */
#include "sim.h"

#include <stdio.h>

bool sim_same_intent(const struct core_intent *a, const struct core_intent *b)
{
	if (a->paused != b->paused)
		return false;
	for (int n = 1; n < SIM_NODES_MAX; n++)
		if (a->node[n].standby != b->node[n].standby)
			return false;
	return true;
}

static bool sim_settled_group(const struct sim *s, group_index_t g, node_id_t *ret_holder, char *why,
			      size_t size)
{
	int open = 0;

	for (node_id_t k = 1; k <= s->nodes_count; k++)
		if (s->node[k].running && lease_holds(&s->node[k].core->group[g].lease) &&
		    sim_gate_open(s, &s->node[k], g)) {
			open++;
			*ret_holder = k;
		}
	if (open != 1)
		(void)snprintf(why, size, "group %d has %d holders", g + 1, open);
	else if (s->node[*ret_holder].facts.group[g].pbx != PBX_HEALTHY)
		(void)snprintf(why, size, "group %d is held by %s, whose PBX is dead", g + 1,
			       sim_name(s, *ret_holder));
	else if (!sim_uplinks_settled(s, g, *ret_holder))
		(void)snprintf(why, size, "group %d is held by %s, which has no path, and another has one",
			       g + 1, sim_name(s, *ret_holder));
	else
		return true;
	return false;
}

/* The node whose word is compared with the others'. */
static const struct sim_node *sim_first_up(const struct sim *s)
{
	return &s->node[s->left_down == 1 ? 2 : 1];
}

static bool sim_settled_node(const struct sim *s, const struct sim_node *n, group_index_t g, node_id_t holder,
			     char *why, size_t size)
{
	const struct core_group *group = &n->core->group[g];
	const struct sim_node *first = sim_first_up(s);

	if (group->seen_holder != holder)
		(void)snprintf(why, size, "%s sees %s as holder of group %d, not %s", sim_name(s, n->id),
			       sim_name(s, group->seen_holder), g + 1, sim_name(s, holder));
	else if (group->takeover.direction != TAKEOVER_REST)
		(void)snprintf(why, size, "%s is still at step %s of group %d", sim_name(s, n->id),
			       step_name(group->takeover.step), g + 1);
	else if (group->operation.state == OPERATION_RUNNING)
		(void)snprintf(why, size, "%s still runs an operation on group %d", sim_name(s, n->id),
			       g + 1);
	else if (n->core->voters.set.phase != VOTERS_STABLE ||
		 n->core->voters.set.version != first->core->voters.set.version)
		(void)snprintf(why, size, "%s has voter set %u, %s has %u", sim_name(s, n->id),
			       n->core->voters.set.version, sim_name(s, first->id),
			       first->core->voters.set.version);
	else if (!n->witness && !sim_same_intent(&n->core->intent, &first->core->intent))
		(void)snprintf(why, size, "%s and %s differ in intent", sim_name(s, n->id),
			       sim_name(s, first->id));
	else
		return true;
	return false;
}

bool sim_check_answered(const struct sim *s)
{
	node_id_t holder;
	char why[64];

	for (group_index_t g = 0; g < s->config.groups_count; g++)
		if (!sim_settled_group(s, g, &holder, why, sizeof why))
			return false;
	return true;
}

/* A voter that does not know hi needs N-M+1 others that do. With more losses than that at
 * once there is no safe way out, and none is expected. */
static bool sim_hi_lost(const struct sim *s, const struct sim_node *n, group_index_t g)
{
	node_set_t set = n->core->voters.set.old_set;
	int needed = node_count(set) - voter_set_majority_size(set) + 1, known = 0;

	if (!n->running || !n->core->group[g].lease.voter.hi_unknown)
		return false;
	for (node_id_t o = 1; o <= s->nodes_count; o++)
		known += o != n->id && node_in(set, o) && s->node[o].running &&
			 !s->node[o].core->group[g].lease.voter.hi_unknown;
	return known < needed;
}

/* A device lied, and its victim has to start again before it may have what must not be used twice. */
static bool sim_disputed(const struct sim *s)
{
	for (node_id_t k = 1; k <= s->nodes_count; k++)
		for (node_id_t n = 1; n <= s->nodes_count; n++)
			if (s->node[k].running && s->node[k].core->fence.target[n].state == FENCE_DISPUTED)
				return true;
	return false;
}

bool sim_check_beyond_help(const struct sim *s)
{
	for (int g = 0; g < s->config.groups_count; g++)
		if (s->config.groups[g].fence == FENCE_REQUIRED && sim_disputed(s))
			return true;
	for (node_id_t k = 1; k <= s->nodes_count; k++)
		for (group_index_t g = 0; g < s->config.groups_count; g++)
			if (sim_hi_lost(s, &s->node[k], g))
				return true;
	return false;
}

/* Every operator's wish is taken back, so that what remains is what a healthy cluster must come to by itself.
 */
static void sim_unwish(struct sim *s)
{
	const struct core_intent *in;
	node_id_t at = sim_first_up(s)->id;

	if (s->node[at].stalled_until)
		return;
	in = &s->node[at].core->intent;
	if (in->paused)
		(void)sim_command(s, at, COMMAND_RESUME, 0, NODE_NONE);
	for (node_id_t k = 1; k <= s->nodes_count; k++)
		if (in->node[k].standby)
			(void)sim_command(s, at, COMMAND_UNSTANDBY, 0, k);
}

bool sim_check_settled(struct sim *s, char *ret_why, size_t size)
{
	for (node_id_t k = 1; k <= s->nodes_count; k++)
		if (k != s->left_down &&
		    (!s->node[k].running || s->node[k].stalled_until || s->node[k].stopping)) {
			(void)snprintf(ret_why, size, "%s does not run", sim_name(s, k));
			return false;
		}
	sim_unwish(s);
	for (node_id_t k = 1; k <= s->nodes_count; k++)
		if (k != s->left_down && !s->node[k].witness &&
		    !sim_fence_settled(s, &s->node[k], ret_why, size))
			return false;
	for (group_index_t g = 0; g < s->config.groups_count; g++) {
		node_id_t holder = NODE_NONE;

		if (!sim_settled_group(s, g, &holder, ret_why, size))
			return false;
		for (node_id_t k = 1; k <= s->nodes_count; k++)
			if (k != s->left_down && !sim_settled_node(s, &s->node[k], g, holder, ret_why, size))
				return false;
	}
	return true;
}

void sim_check_end(struct sim *s)
{
	for (group_index_t g = 0; g < s->config.groups_count; g++)
		for (node_id_t k = 1; k <= s->nodes_count; k++) {
			const struct sim_group_truth *t = &s->truth[g];

			if (t->won[k] != t->took[k] || t->lost[k] != t->let[k] ||
			    t->won[k] != t->began_up[k] || t->lost[k] != t->began_down[k])
				sim_fail(s,
					 "I8: %s, group %d: %d won, %d and %d records; %d lost, %d and %d "
					 "records",
					 sim_name(s, k), g + 1, t->won[k], t->began_up[k], t->took[k],
					 t->lost[k], t->began_down[k], t->let[k]);
		}
	for (int i = 0; i < s->operations_count; i++) {
		const struct sim_operation_truth *op = &s->operation[i];
		bool lives = s->node[op->origin].running && s->node[op->origin].life == op->life;

		if (lives && op->records != (op->delivered ? 1 : 0))
			sim_fail(s, "I8: operation %llx of %s has %d records", (unsigned long long)op->id,
				 sim_name(s, op->origin), op->records);
	}
}
