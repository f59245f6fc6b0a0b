/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The attacker of these tests holds corosync's key: he hears everything, sends in any node's place, and has
 * recorded all that was ever said. He has no node's key.
 */
#include "heartbeat_sample.h"
#include "unit.h"

#include <errno.h>

struct record {
	uint8_t data[HEARTBEAT_SIZE_MAX];
	size_t len;
};

static struct heartbeat_proof proof1, proof2;
static struct heartbeat_session one, two;
static struct heartbeat out, in;

static void start(struct heartbeat_session *s, struct heartbeat_proof *proof, node_id_t self,
		  uint64_t process)
{
	struct peers_config peers;
	struct node_key key = sample_key(self);

	sample_peers(&peers, self);
	peers.incarnation = process;
	memset(proof, 0, sizeof *proof);
	ck_assert_int_eq(heartbeat_session_init(s, &peers, &key, proof), 0);
}

/* A fresh pulse of `from` has reached the owner of `proof`. */
static void pulse(struct heartbeat_proof *proof, const struct heartbeat_session *from)
{
	proof->node[from->peers.self].incarnation = from->peers.incarnation;
	proof->node[from->peers.self].sequence = from->proof->sequence;
}

static void open_both(void)
{
	start(&one, &proof1, 1, 0x11);
	start(&two, &proof2, 2, 0x22);
	pulse(&proof2, &one);
	pulse(&proof1, &two);
	heartbeat_session_joined(&one, node_bit(1) | node_bit(2));
	heartbeat_session_joined(&two, node_bit(1) | node_bit(2));
}

static void close_both(void)
{
	heartbeat_session_close(&one);
	heartbeat_session_close(&two);
}

static void say(struct heartbeat_session *s, enum heartbeat_type type, struct record *ret)
{
	int len;

	sample_heartbeat(&out, type);
	if (type == HEARTBEAT_SNAPSHOT_REQUEST)
		out.request.known = node_bit(s->peers.self);
	len = heartbeat_session_encode(s, &out, ret->data, sizeof ret->data);
	ck_assert_int_gt(len, 0);
	len = heartbeat_session_sign(s, ret->data, (size_t)len, sizeof ret->data);
	ck_assert_int_gt(len, 0);
	ret->len = (size_t)len;
}

static enum heartbeat_outcome hear(struct heartbeat_session *s, uint32_t corosync_node,
				   const struct record *r)
{
	return heartbeat_session_receive(s, corosync_node, r->data, r->len, &in);
}

START_TEST(takes_each_type_once)
{
	struct record r;

	open_both();
	for (int t = HEARTBEAT_STATE; t < HEARTBEAT_TYPES_COUNT; t++) {
		say(&one, (enum heartbeat_type)t, &r);
		ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_OK);
		ck_assert_int_eq(in.type, t);
		ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_REPLAYED);
		ck_assert_int_eq(hear(&one, 1, &r), HEARTBEAT_OK); /* its own comes back */
		ck_assert_int_eq(hear(&one, 1, &r), HEARTBEAT_REPLAYED);
	}
	close_both();
}
END_TEST

START_TEST(order_only_grows)
{
	struct record a, b;

	open_both();
	say(&one, HEARTBEAT_COMMAND, &a);
	say(&one, HEARTBEAT_COMMAND, &b);
	ck_assert_int_eq(hear(&two, 1, &b), HEARTBEAT_OK);
	ck_assert_int_eq(hear(&two, 1, &a), HEARTBEAT_REPLAYED);
	close_both();
}
END_TEST

START_TEST(nobody_speaks_for_another)
{
	struct record r;

	open_both();
	say(&one, HEARTBEAT_COMMAND, &r);
	ck_assert_int_eq(hear(&two, 2, &r), HEARTBEAT_WRONG_SENDER);
	ck_assert_int_eq(hear(&two, 1 + 256, &r), HEARTBEAT_WRONG_SENDER);
	r.data[6] = 2; /* says it were node 2's, from node 2 */
	ck_assert_int_eq(hear(&two, 2, &r), HEARTBEAT_BAD_SIGNATURE);
	r.data[6] = 7;
	ck_assert_int_eq(hear(&two, 7, &r), HEARTBEAT_UNKNOWN_SENDER);
	close_both();
}
END_TEST

START_TEST(refuses_every_flipped_bit_and_leaves_no_trace)
{
	struct record r, forged;
	struct heartbeat_session before;

	open_both();
	say(&one, HEARTBEAT_COMMAND, &r);
	for (size_t bit = 0; bit < 8 * r.len; bit++) {
		forged = r;
		forged.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		before = two;
		ck_assert_int_ne(hear(&two, 1, &forged), HEARTBEAT_OK);
		ck_assert_mem_eq(before.node, two.node, sizeof two.node);
	}
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_OK);
	close_both();
}
END_TEST

START_TEST(refuses_every_other_length)
{
	struct record r, cut;

	open_both();
	say(&one, HEARTBEAT_BINDINGS, &r);
	cut = r;
	for (cut.len = 0; cut.len < r.len + 80; cut.len++)
		if (cut.len != r.len)
			ck_assert_int_ne(hear(&two, 1, &cut), HEARTBEAT_OK);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_OK);
	close_both();
}
END_TEST

START_TEST(refuses_another_cluster)
{
	struct record r;

	open_both();
	one.cluster = node_cluster_hash("lab");
	say(&one, HEARTBEAT_COMMAND, &r);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_WRONG_CLUSTER);
	close_both();
}
END_TEST

START_TEST(counts_only_with_a_pulse_that_vouches)
{
	struct record r;

	start(&one, &proof1, 1, 0x11);
	start(&two, &proof2, 2, 0x22);
	heartbeat_session_joined(&two, node_bit(1) | node_bit(2));
	say(&one, HEARTBEAT_STATE, &r);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_UNPROVEN);
	proof2.node[1].incarnation = 0x99; /* a pulse of another process */
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_UNPROVEN);
	pulse(&proof2, &one);
	say(&one, HEARTBEAT_STATE, &r);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_OK);
	close_both();
}
END_TEST

START_TEST(a_former_process_of_the_sender_is_silent)
{
	static struct record old[20];
	struct record r;

	open_both();
	for (int i = 0; i < 20; i++)
		say(&one, HEARTBEAT_COMMAND, &old[i]);
	heartbeat_session_close(&one);
	start(&one, &proof1, 1, 0x12);
	pulse(&proof2, &one);
	heartbeat_session_joined(&two, node_bit(1));
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(hear(&two, 1, &old[i]), HEARTBEAT_UNPROVEN);
	say(&one, HEARTBEAT_COMMAND, &r);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_OK);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(hear(&two, 1, &old[i]), HEARTBEAT_UNPROVEN);
	close_both();
}
END_TEST

START_TEST(a_restarted_receiver_takes_nothing_recorded)
{
	static struct record old[20];
	struct record r;

	open_both();
	for (int i = 0; i < 20; i++) {
		say(&one, HEARTBEAT_COMMAND, &old[i]);
		ck_assert_int_eq(hear(&two, 1, &old[i]), HEARTBEAT_OK);
	}
	heartbeat_session_close(&two);
	start(&two, &proof2, 2, 0x23);
	for (int i = 0; i < 20; i++) /* before it met the living one, */
		ck_assert_int_eq(hear(&two, 1, &old[i]), HEARTBEAT_UNPROVEN);
	pulse(&proof2, &one);
	for (int i = 0; i < 20; i++) /* before it joined, */
		ck_assert_int_eq(hear(&two, 1, &old[i]), HEARTBEAT_UNPROVEN);
	heartbeat_session_joined(&two, node_bit(1) | node_bit(2));
	for (int i = 0; i < 20; i++) /* and after */
		ck_assert_int_eq(hear(&two, 1, &old[i]), HEARTBEAT_UNPROVEN);
	say(&one, HEARTBEAT_COMMAND, &r);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_OK);
	for (int i = 0; i < 20; i++) /* from then on it is no past on its way any more */
		ck_assert_int_eq(hear(&two, 1, &old[i]), HEARTBEAT_REPLAYED);
	close_both();
}
END_TEST

/* What was said on the other side of a partition comes by snapshot, not by an old recording. */
START_TEST(nothing_said_out_of_view_counts_later)
{
	struct record apart, r;

	open_both();
	say(&one, HEARTBEAT_COMMAND, &r);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_OK);
	say(&one, HEARTBEAT_COMMAND, &apart);
	pulse(&proof2, &one);
	heartbeat_session_joined(&two, node_bit(1));
	ck_assert_int_eq(hear(&two, 1, &apart), HEARTBEAT_UNPROVEN);
	say(&one, HEARTBEAT_COMMAND, &r);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_OK);
	close_both();
}
END_TEST

START_TEST(own_words_of_before_do_not_come_back)
{
	struct record before, former;
	struct heartbeat_session old;
	struct heartbeat_proof old_proof;

	start(&old, &old_proof, 1, 0x10);
	say(&old, HEARTBEAT_COMMAND, &former);
	open_both();
	say(&one, HEARTBEAT_COMMAND, &before); /* into the queue of a connection that was lost */
	heartbeat_session_joined(&one, node_bit(1));
	ck_assert_int_eq(hear(&one, 1, &former), HEARTBEAT_UNPROVEN);
	ck_assert_int_eq(hear(&one, 1, &before), HEARTBEAT_UNPROVEN);
	heartbeat_session_close(&old);
	close_both();
}
END_TEST

START_TEST(other_versions_and_types_are_told_apart)
{
	struct record r;
	int len;

	open_both();
	say(&one, HEARTBEAT_STATE, &r);
	r.data[4]++;
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_UNKNOWN_VERSION);
	r.data[4]--;
	r.data[5] = 77; /* a type of the future, properly signed */
	len = heartbeat_session_sign(&one, r.data, r.len - CRYPTO_SIGNATURE_SIZE, sizeof r.data);
	ck_assert_int_eq(len, (int)r.len);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_UNKNOWN_TYPE);
	r.data[5] = HEARTBEAT_COMMAND; /* a state is no command */
	(void)heartbeat_session_sign(&one, r.data, r.len - CRYPTO_SIGNATURE_SIZE, sizeof r.data);
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_MALFORMED);
	ck_assert_uint_eq(two.count[HEARTBEAT_UNKNOWN_TYPE], 1);
	say(&one, HEARTBEAT_COMMAND, &r);
	two.peers.groups_count = 0;
	ck_assert_int_eq(hear(&two, 1, &r), HEARTBEAT_UNKNOWN_NAME);
	close_both();
}
END_TEST

UNIT_MAIN("heartbeat_session", takes_each_type_once, order_only_grows, nobody_speaks_for_another,
	  refuses_every_flipped_bit_and_leaves_no_trace, refuses_every_other_length, refuses_another_cluster,
	  counts_only_with_a_pulse_that_vouches, a_former_process_of_the_sender_is_silent,
	  a_restarted_receiver_takes_nothing_recorded, nothing_said_out_of_view_counts_later,
	  own_words_of_before_do_not_come_back, other_versions_and_types_are_told_apart)
