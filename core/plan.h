/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the core wants done, as data: an ordered list of actions that the shell executes one after the other.
 * A plan can be printed, compared, replayed and searched. If PLAN_SAVE_VOTER fails, the rest of the plan is
 * NOT executed and CORE_SAVE_FAILED is fed back: so no GRANT and no REQUEST ever leaves before the promise
 * behind it is written.
 */
#ifndef RK_PLAN_H
#define RK_PLAN_H

#include "clock.h"
#include "fence_types.h"
#include "ids.h"

/* ---- lease messages (carried in pulses; heartbeat/pulse_wire.h has the bytes) ---- */

enum lease_msg_type {
	LEASE_REQUEST = 1,
	LEASE_GRANT,
	LEASE_REFUSE,
	LEASE_RELEASE,
	LEASE_RELEASE_ACK,
	LEASE_VSET_PROPOSE, /* change of the voters: version + sets; group is unused */
	LEASE_VSET_ACK,
};

enum lease_refusal {
	LEASE_REFUSED_MUTE = 1,	      /* memory lost, still waiting */
	LEASE_REFUSED_HI_UNKNOWN,     /* disk lost, hi not yet learnt from others */
	LEASE_REFUSED_VERSION,	      /* REQUEST is of an older voter set */
	LEASE_REFUSED_PROMISED,	      /* unexpired promise to another */
	LEASE_REFUSED_RESERVED,	      /* reserved for another */
	LEASE_REFUSED_EPOCH,	      /* e < hi */
	LEASE_REFUSED_DEAD,	      /* e <= dead[c] */
	LEASE_REFUSED_LEASE_TOO_LONG, /* L > L_max */
	LEASE_REFUSED_NOT_VOTER,
	LEASE_REFUSED_CEILING, /* e is above the voter's durable ceiling */
};

enum voter_phase { VOTERS_STABLE, VOTERS_JOINT };

/* Changing the voters: docs/ARCHITECTURE.md "The lease". In VOTERS_STABLE old_set == new_set. */
struct voter_set {
	uint32_t version;
	enum voter_phase phase;
	node_set_t old_set;
	node_set_t new_set;
};

struct lease_msg {
	enum lease_msg_type type;
	group_index_t group;
	node_id_t from;
	node_id_t to;
	struct epoch epoch;	    /* REQUEST, GRANT, REFUSE, RELEASE, RELEASE_ACK */
	struct request_id id;	    /* REQUEST; echoed in GRANT and REFUSE */
	uint32_t version;	    /* voter-set version of the REQUEST; echoed */
	int64_t lease_ns;	    /* REQUEST: L */
	enum lease_refusal refusal; /* REFUSE */
	struct epoch
		hi; /* REFUSE: of the group. VSET_ACK: highest of all groups; VSET_PROPOSE: floor for hi */
	node_id_t promise_node;	 /* REFUSE: whom the voter is promised to, and for how long still */
	int64_t promise_left_ns; /* REFUSE */
	node_id_t successor;	 /* RELEASE: NODE_NONE or whom to reserve for */
	struct voter_set voters; /* VSET_* */
};

/* What every pulse says about each group: the sender's vote and its own tenure. */
struct lease_view {
	bool votes;		/* the sender is a voter that can grant now or later */
	bool mute;		/* it lost its memory and still waits */
	bool hi_known;		/* false: lost its disk and has not learnt hi */
	uint32_t version;	/* its voter-set version */
	struct epoch hi;	/* highest epoch it granted */
	node_id_t promise_node; /* NODE_NONE: free */
	struct epoch promise_epoch;
	int64_t promise_left_ns; /* a remaining time, informative: never used to open anything */
	node_id_t reserve_node;
	int64_t reserve_left_ns;
	struct epoch holds; /* {0,0}, or "I hold this group at this epoch" */
};

/* ---- takeover and let-go steps, each answered by exactly one CORE_STEP event ---- */

enum core_step_kind {
	STEP_NONE,
	/* taking over, in this order; the gate is opened by PLAN_GATE_SET before */
	STEP_ANNOUNCE, /* GARP / unsolicited NA now and on schedule */
	STEP_WAKE_PBX, /* tell the adapter that it is active: bindings, trunks */
	STEP_VERIFY,   /* nobody else answers ARP for the address; the PBX answers OPTIONS at the address */
	/* letting go, in this order; the gate is shut and RELEASE sent before */
	STEP_ANNOUNCE_STOP,   /* cancel the announcement schedule */
	STEP_DESTROY_SOCKETS, /* TCP sockets on the address */
	STEP_MUZZLE_PBX,      /* tell the adapter that it is standby */
};

/* ---- history ---- */

enum core_record_type {
	RECORD_TAKEOVER = 1, /* this node became the holder */
	RECORD_LETGO,	     /* this node stopped being the holder */
	RECORD_COMMAND,	     /* an operator command took effect */
	RECORD_OPERATION,    /* a switchover / failover ended: done or failed */
};

enum core_cause {
	CAUSE_NONE,
	CAUSE_VACANT,	     /* takeover: nobody held the group since the voters' memory began */
	CAUSE_RELEASE,	     /* takeover: the former holder released */
	CAUSE_LEASE_EXPIRED, /* takeover: the former holder's promises ran out; let-go: our lease ran out */
	CAUSE_FENCED,
	CAUSE_OPERATOR, /* switchover / failover / standby command */
	CAUSE_ADOPTED,	/* restart of the agent: the open gate went on */
	CAUSE_PBX_DEAD,
	CAUSE_PBX_SICK,
	CAUSE_LAN_DOWN,
	CAUSE_GATE_LOST,    /* somebody removed the gate */
	CAUSE_STOPPING,	    /* the agent is being stopped */
	CAUSE_HIGHER_EPOCH, /* a peer holds the group at a higher epoch (VM pause) */
	CAUSE_STANDSTILL,   /* we stood still for longer than the lease */
	CAUSE_FAILBACK,
	CAUSE_REASON, /* another placement reason, in `reason` */
	/* of native groups, where VRRP decides */
	CAUSE_VRRP_SILENCE, /* takeover: the other router was not heard any more */
	CAUSE_VRRP_RELEASE, /* takeover: it resigned with priority 0 */
	CAUSE_VRRP_PREEMPT, /* takeover: it has a lower priority, or this node owns the addresses */
	CAUSE_VRRP_BETTER,  /* let-go: a router with a higher priority or address was heard */
	CAUSE_VRRP_UNSENT,  /* let-go: advertisements could not be sent */
	CAUSE_VRRP_FAULT,   /* let-go: what the group tracks is down */
	/* of two nodes that have nothing but each other (two-node = best-effort) */
	CAUSE_PEER_ABSENT, /* takeover: the other node is away, as far as can be told */
	CAUSE_CUT_OFF,	   /* let-go: neither the other node nor a gateway was reached */
	CAUSE_TWO_HOLDERS, /* let-go: the other node held, too, and this one gave way */
	CAUSE_UPLINK,	   /* let-go: no path to the outside here and one elsewhere, or degraded and idle */
	CORE_CAUSES_COUNT
};

struct core_record {
	enum core_record_type type;
	group_index_t group;
	node_id_t node; /* whom it is about (takeover, let-go: self) */
	node_id_t peer; /* former holder / successor / target of a command; NODE_NONE if none */
	struct epoch epoch;
	struct epoch peer_epoch; /* takeover: of the tenure in which `peer` was seen last; {0,0} = none was */
	/* Of a takeover or let-go that begins: what is known then. The whole record follows at its end. */
	bool begins;
	enum core_cause cause;
	uint8_t reason;	    /* enum reason of placement, with CAUSE_REASON */
	uint8_t command;    /* enum core_command_type */
	uint64_t operation; /* operation id, 0 if none */
	bool ok;	    /* all steps succeeded / operation reached its goal */
	boot_t at;	    /* when the change happened */
	int64_t asked_to_won_ns;
	int64_t won_to_announced_ns;
	int64_t won_to_awake_ns;
	int64_t won_to_verified_ns;
	int64_t overlap_ns; /* CAUSE_TWO_HOLDERS: for how long both held, at most; 0 = not known */
	enum core_step_kind failed_step;
	int error; /* errno of the failed step */
};

/* ---- the plan ---- */

enum plan_action_type {
	PLAN_SAVE_VOTER = 1, /* write the voter state (core_voter_state()), whole or not at all */
	PLAN_GATE_SET,	     /* deadline of a group: gate_deadline, {0} = shut */
	PLAN_SEND,	     /* one lease message to msg.to, at once */
	PLAN_PULSE,	     /* a pulse with all views to every node of the configuration */
	PLAN_PULSE_TO,	     /* the same to one node, at once */
	PLAN_STEP,	     /* start a takeover / let-go step; answer with CORE_STEP */
	PLAN_RECORD,	     /* append to the history */
	PLAN_SAVE_INTENT,    /* write pause and standby (core_intent()) */
	PLAN_RESERVE_EPOCHS, /* make `ceiling` durable; answer with CORE_CEILING */
	PLAN_SAVE_VOTERS,    /* make the voter set durable; answer with CORE_VOTERS_SAVED */
	PLAN_EXPLAIN,	     /* a decision, for the log: rule number and what it was about */
	PLAN_FACTS_CHANGED,  /* publish my heartbeat now */
	PLAN_FENCE_CALL,     /* ask a fence device; answer with CORE_FENCE_ANSWER */
	PLAN_FENCE_SEND,     /* over CPG, to all, this node too */
	PLAN_FENCE_ATTEMPT,  /* one call of an operation has ended, for log and history */
	PLAN_FENCE_STATE,    /* a target has changed its state, for log, history and alarms */
	PLAN_FENCE_SAVE,     /* write fence_memory_get(), whole or not at all; if that fails, less is believed
				later */
};

struct plan_fence_call {
	uint32_t seq; /* to be given back */
	fence_device_t device;
	enum fence_verb verb;
	node_id_t target;
	int64_t timeout_ns;
	bool watch;	  /* nothing but the state of a node that lives: may wait behind all else */
	bool first_query; /* of the statuses after the shots of a level */
};

struct plan_fence_attempt {
	node_id_t target;
	struct fence_operation op;
	uint8_t level;
	fence_device_t device;
	enum fence_verb verb;
	enum fence_answer answer;
	int64_t took_ns;
};

struct plan_fence_state {
	node_id_t target;
	enum fence_state state;
};

struct plan_action {
	enum plan_action_type type;
	group_index_t group;
	node_id_t node; /* PULSE_TO, EXPLAIN */
	union {
		boot_t gate_deadline;
		struct lease_msg msg;
		struct {
			enum core_step_kind kind;
			uint32_t seq; /* to be given back in CORE_STEP */
			struct epoch epoch;
		} step;
		struct core_record record;
		uint64_t ceiling;
		struct voter_set voters;
		struct {
			uint16_t rule; /* core/rules.h has the sentence; the grep key of the log */
			struct epoch epoch;
			int64_t value;
		} explain;
		struct plan_fence_call fence_call;
		struct fence_msg fence_msg;
		struct plan_fence_attempt fence_attempt;
		struct plan_fence_state fence_state;
	};
};

#define PLAN_ACTIONS_MAX 640

struct core_plan {
	uint32_t count;
	struct plan_action actions[PLAN_ACTIONS_MAX];
};

/* Appends a zeroed action of the type. The plan is sized for the worst case of one event; overflow is our
 * bug. */
struct plan_action *plan_add(struct core_plan *plan, enum plan_action_type type, group_index_t group);
/* The order in which a complete plan is carried out: what does not hang on a promise goes before the save of
 * it, history before the opening of a gate; all else as it was added. */
void plan_order(struct core_plan *plan);

#endif
