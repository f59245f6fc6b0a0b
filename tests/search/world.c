/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct search_config *config;
static int versions; /* 1 or 3 */

static struct world_next *list;
static int list_count;

/* ---- bits ---- */

static int request_bit(int counter, int id, int version)
{
	return ((counter - 1) * WORLD_IDS + id) * versions + (versions > 1 ? version - 1 : 0);
}

static int grant_bit(int counter, int id)
{
	return (counter - 1) * WORLD_IDS + id;
}

static int release_bit(int counter, int successor)
{
	return (counter - 1) * 4 + successor;
}

/* A floor or hi as a small number: 0 = none, else by counter and candidate. */
static int hi_index(uint8_t code)
{
	int c = code >> 3, n = (code & 7) == 7 ? 3 : code & 7; /* 7: what a ceiling covers */

	assert(code == 0 || (c <= 2 && n >= 1 && config->candidates <= 2));
	return code == 0 ? 0 : (c - 1) * 3 + n;
}

static uint8_t hi_of_index(int i)
{
	int n = (i - 1) % 3 + 1;

	return i == 0 ? 0 : local_hi_code((uint8_t)((i - 1) / 3 + 1), (uint8_t)(n == 3 ? 7 : n));
}

/* ---- what can never matter again ---- */

static bool rule_keeps_old_ids(void)
{
	return !LEASE_RULE(ID) || !LEASE_RULE(PROCESS) || !LEASE_RULE(RESERVE);
}

static bool request_dead(const struct world *w, const struct local_facts *v, int c, int e, int version)
{
	if (LEASE_RULE(EPOCH_CHECK) && LEASE_RULE(HI_DURABLE) && LEASE_RULE(CEILING)) {
		if (e < v->hi_c || (e == v->hi_c && LEASE_RULE(EPOCH_UNIQUE) && c < v->hi_n))
			return true;
	}
	if (LEASE_RULE(DEAD) && v->up && !config->crashes && !config->disk_losses && e <= v->dead[c])
		return true;
	return LEASE_RULE(VERSION) && LEASE_RULE(SET_DURABLE) && !config->disk_losses && versions > 1 &&
	       version < v->version;
}

static void prune_requests(struct world *w, int c, int v, const struct local_facts *fv)
{
	uint32_t *bits = &w->request[c - 1][v - 1];

	for (int e = 1; *bits && e <= config->epochs; e++)
		for (int ver = 1; ver <= versions; ver++) {
			bool live = false;

			for (int id = WORLD_IDS - 1; id >= 0; id--) {
				uint32_t bit = 1U << request_bit(e, id, ver);

				/* One that is too old to be counted does what a live one does, and less. */
				if (*bits & bit &&
				    (request_dead(w, fv, c, e, ver) || (id == 0 && (live || config->fresh))))
					*bits &= ~bit;
				live = live || *bits & bit;
			}
		}
}

static void prune_grants(struct world *w, int c, int v, const struct local_facts *fc)
{
	uint16_t *bits = &w->grant[c - 1][v - 1];

	if (!*bits || rule_keeps_old_ids())
		return;
	for (int e = 1; e <= config->epochs; e++)
		for (int id = 0; id < WORLD_IDS; id++)
			if (fc->role == LEASE_IDLE || fc->bid != e || id == 0 || id > fc->ids ||
			    fc->newest[v] >= id)
				*bits &= (uint16_t) ~(1U << grant_bit(e, id));
}

static bool any_request_up_to(const struct world *w, int c, int v, int epoch)
{
	return w->request[c - 1][v - 1] & ((1U << request_bit(epoch + 1, 0, 1)) - 1);
}

static void prune_releases(struct world *w, int c, int v, const struct local_facts *fv)
{
	uint16_t *bits = &w->release[c - 1][v - 1];

	if (!*bits || !LEASE_RULE(RELEASE_EPOCH) || !LEASE_RULE(NEW_EPOCH))
		return;
	for (int e = 1; e <= config->epochs; e++)
		if (!any_request_up_to(w, c, v, e) && !(fv->promise_to == c && fv->promise_c <= e))
			*bits &= (uint16_t) ~(0xfU << release_bit(e, 0));
}

/* Acknowledgments matter until who drives has one, or the change is done. */
static void prune_acks(struct world *w)
{
	const struct local_facts *driver = local_facts(w->node[config->nodes - 1]);

	for (int n = 1; n <= config->nodes; n++)
		if ((driver->up && !driver->joint) || driver->acked >> n & 1)
			w->set_ack &= ~(0xffU << (n - 1) * 8);
}

static void prune(struct world *w)
{
	if (config->new_set)
		prune_acks(w);
	for (int c = 1; c <= config->candidates; c++)
		for (int v = 1; v <= config->nodes; v++) {
			const struct local_facts *fv = local_facts(w->node[v - 1]);

			if (v == c)
				continue;
			prune_requests(w, c, v, fv);
			prune_grants(w, c, v, local_facts(w->node[c - 1]));
			prune_releases(w, c, v, fv);
		}
}

/* ---- doing one step ---- */

static void rename_ids(struct world *w, int c, const uint8_t map[SEARCH_IDS_MAX + 1])
{
	for (int v = 1; v <= config->nodes; v++) {
		uint32_t requests = 0;
		uint16_t grants = 0;

		for (int e = 1; e <= config->epochs; e++)
			for (int id = 0; id < WORLD_IDS; id++) {
				int to = id == 0 ? 0 : map[id];

				assert(to < WORLD_IDS);
				for (int ver = 1; ver <= versions; ver++)
					if (w->request[c - 1][v - 1] >> request_bit(e, id, ver) & 1)
						requests |= 1U << request_bit(e, to, ver);
				if (w->grant[c - 1][v - 1] >> grant_bit(e, id) & 1)
					grants |= (uint16_t)(1U << grant_bit(e, to));
			}
		w->request[c - 1][v - 1] = requests;
		w->grant[c - 1][v - 1] = grants;
		if (local_facts(w->node[v - 1])->grant_pending && local_facts(w->node[v - 1])->grant_to == c)
			w->pending_id[v - 1] = map[w->pending_id[v - 1]];
	}
}

static void send_grant(struct world *w, int voter, const struct local_out *o, uint8_t id)
{
	if (o->counter == 0)
		w->unasked[o->to - 1] |= (uint8_t)(1U << voter);
	else
		w->grant[o->to - 1][voter - 1] |= (uint16_t)(1U << grant_bit(o->counter, id));
}

static void send_out(struct world *w, int from, const struct local_out *o, uint8_t grant_id)
{
	struct voter_set set =
		local_voter_set(o->version ? o->version : 1, o->version == 2 && LEASE_RULE(JOINT));
	node_set_t to = voter_set_all(&set);

	switch ((enum lease_msg_type)o->type) {
	case LEASE_REQUEST:
		assert(o->id < WORLD_IDS);
		for (int v = 1; v <= config->nodes; v++)
			if (v != from && node_in(to, (node_id_t)v))
				w->request[from - 1][v - 1] |= 1U
							       << request_bit(o->counter, o->id, o->version);
		return;
	case LEASE_RELEASE:
		for (int v = 1; v <= config->nodes; v++)
			if (v != from)
				w->release[from - 1][v - 1] |=
					(uint16_t)(1U << release_bit(o->counter, o->successor));
		return;
	case LEASE_GRANT:
		send_grant(w, from, o, grant_id);
		return;
	case LEASE_VSET_ACK:
		if (o->joint)
			w->set_ack |= 1U << ((from - 1) * 8 + hi_index(o->hi));
		return;
	case LEASE_VSET_PROPOSE: /* who drives repeats it at any time: next_voter_set() */
	case LEASE_REFUSE:
	case LEASE_RELEASE_ACK:
		return;
	}
}

/* Two that do not hear each other choose their epochs each for itself: one comes never again after its end.
 */
static const char *check_epoch_alone(struct world *w, int n, int counter)
{
	uint8_t *held = n == 1 ? &w->held_c : &w->held_n;
	bool over = w->held_over >> n & 1;

	if (counter < *held || (counter == *held && over))
		return "I7: an epoch was used again after its end";
	*held = (uint8_t)counter;
	w->held_over &= (uint8_t) ~(1U << n);
	return NULL;
}

/* I7: epochs of open gates grow; one that has ended, or was another's, never comes again. */
static const char *check_epoch(struct world *w, int n, int counter)
{
	bool lower = counter < w->held_c || (counter == w->held_c && n < w->held_n);
	bool same = counter == w->held_c && (n == w->held_n || !LEASE_RULE(EPOCH_UNIQUE));

	if (same && (n != w->held_n || w->held_over))
		return "I7: an epoch was used again after its end";
	if (lower && !same)
		return "I7: a gate opened with an epoch lower than one before";
	if (!same)
		w->held_over = 0;
	w->held_c = (uint8_t)counter;
	w->held_n = (uint8_t)n;
	return NULL;
}

/* I2: what a takeover says of its cause has happened. A node tells what it heard: a tenure that it never
 * heard of may have come after the one it names. */
static const char *check_cause(const struct world *w, const struct local_result *r)
{
	switch ((enum core_cause)r->cause) {
	case CAUSE_ADOPTED:
	case CAUSE_VACANT:
		return NULL;
	case CAUSE_RELEASE:
		return w->released >> r->former & 1 ? NULL
						    : "I2: released, says the new holder, but it was not";
	case CAUSE_LEASE_EXPIRED:
		return r->former != NODE_NONE ? NULL : "I2: expired, says the new holder, but nobody held";
	case CAUSE_NONE:
	case CAUSE_FENCED:
	case CAUSE_OPERATOR:
	case CAUSE_PBX_DEAD:
	case CAUSE_PBX_SICK:
	case CAUSE_LAN_DOWN:
	case CAUSE_GATE_LOST:
	case CAUSE_STOPPING:
	case CAUSE_HIGHER_EPOCH:
	case CAUSE_STANDSTILL:
	case CAUSE_FAILBACK:
	case CAUSE_REASON:
	case CAUSE_VRRP_SILENCE:
	case CAUSE_VRRP_RELEASE:
	case CAUSE_VRRP_PREEMPT:
	case CAUSE_VRRP_BETTER:
	case CAUSE_VRRP_UNSENT:
	case CAUSE_VRRP_FAULT:
	case CAUSE_PEER_ABSENT:
	case CAUSE_CUT_OFF:
	case CAUSE_TWO_HOLDERS:
	case CAUSE_UPLINK:
	case CORE_CAUSES_COUNT:
		break;
	}
	return "I2: a takeover without a cause";
}

/* What best effort promises: two holders only while each is cut from the other and not from its gateway, and
 * for as long as a holder needs to notice that this is no more so. */
static int excused_units(void)
{
	return config->gateway + config->lease + config->boot_units;
}

static const char *check_excuse(const struct world *w)
{
	if (w->uncut > excused_units())
		return "I1: two gates are open, and nothing excuses it";
	return w->both_for > 1 ? "I1: two gates are open although both hear each other" : NULL;
}

static const char *check_gates(const struct world *w)
{
	int open = 0;

	for (int n = 0; n < config->nodes; n++)
		open += local_facts(w->node[n])->open;
	if (open > 1 && config->alone)
		return check_excuse(w);
	return open > 1 ? "I1: two gates are open" : NULL;
}

/* After the loss of a disk a candidate may choose an epoch that it used before and nobody else granted. What
 * keeps the messages of then apart is the incarnation of the pulses: who has heard the new one takes nothing
 * of the former any more. */
static void forget_stale(struct world *w, int n)
{
	memset(w->request[n - 1], 0, sizeof w->request[n - 1]);
	memset(w->release[n - 1], 0, sizeof w->release[n - 1]);
	w->stale &= (uint8_t) ~(1U << n);
}

static const char *apply(struct world *w, int n, const struct local_result *r, uint8_t grant_id)
{
	const char *bad = NULL;

	w->node[n - 1] = r->next;
	if (n <= config->candidates && !r->same_ids)
		rename_ids(w, n, r->id_map);
	for (int i = 0; i < r->outs_count; i++) {
		if (r->out[i].type == LEASE_REQUEST && w->stale >> n & 1)
			forget_stale(w, n);
		send_out(w, n, &r->out[i], grant_id);
	}
	if (r->ended) {
		if (config->alone)
			w->held_over |= (uint8_t)(1U << n);
		else if (w->held_n == n)
			w->held_over = 1;
		if (config->causes)
			w->released |= (uint8_t)((unsigned)r->released << n);
		if (config->healthy && n == 1)
			bad = "I4: a healthy holder lost its lease";
	}
	if (r->won && config->causes)
		bad = check_cause(w, r);
	if (r->opened && !bad && !config->only_gates)
		bad = config->alone ? check_epoch_alone(w, n, r->epoch) : check_epoch(w, n, r->epoch);
	return bad;
}

static void push(const struct world *w, const struct world_action *a, const char *violation)
{
	struct world_next *x;

	assert(list_count < WORLD_NEXT_MAX);
	x = &list[list_count++];
	x->world = *w;
	x->action = *a;
	prune(&x->world);
	for (int n = 1; config->alone && n <= 2; n++)
		x->world.spoke |= (uint8_t)(local_facts(x->world.node[n - 1])->open << n);
	x->violation = violation ? violation : check_gates(&x->world);
}

/* Feeds one event to one node, of which the world has changed already. */
static void feed_always(const struct world *w, int n, struct local_event ev)
{
	const struct world_action a = { .node = (uint8_t)n, .event = ev };
	struct world next = *w;
	const char *bad = apply(&next, n, local_step(w->node[n - 1], ev), 0);

	push(&next, &a, bad);
}

/* Feeds one event to one node. grant_id: what a GRANT that comes of it echoes. */
static void feed(const struct world *w, int n, struct local_event ev, uint8_t id)
{
	const struct local_result *r = local_step(w->node[n - 1], ev);
	const struct world_action a = { .node = (uint8_t)n, .event = ev, .id = id };
	struct world next;
	const char *bad;

	if (r->next == w->node[n - 1] && r->outs_count == 0 && !r->ended && !r->opened)
		return;
	next = *w;
	bad = apply(&next, n, r, id);
	if (ev.type == LOCAL_REQUEST && local_facts(r->next)->grant_pending)
		next.pending_id[n - 1] = id;
	else if (!local_facts(r->next)->grant_pending)
		next.pending_id[n - 1] = 0;
	push(&next, &a, bad);
}

/* ---- what can happen ---- */

static void next_candidate(const struct world *w, int n, const struct local_facts *f)
{
	bool held_by_me = f->role == LEASE_HOLDING;

	if (f->role == LEASE_IDLE) {
		for (int e = f->hi_c + 1; !f->hi_unknown && e <= config->epochs; e++)
			feed(w, n, (struct local_event){ LOCAL_ASK, (uint8_t)e }, 0);
		return;
	}
	if (f->renew_due || (held_by_me && f->d_left == 0))
		feed(w, n, (struct local_event){ LOCAL_TIMER }, 0);
	if (!(config->healthy && n == 1) && !config->stubborn)
		feed(w, n, (struct local_event){ LOCAL_HAND_OVER, NODE_NONE }, 0);
	if (config->successor && held_by_me && !(config->healthy && n == 1))
		feed(w, n, (struct local_event){ LOCAL_HAND_OVER, (uint8_t)(n % config->candidates + 1) }, 0);
	if (config->wake && !(config->healthy && n == 1))
		feed(w, n, (struct local_event){ LOCAL_WAKE }, 0);
	if (held_by_me && f->ids > 0 && w->raises < config->raises)
		for (int e = f->bid; e < config->epochs; e++) {
			struct world u = *w;

			u.raises++;
			feed(&u, n, (struct local_event){ LOCAL_RAISE, (uint8_t)e }, 0);
		}
}

static void next_grants(const struct world *w, int n, const struct local_facts *f)
{
	for (int v = 1; v <= config->nodes; v++) {
		for (int e = 1; w->grant[n - 1][v - 1] && e <= config->epochs; e++)
			for (int id = 0; id < WORLD_IDS; id++)
				if (w->grant[n - 1][v - 1] >> grant_bit(e, id) & 1)
					feed(w, n,
					     (struct local_event){ LOCAL_GRANT, (uint8_t)v, (uint8_t)e,
								   (uint8_t)id },
					     (uint8_t)id);
		if (w->unasked[n - 1] >> v & 1)
			feed(w, n, (struct local_event){ LOCAL_UNASKED, (uint8_t)v }, 0);
	}
}

static void next_requests(const struct world *w, int v, int c)
{
	for (int e = 1; w->request[c - 1][v - 1] && e <= config->epochs; e++)
		for (int ver = 1; ver <= versions; ver++)
			for (int id = 0; id < WORLD_IDS; id++)
				if (w->request[c - 1][v - 1] >> request_bit(e, id, ver) & 1)
					feed(w, v,
					     (struct local_event){ LOCAL_REQUEST, (uint8_t)c, (uint8_t)e,
								   (uint8_t)ver },
					     (uint8_t)id);
}

static void next_releases(const struct world *w, int v, int c)
{
	for (int e = 1; w->release[c - 1][v - 1] && e <= config->epochs; e++)
		for (int s = 0; s <= config->candidates; s++)
			if (w->release[c - 1][v - 1] >> release_bit(e, s) & 1)
				feed(w, v,
				     (struct local_event){ LOCAL_RELEASE, (uint8_t)c, (uint8_t)e,
							   (uint8_t)s },
				     0);
}

static void next_told(const struct world *w, int n, const struct local_facts *f)
{
	for (int v = 1; v <= config->nodes; v++) {
		const struct local_facts *o = local_facts(w->node[v - 1]);
		struct voter_set set = local_voter_set(o->version, o->joint);
		bool votes = node_in(voter_set_all(&set), (node_id_t)v);

		if (v != n && o->up && !o->hi_unknown && f->hi_unknown)
			feed(w, n,
			     (struct local_event){ LOCAL_TOLD, (uint8_t)v, o->version,
						   local_hi_code(o->hi_c, o->hi_n), (uint8_t)(votes | 4) },
			     0);
	}
}

static void next_faults(const struct world *w, int n)
{
	struct world u = *w;

	if ((config->healthy && (n == 1 || n == config->nodes)) ||
	    (config->faulty && !node_in(config->faulty, (node_id_t)n)))
		return;
	if (w->crashes < config->crashes) {
		u = *w;
		u.crashes++;
		if (config->shots)
			u.hello[n - 1] = 0;
		feed(&u, n, (struct local_event){ LOCAL_CRASH }, 0);
	}
	if (w->disk_losses < config->disk_losses) {
		u = *w;
		u.disk_losses++;
		u.stale |= (uint8_t)(1U << n);
		feed(&u, n, (struct local_event){ LOCAL_CRASH, 1 }, 0);
	}
	if (w->restarts < config->restarts) {
		u = *w;
		u.restarts++;
		feed(&u, n, (struct local_event){ LOCAL_RESTART }, 0);
	}
}

static void next_voter_set(const struct world *w, int n, const struct local_facts *f)
{
	const struct local_facts facts = *local_facts(w->node[config->nodes - 1]), *driver = &facts;

	if (f->driving && f->version == 1 && !w->changed) {
		struct world u = *w;

		u.changed = 1;
		feed(&u, n, (struct local_event){ LOCAL_SET_CHANGE }, 0);
	}
	if (f->driving && f->joint)
		feed(w, n, (struct local_event){ LOCAL_SET_TICK }, 0);
	/* Who drives tells those that are behind, again and again. */
	if (!f->driving && driver->up && driver->version > 1 &&
	    (f->version < driver->version || (driver->joint && !(driver->acked >> n & 1))))
		feed(w, n,
		     (struct local_event){ LOCAL_SET_PROPOSE, (uint8_t)config->nodes, driver->version,
					   local_hi_code(driver->hi_c, driver->hi_n), driver->joint },
		     0);
	if (f->driving && f->joint)
		for (int from = 1; from < config->nodes; from++)
			for (int i = 0; i < 8; i++)
				if (w->set_ack >> ((from - 1) * 8 + i) & 1)
					feed(w, n,
					     (struct local_event){ LOCAL_SET_ACK, (uint8_t)from, 2,
								   hi_of_index(i) },
					     0);
}

/* ---- two voters and a power switch ---- */

/* The power of n goes, early or late; its former answers reach nobody any more. */
static void next_cut(const struct world *w, int n)
{
	struct world u = *w;

	if (!(w->cut >> n & 1))
		return;
	u.cut &= (uint8_t) ~(1U << n);
	if (!LEASE_RULE(OFF_IS_OFF)) {
		feed(&u, n, (struct local_event){ LOCAL_FREEZE }, 0);
		return;
	}
	u.hello[n - 1] = 0;
	if (local_facts(w->node[n - 1])->up)
		feed(&u, n, (struct local_event){ LOCAL_CRASH }, 0);
	else
		push(&u, &(struct world_action){ .node = (uint8_t)n, .event = { LOCAL_CRASH } }, NULL);
}

/* Who is heard knows the other's present hi from then on, at the latest when the answer comes. */
static void next_hello(const struct world *w, int n, const struct local_facts *f,
		       const struct local_facts *other)
{
	struct world u = *w;

	if (w->hello[n - 1] && !f->met) {
		u.hello[n - 1] = 0;
		feed(&u, n,
		     (struct local_event){ LOCAL_HELLO, (uint8_t)(3 - n), (uint8_t)(w->hello[n - 1] - 1) },
		     0);
	}
	if (!other->up || other->frozen)
		return;
	u = *w;
	if (!other->met && !u.hello[2 - n])
		u.hello[2 - n] = (uint8_t)(1 + local_hi_code(f->hi_c, f->hi_n));
	if (f->proof || u.hello[2 - n] != w->hello[2 - n])
		feed_always(&u, n, (struct local_event){ LOCAL_ALIVE });
}

static void next_shot(const struct world *w, int n, const struct local_facts *f,
		      const struct local_facts *other)
{
	struct world u = *w;

	switch ((enum local_shot)f->shot) {
	case SHOT_NONE:
		if (w->shots < config->shots && (f->met || !LEASE_RULE(HELLO))) {
			u.shots++;
			u.cut |= (uint8_t)(1U << (3 - n));
			feed(&u, n, (struct local_event){ LOCAL_SHOOT }, 0);
		}
		if (f->proof)
			feed(w, n, (struct local_event){ LOCAL_FORGET }, 0);
		return;
	case SHOT_SENT:
		feed(w, n, (struct local_event){ LOCAL_QUERY }, 0);
		return;
	case SHOT_QUERIED:
		if (!other->up || other->frozen || !LEASE_RULE(PROOF_STATUS))
			feed(w, n, (struct local_event){ LOCAL_OFF }, 0);
		return;
	case SHOT_OFF:
		feed(w, n, (struct local_event){ LOCAL_PROOF }, 0);
		feed(w, n, (struct local_event){ LOCAL_FORGET }, 0);
		return;
	}
}

static void next_fence(const struct world *w, int n, const struct local_facts *f)
{
	const struct local_facts other = *local_facts(w->node[2 - n]);

	next_hello(w, n, f, &other);
	next_shot(w, n, f, &other);
}

/* ---- two voters, nothing else ---- */

static bool hears(const struct world *w, int n)
{
	return !config->alone || w->link >> (n - 1) & 1;
}

static void next_toggle(uint8_t *which, struct world *u, int n, uint8_t what, uint8_t bit)
{
	const struct world_action a = { .node = (uint8_t)n, .event = { LOCAL_LAN, what } };

	*which ^= bit;
	u->toggles++;
	push(u, &a, NULL);
}

/* Anything between them, or a gateway, breaks or heals. */
static void next_toggles(const struct world *w)
{
	struct world u;

	if (w->toggles >= config->toggles)
		return;
	for (int n = 1; n <= 2; n++) {
		u = *w;
		next_toggle(&u.link, &u, n, 1, (uint8_t)(1U << (n - 1)));
		u = *w;
		next_toggle(&u.gateways, &u, n, 2, (uint8_t)(1U << (n - 1)));
	}
	u = *w;
	next_toggle(&u.lan, &u, 0, 0, 1);
}

/* What has come in one tick: pulses, answers of gateways, answers for the address. */
static const char *hear_all(struct world *w, int n)
{
	const struct local_facts other = *local_facts(w->node[2 - n]), mine = *local_facts(w->node[n - 1]);
	const uint8_t spoke = w->spoke >> (3 - n) & 1;
	const struct local_event pulse = { LOCAL_HEARD, (uint8_t)(3 - n), other.holds_c, other.mute };
	const struct local_event lan = { LOCAL_LAN, w->gateways >> (n - 1) & 1,
					 (uint8_t)(w->lan ? spoke | other.asks << 1 : 0) };
	const char *bad = NULL, *x;

	w->queued &= (uint8_t) ~(1U << n);
	if (!mine.up)
		return NULL;
	if (mine.busy) {
		w->queued |= (uint8_t)(1U << n);
		return NULL;
	}
	if (hears(w, n) && other.up)
		bad = apply(w, n, local_step(w->node[n - 1], pulse), 0);
	if (local_facts(w->node[n - 1])->busy) {
		w->queued |= (uint8_t)(1U << n);
		return bad;
	}
	x = apply(w, n, local_step(w->node[n - 1], lan), 0);
	return bad ? bad : x;
}

static const char *tick_alone(struct world *w)
{
	bool excused = w->link == 0 && !w->lan && w->gateways == 3;
	const char *bad = NULL, *x;

	if (excused)
		w->uncut = 0;
	else if (w->uncut <= excused_units())
		w->uncut = (uint8_t)(w->uncut + config->boot_units);
	for (int n = 1; n <= 2; n++) {
		x = hear_all(w, n);
		bad = bad ? bad : x;
	}
	w->spoke = 0;
	if (w->link != 3 || w->queued)
		w->both_for = 0;
	else if (w->both_for < 2)
		w->both_for++;
	return bad;
}

/* It goes on after a standstill: what is in its sockets comes first. */
static void next_queued(const struct world *w, int n)
{
	const struct world_action a = { .node = (uint8_t)n, .event = { LOCAL_HEARD, (uint8_t)(3 - n) } };
	struct world u = *w;
	const char *bad = hear_all(&u, n);

	push(&u, &a, bad);
}

static void next_node(const struct world *w, int n)
{
	const struct local_facts facts = *local_facts(w->node[n - 1]), *f = &facts;

	next_cut(w, n);
	if (f->frozen) {
		feed(w, n, (struct local_event){ LOCAL_THAW }, 0);
		return;
	}
	if (!f->up) {
		feed(w, n, (struct local_event){ LOCAL_BOOT }, 0);
		return;
	}
	next_faults(w, n);
	if (f->busy) {
		feed(w, n, (struct local_event){ LOCAL_EXECUTE }, w->pending_id[n - 1]);
		return;
	}
	if (w->queued >> n & 1) {
		next_queued(w, n);
		return;
	}
	if (n <= config->candidates)
		next_candidate(w, n, f);
	if (n <= config->candidates && hears(w, n))
		next_grants(w, n, f);
	for (int c = 1; c <= config->candidates; c++) {
		if (c == n || !hears(w, n))
			continue;
		next_requests(w, n, c);
		next_releases(w, n, c);
	}
	if (f->needs_ceiling)
		feed(w, n, (struct local_event){ LOCAL_RESERVE }, 0);
	if (f->hi_unknown)
		next_told(w, n, f);
	if (config->new_set)
		next_voter_set(w, n, f);
	if (config->shots)
		next_fence(w, n, f);
}

/* With healthy nodes, time waits until they have done their duty. */
static bool time_may_pass(const struct world *w)
{
	int last = config->nodes;
	const struct local_facts *a = local_facts(w->node[0]);

	if (!config->healthy)
		return true;
	return !a->renew_due && w->request[0][last - 1] == 0 && w->grant[0][last - 1] == 0;
}

static void next_time(const struct world *w)
{
	unsigned masks = config->drift ? 1U << config->nodes : 1;

	for (unsigned mask = 0; mask < masks && time_may_pass(w); mask++) {
		const struct world_action a = { .event = { LOCAL_TIME }, .mask = (uint8_t)mask };
		struct world next = *w;
		const char *bad = NULL;

		for (int n = 1; n <= config->nodes; n++) {
			uint8_t drift = (uint8_t)(2 + (mask >> (n - 1) & 1));
			struct local_event ev = { LOCAL_TIME,
						  config->drift ? drift : (uint8_t)config->boot_units,
						  config->drift ? drift : (uint8_t)config->raw_units };
			const char *x = apply(&next, n, local_step(w->node[n - 1], ev), 0);

			bad = bad ? bad : x;
		}
		if (config->alone) {
			const char *x = tick_alone(&next);

			bad = bad ? bad : x;
		}
		push(&next, &a, bad);
	}
}

/* Between two healthy nodes nothing is lost and nothing comes twice. */
static void consume_healthy(const struct world *w)
{
	int last = config->nodes;

	for (int i = 0; config->healthy && i < list_count; i++) {
		const struct world_action *a = &list[i].action;
		struct world *x = &list[i].world;

		if (a->node == last && a->event.type == LOCAL_REQUEST && a->event.a == 1)
			x->request[0][last - 1] &= ~(1U << request_bit(a->event.b, a->id, 1));
		if (a->node == 1 && a->event.type == LOCAL_GRANT && a->event.a == last)
			x->grant[0][last - 1] &= (uint16_t) ~(1U << grant_bit(a->event.b, a->id));
	}
}

int world_next(const struct world *w, struct world_next ret[WORLD_NEXT_MAX])
{
	list = ret;
	list_count = 0;
	next_time(w);
	if (config->alone)
		next_toggles(w);
	for (int n = 1; n <= config->nodes; n++)
		next_node(w, n);
	consume_healthy(w);
	return list_count;
}

void world_initial(struct world *ret, const struct search_config *c)
{
	config = c;
	versions = c->new_set ? 3 : 1;
	assert(c->nodes <= SEARCH_NODES_MAX && c->candidates <= WORLD_CANDIDATES_MAX);
	assert(c->epochs * WORLD_IDS * versions <= 32 && c->epochs * WORLD_IDS <= 16);
	memset(ret, 0, sizeof *ret);
	for (int n = 1; n <= c->nodes; n++)
		ret->node[n - 1] = local_initial((node_id_t)n);
	if (!c->alone)
		return;
	ret->link = ret->gateways = 3;
	ret->lan = 1;
	ret->uncut = (uint8_t)(excused_units() + 1);
}

/* ---- words ---- */

void world_print_action(const struct world_action *a)
{
	const struct local_event *e = &a->event;
	char n = (char)('@' + a->node);

	switch ((enum local_event_type)e->type) {
	case LOCAL_TIME:
		printf(config->drift ? "tick (fast clocks %#x)" : "tick", a->mask);
		return;
	case LOCAL_TIMER:
		printf("%c: its timer", n);
		return;
	case LOCAL_ASK:
		printf("%c asks with epoch %d", n, e->a);
		return;
	case LOCAL_HAND_OVER:
		printf("%c lets go", n);
		if (e->a)
			printf(" for %c", '@' + e->a);
		return;
	case LOCAL_RAISE:
		printf("%c is refused, hi %d: raises", n, e->a);
		return;
	case LOCAL_WAKE:
		printf("%c wakes up", n);
		return;
	case LOCAL_REQUEST:
		printf("%c <- REQUEST of %c epoch %d id %d version %d", n, '@' + e->a, e->b, a->id, e->c);
		return;
	case LOCAL_GRANT:
		printf("%c <- GRANT of %c epoch %d id %d", n, '@' + e->a, e->b, e->c);
		return;
	case LOCAL_UNASKED:
		printf("%c <- unasked GRANT of %c", n, '@' + e->a);
		return;
	case LOCAL_RELEASE:
		printf("%c <- RELEASE of %c epoch %d", n, '@' + e->a, e->b);
		if (e->c)
			printf(" for %c", '@' + e->c);
		return;
	case LOCAL_EXECUTE:
		printf("%c does the next action", n);
		return;
	case LOCAL_RESTART:
		printf("%c: agent restarts", n);
		return;
	case LOCAL_CRASH:
		printf(e->a ? "%c loses power and disk" : "%c loses power", n);
		return;
	case LOCAL_BOOT:
		printf("%c boots", n);
		return;
	case LOCAL_RESERVE:
		printf("%c: ceiling durable", n);
		return;
	case LOCAL_TOLD:
		printf("%c is told hi by %c", n, '@' + e->a);
		return;
	case LOCAL_SET_CHANGE:
		printf("%c begins the change of voters", n);
		return;
	case LOCAL_SET_TICK:
		printf("%c drives the change", n);
		return;
	case LOCAL_SET_PROPOSE:
		printf("%c takes voter set %d", n, e->b);
		return;
	case LOCAL_SET_ACK:
		printf("%c <- acknowledgment of %c", n, '@' + e->a);
		return;
	case LOCAL_SHOOT:
		printf("%c shoots the other", n);
		return;
	case LOCAL_QUERY:
		printf("%c asks the device whether it is off", n);
		return;
	case LOCAL_OFF:
		printf("the device says off to %c", n);
		return;
	case LOCAL_PROOF:
		printf("%c takes it for a proof", n);
		return;
	case LOCAL_FORGET:
		printf("%c gives the proof up", n);
		return;
	case LOCAL_ALIVE:
		printf("%c hears the other", n);
		return;
	case LOCAL_HELLO:
		printf("%c: its hello is answered by %c, hi %d.%d", n, '@' + e->a, e->b >> 3, e->b & 7);
		return;
	case LOCAL_FREEZE:
		printf("%c is stopped with its memory", n);
		return;
	case LOCAL_THAW:
		printf("%c goes on", n);
		return;
	case LOCAL_HEARD:
		printf("%c takes what has come while it stood still", n);
		return;
	case LOCAL_LAN:
		if (e->a == 0)
			printf("the service network between them breaks or heals");
		else
			printf("%c: its %s breaks or heals", n, e->a == 1 ? "hearing" : "way to the gateway");
		return;
	}
}
