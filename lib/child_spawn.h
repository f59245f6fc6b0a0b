/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Starts a program with nothing of ours but three descriptors: its own process group, default signals, normal
 * scheduling, and an environment of PATH and LC_ALL.
 */
#ifndef RK_CHILD_SPAWN_H
#define RK_CHILD_SPAWN_H

#include <sys/types.h>

/* argv[0] is a path. in, out, err: borrowed, what becomes its 0, 1 and 2. ret_pidfd: readable when it ended;
 * the caller's to close, and the process the caller's to reap. Returns 0 or -errno. */
int child_spawn(char *const argv[], int in, int out, int err, pid_t *ret_pid, int *ret_pidfd);
/* The same with another environment; argv[0] may be a name, which is looked for in our PATH. */
int child_spawn_env(char *const argv[], char *const env[], int in, int out, int err, pid_t *ret_pid,
		    int *ret_pidfd);

#endif
