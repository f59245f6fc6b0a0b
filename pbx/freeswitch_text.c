/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "freeswitch_text.h"

#include "bounded_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXPIRES_SLACK_NS (5 * NS_PER_S)
#define NO_DISPLAY	 "\"\""
#define USUAL_RPID	 "unknown"
#define PART_MAX	 256

/* Keys of `data`, one letter each: it is short. */
enum data_key { DATA_DISPLAY, DATA_LOGIN, DATA_REALM, DATA_MWI, DATA_RPID, DATA_KEYS };
static const char data_letters[DATA_KEYS] = { 'd', 'u', 'r', 'm', 'p' };

/* ---- parts of texts ---- */

/* Bytes copied, false if they do not fit. */
static bool text_cut(const char *from, size_t len, char *ret, size_t size)
{
	if (len >= size)
		return false;
	memcpy(ret, from, len);
	ret[len] = 0;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX of what we and FreeSWITCH wrote; false if it does not fit. */
static bool text_decode(const char *from, size_t len, char *ret, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		if (c == '%' && i + 2 < len && hex_digit(from[i + 1]) >= 0 && hex_digit(from[i + 2]) >= 0) {
			c = (char)(hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2]));
			i += 2;
		}
		if (n + 1 >= size)
			return false;
		ret[n++] = c;
	}
	ret[n] = 0;
	return true;
}

static bool text_is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* ---- data ---- */

static void data_add(struct bounded_text *t, enum data_key key, const char *value, const char *usual)
{
	if (!strcmp(value, usual) || !text_is_printable(value))
		return;
	text_add(t, "%s%c=", t->used ? "&" : "", data_letters[key]);
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		text_add(t, *p == '%' || *p == '&' || *p == '=' ? "%%%02X" : "%c", *p);
}

/* The value of a key, or what is usual. */
static void data_get(const char *data, enum data_key key, const char *usual, char ret[PART_MAX])
{
	for (const char *p = data; p && *p; p = strchr(p, '&')) {
		const char *end;

		p += *p == '&';
		end = strchrnul(p, '&');
		if (p[0] == data_letters[key] && p[1] == '=' &&
		    text_decode(p + 2, (size_t)(end - p - 2), ret, PART_MAX) && text_is_printable(ret))
			return;
	}
	(void)snprintf(ret, PART_MAX, "%s", usual); /* at most an account */
}

/* ---- a row ---- */

/* "name" <uri>: the name and the URI. Neither brackets nor a name: all is the URI, and the name is "-". */
static int row_contact(const char *text, char display[PART_MAX], char *ret_uri, size_t size)
{
	const char *p = text, *open, *close = strrchr(text, '>');

	if (*p == '"')
		for (p++; *p && *p != '"'; p++)
			if (*p == '\\' && p[1])
				p++;
	open = strchr(p, '<');
	if (!open) {
		(void)snprintf(display, PART_MAX, "-"); /* fits */
		return text_cut(text, strlen(text), ret_uri, size) ? 0 : -E2BIG;
	}
	if (!close || close < open || close[1])
		return -EINVAL;
	for (p = open; p > text && p[-1] == ' '; p--)
		;
	if (!text_cut(text, (size_t)(p - text), display, PART_MAX))
		(void)snprintf(display, PART_MAX, NO_DISPLAY); /* too long a name is left out */
	return text_cut(open + 1, (size_t)(close - open - 1), ret_uri, size) ? 0 : -E2BIG;
}

/* "Registered(UDP)(unknown) exp(2026-11-25 03:00:00) expsecs(3500)": seconds and the word before " exp(". */
static bool row_status(const char *status, long *ret_seconds, char rpid[PART_MAX])
{
	const char *expires = strstr(status, " expsecs("), *exp = strstr(status, ") exp("), *open = exp;
	char *end;

	if (!expires || !exp)
		return false;
	*ret_seconds = strtol(expires + strlen(" expsecs("), &end, 10);
	if (*end != ')')
		return false;
	while (open > status && *open != '(')
		open--;
	if (*open != '(' || !text_cut(open + 1, (size_t)(exp - open - 1), rpid, PART_MAX) || !*rpid)
		(void)snprintf(rpid, PART_MAX, USUAL_RPID); /* fits */
	return true;
}

static const char *row_transport(const char *uri, const char *status)
{
	static const char *const names[] = { "wss", "ws", "tls", "tcp", NULL };
	const char *p = strcasestr(uri, ";transport=");

	if (!strncasecmp(uri, "sips:", 5))
		return "tls";
	for (const char *const *n = names; *n; n++) {
		size_t len = strlen(*n);

		if (p && !strncasecmp(p + strlen(";transport="), *n, len))
			return *n;
		/* "Registered(WSS-NAT)": a browser's contact may say anything */
		if (!strncasecmp(status, "Registered(", 11) && !strncasecmp(status + 11, *n, len) &&
		    (status[11 + len] == ')' || status[11 + len] == '-'))
			return *n;
	}
	return "udp";
}

/* Host and port of the URI are where the REGISTER came from. */
static bool row_is_direct(const char *uri, const char *address)
{
	const char *host = strchr(uri, '@');
	size_t len = strlen(address);

	host = host ? host + 1 : strchr(uri, ':') ? strchr(uri, ':') + 1 : uri;
	return !strncmp(host, address, len) && (!host[len] || host[len] == ';' || host[len] == '?');
}

/* A phone on TCP without NAT that says another port than the one of its connection listens there: it can be
 * called from anywhere. TLS and WebSocket clients do not. */
static void row_path(const struct list_item *item, struct freeswitch_row *room)
{
	const char *ip = item->text[LIST_NETWORK_IP], *port = item->text[LIST_NETWORK_PORT];
	const char *transport = row_transport(room->contact, item->text[LIST_STATUS]);
	bool six = strchr(ip, ':') && ip[0] != '[';
	char address[76]; /* 71 bytes at most: brackets, 63 of address, colon, port */

	room->received[0] = room->connection[0] = 0;
	if (!*ip || !*port || strlen(ip) > 63 || strlen(port) > 5)
		return;
	(void)snprintf(address, sizeof address, "%s%s%s:%s", six ? "[" : "", ip, six ? "]" : "",
		       port); /* fits, and so do the next two */
	(void)snprintf(room->received, sizeof room->received, "sip:%s%s%s", address,
		       strcmp(transport, "udp") ? ";transport=" : "",
		       strcmp(transport, "udp") ? transport : "");
	if (!strcmp(transport, "udp") ||
	    (!strcmp(transport, "tcp") && !strstr(room->contact, ";fs_nat=yes") &&
	     !row_is_direct(room->contact, address)))
		return;
	(void)snprintf(room->connection, sizeof room->connection, "%s:%s", transport, address);
}

static int row_data(const struct list_item *item, const char *display, const char *rpid,
		    struct freeswitch_row *room)
{
	const char *aor = item->text[LIST_USER], *at = strrchr(aor, '@');
	char user[PART_MAX], login[PART_MAX];
	struct bounded_text t = { .p = room->data, .size = sizeof room->data };

	if (!at || !text_cut(aor, (size_t)(at - aor), user, sizeof user) ||
	    !text_decode(item->text[LIST_AUTH_USER], strlen(item->text[LIST_AUTH_USER]), login, sizeof login))
		return -EINVAL;
	room->data[0] = 0;
	data_add(&t, DATA_LOGIN, login, user);
	data_add(&t, DATA_REALM, item->text[LIST_AUTH_REALM], at + 1);
	data_add(&t, DATA_RPID, rpid, USUAL_RPID);
	if (strcmp(item->text[LIST_MWI], "@") != 0)
		data_add(&t, DATA_MWI, item->text[LIST_MWI], aor);
	if (t.full)
		return -E2BIG;
	data_add(&t, DATA_DISPLAY, display, NO_DISPLAY);
	return 0;
}

int freeswitch_row_parse(const struct list_item *item, boot_t now, struct freeswitch_row *room,
			 struct binding *ret)
{
	char display[PART_MAX], rpid[PART_MAX];
	struct binding b;
	long seconds;
	int r;

	if (item->odd || item->record != LIST_REGISTRATION ||
	    !row_status(item->text[LIST_STATUS], &seconds, rpid))
		return -EINVAL;
	if (seconds <= 0)
		return -ENOENT;
	r = row_contact(item->text[LIST_CONTACT], display, room->contact, sizeof room->contact);
	if (r == 0)
		r = row_data(item, display, rpid, room);
	if (r < 0)
		return r;
	row_path(item, room);
	binding_init(&b);
	b.text[BINDING_AOR] = item->text[LIST_USER];
	b.text[BINDING_CONTACT] = room->contact;
	b.text[BINDING_RECEIVED] = room->received;
	b.text[BINDING_CONNECTION] = room->connection;
	b.text[BINDING_DATA] = room->data;
	b.text[BINDING_CALL_ID] = item->text[LIST_CALL_ID];
	/* Nobody is called by the name of a phone: an odd one is left out. */
	if (text_is_printable(item->text[LIST_AGENT]) &&
	    strlen(item->text[LIST_AGENT]) <= BINDING_USER_AGENT_MAX)
		b.text[BINDING_USER_AGENT] = item->text[LIST_AGENT];
	if (seconds < INT32_MAX)
		b.expires_at = boot_add(now, seconds * NS_PER_S);
	b.modified_at = now;
	r = binding_check(&b, NULL);
	if (r == 0 && !*b.text[BINDING_CALL_ID])
		r = -EINVAL; /* a row without one cannot be taken out again */
	if (r == 0)
		*ret = b;
	return r;
}

/* ---- events ---- */

static int64_t remaining_s(const struct binding *b, boot_t now)
{
	int64_t s = (boot_diff_ns(now, b->expires_at) + NS_PER_S - 1) / NS_PER_S;

	if (b->expires_at.ns == BOOT_NEVER.ns || s > INT32_MAX)
		return INT32_MAX;
	return s > 0 ? s : 1;
}

/* "sip:192.0.2.7:5062;transport=tcp", "sip:[2001:db8::7]:5062": address and port, "" if it has none. */
static void received_split(const char *received, char ip[PART_MAX], char port[PART_MAX])
{
	const char *p = strchr(received, ':'), *end, *colon;

	ip[0] = port[0] = 0;
	if (!p)
		return;
	end = strchrnul(++p, ';');
	colon = memrchr(p, ':', (size_t)(end - p));
	if (!colon || (*p == '[' && colon[-1] != ']'))
		colon = end;
	if (*p == '[' && colon - p > 2)
		(void)text_cut(p + 1, (size_t)(colon - p - 2), ip, PART_MAX); /* "" is fine */
	else
		(void)text_cut(p, (size_t)(colon - p), ip, PART_MAX);
	if (colon < end)
		(void)text_cut(colon + 1, (size_t)(end - colon - 1), port, PART_MAX);
}

static bool event_begin(struct bounded_text *t, const struct freeswitch_target *target, const char *subclass,
			const char *aor, const char *call_id)
{
	const char *at = strrchr(aor, '@');

	if (!at || at == aor || !at[1])
		return false;
	text_add(t, "sendevent CUSTOM\nEvent-Subclass: multicast::event\norig-event-name: CUSTOM\n");
	text_add(t, "orig-event-subclass: %s\norig-profile-name: %s\n", subclass, target->profile);
	text_add(t, "orig-from-user: %.*s\norig-from-host: %s\n", (int)(at - aor), aor, at + 1);
	text_add(t, "orig-to-user: %.*s\norig-to-host: %s\n", (int)(at - aor), aor, at + 1);
	text_add(t, "orig-call-id: %s\n", call_id);
	return true;
}

static void event_data(struct bounded_text *t, const struct binding *b)
{
	const char *aor = b->text[BINDING_AOR], *at = strrchr(aor, '@'), *data = b->text[BINDING_DATA];
	char value[PART_MAX], user[PART_MAX];

	data_get(data, DATA_DISPLAY, NO_DISPLAY, value);
	if (!strcmp(value, "-"))
		text_add(t, "orig-contact: %s\n", b->text[BINDING_CONTACT]);
	else
		text_add(t, "orig-contact: %s <%s>\n", value, b->text[BINDING_CONTACT]);
	(void)snprintf(user, sizeof user, "%.*s", (int)(at - aor), aor); /* an account fits */
	data_get(data, DATA_LOGIN, user, value);
	text_add(t, "orig-username: %s\n", value);
	data_get(data, DATA_REALM, at + 1, value);
	text_add(t, "orig-realm: %s\n", value);
	data_get(data, DATA_RPID, USUAL_RPID, value);
	text_add(t, "orig-rpid: %s\n", value);
	data_get(data, DATA_MWI, aor, value);
	text_add(t, "orig-mwi-account: %s\n", value);
}

int freeswitch_put_build(const struct freeswitch_target *target, const struct binding *b, boot_t now,
			 char *ret, size_t size)
{
	struct bounded_text t = { .p = ret, .size = size };
	char ip[PART_MAX], port[PART_MAX];

	if (!event_begin(&t, target, "sofia::register", b->text[BINDING_AOR], b->text[BINDING_CALL_ID]))
		return -EINVAL;
	event_data(&t, b);
	received_split(b->text[BINDING_RECEIVED], ip, port);
	text_add(&t, "orig-expires: %lld\norig-user-agent: %s\n", (long long)remaining_s(b, now),
		 b->text[BINDING_USER_AGENT]);
	text_add(&t, "orig-presence-hosts: %s\norig-network-ip: %s\norig-network-port: %s\n",
		 target->presence_hosts, ip, port);
	text_add(&t, "orig-FreeSWITCH-IPv4: %s\norig-FreeSWITCH-Hostname: %s\n\n", target->address,
		 target->hostname);
	return t.full ? -ENOSPC : (int)t.used;
}

int freeswitch_remove_build(const struct freeswitch_target *target, const char *aor, const char *call_id,
			    char *ret, size_t size)
{
	struct bounded_text t = { .p = ret, .size = size };

	if (!event_begin(&t, target, "sofia::unregister", aor, call_id))
		return -EINVAL;
	text_add(&t, "\n");
	return t.full ? -ENOSPC : (int)t.used;
}

/* ---- comparing ---- */

bool freeswitch_in_step(const struct binding *want, const struct binding *have)
{
	if (strcmp(want->text[BINDING_CALL_ID], have->text[BINDING_CALL_ID]) != 0 ||
	    strcmp(want->text[BINDING_DATA], have->text[BINDING_DATA]) != 0)
		return false;
	if (*want->text[BINDING_RECEIVED] &&
	    strcmp(want->text[BINDING_RECEIVED], have->text[BINDING_RECEIVED]) != 0)
		return false;
	/* Later is fine: it is taken out in time. */
	return want->expires_at.ns == BOOT_NEVER.ns || have->expires_at.ns == BOOT_NEVER.ns ||
	       boot_diff_ns(have->expires_at, want->expires_at) < EXPIRES_SLACK_NS;
}

bool freeswitch_account_plain(const char *aor)
{
	return !strpbrk(aor, "'\"\\ ") && strchr(aor, '@');
}

/* ---- calls and gateways ---- */

int64_t freeswitch_calls_parse(const char *data, size_t len)
{
	json_t *o = json_loadb(data, len, 0, NULL);
	json_t *count = json_object_get(o, "row_count");
	int64_t n = json_is_integer(count) ? json_integer_value(count) : -1;

	json_decref(o);
	return n < 0 || n >= UINT32_MAX ? -1 : n;
}

static const struct {
	const char *word;
	enum trunk_state state;
	const char *why;
} gateway_states[] = {
	{ "UNREGED", TRUNK_REGISTERING, "FreeSWITCH is about to register it" },
	{ "TRYING", TRUNK_REGISTERING, "REGISTER sent" },
	{ "REGISTER", TRUNK_REGISTERED, "the carrier accepted the registration" },
	{ "REGED", TRUNK_REGISTERED, "registered" },
	{ "UNREGISTER", TRUNK_UNREGISTERED, "FreeSWITCH is about to take the registration back" },
	{ "FAILED", TRUNK_FAILED, "the carrier refused the registration" },
	{ "FAIL_WAIT", TRUNK_FAILED, "FreeSWITCH waits before it tries again" },
	{ "EXPIRED", TRUNK_REGISTERING, "the registration has run out" },
	{ "NOREG", TRUNK_UNREGISTERED, "the gateway is set not to register" },
	{ "DOWN", TRUNK_UNREGISTERED, "not registered" },
	{ "TIMEOUT", TRUNK_FAILED, "the carrier does not answer" },
};

enum trunk_state freeswitch_gateway_state(const char *state, int status, const char **ret_why)
{
	for (size_t i = 0; i < sizeof gateway_states / sizeof gateway_states[0]; i++) {
		if (strcmp(state, gateway_states[i].word) != 0)
			continue;
		*ret_why = gateway_states[i].why;
		if (gateway_states[i].state == TRUNK_FAILED &&
		    (status == 401 || status == 403 || status == 404 || status == 407)) {
			*ret_why = "the carrier refused the registration for good";
			return TRUNK_REJECTED;
		}
		return gateway_states[i].state;
	}
	*ret_why = "FreeSWITCH says a state that is not known here";
	return TRUNK_UNKNOWN;
}
