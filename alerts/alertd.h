/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-alertd: ties the agent's history and status to the receivers. A process of its own without
 * privileges; nothing that befalls it touches the agent. What was seen is saved after it is in the queues, so
 * that a kill at any moment loses nothing.
 */
#ifndef RK_ALERTD_H
#define RK_ALERTD_H

#include "config.h"
#include "sentence.h"

struct alertd_paths {
	const char *config, *state_dir, *socket;
};

struct alertd;

/* Takes config, also when it fails. reterr gets one sentence. */
int alertd_open(struct alertd **ret, const struct alertd_paths *paths, struct config *config,
		struct sentence *reterr);
/* Until SIGTERM or SIGINT; SIGHUP reads the configuration again, and so does a record that
 * the agent has. The signals are blocked already. */
int alertd_run(struct alertd *d);
void alertd_close(struct alertd *d);

/* One alert to the receiver `name`, once and at once; answer gets what it said.
 * @retval -ENOENT there is no such receiver. @retval -EIO not delivered. */
int alertd_test(const struct config *config, const char *name, char *ret_answer, size_t size);

#endif
