/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One function for both directions of a wire format: a field is either written from or read into its place,
 * so encoder and decoder can never disagree. A value that must not be on the wire sets `invalid` in either
 * direction; running out of bytes sets `failed` of the reader or writer.
 */
#ifndef RK_WIRE_CODEC_H
#define RK_WIRE_CODEC_H

#include "bytes.h"
#include "ids.h"

struct codec {
	struct reader *r; /* one of these two */
	struct writer *w;
	bool invalid;
};

static inline bool codec_reads(const struct codec *c)
{
	return c->r != NULL;
}

void codec_u8(struct codec *c, uint8_t *v);
void codec_u16(struct codec *c, uint16_t *v);
void codec_u32(struct codec *c, uint32_t *v);
void codec_u64(struct codec *c, uint64_t *v);
/* Up to 8 flags in a byte, the first in the lowest bit; the other bits must be 0. */
void codec_flags(struct codec *c, bool *const *flags, int count);
/* 0 to NODE_ID_MAX. */
void codec_node(struct codec *c, node_id_t *v);
/* 0 to max_ns. */
void codec_time(struct codec *c, int64_t max_ns, int64_t *ns);
/* {0,0} or both parts set; a ceiling is nobody's epoch and may lack the node. */
void codec_epoch(struct codec *c, struct epoch *e, bool may_lack_node);
void codec_set(struct codec *c, node_set_t *set);
/* size with the NUL; read text is clean UTF-8 without control characters: see text_clean(). */
void codec_text(struct codec *c, char *text, size_t size);

/* Replaces in place what would harm a log or a JSON text: control characters and broken UTF-8 become '?'. */
void text_clean(char *text);

#endif
