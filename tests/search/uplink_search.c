/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * uplink_search [--small]: every combination of grades, uses, calls, timers and PBXs, without a violation.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "uplink_explore.h"

static const struct {
	const char *name;
	void (*explore)(uint32_t every, struct uplink_explored *ret);
} searches[] = {
	{ "one node", uplink_explore_local },
	{ "two nodes", uplink_explore_cluster },
	{ "the same on both", uplink_explore_together },
};

int main(int argc, char **argv)
{
	uint32_t every = argc > 1 && strcmp(argv[1], "--small") == 0 ? 17 : 1;
	int failed = 0;

	for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
		struct uplink_explored e;
		clock_t start = clock();

		searches[i].explore(every, &e);
		printf("%-4s %-16s %8llu states, %8llu actions, at most %d from one, %.1f s\n",
		       e.violation ? "FAIL" : "ok", searches[i].name, (unsigned long long)e.states,
		       (unsigned long long)e.actions, e.longest, (double)(clock() - start) / CLOCKS_PER_SEC);
		if (e.violation)
			printf("     %s\n     %s\n", e.violation, e.state);
		failed += e.violation != NULL;
	}
	return failed ? 1 : 0;
}
