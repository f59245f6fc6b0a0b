/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every device is asked, every so often, for the state of every living node that it could shoot. Its "on" is
 * what makes its "off" worth something later; its failure is told before it is needed.
 */
#include "fence_private.h"

static bool fence_watches(const struct fence *f, fence_device_t device, node_id_t n)
{
	const struct fence_target *x = &f->target[n];

	return !f->config.device[device].watchdog && n != f->self && node_in(f->nodes, n) &&
	       node_in(f->config.device[device].targets, n) && x->member && x->phase == FENCE_PHASE_NONE &&
	       !fence_bars(f, n);
}

static void fence_watch_one(struct fence_turn *t, fence_device_t device, node_id_t n)
{
	const struct fence_device_config *d = &t->f->config.device[device];
	struct fence_watch *w = &t->f->watch[device][n];

	if (w->seq != 0 && !boot_before(t->w->now, boot_add(w->due, d->monitor_ns + FENCE_SLACK_NS)))
		w->seq = 0; /* no answer: asked again */
	if (w->seq != 0 || boot_before(t->w->now, w->due) || !fence_watches(t->f, device, n))
		return;
	w->due = boot_add(t->w->now, d->monitor_period_ns);
	w->seq = fence_call(t, n, device, FENCE_STATUS, d->monitor_ns);
	t->plan->actions[t->plan->count - 1].fence_call.watch = true;
}

void fence_watch_tick(struct fence_turn *t)
{
	for (fence_device_t d = 0; d < t->f->config.devices_count; d++)
		for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
			if (node_in(t->f->config.device[d].targets, n))
				fence_watch_one(t, d, n);
}

boot_t fence_watch_next(const struct fence *f)
{
	boot_t next = BOOT_NEVER;

	for (fence_device_t d = 0; d < f->config.devices_count; d++)
		for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
			const struct fence_watch *w = &f->watch[d][n];

			if (!node_in(f->config.device[d].targets, n))
				continue;
			if (w->seq != 0)
				next = boot_min(next, boot_add(w->due, f->config.device[d].monitor_ns +
									       FENCE_SLACK_NS));
			else if (fence_watches(f, d, n))
				next = boot_min(next, w->due);
		}
	return next;
}

/* ---- over a restart of the agent ---- */

void fence_keep(struct fence_turn *t)
{
	(void)plan_add(t->plan, PLAN_FENCE_SAVE, 0);
}

void fence_memory_get(const struct fence *f, struct fence_memory *ret)
{
	*ret = (struct fence_memory){ .off_ns_max = f->off_ns_max, .status_ns_max = f->status_ns_max };
	for (fence_device_t d = 0; d < f->config.devices_count; d++)
		for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
			if (!(f->target[n].lied >> d & 1))
				ret->on_at[d][n] = f->watch[d][n].on_at;
}

/* Its next turn comes when it would have come without the restart. */
static void fence_remember_one(struct fence *f, fence_device_t d, node_id_t n, boot_t on_at, boot_t now)
{
	struct fence_watch *w = &f->watch[d][n];

	if (on_at.ns == 0 || boot_before(now, on_at) || boot_diff_ns(on_at, now) > FENCE_PROVED_NS_MAX)
		return;
	w->on_at = on_at;
	w->due = boot_add(on_at, f->config.device[d].monitor_period_ns);
}

void fence_remember(struct fence *f, const struct fence_memory *memory, boot_t now)
{
	f->off_ns_max = memory->off_ns_max;
	f->status_ns_max = memory->status_ns_max;
	for (fence_device_t d = 0; d < f->config.devices_count; d++)
		for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
			if (node_in(f->config.device[d].targets, n))
				fence_remember_one(f, d, n, memory->on_at[d][n], now);
}

/* ---- answers ---- */

static void fence_watch_answered(struct fence_turn *t, uint32_t seq, enum fence_answer answer,
				 int64_t took_ns)
{
	struct fence *f = t->f;

	for (fence_device_t d = 0; d < f->config.devices_count; d++)
		for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
			struct fence_watch *w = &f->watch[d][n];

			if (w->seq != seq)
				continue;
			w->seq = 0;
			w->failing = answer != FENCE_ANSWER_OK;
			if (w->failing)
				return;
			if (f->target[n].member)
				w->on_at = t->w->now;
			if (took_ns > f->status_ns_max)
				f->status_ns_max = took_ns;
			fence_keep(t);
			return;
		}
}

void fence_answered(struct fence *f, uint32_t seq, enum fence_answer answer, int64_t took_ns,
		    const struct fence_world *w, struct core_plan *plan)
{
	struct fence_turn t = { f, w, plan };

	if (seq == 0)
		return;
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (f->target[n].seq == seq) {
			fence_shot_answered(&t, n, answer, took_ns);
			return;
		}
	fence_watch_answered(&t, seq, answer, took_ns);
}
