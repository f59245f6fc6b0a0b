/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "realtime.h"

#include <cap-ng.h>
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

/* With a limit on locked memory MCL_FUTURE would make a later malloc() fail: an agent that may page is
 * better. */
int realtime_lock_memory(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return -errno;
	if (limit.rlim_cur != RLIM_INFINITY && !capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK))
		return -EPERM;
	return mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? -errno : 0;
}

static void limit_spinning(void)
{
	const rlim_t spin_us = REALTIME_SPIN_MS * 1000;
	struct rlimit limit;

	if (getrlimit(RLIMIT_RTTIME, &limit) < 0 || limit.rlim_cur <= spin_us)
		return;
	limit.rlim_cur = spin_us;
	(void)setrlimit(RLIMIT_RTTIME, &limit); /* lowering the soft one is always allowed */
}

int realtime_priority(uint32_t priority)
{
	const struct sched_param param = { .sched_priority = (int)priority };
	const struct timespec nap = { .tv_nsec = 100 * 1000 };
	int r;

	if (!priority)
		return 0;
	/* Adapters, nft and the recorder must never run at our priority. */
	r = sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0 ? -errno : 0;
	/* What was spent before a step down counts until a real-time process has slept: the signal would come
	 * at once. */
	(void)nanosleep(&nap, NULL);
	limit_spinning();
	return r;
}

int realtime_step_down(void)
{
	const struct sched_param ordinary = { .sched_priority = 0 };

	return sched_setscheduler(0, SCHED_OTHER, &ordinary) < 0 ? -errno : 0;
}
