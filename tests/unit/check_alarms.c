/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alarms.h"
#include "unit.h"

#include <stdio.h>

static boot_t at_s(int64_t s)
{
	return (boot_t){ s * NS_PER_S };
}

START_TEST(a_condition_is_new_once_and_stays_until_cleared)
{
	struct alarms as = { 0 };
	json_t *list;

	ck_assert(alarms_raise(&as, "corosync", at_s(1), "away"));
	ck_assert(!alarms_raise(&as, "corosync", at_s(2), "still away"));
	alarms_expire(&as, at_s(100000));
	list = alarms_json(&as, at_s(100000));
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "text")), "still away");
	json_decref(list);
	ck_assert(alarms_clear(&as, "corosync"));
	ck_assert(!alarms_clear(&as, "corosync"));
}
END_TEST

START_TEST(an_event_goes_by_itself_and_is_then_new_again)
{
	struct alarms as = { 0 };

	ck_assert(alarms_event(&as, "forged", at_s(1), "once"));
	ck_assert(!alarms_event(&as, "forged", at_s(600), "again"));
	ck_assert(alarms_event(&as, "forged", at_s(1300), "much later"));
}
END_TEST

START_TEST(when_full_the_oldest_event_goes_and_conditions_stay)
{
	struct alarms as = { 0 };
	char key[24];

	ck_assert(alarms_raise(&as, "condition", at_s(0), "stays"));
	for (int i = 0; i < ALARMS_MAX + 5; i++) {
		(void)snprintf(key, sizeof key, "event%d", i);
		ck_assert(alarms_event(&as, key, at_s(10 + i), "x"));
	}
	ck_assert(!alarms_raise(&as, "condition", at_s(90), "still there"));
	ck_assert(alarms_event(&as, "event0", at_s(91), "was dropped, so new"));
}
END_TEST

UNIT_MAIN("alarms", a_condition_is_new_once_and_stays_until_cleared,
	  an_event_goes_by_itself_and_is_then_new_again, when_full_the_oldest_event_goes_and_conditions_stay)
