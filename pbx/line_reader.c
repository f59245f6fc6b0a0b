/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int line_reader_init(struct line_reader *lr, size_t line_max)
{
	*lr = (struct line_reader){ .size = line_max + 1 };
	lr->buf = malloc(lr->size);
	return lr->buf ? 0 : -ENOMEM;
}

void line_reader_close(struct line_reader *lr)
{
	free(lr->buf);
	*lr = (struct line_reader){ 0 };
}

void line_reader_reset(struct line_reader *lr)
{
	lr->start = lr->used = 0;
	lr->skipping = false;
}

/* Makes room at the end; a full buffer without a newline is a line too long. */
static void reader_make_room(struct line_reader *lr)
{
	if (lr->start > 0) {
		memmove(lr->buf, lr->buf + lr->start, lr->used - lr->start);
		lr->used -= lr->start;
		lr->start = 0;
	}
	if (lr->used == lr->size) {
		lr->oversized += !lr->skipping;
		lr->skipping = true;
		lr->used = 0;
	}
}

int line_reader_fill(struct line_reader *lr, int fd)
{
	ssize_t n;

	reader_make_room(lr);
	do {
		n = read(fd, lr->buf + lr->used, lr->size - lr->used);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	lr->used += (size_t)n;
	return (int)n;
}

size_t line_reader_feed(struct line_reader *lr, const void *data, size_t len)
{
	reader_make_room(lr);
	if (len > lr->size - lr->used)
		len = lr->size - lr->used;
	memcpy(lr->buf + lr->used, data, len);
	lr->used += len;
	return len;
}

char *line_reader_next(struct line_reader *lr)
{
	for (;;) {
		char *line = lr->buf + lr->start;
		char *end = memchr(line, '\n', lr->used - lr->start);
		bool skipped = lr->skipping;

		if (!end)
			return NULL;
		*end = 0;
		lr->start = (size_t)(end - lr->buf) + 1;
		lr->skipping = false;
		if (!skipped)
			return line;
	}
}
