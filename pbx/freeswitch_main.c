/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-adapter-freeswitch, experimental: written from FreeSWITCH's source and tested against a peer made
 * from it, never against the real one (docs/FREESWITCH.md). Settings beside those of pbx_monitor.h:
 * event-socket (tcp:127.0.0.1:8021), password-file (required), profile (internal), domain, hostname,
 * recover (no), standby (yes), rpc-failures (10).
 */
#include "freeswitch_private.h"

#include "secret_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_EVERY_NS NS_PER_S
#define EXPIRE_EVERY_NS NS_PER_S
#define EXPIRE_GRACE_NS (2 * NS_PER_S) /* FreeSWITCH's own word on it comes first */
#define RPC_FAILURES	10

/* ---- settings ---- */

static int setting_error(char *why, const char *name, const char *form)
{
	(void)snprintf(why, ADAPTER_WHY_MAX, "setting \"%s\" must be %s", name, form); /* fits */
	return -EINVAL;
}

/* "tcp:127.0.0.1:8021": an IPv4 address of loopback, since the password goes there in the clear. */
static bool setting_loopback(const char *text, struct sockaddr_in *ret)
{
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN];
	size_t len = colon && colon > text + 4 ? (size_t)(colon - text - 4) : 0;
	char *end;
	long port;

	if (strncmp(text, "tcp:", 4) != 0 || len == 0 || len >= sizeof host)
		return false;
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 1 || port > 65535)
		return false;
	memcpy(host, text + 4, len);
	host[len] = 0;
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1 && ntohl(ret->sin_addr.s_addr) >> 24 == 127;
}

static bool setting_yes(const struct adapter_main_config *c, const char *name, bool otherwise, bool *ret)
{
	const char *text = adapter_main_setting(c, name);

	*ret = text ? !strcmp(text, "yes") : otherwise;
	return !text || !strcmp(text, "yes") || !strcmp(text, "no");
}

static int configure_words(struct freeswitch *f, const struct adapter_main_config *c, char *why)
{
	f->profile = adapter_main_setting(c, "profile");
	f->domain = adapter_main_setting(c, "domain");
	f->hostname_set = adapter_main_setting(c, "hostname");
	if (!f->profile)
		f->profile = "internal";
	if (!fs_is_word(f->profile))
		return setting_error(why, "profile", "the name of a SIP profile of FreeSWITCH");
	if (f->domain && !fs_is_word(f->domain))
		return setting_error(why, "domain", "a name");
	if (f->hostname_set && !fs_is_word(f->hostname_set))
		return setting_error(why, "hostname", "FreeSWITCH's switchname");
	if (!setting_yes(c, "recover", false, &f->recover))
		return setting_error(why, "recover", "yes or no");
	if (!setting_yes(c, "standby", true, &f->pause))
		return setting_error(why, "standby", "yes or no");
	for (size_t i = 0; i < c->trunks_count; i++)
		if (!fs_is_word(c->trunks[i].registration)) {
			(void)snprintf(why, ADAPTER_WHY_MAX,
				       "the registration of trunk \"%.60s\" is no name of a gateway",
				       c->trunks[i].name); /* fits */
			return -EINVAL;
		}
	return 0;
}

static int configure_link(struct freeswitch *f, const struct adapter_main_config *c, boot_t now, char *why)
{
	const char *file = adapter_main_setting(c, "password-file");
	struct sockaddr_in to;
	char password[SECRET_FILE_MAX];
	int r;

	f->socket_text = adapter_main_setting(c, "event-socket");
	if (!f->socket_text)
		f->socket_text = "tcp:127.0.0.1:8021";
	if (!setting_loopback(f->socket_text, &to))
		return setting_error(why, "event-socket",
				     "tcp:127.0.0.1:PORT, where mod_event_socket listens");
	if (!file)
		return setting_error(why, "password-file",
				     "a file with the password of the event socket, and it is not set");
	r = secret_file_read(file, password);
	explicit_bzero(password, sizeof password);
	if (r < 0) {
		(void)snprintf(why, ADAPTER_WHY_MAX, "setting \"password-file\": %.100s: %s", file,
			       secret_file_error(r)); /* fits */
		return r;
	}
	if (!pbx_setting_number(c, "rpc-failures", 1, 1000, RPC_FAILURES, &f->unusable_s_max))
		return setting_error(why, "rpc-failures", "a number from 1 to 1000");
	answers_begin(f, &to, file, now);
	return 0;
}

static int configure_memory(struct freeswitch *f, char *why)
{
	if (answers_reader(f) && binding_store_new(BINDING_STORE_MAX, &f->known) == 0)
		return 0;
	(void)snprintf(why, ADAPTER_WHY_MAX, "no memory"); /* fits */
	return -ENOMEM;
}

static int fs_configure(void *ctx, struct adapter_main *m, const struct adapter_main_config *c, boot_t now,
			char *why)
{
	struct freeswitch *f = ctx;
	int r;

	f->m = m;
	f->active = c->holder;
	f->restoring = f->role_due = true;
	f->calls = ADAPTER_CALLS_UNKNOWN;
	f->status_at = f->expire_at = f->sweep_at = f->role_at = f->unusable_since = now;
	f->reading = -1;
	(void)snprintf(f->address, sizeof f->address, "%s", c->addresses[0]); /* the probe checks it */
	r = pbx_monitor_init(&f->mon, m, SLOT_PROBE, c, now, why);
	if (r == 0)
		r = configure_words(f, c, why);
	if (r == 0)
		r = configure_link(f, c, now, why);
	if (r == 0)
		r = configure_memory(f, why);
	if (r == 0)
		trunks_init(f, c);
	return r;
}

/* ---- the loop ---- */

static void fs_ready(void *ctx, int slot, short revents, boot_t now)
{
	struct freeswitch *f = ctx;

	if (slot == SLOT_PROBE)
		pbx_monitor_ready(&f->mon, now);
	else
		link_ready(&f->link, now);
}

static void expired(void *ctx, const struct binding *b)
{
	struct freeswitch *f = ctx;

	if (f->active)
		adapter_main_remove(f->m, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	else
		push_removal(f, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
			     b->text[BINDING_CALL_ID]); /* a paused one keeps it */
}

static void fs_ask_status(struct freeswitch *f, boot_t now)
{
	f->status_at = boot_add(now, STATUS_EVERY_NS);
	if (f->link.state != LINK_UP || link_in_flight(&f->link, CMD_STATUS))
		return;
	(void)fs_api(f, CMD_STATUS, 0, "", "sofia xmlstatus"); /* full: again in a second */
	(void)fs_api(f, CMD_CALLS, 0, "", "show calls count as json");
}

/* Paused FreeSWITCH answers 503, looks after no gateway and ends no registration. */
static void fs_tell_role(struct freeswitch *f)
{
	if (!f->pause && f->activate_id) {
		adapter_main_answer(f->m, f->activate_id, NULL);
		f->activate_id = 0;
	}
	if (f->pause && fs_api(f, CMD_STANDBY, f->activate_id, "", "sofia global standby %s",
			       f->active ? "off" : "on") < 0)
		return;
	f->role_due = false;
	if (f->recover_due)
		fs_command(f, CMD_RECOVER, "bgapi sofia recover\n\n");
	f->recover_due = false;
}

static uint32_t fs_unmovable(const struct freeswitch *f)
{
	uint32_t n = 0;

	for (size_t i = binding_store_count(f->known); i-- > 0;)
		n += binding_is_bound(binding_store_at(f->known, i));
	return n;
}

static void fs_expire(struct freeswitch *f, boot_t now)
{
	f->expire_at = boot_add(now, EXPIRE_EVERY_NS);
	(void)binding_store_expire(f->known, boot_add(now, -EXPIRE_GRACE_NS),
				   binding_store_count(f->known) / 4 + 16, expired, f); /* told one by one */
	f->unmovable = fs_unmovable(f);
}

static void fs_tick(void *ctx, boot_t now)
{
	struct freeswitch *f = ctx;

	f->ticked_at = now;
	pbx_monitor_tick(&f->mon, now);
	if (f->mon.restarts != f->mon_restarts && f->mon_restarts > 0 && f->link.state == LINK_UP)
		link_drop(&f->link, "belongs to a process that is gone", now);
	f->answered &= f->mon_restarts == f->mon.restarts;
	f->mon_restarts = f->mon.restarts;
	link_tick(&f->link, now);
	if (!boot_before(now, f->status_at))
		fs_ask_status(f, now);
	if (!boot_before(now, f->expire_at))
		fs_expire(f, now);
	if (f->role_due && f->link.state == LINK_UP && (!trunks_leaving(f) || !boot_before(now, f->role_at)))
		fs_tell_role(f);
	if (!boot_before(now, f->dump_until))
		adapter_main_dump(f->m, &f->dump_id, f->known,
				  "FreeSWITCH's list takes longer than a request may", now);
	push_pump(f, now);
	sweep_pump(f, now);
	link_tick(&f->link, now); /* what was added goes out in this turn */
	fs_report(f, now);
	adapter_main_watch(f->m, SLOT_LINK, f->link.fd, link_events(&f->link));
}

static boot_t fs_next(void *ctx)
{
	const struct freeswitch *f = ctx;
	boot_t next = boot_min(boot_min(f->status_at, f->expire_at), pbx_monitor_next(&f->mon));

	next = boot_min(next, boot_min(link_next(&f->link), sweep_next(f)));
	if (f->role_due && f->link.state == LINK_UP && boot_before(f->ticked_at, f->role_at))
		next = boot_min(next, f->role_at);
	return next;
}

static void freeswitch_close(struct freeswitch *f)
{
	link_close(&f->link);
	list_reader_free(f->reader);
	binding_store_free(f->known);
	binding_keys_clear(&f->removals);
	binding_keys_clear(&f->lookups);
	binding_keys_clear(&f->later);
}

int main(void)
{
	static const char *const settings[] = {
		"event-socket", "password-file",      "profile", "domain", "hostname", "recover", "standby",
		"rpc-failures", PBX_MONITOR_SETTINGS, NULL
	};
	const struct adapter_main_ops ops = {
		.name = "freeswitch",
		.settings = settings,
		.configure = fs_configure,
		.activate = agent_activate,
		.standby = agent_standby,
		.dump = agent_dump,
		.trunk = agent_trunk,
		.apply_full_begin = agent_apply_full_begin,
		.apply_remove = agent_apply_remove,
		.apply_put = agent_apply_put,
		.apply_full_end = agent_apply_full_end,
		.apply_end = agent_apply_end,
		.ready = fs_ready,
		.next = fs_next,
		.tick = fs_tick,
	};
	struct freeswitch *f = calloc(1, sizeof *f);
	int code = 1;

	if (f) {
		f->link.fd = -EBADF;
		code = adapter_main_run(&ops, f);
		freeswitch_close(f);
	}
	free(f);
	return code;
}
