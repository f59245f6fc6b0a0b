/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "takeover.h"

#include <assert.h>
#include <string.h>

/* What follows a step, and for how long it may be in flight. A step that hangs must not stop those behind it
 * for ever. */
static const struct {
	const char *name;
	enum core_step_kind next;
	int64_t timeout_ns;
} steps[] = {
	[STEP_NONE] = { "none", STEP_NONE, 0 },
	[STEP_ANNOUNCE] = { "announce", STEP_WAKE_PBX, 2 * NS_PER_S },
	[STEP_WAKE_PBX] = { "wake-pbx", STEP_VERIFY, 10 * NS_PER_S },
	[STEP_VERIFY] = { "verify", STEP_NONE, 10 * NS_PER_S },
	[STEP_ANNOUNCE_STOP] = { "announce-stop", STEP_DESTROY_SOCKETS, 2 * NS_PER_S },
	[STEP_DESTROY_SOCKETS] = { "destroy-sockets", STEP_MUZZLE_PBX, 5 * NS_PER_S },
	[STEP_MUZZLE_PBX] = { "muzzle-pbx", STEP_NONE, 10 * NS_PER_S },
};

#define STEPS_COUNT (sizeof steps / sizeof steps[0])

static void takeover_begin_step(struct takeover *t, group_index_t group, enum core_step_kind step, boot_t now,
				struct core_plan *plan)
{
	struct plan_action *a = plan_add(plan, PLAN_STEP, group);

	t->step = step;
	t->seq = ++t->next_seq;
	t->until = boot_add(now, steps[step].timeout_ns);
	a->step.kind = step;
	a->step.seq = t->seq;
	a->step.epoch = t->record.epoch;
}

static void takeover_tell(const struct takeover *t, group_index_t group, bool begins, struct core_plan *plan)
{
	struct core_record *r;

	if (t->direction == TAKEOVER_REST || t->record.type == 0)
		return;
	r = &plan_add(plan, PLAN_RECORD, group)->record;
	*r = t->record;
	r->begins = begins;
}

static void takeover_finish(struct takeover *t, group_index_t group, struct core_plan *plan)
{
	takeover_tell(t, group, false, plan);
	t->direction = TAKEOVER_REST;
	t->step = STEP_NONE;
}

void takeover_start(struct takeover *t, group_index_t group, enum takeover_direction direction,
		    const struct core_record *record, struct core_plan *plan)
{
	assert(direction != TAKEOVER_REST);
	/* An interrupted sequence has one record too: it tells how far it came. */
	if (t->direction != TAKEOVER_REST)
		t->record.ok = false;
	takeover_finish(t, group, plan);
	t->direction = direction;
	t->record = *record;
	t->record.group = group;
	t->record.ok = true;
	takeover_tell(t, group, true, plan);
	takeover_begin_step(t, group, direction == TAKEOVER_UP ? STEP_ANNOUNCE : STEP_ANNOUNCE_STOP,
			    record->at, plan);
}

static void takeover_note(struct takeover *t, int error, boot_t now)
{
	int64_t since_ns = boot_diff_ns(t->record.at, now);

	if (error != 0 && t->record.ok) {
		t->record.ok = false;
		t->record.failed_step = t->step; /* the first one tells most */
		t->record.error = error;
	}
	if (error == 0 && t->step == STEP_ANNOUNCE)
		t->record.won_to_announced_ns = since_ns;
	else if (error == 0 && t->step == STEP_WAKE_PBX)
		t->record.won_to_awake_ns = since_ns;
	else if (error == 0 && t->step == STEP_VERIFY)
		t->record.won_to_verified_ns = since_ns;
}

void takeover_answer(struct takeover *t, group_index_t group, uint32_t seq, int error, boot_t now,
		     struct core_plan *plan)
{
	enum core_step_kind next;

	if (t->step == STEP_NONE || seq != t->seq)
		return; /* of a sequence that was interrupted, or later than its bound */
	takeover_note(t, error, now);
	next = steps[t->step].next;
	if (next == STEP_NONE)
		takeover_finish(t, group, plan);
	else
		takeover_begin_step(t, group, next, now, plan);
}

void takeover_tick(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan)
{
	if (t->step != STEP_NONE && !boot_before(now, t->until))
		takeover_answer(t, group, t->seq, TAKEOVER_ERROR_TIMEOUT, now, plan);
}

/* Steps are "ensure" operations: carried out twice they do no more than once. */
void takeover_repeat(struct takeover *t, group_index_t group, boot_t now, struct core_plan *plan)
{
	if (t->step != STEP_NONE)
		takeover_begin_step(t, group, t->step, now, plan);
}

boot_t takeover_next(const struct takeover *t)
{
	return t->step == STEP_NONE ? BOOT_NEVER : t->until;
}

const char *step_name(enum core_step_kind s)
{
	return (unsigned)s < STEPS_COUNT ? steps[s].name : "unknown";
}

static const char *const cause_names[] = {
	[CAUSE_NONE] = "none",
	[CAUSE_VACANT] = "vacant",
	[CAUSE_RELEASE] = "release",
	[CAUSE_LEASE_EXPIRED] = "lease_expired",
	[CAUSE_FENCED] = "fenced",
	[CAUSE_OPERATOR] = "operator",
	[CAUSE_ADOPTED] = "adopted",
	[CAUSE_PBX_DEAD] = "pbx_dead",
	[CAUSE_PBX_SICK] = "pbx_sick",
	[CAUSE_LAN_DOWN] = "lan_down",
	[CAUSE_GATE_LOST] = "gate_lost",
	[CAUSE_STOPPING] = "stopping",
	[CAUSE_HIGHER_EPOCH] = "higher_epoch",
	[CAUSE_STANDSTILL] = "standstill",
	[CAUSE_FAILBACK] = "failback",
	[CAUSE_REASON] = "reason",
	[CAUSE_VRRP_SILENCE] = "vrrp_silence",
	[CAUSE_VRRP_RELEASE] = "vrrp_release",
	[CAUSE_VRRP_PREEMPT] = "vrrp_preempt",
	[CAUSE_VRRP_BETTER] = "vrrp_better",
	[CAUSE_VRRP_UNSENT] = "vrrp_unsent",
	[CAUSE_VRRP_FAULT] = "vrrp_fault",
	[CAUSE_PEER_ABSENT] = "peer_absent",
	[CAUSE_CUT_OFF] = "cut_off",
	[CAUSE_TWO_HOLDERS] = "two_holders",
	[CAUSE_UPLINK] = "uplink",
};

const char *cause_name(enum core_cause c)
{
	return (unsigned)c < CORE_CAUSES_COUNT ? cause_names[c] : "unknown";
}
