/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides which lost node is shot, with which device, and what counts as a proof that it is off. One
 * operation per target in the whole cluster: orders travel over CPG in one order, the first one starts an
 * operation, a later one joins it, and only the node that the operation names asks devices for anything.
 * Pure: time and what is known come in, plan actions go out.
 *
 * A proof is four things together: the device took the shot, a status call sent after it said "off" exactly,
 * the target is heard neither by corosync nor by pulses, and the same device said "on" of this node while it
 * was alive. What exit code 2 is worth alone: many agents end with it when they are used wrongly.
 */
#ifndef RK_FENCE_H
#define RK_FENCE_H

#include "fence_types.h"
#include "plan.h"

/* The device must have said "on" within this time before the target was lost. */
#define FENCE_PROVED_NS_MAX (24 * 3600 * NS_PER_S)
/* A target that failed to be shot is shot again after so long, if it is still lost. */
#define FENCE_RETRY_NS (60 * NS_PER_S)
/* An armed watchdog of T counts after max(2 T, T + this). */
#define FENCE_WATCHDOG_MARGIN_NS (3 * NS_PER_S)
/* Two nodes: the idle one waits so long at least before it shoots. */
#define FENCE_DELAY_NS_MIN (3 * NS_PER_S)
/* The others call an operation unknown so long after its total time, if its owner has not ended it. */
#define FENCE_SLACK_NS (5 * NS_PER_S)

/* What a device has said of a node that was alive. */
struct fence_watch {
	boot_t on_at; /* {0} = never */
	boot_t due;
	uint32_t seq; /* call in flight, 0 = none */
	bool failing; /* the latest one did not say "on" */
};

/* What is kept over a restart of the agent, within a boot. */
struct fence_memory {
	int64_t off_ns_max; /* measured */
	int64_t status_ns_max;
	boot_t on_at[FENCE_DEVICES_MAX][NODE_ID_MAX + 1]; /* the device said "on"; {0} = never, or it lied */
};

enum fence_phase { FENCE_PHASE_NONE, FENCE_PHASE_OFF, FENCE_PHASE_STATUS, FENCE_PHASE_GONE, FENCE_PHASE_ON };

struct fence_target {
	enum fence_state state;
	boot_t since;
	bool member;	 /* its heartbeats come */
	bool seen;	 /* ... or came, since this agent began */
	bool lost;	 /* corosync lost the node; one that said goodbye is not lost */
	uint64_t boot;	 /* as its heartbeats said last; 0 = never seen */
	uint64_t pulses; /* incarnation of its latest pulse */
	boot_t lost_at;
	int64_t watchdog_ns; /* armed, as it said in this boot; 0 = not */
	/* the operation, the latest one too */
	struct fence_operation op;
	boot_t deadline;    /* of the operation */
	boot_t asked_at;    /* this node's order is on its way; {0} = none is */
	boot_t retry_at;    /* FAILED, UNKNOWN: not again before; UNKNOWN and alive: refused until */
	uint64_t gone_boot; /* FENCED, CONFIRMED, DISPUTED: the boot that was declared dead */
	uint64_t gone_pulses;
	uint16_t lied; /* devices that said "off" of a node that lived */
	bool late;     /* a shot may still come */
	bool shot;     /* a device was asked to shoot in this operation */
	/* only at the node that shoots */
	enum fence_phase phase;
	uint8_t level;
	uint8_t index; /* of the device within the level */
	uint8_t tries;
	uint32_t seq; /* call in flight, 0 = none */
	boot_t call_until;
	boot_t until; /* end of the delay, of a watchdog, of the wait for silence */
	bool proved;  /* state FENCED or CONFIRMED is this node's own proof, for the lease */
};

struct fence {
	struct fence_config config;
	node_id_t self;
	node_set_t nodes;  /* that could be shot: all but witnesses */
	node_set_t wanted; /* of these, whom some group wants shot when it is lost */
	bool two;	   /* two votes: quorum says nothing, delays and hellos take its place */
	boot_t began;	   /* first tick */
	uint32_t next_number;
	uint32_t next_seq;
	int64_t off_ns_max; /* measured */
	int64_t status_ns_max;
	struct fence_target target[NODE_ID_MAX + 1];
	struct fence_watch watch[FENCE_DEVICES_MAX][NODE_ID_MAX + 1];
};

/* What the core knows besides. */
struct fence_world {
	boot_t now;
	bool quorate;
	bool paused;	    /* nothing automatic: a shot is by hand only */
	node_set_t heard;   /* pulses, self included */
	node_set_t holders; /* who held a group when it was last heard; self: until its lease ran out */
	node_set_t owed;    /* who held a group, as a promise of this boot says, and did not let go */
	node_set_t met;	    /* whose answer to our hello came in this boot */
};

void fence_init(struct fence *f, const struct fence_config *config, node_id_t self, node_set_t nodes,
		node_set_t wanted, bool two);

/* After fence_init(): what a former agent of this boot kept. What is too old is forgotten. */
void fence_remember(struct fence *f, const struct fence_memory *memory, boot_t now);
/* For PLAN_FENCE_SAVE. */
void fence_memory_get(const struct fence *f, struct fence_memory *ret);

/* A heartbeat of n. */
void fence_member(struct fence *f, node_id_t n, uint64_t boot, int64_t watchdog_ns,
		  const struct fence_world *w, struct core_plan *plan);
/* n is in the group of agents no more; down: corosync lost the whole node. */
void fence_left(struct fence *f, node_id_t n, bool down, const struct fence_world *w, struct core_plan *plan);
/* A pulse of n, of this incarnation. */
void fence_heard(struct fence *f, node_id_t n, uint64_t incarnation, const struct fence_world *w,
		 struct core_plan *plan);
/* In CPG order, also what this node sent itself. */
void fence_message(struct fence *f, const struct fence_msg *m, const struct fence_world *w,
		   struct core_plan *plan);
/* The end of a PLAN_FENCE_CALL. */
void fence_answered(struct fence *f, uint32_t seq, enum fence_answer answer, int64_t took_ns,
		    const struct fence_world *w, struct core_plan *plan);
/* The proof could not be used: it is made again. */
void fence_proof_void(struct fence *f, node_id_t n, boot_t now, struct core_plan *plan);
void fence_tick(struct fence *f, const struct fence_world *w, struct core_plan *plan);
boot_t fence_next(const struct fence *f, const struct fence_world *w);

/* What an operator may ask for. */
enum fence_refusal {
	FENCE_ACCEPTED,
	FENCE_REFUSED_UNKNOWN, /* not a node of the configuration, or a witness */
	FENCE_REFUSED_SELF,
	FENCE_REFUSED_NO_DEVICE,
	FENCE_REFUSED_ALIVE, /* confirm: it is heard */
	FENCE_REFUSED_NOT_QUORATE,
};
enum fence_refusal fence_check_order(const struct fence *f, node_id_t target, const struct fence_world *w);
enum fence_refusal fence_check_confirm(const struct fence *f, node_id_t target, const struct fence_world *w);
/* Sends the order. */
void fence_order_by_hand(struct fence *f, node_id_t target, const struct fence_world *w,
			 struct core_plan *plan);
void fence_confirm_by_hand(struct fence *f, node_id_t target, const struct fence_world *w,
			   struct core_plan *plan);

/* fenced or confirmed, and no life since. */
bool fence_is_off(const struct fence *f, node_id_t target);
/* It must hold nothing: being shot, shot, or a shot may still come. */
bool fence_bars(const struct fence *f, node_id_t target);
/* An operation of it runs. */
bool fence_runs(const struct fence_target *t);
/* The device said "on" of the target while it lived, not too long ago, and never lied about it. */
bool fence_device_proved(const struct fence *f, fence_device_t device, node_id_t target, boot_t now);
/* How long this node would wait before it shoots the target. */
int64_t fence_delay_ns(const struct fence *f, node_id_t target, const struct fence_world *w);

const char *fence_state_name(enum fence_state s);
const char *fence_answer_name(enum fence_answer a);
const char *fence_verb_name(enum fence_verb v);
const char *fence_refusal_text(enum fence_refusal r);

#endif
