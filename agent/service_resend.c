/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service_resend.h"

#include "binding_wire.h"
#include "log.h"
#include "service_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESEND_BATCHES 2 /* of one slice: 120 KiB, about 2 ms of work */

int service_resend_start(struct agent_group *g, uint64_t snapshot)
{
	struct service_resend *r = &g->resend;
	uint8_t *buf = r->buf ? r->buf : malloc(SERVICE_BATCH_BYTES);

	if (!buf)
		return -ENOMEM;
	*r = (struct service_resend){
		.active = true,
		.left = binding_store_count(g->store),
		.snapshot = snapshot,
		.buf = buf,
		.next = g->agent->now.boot,
	};
	return 0;
}

/* Walks down, so that removals between two slices skip nobody. */
static void resend_fill(struct agent_group *g)
{
	struct service_resend *r = &g->resend;
	struct binding_batch_header head = {
		.group = g->agent->config->groups[g->index].wire_id,
		.epoch = service_batch_epoch(g),
		.full_begin = !r->begun,
	};
	struct binding_batch_writer w;

	binding_batch_begin(&w, &head, r->buf, SERVICE_BATCH_BYTES);
	if (r->left > binding_store_count(g->store))
		r->left = binding_store_count(g->store);
	while (r->left > 0 &&
	       binding_batch_put(&w, binding_store_at(g->store, r->left - 1), g->agent->now.boot) != -ENOSPC)
		r->left--;
	r->begun = true;
	r->ended = r->left == 0;
	r->len = binding_batch_end(&w, r->ended);
}

bool service_resend_run(struct agent_group *g)
{
	struct service_resend *r = &g->resend;

	for (int i = 0; r->active && i < RESEND_BATCHES; i++) {
		int e;

		if (!r->len)
			resend_fill(g);
		e = cluster_send_bindings(g->agent, r->snapshot, r->buf, r->len);
		if (e == -ENOBUFS)
			break; /* the queue drains; the same bytes again */
		if (e < 0)
			log_notice("%s: sending all registrations ended early: %s",
				   agent_group_name(g->agent, g->index), strerror(-e));
		r->len = 0;
		r->active = e == 0 && !r->ended;
	}
	r->next = boot_add(g->agent->now.boot, SERVICE_RESEND_PERIOD_NS);
	return !r->active;
}

void service_resend_close(struct agent_group *g)
{
	free(g->resend.buf);
	g->resend = (struct service_resend){ 0 };
}
