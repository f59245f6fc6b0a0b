/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Splits what comes from a descriptor into lines of a bounded length. A longer line is dropped whole and
 * counted; the next one is read as if nothing had been.
 */
#ifndef RK_LINE_READER_H
#define RK_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_reader {
	char *buf;
	size_t size;
	size_t start; /* of the first line not yet given out */
	size_t used;
	bool skipping; /* inside a line that is too long */
	uint64_t oversized;
};

/* line_max: bytes of a line without its newline. */
int line_reader_init(struct line_reader *lr, size_t line_max);
void line_reader_close(struct line_reader *lr);
void line_reader_reset(struct line_reader *lr);
/* Reads once: bytes read, 0 at the end, -EAGAIN, -errno. */
int line_reader_fill(struct line_reader *lr, int fd);
/* The same from memory, for tests; returns the bytes taken. */
size_t line_reader_feed(struct line_reader *lr, const void *data, size_t len);
/* The next line without its newline, NUL-terminated, valid until the next fill; NULL = none yet. */
char *line_reader_next(struct line_reader *lr);

#endif
