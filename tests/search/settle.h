/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The way out (I9): from a state of the search the faults stop, the real timers run, pulses and messages
 * arrive after 0 to 2 units, and within a bound some node must hold and go on holding.
 */
#ifndef RK_SEARCH_SETTLE_H
#define RK_SEARCH_SETTLE_H

#include "world.h"

struct settle_options {
	bool constant_delay; /* everything takes one unit: what is symmetric stays so */
	node_id_t off;	     /* this node stays off; NODE_NONE: all run */
	node_id_t deaf;	     /* this node sends and hears nothing */
	unsigned seed;
};

struct settle_result {
	bool settled;
	int after;  /* units until the last tenure began */
	int losses; /* tenures that ended without being given up */
	int opened; /* most gates open at once */
};

struct settle_result settle(const struct search_config *c, const struct world *w,
			    const struct settle_options *o);
/* The bound, in units. */
int settle_bound(const struct search_config *c);

#endif
