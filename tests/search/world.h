/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A cluster: local states by number, the messages that were ever sent and can still matter (they are never
 * consumed: lost, late, again and in any order), what is left of the faults, and what the invariants must
 * remember.
 */
#ifndef RK_SEARCH_WORLD_H
#define RK_SEARCH_WORLD_H

#include "local.h"

#define WORLD_CANDIDATES_MAX 3
#define WORLD_IDS	     4 /* 0 = older than L, 1..3 live */

struct world {
	uint32_t node[SEARCH_NODES_MAX];
	uint32_t request[WORLD_CANDIDATES_MAX]
			[SEARCH_NODES_MAX]; /* by candidate and voter: epoch, id, version */
	uint16_t grant[WORLD_CANDIDATES_MAX][SEARCH_NODES_MAX];	  /* epoch, id */
	uint16_t release[WORLD_CANDIDATES_MAX][SEARCH_NODES_MAX]; /* epoch, successor */
	uint32_t set_ack;					  /* of the JOINT set, by node and its hi */
	uint8_t unasked[WORLD_CANDIDATES_MAX];			  /* by voter */
	uint8_t pending_id[SEARCH_NODES_MAX]; /* of a GRANT whose sending is still to be done */
	/* what the invariants remember */
	uint8_t held_c, held_n; /* the highest epoch a gate was opened with */
	uint8_t held_over;	/* its tenure has ended */
	uint8_t released;	/* nodes of which a tenure ended by a hand-over */
	/* faults so far */
	uint8_t crashes, disk_losses, restarts, raises, changed;
	uint8_t stale; /* nodes that lost their disk and have sent nothing since */
	/* two voters and a power switch */
	uint8_t shots;
	uint8_t cut;	  /* nodes whose power is about to go */
	uint8_t hello[2]; /* by node: 1 + hi in the answer to its hello that is on its way; 0 = none is */
	/* two voters, nothing else */
	uint8_t link;	  /* bit n-1: n hears the other */
	uint8_t gateways; /* bit n-1: n reaches one */
	uint8_t lan;	  /* the service network between them is whole */
	uint8_t toggles;
	uint8_t uncut;	  /* units since both were cut from each other and neither from its gateway */
	uint8_t both_for; /* ticks that both have heard each other */
	uint8_t queued;	  /* nodes that stand still and have something to hear when they go on */
	uint8_t spoke;	  /* nodes whose gate was open since the last tick: one question meets it */
	uint8_t zero[3];  /* states are compared as bytes: no padding */
};

_Static_assert(offsetof(struct world, zero) + 3 == sizeof(struct world), "no padding");

struct world_action {
	uint8_t node; /* 0: time passes at all nodes */
	struct local_event event;
	uint8_t id;   /* request id of a message */
	uint8_t mask; /* drift: which clocks were fast */
};

struct world_next {
	struct world world;
	struct world_action action;
	const char *violation;
};

#define WORLD_NEXT_MAX 512

void world_initial(struct world *ret, const struct search_config *c);
/* Everything that can happen next. Returns how many. */
int world_next(const struct world *w, struct world_next ret[WORLD_NEXT_MAX]);
void world_print_action(const struct world_action *a);

#endif
