/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who asks whom for the cluster's state. Pure: membership, requests and parts go in as CPG delivers them, in
 * the same order on every node, so all agree who has to answer.
 *
 * - A node that joins asks for itself. Until it has an answer it is "joining", but only after its start: a
 *   node whose corosync was away has a state, asks to bring it up to date, and goes on meanwhile.
 * - When a partition heals nobody has joined anew: after a moment the lowest node of each side asks for its
 *   side. A node whose own request says "joining" has nothing to tell and is not asked.
 * - The lowest node outside the asking side that has the state answers; with every second attempt the next
 * one.
 * - A node that is alone for SYNC_ALONE_NS, or that nobody answers SYNC_ATTEMPTS_MAX times, goes on with what
 * it has. (Right after its start corosync is alone for about 1.7 s, also in a cluster that lives.)
 */
#ifndef RK_SNAPSHOT_SYNC_H
#define RK_SNAPSHOT_SYNC_H

#include "clock.h"
#include "ids.h"

#define SYNC_ATTEMPTS_MAX  8
#define SYNC_ATTEMPTS_EACH 2		     /* of one node, before the next one is asked */
#define SYNC_SOON_NS	   (400 * NS_PER_MS) /* the first ones: pulses may not yet vouch for us */
#define SYNC_RETRY_NS	   (1500 * NS_PER_MS)
#define SYNC_ALONE_NS	   (3 * NS_PER_S)
#define SYNC_MERGE_NS	   (500 * NS_PER_MS)

struct snapshot_sync {
	node_id_t self;
	uint64_t seed; /* of request ids */
	node_set_t members;
	node_set_t synced; /* members known to have the state */
	bool joining;
	node_set_t met; /* came into view and have not said that they are joining */
	boot_t merge_at;
	boot_t alone_at; /* still alone then: goes on alone */
	/* my request */
	bool asking;
	uint64_t request;
	uint64_t requests; /* made so far */
	uint8_t attempt;
	node_set_t known;
	boot_t retry_at;
	/* the answer that this node waits for, asked by itself or for its side */
	uint64_t taking; /* request id, 0 = none */
	node_id_t taking_from;
	uint16_t taking_part;
	/* the request that this node answers */
	uint64_t answering;
	node_set_t answering_known;
	uint16_t answering_part;
};

struct snapshot_request {
	uint64_t request;
	uint8_t attempt;
	node_set_t known;
	bool joining;
};

void snapshot_sync_init(struct snapshot_sync *s, node_id_t self, uint64_t seed);
/* members: now; joined: those that are new in it. Empty members: the connection is lost. */
void snapshot_sync_view(struct snapshot_sync *s, node_set_t members, node_set_t joined, boot_t now);
/* Messages of the order were missed. */
void snapshot_sync_missed(struct snapshot_sync *s, boot_t now);
/* When snapshot_sync_due() wants to be called. */
boot_t snapshot_sync_next(const struct snapshot_sync *s);
/* True: send this request now. */
bool snapshot_sync_due(struct snapshot_sync *s, boot_t now, struct snapshot_request *ret);
/* A request was delivered (also one's own). True: this node has to answer it now. */
bool snapshot_sync_request(struct snapshot_sync *s, node_id_t from, const struct snapshot_request *q,
			   boot_t now);
/* A part was delivered. True: it is for this node, and the next one in order. */
bool snapshot_sync_part(struct snapshot_sync *s, node_id_t from, uint64_t request, node_set_t known,
			uint16_t part, bool last, boot_t now);
/* The number of the next part to send. False: another request is being answered by now. */
bool snapshot_sync_next_part(struct snapshot_sync *s, uint64_t request, uint16_t *ret_part);
/* That part was not sent: the next one gets its number, since nobody takes what comes behind a gap. */
void snapshot_sync_part_unsent(struct snapshot_sync *s);

#endif
