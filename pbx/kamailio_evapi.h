/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The change feed: a TCP connection to Kamailio's evapi, netstrings of {"ringkeep":"changed","aor":"1001"}.
 * Connects again by itself. Believes nothing but the name: what changed is asked by RPC.
 */
#ifndef RK_KAMAILIO_EVAPI_H
#define RK_KAMAILIO_EVAPI_H

#include "clock.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KAMAILIO_EVENT_MAX 16384

struct kamailio_evapi_ops {
	void (*connected)(void *ctx, bool connected, boot_t now);
	void (*changed)(void *ctx, const char *aor, boot_t now);
};

struct kamailio_evapi {
	struct sockaddr_in to;
	const struct kamailio_evapi_ops *ops;
	void *ctx;
	int fd; /* -EBADF: waits for retry_at */
	bool connected;
	boot_t retry_at;
	uint64_t garbage;
	char buf[KAMAILIO_EVENT_MAX + 16];
	size_t used;
};

void kamailio_evapi_init(struct kamailio_evapi *e, const struct sockaddr_in *to,
			 const struct kamailio_evapi_ops *ops, void *ctx, boot_t now);
short kamailio_evapi_events(const struct kamailio_evapi *e);
void kamailio_evapi_ready(struct kamailio_evapi *e, boot_t now);
boot_t kamailio_evapi_next(const struct kamailio_evapi *e);
void kamailio_evapi_tick(struct kamailio_evapi *e, boot_t now);
/* The next complete netstring in data: bytes it takes, its payload in ret_p/ret_len; 0 = not complete;
 * -EBADMSG. */
int kamailio_netstring(const char *data, size_t len, const char **ret_p, size_t *ret_len);

#endif
