/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heartbeat_io.h"

#include "clock_read.h"
#include "cpg_io.h"
#include "heartbeat_queue.h"
#include "snapshot_sync.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALARM_NS    (10 * NS_PER_S)
#define MISSED_NS   (10 * NS_PER_S) /* between two requests because of missed messages */
#define DRAIN_NS    (5 * NS_PER_MS) /* the child's socket is full: how soon to try again */
#define DRAIN_MAX   32		    /* messages signed in one go: 55 us each ... */
#define DRAIN_BYTES (200 * 1024)    /* ... and long ones more */

struct alarm_state {
	boot_t told_at; /* {0} never */
	uint64_t count;
};

struct heartbeat_io {
	struct heartbeat_io_ops ops;
	void *ctx;
	struct heartbeat_session session;
	struct snapshot_sync sync;
	struct cpg_io cpg;
	struct heartbeat_queue queue; /* encoded, not yet signed */
	bool up;
	bool quorate;
	bool joining_told;
	node_set_t members;
	boot_t drain_at;
	boot_t missed_at; /* {0} never */
	struct alarm_state alarms[HEARTBEAT_OUTCOMES_COUNT][NODE_ID_MAX + 1];
	size_t state_len; /* the latest STATE, encoded, not yet signed; 0 = none waits */
	uint8_t state[HEARTBEAT_HEADER_SIZE + 1024];
	size_t signed_len; /* signed, but the socket was full; goes before all else */
	uint8_t signed_message[HEARTBEAT_SIZE_MAX];
	uint8_t encoded[HEARTBEAT_SIZE_MAX];
	struct heartbeat in;
	struct heartbeat out;
};

static const struct cpg_io_ops heartbeat_cpg_ops;

/* ---- life ---- */

int heartbeat_io_new(const struct heartbeat_io_config *config, const struct node_key *key,
		     struct heartbeat_proof *proof, const struct heartbeat_io_ops *ops, void *ctx,
		     struct instant now, struct heartbeat_io **ret)
{
	struct heartbeat_io *io = calloc(1, sizeof *io);
	int r;

	if (!io)
		return -ENOMEM;
	io->ops = *ops;
	io->ctx = ctx;
	io->cpg.fd = -1;
	io->drain_at = BOOT_NEVER;
	io->joining_told = true;
	snapshot_sync_init(&io->sync, config->peers.self, config->peers.incarnation);
	r = heartbeat_session_init(&io->session, &config->peers, key, proof);
	if (r == 0)
		r = heartbeat_queue_init(&io->queue, HEARTBEAT_QUEUE_BYTES);
	if (r == 0)
		r = cpg_io_init(&io->cpg, config->peers.cluster, &heartbeat_cpg_ops, io, now.boot);
	if (r) {
		heartbeat_io_free(io);
		return r;
	}
	*ret = io;
	return 0;
}

void heartbeat_io_free(struct heartbeat_io *io)
{
	if (!io)
		return;
	cpg_io_close(&io->cpg);
	heartbeat_session_close(&io->session);
	heartbeat_queue_close(&io->queue);
	free(io);
}

void heartbeat_io_set_groups(struct heartbeat_io *io, const uint32_t *wire_ids, uint8_t count)
{
	assert(count <= RK_GROUPS_MAX);
	io->session.peers.groups_count = count;
	if (count)
		memcpy(io->session.peers.groups, wire_ids, count * sizeof *wire_ids);
}

/* ---- sending ---- */

/* Signs the next message into signed_message. False: nothing waits. */
static bool sign_next(struct heartbeat_io *io)
{
	size_t len = io->state_len;
	int r;

	if (len) {
		memcpy(io->signed_message, io->state, len);
		io->state_len = 0;
	} else {
		len = heartbeat_queue_take(&io->queue, io->signed_message, sizeof io->signed_message);
	}
	if (len == 0)
		return false;
	r = heartbeat_session_sign(&io->session, io->signed_message, len, sizeof io->signed_message);
	io->signed_len =
		r < 0 ? 0 : (size_t)r; /* without memory to sign it, it is lost like in a full queue */
	return true;
}

static void drain(struct heartbeat_io *io, boot_t now)
{
	size_t bytes = 0;

	io->drain_at = BOOT_NEVER;
	for (int i = 0; i < DRAIN_MAX && bytes < DRAIN_BYTES && io->up; i++) {
		if (io->signed_len == 0 && !sign_next(io))
			return;
		if (io->signed_len && cpg_io_send(&io->cpg, io->signed_message, io->signed_len) == -EAGAIN)
			break;
		bytes += io->signed_len;
		io->signed_len = 0;
	}
	io->drain_at = boot_add(now, DRAIN_NS);
}

static void clear_queue(struct heartbeat_io *io)
{
	heartbeat_queue_clear(&io->queue);
	io->state_len = io->signed_len = 0;
	io->drain_at = BOOT_NEVER;
}

/* io->out has type and payload. */
static int send_out(struct heartbeat_io *io)
{
	int len;

	if (!io->up)
		return -ENOTCONN;
	len = heartbeat_session_encode(&io->session, &io->out, io->encoded,
				       sizeof io->encoded - CRYPTO_SIGNATURE_SIZE);
	if (len < 0)
		return len;
	if (io->out.type == HEARTBEAT_STATE) {
		assert((size_t)len <= sizeof io->state);
		memcpy(io->state, io->encoded, (size_t)len);
		io->state_len = (size_t)len;
	} else {
		int r = heartbeat_queue_put(&io->queue, io->encoded, (size_t)len);

		if (r)
			return r;
	}
	if (io->signed_len || io->drain_at.ns != BOOT_NEVER.ns)
		return 0;
	/* A record is told in the middle of a plan, before the gate that it tells of is open: signing waits
	 * for the end of the round. */
	if (io->out.type == HEARTBEAT_HISTORY)
		io->drain_at = (boot_t){ 0 };
	else
		drain(io, clock_now().boot);
	return 0;
}

static void out_begin(struct heartbeat_io *io, enum heartbeat_type type)
{
	memset(&io->out, 0, sizeof io->out);
	io->out.type = type;
}

int heartbeat_io_send_state(struct heartbeat_io *io, const struct heartbeat_state *state)
{
	out_begin(io, HEARTBEAT_STATE);
	io->out.state = *state;
	io->out.state.facts.joining = io->sync.joining;
	return send_out(io);
}

int heartbeat_io_send_command(struct heartbeat_io *io, const struct heartbeat_command *command)
{
	out_begin(io, HEARTBEAT_COMMAND);
	io->out.command = *command;
	return send_out(io);
}

int heartbeat_io_send_fence(struct heartbeat_io *io, const struct heartbeat_fence *fence)
{
	out_begin(io, HEARTBEAT_FENCE);
	io->out.fence = *fence;
	return send_out(io);
}

static int send_opaque(struct heartbeat_io *io, enum heartbeat_type type, const void *data, size_t len)
{
	if (len > HEARTBEAT_OPAQUE_MAX)
		return -EMSGSIZE;
	out_begin(io, type);
	io->out.opaque.data = data;
	io->out.opaque.len = len;
	return send_out(io);
}

int heartbeat_io_send_bindings(struct heartbeat_io *io, const void *data, size_t len)
{
	return send_opaque(io, HEARTBEAT_BINDINGS, data, len);
}

int heartbeat_io_send_history(struct heartbeat_io *io, const void *data, size_t len)
{
	return send_opaque(io, HEARTBEAT_HISTORY, data, len);
}

/* ---- snapshots ---- */

static int send_part(struct heartbeat_io *io, uint64_t request, uint8_t section,
		     const struct core_intent *intent, const void *data, size_t len)
{
	struct heartbeat_snapshot *s = &io->out.snapshot;
	int r;

	if (len > HEARTBEAT_OPAQUE_MAX)
		return -EMSGSIZE;
	out_begin(io, HEARTBEAT_SNAPSHOT);
	if (!snapshot_sync_next_part(&io->sync, request, &s->part))
		return -ESTALE;
	s->request = request;
	s->known = io->sync.answering_known;
	s->section = section;
	if (intent)
		s->intent = *intent;
	s->data = data;
	s->data_len = len;
	r = send_out(io);
	if (r < 0)
		snapshot_sync_part_unsent(&io->sync);
	return r;
}

int heartbeat_io_send_section(struct heartbeat_io *io, uint64_t request, uint8_t section, const void *data,
			      size_t len)
{
	if (section > UINT8_MAX - SECTION_OPAQUE)
		return -EINVAL;
	return send_part(io, request, (uint8_t)(SECTION_OPAQUE + section), NULL, data, len);
}

int heartbeat_io_send_snapshot_end(struct heartbeat_io *io, uint64_t request)
{
	return send_part(io, request, SECTION_END, NULL, NULL, 0);
}

static void answer_snapshot(struct heartbeat_io *io, uint64_t request)
{
	struct core_intent intent;

	io->ops.intent_get(io->ctx, &intent);
	if (send_part(io, request, SECTION_INTENT, &intent, NULL, 0) == 0)
		io->ops.snapshot_wanted(io->ctx, request);
}

static void ask_if_due(struct heartbeat_io *io, boot_t now)
{
	struct snapshot_request q;

	if (!io->up || !snapshot_sync_due(&io->sync, now, &q))
		return;
	out_begin(io, HEARTBEAT_SNAPSHOT_REQUEST);
	io->out.request.request = q.request;
	io->out.request.attempt = q.attempt;
	io->out.request.known = q.known;
	io->out.request.joining = q.joining;
	io->ops.intent_get(io->ctx, &io->out.request.intent);
	(void)send_out(io); /* asked again if nobody answers */
}

static void tell_joining(struct heartbeat_io *io)
{
	if (io->joining_told == io->sync.joining)
		return;
	io->joining_told = io->sync.joining;
	io->ops.joining(io->ctx, io->sync.joining);
}

/* ---- receiving ---- */

static void take_request(struct heartbeat_io *io, const struct heartbeat *h, struct instant at)
{
	const struct snapshot_request q = { h->request.request, h->request.attempt, h->request.known,
					    h->request.joining };
	bool answer = snapshot_sync_request(&io->sync, h->sender, &q, at.boot);

	if (h->sender != io->session.peers.self)
		io->ops.intent(io->ctx, h->sender, &h->request.intent, at);
	if (answer)
		answer_snapshot(io, q.request);
}

static void take_part(struct heartbeat_io *io, const struct heartbeat *h, struct instant at)
{
	const struct heartbeat_snapshot *s = &h->snapshot;
	bool mine = snapshot_sync_part(&io->sync, h->sender, s->request, s->known, s->part,
				       s->section == SECTION_END, at.boot);

	if (!mine || h->sender == io->session.peers.self)
		return;
	if (s->section == SECTION_INTENT)
		io->ops.intent(io->ctx, h->sender, &s->intent, at);
	else if (s->section >= SECTION_OPAQUE)
		io->ops.section(io->ctx, h->sender, (uint8_t)(s->section - SECTION_OPAQUE), s->data,
				s->data_len, at);
}

static void hand_out(struct heartbeat_io *io, const struct heartbeat *h, struct instant at)
{
	switch (h->type) {
	case HEARTBEAT_STATE:
		io->ops.state(io->ctx, h->sender, &h->state, at);
		break;
	case HEARTBEAT_COMMAND:
		io->ops.command(io->ctx, h->sender, &h->command, at);
		break;
	case HEARTBEAT_BINDINGS:
		io->ops.bindings(io->ctx, h->sender, h->opaque.data, h->opaque.len, at);
		break;
	case HEARTBEAT_HISTORY:
		io->ops.history(io->ctx, h->sender, h->opaque.data, h->opaque.len, at);
		break;
	case HEARTBEAT_SNAPSHOT_REQUEST:
		take_request(io, h, at);
		break;
	case HEARTBEAT_SNAPSHOT:
		take_part(io, h, at);
		break;
	case HEARTBEAT_FENCE:
		if (io->ops.fence)
			io->ops.fence(io->ctx, h->sender, &h->fence, at);
		break;
	}
}

static void raise_alarm(struct heartbeat_io *io, enum heartbeat_outcome o, node_id_t node,
			uint32_t corosync_node, uint8_t version, boot_t now)
{
	struct alarm_state *s = &io->alarms[o][node];
	struct heartbeat_alarm alarm = {
		.outcome = o, .node = node, .version = version, .corosync_node = corosync_node
	};

	s->count++;
	if (s->told_at.ns && boot_diff_ns(s->told_at, now) < ALARM_NS)
		return;
	alarm.count = s->count;
	s->count = 0;
	s->told_at = now;
	io->ops.alarm(io->ctx, &alarm);
}

/* What an honest node in view said was not taken: its place in the order is lost, so ask for the state. */
static void missed(struct heartbeat_io *io, const struct heartbeat *h, boot_t now)
{
	if (h->type == HEARTBEAT_STATE || h->type == HEARTBEAT_SNAPSHOT_REQUEST ||
	    h->sender == io->session.peers.self)
		return;
	if (io->missed_at.ns && boot_diff_ns(io->missed_at, now) < MISSED_NS)
		return;
	io->missed_at = now;
	snapshot_sync_missed(&io->sync, now);
}

static void on_deliver(void *ctx, uint32_t corosync_node, const uint8_t *data, size_t len)
{
	struct heartbeat_io *io = ctx;
	struct instant at = clock_now();
	enum heartbeat_outcome o = heartbeat_session_receive(&io->session, corosync_node, data, len, &io->in);

	if (o == HEARTBEAT_OK) {
		hand_out(io, &io->in, at);
		tell_joining(io);
		return;
	}
	if (o == HEARTBEAT_UNPROVEN || o == HEARTBEAT_REPLAYED)
		missed(io, &io->in, at.boot);
	/* Of another version nothing could be read. */
	node_id_t sender = o == HEARTBEAT_UNKNOWN_VERSION && corosync_node <= NODE_ID_MAX
				   ? (node_id_t)corosync_node
			   : io->in.sender <= NODE_ID_MAX ? io->in.sender
							  : NODE_NONE;

	raise_alarm(io, o, sender, corosync_node, heartbeat_version(data, len), at.boot);
}

/* ---- connection, membership, quorum ---- */

static void on_up(void *ctx, uint32_t corosync_node)
{
	struct heartbeat_io *io = ctx;

	/* Nobody would believe us, and we could not tell anybody. */
	if (corosync_node != io->session.peers.self)
		raise_alarm(io, HEARTBEAT_WRONG_SENDER, io->session.peers.self, corosync_node, 0,
			    clock_now().boot);
}

/* The group is joined when the first view with this node in it comes. */
static void came_up(struct heartbeat_io *io)
{
	clear_queue(io);
	io->up = true;
	io->ops.connection(io->ctx, true);
	if (io->quorate)
		io->ops.quorum(io->ctx, true);
}

static void on_view(void *ctx, node_set_t members, node_set_t left, node_set_t down, node_set_t joined)
{
	struct heartbeat_io *io = ctx;
	boot_t now = clock_now().boot;

	if (!io->up && !node_in(members, io->session.peers.self))
		return;
	io->members = members;
	/* A node may leave and join in one change when its agent is restarted. */
	heartbeat_session_joined(&io->session, joined);
	if (!io->up) {
		heartbeat_session_joined(&io->session, members);
		came_up(io);
	}
	snapshot_sync_view(&io->sync, members, joined, now);
	if (io->ops.lost)
		io->ops.lost(io->ctx, down & ~members);
	io->ops.members(io->ctx, members, left & ~members);
	tell_joining(io);
	ask_if_due(io, now);
}

static void on_quorum(void *ctx, bool quorate)
{
	struct heartbeat_io *io = ctx;

	if (quorate == io->quorate)
		return;
	io->quorate = quorate;
	if (io->up || !quorate) /* else told when the group is joined */
		io->ops.quorum(io->ctx, quorate);
}

static void on_down(void *ctx)
{
	struct heartbeat_io *io = ctx;
	node_set_t left = io->members;

	on_quorum(io, false);
	if (!io->up)
		return;
	io->up = false;
	io->members = 0;
	clear_queue(io);
	snapshot_sync_view(&io->sync, 0, 0, clock_now().boot);
	io->ops.members(io->ctx, 0, left);
	io->ops.connection(io->ctx, false);
}

static void on_fd_changed(void *ctx, int old_fd, int fd)
{
	struct heartbeat_io *io = ctx;

	io->ops.fd_changed(io->ctx, old_fd, fd);
}

static const struct cpg_io_ops heartbeat_cpg_ops = {
	.up = on_up,
	.down = on_down,
	.view = on_view,
	.quorum = on_quorum,
	.deliver = on_deliver,
	.fd_changed = on_fd_changed,
};

/* ---- for the loop ---- */

int heartbeat_io_fd(const struct heartbeat_io *io)
{
	return io->cpg.fd;
}

void heartbeat_io_readable(struct heartbeat_io *io)
{
	cpg_io_readable(&io->cpg, clock_now().boot);
}

boot_t heartbeat_io_next(const struct heartbeat_io *io)
{
	return boot_min(boot_min(cpg_io_next(&io->cpg), io->drain_at), snapshot_sync_next(&io->sync));
}

void heartbeat_io_tick(struct heartbeat_io *io, struct instant now)
{
	cpg_io_tick(&io->cpg, now.boot);
	if (!boot_before(now.boot, io->drain_at))
		drain(io, now.boot);
	ask_if_due(io, now.boot);
	tell_joining(io);
}

bool heartbeat_io_connected(const struct heartbeat_io *io)
{
	return io->up;
}

bool heartbeat_io_quorate(const struct heartbeat_io *io)
{
	return io->up && io->quorate;
}

bool heartbeat_io_joining(const struct heartbeat_io *io)
{
	return io->sync.joining;
}

node_set_t heartbeat_io_members(const struct heartbeat_io *io)
{
	return io->members;
}

uint64_t heartbeat_io_count(const struct heartbeat_io *io, enum heartbeat_outcome outcome)
{
	return io->session.count[outcome];
}
