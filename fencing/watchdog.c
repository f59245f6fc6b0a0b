/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watchdog.h"

#include "child_spawn.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_SIZE_MAX	  4096
#define STOP_STEP_MS	  10
#define SOFTWARE_IDENTITY "Software Watchdog"

void watchdog_init(struct watchdog *w)
{
	*w = (struct watchdog){ .file = -1, .pidfd = -1 };
}

/* ---- who has the lock ---- */

static bool lock_is_held(int file)
{
	if (flock(file, LOCK_EX | LOCK_NB) < 0)
		return true;
	(void)flock(file, LOCK_UN); /* cannot fail: it is ours */
	return false;
}

/* The number may have been given to another process, unless the lock is still held after the pidfd is open.
 */
static void adopt(struct watchdog *w)
{
	int32_t pid = (int32_t)atomic_load(&w->shared->pid);

	if (pid <= 1 || !lock_is_held(w->file))
		return;
	w->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (w->pidfd >= 0 && lock_is_held(w->file)) {
		w->pid = pid;
		return;
	}
	watchdog_ended(w);
}

/* ---- life ---- */

static void forget(struct watchdog_shared *s)
{
	memset(s, 0, sizeof *s);
	s->magic = WATCHDOG_MAGIC;
	s->version = WATCHDOG_VERSION;
}

int watchdog_open(struct watchdog *w, int run_dir_fd, bool *ret_new)
{
	void *page;
	int fd = openat(run_dir_fd, WATCHDOG_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, PAGE_SIZE_MAX) < 0) {
		int r = -errno;

		(void)close(fd);
		return r;
	}
	page = mmap(NULL, sizeof *w->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		(void)close(fd);
		return -ENOMEM;
	}
	w->shared = page;
	w->file = fd;
	*ret_new = w->shared->magic != WATCHDOG_MAGIC;
	if (*ret_new)
		forget(w->shared);
	adopt(w);
	if (w->shared->version != WATCHDOG_VERSION && watchdog_runs(w))
		watchdog_order(w, WATCHDOG_ORDER_REPLACE);
	else if (w->shared->version != WATCHDOG_VERSION)
		forget(w->shared);
	else
		watchdog_order(w, WATCHDOG_ORDER_FEED);
	return 0;
}

bool watchdog_runs(const struct watchdog *w)
{
	return w->pidfd >= 0;
}

void watchdog_ended(struct watchdog *w)
{
	if (w->pidfd >= 0)
		(void)close(w->pidfd);
	if (w->child)
		(void)waitpid(w->pid, NULL, 0);
	w->pidfd = -1;
	w->child = false;
	w->pid = 0;
	if (w->shared->version != WATCHDOG_VERSION)
		forget(w->shared);
}

/* In a group of its own: what ends the agent's group does not end it. */
static int spawn(char *const argv[], pid_t *ret_pid, int *ret_pidfd)
{
	_cleanup_(close_fd) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null < 0 ? -errno : child_spawn_env(argv, environ, null, null, null, ret_pid, ret_pidfd);
}

int watchdog_start(struct watchdog *w, const char *program, const char *run_dir, const char *device,
		   uint32_t timeout_ms)
{
	char timeout[16], *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)run_dir,
				      (char *)(uintptr_t)device, timeout, NULL };
	int r, pidfd;
	pid_t pid;

	if (watchdog_runs(w) || lock_is_held(w->file))
		return -EBUSY;
	(void)snprintf(timeout, sizeof timeout, "%u", timeout_ms);
	atomic_store(&w->shared->state, WATCHDOG_STARTING);
	atomic_store(&w->shared->error, 0);
	watchdog_order(w, WATCHDOG_ORDER_FEED);
	r = spawn(argv, &pid, &pidfd);
	if (r < 0) {
		atomic_store(&w->shared->state, WATCHDOG_NONE);
		return r;
	}
	w->pid = pid;
	w->child = true;
	w->pidfd = pidfd;
	return 0;
}

void watchdog_count_round(struct watchdog *w)
{
	atomic_fetch_add(&w->shared->rounds, 1);
}

void watchdog_order(struct watchdog *w, enum watchdog_order order)
{
	atomic_store(&w->shared->order, order);
}

static void copy_text(char *ret, const char *text, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i]; i++)
		ret[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	ret[i] = 0;
}

void watchdog_report(const struct watchdog *w, struct watchdog_report *ret)
{
	struct watchdog_shared *s = w->shared;
	uint32_t state;

	memset(ret, 0, sizeof *ret);
	if (!s || s->version != WATCHDOG_VERSION)
		return;
	state = atomic_load(&s->state);
	ret->state = state < WATCHDOG_STATES_COUNT ? (enum watchdog_state)state : WATCHDOG_NONE;
	/* What it said last is not true any more if it was killed. */
	if (!watchdog_runs(w) && ret->state < WATCHDOG_DISARMED)
		ret->state = WATCHDOG_NONE;
	ret->error = (int)(atomic_load(&s->error) & 0xfff);
	ret->asked_ms = atomic_load(&s->asked_ms);
	ret->timeout_ms = atomic_load(&s->timeout_ms);
	if (ret->timeout_ms > WATCHDOG_TIMEOUT_MS_MAX)
		ret->timeout_ms = WATCHDOG_TIMEOUT_MS_MAX;
	ret->card_reset = atomic_load(&s->boot_status) & WDIOF_CARDRESET;
	ret->nowayout = atomic_load(&s->nowayout) != 0;
	ret->realtime = atomic_load(&s->realtime) != 0;
	ret->fed = atomic_load(&s->fed);
	copy_text(ret->identity, s->identity, sizeof ret->identity);
	copy_text(ret->device, s->device, sizeof ret->device);
	ret->software = !strcmp(ret->identity, SOFTWARE_IDENTITY);
}

bool watchdog_tell_reset(struct watchdog *w)
{
	struct watchdog_report r;

	watchdog_report(w, &r);
	return r.card_reset && !atomic_exchange(&w->shared->reset_told, 1);
}

bool watchdog_stop(struct watchdog *w, int wait_ms)
{
	if (!watchdog_runs(w))
		return true;
	watchdog_order(w, WATCHDOG_ORDER_STOP);
	for (int waited_ms = 0; waited_ms < wait_ms; waited_ms += STOP_STEP_MS) {
		struct pollfd p = { .fd = w->pidfd, .events = POLLIN };

		if (poll(&p, 1, STOP_STEP_MS) > 0) {
			watchdog_ended(w);
			atomic_store(&w->shared->quorate_seen, 0);
			return atomic_load(&w->shared->state) >= WATCHDOG_DISARMED;
		}
		if (atomic_load(&w->shared->state) == WATCHDOG_UNATTENDED)
			return true;
	}
	return false;
}

void watchdog_close(struct watchdog *w)
{
	if (w->pidfd >= 0)
		(void)close(w->pidfd);
	if (w->shared)
		(void)munmap(w->shared, sizeof *w->shared);
	if (w->file >= 0)
		(void)close(w->file);
	watchdog_init(w);
}

const char *watchdog_state_name(enum watchdog_state s)
{
	static const char *const names[WATCHDOG_STATES_COUNT] = {
		[WATCHDOG_NONE] = "none",
		[WATCHDOG_STARTING] = "starting",
		[WATCHDOG_ARMED] = "armed",
		[WATCHDOG_FAILING] = "failing",
		[WATCHDOG_UNATTENDED] = "unattended",
		[WATCHDOG_DISARMED] = "disarmed",
		[WATCHDOG_NO_DEVICE] = "no-device",
		[WATCHDOG_BAD_TIMEOUT] = "bad-timeout",
	};

	return (unsigned)s < WATCHDOG_STATES_COUNT ? names[s] : "unknown";
}
