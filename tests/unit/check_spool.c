/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spool.h"
#include "unit.h"
#include "whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/check-spool-XXXXXX";
static int dir_fd;

static void set_up(void)
{
	ck_assert(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
}

static void tear_down(void)
{
	char command[80];

	(void)close(dir_fd);
	(void)snprintf(command, sizeof command, "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
}

static struct alert make(int n)
{
	struct alert a = { .event = ALERT_TRUNK, .severity = ALERT_WARNING, .state = ALERT_FIRING };

	(void)snprintf(a.id, sizeof a.id, "record/n1.%d", n);
	(void)snprintf(a.key, sizeof a.key, "trunk/%d", n);
	(void)snprintf(a.cluster, sizeof a.cluster, "lab");
	(void)snprintf(a.time, sizeof a.time, "2026-12-01T00:00:00.000Z");
	(void)snprintf(a.text, sizeof a.text, "number %d, \"quoted\"", n);
	return a;
}

static void put(struct spool *s, int n)
{
	struct alert a = make(n);

	ck_assert_int_eq(spool_put(s, &a), 0);
}

static void expect(struct spool *s, int n)
{
	struct alert is = { 0 }, a = make(n);

	ck_assert_int_eq(spool_first(s, &is), 0);
	ck_assert_mem_eq(&is, &a, sizeof a);
	ck_assert_int_eq(spool_remove(s, 0), 0);
}

static void write_file(const char *name, const char *text)
{
	char path[120];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/q/%s", dir, name);
	f = fopen(path, "we");
	ck_assert(f);
	(void)fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(what_was_put_comes_back_in_order_also_after_a_restart)
{
	struct alert a;
	struct spool s;

	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 100), 0);
	for (int n = 1; n <= 12; n++)
		put(&s, n);
	expect(&s, 1);
	spool_close(&s); /* as after kill -9: nothing is written at the end */
	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 100), 0);
	ck_assert_uint_eq(s.count, 11);
	put(&s, 13);
	for (int n = 2; n <= 13; n++)
		expect(&s, n);
	ck_assert_int_eq(spool_first(&s, &a), -ENOENT);
	spool_close(&s);
}
END_TEST

START_TEST(the_same_id_waits_once_also_after_a_restart)
{
	struct alert a = make(1);
	struct spool s;

	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 100), 0);
	put(&s, 1);
	ck_assert_int_eq(spool_put(&s, &a), 1);
	spool_close(&s);
	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 100), 0);
	ck_assert_int_eq(spool_put(&s, &a), 1);
	ck_assert_uint_eq(s.count, 1);
	spool_close(&s);
}
END_TEST

START_TEST(it_is_bounded_and_a_smaller_bound_takes_the_newest)
{
	struct alert a = make(99);
	struct spool s;

	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 10), 0);
	for (int n = 1; n <= 10; n++)
		put(&s, n);
	ck_assert_int_eq(spool_put(&s, &a), -ENOBUFS);
	spool_close(&s);
	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 4), 0);
	ck_assert_uint_eq(s.count, 4);
	expect(&s, 7);
	spool_close(&s);
}
END_TEST

START_TEST(half_a_file_was_never_written_and_damage_holds_nothing_up)
{
	struct spool s;

	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 10), 0);
	put(&s, 1);
	put(&s, 2);
	spool_close(&s);
	write_file("00000000000000000003" WHOLE_FILE_BESIDE, "{\"version\":1,\"id\":\"rec");
	write_file("00000000000000000004", "{\"version\":1,\"id\":\"rec");
	write_file("00000000000000000005", "");
	write_file("notes", "somebody else's");
	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 10), 0);
	ck_assert_uint_eq(s.count, 2);
	ck_assert_uint_eq(s.damaged, 2);
	write_file("00000000000000000001", "damaged while we run");
	expect(&s, 2);
	ck_assert_uint_eq(s.damaged, 3);
	put(&s, 3);
	spool_close(&s);
}
END_TEST

START_TEST(a_number_is_not_used_twice_while_something_waits)
{
	struct spool s;

	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 10), 0);
	put(&s, 1);
	put(&s, 2);
	ck_assert_int_eq(spool_remove(&s, 1), 0);
	spool_close(&s);
	ck_assert_int_eq(spool_open(&s, dir_fd, "q", 10), 0);
	put(&s, 3);
	expect(&s, 1);
	expect(&s, 3);
	spool_close(&s);
}
END_TEST

START_TEST(a_file_is_replaced_whole)
{
	char *text = NULL;
	size_t len;

	ck_assert_int_eq(whole_file_write(dir_fd, "f", "first", 5), 0);
	ck_assert_int_eq(whole_file_write(dir_fd, "f", "2", 1), 0);
	ck_assert_int_eq(whole_file_read(dir_fd, "f", 10, &text, &len), 0);
	ck_assert_str_eq(text, "2");
	free(text);
	ck_assert_int_eq(whole_file_read(dir_fd, "f", 0, &text, &len), -EFBIG);
	ck_assert_int_eq(whole_file_read(dir_fd, "g", 10, &text, &len), -ENOENT);
	ck_assert_int_eq(faccessat(dir_fd, "f" WHOLE_FILE_BESIDE, F_OK, 0), -1);
}
END_TEST

UNIT_MAIN_AROUND("spool", set_up, tear_down, what_was_put_comes_back_in_order_also_after_a_restart,
		 the_same_id_waits_once_also_after_a_restart,
		 it_is_bounded_and_a_smaller_bound_takes_the_newest,
		 half_a_file_was_never_written_and_damage_holds_nothing_up,
		 a_number_is_not_used_twice_while_something_waits, a_file_is_replaced_whole)
