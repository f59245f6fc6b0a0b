/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is logged to stderr while `text` is logged at level. */
static size_t logged(int level, const char *text, char *ret, size_t size)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(dup2(fileno(f), STDERR_FILENO), 0);
	ck_assert_int_eq(log_open("check", LOG_INFO, false), 0);
	log_line(level, "%s", text);
	log_close();
	(void)fflush(stderr);
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	(void)close(saved);
	rewind(f);
	size_t n = fread(ret, 1, size - 1, f);

	ret[n] = 0;
	(void)fclose(f);
	return n;
}

START_TEST(logs_by_level)
{
	char text[1000];

	ck_assert_uint_gt(logged(LOG_INFO, "R120 office: 100% open", text, sizeof text), 0);
	ck_assert_ptr_nonnull(strstr(text, "R120 office: 100% open\n"));
	ck_assert_uint_eq(logged(LOG_DEBUG, "details", text, sizeof text), 0);
}
END_TEST

START_TEST(cuts_a_long_line)
{
	/* CVE-2023-39976: libqb before 2.0.8 does not survive every long line. */
	static char line[4097], text[8192];

	memset(line, 'x', sizeof line - 1);
	size_t n = logged(LOG_ERR, line, text, sizeof text);

	ck_assert_uint_gt(n, LOG_LINE_MAX - 2);
	ck_assert_uint_lt(n, LOG_LINE_MAX + 100);
}
END_TEST

START_TEST(limits_a_flood)
{
	struct log_limit l = { 0 };
	uint32_t left_out;
	int allowed = 0;

	for (int i = 0; i < 100; i++)
		allowed += log_allowed(&l, (boot_t){ NS_PER_S + i }, 5, &left_out);
	ck_assert_int_eq(allowed, 5);
	ck_assert(log_allowed(&l, (boot_t){ 2 * NS_PER_S }, 5, &left_out));
	ck_assert_uint_eq(left_out, 95);
	ck_assert(log_allowed(&l, (boot_t){ 2 * NS_PER_S }, 5, &left_out));
	ck_assert_uint_eq(left_out, 0);
}
END_TEST

UNIT_MAIN("log", logs_by_level, cuts_a_long_line, limits_a_flood)
