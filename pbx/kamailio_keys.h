/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A bounded queue of AORs, or of AORs and contacts. Full is told, so that the owner looks at everything
 * instead.
 */
#ifndef RK_KAMAILIO_KEYS_H
#define RK_KAMAILIO_KEYS_H

#include "binding.h"

#define KAMAILIO_KEYS_MAX 4096

struct kamailio_key {
	char aor[BINDING_AOR_MAX + 1];
	char contact[BINDING_CONTACT_MAX + 1];
};

struct kamailio_keys {
	struct kamailio_key *ring; /* KAMAILIO_KEYS_MAX */
	size_t head, count;
};

int kamailio_keys_init(struct kamailio_keys *k);
/* False: full. The same key twice in a row is one. */
bool kamailio_keys_push(struct kamailio_keys *k, const char *aor, const char *contact);
/* NULL = empty. Valid until the next pop or push. */
const struct kamailio_key *kamailio_keys_first(const struct kamailio_keys *k);
void kamailio_keys_pop(struct kamailio_keys *k);

#endif
