/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * When a child is started, with a script for nft and a stand-in for the notifications of the kernel.
 */
#include "clock_read.h"
#include "guard.h"
#include "guard_watch.h"
#include "unit.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/ringkeep-guard-XXXXXX";
static char nft[sizeof dir + 8], fails[sizeof dir + 8];
static int losses; /* waiting to be told */
static int told_lost, told_failed, told_good;
static struct guard *guard;

int guard_watch_open(struct guard_watch *w)
{
	*w = (struct guard_watch){ 0 };
	return netlink_open(&w->events, NETLINK_ROUTE, NULL);
}

void guard_watch_close(struct guard_watch *w)
{
	netlink_close(&w->events);
}

int guard_watch_read(struct guard_watch *w, struct guard_loss *ret_loss)
{
	(void)w;
	if (!losses)
		return 0;
	losses--;
	*ret_loss = (struct guard_loss){ .flushed = true };
	return 1;
}

static void on_lost(void *ctx, const struct guard_loss *loss)
{
	(void)ctx, (void)loss;
	told_lost++;
}

static void on_repaired(void *ctx, int error, const char *text, int64_t took_ns)
{
	(void)ctx, (void)text, (void)took_ns;
	*(error ? &told_failed : &told_good) += 1;
}

static void nft_fails(bool yes)
{
	FILE *f = yes ? fopen(fails, "we") : NULL;

	if (f)
		(void)fclose(f);
	else
		(void)unlink(fails);
}

static void set_up(void)
{
	const struct guard_ops ops = { .lost = on_lost, .repaired = on_repaired };
	const struct guard_config config = { .nft = nft };
	struct sentence why;
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(nft, sizeof nft, "%s/nft", dir);
	(void)snprintf(fails, sizeof fails, "%s/fails", dir);
	f = fopen(nft, "we");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "#!/bin/sh\ncat >/dev/null\n[ ! -e %s ]\n", fails);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(nft, 0700), 0);
	ck_assert_int_eq(guard_open(&config, &ops, NULL, &guard, &why), 0);
	ck_assert_msg(guard_settle(guard, &why) == 0, "%s", why.text);
}

static void tear_down(void)
{
	guard_free(guard);
	(void)unlink(fails);
	(void)unlink(nft);
	(void)rmdir(dir);
}

static bool is_up(void)
{
	struct guard_status s;

	guard_status(guard, &s);
	return s.up;
}

/* As the loop does, for so many milliseconds at most; `ahead` is how far the clock is. */
static bool until_up(int64_t ahead_ns, int ms)
{
	for (; ms > 0 && !is_up(); ms -= 10) {
		struct pollfd p = { .fd = guard_fd(guard), .events = POLLIN };
		boot_t now = boot_add(clock_now().boot, ahead_ns);

		(void)poll(&p, 1, 10);
		(void)guard_readable(guard, now);
		if (!boot_before(now, guard_next(guard)))
			guard_tick(guard, now);
	}
	return is_up();
}

START_TEST(comes_back_after_a_loss)
{
	losses = 1;
	(void)guard_readable(guard, clock_now().boot);
	ck_assert(!is_up());
	ck_assert(until_up(0, 10000));
	ck_assert_int_eq(told_lost, 1);
	ck_assert_int_eq(told_good, 1);
}
END_TEST

/* The repair after a failure was begun a second later, and while it ran the guard was lost once more: nothing
 * began it ever again. */
START_TEST(comes_back_after_a_loss_while_a_failure_is_repaired)
{
	boot_t now = clock_now().boot;

	nft_fails(true);
	losses = 1;
	(void)guard_readable(guard, now);
	for (int i = 0; i < 1000 && !told_failed; i++)
		(void)until_up(0, 10);
	ck_assert_int_eq(told_failed, 1);
	nft_fails(false);
	now = boot_add(clock_now().boot, 10 * NS_PER_S);
	guard_tick(guard, now);
	losses = 1;
	(void)guard_readable(guard, now);
	ck_assert_int_eq(told_lost, 2);
	ck_assert(until_up(10 * NS_PER_S, 10000));
	ck_assert_int_eq(told_good, 1);
	ck_assert_int_eq(guard_next(guard).ns, BOOT_NEVER.ns);
}
END_TEST

UNIT_MAIN_AROUND("guard", set_up, tear_down, comes_back_after_a_loss,
		 comes_back_after_a_loss_while_a_failure_is_repaired)
