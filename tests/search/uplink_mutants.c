/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takes the rules about uplinks away one by one and shows that the search sees the loss.
 */
#include <stdio.h>
#include <string.h>

#include "uplink_explore.h"

enum uplink_rule_name uplink_rule_removed;

static const struct {
	enum uplink_rule_name rule;
	const char *what;
	const char *expect; /* beginning of the violation */
	void (*explore)(uint32_t every, struct uplink_explored *ret);
} mutants[] = {
	{ UPLINK_RULE_NEVER_TO_DEAD, "never to a dead uplink", "U7", uplink_explore_local },
	{ UPLINK_RULE_STRICTLY_BETTER, "only to a better one", "U9", uplink_explore_local },
	{ UPLINK_RULE_BACK_AS_GOOD, "back only to one as good", "U8", uplink_explore_local },
	{ UPLINK_RULE_GRADE_FIRST, "grades before preference", "(c)", uplink_explore_local },
	{ UPLINK_RULE_DAMPED, "who flaps comes last", "(b)", uplink_explore_local },
	{ UPLINK_RULE_DOUBT, "not to one in doubt", "(p)", uplink_explore_local },
	{ UPLINK_RULE_BACK_DOUBT, "... nor back to it", "(p)", uplink_explore_local },
	{ UPLINK_RULE_CALLS, "calls are spared", "(a)", uplink_explore_local },
	{ UPLINK_RULE_CONFIRM, "... until it has lasted", "(a)", uplink_explore_local },
	{ UPLINK_RULE_BACK_DELAY, "failback waits", "U9", uplink_explore_local },
	{ UPLINK_RULE_HOLD, "no two switches in a moment", "S2", uplink_explore_local },
	{ UPLINK_RULE_BUDGET, "switches have a budget", "S3", uplink_explore_local },
	{ UPLINK_RULE_RESERVE, "... with a reserve", "S3", uplink_explore_local },
	{ UPLINK_RULE_MOVE_STRICTLY_BETTER, "only to a better node", "U1", uplink_explore_cluster },
	{ UPLINK_RULE_FRESH, "only by a fresh report", "U2", uplink_explore_cluster },
	{ UPLINK_RULE_FIT, "only to a node that is fit", "U2", uplink_explore_cluster },
	{ UPLINK_RULE_PBX, "only to a living PBX", "U3", uplink_explore_cluster },
	{ UPLINK_RULE_MOVE_CALLS, "calls stay on a degraded node", "U4", uplink_explore_cluster },
	{ UPLINK_RULE_LOCAL_FIRST, "a node helps itself first", "U5", uplink_explore_cluster },
	{ UPLINK_RULE_FREEZE, "moves have a budget", "(m)", uplink_explore_cluster },
	{ UPLINK_RULE_SETTLE, "moves wait here", "(l)", uplink_explore_cluster },
	{ UPLINK_RULE_SEEN_AFTER, "... for a report from after it", "(l)", uplink_explore_cluster },
	{ UPLINK_RULE_OTHER_SETTLED, "... and there", "(l)", uplink_explore_cluster },
	{ UPLINK_RULE_SEEN_AFTER, "... for a report from after it", "U10", uplink_explore_together },
	{ UPLINK_RULE_OTHER_SETTLED, "... and there", "U10", uplink_explore_together },
};

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof mutants / sizeof mutants[0]; i++) {
		struct uplink_explored e;
		bool ok;

		uplink_rule_removed = mutants[i].rule;
		mutants[i].explore(1, &e);
		ok = e.violation && strncmp(e.violation, mutants[i].expect, strlen(mutants[i].expect)) == 0;
		printf("%-4s removed: %-31s %8llu states, %s\n", ok ? "ok" : "FAIL", mutants[i].what,
		       (unsigned long long)e.states, e.violation ? e.violation : "not seen");
		failed += !ok;
	}
	return failed ? 1 : 0;
}
