/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Exhaustive search over a move that waits for calls to end (hactl switchover --drain, hactl cancel). In
 * every interleaving, at any step: never two gates open (I1); the holder lets go only for the drain (I4); and
 * for that only when no call was up for two seconds, in its time, not cancelled, with a quorum, and with a
 * promise to the target (I14). At the end of each run somebody holds (I9), and the origin wrote down exactly
 * one end, which is true (I8).
 *
 *   drain_search [--small] [NAME]
 */
#include <stdio.h>
#include <string.h>

#include "drain_configs.h"
#include "drain_explore.h"

static const struct {
	bool small;
	struct drain_config config;
} entries[] = {
	{ true, DRAIN_CALLS_CONFIG },
	{ true, DRAIN_RELEASE_CONFIG },
	{ false, DRAIN_CUT_CONFIG },
	{ true,
	  { DRAIN_BASE, .name = "drain: holder dies, cancel",
	    .budget = { [DRAIN_CALLS_END] = 1, [DRAIN_CANCEL] = 1, [DRAIN_DIE] = 1 } } },
	{ false,
	  { DRAIN_BASE, .name = "drain: messages lost, cancel",
	    .budget = { [DRAIN_CALLS_END] = 1, [DRAIN_CANCEL] = 1, [DRAIN_LOSE] = 2 } } },
	{ false,
	  { DRAIN_BASE, .name = "drain: target comes and goes, nobody counts",
	    .budget = { [DRAIN_CALLS_END] = 1,
			[DRAIN_CALLS_UNKNOWN] = 1,
			[DRAIN_CANCEL] = 1,
			[DRAIN_TARGET_SICK] = 1,
			[DRAIN_TARGET_WELL] = 1 } } },
};

int main(int argc, char **argv)
{
	bool small = false;
	const char *only = NULL;
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--small") == 0)
			small = true;
		else
			only = argv[i];
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		struct drain_result r;

		if (only ? !strstr(entries[i].config.name, only) : small && !entries[i].small)
			continue;
		r = drain_explore(&entries[i].config, true);
		printf("%-46s %8u states, %6u runs, %5.1f s%s%s\n", entries[i].config.name, r.states, r.runs,
		       r.seconds, r.violation ? " VIOLATION " : "", r.violation ? r.violation : "");
		failed += r.violation != NULL;
	}
	return failed != 0;
}
