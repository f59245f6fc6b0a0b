/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Real-time priority and locked memory: wanted, not needed. A late agent loses its lease, it never breaks a
 * promise.
 */
#ifndef RK_REALTIME_H
#define RK_REALTIME_H

#include <stdbool.h>
#include <stdint.h>

struct realtime_result {
	int priority_error; /* 0 or -errno */
	int memory_error;   /* 0 or -errno */
};

/* Asks for SCHED_RR at the priority (0: leave it) and locks all memory. Children start with ordinary priority
 * again (reset on fork). */
struct realtime_result realtime_enter(uint32_t priority, bool lock_memory);

#endif
