/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "settle.h"

#include <assert.h>
#include <string.h>

#define SCALE	 10 /* units of this run in one of the search */
#define WIRE_MAX 4096

struct wire {
	int at;
	bool pulse;
	struct lease_msg msg;
	struct lease_view view;
	node_id_t from, to;
};

struct run {
	const struct search_config *config;
	const struct settle_options *options;
	uint32_t random;
	int now;
	struct lease lease[SEARCH_NODES_MAX + 1];
	boot_t gate[SEARCH_NODES_MAX + 1];
	bool up[SEARCH_NODES_MAX + 1];
	int next_pulse[SEARCH_NODES_MAX + 1];
	struct wire wire[WIRE_MAX];
	int wire_count;
	struct core_plan plan;
};

static unsigned run_random(struct run *r, unsigned below)
{
	r->random = r->random * 1664525U + 1013904223U;
	return (r->random >> 16) % below;
}

static int run_delay(struct run *r)
{
	return r->options->constant_delay ? 1 : (int)run_random(r, 3);
}

static struct instant run_now(const struct run *r)
{
	return (struct instant){ { 1000000 + r->now }, { 1000000 + r->now } };
}

static void run_send(struct run *r, const struct wire *w, int delay)
{
	if (r->wire_count == WIRE_MAX || w->to < 1 || w->to > r->config->nodes || w->to == r->options->deaf)
		return;
	r->wire[r->wire_count] = *w;
	r->wire[r->wire_count++].at = r->now + delay;
}

static void run_obey(struct run *r, node_id_t n)
{
	for (uint32_t i = 0; i < r->plan.count; i++) {
		const struct plan_action *a = &r->plan.actions[i];

		if (a->type == PLAN_GATE_SET)
			r->gate[n] = a->gate_deadline;
		if (a->type == PLAN_SEND)
			run_send(r, &(struct wire){ .msg = a->msg, .from = n, .to = a->msg.to },
				 run_delay(r));
	}
	r->plan.count = 0;
}

/* Half of what is under way in the search arrives, late. */
static void run_messages(struct run *r, const struct world *w)
{
	for (int c = 1; c <= r->config->candidates; c++)
		for (int v = 1; v <= r->config->nodes; v++)
			for (int e = 1; e <= r->config->epochs && v != c; e++) {
				struct wire x = { .from = (node_id_t)c, .to = (node_id_t)v };

				x.msg = (struct lease_msg){ .type = LEASE_RELEASE,
							    .from = (node_id_t)c,
							    .to = (node_id_t)v,
							    .epoch = { (uint64_t)e, (node_id_t)c } };
				if (w->release[c - 1][v - 1] >> ((e - 1) * 4) & 0xf && run_random(r, 2))
					run_send(r, &x, (int)run_random(r, 6 * SCALE));
				x.msg.type = LEASE_REQUEST;
				x.msg.version = 1;
				x.msg.id.process = 99;
				x.msg.lease_ns = r->config->lease * SCALE;
				if (w->request[c - 1][v - 1] >> ((e - 1) * WORLD_IDS) & 0xf &&
				    run_random(r, 2))
					run_send(r, &x, (int)run_random(r, 6 * SCALE));
			}
}

static void run_begin(struct run *r, const struct world *w)
{
	for (node_id_t n = 1; n <= r->config->nodes; n++) {
		struct lease *l = &r->lease[n];
		bool down = !local_facts(w->node[n - 1])->up;
		uint64_t ceiling;

		local_expand(w->node[n - 1], SCALE, l, &r->gate[n], run_now(r), n);
		ceiling = l->ceiling;
		r->up[n] = n != r->options->off;
		if (down) {
			const struct lease_config config = l->config;
			const struct voter_set voters = l->voters;

			lease_init(l, &config, &voters, NULL, ceiling, false, run_now(r));
		}
		lease_ceiling_set(l, 1000);
		r->next_pulse[n] = r->options->constant_delay
					   ? 0
					   : (int)run_random(r, (unsigned)r->config->pulse * SCALE);
		if (!r->up[n])
			r->gate[n] = (boot_t){ 0 };
	}
	run_messages(r, w);
}

static void run_deliver(struct run *r)
{
	for (int i = 0; i < r->wire_count;) {
		struct wire x = r->wire[i];

		if (x.at > r->now) {
			i++;
			continue;
		}
		r->wire[i] = r->wire[--r->wire_count];
		if (!r->up[x.to] || !r->up[x.from])
			continue;
		if (x.pulse)
			lease_peer_view(&r->lease[x.to], x.from, &x.view, x.from != r->options->deaf,
					run_now(r), &r->plan);
		else
			lease_receive(&r->lease[x.to], &x.msg, run_now(r), &r->plan);
		run_obey(r, x.to);
	}
}

static void run_pulse(struct run *r, node_id_t n)
{
	struct wire x = { .pulse = true, .from = n, .view = lease_view_get(&r->lease[n], run_now(r)) };

	r->next_pulse[n] = r->now + r->config->pulse * SCALE;
	for (node_id_t to = 1; to <= r->config->nodes; to++) {
		x.to = to;
		if (to != n)
			run_send(r, &x, run_delay(r));
	}
}

static void run_node(struct run *r, node_id_t n)
{
	struct lease *l = &r->lease[n];

	if (!r->up[n])
		return;
	if (r->now >= r->next_pulse[n])
		run_pulse(r, n);
	lease_want(l, n <= r->config->candidates, n - 1, run_now(r), &r->plan);
	run_obey(r, n);
	if (!boot_before(run_now(r).boot, lease_next(l, run_now(r)))) {
		lease_tick(l, run_now(r), &r->plan);
		run_obey(r, n);
	}
}

static node_id_t run_holder(const struct run *r, int *ret_open)
{
	node_id_t holder = NODE_NONE;

	*ret_open = 0;
	for (node_id_t n = 1; n <= r->config->nodes; n++)
		if (r->up[n] && boot_before(run_now(r).boot, r->gate[n])) {
			(*ret_open)++;
			holder = n;
		}
	return holder;
}

/* Mute or a promise, once more a promise that was given meanwhile, and some retries of the last rank. */
int settle_bound(const struct search_config *c)
{
	int promise = c->lease + c->guard, attempt = 1 + 2 * c->pulse;

	return SCALE * (2 * promise + 4 * (c->pulse + c->candidates * attempt));
}

struct settle_result settle(const struct search_config *c, const struct world *w,
			    const struct settle_options *o)
{
	static struct run r;
	struct settle_result result = { 0 };
	int stay = SCALE * 3 * (c->lease + c->guard), since = 0;
	node_id_t last = NODE_NONE;

	memset(&r, 0, offsetof(struct run, wire));
	r.wire_count = 0;
	r.plan.count = 0;
	r.config = c;
	r.options = o;
	r.random = o->seed * 2654435761U + 12345;
	run_begin(&r, w);
	for (r.now = 1; r.now <= settle_bound(c) + stay; r.now++) {
		node_id_t holder;
		int open;

		run_deliver(&r);
		for (node_id_t n = 1; n <= c->nodes; n++)
			run_node(&r, n);
		holder = run_holder(&r, &open);
		if (open > result.opened)
			result.opened = open;
		if (holder != last) {
			result.losses += last != NODE_NONE;
			since = r.now;
			last = holder;
		}
		if (holder != NODE_NONE && r.now - since >= stay)
			break;
	}
	result.settled = last != NODE_NONE && r.now - since >= stay && since <= settle_bound(c);
	result.after = since;
	return result;
}
