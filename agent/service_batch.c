/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service_batch.h"

#include "binding_wire.h"
#include "log.h"

#include <errno.h>
#include <string.h>

struct epoch service_batch_epoch(const struct agent_group *g)
{
	const struct lease *l = &g->agent->core.group[g->index].lease;

	return lease_holds(l) ? l->epoch : (struct epoch){ 0 };
}

bool service_has_just_let_go(const struct agent_group *g)
{
	return !epoch_none(g->held_epoch) && g->let_go_at.ns &&
	       boot_diff_ns(g->let_go_at, g->agent->now.boot) < SERVICE_LATE_NS;
}

static void batch_open(struct agent_group *g)
{
	struct epoch epoch = service_batch_epoch(g);
	struct binding_batch_header head = {
		.group = g->agent->config->groups[g->index].wire_id,
		.epoch = epoch_none(epoch) && service_has_just_let_go(g) ? g->held_epoch : epoch,
		.full_begin = g->full_begin_due,
	};

	if (g->batch_open)
		return;
	binding_batch_begin(&g->batch, &head, g->batch_buf, SERVICE_BATCH_BYTES);
	g->full_begin_due = false;
	g->batch_open = true;
}

void service_batch_send(struct agent_group *g, bool full_end)
{
	size_t len;
	int r;

	g->batch_due = (boot_t){ 0 };
	if (!g->batch_open && !full_end)
		return;
	batch_open(g);
	len = binding_batch_end(&g->batch, full_end);
	g->batch_open = false;
	r = cluster_send_bindings(g->agent, 0, g->batch_buf, len);
	service_digests_sent(&g->digests, binding_store_digest(g->store));
	/* Nothing is lost: the digests differ, and the others ask for everything. */
	if (r < 0 && r != -ENOTCONN)
		log_warning("%s: %zu bytes of bindings not sent: %s", agent_group_name(g->agent, g->index),
			    len, strerror(-r));
}

void service_batch_put(struct agent_group *g, const struct binding *b)
{
	batch_open(g);
	if (binding_batch_put(&g->batch, b, g->agent->now.boot) != -ENOSPC)
		return;
	service_batch_send(g, false);
	batch_open(g);
	(void)binding_batch_put(&g->batch, b,
				g->agent->now.boot); /* fits into an empty batch by its limits */
}

void service_batch_remove(struct agent_group *g, const char *aor, const char *contact)
{
	struct epoch epoch = service_batch_epoch(g);

	if (epoch_none(epoch))
		epoch = g->held_epoch; /* let go just now */
	batch_open(g);
	if (binding_batch_remove(&g->batch, aor, contact, epoch) != -ENOSPC)
		return;
	service_batch_send(g, false);
	batch_open(g);
	(void)binding_batch_remove(&g->batch, aor, contact, epoch);
}
