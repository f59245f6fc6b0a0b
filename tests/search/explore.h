/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Breadth-first, so that the first violation found has a shortest trace.
 */
#ifndef RK_SEARCH_EXPLORE_H
#define RK_SEARCH_EXPLORE_H

#include "world.h"

struct explore_result {
	uint32_t states;
	bool complete;
	const char *violation; /* NULL: none */
	int steps;	       /* length of the trace */
	double seconds;
	uint64_t local_states, code_runs, transitions;
};

/* Prints the trace of a violation if `print`. visit, if not NULL, is called for each state. */
struct explore_result explore(const struct search_config *config, bool print,
			      void (*visit)(const struct world *w, uint32_t number));

#endif
