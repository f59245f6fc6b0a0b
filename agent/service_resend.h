/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends all bindings of a group as one full list, in slices, so that any number of phones fits through a
 * bounded queue and nothing else waits long behind them. For a snapshot, or to heal a difference.
 */
#ifndef RK_SERVICE_RESEND_H
#define RK_SERVICE_RESEND_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent_group;

#define SERVICE_RESEND_PERIOD_NS (10 * NS_PER_MS)

struct service_resend {
	bool active;
	bool begun;	   /* the first batch is made */
	bool ended;	   /* the last batch is made */
	size_t left;	   /* entries of the store below are still to be sent */
	uint64_t snapshot; /* request that is answered; 0: to all nodes */
	size_t len;	   /* bytes of a batch that waits in buf */
	uint8_t *buf;	   /* SERVICE_BATCH_BYTES, made on first use */
	boot_t next;
};

/* From the start, instead of what is under way. -ENOMEM. */
int service_resend_start(struct agent_group *g, uint64_t snapshot);
/* The next slice; true when nothing is left to do. */
bool service_resend_run(struct agent_group *g);
void service_resend_close(struct agent_group *g);

#endif
