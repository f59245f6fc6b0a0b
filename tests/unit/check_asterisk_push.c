/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an active Asterisk is given, up to the requests of ARI: these are counted here, and never answered.
 */
#include "asterisk_private.h"
#include "clock_read.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AOR	"1001"
#define CONTACT "sip:1001@10.78.0.50:5071"

static struct asterisk k;
static boot_t now;
static size_t given, told;
static boot_t told_expires_at;

void adapter_main_answer(struct adapter_main *m, uint64_t id, const char *why)
{
	(void)m, (void)id, (void)why;
}

void adapter_main_log(struct adapter_main *m, const char *format, ...)
{
	(void)m, (void)format;
}

void adapter_main_put(struct adapter_main *m, const struct binding *b, boot_t at)
{
	(void)m, (void)at;
	told++;
	told_expires_at = b->expires_at;
}

void adapter_main_remove(struct adapter_main *m, const char *aor, const char *contact)
{
	(void)m, (void)aor, (void)contact;
}

void adapter_main_dump(struct adapter_main *m, uint64_t *id, const struct binding_store *store,
		       const char *error, boot_t at)
{
	(void)m, (void)id, (void)store, (void)error, (void)at;
}

int ari_client_call(struct ari_client *a, int call, const char *method, const char *path, char *request,
		    const char *aor, const char *contact, boot_t at)
{
	(void)a, (void)call, (void)path, (void)aor, (void)contact, (void)at;
	given += !strcmp(method, "PUT");
	free(request);
	return 0;
}

size_t ari_client_free_slots(const struct ari_client *a)
{
	(void)a;
	return ARI_SLOTS_MAX;
}

bool ari_client_in_flight(const struct ari_client *a, const char *aor, const char *contact)
{
	(void)a, (void)aor, (void)contact;
	return false;
}

int ari_path_append(char *path, size_t size, const char *text)
{
	(void)path, (void)size, (void)text;
	return 0;
}

enum asterisk_presence verify_binding(struct asterisk *asterisk, const struct binding *b, boot_t at)
{
	(void)at;
	ck_assert_ptr_nonnull(asterisk_names_add(&asterisk->names, ASTERISK_AOR, b->text[BINDING_AOR]));
	return ASTERISK_EXISTS;
}

void verify_answered(struct asterisk *asterisk, int call, const char *aor, const char *name, int status,
		     const char *body, boot_t at)
{
	(void)asterisk, (void)call, (void)aor, (void)name, (void)status, (void)body, (void)at;
}

void verify_learn(struct asterisk *asterisk, const struct binding *b)
{
	(void)asterisk, (void)b;
}

void pbx_monitor_read_pid(struct pbx_monitor *mon, boot_t at)
{
	(void)mon, (void)at;
}

void qualify_start(struct asterisk *asterisk)
{
	(void)asterisk;
}

static void begin(void)
{
	k = (struct asterisk){ .active = true, .booted = true };
	now = (boot_t){ 1000 * NS_PER_S };
	given = told = 0;
	ck_assert_int_eq(asterisk_names_init(&k.names), 0);
	ck_assert_int_eq(binding_store_new(1000, &k.known), 0);
}

static void end(void)
{
	asterisk_names_close(&k.names);
	binding_store_free(k.known);
	binding_keys_clear(&k.removals);
}

/* What the agent has, ending so many seconds from now. */
static void agent_has(int64_t seconds)
{
	struct binding b;

	binding_init(&b);
	b.text[BINDING_AOR] = AOR;
	b.text[BINDING_CONTACT] = CONTACT;
	b.text[BINDING_CALL_ID] = "py-1001@ph";
	b.expires_at = boot_add(now, seconds * NS_PER_S);
	agent_apply_put(&k, &b, now);
}

/* The row of a sweep, likewise. */
static void asterisk_has(int64_t seconds)
{
	char id[ASTERISK_ID_MAX + 1], row[512];
	struct ami_message m = { .count = 2 };

	asterisk_contact_id(AOR, CONTACT, id);
	(void)snprintf(row, sizeof row,
		       "{\"uri\":\"" CONTACT "\",\"call_id\":\"py-1001@ph\",\"expiration_time\":\"%lld\"}",
		       (long long)(clock_wall_ns() / NS_PER_S + seconds)); /* fits */
	m.field[0] = (struct ami_field){ "Key", id };
	m.field[1] = (struct ami_field){ "Val", row };
	sweep_row(&k, &m, now);
}

static const struct binding *known(void)
{
	const struct binding *b = binding_store_find(k.known, AOR, CONTACT);

	ck_assert_ptr_nonnull(b);
	return b;
}

/* The old holder tells it up to a second after the move: then ours has often been compared already. */
START_TEST(refresh_of_the_old_holders_last_moment_is_given_to_the_new_holder)
{
	agent_has(60);
	asterisk_has(60);
	ck_assert_uint_eq(told, 0);
	agent_has(3600);
	asterisk_has(60); /* the next comparison: what Asterisk has is the older */
	ck_assert_msg(told == 0, "the refresh is undone, for all nodes");
	push_pump(&k, now);
	ck_assert_uint_eq(given, 1);
	ck_assert_int_gt(boot_diff_ns(now, known()->expires_at), 3500 * NS_PER_S);
}
END_TEST

START_TEST(refresh_that_the_new_holder_has_seen_itself_is_told)
{
	agent_has(60);
	asterisk_has(60);
	asterisk_has(3600);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_gt(boot_diff_ns(now, told_expires_at), 3500 * NS_PER_S);
	agent_has(60); /* of before */
	push_pump(&k, now);
	ck_assert_uint_eq(given, 0);
}
END_TEST

/* What a crash has left of AstDB may be older than what was told, whoever spoke last. */
START_TEST(row_of_an_asterisk_that_was_restarted_is_not_its_phones_newest_word)
{
	agent_has(3600);
	push_mark(&k, known(), MARK_PHONE, 0); /* its look-up was never answered */
	sweep_restarted(&k, now);
	asterisk_has(60);
	ck_assert_uint_eq(told, 0);
	push_pump(&k, now);
	ck_assert_uint_eq(given, 1);
}
END_TEST

START_TEST(look_up_that_is_answered_too_late_leaves_no_mark)
{
	agent_has(3600);
	push_mark(&k, known(), MARK_PHONE | MARK_PRESENT, 0);
	k.active = false;
	k.late_until = now;
	k.lookups_in_flight = 1;
	lookup_answered(&k, AOR, CONTACT, 200, "[]", now);
	ck_assert_uint_eq(told, 0);
	ck_assert(!(binding_store_mark(k.known, known()) & MARK_PHONE));
	ck_assert(binding_store_is_queued(k.known, known())); /* what it qualifies is taken from it */
}
END_TEST

/* An Asterisk that dies while many contacts are being given to it. */
START_TEST(what_asterisk_no_longer_tells_of_is_not_waited_for_awake)
{
	k.unheard = 400;
	k.heard_at = k.ticked_at = now;
	ck_assert_int_eq(boot_diff_ns(now, push_next(&k)), 500 * NS_PER_MS + 1);
	now = boot_add(now, NS_PER_S);
	k.ticked_at = now;
	k.booted = false;
	push_pump(&k, now);
	ck_assert_msg(boot_before(now, push_next(&k)), "the adapter would spin until Asterisk is back");
	k.booted = true;
	push_pump(&k, now);
	ck_assert_uint_eq(k.unheard, 0);
}
END_TEST

START_TEST(a_pause_is_slept_through)
{
	k.unheard = 400;
	k.heard_at = k.ticked_at = now;
	now = boot_add(now, NS_PER_S);
	k.ticked_at = now;
	push_pause(&k, "ARI answers 503", now);
	push_pump(&k, now);
	ck_assert_int_eq(boot_diff_ns(now, push_next(&k)), 500 * NS_PER_MS);
}
END_TEST

UNIT_MAIN_AROUND("asterisk_push", begin, end,
		 refresh_of_the_old_holders_last_moment_is_given_to_the_new_holder,
		 refresh_that_the_new_holder_has_seen_itself_is_told,
		 row_of_an_asterisk_that_was_restarted_is_not_its_phones_newest_word,
		 look_up_that_is_answered_too_late_leaves_no_mark,
		 what_asterisk_no_longer_tells_of_is_not_waited_for_awake, a_pause_is_slept_through)
