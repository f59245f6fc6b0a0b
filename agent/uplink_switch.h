/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One switch of voice to another uplink, as one transaction: the route, then the flows of the old uplink,
 * then its TCP connections, then the PBX and its trunks, then a second look; verified, or undone.
 */
#ifndef RK_UPLINK_SWITCH_H
#define RK_UPLINK_SWITCH_H

#include "clock.h"
#include "path_plan.h"
#include "uplink_choice.h"

struct uplinks;

/* A step is late when it has not ended by then. */
#define UPLINK_SWITCH_VERIFY_NS (3 * NS_PER_S)
/* When packets that were on their way have made what entries they make. */
#define UPLINK_SWITCH_AGAIN_NS NS_PER_S

struct uplink_switching {
	bool running;
	bool flushed_again;
	enum uplink_action action;
	int from, to; /* the configuration's numbers; -1: none */
	uint16_t rule;
	const char *why;
	boot_t begun;
	bool planned; /* the old one lives: a switch that fails goes back there */
	/* how long it took until then, in us; -1: not reached */
	int64_t route_us, flush_us, verified_us;
	uint32_t flows, sockets;
	bool ok; /* of the latest that has ended */
	boot_t ended;
};

/* @retval -errno nothing was changed (reported, and told to uplinks_switched()). */
int uplink_switch_start(struct uplinks *u, enum path_family f, const struct uplink_decision *d);
void uplink_switch_tick(struct uplinks *u, enum path_family f);
boot_t uplink_switch_next(const struct uplinks *u, enum path_family f);

#endif
