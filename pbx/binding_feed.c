/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_feed.h"

#include <errno.h>

void binding_feed_init(struct binding_feed *f, struct adapter *a, struct binding_store *s)
{
	*f = (struct binding_feed){ .adapter = a, .store = s };
}

void binding_feed_close(struct binding_feed *f)
{
	binding_keys_clear(&f->removals);
}

/* ---- how far behind ---- */

static size_t feed_in_flight(const struct binding_feed *f)
{
	size_t n = 0;

	for (size_t i = 0; i < BINDING_FEED_IN_FLIGHT; i++)
		n += f->flight[i].id ? f->flight[i].count : 0;
	return n;
}

static bool feed_changes_wait(const struct binding_feed *f)
{
	return f->removals.count > 0 || (f->store && binding_store_queued(f->store) > 0);
}

bool binding_feed_idle(const struct binding_feed *f)
{
	for (size_t i = 0; i < BINDING_FEED_IN_FLIGHT; i++)
		if (f->flight[i].id)
			return false;
	return !f->running && !f->wanted && !feed_changes_wait(f);
}

/* A binding that is removed while it waits is never counted as done, so a mark may be passed late, and then a
 * new one is set; nothing is ever called late that is not. */
static void feed_measure(struct binding_feed *f, boot_t now)
{
	if (binding_feed_idle(f)) {
		f->mark_at = (boot_t){ 0 };
		return;
	}
	if (f->mark_at.ns && (f->running || f->wanted || f->done < f->mark))
		return;
	f->mark_at = now;
	f->mark = f->done + feed_in_flight(f) + f->removals.count + binding_store_queued(f->store);
}

bool binding_feed_late(const struct binding_feed *f, boot_t now, int64_t limit_ns)
{
	return f->mark_at.ns && boot_diff_ns(f->mark_at, now) > limit_ns;
}

/* ---- sending ---- */

static struct binding_feed_message *feed_free_slot(struct binding_feed *f)
{
	for (size_t i = 0; i < BINDING_FEED_IN_FLIGHT; i++)
		if (!f->flight[i].id)
			return &f->flight[i];
	return NULL;
}

/* One piece of the full list, from `next` downwards (binding_store_at() says why). */
static int feed_piece(struct binding_feed *f, struct binding_feed_message *slot, boot_t now)
{
	struct adapter_apply apply = { .full_begin = f->wanted };
	size_t next = f->wanted ? binding_store_count(f->store) : f->next;
	int r;

	if (f->wanted) /* the list says what is left */
		binding_keys_clear(&f->removals);
	while (next > 0 && apply.count < ADAPTER_APPLY_MAX) {
		const struct binding *b = binding_store_at(f->store, next - 1);

		if (b && adapter_apply_put(&apply, b, now) < 0)
			break;
		if (b)
			binding_store_unqueue(f->store, b);
		next--;
	}
	apply.full_end = next == 0;
	slot->count = 0;
	r = adapter_send_apply(f->adapter, &apply, now, &slot->id);
	if (r < 0)
		return r;
	f->wanted = false;
	f->next = next;
	f->running = next > 0;
	return 0;
}

/* Within one message removals are done first, and no put is sent before all removals are: a removal is older
 * than a put of the same key that waits, since a binding that is removed leaves the queue. */
static int feed_changes(struct binding_feed *f, struct binding_feed_message *slot, boot_t now)
{
	struct adapter_apply apply = { 0 };
	const struct binding_key *key;
	const struct binding *b;
	uint32_t count;
	int r = 0;

	while (r == 0 && apply.count < ADAPTER_APPLY_MAX && (key = binding_keys_first(&f->removals))) {
		r = adapter_apply_remove(&apply, key->aor, key->contact);
		binding_keys_pop(&f->removals);
	}
	while (r == 0 && apply.count < ADAPTER_APPLY_MAX && (b = binding_store_pop(f->store)))
		r = adapter_apply_put(&apply, b, now);
	count = (uint32_t)apply.count;
	if (r < 0)
		adapter_apply_clear(&apply);
	else
		r = adapter_send_apply(f->adapter, &apply, now, &slot->id);
	slot->count = count;
	return r;
}

static void feed_go_on(struct binding_feed *f, boot_t now)
{
	struct binding_feed_message *slot;
	int r = 0;

	while (r == 0 && (slot = feed_free_slot(f))) {
		bool piece = f->running || f->wanted, changes = !f->wanted && feed_changes_wait(f);

		if (!piece && !changes)
			break;
		slot->id = 0;
		if (piece && (f->piece_next || !changes)) {
			r = feed_piece(f, slot, now);
			f->piece_next = false;
		} else {
			r = feed_changes(f, slot, now);
			f->piece_next = true;
			f->wanted |= r < 0; /* they are out of the queue, and not sent */
		}
		if (r < 0)
			slot->id = 0;
	}
	feed_measure(f, now);
}

void binding_feed_full(struct binding_feed *f, boot_t now)
{
	f->wanted = true;
	feed_go_on(f, now);
}

void binding_feed_flush(struct binding_feed *f, boot_t now)
{
	feed_go_on(f, now);
}

void binding_feed_put(struct binding_feed *f, const struct binding *b, boot_t now)
{
	const struct binding *mine =
		binding_store_find(f->store, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);

	(void)now;
	if (mine && !f->wanted) /* else the list has it */
		binding_store_push(f->store, mine);
}

void binding_feed_remove(struct binding_feed *f, const char *aor, const char *contact, boot_t now)
{
	(void)now;
	if (!f->wanted && !binding_keys_push(&f->removals, aor, contact))
		f->wanted = true;
}

bool binding_feed_answered(struct binding_feed *f, uint64_t id, int error, boot_t now)
{
	for (size_t i = 0; i < BINDING_FEED_IN_FLIGHT; i++) {
		if (!id || f->flight[i].id != id)
			continue;
		f->flight[i].id = 0;
		f->done += f->flight[i].count;
		/* A failed one is kept by the adapter, which goes on trying; a lost adapter asks anew when
		 * ready. */
		if (error != ECONNRESET)
			feed_go_on(f, now);
		else
			feed_measure(f, now);
		return true;
	}
	return false;
}
