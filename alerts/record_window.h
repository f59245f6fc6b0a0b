/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which history records were seen: for each node its highest number, and which of those just below it.
 * Records of a node that was cut off come late, after newer ones. Pure.
 */
#ifndef RK_RECORD_WINDOW_H
#define RK_RECORD_WINDOW_H

#include "ids.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define RECORD_WINDOW 1024 /* numbers below the highest that are told apart; older ones count as seen */

struct record_window {
	struct {
		uint64_t highest;		   /* 0 = none */
		uint64_t seen[RECORD_WINDOW / 64]; /* bit of number % RECORD_WINDOW */
	} node[NODE_ID_MAX + 1];
};

/* True if it is new; it is seen from then on. False as well for what is no number of a record. */
bool record_window_take(struct record_window *w, int64_t node, int64_t number);
bool record_window_seen(const struct record_window *w, int64_t node, int64_t number);
/* Is there any? */
bool record_window_empty(const struct record_window *w);
/* New reference. */
json_t *record_window_json(const struct record_window *w);
/* What is not readable counts as not seen: told again rather than not at all. */
void record_window_load(struct record_window *w, const json_t *j);

#endif
