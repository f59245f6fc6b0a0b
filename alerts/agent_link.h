/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent as this process sees it: its history records as they come and, after each connection, those that
 * were missed; its status at intervals. Two connections to the control socket; a third party that asks and
 * reads, and nothing that the agent would wait for. Never waits itself.
 */
#ifndef RK_AGENT_LINK_H
#define RK_AGENT_LINK_H

#include "clock.h"
#include "control_client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct agent_link_ops {
	/* Was it seen already? */
	bool (*known)(void *ctx, const json_t *record);
	/* Those that were missed, oldest first. complete: there are no older ones that were missed, too. */
	void (*missed)(void *ctx, const json_t *records, bool complete);
	void (*record)(void *ctx, const json_t *record);
	void (*status)(void *ctx, const json_t *status);
};

enum agent_question { ASKED_NOTHING, ASKED_HISTORY, ASKED_STATUS };

struct agent_link {
	const char *path; /* borrowed */
	const struct agent_link_ops *ops;
	void *ctx;
	int64_t interval_ns;
	struct control_client watch, ask;
	enum agent_question asked;
	unsigned count; /* of records asked for */
	bool live;	/* what was missed is known, what comes is new */
	boot_t retry_at, answer_by, status_at;
	boot_t down_since; /* 0 = it answers */
	char why[160];	   /* it does not */
};

/* All borrowed. */
void agent_link_init(struct agent_link *l, const char *path, int64_t interval_ns,
		     const struct agent_link_ops *ops, void *ctx, boot_t now);
void agent_link_close(struct agent_link *l);
/* Connects, asks, reads; whenever a descriptor is readable or agent_link_next() has come. */
void agent_link_work(struct agent_link *l, boot_t now);
boot_t agent_link_next(const struct agent_link *l);
/* To be polled for reading, at most two. Returns how many. */
int agent_link_fds(const struct agent_link *l, int ret[2]);

/* One line of either connection, which is bytes from outside: NULL if it is no JSON object. New reference. */
json_t *agent_link_parse(const char *line, size_t len);

#endif
