/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot_sync.h"

void snapshot_sync_init(struct snapshot_sync *s, node_id_t self, uint64_t seed)
{
	*s = (struct snapshot_sync){
		.self = self,
		.seed = seed,
		.joining = true,
		.merge_at = BOOT_NEVER,
		.alone_at = BOOT_NEVER,
		.retry_at = BOOT_NEVER,
	};
}

static void stop_asking(struct snapshot_sync *s)
{
	s->asking = false;
	s->retry_at = BOOT_NEVER;
}

static void ask(struct snapshot_sync *s, node_set_t known, boot_t at)
{
	s->asking = true;
	s->attempt = 0;
	s->known = known;
	s->retry_at = at;
}

static void has_state(struct snapshot_sync *s)
{
	s->joining = false;
	s->synced |= node_bit(s->self);
	stop_asking(s);
}

static void lost_connection(struct snapshot_sync *s)
{
	s->synced = s->met = 0;
	s->merge_at = s->alone_at = BOOT_NEVER;
	s->taking = s->answering = 0;
	stop_asking(s);
}

static void be_alone(struct snapshot_sync *s, boot_t now)
{
	s->merge_at = BOOT_NEVER;
	if (!s->joining)
		has_state(s);
	else if (s->alone_at.ns == BOOT_NEVER.ns)
		s->alone_at = boot_add(now, SYNC_ALONE_NS);
}

void snapshot_sync_view(struct snapshot_sync *s, node_set_t members, node_set_t joined, boot_t now)
{
	node_set_t others = members & ~node_bit(s->self);

	s->members = members;
	if (!node_in(members, s->self)) {
		lost_connection(s);
		return;
	}
	s->synced &= members;
	s->met &= members;
	if (others == 0) {
		be_alone(s, now);
		return;
	}
	s->alone_at = BOOT_NEVER;
	if (node_in(joined, s->self) || (s->joining && !s->asking)) {
		/* As far as we can know; who does not answer is passed over. */
		s->synced = s->joining ? others : members;
		ask(s, node_bit(s->self), now);
	} else if (joined) {
		s->synced &= ~joined;
		s->met |= joined;
		s->merge_at = boot_add(now, SYNC_MERGE_NS);
	}
}

void snapshot_sync_missed(struct snapshot_sync *s, boot_t now)
{
	if (!s->asking && (s->members & ~node_bit(s->self)))
		ask(s, node_bit(s->self), boot_add(now, SYNC_RETRY_NS));
}

boot_t snapshot_sync_next(const struct snapshot_sync *s)
{
	return boot_min(boot_min(s->retry_at, s->merge_at), s->alone_at);
}

static int lowest(node_set_t set)
{
	return set ? __builtin_ctzll(set) : -1;
}

/* The lowest node of a side asks for it; a joining one asks anyway and for itself. */
static void merge(struct snapshot_sync *s, boot_t now)
{
	node_set_t side = s->members & ~s->met;

	s->merge_at = BOOT_NEVER;
	if (s->met && !s->asking && lowest(side) == s->self)
		ask(s, side, now);
	s->met = 0;
}

bool snapshot_sync_due(struct snapshot_sync *s, boot_t now, struct snapshot_request *ret)
{
	if (!boot_before(now, s->merge_at))
		merge(s, now);
	if (!boot_before(now, s->alone_at)) {
		s->alone_at = BOOT_NEVER;
		has_state(s);
	}
	if (!s->asking || boot_before(now, s->retry_at))
		return false;
	if (s->attempt >= SYNC_ATTEMPTS_MAX) {
		has_state(s);
		return false;
	}
	s->request = s->seed + ++s->requests;
	s->retry_at = boot_add(now, s->attempt < SYNC_ATTEMPTS_EACH ? SYNC_SOON_NS : SYNC_RETRY_NS);
	*ret = (struct snapshot_request){ s->request, s->attempt++, s->known & s->members, s->joining };
	return true;
}

/* The n-th lowest of a set that is not empty, round and round. */
static node_id_t nth(node_set_t set, unsigned n)
{
	for (n %= (unsigned)node_count(set); n > 0; n--)
		set &= set - 1;
	return (node_id_t)lowest(set);
}

bool snapshot_sync_request(struct snapshot_sync *s, node_id_t from, const struct snapshot_request *q,
			   boot_t now)
{
	node_set_t others = s->members & ~q->known, able;

	if (q->joining) {
		s->met &= ~node_bit(from);
		s->synced &= ~node_bit(from);
	}
	able = others & s->synced ? others & s->synced : others;
	if (node_in(q->known, s->self)) {
		s->taking = q->request;
		s->taking_from = NODE_NONE;
		s->taking_part = 0;
	}
	if (!others || nth(able, q->attempt / SYNC_ATTEMPTS_EACH) != s->self)
		return false;
	s->answering = q->request;
	s->answering_known = q->known;
	s->answering_part = 0;
	return true;
}

bool snapshot_sync_part(struct snapshot_sync *s, node_id_t from, uint64_t request, node_set_t known,
			uint16_t part, bool last, boot_t now)
{
	bool mine = request == s->taking && request && node_in(known, s->self) && part == s->taking_part &&
		    (part == 0 || from == s->taking_from);

	if (last)
		s->synced |= known & s->members & ~node_bit(s->self);
	if (!mine)
		return false;
	s->taking_from = from;
	s->taking_part++;
	if (s->asking && request == s->request)
		s->retry_at = boot_add(now, SYNC_RETRY_NS);
	if (last) {
		s->taking = 0;
		if (!s->asking || request == s->request)
			has_state(s);
		/* else it was asked for by another of this side, and what this node asked for is still to
		 * come */
	}
	return true;
}

bool snapshot_sync_next_part(struct snapshot_sync *s, uint64_t request, uint16_t *ret_part)
{
	if (request == 0 || request != s->answering || s->answering_part == UINT16_MAX)
		return false;
	*ret_part = s->answering_part++;
	return true;
}

void snapshot_sync_part_unsent(struct snapshot_sync *s)
{
	s->answering_part--;
}
