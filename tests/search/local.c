/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Why each thing that is left out of the canonical form can be left out:
 *   ids older than L         t(id) + L has passed: counting them opens nothing
 *   pre-check, retry times   LOCAL_ASK may come at any time and choose any epoch: a superset
 *   attempt timeout          LOCAL_HAND_OVER may come at any time: a superset
 *   RELEASE repeats          messages in the search persist and may arrive any number of times
 *   dead[] below hi          such a REQUEST is refused for its epoch already
 */
#include "local.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define BASE_NS 1000000

/* One action that is still to be done. */
struct pending {
	uint8_t type; /* enum plan_action_type */
	uint8_t msg;  /* enum lease_msg_type */
	uint8_t to, counter, id, version, successor;
	uint8_t left; /* GATE_SET */
};

#define PENDING_MAX 5

struct promise_form {
	uint8_t valid; /* 0 no file, 1 as the voter's state, 2 as written here */
	uint8_t hi_c, hi_n, hi_unknown, mute, node, counter, left;
	uint8_t dead[SEARCH_NODES_MAX + 1];
	uint8_t met, proof, proof_c;
};

struct form {
	uint8_t self, up;
	uint8_t ceiling, needed;
	uint8_t hi_c, hi_n, hi_unknown, hi_told;
	uint8_t mute;
	uint8_t promise_node, promise_c, promise_left;
	uint8_t reserve_node, reserve_left;
	uint8_t dead[SEARCH_NODES_MAX + 1];
	uint8_t role, epoch_c, raising_c;
	uint8_t d_left;
	uint8_t ids, id_left[SEARCH_IDS_MAX + 1];
	uint8_t newest[SEARCH_NODES_MAX + 1];
	uint8_t renew_in;
	uint8_t gate;
	uint8_t version, joint;
	uint8_t begun, acked, acked_hi, floor, majorities, majorities_for;
	uint8_t former_node, former_c, former_released, promised_before;
	/* two voters and a power switch */
	uint8_t met, proof, proof_c, since_query, queried, shot, frozen;
	/* two voters, nothing else */
	uint8_t peer_mute, silent, quiet, quiet_for, gateway_left, other_left;
	struct promise_form file;
	uint8_t pending_count;
	struct pending pending[PENDING_MAX];
};

/* The expanded node. */
struct node {
	struct lease lease;
	struct voters voters;
	struct form form; /* what it came from; the parts that no production code holds live here */
};

static const struct search_config *config;
static struct table *forms; /* struct form -> number */
static struct local_facts *facts;
static size_t facts_size;
static struct table *steps; /* id, event -> index of results */
static struct local_result *results;
static size_t results_size;
static uint64_t steps_run;
static struct core_plan plan;

static struct instant base(void)
{
	return (struct instant){ { BASE_NS }, { BASE_NS } };
}

/* ---- times ---- */

static uint8_t left_of(int64_t ns)
{
	if (ns <= BASE_NS)
		return 0;
	assert(ns - BASE_NS < 256);
	return (uint8_t)(ns - BASE_NS);
}

struct lease_timing local_timing(int scale)
{
	return (struct lease_timing){
		.lease_ns = config->lease * scale,
		.guard_ns = config->guard * scale,
		.lease_max_ns = config->lease * scale,
		.guard_max_ns = config->guard * scale,
		.pulse_ns = config->pulse * scale,
		.hold_ns = config->hold * scale,
		.rtt_ns = 1 * scale,
		.keep_ns = config->keep * scale,
		.silence_ns = config->silence * scale,
	};
}

struct voter_set local_voter_set(uint8_t version, bool joint)
{
	node_set_t new_set = config->new_set ? config->new_set : config->old_set;

	if (version == 1)
		return (struct voter_set){ 1, VOTERS_STABLE, config->old_set, config->old_set };
	if (joint)
		return (struct voter_set){ version, VOTERS_JOINT, config->old_set, new_set };
	return (struct voter_set){ version, VOTERS_STABLE, new_set, new_set };
}

static struct epoch hi_decode(uint8_t code)
{
	if (code == 0)
		return (struct epoch){ 0 };
	return (struct epoch){ code >> 3, (code & 7) == 7 ? NODE_ID_MAX : (code & 7) };
}

/* ---- expanding ---- */

static void expand_ids(const struct form *f, struct lease *l, int scale, struct instant now)
{
	l->next_counter = f->ids + 1;
	for (int i = 1; i <= f->ids; i++)
		l->sent[i % LEASE_IDS_REMEMBERED] = (struct lease_sent){
			.counter = (uint64_t)i,
			.at = boot_add(now.boot, (f->id_left[i] - config->lease) * scale),
		};
	for (int n = 1; n <= SEARCH_NODES_MAX; n++)
		l->newest[n] = f->newest[n];
}

static void expand_voter(const struct form *f, struct lease_voter *v, int scale, struct instant now)
{
	v->hi = (struct epoch){ f->hi_c, f->hi_n };
	v->hi_unknown = f->hi_unknown;
	v->hi_told = f->hi_told;
	v->mute_until = raw_add(now.raw, f->mute * scale);
	v->promise.node = f->promise_node;
	v->promise.epoch = (struct epoch){ f->promise_c, f->promise_node };
	v->promise.until = raw_add(now.raw, f->promise_left * scale);
	v->reserve.node = f->reserve_node;
	v->reserve.until = raw_add(now.raw, f->reserve_left * scale);
	for (int n = 1; n <= SEARCH_NODES_MAX; n++)
		v->dead[n] = f->dead[n];
}

static void expand_alone(const struct form *f, struct lease_alone *a, int scale, struct instant now)
{
	a->gone = true; /* corosync forbids more, and what is promised does not hang on it */
	a->heard_at = raw_add(now.raw, -(int64_t)f->silent * scale);
	if (f->mute)
		a->heard_at = raw_add(now.raw, f->mute * scale);
	a->lan = (struct lease_lan){
		.gateway_until = boot_add(now.boot, f->gateway_left * scale),
		.quiet = f->quiet,
		.quiet_since = raw_add(now.raw, -(int64_t)f->quiet_for * scale),
		.quiet_until = boot_add(now.boot, 1),
		.other_until = boot_add(now.boot, f->other_left * scale),
	};
}

static void expand_lease(const struct form *f, struct lease *l, int scale, struct instant now,
			 uint64_t process)
{
	memset(l, 0, sizeof *l);
	l->config = (struct lease_config){
		.self = f->self,
		.candidate = f->self <= config->candidates,
		.process = process,
		.timing = local_timing(scale),
		.proof_votes = config->shots > 0,
		.alone_votes = config->alone,
	};
	l->voters = local_voter_set(f->version, f->joint);
	l->ceiling = f->ceiling;
	l->role = f->role;
	if (f->epoch_c)
		l->epoch = (struct epoch){ f->epoch_c, f->self };
	if (f->raising_c)
		l->raising = (struct epoch){ f->raising_c, f->self };
	if (f->role == LEASE_HOLDING)
		l->deadline = boot_add(now.boot, f->d_left * scale);
	l->asked_at = now.boot;
	l->next_renew = boot_add(now.boot, f->renew_in * scale);
	l->former =
		(struct lease_former){ f->former_node, { f->former_c, f->former_node }, f->former_released };
	l->promised_before = f->promised_before;
	l->met = f->met;
	l->proof.node = f->proof;
	if (f->proof_c)
		l->proof.epoch = (struct epoch){ f->proof_c, f->self };
	l->voter.promised_since_query = f->since_query;
	l->queried = f->queried;
	expand_alone(f, &l->alone, scale, now);
	if (f->peer_mute)
		l->peer[3 - f->self] =
			(struct lease_peer){ .at = now.boot, .view = { .votes = true, .mute = true } };
	expand_voter(f, &l->voter, scale, now);
	expand_ids(f, l, scale, now);
}

static void expand_voters(const struct form *f, struct voters *v)
{
	struct voter_set set = local_voter_set(f->version, f->joint);

	voters_init(v, f->self, &set, config->lease + config->guard, config->pulse);
	v->floor = hi_decode(f->floor);
	v->acked = f->acked;
	v->acked_hi = hi_decode(f->acked_hi);
	v->majorities = f->majorities;
	v->majorities_at = raw_add(base().raw, -(int64_t)f->majorities_for);
}

static void expand(struct node *n)
{
	expand_lease(&n->form, &n->lease, 1, base(), 1);
	expand_voters(&n->form, &n->voters);
}

void local_expand(uint32_t id, int scale, struct lease *ret, boot_t *ret_gate, struct instant now,
		  uint64_t process)
{
	const struct form *f = table_key(forms, id);

	expand_lease(f, ret, scale, now, process);
	*ret_gate = boot_add(now.boot, f->gate * scale);
}

/* ---- canonical form ---- */

/* Live ids get the numbers 1.. in their order; id_map says what became of the former numbers. */
static void form_ids(const struct lease *l, struct form *f, struct local_result *r)
{
	const struct lease_sent *by[LEASE_IDS_REMEMBERED];
	int count = 0;

	memset(r->id_map, 0, sizeof r->id_map);
	f->ids = 0;
	memset(f->id_left, 0, sizeof f->id_left);
	memset(f->newest, 0, sizeof f->newest);
	if (l->role == LEASE_IDLE)
		return;
	for (int i = 0; i < LEASE_IDS_REMEMBERED; i++) {
		const struct lease_sent *s = &l->sent[i];
		int k = count;

		if (s->counter == 0 || s->at.ns + config->lease <= BASE_NS)
			continue;
		for (; k > 0 && by[k - 1]->counter > s->counter; k--)
			by[k] = by[k - 1];
		by[k] = s;
		count++;
	}
	assert(count <= SEARCH_IDS_MAX);
	f->ids = (uint8_t)count;
	for (int i = 0; i < count; i++) {
		f->id_left[i + 1] = left_of(by[i]->at.ns + config->lease);
		if (by[i]->counter <= SEARCH_IDS_MAX)
			r->id_map[by[i]->counter] = (uint8_t)(i + 1);
		for (int n = 1; n <= SEARCH_NODES_MAX; n++)
			if (l->newest[n] == by[i]->counter)
				f->newest[n] = (uint8_t)(i + 1);
	}
}

static uint8_t form_dead(uint64_t dead, node_id_t n, struct epoch hi)
{
	if (LEASE_RULE(EPOCH_CHECK) && LEASE_RULE(EPOCH_UNIQUE) &&
	    epoch_cmp((struct epoch){ dead, n }, hi) < 0)
		return 0;
	return (uint8_t)dead;
}

static void form_voter(const struct lease_voter *v, struct form *f)
{
	f->hi_c = (uint8_t)v->hi.counter;
	f->hi_n = v->hi.node;
	f->hi_unknown = v->hi_unknown;
	f->hi_told = v->hi_unknown ? (uint8_t)v->hi_told : 0;
	f->mute = left_of(v->mute_until.ns);
	f->promise_left = v->promise.node ? left_of(v->promise.until.ns) : 0;
	f->promise_node = f->promise_left || config->causes ? v->promise.node : 0;
	f->promise_c = f->promise_left ? (uint8_t)v->promise.epoch.counter : 0;
	f->reserve_left = v->reserve.node ? left_of(v->reserve.until.ns) : 0;
	f->reserve_node = f->reserve_left ? v->reserve.node : 0;
	for (int n = 1; n <= SEARCH_NODES_MAX; n++)
		f->dead[n] = form_dead(v->dead[n], (node_id_t)n, v->hi);
}

/* Whether the promise is newer than the query matters only between the query and its answer. */
static void form_fence(const struct lease *l, struct form *f)
{
	f->met = (uint8_t)l->met;
	f->proof = l->proof.node;
	f->proof_c = (uint8_t)l->proof.epoch.counter;
	f->queried = l->queried && f->shot >= SHOT_QUERIED;
	f->since_query = l->voter.promised_since_query && f->shot >= SHOT_QUERIED;
}

static void form_alone(const struct lease *l, struct form *f)
{
	const struct lease_alone *a = &l->alone;
	int64_t silent = BASE_NS - a->heard_at.ns, quiet = BASE_NS - a->lan.quiet_since.ns;

	if (!config->alone)
		return;
	f->silent = (uint8_t)(silent < 0 ? 0 : silent < config->silence ? silent : config->silence);
	f->quiet = a->lan.quiet;
	f->quiet_for = !f->quiet ? 0 : (uint8_t)(quiet < config->silence ? quiet : config->silence);
	f->gateway_left = left_of(a->lan.gateway_until.ns);
	f->other_left = left_of(a->lan.other_until.ns);
}

static void form_file_write(struct form *f, const struct lease_memory *m)
{
	f->file.valid = 2;
	f->file.hi_c = (uint8_t)m->hi.counter;
	f->file.hi_n = m->hi.node;
	f->file.hi_unknown = m->hi_unknown;
	f->file.mute = left_of(m->mute_until.ns);
	f->file.node = m->promise.node;
	f->file.counter = (uint8_t)m->promise.epoch.counter;
	f->file.left = m->promise.node ? left_of(m->promise.until.ns) : 0;
	for (int n = 1; n <= SEARCH_NODES_MAX; n++)
		f->file.dead[n] = (uint8_t)m->dead[n];
	f->file.met = (uint8_t)m->met;
	f->file.proof = m->proof.node;
	f->file.proof_c = (uint8_t)m->proof.epoch.counter;
}

/* What the voter knows may change now without a write. */
static void form_file_spell_out(struct form *f)
{
	if (f->file.valid != 1)
		return;
	f->file = (struct promise_form){ 2,
					 f->hi_c,
					 f->hi_n,
					 f->hi_unknown,
					 f->mute,
					 f->promise_left ? f->promise_node : 0,
					 f->promise_c,
					 f->promise_left };
	memcpy(f->file.dead, f->dead, sizeof f->dead);
	f->file.met = f->met;
	f->file.proof = f->proof;
	f->file.proof_c = f->proof_c;
}

/* Usually the file is what the voter knows; then it needs no bytes of its own. */
static void form_file(struct form *f)
{
	struct promise_form *p = &f->file;
	uint8_t *dead = p->dead;

	if (p->valid != 2)
		return;
	if (p->left == 0)
		p->node = p->counter = 0;
	for (int n = 1; n <= SEARCH_NODES_MAX; n++)
		dead[n] = form_dead(dead[n], (node_id_t)n, (struct epoch){ p->hi_c, p->hi_n });
	if (p->hi_c == f->hi_c && p->hi_n == f->hi_n && p->hi_unknown == f->hi_unknown &&
	    p->mute == f->mute && p->left == f->promise_left &&
	    (p->left == 0 || (p->node == f->promise_node && p->counter == f->promise_c)) &&
	    p->met == f->met && p->proof == f->proof && p->proof_c == f->proof_c &&
	    memcmp(dead, f->dead, sizeof p->dead) == 0)
		*p = (struct promise_form){ .valid = 1 };
}

static void form_candidate(const struct lease *l, struct form *f)
{
	f->role = (uint8_t)l->role;
	f->epoch_c = l->role != LEASE_IDLE || !LEASE_RULE(NEW_EPOCH) ? (uint8_t)l->epoch.counter : 0;
	f->raising_c = l->role != LEASE_IDLE ? (uint8_t)l->raising.counter : 0;
	f->d_left = l->role == LEASE_HOLDING ? left_of(l->deadline.ns) : 0;
	f->renew_in = l->role != LEASE_IDLE ? left_of(l->next_renew.ns) : 0;
	f->former_node = f->former_c = f->former_released = f->promised_before = 0;
	if (config->causes) {
		f->former_node = l->former.node;
		f->former_c = (uint8_t)l->former.epoch.counter;
		f->former_released = l->former.released;
		f->promised_before = l->role == LEASE_ASKING ? l->promised_before : 0;
	}
}

static void form_voters(const struct node *n, struct form *f)
{
	const struct voters *v = &n->voters;
	int64_t majorities_ns = BASE_NS - v->majorities_at.ns;

	f->version = (uint8_t)v->set.version;
	f->joint = v->set.phase == VOTERS_JOINT;
	if (f->self != config->nodes || !f->joint || !config->new_set) {
		f->acked = f->acked_hi = f->majorities = f->majorities_for = 0;
		f->floor = 0;
		return;
	}
	f->acked = (uint8_t)v->acked;
	f->acked_hi = local_hi_code((uint8_t)v->acked_hi.counter, v->acked_hi.node);
	f->floor = 0;
	f->majorities = v->majorities;
	f->majorities_for =
		v->majorities ? (uint8_t)(majorities_ns < v->promise_ns ? majorities_ns : v->promise_ns) : 0;
}

static void facts_of(const struct form *f, struct local_facts *x)
{
	memset(x, 0, sizeof *x);
	x->up = f->up;
	x->open = f->up && !f->frozen && f->gate > 0;
	x->met = f->met != 0;
	x->frozen = f->frozen;
	x->shot = f->shot;
	x->proof = f->proof != 0;
	x->mute = f->mute > 0;
	x->asks = f->up && config->alone && f->silent >= config->keep;
	x->holds_c = f->up && f->role == LEASE_HOLDING && f->d_left ? f->epoch_c : 0;
	x->busy = f->pending_count > 0;
	for (int i = 0; i < f->pending_count; i++)
		if (f->pending[i].type == PLAN_SEND && f->pending[i].msg == LEASE_GRANT) {
			x->grant_pending = true;
			x->grant_to = f->pending[i].to;
		}
	x->hi_unknown = f->hi_unknown;
	x->needs_ceiling = f->needed > f->ceiling;
	x->renew_due = f->role != LEASE_IDLE && f->renew_in == 0;
	x->role = f->role;
	x->bid = f->role == LEASE_IDLE ? 0 : f->raising_c ? f->raising_c : f->epoch_c;
	x->hi_c = f->hi_c;
	x->hi_n = f->hi_n;
	x->promise_to = f->promise_left ? f->promise_node : 0;
	x->promise_c = f->promise_c;
	memcpy(x->dead, f->dead, sizeof x->dead);
	memcpy(x->newest, f->newest, sizeof x->newest);
	x->ids = f->ids;
	x->version = f->version;
	x->joint = f->joint;
	x->driving = f->self == config->nodes && config->new_set != 0;
	x->d_left = f->d_left;
	x->acked = f->acked;
}

static uint32_t intern(const struct form *f)
{
	bool fresh;
	uint32_t id = table_add(forms, f, &fresh);

	if (!fresh)
		return id;
	if (id >= facts_size) {
		facts_size = facts_size ? facts_size * 2 : 1024;
		facts = realloc(facts, facts_size * sizeof *facts);
		assert(facts);
	}
	facts_of(f, &facts[id]);
	return id;
}

/* ---- obeying a plan ---- */

static void out_add(struct local_result *r, const struct pending *p)
{
	assert(r->outs_count < LOCAL_OUTS_MAX);
	r->out[r->outs_count++] = (struct local_out){
		.type = p->msg,
		.to = p->to,
		.counter = p->counter,
		.id = p->id,
		.version = p->version,
		.successor = p->successor,
	};
}

static void gate_set(struct node *n, uint8_t left, struct local_result *r)
{
	n->form.gate = left;
	if (left == 0 && n->lease.role != LEASE_HOLDING)
		r->ended = true;
	if (left > 0) {
		r->opened = true;
		r->epoch = (uint8_t)n->lease.epoch.counter;
	}
}

static void execute(struct node *n, const struct pending *p, struct local_result *r)
{
	struct lease_memory m;

	switch ((enum plan_action_type)p->type) {
	case PLAN_SAVE_VOTER:
		lease_memory_get(&n->lease, &m);
		form_file_write(&n->form, &m);
		return;
	case PLAN_GATE_SET:
		gate_set(n, p->left, r);
		return;
	case PLAN_SEND:
		out_add(r, p);
		if (!LEASE_RULE(NOTE) && p->msg == LEASE_REQUEST)
			n->lease.sent[p->id % LEASE_IDS_REMEMBERED].at = base().boot;
		return;
	case PLAN_PULSE:
	case PLAN_PULSE_TO:
	case PLAN_STEP:
	case PLAN_RECORD:
	case PLAN_SAVE_INTENT:
	case PLAN_RESERVE_EPOCHS:
	case PLAN_SAVE_VOTERS:
	case PLAN_EXPLAIN:
	case PLAN_FACTS_CHANGED:
	case PLAN_FENCE_CALL:
	case PLAN_FENCE_SEND:
	case PLAN_FENCE_ATTEMPT:
	case PLAN_FENCE_STATE:
	case PLAN_FENCE_SAVE:
		return;
	}
}

static bool plan_keep(const struct plan_action *a)
{
	if (a->type == PLAN_SAVE_VOTER || a->type == PLAN_GATE_SET)
		return true;
	return a->type == PLAN_SEND &&
	       (a->msg.type == LEASE_REQUEST || a->msg.type == LEASE_GRANT || a->msg.type == LEASE_RELEASE);
}

/* REQUEST and RELEASE go to all voters: one entry for all copies. */
static struct pending pending_of(const struct plan_action *a)
{
	struct pending p = { .type = (uint8_t)a->type };

	if (a->type == PLAN_GATE_SET) {
		p.left = left_of(a->gate_deadline.ns);
	} else if (a->type == PLAN_SEND) {
		p.msg = (uint8_t)a->msg.type;
		p.to = a->msg.type == LEASE_GRANT ? a->msg.to : 0;
		p.counter = (uint8_t)a->msg.epoch.counter;
		p.id = a->msg.type == LEASE_REQUEST ? (uint8_t)a->msg.id.counter : 0;
		p.version = a->msg.type == LEASE_REQUEST ? (uint8_t)a->msg.version : 0;
		p.successor = a->msg.successor;
	}
	return p;
}

static void out_voter_set(struct local_result *r, const struct lease_msg *m)
{
	assert(r->outs_count < LOCAL_OUTS_MAX);
	r->out[r->outs_count++] = (struct local_out){
		.type = (uint8_t)m->type,
		.to = m->to,
		.version = (uint8_t)m->voters.version,
		.joint = m->voters.phase == VOTERS_JOINT,
		.hi = local_hi_code((uint8_t)m->hi.counter, m->hi.node),
	};
}

static struct voters_own voters_own(const struct node *n)
{
	return (struct voters_own){
		.hi_known = !n->lease.voter.hi_unknown,
		.hi = n->lease.voter.hi,
		.ceiling = n->lease.ceiling,
	};
}

/* A voter set is made durable at once: nothing is said before it is. */
static void save_voters(struct node *n)
{
	struct voters_own own;

	if (n->voters.taking.version == 0 || !voters_saved(&n->voters, &n->voters.taking))
		return;
	lease_voters_set(&n->lease, &n->voters.set, n->voters.floor, base(), &plan);
	own = voters_own(n);
	voters_acknowledge(&n->voters, &own, &plan);
}

static void obey(struct node *n, struct local_result *r)
{
	struct pending list[PENDING_MAX + 8];
	int count = 0;

	for (uint32_t i = 0; i < plan.count; i++) {
		const struct plan_action *a = &plan.actions[i];
		struct pending p = pending_of(a);

		if (a->type == PLAN_SEND &&
		    (a->msg.type == LEASE_VSET_PROPOSE || a->msg.type == LEASE_VSET_ACK))
			out_voter_set(r, &a->msg);
		if (!plan_keep(a) || (count > 0 && memcmp(&list[count - 1], &p, sizeof p) == 0))
			continue;
		assert(count < PENDING_MAX + 8);
		list[count++] = p;
	}
	if (!config->micro) {
		for (int i = 0; i < count; i++)
			execute(n, &list[i], r);
		return;
	}
	assert(n->form.pending_count == 0 && count <= PENDING_MAX);
	memcpy(n->form.pending, list, (size_t)count * sizeof list[0]);
	n->form.pending_count = (uint8_t)count;
}

static void execute_next(struct node *n, struct local_result *r)
{
	struct form *f = &n->form;
	struct pending p = f->pending[0];

	assert(f->pending_count > 0);
	f->pending_count--;
	memmove(&f->pending[0], &f->pending[1], f->pending_count * sizeof p);
	memset(&f->pending[f->pending_count], 0, sizeof p);
	execute(n, &p, r);
}

/* ---- events ---- */

static uint8_t minus(uint8_t left, uint8_t units)
{
	return left > units ? (uint8_t)(left - units) : 0;
}

/* Of what lasts: more than is waited for makes no difference. */
static uint8_t plus(uint8_t for_units, uint8_t units)
{
	return for_units + units < config->silence ? (uint8_t)(for_units + units) : (uint8_t)config->silence;
}

/* Its time will be read when it has been sent: a mutant. */
static bool noted_late(const struct form *f, int id)
{
	for (int i = 0; i < f->pending_count; i++)
		if (!LEASE_RULE(NOTE) && f->pending[i].msg == LEASE_REQUEST && f->pending[i].id == id)
			return true;
	return false;
}

/* No code runs: what is left of everything gets less. */
static void pass_time(struct form *f, uint8_t boot, uint8_t raw)
{
	if (f->frozen)
		return;
	f->silent = plus(f->silent, minus(raw, f->mute));
	f->mute = minus(f->mute, raw);
	f->promise_left = minus(f->promise_left, raw);
	f->reserve_left = minus(f->reserve_left, raw);
	f->d_left = minus(f->d_left, boot);
	for (int i = 1; i <= f->ids; i++)
		if (!noted_late(f, i))
			f->id_left[i] = minus(f->id_left[i], boot);
	f->renew_in = minus(f->renew_in, boot);
	f->gate = minus(f->gate, boot);
	f->gateway_left = minus(f->gateway_left, boot);
	f->other_left = minus(f->other_left, boot);
	f->peer_mute = f->peer_mute && f->silent < config->keep;
	f->quiet = f->quiet && f->pending_count == 0; /* who stands still asks nothing: the row is broken */
	f->quiet_for = f->quiet ? plus(f->quiet_for, raw) : 0;
	f->majorities_for = (uint8_t)(f->majorities_for + (f->majorities ? raw : 0));
	f->file.mute = minus(f->file.mute, raw);
	f->file.left = minus(f->file.left, raw);
	/* An absolute deadline gets nearer while its write is delayed; a time that is left does not. */
	for (int i = 0; i < f->pending_count; i++)
		if (LEASE_RULE(ABSOLUTE))
			f->pending[i].left = minus(f->pending[i].left, boot);
}

static void ask(struct node *n, uint8_t counter)
{
	struct lease *l = &n->lease;
	struct lease_view view = {
		.votes = true,
		.hi_known = true,
		.version = l->voters.version,
		.hi = { counter - 1, 1 },
	};

	for (node_id_t v = 1; v <= config->nodes; v++) {
		if (v == l->config.self)
			continue;
		/* A pulse of the other one would say more: LOCAL_ALIVE, LOCAL_HELLO. */
		l->heard_hi = view.hi;
		if (config->shots || config->alone)
			l->peer[v] = (struct lease_peer){ .at = base().boot, .hears_me = true, .view = view };
		else
			lease_peer_view(l, v, &view, true, base(), &plan);
	}
	lease_want(l, true, 0, base(), &plan);
}

static void refuse(struct node *n, uint8_t counter)
{
	struct lease *l = &n->lease;
	struct lease_msg m = {
		.type = LEASE_REFUSE,
		.from = l->config.self == 1 ? 2 : 1,
		.to = l->config.self,
		.epoch = epoch_none(l->raising) ? l->epoch : l->raising,
		.id = { 1, l->next_counter - 1 },
		.version = l->voters.version,
		.refusal = LEASE_REFUSED_EPOCH,
		.hi = { counter, NODE_ID_MAX },
	};

	lease_receive(l, &m, base(), &plan);
}

static void receive(struct node *n, struct local_event ev)
{
	struct lease_msg m = {
		.from = ev.a,
		.to = n->lease.config.self,
		.epoch = { ev.b, ev.a },
		.lease_ns = config->lease,
	};

	if (ev.type == LOCAL_REQUEST) {
		m.type = LEASE_REQUEST;
		m.id = (struct request_id){ 2, 1 };
		m.version = ev.c;
	} else if (ev.type == LOCAL_GRANT) {
		m.type = LEASE_GRANT;
		m.epoch.node = n->lease.config.self;
		m.id = (struct request_id){ 1, ev.c };
		m.version = n->lease.voters.version;
	} else if (ev.type == LOCAL_UNASKED) {
		m.type = LEASE_GRANT;
		m.epoch = (struct epoch){ 0 };
	} else {
		m.type = LEASE_RELEASE;
		m.successor = ev.c;
	}
	lease_receive(&n->lease, &m, base(), &plan);
}

static void told(struct node *n, struct local_event ev)
{
	struct lease_view view = {
		.votes = ev.d & 1,
		.mute = ev.d & 2,
		.hi_known = ev.d & 4,
		.version = ev.b,
		.hi = hi_decode(ev.c),
	};

	lease_peer_view(&n->lease, ev.a, &view, true, base(), &plan);
}

static void voter_set_event(struct node *n, struct local_event ev)
{
	struct voters_own own = voters_own(n);
	struct lease_msg m = { .type = ev.type == LOCAL_SET_ACK ? LEASE_VSET_ACK : LEASE_VSET_PROPOSE,
			       .from = ev.a,
			       .to = n->form.self,
			       .version = ev.b,
			       .hi = hi_decode(ev.c) };

	if (ev.type == LOCAL_SET_CHANGE) {
		(void)voters_change(&n->voters, config->new_set, &plan);
	} else if (ev.type == LOCAL_SET_TICK) {
		voters_tick(&n->voters, &own, base(), &plan);
	} else {
		m.voters = local_voter_set(ev.b,
					   ev.type == LOCAL_SET_ACK ? ev.b == 2 && LEASE_RULE(JOINT) : ev.d);
		(void)voters_receive(&n->voters, &m, &own, &plan);
	}
	save_voters(n);
}

static void hello(struct node *n, struct local_event ev)
{
	struct lease_view view = { .votes = true, .hi_known = true, .version = 1, .hi = hi_decode(ev.b) };

	lease_peer_view(&n->lease, ev.a, &view, true, base(), &plan);
}

static void heard(struct node *n, struct local_event ev)
{
	struct lease_view view = { .votes = true, .hi_known = true, .version = 1, .mute = ev.c };

	n->form.peer_mute = ev.c;
	if (ev.b)
		view.holds = (struct epoch){ ev.b, ev.a };
	lease_peer_view(&n->lease, ev.a, &view, true, base(), &plan);
}

static void lan(struct node *n, struct local_event ev)
{
	struct lease_lan x = n->lease.alone.lan;
	bool voice;

	if (ev.a)
		x.gateway_until = boot_add(base().boot, config->gateway);
	if (ev.b & 1)
		x.other_until = boot_add(base().boot, config->other);
	/* Two that ask at one time would both find that nobody answers: the first candidate goes first. */
	voice = ev.b & 1 || (ev.b & 2 && n->form.self != 1 && LEASE_RULE(LAN_TURNS));
	if (voice || !x.quiet)
		x.quiet_since = base().raw;
	x.quiet = !voice;
	lease_lan(&n->lease, &x, base(), &plan);
}

static void fence_event(struct node *n, struct local_event ev)
{
	struct form *f = &n->form;
	node_id_t other = (node_id_t)(3 - f->self);

	switch ((int)ev.type) {
	case LOCAL_SHOOT:
		f->shot = SHOT_SENT;
		return;
	case LOCAL_QUERY:
		f->shot = SHOT_QUERIED;
		lease_fence_query(&n->lease);
		return;
	case LOCAL_OFF:
		f->shot = SHOT_OFF;
		return;
	case LOCAL_PROOF:
		lease_fence_proof(&n->lease, other, base(), &plan);
		f->shot = SHOT_NONE;
		return;
	case LOCAL_FORGET:
		lease_fence_drop(&n->lease, base(), &plan);
		f->shot = SHOT_NONE;
		return;
	case LOCAL_FREEZE:
	case LOCAL_THAW:
		f->frozen = ev.type == LOCAL_FREEZE;
		return;
	case LOCAL_ALIVE:
		lease_peer_alive(&n->lease, other, base(), &plan);
		return;
	case LOCAL_HELLO:
		hello(n, ev);
		return;
	}
}

static void start_agent(struct node *n, const struct lease_memory *memory, bool disk_lost)
{
	struct form *f = &n->form;
	struct lease_config c = n->lease.config;
	struct voter_set set;
	boot_t gate = boot_add(base().boot, f->gate);

	if (!memory && !LEASE_RULE(SET_DURABLE))
		f->version = 1;
	set = local_voter_set(f->version, f->version == 2 && LEASE_RULE(JOINT));
	voters_init(&n->voters, f->self, &set, config->lease + config->guard, config->pulse);
	lease_init(&n->lease, &c, &set, memory, f->ceiling, disk_lost, base());
	if (!memory && !LEASE_RULE(PROOF_VOLATILE))
		n->lease.proof.node = f->proof;
	lease_adopt(&n->lease, gate, base(), &plan);
}

static void restart(struct node *n)
{
	struct form *f = &n->form;
	struct lease_memory m;

	memset(&m, 0, sizeof m);
	m.hi = (struct epoch){ f->file.hi_c, f->file.hi_n };
	m.hi_unknown = f->file.hi_unknown;
	m.mute_until = raw_add(base().raw, f->file.mute);
	m.promise = (struct lease_promise){ f->file.node,
					    { f->file.counter, f->file.node },
					    raw_add(base().raw, f->file.left) };
	for (int i = 1; i <= SEARCH_NODES_MAX; i++)
		m.dead[i] = f->file.dead[i];
	m.met = f->file.met;
	m.proof = (struct lease_proof){ f->file.proof, { f->file.proof_c, f->file.proof_c ? f->self : 0 } };
	f->shot = SHOT_NONE;
	memset(f->pending, 0, sizeof f->pending);
	f->pending_count = 0;
	start_agent(n, f->file.valid ? &m : NULL, false);
}

static void crash(struct node *n, bool disk_lost)
{
	struct form f = { .self = n->form.self,
			  .ceiling = n->form.ceiling,
			  .version = n->form.version,
			  .joint = n->form.joint };

	if (!LEASE_RULE(PROOF_VOLATILE)) /* as if it were on disk, and what it is good for in memory */
		f.proof = n->form.proof;
	if (disk_lost) {
		f.ceiling = 0;
		f.hi_unknown = true;
		f.version = 1;
		f.joint = 0;
	}
	n->form = f;
}

static void dispatch(struct node *n, struct local_event ev, struct local_result *r)
{
	struct lease *l = &n->lease;

	switch ((enum local_event_type)ev.type) {
	case LOCAL_TIMER:
		lease_tick(l, base(), &plan);
		return;
	case LOCAL_ASK:
		ask(n, ev.a);
		return;
	case LOCAL_HAND_OVER:
		lease_hand_over(l, ev.a, base(), &plan);
		return;
	case LOCAL_RAISE:
		refuse(n, ev.a);
		return;
	case LOCAL_WAKE:
		lease_wake(l, base(), &plan);
		return;
	case LOCAL_REQUEST:
	case LOCAL_GRANT:
	case LOCAL_RELEASE:
	case LOCAL_UNASKED:
		receive(n, ev);
		return;
	case LOCAL_TOLD:
		told(n, ev);
		return;
	case LOCAL_RESERVE:
		lease_ceiling_set(l, n->form.ceiling + 1U);
		n->form.ceiling++;
		return;
	case LOCAL_RESTART:
		restart(n);
		return;
	case LOCAL_BOOT:
		n->form.up = 1;
		start_agent(n, NULL, n->form.hi_unknown);
		return;
	case LOCAL_SET_CHANGE:
	case LOCAL_SET_TICK:
	case LOCAL_SET_PROPOSE:
	case LOCAL_SET_ACK:
		voter_set_event(n, ev);
		return;
	case LOCAL_EXECUTE:
		execute_next(n, r);
		return;
	case LOCAL_SHOOT:
	case LOCAL_QUERY:
	case LOCAL_OFF:
	case LOCAL_PROOF:
	case LOCAL_FORGET:
	case LOCAL_ALIVE:
	case LOCAL_HELLO:
	case LOCAL_FREEZE:
	case LOCAL_THAW:
		fence_event(n, ev);
		return;
	case LOCAL_HEARD:
		heard(n, ev);
		return;
	case LOCAL_LAN:
		lan(n, ev);
		return;
	case LOCAL_TIME:
	case LOCAL_CRASH:
		return;
	}
}

/* ---- one step ---- */

static void note_role(const struct node *n, const struct form *was, struct local_event ev,
		      struct local_result *r)
{
	const struct lease *l = &n->lease;
	bool held = was->up && was->role == LEASE_HOLDING, holds = n->form.up && l->role == LEASE_HOLDING;
	bool same = ev.type != LOCAL_RESTART || (l->epoch.counter == was->epoch_c);

	/* A tenure is over when its gate is shut; an agent that was killed before it shut it is followed by
	 * one that adopts the gate and goes on. */
	r->ended = r->ended || (held && ((!holds && n->form.gate == 0) || !same)) ||
		   (ev.type == LOCAL_RESTART && !holds);
	r->released = r->ended && ev.type == LOCAL_HAND_OVER;
	r->won = holds && !held;
	if (r->won) {
		r->epoch = (uint8_t)l->epoch.counter;
		r->cause = (uint8_t)l->last_cause;
		r->former = l->last_holder;
	}
}

static void renumber_outs(struct local_result *r)
{
	for (int i = 0; i < r->outs_count; i++)
		if (r->out[i].type == LEASE_REQUEST)
			r->out[i].id = r->id_map[r->out[i].id];
}

static void renumber_pending(struct form *f, const struct local_result *r)
{
	for (int i = 0; i < f->pending_count; i++)
		if (f->pending[i].type == PLAN_SEND && f->pending[i].msg == LEASE_REQUEST)
			f->pending[i].id = r->id_map[f->pending[i].id];
}

static uint8_t needed(const struct node *n)
{
	uint64_t need = lease_counter_needed(&n->lease);

	if (n->form.needed > need)
		need = n->form.needed;
	if (need > (uint64_t)config->epochs)
		need = (uint64_t)config->epochs;
	return need > n->form.ceiling ? (uint8_t)need : 0;
}

/* id_map of an agent that is gone: nothing of the former ids is known any more. */
static void forget_ids(struct local_result *r)
{
	for (int i = 1; i <= SEARCH_IDS_MAX; i++)
		r->id_map[i] = LEASE_RULE(PROCESS) ? 0 : (uint8_t)i;
}

static void canonicalise(struct node *n, struct local_result *r)
{
	struct form *f = &n->form;

	form_ids(&n->lease, f, r);
	form_voter(&n->lease.voter, f);
	form_candidate(&n->lease, f);
	form_voters(n, f);
	form_fence(&n->lease, f);
	form_alone(&n->lease, f);
	form_file(f);
	f->needed = needed(n);
	renumber_pending(f, r);
}

static void step(uint32_t id, struct local_event ev, struct local_result *r)
{
	static struct node n;
	struct form was;

	memset(r, 0, sizeof *r);
	steps_run++;
	plan.count = 0;
	n.form = was = *(const struct form *)table_key(forms, id);
	form_file_spell_out(&n.form);
	if (ev.type == LOCAL_TIME)
		pass_time(&n.form, ev.a, ev.b);
	expand(&n);
	dispatch(&n, ev, r);
	if (ev.type == LOCAL_CRASH) {
		crash(&n, ev.a);
		r->ended = was.role == LEASE_HOLDING;
		forget_ids(r);
	} else {
		if (ev.type != LOCAL_EXECUTE && ev.type != LOCAL_TIME)
			obey(&n, r);
		note_role(&n, &was, ev, r);
		canonicalise(&n, r);
		renumber_outs(r);
		if (ev.type == LOCAL_RESTART || ev.type == LOCAL_BOOT)
			forget_ids(r);
	}
	r->same_ids = true;
	for (int i = 1; i <= was.ids; i++)
		if (r->id_map[i] != i)
			r->same_ids = false;
	r->next = intern(&n.form);
}

const struct local_result *local_step(uint32_t id, struct local_event ev)
{
	uint64_t key = (uint64_t)id << 40 | (uint64_t)ev.type << 32 | (uint64_t)ev.a << 24 |
		       (uint64_t)ev.b << 16 | (uint64_t)ev.c << 8 | ev.d;
	bool fresh;
	uint32_t i = table_add(steps, &key, &fresh);

	if (fresh) {
		if (i >= results_size) {
			results_size = results_size ? results_size * 2 : 4096;
			results = realloc(results, results_size * sizeof *results);
			assert(results);
		}
		step(id, ev, &results[i]);
	}
	return &results[i];
}

/* ---- the rest ---- */

const struct local_facts *local_facts(uint32_t id)
{
	return &facts[id];
}

uint64_t local_count(void)
{
	return table_count(forms);
}

uint64_t local_steps_run(void)
{
	return steps_run;
}

uint32_t local_initial(node_id_t n)
{
	struct form f = {
		.self = n,
		.up = 1,
		.version = 1,
		.ceiling =
			config->crashes || config->disk_losses || config->shots ? 1 : (uint8_t)config->epochs,
		.met = config->shots ? (uint8_t)node_bit((node_id_t)(3 - n)) : 0,
		.file = { .valid = 1 },
	};

	return intern(&f);
}

void local_begin(const struct search_config *c)
{
	config = c;
	forms = table_new(sizeof(struct form));
	steps = table_new(sizeof(uint64_t));
	steps_run = 0;
}

void local_end(void)
{
	table_free(forms);
	table_free(steps);
	free(facts);
	free(results);
	facts = NULL;
	results = NULL;
	facts_size = results_size = 0;
}
