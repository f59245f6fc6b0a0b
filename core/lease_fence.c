/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two voters, of which one is dead: its vote can be had from nobody, and without it nobody holds. A power
 * switch that proves it off stands in for it, exactly as far as this can be told from what that vote could
 * still do:
 *
 *   - the own vote is asked for as ever, and is a real promise: the peer, started again, still needs it;
 *   - the proof is the answer "off" to a query that was sent after the shot, from a device that cuts power:
 * memory that is only stopped comes back with its gate and its promises;
 *   - it voids the own promise to the peer only if that was made before the query was sent; a later one was
 * asked for by a machine that has started since, and runs out like any other;
 *   - once the peer is heard again it is good for the epoch that was voted for by then, or for nothing, and
 * so is a query whose answer has not come: the peer has this node's hi from the answer to its hello, so it
 * can win nothing below that;
 *   - therefore who has booted shoots nobody before its own hello was answered: epochs that were won by a
 * proof are known to nobody but their winner;
 *   - it is kept in memory and tmpfs only, and nothing is won below the own hi.
 */
#include "lease_private.h"

void lease_fence_query(struct lease *l)
{
	l->queried = true;
	l->voter.promised_since_query = false;
}

static bool lease_proof_mode(const struct lease *l)
{
	node_set_t all = voter_set_all(&l->voters);

	return l->config.proof_votes && node_count(all) == 2 && node_in(all, l->config.self);
}

void lease_fence_proof(struct lease *l, node_id_t peer, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };
	struct lease_voter *v = &l->voter;

	if (!lease_proof_mode(l) || !node_in(voter_set_all(&l->voters), peer) || peer == l->config.self)
		return;
	lease_lapse_check(&t);
	if (!l->queried)
		return; /* it was heard meanwhile: how old the answer is cannot be told any more */
	l->queried = false;
	l->proof = (struct lease_proof){ .node = peer };
	if (v->promise.node == peer && (!v->promised_since_query || !LEASE_RULE(VOID_OLD)))
		v->promise = (struct lease_promise){ .node = NODE_NONE };
	if (v->reserve.node == peer)
		v->reserve = (struct lease_reserve){ .node = NODE_NONE };
	lease_save(&t);
	lease_count_again(&t);
	lease_ask_if_free(&t);
}

void lease_fence_drop(struct lease *l, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	if (l->proof.node == NODE_NONE)
		return;
	l->proof = (struct lease_proof){ .node = NODE_NONE };
	lease_save(&t);
}

node_set_t lease_proof_yes(const struct lease *l)
{
	struct epoch bid = lease_bid(l);

	if (l->proof.node == NODE_NONE || !lease_proof_mode(l))
		return 0;
	if (!epoch_none(l->proof.epoch) && epoch_cmp(l->proof.epoch, bid) != 0)
		return 0;
	if (LEASE_RULE(WIN_HI) && epoch_cmp(bid, l->voter.hi) < 0)
		return 0;
	return node_bit(l->proof.node);
}

node_set_t lease_proof_free(const struct lease *l)
{
	return lease_proof_mode(l) && epoch_none(l->proof.epoch) ? node_bit(l->proof.node) : 0;
}

void lease_proof_over(struct lease *l)
{
	if (!epoch_none(l->proof.epoch))
		l->proof = (struct lease_proof){ .node = NODE_NONE };
}

void lease_proof_unsaved(struct lease *l)
{
	l->proof = (struct lease_proof){ .node = NODE_NONE };
	l->unsaved = lease_proof_mode(l);
}

/* The epoch that this node has voted for by now, if that vote still is its latest. */
static struct epoch lease_proof_epoch(const struct lease *l)
{
	const struct lease_voter *v = &l->voter;
	struct epoch bid = lease_bid(l);

	if (l->role == LEASE_IDLE || v->promise.node != l->config.self ||
	    epoch_cmp(v->promise.epoch, bid) != 0 || epoch_cmp(v->hi, bid) != 0)
		return (struct epoch){ 0 };
	return bid;
}

void lease_peer_alive(struct lease *l, node_id_t from, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	lease_alone_heard(l, from, now);
	if (!LEASE_RULE(ONE_EPOCH))
		return;
	if (LEASE_RULE(VOID_OLD))
		l->queried = false; /* what it asks for now, it asks as a machine that has started again */
	if (l->proof.node != from || from == NODE_NONE || !epoch_none(l->proof.epoch))
		return;
	l->proof.epoch = lease_proof_epoch(l);
	if (epoch_none(l->proof.epoch))
		l->proof.node = NODE_NONE;
	lease_save(&t);
}

void lease_hello_answered(struct lease_turn *t, node_id_t from, const struct lease_view *view)
{
	struct lease *l = t->l;

	if (!lease_proof_mode(l) || node_in(l->met, from))
		return;
	l->met |= node_bit(from);
	if (LEASE_RULE(HELLO_HI))
		l->voter.hi = epoch_max(l->voter.hi, view->hi);
	lease_save(t);
}
