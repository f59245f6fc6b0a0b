/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every run that the bounds of a drain_config allow, depth first. A state that was seen is not gone on from;
 * of each only a digest of 128 bits is kept.
 */
#ifndef RK_SEARCH_DRAIN_EXPLORE_H
#define RK_SEARCH_DRAIN_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

struct drain_config;

struct drain_result {
	const char *violation; /* NULL: none */
	uint32_t states, runs;
	double seconds;
};

/* print: the events that lead to a violation. */
struct drain_result drain_explore(const struct drain_config *config, bool print);

#endif
