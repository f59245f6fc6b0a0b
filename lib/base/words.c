/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include <stdio.h>
#include <string.h>

/* Letters to insert, remove or change to make b of a (Levenshtein). */
static unsigned words_distance(const char *a, const char *b)
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

struct words_nearest words_nearest(const char *to)
{
	size_t far = strlen(to) / 3 + 1;

	return (struct words_nearest){ .to = to,
				       .distance =
					       far < WORDS_LENGTH_MAX ? (unsigned)far : WORDS_LENGTH_MAX };
}

void words_nearest_offer(struct words_nearest *n, const char *word)
{
	unsigned d = words_distance(n->to, word);

	if (d >= n->distance)
		return;
	n->word = word;
	n->distance = d;
}

const char *words_nearest_hint(const struct words_nearest *n, const char *otherwise, char ret[WORDS_HINT_MAX])
{
	if (n->word)
		(void)snprintf(ret, WORDS_HINT_MAX, "did you mean \"%.*s\"?", WORDS_LENGTH_MAX, n->word);
	else
		(void)snprintf(ret, WORDS_HINT_MAX, "%.*s", WORDS_HINT_MAX - 1, otherwise);
	return ret;
}
