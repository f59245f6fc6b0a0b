/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One check(3) suite per file: UNIT_MAIN("name", test, test, ...).
 */
#ifndef RK_UNIT_H
#define RK_UNIT_H

#include <check.h>
#include <stdlib.h>

static int unit_run(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < count; i++)
		tcase_add_test(tc, tests[i]);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define UNIT_MAIN(name, ...)                                                  \
	int main(void)                                                        \
	{                                                                     \
		const TTest *const tests[] = { __VA_ARGS__ };                 \
		return unit_run(name, tests, sizeof tests / sizeof tests[0]); \
	}

#endif
