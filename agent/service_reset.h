/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * After a takeover: phones that hang on a TCP connection of their own cannot be moved, and would notice only
 * at their next keep-alive that nobody is at the other end. Each gets a tickle (vip/tickle_wire.h) from the
 * address, a few times since the first ones may be lost, in slices so that nothing else waits behind many.
 */
#ifndef RK_SERVICE_RESET_H
#define RK_SERVICE_RESET_H

#include "clock.h"
#include "tickle.h"

struct agent_group;

struct service_reset {
	struct tickle *list; /* NULL: nothing to do */
	size_t count;
	size_t next; /* of this round */
	unsigned round;
	boot_t due;
	struct tickle_socket socket;
};

/* Takes down who is concerned now: soon the PBX says that it has not got them. */
void service_reset_start(struct agent_group *g);
/* The next slice, if its time has come. */
void service_reset_run(struct agent_group *g);
/* This node lets go, or the agent ends. */
void service_reset_stop(struct agent_group *g);

#endif
