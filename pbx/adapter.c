/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "adapter_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ALARMS_PER_PERIOD 3
#define ALARM_PERIOD_NS	  (10 * NS_PER_S)
#define LOGS_PER_SECOND	  20
#define GOOD_LIFE_NS	  (60 * NS_PER_S)
#define ERR_LINE_MAX	  1024
#define READS_PER_TURN	  4 /* 1 MiB at most; what is left wakes us again */

enum adapter_source { SOURCE_IN, SOURCE_OUT, SOURCE_ERR, SOURCE_CHILD, SOURCE_PBX };

/* ---- small things ---- */

bool adapter_rate_allow(struct adapter_rate *rate, uint32_t max, int64_t period_ns, boot_t now)
{
	if (!boot_before(now, rate->period_end)) {
		rate->period_end = boot_add(now, period_ns);
		rate->used = 0;
	}
	return rate->used++ < max;
}

void adapter_sentence(char *ret, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 1 < size; text++)
		ret[n++] = (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text;
	ret[n] = 0;
}

void adapter_alarm(struct adapter *a, enum adapter_alarm alarm, boot_t now, const char *format, ...)
{
	char text[ADAPTER_WHY_MAX], clean[ADAPTER_WHY_MAX];
	va_list args;

	if (!a->ops.alarm ||
	    !adapter_rate_allow(&a->alarm_rate[alarm], ALARMS_PER_PERIOD, ALARM_PERIOD_NS, now))
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args); /* cutting a sentence is fine */
	va_end(args);
	adapter_sentence(clean, sizeof clean, text);
	a->ops.alarm(a->ctx, alarm, clean);
}

void adapter_log(struct adapter *a, const char *line, boot_t now)
{
	char clean[ADAPTER_LOG_MAX];

	adapter_sentence(clean, sizeof clean, line);
	if (!adapter_rate_allow(&a->log_rate, LOGS_PER_SECOND, NS_PER_S, now))
		a->counters.log_dropped++;
	else if (a->ops.log)
		a->ops.log(a->ctx, clean);
}

static void adapter_poll(struct adapter *a, int op, int fd, uint32_t events, enum adapter_source source)
{
	struct epoll_event ev = { .events = events, .data.u32 = source };

	if (fd >= 0)
		(void)epoll_ctl(a->epoll_fd, op, fd,
				&ev); /* the deadlines find a child that we cannot hear */
}

/* ---- health ---- */

void adapter_set_health(struct adapter *a, const struct adapter_health *h)
{
	struct adapter_health *old = &a->health;
	bool same = old->state == h->state && !strcmp(old->why, h->why) && old->calls == h->calls &&
		    old->pid == h->pid && old->in_step == h->in_step && old->bindings == h->bindings &&
		    old->calling == h->calling;

	*old = *h;
	if (!same && a->ops.health)
		a->ops.health(a->ctx, old);
}

static void pbx_is_dead(struct adapter_health *h)
{
	h->state = PBX_DEAD;
	(void)snprintf(h->why, sizeof h->why, "process %d of the PBX has ended", (int)h->pid); /* fits */
}

/* Watches the pid of a report before it is believed: "healthy" may have been in the pipe when the process
 * died. */
void adapter_watch_pbx(struct adapter *a, struct adapter_health *h)
{
	int old = a->pbx.fd;

	if (h->pid <= 0) {
		process_watch_close(&a->pbx);
		return;
	}
	if (process_watch_set(&a->pbx, h->pid) < 0 || process_watch_ended(&a->pbx)) {
		process_watch_close(&a->pbx);
		pbx_is_dead(h);
	} else if (a->pbx.fd != old) {
		adapter_poll(a, EPOLL_CTL_ADD, a->pbx.fd, EPOLLIN, SOURCE_PBX);
	}
}

static void adapter_pbx_ended(struct adapter *a)
{
	struct adapter_health h = a->health;

	if (!process_watch_ended(&a->pbx))
		return;
	process_watch_close(&a->pbx);
	pbx_is_dead(&h);
	adapter_set_health(a, &h);
}

static void adapter_health_stale(struct adapter *a)
{
	struct adapter_health h = { .state = PBX_UNKNOWN, .calls = ADAPTER_CALLS_UNKNOWN };

	a->stale_at = BOOT_NEVER;
	if (a->health.state == PBX_DEAD)
		return; /* seen by ourselves */
	(void)snprintf(h.why, sizeof h.why, "the adapter has not been running for %u ms", a->health_stale_ms);
	process_watch_close(&a->pbx);
	adapter_set_health(a, &h);
}

/* ---- the child's life ---- */

static void adapter_restart_later(struct adapter *a, boot_t now)
{
	if (boot_diff_ns(a->started_at, now) > GOOD_LIFE_NS)
		a->restart_ms = a->restart_ms_min;
	a->state = ADAPTER_DOWN;
	a->restart_at = boot_add(now, a->restart_ms * NS_PER_MS);
	a->restart_ms = a->restart_ms * 2 < a->restart_ms_max ? a->restart_ms * 2 : a->restart_ms_max;
	if (a->stale_at.ns == BOOT_NEVER.ns)
		a->stale_at = boot_add(now, a->health_stale_ms * NS_PER_MS);
}

static void adapter_start(struct adapter *a, boot_t now)
{
	int r = adapter_child_spawn(&a->child, a->path);

	a->started_at = now;
	if (r < 0) {
		adapter_alarm(a, ADAPTER_SPAWN_FAILED, now, "cannot start %s: %s", a->path, strerror(-r));
		adapter_restart_later(a, now);
		return;
	}
	a->counters.spawns++;
	a->state = ADAPTER_STARTED;
	a->pong_until = boot_add(now, a->ping_deadline_ms * NS_PER_MS);
	a->ping_at = BOOT_NEVER;
	a->out_start = a->out_used = 0;
	a->out_watched = false;
	line_reader_reset(&a->out_lines);
	line_reader_reset(&a->err_lines);
	adapter_poll(a, EPOLL_CTL_ADD, a->child.in, 0, SOURCE_IN);
	adapter_poll(a, EPOLL_CTL_ADD, a->child.out, EPOLLIN, SOURCE_OUT);
	adapter_poll(a, EPOLL_CTL_ADD, a->child.err, EPOLLIN, SOURCE_ERR);
	adapter_poll(a, EPOLL_CTL_ADD, a->child.pidfd, EPOLLIN, SOURCE_CHILD);
}

void adapter_kill(struct adapter *a)
{
	if (a->state == ADAPTER_DOWN || a->state == ADAPTER_DYING)
		return;
	adapter_child_kill(&a->child);
	a->state = ADAPTER_DYING;
}

static void adapter_read_out(struct adapter *a, boot_t now)
{
	uint64_t oversized = a->out_lines.oversized;
	char *line;
	int r = 1;

	for (int i = 0; i < READS_PER_TURN && r > 0; i++) {
		r = line_reader_fill(&a->out_lines, a->child.out);
		while (a->state != ADAPTER_DYING && (line = line_reader_next(&a->out_lines)))
			adapter_handle_line(a, line, now);
	}
	if (a->out_lines.oversized != oversized)
		adapter_alarm(a, ADAPTER_OVERFLOW, now, "a line of more than %d bytes was dropped",
			      ADAPTER_LINE_MAX);
	a->counters.oversized = a->out_lines.oversized;
	if (r == 0) { /* it ended, or closed its stdout: of no more use; its pidfd tells which */
		adapter_poll(a, EPOLL_CTL_DEL, a->child.out, 0, SOURCE_OUT);
		adapter_child_kill(&a->child);
	}
}

static void adapter_read_err(struct adapter *a, boot_t now)
{
	char *line;
	int r = line_reader_fill(&a->err_lines, a->child.err);

	while ((line = line_reader_next(&a->err_lines)))
		adapter_log(a, line, now);
	if (r == 0)
		adapter_poll(a, EPOLL_CTL_DEL, a->child.err, 0, SOURCE_ERR);
}

static void adapter_child_ended(struct adapter *a, boot_t now)
{
	bool killed = a->state == ADAPTER_DYING;
	int status = 0;

	if (!killed) { /* its last words */
		adapter_read_out(a, now);
		adapter_read_err(a, now);
	}
	if (!adapter_child_reap(&a->child, &status))
		return;
	a->counters.crashes += !killed;
	if (!killed)
		adapter_alarm(a, ADAPTER_CRASHED, now,
			      status < 0 ? "the adapter was ended by signal %d"
					 : "the adapter ended with exit code %d",
			      status < 0 ? -status : status);
	adapter_restart_later(a, now);
	adapter_fail_all(a, ECONNRESET, "the adapter ended", now);
}

static void adapter_in_event(struct adapter *a, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR)) { /* unasked, and without end: it ended, or closed its stdin */
		adapter_poll(a, EPOLL_CTL_DEL, a->child.in, 0, SOURCE_IN);
		adapter_child_kill(&a->child);
	} else if (events & EPOLLOUT) {
		adapter_flush(a);
	}
}

void adapter_readable(struct adapter *a, boot_t now)
{
	struct epoll_event events[8];
	int n = epoll_wait(a->epoll_fd, events, 8, 0);

	for (int i = 0; i < n; i++) {
		switch ((enum adapter_source)events[i].data.u32) {
		case SOURCE_IN:
			if (a->child.in >= 0)
				adapter_in_event(a, events[i].events);
			break;
		case SOURCE_OUT:
			if (a->child.out >= 0)
				adapter_read_out(a, now);
			break;
		case SOURCE_ERR:
			if (a->child.err >= 0)
				adapter_read_err(a, now);
			break;
		case SOURCE_CHILD:
			if (a->child.pid > 0)
				adapter_child_ended(a, now);
			break;
		case SOURCE_PBX:
			adapter_pbx_ended(a);
			break;
		}
	}
}

boot_t adapter_next(const struct adapter *a)
{
	boot_t next = boot_min(a->stale_at, adapter_request_next(a));

	if (a->state == ADAPTER_DOWN)
		return boot_min(next, a->restart_at);
	if (a->state == ADAPTER_DYING)
		return next; /* its pidfd wakes us */
	/* Who refused its configuration is not pinged. */
	return boot_min(next, boot_min(a->state == ADAPTER_READY ? a->ping_at : BOOT_NEVER, a->pong_until));
}

static void adapter_hung(struct adapter *a, boot_t now)
{
	a->counters.hangs++;
	adapter_alarm(a, ADAPTER_HUNG, now,
		      a->state == ADAPTER_STARTED ? "no hello within %u ms: killed"
						  : "no answer to a ping within %u ms: killed",
		      a->ping_deadline_ms);
	adapter_kill(a);
}

void adapter_tick(struct adapter *a, boot_t now)
{
	/* First what is waiting: if it was we who stood still, its pong is in the pipe. */
	adapter_readable(a, now);
	if (a->state == ADAPTER_DOWN && !boot_before(now, a->restart_at))
		adapter_start(a, now);
	else if (a->state != ADAPTER_DOWN && a->state != ADAPTER_DYING && !boot_before(now, a->pong_until))
		adapter_hung(a, now);
	else if (a->state == ADAPTER_READY && !boot_before(now, a->ping_at))
		(void)adapter_send_ping(a, now); /* a full buffer ends in the deadline of the pong */
	adapter_fail_late(a, now);
	if (!boot_before(now, a->stale_at))
		adapter_health_stale(a);
}

/* ---- new and free ---- */

static uint32_t or_default(uint32_t v, uint32_t otherwise)
{
	return v ? v : otherwise;
}

static json_t *trunk_to_json(const struct adapter_trunk_setting *t)
{
	json_t *peers = json_array();
	char text[IP_PREFIX_TEXT_MAX];

	for (size_t i = 0; i < t->peers_count; i++)
		(void)json_array_append_new(peers, json_string(ip_prefix_format(&t->peers[i], text)));
	return json_pack("{ss ss so}", "name", t->name, "registration", t->registration, "peers", peers);
}

static json_t *config_to_json(const struct adapter_config *c)
{
	json_t *addresses = json_array(), *settings = json_object(), *trunks = json_array();
	json_t *o;

	for (size_t i = 0; i < c->addresses_count; i++)
		(void)json_array_append_new(addresses,
					    json_string(c->addresses[i])); /* ENOMEM ends in json_pack */
	for (size_t i = 0; i < c->settings_count; i++)
		(void)json_object_set_new(settings, c->settings[i].name, json_string(c->settings[i].value));
	for (size_t i = 0; i < c->trunks_count; i++)
		(void)json_array_append_new(trunks, trunk_to_json(&c->trunks[i]));
	o = json_pack("{ss si ss ss so so so si si}", "type", "configure", "version", ADAPTER_PROTOCOL,
		      "group", c->group, "node", c->node ? c->node : "", "addresses", addresses, "settings",
		      settings, "trunks", trunks, "options_interval_ms",
		      (int)or_default(c->options_interval_ms, 500), "options_failures",
		      (int)or_default(c->options_failures, 3));
	if (o && c->pid_file)
		(void)json_object_set_new(o, "pid_file", json_string(c->pid_file));
	return o;
}

static void adapter_set_times(struct adapter *a, const struct adapter_config *c)
{
	a->ping_interval_ms = or_default(c->ping_interval_ms, 1000);
	a->ping_deadline_ms = or_default(c->ping_deadline_ms, 5000);
	a->request_deadline_ms = or_default(c->request_deadline_ms, 10000);
	a->restart_ms_min = or_default(c->restart_ms_min, 100);
	a->restart_ms_max = or_default(c->restart_ms_max, 10000);
	a->health_stale_ms = or_default(c->health_stale_ms, 10000);
	a->restart_ms = a->restart_ms_min;
}

int adapter_new(const struct adapter_config *config, const struct adapter_ops *ops, void *ctx, boot_t now,
		struct adapter **ret)
{
	struct adapter *a;

	if (!config->group || !config->path || config->addresses_count > ADAPTER_ADDRESSES_MAX ||
	    config->settings_count > ADAPTER_SETTINGS_MAX || config->trunks_count > ADAPTER_TRUNKS_MAX)
		return -EINVAL;
	a = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	*a = (struct adapter){
		.ops = *ops, .ctx = ctx, .child = ADAPTER_CHILD_NONE, .pbx = PROCESS_WATCH_NONE
	};
	a->holder = config->holder;
	a->health.calls = ADAPTER_CALLS_UNKNOWN;
	a->stale_at = a->ping_at = a->pong_until = BOOT_NEVER;
	adapter_set_times(a, config);
	a->path = strdup(config->path);
	a->configure = config_to_json(config);
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!a->path || !a->configure || a->epoll_fd < 0 ||
	    line_reader_init(&a->out_lines, ADAPTER_LINE_MAX) < 0 ||
	    line_reader_init(&a->err_lines, ERR_LINE_MAX) < 0) {
		adapter_free(a);
		return -ENOMEM;
	}
	adapter_start(a, now);
	*ret = a;
	return 0;
}

void adapter_free(struct adapter *a)
{
	if (!a)
		return;
	adapter_child_close(&a->child);
	process_watch_close(&a->pbx);
	line_reader_close(&a->out_lines);
	line_reader_close(&a->err_lines);
	json_decref(a->configure);
	json_decref(a->uplink);
	if (a->epoll_fd >= 0)
		(void)close(a->epoll_fd); /* only a set of others */
	free(a->path);
	free(a->out);
	free(a);
}

int adapter_fd(const struct adapter *a)
{
	return a->epoll_fd;
}

bool adapter_ready(const struct adapter *a)
{
	return a->state == ADAPTER_READY;
}

pid_t adapter_child_pid(const struct adapter *a)
{
	return a->child.pid;
}

const struct adapter_health *adapter_last_health(const struct adapter *a)
{
	return &a->health;
}

const struct adapter_counters *adapter_counters(const struct adapter *a)
{
	return &a->counters;
}

const char *adapter_alarm_name(enum adapter_alarm alarm)
{
	static const char *const names[ADAPTER_ALARMS] = {
		[ADAPTER_SPAWN_FAILED] = "spawn_failed",
		[ADAPTER_CRASHED] = "crashed",
		[ADAPTER_HUNG] = "hung",
		[ADAPTER_VERSION] = "version",
		[ADAPTER_GARBAGE] = "garbage",
		[ADAPTER_OVERFLOW] = "overflow",
		[ADAPTER_REFUSED] = "refused",
		[ADAPTER_CONFIG] = "config",
	};

	return alarm < ADAPTER_ALARMS ? names[alarm] : "?";
}

const char *adapter_request_name(enum adapter_request kind)
{
	static const char *const names[ADAPTER_REQUESTS] = {
		[ADAPTER_CONFIGURE] = "configure", [ADAPTER_ACTIVATE] = "activate",
		[ADAPTER_STANDBY] = "standby",	   [ADAPTER_APPLY] = "apply",
		[ADAPTER_DUMP] = "dump",	   [ADAPTER_TRUNK] = "trunk",
		[ADAPTER_UPLINK] = "uplink",	   [ADAPTER_REINVITE] = "reinvite",
	};

	return kind < ADAPTER_REQUESTS ? names[kind] : "?";
}
