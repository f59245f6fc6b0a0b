/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With shell scripts for agents. Needs user namespaces or root.
 */
#include "clock_read.h"
#include "fence_runner.h"
#include "fence_script.h"
#include "unit.h"

#include <poll.h>

#define ANSWERS_MAX 16

static char agent[2][64];
static struct fence_runner *r;
static struct {
	uint32_t seq;
	struct fence_result result;
} answers[ANSWERS_MAX];
static size_t count;

static void write_agent(int which, const char *text)
{
	char script[300];

	(void)snprintf(agent[which], sizeof agent[which], "%s/%d", folder, which);
	(void)snprintf(script, sizeof script, "#!/bin/sh\n%s\n", text);
	write_file(agent[which], 0755, script);
}

/* Device 9 has no agent; even devices have the first one. */
static bool on_request(void *ctx, const struct plan_fence_call *call, struct fence_request *ret)
{
	*ret = (struct fence_request){ .agent = agent[call->device % 2],
				       .action = call->watch ? "status" : "off" };
	return call->device != 9;
}

static void on_answered(void *ctx, const struct plan_fence_call *call, const struct fence_result *result)
{
	ck_assert_uint_lt(count, ANSWERS_MAX);
	answers[count].seq = call->seq;
	answers[count++].result = *result;
}

static void set_up(void)
{
	static const struct fence_runner_ops ops = { on_request, on_answered };

	folder_make();
	write_agent(0, "exit 0");
	write_agent(1, "exit 1");
	count = 0;
	ck_assert_int_eq(fence_runner_new(FENCE_CALL, &ops, NULL, &r), 0);
}

static void tear_down(void)
{
	fence_runner_free(r);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(unlink(agent[i]), 0);
	folder_remove();
}

static void ask(uint32_t seq, fence_device_t device, bool watch, int64_t timeout_ms)
{
	const struct plan_fence_call call = { .seq = seq,
					      .device = device,
					      .verb = watch ? FENCE_STATUS : FENCE_OFF,
					      .target = 2,
					      .timeout_ns = timeout_ms * NS_PER_MS,
					      .watch = watch };

	fence_runner_call(r, &call, clock_now().boot);
}

/* Works until there are so many answers. */
static void await(size_t wanted)
{
	struct pollfd p = { .fd = fence_runner_fd(r), .events = POLLIN };
	int64_t end = clock_now().boot.ns + 30 * NS_PER_S;

	while (count < wanted) {
		boot_t now = clock_now().boot, next = fence_runner_next(r);
		int64_t left_ms = boot_diff_ns(now, next) / NS_PER_MS;

		ck_assert_int_lt(now.ns, end);
		(void)poll(&p, 1, left_ms < 0 ? 0 : left_ms > 1000 ? 1000 : (int)left_ms);
		fence_runner_work(r, clock_now().boot);
	}
	ck_assert_uint_eq(count, wanted);
}

START_TEST(every_call_is_answered_later)
{
	for (fence_device_t i = 0; i < 6; i++)
		ask(i + 1U, i, false, 20000);
	ck_assert_uint_eq(count, 0);
	await(6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(answers[i].result.answer,
				 answers[i].seq % 2 ? FENCE_ANSWER_OK : FENCE_ANSWER_FAILED);
	ck_assert_int_eq(fence_runner_next(r).ns, BOOT_NEVER.ns);
}
END_TEST

START_TEST(one_after_the_other_on_one_device)
{
	char text[200];

	(void)snprintf(text, sizeof text, "mkdir %s/lock || exit 3; sleep 0.1; rmdir %s/lock", folder,
		       folder);
	write_agent(0, text);
	for (uint32_t i = 1; i <= 4; i++)
		ask(i, 0, false, 20000);
	await(4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(answers[i].seq, i + 1);
		ck_assert_int_eq(answers[i].result.answer, FENCE_ANSWER_OK);
	}
}
END_TEST

START_TEST(a_shot_does_not_wait_for_who_watches)
{
	write_agent(0, "read action; [ $action = action=status ] && sleep 60; exit 0");
	ask(1, 0, true, 50000);
	ask(2, 0, false, 20000);
	await(1);
	ck_assert_uint_eq(answers[0].seq, 2); /* the watch is dead, and nobody is told */
	ck_assert_int_eq(answers[0].result.answer, FENCE_ANSWER_OK);
	ask(3, 0, false, 20000);
	await(2);
	ck_assert_uint_eq(answers[1].seq, 3);
}
END_TEST

START_TEST(the_time_of_a_call_runs_while_it_waits)
{
	write_agent(0, "sleep 60");
	ask(1, 0, false, 400);
	ask(2, 0, false, 200);
	ask(3, 9, false, 20000);
	await(3);
	for (size_t i = 0; i < 3; i++)
		switch (answers[i].seq) {
		case 1:
			ck_assert_int_eq(answers[i].result.answer, FENCE_ANSWER_TIMEOUT);
			break;
		case 2:
			ck_assert_int_eq(answers[i].result.answer, FENCE_ANSWER_BROKEN);
			ck_assert_str_eq(answers[i].result.said, "the device was busy all the time");
			break;
		default:
			ck_assert_str_eq(answers[i].result.said, "the device has no agent");
		}
}
END_TEST

START_TEST(it_ends_while_agents_run)
{
	write_agent(0, "sleep 60");
	ask(1, 0, false, 50000);
	ask(2, 2, true, 50000);
	ask(3, 2, false, 50000);
	fence_runner_work(r, clock_now().boot);
	ck_assert_uint_eq(count, 0); /* the rest is tear_down()'s */
}
END_TEST

UNIT_MAIN_AROUND("fence_runner", set_up, tear_down, every_call_is_answered_later,
		 one_after_the_other_on_one_device, a_shot_does_not_wait_for_who_watches,
		 the_time_of_a_call_runs_while_it_waits, it_ends_while_agents_run)
