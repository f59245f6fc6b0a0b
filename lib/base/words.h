/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of some words comes nearest to one that is none of them: "did you mean". Pure.
 */
#ifndef RK_WORDS_H
#define RK_WORDS_H

#define WORDS_LENGTH_MAX 48 /* longer ones are far from everything */
#define WORDS_HINT_MAX	 128

struct words_nearest {
	const char *to;	  /* borrowed, as is what is offered */
	const char *word; /* the nearest; NULL: more than a third of its letters are others in each */
	unsigned distance;
};

struct words_nearest words_nearest(const char *to);
void words_nearest_offer(struct words_nearest *n, const char *word);
/* did you mean "WORD"? Or what is said if there is none. Returns ret. */
const char *words_nearest_hint(const struct words_nearest *n, const char *otherwise,
			       char ret[WORDS_HINT_MAX]);

#endif
