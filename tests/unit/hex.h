/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Golden vectors: compares bytes with hex text. A difference fails the test and prints the bytes as they are
 * now, ready to be pasted over the old text after a look at what changed.
 */
#ifndef RK_HEX_H
#define RK_HEX_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline void hex_print_literal(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(stderr, "%s%02x%s", i % 40 ? "" : "\t\"", data[i],
			i % 40 == 39 || i + 1 == len ? "\"\n" : "");
}

static inline void hex_assert(const char *expected, const uint8_t *data, size_t len)
{
	char digits[3] = "";
	bool same = strlen(expected) == 2 * len;

	for (size_t i = 0; same && i < len; i++) {
		(void)snprintf(digits, sizeof digits, "%02x", data[i]);
		same = memcmp(digits, expected + 2 * i, 2) == 0;
	}
	if (!same)
		hex_print_literal(data, len);
	ck_assert_msg(same, "the bytes differ from the golden vector; the present ones are printed above");
}

#endif
