/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Worlds with uplinks: each PBX node has two, to the same two ISPs. They get worse and better on one node or
 * on all at once, and a node's own choice may come late. Checked is every move that they cause: U1 to U6 and
 * U10 of docs/UPLINKS.md, that it has settled, and its budget.
 */
#include "sim.h"

#include <string.h>

#define SIM_UPLINKS	   2
#define SIM_MOVES_SPAN_NS  (20 * NS_PER_S)
#define SIM_FRESH_NS	   (2 * NS_PER_S)
#define SIM_CLOCK_PERMILLE 100 /* how far two clocks may differ in what follows, with room */

/* From worst to best; not known is no reason to go anywhere. */
static int class_order(enum uplink_class c)
{
	return c == UPLINK_GOOD ? 2 : c == UPLINK_DEGRADED;
}

static enum uplink_class class_best(const struct node_facts *f)
{
	enum uplink_class best = UPLINK_BAD;

	for (int i = 0; i < f->uplinks_count; i++)
		if (class_order(f->uplink[i].class) > class_order(best))
			best = f->uplink[i].class;
	return best;
}

static void uplinks_summed(const struct sim *s, struct sim_node *n)
{
	for (int g = 0; g < s->config.groups_count; g++)
		n->facts.group[g].uplink = class_best(&n->facts);
}

static void uplinks_choose(struct sim_node *n)
{
	const struct node_uplink *u = n->facts.uplink;

	n->facts.uplink_in_use = class_order(u[1].class) > class_order(u[0].class);
}

void sim_uplinks_init(struct sim *s, struct sim_node *n)
{
	if (n->witness || !s->options.uplinks)
		return;
	n->facts.uplinks_count = SIM_UPLINKS;
	for (int i = 0; i < SIM_UPLINKS; i++)
		n->facts.uplink[i] = (struct node_uplink){ .isp = (uint32_t)i + 1, .class = UPLINK_GOOD };
	uplinks_summed(s, n);
}

void sim_uplinks_config(struct sim *s)
{
	for (int g = 0; g < s->config.groups_count; g++) {
		s->config.groups[g].uplinks = uplink_move_policy_default;
		if (!s->options.story)
			s->config.groups[g].uplinks.moves_span_ns = SIM_MOVES_SPAN_NS;
	}
}

void sim_uplink_set(struct sim *s, struct sim_node *n, int i, enum uplink_class class)
{
	struct node_uplink *u = &n->facts.uplink[i];

	if (u->class == class)
		return;
	sim_trace(s, "%s uplink %d is %s", sim_name(s, n->id), i + 1, uplink_class_name(class));
	u->class = class;
	u->since = sim_boot_now(s, n);
	n->uplinks_changed = s->now;
	uplinks_summed(s, n);
	if (s->options.story || sim_random_permille(&s->random, 800))
		uplinks_choose(n);
	sim_facts_report(s, n);
}

void sim_uplinks_now(const struct sim_node *n, struct node_facts *facts)
{
	facts->uplink_in_use = n->facts.uplink_in_use;
	memcpy(facts->uplink, n->facts.uplink, sizeof facts->uplink);
	for (int g = 0; g < SIM_GROUPS_MAX; g++)
		facts->group[g].uplink = n->facts.group[g].uplink;
}

/* A machine that starts knows of nothing before. */
void sim_uplinks_power(struct sim *s, struct sim_node *n)
{
	for (int i = 0; i < n->facts.uplinks_count; i++)
		n->facts.uplink[i].since = sim_boot_now(s, n);
}

/* ---- what goes wrong ---- */

static enum uplink_class any_class(struct sim *s)
{
	return (enum uplink_class)sim_random_between(&s->random, UPLINK_GOOD, UPLINK_BAD);
}

#define SIM_UPLINK_SILENCE 0xffff /* in place of a line and a class */

/* Corosync passes on no report for a while, and pulses go on. */
static void silence(struct sim *s)
{
	sim_cpg_changed(s, sim_random_between(&s->random, 500, 3500) * NS_PER_MS);
}

/* One node, one ISP or both; or an ISP at all nodes within a moment: that is one cause. */
static void fault_line(struct sim *s)
{
	node_id_t only = sim_random_permille(&s->random, 600)
				 ? (node_id_t)sim_random_between(&s->random, 1, s->nodes_count)
				 : NODE_NONE;
	int isp = (int)sim_random_below(&s->random, 3);
	enum uplink_class class = any_class(s);

	/* When the first of them knows, and the last one not yet. */
	if (only == NODE_NONE && sim_random_permille(&s->random, 300))
		sim_schedule(s, s->now + sim_random_between(&s->random, 500, 3000) * NS_PER_MS, SIM_UPLINK, 1)
			->number = SIM_UPLINK_SILENCE;
	for (node_id_t id = 1; id <= s->nodes_count; id++) {
		if (s->node[id].witness || (only != NODE_NONE && id != only))
			continue;
		for (int i = 0; i < SIM_UPLINKS; i++) {
			int64_t late_ns =
				only != NODE_NONE ? 0 : sim_random_below(&s->random, 2900) * NS_PER_MS;
			struct sim_event *e;

			if (isp != 2 && isp != i)
				continue;
			e = sim_schedule(s, s->now + late_ns, SIM_UPLINK, id);
			e->number = (uint64_t)(i << 8 | (int)class);
		}
	}
}

void sim_uplink_event(struct sim *s, const struct sim_event *e)
{
	struct sim_node *n = &s->node[e->node];

	if (e->number == SIM_UPLINK_SILENCE && !s->faults_over)
		silence(s);
	else if (n->powered && !s->faults_over)
		sim_uplink_set(s, n, (int)(e->number >> 8), (enum uplink_class)(e->number & 0xff));
}

static void fault_choice(struct sim *s)
{
	for (node_id_t id = 1; id <= s->nodes_count; id++)
		if (!s->node[id].witness) {
			uplinks_choose(&s->node[id]);
			sim_facts_report(s, &s->node[id]);
		}
}

static void fault_calls(struct sim *s)
{
	for (node_id_t id = 1; id <= s->nodes_count; id++)
		for (int g = 0; g < s->config.groups_count; g++)
			if (sim_random_permille(&s->random, 300)) {
				s->node[id].facts.group[g].calls = (uint32_t)sim_random_below(&s->random, 2);
				sim_facts_report(s, &s->node[id]);
			}
}

void sim_uplinks_fault(struct sim *s)
{
	int64_t what = sim_random_below(&s->random, 12);

	if (what < 6)
		fault_line(s);
	else if (what < 8)
		fault_choice(s);
	else if (what < 10)
		fault_calls(s);
	else
		silence(s);
}

/* Everything is good again, but for one node that has to be left. */
void sim_uplinks_heal(struct sim *s)
{
	node_id_t bad = (node_id_t)sim_random_between(&s->random, 1, s->nodes_count);

	for (node_id_t id = 1; id <= s->nodes_count; id++) {
		struct sim_node *n = &s->node[id];

		for (int i = 0; i < n->facts.uplinks_count; i++)
			sim_uplink_set(s, n, i, id == bad ? UPLINK_BAD : UPLINK_GOOD);
		if (n->facts.uplinks_count)
			uplinks_choose(n);
	}
}

/* Nobody stays on a node without a path while another that could take over has one. */
bool sim_uplinks_settled(const struct sim *s, group_index_t g, node_id_t holder)
{
	const struct core_group_config *gc = &s->config.groups[g];

	if (!s->options.uplinks || class_best(&s->node[holder].facts) != UPLINK_BAD)
		return true;
	for (int i = 0; i < gc->candidates_count; i++) {
		const struct sim_node *n = &s->node[gc->candidates[i]];

		if (n->id != s->left_down && n->facts.group[g].pbx == PBX_HEALTHY &&
		    n->facts.group[g].registrations_in_step && class_best(&n->facts) != UPLINK_BAD)
			return false;
	}
	return true;
}

/* ---- what a move must not be ---- */

void sim_uplinks_told(struct sim *s, struct sim_node *n, const struct core_event *ev)
{
	if (ev->type != CORE_PEER_FACTS || ev->node == n->id)
		return;
	n->report[ev->node].sent = ev->at.raw.ns; /* true time, see sim_heartbeat() */
	n->report[ev->node].at = s->now;
}

static boot_t latest_since(const struct node_facts *f)
{
	boot_t latest = { 0 };

	for (int i = 0; i < f->uplinks_count; i++)
		latest = boot_max(latest, f->uplink[i].since);
	return latest;
}

static void check_settled(struct sim *s, struct sim_node *n, group_index_t g, node_id_t to)
{
	const struct uplink_move_policy *p = &n->core->config.groups[g].uplinks;
	const struct sim_node *other = &s->node[to];
	int64_t lag_ns = n->report[to].at - n->report[to].sent, rate = 1000 - SIM_CLOCK_PERMILLE;
	boot_t now = sim_boot_now(s, n);
	int64_t here_at = s->now - boot_diff_ns(latest_since(&n->core->facts), now);

	if (boot_diff_ns(latest_since(&n->core->facts), now) < p->settle_ns)
		sim_fail(s, "U10: %s moved group %d before its uplinks had settled", sim_name(s, n->id),
			 g + 1);
	if (boot_diff_ns(latest_since(&n->core->peer[to].facts), now) < p->together_ns)
		sim_fail(s, "U10: %s moved group %d before %s had settled", sim_name(s, n->id), g + 1,
			 sim_name(s, to));
	/* Truth: the same befell the other, at a time that the report must not be from before. */
	if (class_order(class_best(&other->facts)) <= class_order(class_best(&n->core->facts)) &&
	    other->uplinks_changed <= here_at + p->together_ns / 1000 * rate - lag_ns)
		sim_fail(s, "U10: %s moved group %d to %s because of what happened to both",
			 sim_name(s, n->id), g + 1, sim_name(s, to));
}

/* Those that this node did itself, and those that the one it moves to must have told it of. */
static void check_budget(struct sim *s, struct sim_node *n, group_index_t g, node_id_t to)
{
	struct sim_uplink_moves *m = &s->uplink_moves[g];
	int64_t span_ns = SIM_MOVES_SPAN_NS / 1000 * (1000 - SIM_CLOCK_PERMILLE);
	int recent = 0;

	for (int i = 0; i < m->count; i++) {
		const struct sim_uplink_move *move = &m->move[i];

		recent += s->now - move->at < span_ns && move->life == s->node[move->by].life &&
			  (move->by == n->id || move->by == to) &&
			  (move->by == n->id || n->report[to].sent > move->at);
	}
	/* Tried again at once: the other did not take over. */
	if (m->count && m->move[m->count - 1].by == n->id &&
	    s->now - m->move[m->count - 1].at < NS_PER_S * 11 / 10)
		return;
	if (recent >= n->core->config.groups[g].uplinks.moves_max)
		sim_fail(s, "U10: %s moved group %d although it was moved %d times lately",
			 sim_name(s, n->id), g + 1, recent);
	if (m->count == SIM_UPLINK_MOVES_MAX)
		memmove(&m->move[0], &m->move[1], sizeof m->move - sizeof m->move[0]);
	else
		m->count++;
	m->move[m->count - 1] = (struct sim_uplink_move){ n->id, n->life, s->now };
}

void sim_check_uplink_move(struct sim *s, struct sim_node *n, group_index_t g, node_id_t to)
{
	const struct core *c = n->core;
	const struct node_facts *here = &c->facts, *there = &c->peer[to].facts;
	int in_use = here->uplink_in_use, best = class_order(class_best(here));
	const char *who = sim_name(s, n->id);

	if (to == NODE_NONE || to == n->id)
		return; /* I4 says so */
	if (class_order(class_best(there)) <= best)
		sim_fail(s, "U1: %s moved group %d to %s, which is not better", who, g + 1, sim_name(s, to));
	if ((s->now - n->report[to].at) / 1000 * (1000 - SIM_CLOCK_PERMILLE) > SIM_FRESH_NS)
		sim_fail(s, "U2: %s moved group %d by a report that is old", who, g + 1);
	if (there->group[g].pbx != PBX_HEALTHY)
		sim_fail(s, "U3: %s moved group %d to a node whose PBX is not alive", who, g + 1);
	if (best == class_order(UPLINK_DEGRADED) &&
	    (n->idle_since[g].ns == 0 || c->group[g].unseen.calls ||
	     boot_diff_ns(n->idle_since[g], sim_boot_now(s, n)) < CORE_DRAIN_SETTLE_NS))
		sim_fail(s, "U4: %s moved group %d from degraded uplinks with calls up", who, g + 1);
	if (in_use >= 0 && class_order(here->uplink[in_use].class) < best)
		sim_fail(s, "U5: %s moved group %d and has a better uplink itself", who, g + 1);
	if (class_order(class_best(there)) == 0)
		sim_fail(s, "U6: %s moved group %d to a node without a path", who, g + 1);
	check_settled(s, n, g, to);
	check_budget(s, n, g, to);
}

/* Failback is for whom the configuration prefers; whoever is merely better off waits for rows R612 and R623.
 */
void sim_check_failback(struct sim *s, struct sim_node *n, group_index_t g, node_id_t to)
{
	const struct core_group_config *gc = &n->core->config.groups[g];
	const struct core *c = n->core;
	const struct placement_candidate *me = NULL;
	int here = 0, there = 0;

	if (!s->options.uplinks || to == NODE_NONE)
		return;
	for (int i = 0; i < gc->candidates_count; i++) {
		if (gc->candidates[i] == n->id) {
			here = i;
			me = &c->group[g].placement.candidate[i];
		}
		there = gc->candidates[i] == to ? i : there;
	}
	if (there > here && me && me->eligible && c->facts.group[g].registrations_in_step)
		sim_fail(s, "U4: %s gave group %d back to %s, which is only better off", sim_name(s, n->id),
			 g + 1, sim_name(s, to));
	if (class_order(class_best(&c->peer[to].facts)) < class_order(class_best(&c->facts)))
		sim_fail(s, "U1: %s gave group %d back to %s, which is worse off", sim_name(s, n->id), g + 1,
			 sim_name(s, to));
}
