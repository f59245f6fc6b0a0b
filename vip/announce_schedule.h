/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * When a held group is announced: at once, after 100 ms, 1 s and 5 s (a lost frame, a switch that was still
 * learning), then every 60 s while it is held. Pure.
 */
#ifndef RK_ANNOUNCE_SCHEDULE_H
#define RK_ANNOUNCE_SCHEDULE_H

#include "clock.h"

#define ANNOUNCE_REFRESH_NS (60 * NS_PER_S)
/* Announcing again because of a rival, at the soonest so long after the last time: two nodes with the same
 * address must not fill the LAN. */
#define ANNOUNCE_DEFEND_NS (100 * NS_PER_MS)

struct announce_schedule {
	bool active;
	unsigned round; /* rounds done since start */
	boot_t start;
	boot_t last; /* of the latest round */
	boot_t next;
};

void announce_schedule_start(struct announce_schedule *s, boot_t now);
void announce_schedule_stop(struct announce_schedule *s);
/* A rival was heard: the next round is due at once, or as soon as ANNOUNCE_DEFEND_NS allows. */
void announce_schedule_defend(struct announce_schedule *s, boot_t now);
/* BOOT_NEVER if not active. */
boot_t announce_schedule_next(const struct announce_schedule *s);
/* A round was sent. Rounds that were missed (we stood still) are not made up for. */
void announce_schedule_done(struct announce_schedule *s, boot_t now);

#endif
