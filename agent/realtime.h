/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Real-time priority and locked memory: wanted, not needed. A late agent loses its lease, it never breaks a
 * promise.
 */
#ifndef RK_REALTIME_H
#define RK_REALTIME_H

#include <stdint.h>

/* SCHED_RR at this priority (0: leave it as it is). Children start with an ordinary one again (reset on
 * fork). 0 or -errno. */
int realtime_priority(uint32_t priority);
/* Locks all memory, present and future. 0 or -errno. */
int realtime_lock_memory(void);

#endif
