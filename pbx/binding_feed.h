/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps an adapter's PBX in step with a store: streams the full list in pieces, and between them what changed
 * meanwhile, with few messages in flight. Owns no bindings and no adapter. A change waits as a mark of its
 * binding in the store, so however fast phones register, what waits is the newest of each, once; removals
 * wait as keys, and too many of them, or an adapter that is gone, turn into a full list.
 */
#ifndef RK_BINDING_FEED_H
#define RK_BINDING_FEED_H

#include "adapter.h"
#include "binding_keys.h"
#include "binding_store.h"

#define BINDING_FEED_IN_FLIGHT 8

struct binding_feed_message {
	uint64_t id;	/* 0 = free */
	uint32_t count; /* changes in it */
};

struct binding_feed {
	struct adapter *adapter;     /* borrowed */
	struct binding_store *store; /* borrowed; its queue is ours */
	bool running;		     /* a full list is under way: its first piece is sent */
	bool wanted;		     /* a full list is to be sent, from the start */
	bool piece_next;	     /* changes and pieces take turns */
	size_t next;		     /* entries below are still to be sent */
	struct binding_keys removals;
	struct binding_feed_message flight[BINDING_FEED_IN_FLIGHT];
	/* How far behind: what waited at mark_at is done when `done` reaches mark. */
	uint64_t done, mark;
	boot_t mark_at; /* {0}: nothing waits */
};

void binding_feed_init(struct binding_feed *f, struct adapter *a, struct binding_store *s);
/* Everything anew: at ready of a standby, when a digest differs, after a snapshot. */
void binding_feed_full(struct binding_feed *f, boot_t now);
/* A binding was put into / removed from the store. Sent with others at the next flush, in order: flush at the
 * end of each batch, and about once a second: what found the adapter busy is tried again there. */
void binding_feed_put(struct binding_feed *f, const struct binding *b, boot_t now);
void binding_feed_remove(struct binding_feed *f, const char *aor, const char *contact, boot_t now);
void binding_feed_flush(struct binding_feed *f, boot_t now);
/* From ops.answered(): true if the id was one of ours. Goes on with what waits. */
bool binding_feed_answered(struct binding_feed *f, uint64_t id, int error, boot_t now);
/* Nothing to send and nothing in flight. */
bool binding_feed_idle(const struct binding_feed *f);
/* What was waiting that long ago still is; a full list that is under way counts as waiting from its start. */
bool binding_feed_late(const struct binding_feed *f, boot_t now, int64_t limit_ns);
void binding_feed_close(struct binding_feed *f);

#endif
