/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * UPLINK_RULE() as a switch, included before uplink/uplink_choice.c and core/uplink_move.c: the rule that
 * uplink_rule_removed names is not obeyed.
 */
#ifndef RK_SEARCH_UPLINK_MUTANT_RULES_H
#define RK_SEARCH_UPLINK_MUTANT_RULES_H

enum uplink_rule_name {
	UPLINK_RULE_NONE,
	/* of a node's choice */
	UPLINK_RULE_NEVER_TO_DEAD,
	UPLINK_RULE_STRICTLY_BETTER, /* what is switched to is better than what is left */
	UPLINK_RULE_BACK_AS_GOOD,    /* ... or, on the way back, as good */
	UPLINK_RULE_GRADE_FIRST,     /* grades come before what was configured */
	UPLINK_RULE_DAMPED,	     /* who flaps comes last */
	UPLINK_RULE_DOUBT,	     /* not to one that may have died just now */
	UPLINK_RULE_BACK_DOUBT,	     /* and not back to it */
	UPLINK_RULE_CALLS,	     /* calls that are up are spared */
	UPLINK_RULE_CONFIRM,	     /* ... until it has lasted */
	UPLINK_RULE_BACK_DELAY,
	UPLINK_RULE_HOLD, /* no two switches in a moment */
	UPLINK_RULE_BUDGET,
	UPLINK_RULE_RESERVE, /* the rest of it is for what is dead */
	/* of a move to another node */
	UPLINK_RULE_MOVE_STRICTLY_BETTER,
	UPLINK_RULE_FRESH,
	UPLINK_RULE_FIT,
	UPLINK_RULE_PBX, /* not to where it is dead */
	UPLINK_RULE_MOVE_CALLS,
	UPLINK_RULE_LOCAL_FIRST,
	UPLINK_RULE_FREEZE,
	UPLINK_RULE_SETTLE,	   /* what was lost here is lost for long enough */
	UPLINK_RULE_SEEN_AFTER,	   /* and the other knew it when it said it was better */
	UPLINK_RULE_OTHER_SETTLED, /* and what the other has it has for long enough */
};

extern enum uplink_rule_name uplink_rule_removed;

#define UPLINK_RULE(name) (uplink_rule_removed != UPLINK_RULE_##name)

#endif
