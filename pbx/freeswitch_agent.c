/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the agent wants: the role, a dump, orders for trunks, and the bindings that FreeSWITCH should have.
 */
#include "freeswitch_private.h"

#include <stdio.h>
#include <string.h>

#define LEAVE_NS (3 * NS_PER_S) /* a gateway takes its registration back within a second, if not paused */
#define DUMP_NS	 (9 * NS_PER_S) /* the agent waits for 10 */

void agent_activate(void *ctx, uint64_t id, boot_t now)
{
	struct freeswitch *f = ctx;
	char why[ADAPTER_WHY_MAX];

	f->active = true;
	f->restoring = true;
	f->role_due = true;
	f->role_at = now;
	f->recover_due = f->recover;
	sweep_request(f);
	if (f->link.state == LINK_UP) {
		if (f->activate_id)
			adapter_main_answer(f->m, f->activate_id, "activated again");
		f->activate_id = id;
		return;
	}
	if (!f->pause) {
		adapter_main_answer(f->m, id, NULL); /* it has had everything all the time */
		return;
	}
	fs_say_socket(f, why);
	adapter_main_answer(f->m, id, why);
}

void agent_standby(void *ctx, uint64_t id, boot_t now)
{
	struct freeswitch *f = ctx;

	f->active = false;
	f->role_due = true;
	f->recover_due = false;
	f->role_at = boot_add(now, LEAVE_NS);
	adapter_main_answer(f->m, id, NULL);
}

void agent_dump(void *ctx, uint64_t id, boot_t now)
{
	struct freeswitch *f = ctx;
	char why[ADAPTER_WHY_MAX];

	if (f->link.state != LINK_UP) {
		fs_say_socket(f, why);
		adapter_main_answer(f->m, id, why);
	} else if (f->dump_id) {
		adapter_main_answer(f->m, id, "a dump is under way");
	} else {
		f->dump_id = id;
		f->dump_until = boot_add(now, DUMP_NS);
		sweep_request(f);
	}
}

void agent_trunk(void *ctx, uint64_t id, size_t trunk, bool registered, boot_t now)
{
	trunks_order(ctx, id, trunk, registered);
}

void agent_apply_full_begin(void *ctx)
{
	struct freeswitch *f = ctx;

	binding_store_full_begin(f->known);
}

void agent_apply_put(void *ctx, const struct binding *b, boot_t now)
{
	struct freeswitch *f = ctx;
	const struct binding *mine =
		binding_store_find(f->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	char old_call_id[BINDING_CALL_ID_MAX + 1] = "";
	enum binding_put put;

	if (mine)
		(void)snprintf(old_call_id, sizeof old_call_id, "%s", mine->text[BINDING_CALL_ID]); /* fits */
	if (binding_store_put(f->known, b, now, &put) < 0 || put == BINDING_STALE || put == BINDING_EXPIRED ||
	    f->active) /* active: the phone may have been here since; the sweep gives back what lacks */
		return;
	mine = binding_store_find(f->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	if (!mine || binding_is_bound(mine))
		return;
	if (*old_call_id && strcmp(old_call_id, b->text[BINDING_CALL_ID]) != 0)
		push_removal(f, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
			     old_call_id); /* its row would stay beside the new one */
	push_binding(f, mine);
}

void agent_apply_remove(void *ctx, const char *aor, const char *contact, boot_t now)
{
	struct freeswitch *f = ctx;
	const struct binding *mine = binding_store_find(f->known, aor, contact);
	char call_id[BINDING_CALL_ID_MAX + 1] = "";

	if (mine)
		(void)snprintf(call_id, sizeof call_id, "%s", mine->text[BINDING_CALL_ID]); /* fits */
	(void)binding_store_remove(f->known, aor, contact, (struct epoch){ 0 });
	if (*call_id)
		push_removal(f, aor, contact, call_id);
	else
		sweep_lookup(f, aor, false); /* FreeSWITCH may have it alone */
}

static void full_end_gone(void *ctx, const struct binding *b)
{
	struct freeswitch *f = ctx;

	if (!f->active)
		push_removal(f, b->text[BINDING_AOR], b->text[BINDING_CONTACT], b->text[BINDING_CALL_ID]);
}

void agent_apply_full_end(void *ctx, boot_t now)
{
	struct freeswitch *f = ctx;

	(void)binding_store_full_end(f->known, (struct epoch){ 0 }, full_end_gone,
				     f); /* the count is of no use here */
	f->told_everything = true;
	if (f->active)
		f->restoring = true;
	sweep_request(f);
}

void agent_apply_end(void *ctx, uint64_t id, boot_t now)
{
	push_apply_end(ctx, id, now);
}
