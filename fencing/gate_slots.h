/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which slot of the shared array belongs to which group. A slot is found by the wire id of its owner, so that
 * a deadline stays with its group when a configuration with another order is loaded, by this agent or by the
 * next. Pure: works on memory.
 */
#ifndef RK_GATE_SLOTS_H
#define RK_GATE_SLOTS_H

#include "gate_layout.h"
#include "ids.h"

/* Gives each group a slot and shuts the slots of all others, which keep their owner until freed, because
 * addresses may still point at them. On failure nothing was changed.
 * @retval -ENOSPC the slots of removed groups were never freed. */
int gate_slots_assign(struct gate_slot *slots, const uint32_t *wire_id, size_t count,
		      uint8_t ret_slot[RK_GROUPS_MAX]);
/* Frees the slots that are not in use: no address points at them any more. */
void gate_slots_free(struct gate_slot *slots, const uint8_t *slot, size_t count);
void gate_slots_shut_all(struct gate_slot *slots);
void gate_slot_set(struct gate_slot *slot, int64_t until_ns);

#endif
