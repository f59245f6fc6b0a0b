/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two nodes and an attacker who can record, drop, delay, repeat and redirect, but has no key.
 */
#include "pulse_sample.h"
#include "unit.h"

#include <errno.h>

struct wire {
	uint8_t data[PULSE_SIZE_MAX];
	size_t len;
};

struct pair {
	struct pulse_session a; /* node 1 */
	struct pulse_session b; /* node 2 */
};

static struct pulse in;
static struct pulse_verdict verdict;

static void send_from(struct pulse_session *s, bool answer, struct wire *ret)
{
	struct pulse p;
	int len;

	sample_pulse(&p);
	pulse_session_address(s, answer, &p);
	len = pulse_encode(&p, ret->data, sizeof ret->data);
	ck_assert_int_gt(len, 0);
	len = pulse_session_seal(s, ret->data, (size_t)len, sizeof ret->data);
	ck_assert_int_gt(len, 0);
	ret->len = (size_t)len;
}

static enum pulse_outcome take(struct pulse_session *s, const struct wire *w)
{
	node_id_t sender;
	enum pulse_outcome o =
		pulse_session_triage(s->cluster, s->self, node_bit(s->peer), w->data, w->len, &sender);

	verdict = (struct pulse_verdict){ .outcome = o };
	if (o == PULSE_OK)
		pulse_session_receive(s, w->data, w->len, &in, &verdict);
	return verdict.outcome;
}

static void start(struct pulse_session *s, node_id_t self, node_id_t peer, int process)
{
	ck_assert_int_eq(sample_session(s, self, peer, SAMPLE_INCARNATION + self + 0x100 * (uint64_t)process,
					SAMPLE_CLUSTER),
			 0);
}

/* A says something; what it sets off goes to and fro until both are silent. Returns the number of datagrams.
 */
static int talk(struct pulse_session *from, struct pulse_session *to)
{
	struct wire w;
	int n = 0;
	bool answer = false, more = true;

	while (more && n < 20) {
		struct pulse_session *t;

		send_from(from, answer, &w);
		n++;
		(void)take(to, &w);
		answer = verdict.answer;
		more = verdict.answer || verdict.switched;
		t = from, from = to, to = t;
	}
	return n;
}

static void pair_open(struct pair *p)
{
	start(&p->a, 1, 2, 0);
	start(&p->b, 2, 1, 0);
	ck_assert_int_le(talk(&p->a, &p->b), 6);
	ck_assert_uint_eq(p->a.theirs, p->b.incarnation);
	ck_assert_uint_eq(p->b.theirs, p->a.incarnation);
}

static void pair_close(struct pair *p)
{
	pulse_session_close(&p->a);
	pulse_session_close(&p->b);
}

START_TEST(first_contact_needs_an_echo)
{
	struct pair p;
	struct wire w;

	start(&p.a, 1, 2, 0);
	start(&p.b, 2, 1, 0);
	send_from(&p.a, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_HELLO);
	ck_assert(verdict.answer);
	ck_assert_int_eq(take(&p.b, &w), PULSE_HELLO); /* the same again proves no more */
	ck_assert_uint_eq(p.b.theirs, 0);
	pair_close(&p);
	pair_open(&p);
	send_from(&p.a, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_OK);
	ck_assert(!verdict.answer && !verdict.switched);
	pair_close(&p);
}
END_TEST

START_TEST(hellos_that_cross_still_meet)
{
	struct pair p;
	struct wire x, y;

	start(&p.a, 1, 2, 0);
	start(&p.b, 2, 1, 0);
	for (int i = 0; i < 3; i++) {
		send_from(&p.a, false, &x);
		send_from(&p.b, false, &y);
		(void)take(&p.b, &x);
		(void)take(&p.a, &y);
	}
	ck_assert_uint_eq(p.a.theirs, p.b.incarnation);
	ck_assert_uint_eq(p.b.theirs, p.a.incarnation);
	pair_close(&p);
}
END_TEST

START_TEST(duplicates_of_other_links_count_once)
{
	struct pair p;
	struct wire w;

	pair_open(&p);
	send_from(&p.a, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_OK);
	ck_assert_int_eq(take(&p.b, &w), PULSE_DUPLICATE);
	pair_close(&p);
}
END_TEST

START_TEST(late_ones_count_once_within_the_window)
{
	static struct wire w[PULSE_WINDOW_BITS + 1];
	struct pair p;

	pair_open(&p);
	for (int i = 0; i <= PULSE_WINDOW_BITS; i++)
		send_from(&p.a, false, &w[i]);
	ck_assert_int_eq(take(&p.b, &w[PULSE_WINDOW_BITS]), PULSE_OK);
	ck_assert_int_eq(take(&p.b, &w[0]), PULSE_OLD);
	for (int i = 1; i < PULSE_WINDOW_BITS; i++) {
		ck_assert_int_eq(take(&p.b, &w[i]), PULSE_OK);
		ck_assert_int_eq(take(&p.b, &w[i]), PULSE_DUPLICATE);
	}
	pair_close(&p);
}
END_TEST

START_TEST(window_forgets_nothing_by_a_jump)
{
	struct pulse_window w = { 0 };

	pulse_window_take(&w, 5);
	pulse_window_take(&w, 5 + 10 * PULSE_WINDOW_BITS);
	ck_assert_int_eq(pulse_window_check(&w, 5), PULSE_OLD);
	ck_assert_int_eq(pulse_window_check(&w, 5 + 10 * PULSE_WINDOW_BITS), PULSE_DUPLICATE);
	ck_assert_int_eq(pulse_window_check(&w, 4 + 10 * PULSE_WINDOW_BITS), PULSE_OK);
	/* the same word of the ring, one round earlier and later */
	ck_assert_int_eq(pulse_window_check(&w, 5 + 10 * PULSE_WINDOW_BITS - 64 * PULSE_WINDOW_WORDS),
			 PULSE_OLD);
	ck_assert_int_eq(pulse_window_check(&w, 5 + 10 * PULSE_WINDOW_BITS + 64 * PULSE_WINDOW_WORDS),
			 PULSE_OK);
	ck_assert_int_eq(pulse_window_check(&w, 0), PULSE_OLD);
	ck_assert_int_eq(pulse_window_check(&w, UINT64_MAX), PULSE_OLD);
	pulse_window_take(&w, UINT64_MAX - 1);
	ck_assert_int_eq(pulse_window_check(&w, UINT64_MAX), PULSE_OLD);
	ck_assert_int_eq(pulse_window_check(&w, UINT64_MAX - 1), PULSE_DUPLICATE);
}
END_TEST

START_TEST(a_restarted_receiver_takes_nothing_recorded)
{
	static struct wire w[50];
	struct pair p;
	struct pulse_session b2;

	pair_open(&p);
	for (int i = 0; i < 50; i++) {
		send_from(&p.a, false, &w[i]);
		ck_assert_int_eq(take(&p.b, &w[i]), PULSE_OK);
	}
	start(&b2, 2, 1, 1);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(take(&b2, &w[i]), PULSE_HELLO);
	ck_assert_int_le(talk(&b2, &p.a), 6);
	ck_assert_uint_eq(b2.theirs, p.a.incarnation);
	for (int i = 0; i < 50; i++) /* also not after it met the living one */
		ck_assert_int_ne(take(&b2, &w[i]), PULSE_OK);
	pulse_session_close(&b2);
	pair_close(&p);
}
END_TEST

/* These all echo what the receiver, who did not restart, wanted echoed at the time. */
START_TEST(nothing_recorded_before_the_sender_restarted_counts)
{
	static struct wire w[50], unseen[50];
	struct pair p;
	struct pulse_session a2;

	pair_open(&p);
	for (int i = 0; i < 50; i++) {
		send_from(&p.a, false, &w[i]);
		ck_assert_int_eq(take(&p.b, &w[i]), PULSE_OK);
		send_from(&p.a, false, &unseen[i]); /* the attacker kept these to himself */
	}
	start(&a2, 1, 2, 1);
	(void)talk(&a2, &p.b);
	ck_assert_uint_eq(p.b.theirs, a2.incarnation);
	pulse_session_forget_retired(&p.b); /* the list of replaced ones is not what protects */
	for (int i = 0; i < 50; i++) {
		ck_assert_int_ne(take(&p.b, &w[i]), PULSE_OK);
		ck_assert_int_ne(take(&p.b, &unseen[i]), PULSE_OK);
	}
	ck_assert_uint_eq(p.b.theirs, a2.incarnation);
	send_from(&a2, false, &w[0]);
	ck_assert_int_eq(take(&p.b, &w[0]), PULSE_OK);
	pulse_session_close(&a2);
	pair_close(&p);
}
END_TEST

/* The attacker has A answer an old hello, so that B echoes a challenge it should not have, and keeps that for
 * after B's restart. */
START_TEST(a_challenge_for_another_incarnation_is_of_no_use)
{
	struct pair p;
	struct pulse_session b0, b2;
	struct wire old_hello, bait, kept;

	start(&b0, 2, 1, 7);
	send_from(&b0, false, &old_hello);
	pair_open(&p);
	ck_assert_int_eq(take(&p.a, &old_hello), PULSE_HELLO);
	send_from(&p.a, true, &bait);
	ck_assert_int_eq(take(&p.b, &bait), PULSE_HELLO);
	send_from(&p.b, true, &kept);
	start(&b2, 2, 1, 1);
	(void)talk(&b2, &p.a);
	ck_assert_uint_eq(p.a.theirs, b2.incarnation);
	ck_assert_int_ne(take(&p.a, &kept), PULSE_OK);
	pulse_session_forget_retired(&p.a);
	ck_assert_int_ne(take(&p.a, &kept), PULSE_OK);
	ck_assert_uint_eq(p.a.theirs, b2.incarnation);
	pulse_session_close(&b0);
	pulse_session_close(&b2);
	pair_close(&p);
}
END_TEST

START_TEST(replayed_hellos_do_not_disturb)
{
	struct pair p;
	struct pulse_session old;
	struct wire hello, w;

	start(&old, 1, 2, 9);
	send_from(&old, false, &hello);
	pair_open(&p);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(take(&p.b, &hello), PULSE_HELLO);
		send_from(&p.a, false, &w);
		ck_assert_int_eq(take(&p.b, &w), PULSE_OK);
		send_from(&p.b, false, &w); /* a normal one still goes to the living */
		ck_assert_int_eq(take(&p.a, &w), PULSE_OK);
	}
	/* What a replayed hello sets off ends. */
	send_from(&p.b, true, &w);
	ck_assert_int_eq(take(&p.a, &w), PULSE_HELLO);
	ck_assert_int_le(talk(&p.a, &p.b), 3);
	pulse_session_close(&old);
	pair_close(&p);
}
END_TEST

START_TEST(the_newer_of_two_twins_counts)
{
	struct pair p;
	struct pulse_session twin;
	struct wire w;

	pair_open(&p);
	start(&twin, 1, 2, 3);
	(void)talk(&twin, &p.b);
	ck_assert_uint_eq(p.b.theirs, twin.incarnation);
	for (int i = 1; i < 20; i++) {
		send_from(&p.a, false, &w);
		ck_assert_int_eq(take(&p.b, &w), PULSE_RETIRED);
		ck_assert_int_eq(verdict.twin, i >= 8);
	}
	pulse_session_forget_retired(&p.b);
	(void)talk(&p.a, &p.b);
	send_from(&p.a, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_OK);
	ck_assert_uint_eq(p.b.theirs, p.a.incarnation);
	pulse_session_close(&twin);
	pair_close(&p);
}
END_TEST

/* Every bit counts, and a forgery leaves no trace in the session. */
START_TEST(refuses_every_flipped_bit)
{
	struct pair p;
	struct wire w, forged;
	struct pulse_session before;

	pair_open(&p);
	send_from(&p.a, false, &w);
	before = p.b;
	for (size_t bit = 0; bit < 8 * w.len; bit++) {
		forged = w;
		forged.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_ne(take(&p.b, &forged), PULSE_OK);
		ck_assert_int_ne(verdict.outcome, PULSE_HELLO);
		ck_assert_mem_eq(&before, &p.b, sizeof before);
	}
	ck_assert_int_eq(take(&p.b, &w), PULSE_OK);
	pair_close(&p);
}
END_TEST

START_TEST(refuses_every_other_length)
{
	struct pair p;
	struct wire w, cut;

	pair_open(&p);
	send_from(&p.a, false, &w);
	cut = w;
	for (cut.len = 0; cut.len <= sizeof cut.data; cut.len++)
		if (cut.len != w.len)
			ck_assert_int_ne(take(&p.b, &cut), PULSE_OK);
	ck_assert_int_eq(take(&p.b, &w), PULSE_OK);
	pair_close(&p);
}
END_TEST

/* A forged number far ahead would otherwise lock the honest sender out (a BFD implementation had that). */
START_TEST(a_forgery_does_not_move_the_window)
{
	struct pair p;
	struct wire w;
	struct pulse far;

	pair_open(&p);
	sample_pulse(&far);
	pulse_session_address(&p.a, false, &far);
	far.sequence = UINT64_MAX / 2;
	w.len = (size_t)pulse_encode(&far, w.data, sizeof w.data) + PULSE_TAG_SIZE;
	memset(w.data + w.len - PULSE_TAG_SIZE, 0, PULSE_TAG_SIZE);
	ck_assert_int_eq(take(&p.b, &w), PULSE_BAD_TAG);
	send_from(&p.a, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_OK);
	pair_close(&p);
}
END_TEST

START_TEST(refuses_what_is_not_for_us)
{
	struct pair p;
	struct pulse_session other, stranger;
	struct wire w;

	pair_open(&p);
	send_from(&p.b, false, &w); /* reflected to its own sender */
	ck_assert_int_eq(take(&p.b, &w), PULSE_UNKNOWN_SENDER);
	start(&stranger, 3, 2, 0);
	send_from(&stranger, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_UNKNOWN_SENDER);
	start(&other, 1, 3, 0); /* node 1 to node 3, redirected to node 2 */
	send_from(&other, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_WRONG_RECEIVER);
	pulse_session_close(&other);
	pulse_session_close(&stranger);
	pair_close(&p);
}
END_TEST

START_TEST(refuses_another_cluster_with_the_same_keys)
{
	struct pair p;
	struct pulse_session lab;
	struct wire w;

	pair_open(&p);
	ck_assert_int_eq(sample_session(&lab, 1, 2, 5, "lab"), 0);
	send_from(&lab, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_WRONG_CLUSTER);
	lab.cluster = p.b.cluster; /* even if it says it were ours: the key is of the cluster's name */
	send_from(&lab, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_BAD_TAG);
	pulse_session_close(&lab);
	pair_close(&p);
}
END_TEST

START_TEST(keys_have_a_direction)
{
	struct pair p;
	struct wire w;
	struct crypto_mac *t;

	pair_open(&p);
	t = p.a.send_mac, p.a.send_mac = p.a.receive_mac, p.a.receive_mac = t;
	send_from(&p.a, false, &w);
	ck_assert_int_eq(take(&p.b, &w), PULSE_BAD_TAG);
	pair_close(&p);
}
END_TEST

START_TEST(another_version_is_told)
{
	struct pair p;
	struct wire w;

	pair_open(&p);
	send_from(&p.a, false, &w);
	w.data[4]++;
	ck_assert_int_eq(take(&p.b, &w), PULSE_VERSION);
	pair_close(&p);
}
END_TEST

START_TEST(authentic_nonsense_is_malformed)
{
	struct pair p;
	struct wire w;
	int len;

	pair_open(&p);
	send_from(&p.a, false, &w);
	w.data[PULSE_HEADER_SIZE + 1]++; /* length of the first entry */
	len = pulse_session_seal(&p.a, w.data, w.len - PULSE_TAG_SIZE, sizeof w.data);
	ck_assert_int_eq(len, (int)w.len);
	ck_assert_int_eq(take(&p.b, &w), PULSE_MALFORMED);
	pair_close(&p);
}
END_TEST

UNIT_MAIN("pulse_session", first_contact_needs_an_echo, hellos_that_cross_still_meet,
	  duplicates_of_other_links_count_once, late_ones_count_once_within_the_window,
	  window_forgets_nothing_by_a_jump, a_restarted_receiver_takes_nothing_recorded,
	  nothing_recorded_before_the_sender_restarted_counts,
	  a_challenge_for_another_incarnation_is_of_no_use, replayed_hellos_do_not_disturb,
	  the_newer_of_two_twins_counts, refuses_every_flipped_bit, refuses_every_other_length,
	  a_forgery_does_not_move_the_window, refuses_what_is_not_for_us,
	  refuses_another_cluster_with_the_same_keys, keys_have_a_direction, another_version_is_told,
	  authentic_nonsense_is_malformed)
