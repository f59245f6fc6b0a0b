/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bytes of a batch of binding changes, as carried in one BINDINGS message of the heartbeat. Pure. Golden
 * vector in tests/unit/check_binding_wire.c, fuzzed by tests/fuzz/fuzz_binding.c.
 *
 * Batch, all numbers big endian:
 *   u8 version (1) | u8 flags (1 = full list begins, 2 = full list ends) | u32 group wire id
 *   u64+u8 epoch of the sender's tenure | u16 count | count items
 * Item:
 *   u16 length of what follows | u8 kind (1 put, 2 remove) | u64+u8 epoch
 *   put: u32 remaining_ms (0xffffffff permanent) | u32 age_ms | u32 cseq | u32 reg_id | u32 methods
 *        u32 flags | u32 cflags | u16 q_milli (0xffff unset) | 8 texts, each ending in NUL, in the order of
 *        enum binding_field up to BINDING_INSTANCE; only if one of them is set: u8 priority | the other texts
 *   remove: AOR and contact, each ending in NUL
 * Bytes of an item after what this version knows are ignored, so fields can be added at its end; an item of
 * an unknown kind is skipped.
 */
#ifndef RK_BINDING_WIRE_H
#define RK_BINDING_WIRE_H

#include "binding.h"
#include "bytes.h"

#define BINDING_BATCH_BYTES_MAX (60 * 1024)

struct binding_batch_header {
	uint32_t group;	    /* group_wire_id() */
	struct epoch epoch; /* the sender's tenure; none if it does not hold the group */
	bool full_begin;    /* this batch is the first / the last one of a full list */
	bool full_end;
};

struct binding_batch_writer {
	struct writer w;
	uint16_t count;
};

/* buf must live until end. size is at most BINDING_BATCH_BYTES_MAX and holds at least one binding of
 * BINDING_TEXT_MAX. */
void binding_batch_begin(struct binding_batch_writer *bw, const struct binding_batch_header *h, void *buf,
			 size_t size);
/* 0; -ENOSPC the batch is full: end it and begin another; the error of binding_check(). b->epoch travels. */
int binding_batch_put(struct binding_batch_writer *bw, const struct binding *b, boot_t now);
int binding_batch_remove(struct binding_batch_writer *bw, const char *aor, const char *contact,
			 struct epoch epoch);
/* Bytes of the batch. Flags may be corrected here, when the writer learns that this batch is the last. */
size_t binding_batch_end(struct binding_batch_writer *bw, bool full_end);

struct binding_batch_item {
	bool remove;	  /* only AOR, contact and epoch of b are set */
	struct binding b; /* borrows from the batch's bytes */
};

struct binding_batch_reader {
	struct reader r;
	uint16_t left;
};

/* Checks the whole batch first, so that a bad one changes nothing. 0; -EBADMSG malformed; -EPROTONOSUPPORT
 * another version. */
int binding_batch_open(struct binding_batch_reader *br, const void *data, size_t len,
		       struct binding_batch_header *ret_header);
/* False at the end. */
bool binding_batch_next(struct binding_batch_reader *br, boot_t now, struct binding_batch_item *ret);

#endif
