/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_feed.h"

#include <errno.h>

void binding_feed_init(struct binding_feed *f, struct adapter *a, const struct binding_store *s)
{
	*f = (struct binding_feed){ .adapter = a, .store = s };
}

void binding_feed_close(struct binding_feed *f)
{
	adapter_apply_clear(&f->pending);
}

static uint64_t *feed_free_slot(struct binding_feed *f)
{
	for (size_t i = 0; i < BINDING_FEED_IN_FLIGHT; i++)
		if (!f->ids[i])
			return &f->ids[i];
	return NULL;
}

/* One piece of the full list, from `next` downwards (binding_store_at() says why). */
static int feed_piece(struct binding_feed *f, uint64_t *ret_id, boot_t now)
{
	struct adapter_apply apply = { .full_begin = f->wanted };
	size_t next = f->wanted ? binding_store_count(f->store) : f->next;
	int r;

	while (next > 0 && apply.count < ADAPTER_APPLY_MAX) {
		const struct binding *b = binding_store_at(f->store, --next);

		if (b && adapter_apply_put(&apply, b, now) < 0)
			break;
	}
	apply.full_end = next == 0;
	r = adapter_send_apply(f->adapter, &apply, now, ret_id);
	if (r < 0)
		return r;
	f->wanted = false;
	f->next = next;
	f->running = next > 0;
	return 0;
}

static void feed_go_on(struct binding_feed *f, boot_t now)
{
	uint64_t *slot;

	while ((f->running || f->wanted) && (slot = feed_free_slot(f)))
		if (feed_piece(f, slot, now) < 0)
			return;
}

void binding_feed_full(struct binding_feed *f, boot_t now)
{
	adapter_apply_clear(&f->pending); /* the list has it */
	f->wanted = true;
	feed_go_on(f, now);
}

void binding_feed_flush(struct binding_feed *f, boot_t now)
{
	uint64_t *slot = feed_free_slot(f);
	uint64_t id;

	/* Single changes do not wait for a slot: they are few, and the adapter's own limits refuse the rest.
	 */
	if (f->pending.count > 0 && adapter_send_apply(f->adapter, &f->pending, now, slot ? slot : &id) < 0)
		f->wanted = true;
	feed_go_on(f, now);
}

static void feed_make_room(struct binding_feed *f, boot_t now)
{
	if (f->pending.count >= ADAPTER_APPLY_MAX)
		binding_feed_flush(f, now);
}

void binding_feed_put(struct binding_feed *f, const struct binding *b, boot_t now)
{
	feed_make_room(f, now);
	if (adapter_apply_put(&f->pending, b, now) < 0)
		f->wanted = true;
}

/* Within one message removals come first, so a removal must not overtake a put that was collected before it.
 */
void binding_feed_remove(struct binding_feed *f, const char *aor, const char *contact, boot_t now)
{
	if (f->pending.put)
		binding_feed_flush(f, now);
	if (adapter_apply_remove(&f->pending, aor, contact) < 0)
		f->wanted = true;
}

bool binding_feed_answered(struct binding_feed *f, uint64_t id, int error, boot_t now)
{
	for (size_t i = 0; i < BINDING_FEED_IN_FLIGHT; i++) {
		if (f->ids[i] != id)
			continue;
		f->ids[i] = 0;
		/* A failed one is kept by the adapter, which goes on trying; a lost adapter asks anew when
		 * ready. */
		if (error != ECONNRESET)
			feed_go_on(f, now);
		return true;
	}
	return false;
}

bool binding_feed_idle(const struct binding_feed *f)
{
	for (size_t i = 0; i < BINDING_FEED_IN_FLIGHT; i++)
		if (f->ids[i])
			return false;
	return !f->running && !f->wanted && f->pending.count == 0;
}
