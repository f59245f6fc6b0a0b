/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "realtime.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

struct realtime_result realtime_enter(void)
{
	const struct sched_param param = { .sched_priority = REALTIME_PRIORITY };
	struct realtime_result r = { 0 };

	/* Adapters, nft and the recorder must never run at our priority. */
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0)
		r.priority_error = -errno;
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		r.memory_error = -errno;
	return r;
}
