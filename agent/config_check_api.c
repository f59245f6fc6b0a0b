/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where ringkeep-api listens, and how it is protected there.
 */
#include "config_parse.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int config_api_listen(const char *text, struct ip_address *ret, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[';
	char address[IP_TEXT_MAX];
	unsigned long port;
	size_t len;
	char *end;

	if (!colon || !colon[1] || (brackets && (colon == text || colon[-1] != ']')))
		return -EINVAL;
	len = (size_t)(colon - text) - (brackets ? 2 : 0);
	if (len >= sizeof address)
		return -EINVAL;
	memcpy(address, text + brackets, len);
	address[len] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (*end || port == 0 || port > 65535 || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return ip_parse(address, ret) < 0 || (ret->family == AF_INET6) != brackets ? -EINVAL : 0;
}

static bool loopback(const struct ip_address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == AF_INET ? a->bytes[0] == 127 : !memcmp(a->bytes, one, sizeof one);
}

static bool wildcard(const struct ip_address *a)
{
	static const uint8_t none[16] = { 0 };

	return !memcmp(a->bytes, none, ip_length(a));
}

static void check_listen(struct config_parse *p, const struct config_api *a, uint32_t i)
{
	struct ip_address ip;
	uint16_t port;

	if (config_api_listen(a->listen[i], &ip, &port) < 0)
		config_fail(p, a, "listen", i,
			    "\"%.60s\" is no address with a port; write 10.0.0.1:8443 or [fd00::1]:8443",
			    a->listen[i]);
	else if (wildcard(&ip))
		config_fail(p, a, "listen", i,
			    "\"%.60s\" is every address, those of the telephones, too; write the management "
			    "address",
			    a->listen[i]);
	else if (a->plain && !loopback(&ip))
		config_fail(p, a, "listen", i,
			    "\"%.60s\" without TLS would carry tokens in the clear; plain is for loopback "
			    "addresses only",
			    a->listen[i]);
}

static void check_path(struct config_parse *p, const struct config_api *a, const char *key, const char *path,
		       bool wanted)
{
	if (path[0] && path[0] != '/')
		config_fail(p, a, key, 0, "\"%.60s\" is not an absolute path; start it with /", path);
	if (!path[0] && wanted)
		config_fail(p, a, key, 0, "missing; TLS needs it (or plain = yes, on loopback addresses)");
	if (path[0] && a->plain && strcmp(key, "access-file") != 0)
		config_fail(p, a, key, 0, "means nothing with plain = yes; remove one");
}

void config_check_api(struct config_parse *p, struct config *c)
{
	for (uint32_t n = 0; n < c->api_count; n++) {
		const struct config_api *a = &c->api[n];

		for (uint32_t i = 0; i < a->listen_count; i++)
			check_listen(p, a, i);
		check_path(p, a, "certificate-file", a->certificate_file, !a->plain);
		check_path(p, a, "key-file", a->key_file, !a->plain);
		check_path(p, a, "client-ca-file", a->client_ca_file, false);
		check_path(p, a, "access-file", a->access_file, false);
	}
}
