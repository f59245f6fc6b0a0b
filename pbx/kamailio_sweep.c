/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What Kamailio has. Single accounts are looked up when an event names them; a sweep looks at all: uptime (is
 * it still the same Kamailio?), the list of names, a look-up of each, then a look-up of what we know and the
 * list had not. Look-ups are paced unless there is a hurry, so that a sweep does not compete with calls.
 */
#include "kamailio_private.h"

#include "clock_read.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define UNANSWERED_MAX	      8
#define PACED_PER_S	      2000
#define SWEEP_EVERY_NS	      (60 * NS_PER_S) /* with a change feed */
#define POLL_EVERY_NS	      (2 * NS_PER_S)  /* without */
#define REFRESH_NS	      (2500 * NS_PER_MS) /* expiry moved by more: a refresh. Kamailio counts whole seconds */
#define HEAL_REMAINING_NS_MIN (10 * NS_PER_S) /* what ends that soon is not given back */
#define TOLD		      "told"	      /* in place of a contact, which a look-up has not */
#define SAME_START_NS	      (2500 * NS_PER_MS)
#define LAST_WORDS_NS	      NS_PER_S

void sweep_request(struct kamailio *k, bool hurry)
{
	k->sweep_again = true;
	k->hurry |= hurry;
}

void sweep_lookup(struct kamailio *k, const char *aor, bool told)
{
	if (strlen(aor) > BINDING_AOR_MAX || !binding_keys_push(&k->lookups, aor, told ? TOLD : ""))
		sweep_request(k, false);
}

/* Kamailio came back empty: give back all we know, and then look what it made of it. */
void sweep_restarted(struct kamailio *k, boot_t now)
{
	if (binding_store_count(k->known) > 0)
		adapter_main_log(k->m, "Kamailio was restarted: giving back %zu bindings",
				 binding_store_count(k->known));
	k->restoring = true;
	push_everything(k);
	sweep_request(k, true);
	kamailio_uplink_restarted(&k->uplink, now);
}

static void sweep_give_up(struct kamailio *k, boot_t now)
{
	json_decref(k->names_answer);
	k->names_answer = k->names = NULL;
	k->phase = SWEEP_IDLE;
	k->sweep_at = boot_add(now, POLL_EVERY_NS);
	adapter_main_dump(k->m, &k->dump_id, k->known, "Kamailio does not list its accounts", now);
}

/* ---- one account ---- */

struct looked_up {
	struct binding b[BINDING_CONTACTS_MAX];
	char connection[BINDING_CONTACTS_MAX][BINDING_CONNECTION_MAX + 1];
	size_t count;
};

static void account_parse(struct kamailio *k, const char *aor, const json_t *result, boot_t now,
			  struct looked_up *ret)
{
	int64_t wall_ns = clock_wall_ns();
	const json_t *item;
	size_t i;

	ret->count = 0;
	json_array_foreach(json_object_get(result, "Contacts"), i, item)
	{
		const json_t *contact = json_object_get(item, "Contact");

		if (ret->count < BINDING_CONTACTS_MAX &&
		    kamailio_contact_parse(contact, aor, now, wall_ns, ret->connection[ret->count],
					   &ret->b[ret->count]) == 0)
			ret->count++;
	}
}

static bool refreshed(const struct binding *old, const struct binding *b)
{
	int64_t moved_ns = boot_diff_ns(old->expires_at, b->expires_at);

	return !binding_same_content(old, b) || moved_ns > REFRESH_NS || moved_ns < -REFRESH_NS;
}

static void account_active(struct kamailio *k, const struct binding *b, boot_t now)
{
	const struct binding *old =
		binding_store_find(k->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);

	if (!old || refreshed(old, b)) {
		if (binding_store_put(k->known, b, now, NULL) < 0)
			return; /* over a limit: counted in the store */
		adapter_main_put(k->m, b, now);
		old = binding_store_find(k->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	}
	if (old)
		binding_store_set_mark(k->known, old, binding_store_mark(k->known, old) | MARK_SEEN);
}

static void account_standby(struct kamailio *k, const struct binding *b, boot_t now)
{
	const struct binding *want =
		binding_store_find(k->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);

	if (!want) {
		if (k->told_everything) {
			k->differences++;
			push_removal(k, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
		}
		return;
	}
	binding_store_set_mark(k->known, want, binding_store_mark(k->known, want) | MARK_SEEN);
	if (push_settled(k, want) && !binding_is_bound(want) && !kamailio_in_step(want, b, !k->use_sync)) {
		k->differences++;
		push_binding(k, want, true);
	}
}

static bool account_has(const struct looked_up *l, const struct binding *b)
{
	for (size_t i = 0; i < l->count; i++)
		if (binding_same_key(&l->b[i], b))
			return true;
	return false;
}

/* Only REGISTERs of phones are told of. One that came while we were active was accepted, and is to be known.
 */
static bool account_last_words(const struct kamailio *k, boot_t now)
{
	return k->standby_at.ns && boot_diff_ns(k->standby_at, now) < LAST_WORDS_NS;
}

/* A Kamailio that has just been started says "not found" of everybody. */
static bool account_is_gone(struct kamailio *k, const struct binding *b, bool told, boot_t now)
{
	/* What was bound to a connection of another node, or of the Kamailio before, cannot be given back. */
	if (!k->active || (k->restoring && !told && !binding_is_bound(b)))
		return false;
	pbx_monitor_read_pid(&k->mon, now);
	return k->mon.restarts == k->mon_restarts && k->mon.seen.pid_error == 0;
}

static void account_missing(struct kamailio *k, const struct binding *b, bool told, boot_t now)
{
	binding_store_set_mark(k->known, b, binding_store_mark(k->known, b) | MARK_SEEN);
	if (!push_settled(k, b))
		return;
	if (account_is_gone(k, b, told, now)) {
		adapter_main_remove(k->m, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
		(void)binding_store_remove(k->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
					   b->epoch);
	} else if (!binding_is_bound(b) && boot_diff_ns(now, b->expires_at) > HEAL_REMAINING_NS_MIN) {
		k->differences++;
		push_binding(k, b, false);
	}
}

/* That says nothing about the account. Several in a row: Kamailio hangs, and 10,000 more would take an hour.
 */
static void sweep_unanswered(struct kamailio *k, boot_t now)
{
	if (k->phase == SWEEP_IDLE) {
		sweep_request(k, false);
	} else if (++k->unanswered >= UNANSWERED_MAX && (k->phase == SWEEP_NAMES || k->phase == SWEEP_REST)) {
		k->unanswered = 0;
		sweep_give_up(k, now);
	}
}

void sweep_looked_up(struct kamailio *k, const struct kamailio_rpc_slot *slot, const json_t *result, int code,
		     boot_t now)
{
	const char *aor = slot->aor;
	bool told = slot->contact[0];
	const struct binding *known[BINDING_CONTACTS_MAX];
	struct looked_up l;
	size_t n;

	k->lookups_in_flight--;
	if (!result && code == 0) {
		sweep_unanswered(k, now);
		return;
	}
	k->unanswered = 0;
	account_parse(k, aor, result, now, &l);
	for (size_t i = 0; i < l.count; i++) {
		if (k->active || (told && account_last_words(k, now)))
			account_active(k, &l.b[i], now);
		else
			account_standby(k, &l.b[i], now);
	}
	n = binding_store_find_aor(k->known, aor, known);
	for (size_t i = 0; i < n; i++)
		if (!account_has(&l, known[i]))
			account_missing(k, known[i], told, now); /* may remove it, but moves no other */
}

/* -EAGAIN: later. */
static int look_up(struct kamailio *k, const char *aor, const char *told, boot_t now)
{
	int r = kamailio_rpc_call(&k->rpc, CALL_LOOKUP, json_pack("[s s]", k->table, aor), aor, told, now);

	k->lookups_in_flight += r == 0;
	return r;
}

/* ---- the sweep ---- */

static void sweep_end(struct kamailio *k, boot_t now)
{
	int64_t took_ns = boot_diff_ns(k->sweep_started, now);
	int64_t every_ns = k->use_evapi && k->evapi.connected ? SWEEP_EVERY_NS : POLL_EVERY_NS;

	json_decref(k->names_answer);
	k->names_answer = k->names = NULL;
	k->phase = SWEEP_IDLE;
	k->sweeps++;
	k->hurry = false;
	/* Never more than a tenth of the time: a large office polled by look-ups is polled less often. */
	k->sweep_at = boot_add(now, took_ns * 10 > every_ns ? took_ns * 10 : every_ns);
	push_measure(k, now);
	if (!boot_before(k->settled_at, k->sweep_started))
		k->restoring = false;
	else if (k->restoring)
		sweep_request(k, true); /* until Kamailio has what was given back */
	adapter_main_dump(k->m, &k->dump_id, k->known, NULL, now);
}

static void sweep_start(struct kamailio *k, boot_t now)
{
	k->sweep_again = false;
	k->sweep_started = k->pace_from = now;
	k->pace_done = 0;
	k->differences = 0;
	for (size_t i = binding_store_count(k->known); i-- > 0;) {
		const struct binding *b = binding_store_at(k->known, i);

		binding_store_set_mark(k->known, b, (uint8_t)(binding_store_mark(k->known, b) & ~MARK_SEEN));
	}
	if (kamailio_rpc_call(&k->rpc, CALL_UPTIME, NULL, NULL, NULL, now) < 0)
		sweep_give_up(k, now);
	else
		k->phase = SWEEP_UPTIME;
}

static void sweep_list(struct kamailio *k, boot_t now)
{
	int r;

	if (k->use_list)
		r = kamailio_list_start(&k->list, now);
	else
		r = kamailio_rpc_call(&k->rpc, CALL_LIST, json_pack("[s]", "brief"), NULL, NULL, now);
	if (r < 0) {
		adapter_main_log(k->m, "cannot ask Kamailio for its accounts: %s", strerror(-r));
		sweep_give_up(k, now);
		return;
	}
	k->phase = SWEEP_LIST;
}

/* NULL: it did not answer. Otherwise, a start at another time is a restart that the pid file did not tell. */
void sweep_uptime(struct kamailio *k, const json_t *result, boot_t now)
{
	const json_t *uptime = json_object_get(result, "uptime");
	boot_t started = boot_add(now, -json_integer_value(uptime) * NS_PER_S);

	if (json_is_integer(uptime)) {
		if (k->pbx_started.ns && boot_diff_ns(k->pbx_started, started) > SAME_START_NS)
			sweep_restarted(k, now);
		k->pbx_started = started;
	}
	if (k->phase != SWEEP_UPTIME)
		return;
	if (json_is_integer(uptime))
		sweep_list(k, now);
	else
		sweep_give_up(k, now);
}

void sweep_list_answer(struct kamailio *k, const json_t *result, boot_t now)
{
	if (k->phase != SWEEP_LIST)
		return;
	k->names = kamailio_list_names(result);
	k->list_failed = !k->names;
	if (!k->names) {
		adapter_main_log(
			k->m, k->use_list ? "Kamailio's list of accounts cannot be read"
					  : "no list of accounts: more than a datagram holds? set \"dump\"");
		sweep_give_up(k, now);
		return;
	}
	if (!k->names_answer)
		k->names_answer = json_incref((json_t *)(uintptr_t)result);
	k->next = 0;
	k->phase = SWEEP_NAMES;
}

void sweep_list_ready(struct kamailio *k, boot_t now)
{
	json_t *answer = NULL;
	int r = kamailio_list_ready(&k->list, &answer);

	if (r == 0)
		return;
	k->names_answer = answer;
	sweep_list_answer(k, r < 0 ? NULL : json_object_get(answer, "result"), now);
}

/* The next account of the phase, or NULL: the phase is over. */
static const char *sweep_next_aor(struct kamailio *k)
{
	while (k->phase == SWEEP_NAMES && k->next < json_array_size(k->names)) {
		const json_t *item = json_array_get(k->names, k->next++);
		const char *aor = json_string_value(json_object_get(item, "AoR"));

		if (aor && strlen(aor) <= BINDING_AOR_MAX)
			return aor;
	}
	while (k->phase == SWEEP_REST && k->next > 0) {
		const struct binding *b = binding_store_at(k->known, --k->next);

		if (b && !(binding_store_mark(k->known, b) & MARK_SEEN))
			return b->text[BINDING_AOR];
	}
	return NULL;
}

static bool sweep_may(const struct kamailio *k, boot_t now)
{
	return k->hurry ||
	       k->pace_done < (uint64_t)(boot_diff_ns(k->pace_from, now) / (NS_PER_S / PACED_PER_S));
}

static void sweep_accounts(struct kamailio *k, boot_t now)
{
	while (k->lookups_in_flight < k->rpc.window / 2 && sweep_may(k, now)) {
		size_t next = k->next;
		const char *aor = sweep_next_aor(k);
		int r;

		if (!aor && k->lookups_in_flight > 0)
			return; /* their answers mark what was seen */
		if (!aor && k->phase == SWEEP_NAMES) {
			k->phase = SWEEP_REST;
			k->next = binding_store_count(k->known);
			continue;
		}
		if (!aor) {
			sweep_end(k, now);
			return;
		}
		r = look_up(k, aor, "", now);
		if (r == -EAGAIN) {
			k->next = next; /* the same once more */
			return;
		}
		if (r < 0) {
			sweep_give_up(k, now);
			return;
		}
		k->pace_done++;
	}
}

/* What events asked for. */
static void sweep_told(struct kamailio *k, boot_t now)
{
	const struct binding_key *key;

	while (k->lookups_in_flight < k->rpc.window / 2 && (key = binding_keys_first(&k->lookups))) {
		int r = look_up(k, key->aor, key->contact, now);

		if (r == -EAGAIN)
			return;
		if (r < 0)
			sweep_request(k, false);
		binding_keys_pop(&k->lookups);
	}
}

void sweep_pump(struct kamailio *k, boot_t now)
{
	sweep_told(k, now);
	if (k->phase == SWEEP_IDLE && k->mon.seen.pid_error == 0 &&
	    (!boot_before(now, k->sweep_at) ||
	     (k->sweep_again && boot_diff_ns(k->sweep_started, now) > NS_PER_S / 2)))
		sweep_start(k, now);
	if (k->phase == SWEEP_LIST && k->use_list && !boot_before(now, k->list.deadline)) {
		kamailio_list_close(&k->list);
		sweep_give_up(k, now);
	}
	if (k->phase == SWEEP_NAMES || k->phase == SWEEP_REST)
		sweep_accounts(k, now);
}

boot_t sweep_next(const struct kamailio *k)
{
	if (k->phase == SWEEP_IDLE && k->mon.seen.pid_error != 0)
		return BOOT_NEVER; /* the pid file is looked at anyway */
	if (k->phase == SWEEP_IDLE)
		return k->sweep_again ? boot_min(k->sweep_at, boot_add(k->sweep_started, NS_PER_S / 2 + 1))
				      : k->sweep_at;
	if (k->phase == SWEEP_LIST && k->use_list)
		return k->list.deadline;
	if ((k->phase == SWEEP_NAMES || k->phase == SWEEP_REST) && !k->hurry)
		return boot_add(k->pace_from, (int64_t)(k->pace_done + 1) * (NS_PER_S / PACED_PER_S));
	return BOOT_NEVER; /* an answer wakes us */
}
