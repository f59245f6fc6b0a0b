/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-adapter-freeswitch, experimental: written from FreeSWITCH's source and tested against a peer made
 * from it, never against the real one (docs/FREESWITCH.md). Settings beside those of pbx_monitor.h:
 * event-socket (tcp:127.0.0.1:8021), password-file (required), profile (internal), domain, hostname,
 * recover (no), standby (yes), rpc-failures (10).
 */
#include "freeswitch_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_EVERY_NS	 NS_PER_S
#define EXPIRE_EVERY_NS	 NS_PER_S
#define EXPIRE_GRACE_NS	 (2 * NS_PER_S) /* FreeSWITCH's own word on it comes first */
#define IN_STEP_GRACE_NS (3 * NS_PER_S)
#define RPC_FAILURES	 10
#define LEAVE_NS	 (3 * NS_PER_S) /* a gateway takes its registration back within a second, if not paused */
#define DUMP_NS		 (9 * NS_PER_S) /* the agent waits for 10 */
#define PASSWORD_MAX	 128
#define EVENTS                                                                               \
	"event plain BACKGROUND_JOB CUSTOM sofia::register sofia::unregister sofia::expire " \
	"sofia::gateway_state\n\n"

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

/* A word in a command: FreeSWITCH splits at blanks and reads quotes, and a line break would end it. */
static bool setting_is_word(const char *text)
{
	return *text && strlen(text) < FREESWITCH_NAME_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@+-") ==
		       strlen(text);
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
	if (!setting_is_word(f->profile))
		return setting_error(why, "profile", "the name of a SIP profile of FreeSWITCH");
	if (f->domain && !setting_is_word(f->domain))
		return setting_error(why, "domain", "a name");
	if (f->hostname_set && !setting_is_word(f->hostname_set))
		return setting_error(why, "hostname", "FreeSWITCH's switchname");
	if (!setting_yes(c, "recover", false, &f->recover))
		return setting_error(why, "recover", "yes or no");
	if (!setting_yes(c, "standby", true, &f->pause))
		return setting_error(why, "standby", "yes or no");
	for (size_t i = 0; i < c->trunks_count; i++)
		if (!setting_is_word(c->trunks[i].registration)) {
			(void)snprintf(why, ADAPTER_WHY_MAX,
				       "the registration of trunk \"%.60s\" is no name of a gateway",
				       c->trunks[i].name); /* fits */
			return -EINVAL;
		}
	return 0;
}

static const struct link_ops link_ops;

static int configure_link(struct freeswitch *f, const struct adapter_main_config *c, boot_t now, char *why)
{
	const char *file = adapter_main_setting(c, "password-file");
	struct sockaddr_in to;
	char password[PASSWORD_MAX];
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
	r = link_read_password(file, password, sizeof password);
	explicit_bzero(password, sizeof password);
	if (r < 0) {
		(void)snprintf(why, ADAPTER_WHY_MAX, "setting \"password-file\": %.100s: %s", file,
			       r == -ENODATA ? "no password in it"
			       : r == -EPERM ? "it is open to everybody, chmod 600 it"
					     : strerror(-r)); /* fits */
		return r;
	}
	if (!pbx_setting_number(c, "rpc-failures", 1, 1000, RPC_FAILURES, &f->unusable_s_max))
		return setting_error(why, "rpc-failures", "a number from 1 to 1000");
	link_init(&f->link, &to, file, &link_ops, f, now);
	return 0;
}

static void on_item(void *ctx, const struct list_item *item);

static int configure_memory(struct freeswitch *f, char *why)
{
	f->reader = list_reader_new(on_item, f);
	if (f->reader && binding_store_new(BINDING_STORE_MAX, &f->known) == 0)
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

/* ---- commands ---- */

int fs_api(struct freeswitch *f, int kind, uint64_t tag, const char *aor, const char *format, ...)
{
	struct link_command c = { .kind = kind,
				  .tag = tag,
				  .timeout_ns = kind == CMD_LIST ? FS_LIST_NS : FS_COMMAND_NS };
	char text[BINDING_AOR_MAX + 512];
	va_list args;
	int n = snprintf(text, sizeof text, "api "), more;

	va_start(args, format);
	more = vsnprintf(text + n, sizeof text - (size_t)n, format, args);
	va_end(args);
	if (more < 0 || (size_t)(n + more) + 3 > sizeof text)
		return -ENOSPC;
	n += more;
	memcpy(text + n, "\n\n", 2);
	(void)snprintf(c.aor, sizeof c.aor, "%s", aor); /* of a binding: fits */
	if (kind == CMD_LOOKUP && tag)
		(void)snprintf(c.contact, sizeof c.contact, "told"); /* fits */
	return link_send(&f->link, &c, text, (size_t)n + 2);
}

static void fs_command(struct freeswitch *f, int kind, const char *text)
{
	struct link_command c = { .kind = kind, .timeout_ns = FS_COMMAND_NS };

	if (link_send(&f->link, &c, text, strlen(text)) < 0)
		f->status_at = f->link.now; /* the connection is new, so it fits; if not, it is dropped */
}

static void on_up(void *ctx, boot_t now)
{
	struct freeswitch *f = ctx;

	f->hostname[0] = 0;
	f->status_known = false;
	f->role_due = true;
	f->status_at = now;
	fs_command(f, CMD_EVENTS, EVENTS);
	fs_command(f, CMD_SWITCHNAME, "api switchname\n\n");
	fs_command(f, CMD_CORE, "api global_getvar core_uuid\n\n");
	(void)fs_api(f, CMD_PROFILE, 0, "", "sofia xmlstatus profile %s", f->profile); /* only a detail */
	sweep_request(f); /* what happened before was not told */
}

static void say_socket(const struct freeswitch *f, char why[ADAPTER_WHY_MAX])
{
	(void)snprintf(why, ADAPTER_WHY_MAX, "event socket %s %.100s", f->socket_text,
		       f->link.problem); /* cutting a sentence is fine */
}

static void on_lost(void *ctx, const struct link_command *c)
{
	struct freeswitch *f = ctx;
	char why[ADAPTER_WHY_MAX];

	say_socket(f, why);
	if (c->kind == CMD_TRUNK)
		adapter_main_answer(f->m, c->tag, why);
}

static void on_down(void *ctx, boot_t now)
{
	struct freeswitch *f = ctx;
	char why[ADAPTER_WHY_MAX];

	f->calls = ADAPTER_CALLS_UNKNOWN;
	f->status_known = false;
	if (f->unusable_since.ns == BOOT_NEVER.ns)
		f->unusable_since = now;
	say_socket(f, why);
	adapter_main_log(f->m, "%s", why);
	if (f->activate_id)
		adapter_main_answer(f->m, f->activate_id, why);
	f->activate_id = 0;
	f->role_due = true;
	push_lost(f);
	sweep_lost(f, now);
}

/* ---- answers ---- */

static void answer_core(struct freeswitch *f, bool ok, const char *text)
{
	if (!ok || !*text)
		return;
	if (f->core[0] && strncmp(f->core, text, sizeof f->core - 1) != 0)
		sweep_restarted(f);
	(void)snprintf(f->core, sizeof f->core, "%s", text); /* a longer one differs in its beginning, too */
}

static void answer_switchname(struct freeswitch *f, bool ok, const char *text)
{
	const char *name = f->hostname_set ? f->hostname_set : text;

	if (!f->hostname_set && (!ok || !setting_is_word(text)))
		name = "unknown";
	(void)snprintf(f->hostname, sizeof f->hostname, "%s", name); /* fits: a word */
}

static void answer_standby(struct freeswitch *f, const struct link_command *c, bool ok, const char *text)
{
	if (!ok)
		adapter_main_log(f->m, "FreeSWITCH does not take \"sofia global standby\": %.80s", text);
	if (c->tag && c->tag == f->activate_id) {
		adapter_main_answer(f->m, f->activate_id,
				    ok ? NULL : "FreeSWITCH does not leave its standby");
		f->activate_id = 0;
	}
}

static void answer_status(struct freeswitch *f, bool readable, boot_t now)
{
	if (!readable)
		return;
	f->status_known = f->answered = true;
	f->profile_running = f->profile_seen;
	f->unusable_since = BOOT_NEVER;
	trunks_status_end(f);
}

static bool command_is_list(int kind)
{
	return kind == CMD_STATUS || kind == CMD_PROFILE || kind == CMD_LIST || kind == CMD_LOOKUP;
}

static void on_begin(void *ctx, const struct link_command *c)
{
	struct freeswitch *f = ctx;

	if (!command_is_list(c->kind))
		return;
	f->reading = c->kind;
	list_reader_reset(f->reader);
	if (c->kind == CMD_LIST || c->kind == CMD_LOOKUP)
		sweep_begin(f, c);
	if (c->kind == CMD_STATUS) {
		f->profile_seen = false;
		trunks_status_begin(f);
	}
}

static void on_item(void *ctx, const struct list_item *item)
{
	struct freeswitch *f = ctx;

	if (f->reading == CMD_LIST || f->reading == CMD_LOOKUP) {
		sweep_item(f, item, f->link.now);
	} else if (f->reading == CMD_STATUS && item->record == LIST_PROFILE) {
		f->profile_seen |= !strcmp(item->text[LIST_NAME], f->profile) &&
				   !strncmp(item->text[LIST_STATE], "RUNNING", 7);
	} else if (f->reading == CMD_STATUS && item->record == LIST_GATEWAY) {
		trunks_status_item(f, item);
	} else if (f->reading == CMD_PROFILE && item->record == LIST_PROFILE) {
		const char *hosts = item->text[LIST_PRESENCE_HOSTS];

		if (!item->odd && strlen(hosts) < sizeof f->presence_hosts)
			(void)snprintf(f->presence_hosts, sizeof f->presence_hosts, "%s", hosts);
	}
}

static void on_body(void *ctx, const struct link_command *c, const char *data, size_t len)
{
	struct freeswitch *f = ctx;

	if (command_is_list(c->kind))
		list_reader_feed(f->reader, data, len);
}

static void on_end(void *ctx, const struct link_command *c, bool ok, const char *text, boot_t now)
{
	struct freeswitch *f = ctx;
	bool readable = command_is_list(c->kind) && ok && list_reader_end(f->reader) == 0;

	switch ((enum freeswitch_command)c->kind) {
	case CMD_EVENTS:
		if (!ok)
			link_drop(&f->link, "does not tell us events", now);
		break;
	case CMD_SWITCHNAME:
		answer_switchname(f, ok, text);
		break;
	case CMD_CORE:
		answer_core(f, ok, text);
		break;
	case CMD_PROFILE:
		break;
	case CMD_STATUS:
		answer_status(f, readable, now);
		break;
	case CMD_CALLS: {
		int64_t calls = ok ? freeswitch_calls_parse(text, strlen(text)) : -1;

		f->calls = calls < 0 ? ADAPTER_CALLS_UNKNOWN : (uint32_t)calls;
		break;
	}
	case CMD_STANDBY:
		answer_standby(f, c, ok, text);
		break;
	case CMD_RECOVER:
		if (!ok)
			adapter_main_log(f->m, "FreeSWITCH does not take \"sofia recover\": %.80s", text);
		break;
	case CMD_LIST:
	case CMD_LOOKUP:
		sweep_answered(f, c, readable, now);
		break;
	case CMD_PUT:
	case CMD_REMOVE:
		push_answered(f, c, ok, text);
		break;
	case CMD_TRUNK:
		trunks_ordered(f, c, ok, text);
		break;
	}
	if (command_is_list(c->kind))
		f->reading = -1;
}

/* "Recovered 3 call(s)", as the body of a BACKGROUND_JOB event. */
static void event_job(struct freeswitch *f, const char *body, size_t len)
{
	char command[32];
	const char *text = memmem(body, len, "\n\n", 2);

	if (text && esl_event_get(body, len, "Job-Command", command, sizeof command, NULL) &&
	    !strcmp(command, "sofia")) {
		text += 2;
		adapter_main_log(f->m, "sofia recover: %.*s",
				 (int)strcspn(text, "\r\n") > 100 ? 100 : (int)strcspn(text, "\r\n"), text);
	}
}

static void on_event(void *ctx, const char *body, size_t len, boot_t now)
{
	struct freeswitch *f = ctx;
	char name[32], subclass[64];

	if (!esl_event_get(body, len, "Event-Name", name, sizeof name, NULL))
		return;
	if (!strcmp(name, "BACKGROUND_JOB")) {
		event_job(f, body, len);
		return;
	}
	if (!esl_event_get(body, len, "Event-Subclass", subclass, sizeof subclass, NULL))
		return;
	if (!strcmp(subclass, "sofia::gateway_state"))
		trunks_event(f, body, len);
	else if (!strcmp(subclass, "sofia::register") || !strcmp(subclass, "sofia::unregister") ||
		 !strcmp(subclass, "sofia::expire"))
		sweep_event(f, body, len, subclass, now);
}

static void on_event_lost(void *ctx, boot_t now)
{
	sweep_request(ctx);
}

static const struct link_ops link_ops = {
	.up = on_up,
	.down = on_down,
	.lost = on_lost,
	.begin = on_begin,
	.body = on_body,
	.end = on_end,
	.event = on_event,
	.event_lost = on_event_lost,
};

/* ---- from the agent ---- */

static void fs_activate(void *ctx, uint64_t id, boot_t now)
{
	struct freeswitch *f = ctx;
	char why[ADAPTER_WHY_MAX];

	f->active = true;
	f->restoring = true;
	f->role_due = true;
	f->role_at = now;
	f->recover_due = f->recover;
	sweep_request(f);
	if (f->link.state == LINK_UP) {
		if (f->activate_id)
			adapter_main_answer(f->m, f->activate_id, "activated again");
		f->activate_id = id;
		return;
	}
	if (!f->pause) {
		adapter_main_answer(f->m, id, NULL); /* it has had everything all the time */
		return;
	}
	say_socket(f, why);
	adapter_main_answer(f->m, id, why);
}

static void fs_standby(void *ctx, uint64_t id, boot_t now)
{
	struct freeswitch *f = ctx;

	f->active = false;
	f->role_due = true;
	f->recover_due = false;
	f->role_at = boot_add(now, LEAVE_NS);
	adapter_main_answer(f->m, id, NULL);
}

static void fs_dump(void *ctx, uint64_t id, boot_t now)
{
	struct freeswitch *f = ctx;
	char why[ADAPTER_WHY_MAX];

	if (f->link.state != LINK_UP) {
		say_socket(f, why);
		adapter_main_answer(f->m, id, why);
	} else if (f->dump_id) {
		adapter_main_answer(f->m, id, "a dump is under way");
	} else {
		f->dump_id = id;
		f->dump_until = boot_add(now, DUMP_NS);
		sweep_request(f);
	}
}

static void fs_trunk(void *ctx, uint64_t id, size_t trunk, bool registered, boot_t now)
{
	trunks_order(ctx, id, trunk, registered);
}

static void fs_apply_full_begin(void *ctx)
{
	struct freeswitch *f = ctx;

	binding_store_full_begin(f->known);
}

static void fs_apply_put(void *ctx, const struct binding *b, boot_t now)
{
	struct freeswitch *f = ctx;
	const struct binding *mine =
		binding_store_find(f->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	char old_call_id[BINDING_CALL_ID_MAX + 1] = "";
	enum binding_put put;

	if (mine)
		(void)snprintf(old_call_id, sizeof old_call_id, "%s", mine->text[BINDING_CALL_ID]); /* fits */
	if (binding_store_put(f->known, b, now, &put) < 0 || put == BINDING_STALE || put == BINDING_EXPIRED ||
	    f->active) /* active: the phone may have been here since; the sweep gives back what lacks */
		return;
	mine = binding_store_find(f->known, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	if (!mine || binding_is_bound(mine))
		return;
	if (*old_call_id && strcmp(old_call_id, b->text[BINDING_CALL_ID]) != 0)
		push_removal(f, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
			     old_call_id); /* its row would stay beside the new one */
	push_binding(f, mine);
}

static void fs_apply_remove(void *ctx, const char *aor, const char *contact, boot_t now)
{
	struct freeswitch *f = ctx;
	const struct binding *mine = binding_store_find(f->known, aor, contact);
	char call_id[BINDING_CALL_ID_MAX + 1] = "";

	if (mine)
		(void)snprintf(call_id, sizeof call_id, "%s", mine->text[BINDING_CALL_ID]); /* fits */
	(void)binding_store_remove(f->known, aor, contact, (struct epoch){ 0 });
	if (*call_id)
		push_removal(f, aor, contact, call_id);
	else
		sweep_lookup(f, aor, false); /* FreeSWITCH may have it alone */
}

static void full_end_gone(void *ctx, const struct binding *b)
{
	struct freeswitch *f = ctx;

	if (!f->active)
		push_removal(f, b->text[BINDING_AOR], b->text[BINDING_CONTACT], b->text[BINDING_CALL_ID]);
}

static void fs_apply_full_end(void *ctx, boot_t now)
{
	struct freeswitch *f = ctx;

	(void)binding_store_full_end(f->known, (struct epoch){ 0 }, full_end_gone,
				     f); /* the count is of no use here */
	f->told_everything = true;
	if (f->active)
		f->restoring = true;
	sweep_request(f);
}

static void fs_apply_end(void *ctx, uint64_t id, boot_t now)
{
	push_apply_end(ctx, id, now);
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

static bool fs_in_step(struct freeswitch *f, boot_t now)
{
	bool settled = push_idle(f) && (f->active || (f->sweeps > 0 && !f->restoring && !f->list_failed &&
						      f->differences == 0 && f->link.state == LINK_UP));

	if (settled) {
		f->settled_at = now;
		f->was_settled = true;
	}
	return f->was_settled && boot_diff_ns(f->settled_at, now) < IN_STEP_GRACE_NS;
}

static void judge(struct adapter_health *h, enum pbx_health state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void judge(struct adapter_health *h, enum pbx_health state, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(h->why, sizeof h->why, format, args); /* cutting a sentence is fine */
	va_end(args);
	h->state = state;
}

/* The event socket and the profile, where the process and SIP are fine. */
static void fs_judge(struct freeswitch *f, struct adapter_health *h, boot_t now)
{
	bool starting =
		boot_diff_ns(f->mon.seen.pid_since, now) < f->mon.seen.start_ns_max && !f->status_known;
	int64_t bad_ns = f->unusable_since.ns == BOOT_NEVER.ns ? 0 : boot_diff_ns(f->unusable_since, now);
	/* One that lives and does not know us is no reason to move phones, unless it has to be woken first.
	 */
	bool tolerable = f->link.refused && (f->active || !f->pause);
	bool lasting = bad_ns >= f->unusable_s_max * NS_PER_S && !tolerable;

	if (h->state != PBX_HEALTHY)
		return;
	if (bad_ns > 0 && (f->link.problem[0] || !f->status_known))
		judge(h,
		      starting && !f->answered && !lasting ? PBX_STARTING
		      : lasting				   ? PBX_SICK
							   : PBX_HEALTHY,
		      "OPTIONS answered, but event socket %s %s", f->socket_text,
		      f->link.problem[0] ? f->link.problem : "has not said its status yet");
	else if (!f->profile_running)
		judge(h, starting ? PBX_STARTING : PBX_SICK, "SIP profile %s of FreeSWITCH does not run",
		      f->profile);
	else
		judge(h, PBX_HEALTHY,
		      "OPTIONS at %s answered with %d, event socket answers, profile %s runs (experimental "
		      "adapter)",
		      f->mon.target, f->mon.seen.options_status, f->profile);
}

static uint32_t fs_unmovable(const struct freeswitch *f)
{
	uint32_t n = 0;

	for (size_t i = binding_store_count(f->known); i-- > 0;)
		n += binding_is_bound(binding_store_at(f->known, i));
	return n;
}

static void fs_report(struct freeswitch *f, boot_t now)
{
	struct adapter_health h = { .calls = f->calls, .bindings = (uint32_t)binding_store_count(f->known) };
	struct pbx_health_seen *s = &f->mon.seen;

	/* A standby's 503 is what it was told to say. */
	if (f->pause && !f->active && s->options_error == EBUSY) {
		s->options_answered = true;
		s->options_failures = 0;
		s->options_status = 503;
	}
	pbx_monitor_health(&f->mon, now, &h);
	fs_judge(f, &h, now);
	h.in_step = fs_in_step(f, now);
	h.unmovable = f->unmovable;
	adapter_main_health(f->m, &h, now);
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
	if (f->dump_id && !boot_before(now, f->dump_until)) {
		adapter_main_answer(f->m, f->dump_id, "FreeSWITCH's list takes longer than a request may");
		f->dump_id = 0;
	}
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
		.activate = fs_activate,
		.standby = fs_standby,
		.dump = fs_dump,
		.trunk = fs_trunk,
		.apply_full_begin = fs_apply_full_begin,
		.apply_remove = fs_apply_remove,
		.apply_put = fs_apply_put,
		.apply_full_end = fs_apply_full_end,
		.apply_end = fs_apply_end,
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
