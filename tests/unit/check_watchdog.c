/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The shared page as another process left it: what is out of range is not believed.
 */
#include "watchdog.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static struct watchdog w;
static struct watchdog_report r;
static char dir[] = "/tmp/ringkeep-watchdog-XXXXXX";
static int dir_fd;

static void open_new(void)
{
	bool first = false;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
	watchdog_init(&w);
	ck_assert_int_eq(watchdog_open(&w, dir_fd, &first), 0);
	ck_assert(first);
}

static void open_again(bool expected_first)
{
	bool first = !expected_first;

	watchdog_close(&w);
	ck_assert_int_eq(watchdog_open(&w, dir_fd, &first), 0);
	ck_assert_int_eq(first, expected_first);
}

static void end(void)
{
	watchdog_close(&w);
	ck_assert_int_eq(unlinkat(dir_fd, WATCHDOG_FILE, 0), 0);
	(void)close(dir_fd);
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(what_is_out_of_range_is_not_believed)
{
	open_new();
	memset((char *)w.shared + 16, 0xff,
	       sizeof *w.shared - 16); /* behind the four that keep their place */
	watchdog_report(&w, &r);
	ck_assert_int_eq(r.state, WATCHDOG_NONE);
	ck_assert_uint_le(r.timeout_ms, WATCHDOG_TIMEOUT_MS_MAX);
	ck_assert_int_ge(r.error, 0);
	ck_assert_uint_eq(strlen(r.identity), WATCHDOG_IDENTITY_MAX - 1);
	ck_assert_uint_eq(strspn(r.identity, "?"), WATCHDOG_IDENTITY_MAX - 1);
	ck_assert_uint_eq(strlen(r.device), WATCHDOG_DEVICE_MAX - 1);
	end();
}
END_TEST

START_TEST(armed_is_only_who_lives)
{
	open_new();
	atomic_store(&w.shared->state, WATCHDOG_ARMED);
	atomic_store(&w.shared->pid, (uint32_t)getpid()); /* lives, and has not the lock */
	open_again(false);
	ck_assert(!watchdog_runs(&w));
	watchdog_report(&w, &r);
	ck_assert_int_eq(r.state, WATCHDOG_NONE);

	int lock = openat(dir_fd, WATCHDOG_FILE, O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	open_again(false);
	ck_assert(watchdog_runs(&w));
	watchdog_report(&w, &r);
	ck_assert_int_eq(r.state, WATCHDOG_ARMED);
	ck_assert_int_eq(watchdog_start(&w, "/nonexistent", dir, "/dev/null", 2000), -EBUSY);
	(void)close(lock);
	end();
}
END_TEST

START_TEST(a_former_version_is_told_to_end)
{
	open_new();
	w.shared->version = WATCHDOG_VERSION + 1;
	atomic_store(&w.shared->pid, (uint32_t)getpid());

	int lock = openat(dir_fd, WATCHDOG_FILE, O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	open_again(false);
	ck_assert_uint_eq(atomic_load(&w.shared->order), WATCHDOG_ORDER_REPLACE);
	watchdog_report(&w, &r);
	ck_assert_int_eq(r.state, WATCHDOG_NONE);
	(void)close(lock);
	watchdog_ended(&w);
	ck_assert_uint_eq(w.shared->version, WATCHDOG_VERSION);
	end();
}
END_TEST

START_TEST(a_reset_is_told_once_in_a_boot)
{
	open_new();
	ck_assert(!watchdog_tell_reset(&w));
	atomic_store(&w.shared->boot_status, WDIOF_CARDRESET);
	ck_assert(watchdog_tell_reset(&w));
	open_again(false);
	ck_assert(!watchdog_tell_reset(&w));
	end();
}
END_TEST

UNIT_MAIN("watchdog", what_is_out_of_range_is_not_believed, armed_is_only_who_lives,
	  a_former_version_is_told_to_end, a_reset_is_told_once_in_a_boot)
