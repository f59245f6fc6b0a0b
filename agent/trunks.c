/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Trunks of the groups: who holds decides who registers (pbx/trunk.h says when), the adapter carries the
 * orders, what the PBX says of them becomes status and alarms.
 */
#include "agent.h"
#include "clock_read.h"
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A holder's trunk that is not registered for so long is worth an alarm; a rejected one is at once. */
#define TRUNKS_ALARM_NS (30 * NS_PER_S)
/* After a switch of uplinks: what was not ordered by then waits for its carrier's pace. */
#define TRUNKS_PACED_NS (2 * NS_PER_S)

static struct token_bucket *trunk_carrier(struct agent *a, const struct agent_trunk *t)
{
	return &a->carriers[t->carrier].bucket;
}

static const struct config_trunk *trunk_config(const struct agent_group *g, const struct agent_trunk *t)
{
	return &g->agent->config->groups[g->index].trunks[t - g->trunks];
}

static uint32_t trunks_count(const struct agent_group *g)
{
	return g->agent->config->groups[g->index].trunks_count;
}

static bool trunk_registers(const struct agent_group *g, const struct agent_trunk *t)
{
	return trunk_config(g, t)->registration[0] != 0;
}

static const char *trunk_where(const struct agent_group *g)
{
	return agent_group_name(g->agent, g->index);
}

/* ---- carriers ---- */

static struct agent_carrier *carrier_find(struct agent_carrier *list, uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

static uint32_t carrier_named(struct agent *a, const struct config_trunk *ct)
{
	struct agent_carrier *c = carrier_find(a->carriers, a->carriers_count, ct->carrier);

	if (!c) {
		assert(a->carriers_count < AGENT_CARRIERS_MAX);
		c = &a->carriers[a->carriers_count++];
		memcpy(c->name, ct->carrier, sizeof c->name);
		token_bucket_init(&c->bucket, ct->rate, ct->burst, a->now.boot);
	}
	return (uint32_t)(c - a->carriers);
}

/* Those that the configuration names, with what was taken from them before. */
static void carriers_renew(struct agent *a)
{
	struct agent_carrier *old = calloc(AGENT_CARRIERS_MAX, sizeof *old);
	uint32_t old_count = old ? a->carriers_count : 0;

	if (old)
		memcpy(old, a->carriers, sizeof a->carriers);
	a->carriers_count = 0;
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		for (uint32_t k = 0; k < a->config->groups[i].trunks_count; k++) {
			const struct config_trunk *ct = &a->config->groups[i].trunks[k];
			uint32_t known = a->carriers_count, index = carrier_named(a, ct);
			const struct agent_carrier *before = carrier_find(old, old_count, ct->carrier);

			a->group[i].trunks[k].carrier = index;
			if (index != known || !before)
				continue; /* looked at already, or new */
			a->carriers[index].bucket = before->bucket;
			token_bucket_change(&a->carriers[index].bucket, ct->rate, ct->burst, a->now.boot);
		}
	free(old);
}

/* ---- role ---- */

/* Nothing is ordered before the gate is open: what leaves earlier is lost, and the PBX waits for its answer.
 */
static enum trunk_role trunk_role_now(const struct agent_group *g, const struct config_trunk *ct)
{
	const struct agent *a = g->agent;

	if (!core_holds(&a->core, g->index) || !a->gate ||
	    !boot_before(a->now.boot, gate_get(a->gate, g->index)))
		return TRUNK_STANDBY;
	/* The group's address goes over to the next holder, and the registration with it. */
	return core_releasing(&a->core, g->index) && ct->contact == CONFIG_CONTACT_NODE ? TRUNK_LEAVING
											: TRUNK_HOLDER;
}

bool trunks_release_wait(const struct agent *a, group_index_t group)
{
	const struct agent_group *g = &a->group[group];

	if (!g->adapter || !adapter_ready(g->adapter))
		return false;
	for (uint32_t i = 0; i < trunks_count(g); i++) {
		const struct agent_trunk *t = &g->trunks[i];

		if (trunk_registers(g, t) && trunk_config(g, t)->contact == CONFIG_CONTACT_NODE &&
		    t->machine.role != TRUNK_STANDBY && trunk_may_be_registered(&t->machine))
			return true;
	}
	return false;
}

/* ---- alarms ---- */

static void trunk_alarm(struct agent_group *g, struct agent_trunk *t)
{
	struct agent *a = g->agent;
	const struct trunk *m = &t->machine;
	const char *name = trunk_config(g, t)->name;
	bool wanted = m->role == TRUNK_HOLDER && !m->withdrawn;
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "trunk/%u/%s", g->index, name);
	if (!wanted || m->state == TRUNK_REGISTERED)
		t->well_at = a->now.boot;
	if (wanted && m->state == TRUNK_REJECTED) {
		if (alarms_raise(&a->alarms, key, a->now.boot,
				 "Trunk %s of %s is rejected by its carrier (%s). It is tried again rarely; "
				 "after a change: hactl trunk %s %s register",
				 name, trunk_where(g), t->why, trunk_where(g), name))
			records_event(a, "trunk", trunk_where(g), "trunk %s is rejected: %s", name, t->why);
	} else if (boot_diff_ns(t->well_at, a->now.boot) > TRUNKS_ALARM_NS) {
		if (alarms_raise(&a->alarms, key, a->now.boot,
				 "Trunk %s of %s is not registered at its carrier: %s", name, trunk_where(g),
				 t->why[0] ? t->why : trunk_state_name(m->state)))
			records_event(a, "trunk", trunk_where(g), "trunk %s is not registered: %s", name,
				      t->why[0] ? t->why : trunk_state_name(m->state));
	} else if (t->well_at.ns == a->now.boot.ns && alarms_clear(&a->alarms, key)) {
		log_notice("%s: trunk %s is well again", trunk_where(g), name);
	}
}

void trunks_watch(struct agent *a)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		for (uint32_t k = 0; a->group[i].adapter && k < trunks_count(&a->group[i]); k++)
			if (trunk_registers(&a->group[i], &a->group[i].trunks[k]))
				trunk_alarm(&a->group[i], &a->group[i].trunks[k]);
}

/* ---- from the adapter ---- */

void trunks_ready(struct agent_group *g)
{
	for (uint32_t i = 0; i < trunks_count(g); i++) {
		trunk_adapter_ready(&g->trunks[i].machine, g->agent->now.boot);
		g->trunks[i].request = 0;
	}
}

/* A PBX that tries again by itself knows better when: an order is for one that has forgotten. */
static int64_t trunk_retry_after_ns(const struct adapter_trunk *said)
{
	if (said->retries)
		return TRUNK_RETRY_AFTER_NS_MAX;
	return said->retry_after_ms < 0 ? -1 : said->retry_after_ms * NS_PER_MS;
}

void trunks_report(struct agent_group *g, const struct adapter_trunk *said)
{
	const struct config_group *cg = &g->agent->config->groups[g->index];

	for (uint32_t i = 0; i < cg->trunks_count; i++) {
		struct agent_trunk *t = &g->trunks[i];

		if (strcmp(cg->trunks[i].name, said->name) != 0 || !trunk_registers(g, t))
			continue;
		(void)snprintf(t->why, sizeof t->why, "%s", said->why);
		t->pbx_retries = said->retries;
		if (trunk_report(&t->machine, said->state, said->status, trunk_retry_after_ns(said),
				 g->agent->now.boot))
			log_notice("%s: trunk %s -> %s%s%s", trunk_where(g), said->name,
				   trunk_state_name(said->state), said->why[0] ? ": " : "", said->why);
		trunk_alarm(g, t);
		return;
	}
}

void trunks_answered(struct agent_group *g, uint64_t request, int error, const char *why)
{
	for (uint32_t i = 0; i < trunks_count(g); i++) {
		struct agent_trunk *t = &g->trunks[i];

		if (t->request != request)
			continue;
		t->request = 0;
		if (!error)
			return;
		(void)snprintf(t->why, sizeof t->why, "%s", why && *why ? why : strerror(error));
		trunk_order_failed(&t->machine, g->agent->now.boot);
		return;
	}
}

/* ---- orders ---- */

static void trunk_order(struct agent_group *g, struct agent_trunk *t, enum trunk_order order)
{
	struct agent *a = g->agent;
	const char *name = trunk_config(g, t)->name;
	bool on = order == TRUNK_ORDER_REGISTER;
	int r = adapter_trunk_order(g->adapter, name, on, a->now.boot, &t->request);

	log_info("%s: trunk %s is %s -> PBX ordered to %s it%s%s", trunk_where(g), name,
		 trunk_state_name(t->machine.state), on ? "register" : "unregister",
		 r < 0 ? ", in vain: " : "", r < 0 ? strerror(-r) : "");
	if (r < 0) {
		t->request = 0;
		trunk_order_failed(&t->machine, a->now.boot);
	}
}

static void trunks_refresh_group(struct agent_group *g)
{
	struct agent *a = g->agent;

	for (uint32_t i = 0; i < trunks_count(g); i++) {
		struct agent_trunk *t = &g->trunks[i];
		enum trunk_role role = trunk_role_now(g, trunk_config(g, t));
		enum trunk_order order;

		if (!trunk_registers(g, t))
			continue;
		/* Not before our own guard has ceased to refuse the carrier: an order would fail at once. */
		if (t->machine.role != TRUNK_STANDBY || !a->guard || !guard_busy(a->guard))
			trunk_set_role(&t->machine, role, a->now.boot);
		if (!adapter_ready(g->adapter))
			continue; /* it is told when it is back */
		order = trunk_decide(&t->machine, trunk_carrier(a, t), a->now.boot);
		if (order != TRUNK_ORDER_NONE)
			trunk_order(g, t, order);
	}
}

void trunks_refresh(struct agent *a)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		if (a->group[i].adapter)
			trunks_refresh_group(&a->group[i]);
}

bool trunks_settled(const struct agent *a)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		for (uint32_t k = 0; k < trunks_count(&a->group[i]); k++)
			if (a->group[i].trunks[k].request)
				return false;
	return true;
}

boot_t trunks_next(const struct agent *a)
{
	boot_t next = BOOT_NEVER;

	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		const struct agent_group *g = &a->group[i];

		for (uint32_t k = 0; g->adapter && adapter_ready(g->adapter) && k < trunks_count(g); k++)
			if (trunk_registers(g, &g->trunks[k]))
				next = boot_min(next, trunk_next(&g->trunks[k].machine,
								 &a->carriers[g->trunks[k].carrier].bucket,
								 a->now.boot));
	}
	return next;
}

/* ---- start, reload, operators ---- */

void trunks_open(struct agent_group *g)
{
	const struct config_group *cg = &g->agent->config->groups[g->index];

	for (uint32_t i = 0; i < cg->trunks_count; i++) {
		struct agent_trunk *t = &g->trunks[i];

		*t = (struct agent_trunk){ .carrier = carrier_named(g->agent, &cg->trunks[i]),
					   .well_at = g->agent->now.boot };
		trunk_init(&t->machine, trunk_role_now(g, &cg->trunks[i]), g->agent->now.boot);
	}
}

void trunks_update(struct agent *a)
{
	carriers_renew(a);
	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		struct agent_group *g = &a->group[i];

		for (uint32_t k = 0; k < trunks_count(g); k++) {
			struct agent_trunk *t = &g->trunks[k];

			/* Whatever was wrong may have been mended; a registration that stands is left alone.
			 */
			if (t->machine.state != TRUNK_REGISTERED && !t->machine.withdrawn)
				trunk_kick(&t->machine, a->now.boot);
		}
	}
}

static bool trunk_held(const struct agent_group *g, const struct agent_trunk *t)
{
	return trunk_registers(g, t) && t->machine.role == TRUNK_HOLDER && !t->machine.withdrawn;
}

void trunks_leave(struct agent *a)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		for (uint32_t k = 0; k < trunks_count(&a->group[i]); k++) {
			struct agent_trunk *t = &a->group[i].trunks[k];

			if (trunk_held(&a->group[i], t))
				t->moving = t->moving || t->machine.state == TRUNK_REGISTERED;
		}
}

void trunks_reregister(struct agent *a)
{
	trunks_leave(a);
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		for (uint32_t k = 0; k < trunks_count(&a->group[i]); k++) {
			struct agent_trunk *t = &a->group[i].trunks[k];

			if (trunk_held(&a->group[i], t))
				trunk_kick(&t->machine, a->now.boot);
		}
}

/* A PBX may say nothing that is new: then that it took the order has to do. One that still waits for its
 * order does so at its carrier's pace, or its adapter is not there: that says nothing of the uplink. */
static bool trunk_settled_since(const struct agent_trunk *t, boot_t since, boot_t now)
{
	const struct trunk *m = &t->machine;

	if (m->once && boot_diff_ns(since, now) > TRUNKS_PACED_NS)
		return true;
	return m->role != TRUNK_HOLDER || m->withdrawn ||
	       (m->state == TRUNK_REGISTERED && !m->once && !t->request);
}

bool trunks_settled_since(struct agent *a, boot_t since)
{
	bool all = true;

	for (uint32_t i = 0; i < a->config->groups_count; i++)
		for (uint32_t k = 0; a->group[i].adapter && k < trunks_count(&a->group[i]); k++) {
			struct agent_trunk *t = &a->group[i].trunks[k];

			t->moving = t->moving && !trunk_settled_since(t, since, a->now.boot);
			all &= !t->moving;
		}
	return all;
}

bool trunks_failed_since(const struct agent *a, boot_t since)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		for (uint32_t k = 0; a->group[i].adapter && k < trunks_count(&a->group[i]); k++) {
			const struct agent_trunk *t = &a->group[i].trunks[k];
			const struct trunk *m = &t->machine;

			if (t->moving && (m->state == TRUNK_REJECTED || m->state == TRUNK_FAILED) &&
			    !boot_before(m->since, since))
				return true;
		}
	return false;
}

int trunks_order_by_hand(struct agent *a, group_index_t group, const char *name, bool on,
			 struct sentence *reterr)
{
	struct agent_group *g = &a->group[group];
	struct agent_trunk *t = NULL;

	for (uint32_t i = 0; i < trunks_count(g); i++)
		if (!strcmp(trunk_config(g, &g->trunks[i])->name, name))
			t = &g->trunks[i];
	if (!t)
		return sentence_fail(reterr, -ENOENT, "%s has no trunk \"%s\"; see hactl status.",
				     trunk_where(g), name);
	if (!trunk_registers(g, t))
		return sentence_fail(reterr, -EINVAL,
				     "Trunk %s has no registration: its carrier knows the address.", name);
	if (trunk_role_now(g, trunk_config(g, t)) != TRUNK_HOLDER)
		return sentence_fail(
			reterr, -EPERM,
			"Only the holder speaks to the carrier, and %s does not hold %s; give the "
			"command at %s.",
			agent_node_name(a, a->self), trunk_where(g),
			agent_node_name(a, a->core.group[group].seen_holder));
	trunk_set_role(&t->machine, TRUNK_HOLDER, a->now.boot);
	if (on)
		trunk_kick(&t->machine, a->now.boot);
	else
		trunk_withdraw(&t->machine, a->now.boot);
	return 0;
}

/* ---- status ---- */

static json_t *trunk_peers_json(const struct config_trunk *ct)
{
	json_t *list = json_array();
	char text[IP_PREFIX_TEXT_MAX];

	for (uint32_t i = 0; i < ct->peers_count; i++)
		json_array_append_new(list, json_string(ip_prefix_format(&ct->peers[i], text)));
	return list;
}

/* Seconds of the wall clock, 0 = never. */
static json_int_t trunk_wall_s(const struct agent *a, boot_t at)
{
	return at.ns ? (clock_wall_ns() - boot_diff_ns(at, a->now.boot)) / NS_PER_S : 0;
}

/* For a monitoring system, named as Prometheus names things. */
static json_t *trunk_metrics_json(const struct agent *a, const struct trunk *m)
{
	return json_pack("{s:I, s:I, s:I, s:i, s:I, s:I}", "registrations_total",
			 (json_int_t)m->registrations, "failures_total", (json_int_t)m->failures,
			 "orders_total", (json_int_t)m->orders, "last_code", m->status,
			 "since_timestamp_seconds", trunk_wall_s(a, m->since),
			 "last_registration_timestamp_seconds", trunk_wall_s(a, m->registered_at));
}

static json_t *trunk_json(const struct agent_group *g, const struct agent_trunk *t)
{
	const struct agent *a = g->agent;
	const struct config_trunk *ct = trunk_config(g, t);
	const struct trunk *m = &t->machine;
	bool registers = trunk_registers(g, t) && g->adapter;
	boot_t next = BOOT_NEVER;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", ct->name, "carrier", ct->carrier,
			      "registration", ct->registration, "contact",
			      ct->contact == CONFIG_CONTACT_NODE ? "node" : "address", "peers",
			      trunk_peers_json(ct));

	if (registers && m->role == TRUNK_HOLDER && !(t->pbx_retries && m->state == TRUNK_FAILED))
		next = trunk_next(m, &a->carriers[t->carrier].bucket, a->now.boot);
	json_object_set_new(o, "state",
			    json_string(registers ? trunk_state_name(m->state) : "ip-authenticated"));
	json_object_set_new(o, "why", json_string(registers ? t->why : ""));
	json_object_set_new(o, "withdrawn", json_boolean(registers && m->withdrawn));
	json_object_set_new(o, "status", json_integer(registers ? m->status : 0));
	json_object_set_new(o, "since_ms",
			    json_integer(registers ? boot_diff_ns(m->since, a->now.boot) / NS_PER_MS : -1));
	json_object_set_new(
		o, "next_try_ms",
		json_integer(next.ns == BOOT_NEVER.ns ? -1 : boot_diff_ns(a->now.boot, next) / NS_PER_MS));
	json_object_set_new(o, "metrics", registers ? trunk_metrics_json(a, m) : json_null());
	return o;
}

json_t *trunks_json(const struct agent *a, group_index_t group)
{
	const struct agent_group *g = &a->group[group];
	json_t *list = json_array();

	for (uint32_t i = 0; i < trunks_count(g); i++)
		json_array_append_new(list, trunk_json(g, &g->trunks[i]));
	return list;
}
