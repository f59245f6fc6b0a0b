/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takes the rules of the VRRP machine away one by one and shows that the search sees the loss, and that the
 * same search finds nothing when all rules are there.
 */
#include <stdio.h>
#include <string.h>

#include "vrrp_configs.h"
#include "vrrp_explore.h"

enum vrrp_rule vrrp_rule_removed;

struct mutant {
	enum vrrp_rule rule;
	const char *what;
	const char *expect; /* beginning of the violation */
	struct vrrp_search_config config;
};

#define FAULT(what, n) [VRRP_FAULT_##what] = n
#define EQUAL	       .priority = { 128, 128 }

static const struct mutant mutants[] = {
	{ VRRP_RULE_SKEW,
	  "timers have a Skew_Time",
	  "(b)",
	  { VRRP_THREE, .name = "3, stop, followed", .instant = true, .served_within = 4,
	    .fault = { FAULT(STOP, 1) } } },
	{ VRRP_RULE_OPEN_TIME,
	  "open for three intervals",
	  "(c)",
	  { VRRP_TWO, .name = "2, freeze", .instant = true, .fault = { FAULT(FREEZE, 1) } } },
	{ VRRP_RULE_NOTED,
	  "which begin before sending",
	  "(c)",
	  { VRRP_TWO, .name = "2, stall", .instant = true, .fault = { FAULT(STALL, 1) } } },
	{ VRRP_RULE_GUARD,
	  "guard before the gate opens",
	  "(a)",
	  { VRRP_TWO, .name = "2, stop", .instant = true, .fault = { FAULT(STOP, 1) } } },
	{ VRRP_RULE_LEARN,
	  "interval of the Active is learned",
	  "(a)",
	  { VRRP_TWO, .name = "2, 4 and 8 ticks, freeze", .instant = true, .preempt = true, .faulty = 2,
	    .priority = { 128, 192 }, .interval = { 4, 8 }, .fault = { FAULT(FREEZE, 1) } } },
	{ VRRP_RULE_SHUT_FIRST,
	  "gate shut before priority 0",
	  "(e)",
	  { VRRP_TWO, .name = "2, stop", .instant = true, .fault = { FAULT(STOP, 1) } } },
	{ VRRP_RULE_SHUT_BETTER,
	  "gate shut for a better one",
	  "(e)",
	  { VRRP_TWO, .name = "2, preempt, stop", .instant = true, .preempt = true,
	    .fault = { FAULT(STOP, 1) } } },
	{ VRRP_RULE_STANDSTILL,
	  "Active ends with its deadline",
	  "(a)",
	  { VRRP_TWO, .name = "2, freeze", .instant = true, .fault = { FAULT(FREEZE, 1) } } },
	{ VRRP_RULE_ADOPT,
	  "adoption of what is open",
	  "(a)",
	  { VRRP_TWO, .name = "2, kill", .instant = true, .fault = { FAULT(KILL, 1) } } },
	{ VRRP_RULE_TIE,
	  "tie: the greater address",
	  "(d)",
	  { VRRP_TWO, EQUAL, .name = "2, equal, stop", .instant = true, .fault = { FAULT(STOP, 1) } } },
	{ VRRP_RULE_TIE_FIRST,
	  "tie: one decision for all members",
	  "(b)",
	  { VRRP_TWO, EQUAL, .name = "2, equal, crossed members", .instant = true, .members = 2,
	    .crossed = true, .fault = { FAULT(STOP, 1) } } },
	{ VRRP_RULE_ASSERT,
	  "losing advertisement answered at once",
	  "(a)",
	  { VRRP_THREE, .name = "3, 1 loss", .instant = true, .fault = { FAULT(LOSS, 1) } } },
	{ VRRP_RULE_RELEASE,
	  "priority 0: a Skew_Time",
	  "(b)",
	  { VRRP_TWO, .name = "2, stop, served", .instant = true, .served_within = 3,
	    .fault = { FAULT(STOP, 1) } } },
	{ VRRP_RULE_YIELDED,
	  "who yielded does not preempt",
	  "(b)",
	  { VRRP_TWO, .name = "2, preempt, yield, served", .instant = true, .preempt = true,
	    .served_within = 3, .fault = { FAULT(YIELD, 1) } } },
	{ VRRP_RULE_YIELD_WAIT,
	  "who yielded lets others go first",
	  "(b)",
	  { VRRP_TWO, .name = "2, preempt, yield, served", .instant = true, .preempt = true,
	    .served_within = 3, .fault = { FAULT(YIELD, 1) } } },
	{ VRRP_RULE_UNSENT,
	  "Active that cannot send resigns",
	  "(b)",
	  { VRRP_TWO, .name = "2, 2 members, mute for good", .instant = true, .preempt = true, .members = 2,
	    .mute_stays = true, .fault = { FAULT(MUTE, 1) } } },
};

static int run(const struct mutant *m, bool removed)
{
	char what[64];
	struct vrrp_explored r;
	bool ok;

	vrrp_rule_removed = removed ? m->rule : VRRP_RULE_NONE;
	r = vrrp_explore(&m->config, false);
	ok = removed ? r.violation && strncmp(r.violation, m->expect, strlen(m->expect)) == 0 : !r.violation;
	(void)snprintf(what, sizeof what, "%-9s %-38s ", removed ? "removed:" : "intact:", m->what);
	vrrp_explored_print(ok ? "ok" : "FAIL", what, &m->config, &r);
	return ok ? 0 : 1;
}

/* The configuration passes with all rules; those that several mutants share are run once. */
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
		if (argc > 1 && !strstr(mutants[i].what, argv[1]))
			continue;
		failed += run(&mutants[i], true);
		if (!already_intact(i))
			failed += run(&mutants[i], false);
	}
	return failed ? 1 : 0;
}
