/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The invariants of docs/ARCHITECTURE.md, looked at after every step of every node and at every movement of a
 * gate. Truth is kept here, apart from what the cores believe.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sim_fail(struct sim *s, const char *format, ...)
{
	va_list ap;
	int n;

	if (s->failed)
		return;
	s->failed = true;
	n = snprintf(s->failure, sizeof s->failure, "at %lld ms: ", (long long)(s->now / NS_PER_MS));
	va_start(ap, format);
	(void)vsnprintf(s->failure + n, sizeof s->failure - (size_t)n, format, ap);
	va_end(ap);
	sim_trace(s, "VIOLATION %s", s->failure);
	sim_trace_state(s);
}

/* ---- I1 ---- */

void sim_check_gate(struct sim *s, struct sim_node *n, group_index_t group, bool was_open)
{
	/* I10: whatever happens to the agent now, the address is silent within one lease. */
	if (boot_diff_ns(sim_boot_now(s, n), n->gate[group]) > s->config.timing.lease_ns)
		sim_fail(s, "I10: the gate of %s would stay open for longer than a lease",
			 sim_name(s, n->id));
	if (!sim_gate_open(s, n, group) || was_open)
		return;
	for (node_id_t k = 1; k <= s->nodes_count; k++) {
		if (k == n->id || !sim_gate_open(s, &s->node[k], group))
			continue;
		if (!s->overlap_allowed)
			sim_fail(s, "I1: gates of %s and %s are both open for group %d", sim_name(s, n->id),
				 sim_name(s, k), group + 1);
		s->overlap_began = s->now;
		sim_trace(s, "%s and %s: both gates are open", sim_name(s, n->id), sim_name(s, k));
	}
}

/* I8: an agent may be killed at any moment, so the address moves with a record or not at all. */
void sim_check_opening(struct sim *s, struct sim_node *n, group_index_t group, boot_t deadline)
{
	const struct sim_group_truth *truth = &s->truth[group];

	if (boot_before(sim_boot_now(s, n), deadline) && truth->began_up[n->id] != truth->won[n->id])
		sim_fail(s, "I8: %s opens its gate for group %d, and its history does not know why",
			 sim_name(s, n->id), group + 1);
}

void sim_check_shut(struct sim *s, struct sim_node *n, group_index_t group)
{
	if (s->overlap_began == 0 || sim_gate_open(s, n, group))
		return;
	s->overlap_ns += s->now - s->overlap_began;
	s->overlap_began = 0;
	sim_trace(s, "both gates were open for %lld us", (long long)(s->overlap_ns / NS_PER_US));
}

/* ---- I4 ---- */

static bool sim_calm(int64_t since, int64_t before)
{
	return since <= before;
}

/* A majority of voters, the holder among them, that has had nothing to complain about for so long that a
 * lease cannot have been lost by anything but a bug. */
static bool sim_majority_calm(const struct sim *s, const struct sim_node *n, group_index_t g)
{
	const struct lease_timing *t = &s->config.timing;
	int64_t before = s->now - 2 * (t->lease_ns + t->guard_ns) - 6 * t->pulse_ns;
	const struct voter_set *voters = &n->core->voters.set;
	node_set_t calm = 0;

	/* A rival that lost against this holder may have died before it released: its promises run out first.
	 */
	if (s->truth[g].won_at > before)
		return false;
	if (voters->phase != VOTERS_STABLE || s->voters_changed_at > before)
		return false;
	if (s->fault.loss || s->fault.reorder || s->fault.delay_high_ns > t->rtt_ns)
		return false;
	for (node_id_t k = 1; k <= s->nodes_count; k++) {
		const struct sim_node *v = &s->node[k];
		const struct sim_link *to = &s->link[n->id][k], *from = &s->link[k][n->id];

		if (!v->running || v->stalled_until || v->core->group[g].lease.voter.hi_unknown ||
		    !sim_calm(v->calm_since, before))
			continue;
		if (k != n->id && (to->cut || from->cut || !sim_calm(to->calm_since, before) ||
				   !sim_calm(from->calm_since, before)))
			continue;
		if (v->core->voters.set.version == voters->version)
			calm |= node_bit(k);
	}
	return node_in(calm, n->id) && voter_set_majority(voters, calm);
}

static bool sim_operation_recent(const struct sim *s)
{
	for (int i = 0; i < s->operations_count; i++)
		if (s->now - s->operation[i].at <
		    s->operation[i].drain_ns * 11 / 10 + s->config.operation_timeout_ns + 3 * NS_PER_S)
			return true;
	return false;
}

/* As far as the holder was told. */
static bool sim_successor_fit(const struct core *c, group_index_t g, const struct core_record *r)
{
	const struct core_peer *p = &c->peer[r->peer];
	const struct core_operation *op = &c->group[g].operation;
	bool forced = r->operation != 0 && op->command.type == COMMAND_FAILOVER;

	if (!p->facts_known || c->intent.node[r->peer].standby)
		return false;
	return forced || (p->facts.group[g].pbx == PBX_HEALTHY && p->facts.quorate && !p->facts.joining);
}

void sim_check_told(struct sim_node *n, const struct core_event *ev)
{
	if (ev->type == CORE_COMMAND && ev->command.type == COMMAND_CANCEL)
		n->cancelled[ev->command.group] = ev->command.cancels;
	if (ev->type != CORE_LOCAL_FACTS)
		return;
	for (group_index_t g = 0; g < SIM_GROUPS_MAX; g++)
		if (ev->facts.group[g].calls != 0)
			n->idle_since[g] = (boot_t){ 0 };
		else if (n->idle_since[g].ns == 0)
			n->idle_since[g] = ev->at.boot;
}

/* Moved when its calls had ended: they had, an operator still wanted it, and its time was not over. */
static void sim_check_drained(struct sim *s, struct sim_node *n, group_index_t g,
			      const struct core_operation *op)
{
	boot_t now = sim_boot_now(s, n), idle = n->idle_since[g];
	int64_t late_ns = boot_diff_ns(op->accepted, now) - op->command.drain_ns;

	if (idle.ns == 0)
		sim_fail(s, "I14: %s let go of group %d with calls up", sim_name(s, n->id), g + 1);
	else if (boot_diff_ns(idle, now) < CORE_DRAIN_SETTLE_NS)
		sim_fail(s, "I14: %s let go of group %d although a call was up just before",
			 sim_name(s, n->id), g + 1);
	if (n->core->group[g].unseen.calls > 0)
		sim_fail(s, "I14: %s let go of group %d with calls up that came with a move",
			 sim_name(s, n->id), g + 1);
	if (late_ns > CORE_RELEASE_WAIT_NS + 2 * s->config.timing.lease_ns)
		sim_fail(s, "I14: %s let go of group %d after the time to drain was over", sim_name(s, n->id),
			 g + 1);
	if (n->core->intent.paused)
		sim_fail(s, "I11: %s let go of group %d while paused, when its calls had ended",
			 sim_name(s, n->id), g + 1);
}

static void sim_check_operation(struct sim *s, struct sim_node *n, group_index_t g,
				const struct core_record *r)
{
	const struct core_operation *op = &n->core->group[g].operation;

	if (r->operation == 0)
		return;
	if (r->operation == n->cancelled[g])
		sim_fail(s, "I14: %s let go of group %d for an operation that was cancelled",
			 sim_name(s, n->id), g + 1);
	if (op->command.operation == r->operation && op->command.drain_ns > 0)
		sim_check_drained(s, n, g, op);
}

/* Only what is wrong with the holder itself, as it was told, or an operator, may end a tenure. */
static void sim_check_lost_cause(struct sim *s, struct sim_node *n, group_index_t g,
				 const struct core_record *r)
{
	const struct core *c = n->core;
	const struct group_facts *f = &c->facts.group[g];
	bool paused = c->intent.paused, needs_successor = true, justified = false, automatic = true;

	switch (r->cause) {
	case CAUSE_LEASE_EXPIRED:
	case CAUSE_HIGHER_EPOCH:
		justified = !sim_majority_calm(s, n, g);
		needs_successor = automatic = false;
		break;
	case CAUSE_STANDSTILL:
		justified = s->now - n->calm_since < s->config.timing.pulse_ns;
		needs_successor = automatic = false;
		break;
	case CAUSE_STOPPING:
		justified = n->stopping;
		needs_successor = automatic = false;
		break;
	case CAUSE_OPERATOR:
		justified = c->intent.node[n->id].standby || (r->operation != 0 && sim_operation_recent(s));
		automatic = r->operation == 0;
		sim_check_operation(s, n, g, r);
		break;
	case CAUSE_PBX_DEAD:
		justified = f->pbx == PBX_DEAD;
		break;
	case CAUSE_PBX_SICK:
		justified = f->pbx == PBX_SICK;
		break;
	case CAUSE_LAN_DOWN:
		justified = !f->lan_up;
		break;
	case CAUSE_GATE_LOST:
		justified = !f->gate_ok || !f->addresses_ok;
		break;
	case CAUSE_FAILBACK:
		justified = c->config.groups[g].policy.failback != FAILBACK_MANUAL;
		sim_check_failback(s, n, g, r->peer);
		break;
	case CAUSE_UPLINK:
		justified = c->facts.uplinks_count > 0;
		s->uplink_moves_count++;
		sim_check_uplink_move(s, n, g, r->peer);
		break;
	case CAUSE_NONE:
	case CAUSE_VACANT:
	case CAUSE_RELEASE:
	case CAUSE_FENCED:
	case CAUSE_ADOPTED:
	case CAUSE_REASON:
	case CAUSE_VRRP_SILENCE:
	case CAUSE_VRRP_RELEASE:
	case CAUSE_VRRP_PREEMPT:
	case CAUSE_VRRP_BETTER:
	case CAUSE_VRRP_UNSENT:
	case CAUSE_VRRP_FAULT:
	case CAUSE_PEER_ABSENT:
	case CAUSE_CUT_OFF:
	case CAUSE_TWO_HOLDERS:
	case CORE_CAUSES_COUNT:
		break;
	}
	if (!justified)
		sim_fail(s, "I4: %s lost group %d by cause %s, which is not so", sim_name(s, n->id), g + 1,
			 cause_name(r->cause));
	if (needs_successor && (r->peer == NODE_NONE || r->peer == n->id))
		sim_fail(s, "I4: %s let go of group %d (%s) with no successor", sim_name(s, n->id), g + 1,
			 cause_name(r->cause));
	if (needs_successor && !sim_successor_fit(c, g, r))
		sim_fail(s, "I4: %s let go of group %d (%s) for %s, which it knows to be unfit",
			 sim_name(s, n->id), g + 1, cause_name(r->cause), sim_name(s, r->peer));
	if (automatic && paused)
		sim_fail(s, "I11: %s let go of group %d (%s) while paused", sim_name(s, n->id), g + 1,
			 cause_name(r->cause));
}

static void sim_check_lost(struct sim *s, struct sim_node *n, group_index_t g)
{
	const struct takeover *t = &n->core->group[g].takeover;
	struct sim_group_truth *truth = &s->truth[g];

	truth->lost[n->id]++;
	s->letgos++;
	if (t->direction != TAKEOVER_DOWN || t->record.type != RECORD_LETGO)
		sim_fail(s, "I8: %s lost group %d and no let-go began", sim_name(s, n->id), g + 1);
	else
		sim_check_lost_cause(s, n, g, &t->record);
	if (t->record.peer != NODE_NONE)
		truth->handed_at = s->now;
	if (truth->holder == n->id)
		truth->held = false;
}

/* A planned hand-over may be held up, for so long and no longer; a failover never. */
void sim_check_releasing(struct sim *s, struct sim_node *n, const struct core_event *ev, group_index_t g)
{
	const struct group_facts *f = &n->core->facts.group[g];
	bool trouble = f->pbx == PBX_DEAD || f->pbx == PBX_SICK || !f->lan_up || !f->gate_ok;

	if (n->releasing[g].ns == 0)
		return;
	if (!lease_holds(&n->core->group[g].lease))
		sim_fail(s, "I9: %s waits to hand over group %d, which it does not hold", sim_name(s, n->id),
			 g + 1);
	/* Events of a peer or of one group do not decide about all. */
	if (ev->type == CORE_LOCAL_FACTS && trouble)
		sim_fail(s, "I3: %s is in trouble and waits to hand over group %d", sim_name(s, n->id),
			 g + 1);
	if (ev->type == CORE_TICK && boot_diff_ns(n->releasing[g], ev->at.boot) > CORE_RELEASE_WAIT_NS)
		sim_fail(s, "I9: %s waits for longer than it may to hand over group %d", sim_name(s, n->id),
			 g + 1);
}

/* ---- I2, I7, I11: who may begin to hold ---- */

static bool sim_forced_here(const struct core *c, group_index_t g)
{
	const struct core_operation *op = &c->group[g].operation;

	return op->state == OPERATION_RUNNING && op->command.type == COMMAND_FAILOVER &&
	       (op->target == c->config.self || op->target == NODE_NONE);
}

static const char *sim_unfit(const struct core *c, group_index_t g)
{
	const struct group_facts *f = &c->facts.group[g];

	if (c->intent.node[c->config.self].standby)
		return "standby";
	if (!c->facts.config_accepted)
		return "config";
	if (!f->gate_ok || !f->addresses_ok)
		return "gate";
	if (sim_forced_here(c, g))
		return NULL;
	if (!c->facts.quorate && c->group[g].lease.proof.node == NODE_NONE)
		return "not quorate";
	if (c->facts.joining)
		return "joining";
	if (!f->lan_up)
		return "LAN down";
	return f->pbx == PBX_HEALTHY ? NULL : "PBX not healthy";
}

/* A hand-over that began before a pause may be finished: within two promises of the RELEASE, which a stall or
 * the network may have held up. */
static int64_t sim_moving_ns_max(const struct sim *s)
{
	const struct lease_timing *t = &s->config.timing;

	return 2 * (t->lease_ns + t->guard_ns) * 11 / 10 + 6 * t->lease_ns + 4 * NS_PER_S;
}

static void sim_check_won(struct sim *s, struct sim_node *n, group_index_t g)
{
	const struct core *c = n->core;
	const struct core_operation *op = &c->group[g].operation;
	struct sim_group_truth *truth = &s->truth[g];
	struct epoch epoch = c->group[g].lease.epoch;
	const char *unfit = sim_unfit(c, g);
	bool moved = op->state == OPERATION_RUNNING || s->now - truth->handed_at < sim_moving_ns_max(s);

	truth->won[n->id]++;
	s->takeovers++;
	if (epoch_cmp(epoch, truth->epoch_max) <= 0)
		sim_fail(s, "I7: %s won group %d with epoch %llu.%d, not above %llu.%d", sim_name(s, n->id),
			 g + 1, (unsigned long long)epoch.counter, epoch.node,
			 (unsigned long long)truth->epoch_max.counter, truth->epoch_max.node);
	if (epoch.counter > n->disk.ceiling)
		sim_fail(s, "I7: %s holds epoch %llu above its durable ceiling %llu", sim_name(s, n->id),
			 (unsigned long long)epoch.counter, (unsigned long long)n->disk.ceiling);
	if (unfit)
		sim_fail(s, "I2: %s took group %d although it is unfit: %s", sim_name(s, n->id), g + 1,
			 unfit);
	sim_check_required(s, n, g);
	if (c->intent.paused && !moved)
		sim_fail(s, "I11: %s took group %d while paused", sim_name(s, n->id), g + 1);
	if (c->stopping)
		sim_fail(s, "I2: %s took group %d while stopping", sim_name(s, n->id), g + 1);
	truth->epoch_max = epoch;
	truth->epoch = epoch;
	truth->holder = n->id;
	truth->held = true;
	truth->won_at = s->now;
}

static void sim_check_adopted(struct sim *s, struct sim_node *n, group_index_t g)
{
	struct sim_group_truth *truth = &s->truth[g];

	truth->won[n->id]++;
	if (!sim_gate_open(s, n, g))
		sim_fail(s, "I10: %s adopted group %d behind a shut gate", sim_name(s, n->id), g + 1);
	if (truth->holder != n->id)
		sim_fail(s, "I7: %s adopted group %d, but the latest winner is %s", sim_name(s, n->id), g + 1,
			 sim_name(s, truth->holder));
}

/* A holder that raised its epoch goes on in the same tenure. */
static void sim_check_raised(struct sim *s, struct sim_node *n, group_index_t g)
{
	struct sim_group_truth *truth = &s->truth[g];
	struct epoch epoch = n->core->group[g].lease.epoch;

	if (epoch_cmp(epoch, truth->epoch_max) <= 0)
		sim_fail(s, "I7: %s raised group %d to an epoch that was used", sim_name(s, n->id), g + 1);
	truth->epoch_max = truth->epoch = epoch;
}

/* Won, and let go again in the same step: an operator wants another holder. */
static bool sim_passed_through(const struct sim *s, group_index_t g)
{
	for (uint32_t i = 0; i < s->plan.count; i++) {
		const struct plan_action *a = &s->plan.actions[i];

		if (a->type == PLAN_EXPLAIN && a->group == g && a->explain.rule == RULE_WON)
			return true;
	}
	return false;
}

/* With a proof for the other vote, asking is winning. */
static bool sim_lost_and_won(const struct sim *s, group_index_t g)
{
	bool lost = false, won = false;

	for (uint32_t i = 0; i < s->plan.count; i++) {
		const struct plan_action *a = &s->plan.actions[i];

		if (a->type == PLAN_EXPLAIN && a->group == g) {
			lost = lost || a->explain.rule == RULE_LAPSED || a->explain.rule == RULE_LET_GO;
			won = won || a->explain.rule == RULE_WON;
		}
	}
	return lost && won;
}

void sim_check_step(struct sim *s, struct sim_node *n, const struct core_event *ev,
		    const enum lease_role *before, const struct epoch *epoch_before)
{
	for (group_index_t g = 0; g < s->config.groups_count; g++) {
		const struct lease *l = &n->core->group[g].lease;
		bool held = before[g] == LEASE_HOLDING, holds = lease_holds(l);

		if (!held && holds && ev->type == CORE_ADOPT)
			sim_check_adopted(s, n, g);
		else if (!held && holds)
			sim_check_won(s, n, g);
		else if (held && !holds)
			sim_check_lost(s, n, g);
		else if (held && sim_lost_and_won(s, g)) {
			s->truth[g].lost[n->id]++;
			s->letgos++;
			sim_check_won(s, n, g);
		} else if (held && epoch_cmp(l->epoch, epoch_before[g]) != 0)
			sim_check_raised(s, n, g);
		else if (!held && sim_passed_through(s, g)) {
			sim_check_won(s, n, g);
			sim_check_lost(s, n, g);
		}
	}
}

/* ---- I8: records and steps ---- */

static struct sim_operation_truth *sim_operation_find(struct sim *s, uint64_t id)
{
	for (int i = 0; i < s->operations_count; i++)
		if (s->operation[i].id == id)
			return &s->operation[i];
	return NULL;
}

static void sim_check_record(struct sim *s, struct sim_node *n, const struct core_record *r)
{
	struct sim_group_truth *truth = &s->truth[r->group];
	struct sim_operation_truth *op;

	switch (r->type) {
	case RECORD_TAKEOVER:
		if (r->begins && ++truth->began_up[n->id] > truth->won[n->id])
			sim_fail(s, "I8: %s wrote of the beginning of a takeover too many",
				 sim_name(s, n->id));
		if (!r->begins && ++truth->took[n->id] > truth->began_up[n->id])
			sim_fail(s, "I8: %s wrote a takeover record too many", sim_name(s, n->id));
		if (r->cause != CAUSE_VACANT && r->cause != CAUSE_RELEASE &&
		    r->cause != CAUSE_LEASE_EXPIRED && r->cause != CAUSE_OPERATOR &&
		    r->cause != CAUSE_ADOPTED && !(r->cause == CAUSE_FENCED && s->config.proof_votes))
			sim_fail(s, "I2: %s took over by cause %s", sim_name(s, n->id), cause_name(r->cause));
		break;
	case RECORD_LETGO:
		if (r->begins && ++truth->began_down[n->id] > truth->lost[n->id])
			sim_fail(s, "I8: %s wrote of the beginning of a let-go too many", sim_name(s, n->id));
		if (!r->begins && ++truth->let[n->id] > truth->began_down[n->id])
			sim_fail(s, "I8: %s wrote a let-go record too many", sim_name(s, n->id));
		break;
	case RECORD_OPERATION:
		op = sim_operation_find(s, r->operation);
		if (op && (op->origin != n->id || ++op->records > 1))
			sim_fail(s, "I8: operation %llx has a record too many",
				 (unsigned long long)r->operation);
		break;
	case RECORD_COMMAND:
		break;
	}
}

static enum core_step_kind sim_step_before(enum core_step_kind k)
{
	static const enum core_step_kind before[] = {
		[STEP_WAKE_PBX] = STEP_ANNOUNCE,
		[STEP_VERIFY] = STEP_WAKE_PBX,
		[STEP_DESTROY_SOCKETS] = STEP_ANNOUNCE_STOP,
		[STEP_MUZZLE_PBX] = STEP_DESTROY_SOCKETS,
	};

	return k == STEP_ANNOUNCE || k == STEP_ANNOUNCE_STOP ? STEP_NONE : before[k];
}

static void sim_check_step_action(struct sim *s, struct sim_node *n, const struct plan_action *a)
{
	struct sim_group_truth *truth = &s->truth[a->group];
	enum core_step_kind needs = sim_step_before(a->step.kind);

	if (a->step.seq <= truth->seq[n->id])
		sim_fail(s, "steps: %s used sequence %u twice", sim_name(s, n->id), a->step.seq);
	/* The same again: its first start was in a plan that was dropped. */
	if (needs != STEP_NONE && truth->step[n->id] != needs && truth->step[n->id] != a->step.kind)
		sim_fail(s, "steps: %s goes from %s to %s", sim_name(s, n->id), step_name(truth->step[n->id]),
			 step_name(a->step.kind));
	truth->seq[n->id] = a->step.seq;
	truth->step[n->id] = a->step.kind;
}

void sim_check_action(struct sim *s, struct sim_node *n, const struct plan_action *a)
{
	switch (a->type) {
	case PLAN_RECORD:
		sim_check_record(s, n, &a->record);
		break;
	case PLAN_STEP:
		sim_check_step_action(s, n, a);
		break;
	case PLAN_FENCE_STATE:
		sim_check_fence_state(s, n, &a->fence_state);
		break;
	case PLAN_EXPLAIN:
		if (!rules_sentence(a->explain.rule))
			sim_fail(s, "rule %d has no sentence", a->explain.rule);
		break;
	case PLAN_SAVE_VOTERS:
		s->voters_changed_at = s->now;
		break;
	case PLAN_SAVE_VOTER:
	case PLAN_GATE_SET:
	case PLAN_SEND:
	case PLAN_PULSE:
	case PLAN_PULSE_TO:
	case PLAN_SAVE_INTENT:
	case PLAN_RESERVE_EPOCHS:
	case PLAN_FENCE_CALL:
	case PLAN_FENCE_SEND:
	case PLAN_FENCE_ATTEMPT:
	case PLAN_FENCE_SAVE:
	case PLAN_FACTS_CHANGED:
		break;
	}
}

/* A plan was carried out to its end: no gate may be open without a tenure behind it. */
void sim_check_rest(struct sim *s, struct sim_node *n)
{
	for (group_index_t g = 0; g < s->config.groups_count; g++)
		if (sim_gate_open(s, n, g) && !lease_holds(&n->core->group[g].lease))
			sim_fail(s, "I1: the gate of %s is open for group %d, which it does not hold",
				 sim_name(s, n->id), g + 1);
}

/* What an agent had not written when it died is lost; what it wrote must have been true. */
void sim_check_life_over(struct sim *s, struct sim_node *n)
{
	if (!n->stalled_until && !sim_same_intent(&n->disk.intent, &n->core->intent))
		sim_fail(s, "I11: %s dies and its intent is not on its disk", sim_name(s, n->id));
	for (group_index_t g = 0; g < s->config.groups_count; g++) {
		struct sim_group_truth *truth = &s->truth[g];

		truth->won[n->id] = truth->lost[n->id] = truth->took[n->id] = truth->let[n->id] = 0;
		truth->began_up[n->id] = truth->began_down[n->id] = 0;
		truth->step[n->id] = STEP_NONE;
		truth->seq[n->id] = 0;
	}
}

void sim_check_delivered(struct sim *s, struct sim_node *n, const struct core_command *cmd)
{
	struct sim_operation_truth *op = sim_operation_find(s, cmd->operation);

	if (op && op->origin == n->id && op->life == n->life)
		op->delivered = true;
}
