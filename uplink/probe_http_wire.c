/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_http_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool http_clean(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

int probe_http_write(const char *host, const char *path, uint8_t *ret, size_t size)
{
	int n;

	if (!http_clean(host) || !http_clean(path) || path[0] != '/')
		return -EINVAL;
	n = snprintf((char *)ret, size,
		     "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: ringkeep\r\nConnection: close\r\n\r\n", path,
		     host);
	return n < 0 || (size_t)n >= size ? -ENOSPC : n;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

int probe_http_read(const void *data, size_t len)
{
	static const char version[] = "HTTP/1.";
	const char *p = data;
	size_t known = len < sizeof version - 1 ? len : sizeof version - 1;

	if (memcmp(p, version, known) != 0)
		return -EBADMSG;
	if (len < PROBE_HTTP_STATUS_LINE)
		return 0;
	if (!digit(p[7]) || p[8] != ' ' || p[9] < '1' || p[9] > '5' || !digit(p[10]) || !digit(p[11]) ||
	    (p[12] != ' ' && p[12] != '\r' && p[12] != '\n'))
		return -EBADMSG;
	return (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
}
