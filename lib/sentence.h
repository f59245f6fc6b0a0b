/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Why something failed, for a person: filled beside an -errno by operations whose number alone says little.
 */
#ifndef RK_SENTENCE_H
#define RK_SENTENCE_H

#include <stdarg.h>
#include <stdio.h>

struct sentence {
	char text[320];
};

/* Writes the sentence and returns error, so that `return sentence_fail(s, -EINVAL, "...")` reads well. s may
 * be NULL. */
static inline __attribute__((format(printf, 3, 4))) int sentence_fail(struct sentence *s, int error,
								      const char *format, ...)
{
	va_list args;

	if (s) {
		va_start(args, format);
		(void)vsnprintf(s->text, sizeof s->text, format, args); /* a cut sentence is still one */
		va_end(args);
	}
	return error;
}

#endif
