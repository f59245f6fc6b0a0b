/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's side of the hardware watchdog: starts or adopts the process that feeds it, counts rounds, reads
 * what it says. Never touches the device. Does not decide and does not log.
 */
#ifndef RK_WATCHDOG_H
#define RK_WATCHDOG_H

#include "watchdog_shared.h"

#include <stdbool.h>

struct watchdog {
	struct watchdog_shared *shared; /* NULL: closed */
	int file;			/* holds nothing; who has its lock is asked through it */
	int pidfd;			/* readable when the process has ended; -1: there is none */
	bool child;			/* started by this agent: to be reaped */
	int32_t pid;
};

/* A copy of what the process says, in range. */
struct watchdog_report {
	enum watchdog_state state;
	int error;
	uint32_t asked_ms, timeout_ms;
	bool card_reset; /* the machine was reset by it before this boot */
	bool nowayout;
	bool realtime;
	bool software; /* the kernel's own timer plays the device */
	uint64_t fed;
	char identity[WATCHDOG_IDENTITY_MAX];
	char device[WATCHDOG_DEVICE_MAX];
};

void watchdog_init(struct watchdog *w);
/* Opens (and makes) the file in the run directory; adopts the process of a former agent. One of another
 * version is told to end: watchdog_start() when its pidfd says so. ret_new: the first agent of this boot. */
int watchdog_open(struct watchdog *w, int run_dir_fd, bool *ret_new);
/* @retval -EBUSY the former one still runs */
int watchdog_start(struct watchdog *w, const char *program, const char *run_dir, const char *device,
		   uint32_t timeout_ms);
bool watchdog_runs(const struct watchdog *w);
/* After the pidfd became readable. */
void watchdog_ended(struct watchdog *w);
void watchdog_count_round(struct watchdog *w);
void watchdog_order(struct watchdog *w, enum watchdog_order order);
void watchdog_report(const struct watchdog *w, struct watchdog_report *ret);
/* Once in a boot true, if the watchdog reset the machine before it. */
bool watchdog_tell_reset(struct watchdog *w);
/* Orders a stop and waits until the device is disarmed, or fed without a condition. False: neither in time.
 */
bool watchdog_stop(struct watchdog *w, int wait_ms);
/* The process goes on. */
void watchdog_close(struct watchdog *w);
/* "armed" */
const char *watchdog_state_name(enum watchdog_state s);

#endif
