/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who votes: the majority rule of a voter set, and its change OLD -> JOINT -> NEW, one for the whole node. It
 * never answers before a set is durable, and never issues NEW before both majorities hold JOINT durably and
 * every promise made under OLD has run out. Every node that holds a JOINT set drives it to its end, so a
 * change outlives the node that began it; two that drive do the same thing.
 */
#ifndef RK_VOTERS_H
#define RK_VOTERS_H

#include "plan.h"

struct voters {
	node_id_t self;
	int64_t promise_ns; /* longest promise: L_max + G_max */
	int64_t pulse_ns;
	struct voter_set set; /* in force, durable */
	struct epoch floor;   /* what hi must be at least under `set` */
	/* private to voters.c from here on */
	struct voter_set taking; /* being made durable; version 0 = none */
	struct epoch taking_floor;
	node_id_t taking_from; /* whom to tell when it is durable */
	node_set_t acked; /* of a JOINT set: who has it durably; of a NEW one: who need not be told again */
	struct epoch acked_hi; /* highest hi of these */
	bool majorities;       /* both majorities have acknowledged ... */
	raw_t majorities_at;   /* ... since then */
	boot_t next;	       /* next repeat of the proposal */
};

/* Counts `yes` by the rule of the set: STABLE its majority, JOINT both majorities. */
bool voter_set_majority(const struct voter_set *v, node_set_t yes);
/* How many of `set` are a majority. */
int voter_set_majority_size(node_set_t set);
static inline node_set_t voter_set_all(const struct voter_set *v)
{
	return v->old_set | v->new_set;
}

/* What this node's leases say about themselves, over all groups. */
struct voters_own {
	bool hi_known;
	struct epoch hi;  /* the highest */
	uint64_t ceiling; /* durable */
};

void voters_init(struct voters *v, node_id_t self, const struct voter_set *set, int64_t promise_ns,
		 int64_t pulse_ns);
/* Begins a change: JOINT is made durable here first. False if a change is under way or there is nothing to
 * change. */
bool voters_change(struct voters *v, node_set_t new_set, struct core_plan *plan);
/* LEASE_VSET_PROPOSE and LEASE_VSET_ACK. A floor above the ceiling is not taken yet: the return value is the
 * counter that the ceiling must reach, else 0. */
uint64_t voters_receive(struct voters *v, const struct lease_msg *msg, const struct voters_own *own,
			struct core_plan *plan);
/* CORE_VOTERS_SAVED. True if `set` is now in force: the caller gives v->set and v->floor to every lease
 * (lease_voters_set()) FIRST, then calls voters_acknowledge(). */
bool voters_saved(struct voters *v, const struct voter_set *set);
void voters_acknowledge(struct voters *v, const struct voters_own *own, struct core_plan *plan);
/* A peer's pulse said its version (view of group 0): one that is behind is told. */
void voters_peer_version(struct voters *v, node_id_t from, uint32_t version, const struct voters_own *own,
			 struct core_plan *plan);
/* Repeats the proposal of JOINT, issues NEW. */
void voters_tick(struct voters *v, const struct voters_own *own, struct instant now, struct core_plan *plan);
boot_t voters_next(const struct voters *v, struct instant now);

#endif
