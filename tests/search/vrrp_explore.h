/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Breadth-first, so that the first violation found has a shortest trace; from the states that it finds, the
 * way out is gone in two orders.
 */
#ifndef RK_SEARCH_VRRP_EXPLORE_H
#define RK_SEARCH_VRRP_EXPLORE_H

#include "vrrp_world.h"

struct vrrp_explored {
	uint32_t states, settled;
	uint64_t transitions;
	bool complete;
	const char *violation; /* NULL: none */
	int steps;	       /* length of the trace */
	double seconds;
};

/* Prints the trace of a violation if `print`. */
struct vrrp_explored vrrp_explore(const struct vrrp_search_config *c, bool print);
/* One line about it. */
void vrrp_explored_print(const char *verdict, const char *what, const struct vrrp_search_config *c,
			 const struct vrrp_explored *r);

#endif
