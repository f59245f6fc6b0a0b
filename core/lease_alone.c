/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two voters, nothing else, and nothing that can turn one of them off (two-node = best-effort): the vote of a
 * peer that is away is taken for given. Nobody can tell a dead peer from one that is cut off, so this is not
 * safe, and says so; what it does is to leave as little as possible: two holders only while no link between
 * the nodes carries anything in either direction, the service network is cut between them too, and both
 * reach a gateway on their side of it. See docs/LEASE.md.
 *
 *   - the own vote is asked for as ever, and is a real promise: whoever was granted one runs out first;
 *   - the holder goes on alone once the peer was silent for `keep_ns`, in time for its lease; an idle node
 *     waits `silence_ns`, which is longer than a holder that is cut off from peer and gateway at one instant
 *     can still be open;
 *   - both need a gateway that has answered a question not older than its timeout, at every renewal;
 *   - an idle node has asked the service network for the addresses all that time, and nobody answered, and
 *     corosync has lost the peer;
 *   - a peer that has just booted is heard and cannot vote yet, for nobody: the holder goes on without it,
 * and it waits `silence_ns` after it may vote, in case it does not hear the holder;
 *   - the peer is heard: nothing is taken for given any more, at once. If it is seen to hold with the higher
 *     epoch, the gate is shut and the own vote is free at once, so that it need not let go as well;
 *   - two holders that hear each other on the service network only, or in corosync only: the lower node id
 *     goes on, the other one's lease runs out;
 *   - a hello, a pulse that this process could not answer yet, is a sign of life and nothing else.
 */
#include "lease_private.h"

/* Silence is counted from when this node may vote: until then a holder may go on without it. */
static raw_t lease_silence_from(const struct lease *l, struct instant now)
{
	if (raw_before(now.raw, l->voter.mute_until))
		return l->voter.mute_until;
	return now.raw;
}

void lease_alone_init(struct lease *l, struct instant now)
{
	l->alone = (struct lease_alone){ .heard_at = lease_silence_from(l, now), .gone = true };
}

bool lease_alone_mode(const struct lease *l)
{
	node_set_t all = voter_set_all(&l->voters);

	return l->config.alone_votes && node_count(all) == 2 && node_in(all, l->config.self);
}

node_id_t lease_other(const struct lease *l)
{
	node_id_t n = 1;

	while (!node_in(voter_set_all(&l->voters) & ~node_bit(l->config.self), n))
		n++;
	return n;
}

static bool lease_silent(const struct lease *l, struct instant now, int64_t ns)
{
	return raw_diff_ns(l->alone.heard_at, now.raw) >= ns || !LEASE_RULE(ALIVE_ENDS);
}

/* A foreign speaker on the service network, or a peer that is back in corosync: of two holders one must give
 * way. A stranger must not be able to end the tenure of a node that has no peer by a forged packet, at least
 * not of the first. Who that is goes by node id: the order of the candidates changes with a reload, on one
 * node before the other. */
static bool lease_alone_yields(const struct lease *l, struct instant now)
{
	const struct lease_alone *a = &l->alone;

	if (l->config.self < lease_other(l) || !LEASE_RULE(YIELD))
		return false;
	return boot_before(now.boot, a->lan.other_until) || a->rejoined;
}

static bool lease_alone_keeps(const struct lease *l, struct instant now)
{
	bool absent = lease_silent(l, now, l->config.timing.keep_ns) || lease_peer_mute(l, lease_other(l));

	return absent && !lease_alone_yields(l, now);
}

/* Asked for all the time, and lately, and not answered. */
static bool lease_lan_quiet(const struct lease *l, struct instant now, int64_t ns)
{
	const struct lease_lan *lan = &l->alone.lan;

	if (!LEASE_RULE(LAN_QUIET))
		return true;
	return lan->quiet && boot_before(now.boot, lan->quiet_until) &&
	       raw_diff_ns(lan->quiet_since, now.raw) >= ns;
}

static bool lease_alone_takes(const struct lease *l, struct instant now)
{
	int64_t ns = LEASE_RULE(SILENCE) ? l->config.timing.silence_ns : l->config.timing.keep_ns;

	return l->alone.gone && lease_silent(l, now, ns) && lease_lan_quiet(l, now, ns);
}

bool lease_alone_gateway(const struct lease *l, struct instant now)
{
	return boot_before(now.boot, l->alone.lan.gateway_until) || !LEASE_RULE(GATEWAY);
}

node_set_t lease_alone_yes(const struct lease *l, struct instant now)
{
	bool counts;

	if (!lease_alone_mode(l) || !lease_alone_gateway(l, now))
		return 0;
	counts = l->role == LEASE_HOLDING ? lease_alone_keeps(l, now) : lease_alone_takes(l, now);
	return counts ? voter_set_all(&l->voters) & ~node_bit(l->config.self) : 0;
}

int64_t lease_alone_overlap(struct lease *l, struct epoch holds, boot_t won_at, struct instant now)
{
	int64_t held_ns = boot_diff_ns(won_at, now.boot);

	if (!lease_alone_mode(l) || epoch_none(holds) || l->alone.told || l->alone.silent_ns == 0)
		return 0;
	l->alone.told = true;
	return held_ns < l->alone.silent_ns ? held_ns : l->alone.silent_ns;
}

enum core_cause lease_alone_lapse_cause(const struct lease *l, struct instant now)
{
	if (!lease_alone_mode(l) || !lease_silent(l, now, l->config.timing.keep_ns))
		return CAUSE_LEASE_EXPIRED;
	if (lease_alone_yields(l, now))
		return CAUSE_TWO_HOLDERS;
	return lease_alone_gateway(l, now) ? CAUSE_LEASE_EXPIRED : CAUSE_CUT_OFF;
}

/* ---- what is told ---- */

/* A node that stood still heard nothing, and asked for nothing, because of that. */
void lease_alone_wake(struct lease *l, struct instant now)
{
	l->alone.heard_at = lease_silence_from(l, now);
	l->alone.lan = (struct lease_lan){ 0 };
}

static void lease_silence_ends(struct lease *l, struct instant now)
{
	if (lease_silent(l, now, l->config.timing.keep_ns)) {
		l->alone.silent_ns = raw_diff_ns(l->alone.heard_at, now.raw);
		l->alone.told = false;
	}
	l->alone.heard_at = lease_silence_from(l, now);
}

void lease_alone_heard(struct lease *l, node_id_t from, struct instant now)
{
	if (from == NODE_NONE || !node_in(voter_set_all(&l->voters), from))
		return;
	lease_silence_ends(l, now);
	l->alone.rejoined = false;
}

void lease_hello(struct lease *l, node_id_t from, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	if (!lease_alone_mode(l) || from != lease_other(l))
		return;
	lease_lapse_check(&t);
	lease_silence_ends(l, now);
}

void lease_lan(struct lease *l, const struct lease_lan *lan, struct instant now, struct core_plan *plan)
{
	struct lease_turn t = { l, now, plan };

	lease_lapse_check(&t);
	l->alone.lan = *lan;
	lease_ask_if_free(&t);
}

void lease_member(struct lease *l, node_id_t node, bool here)
{
	if (!lease_alone_mode(l) || node == l->config.self || !node_in(voter_set_all(&l->voters), node))
		return;
	l->alone.rejoined = here && (l->alone.gone || l->alone.rejoined);
	l->alone.gone = !here;
}
