/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Towards FreeSWITCH: events that its SIP module takes for those of another node. They are taken without a
 * word on success, so what became of them is seen by the next list. Removals go first. A removal takes out by
 * Call-ID, or where a profile allows one registration per account, by the account: what else is known of the
 * account is therefore put again after it.
 */
#include "freeswitch_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SLOTS_RESERVED 8 /* for health, look-ups and orders */

void push_binding(struct freeswitch *f, const struct binding *b)
{
	if (!binding_is_bound(b) && *b->text[BINDING_CALL_ID])
		binding_store_push(f->known, b);
}

void push_removal(struct freeswitch *f, const char *aor, const char *contact, const char *call_id)
{
	const struct binding *left[BINDING_CONTACTS_MAX];
	size_t n = binding_store_find_aor(f->known, aor, left);
	bool shared = false;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(left[i]->text[BINDING_CONTACT], contact))
			continue; /* it is still there when it is told that it goes */
		shared |= !strcmp(left[i]->text[BINDING_CALL_ID], call_id);
		push_binding(f, left[i]);
	}
	/* The same Call-ID with another contact: its put replaces the row. */
	if (!shared && *call_id && !binding_keys_push(&f->removals, aor, call_id))
		sweep_request(f); /* it will find what is too much */
}

void push_everything(struct freeswitch *f)
{
	for (size_t i = binding_store_count(f->known); i-- > 0;)
		push_binding(f, binding_store_at(f->known, i));
}

static size_t push_in_flight(const struct freeswitch *f)
{
	return link_in_flight(&f->link, CMD_PUT) + link_in_flight(&f->link, CMD_REMOVE);
}

static bool push_under_way(const struct freeswitch *f, const struct binding *b)
{
	for (size_t i = 0; i < f->link.count; i++) {
		const struct link_command *c = &f->link.commands[(f->link.first + i) % LINK_COMMANDS_MAX];

		if (c->kind == CMD_PUT && !strcmp(c->aor, b->text[BINDING_AOR]) &&
		    !strcmp(c->contact, b->text[BINDING_CONTACT]))
			return true;
	}
	return false;
}

bool push_settled(const struct freeswitch *f, const struct binding *b)
{
	return !binding_store_is_queued(f->known, b) && !push_under_way(f, b);
}

bool push_idle(const struct freeswitch *f)
{
	return binding_store_queued(f->known) == 0 && f->removals.count == 0 && push_in_flight(f) == 0;
}

/* ---- apply messages and their answers ---- */

static void applies_answer(struct freeswitch *f)
{
	adapter_applies_answer(&f->applies, f->m, push_idle(f), f->removals.count == 0, f->last_refusal);
}

static void applies_fail(struct freeswitch *f, const char *why)
{
	(void)snprintf(f->last_refusal, sizeof f->last_refusal, "%s", why); /* cutting a sentence is fine */
	adapter_applies_fail(&f->applies);
}

static void applies_not_connected(struct freeswitch *f)
{
	char why[ADAPTER_WHY_MAX];

	(void)snprintf(why, sizeof why, "event socket %s %.100s; the bindings are kept for it",
		       f->socket_text, f->link.problem); /* cutting a sentence is fine */
	applies_fail(f, why);
	applies_answer(f);
}

void push_apply_end(struct freeswitch *f, uint64_t id, boot_t now)
{
	if (adapter_applies_add(&f->applies, f->m, id, binding_store_queued(f->known)) &&
	    f->link.state != LINK_UP && !push_idle(f))
		applies_not_connected(f);
}

/* ---- how each one ended ---- */

void push_answered(struct freeswitch *f, const struct link_command *c, bool ok, const char *text)
{
	char why[ADAPTER_WHY_MAX];

	if (c->kind == CMD_PUT)
		f->applies.completed++;
	if (!ok) {
		f->refused++;
		(void)snprintf(why, sizeof why, "FreeSWITCH refused a binding of %.60s: %.80s", c->aor,
			       text); /* fits */
		applies_fail(f, why);
	}
	applies_answer(f);
}

/* What was on its way may or may not have been taken: the sweep after the next connection tells. */
void push_lost(struct freeswitch *f)
{
	f->applies.completed = f->applies.started;
	applies_not_connected(f);
}

/* ---- the pump ---- */

static struct freeswitch_target push_target(const struct freeswitch *f)
{
	return (struct freeswitch_target){ f->profile, f->hostname, f->address, f->presence_hosts };
}

static void push_command(struct link_command *c, int kind, const char *aor, const char *contact)
{
	*c = (struct link_command){ .kind = kind, .timeout_ns = FS_COMMAND_NS };
	(void)snprintf(c->aor, sizeof c->aor, "%s", aor); /* a key of the store: fits */
	(void)snprintf(c->contact, sizeof c->contact, "%s", contact);
}

static bool push_one_removal(struct freeswitch *f)
{
	const struct binding_key *key = binding_keys_first(&f->removals);
	struct freeswitch_target target = push_target(f);
	char text[FREESWITCH_EVENT_MAX];
	struct link_command c;
	int n;

	if (!key || link_free_slots(&f->link) <= SLOTS_RESERVED)
		return false;
	n = freeswitch_remove_build(&target, key->aor, key->contact, text, sizeof text);
	push_command(&c, CMD_REMOVE, key->aor, "");
	if (n > 0 && link_send(&f->link, &c, text, (size_t)n) < 0)
		return false;
	binding_keys_pop(&f->removals); /* n < 0: no account of FreeSWITCH's */
	return true;
}

static bool push_one_binding(struct freeswitch *f, boot_t now)
{
	struct freeswitch_target target = push_target(f);
	char text[FREESWITCH_EVENT_MAX];
	const struct binding *b;
	struct link_command c;
	int n = 0;

	if (link_free_slots(&f->link) <= SLOTS_RESERVED ||
	    sizeof f->link.out - f->link.out_used < FREESWITCH_EVENT_MAX)
		return false;
	b = binding_store_pop(f->known);
	if (!b)
		return false;
	f->applies.started++;
	if (boot_before(now, b->expires_at))
		n = freeswitch_put_build(&target, b, now, text, sizeof text);
	push_command(&c, CMD_PUT, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	if (n <= 0 || link_send(&f->link, &c, text, (size_t)n) < 0)
		f->applies.completed++; /* run out, or no account of FreeSWITCH's */
	f->refused += n < 0;
	return true;
}

void push_pump(struct freeswitch *f, boot_t now)
{
	if (f->link.state != LINK_UP || !f->hostname[0])
		return; /* not before it said what it is called */
	while (push_one_removal(f))
		;
	while (f->removals.count == 0 && push_one_binding(f, now))
		;
	applies_answer(f);
}
