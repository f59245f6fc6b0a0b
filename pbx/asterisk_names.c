/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asterisk_names.h"

#include "digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUCKETS_FIRST 1024

static uint32_t name_hash(enum asterisk_kind kind, const char *name)
{
	uint64_t h = digest_fnv64(DIGEST_FNV64_INIT + kind, name, strlen(name));

	return (uint32_t)(h ^ h >> 32);
}

int asterisk_names_init(struct asterisk_names *n)
{
	*n = (struct asterisk_names){ .buckets = calloc(BUCKETS_FIRST, sizeof(struct asterisk_name *)),
				      .buckets_count = BUCKETS_FIRST };
	return n->buckets ? 0 : -ENOMEM;
}

void asterisk_names_close(struct asterisk_names *n)
{
	for (size_t i = 0; n->buckets && i < n->buckets_count; i++)
		while (n->buckets[i]) {
			struct asterisk_name *gone = n->buckets[i];

			n->buckets[i] = gone->next;
			free(gone->aor);
			free(gone);
		}
	free(n->buckets);
	*n = (struct asterisk_names){ 0 };
}

struct asterisk_name *asterisk_names_find(const struct asterisk_names *n, enum asterisk_kind kind,
					  const char *name)
{
	uint32_t hash = name_hash(kind, name);

	for (struct asterisk_name *e = n->buckets[hash % n->buckets_count]; e; e = e->next)
		if (e->hash == hash && e->kind == kind && !strcmp(e->name, name))
			return e;
	return NULL;
}

static void names_grow(struct asterisk_names *n)
{
	struct asterisk_name **buckets = calloc(n->buckets_count * 4, sizeof(struct asterisk_name *));

	if (!buckets)
		return; /* slower */
	for (size_t i = 0; i < n->buckets_count; i++)
		while (n->buckets[i]) {
			struct asterisk_name *e = n->buckets[i];
			struct asterisk_name **to = &buckets[e->hash % (n->buckets_count * 4)];

			n->buckets[i] = e->next;
			e->next = *to;
			*to = e;
		}
	free(n->buckets);
	n->buckets = buckets;
	n->buckets_count *= 4;
}

struct asterisk_name *asterisk_names_add(struct asterisk_names *n, enum asterisk_kind kind, const char *name)
{
	struct asterisk_name *e = asterisk_names_find(n, kind, name), **bucket;
	size_t len = strlen(name) + 1;

	if (e || n->count >= ASTERISK_NAMES_MAX)
		return e;
	e = calloc(1, sizeof *e + len);
	if (!e)
		return NULL;
	if (n->count >= n->buckets_count * 2)
		names_grow(n);
	e->hash = name_hash(kind, name);
	e->kind = kind;
	memcpy(e->name, name, len);
	bucket = &n->buckets[e->hash % n->buckets_count];
	e->next = *bucket;
	*bucket = e;
	n->count++;
	return e;
}

void asterisk_names_doubt(struct asterisk_names *n)
{
	for (size_t i = 0; i < n->buckets_count; i++)
		for (struct asterisk_name *e = n->buckets[i]; e; e = e->next)
			e->checked_at = (boot_t){ INT64_MIN / 2 };
}

bool asterisk_name_qualified(const struct asterisk_name *aor)
{
	return aor->qualify.frequency[0] && strcmp(aor->qualify.frequency, "0") != 0;
}

/* ---- channels ---- */

bool asterisk_channel_endpoint(const char *channel, char ret[ASTERISK_ENDPOINT_MAX + 1])
{
	const char *name = strncasecmp(channel, "PJSIP/", 6) ? NULL : channel + 6;
	const char *dash = name ? strrchr(name, '-') : NULL;
	size_t len = dash ? (size_t)(dash - name) : 0;

	/* Behind the number: "<ZOMBIE>". */
	if (len == 0 || len > ASTERISK_ENDPOINT_MAX || !dash[1] ||
	    dash[1 + strspn(dash + 1, "0123456789abcdef")])
		return false;
	(void)snprintf(ret, ASTERISK_ENDPOINT_MAX + 1, "%.*s", (int)len, name); /* fits */
	return true;
}

static struct asterisk_name *channel_name(struct asterisk_names *n, const char *channel)
{
	char endpoint[ASTERISK_ENDPOINT_MAX + 1];

	return asterisk_channel_endpoint(channel, endpoint)
		       ? asterisk_names_add(n, ASTERISK_ENDPOINT, endpoint)
		       : NULL;
}

void asterisk_names_channel(struct asterisk_names *n, const char *channel, bool up, boot_t now)
{
	struct asterisk_name *e = channel_name(n, channel);

	if (!e)
		return;
	e->called_at = now;
	if (up)
		e->channels++;
	else if (e->channels > 0)
		e->channels--;
}

void asterisk_names_list_begin(struct asterisk_names *n)
{
	n->list_round++;
}

void asterisk_names_listed(struct asterisk_names *n, const char *channel)
{
	struct asterisk_name *e = channel_name(n, channel);

	if (!e)
		return;
	e->listed = e->list_round == n->list_round ? e->listed + 1 : 1;
	e->list_round = n->list_round;
}

void asterisk_names_list_end(struct asterisk_names *n, boot_t now)
{
	for (size_t i = 0; i < n->buckets_count; i++)
		for (struct asterisk_name *e = n->buckets[i]; e; e = e->next) {
			uint32_t channels = e->list_round == n->list_round ? e->listed : 0;

			if (channels != e->channels)
				e->called_at = now;
			e->channels = channels;
		}
}
