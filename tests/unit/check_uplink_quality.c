/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports of live calls: to which uplink they are counted, and when to none.
 */
#include "agent.h"
#include "uplinks_private.h"

#include <stdlib.h>

#include "unit.h"

#define FIRST  0 /* of IPv4; in use */
#define SECOND 1
#define SIXTH  2 /* of IPv6; in use */

static struct agent agent;
static struct uplinks *u;
static const struct uplink_policy *policy = &uplink_policy_default;

/* As uplinks.c has it, of which nothing else is needed here. */
int uplinks_index(const struct uplinks *of, enum path_family f, int8_t choice)
{
	return choice >= 0 ? of->family[f].member[choice] : -1;
}

static boot_t at_s(int64_t s)
{
	return (boot_t){ 1000 * NS_PER_S + s * NS_PER_S };
}

static void family(enum path_family f, uint8_t first, uint8_t count)
{
	u->family[f].count = count;
	for (uint8_t i = 0; i < count; i++)
		u->family[f].member[i] = (uint8_t)(first + i);
	u->family[f].choice.active = 0;
	u->family[f].choice.draining = u->family[f].choice.moving_to = UPLINK_ANY;
	u->family[f].since = at_s(0);
}

static void set_up(void)
{
	static const uint8_t networks[] = { 0 };

	u = calloc(1, sizeof *u);
	ck_assert_ptr_nonnull(u);
	u->agent = &agent;
	u->count = 3;
	for (uint8_t i = 0; i < u->count; i++)
		uplink_state_init(&u->line[i].state, policy, networks, 1, false, i, at_s(0));
	family(PATH_IPV4, FIRST, 2);
	family(PATH_IPV6, SIXTH, 1);
}

static void tear_down(void)
{
	free(u);
	u = NULL;
}

/* Ten seconds of one call, of which a fifth is lost. */
static void report(const char *peer, int64_t s)
{
	const struct adapter_quality q = { .peer = peer, .packets = 500, .lost = 100 };

	agent.now.boot = at_s(s);
	uplinks_quality(u, 0, &q);
}

static enum uplink_grade calls_of(uint8_t uplink)
{
	return u->line[uplink].state.passive.grade;
}

static void check_none(void)
{
	for (uint8_t i = 0; i < u->count; i++)
		ck_assert_int_eq(calls_of(i), UPLINK_GRADE_UNKNOWN);
}

START_TEST(counts_to_the_uplink_in_use_of_the_peers_family)
{
	set_up();
	report("203.0.113.30", 20);
	ck_assert_int_eq(calls_of(FIRST), UPLINK_GRADE_BAD);
	ck_assert_int_eq(calls_of(SECOND), UPLINK_GRADE_UNKNOWN);
	ck_assert_int_eq(calls_of(SIXTH), UPLINK_GRADE_UNKNOWN);
	report("2001:db8:f::30", 21);
	ck_assert_int_eq(calls_of(SIXTH), UPLINK_GRADE_BAD);
	ck_assert_int_eq(calls_of(SECOND), UPLINK_GRADE_UNKNOWN);
	tear_down();
}
END_TEST

/* The first report after a switch is of the line before it, too. */
START_TEST(counts_to_none_until_ten_seconds_after_a_switch)
{
	set_up();
	u->family[PATH_IPV4].choice.active = 1;
	u->family[PATH_IPV4].since = at_s(100);
	report("203.0.113.30", 105);
	report("203.0.113.30", 109);
	check_none();
	report("203.0.113.30", 110);
	ck_assert_int_eq(calls_of(SECOND), UPLINK_GRADE_BAD);
	ck_assert_int_eq(calls_of(FIRST), UPLINK_GRADE_UNKNOWN);
	tear_down();
}
END_TEST

START_TEST(counts_to_none_while_it_cannot_be_told_which_line_a_call_is_on)
{
	set_up();
	u->family[PATH_IPV4].choice.draining = 1;
	report("203.0.113.30", 20);
	u->family[PATH_IPV4].choice.draining = UPLINK_ANY;
	u->family[PATH_IPV4].choice.moving_to = 1;
	report("203.0.113.30", 21);
	u->family[PATH_IPV4].choice.moving_to = UPLINK_ANY;
	u->family[PATH_IPV4].choice.active = UPLINK_ANY;
	report("203.0.113.30", 22);
	check_none();
	u->family[PATH_IPV4].choice.active = 0;
	report("203.0.113.30", 23);
	ck_assert_int_eq(calls_of(FIRST), UPLINK_GRADE_BAD);
	tear_down();
}
END_TEST

START_TEST(what_says_nothing_is_no_verdict)
{
	const struct adapter_quality nothing = { .peer = "203.0.113.30" };
	const struct adapter_quality absurd = { .peer = "203.0.113.30", .packets = 500, .lost = 501 };

	set_up();
	report("carrier.example", 20);
	report("", 20);
	uplinks_quality(u, 0, &nothing);
	uplinks_quality(u, 0, &absurd);
	check_none();
	uplinks_quality(NULL, 0, &nothing); /* a node without uplinks */
	tear_down();
}
END_TEST

UNIT_MAIN("uplink_quality", counts_to_the_uplink_in_use_of_the_peers_family,
	  counts_to_none_until_ten_seconds_after_a_switch,
	  counts_to_none_while_it_cannot_be_told_which_line_a_call_is_on, what_says_nothing_is_no_verdict)
