/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every rung of both ladders: one candidate is made worse by exactly one thing.
 */
#include "placement.h"

#include <string.h>

#include "unit.h"

#define N1 7 /* first in configuration, not lowest id */
#define N2 3

static struct node_facts facts[2];
static struct placement_input in[2];
static struct placement out;
static const struct placement_policy policy;

static void healthy_pair(void)
{
	memset(facts, 0, sizeof facts);
	memset(in, 0, sizeof in);
	for (int i = 0; i < 2; i++) {
		facts[i].config_accepted = true;
		facts[i].quorate = true;
		facts[i].group[0] = (struct group_facts){
			.pbx = PBX_HEALTHY,
			.lan_up = true,
			.gate_ok = true,
			.addresses_ok = true,
			.registrations_in_step = true,
			.uplink = UPLINK_GOOD,
		};
		in[i] = (struct placement_input){
			.node = i == 0 ? N1 : N2,
			.reachable = true,
			.facts = &facts[i],
			.group = &facts[i].group[0],
		};
	}
}

static void decide(bool force)
{
	placement_decide(in, 2, force, &policy, &out);
}

/* The first candidate is vetoed for this reason, the second chosen. */
static void expect_veto(enum reason reason)
{
	decide(false);
	ck_assert_int_eq(out.chosen, N2);
	ck_assert(!out.candidate[0].eligible);
	ck_assert_int_eq(out.candidate[0].rank, 255);
	ck_assert_str_eq(reason_name(out.candidate[0].reason), reason_name(reason));
	ck_assert_int_eq(out.candidate[1].reason, REASON_CHOSEN);
}

/* The first candidate is eligible, but second for this reason. */
static void expect_second(enum reason reason)
{
	decide(false);
	ck_assert_int_eq(out.chosen, N2);
	ck_assert(out.candidate[0].eligible);
	ck_assert_int_eq(out.candidate[0].rank, 1);
	ck_assert_str_eq(reason_name(out.candidate[0].reason), reason_name(reason));
}

START_TEST(first_configured_wins_among_equals)
{
	healthy_pair();
	decide(false);
	ck_assert_int_eq(out.chosen, N1);
	ck_assert_int_eq(out.candidate[0].reason, REASON_CHOSEN);
	ck_assert_int_eq(out.candidate[1].reason, REASON_PRIORITY);
	ck_assert_int_eq(out.candidate[1].rank, 1);
}
END_TEST

START_TEST(each_veto)
{
	healthy_pair();
	in[0].reachable = false;
	expect_veto(REASON_UNREACHABLE);
	healthy_pair();
	in[0].facts = NULL;
	expect_veto(REASON_UNREACHABLE);
	healthy_pair();
	facts[0].quorate = false;
	expect_veto(REASON_NOT_QUORATE);
	healthy_pair();
	in[0].standby = true;
	expect_veto(REASON_STANDBY);
	healthy_pair();
	in[0].fenced = true;
	expect_veto(REASON_FENCED);
	healthy_pair();
	facts[0].joining = true;
	expect_veto(REASON_JOINING);
	healthy_pair();
	facts[0].config_accepted = false;
	expect_veto(REASON_CONFIG);
	healthy_pair();
	in[0].config_differs = true;
	expect_veto(REASON_CONFIG);
	healthy_pair();
	facts[0].group[0].gate_ok = false;
	expect_veto(REASON_GATE);
	healthy_pair();
	facts[0].group[0].addresses_ok = false;
	expect_veto(REASON_GATE);
	healthy_pair();
	facts[0].group[0].lan_up = false;
	expect_veto(REASON_LAN_DOWN);
}
END_TEST

START_TEST(each_pbx_health)
{
	static const struct {
		enum pbx_health health;
		enum reason reason;
	} rows[] = {
		{ PBX_UNKNOWN, REASON_PBX_UNKNOWN },
		{ PBX_STARTING, REASON_PBX_STARTING },
		{ PBX_SICK, REASON_PBX_SICK },
		{ PBX_DEAD, REASON_PBX_DEAD },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		healthy_pair();
		facts[0].group[0].pbx = rows[i].health;
		expect_veto(rows[i].reason);
	}
}
END_TEST

START_TEST(each_preference)
{
	healthy_pair();
	facts[0].group[0].registrations_in_step = false;
	expect_second(REASON_REGISTRATIONS);
	healthy_pair();
	facts[0].group[0].uplink = UPLINK_DEGRADED;
	expect_second(REASON_UPLINK);
	healthy_pair();
	facts[0].group[0].uplink = UPLINK_BAD;
	facts[1].group[0].uplink = UPLINK_DEGRADED;
	expect_second(REASON_UPLINK);
	healthy_pair();
	in[1].incumbent = true;
	expect_second(REASON_NOT_INCUMBENT);
}
END_TEST

/* The higher rung decides, whatever the lower ones say. */
START_TEST(order_of_the_rungs)
{
	healthy_pair();
	in[0].incumbent = true;
	facts[0].group[0].registrations_in_step = false;
	facts[1].group[0].uplink = UPLINK_BAD;
	expect_second(REASON_REGISTRATIONS);
	healthy_pair();
	in[0].incumbent = true;
	facts[0].group[0].uplink = UPLINK_BAD;
	expect_second(REASON_UPLINK);
	healthy_pair();
	in[0].standby = true;
	facts[0].quorate = false;
	facts[0].group[0].pbx = PBX_DEAD;
	expect_veto(REASON_NOT_QUORATE);
}
END_TEST

START_TEST(unknown_uplink_is_not_worse)
{
	healthy_pair();
	facts[0].group[0].uplink = UPLINK_UNKNOWN;
	decide(false);
	ck_assert_int_eq(out.chosen, N1);
}
END_TEST

START_TEST(damped_only_while_another_is_fit)
{
	healthy_pair();
	in[0].damped = true;
	expect_veto(REASON_DAMPED);
	in[1].damped = true;
	decide(false);
	ck_assert_int_eq(out.chosen, N1);
	in[1].damped = false;
	facts[1].group[0].pbx = PBX_DEAD;
	decide(false);
	ck_assert_int_eq(out.chosen, N1);
	ck_assert_int_eq(out.candidate[0].reason, REASON_CHOSEN);
}
END_TEST

START_TEST(nobody)
{
	healthy_pair();
	in[0].standby = true;
	in[1].reachable = false;
	decide(false);
	ck_assert_int_eq(out.chosen, NODE_NONE);
	ck_assert_int_eq(out.count, 2);
}
END_TEST

START_TEST(force_overrules_health_only)
{
	healthy_pair();
	facts[0].group[0].pbx = PBX_DEAD;
	facts[0].group[0].lan_up = false;
	facts[0].quorate = false;
	facts[0].joining = true;
	in[0].damped = true;
	decide(true);
	ck_assert_int_eq(out.chosen, N1);
	facts[0].group[0].gate_ok = false;
	decide(true);
	ck_assert_int_eq(out.candidate[0].reason, REASON_GATE);
	facts[0].group[0].gate_ok = true;
	in[0].standby = true;
	decide(true);
	ck_assert_int_eq(out.candidate[0].reason, REASON_STANDBY);
	in[0].standby = false;
	in[0].reachable = false;
	decide(true);
	ck_assert_int_eq(out.candidate[0].reason, REASON_UNREACHABLE);
}
END_TEST

/* A ladder with no ties: ranks of eligible candidates are 0, 1, 2, ... each once, for every mix of inputs. */
START_TEST(ranks_are_distinct)
{
	struct node_facts f[4];
	struct placement_input inputs[4];

	for (unsigned mix = 0; mix < 1U << 16; mix++) {
		unsigned seen = 0, eligible = 0;

		healthy_pair();
		for (unsigned i = 0; i < 4; i++) {
			unsigned bits = mix >> (i * 4) & 15;

			f[i] = facts[0];
			f[i].group[0].registrations_in_step = bits & 1;
			f[i].group[0].uplink = bits & 2 ? UPLINK_BAD : UPLINK_GOOD;
			inputs[i] = in[0];
			inputs[i].node = (node_id_t)(9 - i);
			inputs[i].facts = &f[i];
			inputs[i].group = &f[i].group[0];
			inputs[i].incumbent = bits & 4;
			inputs[i].standby = bits & 8;
		}
		placement_decide(inputs, 4, false, &policy, &out);
		for (unsigned i = 0; i < 4; i++) {
			if (!out.candidate[i].eligible)
				continue;
			eligible++;
			seen |= 1U << out.candidate[i].rank;
			ck_assert_int_ne(out.candidate[i].reason, REASON_NONE);
		}
		ck_assert_uint_eq(seen, (1U << eligible) - 1);
	}
}
END_TEST

START_TEST(every_reason_has_name_and_text)
{
	static const enum reason all[] = {
		REASON_NONE,	 REASON_CHOSEN,	       REASON_UNREACHABLE,     REASON_NOT_QUORATE,
		REASON_STANDBY,	 REASON_FENCED,	       REASON_JOINING,	       REASON_CONFIG,
		REASON_GATE,	 REASON_LAN_DOWN,      REASON_PBX_UNKNOWN,     REASON_PBX_STARTING,
		REASON_PBX_SICK, REASON_PBX_DEAD,      REASON_DAMPED,	       REASON_REGISTRATIONS,
		REASON_UPLINK,	 REASON_NOT_INCUMBENT, REASON_PRIORITY,	       REASON_NODE_ID,
		REASON_PAUSED,	 REASON_NO_CANDIDATE,  REASON_NOT_A_CANDIDATE, REASON_ALREADY_HOLDER,
		REASON_BUSY,	 REASON_NO_HOLDER,     REASON_TIMEOUT,	       REASON_NO_MAJORITY,
		REASON_STOPPING, REASON_SUPERSEDED,
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		ck_assert_str_ne(reason_name(all[i]), "unknown");
		ck_assert_uint_gt(strlen(reason_text(all[i])), 10);
	}
	ck_assert_str_eq(reason_name((enum reason)9999), "unknown");
}
END_TEST

static node_id_t back_to(enum uplink_class first, enum uplink_class second, enum uplink_class most)
{
	healthy_pair();
	facts[0].group[0].uplink = first;
	facts[1].group[0].uplink = second;
	in[0].uplink_most = in[1].uplink_most = most;
	decide(false);
	return out.chosen;
}

/* Failback out of N1, then out of N2: better uplinks alone are no reason, worse ones and unknown ones are
 * against it; without any, all is as it is. */
START_TEST(failback_does_not_follow_better_uplinks)
{
	ck_assert_int_eq(back_to(UPLINK_DEGRADED, UPLINK_GOOD, UPLINK_DEGRADED), N1);
	ck_assert_int_eq(back_to(UPLINK_BAD, UPLINK_GOOD, UPLINK_BAD), N1);
	ck_assert_int_eq(back_to(UPLINK_GOOD, UPLINK_DEGRADED, UPLINK_DEGRADED), N1);
	ck_assert_int_eq(back_to(UPLINK_DEGRADED, UPLINK_GOOD, UPLINK_GOOD), N2);
	ck_assert_int_eq(back_to(UPLINK_UNKNOWN, UPLINK_GOOD, UPLINK_GOOD), N2);
	ck_assert_int_eq(back_to(UPLINK_UNKNOWN, UPLINK_DEGRADED, UPLINK_DEGRADED), N2);
	ck_assert_int_eq(back_to(UPLINK_UNKNOWN, UPLINK_UNKNOWN, UPLINK_UNKNOWN), N1);
	ck_assert_int_eq(back_to(UPLINK_DEGRADED, UPLINK_UNKNOWN, UPLINK_UNKNOWN), N2);
}
END_TEST

UNIT_MAIN("placement", first_configured_wins_among_equals, each_veto, each_pbx_health, each_preference,
	  order_of_the_rungs, unknown_uplink_is_not_worse, failback_does_not_follow_better_uplinks,
	  damped_only_while_another_is_fit, nobody, force_overrules_health_only, ranks_are_distinct,
	  every_reason_has_name_and_text)
