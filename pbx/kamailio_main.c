/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-adapter-kamailio. Settings beside those of pbx_monitor.h: rpc (unixgram:PATH, required), dump
 * (fifo:PATH), reply-dir, sync (udp:127.0.0.1:PORT), evapi (tcp:127.0.0.1:PORT), table (location),
 * rpc-failures (10), uplink-table.
 */
#include "kamailio_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define UPTIME_EVERY_NS	 (NS_PER_S)
#define EXPIRE_EVERY_NS	 (NS_PER_S)
#define EXPIRE_GRACE_NS	 (2 * NS_PER_S) /* Kamailio's own word on it comes first */
#define IN_STEP_GRACE_NS (3 * NS_PER_S)
#define RPC_FAILURES	 10
#define OVERLOAD_PER_S	 100 /* requests handled: a hung SIP with a few living TCP phones stays below */
#define OVERLOAD_AGE_NS	 (3 * NS_PER_S)

/* ---- settings ---- */

/* The value behind "prefix", NULL if it is another. */
static const char *setting_after(const char *text, const char *prefix)
{
	return text && !strncmp(text, prefix, strlen(prefix)) ? text + strlen(prefix) : NULL;
}

/* "udp:127.0.0.1:5070": an IPv4 address of loopback, since nothing there is authenticated. */
static bool setting_loopback(const char *text, const char *prefix, struct sockaddr_in *ret)
{
	const char *rest = setting_after(text, prefix);
	const char *colon = rest ? strrchr(rest, ':') : NULL;
	char host[INET_ADDRSTRLEN];
	long port = colon ? strtol(colon + 1, NULL, 10) : 0;

	if (!colon || port < 1 || port > 65535 || (size_t)(colon - rest) >= sizeof host)
		return false;
	memcpy(host, rest, (size_t)(colon - rest));
	host[colon - rest] = 0;
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1 && ntohl(ret->sin_addr.s_addr) >> 24 == 127;
}

static int setting_error(char *why, const char *name, const char *form, int error)
{
	(void)snprintf(why, ADAPTER_WHY_MAX, "setting \"%s\" must be %s", name, form); /* fits */
	return error;
}

static void on_rpc(void *ctx, const struct kamailio_rpc_slot *slot, const json_t *result, int code,
		   const char *error, boot_t now);
static void on_evapi_connected(void *ctx, bool connected, boot_t now);
static void on_evapi_changed(void *ctx, const char *aor, boot_t now);

static int configure_rpc(struct kamailio *k, const struct adapter_main_config *c, uint64_t nonce, char *why)
{
	const char *path = setting_after(adapter_main_setting(c, "rpc"), "unixgram:");
	const char *fifo = adapter_main_setting(c, "dump");

	k->rpc_text = path;
	if (!path || kamailio_rpc_init(&k->rpc, path, kamailio_rpc_window(), on_rpc, k) < 0)
		return setting_error(why, "rpc", "unixgram:PATH, Kamailio's jsonrpcs datagram socket",
				     -EINVAL);
	k->use_list = fifo;
	if (fifo && (!setting_after(fifo, "fifo:") ||
		     kamailio_list_init(&k->list, setting_after(fifo, "fifo:"),
					adapter_main_setting(c, "reply-dir"), nonce) < 0))
		return setting_error(why, "dump", "fifo:PATH, Kamailio's jsonrpcs FIFO", -EINVAL);
	if (!pbx_setting_number(c, "rpc-failures", 1, 1000, RPC_FAILURES, &k->mon.seen.rpc_failures_max))
		return setting_error(why, "rpc-failures", "a number from 1 to 1000", -EINVAL);
	if (!kamailio_uplink_init(&k->uplink, k->m, &k->rpc, path, adapter_main_setting(c, "uplink-table")))
		return setting_error(why, "uplink-table", "the name of a hash table of Kamailio", -EINVAL);
	return 0;
}

static int configure_feeds(struct kamailio *k, const struct adapter_main_config *c, uint64_t nonce,
			   boot_t now, char *why)
{
	static const struct kamailio_evapi_ops evapi_ops = { on_evapi_connected, on_evapi_changed };
	const char *sync = adapter_main_setting(c, "sync"), *evapi = adapter_main_setting(c, "evapi");
	struct sockaddr_in to;

	k->use_sync = sync;
	if (sync && (!setting_loopback(sync, "udp:", &to) ||
		     kamailio_sync_init(&k->sync, &to, c->addresses[0], nonce, push_synced, k) < 0))
		return setting_error(why, "sync", "udp:127.0.0.1:PORT, a listener of Kamailio on loopback",
				     -EINVAL);
	k->use_evapi = evapi;
	if (evapi && !setting_loopback(evapi, "tcp:", &to))
		return setting_error(why, "evapi", "tcp:127.0.0.1:PORT, where Kamailio's evapi listens",
				     -EINVAL);
	if (evapi)
		kamailio_evapi_init(&k->evapi, &to, &evapi_ops, k, now);
	return 0;
}

static int kam_configure(void *ctx, struct adapter_main *m, const struct adapter_main_config *c, boot_t now,
			 char *why)
{
	struct kamailio *k = ctx;
	uint64_t nonce = 0;
	int r;

	*k = (struct kamailio){
		.m = m, .active = c->holder, .restoring = true, .calls = ADAPTER_CALLS_UNKNOWN
	};
	k->list.fd = k->evapi.fd = k->sync.fd = -EBADF;
	(void)getrandom(&nonce, sizeof nonce, GRND_NONBLOCK); /* names differ by sequence, too */
	k->table = adapter_main_setting(c, "table") ? adapter_main_setting(c, "table") : "location";
	k->sweep_at = k->uptime_at = k->expire_at = now;
	r = pbx_monitor_init(&k->mon, m, SLOT_PROBE, c, now, why);
	if (r == 0)
		r = configure_rpc(k, c, nonce, why);
	if (r == 0)
		r = configure_feeds(k, c, nonce, now, why);
	if (r < 0)
		return r;
	kamailio_trunks_init(&k->trunks, m, &k->rpc, c, now);
	k->mon.seen.rpc_used = true;
	k->mon.seen.rpc = k->rpc_text;
	if (binding_store_new(BINDING_STORE_MAX, &k->known) < 0) {
		(void)snprintf(why, ADAPTER_WHY_MAX, "no memory"); /* fits */
		return -ENOMEM;
	}
	return 0;
}

/* ---- from the agent ---- */

static void kam_activate(void *ctx, uint64_t id, boot_t now)
{
	struct kamailio *k = ctx;

	k->active = true;
	k->restoring = true;
	sweep_request(k, false);	     /* no hurry: calls come first, and nothing is expected to lack */
	adapter_main_answer(k->m, id, NULL); /* Kamailio has had everything all the time */
}

static void kam_standby(void *ctx, uint64_t id, boot_t now)
{
	struct kamailio *k = ctx;

	if (k->active)
		k->standby_at = now;
	k->active = false;
	adapter_main_answer(k->m, id, NULL);
}

static void kam_dump(void *ctx, uint64_t id, boot_t now)
{
	struct kamailio *k = ctx;

	if (k->dump_id)
		adapter_main_answer(k->m, id, "a dump is under way");
	else
		k->dump_id = id;
	sweep_request(k, true);
}

static void kam_trunk(void *ctx, uint64_t id, size_t trunk, bool registered, boot_t now)
{
	struct kamailio *k = ctx;

	kamailio_trunks_order(&k->trunks, id, trunk, registered, k->active, now);
}

static void kam_uplink(void *ctx, uint64_t id, const struct adapter_uplink *u, boot_t now)
{
	struct kamailio *k = ctx;

	kamailio_uplink_order(&k->uplink, id, u, now);
}

static void kam_apply_full_begin(void *ctx)
{
	struct kamailio *k = ctx;

	binding_store_full_begin(k->known);
}

static void kam_apply_put(void *ctx, const struct binding *b, boot_t now)
{
	struct kamailio *k = ctx;
	const struct binding *mine;
	enum binding_put put;

	if (binding_store_put(k->known, b, now, &put) < 0 || (put != BINDING_ADDED && put != BINDING_CHANGED))
		return;
	mine = binding_store_find(k->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	if (mine && !k->active) {
		push_binding(k, mine, false);
	} else if (mine && k->told_everything) {
		/* The old holder's last words: the phone may have been here since, else it is given back. */
		k->restoring = true;
		sweep_lookup(k, b->text[BINDING_AOR], false);
	} /* else the sweep gives back what lacks */
}

static void kam_apply_remove(void *ctx, const char *aor, const char *contact, boot_t now)
{
	struct kamailio *k = ctx;

	(void)binding_store_remove(k->known, aor, contact,
				   (struct epoch){ 0 }); /* Kamailio may have it alone */
	push_removal(k, aor, contact);
}

static void full_end_gone(void *ctx, const struct binding *b)
{
	struct kamailio *k = ctx;

	if (!k->active)
		push_removal(k, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
}

static void kam_apply_full_end(void *ctx, boot_t now)
{
	struct kamailio *k = ctx;

	(void)binding_store_full_end(k->known, (struct epoch){ 0 }, full_end_gone,
				     k); /* the count is of no use here */
	k->told_everything = true;
	if (k->active)
		k->restoring = true;
	sweep_request(k, true);
}

static void kam_apply_end(void *ctx, uint64_t id, boot_t now)
{
	push_apply_end(ctx, id, now);
}

/* ---- from Kamailio ---- */

static void on_uptime(struct kamailio *k, const json_t *result, boot_t now)
{
	struct pbx_health_seen *s = &k->mon.seen;

	k->uptime_asked = false;
	s->rpc_answered |= result != NULL;
	s->rpc_failures = result ? 0 : s->rpc_failures + 1;
	sweep_uptime(k, result, now);
}

static void on_dialogs(struct kamailio *k, const json_t *result, int code)
{
	const json_t *all = json_object_get(result, "all"); /* those that ring, too */

	k->dialogs_missing = !result && code != 0; /* no dialog module */
	k->calls = json_is_integer(all) && json_integer_value(all) >= 0 ? (uint32_t)json_integer_value(all)
									: ADAPTER_CALLS_UNKNOWN;
}

static void on_requests(struct kamailio *k, const json_t *result, boot_t now)
{
	uint64_t n = kamailio_requests_parse(result), before = k->requests;
	int64_t ms = boot_diff_ns(k->requests_at, now) / NS_PER_MS;

	if (!n)
		return; /* not answered; what was known ages */
	k->requests = n;
	k->requests_at = now;
	k->requests_per_s =
		before && n > before && ms > 0 ? (uint32_t)((n - before) * 1000 / (uint64_t)ms) : 0;
}

static void on_rpc(void *ctx, const struct kamailio_rpc_slot *slot, const json_t *result, int code,
		   const char *error, boot_t now)
{
	struct kamailio *k = ctx;

	switch (slot->call) {
	case CALL_NONE:
		break;
	case CALL_UPTIME:
		on_uptime(k, result, now);
		break;
	case CALL_LOOKUP:
		sweep_looked_up(k, slot, result, code, now);
		break;
	case CALL_LIST:
		sweep_list_answer(k, result, now);
		break;
	case CALL_DIALOGS:
		on_dialogs(k, result, code);
		break;
	case CALL_REQUESTS:
		on_requests(k, result, now);
		break;
	case CALL_REMOVE:
	case CALL_ADD:
		push_rpc_answered(k, slot, result != NULL, code, error, now);
		break;
	case CALL_TRUNKS:
	case CALL_TRUNK_ENABLE:
	case CALL_TRUNK_DISABLE:
	case CALL_TRUNK_UNREGISTER:
	case CALL_TRUNK_RELOAD:
	case CALL_TRUNK_STATUS:
	case CALL_TRUNK_FORGET:
		kamailio_trunks_answered(&k->trunks, slot, result, code, error, now);
		break;
	case CALL_UPLINK:
		kamailio_uplink_answered(&k->uplink, result != NULL, code, error, now);
		break;
	}
}

/* What happened while it was away was not told. */
static void on_evapi_connected(void *ctx, bool connected, boot_t now)
{
	struct kamailio *k = ctx;

	if (!connected)
		k->restoring = true;
	else
		sweep_request(k, true);
}

static void on_evapi_changed(void *ctx, const char *aor, boot_t now)
{
	sweep_lookup(ctx, aor, true);
}

/* ---- the loop ---- */

static void kam_ready(void *ctx, int slot, short revents, boot_t now)
{
	struct kamailio *k = ctx;

	switch ((enum kamailio_slot)slot) {
	case SLOT_PROBE:
		pbx_monitor_ready(&k->mon, now);
		break;
	case SLOT_RPC:
		kamailio_rpc_ready(&k->rpc, now);
		break;
	case SLOT_LIST:
		sweep_list_ready(k, now);
		break;
	case SLOT_EVAPI:
		kamailio_evapi_ready(&k->evapi, now);
		break;
	case SLOT_SYNC:
		kamailio_sync_ready(&k->sync, now);
		break;
	}
}

static void expired(void *ctx, const struct binding *b)
{
	struct kamailio *k = ctx;

	if (k->active)
		adapter_main_remove(k->m, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	else
		push_removal(k, b->text[BINDING_AOR],
			     b->text[BINDING_CONTACT]); /* min_expires may have lifted it */
}

static void kam_ask_uptime(struct kamailio *k, boot_t now)
{
	k->uptime_at = boot_add(now, UPTIME_EVERY_NS);
	if (k->mon.seen.pid_error != 0 || kamailio_rpc_in_flight(&k->rpc, CALL_UPTIME))
		return;
	if (kamailio_rpc_call(&k->rpc, CALL_UPTIME, NULL, NULL, NULL, now) < 0)
		k->mon.seen.rpc_failures++;
	if (!kamailio_rpc_in_flight(&k->rpc, CALL_REQUESTS))
		(void)kamailio_rpc_call(&k->rpc, CALL_REQUESTS, json_pack("[s]", "rcv_requests"), NULL, NULL,
					now); /* again in a second */
	if (!k->dialogs_missing && !kamailio_rpc_in_flight(&k->rpc, CALL_DIALOGS))
		(void)kamailio_rpc_call(&k->rpc, CALL_DIALOGS, NULL, NULL, NULL, now); /* again in a second */
}

static void kam_watch(struct kamailio *k)
{
	adapter_main_watch(k->m, SLOT_RPC, k->rpc.fd, POLLIN);
	adapter_main_watch(k->m, SLOT_LIST, k->list.fd, POLLIN);
	adapter_main_watch(k->m, SLOT_EVAPI, k->evapi.fd, kamailio_evapi_events(&k->evapi));
	adapter_main_watch(k->m, SLOT_SYNC, k->sync.fd, POLLIN);
}

/* Active, Kamailio is the truth: out of step is only what it has to be given back. A change on its way is no
 * difference yet, or each refresh would look like one. */
static bool kam_in_step(struct kamailio *k, boot_t now)
{
	push_measure(k, now);
	if (k->active || (k->sweeps > 0 && !k->restoring && !k->list_failed))
		k->known_at = now;
	return boot_diff_ns(k->settled_at, now) < IN_STEP_GRACE_NS &&
	       boot_diff_ns(k->known_at, now) < IN_STEP_GRACE_NS;
}

/* Workers that are busy with a storm drop OPTIONS as they drop anything; another node would only be trampled
 * next. Workers that hang handle nothing. */
static void kam_judge_overload(const struct kamailio *k, boot_t now, struct adapter_health *h)
{
	const struct pbx_health_seen *s = &k->mon.seen;

	if (h->state != PBX_SICK || s->options_failures < s->options_failures_max ||
	    s->rpc_failures >= s->rpc_failures_max || k->requests_per_s < OVERLOAD_PER_S ||
	    boot_diff_ns(k->requests_at, now) > OVERLOAD_AGE_NS)
		return;
	h->state = PBX_HEALTHY;
	h->overloaded = true;
	(void)snprintf(h->why, sizeof h->why,
		       "overloaded: it drops OPTIONS at %s, and handles other requests",
		       s->target); /* fits */
}

static void kam_report(struct kamailio *k, boot_t now)
{
	struct adapter_health h = { .calls = k->calls,
				    .bindings = (uint32_t)binding_store_count(k->known),
				    .unmovable = (uint32_t)binding_store_bound(k->known) };

	pbx_monitor_health(&k->mon, now, &h);
	kam_judge_overload(k, now, &h);
	h.in_step = kam_in_step(k, now);
	adapter_main_health(k->m, &h, now);
}

static void kam_tick(void *ctx, boot_t now)
{
	struct kamailio *k = ctx;

	k->ticked_at = now;
	pbx_monitor_tick(&k->mon, now);
	if (k->mon.restarts != k->mon_restarts && k->mon_restarts > 0) {
		sweep_restarted(k, now);
		kamailio_trunks_restarted(&k->trunks, now);
	}
	k->mon_restarts = k->mon.restarts;
	if (!boot_before(now, k->uptime_at))
		kam_ask_uptime(k, now);
	if (!boot_before(now, k->expire_at)) {
		k->expire_at = boot_add(now, EXPIRE_EVERY_NS);
		(void)binding_store_expire(k->known, boot_add(now, -EXPIRE_GRACE_NS),
					   binding_store_count(k->known) / 4 + 16, expired,
					   k); /* told one by one */
	}
	kamailio_rpc_tick(&k->rpc, now);
	kamailio_trunks_tick(&k->trunks, now);
	kamailio_uplink_tick(&k->uplink, now);
	if (k->use_evapi)
		kamailio_evapi_tick(&k->evapi, now);
	if (k->use_sync)
		kamailio_sync_tick(&k->sync, now);
	push_pump(k, now);
	sweep_pump(k, now);
	kam_report(k, now);
	kam_watch(k);
}

static boot_t kam_next(void *ctx)
{
	const struct kamailio *k = ctx;
	boot_t next = boot_min(boot_min(k->uptime_at, k->expire_at), pbx_monitor_next(&k->mon));

	next = boot_min(next, boot_min(kamailio_rpc_next(&k->rpc), kamailio_trunks_next(&k->trunks)));
	next = boot_min(next, kamailio_uplink_next(&k->uplink));
	if (k->use_evapi)
		next = boot_min(next, kamailio_evapi_next(&k->evapi));
	if (k->use_sync)
		next = boot_min(next, kamailio_sync_next(&k->sync));
	if (boot_before(k->ticked_at, k->push_at)) /* otherwise an answer wakes us */
		next = boot_min(next, k->push_at);
	return boot_min(next, sweep_next(k));
}

/* The FIFO that may be open is a file; the rest goes with the process, but a leak checker wants to see it go.
 */
static void kamailio_close(struct kamailio *k)
{
	kamailio_list_close(&k->list);
	json_decref(k->names_answer);
	binding_store_free(k->known);
	binding_keys_clear(&k->removals);
	binding_keys_clear(&k->lookups);
	free(k->rpc.reply);
}

int main(void)
{
	static const char *const settings[] = {
		"rpc",		"dump",		"reply-dir",	      "sync", "evapi", "table",
		"rpc-failures", "uplink-table", PBX_MONITOR_SETTINGS, NULL
	};
	const struct adapter_main_ops ops = {
		.name = "kamailio",
		.settings = settings,
		.configure = kam_configure,
		.activate = kam_activate,
		.standby = kam_standby,
		.dump = kam_dump,
		.apply_full_begin = kam_apply_full_begin,
		.apply_remove = kam_apply_remove,
		.apply_put = kam_apply_put,
		.apply_full_end = kam_apply_full_end,
		.apply_end = kam_apply_end,
		.trunk = kam_trunk,
		.uplink = kam_uplink,
		.ready = kam_ready,
		.next = kam_next,
		.tick = kam_tick,
	};
	struct kamailio *k = calloc(1, sizeof *k);
	int code = 1;

	if (k) {
		k->list.fd = -EBADF;
		code = adapter_main_run(&ops, k);
		kamailio_close(k);
	}
	free(k);
	return code;
}
