/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A text that is put together piece by piece in a buffer of the caller's. A piece that does not fit is left
 * out whole, `full` stays set, and the text is good for nothing: whoever sends it looks there first.
 */
#ifndef RK_BOUNDED_TEXT_H
#define RK_BOUNDED_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct bounded_text {
	char *p; /* size > 0 bytes, always ended by a NUL after the first piece */
	size_t used, size;
	bool full;
};

void text_add(struct bounded_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
