/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takes the rules of the lease away one by one and shows that the search sees the loss, and that the same
 * search finds nothing when all rules are there.
 */
#include <stdio.h>
#include <string.h>

#include "configs.h"
#include "explore.h"
#include "settle.h"

enum search_rule search_rule_removed;

struct mutant {
	enum search_rule rule;
	const char *what;
	const char *expect; /* beginning of the violation; NULL: none */
	struct search_config config;
};

static const struct mutant mutants[] = {
	{ SEARCH_RULE_ID, "grants matched by request id", "I1", { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_PROCESS,
	  "id unique per process",
	  "I1",
	  { SEARCH_THREE, .name = "3, restart", .restarts = 1 } },
	{ SEARCH_RULE_ABSOLUTE,
	  "absolute deadline to the kernel",
	  "I1",
	  { SEARCH_THREE, .name = "3, stalls", .micro = true, .epochs = 1 } },
	{ SEARCH_RULE_NOTE,
	  "send time noted before sending",
	  "I1",
	  { SEARCH_THREE, .name = "3, stalls", .micro = true, .epochs = 1 } },
	{ SEARCH_RULE_GUARD, "guard", "I1", { SEARCH_THREE, .name = "3, L = 6", .lease = 6, .guard = 3 } },
	{ SEARCH_RULE_SELF, "own vote is a real promise", "I1", { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_OTHER, "no promise to another", "I1", { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_PERSIST,
	  "promise written before GRANT",
	  "I1",
	  { SEARCH_THREE, .name = "3, stalls, restart", .micro = true, .epochs = 1, .restarts = 1 } },
	{ SEARCH_RULE_MUTE,
	  "mute after memory loss",
	  "I1",
	  { SEARCH_THREE, .name = "3, crash", .crashes = 1 } },
	{ SEARCH_RULE_RELEASE_EPOCH, "RELEASE is epoch-matched", "I1", { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_NEW_EPOCH, "epoch dead after its end", "I7", { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_DEAD, "dead[] at the voter", NULL, { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_SHUT_FIRST,
	  "gate shut before RELEASE",
	  "I1",
	  { SEARCH_THREE, .name = "3, stalls, 2 epochs", .micro = true } },
	{ SEARCH_RULE_RESERVE,
	  "reservation is no vote",
	  "I1",
	  { SEARCH_THREE, .name = "3, successor", .successor = true } },
	{ SEARCH_RULE_EPOCH_CHECK, "epoch checked by voter", "I7", { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_EPOCH_UNIQUE, "epoch = (counter, node)", "I7", { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_HI_DURABLE, "hi durable", "I7", { SEARCH_THREE, .name = "3, crash", .crashes = 1 } },
	{ SEARCH_RULE_CEILING,
	  "no epoch above the ceiling",
	  "I7",
	  { SEARCH_THREE, .name = "3, crash", .crashes = 1 } },
	{ SEARCH_RULE_OWN, "own vote necessary", "I7", { SEARCH_THREE, .name = "3" } },
	{ SEARCH_RULE_NUMBERS,
	  "candidate outside the voters keeps its epoch",
	  "I7",
	  { SEARCH_BASE, .name = "3 and one outside", .nodes = 4, .old_set = 0x1c } },
	{ SEARCH_RULE_JOINT,
	  "JOINT step",
	  "I1",
	  { SEARCH_CHANGE, .name = "{1,3,4}->{1,2,4}", .old_set = 0x1a, .new_set = 0x16 } },
	{ SEARCH_RULE_VERSION,
	  "voters refuse lower version",
	  "I1",
	  { SEARCH_CHANGE, .name = "{1,3,4}->{1,2,4}", .old_set = 0x1a, .new_set = 0x16 } },
	{ SEARCH_RULE_WAIT,
	  "wait P before NEW",
	  "I1",
	  { SEARCH_CHANGE, .name = "{1,3,4}->{1,2,4}", .old_set = 0x1a, .new_set = 0x16 } },
	{ SEARCH_RULE_QUORUM_OLD,
	  "maj(OLD) acknowledges JOINT",
	  "I1",
	  { SEARCH_CHANGE, .name = "{1,3,4}->{1,2,4}", .old_set = 0x1a, .new_set = 0x16 } },
	{ SEARCH_RULE_SET_DURABLE,
	  "version durable",
	  "I1",
	  { SEARCH_CHANGE, .name = "{1,3,4}->{1,2,4}, crash", .epochs = 2, .old_set = 0x1a, .new_set = 0x16,
	    .crashes = 1, .faulty = 0x2,
	    .prefix = { { 4, LOCAL_SET_CHANGE },
			{ 1, LOCAL_SET_PROPOSE },
			{ 4, LOCAL_SET_ACK },
			{ 4, LOCAL_SET_TICK },
			{ 1, LOCAL_CRASH },
			{ 1, LOCAL_BOOT },
			{ 0, LOCAL_TIME },
			{ 4, LOCAL_SET_TICK } } } },
	{ SEARCH_RULE_FLOOR,
	  "NEW carries hi",
	  "I7",
	  { SEARCH_CHANGE, .name = "{2,3,4}->{1,2,4}", .old_set = 0x1c, .new_set = 0x16 } },
	{ SEARCH_RULE_SELF,
	  "fenced: own vote is a real promise",
	  "I1",
	  { SEARCH_TWO, .name = "2, power switch", .shots = 2 } },
	{ SEARCH_RULE_VOID_OLD,
	  "fenced: a proof voids older promises only",
	  "I1",
	  { SEARCH_BASE, .name = "2, power switch, 3 epochs", .nodes = 2, .old_set = 0x06, .shots = 1,
	    .epochs = 3 } },
	{ SEARCH_RULE_PROOF_STATUS,
	  "fenced: a status after the shot, not the shot",
	  "I1",
	  { SEARCH_TWO, .name = "2, power switch", .shots = 2 } },
	{ SEARCH_RULE_OFF_IS_OFF,
	  "fenced: stopped is not off",
	  "I1",
	  { SEARCH_TWO, .name = "2, power switch", .shots = 2 } },
	{ SEARCH_RULE_PROOF_VOLATILE,
	  "fenced: a proof dies with its node",
	  "I1",
	  { SEARCH_TWO, .name = "2, power switch, crash", .shots = 2, .crashes = 1 } },
	{ SEARCH_RULE_HELLO,
	  "fenced: hello before shooting",
	  "I7",
	  { SEARCH_TWO, .name = "2, power switch", .shots = 2 } },
	{ SEARCH_RULE_HELLO_HI,
	  "fenced: the answer carries hi",
	  "I7",
	  { SEARCH_TWO, .name = "2, power switch", .shots = 2 } },
	{ SEARCH_RULE_ONE_EPOCH,
	  "fenced: one proof, one epoch",
	  "I7",
	  { SEARCH_TWO, .name = "2, power switch", .shots = 2 } },
	{ SEARCH_RULE_WIN_HI,
	  "fenced: nothing below the own hi",
	  "I7",
	  { SEARCH_TWO, .name = "2, power switch", .shots = 2 } },
	{ SEARCH_RULE_SILENCE,
	  "alone: an idle node waits until a holder is shut",
	  "I1",
	  { SEARCH_ALONE, .name = "2 alone, gateway too", .toggles = 4, .stubborn = true } },
	{ SEARCH_RULE_GATEWAY,
	  "alone: a holder needs its gateway",
	  "I1",
	  { SEARCH_ALONE, .name = "2 alone, gateway too", .toggles = 4, .stubborn = true } },
	{ SEARCH_RULE_LAN_QUIET,
	  "alone: nobody answers for the address",
	  "I1",
	  { SEARCH_ALONE, .name = "2 alone" } },
	{ SEARCH_RULE_LAN_TURNS,
	  "alone: of two that ask the first goes first",
	  "I1",
	  { SEARCH_ALONE, .name = "2 alone" } },
	{ SEARCH_RULE_ALIVE_ENDS,
	  "alone: who is heard is not absent",
	  "I1",
	  { SEARCH_ALONE, .name = "2 alone" } },
	{ SEARCH_RULE_SELF, "alone: own vote is a real promise", "I1", { SEARCH_ALONE, .name = "2 alone" } },
	{ SEARCH_RULE_YIELD,
	  "alone: the second gives way on the LAN",
	  "I1",
	  { SEARCH_ALONE, .name = "2 alone, healed", .toggles = 5, .stubborn = true } },
	{ SEARCH_RULE_GIVE_WAY,
	  "alone: the lower epoch gives way",
	  "I1",
	  { SEARCH_ALONE, .name = "2 alone, healed, L = 6", .toggles = 5, .stubborn = true, .lease = 6,
	    .guard = 3, .silence = 15, .epochs = 1 } },
	{ SEARCH_RULE_MUTE,
	  "fenced: mute after a boot",
	  NULL,
	  { SEARCH_TWO, .name = "2, power switch", .shots = 2 } },
};

static int run(const struct mutant *m, bool removed)
{
	struct search_config c = m->config;
	struct explore_result r;
	bool ok;

	search_rule_removed = removed ? m->rule : SEARCH_RULE_NONE;
	c.only_gates = removed && m->expect && strncmp(m->expect, "I1", 2) == 0;
	r = explore(&c, false, NULL);
	if (removed)
		ok = m->expect ? r.violation && strncmp(r.violation, m->expect, strlen(m->expect)) == 0
			       : !r.violation;
	else
		ok = !r.violation;
	printf("%-4s %-9s %-46s %-26s %9u states %s %5.1f s %s\n", ok ? "ok" : "FAIL",
	       removed ? "removed:" : "intact:", m->what, c.name, r.states,
	       r.complete    ? "complete"
	       : r.violation ? "stopped "
			     : "bounded ",
	       r.seconds, r.violation ? r.violation : "");
	return ok ? 0 : 1;
}

/* ---- rules that are there for liveness ---- */

/* Runs to a holder from every so many states of a search that itself has all rules. */
struct slow_mutant {
	enum search_rule rule;
	const char *what;
	bool worse; /* the table says that it shows; false: our other rules make up for it */
	bool by_losses;
	uint32_t every;
	struct search_config config;
	struct settle_options options;
};

static const struct slow_mutant slow_mutants[] = {
	{ SEARCH_RULE_LOSER_RELEASE,
	  "losers release",
	  true,
	  false,
	  97,
	  { SEARCH_THREE, .name = "3" },
	  { .off = 3 } },
	{ SEARCH_RULE_PRECHECK,
	  "pre-check",
	  true,
	  false,
	  97,
	  { SEARCH_THREE, .name = "3, A sends and hears nothing" },
	  { .deaf = 1 } },
	{ SEARCH_RULE_RAISE,
	  "raise",
	  true,
	  true,
	  97,
	  { SEARCH_THREE, .name = "3, L = 6, one off", .lease = 6, .guard = 3, .hold = 3 },
	  { .off = 3 } },
	{ SEARCH_RULE_RANK,
	  "ranked retry",
	  false,
	  false,
	  97,
	  { SEARCH_THREE, .name = "3, constant delays" },
	  { .constant_delay = true } },
};

static const struct slow_mutant *slow;
static struct {
	unsigned runs, unsettled, losses;
	int slowest;
} sum[2]; /* intact, removed */

static void slow_visit(const struct world *w, uint32_t number)
{
	if (number % slow->every != 0)
		return;
	for (int removed = 0; removed < 2; removed++) {
		struct settle_options o = slow->options;
		struct settle_result r;

		o.seed = number;
		search_rule_removed = removed ? slow->rule : SEARCH_RULE_NONE;
		r = settle(&slow->config, w, &o);
		search_rule_removed = SEARCH_RULE_NONE;
		sum[removed].runs++;
		sum[removed].unsettled += !r.settled;
		sum[removed].losses += (unsigned)r.losses;
		if (r.after > sum[removed].slowest)
			sum[removed].slowest = r.after;
	}
}

static int run_slow(const struct slow_mutant *m)
{
	bool worse, ok;

	slow = m;
	memset(sum, 0, sizeof sum);
	search_rule_removed = SEARCH_RULE_NONE;
	(void)explore(&m->config, false, slow_visit);
	worse = sum[1].unsettled > 0 ||
		(m->by_losses ? sum[1].losses > sum[0].losses : 2 * sum[1].slowest > 3 * sum[0].slowest);
	ok = sum[0].unsettled == 0 && (worse || !m->worse);
	for (int removed = 0; removed < 2; removed++)
		printf("%-4s %-9s %-46s %-26s %9u runs, %u unsettled, slowest %d, tenures lost %u\n",
		       ok ? "ok" : "FAIL", removed ? "removed:" : "intact:", m->what, m->config.name,
		       sum[removed].runs, sum[removed].unsettled, sum[removed].slowest, sum[removed].losses);
	return ok ? 0 : 1;
}

static bool wanted(int argc, char **argv, const char *what)
{
	return argc < 2 || strstr(what, argv[1]) != NULL;
}

/* The configuration passes with all rules; those that many mutants share are run once. */
static bool already_intact(size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(mutants[k].config.name, mutants[i].config.name) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof mutants / sizeof mutants[0]; i++) {
		if (!wanted(argc, argv, mutants[i].what))
			continue;
		failed += run(&mutants[i], true);
		if (!already_intact(i))
			failed += run(&mutants[i], false);
	}
	for (size_t i = 0; i < sizeof slow_mutants / sizeof slow_mutants[0]; i++)
		if (wanted(argc, argv, slow_mutants[i].what))
			failed += run_slow(&slow_mutants[i]);
	return failed != 0;
}
