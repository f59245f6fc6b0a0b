/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What other nodes wrote into the history they tell themselves. It is kept here for a while: if such a node
 * is not seen at the end of it, one of those that are left tells it, with the same id; it may be told twice,
 * and is told at least once. What this node wrote before it was known which one it is waits here, too. Pure.
 */
#ifndef RK_STAND_IN_H
#define RK_STAND_IN_H

#include "alert.h"
#include "clock.h"
#include "cluster_view.h"

#define STAND_IN_MAX 256

struct stand_in {
	size_t count;
	struct {
		struct alert alert;
		node_id_t node; /* who wrote it */
		boot_t due;
	} at[STAND_IN_MAX];
	uint64_t dropped;
};

/* Copies. When full, the oldest one goes and is counted: those come from many records at once, of a node that
 * is there. */
void stand_in_keep(struct stand_in *s, const struct alert *a, node_id_t node, boot_t due);
/* The next one that is due and has to be told here; those that need not be are forgotten. False: none. */
bool stand_in_take(struct stand_in *s, const struct cluster_view *v, boot_t now, struct alert *ret);
boot_t stand_in_next(const struct stand_in *s);
/* New reference; times are kept as what is left of them. */
json_t *stand_in_json(const struct stand_in *s, boot_t now);
void stand_in_load(struct stand_in *s, const json_t *j, boot_t now, int64_t wait_ns_max);

#endif
