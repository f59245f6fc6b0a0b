/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent, asked without waiting: one status for everybody, at intervals that depend on whether anybody
 * wants it, and a bounded number of single questions, each on a connection of its own with a deadline.
 * Whatever the agent does, nothing here hangs.
 */
#ifndef RK_AGENT_ASK_H
#define RK_AGENT_ASK_H

#include "clock.h"
#include "control_client.h"

#include <jansson.h>
#include <stdbool.h>

#define AGENT_ASKS_MAX	    8
#define AGENT_WHY_MAX	    160
#define AGENT_BUSY_NS	    (250 * NS_PER_MS) /* between two looks, while somebody asks */
#define AGENT_IDLE_NS	    (2 * NS_PER_S)
#define AGENT_WANTED_NS	    (5 * NS_PER_S) /* for so long after a request somebody is said to ask */
#define AGENT_ANSWER_NS	    (5 * NS_PER_S)
#define AGENT_STATUS_OLD_NS (5 * NS_PER_S) /* of older ones nothing is said */

/* reply: a whole one of the control protocol, borrowed; NULL: none came, and why says so. */
typedef void agent_answer_fn(void *ctx, const json_t *reply, const char *why);

struct agent_question_open {
	struct control_client client;
	boot_t answer_by;
	agent_answer_fn *answer;
	void *ctx;
};

struct agent_ask {
	const char *path; /* borrowed */
	struct control_client status_client;
	bool status_asked;
	boot_t status_next, status_by, wanted_at;
	json_t *status; /* the latest; NULL: none yet, or too old */
	boot_t status_at;
	uint64_t status_number;	 /* another one for each */
	char why[AGENT_WHY_MAX]; /* there is none */
	struct agent_question_open open[AGENT_ASKS_MAX];
};

void agent_ask_init(struct agent_ask *a, const char *path, boot_t now);
/* Questions that are open are answered with NULL. */
void agent_ask_close(struct agent_ask *a);
/* The latest status, borrowed until the next call of anything here; NULL: a->why. */
const json_t *agent_ask_status(struct agent_ask *a, boot_t now);
/* Sends the line (with its newline). @retval -EBUSY so many are open. -errno: the agent cannot be reached. */
int agent_ask_send(struct agent_ask *a, const char *line, agent_answer_fn *answer, void *ctx, boot_t now);
/* Nobody wants the answer any more. */
void agent_ask_forget(struct agent_ask *a, void *ctx);
void agent_ask_work(struct agent_ask *a, boot_t now);
boot_t agent_ask_next(const struct agent_ask *a, boot_t now);
/* To be polled for reading, at most AGENT_ASKS_MAX + 1. */
int agent_ask_fds(const struct agent_ask *a, int ret[AGENT_ASKS_MAX + 1]);

#endif
