/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One registration of the PBX at a carrier: when to order the PBX to make it, and when to take it back. Only
 * the holder registers; a standby's PBX is ordered off, and again whenever it says that it is, or tries to
 * be, registered. A carrier that fails is asked again later and later, one that said when is not asked
 * before, one that rejects us is nearly left alone. 423 (Interval Too Brief) is the PBX's own business.
 *
 * Pure: no clock, no I/O. Times are arguments, orders are a return value.
 */
#ifndef RK_TRUNK_H
#define RK_TRUNK_H

#include "token_bucket.h"
#include "trunk_state.h"

/* Between two orders to register, at least. */
#define TRUNK_REPEAT_NS (2 * NS_PER_S)
/* Waits after failures: the first, doubled up to the last. */
#define TRUNK_BACKOFF_NS_MIN (4 * NS_PER_S)
#define TRUNK_BACKOFF_NS_MAX (120 * NS_PER_S)
/* After a rejection, without somebody who changed something. */
#define TRUNK_REJECTED_NS (300 * NS_PER_S)
/* A PBX that took an order and says nothing. */
#define TRUNK_ANSWER_NS (10 * NS_PER_S)
/* A PBX that goes on trying: longer than a SIP transaction lasts (RFC 3261 timer F, 32 s). */
#define TRUNK_TRYING_NS (40 * NS_PER_S)
/* A new adapter reports what its PBX has; so long is waited for it before a holder registers anew. */
#define TRUNK_UNKNOWN_NS (2 * NS_PER_S)
/* A carrier's Retry-After beyond this is taken for this. */
#define TRUNK_RETRY_AFTER_NS_MAX (3600 * NS_PER_S)

enum trunk_role {
	TRUNK_STANDBY, /* the gate is shut, or may be */
	TRUNK_HOLDER,  /* the group is held and its gate is open */
	TRUNK_LEAVING, /* still so, but a planned hand-over waits for this trunk to be unregistered */
};

enum trunk_order { TRUNK_ORDER_NONE, TRUNK_ORDER_REGISTER, TRUNK_ORDER_UNREGISTER };

struct trunk {
	enum trunk_role role;
	enum trunk_state state; /* as the PBX said last */
	int status;		/* the carrier's last SIP status, 0 = none or unknown */
	boot_t since;		/* of this state */
	bool withdrawn;		/* by an operator, until he registers it again or the role changes */
	bool once;		/* the order for this role was not given yet */
	bool unheard;		/* nothing was said since the latest order */
	uint32_t tries;		/* orders since the state was last what is wanted */
	boot_t ordered_at;	/* {0}: never */
	boot_t due;		/* when the next order is wanted, BOOT_NEVER: none is */
	/* counted for whoever watches; nothing is decided by them */
	boot_t registered_at; /* when it last became registered, {0}: never */
	uint64_t registrations, failures, orders;
};

/* At start, also when the group was adopted as held: then what the PBX has is looked at first. */
void trunk_init(struct trunk *t, enum trunk_role role, boot_t now);
/* The adapter is new, and knows nothing of former orders. */
void trunk_adapter_ready(struct trunk *t, boot_t now);
/* No change is no event. */
void trunk_set_role(struct trunk *t, enum trunk_role role, boot_t now);
/* What the PBX says. retry_after_ns: as the carrier asked for, negative = it did not. True: the state is
 * another. */
bool trunk_report(struct trunk *t, enum trunk_state state, int status, int64_t retry_after_ns, boot_t now);
/* The latest order was not taken. */
void trunk_order_failed(struct trunk *t, boot_t now);
/* An operator, or a configuration that was read again: try at once. */
void trunk_kick(struct trunk *t, boot_t now);
/* An operator takes the registration back. */
void trunk_withdraw(struct trunk *t, boot_t now);

/* What to order now; given to the PBX at once. Orders that a carrier will see take a token. */
enum trunk_order trunk_decide(struct trunk *t, struct token_bucket *carrier, boot_t now);
/* When to call trunk_decide(), after it was called. */
boot_t trunk_next(const struct trunk *t, const struct token_bucket *carrier, boot_t now);

/* The carrier may hold a registration of ours now. */
bool trunk_may_be_registered(const struct trunk *t);

#endif
