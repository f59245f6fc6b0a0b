/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The pulse's sockets: one UDP socket per link of this node, bound to the link's own address, used for all
 * peers. Sends every pulse on every link that both nodes have; receives, has the session judge each datagram
 * and hands out what is authentic, fresh and new. Knows no event loop: the agent watches pulse_io_fd() of
 * each link and the timer. A send error or a missing address is counted, never fatal; sockets are (re)made by
 * the timer. A bounded number of datagrams is handled per call, so that a flood cannot hold the loop.
 */
#ifndef RK_PULSE_IO_H
#define RK_PULSE_IO_H

#include "clock.h"
#include "ip_address.h"
#include "peers.h"
#include "plan.h"
#include "pulse_session.h"

struct pulse_io;

/* What a callback is about. */
struct pulse_source {
	node_id_t node;
	bool hears_me; /* the node has heard this one within its last pulses */
	uint8_t link;
	uint8_t minor;	      /* version of what it says: MAJOR.minor */
	uint64_t incarnation; /* of its process */
	struct instant at;    /* read after the datagram was received */
};

enum pulse_alarm_kind {
	PULSE_ALARM_BAD_TAG, /* right cluster, sender id of a configured node, wrong key: heard, not silent */
	PULSE_ALARM_WRONG_CLUSTER,
	PULSE_ALARM_UNKNOWN_SENDER, /* a node id that is not configured */
	PULSE_ALARM_VERSION,	    /* a wire version that this one does not speak */
	PULSE_ALARM_TWIN,	    /* two processes speak with the key of the same node */
	PULSE_ALARM_MALFORMED,	    /* authentic but against the format: a bug or another version */
};
#define PULSE_ALARMS_COUNT 6
const char *pulse_alarm_name(enum pulse_alarm_kind k);

/* At most one per kind, node and 10 s. */
struct pulse_alarm {
	enum pulse_alarm_kind kind;
	node_id_t node; /* as claimed; with VERSION: whose address it comes from; NODE_NONE with WRONG_CLUSTER
			 */
	uint8_t version; /* with VERSION */
	uint8_t link;
	struct ip_address from;
	uint64_t count; /* such datagrams since the last alarm, this one included */
};

/* For each accepted datagram heard() comes first, then its views, then its messages. Pointers are only valid
 * during the call. A callback may call pulse_io_send(), not pulse_io_free(). */
struct pulse_io_ops {
	void (*heard)(void *ctx, const struct pulse_source *source);
	/* Authentic, and not yet proved to be of now: told once each, see pulse_verdict.alive. */
	void (*hello)(void *ctx, const struct pulse_source *source);
	void (*view)(void *ctx, const struct pulse_source *source, group_index_t group,
		     const struct lease_view *view);
	void (*message)(void *ctx, const struct pulse_source *source, const struct lease_msg *msg);
	/* Bytes that the node sent with pulse_io_send_parcels(); authentic, fresh, each once. May be NULL. */
	void (*parcel)(void *ctx, const struct pulse_source *source, const uint8_t *data, uint8_t len);
	void (*alarm)(void *ctx, const struct pulse_alarm *alarm);
	/* The fd of a link changes, either from -1 to a new one or from an old one to -1; an old one is
	 * closed only after this call. Not called by pulse_io_new() and pulse_io_free(). */
	void (*fd_changed)(void *ctx, uint8_t link, int old_fd, int fd);
};

/* Links are numbered alike on all nodes. A family of 0 means: this node has no such link. */
struct pulse_io_config {
	struct peers_config peers;
	uint16_t port;
	struct ip_address links[NODE_ID_MAX + 1][RK_LINKS_MAX]; /* by node id, self included */
};

/* Borrows key for the call only, proof for its life. Sockets that cannot be made yet are no error: see
 * pulse_io_tick(). now: for the first try.
 * @retval -EKEYREJECTED a configured public key is unusable
 * @retval -EINVAL self is not among the nodes, a node id is out of range or there twice */
int pulse_io_new(const struct pulse_io_config *config, const struct node_key *key,
		 struct heartbeat_proof *proof, const struct pulse_io_ops *ops, void *ctx, struct instant now,
		 struct pulse_io **ret);
void pulse_io_free(struct pulse_io *io);

/* -1: no socket at the moment. link < RK_LINKS_MAX. */
int pulse_io_fd(const struct pulse_io *io, uint8_t link);
/* Reads the clock itself, after receiving. */
void pulse_io_readable(struct pulse_io *io, uint8_t link);
boot_t pulse_io_next(const struct pulse_io *io);
void pulse_io_tick(struct pulse_io *io, struct instant now);
/* A link or address of this node has changed: try missing sockets now. */
void pulse_io_links_changed(struct pulse_io *io, struct instant now);
/* After a reload: the groups, by new index. */
void pulse_io_set_groups(struct pulse_io *io, const uint32_t *wire_ids, uint8_t count);

/* Sends one pulse to a node: views[i] is of group i (views_count may be 0: only messages, or an empty pulse),
 * msgs go as they are. Split over several datagrams if too long for one.
 * @retval -ENOENT  node is not configured, or is this node
 * @retval -ENODEV  no link in common is usable now; it is counted
 * @retval -EINVAL  a view or message that no receiver would take: our bug */
int pulse_io_send(struct pulse_io *io, node_id_t node, const struct lease_view *views, uint8_t views_count,
		  const struct lease_msg *msgs, uint8_t msgs_count, node_set_t heard, struct instant now);

/* One datagram to a node, with nothing but these (1 to PULSE_PARCELS_MAX). It may be lost; what was sent
 * later may come before it. Errors as those of pulse_io_send(). */
int pulse_io_send_parcels(struct pulse_io *io, node_id_t node, const struct pulse_parcel *parcels,
			  uint8_t count, struct instant now);

/* For status. */
struct pulse_link_status {
	bool configured; /* both nodes have this link */
	boot_t heard_at; /* latest new authentic datagram on it; {0} never */
	uint32_t rtt_us; /* smoothed; 0 unknown */
	uint64_t sent;
	uint64_t send_errors;
	int last_error; /* errno of the latest failed send, 0 if the latest one went out */
};
void pulse_io_link_status(const struct pulse_io *io, node_id_t node, uint8_t link,
			  struct pulse_link_status *ret);
/* Datagrams received, by outcome, from all nodes (NODE_NONE) or as claimed by one. */
uint64_t pulse_io_count(const struct pulse_io *io, node_id_t node, enum pulse_outcome outcome);
/* Views and messages skipped because this node does not know their group or type. */
uint64_t pulse_io_skipped(const struct pulse_io *io);

#endif
