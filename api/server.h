/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The HTTP side: libmicrohttpd in our own loop, one thread. Connections, headers, bodies, times and rates are
 * bounded; what waits for the agent is suspended and costs nothing. Nothing that a client says is a path of a
 * file.
 */
#ifndef RK_SERVER_H
#define RK_SERVER_H

#include "config.h"
#include "sentence.h"

struct server;

struct server_paths {
	const char *config, *socket;
};

/* Takes config. reterr gets one sentence on failure. */
int server_open(struct server **ret, const struct server_paths *paths, struct config *config,
		struct sentence *reterr);
/* Until SIGTERM. SIGHUP reads configuration, certificates and access file again; what cannot be read leaves
 * all as it was. */
int server_run(struct server *s);
void server_close(struct server *s);

#endif
