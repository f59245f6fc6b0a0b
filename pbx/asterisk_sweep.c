/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All that Asterisk has: one DBGetTree of registrar/contact, which is one read of AstDB (0.1 s for 10,000
 * contacts). Active: differences are reported; what lacks is confirmed by a look-up before it counts as gone,
 * or given back while restoring. Standby: differences are corrected.
 */
#include "asterisk_private.h"

#include "clock_read.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_NS_MIN	   (10 * NS_PER_S)
#define SWEEP_PART	   100		     /* a sweep takes at most one of that many parts of the time */
#define SWEEP_SOON_NS	   (300 * NS_PER_MS) /* after the one before */
#define RESTORE_SWEEPS_MAX 20		     /* an Asterisk that takes a contact and has it not */
#define SWEEP_LATE_NS	   (60 * NS_PER_S) /* while something is being given, no sweep but after that long */
#define REFRESH_NS	   (1500 * NS_PER_MS) /* expiry moved by more: a refresh. Asterisk counts whole seconds */

void sweep_request(struct asterisk *k)
{
	k->sweep_again = true;
}

/* Asterisk came back: what it has is not known, and its state is that of a start. */
void sweep_restarted(struct asterisk *k, boot_t now)
{
	if (binding_store_count(k->known) > 0 && k->sweeps > 0)
		adapter_main_log(k->m, "Asterisk was restarted: %s",
				 k->active ? "giving back what it lacks" : "looking what it kept");
	for (size_t i = binding_store_count(k->known); i-- > 0;)
		push_mark(k, binding_store_at(k->known, i), 0,
			  MARK_PRESENT | MARK_RESET | MARK_REFUSED | MARK_PHONE);
	k->restoring = true;
	k->restore_sweeps = 0;
	asterisk_names_doubt(&k->names);
	sweep_request(k);
}

bool sweep_moved(const struct binding *old, const struct binding *b)
{
	int64_t ns = boot_diff_ns(old->expires_at, b->expires_at);

	return ns > REFRESH_NS || ns < -REFRESH_NS;
}

/* While restoring, an older entry is what a crash has left of it: ours is newer. */
static bool sweep_is_old(const struct asterisk *k, const struct binding *old, const struct binding *b)
{
	return k->restoring && boot_diff_ns(b->expires_at, old->expires_at) > REFRESH_NS;
}

static bool sweep_qualified(const struct asterisk *k, const struct binding *b)
{
	const struct asterisk_name *aor = asterisk_names_find(&k->names, ASTERISK_AOR, b->text[BINDING_AOR]);

	return !aor || aor->presence != ASTERISK_EXISTS || asterisk_name_qualified(aor);
}

void sweep_active(struct asterisk *k, const struct binding *b, boot_t now)
{
	const char *aor = b->text[BINDING_AOR], *contact = b->text[BINDING_CONTACT];
	const struct binding *old = binding_store_find(k->known, aor, contact);

	bool phone = old && binding_store_mark(k->known, old) & MARK_PHONE; /* the row is its newest word */

	if (old && !push_settled(k, old) && !phone) { /* what comes is newer than this row */
		push_mark(k, old, MARK_SEEN, 0);
		return;
	}
	if (old && !phone && sweep_is_old(k, old, b)) {
		push_mark(k, old, MARK_SEEN | MARK_PRESENT, 0);
		push_binding(k, old);
		return;
	}
	if (!old || sweep_moved(old, b) || !binding_same_content(old, b)) {
		struct binding mine = *b;

		mine.priority = old ? old->priority : 0;
		if (binding_store_put(k->known, &mine, now, NULL) < 0)
			return; /* over a limit: counted in the store */
		adapter_main_put(k->m, &mine, now);
		old = binding_store_find(k->known, aor, contact);
	}
	if (!old)
		return;
	verify_learn(k, old);
	if (k->restoring && !(binding_store_mark(k->known, old) & MARK_PRESENT) && sweep_qualified(k, old))
		push_mark(k, old, MARK_QUALIFY, 0);
	push_mark(k, old, MARK_SEEN | MARK_PRESENT, MARK_REFUSED);
}

static void sweep_standby(struct asterisk *k, const struct binding *b, boot_t now)
{
	const char *aor = b->text[BINDING_AOR], *contact = b->text[BINDING_CONTACT];
	const struct binding *want = binding_store_find(k->known, aor, contact);

	if (!want) {
		if (lookup_tells(
			    k,
			    now)) /* a phone of the last moment, perhaps: look-ups tell, and the next sweep */
			sweep_request(k);
		else if (k->told_everything)
			push_removal(k, aor, contact);
		return;
	}
	push_mark(k, want, MARK_SEEN | MARK_PRESENT, 0);
	if (!push_settled(k, want))
		return;
	if (binding_is_bound(want)) {
		push_removal(k, aor, contact); /* a connection that ended with the address */
		return;
	}
	/* Other differences are what Asterisk makes of what it was given. */
	if (sweep_moved(want, b) || !push_wanted(k, want))
		push_binding(k, want);
}

void sweep_row(struct asterisk *k, const struct ami_message *m, boot_t now)
{
	const char *key = ami_message_get(m, "Key"), *val = ami_message_get(m, "Val");
	json_t *row = val ? json_loads(val, 0, NULL) : NULL;
	struct asterisk_contact c;
	int r = key && row ? asterisk_contact_parse(key, row, now, clock_wall_ns(), &c) : -EBADMSG;

	k->sweep_rows++;
	if (r == 0 && k->active)
		sweep_active(k, &c.b, now);
	else if (r == 0)
		sweep_standby(k, &c.b, now);
	else if (r != -ETIME)
		k->rows_bad++;
	json_decref(row);
}

/* ---- the end of a sweep ---- */

static void sweep_gone(struct asterisk *k, const struct binding *b)
{
	adapter_main_remove(k->m, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	(void)binding_store_remove(k->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT], b->epoch);
}

static void sweep_missing(struct asterisk *k, const struct binding *b, boot_t now)
{
	bool had = binding_store_mark(k->known, b) & MARK_PRESENT;

	if (!push_settled(k, b))
		return;
	if (!k->active)
		push_mark(k, b, 0, MARK_PRESENT);
	if (binding_is_bound(b)) {
		if (k->active)
			sweep_gone(k, b); /* its connection went with the Asterisk that had it */
	} else if (binding_store_mark(k->known, b) & (MARK_LACKS | MARK_REFUSED)) {
		return; /* it never had it */
	} else if (k->active && had) {
		lookup_request(k, b->text[BINDING_AOR], b->text[BINDING_CONTACT], now);
	} else {
		push_binding(k, b); /* given back; on standby, what is wanted */
	}
}

static void sweep_compare(struct asterisk *k, boot_t now)
{
	for (size_t i = binding_store_count(k->known); i-- > 0;) {
		const struct binding *b = binding_store_at(k->known, i);

		if (b && !(binding_store_mark(k->known, b) & MARK_SEEN))
			sweep_missing(k, b, now);
	}
}

static void sweep_say_bad(struct asterisk *k)
{
	if (k->rows_bad > 0 && !k->bad_said)
		adapter_main_log(k->m, "%llu of %llu contacts of Asterisk cannot be read: skipped",
				 (unsigned long long)k->rows_bad, (unsigned long long)k->sweep_rows);
	k->bad_said = k->rows_bad > 0;
}

void sweep_ended(struct asterisk *k, bool ok, boot_t now)
{
	int64_t took_ns = boot_diff_ns(k->sweep_started, now);

	k->sweeping = false;
	k->tree_failed = !ok;
	k->sweep_at =
		boot_add(now, took_ns * SWEEP_PART > SWEEP_NS_MIN ? took_ns * SWEEP_PART : SWEEP_NS_MIN);
	if (ok) {
		sweep_compare(k, now);
		sweep_say_bad(k);
		k->sweeps++;
		if (k->restoring && k->active)
			qualify_start(k);
		if (push_idle(k) || ++k->restore_sweeps >= RESTORE_SWEEPS_MAX)
			k->restoring = false;
		else if (k->restoring)
			sweep_request(k); /* until Asterisk has what was given back */
	}
	adapter_main_dump(k->m, &k->dump_id, k->known, ok ? NULL : "Asterisk does not list its contacts",
			  now);
}

/* ---- its start ---- */

static void sweep_start(struct asterisk *k, boot_t now)
{
	const struct ami_field family[] = { { "Family", "registrar/contact" } };

	k->sweep_again = false;
	k->sweep_started = now;
	k->sweep_rows = k->rows_bad = 0;
	for (size_t i = binding_store_count(k->known); i-- > 0;)
		push_mark(k, binding_store_at(k->known, i), 0, MARK_SEEN);
	if (ami_client_call(&k->ami, AMI_TREE, 0, ASTERISK_LIST_NS, "DBGetTree", family, 1, now) == 0)
		k->sweeping = true;
	else
		k->sweep_at = boot_add(now, NS_PER_S);
}

void sweep_pump(struct asterisk *k, boot_t now)
{
	if (!k->booted || !k->start_known || k->ami.state != AMI_UP || k->sweeping)
		return;
	/* One reads the whole table, which holds up what is being written. */
	if (!push_idle(k) && boot_diff_ns(k->sweep_started, now) < SWEEP_LATE_NS)
		return;
	if (!boot_before(now, k->sweep_at) ||
	    (k->sweep_again && boot_diff_ns(k->sweep_started, now) > SWEEP_SOON_NS))
		sweep_start(k, now);
}

boot_t sweep_next(const struct asterisk *k)
{
	if (!k->booted || !k->start_known || k->ami.state != AMI_UP || k->sweeping || !push_idle(k))
		return BOOT_NEVER; /* an answer wakes us */
	return k->sweep_again ? boot_min(k->sweep_at, boot_add(k->sweep_started, SWEEP_SOON_NS + 1))
			      : k->sweep_at;
}
