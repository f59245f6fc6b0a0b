/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What FreeSWITCH has. An event only says which account changed: FreeSWITCH writes texts into events with
 * some of their escapes lost, so the account is looked up in its list, where they are whole. A sweep reads
 * the whole list. An expiry is told before the row is gone: such an account is looked up a moment later.
 */
#include "freeswitch_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOKUPS_IN_FLIGHT     8
#define SWEEP_EVERY_NS	      (60 * NS_PER_S)
#define SWEEP_RETRY_NS	      (2 * NS_PER_S)
#define SWEEP_PAUSE_NS	      (NS_PER_S / 2)
#define VERIFY_NS	      (5 * NS_PER_S) /* after changes: an injected row cannot be answered for */
#define LATER_NS	      (NS_PER_S / 2)
#define REFRESH_NS	      (2500 * NS_PER_MS) /* expiry moved by more: a refresh. FreeSWITCH counts seconds */
#define HEAL_REMAINING_NS_MIN (10 * NS_PER_S)	 /* what ends that soon is not given back */
#define TOLD		      "told"		 /* in place of a contact, which a look-up has not */

void sweep_request(struct freeswitch *f)
{
	f->sweep_again = true;
}

void sweep_lookup(struct freeswitch *f, const char *aor, bool told)
{
	if (!freeswitch_account_plain(aor) || strlen(aor) > BINDING_AOR_MAX ||
	    !binding_keys_push(&f->lookups, aor, told ? TOLD : ""))
		sweep_request(f);
}

/* FreeSWITCH came back, without what was injected into it: give back all we know, and look what it made of
 * it. */
void sweep_restarted(struct freeswitch *f)
{
	if (binding_store_count(f->known) > 0)
		adapter_main_log(f->m, "FreeSWITCH was restarted: giving back %zu bindings",
				 binding_store_count(f->known));
	f->restoring = true;
	push_everything(f);
	sweep_request(f);
}

/* ---- events ---- */

void sweep_event(struct freeswitch *f, const char *body, size_t len, const char *subclass, boot_t now)
{
	bool expire = !strcmp(subclass, "sofia::expire");
	char profile[FREESWITCH_NAME_MAX], user[BINDING_AOR_MAX + 1], host[BINDING_AOR_MAX + 1];
	char aor[2 * BINDING_AOR_MAX + 2];

	if (!esl_event_get(body, len, "profile-name", profile, sizeof profile, NULL) ||
	    strcmp(profile, f->profile) != 0)
		return;
	if (!esl_event_get(body, len, expire ? "user" : "from-user", user, sizeof user, NULL) ||
	    !esl_event_get(body, len, expire ? "host" : "from-host", host, sizeof host, NULL)) {
		sweep_request(f);
		return;
	}
	(void)snprintf(aor, sizeof aor, "%s@%s", user, host); /* fits */
	if (!expire) {
		sweep_lookup(f, aor, true);
		return;
	}
	if (f->later.count == 0)
		f->later_at = boot_add(now, LATER_NS);
	if (strlen(aor) > BINDING_AOR_MAX || !binding_keys_push(&f->later, aor, TOLD))
		sweep_request(f);
}

/* ---- one row ---- */

static bool refreshed(const struct binding *old, const struct binding *b)
{
	int64_t moved_ns = boot_diff_ns(old->expires_at, b->expires_at);

	return !binding_same_content(old, b) || moved_ns > REFRESH_NS || moved_ns < -REFRESH_NS;
}

static void row_mark_seen(struct freeswitch *f, const struct binding *b)
{
	binding_store_set_mark(f->known, b, binding_store_mark(f->known, b) | MARK_SEEN);
}

static void row_active(struct freeswitch *f, const struct binding *b, boot_t now)
{
	const struct binding *old =
		binding_store_find(f->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);

	if (!old || refreshed(old, b)) {
		if (binding_store_put(f->known, b, now, NULL) < 0)
			return; /* over a limit: counted in the store */
		adapter_main_put(f->m, b, now);
		old = binding_store_find(f->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	}
	if (old)
		row_mark_seen(f, old);
}

static void row_standby(struct freeswitch *f, const struct binding *b)
{
	const struct binding *want =
		binding_store_find(f->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);

	if (!want) {
		if (f->told_everything) {
			f->differences++;
			push_removal(f, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
				     b->text[BINDING_CALL_ID]);
		}
		return;
	}
	row_mark_seen(f, want);
	if (!push_settled(f, want) || binding_is_bound(want) || freeswitch_in_step(want, b))
		return;
	f->differences++;
	if (strcmp(want->text[BINDING_CALL_ID], b->text[BINDING_CALL_ID]) != 0)
		push_removal(f, b->text[BINDING_AOR], b->text[BINDING_CONTACT], b->text[BINDING_CALL_ID]);
	push_binding(f, want);
}

static bool row_is_ours(const struct freeswitch *f, const char *aor)
{
	const char *at = strrchr(aor, '@');

	return at && (!f->domain || !strcasecmp(at + 1, f->domain));
}

void sweep_item(struct freeswitch *f, const struct list_item *item, boot_t now)
{
	struct freeswitch_row room;
	struct binding b;
	int r;

	if (item->record != LIST_REGISTRATION || !row_is_ours(f, item->text[LIST_USER]))
		return;
	r = freeswitch_row_parse(item, now, &room, &b);
	f->unreadable += r < 0 && r != -ENOENT;
	if (r < 0)
		return;
	f->account.found = true;
	if (f->reading == CMD_LOOKUP && f->account.count < BINDING_CONTACTS_MAX)
		(void)snprintf(f->account.contact[f->account.count++], sizeof f->account.contact[0], "%s",
			       b.text[BINDING_CONTACT]); /* fits */
	if (f->active)
		row_active(f, &b, now);
	else
		row_standby(f, &b);
}

/* ---- what it lacks ---- */

static void row_gone(struct freeswitch *f, const struct binding *b)
{
	adapter_main_remove(f->m, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	(void)binding_store_remove(f->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT], b->epoch);
}

static void row_missing(struct freeswitch *f, const struct binding *b, bool told, boot_t now)
{
	if (!push_settled(f, b))
		return;
	if (f->active && (binding_is_bound(b) || told || !f->restoring)) {
		row_gone(f, b);
	} else if (!binding_is_bound(b) && boot_diff_ns(now, b->expires_at) > HEAL_REMAINING_NS_MIN) {
		f->differences++;
		push_binding(f, b);
	}
}

static bool account_has(const struct freeswitch *f, const struct binding *b)
{
	for (size_t i = 0; i < f->account.count; i++)
		if (!strcmp(f->account.contact[i], b->text[BINDING_CONTACT]))
			return true;
	return false;
}

static void account_done(struct freeswitch *f, const struct link_command *c, boot_t now)
{
	const struct binding *known[BINDING_CONTACTS_MAX];
	bool told = c->contact[0];
	size_t n = binding_store_find_aor(f->known, c->aor, known);

	for (size_t i = 0; i < n; i++)
		if (!account_has(f, known[i]))
			row_missing(f, known[i], told, now); /* may remove it, but moves no other */
	if (told && !f->account.found && n == 0)
		sweep_request(f); /* an event named an account that is not there: maybe it lost its escapes */
}

static void list_done(struct freeswitch *f, boot_t now)
{
	for (size_t i = binding_store_count(f->known); i-- > 0;) {
		const struct binding *b = binding_store_at(f->known, i);

		if (b && !(binding_store_mark(f->known, b) & MARK_SEEN))
			row_missing(f, b, false, now);
	}
}

/* ---- the sweep ---- */

static void sweep_end(struct freeswitch *f, boot_t now)
{
	int64_t took_ns = boot_diff_ns(f->sweep_started, now), every_ns = SWEEP_EVERY_NS;

	f->sweep_running = false;
	f->sweeps++;
	if (f->differences > 0)
		every_ns = VERIFY_NS;
	/* Never more than a tenth of the time. */
	f->sweep_at = boot_add(now, took_ns * 10 > every_ns ? took_ns * 10 : every_ns);
	if (f->differences == 0 && push_idle(f))
		f->restoring = false;
	else if (f->restoring)
		sweep_request(f); /* until FreeSWITCH has what was given back */
	adapter_main_dump(f->m, &f->dump_id, f->known, NULL, now);
}

static void sweep_failed(struct freeswitch *f, const char *why, boot_t now)
{
	f->sweep_running = false;
	f->sweep_at = boot_add(now, SWEEP_RETRY_NS);
	if (!f->list_failed)
		adapter_main_log(f->m, "%s", why);
	f->list_failed = true;
	adapter_main_dump(f->m, &f->dump_id, f->known, why, now);
}

void sweep_lost(struct freeswitch *f, boot_t now)
{
	f->sweep_running = false;
	f->sweep_again = true;
	adapter_main_dump(f->m, &f->dump_id, f->known, "the event socket was lost", now);
}

void sweep_begin(struct freeswitch *f, const struct link_command *c)
{
	f->account.count = 0;
	f->account.found = false;
	if (c->kind != CMD_LIST)
		return;
	f->differences = 0;
	for (size_t i = binding_store_count(f->known); i-- > 0;) {
		const struct binding *b = binding_store_at(f->known, i);

		binding_store_set_mark(f->known, b, (uint8_t)(binding_store_mark(f->known, b) & ~MARK_SEEN));
	}
}

void sweep_answered(struct freeswitch *f, const struct link_command *c, bool readable, boot_t now)
{
	char why[ADAPTER_WHY_MAX];
	const char *said = list_reader_said(f->reader);

	if (c->kind == CMD_LOOKUP && readable) {
		account_done(f, c, now);
	} else if (c->kind == CMD_LOOKUP) {
		sweep_request(f); /* that says nothing about the account */
	} else if (readable) {
		f->list_failed = false;
		list_done(f, now);
		sweep_end(f, now);
	} else {
		(void)snprintf(why, sizeof why, "FreeSWITCH's list of registrations cannot be read%s%.100s",
			       *said ? ": " : "", said); /* fits */
		sweep_failed(f, why, now);
	}
}

static void sweep_start(struct freeswitch *f, boot_t now)
{
	if (fs_api(f, CMD_LIST, 0, "", "sofia xmlstatus profile %s reg", f->profile) < 0)
		return; /* too much in flight: soon again */
	f->sweep_again = false;
	f->sweep_running = true;
	f->sweep_started = now;
}

static bool look_up(struct freeswitch *f, const struct binding_key *key)
{
	return fs_api(f, CMD_LOOKUP, *key->contact != 0, key->aor, "sofia xmlstatus profile %s user %s",
		      f->profile, key->aor) == 0;
}

void sweep_pump(struct freeswitch *f, boot_t now)
{
	const struct binding_key *key;

	if (f->link.state != LINK_UP)
		return;
	while (!boot_before(now, f->later_at) && (key = binding_keys_first(&f->later))) {
		sweep_lookup(f, key->aor, true);
		binding_keys_pop(&f->later);
	}
	while (link_in_flight(&f->link, CMD_LOOKUP) < LOOKUPS_IN_FLIGHT &&
	       (key = binding_keys_first(&f->lookups)) && look_up(f, key))
		binding_keys_pop(&f->lookups);
	if (!f->sweep_running && (!boot_before(now, f->sweep_at) ||
				  (f->sweep_again && boot_diff_ns(f->sweep_started, now) > SWEEP_PAUSE_NS)))
		sweep_start(f, now);
}

boot_t sweep_next(const struct freeswitch *f)
{
	boot_t next = f->later.count ? f->later_at : BOOT_NEVER;

	if (f->link.state != LINK_UP)
		return BOOT_NEVER; /* the link has its own time */
	if (f->sweep_running)
		return next;
	if (f->sweep_again)
		next = boot_min(next, boot_add(f->sweep_started, SWEEP_PAUSE_NS + 1));
	return boot_min(next, f->sweep_at);
}
