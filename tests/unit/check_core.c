/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The decider seen from one node: node 1 of two, the only voter, so that asking is winning. What needs
 * several nodes is in tests/sim.
 */
#include "core.h"

#include <string.h>

#include "rules.h"
#include "unit.h"

#define SELF 1
#define PEER 2

static struct core core;
static struct core_plan plan;
static struct instant now;

/* ---- events ---- */

static void feed(struct core_event ev)
{
	now.boot.ns += NS_PER_MS;
	now.raw.ns += NS_PER_MS;
	ev.at = now;
	core_step(&core, &ev, &plan);
}

static void pass_ms(int ms)
{
	now.boot.ns += ms * NS_PER_MS;
	now.raw.ns += ms * NS_PER_MS;
	feed((struct core_event){ .type = CORE_TICK });
}

static struct node_facts healthy(void)
{
	return (struct node_facts){
		.config_accepted = true,
		.quorate = true,
		.group[0] = { .pbx = PBX_HEALTHY,
			      .lan_up = true,
			      .gate_ok = true,
			      .addresses_ok = true,
			      .registrations_in_step = true,
			      .uplink = UPLINK_GOOD,
			      .calls = 2 },
	};
}

static void own_facts(struct node_facts f)
{
	feed((struct core_event){ .type = CORE_LOCAL_FACTS, .facts = f });
}

static void peer_facts(struct node_facts f)
{
	feed((struct core_event){ .type = CORE_PEER_FACTS, .node = PEER, .facts = f });
	feed((struct core_event){ .type = CORE_HEARD, .node = PEER, .heard.hears_me = true });
}

static void command(enum core_command_type type, node_id_t node, uint64_t stamp, node_id_t origin)
{
	feed((struct core_event){
		.type = CORE_COMMAND,
		.command = { .type = type,
			     .operation = stamp,
			     .stamp = stamp,
			     .origin = origin,
			     .node = node },
	});
}

/* ---- what came out ---- */

static const struct plan_action *find(enum plan_action_type type)
{
	for (uint32_t i = 0; i < plan.count; i++)
		if (plan.actions[i].type == type)
			return &plan.actions[i];
	return NULL;
}

static bool told(uint16_t rule)
{
	for (uint32_t i = 0; i < plan.count; i++)
		if (plan.actions[i].type == PLAN_EXPLAIN && plan.actions[i].explain.rule == rule)
			return true;
	return false;
}

static bool holds(void)
{
	return lease_holds(&core.group[0].lease);
}

/* Answers the step in flight until none is; returns the record that came at the end. */
static struct core_record finish_steps(void)
{
	struct core_record r = { 0 };

	while (core.group[0].takeover.step != STEP_NONE) {
		feed((struct core_event){ .type = CORE_STEP, .step.seq = core.group[0].takeover.seq });
		if (find(PLAN_RECORD))
			r = find(PLAN_RECORD)->record;
	}
	return r;
}

static enum reason check(enum core_command_type type, node_id_t node)
{
	const struct core_command cmd = { .type = type, .node = node, .origin = SELF };
	struct core_verdict v;

	core_check_command(&core, &cmd, now, &v);
	ck_assert_int_eq(v.accepted, v.reason == REASON_NONE);
	return v.reason;
}

/* ---- start ---- */

static struct core_config config(void)
{
	return (struct core_config){
		.self = SELF,
		.process = 77,
		.nodes_count = 3,
		.nodes = { { .id = SELF }, { .id = PEER }, { .id = 3, .witness = true } },
		.groups_count = 1,
		.groups = { { .candidates_count = 2, .candidates = { SELF, PEER } } },
		.timing = { .lease_ns = 800 * NS_PER_MS,
			    .guard_ns = 112 * NS_PER_MS,
			    .lease_max_ns = 800 * NS_PER_MS,
			    .guard_max_ns = 112 * NS_PER_MS,
			    .pulse_ns = 100 * NS_PER_MS,
			    .hold_ns = 160 * NS_PER_MS,
			    .rtt_ns = 20 * NS_PER_MS },
		.operation_timeout_ns = 5 * NS_PER_S,
		.facts_timeout_ns = 4 * NS_PER_S,
	};
}

static void start(struct core_config c)
{
	const struct core_memory memory = {
		.ceiling = 5000,
		.voters = { .version = 1, .old_set = node_bit(SELF), .new_set = node_bit(SELF) },
	};

	now = (struct instant){ { 100 * NS_PER_S }, { 200 * NS_PER_S } };
	core_init(&core, &c, &memory, now);
	feed((struct core_event){ .type = CORE_ADOPT });
	(void)finish_steps();
	/* Epochs up to the old ceiling may have been used before the boot. */
	feed((struct core_event){ .type = CORE_CEILING, .ceiling = 6000 });
}

/* Holding, with a healthy peer in reach and every step done. */
static void start_holding(void)
{
	start(config());
	peer_facts(healthy());
	own_facts(healthy());
	pass_ms(1);
	ck_assert(holds());
	(void)finish_steps();
	peer_facts(healthy());
}

/* ---- tests ---- */

START_TEST(asks_only_when_fit)
{
	struct node_facts f = healthy();

	start(config());
	pass_ms(1);
	ck_assert(!holds()); /* nothing known of itself yet */
	f.joining = true;
	own_facts(f);
	ck_assert(!holds());
	f = healthy();
	f.quorate = false;
	own_facts(f);
	ck_assert(!holds());
	f = healthy();
	f.group[0].pbx = PBX_STARTING;
	own_facts(f);
	ck_assert(!holds());
	own_facts(healthy());
	ck_assert(holds());
	ck_assert(told(110));
	ck_assert(told(RULE_WON));
	ck_assert_int_gt(find(PLAN_GATE_SET)->gate_deadline.ns, now.boot.ns);
	ck_assert_int_eq(finish_steps().cause, CAUSE_VACANT);
}
END_TEST

START_TEST(patience_beside_a_better_candidate)
{
	struct core_config c = config();

	c.groups[0].candidates[0] = PEER;
	c.groups[0].candidates[1] = SELF;
	start(c);
	peer_facts(healthy());
	own_facts(healthy());
	ck_assert(!holds());
	peer_facts(healthy());
	pass_ms(100);
	ck_assert(!holds());
	peer_facts(healthy());
	pass_ms(100);
	ck_assert(holds()); /* the better one has had its two pulses */
}
END_TEST

/* I4. */
START_TEST(healthy_holder_stays_whatever_happens_to_others)
{
	struct node_facts f = healthy();

	start_holding();
	feed((struct core_event){ .type = CORE_PEER_LEFT, .node = PEER });
	f.quorate = false;
	f.joining = true;
	f.config_hash = 999;
	own_facts(f);
	f.group[0].pbx = PBX_UNKNOWN;
	own_facts(f);
	f.group[0].pbx = PBX_STARTING;
	own_facts(f);
	for (int i = 0; i < 100; i++) {
		pass_ms(100);
		ck_assert(holds());
	}
}
END_TEST

START_TEST(dead_pbx_without_successor_is_kept)
{
	struct node_facts f = healthy();

	start_holding();
	feed((struct core_event){ .type = CORE_PEER_LEFT, .node = PEER });
	f.group[0].pbx = PBX_DEAD;
	own_facts(f);
	ck_assert(holds());
	ck_assert(told(261));
	peer_facts(healthy());
	pass_ms(1);
	ck_assert(!holds());
}
END_TEST

START_TEST(each_trouble_hands_over_with_its_cause)
{
	static const enum core_cause causes[] = { CAUSE_PBX_DEAD, CAUSE_PBX_SICK, CAUSE_LAN_DOWN,
						  CAUSE_GATE_LOST };

	for (int i = 0; i < 4; i++) {
		struct node_facts f = healthy();
		struct core_record r;

		start_holding();
		if (i < 2)
			f.group[0].pbx = i == 0 ? PBX_DEAD : PBX_SICK;
		f.group[0].lan_up = i != 2;
		f.group[0].gate_ok = i != 3;
		own_facts(f);
		ck_assert(!holds());
		ck_assert_int_eq(find(PLAN_GATE_SET)->gate_deadline.ns, 0);
		r = finish_steps();
		ck_assert_int_eq(r.type, RECORD_LETGO);
		ck_assert_int_eq(r.cause, causes[i]);
		ck_assert_int_eq(r.peer, PEER);
	}
}
END_TEST

START_TEST(paused_keeps_a_dead_pbx)
{
	struct node_facts f = healthy();

	start_holding();
	command(COMMAND_PAUSE, NODE_NONE, 1, SELF);
	ck_assert(find(PLAN_SAVE_INTENT));
	ck_assert_int_eq(find(PLAN_RECORD)->record.type, RECORD_COMMAND);
	f.group[0].pbx = PBX_DEAD;
	own_facts(f);
	pass_ms(100);
	ck_assert(holds());
	peer_facts(healthy());
	command(COMMAND_RESUME, NODE_NONE, 2, PEER);
	/* Its origin records it; here begins what it made possible. */
	ck_assert_int_eq(find(PLAN_RECORD)->record.type, RECORD_LETGO);
	ck_assert(!holds());
}
END_TEST

START_TEST(switchover_is_done_when_the_target_holds)
{
	struct core_event view = { .type = CORE_VIEW, .node = PEER, .view.hears_me = true };

	start_holding();
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, PEER), REASON_NONE);
	command(COMMAND_SWITCHOVER, PEER, 9, SELF);
	ck_assert(!holds());
	ck_assert(told(210));
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, SELF), REASON_BUSY);
	ck_assert_int_eq(finish_steps().operation, 9);
	view.view.view = (struct lease_view){ .holds = { core.group[0].lease.epoch.counter + 1, PEER } };
	feed(view);
	ck_assert_int_eq(find(PLAN_RECORD)->record.type, RECORD_OPERATION);
	ck_assert(find(PLAN_RECORD)->record.ok);
	ck_assert_int_eq(core.group[0].operation.state, OPERATION_DONE);
	ck_assert_str_eq(core_group_state(&core, 0), "standby");
}
END_TEST

START_TEST(takeover_that_was_faster_than_its_command_is_the_operators)
{
	struct core_record r;

	start(config());
	peer_facts(healthy());
	own_facts(healthy());
	pass_ms(1);
	ck_assert(holds());
	core.group[0].takeover.record.cause = CAUSE_RELEASE; /* as if the peer had held and released */
	command(COMMAND_SWITCHOVER, SELF, 9, PEER);
	r = finish_steps();
	ck_assert_int_eq(r.type, RECORD_TAKEOVER);
	ck_assert_int_eq(r.cause, CAUSE_OPERATOR);
	ck_assert_int_eq(r.operation, 9);
}
END_TEST

START_TEST(switchover_that_nobody_takes_fails_once)
{
	start_holding();
	command(COMMAND_SWITCHOVER, PEER, 9, SELF);
	(void)finish_steps();
	/* The reservation runs out, this node takes the group back and does not let go again. */
	for (int i = 0; i < 20 && !holds(); i++) {
		peer_facts(healthy());
		pass_ms(100);
	}
	ck_assert(holds());
	ck_assert_int_eq(core.group[0].operation.state, OPERATION_FAILED);
	ck_assert_int_eq(core.group[0].operation.reason, REASON_TIMEOUT);
	peer_facts(healthy());
	pass_ms(100);
	ck_assert(holds());
}
END_TEST

START_TEST(latest_operation_replaces_the_one_before)
{
	struct node_facts sick = healthy();

	start_holding();
	sick.group[0].pbx = PBX_SICK;
	peer_facts(sick);
	command(COMMAND_SWITCHOVER, PEER, 8, SELF);
	ck_assert(holds());
	ck_assert(told(211));
	command(COMMAND_SWITCHOVER, SELF, 9, PEER);
	ck_assert_int_eq(find(PLAN_RECORD)->record.operation, 8);
	ck_assert_int_eq(find(PLAN_RECORD)->record.reason, REASON_SUPERSEDED);
	peer_facts(healthy());
	pass_ms(600);
	ck_assert(holds());
	ck_assert_int_eq(core.group[0].operation.state, OPERATION_DONE);
}
END_TEST

START_TEST(refusals_say_why)
{
	struct node_facts f = healthy();

	start_holding();
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, SELF), REASON_ALREADY_HOLDER);
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, 3), REASON_NOT_A_CANDIDATE);
	ck_assert_int_eq(check(COMMAND_STANDBY, 3), REASON_NOT_A_CANDIDATE);
	ck_assert_int_eq(check(COMMAND_UNSTANDBY, 9), REASON_NOT_A_CANDIDATE);
	ck_assert_int_eq(check(COMMAND_STANDBY, SELF), REASON_NONE);
	f.group[0].pbx = PBX_DEAD;
	peer_facts(f);
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, PEER), REASON_PBX_DEAD);
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, NODE_NONE), REASON_NO_CANDIDATE);
	ck_assert_int_eq(check(COMMAND_FAILOVER, PEER), REASON_NONE);
	ck_assert_int_eq(check(COMMAND_STANDBY, SELF), REASON_NO_CANDIDATE);
	feed((struct core_event){ .type = CORE_PEER_LEFT, .node = PEER });
	ck_assert_int_eq(check(COMMAND_FAILOVER, PEER), REASON_UNREACHABLE);
	peer_facts(healthy());
	command(COMMAND_PAUSE, NODE_NONE, 1, SELF);
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, PEER), REASON_PAUSED);
	ck_assert_int_eq(check(COMMAND_STANDBY, SELF), REASON_PAUSED);
	ck_assert_int_eq(check(COMMAND_STANDBY, PEER), REASON_NONE);
	ck_assert_int_eq(check(COMMAND_FAILOVER, PEER), REASON_NONE);
}
END_TEST

START_TEST(target_that_may_not_vote_yet_is_refused)
{
	struct core_event view = { .type = CORE_VIEW, .node = PEER, .view.hears_me = true };

	start_holding();
	view.view.view = (struct lease_view){ .votes = true, .hi_known = true, .mute = true };
	feed(view);
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, PEER), REASON_MUTE);
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, NODE_NONE), REASON_MUTE);
	command(COMMAND_SWITCHOVER, PEER, 9, SELF); /* it was accepted elsewhere */
	ck_assert(holds());
	view.view.view.mute = false;
	feed(view);
	ck_assert(!holds());
}
END_TEST

START_TEST(no_holder_no_switchover)
{
	start(config());
	peer_facts(healthy());
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, PEER), REASON_NO_HOLDER);
}
END_TEST

/* Latest stamp wins, ties by origin, however often and in whatever order they come. */
START_TEST(intents_merge_by_stamp)
{
	struct core_intent other = { .paused = true, .paused_stamp = 7, .paused_by = PEER };

	start_holding();
	command(COMMAND_PAUSE, NODE_NONE, 7, SELF);
	command(COMMAND_RESUME, NODE_NONE, 6, PEER); /* older */
	ck_assert(core.intent.paused);
	ck_assert_ptr_null(find(PLAN_SAVE_INTENT));
	command(COMMAND_RESUME, NODE_NONE, 8, PEER);
	ck_assert(!core.intent.paused);
	other.node[PEER].standby = true;
	other.node[PEER].stamp = 3;
	feed((struct core_event){ .type = CORE_INTENT, .intent = other });
	ck_assert(!core.intent.paused);
	ck_assert(core.intent.node[PEER].standby);
	ck_assert(find(PLAN_SAVE_INTENT));
	feed((struct core_event){ .type = CORE_INTENT, .intent = other });
	ck_assert_ptr_null(find(PLAN_SAVE_INTENT));
	ck_assert_uint_eq(core_stamp_next(&core), 9);
	ck_assert_uint_eq(core_stamp_next(&core), 10);
}
END_TEST

/* A node that lost its disk gave the same stamp twice. */
START_TEST(one_stamp_for_two_wishes_ends_careful_everywhere)
{
	struct core_intent other = { .paused = true, .paused_stamp = 7, .paused_by = PEER };

	start_holding();
	command(COMMAND_RESUME, NODE_NONE, 7, PEER);
	feed((struct core_event){ .type = CORE_INTENT, .intent = other });
	ck_assert(core.intent.paused);
	other.paused = false;
	feed((struct core_event){ .type = CORE_INTENT, .intent = other });
	ck_assert(core.intent.paused);
}
END_TEST

START_TEST(joining_node_takes_no_commands)
{
	struct node_facts f = healthy();

	start_holding();
	f.joining = true;
	own_facts(f);
	ck_assert_int_eq(check(COMMAND_PAUSE, NODE_NONE), REASON_JOINING);
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, PEER), REASON_JOINING);
	own_facts(healthy());
	ck_assert_int_eq(check(COMMAND_PAUSE, NODE_NONE), REASON_NONE);
}
END_TEST

START_TEST(command_that_came_too_late_is_recorded_as_superseded)
{
	start_holding();
	command(COMMAND_PAUSE, NODE_NONE, 7, PEER);
	command(COMMAND_RESUME, NODE_NONE, 7, SELF); /* the same stamp, the lower origin */
	ck_assert(core.intent.paused);
	ck_assert(!find(PLAN_RECORD)->record.ok);
	ck_assert_int_eq(find(PLAN_RECORD)->record.reason, REASON_SUPERSEDED);
}
END_TEST

START_TEST(stop_hands_over_and_tells_when_done)
{
	start_holding();
	feed((struct core_event){ .type = CORE_STOP });
	ck_assert(!holds());
	ck_assert(!core_stopped(&core));
	ck_assert_int_eq(finish_steps().peer, PEER);
	ck_assert(core_stopped(&core));
	pass_ms(5000);
	ck_assert(!holds());
}
END_TEST

START_TEST(stop_with_nobody_fit_releases)
{
	struct core_record r;

	start_holding();
	feed((struct core_event){ .type = CORE_PEER_LEFT, .node = PEER });
	feed((struct core_event){ .type = CORE_STOP });
	ck_assert(!holds());
	r = finish_steps();
	ck_assert_int_eq(r.cause, CAUSE_STOPPING);
	ck_assert_int_eq(r.peer, NODE_NONE);
}
END_TEST

/* ---- waiting for calls ---- */

static struct node_facts with_calls(uint32_t calls)
{
	struct node_facts f = healthy();

	f.group[0].calls = calls;
	return f;
}

static enum reason check_drain(void)
{
	const struct core_command cmd = {
		.type = COMMAND_SWITCHOVER, .node = PEER, .origin = SELF, .drain_ns = 60 * NS_PER_S
	};
	struct core_verdict v;

	core_check_command(&core, &cmd, now, &v);
	return v.reason;
}

static void drain(int64_t drain_ns)
{
	feed((struct core_event){
		.type = CORE_COMMAND,
		.command = { .type = COMMAND_SWITCHOVER,
			     .operation = 9,
			     .stamp = 9,
			     .origin = SELF,
			     .node = PEER,
			     .drain_ns = drain_ns },
	});
}

static void pass_hearing_ms(int ms)
{
	for (; ms > 0; ms -= 100) {
		peer_facts(healthy());
		pass_ms(99);
	}
	peer_facts(healthy());
}

START_TEST(drain_moves_when_calls_have_ended)
{
	start_holding();
	ck_assert_int_eq(check_drain(), REASON_NONE);
	drain(60 * NS_PER_S);
	ck_assert(told(212));
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, PEER), REASON_BUSY);
	pass_hearing_ms(3000);
	own_facts(with_calls(0));
	pass_hearing_ms(900);
	own_facts(with_calls(1)); /* between two calls */
	pass_hearing_ms(2000);
	ck_assert(holds());
	own_facts(with_calls(0));
	pass_hearing_ms(2100);
	ck_assert(!holds());
	ck_assert_int_eq(finish_steps().operation, 9);
}
END_TEST

START_TEST(drain_runs_out)
{
	start_holding();
	drain(2 * NS_PER_S);
	pass_hearing_ms(1900);
	ck_assert_int_eq(core.group[0].operation.state, OPERATION_RUNNING);
	pass_ms(200);
	ck_assert_int_eq(find(PLAN_RECORD)->record.reason, REASON_CALLS_UP);
	own_facts(with_calls(0));
	pass_hearing_ms(3000);
	ck_assert(holds());
}
END_TEST

START_TEST(drain_needs_to_know_the_calls)
{
	start_holding();
	own_facts(with_calls(UINT32_MAX));
	ck_assert_int_eq(check_drain(), REASON_CALLS_UNKNOWN);
	own_facts(with_calls(3));
	drain(2 * NS_PER_S);
	own_facts(with_calls(UINT32_MAX)); /* the adapter is lost */
	pass_hearing_ms(2200);
	ck_assert(holds());
	ck_assert_int_eq(core.group[0].operation.reason, REASON_CALLS_UNKNOWN);
}
END_TEST

START_TEST(cancel_ends_the_operation_that_it_names)
{
	struct core_event ev = {
		.type = CORE_COMMAND,
		.command = { .type = COMMAND_CANCEL,
			     .operation = 10,
			     .stamp = 10,
			     .origin = SELF,
			     .cancels = 8 },
	};

	start_holding();
	ck_assert_int_eq(check(COMMAND_CANCEL, NODE_NONE), REASON_NO_OPERATION);
	drain(60 * NS_PER_S);
	ck_assert_int_eq(check(COMMAND_CANCEL, NODE_NONE), REASON_NONE);
	feed(ev);
	ck_assert_int_eq(find(PLAN_RECORD)->record.reason, REASON_NO_OPERATION);
	ck_assert_int_eq(core.group[0].operation.state, OPERATION_RUNNING);
	ev.command.cancels = 9;
	feed(ev);
	ck_assert_int_eq(core.group[0].operation.reason, REASON_CANCELLED);
	own_facts(with_calls(0));
	pass_hearing_ms(3000);
	ck_assert(holds());
}
END_TEST

START_TEST(holder_that_is_not_quorate_ends_a_drain)
{
	struct node_facts alone = with_calls(1);

	alone.quorate = false;
	start_holding();
	drain(60 * NS_PER_S);
	own_facts(alone);
	ck_assert_int_eq(core.group[0].operation.reason, REASON_LOST_TOUCH);
}
END_TEST

START_TEST(calls_that_come_up_while_it_is_about_to_happen_stop_it)
{
	struct node_facts idle = with_calls(0), busy = with_calls(1);

	idle.group[0].release_wait = busy.group[0].release_wait = true;
	start_holding();
	own_facts(idle);
	drain(60 * NS_PER_S);
	pass_hearing_ms(2050);
	ck_assert(core_releasing(&core, 0));
	own_facts(busy);
	ck_assert(!core_releasing(&core, 0));
	pass_hearing_ms(2000);
	ck_assert(holds());
}
END_TEST

static struct node_facts waiting(void)
{
	struct node_facts f = healthy();

	f.group[0].release_wait = true;
	return f;
}

START_TEST(planned_hand_over_waits_for_what_must_be_said_first)
{
	start_holding();
	own_facts(waiting());
	ck_assert(!core_releasing(&core, 0));
	command(COMMAND_SWITCHOVER, PEER, 9, SELF);
	ck_assert(holds());
	ck_assert(told(RULE_RELEASING));
	ck_assert(core_releasing(&core, 0));
	ck_assert_int_le(boot_diff_ns(now.boot, core_next(&core, now)), CORE_RELEASE_WAIT_NS);
	pass_ms(100);
	ck_assert(holds());
	own_facts(healthy());
	ck_assert(!holds());
	ck_assert(!core_releasing(&core, 0));
	ck_assert_int_eq(finish_steps().operation, 9);
}
END_TEST

START_TEST(that_wait_is_bounded)
{
	start_holding();
	own_facts(waiting());
	feed((struct core_event){ .type = CORE_STOP });
	for (int i = 0; i < 9; i++) {
		peer_facts(healthy());
		pass_ms(100);
		ck_assert(holds());
	}
	peer_facts(healthy());
	pass_ms(100);
	ck_assert(!holds());
	ck_assert(!core_releasing(&core, 0));
	ck_assert_int_eq(finish_steps().cause, CAUSE_STOPPING);
}
END_TEST

START_TEST(no_failover_waits)
{
	struct node_facts dead = waiting();

	dead.group[0].pbx = PBX_DEAD;
	start_holding();
	own_facts(waiting());
	command(COMMAND_SWITCHOVER, PEER, 9, SELF);
	ck_assert(core_releasing(&core, 0));
	own_facts(dead);
	ck_assert(!holds());

	start_holding();
	own_facts(waiting());
	command(COMMAND_FAILOVER, PEER, 9, SELF);
	ck_assert(!holds());
}
END_TEST

START_TEST(wait_ends_when_the_target_is_lost)
{
	struct node_facts sick = healthy();

	sick.group[0].pbx = PBX_SICK;
	start_holding();
	own_facts(waiting());
	command(COMMAND_SWITCHOVER, PEER, 9, SELF);
	ck_assert(core_releasing(&core, 0));
	peer_facts(sick);
	pass_ms(1);
	ck_assert(holds());
	ck_assert(!core_releasing(&core, 0));
}
END_TEST

START_TEST(standstill_ends_the_tenure)
{
	start_holding();
	feed((struct core_event){ .type = CORE_WAKE });
	ck_assert_int_eq(find(PLAN_GATE_SET)->gate_deadline.ns, 0);
	ck_assert(told(RULE_LET_GO));
	/* The only voter wins again at once, with a new epoch; the tenure before has its record. */
	ck_assert_int_eq(find(PLAN_RECORD)->record.type, RECORD_LETGO);
	ck_assert_int_eq(find(PLAN_RECORD)->record.cause, CAUSE_STANDSTILL);
}
END_TEST

START_TEST(flapping_peer_is_damped)
{
	struct core_config c = config();
	struct node_facts dead = healthy();

	c.groups[0].policy.damping = (struct damping_policy){ 1000, 3000, 1000, 6000, 60 * NS_PER_S };
	start(c);
	own_facts(healthy());
	dead.group[0].pbx = PBX_DEAD;
	for (int i = 0; i < 3; i++) {
		peer_facts(healthy());
		peer_facts(dead);
	}
	peer_facts(healthy());
	ck_assert_int_eq(check(COMMAND_SWITCHOVER, PEER), REASON_DAMPED);
	/* It is still better than nobody. */
	dead = healthy();
	dead.group[0].pbx = PBX_DEAD;
	own_facts(dead);
	ck_assert(!holds());
}
END_TEST

START_TEST(failback_after_its_time_only)
{
	struct core_config c = config();

	c.groups[0].candidates[0] = PEER;
	c.groups[0].candidates[1] = SELF;
	c.groups[0].policy.failback = FAILBACK_AUTO;
	c.groups[0].policy.failback_after_ns = NS_PER_S;
	start(c);
	own_facts(healthy());
	pass_ms(1);
	ck_assert(holds());
	(void)finish_steps();
	for (int i = 0; i < 9; i++) {
		peer_facts(healthy());
		pass_ms(100);
		ck_assert(holds());
	}
	for (int i = 0; i < 3; i++) {
		peer_facts(healthy());
		pass_ms(100);
	}
	ck_assert(!holds());
	ck_assert_int_eq(finish_steps().cause, CAUSE_FAILBACK);
}
END_TEST

START_TEST(idle_failback_waits_for_calls)
{
	struct core_config c = config();
	struct node_facts idle = healthy();

	c.groups[0].candidates[0] = PEER;
	c.groups[0].candidates[1] = SELF;
	c.groups[0].policy.failback = FAILBACK_IDLE;
	start(c);
	own_facts(healthy());
	pass_ms(1);
	(void)finish_steps();
	for (int i = 0; i < 20; i++) {
		peer_facts(healthy());
		pass_ms(100);
		ck_assert(holds());
	}
	ck_assert_int_eq(core.group[0].rule, 281);
	idle.group[0].calls = UINT32_MAX;
	own_facts(idle);
	ck_assert(told(282));
	idle.group[0].calls = 0;
	own_facts(idle);
	ck_assert(holds());
	peer_facts(healthy());
	pass_ms(2000);
	ck_assert(holds()); /* the peer is not heard any more */
	peer_facts(healthy());
	pass_ms(1);
	ck_assert(!holds());
	ck_assert_int_eq(finish_steps().cause, CAUSE_FAILBACK);
}
END_TEST

/* This node takes over from PEER, where `calls` were up, and PEER is wanted back when it is idle. */
static void take_over_with_calls(uint32_t calls)
{
	struct core_config c = config();
	struct core_event view = { .type = CORE_VIEW, .node = PEER, .view.hears_me = true };

	c.groups[0].unseen_ns = 10 * NS_PER_S;
	c.groups[0].candidates[0] = PEER;
	c.groups[0].candidates[1] = SELF;
	c.groups[0].policy.failback = FAILBACK_IDLE;
	start(c);
	peer_facts(with_calls(calls));
	peer_facts(with_calls(UINT32_MAX)); /* a PBX that died counts no more */
	view.view.view = (struct lease_view){ .holds = { 5001, PEER } };
	feed(view);
	feed((struct core_event){ .type = CORE_PEER_LEFT, .node = PEER });
	own_facts(with_calls(0));
	pass_ms(1);
	ck_assert(holds());
	(void)finish_steps();
}

START_TEST(calls_that_came_with_a_move_are_waited_for_but_not_for_ever)
{
	struct node_facts published;

	take_over_with_calls(3);
	ck_assert_uint_eq(core.group[0].unseen.from, PEER);
	ck_assert_uint_eq(core_calls(&core, 0, SELF), 3);
	own_facts(with_calls(2));
	ck_assert_uint_eq(core_calls(&core, 0, SELF), 5);
	core_published_facts(&core, now.boot, &published);
	ck_assert_uint_eq(published.group[0].calls, 5); /* the next holder takes over all of them */
	own_facts(with_calls(UINT32_MAX));
	ck_assert_uint_eq(core_calls(&core, 0, SELF), UINT32_MAX);
	own_facts(with_calls(0));
	pass_hearing_ms(9000);
	ck_assert(holds());
	ck_assert_int_eq(core.group[0].rule, 281);
	pass_hearing_ms(1100);
	ck_assert(!holds());
	ck_assert_int_eq(finish_steps().cause, CAUSE_FAILBACK);
}
END_TEST

START_TEST(drain_waits_for_calls_that_came_with_a_move)
{
	take_over_with_calls(1);
	core.config.groups[0].policy.failback = FAILBACK_MANUAL;
	peer_facts(healthy());
	pass_hearing_ms(3000);
	ck_assert_int_eq(check_drain(), REASON_NONE);
	drain(4 * NS_PER_S);
	pass_hearing_ms(4100);
	ck_assert(holds());
	ck_assert_int_eq(core.group[0].operation.reason, REASON_CALLS_UP);
	drain(60 * NS_PER_S);
	pass_hearing_ms(3500);
	ck_assert(core.group[0].operation.handed);
}
END_TEST

START_TEST(no_calls_come_where_calls_do_not_move)
{
	take_over_with_calls(0);
	ck_assert_uint_eq(core_calls(&core, 0, SELF), 0);
	ck_assert_int_eq(core_unseen_until(&core, 0).ns, BOOT_NEVER.ns);
	pass_hearing_ms(2200);
	ck_assert(!holds());
	take_over_with_calls(4);
	core.config.groups[0].unseen_ns = 0; /* reload */
	pass_ms(1);
	ck_assert_uint_eq(core_calls(&core, 0, SELF), 0);
}
END_TEST

START_TEST(epochs_are_reserved_ahead)
{
	struct core_memory memory = { .ceiling = 0 };
	struct core_config c = config();

	now = (struct instant){ { 100 * NS_PER_S }, { 200 * NS_PER_S } };
	core_init(&core, &c, &memory, now);
	pass_ms(1);
	ck_assert_uint_eq(find(PLAN_RESERVE_EPOCHS)->ceiling, 1000);
	pass_ms(100);
	ck_assert_ptr_null(find(PLAN_RESERVE_EPOCHS)); /* asked already */
	pass_ms(2000);
	ck_assert(find(PLAN_RESERVE_EPOCHS)); /* no answer: asked again */
	feed((struct core_event){ .type = CORE_CEILING, .ceiling = 1000 });
	pass_ms(2000);
	ck_assert_ptr_null(find(PLAN_RESERVE_EPOCHS));
	feed((struct core_event){ .type = CORE_VIEW, .node = PEER, .view.view.hi = { 501, PEER } });
	pass_ms(100);
	ck_assert_uint_eq(find(PLAN_RESERVE_EPOCHS)->ceiling, 1501);
	/* A lost disk must stay visible until hi is known. */
	memory.memory_lost = memory.disk_lost = true;
	core_init(&core, &c, &memory, now);
	pass_ms(2000);
	ck_assert_ptr_null(find(PLAN_RESERVE_EPOCHS));
}
END_TEST

/* If the save fails the rest is dropped: nothing that stands for itself may be behind it. */
START_TEST(independent_actions_come_before_the_save)
{
	bool saved = false;

	start_holding();
	feed((struct core_event){ .type = CORE_STOP });
	ck_assert(find(PLAN_SAVE_VOTER));
	for (uint32_t i = 0; i < plan.count; i++) {
		const struct plan_action *a = &plan.actions[i];

		saved |= a->type == PLAN_SAVE_VOTER;
		if (saved)
			ck_assert(a->type != PLAN_RECORD && a->type != PLAN_EXPLAIN &&
				  a->type != PLAN_GATE_SET && a->type != PLAN_FACTS_CHANGED);
	}
}
END_TEST

/* ---- native groups: VRRP decides ---- */

static void start_native(boot_t gate)
{
	const struct core_memory memory = { .ceiling = 1000 };
	struct core_config c = config();

	now = (struct instant){ { 100 * NS_PER_S }, { 200 * NS_PER_S } };
	c.groups[0].native = true;
	core_init(&core, &c, &memory, now);
	feed((struct core_event){ .type = CORE_ADOPT, .adopt_deadline = gate });
	own_facts(healthy());
}

static void vrrp_says(bool active, enum core_cause cause)
{
	feed((struct core_event){ .type = CORE_NATIVE, .native = { active, cause } });
}

START_TEST(native_group_never_asks_and_never_touches_the_gate)
{
	start_native((boot_t){ 0 });
	finish_steps();
	for (int i = 0; i < 30; i++) {
		pass_ms(100);
		ck_assert_ptr_null(find(PLAN_GATE_SET));
		ck_assert_ptr_null(find(PLAN_SEND));
		ck_assert_ptr_null(find(PLAN_SAVE_VOTER));
	}
	vrrp_says(true, CAUSE_VRRP_SILENCE);
	ck_assert_ptr_null(find(PLAN_GATE_SET));
	ck_assert(core_holds(&core, 0) && !holds());
	feed((struct core_event){ .type = CORE_WAKE });
	ck_assert_ptr_null(find(PLAN_GATE_SET));
	ck_assert(core_holds(&core, 0));
}
END_TEST

START_TEST(native_group_has_the_steps_and_one_record_per_change)
{
	struct core_record r;

	start_native((boot_t){ 0 });
	finish_steps();
	vrrp_says(true, CAUSE_VRRP_RELEASE);
	ck_assert(told(RULE_NATIVE_WON));
	ck_assert_int_eq(find(PLAN_STEP)->step.kind, STEP_ANNOUNCE);
	ck_assert_str_eq(core_group_state(&core, 0), "taking-over");
	r = finish_steps();
	ck_assert_int_eq(r.type, RECORD_TAKEOVER);
	ck_assert_int_eq(r.cause, CAUSE_VRRP_RELEASE);
	ck_assert_str_eq(core_group_state(&core, 0), "holding");
	vrrp_says(true, CAUSE_VRRP_SILENCE); /* said twice */
	ck_assert_ptr_null(find(PLAN_STEP));
	vrrp_says(false, CAUSE_VRRP_BETTER);
	ck_assert(told(RULE_NATIVE_LOST));
	ck_assert_int_eq(find(PLAN_STEP)->step.kind, STEP_ANNOUNCE_STOP);
	r = finish_steps();
	ck_assert_int_eq(r.type, RECORD_LETGO);
	ck_assert_int_eq(r.cause, CAUSE_VRRP_BETTER);
	ck_assert_str_eq(core_group_state(&core, 0), "standby");
}
END_TEST

START_TEST(native_group_found_open_is_not_muzzled_before_vrrp_has_spoken)
{
	start_native((boot_t){ 101 * NS_PER_S });
	ck_assert_int_eq(core.group[0].takeover.direction, TAKEOVER_REST);
	vrrp_says(true, CAUSE_ADOPTED);
	ck_assert_int_eq(finish_steps().cause, CAUSE_ADOPTED);
	start_native(
		(boot_t){ 99 * NS_PER_S }); /* shut by time: a former agent may have left the PBX awake */
	ck_assert_int_eq(core.group[0].takeover.direction, TAKEOVER_DOWN);
}
END_TEST

START_TEST(native_group_is_let_go_before_the_agent_has_stopped)
{
	start_native((boot_t){ 0 });
	finish_steps();
	vrrp_says(true, CAUSE_VACANT);
	finish_steps();
	feed((struct core_event){ .type = CORE_STOP });
	ck_assert(!core_stopped(&core));
	vrrp_says(false, CAUSE_STOPPING);
	ck_assert(!core_stopped(&core));
	finish_steps();
	ck_assert(core_stopped(&core));
}
END_TEST

/* Who comes after it, and whether anybody does, is not known here. */
START_TEST(holder_of_a_native_group_may_go_to_standby)
{
	start_native((boot_t){ 0 });
	finish_steps();
	vrrp_says(true, CAUSE_VACANT);
	finish_steps();
	ck_assert_int_eq(check(COMMAND_STANDBY, SELF), REASON_NONE);
	core.intent.paused = true;
	ck_assert_int_eq(check(COMMAND_STANDBY, SELF), REASON_PAUSED);
}
END_TEST

START_TEST(vrrp_says_nothing_of_a_group_with_a_lease)
{
	start_holding();
	vrrp_says(false, CAUSE_VRRP_BETTER);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert(holds());
}
END_TEST

static struct node_facts with_uplinks(enum uplink_class first, enum uplink_class second)
{
	struct node_facts f = healthy();

	f.uplinks_count = 2;
	f.uplink_in_use = first == UPLINK_GOOD ? 0 : 1;
	f.uplink[0] = (struct node_uplink){ 1, first, now.boot };
	f.uplink[1] = (struct node_uplink){ 2, second, now.boot };
	return f;
}

/* A line that is bad for another reason now is as bad as it was, and since then; nobody is told of it again.
 */
START_TEST(class_of_an_uplink_has_its_own_age)
{
	struct node_facts published, f;

	start_holding();
	own_facts(with_uplinks(UPLINK_GOOD, UPLINK_BAD));
	ck_assert_ptr_nonnull(find(PLAN_FACTS_CHANGED));
	pass_ms(500);
	f = with_uplinks(UPLINK_GOOD, UPLINK_BAD);
	own_facts(f);
	ck_assert_ptr_null(find(PLAN_FACTS_CHANGED));
	ck_assert_mem_eq(&core.facts, &f, sizeof f);
	core_published_facts(&core, now.boot, &published);
	ck_assert_int_ge(published.uplink[1].since.ns, 500 * NS_PER_MS);
	own_facts(with_uplinks(UPLINK_BAD, UPLINK_BAD));
	ck_assert_ptr_nonnull(find(PLAN_FACTS_CHANGED));
	core_published_facts(&core, now.boot, &published);
	ck_assert_int_lt(published.uplink[0].since.ns, 10 * NS_PER_MS);
	ck_assert_int_ge(published.uplink[1].since.ns, 500 * NS_PER_MS);
}
END_TEST

static void settle_uplinks(enum uplink_class here)
{
	struct node_facts other = with_uplinks(UPLINK_GOOD, UPLINK_GOOD), own = with_uplinks(here, here);

	for (int ms = 0; ms < 6000 && holds(); ms += 500) {
		peer_facts(other);
		own_facts(own);
		if (holds())
			pass_hearing_ms(500);
	}
}

/* What was done for the uplinks' sake is told, and what others told of theirs is counted. */
START_TEST(moves_for_uplinks_are_told_and_counted)
{
	struct node_facts published, other = with_uplinks(UPLINK_GOOD, UPLINK_GOOD);
	struct core_config c = config();

	c.groups[0].uplinks = uplink_move_policy_default;
	start(c);
	own_facts(with_uplinks(UPLINK_GOOD, UPLINK_GOOD));
	peer_facts(other);
	pass_ms(1000);
	ck_assert(holds());
	(void)finish_steps();
	settle_uplinks(UPLINK_BAD);
	ck_assert(!holds());
	core_published_facts(&core, now.boot, &published);
	ck_assert_int_eq(published.group[0].uplink_moves.count, 1);
	ck_assert_int_lt(published.group[0].uplink_moves.at[0].ns, 10 * NS_PER_MS);

	/* The peer did it once: a later report of the same, then one of an agent that forgot. */
	other.group[0].uplink_moves = (struct uplink_moves){ 1, { boot_add(now.boot, -5 * NS_PER_S) } };
	peer_facts(other);
	other.group[0].uplink_moves.at[0] = boot_add(now.boot, -4900 * NS_PER_MS);
	peer_facts(other);
	other.group[0].uplink_moves.count = 0;
	peer_facts(other);
	ck_assert_int_eq(core.group[0].uplink_moves[PEER].count, 1);
	other.group[0].uplink_moves = (struct uplink_moves){ 1, { now.boot } };
	peer_facts(other);
	ck_assert_int_eq(core.group[0].uplink_moves[PEER].count, 2);
}
END_TEST

UNIT_MAIN("core", class_of_an_uplink_has_its_own_age, moves_for_uplinks_are_told_and_counted,
	  asks_only_when_fit, patience_beside_a_better_candidate,
	  healthy_holder_stays_whatever_happens_to_others, dead_pbx_without_successor_is_kept,
	  each_trouble_hands_over_with_its_cause, paused_keeps_a_dead_pbx,
	  switchover_is_done_when_the_target_holds,
	  takeover_that_was_faster_than_its_command_is_the_operators, switchover_that_nobody_takes_fails_once,
	  latest_operation_replaces_the_one_before, refusals_say_why, target_that_may_not_vote_yet_is_refused,
	  no_holder_no_switchover, intents_merge_by_stamp, one_stamp_for_two_wishes_ends_careful_everywhere,
	  joining_node_takes_no_commands, command_that_came_too_late_is_recorded_as_superseded,
	  stop_hands_over_and_tells_when_done, stop_with_nobody_fit_releases,
	  drain_moves_when_calls_have_ended, drain_runs_out, drain_needs_to_know_the_calls,
	  cancel_ends_the_operation_that_it_names, holder_that_is_not_quorate_ends_a_drain,
	  calls_that_come_up_while_it_is_about_to_happen_stop_it,
	  planned_hand_over_waits_for_what_must_be_said_first, that_wait_is_bounded, no_failover_waits,
	  wait_ends_when_the_target_is_lost, standstill_ends_the_tenure, flapping_peer_is_damped,
	  failback_after_its_time_only, idle_failback_waits_for_calls,
	  calls_that_came_with_a_move_are_waited_for_but_not_for_ever,
	  drain_waits_for_calls_that_came_with_a_move, no_calls_come_where_calls_do_not_move,
	  epochs_are_reserved_ahead, independent_actions_come_before_the_save,
	  native_group_never_asks_and_never_touches_the_gate,
	  native_group_has_the_steps_and_one_record_per_change,
	  native_group_found_open_is_not_muzzled_before_vrrp_has_spoken,
	  native_group_is_let_go_before_the_agent_has_stopped, holder_of_a_native_group_may_go_to_standby,
	  vrrp_says_nothing_of_a_group_with_a_lease)
