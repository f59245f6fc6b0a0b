/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the lease share and nobody else may use.
 *   lease.c            start, memory, view, and the way in for messages and time
 *   lease_voter.c      the vote: promise, reservation, dead epochs, hi
 *   lease_candidate.c  attempt, tenure, deadline, letting go
 *   lease_ask.c        when to ask: pre-check, retry by rank, next instant
 *   lease_fence.c      two voters: a proof in place of the peer's vote
 *   lease_alone.c      two voters: its absence in place of the peer's vote
 */
#ifndef RK_LEASE_PRIVATE_H
#define RK_LEASE_PRIVATE_H

#include "lease.h"
#include "lease_rule.h"

/* One call being worked on. */
struct lease_turn {
	struct lease *l;
	struct instant now;
	struct core_plan *plan;
};

/* ---- lease.c ---- */

/* Asks for one save before everything that is sent from here on. A plan needs only one: what is written is
 * the state after the whole step. */
void lease_save(struct lease_turn *t);
void lease_send(struct lease_turn *t, const struct lease_msg *msg);
bool lease_votes(const struct lease *l);
void lease_hear_hi(struct lease *l, struct epoch hi);
void lease_need_counter(struct lease *l, uint64_t counter);
static inline int64_t lease_promise_ns_max(const struct lease *l)
{
	return l->config.timing.lease_max_ns + l->config.timing.guard_max_ns;
}
static inline struct epoch epoch_max(struct epoch a, struct epoch b)
{
	return epoch_cmp(a, b) < 0 ? b : a;
}

/* ---- lease_voter.c ---- */

/* Whom the voter is promised to / keeps a reservation for now; NODE_NONE if nobody. */
node_id_t lease_voter_promised(const struct lease_voter *v, raw_t now);
node_id_t lease_voter_reserved(const struct lease_voter *v, raw_t now);
/* The vote itself: 0 = granted and promised, not yet written. The own candidate asks in the same way. */
enum lease_refusal lease_voter_vote(struct lease_turn *t, const struct lease_msg *request);
void lease_voter_request(struct lease_turn *t, const struct lease_msg *request);
/* True if anything changed. */
bool lease_voter_release(struct lease_turn *t, node_id_t node, struct epoch epoch, node_id_t successor);
/* A peer told its hi: counts after the loss of the own one. */
void lease_voter_told(struct lease_turn *t, node_id_t from, const struct lease_view *view);

/* ---- lease_candidate.c ---- */

struct epoch lease_bid(const struct lease *l);
/* The lease has run out: everything that happens now finds the tenure over. */
void lease_lapse_check(struct lease_turn *t);
/* The next epoch is covered by the durable ceiling. */
bool lease_epoch_usable(const struct lease *l);
void lease_attempt(struct lease_turn *t);
void lease_request_round(struct lease_turn *t);
void lease_let_go(struct lease_turn *t, node_id_t successor);
void lease_granted(struct lease_turn *t, const struct lease_msg *grant);
void lease_refused(struct lease_turn *t, const struct lease_msg *refusal);
void lease_peer_holds(struct lease_turn *t, node_id_t from, struct epoch holds);
void lease_peer_released(struct lease_turn *t, const struct lease_msg *release);
void lease_release_tick(struct lease_turn *t);
/* A vote came in another way than as a GRANT. */
void lease_count_again(struct lease_turn *t);

/* ---- lease_fence.c ---- */

/* Whom a proof stands for in the count of the present attempt or tenure; 0 = nobody. */
node_set_t lease_proof_yes(const struct lease *l);
/* ... and would, in a new attempt. */
node_set_t lease_proof_free(const struct lease *l);
/* A tenure or attempt is over: what was good for its epoch only is good for nothing. */
void lease_proof_over(struct lease *l);
/* A proof that a new agent would find otherwise than this one knows it is not used. */
void lease_proof_unsaved(struct lease *l);
/* The peer answered: it knows of this boot, and tells its hi. */
void lease_hello_answered(struct lease_turn *t, node_id_t from, const struct lease_view *view);

/* ---- lease_alone.c ---- */

/* Of two voters. */
node_id_t lease_other(const struct lease *l);
void lease_alone_init(struct lease *l, struct instant now);
void lease_alone_wake(struct lease *l, struct instant now);
/* Any sign of life. */
void lease_alone_heard(struct lease *l, node_id_t from, struct instant now);

/* ---- lease_ask.c ---- */

void lease_ask_if_free(struct lease_turn *t);
void lease_wait_for_retry(struct lease_turn *t);
int64_t lease_attempt_ns(const struct lease *l);
boot_t lease_ask_next(const struct lease *l, struct instant now);

#endif
