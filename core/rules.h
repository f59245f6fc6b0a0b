/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The decisions of a node about one group, as rows: first match wins, each with a stable number and a
 * sentence saying why. Rows hold data only; core_decide.c gathers the facts and obeys the goal. The numbers
 * are the grep key of the log and the rows of `hactl why`.
 */
#ifndef RK_RULES_H
#define RK_RULES_H

#include "plan.h"

#include <stddef.h>

/* What is so, as far as this node knows. */
enum rule_fact {
	FACT_HOLDING = 1 << 0,
	FACT_STOPPING = 1 << 1,
	FACT_PAUSED = 1 << 2,
	FACT_MOVING = 1 << 3,	  /* a hand-over began before the pause */
	FACT_STANDBY = 1 << 4,	  /* the operator wants this node to hold nothing */
	FACT_SUCCESSOR = 1 << 5,  /* another candidate is eligible, reachable, and a majority is in reach */
	FACT_MOVE_AWAY = 1 << 6,  /* an operation runs that wants another holder */
	FACT_MOVE_READY = 1 << 7, /* ... and its target can take over now */
	FACT_MOVE_HERE = 1 << 8,  /* an operation runs that wants this node */
	FACT_ELIGIBLE = 1 << 9,	  /* placement has no reason against this node */
	FACT_GATE_LOST = 1 << 10,
	FACT_LAN_DOWN = 1 << 11,
	FACT_PBX_DEAD = 1 << 12,
	FACT_PBX_SICK = 1 << 13,
	FACT_FAILBACK =
		1 << 14, /* the policy wants the better candidate back, and it has been fit for long enough */
	FACT_HOLDER_SEEN = 1 << 15,    /* another node says that it holds the group */
	FACT_DRAINING = 1 << 16,       /* that operation waits for the calls here to end */
	FACT_FAILBACK_CALLS = 1 << 17, /* as FAILBACK, but calls are up and the policy spares them */
	FACT_FAILBACK_BLIND = 1 << 18, /* ... or nobody counts them */
	/* of uplink_move.h: nothing of these while a node can help itself or does not know */
	FACT_UPLINK_LOST = 1 << 19,	/* every uplink here is bad */
	FACT_UPLINK_DEGRADED = 1 << 20, /* the best one is */
	FACT_UPLINK_BETTER = 1 << 21,	/* a node is fit, fresh, with a living PBX and a better class */
	FACT_UPLINK_SETTLED = 1 << 22,	/* ... and that has stood on both for long enough */
	FACT_UPLINK_FROZEN = 1 << 23,	/* moved too often lately */
	FACT_UPLINK_IDLE = 1 << 24,	/* no call is up */
	FACT_UPLINK_SHARED = 1 << 25,	/* what is bad here is bad elsewhere since the same time */
	FACT_UPLINK_STALE = 1 << 26,	/* a fit node has not reported lately */
};
#define RULE_FACTS_COUNT 27

enum rule_goal {
	GOAL_KEEP,	/* holder: go on */
	GOAL_HAND_OVER, /* holder: let go, reserving for the successor */
	GOAL_RELEASE,	/* holder: let go, nobody can take over */
	GOAL_ASK,	/* other: ask for the lease as soon as the voters are free */
	GOAL_REST,	/* other: do not ask */
};

struct rule {
	uint16_t number;
	uint32_t when;	 /* all of these facts */
	uint32_t unless; /* and none of these */
	enum rule_goal goal;
	enum core_cause cause; /* of the let-go */
	const char *why;
};

/* The first row that matches; there always is one. */
const struct rule *rules_match(uint32_t facts);
/* The whole table, decisions first, then plain events of the lease. */
const struct rule *rules_table(size_t *ret_count);
/* Somebody should look: a holder has no path, or a worse one than others, and stays. */
bool rules_alarm(uint16_t number);
/* The sentence of a number, or NULL. */
const char *rules_sentence(uint16_t number);
const char *rules_goal_name(enum rule_goal goal);
/* One row as text, "R210 holding + move-away + move-ready -> hand-over: why"; returns the length, cut to
 * size. */
size_t rules_print(const struct rule *r, char *buf, size_t size);

/* Events that are told with a number but decide nothing. */
enum rule_told {
	RULE_WON = 400,
	RULE_LAPSED,
	RULE_LET_GO,
	RULE_ADOPTED,
	RULE_RAISED,
	RULE_COMMAND,
	RULE_OPERATION_STARTED,
	RULE_OPERATION_DONE,
	RULE_OPERATION_FAILED,
	RULE_SAVE_FAILED,
	RULE_STEP_FAILED,
	RULE_NATIVE_WON,
	RULE_NATIVE_LOST,
	RULE_RELEASING,
	RULE_TWO_HOLDERS,
};

#endif
