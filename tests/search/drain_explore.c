/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drain_explore.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "drain_world.h"
#include "table.h"

#define DEPTH_MAX 80

struct frame {
	void *saved;
	struct drain_action actions[DRAIN_ACTIONS_MAX];
	int count, next;
};

struct drain_explorer {
	struct drain_world *world;
	struct table *seen;
	struct frame frame[DEPTH_MAX];
	int depth;
	struct drain_result result;
};

static void explorer_trace(const struct drain_explorer *x)
{
	printf("  %s:\n", x->result.violation);
	for (int i = 0; i <= x->depth; i++) {
		const struct frame *f = &x->frame[i];
		struct drain_action a;

		if (f->next == 0)
			break;
		a = f->actions[f->next - 1];
		printf("    ");
		if (a.node)
			printf("node %d: ", a.node);
		printf("%s\n", drain_event_name((enum drain_event)a.event));
	}
}

/* The state that the world is in now. False: it was seen before. */
static bool explorer_enter(struct drain_explorer *x, int depth)
{
	struct frame *f = &x->frame[depth];
	uint64_t digest[2];
	bool fresh;

	drain_world_digest(x->world, digest);
	(void)table_add(x->seen, digest, &fresh);
	if (!fresh)
		return false;
	if (!f->saved)
		f->saved = malloc(drain_world_size());
	assert(f->saved);
	drain_world_save(x->world, f->saved);
	f->count = drain_world_actions(x->world, f->actions);
	f->next = 0;
	if (f->count == 0) {
		x->result.violation = drain_world_end(x->world);
		x->result.runs++;
	}
	return true;
}

static void explorer_go(struct drain_explorer *x)
{
	explorer_enter(x, 0);
	while (x->depth >= 0 && !x->result.violation) {
		struct frame *f = &x->frame[x->depth];

		if (f->next == f->count) {
			x->depth--;
			continue;
		}
		drain_world_restore(x->world, f->saved);
		x->result.violation = drain_world_act(x->world, f->actions[f->next++]);
		assert(x->depth + 1 < DEPTH_MAX);
		x->frame[x->depth + 1].next = 0;
		if (!x->result.violation && explorer_enter(x, x->depth + 1))
			x->depth++;
	}
}

struct drain_result drain_explore(const struct drain_config *config, bool print)
{
	struct drain_explorer *x = calloc(1, sizeof *x);
	double began = (double)clock() / CLOCKS_PER_SEC;
	struct drain_result r;

	assert(x);
	x->world = drain_world_new(config);
	x->seen = table_new(2 * sizeof(uint64_t));
	explorer_go(x);
	x->result.states = table_count(x->seen);
	x->result.seconds = (double)clock() / CLOCKS_PER_SEC - began;
	r = x->result;
	if (print && r.violation)
		explorer_trace(x);
	for (int i = 0; i < DEPTH_MAX; i++)
		free(x->frame[i].saved);
	table_free(x->seen);
	drain_world_free(x->world);
	free(x);
	return r;
}
