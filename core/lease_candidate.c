/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The candidate and the holder. D is always a noted send time + L, so at every instant it leaves no more than
 * what is left of the promises of a majority, whatever stalls. One attempt or tenure is one epoch.
 */
#include <assert.h>
#include <string.h>

#include "lease_private.h"

/* The epoch that is being asked with. */
struct epoch lease_bid(const struct lease *l)
{
	return epoch_none(l->raising) ? l->epoch : l->raising;
}

static void lease_ids_forget(struct lease *l)
{
	memset(l->sent, 0, sizeof l->sent);
	memset(l->newest, 0, sizeof l->newest);
}

static void lease_shut(struct lease_turn *t)
{
	if (t->l->deadline.ns == 0)
		return;
	t->l->deadline = (boot_t){ 0 };
	plan_add(t->plan, PLAN_GATE_SET, t->l->config.group)->gate_deadline = (boot_t){ 0 };
}

/* Without a word to anybody: the epoch is dead, the next attempt takes a new one. */
static void lease_tenure_over(struct lease_turn *t)
{
	if (LEASE_RULE(SHUT_FIRST) || t->l->role != LEASE_HOLDING)
		lease_shut(t);
	t->l->role = LEASE_IDLE;
	t->l->raising = (struct epoch){ 0 };
	lease_ids_forget(t->l);
	lease_proof_over(t->l);
}

void lease_lapse_check(struct lease_turn *t)
{
	if (t->l->role != LEASE_HOLDING || boot_before(t->now.boot, t->l->deadline))
		return;
	lease_tenure_over(t);
	lease_shut(t);
}

/* ---- asking ---- */

static struct epoch lease_epoch_next(const struct lease *l)
{
	struct epoch high = epoch_max(l->voter.hi, l->heard_hi);

	if (!LEASE_RULE(NEW_EPOCH) && l->epoch.node == l->config.self && epoch_cmp(l->epoch, high) >= 0)
		return l->epoch;
	return (struct epoch){ high.counter + 1, l->config.self };
}

bool lease_epoch_usable(const struct lease *l)
{
	return !LEASE_RULE(CEILING) || lease_epoch_next(l).counter <= l->ceiling;
}

/* The new epoch of an attempt or a raise; none before it is durable that it may be used. */
static bool lease_epoch_take(struct lease *l, struct epoch *ret)
{
	*ret = lease_epoch_next(l);
	lease_need_counter(l, ret->counter);
	return lease_epoch_usable(l);
}

static struct lease_msg lease_request_msg(struct lease *l)
{
	return (struct lease_msg){
		.type = LEASE_REQUEST,
		.from = l->config.self,
		.epoch = lease_bid(l),
		.id = { l->config.process, l->next_counter },
		.version = l->voters.version,
		.lease_ns = l->config.timing.lease_ns,
	};
}

/* A fresh id and its time, noted before anything is sent and never renewed. */
static void lease_note_id(struct lease_turn *t)
{
	struct lease *l = t->l;

	l->sent[l->next_counter % LEASE_IDS_REMEMBERED] =
		(struct lease_sent){ .counter = l->next_counter, .at = t->now.boot };
	l->next_counter++;
}

static enum lease_refusal lease_own_vote(struct lease_turn *t, const struct lease_msg *request)
{
	struct lease *l = t->l;
	enum lease_refusal refusal;

	/* A candidate that is no voter keeps its last used epoch like one. */
	if (!lease_votes(l)) {
		if (LEASE_RULE(NUMBERS))
			l->voter.hi = epoch_max(l->voter.hi, request->epoch);
		return 0;
	}
	if (!LEASE_RULE(OWN))
		return 0;
	refusal = lease_voter_vote(t, request);
	if (!refusal)
		l->newest[l->config.self] = request->id.counter;
	return refusal;
}

static void lease_send_to_voters(struct lease_turn *t, struct lease_msg *msg, node_set_t to)
{
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		if (!node_in(to, n) || n == t->l->config.self)
			continue;
		msg->to = n;
		lease_send(t, msg);
	}
}

static void lease_count(struct lease_turn *t);

/* A holder whose epoch is too low for a voter asks with a new one while D runs on; that voter would be lost
 * to it for the whole tenure otherwise. */
static bool lease_raise(struct lease_turn *t)
{
	struct lease *l = t->l;
	int64_t left_ns = boot_diff_ns(t->now.boot, l->deadline);
	struct epoch next;

	if (!LEASE_RULE(RAISE) || l->role != LEASE_HOLDING || left_ns <= l->config.timing.lease_ns / 2)
		return false;
	if (!lease_epoch_take(l, &next))
		return false;
	l->raising = next;
	lease_ids_forget(l);
	return true;
}

static void lease_own_refused(struct lease_turn *t, enum lease_refusal refusal)
{
	/* hi was raised under a holder (a new voter set's floor). */
	if (refusal == LEASE_REFUSED_EPOCH && lease_raise(t)) {
		lease_request_round(t);
		return;
	}
	lease_let_go(t, NODE_NONE);
	lease_wait_for_retry(t);
}

void lease_request_round(struct lease_turn *t)
{
	struct lease *l = t->l;
	struct lease_msg request = lease_request_msg(l);
	enum lease_refusal refusal;

	lease_note_id(t);
	l->next_renew = boot_add(t->now.boot, l->config.timing.pulse_ns);
	refusal = lease_own_vote(t, &request);
	if (refusal) {
		lease_own_refused(t, refusal);
		return;
	}
	lease_save(t);
	lease_send_to_voters(t, &request, voter_set_all(&l->voters));
	lease_count(t);
}

void lease_attempt(struct lease_turn *t)
{
	struct lease *l = t->l;
	struct epoch next;

	assert(l->role == LEASE_IDLE);
	if (!lease_epoch_take(l, &next))
		return;
	l->role = LEASE_ASKING;
	l->epoch = next;
	l->asked_at = t->now.boot;
	if (l->voter.promise.node != l->config.self)
		l->promised_before = l->voter.promise.node;
	lease_ids_forget(l);
	lease_request_round(t);
}

/* ---- counting ---- */

/* The newest id that a majority granted; a grant of a newer id covers an older one, never the reverse. */
static uint64_t lease_majority_id(const struct lease *l, struct instant now)
{
	node_set_t all = voter_set_all(&l->voters), proof = lease_proof_yes(l) | lease_alone_yes(l, now);
	uint64_t best = 0;

	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		node_set_t yes = proof;

		if (!node_in(all, n) || l->newest[n] <= best)
			continue;
		for (node_id_t k = 1; k <= NODE_ID_MAX; k++)
			if (node_in(all, k) && l->newest[k] >= l->newest[n])
				yes |= node_bit(k);
		if (voter_set_majority(&l->voters, yes))
			best = l->newest[n];
	}
	return best;
}

static const struct lease_sent *lease_sent_find(const struct lease *l, uint64_t counter)
{
	const struct lease_sent *s = &l->sent[counter % LEASE_IDS_REMEMBERED];

	return counter != 0 && s->counter == counter ? s : NULL;
}

/* Before this tenure is noted as the latest one. */
static void lease_note_cause(struct lease *l)
{
	const struct lease_former *f = &l->former;

	l->last_holder = f->node;
	l->last_cause = f->released ? CAUSE_RELEASE : CAUSE_LEASE_EXPIRED;
	if (!f->released && l->proof.node != NODE_NONE && l->newest[l->proof.node] == 0) {
		l->last_cause = CAUSE_FENCED;
		l->last_holder = l->proof.node;
		return;
	}
	if (!f->released && lease_alone_mode(l) && l->newest[lease_other(l)] == 0) {
		l->last_cause = CAUSE_PEER_ABSENT;
		l->last_holder = f->node == NODE_NONE ? lease_other(l) : f->node;
		return;
	}
	if (f->node != NODE_NONE)
		return;
	/* Never seen to hold, but a voter was bound to it and never released: it died before we looked. */
	l->last_holder = l->promised_before;
	l->last_cause = l->promised_before == NODE_NONE ? CAUSE_VACANT : CAUSE_LEASE_EXPIRED;
}

static void lease_won(struct lease_turn *t)
{
	struct lease *l = t->l;

	if (l->role == LEASE_ASKING) {
		lease_note_cause(l);
		l->won_at = t->now.boot;
	}
	l->role = LEASE_HOLDING;
	l->epoch = lease_bid(l);
	l->raising = (struct epoch){ 0 };
	l->former = (struct lease_former){ .node = l->config.self, .epoch = l->epoch };
}

static void lease_count(struct lease_turn *t)
{
	struct lease *l = t->l;
	const struct lease_sent *s = lease_sent_find(l, lease_majority_id(l, t->now));
	boot_t until;

	if (!s)
		return;
	until = boot_add(s->at, l->config.timing.lease_ns);
	if (!boot_before(t->now.boot, until))
		return; /* a deadline that has passed opens nothing */
	if (boot_before(l->deadline, until)) {
		l->deadline = until;
		plan_add(t->plan, PLAN_GATE_SET, l->config.group)->gate_deadline = until;
	}
	if (l->role == LEASE_ASKING || !epoch_none(l->raising))
		lease_won(t);
}

void lease_count_again(struct lease_turn *t)
{
	if (t->l->role != LEASE_IDLE)
		lease_count(t);
}

/* Is it an answer to a REQUEST of this process, of this attempt or tenure, that is still remembered? */
static bool lease_answers(const struct lease *l, const struct lease_msg *m)
{
	if (l->role == LEASE_IDLE || epoch_cmp(m->epoch, lease_bid(l)) != 0)
		return false;
	if (m->id.process != l->config.process && LEASE_RULE(PROCESS))
		return false;
	return m->version == l->voters.version && lease_sent_find(l, m->id.counter);
}

/* The id that a GRANT is for; 0 = it does not count. */
static uint64_t lease_granted_id(const struct lease *l, const struct lease_msg *m)
{
	if (lease_answers(l, m))
		return m->id.counter;
	if (l->role == LEASE_IDLE)
		return 0;
	if (!LEASE_RULE(ID) && epoch_cmp(m->epoch, lease_bid(l)) == 0)
		return l->next_counter - 1;
	if (!LEASE_RULE(RESERVE) && epoch_none(m->epoch))
		return l->next_counter - 1;
	return 0;
}

void lease_granted(struct lease_turn *t, const struct lease_msg *m)
{
	uint64_t counter = lease_granted_id(t->l, m);

	if (counter > t->l->newest[m->from])
		t->l->newest[m->from] = counter;
	lease_count(t);
}

/* What a refusal tells of the voter: as good as a pulse, and newer. */
static void lease_refusal_view(struct lease_turn *t, const struct lease_msg *m)
{
	struct lease_peer *p = &t->l->peer[m->from];

	p->at = t->now.boot;
	p->hears_me = true;
	p->view.votes = m->refusal != LEASE_REFUSED_NOT_VOTER;
	p->view.mute = m->refusal == LEASE_REFUSED_MUTE;
	p->view.hi_known = m->refusal != LEASE_REFUSED_HI_UNKNOWN;
	p->view.hi = m->hi;
	p->view.reserve_node = NODE_NONE;
	p->view.promise_node = m->promise_node;
	p->view.promise_left_ns = m->promise_left_ns;
	p->view.promise_epoch = (struct epoch){ 0 };
}

void lease_refused(struct lease_turn *t, const struct lease_msg *m)
{
	struct lease *l = t->l;
	bool low = epoch_cmp(lease_bid(l), m->hi) < 0;

	if (!lease_answers(l, m))
		return;
	lease_hear_hi(l, m->hi);
	lease_refusal_view(t, m);
	if (low && l->role == LEASE_ASKING) {
		lease_let_go(t, NODE_NONE);
		lease_wait_for_retry(t);
	} else if (m->refusal == LEASE_REFUSED_EPOCH && lease_raise(t)) {
		lease_request_round(t);
	} else if (m->promise_left_ns > 0 && l->role == LEASE_ASKING) {
		/* Our count-down was a little early: ask again when it is free. */
		l->next_renew = boot_min(l->next_renew, boot_add(t->now.boot, m->promise_left_ns));
	}
}

/* ---- letting go ---- */

static struct lease_msg lease_release_msg(const struct lease *l)
{
	return (struct lease_msg){
		.type = LEASE_RELEASE,
		.epoch = l->release.epoch,
		.version = l->voters.version,
		.successor = l->release.successor,
	};
}

/* D = 0, then forget the ids, then RELEASE to all, the own voter included. */
void lease_let_go(struct lease_turn *t, node_id_t successor)
{
	struct lease *l = t->l;
	struct epoch epoch = lease_bid(l);
	bool held = l->role == LEASE_HOLDING;
	struct lease_msg msg;

	if (l->role == LEASE_IDLE)
		return;
	if (held)
		l->former.released = true;
	lease_tenure_over(t);
	if (!held && !LEASE_RULE(LOSER_RELEASE))
		return;
	(void)lease_voter_release(t, l->config.self, epoch, held ? successor : NODE_NONE);
	lease_save(t);
	l->release = (struct lease_release){
		.epoch = epoch,
		.successor = held ? successor : NODE_NONE,
		.unacked = voter_set_all(&l->voters) & ~node_bit(l->config.self),
		.until = boot_add(t->now.boot, lease_promise_ns_max(l)),
		.next = boot_add(t->now.boot, l->config.timing.pulse_ns),
	};
	msg = lease_release_msg(l);
	lease_send_to_voters(t, &msg, l->release.unacked);
	lease_shut(t);
	if (l->release.unacked == 0)
		l->release.epoch = (struct epoch){ 0 };
}

void lease_release_tick(struct lease_turn *t)
{
	struct lease_release *r = &t->l->release;
	struct lease_msg msg;

	if (epoch_none(r->epoch) || boot_before(t->now.boot, r->next))
		return;
	if (!boot_before(t->now.boot, r->until)) {
		r->epoch = (struct epoch){ 0 };
		return;
	}
	r->next = boot_add(t->now.boot, t->l->config.timing.pulse_ns);
	msg = lease_release_msg(t->l);
	lease_send_to_voters(t, &msg, r->unacked);
}

void lease_hand_over(struct lease *l, node_id_t successor, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	lease_lapse_check(&t);
	if (l->role == LEASE_IDLE)
		return;
	lease_let_go(&t, successor);
	lease_wait_for_retry(&t);
}

/* ---- others ---- */

/* Of two nodes that both held, the one that goes on needs this one's vote at once. */
static void lease_give_way(struct lease_turn *t)
{
	if (lease_alone_mode(t->l)) {
		if (!LEASE_RULE(GIVE_WAY))
			return;
		lease_let_go(t, NODE_NONE);
		lease_wait_for_retry(t);
		return;
	}
	lease_tenure_over(t);
	lease_shut(t);
}

/* A paused machine that comes back must not speak beside its successor for the rest of its lease. */
void lease_peer_holds(struct lease_turn *t, node_id_t from, struct epoch holds)
{
	struct lease *l = t->l;

	if (epoch_none(holds))
		return;
	if (l->role == LEASE_HOLDING && epoch_cmp(holds, l->epoch) > 0)
		lease_give_way(t);
	if (epoch_cmp(holds, l->former.epoch) > 0)
		l->former = (struct lease_former){ .node = from, .epoch = holds };
}

/* The voters that were bound to the one that let go have its RELEASE as we do, or will in a moment. True if
 * one became free for us. */
static bool lease_peers_freed(struct lease_turn *t, const struct lease_msg *m)
{
	bool freed = false;

	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		struct lease_view *view = &t->l->peer[n].view;

		if (view->promise_node != m->from || epoch_cmp(view->promise_epoch, m->epoch) > 0)
			continue;
		view->promise_node = NODE_NONE;
		view->reserve_node = m->successor;
		view->reserve_left_ns =
			boot_diff_ns(t->l->peer[n].at, t->now.boot) + t->l->config.timing.hold_ns;
		freed = true;
	}
	return freed;
}

static void lease_former_released(struct lease *l, const struct lease_msg *m)
{
	struct lease_former *f = &l->former;

	if (f->node == m->from && epoch_cmp(f->epoch, m->epoch) <= 0)
		f->released = true;
	else if (m->successor != NODE_NONE && epoch_cmp(f->epoch, m->epoch) < 0)
		*f = (struct lease_former){ .node = m->from, .epoch = m->epoch, .released = true };
}

/* A hand-over to us needs no pulse: RELEASE in, REQUEST out, in one step. */
void lease_peer_released(struct lease_turn *t, const struct lease_msg *m)
{
	struct lease *l = t->l;
	struct lease_msg ack = { .type = LEASE_RELEASE_ACK, .to = m->from, .epoch = m->epoch };
	bool news, freed;

	if (m->epoch.node != m->from || m->successor > NODE_ID_MAX)
		return;
	news = lease_voter_release(t, m->from, m->epoch, m->successor);
	if (news)
		lease_save(t);
	lease_former_released(l, m);
	freed = lease_peers_freed(t, m);
	if (news && m->successor == l->config.self)
		l->next_ask = (boot_t){ 0 };
	lease_ask_if_free(t);
	/* A rival gave way: its voter is free now. */
	if (freed && l->role == LEASE_ASKING && boot_before(l->asked_at, t->now.boot))
		lease_request_round(t);
	lease_send(t, &ack);
}

/* ---- from outside ---- */

void lease_want(struct lease *l, bool want, uint8_t rank, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	lease_lapse_check(&t);
	l->want = want;
	l->rank = rank;
	if (!want && l->role == LEASE_ASKING)
		lease_let_go(&t, NODE_NONE);
	lease_ask_if_free(&t);
}

void lease_place(struct lease *l, uint8_t place)
{
	l->place = place;
}

/* The deadline, the promise file and the clocks outlive an agent, its ids do not. The promise to ourselves
 * holds the epoch. */
void lease_adopt(struct lease *l, boot_t deadline, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };
	bool open = boot_before(now.boot, deadline) &&
		    boot_diff_ns(now.boot, deadline) <= l->config.timing.lease_max_ns;

	assert(l->role == LEASE_IDLE);
	if (!open || !l->config.candidate || lease_voter_promised(&l->voter, now.raw) != l->config.self) {
		plan_add(plan, PLAN_GATE_SET, l->config.group)->gate_deadline = (boot_t){ 0 };
		return;
	}
	l->role = LEASE_HOLDING;
	l->epoch = l->voter.promise.epoch;
	l->deadline = deadline;
	l->last_cause = CAUSE_ADOPTED;
	l->last_holder = l->config.self;
	l->asked_at = l->won_at = now.boot;
	l->former = (struct lease_former){ .node = l->config.self, .epoch = l->epoch };
	lease_request_round(&t);
}

void lease_wake(struct lease *l, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	lease_alone_wake(l, now);
	if (l->role == LEASE_IDLE)
		return;
	lease_tenure_over(&t);
	lease_shut(&t);
	l->next_ask = now.boot;
}

/* No GRANT and no REQUEST of that plan left. An attempt ends; a holder tries again with its next renewal, and
 * its lease runs out if that does not help. */
void lease_save_failed(struct lease *l, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	lease_lapse_check(&t);
	lease_proof_unsaved(l);
	if (l->role != LEASE_ASKING)
		return;
	l->release = (struct lease_release){
		.epoch = l->epoch,
		.unacked = voter_set_all(&l->voters) & ~node_bit(l->config.self),
		.until = boot_add(now.boot, lease_promise_ns_max(l)),
		.next = boot_add(now.boot, l->config.timing.pulse_ns),
	};
	lease_tenure_over(&t);
	lease_wait_for_retry(&t);
}
