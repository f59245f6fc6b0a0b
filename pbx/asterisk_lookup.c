/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Single contacts, read again by ARI (one row by its key; AMI would go through the whole table) when an event
 * named them or a sweep missed them. Collected for a moment: the event of a REGISTER's authentication comes
 * before its contact is stored, and a phone that registers makes several.
 */
#include "asterisk_private.h"

#include "ari_text.h"
#include "clock_read.h"

#include <stdlib.h>
#include <string.h>

#define COLLECT_NS    (150 * NS_PER_MS)
#define IN_FLIGHT_MAX 4

bool lookup_tells(const struct asterisk *k, boot_t now)
{
	return k->active || boot_before(now, k->late_until);
}

void lookup_request(struct asterisk *k, const char *aor, const char *contact, boot_t now)
{
	const struct binding *b = binding_store_find(k->known, aor, contact);

	if (strlen(aor) > BINDING_AOR_MAX || strlen(contact) > BINDING_CONTACT_MAX ||
	    (b && binding_store_mark(k->known, b) & MARK_LOOKUP))
		return;
	if (!binding_keys_push(&k->lookups, aor, contact)) {
		sweep_request(k);
		return;
	}
	if (b)
		push_mark(k, b, MARK_LOOKUP, 0);
	if (k->lookups.count == 1)
		k->lookups_at = boot_add(now, COLLECT_NS);
}

/* Something of that endpoint was authenticated. The Call-ID of its last REGISTER: a refresh of that contact;
 * another: a call, or a phone that was restarted. */
void lookup_endpoint(struct asterisk *k, const char *endpoint, const char *call_id, boot_t now)
{
	const struct asterisk_name *e = asterisk_names_find(&k->names, ASTERISK_ENDPOINT, endpoint);
	const struct binding *b[BINDING_CONTACTS_MAX];
	size_t n = e && e->aor ? binding_store_find_aor(k->known, e->aor, b) : 0;
	const struct binding *phone = NULL;
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(b[i]->text[BINDING_CALL_ID], call_id)) {
			lookup_request(k, b[i]->text[BINDING_AOR], b[i]->text[BINDING_CONTACT], now);
			phone = b[i];
			found++;
		}
	if (found == 1) /* else it is not known which of them */
		push_mark(k, phone, MARK_PHONE, 0);
	for (size_t i = 0; i < n && found == 0; i++)
		lookup_request(k, b[i]->text[BINDING_AOR], b[i]->text[BINDING_CONTACT], now);
}

static bool lookup_send(struct asterisk *k, const struct binding_key *key, boot_t now)
{
	const struct binding *b = binding_store_find(k->known, key->aor, key->contact);
	char id[ASTERISK_ID_MAX + 1], path[1024];

	if (ari_client_in_flight(&k->ari, key->aor, key->contact))
		return false; /* its answer wakes us */
	if (b)
		push_mark(k, b, 0, MARK_LOOKUP);
	asterisk_contact_id(key->aor, key->contact, id);
	if (push_path(path, sizeof path, "contact", id) < 0)
		return true;
	if (ari_client_call(&k->ari, ARI_LOOKUP, "GET", path, NULL, key->aor, key->contact, now) < 0) {
		if (b)
			push_mark(k, b, MARK_LOOKUP, 0);
		return false;
	}
	k->lookups_in_flight++;
	return true;
}

void lookup_pump(struct asterisk *k, boot_t now)
{
	if (k->lookups_due == 0 && k->lookups.count > 0 && !boot_before(now, k->lookups_at))
		k->lookups_due = k->lookups.count;
	if (!k->booted || boot_before(now, k->push_at))
		return;
	while (k->lookups_due > 0 && k->lookups_in_flight < IN_FLIGHT_MAX) {
		if (!lookup_send(k, binding_keys_first(&k->lookups), now))
			return;
		binding_keys_pop(&k->lookups);
		if (--k->lookups_due == 0)
			k->lookups_at = boot_add(now, COLLECT_NS);
	}
}

boot_t lookup_next(const struct asterisk *k)
{
	return k->lookups.count > 0 && k->lookups_due == 0 ? k->lookups_at : BOOT_NEVER;
}

/* The phone has left: what waits to be given to Asterisk would bring it back. */
static void lookup_gone(struct asterisk *k, const struct binding *b)
{
	const char *aor = b->text[BINDING_AOR], *contact = b->text[BINDING_CONTACT];

	adapter_main_remove(k->m, aor, contact);
	(void)binding_store_remove(k->known, aor, contact, b->epoch); /* it was there */
}

/* Unregistered while our PUT was on its way: Asterisk had nothing to remove then, and told nobody. What no
 * REGISTER has touched although the phone sent one is what we have put behind it. */
static bool lookup_put_too_late(const struct asterisk *k, const struct binding *b,
				const struct asterisk_contact *c, boot_t now)
{
	return binding_store_mark(k->known, b) & MARK_PHONE && k->systemname[0] && !c->by_registrar &&
	       boot_before(now, k->own_until) && !sweep_moved(b, &c->b);
}

static void lookup_row(struct asterisk *k, const struct asterisk_contact *c, boot_t now)
{
	const char *aor = c->b.text[BINDING_AOR], *contact = c->b.text[BINDING_CONTACT];
	const struct binding *b = binding_store_find(k->known, aor, contact);

	if (b && k->active && lookup_put_too_late(k, b, c, now)) {
		lookup_gone(k, b);
		push_removal(k, aor, contact);
	} else {
		sweep_active(k, &c->b, now);
	}
}

static void lookup_found(struct asterisk *k, const char *aor, const char *contact, const char *body,
			 boot_t now)
{
	struct ari_contact c;

	if (ari_text_contact(body, aor, contact, now, clock_wall_ns(), &c))
		lookup_row(k, &c.contact, now);
	ari_contact_free(&c);
}

static void lookup_missing(struct asterisk *k, const struct binding *b, boot_t now)
{
	uint16_t mark = binding_store_mark(k->known, b);

	pbx_monitor_read_pid(&k->mon, now); /* the one that answers may be another than we know of */
	if (k->mon.restarts != k->mon_restarts || !k->booted || !k->start_known)
		sweep_request(k);
	else if (mark & (MARK_PRESENT | MARK_PHONE) || binding_is_bound(b))
		lookup_gone(k, b);
}

/* What was held back meanwhile goes on. */
static void lookup_release(struct asterisk *k, const struct binding *b)
{
	uint16_t mark = binding_store_mark(k->known, b);

	push_mark(k, b, 0, MARK_PHONE);
	if (mark & MARK_RESET || !(mark & MARK_PRESENT) || !k->active)
		push_binding(k, b);
}

void lookup_answered(struct asterisk *k, const char *aor, const char *contact, int status, const char *body,
		     boot_t now)
{
	const struct binding *b = binding_store_find(k->known, aor, contact);
	bool judged = push_judge(k, status, body, now);

	k->lookups_in_flight--;
	if (!judged)
		sweep_request(k);
	if ((!judged && k->active) || (b && binding_store_mark(k->known, b) & MARK_LOOKUP))
		return; /* the next one, or the sweep, will know more */
	if (judged && lookup_tells(k, now)) {
		if (status == 200)
			lookup_found(k, aor, contact, body, now);
		else if (status == 404 && b && k->active) /* else we have taken it from Asterisk, perhaps */
			lookup_missing(k, b, now);
		b = binding_store_find(k->known, aor, contact);
	}
	if (b)
		lookup_release(k, b);
}
