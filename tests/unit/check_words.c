/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include <string.h>

#include "unit.h"

static const char *nearest(const char *to)
{
	static const char *const words[] = { "status", "standby", "unstandby", "uplink", "" };
	struct words_nearest n = words_nearest(to);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		words_nearest_offer(&n, words[i]);
	return n.word ? n.word : "none";
}

START_TEST(finds_the_nearest)
{
	ck_assert_str_eq(nearest("stauts"), "status");
	ck_assert_str_eq(nearest("upplinks"), "uplink");
	ck_assert_str_eq(nearest("unstandbye"), "unstandby");
	ck_assert_str_eq(nearest("standby"), "standby");
	ck_assert_str_eq(nearest("reload"), "none");
	ck_assert_str_eq(nearest("up"), "none");
	ck_assert_str_eq(nearest(""), "");
}
END_TEST

START_TEST(a_long_word_is_near_to_nothing)
{
	char longest[300];

	memset(longest, 's', sizeof longest - 1);
	longest[sizeof longest - 1] = 0;
	ck_assert_str_eq(nearest(longest), "none");
}
END_TEST

START_TEST(hints)
{
	struct words_nearest n = words_nearest("stauts");
	char hint[WORDS_HINT_MAX], otherwise[2 * WORDS_HINT_MAX];

	ck_assert_str_eq(words_nearest_hint(&n, "see the list", hint), "see the list");
	words_nearest_offer(&n, "status");
	words_nearest_offer(&n, "standby");
	ck_assert_str_eq(words_nearest_hint(&n, "see the list", hint), "did you mean \"status\"?");
	n.word = NULL;
	memset(otherwise, 'x', sizeof otherwise - 1);
	otherwise[sizeof otherwise - 1] = 0;
	ck_assert_uint_eq(strlen(words_nearest_hint(&n, otherwise, hint)), WORDS_HINT_MAX - 1);
}
END_TEST

UNIT_MAIN("words", finds_the_nearest, a_long_word_is_near_to_nothing, hints)
