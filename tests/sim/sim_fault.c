/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What goes wrong. Each seed uses a random subset of the kinds (swarm testing: Groce et al. 2012), because
 * faults that always come together hide each other.
 */
#include "sim.h"

#include <string.h>

enum sim_fault_kind {
	FAULT_AGENT_KILL,
	FAULT_AGENT_RESTART,
	FAULT_POWER,
	FAULT_DISK_LOST,
	FAULT_CUT,
	FAULT_CUT_ONE_WAY,
	FAULT_ISOLATE,
	FAULT_MEND,
	FAULT_STALL,
	FAULT_PBX,
	FAULT_PBX_FLAPS,
	FAULT_LAN,
	FAULT_GATE,
	FAULT_COROSYNC,
	FAULT_OPERATOR,
	FAULT_OPERATOR_RACE,
	FAULT_DRAIN,
	FAULT_CALLS,
	FAULT_AGENT_STOP,
	FAULT_CLOCK,
	FAULT_CONFIG,
	FAULT_VOTERS,
	FAULT_KINDS,
};

#define SIM_RATE_ERROR_PPM 50000

void sim_fault_init(struct sim *s)
{
	struct sim_random *r = &s->random;
	struct sim_fault_plan *f = &s->fault;

	f->delay_low_ns = f->delay_high_ns = NS_PER_MS;
	if (s->options.story) {
		s->faults_over = true;
		return;
	}
	f->delay_low_ns = 100 * NS_PER_US;
	f->delay_high_ns = sim_random_permille(r, 800) ? sim_random_between(r, 200, 5000) * NS_PER_US
						       : sim_random_between(r, 5, 150) * NS_PER_MS;
	f->loss = sim_random_permille(r, 600) ? 0 : (int)sim_random_below(r, 300);
	f->duplicate = sim_random_permille(r, 500) ? 0 : (int)sim_random_below(r, 300);
	f->reorder = sim_random_permille(r, 700) ? 0 : (int)sim_random_below(r, 100);
	f->stall = sim_random_permille(r, 600) ? 0 : (int)sim_random_below(r, 400);
	f->save_fails = sim_random_permille(r, 700) ? 0 : (int)sim_random_below(r, 100);
	f->step_fails = sim_random_permille(r, 700) ? 0 : (int)sim_random_below(r, 300);
	f->step_hangs = sim_random_permille(r, 900) ? 0 : (int)sim_random_below(r, 200);
	for (int k = 0; k < FAULT_KINDS; k++)
		if (sim_random_permille(r, 350))
			f->kinds |= 1 << k;
	f->gap_ns = sim_random_between(r, 100, 2500) * NS_PER_MS;
	s->end = sim_random_between(r, 6, 18) * NS_PER_S * (s->options.uplinks ? 4 : 1);
	/* A move takes seconds of rest: in most of these worlds there is little else. */
	if (s->options.uplinks && sim_random_permille(r, 700))
		f->stall = f->save_fails = f->kinds = 0;
	sim_schedule(s, sim_random_between(r, 1, 4) * NS_PER_S, SIM_FAULT, NODE_NONE);
}

static node_id_t sim_any_node(struct sim *s)
{
	return (node_id_t)sim_random_between(&s->random, 1, s->nodes_count);
}

static node_id_t sim_any_pbx_node(struct sim *s)
{
	for (;;) {
		node_id_t n = sim_any_node(s);

		if (!s->node[n].witness)
			return n;
	}
}

/* Trouble of a random node says little; trouble of the holder says much. */
static struct sim_node *sim_victim(struct sim *s)
{
	node_id_t holder = s->truth[sim_random_below(&s->random, s->config.groups_count)].holder;

	if (holder != NODE_NONE && sim_random_permille(&s->random, 500))
		return &s->node[holder];
	return &s->node[sim_any_node(s)];
}

static struct sim_node *sim_pbx_victim(struct sim *s)
{
	struct sim_node *n = sim_victim(s);

	return n->witness ? &s->node[sim_any_pbx_node(s)] : n;
}

static int64_t sim_ms(struct sim *s, int64_t low, int64_t high)
{
	return sim_random_between(&s->random, low, high) * NS_PER_MS;
}

static int64_t sim_reform_time(struct sim *s)
{
	return sim_ms(s, 100, 2100);
}

static void sim_fault_disk(struct sim *s)
{
	struct sim_node *n = sim_victim(s);

	/* One lost disk at a time: with more, the N-M+1 others that know hi may not exist. */
	for (node_id_t k = 1; k <= s->nodes_count; k++)
		if (s->node[k].disk.epoch_lost)
			return;
	if (n->powered)
		sim_power_off(s, n, true, sim_ms(s, 300, 4000));
}

static void sim_fault_cut(struct sim *s, bool both)
{
	node_id_t a = sim_victim(s)->id, b = sim_any_node(s);

	if (a == b)
		return;
	sim_trace(s, "links are cut from %s to %s%s", sim_name(s, a), sim_name(s, b),
		  both ? " and back" : "");
	sim_link_cut(s, a, b, true);
	if (both)
		sim_link_cut(s, b, a, true);
	sim_cpg_changed(s, sim_reform_time(s));
}

static void sim_fault_isolate(struct sim *s)
{
	node_id_t a = sim_victim(s)->id;

	sim_trace(s, "%s is cut off from all others", sim_name(s, a));
	for (node_id_t b = 1; b <= s->nodes_count; b++) {
		if (b == a)
			continue;
		sim_link_cut(s, a, b, true);
		sim_link_cut(s, b, a, true);
	}
	sim_cpg_changed(s, sim_reform_time(s));
}

static void sim_fault_mend(struct sim *s)
{
	bool changed = false;

	for (node_id_t a = 1; a <= s->nodes_count; a++)
		for (node_id_t b = 1; b <= s->nodes_count; b++) {
			changed |= s->link[a][b].cut;
			sim_link_cut(s, a, b, false);
		}
	if (!changed)
		return;
	sim_trace(s, "all links are mended");
	sim_cpg_changed(s, sim_reform_time(s));
}

static void sim_pbx_set(struct sim *s, struct sim_node *n, group_index_t g, enum pbx_health health)
{
	sim_trace(s, "%s g%d PBX is %s", sim_name(s, n->id), g + 1, pbx_health_name(health));
	n->facts.group[g].pbx = health;
	sim_facts_report(s, n);
}

static group_index_t sim_any_group(struct sim *s)
{
	return (group_index_t)sim_random_below(&s->random, s->config.groups_count);
}

static void sim_fault_pbx(struct sim *s)
{
	static const enum pbx_health ill[] = { PBX_DEAD, PBX_SICK, PBX_STARTING, PBX_UNKNOWN };
	struct sim_node *n = sim_pbx_victim(s);
	group_index_t g = sim_any_group(s);

	if (!n->powered)
		return;
	n->facts.group[g].calls = (uint32_t)sim_random_below(&s->random, 3);
	n->facts.group[g].registrations_in_step = sim_random_permille(&s->random, 800);
	if (n->facts.group[g].pbx != PBX_HEALTHY && sim_random_permille(&s->random, 700))
		sim_pbx_set(s, n, g, PBX_HEALTHY);
	else
		sim_pbx_set(s, n, g, ill[sim_random_below(&s->random, 4)]);
}

static void sim_fault_pbx_flaps(struct sim *s)
{
	struct sim_node *n = sim_pbx_victim(s);
	group_index_t g = sim_any_group(s);

	for (int i = 0; i < 8 && n->powered; i++) {
		struct sim_event *e = sim_schedule(s, s->now + i * sim_ms(s, 20, 400), SIM_CORE, n->id);

		e->life = n->life;
		e->core.type = CORE_LOCAL_FACTS;
		e->core.facts = n->facts;
		e->core.facts.group[g].pbx = i % 2 ? PBX_HEALTHY : PBX_DEAD;
	}
	n->facts.group[g].pbx = PBX_HEALTHY;
}

static void sim_fault_lan(struct sim *s)
{
	struct sim_node *n = sim_pbx_victim(s);
	bool up = !n->facts.group[0].lan_up;

	sim_trace(s, "%s LAN is %s", sim_name(s, n->id), up ? "up" : "down");
	for (int g = 0; g < s->config.groups_count; g++)
		n->facts.group[g].lan_up = up;
	sim_facts_report(s, n);
}

static void sim_fault_gate(struct sim *s)
{
	struct sim_node *n = sim_pbx_victim(s);
	group_index_t g = sim_any_group(s);

	n->facts.group[g].gate_ok = !n->facts.group[g].gate_ok;
	sim_trace(s, "%s gate is %s", sim_name(s, n->id), n->facts.group[g].gate_ok ? "repaired" : "lost");
	sim_facts_report(s, n);
}

static void sim_fault_corosync(struct sim *s)
{
	node_id_t n = sim_any_pbx_node(s);

	s->cpg_down[n] = !s->cpg_down[n];
	sim_trace(s, "%s corosync is %s", sim_name(s, n), s->cpg_down[n] ? "down" : "up");
	sim_cpg_changed(s, sim_reform_time(s));
}

static void sim_fault_config(struct sim *s)
{
	struct sim_node *n = sim_pbx_victim(s);

	n->facts.config_hash ^= sim_random_permille(&s->random, 300) ? 0xbad : 0;
	n->facts.config_accepted = !n->facts.config_accepted || sim_random_permille(&s->random, 500);
	sim_facts_report(s, n);
}

/* Two changes at once can split OLD's voters half and half, and then neither ends: one at a time. */
static bool sim_voters_quiet(const struct sim *s)
{
	const struct voters *first = &s->node[1].core->voters;

	for (node_id_t k = 1; k <= s->nodes_count; k++) {
		const struct voters *v = &s->node[k].core->voters;

		if (!s->node[k].running || v->set.phase != VOTERS_STABLE || v->taking.version != 0 ||
		    v->set.version != first->set.version)
			return false;
	}
	return s->now - s->voters_changed_at > NS_PER_S;
}

/* One voter leaves or comes back. Never below two, or one failure more would be for ever. */
static void sim_fault_voters(struct sim *s)
{
	struct sim_node *n = sim_victim(s);
	struct sim_event *e;
	node_set_t set;

	if (!n->running || n->stalled_until || !sim_voters_quiet(s))
		return;
	set = n->core->voters.set.new_set ^ node_bit(sim_any_node(s));
	if (node_count(set) < 2)
		return;
	s->voters_changed_at = s->now;
	sim_trace(s, "%s operator: change the voters to %llx", sim_name(s, n->id), (unsigned long long)set);
	e = sim_schedule(s, s->now, SIM_CORE, n->id);
	e->life = n->life;
	e->core.type = CORE_VOTERS_CHANGE;
	e->core.voters.new_set = set;
}

static void sim_fault_operator(struct sim *s)
{
	static const enum core_command_type commands[] = {
		COMMAND_PAUSE,	    COMMAND_RESUME,	COMMAND_RESUME,
		COMMAND_STANDBY,    COMMAND_UNSTANDBY,	COMMAND_UNSTANDBY,
		COMMAND_SWITCHOVER, COMMAND_SWITCHOVER, COMMAND_FAILOVER,
	};
	enum core_command_type type = commands[sim_random_below(&s->random, 9)];
	node_id_t node = NODE_NONE;

	if (type == COMMAND_STANDBY || type == COMMAND_UNSTANDBY || sim_random_permille(&s->random, 600))
		node = sim_any_pbx_node(s);
	if (type == COMMAND_PAUSE || type == COMMAND_RESUME)
		node = NODE_NONE;
	(void)sim_command(s, sim_any_pbx_node(s), type, sim_any_group(s), node);
}

/* Calls begin and end, at the holder for the most part; sometimes nobody knows. */
static void sim_fault_calls(struct sim *s)
{
	static const uint32_t calls[] = { 0, 0, 0, 1, 2, UINT32_MAX };
	struct sim_node *n = sim_pbx_victim(s);
	group_index_t g = sim_any_group(s);

	n->facts.group[g].calls = calls[sim_random_below(&s->random, 6)];
	sim_trace(s, "%s g%d calls: %d", sim_name(s, n->id), g + 1, (int)n->facts.group[g].calls);
	sim_facts_report(s, n);
}

/* Now a move that was still wanted would begin. */
static void sim_fault_calls_end(struct sim *s, group_index_t g)
{
	for (node_id_t k = 1; k <= s->nodes_count; k++) {
		s->node[k].facts.group[g].calls = 0;
		sim_facts_report(s, &s->node[k]);
	}
}

/* A move that waits for calls to end, calls that come and go, and now and then a second thought. */
static void sim_fault_drain(struct sim *s)
{
	node_id_t at = sim_any_pbx_node(s);
	struct core_command cmd = { .type = COMMAND_SWITCHOVER, .group = sim_any_group(s) };
	const struct core_operation *op = &s->node[at].core->group[cmd.group].operation;
	bool drains = s->node[at].running && op->state == OPERATION_RUNNING && op->drain_until.ns != 0;

	if (drains && sim_random_permille(&s->random, 700)) {
		cmd.type = sim_random_permille(&s->random, 600) ? COMMAND_CANCEL : COMMAND_PAUSE;
	} else {
		cmd.drain_ns = sim_ms(s, 200, 8000);
		if (sim_random_permille(&s->random, 600))
			cmd.node = sim_any_pbx_node(s);
	}
	if (s->node[at].running && s->node[at].core->intent.paused && sim_random_permille(&s->random, 800))
		cmd = (struct core_command){ .type = COMMAND_RESUME };
	(void)sim_order(s, at, &cmd);
	if (cmd.type == COMMAND_PAUSE || cmd.type == COMMAND_CANCEL)
		sim_fault_calls_end(s, cmd.group);
	else
		sim_fault_calls(s);
}

static void sim_fault_kill(struct sim *s, bool soon)
{
	struct sim_node *n = sim_victim(s);

	if (n->running)
		sim_agent_kill(s, n, soon ? sim_ms(s, 1, 500) : sim_ms(s, 500, 4000));
}

static void sim_fault_one(struct sim *s, enum sim_fault_kind kind)
{
	struct sim_random *r = &s->random;
	struct sim_node *n = sim_victim(s);

	switch (kind) {
	case FAULT_AGENT_KILL:
	case FAULT_AGENT_RESTART:
		sim_fault_kill(s, kind == FAULT_AGENT_RESTART);
		return;
	case FAULT_POWER:
		if (n->powered)
			sim_power_off(s, n, false, sim_ms(s, 300, 6000));
		return;
	case FAULT_DISK_LOST:
		sim_fault_disk(s);
		return;
	case FAULT_CUT:
	case FAULT_CUT_ONE_WAY:
		sim_fault_cut(s, kind == FAULT_CUT);
		return;
	case FAULT_ISOLATE:
		sim_fault_isolate(s);
		return;
	case FAULT_MEND:
		sim_fault_mend(s);
		return;
	case FAULT_STALL:
		if (n->running && !n->stalled_until)
			sim_node_stall(s, n, sim_ms(s, 50, 4000));
		return;
	case FAULT_PBX:
		sim_fault_pbx(s);
		return;
	case FAULT_PBX_FLAPS:
		sim_fault_pbx_flaps(s);
		return;
	case FAULT_LAN:
		sim_fault_lan(s);
		return;
	case FAULT_GATE:
		sim_fault_gate(s);
		return;
	case FAULT_COROSYNC:
		sim_fault_corosync(s);
		return;
	case FAULT_OPERATOR:
		sim_fault_operator(s);
		return;
	case FAULT_OPERATOR_RACE:
		for (int i = 0; i < 3; i++)
			sim_fault_operator(s);
		return;
	case FAULT_DRAIN:
		sim_fault_drain(s);
		return;
	case FAULT_CALLS:
		sim_fault_calls(s);
		return;
	case FAULT_AGENT_STOP:
		if (n->running && !n->stopping)
			sim_agent_stop(s, n);
		return;
	case FAULT_CLOCK:
		if (n->powered && !n->frozen)
			sim_clock_rate(s, n, sim_random_between(r, -SIM_RATE_ERROR_PPM, SIM_RATE_ERROR_PPM),
				       sim_random_between(r, -SIM_RATE_ERROR_PPM, SIM_RATE_ERROR_PPM));
		return;
	case FAULT_CONFIG:
		sim_fault_config(s);
		return;
	case FAULT_VOTERS:
		sim_fault_voters(s);
		return;
	case FAULT_KINDS:
		return;
	}
}

static void sim_fault_some(struct sim *s, int kind)
{
	for (int tries = 0; tries < FAULT_KINDS && !(s->fault.kinds >> kind & 1); tries++)
		kind = (kind + 1) % FAULT_KINDS;
	sim_fault_one(s, (enum sim_fault_kind)kind);
}

void sim_fault_next(struct sim *s)
{
	int kind = (int)sim_random_below(&s->random, FAULT_KINDS);
	int64_t gap_ns = s->fault.gap_ns * (s->options.uplinks ? 3 : 1);

	if (s->faults_over)
		return;
	s->faults++;
	if (s->options.uplinks && (s->fault.kinds == 0 || sim_random_permille(&s->random, 500)))
		sim_uplinks_fault(s);
	else
		sim_fault_some(s, kind);
	/* Bursts and quiet times: squaring gives a long tail. */
	sim_schedule(s, s->now + sim_random_below(&s->random, 1 + sim_random_below(&s->random, 4 * gap_ns)),
		     SIM_FAULT, NODE_NONE);
}

/* Could the cluster do without n: by its voters, by corosync's quorum, and with a candidate left for every
 * group? */
static bool sim_can_spare(const struct sim *s, node_id_t n)
{
	int nodes = 0, left = 0;

	if (!sim_fence_can_spare(s, n))
		return false;
	if (s->config.proof_votes)
		return true;
	for (node_id_t k = 1; k <= s->nodes_count; k++) {
		const struct voter_set *v = &s->node[k].core->voters.set;
		node_set_t alive = voter_set_all(v) & ~node_bit(n);

		if (s->node[k].life == 0 || v->phase != VOTERS_STABLE || !voter_set_majority(v, alive))
			return false;
		nodes += !s->node[k].witness;
		left += !s->node[k].witness && k != n;
	}
	for (int g = 0; g < s->config.groups_count; g++)
		if (s->config.groups[g].candidates_count == 1 && s->config.groups[g].candidates[0] == n)
			return false;
	return nodes == 2 || left * 2 > nodes;
}

/* I3 speaks of a majority and one healthy candidate, not of a cluster without a fault. */
static void sim_leave_faults(struct sim *s)
{
	node_id_t n = sim_any_node(s);

	if (!s->options.story && sim_random_permille(&s->random, 400) && sim_can_spare(s, n))
		s->left_down = n;
	if (s->left_down == NODE_NONE)
		return;
	sim_trace(s, "%s stays without power", sim_name(s, n));
	if (s->node[n].powered)
		sim_power_off(s, &s->node[n], false, -1);
}

/* One PBX per group that lives is enough. */
static void sim_leave_dead_pbxs(struct sim *s)
{
	for (int g = 0; g < s->config.groups_count; g++) {
		const struct core_group_config *gc = &s->config.groups[g];
		node_id_t spared;

		if (s->left_down == NODE_NONE || sim_random_permille(&s->random, 500))
			continue;
		do
			spared = gc->candidates[sim_random_below(&s->random, gc->candidates_count)];
		while (spared == s->left_down);
		for (int i = 0; i < gc->candidates_count; i++)
			if (gc->candidates[i] != spared)
				s->node[gc->candidates[i]].facts.group[g].pbx = PBX_DEAD;
		sim_trace(s, "g%d has no PBX but on %s", g + 1, sim_name(s, spared));
	}
}

static void sim_heal_facts(struct sim *s, struct sim_node *n)
{
	n->facts.config_hash = s->config.config_hash;
	n->facts.config_accepted = true;
	n->facts.joining = false;
	for (int g = 0; g < s->config.groups_count; g++) {
		n->facts.group[g].pbx = PBX_HEALTHY;
		n->facts.group[g].lan_up = n->facts.group[g].gate_ok = true;
		n->facts.group[g].registrations_in_step = true;
	}
	sim_schedule(s, s->now + 600 * NS_PER_MS, SIM_FACTS, n->id);
	/* After the last of a flapping PBX's reports. */
	sim_schedule(s, s->now + 4 * NS_PER_S, SIM_FACTS, n->id);
}

/* From now on nothing more goes wrong: what was not left to be dead has power, hears everybody, and is
 * healthy. */
void sim_fault_heal(struct sim *s)
{
	sim_trace(s, "---- all faults end ----");
	s->faults_over = true;
	/* Within the RTT that the timing was made for. */
	if (s->fault.delay_high_ns > s->config.timing.rtt_ns / 4)
		s->fault.delay_high_ns = s->config.timing.rtt_ns / 4;
	if (s->fault.delay_low_ns > s->fault.delay_high_ns)
		s->fault.delay_low_ns = s->fault.delay_high_ns;
	sim_fault_mend(s);
	memset(s->cpg_down, 0, sizeof s->cpg_down);
	sim_leave_faults(s);
	sim_cpg_changed(s, 500 * NS_PER_MS);
	for (node_id_t id = 1; id <= s->nodes_count; id++) {
		struct sim_node *n = &s->node[id];

		if (id != s->left_down && !n->powered)
			sim_power_on(s, n);
		else if (id != s->left_down && !n->running)
			sim_schedule(s, s->now + NS_PER_MS, SIM_START, id);
		sim_heal_facts(s, n);
	}
	sim_leave_dead_pbxs(s);
	if (s->options.uplinks)
		sim_uplinks_heal(s);
}
