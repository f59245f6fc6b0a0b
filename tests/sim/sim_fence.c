/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Power switches: some do what they are told, some refuse, some do nothing and say they did, some hang and do
 * it later all the same. What they do goes on when the node that asked is dead. Their own random numbers, so
 * that a seed without them plays as it always did.
 */
#include "sim.h"

#include <stdio.h>

static bool sim_fence_permille(struct sim *s, int permille)
{
	return sim_random_permille(&s->fence_random, permille);
}

static void sim_fence_device(struct sim *s, int d)
{
	s->config.fence.device[d] = (struct fence_device_config){
		.retries = (uint8_t)sim_random_below(&s->fence_random, 3),
		.off_ns = 6 * NS_PER_S,
		.status_ns = 3 * NS_PER_S,
		.monitor_ns = 3 * NS_PER_S,
		.monitor_period_ns = 5 * NS_PER_S,
		.targets = ~(node_set_t)1,
	};
	s->device[d] = sim_fence_permille(s, 500)
			       ? SIM_DEVICE_TRUE
			       : (enum sim_device)sim_random_below(&s->fence_random, SIM_DEVICES_COUNT);
}

static void sim_fence_target(struct sim *s, node_id_t n, int devices)
{
	struct fence_target_config *t = &s->config.fence.target[n];

	t->levels_count = (uint8_t)devices;
	for (int d = 0; d < devices; d++)
		t->level[d] = (struct fence_level_config){ .count = 1, .device = { (fence_device_t)d } };
	t->action = sim_fence_permille(s, 500) ? FENCE_ACTION_REBOOT : FENCE_ACTION_OFF;
}

/* A proof is as true as its device: where it is a vote, none does nothing and says "off". */
static bool sim_fence_truthful(const struct sim *s)
{
	for (int d = 0; d < s->config.fence.devices_count; d++)
		if (s->device[d] == SIM_DEVICE_LIES)
			return false;
	return true;
}

/* Two nodes and a witness become two nodes and a power switch. */
static void sim_fence_two(struct sim *s)
{
	if (s->nodes_count != 3 || !s->config.nodes[2].witness || !sim_fence_truthful(s) ||
	    !sim_fence_permille(s, 700))
		return;
	s->nodes_count = 2;
	s->config.nodes_count = 2;
	s->config.proof_votes = true;
}

/* o will see it die, has met it, and has a device that is believed. */
static bool sim_fence_sees(const struct sim *s, const struct sim_node *o, node_id_t n)
{
	bool sees = o->running && !o->stalled_until && o->core->fence.target[n].member &&
		    fence_device_proved(&o->core->fence, 0, n, sim_boot_now(s, o));

	for (group_index_t g = 0; sees && s->config.proof_votes && g < s->config.groups_count; g++)
		sees = node_in(o->core->group[g].lease.met, n);
	return sees;
}

/* Where a proof is needed, everybody else can make one of n. */
bool sim_fence_can_spare(const struct sim *s, node_id_t n)
{
	bool needed = s->config.proof_votes;

	for (int g = 0; g < s->config.groups_count; g++)
		needed = needed || s->config.groups[g].fence == FENCE_REQUIRED;
	if (!needed || s->node[n].witness)
		return true;
	for (node_id_t k = 1; k <= s->nodes_count; k++)
		if (k != n && !s->node[k].witness && !sim_fence_sees(s, &s->node[k], n))
			return false;
	return s->node[n].powered;
}

void sim_fence_config(struct sim *s)
{
	int devices;

	s->fence_random.state = s->options.seed * 0x9e3779b97f4a7c15ULL + 7;
	if (s->options.story || sim_fence_permille(s, 600))
		return;
	devices = 1 + (int)sim_random_below(&s->fence_random, 2);
	s->config.fence.devices_count = (uint8_t)devices;
	s->config.fence.total_ns = 15 * NS_PER_S;
	for (int d = 0; d < devices; d++)
		sim_fence_device(s, d);
	sim_fence_two(s);
	for (node_id_t n = 1; n <= s->nodes_count; n++)
		if (!s->config.nodes[n - 1].witness)
			sim_fence_target(s, n, devices);
	for (int g = 0; g < s->config.groups_count; g++)
		if (!s->config.proof_votes && sim_fence_permille(s, 400))
			s->config.groups[g].fence = FENCE_REQUIRED;
}

static void sim_fence_cut(struct sim *s, node_id_t target)
{
	struct sim_node *n = &s->node[target];

	sim_trace(s, "%s: its power switch goes off", sim_name(s, target));
	if (n->powered)
		sim_power_off(s, n, false,
			      500 * NS_PER_MS + sim_random_below(&s->fence_random, 5 * NS_PER_S));
}

/* The state of the socket, not of the machine: one that was switched on is "on" although it boots. */
static enum fence_answer sim_fence_status(struct sim *s, const struct plan_fence_call *c)
{
	if (s->device[c->device] == SIM_DEVICE_LIES && !c->watch)
		return FENCE_ANSWER_OFF;
	return s->node[c->target].powered ? FENCE_ANSWER_OK : FENCE_ANSWER_OFF;
}

static enum fence_answer sim_fence_obey(struct sim *s, const struct plan_fence_call *c)
{
	enum sim_device kind = s->faults_over ? SIM_DEVICE_TRUE : s->device[c->device];

	if (kind == SIM_DEVICE_REFUSES)
		return FENCE_ANSWER_FAILED;
	if (c->verb == FENCE_STATUS)
		return sim_fence_status(s, c);
	if (c->verb == FENCE_OFF && kind == SIM_DEVICE_TRUE)
		sim_fence_cut(s, c->target);
	if (c->verb == FENCE_OFF && kind == SIM_DEVICE_HANGS) {
		if (sim_fence_permille(s, 500))
			sim_fence_cut(s, c->target);
		return FENCE_ANSWER_TIMEOUT;
	}
	return FENCE_ANSWER_OK;
}

void sim_fence_call(struct sim *s, struct sim_node *n, const struct plan_fence_call *c)
{
	struct sim_event *e;
	bool hangs = s->device[c->device] == SIM_DEVICE_HANGS && c->verb == FENCE_OFF && !s->faults_over;

	sim_check_shot(s, n, c);
	e = sim_schedule(s,
			 s->now + (hangs ? c->timeout_ns + sim_random_below(&s->fence_random, 3 * NS_PER_S)
					 : sim_random_between(&s->fence_random, 100, 900) * NS_PER_MS),
			 SIM_FENCE, n->id);
	e->life = n->life;
	e->fence_call = *c;
}

/* At the device; the answer goes to whoever asked, if he still is there. */
void sim_fence_device_done(struct sim *s, const struct sim_event *e)
{
	enum fence_answer answer = sim_fence_obey(s, &e->fence_call);
	struct sim_event *back = sim_schedule(s, s->now + 50 * NS_PER_MS, SIM_CORE, e->node);

	back->life = e->life;
	back->core.type = CORE_FENCE_ANSWER;
	back->core.fence_answer.seq = e->fence_call.seq;
	back->core.fence_answer.answer = answer;
	back->core.fence_answer.took_ns = 400 * NS_PER_MS;
}

/* ---- what must be so ---- */

void sim_check_shot(struct sim *s, const struct sim_node *n, const struct plan_fence_call *c)
{
	const struct fence_target *x = &n->core->fence.target[c->target];

	if (c->verb != FENCE_OFF)
		return;
	if (c->target == n->id)
		sim_fail(s, "fence: %s shoots itself", sim_name(s, n->id));
	if (x->op.why == FENCE_WHY_LOST && !n->core->facts.quorate && s->nodes_count != 2)
		sim_fail(s, "fence: %s is not quorate and shoots %s", sim_name(s, n->id),
			 sim_name(s, c->target));
	if (x->op.why == FENCE_WHY_LOST && n->core->intent.paused)
		sim_fail(s, "I11: %s shoots %s while paused", sim_name(s, n->id), sim_name(s, c->target));
	if (x->op.why == FENCE_WHY_LOST && (x->member || node_in(core_heard(n->core, n->core_at), c->target)))
		sim_fail(s, "fence: %s shoots %s, which it hears", sim_name(s, n->id),
			 sim_name(s, c->target));
}

void sim_check_fence_state(struct sim *s, const struct sim_node *n, const struct plan_fence_state *p)
{
	const struct sim_node *target = &s->node[p->target];
	const struct fence_target *x = &n->core->fence.target[p->target];

	if (p->state != FENCE_FENCED || x->op.shooter != n->id || !sim_fence_truthful(s))
		return;
	if (target->powered && target->facts.boot == x->gone_boot)
		sim_fail(s, "fence: %s says that %s is off, but it has power and did not start again",
			 sim_name(s, n->id), sim_name(s, p->target));
}

/* fence = required: what the former holder's machine still does with the storage, nobody knows. */
void sim_check_required(struct sim *s, const struct sim_node *n, group_index_t g)
{
	node_id_t former = n->core->group[g].lease.last_holder;
	const struct sim_node *x = &s->node[former];

	if (s->config.groups[g].fence != FENCE_REQUIRED || former == NODE_NONE || former == n->id ||
	    n->core->group[g].lease.last_cause != CAUSE_LEASE_EXPIRED || !sim_fence_truthful(s))
		return;
	if (!fence_is_off(&n->core->fence, former) && !node_in(core_heard(n->core, n->core_at), former))
		sim_fail(s,
			 "fence: %s takes group %d over from %s, which it neither hears nor knows to be off",
			 sim_name(s, n->id), g + 1, sim_name(s, former));
	if (x->powered && !x->frozen && sim_gate_open(s, x, g))
		sim_fail(s, "fence: %s takes group %d over from %s, which was not proved off",
			 sim_name(s, n->id), g + 1, sim_name(s, former));
	if (x->powered && !x->running && x->boots == x->gone_boots && s->now - x->gone_at > NS_PER_S)
		sim_fail(s,
			 "fence: %s takes group %d over from %s, whose agent is gone and whose power is not",
			 sim_name(s, n->id), g + 1, sim_name(s, former));
}

/* No operation without an end. */
bool sim_fence_settled(const struct sim *s, const struct sim_node *n, char *why, size_t size)
{
	for (node_id_t k = 1; k <= s->nodes_count; k++) {
		const struct fence_target *x = &n->core->fence.target[k];
		bool off = k == s->left_down;

		if (fence_runs(x) || (!off && x->state != FENCE_CLEAN && x->state != FENCE_DISPUTED)) {
			(void)snprintf(why, size, "%s: %s is %s", sim_name(s, n->id), sim_name(s, k),
				       fence_state_name(x->state));
			return false;
		}
	}
	return true;
}
