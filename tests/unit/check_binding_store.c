/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_store.h"
#include "cleanup.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static const boot_t now = { 1000 * NS_PER_S };

static struct binding phone(const char *aor, const char *contact)
{
	struct binding b;

	binding_init(&b);
	b.text[BINDING_AOR] = aor;
	b.text[BINDING_CONTACT] = contact;
	b.text[BINDING_CALL_ID] = "a84b4c76e66710";
	b.expires_at = boot_add(now, 300 * NS_PER_S);
	b.epoch = (struct epoch){ 5, 1 };
	b.cseq = 1;
	return b;
}

static enum binding_put put(struct binding_store *s, const struct binding *b)
{
	enum binding_put ret = BINDING_STALE;

	ck_assert_int_eq(binding_store_put(s, b, now, &ret), 0);
	return ret;
}

static struct binding_store *store(void)
{
	struct binding_store *s = NULL;

	ck_assert_int_eq(binding_store_new(BINDING_STORE_MAX, &s), 0);
	return s;
}

START_TEST(keeps_what_it_was_given)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store();
	struct binding b = phone("1001", "sip:1001@10.0.0.1");
	const struct binding *found;

	b.text[BINDING_PATH] = "<sip:edge;lr>";
	ck_assert_int_eq(put(s, &b), BINDING_ADDED);
	ck_assert_int_eq(put(s, &b), BINDING_REFRESHED);
	found = binding_store_find(s, "1001", "sip:1001@10.0.0.1");
	ck_assert(found && found != &b && binding_same_content(found, &b));
	ck_assert_int_eq(found->expires_at.ns, b.expires_at.ns);
	ck_assert_ptr_null(binding_store_find(s, "1001", "sip:1001@10.0.0.2"));
	b.cseq = 2;
	ck_assert_int_eq(put(s, &b), BINDING_CHANGED);
	ck_assert_uint_eq(binding_store_count(s), 1);
	ck_assert(binding_store_remove(s, "1001", "sip:1001@10.0.0.1", b.epoch));
	ck_assert(!binding_store_remove(s, "1001", "sip:1001@10.0.0.1", b.epoch));
	ck_assert_uint_eq(binding_store_count(s), 0);
}
END_TEST

START_TEST(takes_a_change_that_borrows_from_itself)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store();
	struct binding b = phone("1001", "sip:1001@10.0.0.1"), again;
	char longer[BINDING_PATH_MAX + 1];

	memset(longer, 'p', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	(void)put(s, &b);
	again = *binding_store_find(s, "1001", "sip:1001@10.0.0.1");
	again.text[BINDING_PATH] = longer; /* needs another block, while the other texts lie in the old one */
	ck_assert_int_eq(put(s, &again), BINDING_CHANGED);
	ck_assert_str_eq(binding_store_find(s, "1001", "sip:1001@10.0.0.1")->text[BINDING_PATH], longer);
	again = *binding_store_find(s, "1001", "sip:1001@10.0.0.1");
	again.text[BINDING_PATH] = "";
	ck_assert_int_eq(put(s, &again), BINDING_CHANGED);
	ck_assert_str_eq(binding_store_find(s, "1001", "sip:1001@10.0.0.1")->text[BINDING_CALL_ID],
			 "a84b4c76e66710");
}
END_TEST

START_TEST(refuses_what_breaks_a_limit_and_counts_it)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store();
	struct binding b = phone("1001", "sip:1001@10.0.0.1");
	char longer[BINDING_USER_AGENT_MAX + 2];
	enum binding_field field;

	memset(longer, 'u', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	b.text[BINDING_USER_AGENT] = longer;
	ck_assert_int_eq(binding_check(&b, &field), -E2BIG);
	ck_assert_int_eq(field, BINDING_USER_AGENT);
	ck_assert_int_eq(binding_store_put(s, &b, now, NULL), -E2BIG);
	longer[BINDING_USER_AGENT_MAX] = 0;
	ck_assert_int_eq(binding_store_put(s, &b, now, NULL), 0);
	b.text[BINDING_USER_AGENT] = "Phone\r\nContact: <sip:evil@192.0.2.1>";
	ck_assert_int_eq(binding_store_put(s, &b, now, NULL), -EINVAL);
	b = phone("1001", "sip:1001@10.0.0.1>,<sip:evil@192.0.2.1");
	ck_assert_int_eq(binding_store_put(s, &b, now, NULL), -EINVAL);
	b = phone("", "sip:1001@10.0.0.1");
	ck_assert_int_eq(binding_store_put(s, &b, now, NULL), -EINVAL);
	ck_assert_uint_eq(binding_store_counters(s)->refused_long, 1);
	ck_assert_uint_eq(binding_store_counters(s)->refused_invalid, 3);
	ck_assert_uint_eq(binding_store_count(s), 1);
}
END_TEST

START_TEST(limits_contacts_of_one_account_and_all)
{
	_cleanup_(binding_store_freep) struct binding_store *s = NULL;
	const struct binding *found[BINDING_CONTACTS_MAX];
	char contact[64], aor[16];
	struct binding b;

	ck_assert_int_eq(binding_store_new(100, &s), 0);
	for (int i = 0; i < BINDING_CONTACTS_MAX + 1; i++) {
		(void)snprintf(contact, sizeof contact, "sip:1001@10.0.0.%d", i);
		b = phone("1001", contact);
		ck_assert_int_eq(binding_store_put(s, &b, now, NULL), i < BINDING_CONTACTS_MAX ? 0 : -ENOSPC);
	}
	ck_assert_uint_eq(binding_store_find_aor(s, "1001", found), BINDING_CONTACTS_MAX);
	for (int i = 0; i < 50; i++) {
		(void)snprintf(aor, sizeof aor, "2%03d", i);
		b = phone(aor, "sip:x@10.0.0.1");
		ck_assert_int_eq(binding_store_put(s, &b, now, NULL),
				 i < 100 - BINDING_CONTACTS_MAX ? 0 : -ENOSPC);
	}
	ck_assert_uint_eq(binding_store_count(s), 100);
	ck_assert_uint_eq(binding_store_counters(s)->refused_full, 1 + 50 - (100 - BINDING_CONTACTS_MAX));
}
END_TEST

START_TEST(higher_epoch_wins)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store();
	struct binding old = phone("1001", "sip:1001@10.0.0.1"), young = old;

	old.cseq = 9;
	young.epoch.counter = 6;
	ck_assert_int_eq(put(s, &young), BINDING_ADDED);
	ck_assert_int_eq(put(s, &old), BINDING_STALE);
	ck_assert(!binding_store_remove(s, "1001", "sip:1001@10.0.0.1", old.epoch));
	ck_assert_uint_eq(binding_store_find(s, "1001", "sip:1001@10.0.0.1")->cseq, 1);
	ck_assert_uint_eq(binding_store_counters(s)->stale, 2);
	ck_assert(binding_store_remove(s, "1001", "sip:1001@10.0.0.1", young.epoch));
}
END_TEST

static void count_gone(void *ctx, const struct binding *b)
{
	(*(int *)ctx)++;
}

START_TEST(full_list_removes_what_it_has_not)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store();
	struct binding a = phone("1001", "sip:a@h"), b = phone("1002", "sip:b@h"),
		       c = phone("1003", "sip:c@h");
	int gone = 0;

	c.epoch.counter = 9; /* of a later holder than the list's */
	(void)put(s, &a);
	(void)put(s, &b);
	(void)put(s, &c);
	ck_assert_uint_eq(binding_store_full_end(s, a.epoch, count_gone, &gone), 0); /* nothing began */
	binding_store_full_begin(s);
	(void)put(s, &b);
	ck_assert_uint_eq(binding_store_full_end(s, a.epoch, count_gone, &gone), 1);
	ck_assert_int_eq(gone, 1);
	ck_assert_ptr_null(binding_store_find(s, "1001", "sip:a@h"));
	ck_assert_ptr_nonnull(binding_store_find(s, "1003", "sip:c@h"));
	binding_store_full_begin(s);
	(void)put(s, &a);
	binding_store_full_begin(s); /* the sender started over */
	(void)put(s, &b);
	ck_assert_uint_eq(binding_store_full_end(s, a.epoch, NULL, NULL), 1);
	ck_assert_uint_eq(binding_store_count(s), 2);
}
END_TEST

START_TEST(digest_knows_no_order_and_no_time)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store(), *t = store();
	struct binding b[3] = { phone("1001", "sip:a@h"), phone("1002", "sip:b@h"),
				phone("1003", "sip:c@h") };

	for (int i = 0; i < 3; i++)
		(void)put(s, &b[i]);
	for (int i = 2; i >= 0; i--) {
		b[i].expires_at = boot_add(now, 5 * NS_PER_S);
		b[i].epoch.counter = 77;
		(void)put(t, &b[i]);
	}
	ck_assert_uint_eq(binding_store_digest(s), binding_store_digest(t));
	ck_assert_uint_ne(binding_store_digest(s), 0);
	b[1].cseq++;
	(void)put(t, &b[1]);
	ck_assert_uint_ne(binding_store_digest(s), binding_store_digest(t));
	b[1].cseq--;
	b[1].epoch.counter++;
	(void)put(t, &b[1]);
	ck_assert_uint_eq(binding_store_digest(s), binding_store_digest(t));
	binding_store_clear(t);
	ck_assert_uint_eq(binding_store_digest(t), 0);
	/* Texts are separated: a letter that moves from one to the next is another binding. */
	b[0].text[BINDING_AOR] = "10";
	b[0].text[BINDING_CONTACT] = "sip:01@h";
	uint64_t one = binding_hash(&b[0]);
	b[0].text[BINDING_AOR] = "10s";
	b[0].text[BINDING_CONTACT] = "ip:01@h";
	ck_assert_uint_ne(one, binding_hash(&b[0]));
}
END_TEST

START_TEST(expires_all_round)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store();
	char aor[16];
	int gone = 0;

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(aor, sizeof aor, "%d", i);
		struct binding b = phone(aor, "sip:x@h");

		b.expires_at = i % 10 == 0 ? BOOT_NEVER : boot_add(now, (1 + i % 3) * NS_PER_S);
		(void)put(s, &b);
	}
	for (int i = 0; i < 11; i++)
		(void)binding_store_expire(s, boot_add(now, 2 * NS_PER_S), 100, count_gone, &gone);
	ck_assert_int_eq(gone, 600);
	for (int i = 0; i < 6; i++)
		(void)binding_store_expire(s, boot_add(now, 3600 * NS_PER_S), 100, count_gone, &gone);
	ck_assert_int_eq(gone, 900);
	ck_assert_uint_eq(binding_store_count(s), 100);

	struct binding late = phone("late", "sip:x@h");

	late.expires_at = now;
	ck_assert_int_eq(put(s, &late), BINDING_EXPIRED);
	ck_assert_ptr_null(binding_store_find(s, "late", "sip:x@h"));
}
END_TEST

START_TEST(queue_keeps_its_order_over_changes_and_removals)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store();
	const char *aors[] = { "1", "2", "3", "4" };
	char longer[600] = "<sip:";
	struct binding b;

	memset(longer + 5, 'x', sizeof longer - 6);
	for (int i = 0; i < 4; i++) {
		b = phone(aors[i], "sip:x@h");
		(void)put(s, &b);
		binding_store_push(s, binding_store_find(s, aors[i], "sip:x@h"));
		binding_store_push(s, binding_store_find(s, aors[i], "sip:x@h"));
	}
	ck_assert_uint_eq(binding_store_queued(s), 4);
	ck_assert(binding_store_remove(s, "2", "sip:x@h", b.epoch));
	b = phone("3", "sip:x@h");
	b.text[BINDING_PATH] = longer; /* moves to another block, and to the end of the queue */
	binding_store_set_mark(s, binding_store_find(s, "3", "sip:x@h"), 7);
	(void)put(s, &b);
	ck_assert_uint_eq(binding_store_mark(s, binding_store_find(s, "3", "sip:x@h")), 7);
	ck_assert_str_eq(binding_store_pop(s)->text[BINDING_AOR], "1");
	ck_assert_str_eq(binding_store_pop(s)->text[BINDING_AOR], "4");
	ck_assert_str_eq(binding_store_pop(s)->text[BINDING_AOR], "3");
	ck_assert_ptr_null(binding_store_pop(s));
}
END_TEST

/* 100,000 usual phones: found again, in bounded memory, and the second round takes nothing from the system.
 */
START_TEST(holds_a_hundred_thousand)
{
	_cleanup_(binding_store_freep) struct binding_store *s = store();
	size_t bytes = 0;

	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 100000; i++) {
			char aor[16], contact[64], received[64];
			struct binding b;

			(void)snprintf(aor, sizeof aor, "%u", 100000 + i);
			(void)snprintf(contact, sizeof contact, "sip:%u@192.168.1.%u:5060", 100000 + i,
				       i % 250);
			(void)snprintf(received, sizeof received, "sip:203.0.113.%u:%u", i % 250,
				       20000 + i % 40000);
			b = phone(aor, contact);
			b.text[BINDING_RECEIVED] = received;
			b.text[BINDING_SOCKET] = "udp:10.77.0.100:5060";
			b.text[BINDING_USER_AGENT] = "Yealink SIP-T46S 66.84.0.15";
			b.cseq = 1 + (uint32_t)round;
			ck_assert_int_eq(put(s, &b), round ? BINDING_CHANGED : BINDING_ADDED);
		}
		if (round == 0)
			bytes = binding_store_memory_bytes(s);
	}
	ck_assert_uint_eq(binding_store_count(s), 100000);
	ck_assert_uint_eq(binding_store_memory_bytes(s), bytes);
	ck_assert_uint_lt(bytes / 100000, 500);
	ck_assert_ptr_nonnull(binding_store_find(s, "142424", "sip:142424@192.168.1.174:5060"));
	for (size_t i = binding_store_count(s); i-- > 0;) {
		const struct binding *b = binding_store_at(s, i);

		ck_assert(binding_store_remove(s, b->text[BINDING_AOR], b->text[BINDING_CONTACT], b->epoch));
	}
	ck_assert_uint_eq(binding_store_digest(s), 0);
}
END_TEST

UNIT_MAIN("binding_store", keeps_what_it_was_given, takes_a_change_that_borrows_from_itself,
	  refuses_what_breaks_a_limit_and_counts_it, limits_contacts_of_one_account_and_all,
	  higher_epoch_wins, full_list_removes_what_it_has_not, digest_knows_no_order_and_no_time,
	  expires_all_round, queue_keeps_its_order_over_changes_and_removals, holds_a_hundred_thousand)
