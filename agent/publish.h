/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names in DNS that follow a group: its holder writes the public addresses of its uplinks there, by an update
 * (RFC 2136, signed by TSIG, RFC 8945) that nsupdate makes. One at a time; what fails is tried again, less
 * and less often. Who holds the group and what the addresses are, others say.
 */
#ifndef RK_PUBLISH_H
#define RK_PUBLISH_H

#include "child_job.h"
#include "config.h"

#define PUBLISH_NAMES_MAX      (RK_GROUPS_MAX * CONFIG_PUBLISH_MAX)
#define PUBLISH_TIMEOUT_NS     (10 * NS_PER_S)
#define PUBLISH_RETRY_NS       (5 * NS_PER_S)
#define PUBLISH_RETRY_MAX_NS   (300 * NS_PER_S)
#define PUBLISH_ALARM_FAILURES 3

/* What a name is to have. A family that is not ours to write is left as it is. */
struct publish_addresses {
	bool writes[2];		      /* IPv4, IPv6 */
	struct ip_address address[2]; /* none: there is no such record */
};

struct publish_name {
	bool wanted; /* we hold its group */
	bool done;   /* the server has what is wanted */
	struct config_publish config;
	struct publish_addresses want;
	boot_t at; /* not before */
	uint32_t failures;
};

struct publish {
	const char *program; /* nsupdate */
	struct child_job job;
	int running;  /* -1: none */
	bool stopped; /* by us: its group was taken from us meanwhile */
	struct publish_addresses sent;
	struct publish_name name[PUBLISH_NAMES_MAX];
	uint64_t updates, failed;
};

/* 0 or -errno. program: a name in our PATH, or a path; borrowed. */
int publish_init(struct publish *p, const char *program);
/* Kills what runs. */
void publish_close(struct publish *p);

/* The group of this name is held here, and this is what the world is to see. Nothing happens if the server
 * has it from us already, nor while no address is known: an old one is better than none. Copies config. */
void publish_want(struct publish *p, uint32_t name, const struct config_publish *config,
		  const struct publish_addresses *want, boot_t now);
/* It is held by another node or by none: ours no more, and to be written again when it comes back. */
void publish_leave(struct publish *p, uint32_t name);

int publish_fd(const struct publish *p);
boot_t publish_next(const struct publish *p);
/* When the descriptor is readable or publish_next() has come. The number of a name whose update has ended, -1
 * if none has; *ret_result: 0, -EIO (refused: p->job.child.said tells why), -ETIMEDOUT, or why it did not
 * start. Call it until it is -1. */
int publish_work(struct publish *p, boot_t now, int *ret_result);

/* What nsupdate reads. @retval -ENOBUFS size is too small. */
int publish_text(const struct config_publish *c, const struct publish_addresses *want, char *ret,
		 size_t size);

#endif
