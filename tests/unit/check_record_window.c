/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record_window.h"
#include "stand_in.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct record_window w;
static struct stand_in s;
static struct cluster_view v;

static void set_up(void)
{
	memset(&w, 0, sizeof w);
	memset(&s, 0, sizeof s);
	memset(&v, 0, sizeof v);
	v.known = true;
	v.self_id = 1;
	v.up[1] = v.up[2] = v.up[3] = true;
}

START_TEST(each_record_is_new_once_also_when_it_comes_late)
{
	ck_assert(record_window_empty(&w));
	ck_assert(record_window_take(&w, 1, 50));
	ck_assert(!record_window_take(&w, 1, 50));
	ck_assert(record_window_take(&w, 1, 40)); /* of a snapshot, after a cut */
	ck_assert(!record_window_take(&w, 1, 40));
	ck_assert(record_window_take(&w, 2, 50));
	ck_assert(record_window_take(&w, 1, 50 + RECORD_WINDOW));
	ck_assert(!record_window_take(&w, 1, 50)); /* out of the window: seen */
	ck_assert(record_window_take(&w, 1, 51));
	ck_assert(record_window_take(&w, 1, 4000000));
	ck_assert(!record_window_empty(&w));
}
END_TEST

START_TEST(all_of_a_random_order_within_the_window_are_new_exactly_once)
{
	uint32_t order[RECORD_WINDOW - 1], seed = 7;

	for (uint32_t i = 0; i < RECORD_WINDOW - 1; i++)
		order[i] = 1000 + i;
	for (uint32_t i = RECORD_WINDOW - 2; i > 0; i--) {
		seed = seed * 1103515245 + 12345;
		uint32_t k = seed / 65536 % (i + 1), t = order[i];

		order[i] = order[k];
		order[k] = t;
	}
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < RECORD_WINDOW - 1; i++)
			ck_assert_int_eq(record_window_take(&w, 5, order[i]), pass == 0);
}
END_TEST

START_TEST(what_is_no_number_of_a_record_is_never_new)
{
	static const int64_t odd[] = { 0, -1, INT64_MIN, INT64_MAX };

	for (int i = 0; i < 4; i++) {
		ck_assert(!record_window_take(&w, 1, odd[i]));
		ck_assert(!record_window_take(&w, odd[i], 1));
	}
	ck_assert(!record_window_take(&w, NODE_ID_MAX + 1, 1));
}
END_TEST

START_TEST(it_outlives_a_restart)
{
	struct record_window again;
	json_t *j;

	(void)record_window_take(&w, 1, 10);
	(void)record_window_take(&w, 1, 12);
	(void)record_window_take(&w, 63, 1);
	j = record_window_json(&w);
	record_window_load(&again, j);
	json_decref(j);
	ck_assert_mem_eq(&again, &w, sizeof w);
	ck_assert(record_window_take(&again, 1, 11));
	record_window_load(&again, NULL);
	ck_assert(record_window_empty(&again));
}
END_TEST

/* ---- other nodes' records ---- */

static boot_t at_s(int64_t t)
{
	return (boot_t){ t * NS_PER_S };
}

static void keep(node_id_t node, int64_t due_s)
{
	struct alert a = { .event = ALERT_TRUNK };

	(void)snprintf(a.id, sizeof a.id, "record/n%d.1", node);
	(void)snprintf(a.key, sizeof a.key, "k");
	(void)snprintf(a.cluster, sizeof a.cluster, "lab");
	(void)snprintf(a.time, sizeof a.time, "t");
	stand_in_keep(&s, &a, node, at_s(due_s));
}

START_TEST(a_node_that_is_there_tells_its_own)
{
	struct alert a;

	keep(2, 15);
	ck_assert(!stand_in_take(&s, &v, at_s(14), &a));
	ck_assert_uint_eq(s.count, 1);
	ck_assert(!stand_in_take(&s, &v, at_s(15), &a));
	ck_assert_uint_eq(s.count, 0);
}
END_TEST

START_TEST(for_one_that_is_not_there_the_lowest_of_the_others_tells)
{
	struct alert a;

	v.up[2] = false;
	keep(2, 15);
	keep(2, 16);
	ck_assert(stand_in_take(&s, &v, at_s(16), &a));
	ck_assert_str_eq(a.id, "record/n2.1");
	v.self_id = 3;
	ck_assert(!stand_in_take(&s, &v, at_s(16), &a)); /* node 1 does */
	ck_assert_uint_eq(s.count, 0);
	v.up[1] = false;
	keep(2, 15);
	keep(1, 15);
	ck_assert(stand_in_take(&s, &v, at_s(15), &a));
	ck_assert(stand_in_take(&s, &v, at_s(15), &a));
	ck_assert_str_eq(a.id, "record/n1.1");
}
END_TEST

START_TEST(our_own_are_told_at_once_and_all_outlive_a_restart)
{
	struct stand_in again;
	struct alert a;
	json_t *j;

	keep(2, 20);
	keep(1, 20);
	j = stand_in_json(&s, at_s(5));
	stand_in_load(&again, j, at_s(1000), 15 * NS_PER_S);
	json_decref(j);
	ck_assert_uint_eq(again.count, 2);
	ck_assert_int_eq(stand_in_next(&again).ns, at_s(1015).ns);
	ck_assert(stand_in_take(&again, &v, at_s(1000), &a));
	ck_assert_str_eq(a.id, "record/n1.1");
	ck_assert(!stand_in_take(&again, &v, at_s(1000), &a));
	ck_assert_uint_eq(again.count, 1);
}
END_TEST

START_TEST(it_is_bounded)
{
	for (int i = 0; i < STAND_IN_MAX + 5; i++)
		keep(2, i);
	ck_assert_uint_eq(s.count, STAND_IN_MAX);
	ck_assert_uint_eq(s.dropped, 5);
	ck_assert_int_eq(s.at[0].due.ns, at_s(5).ns);
}
END_TEST

UNIT_MAIN_AROUND("record_window", set_up, NULL, each_record_is_new_once_also_when_it_comes_late,
		 all_of_a_random_order_within_the_window_are_new_exactly_once,
		 what_is_no_number_of_a_record_is_never_new, it_outlives_a_restart,
		 a_node_that_is_there_tells_its_own, for_one_that_is_not_there_the_lowest_of_the_others_tells,
		 our_own_are_told_at_once_and_all_outlive_a_restart, it_is_bounded)
