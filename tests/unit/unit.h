/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One check(3) suite per file: UNIT_MAIN("name", test, test, ...), or UNIT_MAIN_AROUND("name", set_up,
 * tear_down, test, ...) with what is done before and after each test. A test may take two minutes.
 */
#ifndef RK_UNIT_H
#define RK_UNIT_H

#include <check.h>
#include <stdlib.h>

static int unit_run(const char *name, SFun set_up, SFun tear_down, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tc, tests[i]);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define UNIT_MAIN(name, ...) UNIT_MAIN_AROUND(name, NULL, NULL, __VA_ARGS__)

#define UNIT_MAIN_AROUND(name, set_up, tear_down, ...)                                           \
	int main(void)                                                                           \
	{                                                                                        \
		const TTest *const tests[] = { __VA_ARGS__ };                                    \
		return unit_run(name, set_up, tear_down, tests, sizeof tests / sizeof tests[0]); \
	}

#endif
