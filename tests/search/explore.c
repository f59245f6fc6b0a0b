/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explore.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "table.h"
#include "trail.h"

struct explorer {
	struct table *states;
	struct trail trail;
};

static bool explorer_add(struct explorer *x, const struct world *w, uint32_t parent,
			 const struct world_action *a)
{
	bool fresh;
	uint32_t n = table_add(x->states, w, &fresh);

	if (!fresh)
		return false;
	trail_put(&x->trail, n, parent, a);
	return true;
}

static void explorer_trace(const struct explorer *x, uint32_t n, const struct world_action *last)
{
	if (n != 0)
		explorer_trace(x, x->trail.parent[n], trail_action(&x->trail, n));
	printf("    ");
	world_print_action(last);
	printf("\n");
}

static double seconds_now(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* Goes the steps of the prefix, without a trace. */
static void explorer_advance(struct world *w, const struct search_config *config, struct world_next *next)
{
	for (int i = 0; i < SEARCH_PREFIX_MAX && config->prefix[i].event != 0; i++) {
		int count = world_next(w, next), k = 0;

		while (k < count && (next[k].action.node != config->prefix[i].node ||
				     next[k].action.event.type != config->prefix[i].event))
			k++;
		assert(k < count);
		*w = next[k].world;
	}
}

struct explore_result explore(const struct search_config *config, bool print,
			      void (*visit)(const struct world *w, uint32_t number))
{
	static struct world_next next[WORLD_NEXT_MAX];
	struct explorer x = { .states = table_new(sizeof(struct world)) };
	struct explore_result r = { .complete = true };
	double began = seconds_now();
	struct world w;

	trail_init(&x.trail, sizeof(struct world_action));
	local_begin(config);
	world_initial(&w, config);
	explorer_advance(&w, config, next);
	explorer_add(&x, &w, 0, NULL);
	for (uint32_t i = 0; i < table_count(x.states) && !r.violation; i++) {
		int count;

		w = *(const struct world *)table_key(x.states, i);
		if (visit)
			visit(&w, i);
		count = world_next(&w, next);
		r.transitions += (uint64_t)count;
		for (int k = 0; k < count; k++) {
			if (next[k].violation) {
				r.violation = next[k].violation;
				r.steps = trail_length(&x.trail, i) + 1;
				if (print) {
					printf("  %s:\n", r.violation);
					explorer_trace(&x, i, &next[k].action);
				}
				break;
			}
			if (table_count(x.states) < config->states_max)
				explorer_add(&x, &next[k].world, i, &next[k].action);
			else
				r.complete = false;
		}
	}
	r.states = table_count(x.states);
	r.complete = r.complete && !r.violation;
	r.local_states = local_count();
	r.code_runs = local_steps_run();
	r.seconds = seconds_now() - began;
	local_end();
	table_free(x.states);
	trail_free(&x.trail);
	return r;
}
