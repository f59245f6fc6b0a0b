/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_explore.h"

#include "table.h"
#include "trail.h"

#include <stdio.h>
#include <time.h>

struct explorer {
	const struct vrrp_search_config *config;
	struct table *states;
	struct trail trail;
	struct vrrp_explored result;
};

static void explorer_add(struct explorer *x, const struct vrrp_world *w, uint32_t parent,
			 const struct vrrp_action *a)
{
	bool fresh;
	uint32_t n = table_add(x->states, w, &fresh);

	if (!fresh)
		return;
	trail_put(&x->trail, n, parent, a);
}

static void explorer_trace(const struct explorer *x, uint32_t n)
{
	if (n == 0)
		return;
	explorer_trace(x, x->trail.parent[n]);
	vrrp_world_print(table_key(x->states, n), trail_action(&x->trail, n));
}

static void explorer_violation(struct explorer *x, uint32_t n, const struct vrrp_next *last, const char *what,
			       bool print)
{
	x->result.violation = what;
	x->result.steps = trail_length(&x->trail, n) + (last != NULL);
	if (!print)
		return;
	printf("  %s:\n", what);
	explorer_trace(x, n);
	if (last)
		vrrp_world_print(&last->world, &last->action);
}

static void explorer_settle(struct explorer *x, uint32_t n, const struct vrrp_world *w, bool print)
{
	uint8_t every = x->config->settle_every ? x->config->settle_every : 1;
	const char *bad;

	if (!x->config->settle || n % every != 0)
		return;
	x->result.settled++;
	bad = vrrp_world_settle(w, false);
	bad = bad ? bad : vrrp_world_settle(w, true);
	if (bad)
		explorer_violation(x, n, NULL, bad, print);
}

static void explorer_expand(struct explorer *x, uint32_t n, const struct vrrp_world *w, bool print)
{
	static struct vrrp_next next[VRRP_NEXT_MAX];
	int count = vrrp_world_next(w, next);

	x->result.transitions += (uint64_t)count;
	for (int k = 0; k < count; k++) {
		if (next[k].violation) {
			explorer_violation(x, n, &next[k], next[k].violation, print);
			return;
		}
		if (table_count(x->states) < x->config->states_max)
			explorer_add(x, &next[k].world, n, &next[k].action);
		else
			x->result.complete = false;
	}
}

struct vrrp_explored vrrp_explore(const struct vrrp_search_config *c, bool print)
{
	struct explorer x = { .config = c,
			      .states = table_new(sizeof(struct vrrp_world)),
			      .result.complete = true };
	clock_t began = clock();
	struct vrrp_world w;

	trail_init(&x.trail, sizeof(struct vrrp_action));
	vrrp_world_initial(&w, c);
	explorer_add(&x, &w, 0, NULL);
	for (uint32_t n = 0; n < table_count(x.states) && !x.result.violation; n++) {
		w = *(const struct vrrp_world *)table_key(x.states, n);
		explorer_settle(&x, n, &w, print);
		if (!x.result.violation)
			explorer_expand(&x, n, &w, print);
	}
	x.result.states = table_count(x.states);
	x.result.seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	table_free(x.states);
	trail_free(&x.trail);
	return x.result;
}

void vrrp_explored_print(const char *verdict, const char *what, const struct vrrp_search_config *c,
			 const struct vrrp_explored *r)
{
	printf("%-4s %s%-46s %8u states, %8u ways out, %s %5.1f s", verdict, what, c->name, r->states,
	       r->settled,
	       r->complete && !r->violation ? "complete"
	       : r->violation		    ? "stopped "
					    : "bounded ",
	       r->seconds);
	if (r->violation)
		printf(", after %d steps: %s", r->steps, r->violation);
	printf("\n");
}
