/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "realtime.h"

#include <cap-ng.h>
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

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

int realtime_priority(uint32_t priority)
{
	const struct sched_param param = { .sched_priority = (int)priority };

	/* Adapters, nft and the recorder must never run at our priority. */
	if (priority && sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0)
		return -errno;
	return 0;
}
