/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ip_address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

const char *mac_format(const struct mac_address *mac, char ret[MAC_TEXT_MAX])
{
	const uint8_t *b = mac->bytes;

	(void)snprintf(ret, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		       b[5]);
	return ret;
}
