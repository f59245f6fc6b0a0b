/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_store.h"

#include "binding_pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STORE_BUCKETS_MIN 64

struct binding_entry {
	struct binding b;	    /* first: a view given out is its entry */
	struct binding_entry *next; /* of the same bucket */
	struct binding_entry *queue_prev;
	struct binding_entry *queue_next;
	uint64_t content_hash;
	uint32_t aor_hash;
	uint32_t index;	     /* in all[] */
	uint32_t full_round; /* of the last full list that had it */
	uint16_t len;	     /* of the block */
	uint16_t mark;
	bool queued;
	char text[];
};

struct binding_store {
	struct binding_pool pool;
	struct binding_entry **all;
	struct binding_entry **buckets; /* a power of two */
	size_t buckets_count;
	size_t all_size;
	size_t count;
	size_t bound;
	size_t limit;
	size_t expire_next;
	uint64_t digest;
	uint32_t full_round; /* odd: a full list is under way */
	struct binding_entry *queue_head;
	struct binding_entry *queue_tail;
	size_t queued;
	struct binding_store_counters counters;
};

static struct binding_entry *store_entry(const struct binding *b)
{
	return (struct binding_entry *)(uintptr_t)b;
}

int binding_store_new(size_t limit, struct binding_store **ret)
{
	struct binding_store *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->limit = limit;
	s->buckets_count = STORE_BUCKETS_MIN;
	s->all_size = STORE_BUCKETS_MIN;
	s->buckets = calloc(s->buckets_count, sizeof(struct binding_entry *));
	s->all = calloc(s->all_size, sizeof(struct binding_entry *));
	if (!s->buckets || !s->all) {
		binding_store_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void binding_store_free(struct binding_store *s)
{
	if (!s)
		return;
	binding_pool_close(&s->pool);
	free(s->buckets);
	free(s->all);
	free(s);
}

static uint32_t store_aor_hash(const char *aor)
{
	uint32_t h = 0x811c9dc5;

	for (; *aor; aor++)
		h = (h ^ (uint8_t)*aor) * 0x01000193;
	return h ^ h >> 15;
}

static struct binding_entry **store_bucket(const struct binding_store *s, uint32_t aor_hash)
{
	return &s->buckets[aor_hash & (s->buckets_count - 1)];
}

static struct binding_entry *store_lookup(const struct binding_store *s, const char *aor, const char *contact,
					  uint32_t hash)
{
	for (struct binding_entry *e = *store_bucket(s, hash); e; e = e->next)
		if (e->aor_hash == hash && !strcmp(e->b.text[BINDING_AOR], aor) &&
		    !strcmp(e->b.text[BINDING_CONTACT], contact))
			return e;
	return NULL;
}

/* ---- the queue ---- */

static void store_unqueue(struct binding_store *s, struct binding_entry *e)
{
	if (!e->queued)
		return;
	*(e->queue_prev ? &e->queue_prev->queue_next : &s->queue_head) = e->queue_next;
	*(e->queue_next ? &e->queue_next->queue_prev : &s->queue_tail) = e->queue_prev;
	e->queue_prev = e->queue_next = NULL;
	e->queued = false;
	s->queued--;
}

void binding_store_push(struct binding_store *s, const struct binding *b)
{
	struct binding_entry *e = store_entry(b);

	if (e->queued)
		return;
	e->queue_prev = s->queue_tail;
	e->queue_next = NULL;
	*(s->queue_tail ? &s->queue_tail->queue_next : &s->queue_head) = e;
	s->queue_tail = e;
	e->queued = true;
	s->queued++;
}

const struct binding *binding_store_pop(struct binding_store *s)
{
	struct binding_entry *e = s->queue_head;

	if (!e)
		return NULL;
	store_unqueue(s, e);
	return &e->b;
}

void binding_store_unqueue(struct binding_store *s, const struct binding *b)
{
	store_unqueue(s, store_entry(b));
}

size_t binding_store_queued(const struct binding_store *s)
{
	return s->queued;
}

bool binding_store_is_queued(const struct binding_store *s, const struct binding *b)
{
	return store_entry(b)->queued;
}

/* ---- put and remove ---- */

static size_t store_pack(const struct binding *b, char *ret)
{
	size_t used = 0;

	for (int f = 0; f < BINDING_FIELDS; f++) {
		size_t len = strlen(b->text[f]) + 1;

		memcpy(ret + used, b->text[f], len);
		used += len;
	}
	return used;
}

/* All of b but the queue, the place and the marks. */
static void store_fill(struct binding_entry *e, const struct binding *b, const char *packed, size_t len)
{
	size_t at = 0;

	e->b = *b;
	memcpy(e->text, packed, len);
	for (int f = 0; f < BINDING_FIELDS; f++) {
		e->b.text[f] = e->text + at;
		at += strlen(e->text + at) + 1;
	}
	e->content_hash = binding_hash(&e->b);
}

static int store_grow(struct binding_store *s)
{
	struct binding_entry **all, **buckets;
	size_t size = s->all_size * 2;

	if (s->count < s->all_size)
		return 0;
	all = realloc(s->all, size * sizeof(struct binding_entry *));
	if (!all)
		return -ENOMEM;
	s->all = all;
	s->all_size = size;
	buckets = calloc(size, sizeof(struct binding_entry *));
	if (!buckets)
		return 0; /* the old, shorter table still works, more slowly */
	free(s->buckets);
	s->buckets = buckets;
	s->buckets_count = size;
	for (size_t i = 0; i < s->count; i++) {
		struct binding_entry **bucket = store_bucket(s, s->all[i]->aor_hash);

		s->all[i]->next = *bucket;
		*bucket = s->all[i];
	}
	return 0;
}

static void store_link(struct binding_store *s, struct binding_entry *e)
{
	struct binding_entry **bucket = store_bucket(s, e->aor_hash);

	e->next = *bucket;
	*bucket = e;
	e->index = (uint32_t)s->count;
	s->all[s->count++] = e;
	s->bound += binding_is_bound(&e->b);
	s->digest += e->content_hash;
}

static void store_unlink(struct binding_store *s, struct binding_entry *e)
{
	struct binding_entry **at = store_bucket(s, e->aor_hash);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	s->bound -= binding_is_bound(&e->b);
	s->digest -= e->content_hash;
	s->all[e->index] = s->all[--s->count];
	s->all[e->index]->index = e->index;
	store_unqueue(s, e);
	binding_pool_put(&s->pool, e, e->len);
}

static size_t store_aor_count(const struct binding_store *s, const char *aor, uint32_t hash)
{
	size_t n = 0;

	for (struct binding_entry *e = *store_bucket(s, hash); e; e = e->next)
		n += e->aor_hash == hash && !strcmp(e->b.text[BINDING_AOR], aor);
	return n;
}

static int store_add(struct binding_store *s, const struct binding *b, uint32_t hash, const char *packed,
		     size_t len)
{
	struct binding_entry *e;

	if (s->count >= s->limit || store_aor_count(s, b->text[BINDING_AOR], hash) >= BINDING_CONTACTS_MAX) {
		s->counters.refused_full++;
		return -ENOSPC;
	}
	if (store_grow(s) < 0)
		return -ENOMEM;
	e = binding_pool_get(&s->pool, sizeof *e + len);
	if (!e)
		return -ENOMEM;
	*e = (struct binding_entry){ .aor_hash = hash,
				     .len = (uint16_t)(sizeof *e + len),
				     .full_round = s->full_round };
	store_fill(e, b, packed, len);
	store_link(s, e);
	return 0;
}

/* In place if the block is large enough, else into another one that takes its mark and its turn. */
static int store_change(struct binding_store *s, struct binding_entry *e, const struct binding *b,
			const char *packed, size_t len)
{
	struct binding_entry *fresh;
	uint16_t mark = e->mark;
	bool queued = e->queued;
	uint32_t hash = e->aor_hash;

	if (binding_pool_units(sizeof *e + len) <= binding_pool_units(e->len)) {
		s->digest -= e->content_hash;
		s->bound -= binding_is_bound(&e->b);
		store_fill(e, b, packed, len);
		s->bound += binding_is_bound(&e->b);
		s->digest += e->content_hash;
		return 0;
	}
	fresh = binding_pool_get(&s->pool, sizeof *fresh + len);
	if (!fresh)
		return -ENOMEM;
	*fresh = (struct binding_entry){ .aor_hash = hash,
					 .len = (uint16_t)(sizeof *fresh + len),
					 .full_round = s->full_round,
					 .mark = mark };
	store_fill(fresh, b, packed, len);
	store_unlink(s, e);
	store_link(s, fresh);
	if (queued)
		binding_store_push(s, &fresh->b);
	return 0;
}

static int store_update(struct binding_store *s, struct binding_entry *e, const struct binding *b,
			enum binding_put *ret)
{
	char packed[BINDING_TEXT_MAX];

	e->full_round = s->full_round;
	if (epoch_cmp(b->epoch, e->b.epoch) < 0) {
		s->counters.stale++;
		*ret = BINDING_STALE;
		return 0;
	}
	if (binding_same_content(&e->b, b)) {
		e->b.expires_at = b->expires_at;
		e->b.modified_at = b->modified_at;
		e->b.epoch = b->epoch;
		e->b.priority = b->priority;
		*ret = BINDING_REFRESHED;
		return 0;
	}
	*ret = BINDING_CHANGED;
	return store_change(s, e, b, packed, store_pack(b, packed));
}

static int store_refuse(struct binding_store *s, int error)
{
	if (error == -E2BIG)
		s->counters.refused_long++;
	else
		s->counters.refused_invalid++;
	return error;
}

static bool store_drop_expired(struct binding_store *s, struct binding_entry *e, const struct binding *b,
			       boot_t now)
{
	if (boot_before(now, b->expires_at))
		return false;
	s->counters.expired++;
	if (e && epoch_cmp(b->epoch, e->b.epoch) >= 0)
		store_unlink(s, e);
	return true;
}

int binding_store_put(struct binding_store *s, const struct binding *b, boot_t now, enum binding_put *ret_put)
{
	enum binding_put outcome = BINDING_ADDED;
	char packed[BINDING_TEXT_MAX];
	struct binding_entry *e;
	uint32_t hash;
	int r = binding_check(b, NULL);

	if (r < 0)
		return store_refuse(s, r);
	hash = store_aor_hash(b->text[BINDING_AOR]);
	e = store_lookup(s, b->text[BINDING_AOR], b->text[BINDING_CONTACT], hash);
	if (store_drop_expired(s, e, b, now))
		outcome = BINDING_EXPIRED;
	else if (e)
		r = store_update(s, e, b, &outcome);
	else
		r = store_add(s, b, hash, packed, store_pack(b, packed));
	if (r == 0 && ret_put)
		*ret_put = outcome;
	return r;
}

bool binding_store_remove(struct binding_store *s, const char *aor, const char *contact, struct epoch epoch)
{
	struct binding_entry *e = store_lookup(s, aor, contact, store_aor_hash(aor));

	if (!e)
		return false;
	if (epoch_cmp(epoch, e->b.epoch) < 0) {
		s->counters.stale++;
		return false;
	}
	store_unlink(s, e);
	return true;
}

/* ---- reading ---- */

const struct binding *binding_store_find(const struct binding_store *s, const char *aor, const char *contact)
{
	struct binding_entry *e = store_lookup(s, aor, contact, store_aor_hash(aor));

	return e ? &e->b : NULL;
}

size_t binding_store_find_aor(const struct binding_store *s, const char *aor,
			      const struct binding *ret[BINDING_CONTACTS_MAX])
{
	uint32_t hash = store_aor_hash(aor);
	size_t n = 0;

	for (struct binding_entry *e = *store_bucket(s, hash); e && n < BINDING_CONTACTS_MAX; e = e->next)
		if (e->aor_hash == hash && !strcmp(e->b.text[BINDING_AOR], aor))
			ret[n++] = &e->b;
	return n;
}

size_t binding_store_count(const struct binding_store *s)
{
	return s->count;
}

const struct binding *binding_store_at(const struct binding_store *s, size_t i)
{
	return i < s->count ? &s->all[i]->b : NULL;
}

size_t binding_store_bound(const struct binding_store *s)
{
	return s->bound;
}

uint64_t binding_store_digest(const struct binding_store *s)
{
	return s->digest;
}

const struct binding_store_counters *binding_store_counters(const struct binding_store *s)
{
	return &s->counters;
}

size_t binding_store_memory_bytes(const struct binding_store *s)
{
	return sizeof *s + s->pool.bytes + (s->all_size + s->buckets_count) * sizeof(struct binding_entry *);
}

uint16_t binding_store_mark(const struct binding_store *s, const struct binding *b)
{
	return store_entry(b)->mark;
}

void binding_store_set_mark(struct binding_store *s, const struct binding *b, uint16_t mark)
{
	store_entry(b)->mark = mark;
}

/* ---- expiry and full lists ---- */

size_t binding_store_expire(struct binding_store *s, boot_t now, size_t budget,
			    void (*gone)(void *ctx, const struct binding *b), void *ctx)
{
	size_t removed = 0;

	for (; budget > 0 && s->count > 0; budget--) {
		struct binding_entry *e;

		/* downwards: the entry that fills a hole has been examined already */
		s->expire_next =
			(s->expire_next == 0 || s->expire_next > s->count ? s->count : s->expire_next) - 1;
		e = s->all[s->expire_next];
		if (boot_before(now, e->b.expires_at))
			continue;
		if (gone)
			gone(ctx, &e->b);
		store_unlink(s, e);
		s->counters.expired++;
		removed++;
	}
	return removed;
}

void binding_store_full_begin(struct binding_store *s)
{
	s->full_round = (s->full_round | 1) + 2; /* the next odd number */
}

size_t binding_store_full_end(struct binding_store *s, struct epoch epoch,
			      void (*gone)(void *ctx, const struct binding *b), void *ctx)
{
	size_t removed = 0;

	if (!(s->full_round & 1))
		return 0;
	for (size_t i = s->count; i-- > 0;) {
		struct binding_entry *e = s->all[i];

		if (e->full_round == s->full_round || epoch_cmp(epoch, e->b.epoch) < 0)
			continue;
		if (gone)
			gone(ctx, &e->b);
		store_unlink(s, e);
		removed++;
	}
	s->full_round++;
	return removed;
}

void binding_store_clear(struct binding_store *s)
{
	while (s->count)
		store_unlink(s, s->all[s->count - 1]);
}
