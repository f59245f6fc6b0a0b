/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ip_address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int ip_parse(const char *text, struct ip_address *ret)
{
	struct ip_address ip = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(ip.family, text, ip.bytes) != 1)
		return -EINVAL;
	*ret = ip;
	return 0;
}

const char *ip_format(const struct ip_address *ip, char ret[IP_TEXT_MAX])
{
	if (!inet_ntop(ip->family, ip->bytes, ret, IP_TEXT_MAX))
		(void)snprintf(ret, IP_TEXT_MAX, "-");
	return ret;
}

bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool ip_link_local(const struct ip_address *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

size_t ip_length(const struct ip_address *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

struct ip_address ip_make(uint8_t family, const void *bytes)
{
	struct ip_address ip = { .family = family };

	assert(family == AF_INET || family == AF_INET6);
	memcpy(ip.bytes, bytes, ip_length(&ip));
	return ip;
}

static size_t prefix_length_max(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

/* Are the first `length` bits of both the same? */
static bool prefix_match(const uint8_t *a, const uint8_t *b, size_t length)
{
	size_t bytes = length / 8;
	uint8_t mask = (uint8_t)(0xff00 >> length % 8);

	return memcmp(a, b, bytes) == 0 && (mask == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

/* 1 to 3 digits, no sign, no blank. */
static int prefix_parse_length(const char *text, size_t max, uint8_t *ret)
{
	size_t n = strspn(text, "0123456789");
	long v = n && n <= 3 ? strtol(text, NULL, 10) : -1;

	if (text[n] || v < 0 || (size_t)v > max)
		return -EINVAL;
	*ret = (uint8_t)v;
	return 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *ret)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct ip_prefix p = { 0 };
	char address[IP_TEXT_MAX];
	int r;

	if (len >= sizeof address)
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = 0;
	r = ip_parse(address, &p.ip);
	if (r < 0)
		return r;
	p.length = (uint8_t)prefix_length_max(p.ip.family);
	if (slash)
		r = prefix_parse_length(slash + 1, p.length, &p.length);
	if (r < 0)
		return r;
	for (size_t i = p.length; i < prefix_length_max(p.ip.family); i++)
		if (p.ip.bytes[i / 8] & 0x80 >> i % 8)
			return -ERANGE;
	*ret = p;
	return 0;
}

const char *ip_prefix_format(const struct ip_prefix *p, char ret[IP_PREFIX_TEXT_MAX])
{
	size_t used;

	(void)ip_format(&p->ip, ret);
	used = strlen(ret);
	if (p->length < prefix_length_max(p->ip.family))
		(void)snprintf(ret + used, IP_PREFIX_TEXT_MAX - used, "/%u", p->length);
	return ret;
}

bool ip_prefix_contains(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	return outer->ip.family == inner->ip.family && outer->length <= inner->length &&
	       prefix_match(outer->ip.bytes, inner->ip.bytes, outer->length);
}

bool ip_prefix_has(const struct ip_prefix *p, const struct ip_address *ip)
{
	return p->ip.family == ip->family && prefix_match(p->ip.bytes, ip->bytes, p->length);
}

bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->length == b->length && ip_equal(&a->ip, &b->ip);
}

const char *mac_format(const struct mac_address *mac, char ret[MAC_TEXT_MAX])
{
	const uint8_t *b = mac->bytes;

	(void)snprintf(ret, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		       b[5]);
	return ret;
}
