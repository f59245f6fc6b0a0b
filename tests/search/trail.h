/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How each state of a table was reached first: from which other one, by which action. State 0 is the
 * beginning.
 */
#ifndef RK_SEARCH_TRAIL_H
#define RK_SEARCH_TRAIL_H

#include <stddef.h>
#include <stdint.h>

struct trail {
	size_t action_size;
	size_t room; /* states */
	uint32_t *parent;
	uint8_t *actions;
};

void trail_init(struct trail *t, size_t action_size);
void trail_free(struct trail *t);
/* action: copied; NULL for state 0. */
void trail_put(struct trail *t, uint32_t state, uint32_t parent, const void *action);
/* The action that led to the state; borrowed until the next trail_put(). */
const void *trail_action(const struct trail *t, uint32_t state);
/* How many actions lead to the state. */
int trail_length(const struct trail *t, uint32_t state);

#endif
