/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How often Asterisk is asked for its queues. All answers come over the connection that tells whether it
 * lives.
 */
#include "asterisk_private.h"
#include "unit.h"

static struct asterisk k;
static boot_t now;

void adapter_main_put(struct adapter_main *m, const struct binding *b, boot_t at)
{
	(void)m, (void)b, (void)at;
}

static size_t asked(void)
{
	return AMI_SLOTS_MAX - ami_client_free_slots(&k.ami);
}

static void begin(void)
{
	now = (boot_t){ 1000 * NS_PER_S };
	k = (struct asterisk){ .active = true, .booted = true, .ami.state = AMI_UP, .queues_at = now };
	ck_assert_int_eq(asterisk_names_init(&k.names), 0);
	ck_assert_int_eq(binding_store_new(10, &k.known), 0);
	priority_tick(&k, now);
	ck_assert_uint_eq(asked(), 1);
}

static void end(void)
{
	asterisk_names_close(&k.names);
	binding_store_free(k.known);
}

static void pass(void)
{
	now = boot_add(now, NS_PER_S);
	priority_tick(&k, now);
}

START_TEST(queues_that_change_while_they_are_listed_are_listed_once_more)
{
	for (int i = 0; i < 10; i++) {
		k.queues_at = now; /* as an event does */
		pass();
		ck_assert_uint_eq(asked(), 1);
		ck_assert(boot_before(now, priority_next(&k)));
	}
	k.ami.slots[0].id = 0; /* answered */
	pass();
	ck_assert_uint_eq(asked(), 1);
}
END_TEST

UNIT_MAIN_AROUND("asterisk_priority", begin, end,
		 queues_that_change_while_they_are_listed_are_listed_once_more)
