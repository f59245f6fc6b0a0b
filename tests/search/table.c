/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct table {
	size_t key_size;
	uint8_t *keys;
	uint32_t count, room;
	uint32_t *slots; /* number + 1; 0 = empty */
	uint32_t *tags;	 /* part of the hash, so that most keys that differ are not read */
	uint64_t mask;
};

static uint64_t table_hash(const uint8_t *p, size_t len)
{
	uint64_t h = 0x9e3779b97f4a7c15ULL ^ len, w;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	for (; len > 0; p++, len--)
		h = (h ^ *p) * 0x100000001b3ULL;
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9ULL;
	return h ^ h >> 32;
}

static void table_slots_new(struct table *t, uint64_t slots)
{
	free(t->slots);
	free(t->tags);
	t->mask = slots - 1;
	t->slots = calloc(slots, sizeof *t->slots);
	t->tags = malloc(slots * sizeof *t->tags);
	assert(t->slots && t->tags);
}

static void table_place(struct table *t, uint64_t hash, uint32_t number)
{
	uint64_t i = hash & t->mask;

	while (t->slots[i])
		i = (i + 1) & t->mask;
	t->slots[i] = number + 1;
	t->tags[i] = (uint32_t)(hash >> 32);
}

struct table *table_new(size_t key_size)
{
	struct table *t = calloc(1, sizeof *t);

	assert(t);
	t->key_size = key_size;
	table_slots_new(t, 1 << 16);
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->keys);
	free(t->slots);
	free(t->tags);
	free(t);
}

static void table_grow(struct table *t)
{
	if (t->count == t->room) {
		t->room = t->room ? t->room * 2 : 4096;
		t->keys = realloc(t->keys, t->room * t->key_size);
		assert(t->keys);
	}
	if ((uint64_t)t->count * 2 < t->mask)
		return;
	table_slots_new(t, (t->mask + 1) * 2);
	for (uint32_t i = 0; i < t->count; i++)
		table_place(t, table_hash(t->keys + i * t->key_size, t->key_size), i);
}

uint32_t table_add(struct table *t, const void *key, bool *ret_fresh)
{
	uint64_t hash = table_hash(key, t->key_size), i = hash & t->mask;

	*ret_fresh = false;
	for (; t->slots[i]; i = (i + 1) & t->mask)
		if (t->tags[i] == (uint32_t)(hash >> 32) &&
		    memcmp(t->keys + (t->slots[i] - 1) * t->key_size, key, t->key_size) == 0)
			return t->slots[i] - 1;
	table_grow(t);
	memcpy(t->keys + t->count * t->key_size, key, t->key_size);
	table_place(t, hash, t->count);
	*ret_fresh = true;
	return t->count++;
}

const void *table_key(const struct table *t, uint32_t number)
{
	return t->keys + number * t->key_size;
}

uint32_t table_count(const struct table *t)
{
	return t->count;
}
