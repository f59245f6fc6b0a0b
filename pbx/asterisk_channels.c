/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asterisk_channels.h"

#include "digest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIST_MAX   (1u << 20)
#define LIST_FIRST 256
#define STATE_RING                                                                               \
	"4" /* Asterisk's word for a caller who is not answered; one who is called is Ringing, 5 \
	     */

void asterisk_channels_init(struct asterisk_channels *c)
{
	*c = (struct asterisk_channels){ .calls = 1, .channels = 2 };
}

void asterisk_channels_close(struct asterisk_channels *c)
{
	free(c->listed);
	asterisk_channels_init(c);
}

static uint64_t channels_hash(const char *id)
{
	return digest_fnv64(DIGEST_FNV64_INIT, id, strlen(id));
}

/* ---- the list ---- */

void asterisk_channels_list_begin(struct asterisk_channels *c)
{
	c->count = 0;
	c->incomplete = false;
}

static bool channels_grow(struct asterisk_channels *c)
{
	size_t room = c->room ? c->room * 2 : LIST_FIRST;
	uint64_t *listed = room > LIST_MAX ? NULL : realloc(c->listed, room * sizeof *listed);

	if (!listed)
		return false;
	c->listed = listed;
	c->room = room;
	return true;
}

void asterisk_channels_listed(struct asterisk_channels *c, const char *channel, const char *linkedid)
{
	/* Text messages pass through one that stays; CoreStatus does not count it. */
	if (!strncasecmp(channel, "Message/", 8))
		return;
	if (c->count == c->room && !channels_grow(c))
		c->incomplete = true;
	else
		c->listed[c->count++] = channels_hash(linkedid);
}

static int channels_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

bool asterisk_channels_list_end(struct asterisk_channels *c)
{
	uint32_t calls = 0;

	if (c->incomplete)
		return false;
	if (c->count > 0)
		qsort(c->listed, c->count, sizeof *c->listed, channels_order);
	for (size_t i = 0; i < c->count; i++)
		calls += i == 0 || c->listed[i] != c->listed[i - 1];
	if (c->count > 0) {
		c->calls = calls;
		c->channels = (uint32_t)c->count;
	}
	return true;
}

uint32_t asterisk_channels_calls(const struct asterisk_channels *c, uint32_t channels)
{
	uint64_t calls = (uint64_t)channels * c->calls / c->channels;

	return channels > 0 && calls == 0 ? 1 : (uint32_t)calls;
}

/* ---- events ---- */

void asterisk_channels_event(struct asterisk_channels *c, const char *channel, const char *uniqueid,
			     const char *state, boot_t now)
{
	bool calling = state && !strcmp(state, STATE_RING) && !strncasecmp(channel, "PJSIP/", 6);
	uint64_t id = channels_hash(uniqueid);
	size_t i = 0;

	while (i < c->calling_count && c->calling[i].id != id)
		i++;
	if (calling && i == c->calling_count && i < ASTERISK_CALLING_MAX)
		c->calling[c->calling_count++] = (struct asterisk_caller){ id, BOOT_NEVER };
	else if (!calling && i < c->calling_count)
		c->calling[i].until = boot_min(c->calling[i].until, boot_add(now, ASTERISK_ANSWERED_NS));
}

bool asterisk_channels_calling(struct asterisk_channels *c, boot_t now)
{
	for (size_t i = c->calling_count; i-- > 0;)
		if (!boot_before(now, c->calling[i].until))
			c->calling[i] = c->calling[--c->calling_count];
	return c->calling_count > 0;
}

boot_t asterisk_channels_next(const struct asterisk_channels *c)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < c->calling_count; i++)
		next = boot_min(next, c->calling[i].until);
	return next;
}

void asterisk_channels_forget(struct asterisk_channels *c)
{
	c->calling_count = 0;
}
