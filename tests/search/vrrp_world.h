/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two or three virtual routers on one LAN in bounded, discrete time: the state machines as they ship, the
 * gates of their kernels, the advertisements under way, and what is left of the faults.
 *
 * A tick is a quarter of an interval, so that priorities 192, 128 and 64 have a Skew_Time of 1, 2 and 3
 * ticks. Within a tick everything that is due happens, in every order: a timer fires, an advertisement
 * arrives. So a packet takes less than a Skew_Time, unless it is delayed, which is a fault.
 */
#ifndef RK_SEARCH_VRRP_WORLD_H
#define RK_SEARCH_VRRP_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#define VRRP_WORLD_ROUTERS 3
#define VRRP_WORLD_MEMBERS 2
#define VRRP_WORLD_WIRES   9 /* under way to one router, or in its socket */
#define VRRP_WORLD_TICKS   4 /* per interval */

enum vrrp_fault {
	VRRP_FAULT_LOSS,
	VRRP_FAULT_DELAY, /* of one advertisement, by a tick */
	VRRP_FAULT_KILL,  /* of an agent: the gate stays as it is, and shuts in time */
	VRRP_FAULT_FREEZE,
	VRRP_FAULT_STALL, /* freeze in the middle of a step: before or after its adverts have left */
	VRRP_FAULT_CUT,	  /* one router from the others; nobody is told */
	VRRP_FAULT_PRIORITY,
	VRRP_FAULT_YIELD,
	VRRP_FAULT_STOP,
	VRRP_FAULT_MUTE, /* adverts of the second member (of the only one) cannot be sent */
	VRRP_FAULTS_COUNT
};

struct vrrp_search_config {
	const char *name;
	uint8_t routers, members;
	uint8_t priority[VRRP_WORLD_ROUTERS];
	uint8_t changed[VRRP_WORLD_ROUTERS];  /* what VRRP_FAULT_PRIORITY makes of it; 0: this one keeps its
						 own */
	uint8_t interval[VRRP_WORLD_ROUTERS]; /* in ticks; 0: the usual 4 */
	bool crossed; /* the second member's addresses are in the opposite order of the first's */
	bool preempt;
	uint8_t preempt_delay;		  /* in ticks */
	uint8_t alien;			  /* routers without a gate: Active is open. They do not freeze */
	uint8_t fault[VRRP_FAULTS_COUNT]; /* how many of each */
	uint8_t faulty;			  /* routers that fail; 0: all may */
	bool instant;			  /* two gates are never open; else not at the end of any tick */
	uint8_t overlap;       /* for so many ticks at a stretch they may be: the bound that is claimed */
	uint8_t settle;	       /* ticks from any state until the right one is Active, and then stays */
	uint8_t served_within; /* ticks: so soon another serves when one has resigned; 0: not checked */
	bool mute_stays;       /* who cannot send cannot do so later either: the others serve */
	uint8_t settle_every;  /* only from every so many states; 0: from each */
	uint32_t states_max;
};

struct vrrp_wire {
	uint8_t from; /* router */
	uint8_t flags;
	uint8_t priority;
	uint8_t interval;
};

struct vrrp_router_member {
	uint8_t down, advert, flags, heard_age, heard_priority, heard_from;
};

/* A machine in ticks from now, with what is equivalent made equal. */
struct vrrp_router {
	uint8_t up; /* enum vrrp_up */
	uint8_t state, priority, flags;
	uint8_t adver, lower, deadline, active_age;
	uint8_t gate;	   /* the kernel's: ticks that it stays open */
	uint8_t justified; /* ticks for which the latest advertisement that left justifies an open gate */
	uint8_t mute;
	uint8_t stalled, stalled_age, stalled_priority;
	struct vrrp_router_member member[VRRP_WORLD_MEMBERS];
	uint8_t wires;
	struct vrrp_wire wire[VRRP_WORLD_WIRES];
};

/* Compared as bytes: no padding. */
struct vrrp_world {
	struct vrrp_router router[VRRP_WORLD_ROUTERS];
	uint8_t cut;	  /* routers */
	uint8_t resigned; /* router + 1, until another's gate is open */
	uint8_t unserved; /* ticks since then */
	uint8_t both;	  /* ticks at a stretch that ended with two gates open */
	uint8_t used[VRRP_FAULTS_COUNT];
};

enum vrrp_up { VRRP_OFF, VRRP_RUNS, VRRP_FROZEN };

enum vrrp_action_type {
	VRRP_DO_TIME,
	VRRP_DO_DELIVER,
	VRRP_DO_LOSE,
	VRRP_DO_DELAY,
	VRRP_DO_TIMER,
	VRRP_DO_OPEN, /* the guard is over */
	VRRP_DO_KILL,
	VRRP_DO_START,
	VRRP_DO_FREEZE,
	VRRP_DO_THAW,
	VRRP_DO_CUT,
	VRRP_DO_HEAL,
	VRRP_DO_PRIORITY,
	VRRP_DO_YIELD,
	VRRP_DO_STOP,
	VRRP_DO_MUTE,
	VRRP_DO_SPEAK
};

enum vrrp_stall { VRRP_STALL_NONE, VRRP_STALL_BEFORE, VRRP_STALL_AFTER };

struct vrrp_action {
	uint8_t type, router, wire;
	uint8_t stall; /* enum vrrp_stall: the step does not come to its end */
};

struct vrrp_next {
	struct vrrp_world world;
	struct vrrp_action action;
	const char *violation;
};

#define VRRP_NEXT_MAX 128

/* All have started together. */
void vrrp_world_initial(struct vrrp_world *ret, const struct vrrp_search_config *c);
/* Everything that can happen next. Returns how many. */
int vrrp_world_next(const struct vrrp_world *w, struct vrrp_next ret[VRRP_NEXT_MAX]);
void vrrp_world_print(const struct vrrp_world *w, const struct vrrp_action *a);

/* The way out: the faults end, everything that is due happens. together: timers that are due at the same time
 * fire before anybody hears of it, else each waits for what the one before has sent. NULL, or what is not as
 * it should be after config->settle ticks. */
const char *vrrp_world_settle(const struct vrrp_world *w, bool together);

#endif
