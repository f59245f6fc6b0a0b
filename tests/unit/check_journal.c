/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cleanup.h"
#include "journal.h"
#include "state_files.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A cluster of one node whose core is journalled: it wins its lease, holds, and hands over at the end. */
struct bench {
	char path[40];
	int fd;
	struct recorder r;
	struct journal j;
	struct core core;
	struct core_plan plan;
	struct instant now;
	uint64_t events;
};

static void on_ceiling(void *ctx, uint64_t ceiling)
{
}

static void on_voters(void *ctx, const struct voter_set *voters)
{
}

static void on_disk(void *ctx, enum recorder_file file, int error)
{
	ck_abort_msg("%s: %s", recorder_file_name(file), strerror(error));
}

static void on_restarted(void *ctx, int error)
{
	ck_abort_msg("the writer ended");
}

static const struct recorder_ops ops = { on_ceiling, on_voters, on_disk, on_restarted };

static void feed(struct bench *b, struct core_event *ev);

/* What a shell would answer at once. */
static void answer(struct bench *b, const struct plan_action *a)
{
	struct core_event ev = { .group = a->group };

	if (a->type == PLAN_STEP) {
		ev.type = CORE_STEP;
		ev.step.seq = a->step.seq;
	} else if (a->type == PLAN_RESERVE_EPOCHS) {
		ev.type = CORE_CEILING;
		ev.ceiling = a->ceiling;
	} else {
		return;
	}
	feed(b, &ev);
}

static void feed(struct bench *b, struct core_event *ev)
{
	struct core_plan *plan = calloc(1, sizeof *plan);

	ev->at = b->now;
	core_step(&b->core, ev, plan);
	journal_event(&b->j, &b->core, ev, plan);
	b->events++;
	for (uint32_t i = 0; i < plan->count; i++)
		answer(b, &plan->actions[i]);
	free(plan);
}

static void pass_ms(struct bench *b, int ms)
{
	struct core_event tick = { .type = CORE_TICK };

	for (int i = 0; i < ms; i += 10) {
		b->now.boot = boot_add(b->now.boot, 10 * NS_PER_MS);
		b->now.raw = raw_add(b->now.raw, 10 * NS_PER_MS);
		feed(b, &tick);
	}
}

static struct core_config core_config(void)
{
	struct core_config c = {
		.self = 1, .process = 77, .nodes_count = 1, .nodes = { { 1, false } }, .groups_count = 1
	};

	c.groups[0].candidates_count = 1;
	c.groups[0].candidates[0] = 1;
	c.timing = (struct lease_timing){ .lease_ns = 800 * NS_PER_MS,
					  .guard_ns = 112 * NS_PER_MS,
					  .lease_max_ns = 2500 * NS_PER_MS,
					  .guard_max_ns = 338 * NS_PER_MS,
					  .pulse_ns = 100 * NS_PER_MS,
					  .hold_ns = 160 * NS_PER_MS,
					  .rtt_ns = 20 * NS_PER_MS };
	c.operation_timeout_ns = 30 * NS_PER_S;
	c.facts_timeout_ns = 5 * NS_PER_S;
	return c;
}

static void bench_open(struct bench *b, uint32_t journal_kib)
{
	struct core_config config = core_config();
	struct core_memory memory = { .ceiling = 100, .voters = { 1, VOTERS_STABLE, 2, 2 } };
	struct core_event ev = { .type = CORE_LOCAL_FACTS };

	memset(b, 0, sizeof *b);
	(void)snprintf(b->path, sizeof b->path, "/tmp/ringkeep-journal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b->path));
	b->fd = state_dir_open(b->path);
	ck_assert_int_eq(recorder_start(&b->r, b->fd, 64, journal_kib, &ops, b), 0);
	journal_init(&b->j, &b->r, journal_kib, "{\"nodes\":{\"1\":\"n1\"},\"groups\":[\"office\"]}");
	b->now = (struct instant){ { 1000 * NS_PER_S }, { 1000 * NS_PER_S } };
	core_init(&b->core, &config, &memory, b->now);
	ev.facts.config_accepted = ev.facts.quorate = true;
	ev.facts.group[0] = (struct group_facts){ .pbx = PBX_HEALTHY,
						  .lan_up = true,
						  .gate_ok = true,
						  .addresses_ok = true,
						  .registrations_in_step = true,
						  .uplink = UPLINK_GOOD };
	feed(b, &ev);
	ev = (struct core_event){ .type = CORE_ADOPT };
	feed(b, &ev);
}

static void bench_close(struct bench *b)
{
	(void)unlinkat(b->fd, "journal.0", 0);
	(void)unlinkat(b->fd, "journal.1", 0); /* only if the ring went round */
	(void)close(b->fd);
	ck_assert_int_eq(rmdir(b->path), 0);
}

/* The text of a replay. */
static char *replay(struct bench *b, const char *file, bool quiet, int *ret)
{
	char path[80], why[200] = "";
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)snprintf(path, sizeof path, "%s/%s", b->path, file);
	*ret = journal_replay(path, quiet, f, why, sizeof why);
	(void)fputs(why, f);
	(void)fclose(f);
	return text;
}

static void poke(struct bench *b, const char *file, off_t from_end, uint8_t change)
{
	int fd = openat(b->fd, file, O_RDWR);
	off_t at = lseek(fd, 0, SEEK_END) - from_end;
	uint8_t byte;

	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= change;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}

START_TEST(replays_every_plan)
{
	static struct bench b;
	struct core_event stop = { .type = CORE_STOP };
	char want[80];
	int r;

	bench_open(&b, 8192);
	pass_ms(&b, 3000);
	ck_assert(lease_holds(&b.core.group[0].lease));
	feed(&b, &stop);
	journal_flush(&b.j);
	recorder_stop(&b.r, 10000);

	_cleanup_(free_ptr) char *text = replay(&b, "journal.0", false, &r);

	ck_assert_msg(r == 0, "%s", text);
	(void)snprintf(want, sizeof want, "%d events replayed on n1: every plan is the same",
		       (int)b.events - 1);
	ck_assert_msg(strstr(text, want) != NULL, "no \"%s\" in %s", want, text);
	ck_assert_ptr_nonnull(strstr(text, "gate of office: open for "));
	ck_assert_ptr_nonnull(strstr(text, "history: takeover, cause vacant"));
	ck_assert_ptr_nonnull(strstr(text, " R"));
	ck_assert_ptr_nonnull(strstr(text, "gate of office: shut"));
	bench_close(&b);
}
END_TEST

START_TEST(tells_a_difference_and_damage)
{
	static struct bench b;
	int r;

	bench_open(&b, 8192);
	pass_ms(&b, 3000);
	journal_flush(&b.j);
	recorder_stop(&b.r, 10000);

	/* The last record is a tick: 40 bytes, its digest at 8, its type right after the head of 16. */
	size_t tick_bytes = offsetof(struct core_event, heard) + 16;

	poke(&b, "journal.0", (off_t)tick_bytes - 8, 1);
	_cleanup_(free_ptr) char *other = replay(&b, "journal.0", true, &r);

	ck_assert_int_eq(r, 1);
	ck_assert_ptr_nonnull(strstr(other, "DIFFERENT: "));
	poke(&b, "journal.0", (off_t)tick_bytes - 16, 0x40);
	_cleanup_(free_ptr) char *damaged = replay(&b, "journal.0", true, &r);

	ck_assert_int_eq(r, -EINVAL);
	ck_assert_ptr_nonnull(strstr(damaged, "damaged after "));
	bench_close(&b);
}
END_TEST

START_TEST(goes_round_and_each_file_stands_alone)
{
	static struct bench b;
	int r;

	bench_open(&b, 1);
	for (int i = 0; i < 400 && faccessat(b.fd, "journal.1", F_OK, 0) < 0; i++)
		pass_ms(&b, 1000);
	pass_ms(&b, 1000);
	journal_flush(&b.j);
	recorder_stop(&b.r, 10000);
	_cleanup_(free_ptr) char *first = replay(&b, "journal.0", true, &r);

	ck_assert_msg(r == 0, "%s", first);
	_cleanup_(free_ptr) char *second = replay(&b, "journal.1", true, &r);

	ck_assert_msg(r == 0, "%s", second);
	bench_close(&b);
}
END_TEST

UNIT_MAIN("journal", replays_every_plan, tells_a_difference_and_damage, goes_round_and_each_file_stands_alone)
