/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the agent and the process that feeds the hardware watchdog (ringkeep-watchdog) share: one page in a
 * file of the run directory. The agent counts its rounds there and gives an order; the other says what has
 * become of it. Whoever reads believes nothing that is out of range. The other process holds a lock (flock)
 * on the file as long as it lives.
 */
#ifndef RK_WATCHDOG_SHARED_H
#define RK_WATCHDOG_SHARED_H

#include <stdatomic.h>
#include <stdint.h>

#define WATCHDOG_FILE		"watchdog" /* in the run directory */
#define WATCHDOG_MAGIC		0x524b5744u
#define WATCHDOG_VERSION	1
#define WATCHDOG_DEVICE_MAX	200
#define WATCHDOG_IDENTITY_MAX	33
#define WATCHDOG_TIMEOUT_MS_MIN 2000
#define WATCHDOG_TIMEOUT_MS_MAX 600000

enum watchdog_order {
	WATCHDOG_ORDER_FEED, /* while the agent counts */
	/* The agent makes room for another one: for half the timeout it need not count. */
	WATCHDOG_ORDER_LEAVE,
	/* Everything is down: disarm and end. A device that cannot be disarmed (nowayout) is fed from now on
	 * without a condition. */
	WATCHDOG_ORDER_STOP,
	WATCHDOG_ORDER_REPLACE, /* disarm and end; another one follows */
};

enum watchdog_state {
	WATCHDOG_NONE, /* nothing has been started in this boot */
	WATCHDOG_STARTING,
	WATCHDOG_ARMED,
	WATCHDOG_FAILING,    /* armed, and the device does not take its food */
	WATCHDOG_UNATTENDED, /* the agent has stopped and the device cannot be: fed without a condition */
	WATCHDOG_DISARMED,
	WATCHDOG_NO_DEVICE,   /* it cannot be opened: error */
	WATCHDOG_BAD_TIMEOUT, /* the device cannot do the timeout: error, or the one that it has instead */
	WATCHDOG_STATES_COUNT,
};

struct watchdog_shared {
	/* These four keep their place in every version, so that each can end its former. */
	uint32_t magic;
	uint32_t version;
	_Atomic uint32_t order; /* enum watchdog_order; the agent's */
	_Atomic uint32_t pid;	/* of the process with the lock */

	_Atomic uint64_t rounds;       /* the agent's */
	_Atomic uint32_t reset_told;   /* the agent's: the reset before this boot is in the history */
	_Atomic uint32_t quorate_seen; /* the agent's: this node was quorate since the device was armed */

	_Atomic uint32_t state; /* enum watchdog_state */
	_Atomic uint32_t error; /* errno */
	_Atomic uint32_t asked_ms;
	_Atomic uint32_t timeout_ms;  /* read back */
	_Atomic uint32_t boot_status; /* WDIOF_CARDRESET and others */
	_Atomic uint32_t nowayout;
	_Atomic uint32_t realtime; /* it has priority and locked memory */
	_Atomic uint64_t fed;	   /* how often */
	char identity[WATCHDOG_IDENTITY_MAX];
	char device[WATCHDOG_DEVICE_MAX];
};

#endif
