/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the agent asks for. Nothing here waits for Asterisk.
 */
#include "asterisk_private.h"

#define LATE_NS NS_PER_S /* the agent takes it for as long */

void agent_activate(void *ctx, uint64_t id, boot_t now)
{
	struct asterisk *k = ctx;

	if (!k->active) { /* else Asterisk has served all the time */
		k->active = k->restoring = true;
		k->active_at = now;
		k->late_until = (boot_t){ 0 };
		k->restore_sweeps = 0;
		push_by_priority(k);
	}
	sweep_request(k);
	adapter_main_answer(k->m, id, NULL); /* the rest goes on behind it */
}

/* Nobody hears these calls any more, and nobody's BYE arrives: they would count as calls, and keep queue
 * members busy, until they come back with the address. The count may be a second old: one that has just begun
 * is not in it. */
static void agent_hang_up(struct asterisk *k, boot_t now)
{
	const struct ami_field fields[] = { { "Channel", "/^PJSIP\\/.*$/" }, { "Cause", "38" } };

	if (k->hangup_on_standby)
		(void)ami_client_call(&k->ami, AMI_HANGUP, 0, ASTERISK_QUICK_NS, "Hangup", fields, 2,
				      now); /* none, or gone? */
}

void agent_standby(void *ctx, uint64_t id, boot_t now)
{
	struct asterisk *k = ctx;
	bool was_active = k->active;

	k->active = false;
	if (was_active)
		k->late_until = boot_add(now, LATE_NS);
	k->qualify_pass = 0;
	for (size_t i = binding_store_count(k->known); i-- > 0;) {
		const struct binding *b = binding_store_at(k->known, i);

		/* What its phone has just sent is looked up first. */
		push_mark(k, b, 0,
			  MARK_RESET | MARK_QUALIFY |
				  (binding_store_mark(k->known, b) & MARK_LOOKUP ? 0 : MARK_PHONE));
		push_binding(k, b); /* what it qualifies is taken from it */
	}
	if (was_active)
		agent_hang_up(k, now);
	sweep_request(k);
	adapter_main_answer(k->m, id, NULL);
}

void agent_dump(void *ctx, uint64_t id, boot_t now)
{
	struct asterisk *k = ctx;

	if (k->ami.state != AMI_UP) {
		adapter_main_answer(k->m, id, k->ami.error); /* a list may be long in coming, an answer not */
		return;
	}
	if (k->dump_id)
		adapter_main_answer(k->m, id, "a dump is under way");
	else
		k->dump_id = id;
	sweep_request(k);
}

void agent_apply_full_begin(void *ctx)
{
	struct asterisk *k = ctx;

	binding_store_full_begin(k->known);
}

/* Active: the phone may have been here since; the sweep gives back what lacks. */
void agent_apply_put(void *ctx, const struct binding *b, boot_t now)
{
	struct asterisk *k = ctx;
	const struct binding *mine =
		binding_store_find(k->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	bool refresh = mine && boot_before(mine->expires_at, b->expires_at) && sweep_moved(mine, b);
	enum binding_put put;

	if (binding_store_put(k->known, b, now, &put) < 0)
		return;
	mine = binding_store_find(k->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	if (!mine)
		return;
	if (put == BINDING_CHANGED)
		push_mark(k, mine, 0, MARK_REFUSED);
	/* Of the last moment of the holder before us: our Asterisk's row is older than such a refresh. */
	if (!k->active || refresh)
		push_binding(k, mine);
	else if (put == BINDING_ADDED)
		sweep_request(k);
}

void agent_apply_remove(void *ctx, const char *aor, const char *contact, boot_t now)
{
	struct asterisk *k = ctx;

	(void)binding_store_remove(k->known, aor, contact,
				   (struct epoch){ 0 }); /* Asterisk may have it alone */
	push_removal(k, aor, contact);
}

static void full_end_gone(void *ctx, const struct binding *b)
{
	struct asterisk *k = ctx;

	if (!k->active && binding_store_mark(k->known, b) & MARK_PRESENT)
		push_removal(k, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
}

void agent_apply_full_end(void *ctx, boot_t now)
{
	struct asterisk *k = ctx;

	(void)binding_store_full_end(k->known, (struct epoch){ 0 }, full_end_gone,
				     k); /* the count is of no use */
	k->told_everything = true;
	if (k->active) {
		k->restoring = true;
		k->restore_sweeps = 0;
	}
	sweep_request(k);
}
