/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every combination of what can be so about uplinks, given to the deciders as they ship. Nothing else
 * changes: a decision is carried out, time passes, and it is asked again until there is nothing more to do.
 *
 *   local     one node: two uplinks in full, three in part
 *   cluster   two nodes with two uplinks each, all orders in which they may act
 *   together  in time: both nodes see the same change, one somewhat later than the other
 */
#ifndef RK_SEARCH_UPLINK_EXPLORE_H
#define RK_SEARCH_UPLINK_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

#define UPLINK_ACTIONS_MAX 3 /* until nothing more is to be done */

struct uplink_explored {
	uint64_t states;
	uint64_t actions;
	int longest; /* actions from one state */
	const char *violation;
	char state[512]; /* where */
};

/* every: only each so many-th state; 1: all. */
void uplink_explore_local(uint32_t every, struct uplink_explored *ret);
void uplink_explore_cluster(uint32_t every, struct uplink_explored *ret);
void uplink_explore_together(uint32_t every, struct uplink_explored *ret);

#endif
