/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_child.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>

static void run(struct guard_child *c, const char *script)
{
	char *const argv[] = { "/bin/sh", "-c", (char *)(uintptr_t)script, NULL };

	guard_child_init(c);
	ck_assert_int_eq(guard_child_start(c, argv, "told\n"), 0);
}

static bool wait_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

START_TEST(is_told_and_heard)
{
	struct guard_child c;

	run(&c, "cat; echo said >&2; exit 1");
	while (!wait_readable(c.pidfd, 20))
		guard_child_listen(&c);
	ck_assert_int_eq(guard_child_end(&c), -EIO);
	ck_assert_str_eq(c.said, "told\nsaid\n");
}
END_TEST

/* Between the two a real-time process that is woken again and again would take the processor that the child
 * needs to end. */
START_TEST(an_output_that_ended_wakes_nobody_until_the_child_has_ended)
{
	struct guard_child c;

	run(&c, "exec >&- 2>&-; sleep 60");
	ck_assert(wait_readable(c.output, 10000));
	guard_child_listen(&c);
	ck_assert_int_lt(c.output, 0);
	ck_assert(!wait_readable(c.pidfd, 0));
	guard_child_listen(&c); /* as before its end */
	guard_child_kill(&c);
	ck_assert(wait_readable(c.pidfd, 10000));
	ck_assert_int_eq(guard_child_end(&c), -ETIMEDOUT);
}
END_TEST

UNIT_MAIN("guard_child", is_told_and_heard, an_output_that_ended_wakes_nobody_until_the_child_has_ended)
