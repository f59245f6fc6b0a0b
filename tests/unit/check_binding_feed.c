/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The feed with a stand-in for the adapter: what it sends, and what it does when it cannot.
 */
#include "binding_feed.h"
#include "binding_json.h"
#include "cleanup.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

static const boot_t now = { 1000 * NS_PER_S };

/* ---- the stand-in: linked before the library, so the real adapter_request.c is not taken ---- */

static struct {
	int error;
	uint64_t last_id;
	int messages, puts, removes, begins, ends;
	struct binding_store *pbx; /* what the adapter's PBX would have */
} fake;

int adapter_apply_put(struct adapter_apply *apply, const struct binding *b, boot_t at)
{
	if (apply->count >= ADAPTER_APPLY_MAX)
		return -ENOSPC;
	if (!apply->put)
		apply->put = json_array();
	(void)json_array_append_new(apply->put, binding_to_json(b, at));
	apply->count++;
	return 0;
}

int adapter_apply_remove(struct adapter_apply *apply, const char *aor, const char *contact)
{
	if (apply->count >= ADAPTER_APPLY_MAX)
		return -ENOSPC;
	if (!apply->remove)
		apply->remove = json_array();
	(void)json_array_append_new(apply->remove, binding_key_to_json(aor, contact));
	apply->count++;
	return 0;
}

void adapter_apply_clear(struct adapter_apply *apply)
{
	json_decref(apply->put);
	json_decref(apply->remove);
	*apply = (struct adapter_apply){ 0 };
}

static void fake_take(const struct adapter_apply *apply)
{
	const char *aor, *contact;
	struct binding b;
	json_t *item;
	size_t i;

	fake.messages++;
	fake.begins += apply->full_begin;
	fake.ends += apply->full_end;
	if (apply->full_begin)
		binding_store_full_begin(fake.pbx);
	json_array_foreach(apply->remove, i, item)
	{
		ck_assert_int_eq(binding_key_from_json(item, &aor, &contact), 0);
		(void)binding_store_remove(fake.pbx, aor, contact, (struct epoch){ 0 });
		fake.removes++;
	}
	json_array_foreach(apply->put, i, item)
	{
		ck_assert_int_eq(binding_from_json(item, now, &b), 0);
		ck_assert_int_eq(binding_store_put(fake.pbx, &b, now, NULL), 0);
		fake.puts++;
	}
	if (apply->full_end)
		(void)binding_store_full_end(fake.pbx, (struct epoch){ 0 }, NULL, NULL);
}

int adapter_send_apply(struct adapter *a, struct adapter_apply *apply, boot_t at, uint64_t *ret_id)
{
	if (fake.error == 0) {
		fake_take(apply);
		*ret_id = ++fake.last_id;
	}
	adapter_apply_clear(apply);
	return fake.error;
}

/* ---- tests ---- */

static struct binding_store *filled(unsigned count)
{
	struct binding_store *s = NULL;

	ck_assert_int_eq(binding_store_new(BINDING_STORE_MAX, &s), 0);
	for (unsigned i = 0; i < count; i++) {
		struct binding b;
		char aor[16];

		(void)snprintf(aor, sizeof aor, "%u", i);
		binding_init(&b);
		b.text[BINDING_AOR] = aor;
		b.text[BINDING_CONTACT] = "sip:x@h";
		ck_assert_int_eq(binding_store_put(s, &b, now, NULL), 0);
	}
	memset(&fake, 0, sizeof fake);
	ck_assert_int_eq(binding_store_new(BINDING_STORE_MAX, &fake.pbx), 0);
	return s;
}

START_TEST(sends_all_with_few_in_flight)
{
	_cleanup_(binding_store_freep) struct binding_store *s = filled(2050);
	struct binding_feed f;

	binding_feed_init(&f, NULL, s);
	binding_feed_full(&f, now);
	ck_assert_int_eq(fake.messages, BINDING_FEED_IN_FLIGHT);
	for (uint64_t id = 1; id <= fake.last_id; id++)
		ck_assert(binding_feed_answered(&f, id, 0, now));
	ck_assert(!binding_feed_answered(&f, 999, 0, now));
	ck_assert(binding_feed_idle(&f));
	ck_assert_int_eq(fake.messages, 21);
	ck_assert(fake.begins == 1 && fake.ends == 1 && fake.puts == 2050);
	ck_assert_uint_eq(binding_store_digest(s), binding_store_digest(fake.pbx));
	binding_store_free(fake.pbx);
}
END_TEST

START_TEST(empty_store_empties_the_pbx)
{
	_cleanup_(binding_store_freep) struct binding_store *s = filled(0);
	struct binding_feed f;

	binding_feed_init(&f, NULL, s);
	binding_feed_full(&f, now);
	ck_assert(fake.messages == 1 && fake.begins == 1 && fake.ends == 1);
	binding_store_free(fake.pbx);
}
END_TEST

/* The store changes while the full list is under way: both end up the same. */
START_TEST(follows_a_store_that_changes_meanwhile)
{
	_cleanup_(binding_store_freep) struct binding_store *s = filled(3000);
	struct binding_feed f;
	unsigned step = 0;

	binding_feed_init(&f, NULL, s);
	binding_feed_full(&f, now);
	for (uint64_t id = 1; id <= fake.last_id; id++) {
		char aor[16];

		if (++step <= 20) {
			struct binding b;

			(void)snprintf(aor, sizeof aor, "%u", step * 140);
			ck_assert(binding_store_remove(s, aor, "sip:x@h", (struct epoch){ 0 }));
			binding_feed_remove(&f, aor, "sip:x@h", now);
			(void)snprintf(aor, sizeof aor, "new%u", step);
			binding_init(&b);
			b.text[BINDING_AOR] = aor;
			b.text[BINDING_CONTACT] = "sip:x@h";
			ck_assert_int_eq(binding_store_put(s, &b, now, NULL), 0);
			binding_feed_put(&f, binding_store_find(s, aor, "sip:x@h"), now);
			binding_feed_flush(&f, now);
		}
		(void)binding_feed_answered(&f, id, 0, now);
	}
	ck_assert(binding_feed_idle(&f));
	ck_assert_uint_eq(binding_store_count(s), 3000);
	ck_assert_uint_eq(binding_store_digest(s), binding_store_digest(fake.pbx));
	binding_store_free(fake.pbx);
}
END_TEST

START_TEST(turns_what_it_cannot_send_into_a_full_list)
{
	_cleanup_(binding_store_freep) struct binding_store *s = filled(10);
	struct binding_feed f;

	binding_feed_init(&f, NULL, s);
	fake.error = -EAGAIN;
	binding_feed_put(&f, binding_store_at(s, 3), now);
	binding_feed_flush(&f, now);
	ck_assert_int_eq(fake.messages, 0);
	ck_assert(!binding_feed_idle(&f));
	fake.error = 0;
	binding_feed_flush(&f, now); /* as the agent does once a second */
	ck_assert(fake.begins == 1 && fake.puts == 10);
	ck_assert(binding_feed_answered(&f, 1, ECONNRESET, now));
	ck_assert(binding_feed_idle(&f));
	binding_store_free(fake.pbx);
}
END_TEST

static void put(struct binding_store *s, struct binding_feed *f, uint32_t cseq)
{
	struct binding b;

	binding_init(&b);
	b.text[BINDING_AOR] = "0";
	b.text[BINDING_CONTACT] = "sip:x@h";
	b.cseq = cseq;
	ck_assert_int_eq(binding_store_put(s, &b, now, NULL), 0);
	binding_feed_put(f, &b, now);
}

START_TEST(keeps_the_order_of_put_and_removal)
{
	_cleanup_(binding_store_freep) struct binding_store *s = filled(1);
	struct binding_feed f;

	binding_feed_init(&f, NULL, s);
	put(s, &f, 1);
	ck_assert(binding_store_remove(s, "0", "sip:x@h", (struct epoch){ 0 }));
	binding_feed_remove(&f, "0", "sip:x@h", now);
	binding_feed_flush(&f, now);
	ck_assert(fake.puts == 0 && fake.removes == 1);
	ck_assert_uint_eq(binding_store_count(fake.pbx), 0);
	binding_feed_remove(&f, "0", "sip:x@h", now);
	put(s, &f, 2);
	binding_feed_flush(&f, now);
	ck_assert_uint_eq(binding_store_count(fake.pbx), 1);
	binding_feed_close(&f);
	binding_store_free(fake.pbx);
}
END_TEST

/* However often a phone registers while the adapter is busy, it is told once, the newest. */
START_TEST(a_busy_adapter_is_told_the_newest_once)
{
	_cleanup_(binding_store_freep) struct binding_store *s = filled(1);
	struct binding_feed f;

	binding_feed_init(&f, NULL, s);
	for (uint32_t i = 1; i <= 1000; i++) {
		put(s, &f, i);
		binding_feed_flush(&f, now);
	}
	ck_assert_int_eq(fake.messages, BINDING_FEED_IN_FLIGHT);
	ck_assert(!binding_feed_idle(&f));
	ck_assert(binding_feed_answered(&f, 1, 0, now));
	ck_assert_int_eq(fake.messages, BINDING_FEED_IN_FLIGHT + 1);
	ck_assert_uint_eq(binding_store_find(fake.pbx, "0", "sip:x@h")->cseq, 1000);
	for (uint64_t id = 2; id <= fake.last_id; id++)
		ck_assert(binding_feed_answered(&f, id, 0, now));
	ck_assert(binding_feed_idle(&f));
	binding_store_free(fake.pbx);
}
END_TEST

START_TEST(too_many_removals_are_a_full_list)
{
	_cleanup_(binding_store_freep) struct binding_store *s = filled(1);
	struct binding_feed f;
	char aor[16];

	binding_feed_init(&f, NULL, s);
	for (int i = 0; i <= BINDING_KEYS_MAX; i++) {
		(void)snprintf(aor, sizeof aor, "gone%d", i);
		binding_feed_remove(&f, aor, "sip:x@h", now);
	}
	binding_feed_flush(&f, now);
	ck_assert(fake.messages == 1 && fake.begins == 1 && fake.ends == 1 && fake.removes == 0);
	ck_assert(binding_feed_answered(&f, 1, 0, now));
	ck_assert(binding_feed_idle(&f));
	binding_store_free(fake.pbx);
}
END_TEST

/* A steady stream is never idle, and not late as long as the adapter keeps up with it. */
START_TEST(late_is_what_waits_too_long)
{
	_cleanup_(binding_store_freep) struct binding_store *s = filled(1);
	struct binding_feed f;
	boot_t t = now;
	uint64_t id = 1;

	binding_feed_init(&f, NULL, s);
	for (uint32_t i = 1; i <= 100; i++, t = boot_add(t, 100 * NS_PER_MS)) {
		put(s, &f, i);
		binding_feed_flush(&f, t);
		if (i > 2)
			ck_assert(binding_feed_answered(&f, id++, 0, t));
		ck_assert(!binding_feed_idle(&f));
		ck_assert(!binding_feed_late(&f, t, NS_PER_S));
	}
	ck_assert(binding_feed_late(&f, boot_add(t, 2 * NS_PER_S), NS_PER_S));
	while (id <= fake.last_id)
		ck_assert(binding_feed_answered(&f, id++, 0, t));
	ck_assert(!binding_feed_late(&f, boot_add(t, 2 * NS_PER_S), NS_PER_S));
	binding_store_free(fake.pbx);
}
END_TEST

UNIT_MAIN("binding_feed", sends_all_with_few_in_flight, empty_store_empties_the_pbx,
	  follows_a_store_that_changes_meanwhile, turns_what_it_cannot_send_into_a_full_list,
	  keeps_the_order_of_put_and_removal, a_busy_adapter_is_told_the_newest_once,
	  too_many_removals_are_a_full_list, late_is_what_waits_too_long)
