/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Orders to register, up to what is written to AMI. The connection is never read or written here.
 */
#include "asterisk_private.h"
#include "unit.h"

#include <string.h>

static struct asterisk k;
static boot_t now;
static enum trunk_state told; /* of the first */

void adapter_main_answer(struct adapter_main *m, uint64_t id, const char *why)
{
	(void)m, (void)id, (void)why;
}

void adapter_main_trunk(struct adapter_main *m, const struct adapter_trunk *t)
{
	(void)m;
	if (!strcmp(t->name, "one"))
		told = t->state;
}

void adapter_main_log(struct adapter_main *m, const char *format, ...)
{
	(void)m, (void)format;
}

static void begin(void)
{
	static struct adapter_main_config config = { .trunks_count = 2 };

	config.trunks[0] = (struct adapter_trunk_setting){ "one", "one-reg" };
	config.trunks[1] = (struct adapter_trunk_setting){ "two", "two-reg" };
	k = (struct asterisk){ .booted = true, .trunks_listed = true, .ami.state = AMI_UP };
	now = (boot_t){ 1000 * NS_PER_S };
	trunks_configure(&k, &config, now);
	k.trunks_at = boot_add(now, 10 * NS_PER_S);
	for (size_t i = 0; i < config.trunks_count; i++)
		k.trunks[i].known = k.trunks[i].ordered = true; /* ordered off, and off */
}

static void pass(int64_t ms)
{
	now = boot_add(now, ms * NS_PER_MS);
	trunks_tick(&k, now);
}

START_TEST(orders_of_a_takeover_ask_for_the_file_once)
{
	trunks_order(&k, 1, 0, true, now);
	trunks_order(&k, 2, 1, true, now);
	ck_assert(!ami_client_in_flight(&k.ami, AMI_FILE));
	ck_assert_int_eq(boot_diff_ns(now, trunks_next(&k)), 20 * NS_PER_MS);
	pass(20);
	ck_assert(ami_client_in_flight(&k.ami, AMI_FILE));
	ck_assert_ptr_nonnull(strstr(k.ami.out, "GetConfigJSON"));
	ck_assert_ptr_null(strstr(k.ami.out, "PJSIPRegister"));
}
END_TEST

/* An Asterisk that hangs answers in five seconds, or not at all. */
START_TEST(an_order_that_comes_while_the_file_is_read_waits_for_it_asleep)
{
	k.trunks[1].known = false; /* only the first is there */
	trunks_order(&k, 1, 0, true, now);
	pass(20);
	ck_assert(ami_client_in_flight(&k.ami, AMI_FILE));
	trunks_order(&k, 2, 1, true, now);
	pass(100);
	ck_assert(k.trunks[1].due);
	ck_assert_msg(boot_before(now, trunks_next(&k)), "the adapter would spin until the answer");
}
END_TEST

/* Asterisk's list, with the first trunk in this state. */
static void list(const char *status)
{
	const struct ami_slot slot = { .call = AMI_TRUNKS };
	const struct ami_message item = { { { "ObjectName", "one-reg" },
					    { "Status", status },
					    { "ClientUri", "sip:one@carrier" },
					    { "ServerUri", "sip:carrier" } },
					  4 };

	trunks_answered(&k, &slot, AMI_ITEM, &item, now);
	trunks_answered(&k, &slot, AMI_DONE, NULL, now);
}

static void event(const char *status)
{
	const struct ami_message m = {
		{ { "Username", "sip:one@carrier" }, { "Domain", "sip:carrier" }, { "Status", status } }, 3
	};

	trunks_heard(&k, &m, now);
}

/* As at a switch to a line over which the carrier is silent: Asterisk shows the registration of before. */
START_TEST(registered_of_before_an_order_is_no_outcome_of_it)
{
	k.trunks[0].wanted = true;
	list("Registered");
	ck_assert_int_eq(told, TRUNK_REGISTERED);
	trunks_order(&k, 1, 0, true, now);
	ck_assert_int_eq(told, TRUNK_REGISTERING);
	pass(20);
	for (int s = 0; s < 20; s++) {
		list("Registered");
		ck_assert_int_eq(told, TRUNK_REGISTERING);
		pass(1000);
	}
	event("Registered");
	ck_assert_int_eq(told, TRUNK_REGISTERED);
}
END_TEST

UNIT_MAIN_AROUND("asterisk_trunks", begin, NULL, orders_of_a_takeover_ask_for_the_file_once,
		 an_order_that_comes_while_the_file_is_read_waits_for_it_asleep,
		 registered_of_before_an_order_is_no_outcome_of_it)
