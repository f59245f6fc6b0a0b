/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * "tcp:203.0.113.9:40123", "tls:[2001:db8::9]:40123": one end of a connection, as bindings carry it. Pure.
 */
#ifndef RK_BINDING_CONNECTION_H
#define RK_BINDING_CONNECTION_H

#include "ip_address.h"

struct binding_connection {
	bool secure; /* tls, wss */
	struct ip_address ip;
	uint16_t port;
};

/* -EINVAL: something else, or a transport without connections. */
int binding_connection_parse(const char *text, struct binding_connection *ret);

#endif
