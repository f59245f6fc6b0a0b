/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define BATCH_VERSION	     1
#define BATCH_FLAGS_OFFSET   1
#define BATCH_COUNT_OFFSET   15
#define BATCH_FULL_BEGIN     1
#define BATCH_FULL_END	     2
#define ITEM_PUT	     1
#define ITEM_REMOVE	     2
#define REMAINING_PERMANENT  UINT32_MAX
#define BATCH_ITEM_BYTES_MAX (2 + 10 + 30 + 1 + BINDING_TEXT_MAX)
#define FIELDS_ALWAYS	     (BINDING_INSTANCE + 1)

static void write_epoch(struct writer *w, struct epoch e)
{
	write_u64(w, e.counter);
	write_u8(w, e.node);
}

static struct epoch read_epoch(struct reader *r)
{
	struct epoch e = { .counter = read_u64(r) };

	e.node = read_u8(r);
	return e;
}

void binding_batch_begin(struct binding_batch_writer *bw, const struct binding_batch_header *h, void *buf,
			 size_t size)
{
	assert(size > BATCH_COUNT_OFFSET + 2 + BATCH_ITEM_BYTES_MAX && size <= BINDING_BATCH_BYTES_MAX);
	*bw = (struct binding_batch_writer){ .w = writer_init(buf, size) };
	write_u8(&bw->w, BATCH_VERSION);
	write_u8(&bw->w,
		 (uint8_t)((h->full_begin ? BATCH_FULL_BEGIN : 0) | (h->full_end ? BATCH_FULL_END : 0)));
	write_u32(&bw->w, h->group);
	write_epoch(&bw->w, h->epoch);
	write_u16(&bw->w, 0); /* count, filled in at the end */
}

/* Milliseconds that fit into 32 bits (49 days), rounded up so that a put is not late by rounding. */
static uint32_t batch_ms(int64_t ns, uint32_t max)
{
	int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;

	if (ns <= 0)
		return 0;
	return ms > (int64_t)max ? max : (uint32_t)ms;
}

static void batch_write_put(struct writer *w, const struct binding *b, boot_t now)
{
	bool permanent = b->expires_at.ns == BOOT_NEVER.ns;

	write_u32(w, permanent ? REMAINING_PERMANENT
			       : batch_ms(boot_diff_ns(now, b->expires_at), REMAINING_PERMANENT - 1));
	write_u32(w, batch_ms(boot_diff_ns(b->modified_at, now), UINT32_MAX));
	write_u32(w, b->cseq);
	write_u32(w, b->reg_id);
	write_u32(w, b->methods);
	write_u32(w, b->flags);
	write_u32(w, b->cflags);
	write_u16(w, (uint16_t)b->q_milli);
	for (int f = 0; f < FIELDS_ALWAYS; f++)
		write_bytes(w, b->text[f], strlen(b->text[f]) + 1);
	if (!b->priority && !*b->text[BINDING_CONNECTION] && !*b->text[BINDING_DATA])
		return;
	write_u8(w, b->priority);
	for (int f = FIELDS_ALWAYS; f < BINDING_FIELDS; f++)
		write_bytes(w, b->text[f], strlen(b->text[f]) + 1);
}

/* Writes the item's length in front of it, or takes the half-written item back. */
static int batch_close_item(struct binding_batch_writer *bw, size_t start)
{
	size_t len = bw->w.used - start - 2;

	if (bw->w.failed || bw->count == UINT16_MAX) {
		bw->w.failed = false;
		bw->w.used = start;
		return -ENOSPC;
	}
	bw->w.start[start] = (uint8_t)(len >> 8);
	bw->w.start[start + 1] = (uint8_t)len;
	bw->count++;
	return 0;
}

int binding_batch_put(struct binding_batch_writer *bw, const struct binding *b, boot_t now)
{
	size_t start = bw->w.used;
	int r = binding_check(b, NULL);

	if (r < 0)
		return r;
	write_u16(&bw->w, 0);
	write_u8(&bw->w, ITEM_PUT);
	write_epoch(&bw->w, b->epoch);
	batch_write_put(&bw->w, b, now);
	return batch_close_item(bw, start);
}

int binding_batch_remove(struct binding_batch_writer *bw, const char *aor, const char *contact,
			 struct epoch epoch)
{
	size_t start = bw->w.used;
	struct binding b;
	int r;

	binding_init(&b);
	b.text[BINDING_AOR] = aor;
	b.text[BINDING_CONTACT] = contact;
	r = binding_check(&b, NULL);
	if (r < 0)
		return r;
	write_u16(&bw->w, 0);
	write_u8(&bw->w, ITEM_REMOVE);
	write_epoch(&bw->w, epoch);
	write_bytes(&bw->w, aor, strlen(aor) + 1);
	write_bytes(&bw->w, contact, strlen(contact) + 1);
	return batch_close_item(bw, start);
}

size_t binding_batch_end(struct binding_batch_writer *bw, bool full_end)
{
	bw->w.start[BATCH_COUNT_OFFSET] = (uint8_t)(bw->count >> 8);
	bw->w.start[BATCH_COUNT_OFFSET + 1] = (uint8_t)bw->count;
	if (full_end)
		bw->w.start[BATCH_FLAGS_OFFSET] |= BATCH_FULL_END;
	return bw->w.used;
}

/* ---- reading ---- */

static const char *read_text(struct reader *r)
{
	const void *nul = r->failed ? NULL : memchr(r->p, 0, r->left);

	if (!nul) {
		r->failed = true;
		return "";
	}
	return (const char *)read_span(r, (size_t)((const uint8_t *)nul - r->p) + 1);
}

static void batch_read_put(struct reader *r, boot_t now, struct binding *b)
{
	uint32_t remaining_ms = read_u32(r);
	uint32_t age_ms = read_u32(r);

	b->expires_at =
		remaining_ms == REMAINING_PERMANENT ? BOOT_NEVER : boot_add(now, remaining_ms * NS_PER_MS);
	b->modified_at = boot_add(now, -(int64_t)age_ms * NS_PER_MS);
	b->cseq = read_u32(r);
	b->reg_id = read_u32(r);
	b->methods = read_u32(r);
	b->flags = read_u32(r);
	b->cflags = read_u32(r);
	b->q_milli = (int16_t)read_u16(r);
	for (int f = 0; f < FIELDS_ALWAYS; f++)
		b->text[f] = read_text(r);
	if (r->failed || r->left == 0)
		return; /* nothing beside, or a node that knows no more */
	b->priority = read_u8(r);
	for (int f = FIELDS_ALWAYS; f < BINDING_FIELDS; f++)
		b->text[f] = read_text(r);
}

enum batch_item { BATCH_ITEM_BAD, BATCH_ITEM_UNKNOWN, BATCH_ITEM_KNOWN };

static enum batch_item batch_read_item(struct reader *r, boot_t now, struct binding_batch_item *ret)
{
	uint16_t len = read_u16(r);
	const uint8_t *span = read_span(r, len);
	struct reader item = reader_init(span, span ? len : 0);
	uint8_t kind = read_u8(&item);

	*ret = (struct binding_batch_item){ .remove = kind == ITEM_REMOVE };
	binding_init(&ret->b);
	ret->b.epoch = read_epoch(&item);
	if (r->failed || item.failed)
		return BATCH_ITEM_BAD;
	if (kind != ITEM_PUT && kind != ITEM_REMOVE)
		return BATCH_ITEM_UNKNOWN;
	if (kind == ITEM_PUT) {
		batch_read_put(&item, now, &ret->b);
	} else {
		ret->b.text[BINDING_AOR] = read_text(&item);
		ret->b.text[BINDING_CONTACT] = read_text(&item);
	}
	if (item.failed || binding_check(&ret->b, NULL) < 0)
		return BATCH_ITEM_BAD;
	return BATCH_ITEM_KNOWN;
}

static bool batch_check_items(struct reader r, uint16_t count)
{
	struct binding_batch_item item;

	for (uint16_t i = 0; i < count; i++)
		if (batch_read_item(&r, (boot_t){ 0 }, &item) == BATCH_ITEM_BAD)
			return false;
	return reader_done(&r);
}

int binding_batch_open(struct binding_batch_reader *br, const void *data, size_t len,
		       struct binding_batch_header *ret_header)
{
	struct binding_batch_header h = { 0 };
	struct reader r = reader_init(data, len);
	uint8_t version, flags;
	uint16_t count;

	if (len > BINDING_BATCH_BYTES_MAX)
		return -EBADMSG;
	version = read_u8(&r);
	if (!r.failed && version != BATCH_VERSION)
		return -EPROTONOSUPPORT;
	flags = read_u8(&r);
	h.full_begin = flags & BATCH_FULL_BEGIN;
	h.full_end = flags & BATCH_FULL_END;
	h.group = read_u32(&r);
	h.epoch = read_epoch(&r);
	count = read_u16(&r);
	if (r.failed || !batch_check_items(r, count))
		return -EBADMSG;
	*br = (struct binding_batch_reader){ .r = r, .left = count };
	*ret_header = h;
	return 0;
}

bool binding_batch_next(struct binding_batch_reader *br, boot_t now, struct binding_batch_item *ret)
{
	while (br->left > 0) {
		br->left--;
		if (batch_read_item(&br->r, now, ret) == BATCH_ITEM_KNOWN)
			return true;
	}
	return false;
}
