/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "adapter_main.h"

#include "binding_json.h"
#include "binding_store.h"
#include "clock_read.h"
#include "line_reader.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEALTH_EVERY_NS (3 * NS_PER_S)
#define COUNTS_EVERY_NS NS_PER_S
#define REPORT_MAX	100
#define POLL_MS_MAX	1000

struct adapter_main {
	const struct adapter_main_ops *ops;
	void *ctx;
	struct line_reader lines;
	struct pollfd fds[1 + ADAPTER_MAIN_SLOTS]; /* stdin, then the slots */
	struct adapter_main_config config;
	json_t *config_json; /* the texts of config live in it */
	bool configured;
	struct adapter_health health;
	boot_t health_due;
	boot_t counts_due; /* mere counts are not told at each change */
	enum adapter_uplink_support uplinks;
	bool reinvites;
	json_t *put, *remove, *trunks;
	size_t collected;
};

/* ---- to the agent ---- */

static void main_send(struct adapter_main *m, json_t *object)
{
	if (object) {
		(void)json_dumpf(object, stdout, JSON_COMPACT); /* a closed stdout ends us at its stdin */
		(void)fputc('\n', stdout);
	}
	json_decref(object);
}

void adapter_main_answer(struct adapter_main *m, uint64_t id, const char *why)
{
	if (why)
		main_send(m, json_pack("{ss sI ss}", "type", "failed", "id", (json_int_t)id, "why", why));
	else
		main_send(m, json_pack("{ss sI}", "type", "done", "id", (json_int_t)id));
}

void adapter_main_done(struct adapter_main *m, uint64_t id, const char *sentence)
{
	main_send(m, json_pack("{ss sI ss}", "type", "done", "id", (json_int_t)id, "why", sentence));
}

void adapter_main_uplinks(struct adapter_main *m, enum adapter_uplink_support support, bool reinvite)
{
	m->uplinks = support;
	m->reinvites = reinvite;
}

void adapter_main_quality(struct adapter_main *m, const struct adapter_quality *q)
{
	main_send(m, json_pack("{ss ss ss sI sI sI sI}", "type", "quality", "call", q->call, "peer", q->peer,
			       "packets", (json_int_t)q->packets, "lost", (json_int_t)q->lost, "rtt_us",
			       (json_int_t)q->rtt_us, "jitter_us", (json_int_t)q->jitter_us));
}

void adapter_main_log(struct adapter_main *m, const char *format, ...)
{
	char text[ADAPTER_WHY_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args); /* cutting a sentence is fine */
	va_end(args);
	main_send(m, json_pack("{ss ss}", "type", "log", "text", text));
}

static const char *health_name(enum pbx_health state)
{
	static const char *const names[] = {
		[PBX_UNKNOWN] = "starting", [PBX_STARTING] = "starting", [PBX_HEALTHY] = "healthy",
		[PBX_SICK] = "sick",	    [PBX_DEAD] = "dead",
	};

	return names[state];
}

void adapter_main_health(struct adapter_main *m, const struct adapter_health *h, boot_t now)
{
	bool same = m->health.state == h->state && !strcmp(m->health.why, h->why) &&
		    m->health.pid == h->pid && m->health.in_step == h->in_step &&
		    m->health.overloaded == h->overloaded && m->health.calling == h->calling;
	bool same_counts = m->health.calls == h->calls && m->health.bindings == h->bindings &&
			   m->health.unmovable == h->unmovable;
	json_t *o;

	if (same && boot_before(now, same_counts ? m->health_due : m->counts_due))
		return;
	m->counts_due = boot_add(now, COUNTS_EVERY_NS);
	m->health = *h;
	m->health_due = boot_add(now, HEALTH_EVERY_NS);
	o = json_pack("{ss ss ss sb si}", "type", "health", "state", health_name(h->state), "why", h->why,
		      "in_step", (int)h->in_step, "bindings", (int)h->bindings);
	if (o && h->pid > 0)
		(void)json_object_set_new(o, "pid", json_integer(h->pid)); /* ENOMEM: one report without it */
	if (o && h->overloaded)
		(void)json_object_set_new(o, "overloaded", json_true());
	if (o && h->calling)
		(void)json_object_set_new(o, "calling", json_true());
	if (o && h->unmovable)
		(void)json_object_set_new(o, "unmovable", json_integer(h->unmovable));
	if (o && h->calls != ADAPTER_CALLS_UNKNOWN)
		(void)json_object_set_new(o, "calls", json_integer(h->calls));
	main_send(m, o);
}

static void report_flush(struct adapter_main *m, bool full_begin, bool full_end)
{
	json_t *o;

	if (m->collected == 0 && !full_begin && !full_end)
		return;
	o = json_pack("{ss so* so*}", "type", "bindings", "remove", m->remove, "put", m->put);
	if (o && full_begin)
		(void)json_object_set_new(o, "full_begin",
					  json_true()); /* ENOMEM: the agent's digests find it */
	if (o && full_end)
		(void)json_object_set_new(o, "full_end", json_true());
	m->put = m->remove = NULL;
	m->collected = 0;
	main_send(m, o);
}

static void report_add(struct adapter_main *m, json_t **list, json_t *item)
{
	if (!*list)
		*list = json_array();
	(void)json_array_append_new(*list, item); /* as above */
	if (++m->collected >= REPORT_MAX)
		report_flush(m, false, false);
}

void adapter_main_full_begin(struct adapter_main *m)
{
	report_flush(m, false, false);
	report_flush(m, true, false);
}

void adapter_main_put(struct adapter_main *m, const struct binding *b, boot_t now)
{
	report_add(m, &m->put, binding_to_json(b, now));
}

/* Within one message removals are done first, so one must not overtake a put that was collected before it. */
void adapter_main_remove(struct adapter_main *m, const char *aor, const char *contact)
{
	if (m->put)
		report_flush(m, false, false);
	report_add(m, &m->remove, binding_key_to_json(aor, contact));
}

void adapter_main_full_end(struct adapter_main *m)
{
	report_flush(m, false, true);
}

void adapter_main_dump(struct adapter_main *m, uint64_t *id, const struct binding_store *store,
		       const char *why, boot_t now)
{
	if (!*id)
		return;
	if (!why) {
		adapter_main_full_begin(m);
		for (size_t i = binding_store_count(store); i-- > 0;)
			adapter_main_put(m, binding_store_at(store, i), now);
		adapter_main_full_end(m);
	}
	adapter_main_answer(m, *id, why);
	*id = 0;
}

void adapter_main_trunk(struct adapter_main *m, const struct adapter_trunk *t)
{
	json_t *o =
		json_pack("{ss ss ss}", "name", t->name, "state", trunk_state_name(t->state), "why", t->why);

	if (o && t->status)
		(void)json_object_set_new(o, "status",
					  json_integer(t->status)); /* ENOMEM: one report without it */
	if (o && t->retry_after_ms >= 0)
		(void)json_object_set_new(o, "retry_after_ms", json_integer(t->retry_after_ms));
	if (o && t->retries)
		(void)json_object_set_new(o, "retries", json_true());
	if (!m->trunks)
		m->trunks = json_array();
	(void)json_array_append_new(m->trunks, o); /* as above */
}

static void trunks_flush(struct adapter_main *m)
{
	if (m->trunks)
		main_send(m, json_pack("{ss so}", "type", "trunks", "trunks", m->trunks));
	m->trunks = NULL;
}

/* ---- from the agent ---- */

const char *adapter_main_setting(const struct adapter_main_config *c, const char *name)
{
	return json_string_value(json_object_get(c->settings, name));
}

static bool setting_known(const struct adapter_main_ops *ops, const char *name)
{
	for (const char *const *s = ops->settings; s && *s; s++)
		if (!strcmp(*s, name))
			return true;
	return false;
}

static int config_check_settings(struct adapter_main *m, json_t *settings, char *why)
{
	const char *name;
	json_t *value;

	json_object_foreach(settings, name, value)
	{
		if (!setting_known(m->ops, name)) {
			(void)snprintf(why, ADAPTER_WHY_MAX, "unknown setting \"%.100s\"", name); /* fits */
			return -EINVAL;
		}
		if (!json_is_string(value)) {
			(void)snprintf(why, ADAPTER_WHY_MAX, "setting \"%.100s\" is not a string", name);
			return -EINVAL;
		}
	}
	return 0;
}

static uint32_t config_number(const json_t *o, const char *key, uint32_t otherwise)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 && v <= 3600000 ? (uint32_t)v : otherwise;
}

bool adapter_main_is_peer(const struct adapter_main_config *c, const struct ip_address *ip)
{
	for (size_t i = 0; i < c->peers_count; i++)
		if (ip_prefix_has(&c->peers[i], ip))
			return true;
	return false;
}

static void config_read_peers(struct adapter_main_config *c, const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);

		if (text && c->peers_count < ADAPTER_PEERS_MAX &&
		    ip_prefix_parse(text, &c->peers[c->peers_count]) == 0)
			c->peers_count++;
	}
}

/* Those without a registration are nothing to the PBX but addresses. */
static void config_read_trunks(struct adapter_main_config *c, const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		struct adapter_trunk_setting t = {
			.name = json_string_value(json_object_get(item, "name")),
			.registration = json_string_value(json_object_get(item, "registration")),
		};

		config_read_peers(c, json_object_get(item, "peers"));
		if (t.name && t.registration && *t.registration && c->trunks_count < ADAPTER_TRUNKS_MAX)
			c->trunks[c->trunks_count++] = t;
	}
}

static int config_read(struct adapter_main *m, json_t *o, char *why)
{
	struct adapter_main_config *c = &m->config;
	json_t *address;
	size_t i;

	m->config_json = json_incref(o);
	*c = (struct adapter_main_config){ .settings = json_object_get(o, "settings") };
	c->group = json_string_value(json_object_get(o, "group"));
	c->pid_file = json_string_value(json_object_get(o, "pid_file"));
	c->holder = json_is_true(json_object_get(o, "holder"));
	c->options_interval_ms = config_number(o, "options_interval_ms", 500);
	c->options_failures = config_number(o, "options_failures", 3);
	json_array_foreach(json_object_get(o, "addresses"), i,
			   address) if (json_is_string(address) && c->addresses_count < ADAPTER_ADDRESSES_MAX)
		c->addresses[c->addresses_count++] = json_string_value(address);
	config_read_trunks(c, json_object_get(o, "trunks"));
	if (!c->group || c->addresses_count == 0) {
		(void)snprintf(why, ADAPTER_WHY_MAX, "configure without a group or an address"); /* fits */
		return -EINVAL;
	}
	return config_check_settings(m, c->settings, why);
}

static void main_configure(struct adapter_main *m, json_t *o, uint64_t id, boot_t now)
{
	char why[ADAPTER_WHY_MAX] = "already configured";

	if (m->configured) {
		adapter_main_answer(m, id, why);
		return;
	}
	if (config_read(m, o, why) < 0 || m->ops->configure(m->ctx, m, &m->config, now, why) < 0) {
		json_decref(m->config_json);
		m->config_json = NULL;
		adapter_main_answer(m, id, why);
		return;
	}
	m->configured = true;
	main_send(m, json_pack("{ss sI ss sb}", "type", "done", "id", (json_int_t)id, "uplinks",
			       adapter_uplink_support_name(m->uplinks), "reinvite", (int)m->reinvites));
}

static void main_apply(struct adapter_main *m, const json_t *o, uint64_t id, boot_t now)
{
	const struct adapter_main_ops *ops = m->ops;
	const char *aor, *contact;
	struct binding b;
	json_t *item;
	size_t i;

	if (!ops->apply_put) {
		adapter_main_answer(m, id, "this adapter keeps no bindings");
		return;
	}
	if (json_is_true(json_object_get(o, "full_begin")))
		ops->apply_full_begin(m->ctx);
	json_array_foreach(json_object_get(o, "remove"), i,
			   item) if (binding_key_from_json(item, &aor, &contact) == 0)
		ops->apply_remove(m->ctx, aor, contact, now);
	json_array_foreach(json_object_get(o, "put"), i, item) if (binding_from_json(item, now, &b) == 0)
		ops->apply_put(m->ctx, &b, now);
	if (json_is_true(json_object_get(o, "full_end")))
		ops->apply_full_end(m->ctx, now);
	ops->apply_end(m->ctx, id, now);
}

static void main_trunk(struct adapter_main *m, const json_t *o, uint64_t id, boot_t now)
{
	const char *name = json_string_value(json_object_get(o, "name"));

	for (size_t i = 0; m->ops->trunk && name && i < m->config.trunks_count; i++)
		if (!strcmp(m->config.trunks[i].name, name)) {
			m->ops->trunk(m->ctx, id, i, json_is_true(json_object_get(o, "register")), now);
			return;
		}
	adapter_main_answer(m, id, m->ops->trunk ? "no such trunk" : "this adapter registers no trunks");
}

/* NULL, or the text of a public address; *ret_bad if it is something else. */
static const char *uplink_address(const json_t *o, const char *key, uint8_t family, bool *ret_bad)
{
	const json_t *value = json_object_get(o, key);
	struct ip_address ip;

	if (!value || json_is_null(value))
		return NULL;
	if (!json_is_string(value) || ip_parse(json_string_value(value), &ip) < 0 || ip.family != family) {
		*ret_bad = true;
		return NULL;
	}
	return json_string_value(value);
}

static void main_uplink(struct adapter_main *m, const json_t *o, uint64_t id, boot_t now)
{
	bool bad = false;
	struct adapter_uplink u = {
		.name = json_string_value(json_object_get(o, "name")),
		.public4 = uplink_address(o, "public4", AF_INET, &bad),
		.public6 = uplink_address(o, "public6", AF_INET6, &bad),
		.drain = json_is_true(json_object_get(o, "drain")),
		.from = json_string_value(json_object_get(o, "from")),
	};

	if (!m->ops->uplink || m->uplinks == ADAPTER_UPLINK_NONE)
		adapter_main_answer(m, id, "this adapter cannot tell its PBX of uplinks");
	else if (!u.name || bad)
		adapter_main_answer(m, id, "an uplink without a name, or with a public address that is none");
	else if (u.drain && (m->uplinks != ADAPTER_UPLINK_EACH || !u.from))
		adapter_main_answer(m, id,
				    "this PBX cannot keep calls on one uplink and begin others on another");
	else
		m->ops->uplink(m->ctx, id, &u, now);
}

static void main_reinvite(struct adapter_main *m, uint64_t id, boot_t now)
{
	if (m->ops->reinvite && m->reinvites)
		m->ops->reinvite(m->ctx, id, now);
	else
		adapter_main_answer(m, id, "this adapter cannot make its PBX send re-INVITEs");
}

static void main_role(struct adapter_main *m, void (*role)(void *, uint64_t, boot_t), uint64_t id, boot_t now)
{
	if (role)
		role(m->ctx, id, now);
	else
		adapter_main_answer(m, id, NULL); /* nothing to do is done */
}

static void main_dispatch(struct adapter_main *m, json_t *o, boot_t now)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	uint64_t id = (uint64_t)json_integer_value(json_object_get(o, "id"));

	if (!type)
		return;
	if (!strcmp(type, "ping"))
		main_send(m, json_pack("{ss sI}", "type", "pong", "id", (json_int_t)id));
	else if (!strcmp(type, "configure"))
		main_configure(m, o, id, now);
	else if (!m->configured)
		adapter_main_answer(m, id, "not configured");
	else if (!strcmp(type, "apply"))
		main_apply(m, o, id, now);
	else if (!strcmp(type, "trunk"))
		main_trunk(m, o, id, now);
	else if (!strcmp(type, "uplink"))
		main_uplink(m, o, id, now);
	else if (!strcmp(type, "reinvite"))
		main_reinvite(m, id, now);
	else if (!strcmp(type, "activate"))
		main_role(m, m->ops->activate, id, now);
	else if (!strcmp(type, "standby"))
		main_role(m, m->ops->standby, id, now);
	else if (!strcmp(type, "dump"))
		main_role(m, m->ops->dump, id, now);
}

static void main_line(struct adapter_main *m, const char *line, boot_t now)
{
	json_error_t error;
	json_t *o = json_loads(line, 0, &error);

	if (json_is_object(o))
		main_dispatch(m, o, now);
	else
		(void)fprintf(stderr, "a line of stdin is no JSON object: %s\n",
			      error.text); /* the agent's log */
	json_decref(o);
}

/* False at the end of stdin. */
static bool main_read(struct adapter_main *m, boot_t now)
{
	char *line;
	int r = line_reader_fill(&m->lines, STDIN_FILENO);

	while ((line = line_reader_next(&m->lines)))
		main_line(m, line, now);
	return r != 0 && (r > 0 || r == -EAGAIN);
}

/* ---- the loop ---- */

void adapter_main_watch(struct adapter_main *m, int slot, int fd, short events)
{
	m->fds[1 + slot] = (struct pollfd){ .fd = fd, .events = events };
}

static int main_timeout_ms(struct adapter_main *m, boot_t now)
{
	int64_t ms = POLL_MS_MAX;

	if (m->configured)
		ms = (boot_diff_ns(now, m->ops->next(m->ctx)) + NS_PER_MS - 1) / NS_PER_MS;
	return ms < 0 ? 0 : ms > POLL_MS_MAX ? POLL_MS_MAX : (int)ms;
}

static bool main_turn(struct adapter_main *m)
{
	boot_t now;

	(void)fflush(stdout); /* as in main_send */
	(void)poll(m->fds, 1 + ADAPTER_MAIN_SLOTS,
		   main_timeout_ms(m, clock_now().boot)); /* EINTR is a turn */
	now = clock_now().boot;
	if (m->fds[0].revents && !main_read(m, now))
		return false;
	for (int i = 0; m->configured && i < ADAPTER_MAIN_SLOTS; i++)
		if (m->fds[1 + i].fd >= 0 && m->fds[1 + i].revents)
			m->ops->ready(m->ctx, i, m->fds[1 + i].revents, now);
	if (m->configured)
		m->ops->tick(m->ctx, now);
	report_flush(m, false, false);
	trunks_flush(m);
	return true;
}

int adapter_main_run(const struct adapter_main_ops *ops, void *ctx)
{
	struct adapter_main m = { .ops = ops,
				  .ctx = ctx,
				  .fds[0] = { .fd = STDIN_FILENO, .events = POLLIN } };

	/* An agent that dies must not leave two adapters on one PBX, even if this one is stopped or stuck. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the end of stdin does the same, later */
	(void)signal(SIGPIPE, SIG_IGN);		/* cannot fail for SIGPIPE */
	for (int i = 0; i < ADAPTER_MAIN_SLOTS; i++)
		m.fds[1 + i].fd = -1;
	if (line_reader_init(&m.lines, ADAPTER_LINE_MAX) < 0)
		return 1;
	main_send(&m, json_pack("{ss si ss ss}", "type", "hello", "version", ADAPTER_PROTOCOL, "name",
				ops->name, "program", RINGKEEP_VERSION));
	while (main_turn(&m))
		;
	line_reader_close(&m.lines);
	json_decref(m.config_json);
	return 0;
}
