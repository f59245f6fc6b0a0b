/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include <stddef.h>
#include <string.h>

unsigned words_distance(const char *a, const char *b)
{
	unsigned row[WORDS_LENGTH_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORDS_LENGTH_MAX || lb > WORDS_LENGTH_MAX)
		return WORDS_LENGTH_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			unsigned insert = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = change < insert ? change : insert;
		}
	}
	return row[lb];
}

unsigned words_far(const char *word)
{
	return (unsigned)strlen(word) / 3 + 1;
}
