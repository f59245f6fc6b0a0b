/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of server.h share.
 */
#ifndef RK_SERVER_PRIVATE_H
#define RK_SERVER_PRIVATE_H

#include "access.h"
#include "agent_ask.h"
#include "command.h"
#include "metrics.h"
#include "server.h"
#include "token_bucket.h"

#include <microhttpd.h>

#define SERVER_CLIENTS 1024 /* addresses whose rate is known; two that meet in one place share it */

struct server_client {
	uint64_t address; /* a hash of it */
	struct token_bucket rate;
};

/* A text that many get, made once for each status. */
struct server_text {
	uint64_t number; /* of the status */
	char *text;
	size_t len;
};

/* An address that goes on listening while what serves it is made anew. */
struct server_socket {
	char where[CONFIG_PATH_MAX];
	int fd;
};

struct server {
	struct server_paths paths;
	struct config *config;
	struct access access;
	int daemons_count;
	struct MHD_Daemon *daemon[CONFIG_API_LISTEN_MAX];
	int kept_count;
	struct server_socket kept[CONFIG_API_LISTEN_MAX];
	bool missing; /* an address of the configuration is not this machine's now */
	boot_t retry_at;
	char *certificate, *key, *client_ca; /* as files; libmicrohttpd borrows them */
	struct agent_ask agent;
	struct server_client client[SERVER_CLIENTS];
	struct server_text status_text, metrics_text[2];
	struct metrics_own own;
	int signal_fd;
	boot_t now;
	bool stopping;
};

struct request {
	struct server *server;
	struct MHD_Connection *connection;
	const struct route *route;
	const struct access_entry *who;
	char body[COMMAND_BODY_MAX];
	size_t body_len;
	bool too_long;
	bool waits;  /* for the agent; suspended */
	char *reply; /* what it said, or NULL */
	unsigned reply_status;
};

/* ---- request.c ---- */
enum MHD_Result request_handle(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
			       const char *version, const char *data, size_t *size, void **state);
void request_completed(void *ctx, struct MHD_Connection *c, void **state,
		       enum MHD_RequestTerminationCode why);
/* Nothing of the URL is decoded: a path is one of the table or none. */
size_t request_unescape(void *ctx, struct MHD_Connection *c, char *text);

#endif
