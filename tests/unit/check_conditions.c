/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conditions.h"
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct conditions known, look;
static struct cluster_view view;
static char told[4000];

static const struct conditions_limits limits = { 5 * NS_PER_S, 200 * NS_PER_MS };

static boot_t at_s(int64_t s)
{
	return (boot_t){ (1000 + s) * NS_PER_S };
}

static void tell(void *ctx, const struct alert *a)
{
	size_t n = strlen(told);

	(void)ctx;
	(void)snprintf(told + n, sizeof told - n, "%s %s %s %s\n", alert_state_name(a->state),
		       alert_severity_name(a->severity), a->key, a->text);
}

static void set_up(void)
{
	memset(&known, 0, sizeof known);
	memset(&view, 0, sizeof view);
	told[0] = '\0';
}

/* "lab" seen from `self`; n1 and n2 are candidates, w1 a witness. */
static void see(const char *self, const char *n1, const char *n2, const char *groups, const char *alarms,
		int64_t s)
{
	char text[3000];

	(void)snprintf(text, sizeof text,
		       "{\"cluster\":\"lab\",\"node\":\"%s\",\"loop_lag_ms\":1.5,\"nodes\":[%s,%s,"
		       "{\"name\":\"w1\",\"id\":3,\"state\":\"up\",\"witness\":true}],\"groups\":[%s],"
		       "\"alarms\":[%s]}",
		       self, n1, n2, groups, alarms);
	json_t *j = json_loads(text, 0, NULL);

	ck_assert_msg(j && cluster_view_read(j, &view), "%s", text);
	memset(&look, 0, sizeof look);
	conditions_of_status(j, &limits, &look);
	(void)conditions_update(&known, CONDITION_AGENT, &look, &view, at_s(s), s * NS_PER_S, tell, NULL);
	json_decref(j);
}

#define N1	"{\"name\":\"n1\",\"id\":1,\"state\":\"up\",\"quorate\":true,\"config_equal\":true}"
#define N2	"{\"name\":\"n2\",\"id\":2,\"state\":\"up\",\"quorate\":true,\"config_equal\":true}"
#define N1_AWAY "{\"name\":\"n1\",\"id\":1,\"state\":\"unreachable\"}"
#define N2_AWAY "{\"name\":\"n2\",\"id\":2,\"state\":\"unreachable\"}"
#define GROUP(holder, pbx)                                                                       \
	"{\"name\":\"office\",\"holder\":" holder ",\"majority\":true,\"pbx\":{\"state\":\"" pbx \
	"\",\"why\":\"no answer\"}}"

static void expect(const char *text)
{
	ck_assert_str_eq(told, text);
	told[0] = '\0';
}

START_TEST(a_state_is_told_when_it_has_lasted_and_so_is_its_end)
{
	see("n1", N1, N2, GROUP("\"n1\"", "healthy"), "", 0);
	see("n1", N1, N2, GROUP("\"n1\"", "sick"), "", 1);
	see("n1", N1, N2, GROUP("\"n1\"", "sick"), "", 5);
	expect("");
	see("n1", N1, N2, GROUP("\"n1\"", "sick"), "", 6);
	expect("firing critical state/pbx/office@n1 The PBX of office on n1 is sick: no answer\n");
	see("n1", N1, N2, GROUP("\"n1\"", "healthy"), "", 7);
	see("n1", N1, N2, GROUP("\"n1\"", "sick"), "", 8); /* it flaps: one state */
	see("n1", N1, N2, GROUP("\"n1\"", "healthy"), "", 20);
	see("n1", N1, N2, GROUP("\"n1\"", "healthy"), "", 24);
	expect("");
	see("n1", N1, N2, GROUP("\"n1\"", "healthy"), "", 25);
	expect("resolved critical state/pbx/office@n1 The PBX of office on n1 is sick: no answer\n");
	ck_assert_uint_eq(known.count, 0);
}
END_TEST

#define CUT "{\"key\":\"guard-down\",\"text\":\"away\",\"event\":false}"

START_TEST(a_moment_is_not_told_at_all)
{
	see("n1", N1, N2, GROUP("null", "healthy"), "", 0);
	see("n1", N1, N2, GROUP("\"n1\"", "healthy"), "", 2);
	see("n1", N1, N2, GROUP("\"n1\"", "healthy"), "", 60);
	expect("");
	ck_assert_uint_eq(known.count, 0);
}
END_TEST

START_TEST(what_all_see_is_told_by_the_lowest_that_is_there)
{
	see("n2", N1, N2, GROUP("null", "healthy"), "", 0);
	see("n2", N1, N2, GROUP("null", "healthy"), "", 10);
	expect(""); /* n1 does */
	see("n2", N1_AWAY, N2, GROUP("null", "healthy"), "", 11);
	expect("firing critical state/group/office Nobody holds office\n");
	see("n2", N1_AWAY, N2, GROUP("\"n2\"", "healthy"), "", 16);
	expect("firing critical state/node/n1 n1 is not heard any more\n");
	see("n2", N1, N2, GROUP("\"n2\"", "healthy"), "", 17);
	see("n2", N1, N2, GROUP("\"n2\"", "healthy"), "", 22);
	expect("resolved critical state/group/office Nobody holds office\n"
	       "resolved critical state/node/n1 n1 is not heard any more\n");
}
END_TEST

START_TEST(a_witness_tells_only_when_it_is_alone)
{
	see("w1", N1, N2_AWAY, "", "", 0);
	see("w1", N1, N2_AWAY, "", "", 10);
	expect("");
	see("w1", N1_AWAY, N2_AWAY, "", "", 11);
	expect("firing critical state/node/n2 n2 is not heard any more\n");
}
END_TEST

START_TEST(alarms_are_told_at_once_but_not_those_that_have_a_record)
{
	see("n1", N1, N2, "",
	    "{\"key\":\"trunk/0/itsp\",\"text\":\"Trunk itsp is rejected\",\"event\":false},"
	    "{\"key\":\"rogue-vrrp/02:00\",\"text\":\"x\",\"event\":true},"
	    "{\"key\":\"hook\",\"text\":\"The hook failed\",\"event\":true}",
	    0);
	expect("firing critical state/alarm/trunk/0/itsp@n1 Trunk itsp is rejected\n"
	       "event warning state/alarm/hook@n1 The hook failed\n");
	see("n1", N1, N2, "", "", 1);
	expect("resolved critical state/alarm/trunk/0/itsp@n1 Trunk itsp is rejected\n");
}
END_TEST

START_TEST(an_alarm_of_each_start_is_told_when_it_lasts)
{
	static const char corosync[] = "{\"key\":\"corosync\",\"text\":\"away\",\"event\":false}";

	see("n1", N1, N2, "", corosync, 0);
	see("n1", N1, N2, "", "", 1);
	see("n1", N1, N2, "", corosync, 10);
	expect("");
	see("n1", N1, N2, "", corosync, 15);
	expect("firing critical state/alarm/corosync@n1 away\n");
}
END_TEST

START_TEST(who_reaches_no_majority_does_not_know_who_holds)
{
	static const char group[] = "{\"name\":\"office\",\"holder\":null,\"majority\":false,\"pbx\":{}}";

	see("n1", N1, N2_AWAY, group, "", 0);
	see("n1", N1, N2_AWAY, group, "", 5);
	expect("firing critical state/node/n2 n2 is not heard any more\n"
	       "firing critical state/quorum/office@n1 n1 reaches no majority of the voters of office: "
	       "nobody here may hold "
	       "it\n");
}
END_TEST

START_TEST(what_gets_worse_is_told_again)
{
	see("n1", N1, N2, GROUP("\"n2\"", "dead"), "", 0);
	see("n1", N1, N2, GROUP("\"n2\"", "dead"), "", 5);
	expect("firing warning state/pbx/office@n1 The PBX of office on n1 is dead: no answer\n");
	see("n1", N1, N2, GROUP("\"n1\"", "dead"), "", 6);
	expect("firing critical state/pbx/office@n1 The PBX of office on n1 is dead: no answer\n");
	see("n1", N1, N2, GROUP("\"n2\"", "dead"), "", 7);
	see("n1", N1, N2, GROUP("\"n2\"", "healthy"), "", 8);
	expect("");
	see("n1", N1, N2, GROUP("\"n2\"", "healthy"), "",
	    13); /* whoever was told "critical" is told its end */
	expect("resolved critical state/pbx/office@n1 The PBX of office on n1 is dead: no answer\n");
}
END_TEST

START_TEST(what_was_told_outlives_a_restart_and_is_not_told_again)
{
	json_t *j;

	see("n1", N1, N2, "", CUT, 0);
	see("n1", N1, "{\"name\":\"n2\",\"id\":2,\"state\":\"up\",\"config_equal\":false}", "", CUT, 1);
	expect("firing critical state/alarm/guard-down@n1 away\n");
	j = conditions_json(&known);
	ck_assert_uint_eq(json_array_size(j), 1); /* what was not told begins anew */
	conditions_load(&known, j, at_s(100));
	json_decref(j);
	see("n1", N1, N2, "", CUT, 101);
	expect("");
	see("n1", N1, N2, "", "", 102);
	expect("resolved critical state/alarm/guard-down@n1 away\n");
}
END_TEST

START_TEST(while_nobody_can_look_nothing_ends)
{
	see("n1", N1, N2, "", CUT, 0);
	told[0] = '\0';
	(void)conditions_update(&known, CONDITION_AGENT, NULL, &view, at_s(500), 0, tell, NULL);
	memset(&look, 0, sizeof look);
	(void)conditions_update(&known, CONDITION_SELF, &look, &view, at_s(500), 0, tell, NULL);
	expect("");
	ck_assert_uint_eq(known.count, 1);
}
END_TEST

UNIT_MAIN_AROUND("conditions", set_up, NULL, a_state_is_told_when_it_has_lasted_and_so_is_its_end,
		 a_moment_is_not_told_at_all, what_all_see_is_told_by_the_lowest_that_is_there,
		 a_witness_tells_only_when_it_is_alone,
		 alarms_are_told_at_once_but_not_those_that_have_a_record,
		 an_alarm_of_each_start_is_told_when_it_lasts,
		 who_reaches_no_majority_does_not_know_who_holds, what_gets_worse_is_told_again,
		 what_was_told_outlives_a_restart_and_is_not_told_again, while_nobody_can_look_nothing_ends)
