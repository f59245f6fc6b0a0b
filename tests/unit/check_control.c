/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include "cleanup.h"
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A server in a directory of its own; the role of every peer is what the test says. */
struct bench {
	char dir[40], path[64];
	struct control *control;
	enum config_role role;
	control_ticket_t ticket; /* of the latest "later" or "watch" */
	int gone;
	char args[64];
};

static enum control_answer on_echo(void *ctx, const struct control_request *req, json_t **ret)
{
	struct bench *b = ctx;
	const char *text = json_string_value(json_object_get(req->args, "text"));

	(void)snprintf(b->args, sizeof b->args, "%s", text ? text : "-");
	*ret = control_ok(json_pack("{s:s, s:i}", "text", b->args, "uid", (int)req->uid));
	return CONTROL_REPLY;
}

static enum control_answer on_big(void *ctx, const struct control_request *req, json_t **ret)
{
	json_t *list = json_array();

	for (int i = 0; i < 20000; i++)
		(void)json_array_append_new(list, json_string("0123456789012345678901234567890123456789"));
	*ret = control_ok(list);
	return CONTROL_REPLY;
}

static enum control_answer on_later(void *ctx, const struct control_request *req, json_t **ret)
{
	((struct bench *)ctx)->ticket = req->ticket;
	return CONTROL_LATER;
}

static enum control_answer on_watch(void *ctx, const struct control_request *req, json_t **ret)
{
	((struct bench *)ctx)->ticket = req->ticket;
	return CONTROL_STREAM;
}

static const struct control_command commands[] = {
	{ "echo", ROLE_VIEWER, on_echo },     { "big", ROLE_VIEWER, on_big },
	{ "later", ROLE_OPERATOR, on_later }, { "watch", ROLE_VIEWER, on_watch },
	{ "danger", ROLE_ADMIN, on_echo },    { NULL, ROLE_NONE, NULL }
};

static enum config_role role_of(void *ctx, uid_t uid, const char *user)
{
	ck_assert_uint_eq(uid, getuid());
	return ((struct bench *)ctx)->role;
}

static void on_gone(void *ctx, control_ticket_t ticket)
{
	struct bench *b = ctx;

	ck_assert_uint_eq(ticket.value, b->ticket.value);
	b->gone++;
}

static const struct control_ops ops = { .role = role_of, .gone = on_gone };
static const struct instant zero;

static void bench_open(struct bench *b)
{
	char why[200];

	*b = (struct bench){ .dir = "/tmp/ringkeep-control-XXXXXX", .role = ROLE_ADMIN };
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
	(void)snprintf(b->path, sizeof b->path, "%s/control.sock", b->dir);
	ck_assert_msg(control_open(&b->control, b->path, commands, &ops, b, why, sizeof why) == 0, "%s", why);
}

static void bench_close(struct bench *b)
{
	control_close(b->control);
	ck_assert_int_eq(rmdir(b->dir), 0); /* the socket file is gone */
}

static void run(struct bench *b)
{
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(control_readable(b->control, zero), 0);
}

static int dial(struct bench *b)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", b->path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	run(b);
	return fd;
}

/* What the server has said up to now, or "(closed)" appended. */
static const char *say(struct bench *b, int fd, const char *request)
{
	static char answer[4096];
	size_t used = 0;
	ssize_t n;

	if (request)
		ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	run(b);
	while ((n = recv(fd, answer + used, sizeof answer - used - 16, 0)) > 0)
		used += (size_t)n;
	answer[used] = 0;
	if (n == 0 || errno == ECONNRESET)
		memcpy(answer + used, "(closed)", 9);
	return answer;
}

START_TEST(answers_and_tells_refusals)
{
	struct bench b;
	char want[200];

	bench_open(&b);
	int fd = dial(&b);

	(void)snprintf(want, sizeof want, "{\"ok\":true,\"data\":{\"text\":\"hi\",\"uid\":%u}}\n", getuid());
	ck_assert_str_eq(say(&b, fd, "{\"command\":\"echo\",\"args\":{\"text\":\"hi\"}}\n"), want);
	ck_assert_ptr_nonnull(strstr(say(&b, fd, "{\"command\":\"nosuch\"}\n"), "\"code\":\"usage\""));
	ck_assert_ptr_nonnull(
		strstr(say(&b, fd, "{\"command\":\"echo\",\"args\":[]}\n"), "\"code\":\"usage\""));
	ck_assert_ptr_nonnull(
		strstr(say(&b, fd, "{\"command\":\"echo\",\"command\":\"danger\"}\n"), "usage"));
	ck_assert_ptr_nonnull(strstr(say(&b, fd, "not json\n"), "\"code\":\"usage\""));
	ck_assert_uint_eq(control_counters(b.control)->malformed, 3);
	(void)close(fd);
	bench_close(&b);
}
END_TEST

START_TEST(obeys_roles)
{
	static const struct {
		enum config_role role;
		bool echo, later, danger;
	} cases[] = { { ROLE_NONE, false, false, false },
		      { ROLE_VIEWER, true, false, false },
		      { ROLE_OPERATOR, true, true, false },
		      { ROLE_ADMIN, true, true, true } };
	struct bench b;

	bench_open(&b);
	for (int i = 0; i < 4; i++) {
		b.role = cases[i].role;
		int fd = dial(&b);

		ck_assert_int_eq(!strstr(say(&b, fd, "{\"command\":\"echo\"}\n"), "\"forbidden\""),
				 cases[i].echo);
		ck_assert_int_eq(!strstr(say(&b, fd, "{\"command\":\"danger\"}\n"), "\"forbidden\""),
				 cases[i].danger);
		ck_assert_int_eq(!strstr(say(&b, fd, "{\"command\":\"later\"}\n"), "\"forbidden\""),
				 cases[i].later);
		(void)close(fd);
		run(&b);
	}
	ck_assert_uint_eq(control_counters(b.control)->forbidden, 6);
	bench_close(&b);
}
END_TEST

START_TEST(who_asks_for_another_has_no_more_than_both)
{
	static const char *const bad[] = {
		"{}",
		"1",
		"{\"user\":\"a\"}",
		"{\"user\":\"\",\"role\":\"viewer\"}",
		"{\"user\":\"a b\",\"role\":\"viewer\"}",
		"{\"user\":\"a\",\"role\":\"root\"}",
		"{\"user\":\"a-name-that-is-longer-than-31-letters\",\"role\":\"viewer\"}"
	};
	static const char *const roles[] = { "none", "viewer", "operator", "admin" };
	struct bench b;
	char line[200];

	bench_open(&b);
	for (int peer = 0; peer < 4; peer++)
		for (int as = 0; as < 4; as++) {
			b.role = (enum config_role)peer;
			int fd = dial(&b);

			(void)snprintf(
				line, sizeof line,
				"{\"command\":\"danger\",\"as\":{\"user\":\"alice\",\"role\":\"%s\"}}\n",
				roles[as]);
			ck_assert_int_eq(!strstr(say(&b, fd, line), "\"forbidden\""),
					 peer >= ROLE_ADMIN && as >= ROLE_ADMIN);
			(void)close(fd);
			run(&b);
		}
	int fd = dial(&b);

	(void)snprintf(line, sizeof line,
		       "{\"command\":\"danger\",\"as\":{\"user\":\"alice\",\"role\":\"viewer\"}}\n");
	ck_assert_ptr_nonnull(strstr(say(&b, fd, line), "user alice/"));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		(void)snprintf(line, sizeof line, "{\"command\":\"echo\",\"as\":%s}\n", bad[i]);
		ck_assert_ptr_nonnull(strstr(say(&b, fd, line), "\"usage\""));
	}
	(void)close(fd);
	run(&b);
	bench_close(&b);
}
END_TEST

START_TEST(answers_later_in_order_and_streams)
{
	struct bench b;

	bench_open(&b);
	int fd = dial(&b), watcher = dial(&b);

	ck_assert_str_eq(
		say(&b, fd, "{\"command\":\"later\"}\n{\"command\":\"echo\",\"args\":{\"text\":\"2\"}}\n"),
		"");
	ck_assert_str_eq(b.args, ""); /* the second waits for the answer to the first */
	control_reply(b.control, b.ticket, control_ok(NULL));
	ck_assert_ptr_nonnull(strstr(say(&b, fd, NULL),
				     "{\"ok\":true,\"data\":{}}\n{\"ok\":true,\"data\":{\"text\":\"2\""));

	ck_assert_str_eq(say(&b, watcher, "{\"command\":\"watch\"}\n"), "");
	ck_assert(control_has_streams(b.control, "watch"));
	json_t *event = json_pack("{s:i}", "n", 1);

	control_publish(b.control, "watch", event);
	json_decref(event);
	ck_assert_str_eq(say(&b, watcher, NULL), "{\"event\":{\"n\":1}}\n");
	ck_assert_str_eq(say(&b, fd, NULL), "");
	control_reply(b.control, b.ticket, control_ok(NULL));
	ck_assert_str_eq(say(&b, watcher, NULL), "{\"ok\":true,\"data\":{},\"end\":true}\n");
	ck_assert(!control_has_streams(b.control, "watch"));
	(void)close(fd);
	(void)close(watcher);
	bench_close(&b);
}
END_TEST

/* A thousand questions in one go, each of which takes milliseconds, must not keep the agent from its lease.
 */
START_TEST(answers_one_request_a_turn)
{
	static const char text[] =
		"{\"command\":\"echo\",\"args\":{\"text\":\"1\"}}\n{\"command\":\"nosuch\"}\n"
		"{\"command\":\"echo\",\"args\":{\"text\":\"3\"}}\n";
	struct bench b;
	const char *said;

	bench_open(&b);
	int fd = dial(&b);

	ck_assert_int_eq(send(fd, text, sizeof text - 1, MSG_NOSIGNAL), (ssize_t)sizeof text - 1);
	for (uint64_t turn = 1; turn <= 3; turn++) {
		ck_assert_int_eq(control_readable(b.control, zero), 0);
		ck_assert_uint_eq(control_counters(b.control)->requests, turn);
	}
	said = say(&b, fd, NULL);
	ck_assert_ptr_nonnull(strstr(said, "\"text\":\"1\""));
	ck_assert_ptr_nonnull(strstr(said, "\"code\":\"usage\""));
	ck_assert_ptr_nonnull(strstr(said, "\"text\":\"3\""));
	(void)close(fd);
	bench_close(&b);
}
END_TEST

START_TEST(tells_when_a_waiting_client_has_gone)
{
	struct bench b;

	bench_open(&b);
	int fd = dial(&b);

	(void)say(&b, fd, "{\"command\":\"later\"}\n");
	(void)close(fd);
	run(&b);
	ck_assert_int_eq(b.gone, 1);
	control_reply(b.control, b.ticket, control_ok(NULL)); /* goes nowhere, leaks nothing */
	bench_close(&b);
}
END_TEST

START_TEST(refuses_an_oversized_request)
{
	struct bench b;
	static char request[CONTROL_REQUEST_BYTES_MAX + 2];

	bench_open(&b);
	int fd = dial(&b);

	memset(request, 'x', sizeof request - 1);
	ck_assert_str_eq(say(&b, fd, request), "{\"ok\":false,\"code\":\"usage\",\"error\":\"a request is at "
					       "most 65536 bytes long\"}\n(closed)");
	(void)close(fd);
	bench_close(&b);
}
END_TEST

START_TEST(drops_a_client_that_does_not_read)
{
	struct bench b;

	bench_open(&b);
	int slow = dial(&b), other = dial(&b);

	for (int i = 0; i < 8 && !control_counters(b.control)->dropped_slow; i++) {
		(void)send(slow, "{\"command\":\"big\"}\n", 18, MSG_NOSIGNAL);
		run(&b);
	}
	ck_assert_uint_eq(control_counters(b.control)->dropped_slow, 1);
	ck_assert_ptr_nonnull(strstr(say(&b, other, "{\"command\":\"echo\"}\n"), "\"ok\":true"));
	(void)close(slow);
	(void)close(other);
	bench_close(&b);
}
END_TEST

START_TEST(makes_room_by_dropping_the_longest_idle)
{
	struct bench b;
	int fds[CONTROL_CLIENTS_MAX + 1];

	bench_open(&b);
	for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
		fds[i] = dial(&b);
		if (i == 0)
			(void)say(&b, fds[0], "{\"command\":\"later\"}\n"); /* is not idle */
	}
	ck_assert_str_eq(say(&b, fds[1], NULL), "(closed)");
	ck_assert_str_eq(say(&b, fds[0], NULL), "");
	ck_assert_ptr_nonnull(
		strstr(say(&b, fds[CONTROL_CLIENTS_MAX], "{\"command\":\"echo\"}\n"), "\"ok\":true"));
	for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		(void)close(fds[i]);
	run(&b);
	bench_close(&b);
}
END_TEST

START_TEST(replaces_only_a_dead_socket)
{
	struct bench b;
	struct control *second = NULL;
	char why[200], want[200];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	bench_open(&b);
	ck_assert_int_eq(control_open(&second, b.path, commands, &ops, &b, why, sizeof why), -EADDRINUSE);
	(void)snprintf(want, sizeof want, "%s: in use by another ringkeepd; choose another --run-dir",
		       b.path);
	ck_assert_str_eq(why, want);
	control_close(b.control);

	int fd = socket(AF_UNIX, SOCK_STREAM, 0); /* what an agent that was killed leaves */

	(void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", b.path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	(void)close(fd);
	ck_assert_int_eq(control_open(&b.control, b.path, commands, &ops, &b, why, sizeof why), 0);
	bench_close(&b);
}
END_TEST

UNIT_MAIN("control", answers_and_tells_refusals, obeys_roles, who_asks_for_another_has_no_more_than_both,
	  answers_later_in_order_and_streams, answers_one_request_a_turn,
	  tells_when_a_waiting_client_has_gone, refuses_an_oversized_request,
	  drops_a_client_that_does_not_read, makes_room_by_dropping_the_longest_idle,
	  replaces_only_a_dead_socket)
