/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Towards Asterisk, through ARI: removals before all puts (so that a put never meets a limit of contacts that
 * a removal would have lifted), each contact in flight once. Never by AMI's DBPut: what is written behind
 * Asterisk's back is dialled, but its device state stays Unavailable.
 */
#include "asterisk_private.h"

#include "clock_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_NS	     (500 * NS_PER_MS)
#define ARI_RESERVED	     2		    /* slots left for look-ups */
#define REMAINING_NS_MIN     (2 * NS_PER_S) /* what ends that soon is not worth a put */
#define DECISIONS_A_TURN_MAX 20000
#define UNHEARD_MAX	     400
#define UNHEARD_NS	     (500 * NS_PER_MS)
#define OWN_NS		     (10 * NS_PER_S)

void push_mark(struct asterisk *k, const struct binding *b, uint16_t set, uint16_t clear)
{
	binding_store_set_mark(k->known, b, (uint16_t)((binding_store_mark(k->known, b) & ~clear) | set));
}

bool push_wanted(const struct asterisk *k, const struct binding *b)
{
	const struct asterisk_name *aor;

	if (binding_is_bound(b))
		return false;
	if (k->active)
		return true;
	aor = asterisk_names_find(&k->names, ASTERISK_AOR, b->text[BINDING_AOR]);
	return aor && aor->presence == ASTERISK_EXISTS && !asterisk_name_qualified(aor);
}

void push_binding(struct asterisk *k, const struct binding *b)
{
	if (!binding_is_bound(b))
		binding_store_push(k->known, b);
}

void push_removal(struct asterisk *k, const char *aor, const char *contact)
{
	if (!binding_keys_push(&k->removals, aor, contact))
		sweep_request(k); /* it will find what is too much */
}

/* What is present and qualified was marked unavailable while nothing could be heard: it starts anew. */
void push_by_priority(struct asterisk *k)
{
	for (int p = BINDING_PRIORITY_MAX; p >= 0; p--)
		for (size_t i = binding_store_count(k->known); i-- > 0;) {
			const struct binding *b = binding_store_at(k->known, i);
			const struct asterisk_name *aor;

			if (b->priority != p)
				continue;
			aor = asterisk_names_find(&k->names, ASTERISK_AOR, b->text[BINDING_AOR]);
			if (binding_store_mark(k->known, b) & MARK_PRESENT) {
				if (!aor || !asterisk_name_qualified(aor))
					continue;
				push_mark(k, b, MARK_RESET, 0);
			}
			push_binding(k, b);
		}
}

bool push_settled(const struct asterisk *k, const struct binding *b)
{
	return !binding_store_is_queued(k->known, b) &&
	       !ari_client_in_flight(&k->ari, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
}

bool push_idle(const struct asterisk *k)
{
	return binding_store_queued(k->known) == 0 && k->removals.count == 0 && k->in_flight == 0;
}

/* ---- apply messages and their answers ---- */

void push_apply_end(void *ctx, uint64_t id, boot_t now)
{
	struct asterisk *k = ctx;

	if (!k->booted) {
		adapter_main_answer(k->m, id,
				    k->ami.error[0] ? k->ami.error
						    : "Asterisk is not fully booted; the bindings are kept");
		return;
	}
	(void)adapter_applies_add(&k->applies, k->m, id,
				  binding_store_queued(k->known)); /* too many: answered */
}

static void applies_answer(struct asterisk *k)
{
	adapter_applies_answer(&k->applies, k->m, push_idle(k), k->removals.count == 0, k->trouble);
}

void push_pause(struct asterisk *k, const char *why, boot_t now)
{
	(void)snprintf(k->trouble, sizeof k->trouble, "%s", why); /* cutting a sentence is fine */
	k->push_at = boot_add(now, PAUSE_NS);
	adapter_applies_fail(&k->applies); /* kept, and tried again */
	adapter_applies_answer(&k->applies, k->m, false, false, k->trouble);
}

/* ---- how each one ended ---- */

bool push_judge(struct asterisk *k, int status, const char *body, boot_t now)
{
	if (status == 401)
		push_pause(k, "ARI refuses user or secret", now);
	else if (status == 403)
		push_pause(k, "ARI forbids changes: is its user read_only?", now);
	else if (status == 404 && !strstr(body, "with id"))
		push_pause(k, "ARI has no dynamic configuration: is res_ari_asterisk loaded?", now);
	else if (status == 503)
		push_pause(k, "ARI answers 503", now);
	else if (status == 0)
		push_pause(k, k->ari.error, now);
	else
		k->trouble[0] = 0;
	return k->trouble[0] == 0;
}

static void push_refused(struct asterisk *k, const struct binding *b, int status, const char *body)
{
	k->refused++;
	push_mark(k, b, MARK_REFUSED, MARK_PRESENT | MARK_RESET);
	adapter_main_log(k->m, "Asterisk refused a contact of %.60s with %d: %.80s", b->text[BINDING_AOR],
			 status, body);
}

/* ARI answers before the observers of a new contact have run. They are a queue behind one thread: over 1,500
 * of them Asterisk calls itself overloaded and drops requests of phones. So we stay close to what it tells.
 */
static void push_note(struct asterisk *k, const struct binding *b, boot_t now)
{
	k->own_until = boot_add(now, OWN_NS);
	if (binding_store_mark(k->known, b) & (MARK_PRESENT | MARK_UNHEARD))
		return;
	push_mark(k, b, MARK_UNHEARD, 0);
	if (k->unheard++ == 0)
		k->heard_at = now;
}

void push_heard(struct asterisk *k, const struct binding *b, boot_t now)
{
	if (!(binding_store_mark(k->known, b) & MARK_UNHEARD))
		return;
	push_mark(k, b, 0, MARK_UNHEARD);
	k->unheard -= k->unheard > 0;
	k->heard_at = now;
}

/* Not told for so long: it is not going to be (AMI is away, or another event stands for it). */
static bool push_crowded(struct asterisk *k, boot_t now)
{
	if (k->unheard > 0 && boot_diff_ns(k->heard_at, now) > UNHEARD_NS)
		k->unheard = 0;
	return k->unheard >= UNHEARD_MAX;
}

boot_t push_next(const struct asterisk *k)
{
	boot_t next = boot_before(k->ticked_at, k->push_at) ? k->push_at : BOOT_NEVER;

	/* Otherwise an answer wakes us, or Asterisk that is back: the pump looks at nothing before. */
	if (k->unheard < UNHEARD_MAX || next.ns != BOOT_NEVER.ns || !k->booted || k->removals.count > 0)
		return next;
	return boot_add(k->heard_at, UNHEARD_NS + 1);
}

static void push_put_answered(struct asterisk *k, const char *aor, const char *contact, int status,
			      const char *body, boot_t now)
{
	const struct binding *b = binding_store_find(k->known, aor, contact);

	if (!push_judge(k, status, body, now)) {
		if (b)
			push_binding(k, b);
	} else if (status != 200 && status != 204) {
		if (b)
			push_refused(k, b, status, body);
	} else if (!b) {
		push_removal(k, aor, contact); /* it went while it was on its way */
	} else {
		push_note(k, b, now);
		push_mark(k, b, MARK_PRESENT, MARK_RESET | MARK_LACKS);
		if (!push_wanted(k, b))
			push_binding(k, b); /* standby meanwhile */
	}
}

static void push_delete_answered(struct asterisk *k, const char *aor, const char *contact, int status,
				 const char *body, boot_t now)
{
	const struct binding *b = binding_store_find(k->known, aor, contact);

	if (!push_judge(k, status, body, now)) {
		if (b)
			push_binding(k, b);
		else
			push_removal(k, aor, contact);
		return;
	}
	if (!b)
		return;
	push_mark(k, b, 0, MARK_PRESENT | MARK_RESET);
	if (push_wanted(k, b))
		push_binding(k, b);
}

void push_answered(struct asterisk *k, int call, const char *aor, const char *contact, int status,
		   const char *body, boot_t now)
{
	k->in_flight--;
	k->applies.completed += call == ARI_PUT || call == ARI_DELETE;
	if (call == ARI_PUT)
		push_put_answered(k, aor, contact, status, body, now);
	else if (call == ARI_DELETE)
		push_delete_answered(k, aor, contact, status, body, now);
	else
		verify_answered(k, call, aor, contact, status, body, now);
	applies_answer(k);
}

/* ---- the pump ---- */

int push_path(char *path, size_t size, const char *type, const char *id)
{
	(void)snprintf(path, size, "asterisk/config/dynamic/res_pjsip/%s/", type); /* fits */
	return ari_path_append(path, size, id);
}

static int push_contact(struct asterisk *k, int call, const char *method, const char *aor,
			const char *contact, char *body, boot_t now)
{
	char id[ASTERISK_ID_MAX + 1], path[1024] = "";
	int r;

	asterisk_contact_id(aor, contact, id);
	r = push_path(path, sizeof path, "contact", id);
	if (r < 0)
		free(body);
	else
		r = ari_client_call(&k->ari, call, method, path, body, aor, contact, now);
	if (r == 0)
		k->in_flight++;
	return r;
}

static int push_put(struct asterisk *k, const struct binding *b, boot_t now)
{
	const struct asterisk_name *aor = asterisk_names_find(&k->names, ASTERISK_AOR, b->text[BINDING_AOR]);
	char *body = aor ? asterisk_contact_body(b, &aor->qualify, now, clock_wall_ns()) : NULL;

	if (!body)
		return -EINVAL;
	return push_contact(k, ARI_PUT, "PUT", b->text[BINDING_AOR], b->text[BINDING_CONTACT], body, now);
}

/* 0: a request was sent; 1: nothing to do, or a question was sent that brings it back; -errno: later. */
static int push_decide(struct asterisk *k, const struct binding *b, boot_t now)
{
	uint16_t mark = binding_store_mark(k->known, b);
	const char *aor = b->text[BINDING_AOR], *contact = b->text[BINDING_CONTACT];

	switch (verify_binding(k, b, now)) {
	case ASTERISK_UNKNOWN:
		return -EBUSY;
	case ASTERISK_ASKED:
		return 1;
	case ASTERISK_MISSING:
		push_mark(k, b, MARK_LACKS, 0);
		return 1;
	case ASTERISK_EXISTS:
		push_mark(k, b, 0, MARK_LACKS);
		break;
	}
	if (!push_wanted(k, b) || mark & MARK_RESET) {
		if (mark & MARK_PRESENT)
			return push_contact(k, ARI_DELETE, "DELETE", aor, contact, NULL, now);
		if (!push_wanted(k, b))
			return 1;
	}
	if (mark & MARK_REFUSED || boot_diff_ns(now, b->expires_at) < REMAINING_NS_MIN)
		return 1;
	return push_put(k, b, now);
}

static bool push_may(const struct asterisk *k)
{
	return ari_client_free_slots(&k->ari) > ARI_RESERVED;
}

static bool push_one_removal(struct asterisk *k, boot_t now)
{
	const struct binding_key *key = binding_keys_first(&k->removals);

	if (!key || !push_may(k) || ari_client_in_flight(&k->ari, key->aor, key->contact))
		return false;
	/* It came back meanwhile: the put is behind, and decides. */
	if (!binding_store_find(k->known, key->aor, key->contact) &&
	    push_contact(k, ARI_DELETE, "DELETE", key->aor, key->contact, NULL, now) < 0)
		return false;
	binding_keys_pop(&k->removals);
	return true;
}

/* Its phone may have left: given now, it would come back. What the look-up finds decides. */
static bool push_is_held(const struct asterisk *k, const struct binding *b, boot_t now)
{
	uint16_t mark = binding_store_mark(k->known, b);

	return lookup_tells(k, now) && mark & MARK_LOOKUP && mark & (MARK_PHONE | MARK_RESET);
}

static bool push_one_binding(struct asterisk *k, boot_t now)
{
	const struct binding *b;
	int r;

	if (!push_may(k))
		return false;
	b = binding_store_pop(k->known);
	if (!b)
		return false;
	k->applies.started++;
	if (push_is_held(k, b, now)) {
		k->applies.completed++;
		return true;
	}
	if (ari_client_in_flight(&k->ari, b->text[BINDING_AOR], b->text[BINDING_CONTACT])) {
		k->applies.completed++; /* an older version is on its way: behind the others */
		binding_store_push(k->known, b);
		return false;
	}
	r = push_decide(k, b, now);
	if (r < 0 && r != -EINVAL)
		binding_store_push(k->known, b);
	if (r != 0)
		k->applies.completed++;
	return r >= 0 || r == -EINVAL;
}

void push_pump(struct asterisk *k, boot_t now)
{
	int n = 0;

	if (boot_before(now, k->push_at) || !k->booted)
		return;
	while (push_one_removal(k, now))
		;
	while (k->removals.count == 0 && !push_crowded(k, now) && n++ < DECISIONS_A_TURN_MAX &&
	       push_one_binding(k, now))
		;
	applies_answer(k);
}
