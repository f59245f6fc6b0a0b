/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the fence decider share and nobody else may use.
 *   fence.c        what is known of each target; messages, membership, time
 *   fence_hand.c   what an operator may order
 *   fence_shot.c   the node that shoots: levels, calls, verification
 *   fence_watch.c  what devices say of nodes that live
 *   fence_names.c  words
 */
#ifndef RK_FENCE_PRIVATE_H
#define RK_FENCE_PRIVATE_H

#include "fence.h"

struct fence_turn {
	struct fence *f;
	const struct fence_world *w;
	struct core_plan *plan;
};

/* ---- fence.c ---- */

void fence_set_state(struct fence_turn *t, node_id_t n, enum fence_state s);
/* Neither corosync nor a pulse has it. */
bool fence_gone(const struct fence *f, node_id_t n, const struct fence_world *w);
/* To all; the operation begins when it comes back. */
void fence_order(struct fence_turn *t, node_id_t n, enum fence_why why, uint8_t first_level);
void fence_send(struct fence_turn *t, node_id_t n, enum fence_msg_type type, enum fence_state state);
bool fence_quorate(const struct fence *f, const struct fence_world *w);

/* ---- fence_shot.c ---- */

void fence_shot_begin(struct fence_turn *t, node_id_t n);
void fence_shot_tick(struct fence_turn *t, node_id_t n);
boot_t fence_shot_next(const struct fence_target *x);
void fence_shot_answered(struct fence_turn *t, node_id_t n, enum fence_answer answer, int64_t took_ns);
void fence_shot_forget(struct fence_target *x);
uint32_t fence_call(struct fence_turn *t, node_id_t n, fence_device_t device, enum fence_verb verb,
		    int64_t timeout_ns);

/* ---- fence_watch.c ---- */

void fence_watch_tick(struct fence_turn *t);
/* What is worth keeping has changed. */
void fence_keep(struct fence_turn *t);
boot_t fence_watch_next(const struct fence *f);

#endif
