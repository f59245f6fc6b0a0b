/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One node as the search sees it: its real struct lease and struct voters, the kernel's deadline, the promise
 * file, the disk, and what of a plan is still to be done. A local state is kept in a small canonical form
 * (times relative to now, request ids renamed, what is past and cannot matter again cleared) under a number.
 * local_step() expands it, runs the production code for one event and gives the next number; each pair of
 * state and event runs it once, so that the search over whole clusters only combines numbers.
 */
#ifndef RK_SEARCH_LOCAL_H
#define RK_SEARCH_LOCAL_H

#include "lease.h"
#include "lease_rule.h"
#include "search_config.h"

#define SEARCH_NODES_MAX 4
#define SEARCH_IDS_MAX	 7 /* remembered and not older than L, at one node; 0 = older */

enum local_event_type {
	LOCAL_TIME = 1,	 /* a: units of boot, b: of raw */
	LOCAL_TIMER,	 /* lease_tick() */
	LOCAL_ASK,	 /* a: the epoch counter that views lead to; all voters are said to be free */
	LOCAL_HAND_OVER, /* a: successor */
	LOCAL_RAISE,	 /* a: counter of the hi in a refusal */
	LOCAL_WAKE,
	LOCAL_REQUEST, /* a: from, b: counter, c: version */
	LOCAL_GRANT,   /* a: from, b: counter, c: id */
	LOCAL_RELEASE, /* a: from, b: counter, c: successor */
	LOCAL_UNASKED, /* a: from. A grant that nobody asked for: only a mutant sends one */
	LOCAL_EXECUTE, /* the next action of the plan */
	LOCAL_RESTART, /* the agent ends and a new one starts */
	LOCAL_CRASH,   /* a: disk lost too */
	LOCAL_BOOT,
	LOCAL_RESERVE,	  /* the ceiling that was needed is durable */
	LOCAL_TOLD,	  /* a: from, b: version, c: hi, d: flags of the view */
	LOCAL_SET_CHANGE, /* begin the change of voters */
	LOCAL_SET_TICK,
	LOCAL_SET_PROPOSE, /* a: from, b: version, c: hi, d: joint */
	LOCAL_SET_ACK,	   /* a: from, b: version, c: hi */
	LOCAL_SHOOT,	   /* two voters: "off" is on its way to the other one's device */
	LOCAL_QUERY,	   /* the status after it is asked for */
	LOCAL_OFF,	   /* the device says off */
	LOCAL_PROOF,	   /* the lease is told */
	LOCAL_FORGET,	   /* a proof, or what was to become one, is given up */
	LOCAL_ALIVE,	   /* a: the other one's pulse is heard */
	LOCAL_HELLO,	   /* a: from, b: hi in its answer */
	LOCAL_FREEZE,	   /* its machine is stopped with all its memory */
	LOCAL_THAW,
	LOCAL_HEARD, /* a: from, b: counter of the tenure that its pulse tells, or 0, c: mute */
	LOCAL_LAN,   /* a: a gateway answers, b: 1 another speaks for the address, 2 another asks for it */
};

struct local_event {
	uint8_t type, a, b, c, d;
};

/* What a step sent. hi is coded by local_hi_code(). */
struct local_out {
	uint8_t type; /* enum lease_msg_type; LEASE_GRANT with counter 0 = unasked */
	uint8_t to;   /* 0 = all voters of the version */
	uint8_t counter;
	uint8_t id; /* REQUEST */
	uint8_t version;
	uint8_t successor;
	uint8_t hi;
	uint8_t joint;
};

#define LOCAL_OUTS_MAX 6

struct local_result {
	uint32_t next;
	uint8_t outs_count;
	bool opened;	       /* the kernel got a deadline ahead */
	bool ended;	       /* a tenure ended */
	bool released;	       /* ... by a hand-over */
	bool won;	       /* a tenure began */
	bool same_ids;	       /* id_map is the identity */
	uint8_t epoch;	       /* counter of the tenure, if opened or won */
	uint8_t cause, former; /* of a takeover */
	uint8_t id_map[SEARCH_IDS_MAX + 1];
	struct local_out out[LOCAL_OUTS_MAX];
};

/* What the cluster must know of a local state without expanding it. */
struct local_facts {
	bool up, open, busy; /* busy: actions of a plan are left */
	bool hi_unknown, needs_ceiling, renew_due;
	bool grant_pending; /* busy with a GRANT to grant_to */
	uint8_t grant_to;
	uint8_t role;
	uint8_t bid; /* counter that is asked with, 0 if idle */
	uint8_t hi_c, hi_n;
	uint8_t promise_to, promise_c;
	uint8_t dead[SEARCH_NODES_MAX + 1];
	uint8_t ids; /* live ids 1..ids */
	uint8_t newest[SEARCH_NODES_MAX + 1];
	uint8_t version;
	bool joint, driving;
	uint8_t acked;
	uint8_t d_left;
	bool met, frozen;
	uint8_t shot; /* enum local_shot */
	bool proof;
	bool mute;
	bool asks;	 /* it has not heard the other for a while, and asks the service network */
	uint8_t holds_c; /* counter of the tenure that its pulse tells, or 0 */
};

enum local_shot { SHOT_NONE, SHOT_SENT, SHOT_QUERIED, SHOT_OFF };

void local_begin(const struct search_config *config);
void local_end(void);
/* The state of node n at the start of a search. */
uint32_t local_initial(node_id_t n);
/* Valid until the next step. */
const struct local_facts *local_facts(uint32_t id);
/* The result stays valid until local_end(). */
const struct local_result *local_step(uint32_t id, struct local_event ev);
/* For runs outside the search: the state as the real structs, all times multiplied. */
void local_expand(uint32_t id, int scale, struct lease *ret, boot_t *ret_gate, struct instant now,
		  uint64_t process);
struct lease_timing local_timing(int scale);
struct voter_set local_voter_set(uint8_t version, bool joint);
uint64_t local_count(void);
uint64_t local_steps_run(void);

/* epochs as one byte: 0 = none, else counter * 64 + node, capped */
static inline uint8_t local_hi_code(uint8_t c, uint8_t n)
{
	return c == 0 ? 0 : (uint8_t)(c << 3 | (n > 7 ? 7 : n));
}

#endif
