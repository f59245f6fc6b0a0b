/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bytes.h"

#include <string.h>

struct reader reader_init(const void *data, size_t len)
{
	return (struct reader){ .p = data, .left = len };
}

const uint8_t *read_span(struct reader *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

static uint64_t read_be(struct reader *r, size_t len)
{
	const uint8_t *p = read_span(r, len);
	uint64_t v = 0;

	for (size_t i = 0; p && i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t read_u8(struct reader *r)
{
	return (uint8_t)read_be(r, 1);
}

uint16_t read_u16(struct reader *r)
{
	return (uint16_t)read_be(r, 2);
}

uint32_t read_u32(struct reader *r)
{
	return (uint32_t)read_be(r, 4);
}

uint64_t read_u64(struct reader *r)
{
	return read_be(r, 8);
}

void read_bytes(struct reader *r, void *ret, size_t len)
{
	const uint8_t *p = read_span(r, len);

	if (p && len)
		memcpy(ret, p, len);
	else if (len)
		memset(ret, 0, len);
}

static void read_str(struct reader *r, size_t len, char *ret, size_t size)
{
	const uint8_t *p = read_span(r, len);

	ret[0] = '\0';
	if (!p)
		return;
	if (len >= size || (len && memchr(p, 0, len))) {
		r->failed = true;
		return;
	}
	memcpy(ret, p, len);
	ret[len] = '\0';
}

void read_str8(struct reader *r, char *ret, size_t size)
{
	read_str(r, read_u8(r), ret, size);
}

void read_str16(struct reader *r, char *ret, size_t size)
{
	read_str(r, read_u16(r), ret, size);
}

bool reader_done(const struct reader *r)
{
	return !r->failed && r->left == 0;
}

struct writer writer_init(void *buf, size_t size)
{
	return (struct writer){ .start = buf, .size = size };
}

void write_bytes(struct writer *w, const void *data, size_t len)
{
	if (w->failed || len > w->size - w->used) {
		w->failed = true;
		return;
	}
	if (len)
		memcpy(w->start + w->used, data, len);
	w->used += len;
}

static void write_be(struct writer *w, uint64_t v, size_t len)
{
	uint8_t b[8];

	for (size_t i = 0; i < len; i++)
		b[i] = (uint8_t)(v >> 8 * (len - 1 - i));
	write_bytes(w, b, len);
}

void write_u8(struct writer *w, uint8_t v)
{
	write_be(w, v, 1);
}

void write_u16(struct writer *w, uint16_t v)
{
	write_be(w, v, 2);
}

void write_u32(struct writer *w, uint32_t v)
{
	write_be(w, v, 4);
}

void write_u64(struct writer *w, uint64_t v)
{
	write_be(w, v, 8);
}

void write_str8(struct writer *w, const char *s)
{
	size_t len = strlen(s);

	if (len > UINT8_MAX) {
		w->failed = true;
		return;
	}
	write_u8(w, (uint8_t)len);
	write_bytes(w, s, len);
}

void write_str16(struct writer *w, const char *s)
{
	size_t len = strlen(s);

	if (len > UINT16_MAX) {
		w->failed = true;
		return;
	}
	write_u16(w, (uint16_t)len);
	write_bytes(w, s, len);
}
