/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeepd, broken on purpose: a voter that is started again has forgotten whom it promised its vote, and is
 * not mute. Linked with --wrap=core_init; nobody but the fault campaign's own test runs it.
 */
#include "core.h"

void __real_core_init(struct core *c, const struct core_config *config, const struct core_memory *memory,
		      struct instant now);
void __wrap_core_init(struct core *c, const struct core_config *config, const struct core_memory *memory,
		      struct instant now);

void __wrap_core_init(struct core *c, const struct core_config *config, const struct core_memory *memory,
		      struct instant now)
{
	struct core_memory forgetful = *memory;

	forgetful.memory_lost = false;
	for (int g = 0; g < RK_GROUPS_MAX; g++) {
		forgetful.lease[g].promise = (struct lease_promise){ 0 };
		forgetful.lease[g].mute_until = (raw_t){ 0 };
	}
	__real_core_init(c, config, &forgetful, now);
}
