/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Have two nodes the same registrations? Each heartbeat carries the digest of its node's store, but it is
 * never of the same moment: the holder's heartbeat overtakes batches that wait for corosync, and a standby's
 * says what it had a moment ago. So the holder compares with what it had after each of its last batches, and
 * a standby waits until it has what the holder said. Pure; knows nothing of what is in the stores.
 */
#ifndef RK_SERVICE_DIGESTS_H
#define RK_SERVICE_DIGESTS_H

#include "ids.h"

#include <stdbool.h>
#include <stdint.h>

#define SERVICE_DIGESTS_SENT   512 /* ten seconds of batches every 20 ms */
#define SERVICE_DIGESTS_DIFFER 3   /* heartbeats in a row */

struct service_digests {
	/* holder */
	uint64_t sent[SERVICE_DIGESTS_SENT];
	uint32_t sent_next;
	uint8_t peer_differs[NODE_ID_MAX + 1]; /* heartbeats in a row */
	/* standby */
	uint64_t wanted;
	bool waiting;
	uint32_t differs; /* heartbeats of the holder since it is waiting */
};

/* Holder: a batch is sent; a heartbeat of another node. */
void service_digests_sent(struct service_digests *d, uint64_t ours);
void service_digests_peer_says(struct service_digests *d, node_id_t peer, uint64_t theirs, uint64_t ours);
bool service_digests_peer_differs(const struct service_digests *d, node_id_t peer);
/* Everybody was sent everything. */
void service_digests_healed(struct service_digests *d);

/* Standby: a heartbeat of the holder; a batch of the holder is in the store. */
void service_digests_holder_says(struct service_digests *d, uint64_t theirs, uint64_t ours);
void service_digests_reached(struct service_digests *d, uint64_t ours);
bool service_digests_differ(const struct service_digests *d);

#endif
