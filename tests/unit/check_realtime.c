/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who may not have real-time priority has nothing to test here but that.
 */
#include "realtime.h"
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

static bool told(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, SIGXCPU) == 1;
}

static double spent_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* It is, and is told by a signal that waits. */
static bool may_be_realtime(void)
{
	sigset_t xcpu;

	(void)sigemptyset(&xcpu);
	(void)sigaddset(&xcpu, SIGXCPU);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &xcpu, NULL), 0);
	return realtime_priority(1) != -EPERM;
}

START_TEST(who_turns_without_a_pause_is_told_and_steps_down)
{
	struct rlimit limit;
	double start;

	if (!may_be_realtime())
		return;
	for (start = spent_s(); !told() && spent_s() < start + 0.8;)
		;
	ck_assert(told());
	ck_assert_double_gt(spent_s() - start, REALTIME_SPIN_MS / 1000.0 / 2);
	ck_assert_int_eq(realtime_step_down(), 0);
	ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
	/* The kernel has raised the limit by a second: it counts anew. */
	ck_assert_int_eq(realtime_priority(1), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_RTTIME, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, REALTIME_SPIN_MS * 1000);
}
END_TEST

/* What was spent before counts no more: neither at ordinary priority nor, above all, right after it. */
START_TEST(who_comes_back_has_all_of_its_time_again)
{
	const struct timespec none = { 0 };
	sigset_t xcpu;
	double start;

	if (!may_be_realtime())
		return;
	for (start = spent_s(); !told() && spent_s() < start + 0.8;)
		;
	ck_assert(told());
	ck_assert_int_eq(realtime_step_down(), 0);
	(void)sigemptyset(&xcpu);
	(void)sigaddset(&xcpu, SIGXCPU);
	ck_assert_int_eq(sigtimedwait(&xcpu, NULL, &none), SIGXCPU);
	ck_assert_int_eq(realtime_priority(1), 0);
	for (start = spent_s(); spent_s() < start + REALTIME_SPIN_MS / 1000.0 / 3;)
		;
	ck_assert(!told());
}
END_TEST

START_TEST(who_sleeps_now_and_then_is_left_alone)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	if (!may_be_realtime())
		return;
	for (int i = 0; i < 5; i++) {
		for (double start = spent_s(); spent_s() < start + REALTIME_SPIN_MS / 1000.0 / 3;)
			;
		(void)nanosleep(&nap, NULL);
	}
	ck_assert(!told());
}
END_TEST

UNIT_MAIN("realtime", who_turns_without_a_pause_is_told_and_steps_down,
	  who_comes_back_has_all_of_its_time_again, who_sleeps_now_and_then_is_left_alone)
