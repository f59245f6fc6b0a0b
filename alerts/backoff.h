/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How long to wait after a failed delivery. Pure.
 */
#ifndef RK_BACKOFF_H
#define RK_BACKOFF_H

#include <stdint.h>

/* A second after the first failure, then twice as long each time, at most max_ms; an eighth less or nothing
 * less by `dice`, so that nodes that failed together do not come back together. failures: 1 = the first. */
int64_t backoff_ns(uint32_t failures, uint32_t max_ms, uint32_t dice);

#endif
