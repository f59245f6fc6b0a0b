/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The event socket as the adapter uses it: commands go out, and what FreeSWITCH answers or tells by itself
 * goes to who wanted it.
 */
#include "freeswitch_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS                                                                               \
	"event plain BACKGROUND_JOB CUSTOM sofia::register sofia::unregister sofia::expire " \
	"sofia::gateway_state\n\n"

/* ---- commands ---- */

bool fs_is_word(const char *text)
{
	return *text && strlen(text) < FREESWITCH_NAME_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@+-") ==
		       strlen(text);
}

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

void fs_command(struct freeswitch *f, int kind, const char *text)
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

void fs_say_socket(const struct freeswitch *f, char why[ADAPTER_WHY_MAX])
{
	(void)snprintf(why, ADAPTER_WHY_MAX, "event socket %s %.100s", f->socket_text,
		       f->link.problem); /* cutting a sentence is fine */
}

static void on_lost(void *ctx, const struct link_command *c)
{
	struct freeswitch *f = ctx;
	char why[ADAPTER_WHY_MAX];

	fs_say_socket(f, why);
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
	fs_say_socket(f, why);
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

	if (!f->hostname_set && (!ok || !fs_is_word(text)))
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

void answers_begin(struct freeswitch *f, const struct sockaddr_in *to, const char *password_file, boot_t now)
{
	link_init(&f->link, to, password_file, &link_ops, f, now);
}

bool answers_reader(struct freeswitch *f)
{
	f->reader = list_reader_new(on_item, f);
	return f->reader != NULL;
}
