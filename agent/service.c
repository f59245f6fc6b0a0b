/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One PBX per group: its adapter, its bindings, and their way to the other nodes. The holder's PBX is the
 * truth: what its adapter reports goes into the store and, in batches, over CPG to everybody. Everybody
 * else's PBX is fed from the store, so that a phone can be called the moment its address moves.
 */
#include "agent.h"
#include "libexec.h"
#include "log.h"
#include "service_batch.h"
#include "uplinks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_HEAL_NS	      (10 * NS_PER_S) /* everything is not sent again more often */
#define SERVICE_EXPIRE_SLICES 10
#define SERVICE_COLLECT_NS    (20 * NS_PER_MS)
#define SERVICE_LAST_WORDS_NS (2 * NS_PER_S) /* after a takeover */
/* The holder's PBX says first what has ended: nodes that each judge by their own clock would differ for a
 * while, and a difference sends everything again. */
#define SERVICE_EXPIRE_GRACE_NS (15 * NS_PER_S)

static bool service_holds(const struct agent_group *g)
{
	return core_holds(&g->agent->core, g->index);
}

static struct epoch service_epoch(const struct agent_group *g)
{
	const struct core_group *cg = &g->agent->core.group[g->index];

	return lease_holds(&cg->lease) ? cg->lease.epoch : cg->seen_epoch;
}

/* ---- from the adapter ---- */

/* A new agent knows nothing before another node has told it: its PBX may be all that is left of the
 * registrations when the holder dies meanwhile. */
static bool service_knows(const struct agent_group *g)
{
	const struct agent *a = g->agent;

	return service_holds(g) || !config_needs_lease(a->config) ||
	       (a->joined && binding_store_count(g->store) > 0);
}

void service_feed_all(struct agent_group *g)
{
	if (!g->feed_waits)
		return;
	g->feed_waits = false;
	binding_feed_full(&g->feed, g->agent->now.boot);
}

/* A new adapter knows nothing. Active, it compares with its PBX, reports what we lack and gives back what the
 * PBX lacks; standby, it makes the PBX have exactly this. */
static void service_ready(void *ctx)
{
	struct agent_group *g = ctx;

	log_notice("%s: adapter is ready", agent_group_name(g->agent, g->index));
	g->feed_waits = true;
	if (service_knows(g))
		service_feed_all(g);
	trunks_ready(g);
	uplinks_pbx_ready(g->agent->uplinks);
}

/* Not a reason to move: the next node would get the same load, and its phones besides. */
static void service_overloaded(struct agent_group *g, const struct adapter_health *h)
{
	struct agent *a = g->agent;
	const char *name = agent_group_name(a, g->index);
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "overloaded/%s", name);
	log_notice("%s: PBX %s: %s", name, h->overloaded ? "overloaded" : "no longer overloaded", h->why);
	if (!h->overloaded)
		(void)alarms_clear(&a->alarms, key);
	else if (alarms_raise(&a->alarms, key, a->now.boot,
			      "The PBX of %s is overloaded (%s); the group stays where it is. See what "
			      "registers or calls there: hactl status shows the rate.",
			      name, h->why))
		records_event(a, "overloaded", name, "the PBX is overloaded: %s", h->why);
}

static void service_health(void *ctx, const struct adapter_health *h)
{
	struct agent_group *g = ctx;

	if (h->state != g->health.state)
		log_notice("%s: PBX %s -> %s: %s", agent_group_name(g->agent, g->index),
			   pbx_health_name(g->health.state), pbx_health_name(h->state), h->why);
	if (h->overloaded != g->health.overloaded)
		service_overloaded(g, h);
	g->health = *h;
}

static void service_put(void *ctx, const struct binding *reported)
{
	struct agent_group *g = ctx;
	struct binding b = *reported;
	enum binding_put what;

	/* A standby's PBX only has what we gave it; what it says more is the answer to a dump for a
	 * comparison. */
	if (!service_holds(g) && !service_has_just_let_go(g))
		return;
	if (service_holds(g))
		g->held_epoch = service_epoch(g);
	b.epoch = g->held_epoch;
	if (binding_store_put(g->store, &b, g->agent->now.boot, &what) < 0)
		return; /* counted by the store */
	if (what == BINDING_ADDED || what == BINDING_CHANGED || what == BINDING_REFRESHED || g->full_report)
		service_batch_put(g, &b);
	if (!g->full_report &&
	    (what == BINDING_ADDED || what == BINDING_CHANGED || what == BINDING_REFRESHED))
		rate_count(&g->registering, g->agent->now.boot);
}

static void service_remove(void *ctx, const char *aor, const char *contact)
{
	struct agent_group *g = ctx;

	if (!service_holds(g) && !service_has_just_let_go(g))
		return;
	if (binding_store_remove(g->store, aor, contact, service_holds(g) ? service_epoch(g) : g->held_epoch))
		service_batch_remove(g, aor, contact);
}

static void service_full_begin(void *ctx)
{
	struct agent_group *g = ctx;

	if (!service_holds(g))
		return;
	g->full_report = true;
	g->full_begin_due = true;
	binding_store_full_begin(g->store);
}

static void service_full_gone(void *ctx, const struct binding *b)
{
	service_batch_remove(ctx, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
}

static void service_full_end(void *ctx)
{
	struct agent_group *g = ctx;

	if (!g->full_report)
		return;
	g->full_report = false;
	binding_store_full_end(g->store, service_epoch(g), service_full_gone, g);
	service_batch_send(g, true);
}

static void service_bindings_end(void *ctx)
{
	struct agent_group *g = ctx;

	/* One message for what comes close together: each message of corosync sets its token spinning. */
	if (!g->full_report && g->batch_open && g->batch_due.ns == 0)
		g->batch_due = boot_add(g->agent->now.boot, SERVICE_COLLECT_NS);
}

static void service_trunk(void *ctx, const struct adapter_trunk *t)
{
	trunks_report(ctx, t);
}

static void service_quality(void *ctx, const struct adapter_quality *q)
{
	struct agent_group *g = ctx;

	uplinks_quality(g->agent->uplinks, g->index, q);
}

static void service_answered(void *ctx, uint64_t id, enum adapter_request kind, int error, const char *why)
{
	struct agent_group *g = ctx;

	/* Of the many that a dead PBX is told, the first is news. */
	if (error && (kind != ADAPTER_APPLY || g->apply_failures++ == 0))
		log_warning("%s: adapter: %s failed: %s", agent_group_name(g->agent, g->index),
			    adapter_request_name(kind), why && why[0] ? why : strerror(error));
	if (!error && kind == ADAPTER_APPLY && g->apply_failures) {
		log_notice("%s: adapter: apply works again, %u failed", agent_group_name(g->agent, g->index),
			   g->apply_failures);
		g->apply_failures = 0;
	}
	if (kind == ADAPTER_TRUNK)
		trunks_answered(g, id, error, why);
	else if (kind == ADAPTER_UPLINK)
		uplinks_answered(g->agent->uplinks, g->index, id, error, why);
	else if (!binding_feed_answered(&g->feed, id, error, g->agent->now.boot))
		steps_adapter_answered(g, id, error);
}

static void service_alarm(void *ctx, enum adapter_alarm alarm, const char *text)
{
	struct agent_group *g = ctx;
	struct agent *a = g->agent;
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "adapter/%s", adapter_alarm_name(alarm));
	log_warning("%s: adapter: %s", agent_group_name(a, g->index), text);
	if (alarms_event(&a->alarms, key, a->now.boot, "Adapter of %s: %s", agent_group_name(a, g->index),
			 text))
		records_event(a, "adapter", agent_group_name(a, g->index), "%s", text);
}

static void service_log(void *ctx, const char *line)
{
	struct agent_group *g = ctx;

	log_info("%s: adapter: %s", agent_group_name(g->agent, g->index), line);
}

static const struct adapter_ops service_ops = {
	.ready = service_ready,
	.health = service_health,
	.put = service_put,
	.remove = service_remove,
	.full_begin = service_full_begin,
	.full_end = service_full_end,
	.trunk = service_trunk,
	.quality = service_quality,
	.bindings_end = service_bindings_end,
	.answered = service_answered,
	.alarm = service_alarm,
	.log = service_log,
};

/* ---- from other nodes ---- */

static void service_full_gone_elsewhere(void *ctx, const struct binding *b)
{
	struct agent_group *g = ctx;

	if (g->adapter && !service_holds(g))
		binding_feed_remove(&g->feed, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
				    g->agent->now.boot);
}

/* What the old holder's PBX accepted in its last moment comes by corosync, behind the release of its lease,
 * which came by pulse: those phones have been told that they are registered. */
static bool service_last_words(const struct agent_group *g, const struct binding_batch_header *head)
{
	return !head->full_begin && !head->full_end && !epoch_none(head->epoch) &&
	       boot_diff_ns(g->registering.since, g->agent->now.boot) < SERVICE_LAST_WORDS_NS;
}

static void service_receive_item(struct agent_group *g, const struct binding_batch_item *item, bool feed)
{
	boot_t now = g->agent->now.boot;
	const struct binding *b = &item->b;
	enum binding_put what;

	if (item->remove) {
		if (binding_store_remove(g->store, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
					 b->epoch) &&
		    feed)
			binding_feed_remove(&g->feed, b->text[BINDING_AOR], b->text[BINDING_CONTACT], now);
		return;
	}
	if (binding_store_put(g->store, b, now, &what) < 0)
		return; /* counted by the store */
	if (feed && (what == BINDING_ADDED || what == BINDING_CHANGED || what == BINDING_REFRESHED))
		binding_feed_put(&g->feed, b, now);
}

void services_receive(struct agent *a, node_id_t from, const void *data, size_t len)
{
	struct binding_batch_header head;
	struct binding_batch_reader reader;
	struct binding_batch_item item;
	struct agent_group *g;
	bool last_words;
	int index, r = binding_batch_open(&reader, data, len, &head);

	if (r < 0) {
		if (alarms_event(&a->alarms, "bindings", a->now.boot, "Bindings from %s cannot be read: %s.",
				 agent_node_name(a, from), strerror(-r)))
			log_warning("bindings from %s: %s -> dropped", agent_node_name(a, from),
				    strerror(-r));
		return;
	}
	index = config_group_index_wire(a->config, head.group);
	if (from == a->self || index < 0 || !a->group[index].store)
		return;
	g = &a->group[index];
	/* After a healed cut each side tells the other what it has. The holder's PBX is the truth: what the
	 * other side kept meanwhile would come back as phones that had left. A restarted holder has yet to
	 * learn. */
	last_words = service_holds(g) && service_last_words(g, &head);
	if (a->joined && service_holds(g) && !last_words && epoch_cmp(head.epoch, service_batch_epoch(g)) < 0)
		return;
	if (head.full_begin)
		binding_store_full_begin(g->store);
	while (binding_batch_next(&reader, a->now.boot, &item))
		service_receive_item(g, &item, g->adapter && (!service_holds(g) || last_words));
	if (head.full_end)
		binding_store_full_end(g->store, head.epoch, service_full_gone_elsewhere, g);
	service_digests_reached(&g->digests, binding_store_digest(g->store));
	if (g->adapter)
		binding_feed_flush(&g->feed, a->now.boot);
}

void services_flush(struct agent *a)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		if (a->group[i].store && !a->group[i].full_report)
			service_batch_send(&a->group[i], false);
}

void services_compare(struct agent *a, node_id_t from)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		struct agent_group *g = &a->group[i];

		uint64_t theirs = a->core.peer[from].facts.group[i].bindings_digest;

		if (g->store && a->core.group[i].seen_holder == from) {
			service_digests_holder_says(&g->digests, theirs, binding_store_digest(g->store));
			if (service_knows(g) || (a->joined && !a->core.peer[from].facts.joining &&
						 theirs == binding_store_digest(g->store)))
				service_feed_all(g);
		} else if (g->store && service_holds(g) && !a->core.peer[from].facts.joining)
			service_digests_peer_says(&g->digests, from, theirs, binding_store_digest(g->store));
	}
}

static bool service_out_of_step(const struct agent_group *g)
{
	const struct agent *a = g->agent;
	const struct core_group_config *cg = &a->core.config.groups[g->index];

	for (uint8_t i = 0; i < cg->candidates_count; i++) {
		const struct core_peer *p = &a->core.peer[cg->candidates[i]];

		if (cg->candidates[i] != a->self && p->facts_known && !p->facts.joining &&
		    service_digests_peer_differs(&g->digests, cg->candidates[i]))
			return true;
	}
	return false;
}

void services_heal(struct agent *a)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		struct agent_group *g = &a->group[i];

		if (!g->store || !service_holds(g) || !service_out_of_step(g) ||
		    boot_before(a->now.boot, g->heal_at))
			continue;
		g->heal_at = boot_add(a->now.boot, SERVICE_HEAL_NS);
		service_digests_healed(&g->digests);
		log_notice("%s: another node's registrations are not in step -> sending all %zu",
			   agent_group_name(a, g->index), binding_store_count(g->store));
		(void)service_resend_start(g, 0); /* out of memory: tried again */
	}
}

/* ---- life ---- */

static void service_readable(void *ctx, int fd, int revents)
{
	struct agent_group *g = ctx;

	(void)fd, (void)revents;
	adapter_readable(g->adapter, g->agent->now.boot);
}

/* "kamailio" -> the program of ours beside the others; "exec:/path" -> that path. */
static const char *service_adapter_path(const struct config_pbx *pbx, char *buf, size_t size)
{
	char name[CONFIG_PATH_MAX + 16];

	if (strncmp(pbx->adapter, "exec:", 5) == 0)
		return pbx->adapter + 5;
	(void)snprintf(name, sizeof name, "adapter-%s", pbx->adapter);
	return libexec_path(name, buf, size);
}

static int service_spawn(struct agent_group *g, const struct config_group *cg)
{
	const struct config_pbx *pbx = &cg->pbx[0];
	char path[CONFIG_PATH_MAX + 64], text[ADAPTER_ADDRESSES_MAX][IP_TEXT_MAX];
	struct adapter_config config = {
		.group = cg->name,
		.node = agent_node_name(g->agent, g->agent->self),
		.path = service_adapter_path(pbx, path, sizeof path),
		.pid_file = pbx->pid_file[0] ? pbx->pid_file : NULL,
		.holder = service_holds(g),
		.options_interval_ms = pbx->options_interval_ms,
		.options_failures = pbx->options_failures,
	};
	int r;

	for (uint32_t i = 0; i < cg->addresses_count && i < ADAPTER_ADDRESSES_MAX; i++)
		config.addresses[config.addresses_count++] = ip_format(&cg->addresses[i], text[i]);
	for (uint32_t i = 0; i < pbx->settings_count; i++)
		config.settings[config.settings_count++] =
			(struct adapter_setting){ pbx->settings[i].name, pbx->settings[i].value };
	for (uint32_t i = 0; i < cg->trunks_count; i++)
		config.trunks[config.trunks_count++] =
			(struct adapter_trunk_setting){ .name = cg->trunks[i].name,
							.registration = cg->trunks[i].registration,
							.peers = cg->trunks[i].peers,
							.peers_count = cg->trunks[i].peers_count };
	trunks_open(g);
	r = adapter_new(&config, &service_ops, g, g->agent->now.boot, &g->adapter);
	if (r < 0)
		return r;
	binding_feed_init(&g->feed, g->adapter, g->store);
	return loop_add(&g->agent->loop, adapter_fd(g->adapter), POLLIN, LOOP_HIGH, service_readable, g);
}

int services_open(struct agent *a, struct sentence *reterr)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		const struct config_group *cg = &a->config->groups[i];
		struct agent_group *g = &a->group[i];
		int r = 0;

		if (a->paths.witness)
			continue;
		if (cg->pbx_count == 0 || !cg->pbx[0].adapter[0]) {
			g->health = (struct adapter_health){ .state = PBX_HEALTHY, .in_step = true };
			continue;
		}
		r = binding_store_new(BINDING_STORE_MAX, &g->store);
		g->batch_buf = malloc(SERVICE_BATCH_BYTES);
		if (r == 0 && !g->batch_buf)
			r = -ENOMEM;
		if (r == 0)
			r = service_spawn(g, cg);
		if (r < 0)
			return sentence_fail(reterr, r, "The adapter of group %s cannot be started: %s.",
					     cg->name, strerror(-r));
	}
	return 0;
}

void services_close(struct agent *a)
{
	for (uint32_t i = 0; i < RK_GROUPS_MAX; i++) {
		struct agent_group *g = &a->group[i];

		if (g->adapter) {
			loop_remove(&a->loop, adapter_fd(g->adapter));
			adapter_free(g->adapter);
		}
		binding_feed_close(&g->feed);
		binding_store_free(g->store);
		free(g->batch_buf);
		service_resend_close(g);
		service_reset_stop(g);
		g->adapter = NULL;
		g->store = NULL;
		g->batch_buf = NULL;
	}
}

boot_t services_next(const struct agent *a)
{
	boot_t next = BOOT_NEVER;

	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		if (a->group[i].adapter)
			next = boot_min(next, adapter_next(a->group[i].adapter));
		if (a->group[i].batch_due.ns)
			next = boot_min(next, a->group[i].batch_due);
		if (a->group[i].resend.active)
			next = boot_min(next, a->group[i].resend.next);
		if (a->group[i].reset.list)
			next = boot_min(next, a->group[i].reset.due);
	}
	return next;
}

static void service_expired(void *ctx, const struct binding *b)
{
	struct agent_group *g = ctx;

	/* The holder's PBX expires by itself and reports it; a standby's is told, in case it does not. */
	if (g->adapter && !service_holds(g))
		binding_feed_remove(&g->feed, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
				    g->agent->now.boot);
}

void services_expire(struct agent *a)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		struct agent_group *g = &a->group[i];

		if (!g->store)
			continue;
		(void)binding_store_expire(g->store, boot_add(a->now.boot, -SERVICE_EXPIRE_GRACE_NS),
					   binding_store_count(g->store) / SERVICE_EXPIRE_SLICES + 1,
					   service_expired, g);
		if (g->adapter)
			binding_feed_flush(&g->feed, a->now.boot);
	}
}

void services_tick(struct agent *a)
{
	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		struct agent_group *g = &a->group[i];

		if (g->adapter && !boot_before(a->now.boot, adapter_next(g->adapter)))
			adapter_tick(g->adapter, a->now.boot);
		if (g->batch_due.ns && !boot_before(a->now.boot, g->batch_due))
			service_batch_send(g, false);
		if (g->resend.active && !boot_before(a->now.boot, g->resend.next) && service_resend_run(g))
			cluster_snapshot_go(a);
		service_reset_run(g);
	}
}
