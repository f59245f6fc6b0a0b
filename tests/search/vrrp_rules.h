/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VRRP_RULE() as a switch, included before vip/vrrp_fsm.c: the rule that vrrp_rule_removed names is not
 * obeyed.
 */
#ifndef RK_SEARCH_VRRP_RULES_H
#define RK_SEARCH_VRRP_RULES_H

enum vrrp_rule {
	VRRP_RULE_NONE,
	VRRP_RULE_SKEW,	       /* timers have a Skew_Time in them */
	VRRP_RULE_OPEN_TIME,   /* a gate is open for three intervals at most */
	VRRP_RULE_NOTED,       /* they begin before the advertisement leaves */
	VRRP_RULE_GUARD,       /* the gate opens after the others had time to be heard */
	VRRP_RULE_LEARN,       /* a Backup counts with the Active's interval */
	VRRP_RULE_SHUT_FIRST,  /* gate shut, then priority 0 */
	VRRP_RULE_SHUT_BETTER, /* gate shut when a better one is heard */
	VRRP_RULE_STANDSTILL,  /* an Active whose gate has shut by time is none any more */
	VRRP_RULE_ADOPT,       /* only what the gate still holds is adopted */
	VRRP_RULE_TIE,	       /* equal priorities: the greater address */
	VRRP_RULE_TIE_FIRST,   /* members of one fate decide a tie once */
	VRRP_RULE_ASSERT,      /* a losing advertisement is answered at once */
	VRRP_RULE_RELEASE,     /* priority 0: a Skew_Time */
	VRRP_RULE_YIELDED,     /* who yielded does not preempt */
	VRRP_RULE_YIELD_WAIT,  /* and lets the others go first */
	VRRP_RULE_UNSENT,      /* an Active whose advertisements do not leave resigns */
};

extern enum vrrp_rule vrrp_rule_removed;

#define VRRP_RULE(name) (vrrp_rule_removed != VRRP_RULE_##name)

#endif
