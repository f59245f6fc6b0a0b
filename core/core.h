/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The decider of one node: what is known + what just happened -> an ordered list of things to do. No clock,
 * no socket, no malloc, no log, no random. The same object code runs in ringkeepd, in the simulator, in the
 * exhaustive search and in `hactl replay`.
 */
#ifndef RK_CORE_H
#define RK_CORE_H

#include "fence.h"
#include "lease.h"
#include "placement.h"
#include "plan.h"
#include "takeover.h"
#include "uplink_move.h"
#include "voters.h"

/* ---- configuration, fixed for the life of a struct core ---- */

struct core_node_config {
	node_id_t id;
	bool witness; /* votes, never holds */
};

struct core_group_config {
	bool native;	   /* VRRP decides who holds it: CORE_NATIVE tells; no lease, no placement */
	int64_t unseen_ns; /* calls that came with a move are waited for so long; 0: calls do not move */
	uint8_t candidates_count;
	node_id_t candidates[RK_NODES_MAX]; /* in configured priority, best first */
	struct placement_policy policy;
	struct uplink_move_policy uplinks;
	enum fence_policy fence;
};

struct core_config {
	node_id_t self;
	uint64_t process; /* random per process */
	uint8_t nodes_count;
	struct core_node_config nodes[RK_NODES_MAX];
	uint8_t groups_count;
	struct core_group_config groups[RK_GROUPS_MAX];
	struct lease_timing timing;
	uint64_t config_hash;
	int64_t operation_timeout_ns; /* a switchover that takes longer has failed */
	int64_t facts_timeout_ns;     /* heartbeats older than this make a node unreachable */
	struct fence_config fence;    /* no devices: nobody is shot */
	bool proof_votes;	      /* two nodes: a proof that the other is off counts as its vote */
	bool alone_votes;	      /* two nodes: the absence of the other counts as its vote */
};

/* ---- operator ---- */

enum core_command_type {
	COMMAND_PAUSE = 1,
	COMMAND_RESUME,
	COMMAND_STANDBY,
	COMMAND_UNSTANDBY,
	COMMAND_SWITCHOVER,
	COMMAND_FAILOVER,
	COMMAND_CANCEL,
};

/* Delivered on every node in the same order. The node that received it from its operator fills `node` of a
 * SWITCHOVER or FAILOVER from core_check_command()'s target, so that every node means the same one; the
 * latest command in order replaces one that still runs. */
struct core_command {
	enum core_command_type type;
	uint64_t operation; /* id of a switchover / failover: node id << 56 | number */
	uint64_t stamp;	    /* Lamport stamp: latest intent wins, ties by origin */
	node_id_t origin;
	group_index_t group; /* SWITCHOVER, FAILOVER, CANCEL */
	node_id_t node;	     /* STANDBY, UNSTANDBY: whom; SWITCHOVER, FAILOVER: target or NODE_NONE = best */
	int64_t drain_ns;    /* SWITCHOVER: wait so long for the holder's calls to end; 0 = do not wait */
	uint64_t cancels;    /* CANCEL: the operation that is to end */
};

/* What survives restarts of everything (state directory). */
struct core_intent {
	bool paused;
	uint64_t paused_stamp;
	node_id_t paused_by;
	struct {
		bool standby;
		uint64_t stamp;
		node_id_t by;
	} node[NODE_ID_MAX + 1];
};

/* ---- events ---- */

enum core_event_type {
	CORE_TICK = 1, /* core_next() has come, or any other time */
	CORE_WAKE,  /* the process or machine stood still for longer than the lease; fed before anything else
		     */
	CORE_HEARD, /* a pulse from a peer (authenticated and fresh), before its views and messages */
	CORE_VIEW,  /* one group's view out of it */
	CORE_MESSAGE,	    /* one lease message out of it */
	CORE_LOCAL_FACTS,   /* what this node knows of itself has changed */
	CORE_PEER_FACTS,    /* a peer's heartbeat (also mine, when CPG brings it back) */
	CORE_PEER_LEFT,	    /* a peer left the CPG group or corosync's membership */
	CORE_COMMAND,	    /* an operator's command, in CPG order */
	CORE_INTENT,	    /* intent of a snapshot: merged by stamp */
	CORE_STEP,	    /* a step ended */
	CORE_SAVE_FAILED,   /* PLAN_SAVE_VOTER failed; the rest of that plan was dropped */
	CORE_CEILING,	    /* the ceiling is durable */
	CORE_VOTERS_SAVED,  /* the voter set is durable */
	CORE_ADOPT,	    /* at start, once per group: the deadline found in the kernel */
	CORE_STOP,	    /* hand over everything, ask for nothing more */
	CORE_VOTERS_CHANGE, /* operator: start OLD -> JOINT -> NEW */
	CORE_NATIVE,	    /* VRRP made this node the holder of a native group, or took that from it */
	CORE_FENCE_MESSAGE, /* in CPG order */
	CORE_FENCE_ANSWER,  /* a PLAN_FENCE_CALL has ended */
	CORE_FENCE_ORDER, /* an operator here: shoot `node`, or confirm that it is off (core_check_fence()) */
	CORE_LAN,	  /* what the service network of a group says has changed, or goes on being so */
	CORE_HELLO, /* an authentic pulse of a peer that proves no session: two voters and nothing else */
};

struct core_event {
	enum core_event_type type;
	struct instant at; /* raw read after whatever the event is about was received */
	node_id_t node;	   /* HEARD, HELLO, VIEW, PEER_FACTS, PEER_LEFT: from whom */
	group_index_t group;
	union {
		struct {
			bool hears_me;
			uint64_t incarnation; /* of the process that sent it */
		} heard;
		struct {
			bool down; /* corosync lost the whole node: no goodbye */
		} left;
		struct {
			struct lease_view view;
			bool hears_me;
		} view;
		struct lease_msg msg;
		struct node_facts facts;
		struct core_command command;
		struct core_intent intent;
		struct {
			uint32_t seq;
			int error; /* 0 = done, else -errno */
		} step;
		uint64_t ceiling;
		struct voter_set voters;
		boot_t adopt_deadline;
		struct {
			bool holds;
			enum core_cause cause;
		} native;
		struct fence_msg fence_msg;
		struct {
			uint32_t seq;
			enum fence_answer answer;
			int64_t took_ns;
		} fence_answer;
		struct {
			bool confirm;
		} fence_order;
		struct lease_lan lan;
	};
};

/* Calls have ended when none was counted for so long: an adapter counts once a second and may tell that a
 * second later, so a call that began after one count is seen by the next; and a transfer ends one call before
 * it begins the next. */
#define CORE_DRAIN_SETTLE_NS (2 * NS_PER_S)
#define CORE_DRAIN_NS_MAX    (7 * 24 * 3600 * NS_PER_S)
/* For how long a planned hand-over waits for group_facts.release_wait to end. One retransmission of a request
 * over UDP fits in (RFC 3261: 500 ms); the lease is held and renewed meanwhile. */
#define CORE_RELEASE_WAIT_NS NS_PER_S

/* ---- state ---- */

struct core_peer {
	boot_t heard_at; /* last pulse; {0} never */
	bool hears_me;
	boot_t held_at; /* its latest view that said that it holds a group */
	bool facts_known;
	boot_t facts_at;
	struct node_facts facts;
	/* the latest count that was one, by group: a PBX that dies does not count any more */
	uint32_t calls[RK_GROUPS_MAX];
};

enum core_operation_state { OPERATION_NONE, OPERATION_RUNNING, OPERATION_DONE, OPERATION_FAILED };

struct core_operation {
	enum core_operation_state state;
	struct core_command command;
	node_id_t target;   /* resolved; NODE_NONE: any but `from` */
	node_id_t from;	    /* the holder when it was accepted */
	struct epoch epoch; /* the highest seen when it was accepted */
	bool handed;	    /* this node let go for it once: it never does so twice */
	enum reason reason; /* why it failed */
	boot_t accepted;
	boot_t drain_until; /* until then the holder waits for its calls to end; {0} = it does not, or no more
			     */
	boot_t until;
};

/* Calls that were up at the former holder when this node took over: they go on, and the PBX here may not know
 * of them. Nobody hears of their end, so time ends them. Lives in the agent's memory. */
struct core_unseen {
	uint32_t calls; /* 0: none */
	node_id_t from;
	boot_t since;
};

struct core_group {
	struct lease lease;
	struct placement placement; /* latest answer, with a reason for each candidate */
	struct damping damping[NODE_ID_MAX + 1];
	struct takeover takeover;
	struct core_operation operation; /* the latest one */
	node_id_t seen_holder;		 /* as views and own role tell */
	struct epoch seen_epoch;
	boot_t seen_at; /* the latest view that said so */
	boot_t since;
	bool native_holds;	   /* CORE_NATIVE said so */
	bool started;		   /* CORE_ADOPT came: before it no rule acts */
	boot_t asking_since;	   /* the rules let this node ask without a break since; {0} = they do not */
	boot_t moving_until;	   /* a hand-over began before a pause: it may be finished in spite of it */
	struct epoch moving_epoch; /* ... of this tenure */
	boot_t release_asked; /* a planned hand-over waits for release_wait to end since; {0} = none does */
	node_id_t failback_node; /* the better candidate, eligible without a break since failback_since */
	boot_t failback_since;
	boot_t idle_since; /* own calls are 0 since; {0} = they are not, or not known */
	struct core_unseen unseen;
	struct uplink_moves uplink_moves[NODE_ID_MAX + 1]; /* by who did it, as far as this node knows */
	uint16_t rule;					   /* core/rules.h: the row of the latest decision */
};

struct core {
	struct core_config config;
	struct core_intent intent;
	bool facts_known; /* before the first CORE_LOCAL_FACTS nothing here is believed to be in trouble */
	struct node_facts facts; /* mine */
	/* facts.uplink, but `since` it has this class: a line may be bad for one reason after the other */
	struct node_uplink uplink[RK_UPLINKS_MAX];
	struct core_peer peer[NODE_ID_MAX + 1];
	struct core_group group[RK_GROUPS_MAX];
	struct voters voters;
	uint64_t ceiling; /* durable: no epoch counter above it may be used */
	uint64_t ceiling_asked;
	boot_t ceiling_asked_at;
	uint64_t counter_seen; /* highest that the voter set or a view named */
	uint64_t stamp;	       /* Lamport: highest seen */
	boot_t next_pulse;
	bool stopping;
	boot_t held_at; /* this node held a group, last */
	node_set_t met; /* they answered this node in this boot */
	struct fence fence;
};

/* What the shell found on disk and in tmpfs at start. */
struct core_memory {
	bool memory_lost; /* promise file absent, unreadable or of another boot */
	bool disk_lost;	  /* epoch file absent */
	uint64_t ceiling;
	struct lease_memory lease[RK_GROUPS_MAX];
	struct core_intent intent;
	struct voter_set voters;
	struct fence_memory fence;
};

void core_init(struct core *c, const struct core_config *config, const struct core_memory *memory,
	       struct instant now);
/* Feeds one event; ret_plan is emptied first. */
void core_step(struct core *c, const struct core_event *ev, struct core_plan *ret_plan);
/* When to feed CORE_TICK next. */
boot_t core_next(const struct core *c, struct instant now);

/* For PLAN_SAVE_VOTER: the state of all groups. */
void core_voter_state(const struct core *c, struct lease_memory ret[RK_GROUPS_MAX]);
/* For a pulse: what to say of a group, and the set of nodes heard within 3 pulses. */
struct lease_view core_view(const struct core *c, group_index_t group, struct instant now);
node_set_t core_heard(const struct core *c, struct instant now);

/* Would this command be accepted now? Fills a reason per candidate; pure, used by --dry-run and before
 * broadcasting. */
struct core_verdict {
	bool accepted;
	enum reason reason; /* of the refusal as a whole */
	node_id_t target;
	struct placement placement;
};
void core_check_command(const struct core *c, const struct core_command *cmd, struct instant now,
			struct core_verdict *ret);

/* May an operator order this? */
enum fence_refusal core_check_fence(const struct core *c, node_id_t target, bool confirm, struct instant now);

/* Calls up at a node, and those that came with a move and may be; UINT32_MAX = not known here. */
uint32_t core_calls(const struct core *c, group_index_t group, node_id_t node);
/* What others are to know of this node: its facts, with calls as core_calls() has them, moves for the
 * uplinks' sake, and ages where times are. */
void core_published_facts(const struct core *c, boot_t now, struct node_facts *ret);
/* When those that came with a move are given up; BOOT_NEVER if there are none. */
boot_t core_unseen_until(const struct core *c, group_index_t group);

/* The stamp for the next command of this node: above all it has seen or given out. */
uint64_t core_stamp_next(struct core *c);
/* After CORE_STOP: nothing is held, every let-go step has ended, and RELEASE was acknowledged or repeated for
 * long enough. */
bool core_stopped(const struct core *c);

/* This node holds the group: by the lease, or by VRRP where that decides. */
bool core_holds(const struct core *c, group_index_t group);
/* A planned hand-over is about to happen here: what has to be said outside before the gate shuts is to be
 * said now. It happens when group_facts.release_wait is false, or after CORE_RELEASE_WAIT_NS; or not at all.
 */
bool core_releasing(const struct core *c, group_index_t group);
/* The group in one word, for status: standby, vacant, asking, taking-over, holding,
 * letting-go, no-candidate */
const char *core_group_state(const struct core *c, group_index_t group);

#endif
