/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Frames of FreeSWITCH's event socket: a head of "Name: value" lines up to an empty one, and a body of
 * Content-Length bytes. Reads a stream piece by piece and hands bodies on as they come, so that a list of any
 * length needs no room here. Refuses a head that is no head or too long, and a body of more than
 * ESL_BODY_MAX. Pure. Fuzzed by tests/fuzz/fuzz_freeswitch.c.
 */
#ifndef RK_FREESWITCH_ESL_H
#define RK_FREESWITCH_ESL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESL_HEAD_MAX  4096
#define ESL_BODY_MAX  (64 * 1024 * 1024)
#define ESL_REPLY_MAX 160

enum esl_kind {
	ESL_OTHER, /* of no use here: skipped */
	ESL_AUTH_REQUEST,
	ESL_REPLY,	/* command/reply: its Reply-Text is the answer */
	ESL_API,	/* api/response: its body is the answer */
	ESL_EVENT,	/* text/event-plain */
	ESL_DISCONNECT, /* text/disconnect-notice */
	ESL_REJECTION,	/* text/rude-rejection: an access list of FreeSWITCH */
};

struct esl_head {
	enum esl_kind kind;
	uint32_t length;	   /* of the body */
	char reply[ESL_REPLY_MAX]; /* Reply-Text, cut */
};

struct esl_ops {
	/* Each returns 0 to go on; a negative number ends esl_feed() with it. */
	int (*head)(void *ctx, const struct esl_head *h);
	int (*body)(void *ctx, const char *data, size_t len);
	int (*end)(void *ctx); /* of the frame, with or without a body */
};

struct esl_reader {
	char head[ESL_HEAD_MAX];
	size_t used;
	uint32_t left; /* bytes of the body to come */
};

void esl_reset(struct esl_reader *r);
/* 0; -EBADMSG this is no event socket; -EMSGSIZE a body too long; what an op returned. */
int esl_feed(struct esl_reader *r, const char *data, size_t len, const struct esl_ops *ops, void *ctx);

/* The value of a header in the body of an event, its %XX decoded. FreeSWITCH leaves a % alone that already
 * looks like an escape, so what was decoded may differ from what it meant: ret_decoded (may be NULL) says so.
 * False: not there, longer than size - 1, or with a control character. */
bool esl_event_get(const char *body, size_t len, const char *name, char *ret, size_t size, bool *ret_decoded);

#endif
