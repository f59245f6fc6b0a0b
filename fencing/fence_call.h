/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One call of a fence agent, for an event loop: the work is done by the program ringkeep-fence-call, which
 * holds the deadline. Both descriptors are watched for reading; when pidfd is readable the call is over.
 * Closing it earlier, or our death, kills the agent and all that it started.
 */
#ifndef RK_FENCE_CALL_H
#define RK_FENCE_CALL_H

#include "fence_wire.h"

#include <sys/types.h>

/* How much longer than its timeout the program may take to say so; then something is wrong with the machine,
 * and fence_call_kill() is due. */
#define FENCE_CALL_GRACE_MS 5000

struct fence_call {
	pid_t pid; /* 0 = none runs */
	int pidfd; /* readable when it has ended */
	int output;
	int request; /* open while somebody wants the answer */
	char *room;  /* borrowed */
	size_t size, used;
};

/* room, borrowed, takes what the program says: FENCE_ANSWER_LINE_MAX bytes, and FENCE_OUTPUT_MAX more where
 * the action is "metadata". */
void fence_call_init(struct fence_call *c, char *room, size_t size);
/* program: path of ringkeep-fence-call. Borrows both only until it returns.
 * @retval -EINVAL, -EMSGSIZE  as of fence_request_write()
 * @retval -errno  it cannot be started */
int fence_call_start(struct fence_call *c, const char *program, const struct fence_request *r);
/* Once output is readable: reads, without waiting. Closes it once the child has. */
void fence_call_listen(struct fence_call *c);
void fence_call_kill(struct fence_call *c);
/* Once pidfd is readable: the result, whatever happened. Closes the descriptors. The metadata, if any, is
 * ret_output bytes at ret_text in room; both may be NULL. */
void fence_call_end(struct fence_call *c, struct fence_result *ret, const char **ret_text,
		    size_t *ret_output);

#endif
