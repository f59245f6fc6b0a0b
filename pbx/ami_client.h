/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One connection to an Asterisk's manager interface over loopback: login, actions with an ActionID and a
 * deadline each, lists, events, and a new connection with backoff whenever this one is lost, refused, or does
 * not answer. Never blocks. `error` is the sentence of what is wrong, "" while it is up.
 */
#ifndef RK_AMI_CLIENT_H
#define RK_AMI_CLIENT_H

#include "ami_text.h"
#include "clock.h"

#include <netinet/in.h>

#define AMI_SLOTS_MAX  64
#define AMI_OUT_MAX    (64 * 1024)
#define AMI_WHY_MAX    160
#define AMI_CREDENTIAL 128

enum ami_state { AMI_DOWN, AMI_CONNECTING, AMI_BANNER, AMI_LOGIN, AMI_UP };

enum ami_answer {
	AMI_ITEM,   /* one event of a list */
	AMI_DONE,   /* it succeeded, the list is whole */
	AMI_FAILED, /* Asterisk said Error: the message has its words */
	AMI_LOST    /* no answer; no message */
};

struct ami_slot {
	uint32_t id; /* 0 = free */
	int call;    /* the owner's */
	uint32_t tag;
	boot_t deadline;
};

struct ami_ops {
	/* Logged in, or lost. */
	void (*connected)(void *ctx, bool connected, boot_t now);
	void (*event)(void *ctx, const char *name, const struct ami_message *m, boot_t now);
	/* Items come first; exactly one of the others ends it. */
	void (*answered)(void *ctx, const struct ami_slot *slot, enum ami_answer what,
			 const struct ami_message *m, boot_t now);
};

struct ami_client {
	struct sockaddr_in to;
	char target[32];
	char user[AMI_CREDENTIAL], secret[AMI_CREDENTIAL];
	const struct ami_ops *ops;
	void *ctx;
	enum ami_state state;
	int fd; /* -EBADF */
	struct ami_stream in;
	char out[AMI_OUT_MAX];
	size_t out_used;
	struct ami_slot slots[AMI_SLOTS_MAX];
	uint32_t next_id;
	uint32_t login_id;
	boot_t deadline; /* of connecting and login; AMI_DOWN: when to try again */
	int64_t backoff_ns;
	bool refused; /* the login was: it lives, and knows us not */
	uint64_t garbage;
	char error[AMI_WHY_MAX];
};

/* Copies. -ENOMEM; -E2BIG credentials too long. */
int ami_client_init(struct ami_client *a, const struct sockaddr_in *to, const char *user, const char *secret,
		    const struct ami_ops *ops, void *ctx, boot_t now);
void ami_client_close(struct ami_client *a);
/* 0: answered() follows; -ENOTCONN; -EBUSY no slot or no room; -EINVAL a value that would break the line. */
int ami_client_call(struct ami_client *a, int call, uint32_t tag, int64_t timeout_ns, const char *action,
		    const struct ami_field *fields, size_t count, boot_t now);
size_t ami_client_free_slots(const struct ami_client *a);
bool ami_client_in_flight(const struct ami_client *a, int call);
short ami_client_events(const struct ami_client *a);
void ami_client_ready(struct ami_client *a, boot_t now);
boot_t ami_client_next(const struct ami_client *a);
void ami_client_tick(struct ami_client *a, boot_t now);

#endif
