/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Towards Kamailio. Removals go by RPC and before all puts (so that a put never meets a limit of contacts
 * that a removal would have lifted), puts by REGISTER to the sync listener, or by ul.add where there is none.
 */
#include "kamailio_private.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define PAUSE_NS     (500 * NS_PER_MS)
#define BUSY_NS	     (5 * NS_PER_MS) /* Kamailio's socket is full: it works */
#define RPC_RESERVED 2		     /* slots left for uptime and lookups */

void push_binding(struct kamailio *k, const struct binding *b, bool reset)
{
	uint8_t mark = binding_store_mark(k->known, b);

	if (binding_is_bound(b))
		return;
	binding_store_set_mark(k->known, b, (uint8_t)(reset ? mark | MARK_RESET : mark));
	binding_store_push(k->known, b);
}

void push_removal(struct kamailio *k, const char *aor, const char *contact)
{
	if (!binding_keys_push(&k->removals, aor, contact))
		sweep_request(k, false); /* it will find what is too much */
}

void push_everything(struct kamailio *k)
{
	for (size_t i = binding_store_count(k->known); i-- > 0;)
		push_binding(k, binding_store_at(k->known, i), false);
}

static bool push_under_way(const struct kamailio *k, const struct binding *b)
{
	return k->use_sync &&
	       kamailio_sync_in_flight(&k->sync, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
}

/* What Kamailio says about it now is about what we last gave it. */
bool push_settled(const struct kamailio *k, const struct binding *b)
{
	return !binding_store_is_queued(k->known, b) && !push_under_way(k, b);
}

static size_t push_in_flight(const struct kamailio *k)
{
	size_t n = k->use_sync ? KAMAILIO_SYNC_WINDOW - kamailio_sync_free_slots(&k->sync) : 0;

	return n + kamailio_rpc_in_flight(&k->rpc, CALL_ADD) + kamailio_rpc_in_flight(&k->rpc, CALL_REMOVE);
}

bool push_idle(const struct kamailio *k)
{
	return binding_store_queued(k->known) == 0 && k->removals.count == 0 && push_in_flight(k) == 0;
}

/* How far behind: what waited at mark_at has been done when both counters have passed their marks. Under a
 * steady stream of registrations there is always something on its way, which is no difference. */
void push_measure(struct kamailio *k, boot_t now)
{
	if (push_idle(k)) {
		k->settled_at = now;
		k->mark_at = (boot_t){ 0 };
		return;
	}
	if (k->mark_at.ns && (k->applies.completed < k->mark || k->removed < k->mark_removed))
		return;
	if (k->mark_at.ns)
		k->settled_at = k->mark_at;
	k->mark_at = now;
	k->mark = k->applies.started + binding_store_queued(k->known);
	k->mark_removed = k->removed + k->removals.count;
}

/* ---- apply messages and their answers ---- */

void push_apply_end(struct kamailio *k, uint64_t id, boot_t now)
{
	(void)adapter_applies_add(&k->applies, k->m, id,
				  binding_store_queued(k->known)); /* too many: answered */
}

static void applies_answer(struct kamailio *k)
{
	adapter_applies_answer(&k->applies, k->m, push_idle(k), k->removals.count == 0, k->last_refusal);
}

static void applies_fail(struct kamailio *k, const char *why)
{
	(void)snprintf(k->last_refusal, sizeof k->last_refusal, "%s", why); /* cutting a sentence is fine */
	adapter_applies_fail(&k->applies);
}

/* ---- how each one ended ---- */

static void push_again(struct kamailio *k, const char *aor, const char *contact, bool reset)
{
	const struct binding *b = binding_store_find(k->known, aor, contact);

	if (b)
		push_binding(k, b, reset);
}

static void push_not_heard(struct kamailio *k, const char *who, boot_t now)
{
	char why[ADAPTER_WHY_MAX];

	(void)snprintf(why, sizeof why, "Kamailio does not answer on %.80s; the bindings are kept for it",
		       who); /* fits */
	applies_fail(k, why);
	k->push_at = boot_add(now, PAUSE_NS);
}

static void push_no_answer(struct kamailio *k, const char *aor, const char *contact, const char *who,
			   boot_t now)
{
	push_not_heard(k, who, now);
	push_again(k, aor, contact, false);
}

/* Kamailio has a higher CSeq of the same Call-ID. Active: the phone itself was here. Standby: what the agent
 * says counts, so out with it, once. */
static void push_cseq_refused(struct kamailio *k, const struct binding *b)
{
	uint8_t mark = binding_store_mark(k->known, b);

	if (k->active) {
		sweep_lookup(k, b->text[BINDING_AOR], false);
	} else if (mark & MARK_REFUSED) {
		k->refused++;
	} else {
		binding_store_set_mark(k->known, b, (uint8_t)(mark | MARK_REFUSED));
		push_binding(k, b, true);
	}
}

static void push_refused(struct kamailio *k, const char *aor, int status)
{
	char why[ADAPTER_WHY_MAX];

	k->refused++;
	(void)snprintf(why, sizeof why, "Kamailio refused a binding of %.60s with %d", aor,
		       status); /* fits */
	applies_fail(k, why);
	adapter_main_log(k->m, "%s", why);
}

void push_synced(void *ctx, const char *aor, const char *contact, int status, boot_t now)
{
	struct kamailio *k = ctx;
	const struct binding *b = binding_store_find(k->known, aor, contact);

	k->applies.completed++;
	if (status == 0)
		push_no_answer(k, aor, contact, "its sync listener", now);
	else if (status == 400 && b)
		push_cseq_refused(k, b);
	else if (status >= 300)
		push_refused(k, aor, status);
	else if (b)
		binding_store_set_mark(k->known, b,
				       (uint8_t)(binding_store_mark(k->known, b) & ~MARK_REFUSED));
	else
		push_removal(k, aor, contact); /* it went while it was on its way */
	applies_answer(k);
}

void push_rpc_answered(struct kamailio *k, const struct kamailio_rpc_slot *slot, bool ok, int code,
		       const char *error, boot_t now)
{
	const struct binding *b = binding_store_find(k->known, slot->aor, slot->contact);

	if (slot->call == CALL_ADD) {
		k->applies.completed++;
		if (!ok && code == 0)
			push_no_answer(k, slot->aor, slot->contact, k->rpc_text, now);
		else if (!ok)
			push_refused(k, slot->aor, code);
	} else if (!ok && code == 0) {
		push_not_heard(k, k->rpc_text, now);
		push_removal(k, slot->aor, slot->contact);
	} else if (b && binding_store_mark(k->known, b) & MARK_RESET) {
		binding_store_set_mark(k->known, b, (uint8_t)(binding_store_mark(k->known, b) & ~MARK_RESET));
		binding_store_push(k->known, b);
	}
	applies_answer(k);
}

/* ---- the pump ---- */

/* False: no more for now. A binding that came back meanwhile is put, not removed: the put is behind. */
static bool push_one_removal(struct kamailio *k, boot_t now)
{
	const struct binding_key *key = binding_keys_first(&k->removals);
	int r;

	if (!key || kamailio_rpc_free_slots(&k->rpc) <= RPC_RESERVED)
		return false;
	if (k->use_sync && kamailio_sync_in_flight(&k->sync, key->aor, key->contact))
		return false;
	r = kamailio_rpc_call(&k->rpc, CALL_REMOVE, json_pack("[s s s]", k->table, key->aor, key->contact),
			      key->aor, key->contact, now);
	if (r == -EAGAIN)
		k->push_at = boot_add(now, BUSY_NS);
	else if (r < 0)
		push_not_heard(k, k->rpc_text, now);
	if (r < 0)
		return false;
	binding_keys_pop(&k->removals);
	k->removed++;
	return true;
}

static int push_send(struct kamailio *k, const struct binding *b, boot_t now)
{
	const char *aor = b->text[BINDING_AOR], *contact = b->text[BINDING_CONTACT];

	if (binding_store_mark(k->known, b) & MARK_RESET)
		return kamailio_rpc_call(&k->rpc, CALL_REMOVE, json_pack("[s s s]", k->table, aor, contact),
					 aor, contact, now);
	if (k->use_sync)
		return kamailio_sync_send(&k->sync, b, now);
	return kamailio_rpc_call(&k->rpc, CALL_ADD, kamailio_add_params(b, now, k->table), aor, contact, now);
}

static bool push_one_binding(struct kamailio *k, boot_t now)
{
	const struct binding *b;
	bool reset;
	int r;

	if (k->use_sync ? !kamailio_sync_free_slots(&k->sync)
			: kamailio_rpc_free_slots(&k->rpc) <= RPC_RESERVED)
		return false;
	b = binding_store_pop(k->known);
	if (!b)
		return false;
	k->applies.started++;
	if (push_under_way(k, b)) { /* an older version is on its way: behind the others */
		k->applies.completed++;
		binding_store_push(k->known, b);
		return false;
	}
	reset = binding_store_mark(k->known, b) & MARK_RESET;
	r = boot_before(now, b->expires_at) ? push_send(k, b, now) : 0;
	if (r == -EAGAIN) {
		k->applies.completed++;
		k->push_at = boot_add(now, BUSY_NS);
		binding_store_push(k->known, b);
		return false;
	}
	if (r < 0) {
		push_no_answer(k, b->text[BINDING_AOR], b->text[BINDING_CONTACT], k->rpc_text, now);
		k->applies.completed++;
		return false;
	}
	if (reset || !boot_before(now, b->expires_at))
		k->applies.completed++; /* of a reset, the put that follows counts again */
	return true;
}

void push_pump(struct kamailio *k, boot_t now)
{
	if (boot_before(now, k->push_at))
		return;
	while (push_one_removal(k, now))
		;
	while (k->removals.count == 0 && !kamailio_rpc_in_flight(&k->rpc, CALL_REMOVE) &&
	       push_one_binding(k, now))
		;
	applies_answer(k);
}
