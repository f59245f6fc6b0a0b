/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int kamailio_keys_init(struct kamailio_keys *k)
{
	*k = (struct kamailio_keys){ .ring = calloc(KAMAILIO_KEYS_MAX, sizeof(struct kamailio_key)) };
	return k->ring ? 0 : -ENOMEM;
}

static struct kamailio_key *keys_at(const struct kamailio_keys *k, size_t i)
{
	return &k->ring[(k->head + i) % KAMAILIO_KEYS_MAX];
}

bool kamailio_keys_push(struct kamailio_keys *k, const char *aor, const char *contact)
{
	struct kamailio_key *last = k->count ? keys_at(k, k->count - 1) : NULL;
	struct kamailio_key *fresh;

	if (last && !strcmp(last->aor, aor) && !strcmp(last->contact, contact))
		return true;
	if (k->count == KAMAILIO_KEYS_MAX)
		return false;
	fresh = keys_at(k, k->count++);
	(void)snprintf(fresh->aor, sizeof fresh->aor, "%s", aor); /* longer ones are no bindings of ours */
	(void)snprintf(fresh->contact, sizeof fresh->contact, "%s", contact);
	return true;
}

const struct kamailio_key *kamailio_keys_first(const struct kamailio_keys *k)
{
	return k->count ? keys_at(k, 0) : NULL;
}

void kamailio_keys_pop(struct kamailio_keys *k)
{
	if (!k->count)
		return;
	k->head = (k->head + 1) % KAMAILIO_KEYS_MAX;
	k->count--;
}
