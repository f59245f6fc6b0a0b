/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A few nodes in one process. A message is delivered to all members at once, as CPG does.
 */
#include "snapshot_sync.h"
#include "unit.h"

#define NODES 5

static struct snapshot_sync node[NODES];
static node_set_t members, hung; /* hung: in the group, hears nothing */
static boot_t now;
static int answers_by[NODES], taken_by[NODES];

static void start(node_id_t n)
{
	snapshot_sync_init(&node[n], n, 1000U * n);
}

static void view(node_set_t in, node_set_t joined)
{
	members = in;
	for (node_id_t n = 1; n < NODES; n++)
		if (node_in(in & ~hung, n))
			snapshot_sync_view(&node[n], in, joined, now);
}

static void deliver_part(node_id_t from, uint64_t request, node_set_t known, uint16_t part, bool last)
{
	for (node_id_t n = 1; n < NODES; n++)
		if (node_in(members & ~hung, n) &&
		    snapshot_sync_part(&node[n], from, request, known, part, last, now) && last)
			taken_by[n]++;
}

static void answer(node_id_t from, const struct snapshot_request *q)
{
	uint16_t part;

	answers_by[from]++;
	for (int i = 0; i < 3; i++) {
		ck_assert(snapshot_sync_next_part(&node[from], q->request, &part));
		ck_assert_uint_eq(part, i);
		deliver_part(from, q->request, q->known, part, i == 2);
	}
}

static void deliver_request(node_id_t from, const struct snapshot_request *q)
{
	node_id_t answering = NODE_NONE;

	for (node_id_t n = 1; n < NODES; n++)
		if (node_in(members & ~hung, n) && snapshot_sync_request(&node[n], from, q, now)) {
			ck_assert_uint_eq(answering, NODE_NONE); /* all agree who it is */
			answering = n;
		}
	if (answering)
		answer(answering, q);
}

/* Lets time pass in small steps. */
static void run(int64_t ns)
{
	for (boot_t end = boot_add(now, ns); boot_before(now, end); now.ns += 50 * NS_PER_MS)
		for (node_id_t n = 1; n < NODES; n++) {
			struct snapshot_request q;

			if (node_in(members & ~hung, n) && snapshot_sync_due(&node[n], now, &q))
				deliver_request(n, &q);
		}
}

static node_set_t joining(void)
{
	node_set_t set = 0;

	for (node_id_t n = 1; n < NODES; n++)
		set |= node_in(members, n) && node[n].joining ? node_bit(n) : 0;
	return set;
}

static void start_all(node_set_t set)
{
	now.ns = NS_PER_S;
	memset(answers_by, 0, sizeof answers_by);
	memset(taken_by, 0, sizeof taken_by);
	for (node_id_t n = 1; n < NODES; n++)
		start(n);
	for (node_id_t n = 1; n < NODES; n++)
		if (node_in(set, n)) {
			view(members | node_bit(n), node_bit(n));
			run(4 * NS_PER_S);
		}
	ck_assert_uint_eq(joining(), 0);
	memset(answers_by, 0, sizeof answers_by);
	memset(taken_by, 0, sizeof taken_by);
}

START_TEST(alone_goes_on_after_a_moment)
{
	now.ns = NS_PER_S;
	start(1);
	view(node_bit(1), node_bit(1));
	run(SYNC_ALONE_NS - 100 * NS_PER_MS);
	ck_assert(node[1].joining); /* corosync may find the others yet */
	run(200 * NS_PER_MS);
	ck_assert(!node[1].joining);
}
END_TEST

START_TEST(a_newcomer_is_told_by_the_lowest_old_one)
{
	start_all(node_bit(2) | node_bit(3));
	start(1);
	view(members | node_bit(1), node_bit(1));
	ck_assert(node[1].joining);
	run(50 * NS_PER_MS);
	ck_assert(!node[1].joining);
	run(5 * NS_PER_S);
	ck_assert_int_eq(answers_by[2], 1);
	ck_assert_int_eq(answers_by[3] + answers_by[1], 0); /* a newcomer has nothing to tell */
	ck_assert_int_eq(taken_by[1], 1);
	ck_assert_int_eq(taken_by[3], 0);
}
END_TEST

START_TEST(two_newcomers_at_once)
{
	start_all(node_bit(3));
	start(1), start(2);
	view(members | node_bit(1), node_bit(1));
	view(members | node_bit(2), node_bit(2));
	run(2 * NS_PER_S);
	ck_assert_uint_eq(joining(), 0);
	ck_assert_int_ge(answers_by[3], 1); /* the second one may hear it from the first */
	ck_assert_int_eq(taken_by[1], 1);
	ck_assert_int_eq(taken_by[2], 1);
}
END_TEST

START_TEST(a_cold_start_of_all_ends)
{
	now.ns = NS_PER_S;
	for (node_id_t n = 1; n <= 3; n++)
		start(n);
	for (node_id_t n = 1; n <= 3; n++) /* three rings of one */
		snapshot_sync_view(&node[n], node_bit(n), node_bit(n), now);
	view(node_bit(1) | node_bit(2) | node_bit(3), node_bit(1) | node_bit(2) | node_bit(3));
	run(3 * NS_PER_S);
	ck_assert_uint_eq(joining(), 0);
}
END_TEST

START_TEST(a_hung_one_is_passed_over)
{
	start_all(node_bit(1) | node_bit(2));
	hung = node_bit(1);
	start(3);
	view(members | node_bit(3), node_bit(3));
	run(3 * NS_PER_S);
	ck_assert(!node[3].joining);
	ck_assert_int_eq(answers_by[2], 1);
}
END_TEST

START_TEST(nobody_answers_ends)
{
	start_all(node_bit(1));
	hung = node_bit(1);
	start(2);
	view(members | node_bit(2), node_bit(2));
	run(2 * NS_PER_S);
	ck_assert(node[2].joining);
	run(12 * NS_PER_S);
	ck_assert(!node[2].joining);
}
END_TEST

START_TEST(the_answerer_dies)
{
	struct snapshot_request q;
	uint16_t part;

	start_all(node_bit(1) | node_bit(2));
	start(3);
	view(members | node_bit(3), node_bit(3));
	ck_assert(snapshot_sync_due(&node[3], now, &q));
	for (node_id_t n = 1; n <= 3; n++)
		(void)snapshot_sync_request(&node[n], 3, &q, now);
	ck_assert(snapshot_sync_next_part(&node[1], q.request, &part));
	deliver_part(1, q.request, q.known, part, false); /* its first part, and no more */
	view(node_bit(2) | node_bit(3), 0);
	run(3 * NS_PER_S);
	ck_assert(!node[3].joining);
	ck_assert_int_eq(taken_by[3], 1);
	ck_assert_int_eq(answers_by[2], 1);
}
END_TEST

START_TEST(parts_only_count_in_order_and_from_one)
{
	struct snapshot_request q;
	struct snapshot_sync *s = &node[3];

	start_all(node_bit(1) | node_bit(2));
	start(3);
	view(members | node_bit(3), node_bit(3));
	ck_assert(snapshot_sync_due(s, now, &q));
	(void)snapshot_sync_request(s, 3, &q, now);
	ck_assert(!snapshot_sync_part(s, 1, q.request, q.known, 1, false, now));
	ck_assert(!snapshot_sync_part(s, 1, q.request + 1, q.known, 0, false, now));
	ck_assert(!snapshot_sync_part(s, 1, q.request, node_bit(2), 0, false, now));
	ck_assert(snapshot_sync_part(s, 1, q.request, q.known, 0, false, now));
	ck_assert(!snapshot_sync_part(s, 2, q.request, q.known, 1, true, now));
	ck_assert(!snapshot_sync_part(s, 1, q.request, q.known, 0, false, now));
	ck_assert(s->joining);
	ck_assert(snapshot_sync_part(s, 1, q.request, q.known, 1, true, now));
	ck_assert(!s->joining);
	ck_assert(!snapshot_sync_part(s, 1, q.request, q.known, 2, true, now));
}
END_TEST

START_TEST(both_sides_of_a_healed_partition_are_told)
{
	node_set_t left = node_bit(1) | node_bit(2), right = node_bit(3) | node_bit(4);

	start_all(left | right);
	for (node_id_t n = 1; n <= 4; n++)
		snapshot_sync_view(&node[n], node_in(left, n) ? left : right, 0, now);
	members = left | right;
	for (node_id_t n = 1; n <= 4; n++)
		snapshot_sync_view(&node[n], members, node_in(left, n) ? right : left, now);
	run(3 * NS_PER_S);
	ck_assert_int_eq(answers_by[1], 1);
	ck_assert_int_eq(answers_by[3], 1);
	for (node_id_t n = 1; n <= 4; n++)
		ck_assert_int_eq(taken_by[n], 1);
	ck_assert_uint_eq(joining(), 0);
}
END_TEST

START_TEST(a_return_of_corosync_is_no_joining)
{
	start_all(node_bit(1) | node_bit(2));
	snapshot_sync_view(&node[2], 0, 0, now);
	view(node_bit(1), 0);
	view(node_bit(1) | node_bit(2), node_bit(2));
	ck_assert(!node[2].joining);
	run(3 * NS_PER_S);
	ck_assert_int_eq(taken_by[2], 1); /* what it missed */
	ck_assert_int_eq(taken_by[1], 1); /* what it did meanwhile */
}
END_TEST

START_TEST(what_was_missed_is_asked_for)
{
	start_all(node_bit(1) | node_bit(2));
	snapshot_sync_missed(&node[2], now);
	snapshot_sync_missed(&node[2], now);
	run(5 * NS_PER_S);
	ck_assert_int_eq(taken_by[2], 1);
	ck_assert_int_eq(answers_by[1], 1);
}
END_TEST

START_TEST(an_overtaken_answer_stops)
{
	struct snapshot_request a = { 5, 0, node_bit(2), true }, b = { 6, 0, node_bit(2), true };
	uint16_t part;

	start_all(node_bit(1) | node_bit(2));
	ck_assert(snapshot_sync_request(&node[1], 2, &a, now));
	ck_assert(snapshot_sync_next_part(&node[1], 5, &part));
	ck_assert(snapshot_sync_request(&node[1], 2, &b, now));
	ck_assert(!snapshot_sync_next_part(&node[1], 5, &part));
	ck_assert(!snapshot_sync_next_part(&node[1], 0, &part));
	ck_assert(snapshot_sync_next_part(&node[1], 6, &part));
}
END_TEST

UNIT_MAIN("snapshot_sync", alone_goes_on_after_a_moment, a_newcomer_is_told_by_the_lowest_old_one,
	  two_newcomers_at_once, a_cold_start_of_all_ends, a_hung_one_is_passed_over, nobody_answers_ends,
	  the_answerer_dies, parts_only_count_in_order_and_from_one,
	  both_sides_of_a_healed_partition_are_told, a_return_of_corosync_is_no_joining,
	  what_was_missed_is_asked_for, an_overtaken_answer_stops)
