/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Heartbeats of this node and its peers over corosync: signs and sends, verifies and hands out, keeps the
 * membership and quorum, and sees to it that a node that joins gets the cluster's state (the snapshot
 * protocol). Never blocks: libcpg and libquorum, whose calls wait for corosync without a limit, live in a
 * child process (cpg_relay) that is replaced when corosync or the child itself is gone or hangs. Until
 * corosync is there, everything simply reports "not connected".
 *
 * Queue and drops: what corosync does not take at once waits, in order, in HEARTBEAT_QUEUE_BYTES. A newer
 * STATE replaces one that still waits; when the queue is full, sending fails with -ENOBUFS and the caller
 * keeps what it has. On loss of the connection the queue is emptied: who comes back asks for a snapshot.
 */
#ifndef RK_HEARTBEAT_IO_H
#define RK_HEARTBEAT_IO_H

#include "clock.h"
#include "heartbeat_session.h"
#include "heartbeat_wire.h"

struct heartbeat_io;

#define HEARTBEAT_QUEUE_BYTES (4 << 20)

struct heartbeat_alarm {
	enum heartbeat_outcome outcome; /* BAD_SIGNATURE, WRONG_CLUSTER, ... */
	node_id_t node;			/* as claimed; of another version: as corosync says */
	uint8_t version;		/* with UNKNOWN_VERSION */
	uint32_t corosync_node;		/* as corosync says */
	uint64_t count;			/* such messages since the last alarm of this outcome and node */
};

/* Pointers are only valid during the call. All but fd_changed come from readable() or tick(). */
struct heartbeat_io_ops {
	/* Corosync is there and the group is joined, or no longer. */
	void (*connection)(void *ctx, bool up);
	/* False also while not connected. */
	void (*quorum)(void *ctx, bool quorate);
	/* Agents in the group, self included; left: those that have just gone. Empty while not connected. */
	void (*members)(void *ctx, node_set_t members, node_set_t left);
	/* Called before members(): of those that have gone, the ones whose whole node corosync lost. These
	 * two may be NULL. */
	void (*lost)(void *ctx, node_set_t lost);
	void (*fence)(void *ctx, node_id_t from, const struct heartbeat_fence *fence, struct instant at);
	/* Own messages come back, too, in their place in the order. */
	void (*state)(void *ctx, node_id_t from, const struct heartbeat_state *state, struct instant at);
	void (*command)(void *ctx, node_id_t from, const struct heartbeat_command *command,
			struct instant at);
	void (*bindings)(void *ctx, node_id_t from, const uint8_t *data, size_t len, struct instant at);
	void (*history)(void *ctx, node_id_t from, const uint8_t *data, size_t len, struct instant at);
	/* Intent of another node, to be merged by stamp. */
	void (*intent)(void *ctx, node_id_t from, const struct core_intent *intent, struct instant at);
	/* One opaque section of a snapshot for this node, to be merged. section: as given by the sender. */
	void (*section)(void *ctx, node_id_t from, uint8_t section, const uint8_t *data, size_t len,
			struct instant at);
	/* heartbeat_io_joining() has changed: the publisher of STATE wants to know. */
	void (*joining)(void *ctx, bool joining);
	/* This node is to answer: call heartbeat_io_send_section() for each section, then
	 * heartbeat_io_send_snapshot_end(). The intent was sent already. */
	void (*snapshot_wanted)(void *ctx, uint64_t request);
	/* Fills the intent of this node, as it is now. */
	void (*intent_get)(void *ctx, struct core_intent *ret);
	void (*alarm)(void *ctx, const struct heartbeat_alarm *alarm); /* one per outcome, node and 10 s */
	/* The fd changes, either from -1 to a new one or from an old one to -1; an old one is closed only
	 * after this call. Not called by heartbeat_io_new() and heartbeat_io_free(). */
	void (*fd_changed)(void *ctx, int old_fd, int fd);
};

struct heartbeat_io_config {
	struct peers_config peers;
};

/* Borrows key for the call only, proof for its life. Forks the child; it dies with this process. */
int heartbeat_io_new(const struct heartbeat_io_config *config, const struct node_key *key,
		     struct heartbeat_proof *proof, const struct heartbeat_io_ops *ops, void *ctx,
		     struct instant now, struct heartbeat_io **ret);
/* Leaves the group. */
void heartbeat_io_free(struct heartbeat_io *io);
int heartbeat_io_fd(const struct heartbeat_io *io);
void heartbeat_io_readable(struct heartbeat_io *io);
boot_t heartbeat_io_next(const struct heartbeat_io *io);
void heartbeat_io_tick(struct heartbeat_io *io, struct instant now);
void heartbeat_io_set_groups(struct heartbeat_io *io, const uint32_t *wire_ids, uint8_t count);

bool heartbeat_io_connected(const struct heartbeat_io *io);
bool heartbeat_io_quorate(const struct heartbeat_io *io);
/* True from the start until a snapshot was received, or this node was found to be alone. */
bool heartbeat_io_joining(const struct heartbeat_io *io);
node_set_t heartbeat_io_members(const struct heartbeat_io *io);

/* @retval -ENOTCONN not in the group
 * @retval -ENOBUFS  the queue is full
 * @retval -EMSGSIZE longer than HEARTBEAT_OPAQUE_MAX
 * @retval -EINVAL   not fit to be sent */
int heartbeat_io_send_state(struct heartbeat_io *io, const struct heartbeat_state *state);
int heartbeat_io_send_command(struct heartbeat_io *io, const struct heartbeat_command *command);
int heartbeat_io_send_fence(struct heartbeat_io *io, const struct heartbeat_fence *fence);
int heartbeat_io_send_bindings(struct heartbeat_io *io, const void *data, size_t len);
int heartbeat_io_send_history(struct heartbeat_io *io, const void *data, size_t len);
/* Within snapshot_wanted(), or later. section <= 200, the agent's own numbering.
 * @retval -ESTALE the request is no longer the one being answered */
int heartbeat_io_send_section(struct heartbeat_io *io, uint64_t request, uint8_t section, const void *data,
			      size_t len);
int heartbeat_io_send_snapshot_end(struct heartbeat_io *io, uint64_t request);

uint64_t heartbeat_io_count(const struct heartbeat_io *io, enum heartbeat_outcome outcome);

#endif
