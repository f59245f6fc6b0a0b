/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What bounds one search. Times are in units; in one tick of the search every gate clock runs `boot_units`
 * and every voter clock `raw_units`.
 */
#ifndef RK_SEARCH_CONFIG_H
#define RK_SEARCH_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "ids.h"

#define SEARCH_PREFIX_MAX 16

struct search_config {
	const char *name;
	int nodes;		     /* ids 1..nodes */
	int candidates;		     /* ids 1..candidates */
	node_set_t old_set, new_set; /* new_set != 0: the voters change, driven by node `nodes` */
	int epochs;		     /* counters 1..epochs */
	int lease, guard, hold, pulse;
	int boot_units, raw_units;
	bool drift;	/* instead: each clock 2 or 3 units a tick, chosen anew per node and tick */
	bool successor; /* hand-overs reserve for the next candidate */
	bool micro;	/* actions of a plan are done one by one, anything may come between two */
	int crashes;	/* power failures: kernel and tmpfs lost, disk kept */
	int disk_losses;
	int restarts;	   /* of an agent: gate and promise file stay */
	node_set_t faulty; /* only these fail; 0: all may */
	int raises;
	bool stubborn; /* nobody lets go or gives up: leases and promises only run out */
	bool fresh;    /* a REQUEST that is older than L is lost */
	bool wake;     /* a node may find that it stood still */
	bool causes;   /* what a takeover says of its cause is part of the state and checked (I2) */
	bool healthy;  /* node 1 and the last node are healthy and hear each other: I4 */
	int shots;     /* two voters: each may shoot the other, so many times in all */
	bool alone;    /* two voters: the absence of the other counts as its vote */
	int silence, keep, gateway, other; /* units: lease_timing, how long answers and claims count */
	int toggles;			   /* links, service network and gateways break or heal so often */
	bool only_gates; /* check I1 alone: mutants whose first violation would be another */
	uint64_t states_max;
	/* Where the search begins: each step is the first possible one of this node and enum local_event_type
	 * (node 0: time). For violations that are too deep to be reached from the start. */
	struct search_step {
		uint8_t node, event;
	} prefix[SEARCH_PREFIX_MAX];
};

#endif
