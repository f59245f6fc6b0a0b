/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The nftables table `inet ringkeep_uplink`: a flow of voice gets the mark of the uplink by which it leaves
 * first, and keeps it; probes, and packets with a mark of their own, get none. By that mark the flows of one
 * uplink are deleted after a switch. A ruleset of the administrator's own may do the same (mark-flows = no).
 * Loaded by a child, `nft -f -`, in one transaction; it stays when the agent goes. What is there already is
 * not loaded again; now and then it is looked whether it still is, since a firewall that is loaded anew takes
 * everybody's tables away.
 */
#ifndef RK_UPLINK_MARKS_H
#define RK_UPLINK_MARKS_H

#include "clock.h"
#include "guard_child.h"
#include "path_plan.h"

struct uplink_marks {
	struct guard_child child;
	bool kept; /* by us at all */
	bool wanted, running;
	bool looking; /* the child lists what is there */
	bool looked;  /* what a former agent left is known to be something else */
	boot_t recheck_at;
	uint32_t pinned; /* lines, as bits */
	boot_t deadline; /* of the child */
	boot_t next_try;
	boot_t look_at; /* whether the child has ended: a few ms, once at start, not worth a descriptor of the
			   loop */
	int error;	/* of the latest child */
};

void uplink_marks_init(struct uplink_marks *m, bool wanted);
void uplink_marks_close(struct uplink_marks *m);
/* Starts what is wanted, looks whether it has ended. True: it ended in this call, with m->error. */
bool uplink_marks_tick(struct uplink_marks *m, const struct path_config *c, boot_t now);
boot_t uplink_marks_next(const struct uplink_marks *m);
/* Flows of these lines (bits, by number) stay where they are, others follow the route; loaded soon. */
void uplink_marks_pin(struct uplink_marks *m, uint32_t lines);
/* What was wanted last is loaded. */
bool uplink_marks_settled(const struct uplink_marks *m);
/* The caller's to free; NULL without memory. pinned: bits, by number. */
char *uplink_marks_text(const struct path_config *c, uint32_t pinned);

#endif
