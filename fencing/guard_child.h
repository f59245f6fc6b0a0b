/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One run of a short program that reads a text and says little: the text is its stdin, what it says (stdout
 * and stderr, the beginning of it) is kept, its end is seen through a pidfd. Ending it in time is the
 * caller's business.
 */
#ifndef RK_GUARD_CHILD_H
#define RK_GUARD_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct guard_child {
	pid_t pid;  /* 0 = none runs */
	int pidfd;  /* readable when it has ended */
	int output; /* -EBADF: closed by the child */
	size_t used;
	char said[1024]; /* always ends with NUL */
};

void guard_child_init(struct guard_child *c);
/* argv[0] is a path. Borrows text. */
int guard_child_start(struct guard_child *c, char *const argv[], const char *text);
/* The same with another environment, and argv[0] may be a name, which is looked for in our PATH. */
int guard_child_start_env(struct guard_child *c, char *const argv[], char *const env[], const char *text);
/* Reads what it says, without waiting; more than fits is thrown away. Closes `output` once the child has. */
void guard_child_listen(struct guard_child *c);
/* With all that it started. */
void guard_child_kill(struct guard_child *c);
/* Once pidfd is readable: 0 if it ended with exit code 0, else -EIO (-ETIMEDOUT if it was killed). Closes the
 * descriptors. */
int guard_child_end(struct guard_child *c);

#endif
