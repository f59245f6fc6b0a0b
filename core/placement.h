/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which candidate should hold a group, and for every other one the reason why not. A pure ladder of
 * comparisons with no ties.
 */
#ifndef RK_PLACEMENT_H
#define RK_PLACEMENT_H

#include "clock.h"
#include "damping.h"
#include "ids.h"

enum pbx_health {
	PBX_UNKNOWN, /* not yet asked */
	PBX_STARTING,
	PBX_HEALTHY,
	PBX_SICK, /* the process lives, SIP does not answer */
	PBX_DEAD, /* the process is gone */
};

enum uplink_class { UPLINK_UNKNOWN, UPLINK_GOOD, UPLINK_DEGRADED, UPLINK_BAD };

#define UPLINK_MOVES_KEPT 2

/* When a node gave a group away because of its uplinks; newest last. */
struct uplink_moves {
	uint8_t count;
	boot_t at[UPLINK_MOVES_KEPT]; /* of the clock of whoever has this struct */
};

/* What a node knows of itself for one group; travels in its heartbeat. */
struct group_facts {
	enum pbx_health pbx;
	bool lan_up;		    /* the group's device exists and has carrier */
	bool gate_ok;		    /* the gate is in force on every interface */
	bool addresses_ok;	    /* all addresses present */
	bool registrations_in_step; /* store and PBX agree; always true without bindings */
	bool release_wait;	    /* own only, never sent: something is to be said outside before a planned
				     * hand-over shuts the gate */
	enum uplink_class uplink;
	uint32_t calls; /* calls up, UINT32_MAX = unknown */
	uint64_t bindings_digest;
	uint32_t bindings_count;
	struct uplink_moves uplink_moves; /* the core's, of this node; empty in what the agent tells it */
};

#define RK_UPLINKS_MAX 8 /* of one node */

/* One uplink of a node; travels in its heartbeat, as a class and an age. */
struct node_uplink {
	uint32_t isp; /* a number of the ISP's name: the same on every node */
	enum uplink_class class;
	boot_t since; /* it has this class; of the clock of whoever has this struct */
};

struct node_facts {
	uint64_t config_hash;
	bool config_accepted; /* the node runs a configuration that it could load */
	bool joining;	      /* has not got its snapshot yet */
	bool quorate;	      /* corosync says so */
	uint32_t loop_lag_us_max;
	uint64_t boot; /* of the machine: another one after each start, the same after a restart of the agent
			*/
	int64_t watchdog_ns; /* its armed hardware watchdog, that only a quorate node is petted by; 0 = none
			      */
	uint8_t uplinks_count;
	int8_t uplink_in_use; /* index of the best one that carries voice now; -1: none */
	struct node_uplink uplink[RK_UPLINKS_MAX];
	struct group_facts group[RK_GROUPS_MAX]; /* by the receiver's own group index */
};

/* Turns the times in it into ages, and ages into times: both are `now` less the other. Two nodes' clocks say
 * nothing to each other, so facts travel with ages; a time made of one is late by as long as that took. */
void node_facts_ages(struct node_facts *f, boot_t now);

/* Why a candidate is (not) chosen. In the order of the ladder; numbers are stable, they are in metrics and
 * history. */
enum reason {
	REASON_NONE = 0,
	REASON_CHOSEN = 1,
	REASON_UNREACHABLE = 10,
	REASON_NOT_QUORATE = 20,
	REASON_STANDBY = 30,
	REASON_FENCED = 40,
	REASON_JOINING = 41,
	REASON_FENCE_WAIT = 42, /* fence = required: a lost node held the group and is not proved off */
	REASON_CONFIG = 50,	/* its configuration differs or was not accepted */
	REASON_GATE = 55,	/* its gate or addresses are not in force */
	REASON_LAN_DOWN = 60,
	REASON_PBX_UNKNOWN = 70,
	REASON_PBX_STARTING = 71,
	REASON_PBX_SICK = 72,
	REASON_PBX_DEAD = 73,
	REASON_DAMPED = 75,	   /* flapping: its penalty has not decayed yet */
	REASON_REGISTRATIONS = 80, /* eligible, behind: registrations not in step */
	REASON_UPLINK = 90,	   /* eligible, behind: worse uplink class */
	REASON_NOT_INCUMBENT = 100,
	REASON_PRIORITY = 110,
	REASON_NODE_ID = 120,
	/* of a command */
	REASON_PAUSED = 200,
	REASON_NO_CANDIDATE = 201,
	REASON_NOT_A_CANDIDATE = 202,
	REASON_ALREADY_HOLDER = 203,
	REASON_BUSY = 204, /* another operation is running */
	REASON_NO_HOLDER = 205,
	REASON_TIMEOUT = 206,
	REASON_NO_MAJORITY = 207,
	REASON_STOPPING = 208,
	REASON_SUPERSEDED = 209,
	REASON_CALLS_UP = 210, /* drain: its time is over and calls are up */
	REASON_CALLS_UNKNOWN = 211,
	REASON_CANCELLED = 212,
	REASON_NO_OPERATION = 213, /* nothing to cancel */
	REASON_HOLDER_CHANGED = 214,
	REASON_LOST_TOUCH = 215, /* with the holder, over corosync */
	REASON_MUTE = 216,	 /* the target has no vote of its own yet */
};

/* "standby" is reason_name(); the sentence with a remedy is reason_text(). */
const char *reason_name(enum reason r);
const char *reason_text(enum reason r);
const char *pbx_health_name(enum pbx_health h);
const char *uplink_class_name(enum uplink_class u);

enum failback { FAILBACK_MANUAL, FAILBACK_AUTO, FAILBACK_IDLE };

struct placement_policy {
	enum failback failback;
	int64_t failback_after_ns; /* AUTO and IDLE: the better node must have been eligible for that long */
	struct damping_policy damping;
};

struct placement_candidate {
	node_id_t node;
	bool eligible;
	enum reason reason; /* REASON_CHOSEN for the chosen one */
	uint8_t rank;	    /* 0 = chosen; 255 if not eligible */
};

struct placement {
	node_id_t chosen; /* NODE_NONE if nobody is eligible */
	uint8_t count;
	struct placement_candidate candidate[RK_NODES_MAX]; /* in configured order */
};

/* One candidate's facts, gathered by the core. */
struct placement_input {
	node_id_t node;
	bool reachable;
	bool standby;
	bool fenced;
	bool fence_wait; /* the group waits until its lost holder is proved off */
	bool proof;	 /* the other of two nodes is proved off: as good as corosync's quorum */
	bool damped;
	bool incumbent;
	bool config_differs;
	/* Its uplinks count as no better than this, and not known is worse: failback. UPLINK_UNKNOWN: they
	 * count as they are. */
	enum uplink_class uplink_most;
	const struct node_facts *facts;
	const struct group_facts *group;
};

/* count <= RK_NODES_MAX inputs in configured priority order. ignore_health: failover --force. */
void placement_decide(const struct placement_input *inputs, uint8_t count, bool ignore_health,
		      const struct placement_policy *policy, struct placement *ret);

#endif
