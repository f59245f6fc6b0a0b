/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The only place that reads clocks.
 */
#ifndef RK_CLOCK_READ_H
#define RK_CLOCK_READ_H

#include "clock.h"

/* BOOTTIME first, RAW last: a stall between them only shortens our lease and lengthens our promises . */
struct instant clock_now(void);
/* BOOTTIME - MONOTONIC: moves only by suspend. */
int64_t clock_suspended_ns(void);
/* CLOCK_REALTIME in ns, for logs and history only. */
int64_t clock_wall_ns(void);

#endif
