/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fixed keys and one pulse with an entry of every kind, for the tests and fuzzers of the pulse.
 */
#ifndef RK_PULSE_SAMPLE_H
#define RK_PULSE_SAMPLE_H

#include "node_key.h"
#include "pulse_session.h"
#include "pulse_wire.h"

#include <string.h>

#define SAMPLE_CLUSTER	   "office"
#define SAMPLE_GROUP	   0x0ff1ce00u
#define SAMPLE_INCARNATION 0x1111000000000000ULL /* + node id */

/* The key of node n: no secret at all. */
static inline struct node_key sample_key(node_id_t n)
{
	struct node_key k = { 0 };

	memset(k.sign, n, sizeof k.sign);
	memset(k.agree, 0x40 + n, sizeof k.agree);
	(void)crypto_ed25519_public(k.sign, k.public_key.sign);
	(void)crypto_x25519_public(k.agree, k.public_key.agree);
	return k;
}

/* A session of a process of node self with node peer. */
static inline int sample_session(struct pulse_session *s, node_id_t self, node_id_t peer,
				 uint64_t incarnation, const char *cluster)
{
	struct node_key mine = sample_key(self), theirs = sample_key(peer);
	struct pulse_session_config c = {
		.cluster = node_cluster_hash(cluster),
		.self = self,
		.peer = peer,
		.incarnation = incarnation,
	};
	int r = node_pair_key(&mine, &theirs.public_key, cluster, self, peer, true, c.send_key);

	if (r == 0)
		r = node_pair_key(&mine, &theirs.public_key, cluster, self, peer, false, c.receive_key);
	memcpy(c.challenge_secret, &incarnation, sizeof incarnation); /* differs by process, as it must */
	return r ? r : pulse_session_init(s, &c);
}

static inline struct lease_msg sample_message(enum lease_msg_type type)
{
	return (struct lease_msg){
		.type = type,
		.from = 1,
		.to = 2,
		.epoch = { 41, 1 },
		.id = { 0xabcdef, 7 },
		.version = 3,
		.lease_ns = 800 * NS_PER_MS,
		.refusal = LEASE_REFUSED_PROMISED,
		.hi = { 40, 3 },
		.promise_node = 3,
		.promise_left_ns = 12345678,
		.successor = 2,
		.voters = { .version = 4, .phase = VOTERS_JOINT, .old_set = 0x0e, .new_set = 0x16 },
	};
}

static inline struct lease_view sample_view(void)
{
	return (struct lease_view){
		.votes = true,
		.hi_known = true,
		.version = 3,
		.hi = { 41, 1 },
		.promise_node = 1,
		.promise_epoch = { 41, 1 },
		.promise_left_ns = 900 * NS_PER_MS,
		.reserve_node = 2,
		.reserve_left_ns = 5 * NS_PER_MS,
		.holds = { 41, 1 },
	};
}

/* One view, and one message of each type. */
static inline void sample_pulse(struct pulse *p)
{
	*p = (struct pulse){
		.link = 1,
		.from = 1,
		.to = 2,
		.cluster = node_cluster_hash(SAMPLE_CLUSTER),
		.incarnation = SAMPLE_INCARNATION + 1,
		.challenge = 0x2222,
		.echo = 0x3333,
		.sequence = 9,
		.heard = node_bit(2) | node_bit(3),
		.heartbeat = 77,
		.sent_us = 1000,
		.echo_us = 500,
		.held_us = 250,
		.views_count = 1,
		.messages_count = LEASE_VSET_ACK,
	};
	p->views[0] = (struct pulse_view){ SAMPLE_GROUP, sample_view() };
	for (int t = LEASE_REQUEST; t <= LEASE_VSET_ACK; t++)
		p->messages[t - 1] =
			(struct pulse_message){ SAMPLE_GROUP, sample_message((enum lease_msg_type)t) };
}

#endif
