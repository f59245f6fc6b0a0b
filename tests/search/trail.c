/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trail.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN (1 << 16)

void trail_init(struct trail *t, size_t action_size)
{
	*t = (struct trail){ .action_size = action_size };
}

void trail_free(struct trail *t)
{
	free(t->parent);
	free(t->actions);
}

void trail_put(struct trail *t, uint32_t state, uint32_t parent, const void *action)
{
	while (state >= t->room) {
		t->room = t->room ? t->room * 2 : ROOM_MIN;
		t->parent = realloc(t->parent, t->room * sizeof *t->parent);
		t->actions = realloc(t->actions, t->room * t->action_size);
		assert(t->parent && t->actions);
	}
	t->parent[state] = parent;
	if (action)
		memcpy(t->actions + state * t->action_size, action, t->action_size);
}

const void *trail_action(const struct trail *t, uint32_t state)
{
	return t->actions + state * t->action_size;
}

int trail_length(const struct trail *t, uint32_t state)
{
	int length = 0;

	for (; state != 0; state = t->parent[state])
		length++;
	return length;
}
