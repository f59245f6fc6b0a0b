/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends announcements of held groups on their schedule, and questions, by AF_PACKET. Always through the
 * queueing discipline (never PACKET_QDISC_BYPASS): that is where the gate is, and a frame that a shut gate
 * drops comes back as -ENOBUFS. Private to vip/.
 */
#ifndef RK_ANNOUNCE_H
#define RK_ANNOUNCE_H

#include "address.h"
#include "announce_schedule.h"
#include "announce_wire.h"

/* So many addresses at a time, then the LAN and we have a pause of ANNOUNCE_PAUSE_NS: 1,000 take about 8 ms.
 */
#define ANNOUNCE_BATCH	  128
#define ANNOUNCE_PAUSE_NS NS_PER_MS

struct announce_group {
	struct announce_schedule schedule;
	size_t at;    /* entry from which the round goes on; 0 = a new round */
	bool told;    /* ops->announced was called for this vip_announce() */
	int error;    /* first of this round */
	size_t sent;  /* frames of this round */
	boot_t pause; /* the round goes on at */
};

struct announcer {
	const struct vip_ops *ops; /* borrowed */
	void *ctx;
	const struct vip_links *links;
	const struct address_table *addresses;
	int fd;
	uint64_t frames;
	uint64_t dropped;
	struct announce_group group[RK_GROUPS_MAX];
};

int announcer_open(struct announcer *a);
void announcer_close(struct announcer *a);
void announcer_start(struct announcer *a, group_index_t group, boot_t now);
void announcer_again(struct announcer *a, group_index_t group, boot_t now);
void announcer_defend(struct announcer *a, group_index_t group, boot_t now);
void announcer_stop(struct announcer *a, group_index_t group);
bool announcer_active(const struct announcer *a, group_index_t group);
boot_t announcer_next(const struct announcer *a);
void announcer_tick(struct announcer *a, boot_t now);

/* Sends frames, each on its interface; goes on after a failure. Returns the first error or 0. */
int announcer_send(struct announcer *a, struct announce_frame *frames, size_t count, size_t *ret_sent);

#endif
