/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Is this heartbeat from that node, of its living process, and new? Ed25519 signatures, one key per node,
 * because corosync's key is one for the whole cluster: whoever holds it can speak as anybody and replay what
 * he recorded. The id that corosync gives must be the signed one; the incarnation must be the one that a
 * fresh pulse proved (peers.h says why); the sequence must grow, from what that pulse stated when the sender
 * came into view. Pure: no clock, no socket.
 */
#ifndef RK_HEARTBEAT_SESSION_H
#define RK_HEARTBEAT_SESSION_H

#include "heartbeat_wire.h"

enum heartbeat_outcome {
	HEARTBEAT_OK,
	HEARTBEAT_MALFORMED,
	HEARTBEAT_UNKNOWN_VERSION, /* skipped */
	HEARTBEAT_UNKNOWN_TYPE,	   /* authentic, of a newer version: skipped */
	HEARTBEAT_WRONG_CLUSTER,
	HEARTBEAT_UNKNOWN_SENDER,
	HEARTBEAT_WRONG_SENDER, /* corosync says another node than the signature */
	HEARTBEAT_BAD_SIGNATURE,
	HEARTBEAT_UNPROVEN,    /* authentic, but no fresh pulse vouches for this incarnation */
	HEARTBEAT_REPLAYED,    /* authentic, but not newer than what was seen or stated */
	HEARTBEAT_UNKNOWN_NAME /* a command about a group or node that is not configured here */
};
#define HEARTBEAT_OUTCOMES_COUNT 11
const char *heartbeat_outcome_name(enum heartbeat_outcome o);

struct heartbeat_session {
	struct peers_config peers;
	uint64_t cluster;
	struct heartbeat_proof *proof;
	struct crypto_signer *signer;
	struct crypto_verifier *verifier[NODE_ID_MAX + 1];
	struct {
		uint64_t incarnation; /* the one `sequence` is of; 0 = none since it came into view */
		uint64_t sequence;    /* newest accepted, or stated by the pulse that proved it */
		bool heard;	      /* one was accepted since */
	} node[NODE_ID_MAX + 1];
	uint64_t count[HEARTBEAT_OUTCOMES_COUNT];
	uint64_t skipped; /* facts of unknown groups */
};

/* Borrows key for the call, proof for its life. */
int heartbeat_session_init(struct heartbeat_session *s, const struct peers_config *peers,
			   const struct node_key *key, struct heartbeat_proof *proof);
void heartbeat_session_close(struct heartbeat_session *s);

/* These nodes have come into view: what they said before does not count any more. */
void heartbeat_session_joined(struct heartbeat_session *s, node_set_t joined);

/* Completes the header and encodes; the sequence number comes with the signature. Returns the length or
 * -errno. */
int heartbeat_session_encode(struct heartbeat_session *s, struct heartbeat *h, void *buf, size_t size);
/* Puts the next sequence number into what was encoded and appends the signature: in the order of sending.
 * size is the room of data. Returns the whole length or -errno. */
int heartbeat_session_sign(struct heartbeat_session *s, uint8_t *data, size_t len, size_t size);
/* ret is filled with HEARTBEAT_OK; its header also when the outcome is about an authentic sender. */
enum heartbeat_outcome heartbeat_session_receive(struct heartbeat_session *s, uint32_t corosync_node,
						 const void *data, size_t len, struct heartbeat *ret);

#endif
