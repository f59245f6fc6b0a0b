/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The voter: at most one unexpired promise, never an epoch below the highest it granted, never an epoch that
 * has ended. `now` was read after the request was received: what makes others wait is read late.
 */
#include <assert.h>

#include "lease_private.h"

node_id_t lease_voter_promised(const struct lease_voter *v, raw_t now)
{
	return raw_before(now, v->promise.until) ? v->promise.node : NODE_NONE;
}

node_id_t lease_voter_reserved(const struct lease_voter *v, raw_t now)
{
	return raw_before(now, v->reserve.until) ? v->reserve.node : NODE_NONE;
}

/* G of the profile holds for its L; a candidate with a longer lease gets the longest guard. */
static int64_t lease_voter_guard_ns(const struct lease *l, int64_t lease_ns)
{
	const struct lease_timing *t = &l->config.timing;

	if (!LEASE_RULE(GUARD))
		return 0;
	return lease_ns <= t->lease_ns ? t->guard_ns : t->guard_max_ns;
}

static bool lease_voter_epoch_low(const struct lease_voter *v, struct epoch e)
{
	if (!LEASE_RULE(EPOCH_CHECK))
		return false;
	return LEASE_RULE(EPOCH_UNIQUE) ? epoch_cmp(e, v->hi) < 0 : e.counter < v->hi.counter;
}

/* May this node vote at all, for a request of this version and length? */
static enum lease_refusal lease_voter_able(const struct lease *l, const struct lease_msg *m, raw_t now)
{
	if (raw_before(now, l->voter.mute_until))
		return LEASE_REFUSED_MUTE;
	if (l->voter.hi_unknown)
		return LEASE_REFUSED_HI_UNKNOWN;
	if (LEASE_RULE(VERSION) && m->version < l->voters.version)
		return LEASE_REFUSED_VERSION;
	if (!lease_votes(l))
		return LEASE_REFUSED_NOT_VOTER;
	if (m->lease_ns <= 0 || m->lease_ns > l->config.timing.lease_max_ns)
		return LEASE_REFUSED_LEASE_TOO_LONG;
	return 0;
}

static enum lease_refusal lease_voter_judge(const struct lease *l, const struct lease_msg *m, raw_t now)
{
	const struct lease_voter *v = &l->voter;
	enum lease_refusal unable = lease_voter_able(l, m, now);
	node_id_t promised = lease_voter_promised(v, now), reserved = lease_voter_reserved(v, now);

	if (unable)
		return unable;
	if (LEASE_RULE(OTHER) && promised != NODE_NONE && promised != m->from)
		return LEASE_REFUSED_PROMISED;
	if (reserved != NODE_NONE && reserved != m->from)
		return LEASE_REFUSED_RESERVED;
	if (lease_voter_epoch_low(v, m->epoch))
		return LEASE_REFUSED_EPOCH;
	if (LEASE_RULE(DEAD) && m->epoch.counter <= v->dead[m->from])
		return LEASE_REFUSED_DEAD;
	if (LEASE_RULE(CEILING) && m->epoch.counter > l->ceiling)
		return LEASE_REFUSED_CEILING;
	return 0;
}

enum lease_refusal lease_voter_vote(struct lease_turn *t, const struct lease_msg *m)
{
	struct lease_voter *v = &t->l->voter;
	enum lease_refusal refusal = lease_voter_judge(t->l, m, t->now.raw);
	raw_t until;

	if (refusal) {
		if (refusal == LEASE_REFUSED_CEILING)
			lease_need_counter(t->l, m->epoch.counter);
		return refusal;
	}
	if (!LEASE_RULE(SELF) && m->from == t->l->config.self)
		return 0;
	until = raw_add(t->now.raw, m->lease_ns + lease_voter_guard_ns(t->l, m->lease_ns));
	/* A holder that was restarted with a shorter lease has adopted a deadline of the longer one: a
	 * promise to the same node never gets shorter by a renewal. */
	if (lease_voter_promised(v, t->now.raw) == m->from && raw_before(until, v->promise.until))
		until = v->promise.until;
	if (m->from != t->l->config.self)
		v->promised_since_query = true;
	v->promise.node = m->from;
	v->promise.epoch = m->epoch;
	v->promise.until = until;
	v->hi = epoch_max(v->hi, m->epoch);
	v->reserve = (struct lease_reserve){ .node = NODE_NONE };
	return 0;
}

static struct lease_msg lease_voter_reply(const struct lease *l, enum lease_msg_type type,
					  const struct lease_msg *m)
{
	return (struct lease_msg){
		.type = type,
		.to = m->from,
		.epoch = m->epoch,
		.id = m->id,
		.version = m->version,
		.hi = l->voter.hi,
	};
}

/* The refusal says how long this voter is bound, so that the candidate can ask again at the right instant. */
static void lease_voter_refuse(struct lease_turn *t, const struct lease_msg *m, enum lease_refusal refusal)
{
	const struct lease_voter *v = &t->l->voter;
	struct lease_msg reply = lease_voter_reply(t->l, LEASE_REFUSE, m);

	reply.refusal = refusal;
	reply.promise_node = lease_voter_promised(v, t->now.raw);
	if (reply.promise_node != NODE_NONE) {
		reply.promise_left_ns = raw_diff_ns(t->now.raw, v->promise.until);
	} else if (refusal == LEASE_REFUSED_RESERVED) {
		reply.promise_node = lease_voter_reserved(v, t->now.raw);
		reply.promise_left_ns = raw_diff_ns(t->now.raw, v->reserve.until);
	}
	lease_send(t, &reply);
}

void lease_voter_request(struct lease_turn *t, const struct lease_msg *m)
{
	enum lease_refusal refusal;
	struct lease_msg reply;

	if (m->epoch.node != m->from || m->epoch.counter == 0)
		return;
	refusal = lease_voter_vote(t, m);
	if (refusal) {
		lease_voter_refuse(t, m, refusal);
		return;
	}
	if (LEASE_RULE(PERSIST))
		lease_save(t);
	reply = lease_voter_reply(t->l, LEASE_GRANT, m);
	lease_send(t, &reply);
	if (!LEASE_RULE(PERSIST))
		lease_save(t);
}

/* It only refuses others; it is no vote, and the successor must ask for one. */
static void lease_voter_reserve(struct lease_turn *t, struct epoch released, node_id_t successor)
{
	struct lease_voter *v = &t->l->voter;
	struct lease_msg unasked = { .type = LEASE_GRANT, .to = successor };

	v->reserve.node = successor;
	v->reserve.until = raw_add(t->now.raw, t->l->config.timing.hold_ns);
	if (LEASE_RULE(RESERVE) || successor == NODE_NONE || successor == t->l->config.self)
		return;
	v->promise.node = successor;
	v->promise.epoch = released;
	v->promise.until = raw_add(t->now.raw, lease_promise_ns_max(t->l));
	lease_send(t, &unasked);
}

bool lease_voter_release(struct lease_turn *t, node_id_t node, struct epoch epoch, node_id_t successor)
{
	struct lease_voter *v = &t->l->voter;
	bool changed = false;

	if (lease_voter_promised(v, t->now.raw) == node &&
	    (epoch_cmp(v->promise.epoch, epoch) <= 0 || !LEASE_RULE(RELEASE_EPOCH))) {
		v->promise = (struct lease_promise){ .node = NODE_NONE };
		lease_voter_reserve(t, epoch, successor);
		changed = true;
	}
	if (epoch.counter > v->dead[node]) {
		v->dead[node] = epoch.counter;
		changed = true;
	}
	return changed;
}

/* N-M+1 others meet every majority that ever granted an epoch. One that knows a newer voter set, or does not
 * know its own hi, tells nothing. In JOINT nothing is won without a majority of OLD, so OLD's voters are
 * asked. */
void lease_voter_told(struct lease_turn *t, node_id_t from, const struct lease_view *view)
{
	struct lease_voter *v = &t->l->voter;
	node_set_t set = t->l->voters.old_set;
	int needed = node_count(set) - voter_set_majority_size(set) + 1;

	if (!v->hi_unknown || !view->votes || !view->hi_known || view->version > t->l->voters.version)
		return;
	if (!node_in(set, from) || from == t->l->config.self)
		return;
	v->hi = epoch_max(v->hi, view->hi);
	lease_need_counter(t->l, v->hi.counter);
	v->hi_told |= node_bit(from);
	if (node_count(v->hi_told & set) < needed)
		return;
	v->hi_unknown = false;
	lease_save(t);
}
