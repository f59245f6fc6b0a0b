/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program and the API to it, with shell scripts for agents. Needs user namespaces or root.
 */
#include "fence_call.h"
#include "fence_script.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

static char agent[64], secret[64];
static char room[FENCE_ANSWER_LINE_MAX + FENCE_OUTPUT_MAX];

static void set_up(void)
{
	folder_make();
	(void)snprintf(agent, sizeof agent, "%s/agent", folder);
	(void)snprintf(secret, sizeof secret, "%s/secret", folder);
}

static void tear_down(void)
{
	(void)unlink(agent); /* not every test makes both */
	(void)unlink(secret);
	folder_remove();
}

static bool wait_end(const struct fence_call *c, int ms)
{
	struct pollfd ended = { .fd = c->pidfd, .events = POLLIN };

	return poll(&ended, 1, ms) == 1;
}

static struct fence_request request(const char *action, uint32_t timeout_ms)
{
	return (struct fence_request){ .agent = agent, .action = action, .timeout_ms = timeout_ms };
}

static struct fence_result call(const struct fence_request *r, const char **ret_text, size_t *ret_output)
{
	struct fence_call c;
	struct fence_result result;

	fence_call_init(&c, room, sizeof room);
	ck_assert_int_eq(fence_call_start(&c, FENCE_CALL, r), 0);
	while (!wait_end(&c, 20))
		fence_call_listen(&c);
	fence_call_end(&c, &result, ret_text, ret_output);
	ck_assert_int_eq(c.pid, 0);
	return result;
}

START_TEST(an_agent_is_told_and_answers)
{
	struct fence_request r = request("status", 20000);
	struct fence_result got;
	const char *text;
	size_t output;

	r.parameter[r.parameters_count++] = "ip=10.0.0.1";
	r.plug = "3";
	r.password_file = secret;
	r.password_parameter = "passwd";
	write_file(secret, 0600, "ge heim\n");
	write_file(agent, 0755, "#!/bin/sh\ncat >&2\nexit 2\n");
	got = call(&r, NULL, NULL);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_OFF);
	ck_assert_int_eq(got.code, 2);
	ck_assert_str_eq(got.said, "action=status ip=10.0.0.1 plug=3 passwd=*******");
	write_file(agent, 0755, "#!/bin/sh\necho '<xml>'; env; echo $0 $*\n");
	r.action = "metadata";
	got = call(&r, &text, &output);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_OK);
	ck_assert_uint_gt(output, 5);
	ck_assert_int_eq(strncmp(text, "<xml>\n", 6), 0);
	ck_assert_ptr_null(memmem(text, output, "heim", 4));
}
END_TEST

START_TEST(other_ends_of_an_agent)
{
	struct fence_request r = request("off", 20000);
	struct fence_result got = call(&r, NULL, NULL);

	ck_assert_int_eq(got.answer, FENCE_ANSWER_BROKEN);
	ck_assert_ptr_nonnull(strstr(got.said, "cannot be run: No such file or directory; install"));
	write_file(agent, 0644, "#!/bin/sh\nexit 0\n");
	got = call(&r, NULL, NULL);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_BROKEN);
	ck_assert_ptr_nonnull(strstr(got.said, "cannot be run: Permission denied"));
	write_file(agent, 0755, "#!/bin/sh\nkill -9 $$\n");
	got = call(&r, NULL, NULL);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_BROKEN);
	ck_assert_int_eq(got.code, -9);
	write_file(agent, 0755, "#!/bin/sh\nexit 2\n");
	got = call(&r, NULL, NULL);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_BROKEN);
	ck_assert_int_eq(got.code, 2);
	write_file(agent, 0755, "#!/bin/sh\necho no >&2; exit 1\n");
	got = call(&r, NULL, NULL);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_FAILED);
	ck_assert_str_eq(got.said, "no");
}
END_TEST

START_TEST(secrets_that_are_not_secret_are_refused)
{
	static const struct {
		mode_t mode;
		const char *text, *word;
	} cases[] = { { 0640, "x\n", "chmod 600" },
		      { 0604, "x\n", "chmod 600" },
		      { 0600, "", "empty" },
		      { 0600, "\n", "empty" },
		      { 0600, "a\nb\n", "one line" } };
	struct fence_request r = request("off", 20000);
	struct fence_result got;

	r.password_file = secret;
	r.password_parameter = "password";
	write_file(agent, 0755, "#!/bin/sh\nexit 0\n");
	got = call(&r, NULL, NULL);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_BROKEN);
	ck_assert_ptr_nonnull(strstr(got.said, "No such file"));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_file(secret, cases[i].mode, cases[i].text);
		got = call(&r, NULL, NULL);
		ck_assert_int_eq(got.answer, FENCE_ANSWER_BROKEN);
		ck_assert_msg(strstr(got.said, cases[i].word) != NULL, "%s", got.said);
	}
}
END_TEST

/* A grandchild with a session of its own that ignores TERM holds a pipe: it reads as ended when that is dead.
 */
static int start_escaping(struct fence_call *c, uint32_t timeout_ms, char *fifo, size_t size)
{
	struct fence_request r = request("off", timeout_ms);
	char script[300];
	int fd;

	(void)snprintf(fifo, size, "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	(void)snprintf(script, sizeof script,
		       "#!/bin/sh\nsetsid sh -c 'trap \"\" TERM HUP; exec >%s; echo up; sleep 60; :' &\n"
		       "trap '' TERM\nsleep 60\n",
		       fifo);
	write_file(agent, 0755, script);
	fence_call_init(c, room, sizeof room);
	ck_assert_int_eq(fence_call_start(c, FENCE_CALL, &r), 0);
	fd = open(fifo, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void await_death(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char waste[16];

	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(poll(&p, 1, 20000), 1);
		if (read(fd, waste, sizeof waste) == 0) {
			ck_assert_int_eq(close(fd), 0);
			return;
		}
	}
	ck_abort_msg("it goes on writing");
}

/* What the call says once all that it started is dead. */
static struct fence_result end_of_escaping(struct fence_call *c, int fd, const char *fifo)
{
	struct fence_result got;

	await_death(fd);
	ck_assert(wait_end(c, 20000));
	fence_call_end(c, &got, NULL, NULL);
	ck_assert_int_eq(unlink(fifo), 0);
	return got;
}

START_TEST(nothing_outlives_the_deadline)
{
	struct fence_result got;
	struct fence_call c;
	char fifo[64];
	int fd = start_escaping(&c, 700, fifo, sizeof fifo);

	got = end_of_escaping(&c, fd, fifo);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_TIMEOUT);
	ck_assert_uint_ge(got.took_ms, 700);
}
END_TEST

START_TEST(nothing_outlives_the_one_who_wants_to_know)
{
	struct fence_call c;
	char fifo[64];
	int fd = start_escaping(&c, 60000, fifo, sizeof fifo);

	ck_assert_int_eq(close(c.request), 0); /* what our death does */
	c.request = -EBADF;
	ck_assert_int_eq(end_of_escaping(&c, fd, fifo).answer, FENCE_ANSWER_BROKEN);
}
END_TEST

START_TEST(nothing_outlives_the_program)
{
	struct fence_call c;
	char fifo[64];
	int fd = start_escaping(&c, 60000, fifo, sizeof fifo);

	fence_call_kill(&c);
	ck_assert_int_eq(end_of_escaping(&c, fd, fifo).answer, FENCE_ANSWER_TIMEOUT);
}
END_TEST

START_TEST(a_flood_is_cut)
{
	struct fence_request r = request("metadata", 20000);
	struct fence_result got;
	const char *text;
	size_t output;

	write_file(agent, 0755, "#!/bin/sh\nhead -c 5000000 /dev/zero | tr '\\0' x\necho end >&2\nexit 0\n");
	got = call(&r, &text, &output);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_OK);
	ck_assert_uint_eq(output, FENCE_OUTPUT_MAX);
	ck_assert_int_eq(text[output - 1], 'x');
	ck_assert_uint_eq(strlen(got.said), FENCE_SAID_MAX - 1);
}
END_TEST

/* Until then the agent, at real-time priority, would be woken by it without end. */
START_TEST(an_output_that_ended_wakes_nobody_until_the_program_has_ended)
{
	struct fence_request r = request("status", 20000);
	struct fence_result got;
	struct fence_call c;

	write_file(agent, 0755, "#!/bin/sh\nexec >&- 2>&-\nexec sleep 60\n");
	fence_call_init(&c, room, sizeof room);
	ck_assert_int_eq(fence_call_start(&c, agent, &r), 0);
	for (int i = 0; i < 500 && c.output >= 0; i++) {
		(void)wait_end(&c, 20);
		fence_call_listen(&c);
	}
	ck_assert_int_lt(c.output, 0);
	ck_assert(!wait_end(&c, 0));
	fence_call_kill(&c);
	ck_assert(wait_end(&c, 10000));
	fence_call_end(&c, &got, NULL, NULL);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_TIMEOUT);
}
END_TEST

UNIT_MAIN_AROUND("fence_call", set_up, tear_down, an_agent_is_told_and_answers, other_ends_of_an_agent,
		 secrets_that_are_not_secret_are_refused, nothing_outlives_the_deadline,
		 nothing_outlives_the_one_who_wants_to_know, nothing_outlives_the_program, a_flood_is_cut,
		 an_output_that_ended_wakes_nobody_until_the_program_has_ended)
