/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent.h"
#include "uplinks_private.h"

#include <jansson.h>

static const char *const families[PATH_FAMILIES] = { "ipv4", "ipv6" };

static json_t *mos_json(uint32_t mos_milli)
{
	return mos_milli ? json_real(mos_milli / 1000.0) : json_null();
}

static json_t *address_json(const struct ip_address *a)
{
	char text[IP_TEXT_MAX];

	return a->family ? json_string(ip_format(a, text)) : json_null();
}

static double ppm_percent(uint32_t ppm)
{
	return ppm / 10000.0;
}

static json_t *target_json(const struct uplinks *u, const struct uplink_line *l, uint8_t target)
{
	static const char *const states[] = {
		[PROBE_UNKNOWN] = "unknown", [PROBE_DOWN] = "down", [PROBE_UP] = "up"
	};
	const struct config_probe *q = &u->config->probes[l->targets.probe[target]];
	const struct uplink_target *t = &l->state.target[target];
	struct probe_quality quality;

	probe_window_quality(&t->window, &quality);
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:b, s:f, s:f, s:I, s:I}", "name", q->name, "kind",
			 probe_kind_name((enum probe_kind)q->kind), "address", address_json(&q->address),
			 "operator", q->operator, "state", states[t->window.state], "suspect", t->suspect,
			 "rtt_ms", quality.rtt_us / 1000.0, "loss_percent", ppm_percent(quality.loss_ppm),
			 "answered_total", (json_int_t)t->window.counters.answered, "lost_total",
			 (json_int_t)t->window.counters.lost);
}

static json_t *targets_json(const struct uplinks *u, const struct uplink_line *l)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < l->targets.count; i++)
		json_array_append_new(list, target_json(u, l, i));
	return list;
}

/* Of the best target: as the network is, not as a bad server makes it look. */
static void line_quality(const struct uplink_line *l, struct probe_quality *ret)
{
	struct probe_quality q;

	*ret = (struct probe_quality){ 0 };
	for (uint8_t i = 0; i < l->targets.count; i++) {
		probe_window_quality(&l->state.target[i].window, &q);
		if (q.judged && (!ret->judged || q.loss_ppm < ret->loss_ppm ||
				 (q.loss_ppm == ret->loss_ppm && q.rtt_us < ret->rtt_us)))
			*ret = q;
	}
}

static const char *line_use(const struct uplinks *u, uint8_t i)
{
	enum path_family f = path_family(u->paths.uplink[i].family);
	const struct uplink_choice *c = &u->family[f].choice;

	if (!u->paths.uplink[i].ifindex)
		return "missing";
	if (uplinks_index(u, f, c->active) == i)
		return "in-use";
	return uplinks_index(u, f, c->draining) == i ? "draining" : "standby";
}

/* Null: voice takes it, or nobody has decided yet. */
static json_t *not_taken_json(const struct uplinks *u, uint8_t i)
{
	const struct uplink_family *f = &u->family[path_family(u->paths.uplink[i].family)];

	for (uint8_t k = 0; k < f->facts.count; k++)
		if (f->member[k] == i) {
			const char *why =
				uplink_choice_not(&f->choice, &f->facts, (int8_t)k, u->agent->now.boot);

			return why ? json_string(why) : json_null();
		}
	return json_null();
}

static json_t *line_json(const struct uplinks *u, uint8_t i)
{
	const struct config_uplink *c = &u->config->uplinks[i];
	const struct uplink_line *l = &u->line[i];
	const struct path_uplink *p = &u->paths.uplink[i];
	enum path_family f = path_family(p->family);
	struct uplink_state state = l->state; /* asking whether it is damped moves its clock */
	struct ip_address public = uplinks_public_of(u, i);
	boot_t now = u->agent->now.boot;
	struct probe_quality q;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:I}", "name", c->name, "isp", c->isp,
			      "family", families[f], "device", p->device, "gateway",
			      address_json(&p->gateway), "state", line_use(u, i), "class",
			      uplink_grade_name(l->state.grade), "why", uplink_why_name(l->state.why),
			      "since_ms", (json_int_t)(boot_diff_ns(l->state.since, now) / NS_PER_MS));

	line_quality(l, &q);
	json_object_set_new(o, "mos", mos_json(l->state.mos_milli));
	json_object_set_new(
		o, "calls_mos",
		mos_json(l->state.passive.grade == UPLINK_GRADE_UNKNOWN ? 0 : l->state.passive.mos_milli));
	json_object_set_new(o, "loss_percent", q.judged ? json_real(ppm_percent(q.loss_ppm)) : json_null());
	json_object_set_new(o, "delay_ms", q.judged ? json_real(q.rtt_us / 2000.0) : json_null());
	json_object_set_new(o, "jitter_ms", q.judged ? json_real(q.jitter_us / 1000.0) : json_null());
	json_object_set_new(o, "public_address", address_json(&public));
	json_object_set_new(o, "damped", json_boolean(uplink_state_damped(&state, now)));
	json_object_set_new(o, "doubted", json_boolean(uplink_state_doubted(&state, now)));
	json_object_set_new(o, "pinned", json_boolean(uplinks_index(u, f, u->family[f].choice.pinned) == i));
	json_object_set_new(o, "metered", json_boolean(c->metered));
	json_object_set_new(o, "cost", json_integer(c->cost));
	json_object_set_new(o, "preference", json_integer(c->preference));
	json_object_set_new(o, "not_taken", not_taken_json(u, i));
	json_object_set_new(o, "targets", targets_json(u, l));
	return o;
}

/* The ISP's name: an uplink of this configuration has it, or the other node's is another one. */
static const char *isp_name(const struct config *c, uint32_t isp)
{
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		if (uplinks_isp_number(c->uplinks[i].isp) == isp)
			return c->uplinks[i].isp;
	return "";
}

/* With the same configuration uplinks have the same numbers; without, only the ISP is known. */
json_t *uplinks_of_node_json(const struct config *c, const struct node_facts *f, boot_t now)
{
	bool same = f->config_hash == c->hash && f->uplinks_count == c->uplinks_count;
	json_t *list = json_array(), *o;

	for (int i = 0; i < f->uplinks_count; i++) {
		o = json_pack("{s:s, s:s, s:b, s:I}", "isp", isp_name(c, f->uplink[i].isp), "class",
			      uplink_class_name(f->uplink[i].class), "in_use", f->uplink_in_use == i,
			      "age_ms", (json_int_t)(boot_diff_ns(f->uplink[i].since, now) / NS_PER_MS));
		json_object_set_new(o, "name", same ? json_string(c->uplinks[i].name) : json_null());
		json_object_set_new(o, "family",
				    same ? json_string(families[c->uplinks[i].family]) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

json_t *uplinks_json(const struct uplinks *u)
{
	json_t *list = json_array();

	for (uint8_t i = 0; u && i < u->count; i++)
		json_array_append_new(list, line_json(u, i));
	return list;
}

/* Milliseconds after the switch began. */
static json_t *step_json(const struct uplink_switching *s, boot_t at)
{
	return at.ns ? json_real((double)boot_diff_ns(s->begun, at) / NS_PER_MS) : json_null();
}

static int64_t left_ms(const struct uplinks *u, boot_t at)
{
	int64_t ns = boot_diff_ns(u->agent->now.boot, at);

	return ns > 0 ? ns / NS_PER_MS : 0;
}

/* Null if it has ended. */
static json_t *pending_json(const struct uplinks *u, const struct uplink_switching *s)
{
	struct uplink_pending p;
	json_t *waits = json_array(), *o;

	if (!s->running) {
		json_decref(waits);
		return json_null();
	}
	uplink_transaction_pending(&s->t, &p);
	const struct {
		bool on;
		const char *name;
	} all[] = { { s->pinning, "pins" },
		    { p.pbx, "PBX" },
		    { p.trunks, "trunks" },
		    { p.flows, "flows" },
		    { p.answer, "answer" } };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i].on)
			json_array_append_new(waits, json_string(all[i].name));
	o = json_pack("{s:b, s:o, s:I}", "undoing", s->t.undoing, "waits_for", waits, "ended_in_ms_max",
		      (json_int_t)left_ms(u, p.ended_by));
	json_object_set_new(o, "verified_in_ms_min",
			    s->t.undoing ? json_null() : json_integer(left_ms(u, p.soonest)));
	return o;
}

static json_t *switch_json(const struct uplinks *u, enum path_family f)
{
	const struct uplink_switching *s = &u->switching[f];

	if (!s->begun.ns)
		return json_null();
	return json_pack(
		"{s:s, s:s, s:i, s:s, s:b, s:b, s:s, s:s, s:i, s:i, s:o, s:{s:o, s:o, s:o, s:o, s:o}}",
		"from", uplinks_name(u, s->from), "to", uplinks_name(u, s->to), "rule", s->rule, "why",
		s->why, "running", s->running, "ok", s->ok, "outcome", uplink_outcome_name(s->t.outcome),
		"outcome_why", s->t.why, "flows", (int)s->flows, "sockets", (int)s->sockets, "pending",
		pending_json(u, s), "ms", "route", step_json(s, s->t.route_at), "flush",
		step_json(s, s->t.flush_at), "pbx", step_json(s, s->t.pbx_at), "trunks",
		step_json(s, s->t.trunks_at), "verified", step_json(s, s->t.verified_at));
}

static json_t *family_json(const struct uplinks *u, enum path_family f)
{
	const struct uplink_family *fam = &u->family[f];
	const struct uplink_decision *d = &fam->decision;
	char rule[8];
	json_t *o;

	(void)snprintf(rule, sizeof rule, "R%u", d->rule);
	o = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:o}", "family", families[f], "uplink",
		      uplinks_name(u, uplinks_index(u, f, fam->choice.active)), "since_ms",
		      (json_int_t)(boot_diff_ns(fam->since, u->agent->now.boot) / NS_PER_MS), "rule", rule,
		      "why", d->why ? d->why : "", "action", uplink_action_name(d->action), "switches",
		      (json_int_t)fam->switches, "last_switch", switch_json(u, f));
	json_object_set_new(o, "calls",
			    fam->facts.calls == UPLINK_CALLS_UNKNOWN ? json_null()
								     : json_integer(fam->facts.calls));
	json_object_set_new(
		o, "draining",
		fam->choice.draining < 0
			? json_null()
			: json_string(uplinks_name(u, uplinks_index(u, f, fam->choice.draining))));
	json_object_set_new(o, "pinned",
			    fam->choice.pinned < 0
				    ? json_null()
				    : json_string(uplinks_name(u, uplinks_index(u, f, fam->choice.pinned))));
	json_object_set_new(o, "netlink_writes_total", json_integer((json_int_t)u->path.writes));
	return o;
}

json_t *uplinks_voice_json(const struct uplinks *u)
{
	json_t *list = json_array();

	for (int f = 0; u && f < PATH_FAMILIES; f++)
		if (u->family[f].count)
			json_array_append_new(list, family_json(u, f));
	return list;
}
