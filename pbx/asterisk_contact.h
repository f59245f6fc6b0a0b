/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A dynamic contact of chan_pjsip as a binding, and back. Pure. Reads the JSON of a row of AstDB's
 * registrar/contact and the attribute list of ARI; writes the body of an ARI PUT with those fields only that
 * 16 and 22 both take. Refuses a row whose id is not that of its URI, a value that is no string (Asterisk
 * itself would read no further), and a contact without an end. Fuzzed by tests/fuzz/fuzz_asterisk.c.
 */
#ifndef RK_ASTERISK_CONTACT_H
#define RK_ASTERISK_CONTACT_H

#include "binding.h"

struct json_t;

/* "<aor>;@<md5 of the uri>" */
#define ASTERISK_ID_MAX	      (BINDING_AOR_MAX + 2 + 32)
#define ASTERISK_ENDPOINT_MAX 80

struct asterisk_contact {
	struct binding b; /* borrows from here and from the JSON */
	char aor[BINDING_AOR_MAX + 1];
	char connection[BINDING_CONNECTION_MAX + 1];
	char data[BINDING_DATA_MAX + 1];
	bool by_registrar; /* a REGISTER wrote this row: it has a reg_server, and the body of a PUT has none
			    */
};

/* What the AOR of the target says: Asterisk copies it into each contact that registers. Texts as ARI gave
 * them, "" = it gave none. */
struct asterisk_qualify {
	char frequency[12], timeout[16], authenticate[8], only_2xx[8];
};

void asterisk_contact_id(const char *aor, const char *uri, char ret[ASTERISK_ID_MAX + 1]);
/* id with or without its family before it. 0; -EBADMSG it is no row of Asterisk's; -ETIME it has run out; the
 * error of binding_check(). */
int asterisk_contact_parse(const char *id, const struct json_t *row, boot_t now, int64_t wall_ns,
			   struct asterisk_contact *ret);
/* [{"attribute":..,"value":..}] as an object; a new reference, NULL = it is none. */
struct json_t *asterisk_fields(const struct json_t *list);
/* The endpoint of a binding: in its data, or the AOR's name. */
void asterisk_contact_endpoint(const struct binding *b, char ret[ASTERISK_ENDPOINT_MAX + 1]);
/* The body of a PUT, to be freed; NULL = no memory, or a binding without an end. */
char *asterisk_contact_body(const struct binding *b, const struct asterisk_qualify *q, boot_t now,
			    int64_t wall_ns);

#endif
