/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Big-endian readers and writers over a bounded buffer, for every wire format of ours. A read or write past
 * the end does nothing, returns zero and sets `failed`, so a codec checks once at its end.
 */
#ifndef RK_BYTES_H
#define RK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	const uint8_t *p;
	size_t left;
	bool failed;
};

struct writer {
	uint8_t *start;
	size_t used;
	size_t size;
	bool failed;
};

/* Borrows data for the life of the reader / writer. */
struct reader reader_init(const void *data, size_t len);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
/* Copies len bytes; on failure fills ret with zeros. */
void read_bytes(struct reader *r, void *ret, size_t len);
/* A pointer into the buffer, or NULL. */
const uint8_t *read_span(struct reader *r, size_t len);
/* u8 length, then that many bytes without NUL; size includes the final NUL; a longer or NUL-carrying string
 * fails. */
void read_str8(struct reader *r, char *ret, size_t size);
/* The same with a u16 length. */
void read_str16(struct reader *r, char *ret, size_t size);
/* True if all reads succeeded and nothing is left. */
bool reader_done(const struct reader *r);

struct writer writer_init(void *buf, size_t size);
void write_u8(struct writer *w, uint8_t v);
void write_u16(struct writer *w, uint16_t v);
void write_u32(struct writer *w, uint32_t v);
void write_u64(struct writer *w, uint64_t v);
void write_bytes(struct writer *w, const void *data, size_t len);
void write_str8(struct writer *w, const char *s);
void write_str16(struct writer *w, const char *s);

#endif
