/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lease of one group at one node: its voter and its candidate / holder (the rules: docs/ARCHITECTURE.md
 * "The lease"). Pure: time comes in, plan actions go out. It does not know why a node should or should not
 * ask; placement does and says so through lease_want().
 *
 * Diskless leases after PaxosLease (Trencseni, Gazso, Reinhardt 2012), with request ids, epochs,
 * reservations, an absolute deadline and a joint change of voters.
 */
#ifndef RK_LEASE_H
#define RK_LEASE_H

#include "plan.h"
#include "voters.h"

struct lease_timing {
	int64_t lease_ns;     /* L */
	int64_t guard_ns;     /* G; P = L + G */
	int64_t lease_max_ns; /* L_max: longer REQUESTs are refused */
	int64_t guard_max_ns; /* G_max: mute = L_max + G_max */
	int64_t pulse_ns;
	int64_t hold_ns;    /* H of a reservation, about 3 RTT + one pulse */
	int64_t rtt_ns;	    /* bound used for retries */
	int64_t keep_ns;    /* alone_votes: a holder goes on alone when the peer was silent for so long */
	int64_t silence_ns; /* ... and an idle node takes over */
};

struct lease_config {
	node_id_t self;
	group_index_t group;
	bool candidate;	  /* may hold this group at all */
	bool proof_votes; /* of two voters: a proof that the other is off counts as its vote */
	bool alone_votes; /* of two voters: the absence of the other counts as its vote (best effort) */
	uint64_t process; /* random per process, for request ids */
	struct lease_timing timing;
};

struct lease_promise {
	node_id_t node; /* NODE_NONE: none */
	struct epoch epoch;
	raw_t until;
};

struct lease_reserve {
	node_id_t node;
	raw_t until;
};

/* Two voters: the other one is proved off. Never on disk. */
struct lease_proof {
	node_id_t node; /* NODE_NONE: none */
	struct epoch
		epoch; /* the only one that it counts for; {0,0} = any, nothing was heard of the node since
			*/
};

/* What must survive a restart of the agent in the same boot (tmpfs), for one group. All zero is the memory of
 * a group that has promised nothing in this boot. `hi` is also covered by the durable ceiling. */
struct lease_memory {
	struct epoch hi;
	bool hi_unknown;  /* see struct lease_voter */
	raw_t mute_until; /* a restart while mute must not end the mute */
	struct lease_promise promise;
	uint64_t dead[NODE_ID_MAX + 1]; /* counter of dead[candidate]'s highest dead epoch */
	struct lease_proof proof;
	node_set_t met; /* voters that answered this node's hello in this boot */
};

struct lease_voter {
	/* Highest epoch granted. A candidate that is no voter notes its own epochs here before it uses them:
	 * its numbers are kept in the same way. */
	struct epoch hi;
	bool hi_unknown;    /* the disk was lost, or a new voter: no vote until hi_told has N-M+1 others */
	node_set_t hi_told; /* voters that told their hi since */
	raw_t mute_until;
	struct lease_promise promise;
	struct lease_reserve reserve;
	bool promised_since_query; /* the promise was made, or renewed, after the latest status query was sent
				    */
	uint64_t dead[NODE_ID_MAX + 1];
};

enum lease_role { LEASE_IDLE, LEASE_ASKING, LEASE_HOLDING };

#define LEASE_IDS_REMEMBERED 8

struct lease_sent {
	uint64_t counter; /* 0 = unused */
	boot_t at;	  /* t(id): BOOTTIME read before anything was sent */
};

/* What a peer said last, out of its pulse, its refusal or its release. Times in it count down from `at`. */
struct lease_peer {
	boot_t at; /* {0} = never */
	bool hears_me;
	struct lease_view view;
};

/* A RELEASE that is repeated until every voter acknowledged it or P has passed. */
struct lease_release {
	struct epoch epoch; /* {0,0} = nothing to repeat */
	node_id_t successor;
	node_set_t unacked;
	boot_t until;
	boot_t next;
};

/* The latest tenure this node knows of, to tell release from expiry. */
struct lease_former {
	node_id_t node;
	struct epoch epoch;
	bool released;
};

/* What the service network says of one group, by this node's own questions. */
struct lease_lan {
	boot_t gateway_until; /* enough gateways have answered; good until then */
	bool quiet;	      /* the addresses are asked for, and nobody answers ... */
	raw_t quiet_since;    /* ... since the first question of an unbroken row */
	boot_t quiet_until;   /* ... if the next one is asked before this */
	boot_t other_until;   /* another speaks for an address; believed until then */
};

/* Two voters and nothing else. In memory only. */
struct lease_alone {
	raw_t heard_at;	   /* of the peer, on any link, or the start of this agent */
	bool gone;	   /* corosync does not see it */
	bool rejoined;	   /* corosync saw it come back, and no pulse of it was heard since */
	int64_t silent_ns; /* how long the latest silence was that has ended */
	bool told;	   /* ... and that both held in it was told */
	struct lease_lan lan;
};

struct lease {
	struct lease_config config;
	struct lease_voter voter;
	struct voter_set voters;
	struct lease_alone alone;
	struct lease_proof proof;
	bool queried; /* a status query is out, and nothing was heard of the peer since it was sent */
	node_set_t met;
	bool unsaved;	  /* what is written is older than proof and met */
	uint64_t ceiling; /* durable: no counter above it is used or granted */
	enum lease_role role;
	struct epoch epoch;	    /* of this attempt or tenure; kept after its end */
	enum core_cause last_cause; /* of the latest takeover: vacant, release, lease expired, adopted */
	node_id_t last_holder;	    /* before the latest takeover */
	boot_t asked_at;	    /* when the latest attempt began */
	boot_t won_at;		    /* when the latest tenure began */
	/* private to lease_*.c from here on */
	struct epoch raising;  /* holder asking with a new epoch; {0,0} = not */
	boot_t deadline;       /* D; {0} = shut */
	uint64_t next_counter; /* request ids */
	struct lease_sent sent[LEASE_IDS_REMEMBERED];
	uint64_t newest[NODE_ID_MAX + 1]; /* newest id granted, by voter */
	struct epoch heard_hi;		  /* highest hi that others told */
	uint64_t counter_needed;	  /* a counter that was refused or not used because of the ceiling */
	bool want;
	uint8_t rank;
	uint8_t place;
	boot_t next_ask;   /* not before: the wait after an attempt that failed */
	boot_t next_renew; /* next REQUEST of this attempt or tenure */
	struct lease_peer peer[NODE_ID_MAX + 1];
	struct lease_release release;
	struct lease_former former;
	node_id_t promised_before; /* whom the own voter was promised to before this attempt */
};

/* memory NULL = lost: mute, and hi := the highest epoch that the ceiling covers. disk_lost: the epoch ceiling
 * file was missing. */
void lease_init(struct lease *l, const struct lease_config *config, const struct voter_set *voters,
		const struct lease_memory *memory, uint64_t ceiling, bool disk_lost, struct instant now);
/* The deadline array survived a former agent: adopt if D > now and the promise to myself is unexpired, else
 * shut. */
void lease_adopt(struct lease *l, boot_t deadline, struct instant now, struct core_plan *plan);
void lease_memory_get(const struct lease *l, struct lease_memory *ret);

/* A higher ceiling is durable. */
void lease_ceiling_set(struct lease *l, uint64_t ceiling);
/* The highest counter this group has seen or needs: keep the ceiling well above it. */
uint64_t lease_counter_needed(const struct lease *l);
/* A new voter set is durable and in force; floor: what hi must be at least. D runs on, ids are forgotten. */
void lease_voters_set(struct lease *l, const struct voter_set *voters, struct epoch floor, struct instant now,
		      struct core_plan *plan);

/* Placement's wish: ask when free (rank = position among the eligible, 0 first), or do not. Never gives up a
 * tenure. */
void lease_want(struct lease *l, bool want, uint8_t rank, struct instant now, struct core_plan *plan);
/* Position among the eligible candidates in reach, 0 first: a first attempt waits place x RTT after the
 * voters are free, so that the best candidate meets no rival. 0 if never called. */
void lease_place(struct lease *l, uint8_t place);
/* An authenticated, fresh message addressed to this node. */
void lease_receive(struct lease *l, const struct lease_msg *msg, struct instant now, struct core_plan *plan);
/* A peer's view of this group out of its pulse. */
void lease_peer_view(struct lease *l, node_id_t from, const struct lease_view *view, bool hears_me,
		     struct instant now, struct core_plan *plan);
/* Time has passed: renew, lapse, retry, repeat RELEASE. */
void lease_tick(struct lease *l, struct instant now, struct core_plan *plan);
/* When lease_tick() wants to be called next; BOOT_NEVER if not. */
boot_t lease_next(const struct lease *l, struct instant now);
/* Shut, forget ids, RELEASE (reserving for successor, or NODE_NONE). Also ends an attempt. */
void lease_hand_over(struct lease *l, node_id_t successor, struct instant now, struct core_plan *plan);
/* We stood still for longer than the bound: D = 0 first, forget ids, tenure over. */
void lease_wake(struct lease *l, struct instant now, struct core_plan *plan);
/* PLAN_SAVE_VOTER failed: nothing of that plan left. */
void lease_save_failed(struct lease *l, struct instant now, struct core_plan *plan);

/* ---- two voters and a power switch: the proof that the peer is off counts as its vote ---- */

/* A status query whose answer may become a proof is about to be sent. */
void lease_fence_query(struct lease *l);
/* The answer to the latest such query is "off", for peer. */
void lease_fence_proof(struct lease *l, node_id_t peer, struct instant now, struct core_plan *plan);
/* It is not believed any more. */
void lease_fence_drop(struct lease *l, struct instant now, struct core_plan *plan);
/* Any sign of life of a peer, before this node says anything more: a proof is then good for the epoch that
 * this node had voted for, or for nothing. */
void lease_peer_alive(struct lease *l, node_id_t from, struct instant now, struct core_plan *plan);

/* ---- two voters, nothing else, and nothing that can turn one off: absence counts as a vote ---- */

/* A pulse of the peer that proves no session: it lives, or did when this agent ran already. */
void lease_hello(struct lease *l, node_id_t from, struct instant now, struct core_plan *plan);
void lease_lan(struct lease *l, const struct lease_lan *lan, struct instant now, struct core_plan *plan);
/* Corosync sees the peer, or does not. */
void lease_member(struct lease *l, node_id_t node, bool here);
/* Whom absence stands for now: the peer, or nobody. */
node_set_t lease_alone_yes(const struct lease *l, struct instant now);
bool lease_alone_mode(const struct lease *l);
bool lease_alone_gateway(const struct lease *l, struct instant now);
/* The peer was heard to hold at `holds` while this node does: for how long both did, at most; 0 if they did
 * not, or it was told before. */
int64_t lease_alone_overlap(struct lease *l, struct epoch holds, boot_t won_at, struct instant now);
/* Why a tenure that nobody ended has run out. */
enum core_cause lease_alone_lapse_cause(const struct lease *l, struct instant now);

/* A voter that says that it cannot vote now, so that it cannot win either: nobody wins without its own vote.
 */
bool lease_peer_mute(const struct lease *l, node_id_t peer);
struct lease_view lease_view_get(const struct lease *l, struct instant now);
static inline bool lease_holds(const struct lease *l)
{
	return l->role == LEASE_HOLDING;
}
/* True if a majority of voters, as far as we hear, is in reach (for status and for the pre-check). */
bool lease_majority_reachable(const struct lease *l, struct instant now);
#endif
