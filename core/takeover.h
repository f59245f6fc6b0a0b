/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The ordered, idempotent steps of taking over and letting go: one in flight per group, each
 * answered by exactly one done or failed. A failed step is recorded and the sequence goes on: an address that
 * is held must serve. Each sequence has two records: of its beginning, since an agent may be killed at any
 * moment, and a whole one at its end, which replaces the other.
 */
#ifndef RK_TAKEOVER_H
#define RK_TAKEOVER_H

#include "plan.h"

enum takeover_direction { TAKEOVER_REST, TAKEOVER_UP, TAKEOVER_DOWN };

struct takeover {
	enum takeover_direction direction;
	enum core_step_kind step; /* in flight; STEP_NONE if none */
	uint32_t seq;		  /* of the step in flight */
	uint32_t next_seq;
	boot_t until;		   /* the step in flight has failed by then */
	struct core_record record; /* told when it began; being filled, told again at the end */
};

/* -ETIMEDOUT on Linux, spelled here because the core knows no errno.h. */
#define TAKEOVER_ERROR_TIMEOUT (-110)

/* Starts the sequence at record->at and tells its beginning; a running one is ended and its record emitted
 * first. record: cause, epoch, peer, at; type 0 = nothing to tell (making sure of standby at start). */
void takeover_start(struct takeover *t, group_index_t group, enum takeover_direction direction,
		    const struct core_record *record, struct core_plan *plan);
/* A step ended; an answer with another seq is ignored. */
void takeover_answer(struct takeover *t, group_index_t group, uint32_t seq, int error, boot_t now,
		     struct core_plan *plan);
/* A step that never answers has failed when its time is over; the sequence goes on. */
void takeover_tick(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan);
/* The plan that held the step in flight may have been dropped: it is started again, under a new seq. */
void takeover_repeat(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan);
/* When takeover_tick() wants to be called next; BOOT_NEVER if not. */
boot_t takeover_next(const struct takeover *t);
const char *step_name(enum core_step_kind s);
const char *cause_name(enum core_cause c);

#endif
