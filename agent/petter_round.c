/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which rounds of the loop count for the hardware watchdog, and what others may count on. A round counts if
 * the timer of the loop was served in it and no lease that this node believes to hold has been let run out: a
 * loop that runs and no longer renews is as dead as none.
 */
#include "agent.h"

const struct config_watchdog *petter_config(const struct agent *a)
{
	return a->config && a->config->watchdog_count && !a->paths.witness ? &a->config->watchdog[0] : NULL;
}

/* A node that corosync once called quorate and does so no longer: others may count on its reset. That
 * outlives the agent: a restart must not make a lost node live on. */
bool petter_quorum_lost(const struct agent *a)
{
	const struct watchdog_shared *s = a->petter.watchdog.shared;

	return petter_config(a) && petter_config(a)->quorum && s && !a->quorate &&
	       atomic_load(&s->quorate_seen);
}

/* The core believes to hold a group whose gate has been shut by its deadline for longer than a lease. */
static bool petter_lease_stuck(const struct agent *a)
{
	int64_t lease_ns = a->core.config.timing.lease_ns;

	for (uint8_t g = 0; a->gate && g < a->core.config.groups_count; g++)
		if (core_holds(&a->core, g) && !a->core.config.groups[g].native &&
		    boot_diff_ns(gate_get(a->gate, g), a->now.boot) > lease_ns)
			return true;
	return false;
}

void petter_count_round(struct agent *a)
{
	struct watchdog *w = &a->petter.watchdog;

	if (!petter_config(a) || !w->shared)
		return;
	if (a->quorate && a->petter.said.state == WATCHDOG_ARMED)
		atomic_store(&w->shared->quorate_seen, 1);
	if (!petter_lease_stuck(a) && !petter_quorum_lost(a))
		watchdog_count_round(w);
}

/* softdog dies with the kernel that it watches. A stop disarms, so it is taken back before. */
int64_t petter_counts_ns(const struct agent *a)
{
	if (!petter_config(a) || !config_watchdog_counts(a->config) ||
	    a->petter.said.state != WATCHDOG_ARMED || a->petter.said.software || a->stopping)
		return 0;
	return a->petter.said.timeout_ms * NS_PER_MS;
}
