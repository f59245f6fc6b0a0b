/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asterisk_contact.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FAMILY "/registrar/contact/"

/* Fields of a contact that a binding has no room for, and their keys in its data. */
static const struct {
	const char *field, *key;
} kept[] = {
	{ "endpoint", "endpoint" },
	{ "via_addr", "via" },
	{ "via_port", "port" },
	{ "outbound_proxy", "proxy" },
};

#define KEPT_COUNT (sizeof kept / sizeof kept[0])

void asterisk_contact_id(const char *aor, const char *uri, char ret[ASTERISK_ID_MAX + 1])
{
	unsigned char md[EVP_MAX_MD_SIZE] = { 0 };
	int n = snprintf(ret, BINDING_AOR_MAX + 3, "%.*s;@", BINDING_AOR_MAX, aor);

	(void)EVP_Digest(uri, strlen(uri), md, NULL, EVP_md5(), NULL); /* not there: no id will match */
	for (int i = 0; i < 16; i++)
		n += snprintf(ret + n, 3, "%02x", md[i]);
}

/* ---- data: "key=value key=value", with %XX for what would break it ---- */

static int data_add(char *data, const char *key, const char *value)
{
	size_t n = strlen(data);

	n += (size_t)snprintf(data + n, BINDING_DATA_MAX + 1 - n, "%s%s=", n ? " " : "", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		bool plain = c > ' ' && c != 127 && c != '%';

		if (n + (plain ? 1 : 3) > BINDING_DATA_MAX)
			return -E2BIG;
		n += (size_t)snprintf(data + n, 4, plain ? "%c" : "%%%02X", c);
	}
	return n > BINDING_DATA_MAX ? -E2BIG : 0;
}

static int hex_value(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* False: no such key. A value that does not fit is cut: the target refuses it then, as any wrong name. */
static bool data_get(const char *data, const char *key, char *ret, size_t size)
{
	size_t len = strlen(key), n = 0;

	while (*data && (strncmp(data, key, len) != 0 || data[len] != '=')) {
		data += strcspn(data, " ");
		data += *data == ' ';
	}
	if (!*data)
		return false;
	for (data += len + 1; *data && *data != ' ' && n + 1 < size; data++) {
		bool escaped = *data == '%' && hex_value(data[1]) >= 0 && hex_value(data[2]) >= 0;

		ret[n++] = escaped ? (char)(hex_value(data[1]) << 4 | hex_value(data[2])) : *data;
		data += escaped ? 2 : 0;
	}
	ret[n] = 0;
	return true;
}

/* ---- from Asterisk ---- */

static const char *row_text(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static bool row_ok(const json_t *row)
{
	json_t *o = (json_t *)(uintptr_t)row; /* its iterator is not const */
	const char *name;
	json_t *value;

	if (!json_is_object(row))
		return false;
	json_object_foreach(o, name, value) if (!json_is_string(value)) return false;
	return true;
}

static int contact_aor(const char *id, const char *uri, char ret[BINDING_AOR_MAX + 1])
{
	const char *slash = strncmp(id, FAMILY, strlen(FAMILY)) ? NULL : id + strlen(FAMILY);
	char expected[ASTERISK_ID_MAX + 1];
	size_t len;

	id = slash ? slash : id;
	len = strlen(id);
	if (len < 2 + 32 + 1 || len > ASTERISK_ID_MAX)
		return -EBADMSG;
	memcpy(ret, id, len - 34);
	ret[len - 34] = 0;
	asterisk_contact_id(ret, uri, expected);
	return strcmp(expected, id) ? -EBADMSG : 0;
}

/* Host and port of "sip:user@host:port;...": the phone's end of the connection. */
static int contact_connection(const char *uri, char ret[BINDING_CONNECTION_MAX + 1])
{
	const char *at = strchr(uri, '@'), *scheme = strchr(uri, ':');
	const char *host = at ? at + 1 : scheme ? scheme + 1 : uri;
	size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":;?>");
	const char *transport = strcasestr(uri, ";transport=");
	char name[4] = "tcp";
	unsigned port = 0;

	if (*host == '[' && len > strlen(host))
		return -EBADMSG;
	if (transport)
		(void)sscanf(transport + strlen(";transport="), "%3[A-Za-z]", name); /* absent: as it was */
	else if (!strncasecmp(uri, "sips:", 5))
		(void)snprintf(name, sizeof name, "tls");
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (strcmp(name, "tls") && strcmp(name, "ws") && strcmp(name, "wss"))
		(void)snprintf(name, sizeof name, "tcp");
	if (host[len] == ':')
		port = (unsigned)strtoul(host + len + 1, NULL, 10);
	if (port == 0 || port > 65535)
		port = !strcmp(name, "tls") ? 5061 : 5060;
	return snprintf(ret, BINDING_CONNECTION_MAX + 1, "%s:%.*s:%u", name, (int)len, host, port) >
			       BINDING_CONNECTION_MAX
		       ? -E2BIG
		       : 0;
}

static int contact_data(const json_t *row, const char *aor, char ret[BINDING_DATA_MAX + 1])
{
	ret[0] = 0;
	if (strlen(row_text(row, "endpoint")) > ASTERISK_ENDPOINT_MAX)
		return -E2BIG;
	for (size_t i = 0; i < KEPT_COUNT; i++) {
		const char *value = row_text(row, kept[i].field);

		if (!*value || (i == 0 && !strcmp(value, aor) && strlen(aor) <= ASTERISK_ENDPOINT_MAX))
			continue;
		if (data_add(ret, kept[i].key, value) < 0)
			return -E2BIG;
	}
	return 0;
}

static int contact_expires(const json_t *row, boot_t now, int64_t wall_ns, boot_t *ret)
{
	const char *text = row_text(row, "expiration_time");
	int64_t at_s = 0;

	if (!*text || strlen(text) > 10 || strspn(text, "0123456789") != strlen(text))
		return -EBADMSG;
	at_s = strtoll(text, NULL, 10);
	*ret = boot_add(now, at_s * NS_PER_S - wall_ns);
	return boot_before(now, *ret) ? 0 : -ETIME;
}

static bool contact_is_bound(const json_t *row, const char *uri)
{
	const char *prune = row_text(row, "prune_on_boot");
	const char *transport = strcasestr(uri, ";transport=ws");

	return !strcasecmp(prune, "yes") || !strcasecmp(prune, "true") || transport;
}

int asterisk_contact_parse(const char *id, const json_t *row, boot_t now, int64_t wall_ns,
			   struct asterisk_contact *ret)
{
	struct binding *b = &ret->b;
	const char *uri = row_text(row, "uri");
	int r;

	if (!row_ok(row) || !*uri || contact_aor(id, uri, ret->aor) < 0)
		return -EBADMSG;
	binding_init(b);
	ret->by_registrar = *row_text(row, "reg_server") != 0;
	ret->connection[0] = 0;
	r = contact_expires(row, now, wall_ns, &b->expires_at);
	if (r == 0 && contact_is_bound(row, uri))
		r = contact_connection(uri, ret->connection);
	if (r == 0)
		r = contact_data(row, ret->aor, ret->data);
	if (r < 0)
		return r;
	b->text[BINDING_AOR] = ret->aor;
	b->text[BINDING_CONTACT] = uri;
	b->text[BINDING_PATH] = row_text(row, "path");
	b->text[BINDING_CALL_ID] = row_text(row, "call_id");
	b->text[BINDING_USER_AGENT] = row_text(row, "user_agent");
	b->text[BINDING_CONNECTION] = ret->connection;
	b->text[BINDING_DATA] = ret->data;
	b->modified_at = now;
	return binding_check(b, NULL);
}

json_t *asterisk_fields(const json_t *list)
{
	json_t *o = json_is_array(list) ? json_object() : NULL;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "attribute"));
		json_t *value = json_object_get(item, "value");

		if (o && name && value)
			(void)json_object_set(o, name, value); /* ENOMEM: a field is missing, and refused */
	}
	return o;
}

/* ---- to Asterisk ---- */

void asterisk_contact_endpoint(const struct binding *b, char ret[ASTERISK_ENDPOINT_MAX + 1])
{
	if (!data_get(b->text[BINDING_DATA], "endpoint", ret, ASTERISK_ENDPOINT_MAX + 1))
		(void)snprintf(ret, ASTERISK_ENDPOINT_MAX + 1, "%s",
			       b->text[BINDING_AOR]); /* cut: no such endpoint */
}

static void body_add(json_t *fields, const char *name, const char *value)
{
	/* ENOMEM: Asterisk refuses what is incomplete */
	(void)json_array_append_new(fields, json_pack("{ss ss}", "attribute", name, "value", value));
}

static void body_qualify(json_t *fields, const struct asterisk_qualify *q)
{
	if (q->frequency[0])
		body_add(fields, "qualify_frequency", q->frequency);
	if (q->timeout[0])
		body_add(fields, "qualify_timeout", q->timeout);
	if (q->authenticate[0])
		body_add(fields, "authenticate_qualify", q->authenticate);
	if (q->only_2xx[0]) /* 16 and 18 do not know it, nor does their AOR have it */
		body_add(fields, "qualify_2xx_only", q->only_2xx);
}

static void body_texts(json_t *fields, const struct binding *b)
{
	char value[BINDING_DATA_MAX + 1];

	asterisk_contact_endpoint(b, value);
	body_add(fields, "endpoint", value);
	for (size_t i = 1; i < KEPT_COUNT; i++)
		if (data_get(b->text[BINDING_DATA], kept[i].key, value, sizeof value))
			body_add(fields, kept[i].field, value);
	body_add(fields, "path", b->text[BINDING_PATH]);
	body_add(fields, "call_id", b->text[BINDING_CALL_ID]);
	body_add(fields, "user_agent", b->text[BINDING_USER_AGENT]);
}

char *asterisk_contact_body(const struct binding *b, const struct asterisk_qualify *q, boot_t now,
			    int64_t wall_ns)
{
	int64_t remaining_ns = boot_diff_ns(now, b->expires_at);
	char expires[24];
	json_t *fields, *body;
	char *text;

	if (b->expires_at.ns == BOOT_NEVER.ns)
		return NULL;
	(void)snprintf(expires, sizeof expires, "%lld",
		       (long long)((wall_ns + remaining_ns + NS_PER_S / 2) / NS_PER_S)); /* fits */
	fields = json_array();
	body_add(fields, "uri", b->text[BINDING_CONTACT]);
	body_add(fields, "expiration_time", expires);
	body_add(fields, "prune_on_boot", "no");
	body_texts(fields, b);
	body_qualify(fields, q);
	body = json_pack("{so}", "fields", fields);
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}
