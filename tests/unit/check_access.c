/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SHA-256 of "secret" */
#define SECRET "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

static struct access a;

static int parse(const char *text, struct sentence *why)
{
	return access_parse(text, strlen(text), &a, why);
}

START_TEST(who_is_known_by_what)
{
	struct sentence why = { "" };

	ck_assert_int_eq(parse("# a comment\n\n scraper\tviewer token " SECRET
			       "\nalice admin certificate " SECRET,
			       &why),
			 0);
	ck_assert_uint_eq(a.count, 2);
	ck_assert_str_eq(access_token(&a, "secret")->name, "scraper");
	ck_assert_int_eq(access_token(&a, "secret")->role, ROLE_VIEWER);
	ck_assert_str_eq(access_certificate(&a, (const uint8_t *)"secret", 6)->name, "alice");
	ck_assert_ptr_null(access_token(&a, "secret "));
	ck_assert_ptr_null(access_token(&a, ""));
	ck_assert_ptr_null(access_token(&a, SECRET));
}
END_TEST

START_TEST(what_is_wrong_is_said_with_its_line)
{
	static const char *const bad[] = {
		"a viewer token",
		"a viewer token " SECRET " x",
		"a root token " SECRET,
		"a none token " SECRET,
		"a viewer password " SECRET,
		"a viewer token 12",
		"a viewer token " SECRET "0",
		"a/b viewer token " SECRET,
		"a-name-that-is-longer-than-31-letters viewer token " SECRET,
	};
	struct sentence why;
	char text[300];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		(void)snprintf(text, sizeof text, "good viewer token " SECRET "\n%s\n", bad[i]);
		ck_assert_int_eq(parse(text, &why), -EINVAL);
		ck_assert_msg(!strncmp(why.text, "line 2: ", 8), "%s: %s", bad[i], why.text);
	}
	ck_assert_int_eq(access_parse("a\0b", 3, &a, &why), -EINVAL);
}
END_TEST

START_TEST(others_may_not_read_it)
{
	char path[] = "/tmp/ringkeep-access-XXXXXX";
	int fd = mkstemp(path);
	struct sentence why = { "" };

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(write(fd, "a viewer token " SECRET "\n", 80), 0);
	ck_assert_int_eq(access_read(path, &a, &why), 0);
	ck_assert_int_eq(fchmod(fd, 0640), 0);
	ck_assert_int_eq(access_read(path, &a, &why), 0);
	ck_assert_int_eq(fchmod(fd, 0644), 0);
	ck_assert_int_eq(access_read(path, &a, &why), -EPERM);
	ck_assert_int_eq(fchmod(fd, 0660), 0);
	ck_assert_int_eq(access_read(path, &a, &why), -EPERM);
	(void)close(fd);
	(void)unlink(path);
	ck_assert_int_eq(access_read(path, &a, &why), -ENOENT);
}
END_TEST

UNIT_MAIN("access", who_is_known_by_what, what_is_wrong_is_said_with_its_line, others_may_not_read_it)
