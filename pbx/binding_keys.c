/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_keys.h"

#include <stdlib.h>
#include <string.h>

bool binding_keys_push(struct binding_keys *k, const char *aor, const char *contact)
{
	size_t aor_size = strlen(aor) + 1, contact_size = strlen(contact) + 1;
	struct binding_key *fresh;

	if (k->last && !strcmp(k->last->aor, aor) && !strcmp(k->last->contact, contact))
		return true;
	fresh = k->count < BINDING_KEYS_MAX ? malloc(sizeof *fresh + aor_size + contact_size) : NULL;
	if (!fresh)
		return false;
	memcpy(fresh->aor, aor, aor_size);
	memcpy(fresh->aor + aor_size, contact, contact_size);
	fresh->contact = fresh->aor + aor_size;
	fresh->next = NULL;
	*(k->last ? &k->last->next : &k->first) = fresh;
	k->last = fresh;
	k->count++;
	return true;
}

void binding_keys_pop(struct binding_keys *k)
{
	struct binding_key *first = k->first;

	if (!first)
		return;
	k->first = first->next;
	if (!k->first)
		k->last = NULL;
	k->count--;
	free(first);
}

void binding_keys_clear(struct binding_keys *k)
{
	while (k->first)
		binding_keys_pop(k);
}
