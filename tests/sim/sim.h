/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A cluster in one process, played with a seed: the whole core of every node, with simulated clocks, network,
 * corosync, disks, gates, PBXs and operators. Time is a number; nothing sleeps. Same seed, same run.
 *
 *   sim_world.c   the event queue, start and end of a run
 *   sim_node.c    one node: its agent's loop, plans carried out action by action, stalls, crashes, power
 *   sim_net.c     pulses between nodes: loss, delay, duplication, cuts; incarnations as on the wire
 *   sim_fence.c   power switches
 *   sim_cpg.c     corosync: membership, agreed order, heartbeats, snapshots
 *   sim_check.c   what must always be true (docs/ARCHITECTURE.md)
 *   sim_fault.c   what goes wrong, by the seed
 *   sim_uplinks.c  worlds with uplinks, and what a move for their sake must not be
 *   sim_trace.c   a run as text
 */
#ifndef RK_SIM_H
#define RK_SIM_H

#include "core.h"
#include "rules.h"

#define SIM_NODES_MAX  8 /* node ids are 1..SIM_NODES_MAX-1 */
#define SIM_GROUPS_MAX 3

/* ---- random ---- */

struct sim_random {
	uint64_t state;
};
uint64_t sim_random_next(struct sim_random *r);
/* 0..n-1 */
int64_t sim_random_below(struct sim_random *r, int64_t n);
int64_t sim_random_between(struct sim_random *r, int64_t low, int64_t high);
/* true in `permille` of 1000 cases */
bool sim_random_permille(struct sim_random *r, int permille);

/* ---- a node's pieces ---- */

/* Runs at (1 + ppm / 10^6) of true time. */
struct sim_clock {
	int64_t true_ns;
	int64_t clock_ns;
	int64_t ppm;
};

struct sim_disk {
	bool epoch_lost;
	uint64_t ceiling;
	struct core_intent intent;
	struct voter_set voters;
};

struct sim_tmpfs {
	bool written;
	struct lease_memory lease[RK_GROUPS_MAX];
	struct fence_memory fence;
};

enum sim_device { SIM_DEVICE_TRUE, SIM_DEVICE_REFUSES, SIM_DEVICE_LIES, SIM_DEVICE_HANGS, SIM_DEVICES_COUNT };

struct sim_event;

struct sim_node {
	node_id_t id;
	bool witness;
	bool powered;
	bool frozen;  /* VM paused: its clocks stand still, it forwards nothing */
	bool running; /* the agent */
	bool stopping;
	bool adopted;  /* the core was told of every deadline that it found */
	uint64_t life; /* counts agent starts: answers to a former agent are lost */
	uint64_t incarnation;
	uint64_t known[SIM_NODES_MAX]; /* incarnation of each peer, as learnt */
	struct sim_clock boot, raw;
	boot_t gate[SIM_GROUPS_MAX];
	struct sim_disk disk;
	struct sim_tmpfs tmpfs;
	struct core *core;
	struct instant core_at; /* of the event being worked on */
	uint64_t gone_boots;	/* ... and the start of its machine then */
	int64_t gone_at;	/* its agent ended, last */
	uint64_t boots;
	struct core *shadow; /* fed the same events in other memory: must give the same plans */
	int64_t tick_at;     /* true time of the latest scheduled tick */
	uint64_t tick_number;
	boot_t loop_at; /* when the loop last looked at the clock */
	int spins;	/* ticks without any progress of time */
	/* standstill of the process */
	int64_t stalled_until;	/* 0 = runs */
	struct core_plan *rest; /* of a plan that was interrupted, or count 0 */
	uint32_t rest_next;
	struct sim_event *inbox_first, *inbox_last;
	/* what the world does to it */
	struct node_facts facts;	   /* what its executors would report now */
	int64_t calm_since;		   /* no stall, crash, failed save since */
	boot_t idle_since[SIM_GROUPS_MAX]; /* the core was told of no calls since; {0} = of others, or nothing
					    */
	uint64_t cancelled[SIM_GROUPS_MAX]; /* the operation whose end it was told of last */
	boot_t releasing[SIM_GROUPS_MAX];   /* a planned hand-over waits since; {0} = none does */
	int64_t uplinks_changed;	    /* truly */
	struct {
		int64_t sent, at; /* its latest report, in true time */
	} report[SIM_NODES_MAX];
};

#define SIM_UPLINK_MOVES_MAX 16

struct sim_uplink_move {
	node_id_t by;
	uint64_t life;
	int64_t at;
};

struct sim_uplink_moves {
	int count;
	struct sim_uplink_move move[SIM_UPLINK_MOVES_MAX];
};

/* ---- the world ---- */

enum sim_event_type {
	SIM_TICK,
	SIM_DATAGRAM,
	SIM_CORE, /* a core_event for the agent */
	SIM_RESUME,
	SIM_CPG_REFORM,
	SIM_CPG_DELIVER,
	SIM_HEARTBEAT,
	SIM_START, /* agent start */
	SIM_POWER, /* power comes back */
	SIM_FAULT,
	SIM_STOPPED,  /* look whether a stopping agent has finished */
	SIM_RELEASED, /* what had to be said before a planned hand-over has been said */
	SIM_FACTS,    /* what the executors see has changed */
	SIM_ALONE,    /* an agent that found nobody stops waiting for a snapshot */
	SIM_FENCE,    /* a power switch does what it was asked for */
	SIM_UPLINK,   /* one line of one node changes */
	SIM_SNAPSHOT, /* a ring has a new member: this one tells it what it knows */
};

struct sim_datagram {
	node_id_t from, to;
	uint64_t incarnation, echo;
	bool hears;
	bool has_views;
	bool has_msg;
	struct lease_view view[SIM_GROUPS_MAX];
	struct lease_msg msg;
};

struct sim_event {
	int64_t at;
	uint64_t order;
	enum sim_event_type type;
	node_id_t node;
	uint64_t life;		/* 0 = any */
	struct sim_event *next; /* in an inbox */
	union {
		struct sim_datagram datagram;
		struct core_event core;
		struct plan_fence_call fence_call;
		uint64_t number;
	};
};

struct sim_link {
	bool cut;	    /* one direction */
	int64_t calm_since; /* neither cut nor lossy since */
};

struct sim_options {
	uint64_t seed;
	int nodes, witnesses, groups; /* 0 = by the seed */
	bool trace;		      /* decisions, gates, records, steps, faults */
	bool trace_all;		      /* and every pulse and message */
	bool story;		      /* perfect clocks, fixed delays, no faults of its own */
	bool uplinks;		      /* nodes have them, and they get worse and better */
	enum failback failback;
	int64_t failback_after_ns;
};

/* Truth about one group, kept by the checker. */
struct sim_group_truth {
	struct epoch epoch_max; /* highest ever won */
	node_id_t holder;	/* latest winner */
	struct epoch epoch;
	bool held;
	int64_t won_at;
	int64_t handed_at; /* when the latest hand-over to a successor began */
	/* per node, per life of its agent */
	int won[SIM_NODES_MAX], lost[SIM_NODES_MAX];
	int began_up[SIM_NODES_MAX], began_down[SIM_NODES_MAX]; /* records of beginnings */
	int took[SIM_NODES_MAX], let[SIM_NODES_MAX];		/* records of ends */
	enum core_step_kind step[SIM_NODES_MAX];		/* latest step seen */
	uint32_t seq[SIM_NODES_MAX];
};

struct sim_operation_truth {
	uint64_t id;
	node_id_t origin;
	uint64_t life;
	bool delivered; /* at the origin */
	int records;
	int64_t at;
	int64_t drain_ns;
};

#define SIM_OPERATIONS_MAX 128

struct sim_fault_plan {
	/* per mille of datagrams, and delays */
	int loss, duplicate, reorder;
	int64_t delay_low_ns, delay_high_ns;
	int stall;		    /* per 100000 actions */
	int save_fails;		    /* per mille of saves */
	int step_fails, step_hangs; /* per mille of steps */
	int kinds;		    /* bit set of fault kinds in use */
	int64_t gap_ns;		    /* mean time between two faults */
};

struct sim {
	struct sim_options options;
	struct sim_random random, fence_random;
	enum sim_device device[FENCE_DEVICES_MAX];
	int64_t now; /* true time, ns */
	int64_t end;
	uint64_t order;
	struct sim_event **heap;
	int heap_count, heap_size;
	struct core_config config; /* self and process differ per node */
	int nodes_count;	   /* incl. witnesses; ids 1..nodes_count */
	struct sim_node node[SIM_NODES_MAX];
	struct sim_link link[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to] */
	struct sim_fault_plan fault;
	bool faults_over;
	node_id_t left_down; /* one node that stays dead when everything else is healed, or NODE_NONE */
	/* corosync */
	bool cpg_down[SIM_NODES_MAX];
	int cpg_ring[SIM_NODES_MAX]; /* ring number of each node, 0 = alone without corosync */
	int cpg_rings;
	bool cpg_reforming;
	uint64_t cpg_reform_number;
	int64_t cpg_last[SIM_NODES_MAX];		  /* latest delivery time, to keep the order */
	struct sim_event *cpg_held_first, *cpg_held_last; /* sent while the ring re-forms */
	/* checker */
	struct sim_group_truth truth[SIM_GROUPS_MAX];
	struct sim_operation_truth operation[SIM_OPERATIONS_MAX];
	int operations_count;
	uint64_t operation_number;
	int64_t overlap_ns;    /* two open gates, in all: only a VM pause may */
	int64_t overlap_began; /* 0 = there is none now */
	bool overlap_allowed;
	int64_t voters_changed_at; /* a change of the voters was asked for, or ended, last */
	bool beyond_help;	   /* more voters lost hi than the rules can bear: safety only */
	bool failed;
	char failure[512];
	struct sim_uplink_moves uplink_moves[SIM_GROUPS_MAX];
	/* counts, for the summary */
	uint64_t uplink_moves_count;
	uint64_t steps, takeovers, letgos, operations, faults;
	int64_t settle_ns; /* from the last fault to rest everywhere */
	int64_t answer_ns; /* ... to one open gate for every group */
	/* trace text, if wanted */
	char *text;
	size_t text_len, text_size;
	struct core_plan plan, shadow_plan; /* of the step being worked on */
};

/* sim_world.c */
struct sim *sim_new(const struct sim_options *options);
void sim_free(struct sim *s);
/* Plays until true time `until`, or a failure. */
void sim_run(struct sim *s, int64_t until);
/* A whole seeded run: faults, then calm, then the checks of the end. False on failure. */
bool sim_play(struct sim *s);
struct sim_event *sim_schedule(struct sim *s, int64_t at, enum sim_event_type type, node_id_t node);
void sim_requeue(struct sim *s, struct sim_event *e, int64_t at);

/* sim_node.c */
boot_t sim_boot_now(const struct sim *s, const struct sim_node *n);
struct instant sim_instant(const struct sim *s, const struct sim_node *n);
void sim_clock_rate(struct sim *s, struct sim_node *n, int64_t boot_ppm, int64_t raw_ppm);
void sim_node_input(struct sim *s, struct sim_event *e); /* takes e */
void sim_node_feed(struct sim *s, struct sim_node *n, struct core_event *ev);
void sim_node_resume(struct sim *s, struct sim_node *n);
void sim_node_stall(struct sim *s, struct sim_node *n, int64_t ns);
void sim_agent_start(struct sim *s, struct sim_node *n);
/* The process is gone; kernel and tmpfs stay. */
void sim_agent_kill(struct sim *s, struct sim_node *n, int64_t restart_after_ns);
void sim_agent_stop(struct sim *s, struct sim_node *n);
void sim_agent_look_stopped(struct sim *s, struct sim_node *n);
void sim_power_off(struct sim *s, struct sim_node *n, bool lose_disk, int64_t on_after_ns);
void sim_power_on(struct sim *s, struct sim_node *n);
void sim_vm_freeze(struct sim *s, struct sim_node *n);
void sim_vm_thaw(struct sim *s, struct sim_node *n);
bool sim_gate_open(const struct sim *s, const struct sim_node *n, group_index_t group);
/* The agent is told what its executors see. */
void sim_facts_report(struct sim *s, struct sim_node *n);

/* sim_net.c */
void sim_net_pulse(struct sim *s, struct sim_node *n, node_id_t to);
void sim_net_send(struct sim *s, struct sim_node *n, const struct lease_msg *msg);
void sim_net_receive(struct sim *s, struct sim_node *n, const struct sim_datagram *d);
void sim_link_cut(struct sim *s, node_id_t from, node_id_t to, bool cut);

/* sim_cpg.c */
void sim_cpg_changed(struct sim *s, int64_t after_ns);
void sim_cpg_reform(struct sim *s, uint64_t number);
/* An event for every member of n's ring, in one order; copies ev. */
void sim_cpg_send(struct sim *s, node_id_t from, const struct core_event *ev);
void sim_cpg_deliver(struct sim *s, struct sim_event *e); /* takes e */
void sim_heartbeat(struct sim *s, struct sim_node *n);
void sim_cpg_snapshot_send(struct sim *s, struct sim_node *n, node_id_t to);
void sim_cpg_joined(struct sim *s, struct sim_node *n);

/* sim_fence.c */
void sim_fence_config(struct sim *s);
void sim_fence_call(struct sim *s, struct sim_node *n, const struct plan_fence_call *c);
void sim_fence_device_done(struct sim *s, const struct sim_event *e);
void sim_check_shot(struct sim *s, const struct sim_node *n, const struct plan_fence_call *c);
void sim_check_fence_state(struct sim *s, const struct sim_node *n, const struct plan_fence_state *p);
void sim_check_required(struct sim *s, const struct sim_node *n, group_index_t g);
bool sim_fence_can_spare(const struct sim *s, node_id_t n);
bool sim_fence_settled(const struct sim *s, const struct sim_node *n, char *why, size_t size);

/* sim_operator.c */
/* An operator at node `at`: checked there, then broadcast. False if refused. */
bool sim_order(struct sim *s, node_id_t at, const struct core_command *cmd);
bool sim_command(struct sim *s, node_id_t at, enum core_command_type type, group_index_t group,
		 node_id_t node);

/* sim_check.c */
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_check_step(struct sim *s, struct sim_node *n, const struct core_event *ev,
		    const enum lease_role *before, const struct epoch *epoch_before);
void sim_check_action(struct sim *s, struct sim_node *n, const struct plan_action *a);
void sim_check_told(struct sim_node *n, const struct core_event *ev);
void sim_check_releasing(struct sim *s, struct sim_node *n, const struct core_event *ev, group_index_t group);
/* The moment before it gets this deadline. */
void sim_check_opening(struct sim *s, struct sim_node *n, group_index_t group, boot_t deadline);
void sim_check_gate(struct sim *s, struct sim_node *n, group_index_t group, bool was_open);
void sim_check_shut(struct sim *s, struct sim_node *n, group_index_t group);
void sim_check_rest(struct sim *s, struct sim_node *n);
void sim_check_life_over(struct sim *s, struct sim_node *n);
void sim_check_delivered(struct sim *s, struct sim_node *n, const struct core_command *cmd);

/* sim_settle.c */
bool sim_same_intent(const struct core_intent *a, const struct core_intent *b);
bool sim_check_beyond_help(const struct sim *s);
bool sim_check_answered(const struct sim *s);
bool sim_check_settled(struct sim *s, char *ret_why, size_t size);
void sim_check_end(struct sim *s);

/* sim_equal.c */
bool sim_plans_equal(const struct core_plan *a, const struct core_plan *b);

/* sim_fault.c */
void sim_fault_init(struct sim *s);
void sim_fault_next(struct sim *s);
void sim_fault_heal(struct sim *s);

/* sim_uplinks.c */
void sim_uplinks_config(struct sim *s);
void sim_uplinks_init(struct sim *s, struct sim_node *n);
void sim_uplink_set(struct sim *s, struct sim_node *n, int i, enum uplink_class class);
/* In facts that were made earlier: the uplinks as they are. */
void sim_uplinks_now(const struct sim_node *n, struct node_facts *facts);
void sim_uplinks_power(struct sim *s, struct sim_node *n);
void sim_uplink_event(struct sim *s, const struct sim_event *e);
void sim_uplinks_fault(struct sim *s);
void sim_uplinks_heal(struct sim *s);
bool sim_uplinks_settled(const struct sim *s, group_index_t g, node_id_t holder);
void sim_uplinks_told(struct sim *s, struct sim_node *n, const struct core_event *ev);
void sim_check_uplink_move(struct sim *s, struct sim_node *n, group_index_t g, node_id_t to);
void sim_check_failback(struct sim *s, struct sim_node *n, group_index_t g, node_id_t to);

/* sim_trace.c */
void sim_trace(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_trace_action(struct sim *s, struct sim_node *n, const struct plan_action *a);
void sim_trace_state(struct sim *s);
const char *sim_name(const struct sim *s, node_id_t n);

#endif
