/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Quotes without a name are of RFC 9568 section 6.4. Where we differ, the comment says OUR implementation.
 *
 * What the RFC has a router do with frames and packets (answer ARP and neighbour solicitations or not, accept
 * what is sent to the virtual addresses or not) is the gate's work here: open in ACTIVE, shut otherwise.
 * Accept_Mode is always true: a virtual address of ours is a service, not only a next hop.
 *
 * One file, though long: it is read beside the RFC's section, and half of it is quotes.
 */
#include "vrrp_fsm.h"

#include "vrrp_rule.h"
#include "vrrp_wire.h"

#include <assert.h>
#include <string.h>

#define ADVERTS_UNTIL_DOWN 3
#define SKEW_STEPS	   256
#define CENTISECOND_NS	   (10 * NS_PER_MS)
#define ANSWER_NS_MIN	   (10 * NS_PER_MS)
#define ANNOUNCE_NS_MIN	   NS_PER_S
#define GUARD_NS_MAX	   (20 * NS_PER_MS)
#define GUARD_PART	   8 /* of an interval */
#define PPM		   1000000

/* ---- intervals ---- */

int64_t vrrp_fsm_skew_ns(const struct vrrp_fsm *f, uint8_t member)
{
	int64_t per = f->config.version == 2 ? NS_PER_S : f->member[member].active_advert_ns;

	/* RFC 9568 section 6.1: (256 - Priority) * Active_Adver_Interval / 256; RFC 3768: ... / 256 s. */
	return VRRP_RULE(SKEW) ? (SKEW_STEPS - f->priority) * per / SKEW_STEPS : 0;
}

int64_t vrrp_fsm_down_ns(const struct vrrp_fsm *f, uint8_t member)
{
	return ADVERTS_UNTIL_DOWN * f->member[member].active_advert_ns + vrrp_fsm_skew_ns(f, member);
}

/* What the others learn is what fits into the packet: hundredths of a second, or whole seconds. */
static int64_t advertised_ns(const struct vrrp_fsm *f)
{
	int64_t unit = f->config.version == 2 ? NS_PER_S : CENTISECOND_NS;

	return f->config.advert_ns - f->config.advert_ns % unit;
}

/* OUR implementation: an Active that stops, for whatever reason, is silent before a Backup's
 * Active_Down_Timer can fire. That starts later than the advertisement leaves and runs a Skew_Time longer, at
 * least 1/256 of an interval, which is more than the Backup's own clock can be fast. */
int64_t vrrp_fsm_open_ns(const struct vrrp_fsm *f)
{
	int64_t open = ADVERTS_UNTIL_DOWN * advertised_ns(f);

	if (!VRRP_RULE(OPEN_TIME))
		return open + f->config.advert_ns;
	return open - (open / PPM + 1) * f->config.clock_error_ppm;
}

/* OUR implementation: between its first advertisement and its gate opening, a new Active leaves the others so
 * long for theirs. Two Backups whose timers coincide, or a lower Active that is preempted, have given way
 * before it speaks; the RFC has both speak meanwhile. */
static int64_t guard_ns(const struct vrrp_fsm *f)
{
	int64_t part = f->config.advert_ns / GUARD_PART;

	return part < GUARD_NS_MAX ? part : GUARD_NS_MAX;
}

/* ---- configuration ---- */

static bool fsm_learns(const struct vrrp_fsm *f)
{
	return f->config.version != 2 && VRRP_RULE(LEARN);
}

void vrrp_fsm_init(struct vrrp_fsm *f, const struct vrrp_fsm_config *config)
{
	memset(f, 0, sizeof *f); /* the search compares machines as bytes */
	f->priority = config->priority;
	vrrp_fsm_configure(f, config);
}

/* Members that are new to a Backup wait as long as the one that waits longest. */
void vrrp_fsm_configure(struct vrrp_fsm *f, const struct vrrp_fsm_config *config)
{
	boot_t latest = { 0 };

	assert(config->members_count > 0 && config->members_count <= VRRP_MEMBERS_MAX);
	assert(config->advert_ns >= VRRP_INTERVAL_NS_MIN && config->advert_ns <= VRRP2_INTERVAL_NS_MAX);
	assert(config->priority > 0 && config->clock_error_ppm < PPM);
	for (uint8_t m = 0; m < f->config.members_count; m++)
		latest = boot_max(latest, f->member[m].down_at);
	for (uint8_t m = f->config.members_count; m < config->members_count; m++)
		f->member[m] = (struct vrrp_fsm_member){ .down_at = latest };
	f->config = *config;
	for (uint8_t m = 0; m < config->members_count; m++)
		if (!fsm_learns(f) || f->state == VRRP_ACTIVE || f->member[m].heard_at.ns == 0)
			f->member[m].active_advert_ns = config->advert_ns;
}

void vrrp_fsm_own(struct vrrp_fsm *f, uint8_t member, const struct ip_address *own)
{
	assert(member < VRRP_MEMBERS_MAX);
	f->member[member].own = *own;
}

/* ---- parts of transitions ---- */

static void fsm_move(struct vrrp_fsm *f, enum vrrp_state to, enum vrrp_cause cause, struct vrrp_plan *plan)
{
	if (!plan->changed)
		plan->from = f->state;
	plan->changed = true;
	plan->to = to;
	plan->cause = cause;
	f->state = to;
}

static void fsm_send(struct vrrp_fsm *f, boot_t at, struct vrrp_plan *plan)
{
	plan->send = true;
	plan->send_priority = f->priority;
	f->advertised_at = at;
	f->adver_at = boot_add(at, f->config.advert_ns);
}

/* The gate, first of all: who hears priority 0 may speak a moment later. */
static void fsm_shut(struct vrrp_fsm *f, struct vrrp_plan *plan)
{
	f->deadline = f->open_at = (boot_t){ 0 };
	plan->gate_shut = true;
}

static void fsm_release(struct vrrp_fsm *f, struct vrrp_plan *plan)
{
	if (VRRP_RULE(SHUT_FIRST))
		fsm_shut(f, plan);
	plan->send = true;
	plan->send_priority = VRRP_PRIORITY_RELEASE;
}

/* "Send an ADVERTISEMENT", "Set the Adver_Timer to Advertisement_Interval", "Transition to the {Active}
 * state". OUR implementation: the gate opens, and gratuitous ARP and neighbour advertisements leave, a little
 * after the first advertisement has left: active_open(). */
static void fsm_become_active(struct vrrp_fsm *f, boot_t at, enum vrrp_cause cause, struct vrrp_plan *plan)
{
	fsm_move(f, VRRP_ACTIVE, cause, plan);
	f->yielded = false;
	f->active_at = at;
	f->deadline = f->open_at = (boot_t){ 0 };
	for (uint8_t m = 0; m < f->config.members_count; m++) {
		f->member[m].active_advert_ns = f->config.advert_ns;
		f->member[m].released = f->member[m].preempting = false;
	}
	fsm_send(f, at, plan);
}

/* Each Active_Down_Timer so many intervals and a Skew_Time from now. */
static void fsm_become_backup(struct vrrp_fsm *f, boot_t at, int intervals, enum vrrp_cause cause,
			      struct vrrp_plan *plan)
{
	fsm_move(f, VRRP_BACKUP, cause, plan);
	f->lower_since = (boot_t){ 0 };
	for (uint8_t m = 0; m < f->config.members_count; m++) {
		struct vrrp_fsm_member *x = &f->member[m];

		x->released = x->preempting = false;
		x->down_at = boot_add(at, intervals * x->active_advert_ns + vrrp_fsm_skew_ns(f, m));
	}
}

/* RFC 9568 section 6.1, Preempt_Mode: the address owner "always preempts, independent of the setting of this
 * flag". OUR implementation: not after an operator's switchover. */
static bool fsm_may_preempt(const struct vrrp_fsm *f)
{
	return (f->config.preempt || f->priority == VRRP_PRIORITY_OWNER) &&
	       !(f->yielded && VRRP_RULE(YIELDED));
}

/* ---- an advertisement in BACKUP ---- */

/* Bounded, since a forged or mistaken packet may carry anything. */
static void member_learn(const struct vrrp_fsm *f, struct vrrp_fsm_member *x, int64_t interval_ns)
{
	if (!fsm_learns(f))
		return;
	if (interval_ns < VRRP_INTERVAL_NS_MIN)
		interval_ns = VRRP_INTERVAL_NS_MIN;
	x->active_advert_ns = interval_ns < VRRP_INTERVAL_NS_MAX ? interval_ns : VRRP_INTERVAL_NS_MAX;
}

/* "Set the Active_Adver_Interval to the Max Advertise Interval contained in the ADVERTISEMENT", "Recompute
 * the Skew_Time", "Recompute the Active_Down_Interval", "Set the Active_Down_Timer to Active_Down_Interval".
 */
static void backup_follow(struct vrrp_fsm *f, const struct vrrp_event *ev)
{
	struct vrrp_fsm_member *x = &f->member[ev->member];

	member_learn(f, x, ev->advert.interval_ns);
	x->preempting = false;
	x->down_at = boot_add(ev->at, vrrp_fsm_down_ns(f, ev->member));
}

/* "preempt was true and priority was less than the local priority": "Discard the ADVERTISEMENT".
 *
 * OUR implementation: there is an Active, and it is a lower one; waiting three intervals gains nothing. A
 * Skew_Time still lets the best of several Backups go first. */
static void backup_preempt(struct vrrp_fsm *f, const struct vrrp_event *ev)
{
	struct vrrp_fsm_member *x = &f->member[ev->member];

	x->preempting = true;
	x->down_at = boot_min(x->down_at, boot_add(ev->at, vrrp_fsm_skew_ns(f, ev->member)));
}

/* OUR implementation: for the preempt delay, a lower Active is followed as if Preempt_Mode were false. */
static bool backup_delay_over(struct vrrp_fsm *f, boot_t at)
{
	if (f->lower_since.ns == 0)
		f->lower_since = at;
	return boot_diff_ns(f->lower_since, at) >= f->config.preempt_delay_ns;
}

static void backup_hear(struct vrrp_fsm *f, const struct vrrp_event *ev)
{
	struct vrrp_fsm_member *x = &f->member[ev->member];

	/* "If the Priority in the ADVERTISEMENT is 0, then: Set the Active_Down_Timer to Skew_Time". OUR
	 * implementation: never later than it was. */
	if (ev->advert.priority == VRRP_PRIORITY_RELEASE) {
		if (VRRP_RULE(RELEASE))
			x->down_at = boot_min(x->down_at, boot_add(ev->at, vrrp_fsm_skew_ns(f, ev->member)));
		return;
	}
	/* "If Preempt_Mode is False, or if the Priority in the ADVERTISEMENT is greater than or equal to the
	 * local Priority" */
	if (ev->advert.priority >= f->priority)
		f->lower_since = (boot_t){ 0 };
	if (ev->advert.priority < f->priority && backup_delay_over(f, ev->at) && fsm_may_preempt(f))
		backup_preempt(f, ev);
	else
		backup_follow(f, ev);
}

/* ---- an advertisement in ACTIVE ---- */

static bool address_greater(const struct ip_address *a, const struct ip_address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) > 0;
}

/* "the primary IPvX address of the sender is greater than the local primary IPvX address (based on an
 * unsigned integer comparison of the IPvX addresses in network byte order)".
 *
 * OUR implementation: who does not know its own address loses. And members of one fate must not decide
 * differently, or two routers give way to each other and nobody is Active: if the first member has just heard
 * an equal priority, it decides for all. */
static bool active_loses_tie(const struct vrrp_fsm *f, const struct vrrp_event *ev)
{
	const struct vrrp_fsm_member *x = &f->member[ev->member], *first = &f->member[0];
	const struct ip_address *from = &ev->advert.from;

	if (first->heard_priority == ev->advert.priority && first->heard_at.ns != 0 &&
	    boot_diff_ns(first->heard_at, ev->at) < f->config.advert_ns && VRRP_RULE(TIE_FIRST)) {
		x = first;
		from = &first->heard_from;
	}
	return x->own.family != from->family || (address_greater(from, &x->own) && VRRP_RULE(TIE));
}

/* OUR implementation: an answer leaves so long after the advertisement before it, that a flood of forged ones
 * is not mirrored. */
static void active_answer(struct vrrp_fsm *f, boot_t at, int64_t apart_ns, struct vrrp_plan *plan)
{
	boot_t earliest = boot_add(f->advertised_at, apart_ns);

	if (boot_before(at, earliest))
		f->adver_at = boot_min(f->adver_at, earliest);
	else
		fsm_send(f, at, plan);
}

/* OUR implementation: another was Active, so hosts may have learned that the addresses are there. */
static void active_tell(struct vrrp_fsm *f, boot_t at, struct vrrp_plan *plan)
{
	if (f->deadline.ns == 0 || f->open_at.ns || boot_before(at, f->announce_from))
		return;
	f->announce_from = boot_add(at, ANNOUNCE_NS_MIN);
	plan->announce = true;
}

/* "Discard the ADVERTISEMENT", "Send an ADVERTISEMENT immediately to assert the {Active} state to the sending
 * VRRP Router and to update any learning bridges with the correct Active VRRP Router path." OUR
 * implementation: hosts have learned from the other's gratuitous ARP, too, so they are told again. */
static void active_assert(struct vrrp_fsm *f, boot_t at, struct vrrp_plan *plan)
{
	if (!VRRP_RULE(ASSERT))
		return;
	active_answer(f, at, ANSWER_NS_MIN, plan);
	active_tell(f, at, plan);
}

/* "If the Priority in the ADVERTISEMENT is greater than the local Priority": "Cancel Adver_Timer", then as a
 * Backup that has heard it; "Transition to the {Backup} state". All members follow the same Active.
 *
 * OUR implementation: with an open gate it says that it has been Active, with priority 0. After a cut that
 * nobody noticed, the better one may have heard nothing else of it, and has to tell the hosts again where the
 * addresses are. */
static void active_give_way(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *plan)
{
	bool open = f->deadline.ns && !f->open_at.ns;

	if (VRRP_RULE(SHUT_BETTER))
		fsm_shut(f, plan);
	if (open) {
		plan->send = true;
		plan->send_priority = VRRP_PRIORITY_RELEASE;
	}
	for (uint8_t m = 0; m < f->config.members_count; m++)
		member_learn(f, &f->member[m], ev->advert.interval_ns);
	fsm_become_backup(f, ev->at, ADVERTS_UNTIL_DOWN, VRRP_CAUSE_BETTER, plan);
}

/* That we are the address owner is no reason to discard it (erratum 8298). */
static void active_hear(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *plan)
{
	/* "If the Priority in the ADVERTISEMENT is 0, then: Send an ADVERTISEMENT, Reset the Adver_Timer to
	 * Advertisement_Interval". Backups have set their timers to Skew_Time: the answer must be out before
	 * the shortest of these, 2/256 of an interval. */
	if (ev->advert.priority == VRRP_PRIORITY_RELEASE) {
		int64_t apart = (f->config.version == 2 ? NS_PER_S : f->config.advert_ns) / SKEW_STEPS;

		active_answer(f, ev->at, apart < ANSWER_NS_MIN ? apart : ANSWER_NS_MIN, plan);
		active_tell(f, ev->at, plan);
		return;
	}
	if (ev->advert.priority > f->priority ||
	    (ev->advert.priority == f->priority && active_loses_tie(f, ev)))
		active_give_way(f, ev, plan);
	else
		active_assert(f, ev->at, plan);
}

static void fsm_hear(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *plan)
{
	struct vrrp_fsm_member *x = &f->member[ev->member];

	assert(ev->member < f->config.members_count);
	x->heard_at = ev->at;
	x->heard_priority = ev->advert.priority;
	x->heard_from = ev->advert.from;
	x->released = ev->advert.priority == VRRP_PRIORITY_RELEASE;
	switch (f->state) {
	case VRRP_INITIALIZE:
		return;
	case VRRP_BACKUP:
		backup_hear(f, ev);
		return;
	case VRRP_ACTIVE:
		active_hear(f, ev, plan);
		return;
	}
}

/* ---- timers ---- */

static boot_t backup_down_at(const struct vrrp_fsm *f)
{
	boot_t latest = f->member[0].down_at;

	for (uint8_t m = 1; m < f->config.members_count; m++)
		latest = boot_max(latest, f->member[m].down_at);
	return latest;
}

static enum vrrp_cause backup_cause(const struct vrrp_fsm *f)
{
	enum vrrp_cause cause = VRRP_CAUSE_DOWN_TIMER;

	for (uint8_t m = 0; m < f->config.members_count; m++) {
		if (f->member[m].released)
			return VRRP_CAUSE_RELEASE;
		if (f->member[m].preempting)
			cause = VRRP_CAUSE_PREEMPT;
	}
	return cause;
}

/* OUR implementation: an Active whose advertisements do not leave must not stay in between, neither serving
 * nor letting others: where only some of its members are heard (no link-local address yet, a firewall), that
 * is enough to keep the others back. It resigns and lets them. */
static bool active_unsent(const struct vrrp_fsm *f, boot_t at)
{
	return f->deadline.ns == 0 && VRRP_RULE(UNSENT) &&
	       boot_diff_ns(f->active_at, at) >= ADVERTS_UNTIL_DOWN * f->config.advert_ns;
}

static void fsm_resign(struct vrrp_fsm *f, boot_t at, enum vrrp_cause cause, struct vrrp_plan *plan)
{
	fsm_release(f, plan);
	f->yielded = true;
	fsm_become_backup(f, at, VRRP_RULE(YIELD_WAIT) ? ADVERTS_UNTIL_DOWN : 0, cause, plan);
}

/* The gate, if it is still shut and its time has come; then the announcement, which it would have held back.
 */
static void active_open(struct vrrp_fsm *f, boot_t at, struct vrrp_plan *plan)
{
	if (f->open_at.ns == 0 || boot_before(at, f->open_at))
		return;
	f->open_at = (boot_t){ 0 };
	plan->gate_deadline = f->deadline;
	plan->announce = true;
}

static void active_tick(struct vrrp_fsm *f, boot_t at, struct vrrp_plan *plan)
{
	active_open(f, at, plan);
	if (active_unsent(f, at))
		fsm_resign(f, at, VRRP_CAUSE_UNSENT, plan);
	/* "If the Adver_Timer fires, then: Send an ADVERTISEMENT, Reset the Adver_Timer to
	 * Advertisement_Interval" */
	else if (!boot_before(at, f->adver_at))
		fsm_send(f, at, plan);
}

static void fsm_tick(struct vrrp_fsm *f, boot_t at, struct vrrp_plan *plan)
{
	switch (f->state) {
	case VRRP_INITIALIZE:
		return;
	case VRRP_BACKUP:
		/* "If the Active_Down_Timer fires" */
		if (!boot_before(at, backup_down_at(f)))
			fsm_become_active(f, at, backup_cause(f), plan);
		return;
	case VRRP_ACTIVE:
		active_tick(f, at, plan);
		return;
	}
}

static boot_t active_next(const struct vrrp_fsm *f)
{
	boot_t next = f->adver_at;

	if (f->deadline.ns)
		next = boot_min(next, f->deadline);
	return f->open_at.ns ? boot_min(next, f->open_at) : next;
}

boot_t vrrp_fsm_next(const struct vrrp_fsm *f)
{
	switch (f->state) {
	case VRRP_INITIALIZE:
		break;
	case VRRP_BACKUP:
		return backup_down_at(f);
	case VRRP_ACTIVE:
		return active_next(f);
	}
	return BOOT_NEVER;
}

/* ---- start, stop, standstill ---- */

/* OUR implementation: a new agent finds the gate of the former one still open; the others have not missed it
 * yet. A deadline further off than an advertisement of now would give is no one's. */
static void fsm_adopt(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *plan)
{
	fsm_become_active(f, ev->at, VRRP_CAUSE_ADOPTED, plan);
	f->deadline = boot_add(ev->at, vrrp_fsm_open_ns(f));
	if (VRRP_RULE(ADOPT))
		f->deadline = boot_min(f->deadline, ev->deadline);
	plan->gate_deadline = f->deadline;
}

/* "If the Priority = 255, i.e., the router owns the IPvX address(es)": Active at once. "else": the
 * Active_Down_Timer with its own Advertisement_Interval, Backup. */
static void fsm_start(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *plan)
{
	if (f->state != VRRP_INITIALIZE)
		return;
	for (uint8_t m = 0; m < f->config.members_count; m++)
		f->member[m].active_advert_ns = f->config.advert_ns;
	if (boot_before(ev->at, ev->deadline) || (ev->deadline.ns && !VRRP_RULE(ADOPT)))
		fsm_adopt(f, ev, plan);
	else if (f->priority == VRRP_PRIORITY_OWNER)
		fsm_become_active(f, ev->at, VRRP_CAUSE_OWNER, plan);
	else
		fsm_become_backup(f, ev->at, ADVERTS_UNTIL_DOWN, VRRP_CAUSE_STARTUP, plan);
}

/* ACTIVE: "Cancel the Adver_Timer", "Send an ADVERTISEMENT with Priority = 0", "Transition to the
 * {Initialize} state". BACKUP: "Cancel the Active_Down_Timer", "Transition to the {Initialize} state". */
static void fsm_stop(struct vrrp_fsm *f, struct vrrp_plan *plan)
{
	if (f->state == VRRP_ACTIVE)
		fsm_release(f, plan);
	if (f->state != VRRP_INITIALIZE)
		fsm_move(f, VRRP_INITIALIZE, VRRP_CAUSE_SHUTDOWN, plan);
}

/* OUR implementation: who finds its own gate shut by time stood still (or could not send) for three
 * intervals. Somebody else may be Active, so it sends nothing, not even priority 0, which would tell the
 * Backups that the present Active has gone. Where it would preempt it listens for a Skew_Time, otherwise long
 * enough to hear an Active. An ACTIVE that has sent nothing yet has no deadline and goes on trying: see
 * active_unsent(). */
static void active_wake(struct vrrp_fsm *f, boot_t at, struct vrrp_plan *plan)
{
	if (f->state != VRRP_ACTIVE || f->deadline.ns == 0 || boot_before(at, f->deadline) ||
	    !VRRP_RULE(STANDSTILL))
		return;
	fsm_shut(f, plan);
	fsm_become_backup(f, at, fsm_may_preempt(f) ? 0 : 1, VRRP_CAUSE_STANDSTILL, plan);
}

/* An advertisement that left before this tenure says nothing about it. The guard begins when the first one
 * has left, which after a standstill may be long after it was to leave. */
static void fsm_sent(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *plan)
{
	boot_t from = VRRP_RULE(NOTED) ? ev->sent_at : ev->at;

	if (f->state != VRRP_ACTIVE || boot_before(ev->sent_at, f->active_at))
		return;
	if (f->deadline.ns == 0)
		f->open_at = VRRP_RULE(GUARD) ? boot_add(ev->at, guard_ns(f)) : ev->at;
	f->deadline = boot_max(f->deadline, boot_add(from, vrrp_fsm_open_ns(f)));
	active_wake(f, ev->at, plan); /* it took too long */
	if (f->state != VRRP_ACTIVE)
		return;
	if (f->open_at.ns == 0)
		plan->gate_deadline = f->deadline;
	active_open(f, ev->at, plan);
}

/* ---- priority ---- */

/* OUR implementation: what has elapsed of an Active_Down_Timer stays elapsed, the Skew_Time in it is the new
 * one. Who was about to preempt an Active that is no longer a lower one follows it instead. */
static void backup_reprioritise(struct vrrp_fsm *f, uint8_t priority)
{
	int64_t former[VRRP_MEMBERS_MAX];

	for (uint8_t m = 0; m < f->config.members_count; m++)
		former[m] = vrrp_fsm_skew_ns(f, m);
	f->priority = priority;
	for (uint8_t m = 0; m < f->config.members_count; m++) {
		struct vrrp_fsm_member *x = &f->member[m];

		x->down_at = boot_add(x->down_at, vrrp_fsm_skew_ns(f, m) - former[m]);
		if (!x->preempting || x->heard_priority < priority)
			continue;
		x->preempting = false;
		x->down_at = boot_add(x->heard_at, vrrp_fsm_down_ns(f, m));
		f->lower_since = (boot_t){ 0 };
	}
}

static void fsm_reprioritise(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *plan)
{
	assert(ev->priority > 0);
	if (f->state == VRRP_BACKUP)
		backup_reprioritise(f, ev->priority);
	f->priority = ev->priority;
	if (f->state == VRRP_ACTIVE)
		fsm_send(f, ev->at, plan);
}

/* ---- the machine ---- */

void vrrp_fsm_step(struct vrrp_fsm *f, const struct vrrp_event *ev, struct vrrp_plan *ret_plan)
{
	*ret_plan = (struct vrrp_plan){ 0 };
	active_wake(f, ev->at, ret_plan);
	switch (ev->type) {
	case VRRP_EVENT_STARTUP:
		fsm_start(f, ev, ret_plan);
		return;
	case VRRP_EVENT_SHUTDOWN:
		fsm_stop(f, ret_plan);
		return;
	case VRRP_EVENT_TICK:
		fsm_tick(f, ev->at, ret_plan);
		return;
	case VRRP_EVENT_ADVERT:
		fsm_hear(f, ev, ret_plan);
		return;
	case VRRP_EVENT_PRIORITY:
		fsm_reprioritise(f, ev, ret_plan);
		return;
	case VRRP_EVENT_YIELD:
		if (f->state == VRRP_ACTIVE)
			fsm_resign(f, ev->at, VRRP_CAUSE_YIELD, ret_plan);
		return;
	case VRRP_EVENT_SENT:
		fsm_sent(f, ev, ret_plan);
		return;
	}
}

const char *vrrp_state_name(enum vrrp_state s)
{
	static const char *const names[] = {
		[VRRP_INITIALIZE] = "initialize",
		[VRRP_BACKUP] = "backup",
		[VRRP_ACTIVE] = "active",
	};

	assert((unsigned)s < sizeof names / sizeof names[0]);
	return names[s];
}

const char *vrrp_cause_name(enum vrrp_cause c)
{
	static const char *const names[VRRP_CAUSES_COUNT] = {
		[VRRP_CAUSE_NONE] = "none",
		[VRRP_CAUSE_STARTUP] = "startup",
		[VRRP_CAUSE_SHUTDOWN] = "shutdown",
		[VRRP_CAUSE_DOWN_TIMER] = "active-down-timer",
		[VRRP_CAUSE_RELEASE] = "released",
		[VRRP_CAUSE_PREEMPT] = "preempt",
		[VRRP_CAUSE_OWNER] = "owner",
		[VRRP_CAUSE_BETTER] = "better-advert",
		[VRRP_CAUSE_STANDSTILL] = "standstill",
		[VRRP_CAUSE_YIELD] = "yield",
		[VRRP_CAUSE_ADOPTED] = "adopted",
		[VRRP_CAUSE_UNSENT] = "unsent",
	};

	assert((unsigned)c < VRRP_CAUSES_COUNT);
	return names[c];
}
