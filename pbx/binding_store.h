/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All bindings of one group. A hash table by AOR, so that one AOR's contacts are found together, over a pool
 * that is never given back: after growth, steady state allocates nothing. Refuses a binding of a lower epoch
 * than the one it has, more than BINDING_CONTACTS_MAX contacts of one AOR, and more than its limit.
 *
 * Memory per binding: its entry (about 170 bytes) with its texts behind it, rounded up to 64 bytes, and 16
 * bytes of table: 342 bytes measured for 100,000 usual phones.
 */
#ifndef RK_BINDING_STORE_H
#define RK_BINDING_STORE_H

#include "binding.h"

#define BINDING_CONTACTS_MAX 64	     /* of one AOR */
#define BINDING_STORE_MAX    1000000 /* default limit */

enum binding_put {
	BINDING_ADDED,
	BINDING_CHANGED,   /* content differs: the PBX must be told */
	BINDING_REFRESHED, /* only the times or the epoch differ */
	BINDING_STALE,	   /* ours is of a higher epoch: ignored */
	BINDING_EXPIRED,   /* it ran out on the way: ignored, and removed if we had it */
};

struct binding_store;

int binding_store_new(size_t limit, struct binding_store **ret);
void binding_store_free(struct binding_store *s);
static inline void binding_store_freep(struct binding_store **s)
{
	binding_store_free(*s);
}

/* Copies b. 0 and ret_put (may be NULL); the error of binding_check(); -ENOSPC too many; -ENOMEM. A binding
 * of the same epoch replaces: the reports of one holder come in one order. */
int binding_store_put(struct binding_store *s, const struct binding *b, boot_t now,
		      enum binding_put *ret_put);
/* True if it was there and its epoch is not above the given one. */
bool binding_store_remove(struct binding_store *s, const char *aor, const char *contact, struct epoch epoch);
/* NULL, or a view that lives until the next change of the store. */
const struct binding *binding_store_find(const struct binding_store *s, const char *aor, const char *contact);
/* The contacts of one AOR, at most BINDING_CONTACTS_MAX views. */
size_t binding_store_find_aor(const struct binding_store *s, const char *aor,
			      const struct binding *ret[BINDING_CONTACTS_MAX]);

/* Visits in no order. Walk from count-1 down to 0: then removing the visited one, or anything between two
 * calls, skips nobody (somebody may be visited twice). NULL if i >= count. */
size_t binding_store_count(const struct binding_store *s);
/* How many of them are bound to a connection. */
size_t binding_store_bound(const struct binding_store *s);
const struct binding *binding_store_at(const struct binding_store *s, size_t i);

/* Removes what has run out, at most budget of the entries examined; returns how many were removed. Goes round
 * over calls, so call it with count/10 each second, say. gone (may be NULL) is told before each removal. */
size_t binding_store_expire(struct binding_store *s, boot_t now, size_t budget,
			    void (*gone)(void *ctx, const struct binding *b), void *ctx);

/* A full list of a holder comes in pieces: begin, put..., end: what was not put since begin and is not of a
 * higher epoch is removed. A new begin starts over; end without begin does nothing. */
void binding_store_full_begin(struct binding_store *s);
size_t binding_store_full_end(struct binding_store *s, struct epoch epoch,
			      void (*gone)(void *ctx, const struct binding *b), void *ctx);
void binding_store_clear(struct binding_store *s);

/* Order-independent: the sum of binding_hash(). Times and epochs are not in it. 0 for an empty store. */
uint64_t binding_store_digest(const struct binding_store *s);

struct binding_store_counters {
	uint64_t refused_long; /* a field over its maximum */
	uint64_t refused_invalid;
	uint64_t refused_full; /* limit of the store or of one AOR */
	uint64_t stale;
	uint64_t expired;
};
const struct binding_store_counters *binding_store_counters(const struct binding_store *s);
/* Bytes taken from the system. */
size_t binding_store_memory_bytes(const struct binding_store *s);

/* A mark of the owner per binding, kept over refreshes, cleared when added. Not in the digest. */
uint16_t binding_store_mark(const struct binding_store *s, const struct binding *b);
void binding_store_set_mark(struct binding_store *s, const struct binding *b, uint16_t mark);
/* A queue through the entries: push is idempotent, pop is in order of pushing, removal leaves the queue. */
void binding_store_push(struct binding_store *s, const struct binding *b);
const struct binding *binding_store_pop(struct binding_store *s);
size_t binding_store_queued(const struct binding_store *s);
void binding_store_unqueue(struct binding_store *s, const struct binding *b);
bool binding_store_is_queued(const struct binding_store *s, const struct binding *b);

#endif
