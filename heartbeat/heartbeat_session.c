/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heartbeat_session.h"

#include "bytes.h"

#include <errno.h>
#include <string.h>

#define SEQUENCE_OFFSET 24

static const char *const heartbeat_outcome_names[HEARTBEAT_OUTCOMES_COUNT] = {
	[HEARTBEAT_OK] = "ok",
	[HEARTBEAT_MALFORMED] = "malformed",
	[HEARTBEAT_UNKNOWN_VERSION] = "unknown-version",
	[HEARTBEAT_UNKNOWN_TYPE] = "unknown-type",
	[HEARTBEAT_WRONG_CLUSTER] = "wrong-cluster",
	[HEARTBEAT_UNKNOWN_SENDER] = "unknown-sender",
	[HEARTBEAT_WRONG_SENDER] = "wrong-sender",
	[HEARTBEAT_BAD_SIGNATURE] = "bad-signature",
	[HEARTBEAT_UNPROVEN] = "unproven",
	[HEARTBEAT_REPLAYED] = "replayed",
	[HEARTBEAT_UNKNOWN_NAME] = "unknown-name",
};

const char *heartbeat_outcome_name(enum heartbeat_outcome o)
{
	return heartbeat_outcome_names[o];
}

int heartbeat_session_init(struct heartbeat_session *s, const struct peers_config *peers,
			   const struct node_key *key, struct heartbeat_proof *proof)
{
	int r;

	*s = (struct heartbeat_session){
		.peers = *peers,
		.cluster = node_cluster_hash(peers->cluster),
		.proof = proof,
	};
	if (peers->nodes_count > RK_NODES_MAX || peers->groups_count > RK_GROUPS_MAX ||
	    peers->incarnation == 0)
		return -EINVAL;
	r = crypto_signer_new(key->sign, &s->signer);
	for (int i = 0; i < peers->nodes_count && r == 0; i++) {
		node_id_t id = peers->nodes[i].id;

		if (id == NODE_NONE || id > NODE_ID_MAX || s->verifier[id])
			r = -EINVAL;
		else
			r = crypto_verifier_new(peers->nodes[i].public_key.sign, &s->verifier[id]);
	}
	if (r == 0 && (peers->self > NODE_ID_MAX || !s->verifier[peers->self]))
		r = -EINVAL;
	if (r)
		heartbeat_session_close(s);
	return r;
}

void heartbeat_session_close(struct heartbeat_session *s)
{
	crypto_signer_free(s->signer);
	s->signer = NULL;
	for (int i = 0; i <= NODE_ID_MAX; i++) {
		crypto_verifier_free(s->verifier[i]);
		s->verifier[i] = NULL;
	}
}

/* ---- sending ---- */

int heartbeat_session_encode(struct heartbeat_session *s, struct heartbeat *h, void *buf, size_t size)
{
	h->sender = s->peers.self;
	h->cluster = s->cluster;
	h->incarnation = s->peers.incarnation;
	h->sequence = 0;
	if (h->type == HEARTBEAT_STATE)
		h->state.minor = wire_minor();
	return heartbeat_encode(h, &s->peers, buf, size);
}

int heartbeat_session_sign(struct heartbeat_session *s, uint8_t *data, size_t len, size_t size)
{
	struct writer w;
	int r;

	if (len < HEARTBEAT_HEADER_SIZE || len > size || size - len < CRYPTO_SIGNATURE_SIZE)
		return -EMSGSIZE;
	w = writer_init(data + SEQUENCE_OFFSET, sizeof s->proof->sequence);
	write_u64(&w, ++s->proof->sequence);
	r = crypto_sign(s->signer, data, len, data + len);
	return r ? r : (int)(len + CRYPTO_SIGNATURE_SIZE);
}

/* ---- receiving ---- */

static void latch(struct heartbeat_session *s, node_id_t node, uint64_t incarnation, uint64_t sequence)
{
	s->node[node].incarnation = incarnation;
	s->node[node].sequence = sequence;
	s->node[node].heard = false;
}

void heartbeat_session_joined(struct heartbeat_session *s, node_set_t joined)
{
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		if (!node_in(joined, n))
			continue;
		if (n == s->peers.self)
			latch(s, n, s->peers.incarnation, s->proof->sequence);
		else
			latch(s, n, s->proof->node[n].incarnation, s->proof->node[n].sequence);
	}
}

static enum heartbeat_outcome check_origin(const struct heartbeat_session *s, uint32_t corosync_node,
					   const uint8_t *data, size_t len, struct heartbeat *ret)
{
	int r = heartbeat_decode_header(data, len, ret);

	if (r)
		return r == -EPROTONOSUPPORT ? HEARTBEAT_UNKNOWN_VERSION : HEARTBEAT_MALFORMED;
	if (ret->cluster != s->cluster)
		return HEARTBEAT_WRONG_CLUSTER;
	if (!s->verifier[ret->sender])
		return HEARTBEAT_UNKNOWN_SENDER;
	if (corosync_node != ret->sender)
		return HEARTBEAT_WRONG_SENDER;
	if (crypto_verify(s->verifier[ret->sender], data, len - CRYPTO_SIGNATURE_SIZE,
			  data + len - CRYPTO_SIGNATURE_SIZE) != 0)
		return HEARTBEAT_BAD_SIGNATURE;
	return HEARTBEAT_OK;
}

static enum heartbeat_outcome check_freshness(struct heartbeat_session *s, const struct heartbeat *h)
{
	node_id_t n = h->sender;
	uint64_t proven = n == s->peers.self ? s->peers.incarnation : s->proof->node[n].incarnation;

	if (proven == 0 || h->incarnation != proven)
		return HEARTBEAT_UNPROVEN;
	if (s->node[n].incarnation != h->incarnation)
		latch(s, n, h->incarnation, n == s->peers.self ? 0 : s->proof->node[n].sequence);
	/* Below what the pulse stated, and nothing of this incarnation was heard yet: corosync is slower than
	 * the pulse, so that is most likely its past on the way. Dropped all the same, but no attack. */
	if (h->sequence <= s->node[n].sequence)
		return s->node[n].heard ? HEARTBEAT_REPLAYED : HEARTBEAT_UNPROVEN;
	s->node[n].sequence = h->sequence;
	s->node[n].heard = true;
	return HEARTBEAT_OK;
}

static enum heartbeat_outcome decode_body(struct heartbeat_session *s, const void *data, size_t len,
					  struct heartbeat *ret)
{
	uint32_t skipped;

	switch (heartbeat_decode(data, len, &s->peers, ret, &skipped)) {
	case 0:
		s->skipped += skipped;
		return HEARTBEAT_OK;
	case -ENOMSG:
		return HEARTBEAT_UNKNOWN_TYPE;
	case -ENOENT:
		return HEARTBEAT_UNKNOWN_NAME;
	default:
		return HEARTBEAT_MALFORMED;
	}
}

enum heartbeat_outcome heartbeat_session_receive(struct heartbeat_session *s, uint32_t corosync_node,
						 const void *data, size_t len, struct heartbeat *ret)
{
	enum heartbeat_outcome o = check_origin(s, corosync_node, data, len, ret);

	if (o == HEARTBEAT_OK)
		o = check_freshness(s, ret);
	if (o == HEARTBEAT_OK)
		o = decode_body(s, data, len, ret);
	s->count[o]++;
	return o;
}
