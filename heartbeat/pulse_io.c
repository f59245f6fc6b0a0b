/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pulse_io.h"

#include "clock_read.h"
#include "pulse_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCHES_MAX  4 /* of PULSE_BATCH_MAX datagrams, per call */
#define TICK_NS	     NS_PER_S
#define ALARM_NS     (10 * NS_PER_S)
#define RETIRED_NS   (10 * NS_PER_S)
#define ANSWERS_MAX  4 /* hellos answered at once; then one per ANSWER_NS */
#define ANSWER_NS    (5 * NS_PER_MS)
#define HELD_NONE_US UINT32_MAX
#define RTT_US_MAX   (10 * 1000 * 1000)

struct peer_link {
	struct ip_address address; /* family 0: not in common */
	boot_t heard_at;
	uint64_t newest; /* sequence; so that a replayed duplicate does not make a dead link look alive */
	uint32_t their_us;
	uint32_t rtt_us;
	uint64_t sent;
	uint64_t send_errors;
	int last_error;
};

struct peer {
	struct pulse_session session;
	struct peer_link links[RK_LINKS_MAX];
	uint64_t count[PULSE_OUTCOMES_COUNT];
	boot_t heard_at;
	uint32_t answers; /* tokens left */
	boot_t answers_at;
};

struct alarm_state {
	boot_t told_at; /* {0} never */
	uint64_t count;
};

struct pulse_io {
	struct pulse_io_ops ops;
	void *ctx;
	struct heartbeat_proof *proof;
	node_id_t self;
	uint64_t cluster;
	uint16_t port;
	uint8_t groups_count;
	uint32_t groups[RK_GROUPS_MAX];
	node_set_t configured; /* without self */
	struct peer *peer[NODE_ID_MAX + 1];
	struct ip_address address[RK_LINKS_MAX]; /* mine */
	int fd[RK_LINKS_MAX];
	node_set_t heard; /* as of the latest pulse_io_send() */
	boot_t next_tick;
	uint64_t count[PULSE_OUTCOMES_COUNT];
	uint64_t skipped;
	struct alarm_state alarms[PULSE_ALARMS_COUNT][NODE_ID_MAX + 1];
	struct pulse_batch batch;
	struct pulse in;
	struct pulse out;
};

static const char *const pulse_alarm_names[] = {
	[PULSE_ALARM_BAD_TAG] = "bad-tag",
	[PULSE_ALARM_WRONG_CLUSTER] = "wrong-cluster",
	[PULSE_ALARM_UNKNOWN_SENDER] = "unknown-sender",
	[PULSE_ALARM_VERSION] = "version",
	[PULSE_ALARM_TWIN] = "twin",
	[PULSE_ALARM_MALFORMED] = "malformed",
};

const char *pulse_alarm_name(enum pulse_alarm_kind k)
{
	return pulse_alarm_names[k];
}

/* ---- life ---- */

static int peer_new(const struct pulse_io_config *config, const struct node_key *key, int index,
		    const uint8_t *challenge_secret, struct peer **ret)
{
	const struct peers_config *pc = &config->peers;
	struct pulse_session_config sc = {
		.cluster = node_cluster_hash(pc->cluster),
		.self = pc->self,
		.peer = pc->nodes[index].id,
		.incarnation = pc->incarnation,
	};
	struct peer *p = calloc(1, sizeof *p);
	int r;

	if (!p)
		return -ENOMEM;
	for (int i = 0; i < RK_LINKS_MAX; i++)
		if (config->links[pc->self][i].family == config->links[sc.peer][i].family)
			p->links[i].address = config->links[sc.peer][i];
	memcpy(sc.challenge_secret, challenge_secret, CRYPTO_KEY_SIZE);
	r = node_pair_key(key, &pc->nodes[index].public_key, pc->cluster, pc->self, sc.peer, true,
			  sc.send_key);
	if (r == 0)
		r = node_pair_key(key, &pc->nodes[index].public_key, pc->cluster, pc->self, sc.peer, false,
				  sc.receive_key);
	if (r == 0)
		r = pulse_session_init(&p->session, &sc);
	crypto_wipe(&sc, sizeof sc);
	if (r) {
		free(p);
		return r;
	}
	*ret = p;
	return 0;
}

static int peers_new(struct pulse_io *io, const struct pulse_io_config *config, const struct node_key *key)
{
	uint8_t secret[CRYPTO_KEY_SIZE];
	bool self_seen = false;
	int r = crypto_random(secret, sizeof secret);

	for (int i = 0; i < config->peers.nodes_count && r == 0; i++) {
		node_id_t id = config->peers.nodes[i].id;

		if (id == NODE_NONE || id > NODE_ID_MAX || io->peer[id] || (id == io->self && self_seen))
			r = -EINVAL;
		else if (id == io->self)
			self_seen = true;
		else
			r = peer_new(config, key, i, secret, &io->peer[id]);
		io->configured |= id == io->self || r ? 0 : node_bit(id);
	}
	crypto_wipe(secret, sizeof secret);
	return r ? r : self_seen ? 0 : -EINVAL;
}

int pulse_io_new(const struct pulse_io_config *config, const struct node_key *key,
		 struct heartbeat_proof *proof, const struct pulse_io_ops *ops, void *ctx, struct instant now,
		 struct pulse_io **ret)
{
	struct pulse_io *io;
	int r;

	if (config->peers.self > NODE_ID_MAX || config->peers.nodes_count > RK_NODES_MAX ||
	    config->peers.groups_count > RK_GROUPS_MAX || config->peers.incarnation == 0)
		return -EINVAL;
	io = calloc(1, sizeof *io);
	if (!io)
		return -ENOMEM;
	io->ops = *ops;
	io->ctx = ctx;
	io->proof = proof;
	io->self = config->peers.self;
	io->cluster = node_cluster_hash(config->peers.cluster);
	io->port = config->port;
	pulse_io_set_groups(io, config->peers.groups, config->peers.groups_count);
	for (int i = 0; i < RK_LINKS_MAX; i++) {
		io->address[i] = config->links[io->self][i];
		io->fd[i] = -1;
	}
	r = peers_new(io, config, key);
	if (r) {
		pulse_io_free(io);
		return r;
	}
	for (int i = 0; i < RK_LINKS_MAX; i++)
		if (io->address[i].family)
			(void)pulse_socket_open(&io->address[i], io->port, &io->fd[i]); /* tick tries again */
	io->next_tick = boot_add(now.boot, TICK_NS);
	*ret = io;
	return 0;
}

void pulse_io_free(struct pulse_io *io)
{
	if (!io)
		return;
	for (int i = 0; i < RK_LINKS_MAX; i++)
		if (io->fd[i] >= 0)
			(void)close(io->fd[i]);
	for (int i = 0; i <= NODE_ID_MAX; i++) {
		if (io->peer[i])
			pulse_session_close(&io->peer[i]->session);
		free(io->peer[i]);
	}
	free(io);
}

void pulse_io_set_groups(struct pulse_io *io, const uint32_t *wire_ids, uint8_t count)
{
	assert(count <= RK_GROUPS_MAX);
	io->groups_count = count;
	if (count)
		memcpy(io->groups, wire_ids, count * sizeof *wire_ids);
}

int pulse_io_fd(const struct pulse_io *io, uint8_t link)
{
	assert(link < RK_LINKS_MAX);
	return io->fd[link];
}

/* ---- timer ---- */

static void open_missing(struct pulse_io *io)
{
	for (uint8_t i = 0; i < RK_LINKS_MAX; i++) {
		if (io->fd[i] >= 0 || !io->address[i].family)
			continue;
		if (pulse_socket_open(&io->address[i], io->port, &io->fd[i]) == 0 && io->ops.fd_changed)
			io->ops.fd_changed(io->ctx, i, -1, io->fd[i]);
	}
}

boot_t pulse_io_next(const struct pulse_io *io)
{
	return io->next_tick;
}

void pulse_io_tick(struct pulse_io *io, struct instant now)
{
	if (boot_before(now.boot, io->next_tick))
		return;
	io->next_tick = boot_add(now.boot, TICK_NS);
	open_missing(io);
	for (int i = 0; i <= NODE_ID_MAX; i++) {
		struct peer *p = io->peer[i];

		if (p && boot_diff_ns(p->heard_at, now.boot) > RETIRED_NS)
			pulse_session_forget_retired(&p->session);
	}
}

void pulse_io_links_changed(struct pulse_io *io, struct instant now)
{
	(void)now;
	open_missing(io);
}

/* ---- alarms ---- */

static bool alarm_kind_of(const struct pulse_verdict *v, bool authentic, enum pulse_alarm_kind *ret)
{
	switch (v->outcome) {
	case PULSE_BAD_TAG:
		*ret = PULSE_ALARM_BAD_TAG;
		return true;
	case PULSE_WRONG_CLUSTER:
		*ret = PULSE_ALARM_WRONG_CLUSTER;
		return true;
	case PULSE_UNKNOWN_SENDER:
		*ret = PULSE_ALARM_UNKNOWN_SENDER;
		return true;
	case PULSE_VERSION:
		*ret = PULSE_ALARM_VERSION;
		return true;
	case PULSE_RETIRED:
		*ret = PULSE_ALARM_TWIN;
		return v->twin;
	case PULSE_MALFORMED:
		*ret = PULSE_ALARM_MALFORMED;
		return authentic; /* anything may be sent to a UDP port */
	case PULSE_OK:
	case PULSE_HELLO:
	case PULSE_DUPLICATE:
	case PULSE_OLD:
	case PULSE_WRONG_RECEIVER:
		break;
	}
	return false;
}

/* Nothing in a pulse of another version can be trusted to be where it is in ours: the address has to do. */
static node_id_t node_at(const struct pulse_io *io, uint8_t link, const struct ip_address *from)
{
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (io->peer[n] && ip_equal(&io->peer[n]->links[link].address, from))
			return n;
	return NODE_NONE;
}

static void raise_alarm(struct pulse_io *io, enum pulse_alarm_kind kind, node_id_t node, uint8_t link,
			const struct pulse_datagram *d, boot_t now)
{
	struct alarm_state *s = &io->alarms[kind][node];
	struct pulse_alarm alarm = { .kind = kind,
				     .node = node,
				     .version = pulse_version(d->data, d->len),
				     .link = link,
				     .from = d->from };

	s->count++;
	if (!io->ops.alarm || (s->told_at.ns && boot_diff_ns(s->told_at, now) < ALARM_NS))
		return;
	alarm.count = s->count;
	s->count = 0;
	s->told_at = now;
	io->ops.alarm(io->ctx, &alarm);
}

/* ---- sending ---- */

static uint32_t clock_us(boot_t t)
{
	return (uint32_t)(t.ns / NS_PER_US);
}

/* The time fields differ by link, so each link has its own tag. */
static int send_on_link(struct pulse_io *io, struct peer *p, uint8_t link, struct instant now)
{
	struct peer_link *l = &p->links[link];
	int64_t held_us = boot_diff_ns(l->heard_at, now.boot) / NS_PER_US;
	uint8_t data[PULSE_SIZE_MAX];
	int len, r;

	io->out.link = link;
	io->out.minor = wire_minor();
	io->out.sent_us = clock_us(now.boot);
	io->out.echo_us = l->their_us;
	io->out.held_us =
		l->heard_at.ns && held_us >= 0 && held_us < RTT_US_MAX ? (uint32_t)held_us : HELD_NONE_US;
	len = pulse_encode(&io->out, data, sizeof data - PULSE_TAG_SIZE);
	if (len >= 0)
		len = pulse_session_seal(&p->session, data, (size_t)len, sizeof data);
	if (len < 0)
		return -EBADMSG;
	r = io->fd[link] < 0 ? -ENODEV
			     : pulse_socket_send(io->fd[link], &l->address, io->port, data, (size_t)len);
	l->last_error = -r;
	if (r)
		l->send_errors++;
	else
		l->sent++;
	return r;
}

static bool link_usable(const struct pulse_io *io, const struct peer *p, uint8_t link)
{
	return p->links[link].address.family && io->address[link].family;
}

/* io->out is filled; links: where to. */
static int send_out(struct pulse_io *io, struct peer *p, unsigned links, bool answer, struct instant now)
{
	int result = -ENODEV;

	pulse_session_address(&p->session, answer, &io->out);
	io->out.heard = io->heard;
	io->out.heartbeat = io->proof->sequence;
	for (uint8_t i = 0; i < RK_LINKS_MAX; i++) {
		int r;

		if (!(links >> i & 1) || !link_usable(io, p, i))
			continue;
		r = send_on_link(io, p, i, now);
		if (r == 0)
			result = 0;
		else if (r == -EBADMSG)
			return -EINVAL; /* nothing that could be told to a peer */
	}
	return result;
}

static int64_t time_left(int64_t ns)
{
	return ns < 0 ? 0 : ns > PULSE_TIME_NS_MAX ? PULSE_TIME_NS_MAX : ns;
}

static void put_view(struct pulse_io *io, group_index_t group, const struct lease_view *view)
{
	struct pulse_view *v = &io->out.views[io->out.views_count++];

	v->group = io->groups[group];
	v->view = *view;
	v->view.promise_left_ns = time_left(view->promise_left_ns);
	v->view.reserve_left_ns = time_left(view->reserve_left_ns);
}

static void put_message(struct pulse_io *io, const struct lease_msg *msg)
{
	struct pulse_message *m = &io->out.messages[io->out.messages_count++];

	m->group = io->groups[msg->group];
	m->msg = *msg;
	m->msg.promise_left_ns = time_left(msg->promise_left_ns);
}

static void out_clear(struct pulse_io *io)
{
	io->out.views_count = io->out.messages_count = io->out.parcels_count = 0;
}

int pulse_io_send(struct pulse_io *io, node_id_t node, const struct lease_view *views, uint8_t views_count,
		  const struct lease_msg *msgs, uint8_t msgs_count, node_set_t heard, struct instant now)
{
	struct peer *p = node <= NODE_ID_MAX ? io->peer[node] : NULL;
	size_t left = PULSE_SIZE_MAX - PULSE_HEADER_SIZE - PULSE_TAG_SIZE - PULSE_MINOR_SIZE;
	int r;

	if (!p)
		return -ENOENT;
	io->heard = heard;
	out_clear(io);
	/* All views always fit into the first datagram (asserted by a test). */
	for (group_index_t g = 0; g < views_count && g < io->groups_count; g++) {
		put_view(io, g, &views[g]);
		left -= pulse_view_size();
	}
	for (int i = 0; i < msgs_count; i++) {
		size_t size = pulse_message_size(msgs[i].type);

		if (msgs[i].group >= io->groups_count)
			continue; /* gone by a reload */
		if (size > left || io->out.messages_count == PULSE_MESSAGES_MAX) {
			r = send_out(io, p, ~0U, false, now);
			if (r)
				return r;
			out_clear(io);
			left = PULSE_SIZE_MAX - PULSE_HEADER_SIZE - PULSE_TAG_SIZE - PULSE_MINOR_SIZE;
		}
		put_message(io, &msgs[i]);
		left -= size;
	}
	return send_out(io, p, ~0U, false, now);
}

int pulse_io_send_parcels(struct pulse_io *io, node_id_t node, const struct pulse_parcel *parcels,
			  uint8_t count, struct instant now)
{
	struct peer *p = node <= NODE_ID_MAX ? io->peer[node] : NULL;
	int r;

	if (!p)
		return -ENOENT;
	if (count == 0 || count > PULSE_PARCELS_MAX)
		return -EINVAL;
	out_clear(io);
	memcpy(io->out.parcels, parcels, count * sizeof *parcels);
	io->out.parcels_count = count;
	r = send_out(io, p, ~0U, false, now);
	out_clear(io); /* they are borrowed */
	return r;
}

static bool take_answer_token(struct peer *p, boot_t now)
{
	int64_t fresh = boot_diff_ns(p->answers_at, now) / ANSWER_NS;

	if (fresh > 0) {
		p->answers = fresh >= ANSWERS_MAX - (int64_t)p->answers ? ANSWERS_MAX
									: p->answers + (uint32_t)fresh;
		p->answers_at = now;
	}
	if (p->answers == 0)
		return false;
	p->answers--;
	return true;
}

/* ---- receiving ---- */

static void measure_link(struct peer_link *l, const struct pulse *p, boot_t now)
{
	uint32_t rtt_us = clock_us(now) - p->echo_us - p->held_us; /* modulo 2^32, like its parts */

	l->newest = p->sequence;
	l->heard_at = now;
	l->their_us = p->sent_us;
	if (p->held_us == HELD_NONE_US || rtt_us > RTT_US_MAX)
		return;
	l->rtt_us = l->rtt_us ? (uint32_t)((7 * (uint64_t)l->rtt_us + rtt_us) / 8) : rtt_us + (rtt_us == 0);
}

static void prove(struct pulse_io *io, const struct pulse *p)
{
	uint64_t *incarnation = &io->proof->node[p->from].incarnation;
	uint64_t *sequence = &io->proof->node[p->from].sequence;

	if (*incarnation != p->incarnation)
		*sequence = 0;
	*incarnation = p->incarnation;
	if (p->heartbeat > *sequence) /* pulses may overtake each other */
		*sequence = p->heartbeat;
}

static int group_index(const struct pulse_io *io, uint32_t wire_id)
{
	for (int i = 0; i < io->groups_count; i++)
		if (io->groups[i] == wire_id)
			return i;
	return -1;
}

static void hand_out(struct pulse_io *io, const struct pulse *p, const struct pulse_source *source)
{
	node_set_t known = io->configured | node_bit(io->self);

	io->ops.heard(io->ctx, source);
	io->skipped += p->skipped;
	for (int i = 0; i < p->views_count; i++) {
		int g = group_index(io, p->views[i].group);

		if (g < 0)
			io->skipped++;
		else
			io->ops.view(io->ctx, source, (group_index_t)g, &p->views[i].view);
	}
	for (int i = 0; i < p->messages_count; i++) {
		struct lease_msg m = p->messages[i].msg;
		int g = group_index(io, p->messages[i].group);

		m.group = (group_index_t)g;
		if (g < 0 || (m.successor && !node_in(known, m.successor)))
			io->skipped++;
		else
			io->ops.message(io->ctx, source, &m);
	}
	for (int i = 0; io->ops.parcel && i < p->parcels_count; i++)
		io->ops.parcel(io->ctx, source, p->parcels[i].data, p->parcels[i].len);
}

static void reply_empty(struct pulse_io *io, struct peer *p, unsigned links, bool answer, struct instant at)
{
	out_clear(io);
	(void)send_out(io, p, links, answer, at); /* counted; the peer says hello again */
}

static void receive_authentic(struct pulse_io *io, struct peer *p, uint8_t link, struct instant at,
			      const struct pulse_verdict *v)
{
	struct peer_link *l = &p->links[link];
	struct pulse_source source = {
		.node = io->in.from,
		.hears_me = node_in(io->in.heard, io->self),
		.link = link,
		.minor = io->in.minor,
		.incarnation = io->in.incarnation,
		.at = at,
	};

	if (v->switched)
		for (int i = 0; i < RK_LINKS_MAX; i++)
			p->links[i].newest = 0;
	if (v->answer && take_answer_token(p, at.boot))
		reply_empty(io, p, 1U << link, true, at);
	if (v->alive && io->ops.hello)
		io->ops.hello(io->ctx, &source);
	if (v->outcome == PULSE_HELLO)
		return;
	if (io->in.sequence > l->newest)
		measure_link(l, &io->in, at.boot);
	if (v->outcome != PULSE_OK)
		return;
	p->heard_at = at.boot;
	prove(io, &io->in);
	if (v->switched)
		reply_empty(io, p, ~0U, false, at);
	hand_out(io, &io->in, &source);
}

static void receive_one(struct pulse_io *io, uint8_t link, const struct pulse_datagram *d, struct instant at)
{
	node_id_t sender = NODE_NONE;
	struct pulse_verdict v = { 0 };
	enum pulse_alarm_kind kind;
	bool keyed;

	v.outcome = pulse_session_triage(io->cluster, io->self, io->configured, d->data, d->len, &sender);
	keyed = v.outcome == PULSE_OK;
	if (v.outcome == PULSE_VERSION)
		sender = node_at(io, link, &d->from);
	if (keyed)
		pulse_session_receive(&io->peer[sender]->session, d->data, d->len, &io->in, &v);
	io->count[v.outcome]++;
	if (io->peer[sender])
		io->peer[sender]->count[v.outcome]++;
	if (alarm_kind_of(&v, keyed, &kind))
		raise_alarm(io, kind, sender, link, d, at.boot);
	if (v.outcome == PULSE_OK || v.outcome == PULSE_DUPLICATE || v.outcome == PULSE_HELLO)
		receive_authentic(io, io->peer[sender], link, at, &v);
}

void pulse_io_readable(struct pulse_io *io, uint8_t link)
{
	assert(link < RK_LINKS_MAX);
	for (int n = 0; n < BATCHES_MAX && io->fd[link] >= 0; n++) {
		int got = pulse_socket_receive(io->fd[link], &io->batch);
		struct instant at = clock_now(); /* promises must not run from before the receipt */

		for (int i = 0; i < got; i++)
			receive_one(io, link, &io->batch.datagrams[i], at);
		if (got < PULSE_BATCH_MAX)
			return;
	}
}

/* ---- status ---- */

void pulse_io_link_status(const struct pulse_io *io, node_id_t node, uint8_t link,
			  struct pulse_link_status *ret)
{
	const struct peer *p = node <= NODE_ID_MAX ? io->peer[node] : NULL;
	const struct peer_link *l;

	*ret = (struct pulse_link_status){ 0 };
	if (!p || link >= RK_LINKS_MAX || !link_usable(io, p, link))
		return;
	l = &p->links[link];
	*ret = (struct pulse_link_status){
		.configured = true,
		.heard_at = l->heard_at,
		.rtt_us = l->rtt_us,
		.sent = l->sent,
		.send_errors = l->send_errors,
		.last_error = l->last_error,
	};
}

uint64_t pulse_io_count(const struct pulse_io *io, node_id_t node, enum pulse_outcome outcome)
{
	if (node == NODE_NONE)
		return io->count[outcome];
	return node <= NODE_ID_MAX && io->peer[node] ? io->peer[node]->count[outcome] : 0;
}

uint64_t pulse_io_skipped(const struct pulse_io *io)
{
	return io->skipped;
}
