/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The process behind an adapter: its own process group, normal scheduling and signals, no descriptor of ours
 * but its three pipes. Knows nothing of what is said on them.
 */
#ifndef RK_ADAPTER_CHILD_H
#define RK_ADAPTER_CHILD_H

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

struct adapter_child {
	pid_t pid; /* 0 = none */
	int pidfd; /* readable when it ended */
	int in;	   /* socket towards its stdin; nonblocking, as the others */
	int out;   /* its stdout */
	int err;   /* its stderr */
};

#define ADAPTER_CHILD_NONE \
	((struct adapter_child){ .pidfd = -EBADF, .in = -EBADF, .out = -EBADF, .err = -EBADF })

int adapter_child_spawn(struct adapter_child *c, const char *path);
/* To the whole process group; it becomes a zombie until reaped. */
void adapter_child_kill(const struct adapter_child *c);
/* True if it had ended: ret_status is that of waitid (a signal as -signal). Kills what is left of its group,
 * closes all descriptors. */
bool adapter_child_reap(struct adapter_child *c, int *ret_status);
/* Kills, closes, and reaps; waits up to 50 ms for the kill to work. */
void adapter_child_close(struct adapter_child *c);

#endif
