/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A configuration file that is right, as text: read, edited, and what is said of an edit that makes it wrong.
 */
#ifndef RK_UNIT_CONFIG_TEXT_H
#define RK_UNIT_CONFIG_TEXT_H

#include "cleanup.h"
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_A "rk1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B "rk1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"
#define KEY_C "rk1:CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA"

/* One edit of the good file, and all errors that it must give, a line each. */
struct config_bad_case {
	const char *find, *replace; /* find NULL: appended */
	const char *errors;
};

/* The caller's to free. */
static inline char *config_edit(const char *good, const char *find, const char *replace)
{
	const char *at = find ? strstr(good, find) : good + strlen(good);
	char *ret = NULL;
	int r;

	ck_assert_msg(at != NULL, "the good file has no \"%s\"", find);
	r = asprintf(&ret, "%.*s%s%s", (int)(at - good), good, replace, find ? at + strlen(find) : "");
	ck_assert_int_gt(r, 0);
	return ret;
}

/* The caller's to free. */
static inline struct config *config_parsed(const char *text)
{
	struct config *c = config_new();
	static struct config_errors errors;
	int r = config_parse_text("f", text, strlen(text), c, &errors);

	ck_assert_msg(r == 0, "%s", errors.error[0].text);
	return c;
}

static inline bool config_is_refused(const char *good, const struct config_bad_case *bad)
{
	bool print = getenv("RINGKEEP_PRINT_ERRORS") != NULL; /* to write the rows */
	_cleanup_(free_ptr) char *text = config_edit(good, bad->find, bad->replace);
	_cleanup_(config_free_ptr) struct config *c = config_new();
	_cleanup_(free_ptr) char *got = NULL;
	static struct config_errors e;
	size_t len;
	FILE *f = open_memstream(&got, &len);
	int r = config_parse_text("f", text, strlen(text), c, &e);

	ck_assert_ptr_nonnull(f);
	for (uint32_t k = 0; k < e.count && k < CONFIG_ERRORS_MAX; k++)
		(void)fprintf(f, "%s%s", k ? "\n" : "", e.error[k].text);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(c->nodes_count, 0); /* nothing half applied */
	if (r != -EINVAL || strcmp(got, bad->errors)) {
		(void)printf("%s: r = %d\n  expected:\n%s\n  got:\n%s\n", bad->replace, r, bad->errors, got);
		return false;
	}
	if (print)
		(void)printf("%s\n", got);
	return true;
}

/* Prints each that is not. */
static inline void config_all_are_refused(const char *good, const struct config_bad_case *bad, size_t count)
{
	int wrong = 0;

	for (size_t i = 0; i < count; i++)
		wrong += !config_is_refused(good, &bad[i]);
	ck_assert_int_eq(wrong, 0);
}

#endif
