/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeepd, broken on purpose: a voter forgets whom it promised its vote as soon as it has. Linked with
 * --wrap=core_step; nobody but the fault campaign's own test runs it.
 */
#include "core.h"

void __real_core_step(struct core *c, const struct core_event *ev, struct core_plan *ret_plan);
void __wrap_core_step(struct core *c, const struct core_event *ev, struct core_plan *ret_plan);

void __wrap_core_step(struct core *c, const struct core_event *ev, struct core_plan *ret_plan)
{
	for (uint8_t g = 0; g < c->config.groups_count; g++)
		if (c->group[g].lease.voter.promise.node != c->config.self)
			c->group[g].lease.voter.promise = (struct lease_promise){ 0 };
	__real_core_step(c, ev, ret_plan);
}
