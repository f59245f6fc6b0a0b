/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bodies of ARI's answers that are read: a contact, an AOR, and asterisk/info. Pure. Refuses what is not
 * of that form and says nothing of why: a sweep finds later what is missed. Fuzzed by tests/fuzz/fuzz_ari.c.
 */
#ifndef RK_ARI_TEXT_H
#define RK_ARI_TEXT_H

#include "asterisk_contact.h"

struct ari_contact {
	struct asterisk_contact contact; /* borrows from what follows */
	struct json_t *list, *row;
};

/* The contact of that AOR and URI. Whatever it returns, ari_contact_free() ends it. */
bool ari_text_contact(const char *body, const char *aor, const char *uri, boot_t now, int64_t wall_ns,
		      struct ari_contact *ret);
void ari_contact_free(struct ari_contact *c);
/* How an AOR is qualified; empty texts where it does not say. */
void ari_text_qualify(const char *body, struct asterisk_qualify *ret);
/* The systemname; "" = it has none, or one that does not fit. */
void ari_text_systemname(const char *body, char *ret, size_t size);

#endif
