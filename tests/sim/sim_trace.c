/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A run as text: one line a fact, "[ms] node group Rnnn: sentence". This is what stories compare.
 */
#include "sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What each core believes, for the end of a run that failed. */
void sim_trace_state(struct sim *s)
{
	for (node_id_t id = 1; id <= s->nodes_count; id++) {
		const struct sim_node *n = &s->node[id];
		const struct core *c = n->core;

		sim_trace(
			s,
			"%s running %d stalled %d ring %d, voters version %u phase %d sets %llx %llx, taking "
			"%u, "
			"ceiling %llu, heard %llx, paused %d standby %d",
			sim_name(s, id), n->running, n->stalled_until != 0, s->cpg_ring[id],
			c->voters.set.version, c->voters.set.phase, (unsigned long long)c->voters.set.old_set,
			(unsigned long long)c->voters.set.new_set, c->voters.taking.version,
			(unsigned long long)c->ceiling, (unsigned long long)core_heard(c, sim_instant(s, n)),
			c->intent.paused, c->intent.node[id].standby);
		for (group_index_t g = 0; g < s->config.groups_count; g++) {
			const struct lease *l = &c->group[g].lease;

			sim_trace(s,
				  "   g%d %s R%d role %d want %d hi %llu.%d unknown %d told %llx promise %s "
				  "holder %s",
				  g + 1, core_group_state(c, g), c->group[g].rule, l->role, l->want,
				  (unsigned long long)l->voter.hi.counter, l->voter.hi.node,
				  l->voter.hi_unknown, (unsigned long long)l->voter.hi_told,
				  sim_name(s, l->voter.promise.node), sim_name(s, c->group[g].seen_holder));
		}
	}
}

const char *sim_name(const struct sim *s, node_id_t n)
{
	static const char *const nodes[] = { "-", "n1", "n2", "n3", "n4", "n5", "n6", "n7" };
	static const char *const witnesses[] = { "-", "w1", "w2", "w3", "w4", "w5", "w6", "w7" };

	if (n >= SIM_NODES_MAX)
		return "any";
	return n != NODE_NONE && s->node[n].witness ? witnesses[n] : nodes[n];
}

static void sim_text_add(struct sim *s, const char *line, size_t len)
{
	if (s->text_len + len + 1 > s->text_size) {
		s->text_size = (s->text_size + len) * 2 + 4096;
		s->text = realloc(s->text, s->text_size);
		assert(s->text);
	}
	memcpy(s->text + s->text_len, line, len + 1);
	s->text_len += len;
}

void sim_trace(struct sim *s, const char *format, ...)
{
	char line[512];
	va_list ap;
	int n;

	if (!s->options.trace)
		return;
	n = snprintf(line, sizeof line, "[%6lld] ", (long long)(s->now / NS_PER_MS));
	va_start(ap, format);
	n += vsnprintf(line + n, sizeof line - (size_t)n - 1, format, ap);
	va_end(ap);
	if (n > (int)sizeof line - 2)
		n = (int)sizeof line - 2;
	line[n++] = '\n';
	line[n] = '\0';
	sim_text_add(s, line, (size_t)n);
}

static void sim_trace_explain(struct sim *s, struct sim_node *n, const struct plan_action *a)
{
	uint16_t rule = a->explain.rule;
	const char *detail = "";

	if (rule == 320)
		detail = reason_name((enum reason)a->explain.value);
	else if (rule == RULE_LET_GO || rule == RULE_LAPSED)
		detail = cause_name((enum core_cause)a->explain.value);
	else if (rule == RULE_OPERATION_FAILED)
		detail = reason_name((enum reason)a->explain.value);
	sim_trace(s, "%s > g%d R%d epoch %llu.%s: %s%s%s%s%s", sim_name(s, n->id), a->group + 1, rule,
		  (unsigned long long)a->explain.epoch.counter, sim_name(s, a->explain.epoch.node),
		  rules_sentence(rule) ? rules_sentence(rule) : "?", *detail ? " (" : "", detail,
		  *detail ? ")" : "", "");
}

static void sim_trace_record(struct sim *s, struct sim_node *n, const struct core_record *r)
{
	static const char *const names[] = {
		[RECORD_TAKEOVER] = "takeover",
		[RECORD_LETGO] = "let-go",
		[RECORD_COMMAND] = "command",
		[RECORD_OPERATION] = "operation",
	};

	if (r->type == RECORD_COMMAND || r->type == RECORD_OPERATION)
		sim_trace(s, "%s = record %s: %s%s%s", sim_name(s, n->id), names[r->type],
			  r->ok ? "done" : "failed", r->reason ? ", " : "",
			  r->reason ? reason_name((enum reason)r->reason) : "");
	else
		sim_trace(s, "%s = record g%d %s%s: cause %s, %s %s, epoch %llu.%s%s%s", sim_name(s, n->id),
			  r->group + 1, names[r->type], r->begins ? " begins" : "", cause_name(r->cause),
			  r->type == RECORD_TAKEOVER ? "from" : "to", sim_name(s, r->peer),
			  (unsigned long long)r->epoch.counter, sim_name(s, r->epoch.node),
			  r->ok ? "" : ", incomplete: ", r->ok ? "" : step_name(r->failed_step));
}

static void sim_trace_message(struct sim *s, struct sim_node *n, const struct lease_msg *m)
{
	static const char *const names[] = {
		[LEASE_REQUEST] = "REQUEST",	     [LEASE_GRANT] = "GRANT",
		[LEASE_REFUSE] = "REFUSE",	     [LEASE_RELEASE] = "RELEASE",
		[LEASE_RELEASE_ACK] = "RELEASE_ACK", [LEASE_VSET_PROPOSE] = "VSET_PROPOSE",
		[LEASE_VSET_ACK] = "VSET_ACK",
	};

	sim_trace(s, "%s . g%d %s to %s epoch %llu.%s id %llu refusal %d hi %llu.%s successor %s",
		  sim_name(s, n->id), m->group + 1, names[m->type], sim_name(s, m->to),
		  (unsigned long long)m->epoch.counter, sim_name(s, m->epoch.node),
		  (unsigned long long)m->id.counter, m->refusal, (unsigned long long)m->hi.counter,
		  sim_name(s, m->hi.node), sim_name(s, m->successor));
}

static void sim_trace_gate(struct sim *s, struct sim_node *n, const struct plan_action *a)
{
	bool open = sim_gate_open(s, n, a->group);

	if (a->gate_deadline.ns == 0)
		sim_trace(s, "%s ! g%d gate shut", sim_name(s, n->id), a->group + 1);
	else if (!open)
		sim_trace(s, "%s ! g%d gate open", sim_name(s, n->id), a->group + 1);
	else if (s->options.trace_all)
		sim_trace(s, "%s . g%d gate for %lld ms more", sim_name(s, n->id), a->group + 1,
			  (long long)(boot_diff_ns(sim_boot_now(s, n), a->gate_deadline) / NS_PER_MS));
}

void sim_trace_action(struct sim *s, struct sim_node *n, const struct plan_action *a)
{
	if (!s->options.trace)
		return;
	switch (a->type) {
	case PLAN_FENCE_STATE:
		sim_trace(s, "%s ! %s is %s", sim_name(s, n->id), sim_name(s, a->fence_state.target),
			  fence_state_name(a->fence_state.state));
		break;
	case PLAN_FENCE_CALL:
		if (!a->fence_call.watch)
			sim_trace(s, "%s ! device %d: %s %s", sim_name(s, n->id), a->fence_call.device + 1,
				  fence_verb_name(a->fence_call.verb), sim_name(s, a->fence_call.target));
		break;
	case PLAN_EXPLAIN:
		sim_trace_explain(s, n, a);
		break;
	case PLAN_RECORD:
		sim_trace_record(s, n, &a->record);
		break;
	case PLAN_GATE_SET:
		sim_trace_gate(s, n, a);
		break;
	case PLAN_STEP:
		sim_trace(s, "%s   g%d step %s", sim_name(s, n->id), a->group + 1, step_name(a->step.kind));
		break;
	case PLAN_SEND:
		if (s->options.trace_all)
			sim_trace_message(s, n, &a->msg);
		break;
	case PLAN_SAVE_VOTER:
	case PLAN_PULSE:
	case PLAN_PULSE_TO:
	case PLAN_SAVE_INTENT:
	case PLAN_RESERVE_EPOCHS:
	case PLAN_SAVE_VOTERS:
	case PLAN_FENCE_ATTEMPT:
	case PLAN_FENCE_SEND:
	case PLAN_FENCE_SAVE:
	case PLAN_FACTS_CHANGED:
		break;
	}
}
