/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The administrator's program that is told of each switch of the uplinks: runs beside everything else, one
 * call at a time and in order, and is killed with all that it started when it takes too long. Nobody waits
 * for it. What it is told, it is told in its environment.
 */
#ifndef RK_UPLINK_HOOK_H
#define RK_UPLINK_HOOK_H

#include "child_job.h"
#include "ip_address.h"

#define UPLINK_HOOK_WAIT_MAX 8
#define UPLINK_HOOK_VARS     9
#define UPLINK_HOOK_VAR_MAX  192

struct uplink_hook_event {
	const char *event;		  /* RINGKEEP_EVENT: "switched", "drained", "failed" */
	const char *from, *to;		  /* UPLINK_FROM, UPLINK_TO; "" = none */
	uint8_t family;			  /* FAMILY: ipv4, ipv6 */
	struct ip_address public_address; /* PUBLIC_ADDRESS; empty if it is not known */
	uint16_t rule;			  /* RULE: "R540" */
	const char *why;		  /* WHY */
};

struct uplink_hook_call {
	char path[200];
	int64_t timeout_ns;
	char var[UPLINK_HOOK_VARS][UPLINK_HOOK_VAR_MAX]; /* "NAME=value" */
};

struct uplink_hook {
	struct child_job job;
	uint8_t waiting;
	struct uplink_hook_call call[UPLINK_HOOK_WAIT_MAX]; /* the first one runs, if any does */
	uint64_t runs, failed, dropped;
};

/* 0 or -errno. */
int uplink_hook_init(struct uplink_hook *h);
/* Kills what runs. */
void uplink_hook_close(struct uplink_hook *h);

/* Copies everything; uplink_hook_work() starts it. @retval -ENOBUFS too many are waiting: this one is not
 * told. */
int uplink_hook_tell(struct uplink_hook *h, const char *path, uint32_t timeout_ms,
		     const struct uplink_hook_event *e);
int uplink_hook_fd(const struct uplink_hook *h);
boot_t uplink_hook_next(const struct uplink_hook *h);
/* True when one has ended badly, once for each: -EIO, -ETIMEDOUT (killed) or why it could not be started;
 * h->job.child.said is what it said. Call it until it is false. */
bool uplink_hook_work(struct uplink_hook *h, boot_t now, int *ret_error);

#endif
