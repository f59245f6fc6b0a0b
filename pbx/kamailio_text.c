/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_text.h"

#include "bounded_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define METHODS_UNSET	 UINT32_MAX
#define EXPIRES_SLACK_NS (5 * NS_PER_S)
#define UNSET		 "[not set]"

/* Names in Kamailio's contact, in the order of enum binding_field; the AOR is outside. */
static const char *const contact_keys[BINDING_FIELDS] = {
	[BINDING_CONTACT] = "Address",	 [BINDING_RECEIVED] = "Received", [BINDING_PATH] = "Path",
	[BINDING_SOCKET] = "Socket",	 [BINDING_CALL_ID] = "Call-ID",	  [BINDING_USER_AGENT] = "User-Agent",
	[BINDING_INSTANCE] = "Instance",
};

static const struct {
	const char *key;
	size_t offset;
} contact_numbers[] = {
	{ "CSeq", offsetof(struct binding, cseq) },	  { "Reg-Id", offsetof(struct binding, reg_id) },
	{ "Methods", offsetof(struct binding, methods) }, { "Flags", offsetof(struct binding, flags) },
	{ "CFlags", offsetof(struct binding, cflags) },
};

/* Bits of Kamailio's method mask (enum request_method) that an Allow header can say. */
static const struct {
	uint32_t bit;
	const char *name;
} method_names[] = {
	{ 1, "INVITE" },    { 2, "CANCEL" },	 { 4, "ACK" },	    { 8, "BYE" },	 { 16, "INFO" },
	{ 32, "REGISTER" }, { 64, "SUBSCRIBE" }, { 128, "NOTIFY" }, { 256, "MESSAGE" },	 { 512, "OPTIONS" },
	{ 1024, "PRACK" },  { 2048, "UPDATE" },	 { 4096, "REFER" }, { 8192, "PUBLISH" },
};

static bool text_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static int contact_texts(const json_t *contact, struct binding *b)
{
	for (int f = 0; f < BINDING_FIELDS; f++) {
		const char *s;

		if (!contact_keys[f])
			continue;
		s = json_string_value(json_object_get(contact, contact_keys[f]));
		if (s && strcmp(s, UNSET) != 0)
			b->text[f] = s;
	}
	/* Nobody is called by the name of a phone: an odd one is left out. */
	if (!strcmp(b->text[BINDING_USER_AGENT], "n/a") || !text_printable(b->text[BINDING_USER_AGENT]))
		b->text[BINDING_USER_AGENT] = "";
	return *b->text[BINDING_CONTACT] ? 0 : -EINVAL;
}

static int contact_expiry(const json_t *contact, boot_t now, struct binding *b)
{
	const json_t *v = json_object_get(contact, "Expires");

	if (json_is_integer(v)) {
		if (json_integer_value(v) <= 0 || json_integer_value(v) > UINT32_MAX)
			return -ENOENT;
		b->expires_at = boot_add(now, json_integer_value(v) * NS_PER_S);
		return 0;
	}
	if (!json_is_string(v))
		return -EINVAL;
	return strcmp(json_string_value(v), "permanent") ? -ENOENT : 0; /* "expired", "deleted" */
}

/* ---- the phone's own connection ---- */

static const char *const streams[] = { "tcp", "tls", "wss", "ws" };

/* The stream that the URI says, NULL if none. */
static const char *uri_stream(const char *uri)
{
	const char *p = strcasestr(uri, ";transport=");

	for (size_t i = 0; p && i < sizeof streams / sizeof streams[0]; i++)
		if (!strncasecmp(p + strlen(";transport="), streams[i], strlen(streams[i])))
			return streams[i];
	return NULL;
}

/* "host:port" of "sip:user@host:port;x=y", 5060 where none is said. */
static bool uri_place(const char *uri, char *ret, size_t size)
{
	const char *start = strchr(uri, ':'), *at, *colon;
	int len, n;

	if (!start)
		return false;
	start++;
	at = memchr(start, '@', strcspn(start, ";?"));
	if (at)
		start = at + 1;
	len = (int)strcspn(start, ";?");
	colon = memrchr(start, ':', (size_t)len);
	if (colon && memchr(colon, ']', (size_t)(start + len - colon)))
		colon = NULL; /* of an IPv6 address */
	n = snprintf(ret, size, "%.*s%s", len, start, colon ? "" : ":5060");
	return n > 0 && (size_t)n < size;
}

/* Where Kamailio heard the phone on a stream, nothing else leads to it: "received" says from where, or else
 * the contact, which then is what Kamailio saw (its NAT test would have noticed a difference). */
static void contact_connection(const json_t *contact, struct binding *b, char ret[BINDING_CONNECTION_MAX + 1])
{
	const char *received = b->text[BINDING_RECEIVED], *uri = b->text[BINDING_CONTACT];
	const json_t *id = json_object_get(contact, "Tcpconn-Id");
	const char *stream = uri_stream(*received ? received : uri);
	char place[BINDING_CONNECTION_MAX - 4];

	if (!(*received && stream) && !(uri_stream(uri) && uri_stream(uri)[0] == 'w') &&
	    !(json_is_integer(id) && json_integer_value(id) >= 0))
		return;
	if (!stream)
		stream = uri_stream(uri) ? uri_stream(uri) : "tcp";
	/* A place that cannot be said is bound all the same; only its connection cannot be reset. */
	(void)snprintf(ret, BINDING_CONNECTION_MAX + 1, "%s:%s", stream,
		       uri_place(*received ? received : uri, place, sizeof place) ? place : "unknown");
	b->text[BINDING_CONNECTION] = ret;
}

int kamailio_contact_parse(const json_t *contact, const char *aor, boot_t now, int64_t wall_ns,
			   char connection[BINDING_CONNECTION_MAX + 1], struct binding *ret)
{
	const json_t *q = json_object_get(contact, "Q");
	json_int_t modified_s = json_integer_value(json_object_get(contact, "Last-Modified"));
	struct binding b;
	int r;

	binding_init(&b);
	b.text[BINDING_AOR] = aor;
	if (contact_texts(contact, &b) < 0)
		return -EINVAL;
	contact_connection(contact, &b, connection);
	r = contact_expiry(contact, now, &b);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof contact_numbers / sizeof contact_numbers[0]; i++) {
		json_int_t v = json_integer_value(json_object_get(contact, contact_numbers[i].key));

		if (v >= 0 && v <= UINT32_MAX)
			*(uint32_t *)((char *)&b + contact_numbers[i].offset) = (uint32_t)v;
	}
	if (json_is_number(q) && json_number_value(q) >= 0 && json_number_value(q) <= 1)
		b.q_milli = (int16_t)(json_number_value(q) * 1000 + 0.5);
	b.modified_at = now;
	if (modified_s > 0 && modified_s < INT64_MAX / NS_PER_S)
		b.modified_at = boot_add(now, modified_s * NS_PER_S - wall_ns);
	r = binding_check(&b, NULL);
	if (r == 0)
		*ret = b;
	return r;
}

uint64_t kamailio_requests_parse(const json_t *result)
{
	const char *text = json_string_value(json_array_get(result, 0));
	unsigned long long n = 0;

	return text && sscanf(text, "core:rcv_requests = %19llu", &n) == 1 ? n : 0;
}

/* ---- REGISTER ---- */

/* Seconds, at least 1: 0 would be an unregister. */
static int64_t remaining_s(const struct binding *b, boot_t now)
{
	int64_t s = (boot_diff_ns(now, b->expires_at) + NS_PER_S - 1) / NS_PER_S;

	if (b->expires_at.ns == BOOT_NEVER.ns || s > INT32_MAX)
		return INT32_MAX;
	return s > 0 ? s : 1;
}

static void register_contact(struct bounded_text *t, const struct binding *b, boot_t now)
{
	text_add(t, "Contact: <%s>;expires=%lld", b->text[BINDING_CONTACT], (long long)remaining_s(b, now));
	if (b->q_milli == 1000)
		text_add(t, ";q=1");
	else if (b->q_milli >= 0)
		text_add(t, ";q=0.%03d", b->q_milli);
	if (*b->text[BINDING_INSTANCE] && !strchr(b->text[BINDING_INSTANCE], '"'))
		text_add(t, ";+sip.instance=\"%s\"", b->text[BINDING_INSTANCE]);
	if (b->reg_id)
		text_add(t, ";reg-id=%u", b->reg_id);
	text_add(t, "\r\n");
}

static void register_allow(struct bounded_text *t, uint32_t methods)
{
	const char *separator = "Allow: ";

	if (methods == METHODS_UNSET || methods == 0)
		return;
	for (size_t i = 0; i < sizeof method_names / sizeof method_names[0]; i++)
		if (methods & method_names[i].bit) {
			text_add(t, "%s%s", separator, method_names[i].name);
			separator = ", ";
		}
	if (*separator == ',')
		text_add(t, "\r\n");
}

static void register_header(struct bounded_text *t, const char *name, const char *value)
{
	if (*value)
		text_add(t, "%s: %s\r\n", name, value);
}

/* "1001" or "1001@example.org": a domain of its own goes before the given one. */
static void register_accounts(struct bounded_text *t, const char *aor, const char *domain)
{
	const char *at = strchr(aor, '@') ? "" : "@";
	const char *host = *at ? domain : "";

	text_add(t, "From: <sip:%s%s%s>;tag=rk\r\nTo: <sip:%s%s%s>\r\n", aor, at, host, aor, at, host);
}

int kamailio_register_build(const struct binding *b, boot_t now, const char *via, const char *domain,
			    const char *branch, char *ret, size_t size)
{
	struct bounded_text t = { .p = ret, .size = size };
	bool outbound = b->reg_id || *b->text[BINDING_INSTANCE];

	text_add(&t, "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nMax-Forwards: 5\r\n",
		 domain, via, branch);
	register_accounts(&t, b->text[BINDING_AOR], domain);
	text_add(&t, "Call-ID: %s\r\nCSeq: %u REGISTER\r\n",
		 *b->text[BINDING_CALL_ID] ? b->text[BINDING_CALL_ID] : branch, b->cseq);
	register_contact(&t, b, now);
	register_header(&t, "User-Agent", b->text[BINDING_USER_AGENT]);
	register_header(&t, "Path", b->text[BINDING_PATH]);
	text_add(&t, "Supported: path%s\r\n", outbound ? ", gruu, outbound" : "");
	register_allow(&t, b->methods);
	register_header(&t, "X-RK-Received", b->text[BINDING_RECEIVED]);
	register_header(&t, "Sock-Info", b->text[BINDING_SOCKET]);
	if (b->cflags)
		text_add(&t, "X-RK-CFlags: %u\r\n", b->cflags);
	text_add(&t, "Content-Length: 0\r\n\r\n");
	return t.full ? -ENOSPC : (int)t.used;
}

/* ---- ul.add ---- */

static json_t *text_or_dot(const char *s)
{
	return json_string(*s ? s : ".");
}

json_t *kamailio_add_params(const struct binding *b, boot_t now, const char *table)
{
	json_t *expires =
		b->expires_at.ns == BOOT_NEVER.ns ? json_integer(0) : json_integer(remaining_s(b, now));
	json_t *q = b->q_milli < 0 ? json_integer(-1) : json_real(b->q_milli / 1000.0);

	return json_pack("[s s s o o o I I I o o]", table, b->text[BINDING_AOR], b->text[BINDING_CONTACT],
			 expires, q, text_or_dot(b->text[BINDING_PATH]), (json_int_t)b->flags,
			 (json_int_t)b->cflags, (json_int_t)(b->methods ? b->methods : METHODS_UNSET),
			 text_or_dot(b->text[BINDING_RECEIVED]), text_or_dot(b->text[BINDING_SOCKET]));
}

/* ---- comparing ---- */

bool kamailio_in_step(const struct binding *want, const struct binding *have, bool by_rpc)
{
	static const enum binding_field fields[] = { BINDING_RECEIVED, BINDING_PATH, BINDING_SOCKET };

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (strcmp(want->text[fields[i]], have->text[fields[i]]) != 0)
			return false;
	if (!by_rpc && (strcmp(want->text[BINDING_CALL_ID], have->text[BINDING_CALL_ID]) != 0 ||
			want->cseq != have->cseq))
		return false;
	/* Later is fine: Kamailio lifts short ones to min_expires, and we remove them in time. */
	return want->expires_at.ns == BOOT_NEVER.ns || have->expires_at.ns == BOOT_NEVER.ns ||
	       boot_diff_ns(have->expires_at, want->expires_at) < EXPIRES_SLACK_NS;
}

/* ---- UTF-8 ---- */

/* Bytes of the sequence that starts here, 0 = none does. Overlong forms, surrogates and what is beyond
 * Unicode are none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t len = p[0] < 0x80   ? 1
		     : p[0] < 0xc2 ? 0
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
		     : p[0] < 0xf5 ? 4
				   : 0;

	if (len == 0 || len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

void kamailio_clean(char *data, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length((unsigned char *)data + i, len - i);

		if (n == 0)
			data[i] = 0x7f;
		i += n ? n : 1;
	}
}
