/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "voters.h"

#include <assert.h>
#include <string.h>

#include "lease_rule.h"

int voter_set_majority_size(node_set_t set)
{
	return node_count(set) / 2 + 1;
}

static bool voters_majority_of(node_set_t set, node_set_t yes)
{
	return node_count(set & yes) >= voter_set_majority_size(set);
}

bool voter_set_majority(const struct voter_set *v, node_set_t yes)
{
	return voters_majority_of(v->old_set, yes) && voters_majority_of(v->new_set, yes);
}

static bool voter_set_same(const struct voter_set *a, const struct voter_set *b)
{
	return a->version == b->version && a->phase == b->phase && a->old_set == b->old_set &&
	       a->new_set == b->new_set;
}

void voters_init(struct voters *v, node_id_t self, const struct voter_set *set, int64_t promise_ns,
		 int64_t pulse_ns)
{
	assert(set->version > 0);
	memset(v, 0, sizeof *v);
	v->self = self;
	v->promise_ns = promise_ns;
	v->pulse_ns = pulse_ns;
	v->set = *set;
}

static void voters_take(struct voters *v, const struct voter_set *set, struct epoch floor, node_id_t from,
			struct core_plan *plan)
{
	v->taking = *set;
	v->taking_floor = floor;
	v->taking_from = from;
	plan_add(plan, PLAN_SAVE_VOTERS, 0)->voters = *set;
}

bool voters_change(struct voters *v, node_set_t new_set, struct core_plan *plan)
{
	struct voter_set joint = {
		.version = v->set.version + 1,
		.phase = VOTERS_JOINT,
		.old_set = v->set.new_set,
		.new_set = new_set,
	};

	if (v->set.phase != VOTERS_STABLE || v->taking.version != 0)
		return false;
	if (new_set == 0 || (new_set & 1) != 0 || new_set == v->set.new_set)
		return false;
	if (!LEASE_RULE(JOINT)) {
		joint.phase = VOTERS_STABLE;
		joint.old_set = new_set;
	}
	voters_take(v, &joint, v->floor, NODE_NONE, plan);
	return true;
}

/* ---- messages ---- */

static void voters_send(struct voters *v, enum lease_msg_type type, node_id_t to, struct epoch hi,
			struct core_plan *plan)
{
	struct lease_msg *m = &plan_add(plan, PLAN_SEND, 0)->msg;

	m->type = type;
	m->from = v->self;
	m->to = to;
	m->version = v->set.version;
	m->voters = v->set;
	m->hi = hi;
}

/* An acknowledgment says: durable here, and no epoch above hi was granted under the former set. Who does not
 * know its hi cannot say that. */
static void voters_send_ack(struct voters *v, node_id_t to, const struct voters_own *own,
			    struct core_plan *plan)
{
	if (own->hi_known)
		voters_send(v, LEASE_VSET_ACK, to, own->hi, plan);
}

/* One step after the other, one content per version. A node that missed steps may jump: what it is told
 * stands on what it missed. */
static bool voters_acceptable(const struct voters *v, const struct voter_set *set)
{
	if (set->old_set == 0 || set->new_set == 0 || ((set->old_set | set->new_set) & 1) != 0)
		return false;
	if (set->phase == VOTERS_STABLE)
		return set->old_set == set->new_set;
	if (set->version == v->set.version + 1)
		return v->set.phase == VOTERS_STABLE && set->old_set == v->set.new_set;
	return true;
}

static uint64_t voters_proposed(struct voters *v, const struct lease_msg *m, const struct voters_own *own,
				struct core_plan *plan)
{
	const struct voter_set *set = &m->voters;
	bool next_joint = set->phase == VOTERS_JOINT && set->version == v->set.version + 1;
	struct epoch floor = next_joint ? v->floor : m->hi;

	if (set->version < v->set.version) {
		voters_send(v, LEASE_VSET_PROPOSE, m->from, own->hi, plan);
		return 0;
	}
	if (set->version == v->set.version) {
		if (voter_set_same(set, &v->set))
			voters_send_ack(v, m->from, own, plan);
		return 0;
	}
	if (set->version <= v->taking.version || !voters_acceptable(v, set))
		return 0;
	/* A node that does not know its hi grants nothing before the others told it, and they know the floor.
	 * It must not wait for a ceiling, which is not reserved before hi is known: it would wait for ever.
	 */
	if (own->hi_known && floor.counter > own->ceiling)
		return floor.counter;
	voters_take(v, set, floor, m->from, plan);
	return 0;
}

static void voters_acked(struct voters *v, node_id_t from, struct epoch hi)
{
	v->acked |= node_bit(from);
	if (epoch_cmp(hi, v->acked_hi) > 0)
		v->acked_hi = hi;
}

uint64_t voters_receive(struct voters *v, const struct lease_msg *m, const struct voters_own *own,
			struct core_plan *plan)
{
	if (m->from == NODE_NONE || m->from > NODE_ID_MAX || m->from == v->self)
		return 0;
	if (m->type == LEASE_VSET_PROPOSE)
		return voters_proposed(v, m, own, plan);
	if (m->type == LEASE_VSET_ACK && voter_set_same(&m->voters, &v->set))
		voters_acked(v, m->from, m->hi);
	return 0;
}

bool voters_saved(struct voters *v, const struct voter_set *set)
{
	if (v->taking.version == 0 || !voter_set_same(set, &v->taking))
		return false;
	v->set = v->taking;
	if (epoch_cmp(v->taking_floor, v->floor) > 0)
		v->floor = v->taking_floor;
	v->taking = (struct voter_set){ 0 };
	v->acked = 0;
	v->acked_hi = (struct epoch){ 0 };
	v->majorities = false;
	v->next = (boot_t){ 0 };
	return true;
}

void voters_acknowledge(struct voters *v, const struct voters_own *own, struct core_plan *plan)
{
	if (v->taking_from != NODE_NONE)
		voters_send_ack(v, v->taking_from, own, plan);
	v->taking_from = NODE_NONE;
}

void voters_peer_version(struct voters *v, node_id_t from, uint32_t version, const struct voters_own *own,
			 struct core_plan *plan)
{
	if (version < v->set.version && own->hi_known)
		voters_send(v, LEASE_VSET_PROPOSE, from, own->hi, plan);
}

/* ---- driving JOINT to its end ---- */

static bool voters_both_majorities(const struct voters *v)
{
	if (!LEASE_RULE(QUORUM_OLD))
		return voters_majority_of(v->set.new_set, v->acked);
	return voter_set_majority(&v->set, v->acked);
}

/* NEW carries the highest hi of the acknowledgments: its majorities need not contain one of OLD's voters. */
static void voters_issue_new(struct voters *v, const struct voters_own *own, struct core_plan *plan)
{
	const struct voter_set new = {
		.version = v->set.version + 1,
		.phase = VOTERS_STABLE,
		.old_set = v->set.new_set,
		.new_set = v->set.new_set,
	};
	struct epoch floor = epoch_cmp(own->hi, v->acked_hi) > 0 ? own->hi : v->acked_hi;

	if (floor.counter <= own->ceiling)
		voters_take(v, &new, floor, NODE_NONE, plan);
}

static void voters_propose_all(struct voters *v, const struct voters_own *own, struct core_plan *plan)
{
	node_set_t to = voter_set_all(&v->set) & ~v->acked & ~node_bit(v->self);

	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (node_in(to, n))
			voters_send(v, LEASE_VSET_PROPOSE, n, own->hi, plan);
}

void voters_tick(struct voters *v, const struct voters_own *own, struct instant now, struct core_plan *plan)
{
	if (v->set.phase != VOTERS_JOINT || v->taking.version != 0)
		return;
	if (own->hi_known)
		voters_acked(v, v->self, own->hi);
	if (!v->majorities && voters_both_majorities(v)) {
		v->majorities = true;
		v->majorities_at = now.raw;
	}
	/* Until here a lease that was granted under OLD may still run. */
	if (v->majorities && (!LEASE_RULE(WAIT) || raw_diff_ns(v->majorities_at, now.raw) >= v->promise_ns)) {
		voters_issue_new(v, own, plan);
		return;
	}
	if (boot_before(now.boot, v->next))
		return;
	v->next = boot_add(now.boot, v->pulse_ns);
	voters_propose_all(v, own, plan);
}

boot_t voters_next(const struct voters *v, struct instant now)
{
	boot_t next = v->next;

	if (v->set.phase != VOTERS_JOINT || v->taking.version != 0)
		return BOOT_NEVER;
	if (v->majorities)
		next = boot_add(now.boot, v->promise_ns - raw_diff_ns(v->majorities_at, now.raw));
	return next;
}
