/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	bool secure;
} transports[] = { { "tcp:", false }, { "tls:", true }, { "ws:", false }, { "wss:", true } };

/* The text behind the transport's name, NULL if it is none of ours. */
static const char *skip_transport(const char *text, bool *ret_secure)
{
	for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
		size_t len = strlen(transports[i].name);

		if (!strncasecmp(text, transports[i].name, len)) {
			*ret_secure = transports[i].secure;
			return text + len;
		}
	}
	return NULL;
}

static int parse_port(const char *text, uint16_t *ret)
{
	unsigned port = 0;

	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 5)
		return -EINVAL;
	port = (unsigned)strtoul(text, NULL, 10);
	if (port < 1 || port > 65535)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

int binding_connection_parse(const char *text, struct binding_connection *ret)
{
	struct binding_connection c = { 0 };
	const char *host = skip_transport(text, &c.secure);
	const char *colon = host ? strrchr(host, ':') : NULL;
	char ip[IP_TEXT_MAX];
	size_t len;

	if (!colon || colon == host)
		return -EINVAL;
	len = (size_t)(colon - host);
	if (host[0] == '[' && host[len - 1] == ']' && len > 2) {
		host++;
		len -= 2;
	}
	if (len >= sizeof ip)
		return -EINVAL;
	memcpy(ip, host, len);
	ip[len] = 0;
	if (ip_parse(ip, &c.ip) < 0 || parse_port(colon + 1, &c.port) < 0)
		return -EINVAL;
	*ret = c;
	return 0;
}
