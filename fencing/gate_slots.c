/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate_slots.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define SLOT_NONE 0xff

static uint64_t slot_owner(uint32_t wire_id)
{
	return (uint64_t)GATE_LAYOUT << 32 | wire_id;
}

/* One aligned store: the program in the kernel sees the old deadline or the new one. */
void gate_slot_set(struct gate_slot *slot, int64_t until_ns)
{
	__atomic_store_n(&slot->until_ns, until_ns > 0 ? (uint64_t)until_ns : 0, __ATOMIC_RELEASE);
}

static uint8_t slot_find(const struct gate_slot *slots, uint64_t owner)
{
	for (uint8_t i = 0; i < GATE_SLOTS; i++)
		if (slots[i].owner == owner)
			return i;
	return SLOT_NONE;
}

static uint8_t slot_find_free(const struct gate_slot *slots, uint32_t taken)
{
	for (uint8_t i = 0; i < GATE_SLOTS; i++)
		if (!slots[i].owner && !(taken & 1u << i))
			return i;
	return SLOT_NONE;
}

int gate_slots_assign(struct gate_slot *slots, const uint32_t *wire_id, size_t count,
		      uint8_t ret_slot[RK_GROUPS_MAX])
{
	uint8_t slot[RK_GROUPS_MAX];
	uint32_t used = 0;

	_Static_assert(GATE_SLOTS <= 32, "one bit each");
	assert(count <= RK_GROUPS_MAX);
	for (size_t i = 0; i < count; i++) {
		slot[i] = slot_find(slots, slot_owner(wire_id[i]));
		if (slot[i] == SLOT_NONE)
			slot[i] = slot_find_free(slots, used);
		if (slot[i] == SLOT_NONE)
			return -ENOSPC;
		used |= 1u << slot[i];
	}
	for (int i = 0; i < GATE_SLOTS; i++)
		if (!(used & 1u << i))
			gate_slot_set(&slots[i], 0);
	for (size_t i = 0; i < count; i++) {
		if (slots[slot[i]].owner)
			continue;
		slots[slot[i]] = (struct gate_slot){ 0 };
		slots[slot[i]].owner = slot_owner(wire_id[i]);
	}
	memcpy(ret_slot, slot, count);
	return 0;
}

void gate_slots_free(struct gate_slot *slots, const uint8_t *slot, size_t count)
{
	uint32_t used = 0;

	for (size_t i = 0; i < count; i++)
		used |= 1u << slot[i];
	for (int i = 0; i < GATE_SLOTS; i++) {
		if (used & 1u << i)
			continue;
		gate_slot_set(&slots[i], 0);
		slots[i].owner = 0;
	}
}

void gate_slots_shut_all(struct gate_slot *slots)
{
	for (int i = 0; i < GATE_SLOTS; i++)
		gate_slot_set(&slots[i], 0);
}
