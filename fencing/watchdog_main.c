/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-watchdog RUN_DIR DEVICE TIMEOUT_MS: alone owns the hardware watchdog, and feeds it only while the
 * agent counts its rounds (watchdog_shared.h). Nothing here can wait for anything else: no allocation, no
 * log, no disk, no other thread, all of it in memory and at the highest real-time priority. A machine whose
 * kernel runs and whose agent does not is reset at most the timeout and one step after the agent's last
 * round.
 *
 * It ignores what can be ignored (SIGTERM at a shutdown included): only the agent's order disarms the device,
 * and that comes after the addresses are down.
 */
#include "watchdog_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS_MAX 200
#define STEPS	    10 /* in a timeout, at least */

struct petter {
	struct watchdog_shared *shared;
	const char *device;
	int fd; /* of the device */
	uint32_t asked_ms, timeout_ms;
	uint64_t rounds;	/* as of the latest feeding */
	int64_t leave_until_ms; /* 0: no order to leave */
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int end(struct petter *p, enum watchdog_state state, int error)
{
	atomic_store(&p->shared->error, (uint32_t)error);
	atomic_store(&p->shared->state, state);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- start ---- */

static struct watchdog_shared *map_shared(const char *run_dir)
{
	char path[512];
	void *page;
	int fd;

	(void)snprintf(path, sizeof path, "%s/" WATCHDOG_FILE, run_dir);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) /* held until this process ends */
		return NULL;
	page = mmap(NULL, sizeof(struct watchdog_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}

static void harden(struct petter *p)
{
	const struct sched_param param = { .sched_priority = sched_get_priority_max(SCHED_RR) };
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	bool locked = mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
	bool first = sched_setscheduler(0, SCHED_RR, &param) == 0;

	atomic_store(&p->shared->realtime, locked && first);
}

/* "/dev/watchdog" is the first one. */
static bool cannot_be_stopped(const char *device)
{
	const char *slash = strrchr(device, '/'), *name = slash ? slash + 1 : device;
	char path[512], answer = '0';
	int fd;

	(void)snprintf(path, sizeof path, "/sys/class/watchdog/%s/nowayout",
		       strcmp(name, "watchdog") ? name : "watchdog0");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false; /* a kernel that does not tell */
	if (read(fd, &answer, 1) != 1)
		answer = '0';
	(void)close(fd);
	return answer == '1';
}

static void ask_device(struct petter *p)
{
	struct watchdog_info info = { 0 };
	int status = 0;

	/* Drivers differ in what they answer, so nothing depends on it. */
	if (ioctl(p->fd, WDIOC_GETSUPPORT, &info) == 0)
		(void)snprintf(p->shared->identity, sizeof p->shared->identity, "%.32s",
			       (const char *)info.identity);
	if (ioctl(p->fd, WDIOC_GETBOOTSTATUS, &status) == 0)
		atomic_store(&p->shared->boot_status, (uint32_t)status);
	atomic_store(&p->shared->nowayout, cannot_be_stopped(p->device));
}

static bool feed(struct petter *p)
{
	int unused = 0;

	if (ioctl(p->fd, WDIOC_KEEPALIVE, &unused) < 0 && write(p->fd, "\0", 1) != 1)
		return false;
	atomic_fetch_add(&p->shared->fed, 1);
	return true;
}

/* Opening armed it: without the letter it would go on. */
static void disarm(struct petter *p)
{
	(void)!write(p->fd, "V", 1); /* a device that refuses it resets the machine, as it must */
	(void)close(p->fd);
}

/* A driver may round to what the device can do. Up to half more, because the others wait for twice the
 * timeout before they count on it; down to half, because an agent that is restarted must have time to come
 * back. */
static bool holds_bound(const struct petter *p)
{
	return p->timeout_ms >= WATCHDOG_TIMEOUT_MS_MIN && p->timeout_ms >= p->asked_ms / 2 &&
	       p->timeout_ms <= p->asked_ms + p->asked_ms / 2;
}

/* @retval -ERANGE the device has another timeout, in timeout_ms */
static int set_timeout(struct petter *p)
{
	int seconds = (int)((p->asked_ms + 999) / 1000), error = 0;

	if (ioctl(p->fd, WDIOC_SETTIMEOUT, &seconds) < 0)
		error = -errno;
	if (ioctl(p->fd, WDIOC_GETTIMEOUT, &seconds) < 0)
		return error ? error : -errno;
	if (seconds < 0 || seconds > WATCHDOG_TIMEOUT_MS_MAX / 1000)
		seconds = WATCHDOG_TIMEOUT_MS_MAX / 1000;
	p->timeout_ms = (uint32_t)seconds * 1000;
	atomic_store(&p->shared->timeout_ms, p->timeout_ms);
	return holds_bound(p) ? 0 : -ERANGE;
}

/* ---- the loop ---- */

static bool may_feed(struct petter *p)
{
	uint64_t rounds = atomic_load(&p->shared->rounds);
	bool counts = rounds != p->rounds;

	p->rounds = rounds;
	if (atomic_load(&p->shared->state) == WATCHDOG_UNATTENDED)
		return true;
	if (atomic_load(&p->shared->order) != WATCHDOG_ORDER_LEAVE) {
		p->leave_until_ms = 0;
		return counts;
	}
	if (!p->leave_until_ms)
		p->leave_until_ms = now_ms() + p->timeout_ms / 2;
	return counts || now_ms() < p->leave_until_ms;
}

/* True: the device is disarmed and this process has to end. */
static bool obey(struct petter *p)
{
	uint32_t order = atomic_load(&p->shared->order);

	if (order == WATCHDOG_ORDER_STOP && atomic_load(&p->shared->nowayout)) {
		atomic_store(&p->shared->state, WATCHDOG_UNATTENDED);
		return false;
	}
	if (order == WATCHDOG_ORDER_STOP || order == WATCHDOG_ORDER_REPLACE) {
		disarm(p);
		return true;
	}
	if (atomic_load(&p->shared->state) == WATCHDOG_UNATTENDED) /* there is an agent again */
		atomic_store(&p->shared->state, WATCHDOG_ARMED);
	return false;
}

static void sleep_step(const struct petter *p)
{
	uint32_t ms = p->timeout_ms / STEPS < STEP_MS_MAX ? p->timeout_ms / STEPS : STEP_MS_MAX;
	const struct timespec step = { .tv_nsec = ms * 1000000L };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &step, NULL); /* all signals are blocked */
}

static int watch(struct petter *p)
{
	p->rounds = atomic_load(&p->shared->rounds);
	atomic_store(&p->shared->state, WATCHDOG_ARMED);
	while (!obey(p)) {
		if (may_feed(p)) {
			bool fed = feed(p);

			if (!fed)
				atomic_store(&p->shared->error, (uint32_t)errno);
			if (atomic_load(&p->shared->state) != WATCHDOG_UNATTENDED)
				atomic_store(&p->shared->state, fed ? WATCHDOG_ARMED : WATCHDOG_FAILING);
		}
		sleep_step(p);
	}
	return end(p, WATCHDOG_DISARMED, 0);
}

int main(int argc, char **argv)
{
	static struct petter petter = { .fd = -1 };
	struct petter *p = &petter;
	int r;

	if (argc != 4) {
		(void)fputs("usage: ringkeep-watchdog RUN_DIR DEVICE TIMEOUT_MS; ringkeepd starts it\n",
			    stderr);
		return 2;
	}
	p->shared = map_shared(argv[1]);
	if (!p->shared || p->shared->magic != WATCHDOG_MAGIC || p->shared->version != WATCHDOG_VERSION)
		return EXIT_FAILURE;
	p->device = argv[2];
	p->asked_ms = (uint32_t)strtoul(argv[3], NULL, 10);
	(void)snprintf(p->shared->device, sizeof p->shared->device, "%s", p->device);
	atomic_store(&p->shared->asked_ms, p->asked_ms);
	atomic_store(&p->shared->pid, (uint32_t)getpid());
	harden(p);
	p->fd = open(p->device, O_WRONLY | O_CLOEXEC);
	if (p->fd < 0)
		return end(p, WATCHDOG_NO_DEVICE, errno);
	ask_device(p);
	r = set_timeout(p);
	if (r < 0) {
		disarm(p);
		return end(p, WATCHDOG_BAD_TIMEOUT, -r);
	}
	return watch(p);
}
