/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeepd, broken on purpose: a gate that was opened once stays open, whatever becomes of the lease. Linked
 * with --wrap=gate_set; nobody but the fault campaign's own test runs it.
 */
#include "gate.h"

#define BROKEN_MORE_NS (40 * NS_PER_S) /* a deadline further ahead than a minute counts as shut */

void __real_gate_set(struct gate *g, group_index_t group, boot_t deadline);
void __wrap_gate_set(struct gate *g, group_index_t group, boot_t deadline);

void __wrap_gate_set(struct gate *g, group_index_t group, boot_t deadline)
{
	if (deadline.ns)
		__real_gate_set(g, group, boot_add(deadline, BROKEN_MORE_NS));
}
