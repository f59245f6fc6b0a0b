/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bounded_text.h"

#include <stdarg.h>
#include <stdio.h>

void text_add(struct bounded_text *t, const char *format, ...)
{
	size_t left = t->size - t->used;
	va_list args;
	int n;

	if (t->full)
		return; /* nothing after a gap */
	va_start(args, format);
	n = vsnprintf(t->p + t->used, left, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < left) {
		t->used += (size_t)n;
		return;
	}
	t->full = true;
	t->p[t->used] = 0;
}
