/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Carries out a switch of voice to another uplink: uplink/uplink_transaction.h says what is next, here it is
 * done. Nothing waits: PBX and trunks answer when they do, and late ones are told of.
 */
#ifndef RK_UPLINK_SWITCH_H
#define RK_UPLINK_SWITCH_H

#include "path_plan.h"
#include "uplink_choice.h"
#include "uplink_transaction.h"

struct uplinks;

/* So long nft may take to pin live flows, before voice moves away from them. */
#define UPLINK_PIN_NS (5 * NS_PER_S)
/* While it drains, what is left on a line is counted so often. */
#define UPLINK_DRAINED_NS NS_PER_S

/* The latest switch of a family, running or ended. */
struct uplink_switching {
	bool running;
	bool pinning; /* a drain whose live flows are not pinned yet */
	enum uplink_action action;
	int from, to; /* the configuration's numbers; -1: none */
	uint16_t rule;
	const char *why;
	boot_t begun; /* {0}: there was none */
	struct uplink_transaction t;
	uint32_t flows, sockets; /* of the old line, ended */
	bool ok;
	uint32_t draining_flows; /* left on the old line of a drain */
	boot_t counted_at;
};

/* @retval -errno nothing was changed (reported, and told to uplinks_switched()). */
int uplink_switch_start(struct uplinks *u, enum path_family f, const struct uplink_decision *d);
void uplink_switch_tick(struct uplinks *u, enum path_family f);
boot_t uplink_switch_next(const struct uplinks *u, enum path_family f);
/* Where voice goes now, also in the midst of a switch; -1: nowhere. */
int uplink_switch_voice(const struct uplinks *u, enum path_family f);
/* Every PBX here can keep live calls and their signalling on the old line, and we can pin their flows. */
bool uplink_switch_can_drain(const struct uplinks *u);
/* Live calls on the old line of a drain: no more than are up here, and none when nothing flows there. */
uint32_t uplink_switch_draining(struct uplinks *u, enum path_family f);

#endif
