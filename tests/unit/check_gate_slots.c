/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate_slots.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static struct gate_slot slots[GATE_SLOTS];
static uint8_t slot[RK_GROUPS_MAX];

static void assign(const uint32_t *ids, size_t count)
{
	ck_assert_int_eq(gate_slots_assign(slots, ids, count, slot), 0);
}

START_TEST(a_deadline_stays_with_its_group)
{
	const uint32_t before[] = { 10, 20, 30 }, after[] = { 30, 10 };

	memset(slots, 0, sizeof slots);
	assign(before, 3);
	for (int i = 0; i < 3; i++)
		gate_slot_set(&slots[slot[i]], 1000 + i);
	assign(after, 2);
	ck_assert_uint_eq(slots[slot[0]].until_ns, 1002);
	ck_assert_uint_eq(slots[slot[1]].until_ns, 1000);
}
END_TEST

START_TEST(a_group_that_is_gone_is_shut_and_its_slot_not_reused_before_it_is_freed)
{
	const uint32_t before[] = { 10 }, after[] = { 20 };
	uint8_t old;

	memset(slots, 0, sizeof slots);
	assign(before, 1);
	old = slot[0];
	gate_slot_set(&slots[old], 1000);
	assign(after, 1);
	ck_assert_uint_eq(slots[old].until_ns, 0);
	ck_assert_uint_ne(slot[0], old); /* addresses may still point at it */
	gate_slots_free(slots, slot, 1);
	ck_assert_uint_eq(slots[old].owner, 0);
	ck_assert_uint_ne(slots[slot[0]].owner, 0);
}
END_TEST

START_TEST(a_new_group_starts_shut_and_uncounted)
{
	const uint32_t one[] = { 10 };

	memset(slots, 0xff, sizeof slots);
	for (int i = 0; i < GATE_SLOTS; i++)
		slots[i].owner = 0; /* free, with old contents */
	assign(one, 1);
	ck_assert_uint_eq(slots[slot[0]].until_ns, 0);
	ck_assert_uint_eq(slots[slot[0]].drops_in, 0);
}
END_TEST

START_TEST(without_room_nothing_changes)
{
	uint32_t ids[RK_GROUPS_MAX];
	struct gate_slot before[GATE_SLOTS];

	memset(slots, 0, sizeof slots);
	for (uint32_t round = 0; round < GATE_SLOTS / RK_GROUPS_MAX; round++) {
		for (uint32_t i = 0; i < RK_GROUPS_MAX; i++)
			ids[i] = round * 100 + i + 1;
		assign(ids, RK_GROUPS_MAX);
	}
	gate_slot_set(&slots[slot[0]], 1000);
	memcpy(before, slots, sizeof slots);
	ids[3] = 9999;
	ck_assert_int_eq(gate_slots_assign(slots, ids, RK_GROUPS_MAX, slot), -ENOSPC);
	ck_assert_mem_eq(before, slots, sizeof slots);
	gate_slots_free(slots, slot, RK_GROUPS_MAX);
	assign(ids, RK_GROUPS_MAX);
}
END_TEST

START_TEST(a_negative_deadline_is_shut)
{
	struct gate_slot s = { 0 };

	gate_slot_set(&s, -5);
	ck_assert_uint_eq(s.until_ns, 0);
}
END_TEST

UNIT_MAIN("gate_slots", a_deadline_stays_with_its_group,
	  a_group_that_is_gone_is_shut_and_its_slot_not_reused_before_it_is_freed,
	  a_new_group_starts_shut_and_uncounted, without_room_nothing_changes, a_negative_deadline_is_shut)
