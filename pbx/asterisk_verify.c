/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Does this Asterisk know the AOR and the endpoint of a contact? It would take a contact of anybody, and keep
 * a row that nothing can reach. Asked once per name, again when the modules were reloaded or the answer is
 * old; a binding that lacks its AOR is kept, and tried again at a slow pace.
 */
#include "ari_text.h"
#include "asterisk_private.h"

#include <stdlib.h>
#include <string.h>

#define EXISTS_NS  (600 * NS_PER_S)
#define MISSING_NS (30 * NS_PER_S)

void verify_learn(struct asterisk *k, const struct binding *b)
{
	char endpoint[ASTERISK_ENDPOINT_MAX + 1];
	struct asterisk_name *e;

	asterisk_contact_endpoint(b, endpoint);
	e = asterisk_names_add(&k->names, ASTERISK_ENDPOINT, endpoint);
	if (!e || (e->aor && !strcmp(e->aor, b->text[BINDING_AOR])))
		return;
	free(e->aor);
	e->aor = strdup(b->text[BINDING_AOR]); /* ENOMEM: its refreshes are seen by the sweep */
}

static bool verify_stale(const struct asterisk_name *e, boot_t now)
{
	return boot_diff_ns(e->checked_at, now) > (e->presence == ASTERISK_EXISTS ? EXISTS_NS : MISSING_NS);
}

static enum asterisk_presence verify_name(struct asterisk *k, struct asterisk_name *e, const char *aor,
					  boot_t now)
{
	bool ask = e->presence == ASTERISK_UNKNOWN || (e->presence != ASTERISK_ASKED && verify_stale(e, now));
	const char *type = e->kind == ASTERISK_AOR ? "aor" : "endpoint";
	char path[1024];

	if (!ask || e->asked)
		return e->presence;
	if (push_path(path, sizeof path, type, e->name) < 0)
		return ASTERISK_MISSING;
	if (ari_client_call(&k->ari, e->kind == ASTERISK_AOR ? ARI_AOR : ARI_ENDPOINT, "GET", path, NULL, aor,
			    e->name, now) < 0)
		return e->presence;
	k->in_flight++;
	e->asked = true;
	if (e->presence != ASTERISK_EXISTS)
		e->presence = ASTERISK_ASKED;
	return e->presence;
}

enum asterisk_presence verify_binding(struct asterisk *k, const struct binding *b, boot_t now)
{
	char endpoint[ASTERISK_ENDPOINT_MAX + 1];
	struct asterisk_name *a = asterisk_names_add(&k->names, ASTERISK_AOR, b->text[BINDING_AOR]), *e;
	enum asterisk_presence of_aor, of_endpoint;

	verify_learn(k, b);
	asterisk_contact_endpoint(b, endpoint);
	e = asterisk_names_find(&k->names, ASTERISK_ENDPOINT, endpoint);
	if (!a || !e)
		return ASTERISK_MISSING; /* no memory */
	of_aor = verify_name(k, a, b->text[BINDING_AOR], now);
	of_endpoint = verify_name(k, e, b->text[BINDING_AOR], now);
	if (of_aor == ASTERISK_UNKNOWN || of_endpoint == ASTERISK_UNKNOWN)
		return ASTERISK_UNKNOWN;
	if (of_aor == ASTERISK_ASKED || of_endpoint == ASTERISK_ASKED)
		return ASTERISK_ASKED;
	return of_aor == ASTERISK_MISSING || of_endpoint == ASTERISK_MISSING ? ASTERISK_MISSING
									     : ASTERISK_EXISTS;
}

/* ---- the answers ---- */

static void verify_push_all(struct asterisk *k, const char *aor)
{
	const struct binding *b[BINDING_CONTACTS_MAX];
	size_t n = binding_store_find_aor(k->known, aor, b);

	for (size_t i = 0; i < n; i++)
		push_binding(k, b[i]);
}

static void verify_missing(struct asterisk *k, const struct asterisk_name *e, enum asterisk_presence before)
{
	if (before != ASTERISK_MISSING && e->checked_at.ns == 0)
		adapter_main_log(
			k->m, "Asterisk has no %s \"%.100s\": contacts of it are kept, and not given to it",
			e->kind == ASTERISK_AOR ? "AOR" : "endpoint", e->name);
}

void verify_answered(struct asterisk *k, int call, const char *aor, const char *name, int status,
		     const char *body, boot_t now)
{
	enum asterisk_kind kind = call == ARI_AOR ? ASTERISK_AOR : ASTERISK_ENDPOINT;
	struct asterisk_name *e = asterisk_names_find(&k->names, kind, name);
	enum asterisk_presence before = e ? e->presence : ASTERISK_UNKNOWN;
	bool qualified = e && asterisk_name_qualified(e);

	if (!e)
		return;
	e->asked = false;
	if (!push_judge(k, status, body, now)) {
		if (before == ASTERISK_ASKED)
			e->presence = ASTERISK_UNKNOWN;
	} else {
		e->presence = status == 200 ? ASTERISK_EXISTS : ASTERISK_MISSING;
		if (e->presence == ASTERISK_MISSING)
			verify_missing(k, e, before);
		e->checked_at = now;
		if (kind == ASTERISK_AOR && status == 200)
			ari_text_qualify(body, &e->qualify);
	}
	if (before != e->presence || qualified != asterisk_name_qualified(e))
		verify_push_all(k, aor);
}
