/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The control socket: JSON lines over a unix stream socket. Owns connections, the size limits, and who may
 * call what (the peer's uid decides, SO_PEERCRED). Knows no command: a table of handlers is given at init.
 * Never blocks: a client that does not read what it asked for is dropped.
 *
 * request {"command":"status","args":{...}}  reply {"ok":true,"data":{...}}
 * A request may have "as":{"user":"alice","role":"viewer"}: of somebody for whom the peer asks, with no more than
 * that role and the peer's own; what is recorded names both.
 * or
 * {"ok":false,"code":"refused|usage|forbidden|internal","error":"sentence","nodes":[{"node","reason","text"}]}
 * A client sends its next request after the answer; one that closes its end has gone.
 * A stream is any number of {"event":{...}} lines, ended by {"end":true,...reply}.
 */
#ifndef RK_CONTROL_H
#define RK_CONTROL_H

#include "clock.h"
#include "config.h"

#include <jansson.h>
#include <sys/types.h>

#define CONTROL_CLIENTS_MAX	  32
#define CONTROL_REQUEST_BYTES_MAX (64 * 1024)
#define CONTROL_BACKLOG_BYTES_MAX (4 * 1024 * 1024) /* unread output of one client */
#define CONTROL_USER_MAX	  48

/* Names one request for a later answer; survives the client (answers to a client that left are dropped). */
typedef struct {
	uint64_t value;
} control_ticket_t;

struct control_request {
	const char *command;
	json_t *args; /* an object, never NULL; borrowed */
	uid_t uid;
	pid_t pid;
	char user[CONTROL_USER_MAX]; /* "alice" or "1000" */
	enum config_role role;
	control_ticket_t ticket;
	struct instant now;
};

/* What a handler returns. */
enum control_answer {
	CONTROL_REPLY,	/* *ret_reply is the whole reply (new reference) */
	CONTROL_LATER,	/* control_reply() or control_end() will follow for this ticket */
	CONTROL_STREAM, /* the same, and the client gets control_publish() events meanwhile */
};

struct control_command {
	const char *name;
	enum config_role role; /* the least that may call it */
	enum control_answer (*handler)(void *ctx, const struct control_request *req, json_t **ret_reply);
};

struct control_ops {
	/* Role of a peer; user is its name or NULL. */
	enum config_role (*role)(void *ctx, uid_t uid, const char *user);
	/* A ticket's client has gone; nothing need be sent to it any more. May be NULL. */
	void (*gone)(void *ctx, control_ticket_t ticket);
};

struct control_counters {
	uint64_t requests, forbidden, malformed, dropped_slow, dropped_full;
};

struct control;

/* Binds path (0666: the role decides, and a peer without one is told so). A socket file left by a dead agent
 * is replaced; one that somebody answers on is not (-EADDRINUSE). commands ends with a NULL name; all
 * borrowed. reterr gets one sentence. */
int control_open(struct control **ret, const char *path, const struct control_command *commands,
		 const struct control_ops *ops, void *ctx, char *reterr, size_t size);
/* Removes the socket file. */
void control_close(struct control *c);

/* One descriptor for all clients (epoll). */
int control_fd(const struct control *c);
int control_readable(struct control *c, struct instant now);

/* Answers a CONTROL_LATER or ends a CONTROL_STREAM; takes reply. */
void control_reply(struct control *c, control_ticket_t ticket, json_t *reply);
/* One event line to one stream; takes event. */
void control_event(struct control *c, control_ticket_t ticket, json_t *event);
/* One event line to every stream of `command`; borrows event. */
void control_publish(struct control *c, const char *command, json_t *event);
bool control_has_streams(const struct control *c, const char *command);
const struct control_counters *control_counters(const struct control *c);

/* {"ok":true,"data":data}; takes data (NULL = {}). */
json_t *control_ok(json_t *data);
/* {"ok":false,...}; takes nodes (array or NULL). */
json_t *control_refusal(const char *code, json_t *nodes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
