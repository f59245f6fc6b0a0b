/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire_codec.h"

#include <string.h>

void codec_u8(struct codec *c, uint8_t *v)
{
	if (c->r)
		*v = read_u8(c->r);
	else
		write_u8(c->w, *v);
}

void codec_u16(struct codec *c, uint16_t *v)
{
	if (c->r)
		*v = read_u16(c->r);
	else
		write_u16(c->w, *v);
}

void codec_u32(struct codec *c, uint32_t *v)
{
	if (c->r)
		*v = read_u32(c->r);
	else
		write_u32(c->w, *v);
}

void codec_u64(struct codec *c, uint64_t *v)
{
	if (c->r)
		*v = read_u64(c->r);
	else
		write_u64(c->w, *v);
}

void codec_flags(struct codec *c, bool *const *flags, int count)
{
	uint8_t v = 0;

	for (int i = 0; c->w && i < count; i++)
		v |= (uint8_t)(*flags[i] << i);
	codec_u8(c, &v);
	if (v >> count)
		c->invalid = true;
	for (int i = 0; c->r && i < count; i++)
		*flags[i] = v >> i & 1;
}

void codec_node(struct codec *c, node_id_t *v)
{
	codec_u8(c, v);
	if (*v > NODE_ID_MAX)
		c->invalid = true;
}

void codec_time(struct codec *c, int64_t max_ns, int64_t *ns)
{
	uint64_t v = (uint64_t)*ns;

	codec_u64(c, &v);
	if (v > (uint64_t)max_ns)
		c->invalid = true;
	else if (c->r)
		*ns = (int64_t)v;
}

void codec_epoch(struct codec *c, struct epoch *e, bool may_lack_node)
{
	codec_u64(c, &e->counter);
	codec_node(c, &e->node);
	if ((e->counter == 0 && e->node) || (e->counter && !e->node && !may_lack_node))
		c->invalid = true;
}

void codec_set(struct codec *c, node_set_t *set)
{
	codec_u64(c, set);
	if (*set & 1) /* there is no node 0 */
		c->invalid = true;
}

void codec_text(struct codec *c, char *text, size_t size)
{
	if (c->r) {
		read_str8(c->r, text, size);
		text_clean(text);
	} else {
		write_str8(c->w, text);
	}
}

/* Bytes of the UTF-8 character at p, 0 if it is none (overlong, surrogate, beyond U+10FFFF, cut). */
static int utf8_length(const unsigned char *p)
{
	uint32_t code;
	int n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;

	if (n < 2)
		return n;
	code = p[0] & (0x7fU >> n);
	for (int i = 1; i < n; i++) {
		if (p[i] >> 6 != 2) /* also at the final NUL */
			return 0;
		code = code << 6 | (p[i] & 0x3fU);
	}
	if ((n == 2 && code < 0x80) || (n == 3 && code < 0x800) || (n == 4 && code < 0x10000) ||
	    (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		return 0;
	return n;
}

void text_clean(char *text)
{
	unsigned char *p = (unsigned char *)text;

	while (*p) {
		int n = utf8_length(p);

		if (n == 0 || *p < 0x20 || *p == 0x7f) {
			*p = '?';
			n = 1;
		}
		p += n;
	}
}
