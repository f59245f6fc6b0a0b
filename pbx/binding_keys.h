/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A bounded queue of AORs and contacts (or of an AOR and a word about it), each as long as its texts. Full is
 * told, so that the owner looks at everything instead.
 */
#ifndef RK_BINDING_KEYS_H
#define RK_BINDING_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#define BINDING_KEYS_MAX 16384

struct binding_key {
	struct binding_key *next;
	const char *contact; /* behind the AOR */
	char aor[];
};

struct binding_keys {
	struct binding_key *first, *last;
	size_t count;
};

/* Copies. False: full, or no memory. The same key twice in a row is one. */
bool binding_keys_push(struct binding_keys *k, const char *aor, const char *contact);
/* NULL = empty. Valid until the next pop. */
static inline const struct binding_key *binding_keys_first(const struct binding_keys *k)
{
	return k->first;
}
void binding_keys_pop(struct binding_keys *k);
void binding_keys_clear(struct binding_keys *k);

#endif
