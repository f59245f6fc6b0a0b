/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One switch of voice to another uplink, as one transaction: which step comes next, how long it may take, and
 * whether the switch stands in the end or is undone. The route first, what remembers the old one second, then
 * the PBX, then its trunks and live calls; a second look at what remembers; verified.
 *
 * Between two lines that live, a step that fails sends voice back to where all was well. Away from a dead
 * one, or where an operator wants it, nothing is undone: what fails is told.
 *
 * Pure: times and facts are arguments, tasks are return values.
 */
#ifndef RK_UPLINK_TRANSACTION_H
#define RK_UPLINK_TRANSACTION_H

#include "clock.h"

/* From the step's beginning. */
#define UPLINK_PBX_NS	 (5 * NS_PER_S)
#define UPLINK_TRUNKS_NS (10 * NS_PER_S)
#define UPLINK_ANSWER_NS (3 * NS_PER_S) /* of a target over the new line */
/* From the route's move: packets on their way then have made what entries they make; those are gone, too. */
#define UPLINK_AGAIN_NS NS_PER_S
#define UPLINK_COUNT_NS (2 * NS_PER_S)

enum uplink_task {
	UPLINK_TASK_WAIT, /* nothing, until uplink_transaction_due() or a fact changes */
	UPLINK_TASK_ROUTE,
	UPLINK_TASK_FLUSH, /* flows and TCP connections of the old line */
	UPLINK_TASK_PBX,
	UPLINK_TASK_TRUNKS,
	UPLINK_TASK_REINVITE,
	UPLINK_TASK_FLUSH_AGAIN,
	UPLINK_TASK_COUNT, /* are any left? */
	/* undoing */
	UPLINK_TASK_ROUTE_BACK,
	UPLINK_TASK_FLUSH_BACK, /* those of the new line */
	UPLINK_TASK_PBX_BACK,
	UPLINK_TASK_TRUNKS_BACK,
	UPLINK_TASK_REINVITE_BACK, /* if calls were told of the new line */
	UPLINK_TASK_END,
	UPLINK_TASKS
};

enum uplink_outcome {
	UPLINK_UNDER_WAY,
	UPLINK_DONE,	 /* verified */
	UPLINK_UNPROVEN, /* it stands, but something failed or nobody answered: see `late` */
	UPLINK_UNDONE,
	UPLINK_REFUSED, /* no route: nothing was changed */
};

enum uplink_switch_kind {
	UPLINK_KIND_SWITCH,
	UPLINK_KIND_DRAIN,  /* flows of the old line stay */
	UPLINK_KIND_FINISH, /* of a drain: they go now, the route has moved before */
};

struct uplink_transaction_facts {
	bool pbx_ended;	    /* each PBX has answered, or cannot be told */
	bool pbx_failed;    /* ... and one refused */
	bool trunks_ended;  /* each trunk that was registered before is so again */
	bool trunks_failed; /* one was refused there: where it can be undone nobody waits for it */
	boot_t answered_at; /* a target answered over the new line, last; {0} never */
	bool new_lost;	    /* the new line is no good any more */
	bool old_fit;	    /* the old one would do */
};

struct uplink_transaction {
	enum uplink_switch_kind kind;
	bool may_undo; /* both lines live and nobody insists */
	bool reinvite;
	enum uplink_outcome outcome;
	bool undoing;
	bool heard;	 /* a target answered over the new line */
	uint32_t given;	 /* tasks, as bits; each is given once */
	uint32_t late;	 /* those that failed or did not end in time; UPLINK_TASK_WAIT: no answer came */
	const char *why; /* it was undone, or is unproven */
	/* when each was done, {0}: not yet */
	boot_t begun, route_at, flush_at, pbx_at, trunks_at, verified_at;
	boot_t pbx_begun, trunks_begun;
	boot_t back_begun; /* the PBX was told to go back */
};

void uplink_transaction_begin(struct uplink_transaction *t, enum uplink_switch_kind kind, bool may_undo,
			      bool reinvite, boot_t now);
/* The next task, to be carried out at once; ask again after it. UPLINK_TASK_END comes once, with the outcome.
 */
enum uplink_task uplink_transaction_next(struct uplink_transaction *t,
					 const struct uplink_transaction_facts *f, boot_t now);
/* How the task went that was given last. */
void uplink_transaction_did(struct uplink_transaction *t, enum uplink_task task, bool ok, boot_t now);
/* When to ask again, whatever happens; BOOT_NEVER: it has ended. */
boot_t uplink_transaction_due(const struct uplink_transaction *t);

/* What a switch that is under way still waits for. */
struct uplink_pending {
	bool pbx, trunks;
	bool flows;	 /* the second look at what is left on the old line */
	bool answer;	 /* of a target over the new one */
	boot_t soonest;	 /* it is verified from then on, if all else goes well; BOOT_NEVER: it is undone */
	boot_t ended_by; /* by then it has ended, however */
};
void uplink_transaction_pending(const struct uplink_transaction *t, struct uplink_pending *ret);
bool uplink_transaction_late(const struct uplink_transaction *t, enum uplink_task task);
const char *uplink_outcome_name(enum uplink_outcome o);

#endif
