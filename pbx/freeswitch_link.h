/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The connection to FreeSWITCH's event socket: connects, logs in, sends commands and gives each its answer,
 * in order, and hands on events. Every command has a time by which it must be answered, however slowly its
 * answer drips; a peer that breaks the order, or says more than anybody asked for, is left and tried again.
 * Knows no command but the login. Refuses to wait and to grow: what waits for the peer is bounded.
 */
#ifndef RK_FREESWITCH_LINK_H
#define RK_FREESWITCH_LINK_H

#include "adapter.h"
#include "freeswitch_esl.h"

#include <netinet/in.h>

#define LINK_COMMANDS_MAX 64
#define LINK_OUT_MAX	  (256 * 1024)
#define LINK_EVENT_MAX	  32768
#define LINK_TEXT_MAX	  1024

enum link_state { LINK_WAIT, LINK_CONNECTING, LINK_GREETING, LINK_LOGIN, LINK_UP };

struct link_command {
	int kind;     /* the owner's */
	uint64_t tag; /* the owner's */
	char aor[BINDING_AOR_MAX + 1];
	char contact[BINDING_CONTACT_MAX + 1];
	int64_t timeout_ns;
};

struct link_ops {
	void (*up)(void *ctx, boot_t now);
	void (*down)(void *ctx, boot_t now);
	void (*lost)(void *ctx, const struct link_command *c); /* before down: it is not answered any more */
	/* The answer of a command: begin, its bytes, end. ok: not refused ("-ERR ..."). text: the first bytes
	 * of it. */
	void (*begin)(void *ctx, const struct link_command *c);
	void (*body)(void *ctx, const struct link_command *c, const char *data, size_t len);
	void (*end)(void *ctx, const struct link_command *c, bool ok, const char *text, boot_t now);
	void (*event)(void *ctx, const char *body, size_t len, boot_t now);
	void (*event_lost)(void *ctx, boot_t now); /* it was too long */
};

struct freeswitch_link {
	struct sockaddr_in to;
	const char *password_file;
	const struct link_ops *ops;
	void *ctx;
	int fd; /* -EBADF between tries */
	enum link_state state;
	boot_t at; /* LINK_WAIT: when to try again; LINK_UP: when the oldest command is late; else: give up */
	boot_t now;		       /* of the turn */
	char problem[ADAPTER_WHY_MAX]; /* what was wrong last, "" = nothing since it is up */
	bool refused;		       /* the last time: it lives, and does not know us */
	uint32_t idle_frames;	       /* of no use, without an answer among them */
	struct esl_reader reader;
	struct esl_head head; /* of the frame being read */
	struct link_command commands[LINK_COMMANDS_MAX];
	size_t first, count;
	char out[LINK_OUT_MAX];
	size_t out_used;
	char event[LINK_EVENT_MAX];
	size_t event_used;
	char text[LINK_TEXT_MAX];
	size_t text_used;
};

void link_init(struct freeswitch_link *l, const struct sockaddr_in *to, const char *password_file,
	       const struct link_ops *ops, void *ctx, boot_t now);
void link_close(struct freeswitch_link *l);
/* text ends with an empty line. c is copied. -ENOTCONN; -EAGAIN too much in flight. */
int link_send(struct freeswitch_link *l, const struct link_command *c, const char *text, size_t len);
size_t link_free_slots(const struct freeswitch_link *l);
size_t link_in_flight(const struct freeswitch_link *l, int kind);
/* Leaves the peer and tries again later; why completes "event socket HOST:PORT ...". */
void link_drop(struct freeswitch_link *l, const char *why, boot_t now);
short link_events(const struct freeswitch_link *l);
void link_ready(struct freeswitch_link *l, boot_t now);
boot_t link_next(const struct freeswitch_link *l);
void link_tick(struct freeswitch_link *l, boot_t now);

#endif
