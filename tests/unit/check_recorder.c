/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cleanup.h"
#include "history.h"
#include "journal.h"
#include "recorder.h"
#include "state_files.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct bench {
	char path[40];
	int fd;
	struct recorder r;
	uint64_t ceiling;
	uint32_t voters_version;
	int disk_calls, disk_error, restarted;
	enum recorder_file disk_file;
};

static void on_ceiling(void *ctx, uint64_t ceiling)
{
	((struct bench *)ctx)->ceiling = ceiling;
}

static void on_voters(void *ctx, const struct voter_set *v)
{
	((struct bench *)ctx)->voters_version = v->version;
}

static void on_disk(void *ctx, enum recorder_file file, int error)
{
	struct bench *b = ctx;

	b->disk_calls++;
	b->disk_file = file;
	b->disk_error = error;
}

static void on_restarted(void *ctx, int error)
{
	struct bench *b = ctx;

	ck_assert_int_eq(error, 0);
	b->restarted++;
}

static const struct recorder_ops ops = { on_ceiling, on_voters, on_disk, on_restarted };
static const struct instant at = { .boot = { 1000 } };

static void bench_open(struct bench *b)
{
	*b = (struct bench){ .path = "/tmp/ringkeep-recorder-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(b->path));
	b->fd = state_dir_open(b->path);
	ck_assert_int_eq(recorder_start(&b->r, b->fd, 64, 1024, &ops, b), 0);
}

static void bench_close(struct bench *b)
{
	static const char *const files[] = { "epoch",	"voters",    "intent",	  "uplinks",
					     "history", "journal.0", "journal.1", "epoch.tmp" };

	recorder_stop(&b->r, 5000);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		(void)unlinkat(b->fd, files[i], 0); /* not every test makes every file */
	(void)close(b->fd);
	ck_assert_int_eq(rmdir(b->path), 0);
}

/* Waits for one wake-up of the writer's descriptor. */
static int wait_readable(struct bench *b)
{
	struct pollfd p = { .fd = recorder_fd(&b->r), .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	return recorder_readable(&b->r, at);
}

START_TEST(makes_things_durable_and_says_so)
{
	struct bench b;
	struct voter_set v = { 7, VOTERS_STABLE, 6, 6 }, v2;
	struct core_intent in, in2;
	struct state_uplinks u = { .ordered = { "isp2" } }, u2;
	uint64_t ceiling;
	char why[STATE_TEXT_MAX];

	memset(&in, 0, sizeof in);
	in.paused = true;
	bench_open(&b);
	recorder_save_ceiling(&b.r, 500);
	recorder_save_voters(&b.r, &v);
	recorder_save_intent(&b.r, &in);
	recorder_save_uplinks(&b.r, &u);
	while (b.r.ceiling_pending || b.r.voters_pending || b.r.intent_pending || b.r.uplinks_pending)
		ck_assert_int_eq(wait_readable(&b), 0);
	ck_assert_uint_eq(b.ceiling, 500);
	ck_assert_uint_eq(b.voters_version, 7);
	ck_assert_int_eq(state_ceiling_load(b.fd, &ceiling, why, sizeof why), STATE_OK);
	ck_assert_uint_eq(ceiling, 500);
	ck_assert_int_eq(state_voters_load(b.fd, &v2, why, sizeof why), STATE_OK);
	ck_assert_int_eq(state_intent_load(b.fd, &in2, why, sizeof why), STATE_OK);
	ck_assert(in2.paused);
	ck_assert_int_eq(state_uplinks_load(b.fd, &u2, why, sizeof why), STATE_OK);
	ck_assert_str_eq(u2.ordered[0], "isp2");
	ck_assert_int_eq(b.disk_calls, 0);
	bench_close(&b);
}
END_TEST

START_TEST(warns_once_and_tries_again)
{
	struct bench b;

	bench_open(&b);
	ck_assert_int_eq(mkdirat(b.fd, "epoch.tmp", 0700), 0); /* as good as a full disk */
	recorder_save_ceiling(&b.r, 1);
	ck_assert_int_eq(wait_readable(&b), 0);
	ck_assert_int_eq(b.disk_error, EISDIR);
	ck_assert_int_eq(b.disk_file, RECORDER_CEILING);
	ck_assert_uint_eq(b.ceiling, 0);
	ck_assert(boot_before(recorder_next(&b.r), BOOT_NEVER));
	recorder_tick(&b.r, at);
	ck_assert_int_eq(wait_readable(&b), 0);
	ck_assert_int_eq(b.disk_calls, 1); /* the same trouble is told once */
	ck_assert_int_eq(unlinkat(b.fd, "epoch.tmp", AT_REMOVEDIR), 0);
	recorder_tick(&b.r, at);
	ck_assert_int_eq(wait_readable(&b), 0);
	ck_assert_int_eq(b.disk_calls, 2);
	ck_assert_int_eq(b.disk_error, 0);
	ck_assert_uint_eq(b.ceiling, 1);
	bench_close(&b);
}
END_TEST

START_TEST(starts_a_writer_again_that_died)
{
	struct bench b;
	pid_t first;

	bench_open(&b);
	first = b.r.child;
	ck_assert_int_eq(kill(first, SIGSTOP), 0);
	recorder_save_ceiling(&b.r, 9); /* lost with the writer */
	ck_assert_int_eq(kill(first, SIGKILL), 0);
	while (wait_readable(&b) == 0)
		;
	ck_assert_int_eq(b.restarted, 1);
	ck_assert_int_eq(recorder_fd(&b.r), -1);
	recorder_save_ceiling(&b.r, 10); /* while there is none */
	ck_assert(boot_before(recorder_next(&b.r), BOOT_NEVER));
	recorder_tick(&b.r, at);
	ck_assert_int_ne(b.r.child, first);
	while (b.r.ceiling_pending)
		ck_assert_int_eq(wait_readable(&b), 0);
	ck_assert_uint_eq(b.ceiling, 10);
	bench_close(&b);
}
END_TEST

START_TEST(never_waits_for_a_writer_that_hangs)
{
	struct bench b;
	static char line[] = "{\"type\":\"x\",\"node_id\":1,\"number\":1}";

	bench_open(&b);
	ck_assert_int_eq(kill(b.r.child, SIGSTOP), 0);
	for (int i = 0; i < 200000 && !b.r.counters.history_dropped; i++)
		recorder_history(&b.r, line, sizeof line - 1);
	ck_assert_uint_gt(b.r.counters.history_dropped, 0);
	recorder_save_ceiling(&b.r, 3);
	ck_assert(b.r.ceiling_pending && !b.r.ceiling_sent);
	ck_assert_int_eq(kill(b.r.child, SIGCONT), 0);
	for (int i = 0; b.r.ceiling_pending && i < 100000; i++) {
		recorder_tick(&b.r, at);
		ck_assert_int_eq(wait_readable(&b), 0);
	}
	ck_assert_uint_eq(b.ceiling, 3);
	bench_close(&b);
}
END_TEST

START_TEST(finishes_what_it_was_given)
{
	struct bench b;
	struct history_verdict v;
	char line[128];

	bench_open(&b);
	for (int i = 1; i <= 100; i++) {
		int len = snprintf(line, sizeof line, "{\"type\":\"x\",\"node_id\":1,\"number\":%d}", i);

		recorder_history(&b.r, line, (size_t)len);
	}
	recorder_stop(&b.r, 10000);
	ck_assert_int_eq(history_verify(b.fd, &v), 0);
	ck_assert(v.intact);
	ck_assert_uint_eq(v.lines, 100);
	bench_close(&b);
}
END_TEST

START_TEST(keeps_history_until_the_disk_has_room)
{
	struct bench b;
	struct history_verdict v;
	struct rlimit limit;
	char line[128];

	bench_open(&b);
	ck_assert_int_eq(prlimit(b.r.child, RLIMIT_FSIZE, NULL, &limit), 0);
	limit.rlim_cur = 300; /* room for two */
	ck_assert_int_eq(prlimit(b.r.child, RLIMIT_FSIZE, &limit, NULL), 0);
	for (int i = 1; i <= 5; i++) {
		int len = snprintf(line, sizeof line, "{\"type\":\"x\",\"node_id\":1,\"number\":%d}", i);

		recorder_history(&b.r, line, (size_t)len);
	}
	while (!b.disk_calls)
		ck_assert_int_eq(wait_readable(&b), 0);
	ck_assert_int_eq(b.disk_file, RECORDER_HISTORY);
	ck_assert_int_ne(b.disk_error, 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(prlimit(b.r.child, RLIMIT_FSIZE, &limit, NULL), 0);
	while (b.disk_calls < 2)
		ck_assert_int_eq(wait_readable(&b), 0);
	ck_assert_int_eq(b.disk_error, 0);
	recorder_stop(&b.r, 10000);
	ck_assert_int_eq(history_verify(b.fd, &v), 0);
	ck_assert(v.intact && v.lines == 5);
	bench_close(&b);
}
END_TEST

UNIT_MAIN("recorder", keeps_history_until_the_disk_has_room, makes_things_durable_and_says_so,
	  warns_once_and_tries_again, starts_a_writer_again_that_died, never_waits_for_a_writer_that_hangs,
	  finishes_what_it_was_given)
