/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each kind of entry has one function for its bytes, used in both directions: a field is either written from
 * or read into its place, so the two can never disagree about the layout.
 */
#include "pulse_wire.h"

#include "wire_codec.h"

#include <errno.h>
#include <string.h>

#define ENTRY_VIEW	   1
#define ENTRY_MINOR	   2
#define ENTRY_MESSAGE_BASE 16 /* + enum lease_msg_type */
#define ENTRY_PARCEL	   64
#define ENTRY_SIZE_MAX	   96

static void codec_view(struct codec *c, struct pulse_view *v)
{
	struct lease_view *l = &v->view;
	uint8_t flags = (uint8_t)(l->votes | l->mute << 1 | l->hi_known << 2);

	codec_u32(c, &v->group);
	codec_u8(c, &flags);
	if (flags & ~7U)
		c->invalid = true;
	if (c->r) {
		l->votes = flags & 1;
		l->mute = flags >> 1 & 1;
		l->hi_known = flags >> 2 & 1;
	}
	codec_u32(c, &l->version);
	codec_epoch(c, &l->hi, true); /* after a reboot hi is the ceiling, which is nobody's epoch */
	codec_node(c, &l->promise_node);
	codec_epoch(c, &l->promise_epoch, false);
	codec_time(c, PULSE_TIME_NS_MAX, &l->promise_left_ns);
	codec_node(c, &l->reserve_node);
	codec_time(c, PULSE_TIME_NS_MAX, &l->reserve_left_ns);
	codec_epoch(c, &l->holds, false);
}

static void codec_voters(struct codec *c, struct voter_set *v)
{
	uint8_t phase = (uint8_t)v->phase;

	codec_u32(c, &v->version);
	codec_u8(c, &phase);
	if (phase != VOTERS_STABLE && phase != VOTERS_JOINT)
		c->invalid = true;
	else
		v->phase = (enum voter_phase)phase;
	codec_set(c, &v->old_set);
	codec_set(c, &v->new_set);
	if (!v->old_set || !v->new_set || (phase == VOTERS_STABLE && v->old_set != v->new_set))
		c->invalid = true;
}

static void codec_request_id(struct codec *c, struct request_id *id)
{
	codec_u64(c, &id->process);
	codec_u64(c, &id->counter);
}

static void codec_refusal(struct codec *c, struct lease_msg *m)
{
	uint8_t refusal = (uint8_t)m->refusal;

	codec_u8(c, &refusal);
	if (refusal < LEASE_REFUSED_MUTE || refusal > LEASE_REFUSED_NOT_VOTER)
		c->invalid = true;
	else
		m->refusal = (enum lease_refusal)refusal;
	codec_epoch(c, &m->hi, true);
	codec_node(c, &m->promise_node);
	codec_time(c, PULSE_TIME_NS_MAX, &m->promise_left_ns);
}

static void codec_message(struct codec *c, struct pulse_message *p)
{
	struct lease_msg *m = &p->msg;

	codec_u32(c, &p->group);
	switch (m->type) {
	case LEASE_REQUEST:
	case LEASE_GRANT:
	case LEASE_REFUSE:
		codec_epoch(c, &m->epoch, false);
		codec_request_id(c, &m->id);
		codec_u32(c, &m->version);
		if (m->type == LEASE_REQUEST)
			codec_time(c, PULSE_TIME_NS_MAX, &m->lease_ns);
		else if (m->type == LEASE_REFUSE)
			codec_refusal(c, m);
		break;
	case LEASE_RELEASE:
		codec_epoch(c, &m->epoch, false);
		codec_node(c, &m->successor);
		break;
	case LEASE_RELEASE_ACK:
		codec_epoch(c, &m->epoch, false);
		break;
	case LEASE_VSET_PROPOSE:
	case LEASE_VSET_ACK:
		codec_voters(c, &m->voters);
		codec_epoch(c, &m->hi, true);
		break;
	}
	if (m->type <= LEASE_RELEASE_ACK && m->epoch.counter == 0)
		c->invalid = true;
	if (m->type == LEASE_REQUEST && m->lease_ns == 0)
		c->invalid = true;
}

static void codec_header(struct codec *c, struct pulse *p)
{
	codec_u8(c, &p->link);
	codec_node(c, &p->from);
	codec_node(c, &p->to);
	codec_u64(c, &p->cluster);
	codec_u64(c, &p->incarnation);
	codec_u64(c, &p->challenge);
	codec_u64(c, &p->echo);
	codec_u64(c, &p->sequence);
	codec_set(c, &p->heard);
	codec_u64(c, &p->heartbeat);
	codec_u32(c, &p->sent_us);
	codec_u32(c, &p->echo_us);
	codec_u32(c, &p->held_us);
	if (p->link >= RK_LINKS_MAX || !p->from || !p->to || p->from == p->to || !p->incarnation ||
	    !p->sequence)
		c->invalid = true;
}

/* ---- encoding ---- */

static void encode_entry(struct writer *w, uint8_t type, struct pulse_view *view,
			 struct pulse_message *message, bool *invalid)
{
	uint8_t body[ENTRY_SIZE_MAX];
	struct writer inner = writer_init(body, sizeof body);
	struct codec c = { .w = &inner };

	if (view)
		codec_view(&c, view);
	else
		codec_message(&c, message);
	write_u8(w, type);
	write_u8(w, (uint8_t)inner.used);
	write_bytes(w, body, inner.used);
	if (c.invalid || inner.failed)
		*invalid = true;
}

static void encode_minor(struct writer *w, uint8_t minor)
{
	if (!minor)
		return;
	write_u8(w, ENTRY_MINOR);
	write_u8(w, sizeof minor);
	write_u8(w, minor);
}

static void encode_parcel(struct writer *w, const struct pulse_parcel *p, bool *invalid)
{
	write_u8(w, ENTRY_PARCEL);
	write_u8(w, p->len);
	write_bytes(w, p->data, p->len);
	if (p->len == 0 || p->len > PULSE_PARCEL_MAX)
		*invalid = true;
}

static bool message_type_known(unsigned type)
{
	return type >= LEASE_REQUEST && type <= LEASE_VSET_ACK;
}

int pulse_encode(const struct pulse *pulse, void *buf, size_t size)
{
	struct pulse p = *pulse; /* the codec wants something that it could also read into */
	struct writer w = writer_init(buf, size);
	struct codec c = { .w = &w };
	bool invalid = false;

	if (p.views_count > RK_GROUPS_MAX || p.messages_count > PULSE_MESSAGES_MAX ||
	    p.parcels_count > PULSE_PARCELS_MAX)
		return -EINVAL;
	write_u32(&w, PULSE_MAGIC);
	write_u8(&w, wire_major());
	codec_header(&c, &p);
	write_u8(&w, (uint8_t)((p.minor != 0) + p.views_count + p.messages_count + p.parcels_count));
	encode_minor(&w, p.minor);
	for (int i = 0; i < p.views_count; i++)
		encode_entry(&w, ENTRY_VIEW, &p.views[i], NULL, &invalid);
	for (int i = 0; i < p.messages_count; i++) {
		if (!message_type_known(p.messages[i].msg.type))
			return -EINVAL;
		encode_entry(&w, (uint8_t)(ENTRY_MESSAGE_BASE + p.messages[i].msg.type), NULL, &p.messages[i],
			     &invalid);
	}
	for (int i = 0; i < p.parcels_count; i++)
		encode_parcel(&w, &p.parcels[i], &invalid);
	if (c.invalid || invalid)
		return -EINVAL;
	return w.failed ? -EMSGSIZE : (int)w.used;
}

static size_t entry_size(uint8_t type, enum lease_msg_type msg_type)
{
	uint8_t buf[ENTRY_SIZE_MAX + 2];
	struct writer w = writer_init(buf, sizeof buf);
	struct pulse_view view = { 0 };
	struct pulse_message message = { .msg.type = msg_type };
	bool invalid;

	encode_entry(&w, type, type == ENTRY_VIEW ? &view : NULL, &message, &invalid);
	return w.used;
}

size_t pulse_view_size(void)
{
	return entry_size(ENTRY_VIEW, LEASE_REQUEST);
}

size_t pulse_message_size(enum lease_msg_type type)
{
	return entry_size(ENTRY_MESSAGE_BASE, type);
}

/* ---- decoding ---- */

static int decode_message(struct codec *c, unsigned type, struct pulse *ret)
{
	struct pulse_message *m;

	if (ret->messages_count == PULSE_MESSAGES_MAX)
		return -EBADMSG;
	m = &ret->messages[ret->messages_count];
	*m = (struct pulse_message){
		.msg = { .type = (enum lease_msg_type)type, .from = ret->from, .to = ret->to },
	};
	codec_message(c, m);
	ret->messages_count++;
	return 0;
}

static int decode_view(struct codec *c, struct pulse *ret)
{
	struct pulse_view *v;

	if (ret->views_count == RK_GROUPS_MAX)
		return -EBADMSG;
	v = &ret->views[ret->views_count];
	*v = (struct pulse_view){ 0 };
	codec_view(c, v);
	for (int i = 0; i < ret->views_count; i++)
		if (ret->views[i].group == v->group)
			return -EBADMSG; /* which of the two would be true? */
	ret->views_count++;
	return 0;
}

static int decode_parcel(const uint8_t *body, uint8_t len, struct pulse *ret)
{
	if (len == 0 || len > PULSE_PARCEL_MAX || ret->parcels_count == PULSE_PARCELS_MAX)
		return -EBADMSG;
	ret->parcels[ret->parcels_count++] = (struct pulse_parcel){ body, len };
	return 0;
}

static int decode_entry(struct reader *r, struct pulse *ret)
{
	uint8_t type = read_u8(r), len = read_u8(r);
	const uint8_t *body = read_span(r, len);
	struct reader inner;
	struct codec c = { .r = &inner };
	int error = 0;

	if (!body)
		return -EBADMSG;
	if (type == ENTRY_PARCEL)
		return decode_parcel(body, len, ret);
	inner = reader_init(body, len);
	if (type == ENTRY_VIEW) {
		error = decode_view(&c, ret);
	} else if (type == ENTRY_MINOR) {
		error = ret->minor ? -EBADMSG : 0; /* which of the two would be true? */
		ret->minor = read_u8(&inner);
		c.invalid = !ret->minor;
	} else if (type > ENTRY_MESSAGE_BASE && message_type_known(type - ENTRY_MESSAGE_BASE)) {
		error = decode_message(&c, type - ENTRY_MESSAGE_BASE, ret);
	} else {
		ret->skipped++; /* at most 255 entries */
		return 0;
	}
	return error || c.invalid || !reader_done(&inner) ? -EBADMSG : 0;
}

static int decode_header(struct reader *r, struct pulse *ret)
{
	struct codec c = { .r = r };

	ret->minor = ret->views_count = ret->messages_count = ret->parcels_count = ret->skipped = 0;
	if (read_u32(r) != PULSE_MAGIC || r->failed)
		return -EBADMSG;
	if (read_u8(r) != wire_major())
		return r->failed ? -EBADMSG : -EPROTONOSUPPORT;
	codec_header(&c, ret);
	return c.invalid || r->failed ? -EBADMSG : 0;
}

uint8_t pulse_version(const void *data, size_t len)
{
	struct reader r = reader_init(data, len);
	bool ours = read_u32(&r) == PULSE_MAGIC;
	uint8_t version = read_u8(&r);

	return ours && !r.failed ? version : 0;
}

int pulse_decode_header(const void *data, size_t len, struct pulse *ret)
{
	struct reader r = reader_init(data, len);
	int error;

	if (len < 5 + 1) /* no version to be told apart */
		return -EBADMSG;
	error = decode_header(&r, ret);
	if (error == 0 && (len < PULSE_HEADER_SIZE + PULSE_TAG_SIZE || len > PULSE_SIZE_MAX))
		return -EBADMSG;
	return error;
}

int pulse_decode(const void *data, size_t len, struct pulse *ret)
{
	struct reader r;
	uint8_t entries;
	int error = pulse_decode_header(data, len, ret);

	if (error)
		return error;
	r = reader_init(data, len - PULSE_TAG_SIZE);
	error = decode_header(&r, ret);
	entries = read_u8(&r);
	for (int i = 0; i < entries && error == 0; i++)
		error = decode_entry(&r, ret);
	return error || !reader_done(&r) ? -EBADMSG : 0;
}
