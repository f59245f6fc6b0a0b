/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent.h"
#include "clock_read.h"
#include "log.h"
#include "uplinks_private.h"

#include <errno.h>
#include <string.h>

static const char *const family_names[PATH_FAMILIES] = { "IPv4", "IPv6" };

static bool line_fit(const struct uplinks *u, int uplink)
{
	return uplink >= 0 && u->paths.uplink[uplink].routed &&
	       uplink_grade_usable(u->line[uplink].state.grade);
}

int uplink_switch_voice(const struct uplinks *u, enum path_family f)
{
	const struct uplink_switching *s = &u->switching[f];

	if (!s->running)
		return uplinks_index(u, f, u->family[f].choice.active);
	return s->t.route_at.ns && !s->t.undoing ? s->to : s->from;
}

/* ---- steps ---- */

/* What a flush will delete. A count looks at the whole table and takes ten times as long as deleting: it is
 * done before the route moves, since a packet between the route and the flush is lost. */
static void switch_count_flows(struct uplinks *u, struct uplink_switching *s, int uplink)
{
	uint32_t n = 0;

	if (uplink >= 0 && u->can_flush &&
	    path_flush_conntrack_count(&u->flush, u->paths.uplink[uplink].mark, u->paths.mark_mask, &n) == 0)
		s->flows += n;
}

/* Whatever remembers a line: what its NAT knows is of no use on another. */
static void switch_flush(struct uplinks *u, struct uplink_switching *s, int uplink)
{
	const struct path_uplink *old = uplink >= 0 ? &u->paths.uplink[uplink] : NULL;
	uint32_t n = 0;

	if (!old || !u->can_flush)
		return;
	if (path_flush_conntrack(&u->flush, old->mark, u->paths.mark_mask) < 0)
		log_warning("flows of uplink %s cannot be deleted", uplinks_name(u, uplink));
	for (uint8_t i = 0; i < old->address_count; i++) {
		n = 0;
		if (path_flush_sockets(&u->flush, &old->address[i], u->paths.voice_to, u->paths.voice_count,
				       &n) == 0)
			s->sockets += n;
	}
}

static bool switch_route(struct uplinks *u, int to)
{
	struct sentence why = { "" };
	int r = to < 0 ? -ENETUNREACH : path_use(&u->path, &u->paths, (int8_t)to, &u->report, &why);

	if (r < 0)
		log_error("voice cannot go over %s: %s", uplinks_name(u, to),
			  why.text[0] ? why.text : strerror(-r));
	uplinks_ensure_soon(u); /* tells what else is amiss */
	return r == 0;
}

/* Two flushes later nothing should know the old line, unless it is still in use by what we do not route. */
static bool switch_count(struct uplinks *u, const struct uplink_switching *s)
{
	uint32_t n = 0;

	if (s->from < 0 || !u->can_flush ||
	    path_flush_conntrack_count(&u->flush, u->paths.uplink[s->from].mark, u->paths.mark_mask, &n) < 0)
		return true;
	if (n == 0) {
		(void)alarms_clear(&u->agent->alarms, "uplinks/flows");
		return true;
	}
	log_warning("%u flows are still on uplink %s", n, uplinks_name(u, s->from));
	(void)alarms_event(&u->agent->alarms, "uplinks/flows", u->agent->now.boot,
			   "%u flows are still on uplink %s, 2 s after voice has left it: do they come from "
			   "what has a route of its own? See conntrack -L.",
			   n, uplinks_name(u, s->from));
	return false;
}

static bool switch_do(struct uplinks *u, struct uplink_switching *s, enum uplink_task task)
{
	if (task == UPLINK_TASK_ROUTE && s->action != UPLINK_DRAIN)
		switch_count_flows(u, s, s->from);
	if (task == UPLINK_TASK_FLUSH_AGAIN)
		switch_count_flows(u, s, s->from);
	if (task == UPLINK_TASK_ROUTE_BACK)
		switch_count_flows(u, s, s->to);
	if (task == UPLINK_TASK_ROUTE)
		return switch_route(u, s->to);
	if (task == UPLINK_TASK_FLUSH || task == UPLINK_TASK_FLUSH_AGAIN)
		switch_flush(u, s, s->from);
	else if (task == UPLINK_TASK_PBX)
		uplink_pbx_tell(u, s->action == UPLINK_DRAIN ? s->from : -1);
	else if (task == UPLINK_TASK_PBX_BACK)
		uplink_pbx_tell(u, -1);
	else if (task == UPLINK_TASK_TRUNKS || task == UPLINK_TASK_TRUNKS_BACK)
		trunks_reregister(u->agent);
	else if (task == UPLINK_TASK_REINVITE || task == UPLINK_TASK_REINVITE_BACK)
		uplink_pbx_reinvite(u);
	else if (task == UPLINK_TASK_COUNT)
		return switch_count(u, s);
	else if (task == UPLINK_TASK_ROUTE_BACK)
		return switch_route(u, s->from);
	else if (task == UPLINK_TASK_FLUSH_BACK)
		switch_flush(u, s, s->to);
	return true;
}

/* ---- the end ---- */

static long long switch_ms(const struct uplink_switching *s, boot_t at)
{
	return at.ns ? boot_diff_ns(s->begun, at) / NS_PER_MS : -1;
}

static void switch_tell(struct uplinks *u, enum path_family f)
{
	const struct uplink_switching *s = &u->switching[f];
	const char *from = uplinks_name(u, s->from), *to = uplinks_name(u, s->to);
	const char *why = s->t.why[0] ? ": " : "";

	log_notice("voice over %s: %s -> %s, %s%s%s; R%u %s; route %lld ms, flush %lld ms, PBX %lld ms, "
		   "trunks %lld ms, verified %lld ms; %u flows, %u connections",
		   family_names[f], from, to, uplink_outcome_name(s->t.outcome), why, s->t.why, s->rule,
		   s->why, switch_ms(s, s->t.route_at), switch_ms(s, s->t.flush_at),
		   switch_ms(s, s->t.pbx_at), switch_ms(s, s->t.trunks_at), switch_ms(s, s->t.verified_at),
		   s->flows, s->sockets);
	records_event(u->agent, "uplink-switch", NULL,
		      "voice over %s: %s -> %s, %s%s%s; R%u %s; route %lld ms, PBX %lld ms, trunks %lld ms, "
		      "verified %lld ms",
		      family_names[f], from, to, uplink_outcome_name(s->t.outcome), why, s->t.why, s->rule,
		      s->why, switch_ms(s, s->t.route_at), switch_ms(s, s->t.pbx_at),
		      switch_ms(s, s->t.trunks_at), switch_ms(s, s->t.verified_at));
}

static void switch_alarm(struct uplinks *u, enum path_family f)
{
	const struct uplink_switching *s = &u->switching[f];
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "uplinks/switch/%s", family_names[f]);
	if (s->t.outcome == UPLINK_DONE)
		(void)alarms_clear(&u->agent->alarms, key);
	else
		(void)alarms_event(&u->agent->alarms, key, u->agent->now.boot,
				   "Voice over %s: the switch from %s to %s is %s: %s.", family_names[f],
				   uplinks_name(u, s->from), uplinks_name(u, s->to),
				   uplink_outcome_name(s->t.outcome), s->t.why);
}

static void switch_end(struct uplinks *u, enum path_family f)
{
	struct uplink_switching *s = &u->switching[f];

	s->running = s->pinning = false;
	s->ok = s->t.outcome == UPLINK_DONE || s->t.outcome == UPLINK_UNPROVEN;
	switch_tell(u, f);
	switch_alarm(u, f);
	uplinks_switched(u, f, s->ok);
}

/* ---- going on ---- */

static void switch_facts(const struct uplinks *u, enum path_family f, struct uplink_transaction_facts *ret)
{
	const struct uplink_switching *s = &u->switching[f];
	const struct uplink_line *l = &u->line[s->to];

	*ret = (struct uplink_transaction_facts){
		.pbx_ended = uplink_pbx_ended(u),
		.pbx_failed = uplink_pbx_failed(u),
		.trunks_ended =
			s->t.trunks_begun.ns != 0 && trunks_settled_since(u->agent, s->t.trunks_begun),
		.trunks_failed = trunks_failed_since(u->agent, s->t.trunks_begun),
		.answered_at = l->answered_at,
		.new_lost = l->state.grade == UPLINK_GRADE_NONE ||
			    (l->state.grade == UPLINK_GRADE_BAD && u->family[f].choice.pinned < 0),
		.old_fit = line_fit(u, s->from),
	};
}

static void switch_go_on(struct uplinks *u, enum path_family f)
{
	struct uplink_switching *s = &u->switching[f];
	struct uplink_transaction_facts facts;
	enum uplink_task task;

	do {
		switch_facts(u, f, &facts);
		task = uplink_transaction_next(&s->t, &facts, clock_now().boot);
		if (task == UPLINK_TASK_END) {
			switch_end(u, f);
		} else if (task != UPLINK_TASK_WAIT) {
			bool ok = switch_do(u, s, task);

			uplink_transaction_did(&s->t, task, ok, clock_now().boot);
		}
	} while (task != UPLINK_TASK_WAIT && task != UPLINK_TASK_END);
}

/* The live flows are pinned first: those that come between would be torn over. */
static void switch_pin(struct uplinks *u, enum path_family f)
{
	struct uplink_switching *s = &u->switching[f];

	if (uplink_marks_settled(&u->marks)) {
		s->pinning = false;
		switch_go_on(u, f);
	} else if (!boot_before(u->agent->now.boot, boot_add(s->begun, UPLINK_PIN_NS))) {
		s->t.outcome = UPLINK_REFUSED;
		s->t.why = "live flows cannot be pinned to the old line";
		switch_end(u, f);
	}
}

/* Flows of which lines stay where they are, as bits of the configuration's numbers. */
static uint32_t switch_pins(const struct uplinks *u)
{
	uint32_t pins = 0;

	for (int f = 0; f < PATH_FAMILIES; f++) {
		const struct uplink_switching *s = &u->switching[f];
		int old = uplinks_index(u, (enum path_family)f, u->family[f].choice.draining);

		if (old >= 0)
			pins |= 1U << old;
		if (s->running && s->action == UPLINK_DRAIN && s->from >= 0 && !s->t.undoing)
			pins |= 1U << s->from;
	}
	return pins;
}

static enum uplink_switch_kind kind_of(enum uplink_action action)
{
	if (action == UPLINK_DRAIN)
		return UPLINK_KIND_DRAIN;
	return action == UPLINK_FINISH ? UPLINK_KIND_FINISH : UPLINK_KIND_SWITCH;
}

int uplink_switch_start(struct uplinks *u, enum path_family f, const struct uplink_decision *d)
{
	struct uplink_switching *s = &u->switching[f];
	const struct uplink_choice *c = &u->family[f].choice;
	int from = uplinks_index(u, f, d->from);
	boot_t begun = clock_now().boot;

	*s = (struct uplink_switching){
		.running = true,
		.pinning = d->action == UPLINK_DRAIN,
		.action = d->action,
		.from = from,
		.to = uplinks_index(u, f, d->action == UPLINK_FINISH ? c->active : d->to),
		.rule = d->rule,
		.why = d->why,
		.begun = begun,
	};
	uplink_transaction_begin(&s->t, kind_of(d->action), line_fit(u, from) && c->pinned < 0,
				 u->config->voice[0].calls == CONFIG_CALLS_REINVITE, begun);
	uplink_marks_pin(&u->marks, switch_pins(u));
	if (d->action != UPLINK_FINISH)
		trunks_leave(u->agent);
	if (s->to < 0) {
		s->t.outcome = UPLINK_REFUSED;
		s->t.why = "there is no such uplink";
		switch_end(u, f);
	} else if (s->pinning) {
		switch_pin(u, f);
	} else {
		switch_go_on(u, f);
	}
	return s->running || s->ok ? 0 : -ENETUNREACH;
}

void uplink_switch_tick(struct uplinks *u, enum path_family f)
{
	struct uplink_switching *s = &u->switching[f];

	if (s->running && s->pinning)
		switch_pin(u, f);
	else if (s->running)
		switch_go_on(u, f);
	uplink_marks_pin(&u->marks, switch_pins(u));
}

boot_t uplink_switch_next(const struct uplinks *u, enum path_family f)
{
	const struct uplink_switching *s = &u->switching[f];

	if (s->running)
		return s->pinning ? boot_add(s->begun, UPLINK_PIN_NS) : uplink_transaction_due(&s->t);
	if (u->family[f].choice.draining >= 0)
		return boot_add(s->counted_at, UPLINK_DRAINED_NS);
	return BOOT_NEVER;
}

/* ---- draining ---- */

bool uplink_switch_can_drain(const struct uplinks *u)
{
	const struct agent *a = u->agent;

	if (!u->config->voice[0].drain || !u->config->voice[0].mark_flows || !u->can_flush)
		return false;
	for (uint32_t g = 0; g < a->config->groups_count; g++)
		if (a->group[g].adapter && core_holds(&a->core, (group_index_t)g) &&
		    adapter_uplink_support(a->group[g].adapter) != ADAPTER_UPLINK_EACH)
			return false;
	return true;
}

/* Flows by their mark, since no adapter tells on which line a call is. What keeps one alive after the last
 * call (a connection, a keep-alive) is no reason to go on. */
uint32_t uplink_switch_draining(struct uplinks *u, enum path_family f)
{
	struct uplink_switching *s = &u->switching[f];
	int old = uplinks_index(u, f, u->family[f].choice.draining);
	uint32_t calls = uplinks_calls(u);
	boot_t now = u->agent->now.boot;

	if (old < 0)
		return 0;
	if (!boot_before(now, boot_add(s->counted_at, UPLINK_DRAINED_NS))) {
		s->counted_at = now;
		if (path_flush_conntrack_count(&u->flush, u->paths.uplink[old].mark, u->paths.mark_mask,
					       &s->draining_flows) < 0)
			return calls;
	}
	if (calls == UPLINK_CALLS_UNKNOWN || calls > s->draining_flows)
		return s->draining_flows;
	return calls;
}
