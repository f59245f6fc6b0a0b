/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Real-time priority and locked memory: wanted, not needed. A late agent loses its lease, it never breaks a
 * promise.
 */
#ifndef RK_REALTIME_H
#define RK_REALTIME_H

#include <stdint.h>

/* So long may we run without sleeping once. */
#define REALTIME_SPIN_MS 400

/* SCHED_RR at this priority (0: leave it as it is). Children start with an ordinary one again (reset on
 * fork). A loop that, by a fault of ours, turns without ever sleeping would stop every ordinary process of
 * the machine, the PBX first, for 950 ms of each second: after REALTIME_SPIN_MS of it SIGXCPU comes, which
 * the caller has blocked and reads, to step down. 0 or -errno. */
int realtime_priority(uint32_t priority);
/* Ordinary priority from now on. 0 or -errno. */
int realtime_step_down(void);
/* Locks all memory, present and future. 0 or -errno. */
int realtime_lock_memory(void);

#endif
