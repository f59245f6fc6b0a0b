/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The decisions of a node about its uplinks, as rows: first match wins, each with a stable number and a
 * sentence saying why. Rows hold data only; uplink_choice.c gathers the facts. Numbers do not meet those of
 * the core's rows: the grep key of the log is one.
 */
#ifndef RK_UPLINK_RULES_H
#define RK_UPLINK_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uplink_action {
	UPLINK_STAY,   /* and nothing is wrong, or nothing better is there */
	UPLINK_HOLD,   /* something is to be done, but not yet or not by itself */
	UPLINK_SWITCH, /* everything to `to`, at once */
	UPLINK_DRAIN,  /* new calls and registrations to `to`; live calls stay on `from` */
	UPLINK_FINISH, /* the drain of `from` is over: what is left of it goes to `to` */
};

/* What is so. "Dead" is BAD or NONE. */
enum uplink_choice_fact {
	UPLINK_FACT_MOVING = 1 << 0,
	UPLINK_FACT_PINNED = 1 << 1,
	UPLINK_FACT_PIN_ELSEWHERE = 1 << 2,
	UPLINK_FACT_PIN_NO_ROUTE = 1 << 3,
	UPLINK_FACT_NOTHING = 1 << 4, /* nothing is in use */
	UPLINK_FACT_ROUTE = 1 << 5,   /* an uplink has a route */
	UPLINK_FACT_USABLE = 1 << 6,  /* another one is better than BAD, and than the one in use */
	UPLINK_FACT_DRAIN_DEAD = 1 << 7,
	UPLINK_FACT_DRAIN_DONE = 1 << 8,
	UPLINK_FACT_DEAD = 1 << 9, /* the one in use */
	UPLINK_FACT_UNKNOWN = 1 << 10,
	UPLINK_FACT_DEGRADED = 1 << 11,
	UPLINK_FACT_BETTER = 1 << 12,	 /* another has a better grade and is not damped */
	UPLINK_FACT_CONFIRMED = 1 << 13, /* ... for long enough */
	UPLINK_FACT_IDLE = 1 << 14,	 /* no call is up */
	UPLINK_FACT_DRAINS = 1 << 15,	 /* the policy drains, and nothing is being drained */
	UPLINK_FACT_EARLY = 1 << 16,	 /* the latest switch was just now */
	UPLINK_FACT_SPENT = 1 << 17,	 /* no switch left in the budget */
	UPLINK_FACT_SCARCE = 1 << 18,	 /* only the reserve */
	UPLINK_FACT_BACK = 1 << 19,	 /* an uplink of the same grade is preferred */
	UPLINK_FACT_BACK_BY_HAND = 1 << 20,
	UPLINK_FACT_BACK_CLOSED = 1 << 21, /* not the time of day */
	UPLINK_FACT_BACK_YOUNG = 1 << 22,  /* not fit for long enough */
	UPLINK_FACT_BACK_WAITED = 1 << 23, /* max_wait is over */
	UPLINK_FACT_DRAINING = 1 << 24,	   /* another uplink still has live calls */
	UPLINK_FACT_DOUBT = 1 << 25,	   /* the best of the others may have died just now */
	UPLINK_FACT_BACK_DOUBT = 1 << 26,  /* the preferred one */
	UPLINK_FACT_PIN_BARRED = 1 << 27,  /* a switch to it has just failed */
};
#define UPLINK_FACTS_COUNT 28

/* Where a row wants to go. */
enum uplink_goal { UPLINK_TO_NOWHERE, UPLINK_TO_PINNED, UPLINK_TO_FIRST, UPLINK_TO_BEST, UPLINK_TO_BACK };

struct uplink_rule {
	uint16_t number;
	uint32_t when;	 /* all of these */
	uint32_t unless; /* and none of these */
	enum uplink_action action;
	enum uplink_goal goal;
	bool alarm;
	const char *why;
};

const struct uplink_rule *uplink_rules_match(uint32_t facts);
const struct uplink_rule *uplink_rules_table(size_t *ret_count);
const char *uplink_action_name(enum uplink_action a);

#endif
