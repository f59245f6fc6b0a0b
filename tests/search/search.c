/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Exhaustive search over the real code of the lease. Every state that the bounds of a configuration allow is
 * visited; in each, I1 (never two gates open), I2 (every takeover says a cause that has happened), I7 (epochs
 * of gates grow, none comes back after its end) hold, and from a sample of them the cluster finds a holder
 * that stays once the faults end (I9). The healthy configuration checks I4: whatever the second candidate and
 * the other voters do, lose or suffer, a holder whose messages with a majority arrive between two ticks is
 * never replaced and never loses its lease.
 *
 *   search [--full] [--small] [NAME]
 */
#include <stdio.h>
#include <string.h>

#include "configs.h"
#include "explore.h"
#include "settle.h"

struct entry {
	enum { SMALL, DEFAULT, FULL } size; /* the least size that runs it */
	int settle_every;		    /* 0: no runs to a holder */
	struct search_config config;
};

static const struct entry entries[] = {
	{ SMALL,
	  7,
	  { SEARCH_TWO, .name = "2 voters: crash, restart, wake", .crashes = 1, .restarts = 1,
	    .wake = true } },
	{ SMALL,
	  0,
	  { SEARCH_TWO, .name = "2 voters: stalls, clocks that drift", .micro = true, .drift = true } },
	{ SMALL, 0, { SEARCH_TWO, .name = "2 voters: power switch", .shots = 2 } },
	{ SMALL, 0, { SEARCH_ALONE, .name = "2 voters alone: 3 breaks" } },
	{ DEFAULT, 0, { SEARCH_ALONE, .name = "2 voters alone: 5 breaks", .toggles = 5, .stubborn = true } },
	{ DEFAULT,
	  0,
	  { SEARCH_ALONE, .name = "2 voters alone: stalls", .micro = true, .epochs = 1, .stubborn = true } },
	{ DEFAULT, 0, { SEARCH_ALONE, .name = "2 voters alone: crash", .crashes = 1, .stubborn = true } },
	{ DEFAULT,
	  0,
	  { SEARCH_ALONE, .name = "2 voters alone: restart, wake", .restarts = 1, .wake = true,
	    .stubborn = true } },
	{ DEFAULT, 0, { SEARCH_TWO, .name = "2 voters: power switch, crash", .shots = 2, .crashes = 1 } },
	{ DEFAULT, 0, { SEARCH_TWO, .name = "2 voters: power switch, restart", .shots = 1, .restarts = 1 } },
	{ DEFAULT, 0, { SEARCH_TWO, .name = "2 voters: power switch, stalls", .shots = 1, .micro = true } },
	{ DEFAULT, 0, { SEARCH_TWO, .name = "2 voters: power switch, drift", .shots = 1, .drift = true } },
	{ DEFAULT, 0, { SEARCH_TWO, .name = "2 voters: power switch, raise", .shots = 1, .raises = 1 } },
	{ FULL, 0, { SEARCH_TWO, .name = "2 voters: power switch, 3 epochs", .shots = 2, .epochs = 3 } },
	{ SMALL, 101, { SEARCH_THREE, .name = "3 voters" } },
	{ DEFAULT,
	  997,
	  { SEARCH_THREE, .name = "3 voters: successor, wake", .successor = true, .wake = true } },
	{ SMALL, 0, { SEARCH_THREE, .name = "3 voters: causes", .successor = true, .causes = true } },
	{ DEFAULT, 1499, { SEARCH_THREE, .name = "3 voters: crash", .crashes = 1 } },
	{ DEFAULT, 0, { SEARCH_THREE, .name = "3 voters: crash, restart", .crashes = 1, .restarts = 1 } },
	{ DEFAULT, 0, { SEARCH_THREE, .name = "3 voters: restart, raise", .restarts = 1, .raises = 1 } },
	{ DEFAULT,
	  0,
	  { SEARCH_THREE, .name = "3 voters: stalls, restart", .micro = true, .restarts = 1, .epochs = 1 } },
	{ DEFAULT, 0, { SEARCH_THREE, .name = "3 voters: stalls, 2 epochs", .micro = true } },
	{ SMALL, 0, { SEARCH_THREE, .name = "3 voters: clocks that drift", .drift = true, .epochs = 1 } },
	{ DEFAULT, 0, { SEARCH_THREE, .name = "3 voters: disk lost", .disk_losses = 1, .epochs = 1 } },
	{ DEFAULT, 0, { SEARCH_THREE, .name = "3 voters: finer clock", .lease = 6, .guard = 3, .hold = 3 } },
	{ SMALL, 97, { SEARCH_THREE, .name = "3 candidates", .candidates = 3, .epochs = 1 } },
	{ DEFAULT,
	  0,
	  { SEARCH_CHANGE, .name = "change {1,3,4} to {1,2,4}", .old_set = 0x1a, .new_set = 0x16 } },
	{ SMALL,
	  0,
	  { SEARCH_THREE, .name = "healthy holder (I4)", .healthy = true, .crashes = 1, .restarts = 1,
	    .raises = 1 } },
	{ FULL, 0, { SEARCH_THREE, .name = "3 candidates, 2 epochs", .candidates = 3 } },
	{ FULL, 0, { SEARCH_THREE, .name = "3 voters: disk lost, 2 epochs", .disk_losses = 1 } },
	{ FULL,
	  0,
	  { SEARCH_THREE, .name = "3 voters: stalls, crash, restart", .micro = true, .crashes = 1,
	    .restarts = 1 } },
};

/* ---- runs to a holder ---- */

static const struct search_config *settling;
static uint32_t settle_every;
static unsigned settle_runs, settle_failed;
static int settle_slowest;

static void settle_one(const struct world *w, const struct settle_options *o)
{
	struct settle_result r = settle(settling, w, o);

	settle_runs++;
	if (r.after > settle_slowest)
		settle_slowest = r.after;
	if (!r.settled || r.opened > 1)
		settle_failed++;
}

static void settle_visit(const struct world *w, uint32_t number)
{
	const struct settle_options options[] = {
		{ .seed = number },
		{ .seed = number, .constant_delay = true },
		{ .seed = number, .off = 3 },
		{ .seed = number, .deaf = 1 },
	};

	if (number % settle_every != 0)
		return;
	for (size_t i = 0; i < (settling->nodes > 2 ? 4 : 2); i++)
		settle_one(w, &options[i]);
}

static int run(const struct entry *e)
{
	struct explore_result r;

	settling = &e->config;
	settle_every = (uint32_t)e->settle_every;
	settle_runs = settle_failed = 0;
	settle_slowest = 0;
	r = explore(&e->config, true, e->settle_every ? settle_visit : NULL);
	printf("%-38s %9u states, %s, %9lu steps, code run on %6lu pairs, %5.1f s", e->config.name, r.states,
	       r.complete ? "complete" : "NOT complete", (unsigned long)r.transitions,
	       (unsigned long)r.code_runs, r.seconds);
	if (settle_runs)
		printf("; %u runs to a holder, %u failed, slowest %d of %d units", settle_runs, settle_failed,
		       settle_slowest, settle_bound(&e->config));
	printf("%s%s\n", r.violation ? " VIOLATION " : "", r.violation ? r.violation : "");
	return r.violation || settle_failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	int size = DEFAULT, failed = 0;
	const char *only = NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--full") == 0)
			size = FULL;
		else if (strcmp(argv[i], "--small") == 0)
			size = SMALL;
		else
			only = argv[i];
	}
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
		if (only ? strstr(entries[i].config.name, only) != NULL : (int)entries[i].size <= size)
			failed += run(&entries[i]);
	return failed != 0;
}
