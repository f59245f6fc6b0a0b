/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state machine of a virtual router (RFC 9568 section 6), for mode `native`: what has happened -> what is
 * to be sent, announced and opened. Pure: time comes in with the event, what is to be done goes out as data.
 *
 * One machine may stand for several virtual routers with one fate (a sync group: both address families,
 * several groups): each member has an Active_Down_Timer of its own; all are Active together, once the timers
 * of all have fired, and none is as soon as one of them hears a better Active. With one member it is the
 * RFC's machine.
 *
 * The gate's deadline comes from here too: three of our intervals after an advertisement left, less the error
 * of the clock, which is before any Backup's Active_Down_Timer can fire. So an agent that is killed or hangs
 * is silent before its successor speaks. And it opens a moment (at most 20 ms) after a new Active's first
 * advertisement, so that who has to give way has done so.
 */
#ifndef RK_VRRP_FSM_H
#define RK_VRRP_FSM_H

#include "clock.h"
#include "ip_address.h"

#define VRRP_MEMBERS_MAX 32 /* both families of all groups */

enum vrrp_state { VRRP_INITIALIZE, VRRP_BACKUP, VRRP_ACTIVE };

enum vrrp_cause {
	VRRP_CAUSE_NONE,
	VRRP_CAUSE_STARTUP,
	VRRP_CAUSE_SHUTDOWN,   /* stop, standby or a fault: the caller knows which */
	VRRP_CAUSE_DOWN_TIMER, /* the Active was not heard any more */
	VRRP_CAUSE_RELEASE,    /* the Active resigned: priority 0 */
	VRRP_CAUSE_PREEMPT,    /* the Active has a lower priority */
	VRRP_CAUSE_OWNER,      /* priority 255 */
	VRRP_CAUSE_BETTER,     /* a better advertisement was heard */
	VRRP_CAUSE_STANDSTILL, /* our own deadline had passed before we could send again */
	VRRP_CAUSE_YIELD,      /* an operator's switchover */
	VRRP_CAUSE_ADOPTED,    /* restart of the agent: the open gate goes on */
	VRRP_CAUSE_UNSENT,     /* became Active, but its advertisements could not be sent */
	VRRP_CAUSES_COUNT
};

struct vrrp_fsm_config {
	uint8_t version;	  /* 2: fixed interval in whole seconds, skew in seconds; 3 */
	uint8_t priority;	  /* configured; 255 = address owner */
	int64_t advert_ns;	  /* Advertisement_Interval */
	bool preempt;		  /* Preempt_Mode */
	int64_t preempt_delay_ns; /* a lower Active is left alone for so long after it was first heard */
	uint32_t clock_error_ppm; /* worst rate error of the gate's clock */
	uint8_t members_count;
};

struct vrrp_fsm_member {
	struct ip_address own;	  /* primary address, decides between equal priorities; family 0: not known */
	int64_t active_advert_ns; /* Active_Adver_Interval */
	boot_t down_at;		  /* Active_Down_Timer */
	bool released;		  /* the latest advertisement heard had priority 0 */
	bool preempting;	  /* down_at was brought forward: a lower Active is there */
	/* of the Active that was heard latest, for status */
	boot_t heard_at; /* {0}: never */
	uint8_t heard_priority;
	struct ip_address heard_from;
};

struct vrrp_fsm {
	struct vrrp_fsm_config config;
	enum vrrp_state state;
	uint8_t priority;   /* in force: the configured one less what tracking takes */
	bool yielded;	    /* by an operator: no preemption until the others are gone */
	boot_t active_at;   /* ACTIVE since */
	boot_t adver_at;    /* Adver_Timer */
	boot_t lower_since; /* preempt delay: a lower Active has been heard since; {0}: no */
	boot_t deadline;    /* of the gate, as far as adverts have left; {0}: shut */
	boot_t open_at; /* the gate opens then, a little after the first advert has left; {0}: it is open */
	boot_t advertised_at; /* latest advertisement; one in answer to another is at least 10 ms later */
	boot_t announce_from; /* an announcement in answer to another's advertisement: one a second */
	struct vrrp_fsm_member member[VRRP_MEMBERS_MAX];
};

enum vrrp_event_type {
	VRRP_EVENT_STARTUP,  /* INITIALIZE -> BACKUP or ACTIVE; deadline: what the gate held, for adoption */
	VRRP_EVENT_SHUTDOWN, /* -> INITIALIZE */
	VRRP_EVENT_TICK,     /* vrrp_fsm_next() has come, or any other time. READ WHAT HAS COME FIRST: a
			      * process that stood still finds its timer due and the adverts of the Active in
			      * its sockets */
	VRRP_EVENT_ADVERT,   /* a good advertisement, not our own, of the member's VRID and family; of
			      * several, in the order of the members */
	VRRP_EVENT_PRIORITY, /* priority in force has changed, 1..255 */
	VRRP_EVENT_YIELD,    /* ACTIVE -> BACKUP, and not back while another is there */
	VRRP_EVENT_SENT,     /* every member's advertisement of the plan at `sent_at` has left */
};

struct vrrp_event {
	enum vrrp_event_type type;
	boot_t at;
	uint8_t member; /* ADVERT */
	union {
		struct {
			uint8_t priority;
			int64_t interval_ns;
			struct ip_address from;
		} advert;
		uint8_t priority;
		boot_t deadline; /* STARTUP */
		boot_t sent_at;	 /* SENT: `at` of the event whose plan said send, read before the sending */
	};
};

/* To be carried out in this order. */
struct vrrp_plan {
	bool gate_shut;	      /* at once, before anything else */
	boot_t gate_deadline; /* not {0}: open until then (VRRP_EVENT_SENT, TICK, adoption) */
	bool changed;	      /* of state: from -> to, for this cause */
	enum vrrp_state from, to;
	enum vrrp_cause cause;
	bool send; /* one advertisement for each member, in their order, with send_priority; then
		    * VRRP_EVENT_SENT if all left. A change to INITIALIZE or BACKUP sends priority 0: no
		    * answer is expected */
	uint8_t send_priority;
	bool announce; /* gratuitous ARP / unsolicited NA for every address. A new Active's comes with the
			* opening of its gate: before that the gate would hold it back */
};

void vrrp_fsm_init(struct vrrp_fsm *f, const struct vrrp_fsm_config *config);
/* A reload: what is running goes on. */
void vrrp_fsm_configure(struct vrrp_fsm *f, const struct vrrp_fsm_config *config);
/* Also while running: the primary address of a member's interface has changed. */
void vrrp_fsm_own(struct vrrp_fsm *f, uint8_t member, const struct ip_address *own);
/* ret_plan is emptied first. */
void vrrp_fsm_step(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *ret_plan);
boot_t vrrp_fsm_next(const struct vrrp_fsm *f);

/* Skew_Time and Active_Down_Interval of a member, in ns. */
int64_t vrrp_fsm_skew_ns(const struct vrrp_fsm *f, uint8_t member);
int64_t vrrp_fsm_down_ns(const struct vrrp_fsm *f, uint8_t member);
/* How long the gate stays open after an advertisement left. */
int64_t vrrp_fsm_open_ns(const struct vrrp_fsm *f);

const char *vrrp_state_name(enum vrrp_state s); /* "initialize", "backup", "active" */
const char *vrrp_cause_name(enum vrrp_cause c);

#endif
