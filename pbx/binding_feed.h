/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps an adapter's PBX in step with a store: streams the full list in pieces, with few in flight, and sends
 * single changes in order behind it. Owns no bindings and no adapter; a change that finds the adapter's
 * buffer full, or the adapter gone, turns into a full list later, so nothing is queued without bound.
 */
#ifndef RK_BINDING_FEED_H
#define RK_BINDING_FEED_H

#include "adapter.h"
#include "binding_store.h"

#define BINDING_FEED_IN_FLIGHT 8

struct binding_feed {
	struct adapter *adapter;	   /* borrowed */
	const struct binding_store *store; /* borrowed */
	bool running;			   /* a full list is under way: its first piece is sent */
	bool wanted;			   /* a full list is to be sent, from the start */
	size_t next;			   /* entries below are still to be sent */
	struct adapter_apply pending;	   /* single changes not yet sent */
	uint64_t ids[BINDING_FEED_IN_FLIGHT];
};

void binding_feed_init(struct binding_feed *f, struct adapter *a, const struct binding_store *s);
/* Everything anew: at ready of a standby, when a digest differs, after a snapshot. */
void binding_feed_full(struct binding_feed *f, boot_t now);
/* A binding was put into / removed from the store. Sent with others at the next flush (or when enough are
 * together). Flush at the end of each batch, and about
 * once a second: what found the adapter busy is tried again there. */
void binding_feed_put(struct binding_feed *f, const struct binding *b, boot_t now);
void binding_feed_remove(struct binding_feed *f, const char *aor, const char *contact, boot_t now);
void binding_feed_flush(struct binding_feed *f, boot_t now);
/* From ops.answered(): true if the id was one of ours. Goes on with the full list. */
bool binding_feed_answered(struct binding_feed *f, uint64_t id, int error, boot_t now);
/* Nothing to send and nothing in flight. */
bool binding_feed_idle(const struct binding_feed *f);
void binding_feed_close(struct binding_feed *f);

#endif
