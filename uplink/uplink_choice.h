/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of its uplinks a node's voice takes, and how it gets there: facts -> the first matching row -> what
 * to do, with a number and a sentence. The node decides this alone: nothing that is shared moves.
 *
 * Only grades make anything move. Preference, cost and MOS rank uplinks of the same grade. An operator's
 * `use` overrules all but the lack of a route.
 *
 * A decision to switch or drain is outstanding until uplink_choice_done() or uplink_choice_failed() says how
 * it went; nothing else is decided meanwhile.
 */
#ifndef RK_UPLINK_CHOICE_H
#define RK_UPLINK_CHOICE_H

#include "token_bucket.h"
#include "uplink_grade.h"
#include "uplink_rules.h"

#define UPLINKS_MAX 8
#define UPLINK_ANY  (-1) /* no uplink */

enum uplink_failback {
	UPLINK_FAILBACK_MANUAL, /* by hand only */
	UPLINK_FAILBACK_IDLE,	/* when no call is up */
	UPLINK_FAILBACK_DELAY,	/* so, or after max_wait with calls up */
	UPLINK_FAILBACK_WINDOW, /* as DELAY, within a time of day */
};

struct uplink_choice_policy {
	enum uplink_failback failback;
	int64_t failback_delay_ns; /* 300 s: the preferred one must have been fit for so long; twice as long
				    * each time that going back was a mistake, up to 32 times */
	int64_t max_wait_ns;	   /* 4 h */
	int64_t confirm_ns;	   /* 10 s: so long it is degraded before calls are disturbed */
	int64_t hold_ns;	   /* 3 s between two switches: detection (K * i) and a hold time */
	int64_t retry_ns;	   /* 30 s: an uplink to which a switch failed is left alone */
	int64_t budget_every_ns;   /* 300 s: one switch each, */
	uint8_t budget_burst;	   /* 6 at once */
	uint8_t budget_reserve;	   /* 2 of them are kept for an uplink that is dead */
	bool drain;		   /* degraded, not dead: live calls stay on the old uplink until they end */
};

extern const struct uplink_choice_policy uplink_choice_policy_default;

struct uplink_fact {
	enum uplink_grade grade;
	bool damped;
	bool doubted;	    /* it may have died just now: not switched to until that is clear */
	uint8_t preference; /* lower is preferred */
	bool metered;
	uint32_t cost;
	uint32_t mos_milli; /* 0: not known */
};

#define UPLINK_CALLS_UNKNOWN UINT32_MAX

struct uplink_facts {
	uint8_t count;
	struct uplink_fact uplink[UPLINKS_MAX];
	uint32_t calls; /* over the uplink in use; UPLINK_CALLS_UNKNOWN is not none */
	uint32_t calls_draining;
	bool in_window; /* failback by time of day: now is in it */
};

struct uplink_decision {
	enum uplink_action action;
	int8_t from, to; /* UPLINK_ANY: none */
	uint16_t rule;
	const char *why;
	bool alarm;	 /* a person should look */
	boot_t again_at; /* ask again by then, or when a fact changes; BOOT_NEVER */
};

struct uplink_choice {
	const struct uplink_choice_policy *policy; /* borrowed */
	int8_t active;				   /* UPLINK_ANY: none yet */
	int8_t draining;			   /* the one that live calls are still on */
	int8_t pinned;				   /* by an operator */
	int8_t moving_to;			   /* a decision is outstanding */
	enum uplink_action moving;
	boot_t switched_at; /* {0}: never */
	boot_t worse_since; /* degraded, with a better one there; {0}: no */
	boot_t back_since;  /* back_to has been fit and preferred since */
	boot_t returned_at; /* of the latest failback; {0}: none, or it was long right */
	uint8_t back_shift; /* the delay is doubled so often */
	bool returning;	    /* the outstanding decision is a failback */
	int8_t back_to;
	boot_t barred_until[UPLINKS_MAX];
	struct token_bucket budget;
};

/* active: what the kernel is found to use (adopted), UPLINK_ANY if nothing. */
void uplink_choice_init(struct uplink_choice *c, const struct uplink_choice_policy *policy, int8_t active,
			boot_t now);
/* An operator's `use`; UPLINK_ANY: `auto`. */
void uplink_choice_pin(struct uplink_choice *c, int8_t uplink);
/* What to do now. Asking changes only timers, and the budget when an automatic switch is decided. */
void uplink_choice_step(struct uplink_choice *c, const struct uplink_facts *f, boot_t now,
			struct uplink_decision *ret);
/* For people: why voice does not take that uplink; NULL: it does. */
const char *uplink_choice_not(const struct uplink_choice *c, const struct uplink_facts *f, int8_t uplink,
			      boot_t now);
/* The outstanding decision is carried out and verified. */
void uplink_choice_done(struct uplink_choice *c, boot_t now);
/* ... or was undone: its target is left alone for a while. */
void uplink_choice_failed(struct uplink_choice *c, boot_t now);

#endif
