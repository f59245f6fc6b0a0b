/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heartbeat_wire.h"

#include "wire_codec.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char *const heartbeat_type_names[HEARTBEAT_TYPES_COUNT] = {
	[0] = "none",
	[HEARTBEAT_STATE] = "state",
	[HEARTBEAT_COMMAND] = "command",
	[HEARTBEAT_BINDINGS] = "bindings",
	[HEARTBEAT_HISTORY] = "history",
	[HEARTBEAT_SNAPSHOT_REQUEST] = "snapshot-request",
	[HEARTBEAT_SNAPSHOT] = "snapshot",
	[HEARTBEAT_FENCE] = "fence",
};

const char *heartbeat_type_name(enum heartbeat_type t)
{
	return t < HEARTBEAT_TYPES_COUNT ? heartbeat_type_names[t] : "unknown";
}

struct context {
	struct codec c;
	const struct peers_config *peers;
	uint32_t skipped;
	bool unknown_name;
};

static int group_of(const struct peers_config *peers, uint32_t wire_id)
{
	for (int i = 0; i < peers->groups_count; i++)
		if (peers->groups[i] == wire_id)
			return i;
	return -1;
}

static bool node_configured(const struct peers_config *peers, node_id_t id)
{
	for (int i = 0; i < peers->nodes_count; i++)
		if (peers->nodes[i].id == id)
			return true;
	return false;
}

/* An enum as a byte, 0 to last. */
static uint8_t codec_enum(struct codec *c, unsigned value, unsigned last)
{
	uint8_t v = (uint8_t)value;

	codec_u8(c, &v);
	if (v > last || value > UINT8_MAX)
		c->invalid = true;
	return v > last ? 0 : v;
}

/* ---- STATE ---- */

static void codec_group_facts(struct codec *c, struct group_facts *g)
{
	bool *const flags[] = { &g->lan_up, &g->gate_ok, &g->addresses_ok, &g->registrations_in_step };

	g->pbx = (enum pbx_health)codec_enum(c, g->pbx, PBX_DEAD);
	codec_flags(c, flags, 4);
	g->uplink = (enum uplink_class)codec_enum(c, g->uplink, UPLINK_BAD);
	codec_u32(c, &g->calls);
	codec_u64(c, &g->bindings_digest);
	codec_u32(c, &g->bindings_count);
}

static void write_groups(struct context *x, struct node_facts *f)
{
	uint8_t count = x->peers->groups_count;

	codec_u8(&x->c, &count);
	for (int i = 0; i < count; i++) {
		uint32_t wire_id = x->peers->groups[i];

		codec_u32(&x->c, &wire_id);
		codec_group_facts(&x->c, &f->group[i]);
	}
}

static void read_groups(struct context *x, struct node_facts *f)
{
	bool seen[RK_GROUPS_MAX] = { false };
	uint8_t count = 0;

	codec_u8(&x->c, &count);
	if (count > RK_GROUPS_MAX)
		x->c.invalid = true;
	for (int i = 0; i < count && !x->c.invalid && !x->c.r->failed; i++) {
		struct group_facts g = { 0 };
		uint32_t wire_id = 0;
		int index;

		codec_u32(&x->c, &wire_id);
		codec_group_facts(&x->c, &g);
		index = group_of(x->peers, wire_id);
		if (index < 0) {
			x->skipped++;
			continue;
		}
		if (seen[index])
			x->c.invalid = true; /* which of the two would be true? */
		seen[index] = true;
		f->group[index] = g;
	}
}

/* Tags of the fields at the end; never used for anything else. */
enum state_field {
	STATE_FIELD_WATCHDOG = 1,
	STATE_FIELD_BOOT,
	STATE_FIELD_UPLINKS,
	STATE_FIELD_UPLINK_MOVES,
	STATE_FIELD_MINOR,
};
#define STATE_UPLINK_BYTES    9
#define STATE_UPLINK_NOT_USED 0xff

/* 0, which is "none", if it cannot be said: a watchdog of weeks protects nobody. */
static uint32_t wire_ms(int64_t ns)
{
	return ns > 0 && ns / NS_PER_MS <= UINT32_MAX ? (uint32_t)(ns / NS_PER_MS) : 0;
}

/* value 0 is not written. */
static void write_field_u32(struct codec *c, enum state_field tag, uint32_t value)
{
	if (!value)
		return;
	write_u8(c->w, (uint8_t)tag);
	write_u8(c->w, sizeof value);
	write_u32(c->w, value);
}

static void write_field_u64(struct codec *c, enum state_field tag, uint64_t value)
{
	if (!value)
		return;
	write_u8(c->w, (uint8_t)tag);
	write_u8(c->w, sizeof value);
	write_u64(c->w, value);
}

static void write_minor(struct codec *c, uint8_t minor)
{
	if (!minor)
		return;
	write_u8(c->w, STATE_FIELD_MINOR);
	write_u8(c->w, sizeof minor);
	write_u8(c->w, minor);
}

static uint32_t wire_age_ms(boot_t age)
{
	if (age.ns < 0)
		return 0;
	return age.ns / NS_PER_MS <= UINT32_MAX ? (uint32_t)(age.ns / NS_PER_MS) : UINT32_MAX;
}

/* in use u8 | isp u32, class u8, age in ms u32, each */
static void write_uplinks(struct codec *c, const struct node_facts *f)
{
	int in_use = f->uplink_in_use;

	if (f->uplinks_count == 0)
		return;
	if (f->uplinks_count > RK_UPLINKS_MAX || in_use >= f->uplinks_count) {
		c->invalid = true;
		return;
	}
	write_u8(c->w, STATE_FIELD_UPLINKS);
	write_u8(c->w, (uint8_t)(1 + f->uplinks_count * STATE_UPLINK_BYTES));
	write_u8(c->w, in_use < 0 ? STATE_UPLINK_NOT_USED : (uint8_t)in_use);
	for (int i = 0; i < f->uplinks_count; i++) {
		write_u32(c->w, f->uplink[i].isp);
		(void)codec_enum(c, f->uplink[i].class, UPLINK_BAD);
		write_u32(c->w, wire_age_ms(f->uplink[i].since));
	}
}

static void read_uplinks(struct codec *c, struct reader *field, struct node_facts *f)
{
	struct codec in = { .r = field };
	uint8_t in_use = read_u8(field);
	size_t count = field->left / STATE_UPLINK_BYTES;

	if (count == 0 || count > RK_UPLINKS_MAX || (in_use != STATE_UPLINK_NOT_USED && in_use >= count)) {
		c->invalid = true;
		return;
	}
	f->uplinks_count = (uint8_t)count;
	f->uplink_in_use = in_use == STATE_UPLINK_NOT_USED ? -1 : (int8_t)in_use;
	for (size_t i = 0; i < count; i++) {
		f->uplink[i].isp = read_u32(field);
		f->uplink[i].class = (enum uplink_class)codec_enum(&in, 0, UPLINK_BAD);
		f->uplink[i].since.ns = read_u32(field) * NS_PER_MS;
	}
	c->invalid |= in.invalid;
}

static void write_moves_group(struct codec *c, uint32_t wire_id, const struct uplink_moves *m)
{
	if (m->count == 0)
		return;
	write_u32(c->w, wire_id);
	write_u8(c->w, m->count);
	for (int i = 0; i < m->count; i++)
		write_u32(c->w, wire_age_ms(m->at[i]));
}

/* group u32, count u8, ages in ms u32; only groups with moves */
static void write_moves(struct context *x, const struct node_facts *f)
{
	size_t len = 0;

	for (int i = 0; i < x->peers->groups_count; i++) {
		const struct uplink_moves *m = &f->group[i].uplink_moves;

		len += m->count ? 5 + m->count * sizeof(uint32_t) : 0;
		if (m->count > UPLINK_MOVES_KEPT)
			x->c.invalid = true;
	}
	if (len == 0 || x->c.invalid)
		return;
	static_assert(RK_GROUPS_MAX * (5 + UPLINK_MOVES_KEPT * sizeof(uint32_t)) <= UINT8_MAX, "one byte");
	write_u8(x->c.w, STATE_FIELD_UPLINK_MOVES);
	write_u8(x->c.w, (uint8_t)len);
	for (int i = 0; i < x->peers->groups_count; i++)
		write_moves_group(&x->c, x->peers->groups[i], &f->group[i].uplink_moves);
}

static void read_moves(struct context *x, struct reader *field, struct node_facts *f)
{
	while (field->left > 0 && !field->failed && !x->c.invalid) {
		struct uplink_moves m = { 0 };
		int index = group_of(x->peers, read_u32(field));

		m.count = read_u8(field);
		if (m.count == 0 || m.count > UPLINK_MOVES_KEPT) {
			x->c.invalid = true;
			return;
		}
		for (int i = 0; i < m.count; i++)
			m.at[i].ns = read_u32(field) * NS_PER_MS;
		if (index < 0)
			continue; /* counted with its facts */
		if (f->group[index].uplink_moves.count)
			x->c.invalid = true; /* which of the two would be true? */
		f->group[index].uplink_moves = m;
	}
}

static void read_field(struct context *x, uint8_t tag, struct reader *field, struct heartbeat_state *s)
{
	struct node_facts *f = &s->facts;

	switch (tag) {
	case STATE_FIELD_WATCHDOG:
		f->watchdog_ns = read_u32(field) * NS_PER_MS;
		break;
	case STATE_FIELD_BOOT:
		f->boot = read_u64(field);
		break;
	case STATE_FIELD_UPLINKS:
		read_uplinks(&x->c, field, f);
		break;
	case STATE_FIELD_UPLINK_MOVES:
		read_moves(x, field, f);
		break;
	case STATE_FIELD_MINOR:
		s->minor = read_u8(field);
		x->c.invalid |= !s->minor;
		break;
	default:
		return; /* of a later version */
	}
	if (!reader_done(field))
		x->c.invalid = true;
}

static void read_fields(struct context *x, struct heartbeat_state *s)
{
	struct codec *c = &x->c;
	int last = 0;

	s->facts.uplink_in_use = -1; /* unless the field comes */

	while (c->r->left > 0 && !c->r->failed && !c->invalid) {
		uint8_t tag = read_u8(c->r), len = read_u8(c->r);
		struct reader field = reader_init(read_span(c->r, len), len);

		if (c->r->failed)
			return;
		if (tag <= last) /* by rising tag, so none twice */
			c->invalid = true;
		last = tag;
		read_field(x, tag, &field, s);
	}
}

static void codec_state(struct context *x, struct heartbeat_state *s)
{
	struct node_facts *f = &s->facts;
	bool *const flags[] = { &f->config_accepted, &f->joining, &f->quorate };

	codec_text(&x->c, s->version, sizeof s->version);
	codec_u64(&x->c, &f->config_hash);
	codec_flags(&x->c, flags, 3);
	codec_u32(&x->c, &f->loop_lag_us_max);
	if (codec_reads(&x->c)) {
		read_groups(x, f);
		read_fields(x, s);
	} else {
		write_groups(x, f);
		write_field_u32(&x->c, STATE_FIELD_WATCHDOG, wire_ms(f->watchdog_ns));
		write_field_u64(&x->c, STATE_FIELD_BOOT, f->boot);
		write_uplinks(&x->c, f);
		write_moves(x, f);
		write_minor(&x->c, s->minor);
	}
}

/* ---- COMMAND ---- */

static bool command_has_group(enum core_command_type t)
{
	return t == COMMAND_SWITCHOVER || t == COMMAND_FAILOVER || t == COMMAND_CANCEL;
}

/* A switchover that waits for calls is a type of its own on the wire: all others are read by every version.
 */
#define COMMAND_WIRE_DRAIN (COMMAND_CANCEL + 1)

static void codec_command_type(struct codec *c, struct core_command *cmd, bool *ret_drains)
{
	bool drains = cmd->type == COMMAND_SWITCHOVER && cmd->drain_ns != 0;
	uint8_t type = codec_enum(c, drains ? COMMAND_WIRE_DRAIN : (unsigned)cmd->type, COMMAND_WIRE_DRAIN);

	*ret_drains = type == COMMAND_WIRE_DRAIN;
	cmd->type = *ret_drains ? COMMAND_SWITCHOVER : (enum core_command_type)type;
	if (cmd->type < COMMAND_PAUSE)
		c->invalid = true;
}

static void codec_command_more(struct codec *c, struct core_command *cmd, bool drains)
{
	uint32_t drain_ms = 0;

	if (cmd->drain_ns >= 0 && cmd->drain_ns <= CORE_DRAIN_NS_MAX)
		drain_ms = (uint32_t)(cmd->drain_ns / NS_PER_MS);
	if (drains) {
		codec_u32(c, &drain_ms);
		if (drain_ms == 0 || drain_ms > CORE_DRAIN_NS_MAX / NS_PER_MS)
			c->invalid = true;
		cmd->drain_ns = drain_ms * NS_PER_MS;
	} else if (cmd->type == COMMAND_CANCEL) {
		codec_u64(c, &cmd->cancels);
	}
}

static void codec_command_group(struct context *x, struct core_command *c)
{
	bool wanted = command_has_group(c->type);
	uint32_t wire_id = 0;
	int index;

	if (!codec_reads(&x->c) && wanted) {
		if (c->group >= x->peers->groups_count)
			x->c.invalid = true;
		else
			wire_id = x->peers->groups[c->group];
	}
	codec_u32(&x->c, &wire_id);
	if (!codec_reads(&x->c))
		return;
	if (!wanted && wire_id)
		x->c.invalid = true;
	index = wanted ? group_of(x->peers, wire_id) : 0;
	if (index < 0)
		x->unknown_name = true;
	else
		c->group = (group_index_t)index;
}

static void codec_command(struct context *x, struct heartbeat_command *h, node_id_t sender)
{
	struct core_command *c = &h->command;
	bool about_node, drains;

	codec_command_type(&x->c, c, &drains);
	c->origin = sender;
	codec_u64(&x->c, &c->operation);
	codec_u64(&x->c, &c->stamp);
	if (c->stamp > INT64_MAX) /* nothing could ever be later */
		x->c.invalid = true;
	codec_command_group(x, c);
	codec_node(&x->c, &c->node);
	about_node = c->type == COMMAND_STANDBY || c->type == COMMAND_UNSTANDBY;
	if (about_node && c->node == NODE_NONE)
		x->c.invalid = true;
	if (c->node != NODE_NONE && !node_configured(x->peers, c->node))
		x->unknown_name = true;
	codec_command_more(&x->c, c, drains);
	codec_u32(&x->c, &h->uid);
	codec_text(&x->c, h->user, sizeof h->user);
	codec_text(&x->c, h->why, sizeof h->why);
}

/* ---- opaque payloads ---- */

static void codec_rest(struct codec *c, const uint8_t **data, size_t *len)
{
	if (codec_reads(c)) {
		*len = c->r->left;
		*data = read_span(c->r, *len);
	} else {
		write_bytes(c->w, *data, *len);
	}
	if (*len == 0 || *len > HEARTBEAT_OPAQUE_MAX)
		c->invalid = true;
}

/* ---- snapshots ---- */

static void codec_intent_node(struct codec *c, struct core_intent *i, node_id_t n)
{
	bool *const flags[] = { &i->node[n].standby };

	codec_flags(c, flags, 1);
	codec_u64(c, &i->node[n].stamp);
	codec_node(c, &i->node[n].by);
	if (i->node[n].stamp > INT64_MAX)
		c->invalid = true;
}

static bool intent_node_said(const struct core_intent *i, node_id_t n)
{
	return i->node[n].standby || i->node[n].stamp;
}

static void write_intent_nodes(struct codec *c, struct core_intent *i)
{
	uint8_t count = 0;

	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		count += intent_node_said(i, n);
	codec_u8(c, &count);
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		if (!intent_node_said(i, n))
			continue;
		codec_node(c, &n);
		codec_intent_node(c, i, n);
	}
}

static void read_intent_nodes(struct codec *c, struct core_intent *i)
{
	node_id_t last = NODE_NONE, n = NODE_NONE;
	uint8_t count = 0;

	codec_u8(c, &count);
	for (int k = 0; k < count && !c->invalid && !c->r->failed; k++) {
		codec_node(c, &n);
		if (n > NODE_ID_MAX || n <= last) { /* in order, so none twice */
			c->invalid = true;
			return;
		}
		codec_intent_node(c, i, n);
		last = n;
	}
}

static void codec_intent(struct codec *c, struct core_intent *i)
{
	bool *const flags[] = { &i->paused };

	codec_flags(c, flags, 1);
	codec_u64(c, &i->paused_stamp);
	if (i->paused_stamp > INT64_MAX)
		c->invalid = true;
	codec_node(c, &i->paused_by);
	if (codec_reads(c))
		read_intent_nodes(c, i);
	else
		write_intent_nodes(c, i);
}

static void codec_request(struct codec *c, struct heartbeat_snapshot_request *q, node_id_t sender)
{
	bool *const flags[] = { &q->joining };

	codec_u64(c, &q->request);
	codec_u8(c, &q->attempt);
	codec_set(c, &q->known);
	if (!node_in(q->known, sender))
		c->invalid = true;
	codec_flags(c, flags, 1);
	codec_intent(c, &q->intent);
}

static void codec_snapshot(struct codec *c, struct heartbeat_snapshot *s)
{
	codec_u64(c, &s->request);
	codec_set(c, &s->known);
	codec_u16(c, &s->part);
	codec_u8(c, &s->section);
	if (s->section == SECTION_INTENT)
		codec_intent(c, &s->intent);
	else if (s->section >= SECTION_OPAQUE)
		codec_rest(c, &s->data, &s->data_len);
	else if (s->section != SECTION_END)
		c->invalid = true;
}

/* ---- FENCE ---- */

static void codec_fence_op(struct codec *c, struct fence_operation *op)
{
	codec_node(c, &op->shooter);
	codec_u32(c, &op->number);
	op->why = (enum fence_why)codec_enum(c, op->why, FENCE_WHY_DISPUTED);
	codec_u8(c, &op->first_level);
	if (op->first_level >= FENCE_LEVELS_MAX)
		c->invalid = true;
}

static void codec_fence(struct context *x, struct heartbeat_fence *h, node_id_t sender)
{
	struct fence_msg *m = &h->fence;
	struct codec *c = &x->c;

	m->type = (enum fence_msg_type)codec_enum(c, m->type, FENCE_MSG_TELL);
	m->from = sender;
	codec_node(c, &m->target);
	codec_fence_op(c, &m->op);
	codec_u64(c, &m->boot);
	m->state = (enum fence_state)codec_enum(c, m->state, FENCE_STATES_COUNT - 1);
	codec_u8(c, &m->level);
	codec_u8(c, &m->device);
	codec_text(c, h->user, sizeof h->user);
	codec_text(c, h->why, sizeof h->why);
	if (m->type == 0 || m->target == NODE_NONE || m->level >= FENCE_LEVELS_MAX ||
	    m->device >= FENCE_DEVICES_MAX)
		c->invalid = true;
	else if (!node_configured(x->peers, m->target))
		x->unknown_name = true;
}

/* ---- the whole ---- */

static void codec_header(struct codec *c, struct heartbeat *h)
{
	uint8_t zero = 0;

	codec_node(c, &h->sender);
	codec_u8(c, &zero);
	codec_u64(c, &h->cluster);
	codec_u64(c, &h->incarnation);
	codec_u64(c, &h->sequence);
	if (h->sender == NODE_NONE || zero || h->incarnation == 0)
		c->invalid = true;
}

static void codec_payload(struct context *x, struct heartbeat *h)
{
	switch (h->type) {
	case HEARTBEAT_STATE:
		codec_state(x, &h->state);
		break;
	case HEARTBEAT_COMMAND:
		codec_command(x, &h->command, h->sender);
		break;
	case HEARTBEAT_BINDINGS:
	case HEARTBEAT_HISTORY:
		codec_rest(&x->c, &h->opaque.data, &h->opaque.len);
		break;
	case HEARTBEAT_SNAPSHOT_REQUEST:
		codec_request(&x->c, &h->request, h->sender);
		break;
	case HEARTBEAT_SNAPSHOT:
		codec_snapshot(&x->c, &h->snapshot);
		break;
	case HEARTBEAT_FENCE:
		codec_fence(x, &h->fence, h->sender);
		break;
	}
}

int heartbeat_encode(struct heartbeat *h, const struct peers_config *peers, void *buf, size_t size)
{
	struct writer w = writer_init(buf, size);
	struct context x = { .c = { .w = &w }, .peers = peers };

	write_u32(&w, HEARTBEAT_MAGIC);
	write_u8(&w, wire_major());
	write_u8(&w, (uint8_t)h->type);
	codec_header(&x.c, h);
	codec_payload(&x, h);
	if (x.c.invalid || x.unknown_name || h->type == 0 || h->type >= HEARTBEAT_TYPES_COUNT)
		return -EINVAL;
	return w.failed ? -EMSGSIZE : (int)w.used;
}

static int decode_header(struct reader *r, struct heartbeat *ret)
{
	struct codec c = { .r = r };

	if (read_u32(r) != HEARTBEAT_MAGIC || r->failed)
		return -EBADMSG;
	if (read_u8(r) != wire_major())
		return r->failed ? -EBADMSG : -EPROTONOSUPPORT;
	ret->type = (enum heartbeat_type)read_u8(r);
	codec_header(&c, ret);
	return c.invalid || r->failed ? -EBADMSG : 0;
}

uint8_t heartbeat_version(const void *data, size_t len)
{
	struct reader r = reader_init(data, len);
	bool ours = read_u32(&r) == HEARTBEAT_MAGIC;
	uint8_t version = read_u8(&r);

	return ours && !r.failed ? version : 0;
}

int heartbeat_decode_header(const void *data, size_t len, struct heartbeat *ret)
{
	struct reader r = reader_init(data, len);
	int error;

	memset(ret, 0, sizeof *ret);
	error = decode_header(&r, ret);
	if (error == 0 && (len < HEARTBEAT_HEADER_SIZE + CRYPTO_SIGNATURE_SIZE || len > HEARTBEAT_SIZE_MAX))
		return -EBADMSG;
	return error;
}

int heartbeat_decode(const void *data, size_t len, const struct peers_config *peers, struct heartbeat *ret,
		     uint32_t *ret_skipped)
{
	struct context x = { .peers = peers };
	struct reader r;
	int error = heartbeat_decode_header(data, len, ret);

	*ret_skipped = 0;
	if (error)
		return error;
	if (ret->type == 0 || ret->type >= HEARTBEAT_TYPES_COUNT)
		return -ENOMSG;
	r = reader_init(data, len - CRYPTO_SIGNATURE_SIZE);
	(void)read_span(&r, HEARTBEAT_HEADER_SIZE);
	x.c.r = &r;
	codec_payload(&x, ret);
	if (x.c.invalid || !reader_done(&r))
		return -EBADMSG;
	if (x.unknown_name)
		return -ENOENT;
	*ret_skipped = x.skipped;
	return 0;
}
