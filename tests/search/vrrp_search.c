/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Searches the VRRP machine exhaustively within bounds: vrrp_search [--small] [NAME]. Each row says what is
 * claimed; the rows that expect a violation show where the claims end.
 */
#include <stdio.h>
#include <string.h>

#include "vrrp_configs.h"
#include "vrrp_explore.h"

struct search {
	const char *expect; /* beginning of the violation; NULL: none */
	struct vrrp_search_config config;
};

#define FAULT(what, n) [VRRP_FAULT_##what] = n

static const struct search searches[] = {
	/* Losses and delays. */
	{ NULL, { VRRP_TWO, .name = "2, 1 loss, instant", .instant = true, .fault = { FAULT(LOSS, 1) } } },
	{ NULL, { VRRP_THREE, .name = "3, 1 loss, instant", .instant = true, .fault = { FAULT(LOSS, 1) } } },
	{ NULL,
	  { VRRP_THREE, .name = "3, preempt, 1 loss, stop", .overlap = 4, .preempt = true,
	    .fault = { FAULT(LOSS, 1), FAULT(STOP, 1) } } },
	{ NULL, { VRRP_TWO, .name = "2, 1 delay, instant", .instant = true, .fault = { FAULT(DELAY, 1) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, 2 losses, stop", .overlap = 4,
	    .fault = { FAULT(LOSS, 2), FAULT(STOP, 1) } } },
	{ NULL,
	  { VRRP_THREE, .name = "3, 2 losses, stop", .overlap = 4,
	    .fault = { FAULT(LOSS, 2), FAULT(STOP, 1) } } },
	{ NULL,
	  { VRRP_THREE, .name = "3, preempt, 2 losses, stop", .overlap = 8, .preempt = true,
	    .fault = { FAULT(LOSS, 2), FAULT(STOP, 1) } } },
	{ "(a)", { VRRP_TWO, .name = "2, 2 losses, instant", .instant = true, .fault = { FAULT(LOSS, 2) } } },
	/* Agents and machines that die or stand still. */
	{ NULL,
	  { VRRP_TWO, .name = "2, kill, freeze, instant", .instant = true,
	    .fault = { FAULT(KILL, 3), FAULT(FREEZE, 1) } } },
	{ NULL,
	  { VRRP_THREE, .name = "3, kill, freeze, instant", .instant = true,
	    .fault = { FAULT(KILL, 1), FAULT(FREEZE, 1) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, equal, kill, freeze, instant", .instant = true, .priority = { 128, 128 },
	    .fault = { FAULT(KILL, 2), FAULT(FREEZE, 1) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, different intervals, kill, freeze", .overlap = 12, .interval = { 4, 8 },
	    .fault = { FAULT(KILL, 1), FAULT(FREEZE, 1) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, preempt, kills of the better, instant", .instant = true, .preempt = true,
	    .faulty = 1, .fault = { FAULT(KILL, 3) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, preempt, kill", .overlap = 12, .preempt = true,
	    .fault = { FAULT(KILL, 2) } } },
	{ NULL,
	  { VRRP_THREE, .name = "3, preempt, kill, freeze", .overlap = 12, .preempt = true,
	    .fault = { FAULT(KILL, 1), FAULT(FREEZE, 1) } } },
	{ NULL, { VRRP_THREE, .name = "3, stall, instant", .instant = true, .fault = { FAULT(STALL, 1) } } },
	{ NULL, { VRRP_TWO, .name = "2, 2 stalls", .overlap = 12, .fault = { FAULT(STALL, 2) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, stall, kill", .overlap = 12,
	    .fault = { FAULT(STALL, 1), FAULT(KILL, 1) } } },
	{ "(a)", { VRRP_TWO, .name = "2, preempt, kill", .preempt = true, .fault = { FAULT(KILL, 2) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, 1 loss, kill", .overlap = 12,
	    .fault = { FAULT(LOSS, 1), FAULT(KILL, 1) } } },
	/* Operators and tracking. */
	{ NULL,
	  { VRRP_THREE, .name = "3, stop, yield, priority, instant", .instant = true,
	    .changed = { 64, 192, 0 }, .fault = { FAULT(STOP, 1), FAULT(YIELD, 1), FAULT(PRIORITY, 1) } } },
	{ NULL,
	  { VRRP_THREE, .name = "3, preempt, the same, instant", .instant = true, .preempt = true,
	    .changed = { 64, 192, 0 }, .fault = { FAULT(STOP, 1), FAULT(YIELD, 1), FAULT(PRIORITY, 1) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, preempt delay, stop, priority, instant", .instant = true, .preempt = true,
	    .preempt_delay = 6, .changed = { 64, 0, 0 }, .fault = { FAULT(STOP, 2), FAULT(PRIORITY, 2) } } },
	{ NULL,
	  { VRRP_THREE, .name = "3, stop, followed by the next", .instant = true, .served_within = 4,
	    .fault = { FAULT(STOP, 1) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, preempt, yield, followed", .instant = true, .preempt = true,
	    .served_within = 3, .fault = { FAULT(YIELD, 2) } } },
	/* Cuts. */
	{ NULL,
	  { VRRP_TWO, .name = "2, cut, stop", .overlap = 4, .fault = { FAULT(CUT, 1), FAULT(STOP, 1) } } },
	{ NULL, { VRRP_THREE, .name = "3, cut", .overlap = 4, .fault = { FAULT(CUT, 1) } } },
	{ NULL,
	  { VRRP_THREE, .name = "3, preempt, cut", .overlap = 4, .preempt = true,
	    .fault = { FAULT(CUT, 1) } } },
	/* Members of one fate. */
	{ NULL,
	  { VRRP_TWO, .name = "2, equal, 2 members crossed, kill", .instant = true, .priority = { 128, 128 },
	    .members = 2, .crossed = true, .fault = { FAULT(KILL, 2) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, 2 members, mute, stop, instant", .instant = true, .members = 2,
	    .preempt = true, .fault = { FAULT(MUTE, 2), FAULT(STOP, 1) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, 2 members, mute for good", .instant = true, .members = 2, .preempt = true,
	    .mute_stays = true, .fault = { FAULT(MUTE, 1) } } },
	/* A router without a gate. */
	{ NULL,
	  { VRRP_TWO, .name = "2, lower alien, kill, freeze, instant", .instant = true, .alien = 2,
	    .faulty = 1, .fault = { FAULT(KILL, 2), FAULT(FREEZE, 2) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, better alien, kill, freeze", .overlap = 12, .alien = 2,
	    .priority = { 64, 128 }, .preempt = true, .faulty = 1,
	    .fault = { FAULT(KILL, 1), FAULT(FREEZE, 1) } } },
	{ NULL,
	  { VRRP_TWO, .name = "2, better alien, stop", .alien = 2, .priority = { 64, 128 }, .preempt = true,
	    .fault = { FAULT(STOP, 2) } } },
};

static int run(const struct search *s, bool small)
{
	struct vrrp_search_config c = s->config;
	struct vrrp_explored r;
	bool ok;

	if (small && c.states_max > 5000)
		c.states_max = 5000;
	r = vrrp_explore(&c, !s->expect);
	ok = s->expect ? r.violation && strncmp(r.violation, s->expect, strlen(s->expect)) == 0
		       : !r.violation;
	vrrp_explored_print(ok ? "ok" : "FAIL", "", &c, &r);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
	const char *name = argc > 1 + small ? argv[1 + small] : "";
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++)
		if (strstr(searches[i].config.name, name))
			failed += run(&searches[i], small);
	return failed ? 1 : 0;
}
