/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * When to ask. All of it is liveness: a wrong guess here costs a refused request and never opens a gate.
 * What voters said of their remaining times is counted down here, so that the request leaves at the instant
 * the last needed voter is free and not at the next pulse.
 */
#include "lease_private.h"

int64_t lease_attempt_ns(const struct lease *l)
{
	return l->config.timing.rtt_ns + 2 * l->config.timing.pulse_ns;
}

/* All candidates wait differently long, else they vote for themselves, refuse each other, release and retry
 * together for ever. */
void lease_wait_for_retry(struct lease_turn *t)
{
	const struct lease_timing *timing = &t->l->config.timing;
	int64_t rank_ns = LEASE_RULE(RANK) ? t->l->rank * (timing->rtt_ns + 2 * timing->pulse_ns) : 0;

	t->l->next_ask = boot_add(t->now.boot, timing->pulse_ns + rank_ns);
}

/* The best candidate in reach asks as soon as a promise has run out, the others a little later each. */
static int64_t lease_place_ns(const struct lease *l)
{
	return l->place * l->config.timing.rtt_ns;
}

static boot_t lease_free_at_self(const struct lease *l, struct instant now)
{
	const struct lease_voter *v = &l->voter;
	node_id_t promised = lease_voter_promised(v, now.raw), reserved = lease_voter_reserved(v, now.raw);
	int64_t wait_ns = 0;

	if (v->hi_unknown)
		return BOOT_NEVER;
	if (!lease_votes(l))
		return (boot_t){ 0 };
	if (promised != NODE_NONE && promised != l->config.self)
		wait_ns = raw_diff_ns(now.raw, v->promise.until) + lease_place_ns(l);
	if (reserved != NODE_NONE && reserved != l->config.self &&
	    raw_diff_ns(now.raw, v->reserve.until) > wait_ns)
		wait_ns = raw_diff_ns(now.raw, v->reserve.until);
	if (raw_diff_ns(now.raw, v->mute_until) > wait_ns)
		wait_ns = raw_diff_ns(now.raw, v->mute_until);
	return wait_ns > 0 ? boot_add(now.boot, wait_ns) : (boot_t){ 0 };
}

/* Pulses go both ways, and it can vote for a request of our version. */
static bool lease_peer_in_reach(const struct lease *l, node_id_t n, boot_t now)
{
	const struct lease_peer *p = &l->peer[n];

	return p->at.ns != 0 && boot_diff_ns(p->at, now) <= 3 * l->config.timing.pulse_ns && p->hears_me &&
	       p->view.votes && !p->view.mute && p->view.hi_known && p->view.version <= l->voters.version;
}

static boot_t lease_free_at_peer(const struct lease *l, node_id_t n, boot_t now)
{
	const struct lease_peer *p = &l->peer[n];
	const struct lease_view *view = &p->view;
	node_id_t self = l->config.self;
	boot_t free = { 0 };

	if (!lease_peer_in_reach(l, n, now))
		return BOOT_NEVER;
	if (view->promise_node != NODE_NONE && view->promise_node != self)
		free = boot_add(p->at, view->promise_left_ns + lease_place_ns(l));
	if (view->reserve_node != NODE_NONE && view->reserve_node != self)
		free = boot_max(free, boot_add(p->at, view->reserve_left_ns));
	return free;
}

static boot_t lease_free_at(const struct lease *l, node_id_t n, struct instant now)
{
	return n == l->config.self ? lease_free_at_self(l, now) : lease_free_at_peer(l, n, now.boot);
}

/* The earliest instant at which the own voter and a majority will be free for us, as far as we know. */
static boot_t lease_majority_free_at(const struct lease *l, struct instant now)
{
	boot_t at[NODE_ID_MAX + 1], own = lease_free_at_self(l, now), best = BOOT_NEVER;
	node_set_t all = voter_set_all(&l->voters), off = lease_proof_free(l) | lease_alone_yes(l, now);

	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (node_in(all, n))
			at[n] = node_in(off, n) ? own : boot_max(own, lease_free_at(l, n, now));
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		node_set_t yes = 0;

		if (!node_in(all, n) || !boot_before(at[n], best))
			continue;
		for (node_id_t k = 1; k <= NODE_ID_MAX; k++)
			if (node_in(all, k) && !boot_before(at[n], at[k]))
				yes |= node_bit(k);
		if (voter_set_majority(&l->voters, yes))
			best = at[n];
	}
	return best;
}

void lease_ask_if_free(struct lease_turn *t)
{
	const struct lease *l = t->l;
	boot_t free;

	if (!l->config.candidate || !l->want || l->role != LEASE_IDLE)
		return;
	if (boot_before(t->now.boot, l->next_ask))
		return;
	free = LEASE_RULE(PRECHECK) ? lease_majority_free_at(l, t->now) : lease_free_at_self(l, t->now);
	if (!boot_before(t->now.boot, free))
		lease_attempt(t);
}

boot_t lease_ask_next(const struct lease *l, struct instant now)
{
	boot_t at;

	if (!l->config.candidate || !l->want)
		return BOOT_NEVER;
	at = lease_majority_free_at(l, now);
	if (at.ns == BOOT_NEVER.ns)
		return BOOT_NEVER; /* nothing changes before somebody is heard */
	if (!lease_epoch_usable(l))
		at = boot_max(at, boot_add(now.boot, l->config.timing.pulse_ns));
	return boot_max(at, l->next_ask);
}

bool lease_peer_mute(const struct lease *l, node_id_t peer)
{
	const struct lease_peer *p = &l->peer[peer];

	return p->at.ns != 0 && p->view.votes && (p->view.mute || !p->view.hi_known);
}

bool lease_majority_reachable(const struct lease *l, struct instant now)
{
	node_set_t all = voter_set_all(&l->voters), yes = lease_proof_yes(l) | lease_proof_free(l);

	yes |= lease_alone_yes(l, now);
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++) {
		if (!node_in(all, n))
			continue;
		if (n == l->config.self ? !l->voter.hi_unknown && !raw_before(now.raw, l->voter.mute_until)
					: lease_peer_in_reach(l, n, now.boot))
			yes |= node_bit(n);
	}
	return voter_set_majority(&l->voters, yes);
}
