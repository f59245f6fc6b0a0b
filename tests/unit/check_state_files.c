/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cleanup.h"
#include "state_files.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* A fresh directory with an opened run directory in it; removed by place_end(). */
struct place {
	char path[64];
	int fd;
	struct state_run run;
	char why[STATE_TEXT_MAX];
};

static struct place place_begin(void)
{
	struct place p = { .path = "/tmp/ringkeep-state-XXXXXX" };

	ck_assert_ptr_nonnull(mkdtemp(p.path));
	p.fd = state_dir_open(p.path);
	ck_assert_int_ge(p.fd, 0);
	ck_assert_int_eq(state_run_open(&p.run, p.path, p.why, sizeof p.why), 0);
	return p;
}

static void place_end(struct place *p)
{
	static const char *const files[] = { "lock",   "voter",	 "voter.tmp", "epoch", "epoch.tmp",
					     "voters", "intent", "uplinks",   "fences" };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		(void)unlinkat(p->fd, files[i], 0); /* not every test makes every file */
	state_run_close(&p->run);
	(void)close(p->fd);
	ck_assert_int_eq(rmdir(p->path), 0);
}

/* Changes one byte, or cuts the file there (change 0). */
static void damage(const struct place *p, const char *name, off_t at, uint8_t change)
{
	int fd = openat(p->fd, name, O_RDWR);
	uint8_t byte;

	ck_assert_int_ge(fd, 0);
	if (change) {
		ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
		byte ^= change;
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	} else {
		ck_assert_int_eq(ftruncate(fd, at), 0);
	}
	(void)close(fd);
}

static off_t size_of(const struct place *p, const char *name)
{
	struct stat st;

	ck_assert_int_eq(fstatat(p->fd, name, &st, 0), 0);
	return st.st_size;
}

static struct state_promise promise_of(uint32_t wire_id, node_id_t node, uint64_t counter)
{
	struct state_promise p = { .wire_id = wire_id };

	p.memory.hi = (struct epoch){ counter, node };
	p.memory.promise = (struct lease_promise){ node, { counter, node }, { 123456789012345LL } };
	p.memory.dead[node] = counter - 1;
	p.memory.dead[NODE_ID_MAX] = 5;
	p.memory.mute_until.ns = 42;
	p.memory.proof = (struct lease_proof){ 3, { 9, 1 } };
	p.memory.met = node_bit(3);
	return p;
}

START_TEST(brings_promises_back)
{
	struct place p = place_begin();
	struct state_promise saved[2] = { promise_of(0xaaaa, 1, 41), promise_of(0xbbbb, 2, 7) };
	struct state_promise loaded[2] = { { .wire_id = 0xbbbb }, { .wire_id = 0xaaaa } };

	ck_assert_int_eq(state_promises_load(&p.run, loaded, 2, p.why, sizeof p.why), STATE_ABSENT);
	ck_assert_int_eq(state_promises_save(&p.run, saved, 2), 0);
	ck_assert_int_eq(state_promises_load(&p.run, loaded, 2, p.why, sizeof p.why), STATE_OK);
	ck_assert_mem_eq(&loaded[0].memory, &saved[1].memory, sizeof saved[1].memory);
	ck_assert_mem_eq(&loaded[1].memory, &saved[0].memory, sizeof saved[0].memory);
	place_end(&p);
}
END_TEST

START_TEST(remembers_a_group_that_left_the_configuration)
{
	struct place p = place_begin();
	struct state_promise both[2] = { promise_of(0xaaaa, 1, 41), promise_of(0xbbbb, 2, 7) };
	struct state_promise one = { .wire_id = 0xaaaa }, other = { .wire_id = 0xbbbb };

	ck_assert_int_eq(state_promises_save(&p.run, both, 2), 0);
	ck_assert_int_eq(state_promises_load(&p.run, &one, 1, p.why, sizeof p.why), STATE_OK);
	ck_assert_int_eq(state_promises_save(&p.run, &one, 1), 0);
	ck_assert_int_eq(state_promises_load(&p.run, &other, 1, p.why, sizeof p.why), STATE_OK);
	ck_assert_mem_eq(&other.memory, &both[1].memory, sizeof other.memory);
	place_end(&p);
}
END_TEST

START_TEST(treats_every_damage_as_lost_memory)
{
	struct place p = place_begin();
	struct state_promise saved = promise_of(0xaaaa, 1, 41), loaded = { .wire_id = 0xaaaa };
	static const struct lease_memory nothing;

	ck_assert_int_eq(state_promises_save(&p.run, &saved, 1), 0);
	off_t size = size_of(&p, "voter");

	for (off_t at = 0; at < size; at++) {
		damage(&p, "voter", at, 0x10);
		ck_assert_int_eq(state_promises_load(&p.run, &loaded, 1, p.why, sizeof p.why), STATE_DAMAGED);
		ck_assert_mem_eq(&loaded.memory, &nothing, sizeof nothing);
		damage(&p, "voter", at, 0x10);
	}
	ck_assert_int_eq(state_promises_load(&p.run, &loaded, 1, p.why, sizeof p.why), STATE_OK);
	for (off_t at = size - 1; at >= 0; at--) {
		damage(&p, "voter", at, 0);
		ck_assert_int_eq(state_promises_load(&p.run, &loaded, 1, p.why, sizeof p.why), STATE_DAMAGED);
	}
	place_end(&p);
}
END_TEST

START_TEST(forgets_promises_of_another_boot)
{
	struct place p = place_begin();
	struct state_promise saved = promise_of(0xaaaa, 1, 41), loaded = { .wire_id = 0xaaaa };

	ck_assert_int_eq(state_promises_save(&p.run, &saved, 1), 0);
	p.run.boot_id[0] ^= 1;
	ck_assert_int_eq(state_promises_load(&p.run, &loaded, 1, p.why, sizeof p.why), STATE_DAMAGED);
	ck_assert_str_eq(p.why, "the promise file is of another boot");
	place_end(&p);
}
END_TEST

START_TEST(fails_a_save_whole)
{
	struct place p = place_begin();
	struct state_promise saved = promise_of(0xaaaa, 1, 41), newer = promise_of(0xaaaa, 2, 42);
	struct state_promise loaded = { .wire_id = 0xaaaa };

	ck_assert_int_eq(state_promises_save(&p.run, &saved, 1), 0);
	ck_assert_int_eq(mkdirat(p.fd, "voter.tmp", 0700), 0);
	ck_assert_int_eq(state_promises_save(&p.run, &newer, 1), -EISDIR);
	ck_assert_int_eq(state_promises_load(&p.run, &loaded, 1, p.why, sizeof p.why), STATE_OK);
	ck_assert_mem_eq(&loaded.memory, &saved.memory, sizeof saved.memory);
	ck_assert_int_eq(unlinkat(p.fd, "voter.tmp", AT_REMOVEDIR), 0);
	place_end(&p);
}
END_TEST

/* As good as a full disk, without being root: no file may grow over `bytes`. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	(void)signal(SIGXFSZ, SIG_IGN); /* EFBIG instead */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(keeps_the_old_file_when_the_disk_is_full)
{
	struct place p = place_begin();
	struct state_promise saved = promise_of(0xaaaa, 1, 41), newer = promise_of(0xaaaa, 2, 42);
	struct state_promise loaded = { .wire_id = 0xaaaa };
	uint64_t ceiling = 0;

	ck_assert_int_eq(state_promises_save(&p.run, &saved, 1), 0);
	ck_assert_int_eq(state_ceiling_save(p.fd, 41), 0);
	limit_files(20);
	ck_assert_int_lt(state_promises_save(&p.run, &newer, 1), 0);
	ck_assert_int_lt(state_ceiling_save(p.fd, 42), 0);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(state_promises_load(&p.run, &loaded, 1, p.why, sizeof p.why), STATE_OK);
	ck_assert_mem_eq(&loaded.memory, &saved.memory, sizeof saved.memory);
	ck_assert_int_eq(state_ceiling_load(p.fd, &ceiling, p.why, sizeof p.why), STATE_OK);
	ck_assert_uint_eq(ceiling, 41);
	place_end(&p);
}
END_TEST

static state_fence_digests digests = { [0] = { [1] = 0x11, [2] = 0x12 }, [1] = { [1] = 0x21 } };

static struct fence_memory fence_memory_sample(void)
{
	struct fence_memory m = { .off_ns_max = 700, .status_ns_max = 300 };

	m.on_at[0][1].ns = 1001;
	m.on_at[0][2].ns = 1002;
	m.on_at[1][1].ns = 2001;
	m.on_at[5][1].ns = 9; /* no such device */
	return m;
}

START_TEST(brings_back_what_fence_devices_said)
{
	struct place p = place_begin();
	struct fence_memory saved = fence_memory_sample(), loaded;
	/* The second device comes first now, the first one has another plug for node 2. */
	state_fence_digests now = { [0] = { [1] = 0x21 }, [1] = { [1] = 0x11, [2] = 0x99 } };

	ck_assert_int_eq(state_fences_load(&p.run, digests, &loaded, p.why, sizeof p.why), STATE_ABSENT);
	ck_assert_int_eq(state_fences_save(&p.run, digests, &saved), 0);
	ck_assert_int_eq(state_fences_load(&p.run, digests, &loaded, p.why, sizeof p.why), STATE_OK);
	saved.on_at[5][1].ns = 0;
	ck_assert_mem_eq(&loaded, &saved, sizeof saved);
	ck_assert_int_eq(state_fences_load(&p.run, now, &loaded, p.why, sizeof p.why), STATE_OK);
	ck_assert_int_eq(loaded.on_at[0][1].ns, 2001);
	ck_assert_int_eq(loaded.on_at[1][1].ns, 1001);
	ck_assert_int_eq(loaded.on_at[1][2].ns, 0);
	ck_assert_int_eq(loaded.off_ns_max, 700);
	p.run.boot_id[0] ^= 1;
	ck_assert_int_eq(state_fences_load(&p.run, digests, &loaded, p.why, sizeof p.why), STATE_DAMAGED);
	place_end(&p);
}
END_TEST

START_TEST(believes_no_damaged_word_of_a_fence_device)
{
	struct place p = place_begin();
	struct fence_memory saved = fence_memory_sample(), loaded;
	static const struct fence_memory nothing;

	ck_assert_int_eq(state_fences_save(&p.run, digests, &saved), 0);
	off_t size = size_of(&p, "fences");

	for (off_t at = 0; at < size; at++) {
		damage(&p, "fences", at, 0x10);
		ck_assert_int_eq(state_fences_load(&p.run, digests, &loaded, p.why, sizeof p.why),
				 STATE_DAMAGED);
		ck_assert_mem_eq(&loaded, &nothing, sizeof nothing);
		damage(&p, "fences", at, 0x10);
	}
	limit_files(20);
	ck_assert_int_lt(state_fences_save(&p.run, digests, &nothing), 0);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(state_fences_load(&p.run, digests, &loaded, p.why, sizeof p.why), STATE_OK);
	for (off_t at = size - 1; at >= 0; at--) {
		damage(&p, "fences", at, 0);
		ck_assert_int_eq(state_fences_load(&p.run, digests, &loaded, p.why, sizeof p.why),
				 STATE_DAMAGED);
	}
	(void)unlinkat(p.fd, "fences.tmp", 0);
	place_end(&p);
}
END_TEST

START_TEST(locks_out_a_second_agent)
{
	struct place p = place_begin();
	struct state_run second;
	char want[200];

	ck_assert_int_eq(state_run_open(&second, p.path, p.why, sizeof p.why), -EWOULDBLOCK);
	(void)snprintf(want, sizeof want,
		       "%s: another ringkeepd runs with this directory; give this one its own --run-dir",
		       p.path);
	ck_assert_str_eq(p.why, want);
	place_end(&p);
}
END_TEST

START_TEST(keeps_the_ceiling)
{
	struct place p = place_begin();
	uint64_t ceiling = 9;

	ck_assert_int_eq(state_ceiling_load(p.fd, &ceiling, p.why, sizeof p.why), STATE_ABSENT);
	ck_assert_uint_eq(ceiling, 9);
	ck_assert_int_eq(state_ceiling_save(p.fd, UINT64_MAX), 0);
	ck_assert_int_eq(state_ceiling_load(p.fd, &ceiling, p.why, sizeof p.why), STATE_OK);
	ck_assert_uint_eq(ceiling, UINT64_MAX);
	ck_assert_int_eq(state_ceiling_save(p.fd, 4711), 0);
	ck_assert_int_eq(state_ceiling_load(p.fd, &ceiling, p.why, sizeof p.why), STATE_OK);
	ck_assert_uint_eq(ceiling, 4711);
	place_end(&p);
}
END_TEST

START_TEST(sees_damage_of_every_byte_on_disk)
{
	struct place p = place_begin();
	uint64_t ceiling;

	ck_assert_int_eq(state_ceiling_save(p.fd, 4711), 0);
	for (off_t at = size_of(&p, "epoch") - 1; at >= 0; at--) {
		damage(&p, "epoch", at, 0x01);
		ck_assert_msg(state_ceiling_load(p.fd, &ceiling, p.why, sizeof p.why) == STATE_DAMAGED,
			      "byte %d", (int)at);
		damage(&p, "epoch", at, 0x01);
	}
	for (off_t at = size_of(&p, "epoch") - 2; at >= 0; at--) {
		damage(&p, "epoch", at, 0);
		ck_assert_int_eq(state_ceiling_load(p.fd, &ceiling, p.why, sizeof p.why), STATE_DAMAGED);
	}
	place_end(&p);
}
END_TEST

START_TEST(keeps_voters_and_intent)
{
	struct place p = place_begin();
	struct voter_set v = { 8, VOTERS_JOINT, 0xe, 0x8000000000000006ULL }, v2 = { 0 };
	struct core_intent in = { .paused = true, .paused_stamp = 77, .paused_by = 2 }, in2;

	memset(&in2, 0, sizeof in2);
	in.node[1].standby = true;
	in.node[1].stamp = 5;
	in.node[1].by = 3;
	in.node[NODE_ID_MAX].stamp = 6; /* standby that was taken back */
	ck_assert_int_eq(state_voters_save(p.fd, &v), 0);
	ck_assert_int_eq(state_voters_load(p.fd, &v2, p.why, sizeof p.why), STATE_OK);
	ck_assert_uint_eq(v2.version, 8);
	ck_assert_int_eq(v2.phase, VOTERS_JOINT);
	ck_assert_uint_eq(v2.old_set, v.old_set);
	ck_assert_uint_eq(v2.new_set, v.new_set);

	ck_assert_int_eq(state_intent_save(p.fd, &in), 0);
	ck_assert_int_eq(state_intent_load(p.fd, &in2, p.why, sizeof p.why), STATE_OK);
	ck_assert(in2.paused && in2.paused_stamp == 77 && in2.paused_by == 2);
	ck_assert(in2.node[1].standby && in2.node[1].stamp == 5 && in2.node[1].by == 3);
	ck_assert(!in2.node[NODE_ID_MAX].standby && in2.node[NODE_ID_MAX].stamp == 6);
	place_end(&p);
}
END_TEST

START_TEST(keeps_what_was_ordered_of_uplinks)
{
	struct place p = place_begin();
	struct state_uplinks u = { .ordered = { "", "a-name-as-long-as-a-name-may-be" } },
			     u2 = { .ordered = { "x" } };
	int fd;

	ck_assert_int_eq(state_uplinks_load(p.fd, &u2, p.why, sizeof p.why), STATE_ABSENT);
	ck_assert_int_eq(state_uplinks_save(p.fd, &u), 0);
	ck_assert_int_eq(state_uplinks_load(p.fd, &u2, p.why, sizeof p.why), STATE_OK);
	ck_assert_mem_eq(&u2, &u, sizeof u);
	fd = openat(p.fd, "uplinks", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "X", 1, 20), 1);
	(void)close(fd);
	ck_assert_int_eq(state_uplinks_load(p.fd, &u2, p.why, sizeof p.why), STATE_DAMAGED);
	place_end(&p);
}
END_TEST

UNIT_MAIN("state_files", brings_promises_back, remembers_a_group_that_left_the_configuration,
	  treats_every_damage_as_lost_memory, forgets_promises_of_another_boot, fails_a_save_whole,
	  keeps_the_old_file_when_the_disk_is_full, brings_back_what_fence_devices_said,
	  believes_no_damaged_word_of_a_fence_device, locks_out_a_second_agent, keeps_the_ceiling,
	  sees_damage_of_every_byte_on_disk, keeps_voters_and_intent, keeps_what_was_ordered_of_uplinks)
