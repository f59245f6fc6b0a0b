/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How close two words are: for "did you mean".
 */
#ifndef RK_WORDS_H
#define RK_WORDS_H

#define WORDS_LENGTH_MAX 48 /* longer ones are far from everything */

/* Letters to insert, remove or change to make b of a (Levenshtein). */
unsigned words_distance(const char *a, const char *b);
/* From this distance on it is another word: more than a third of its letters. */
unsigned words_far(const char *word);

#endif
