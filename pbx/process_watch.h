/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells at once when a process that is not our child ends: a pidfd becomes readable. Refuses to guess: a pid
 * that is gone when it is asked for is reported as gone.
 */
#ifndef RK_PROCESS_WATCH_H
#define RK_PROCESS_WATCH_H

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

struct process_watch {
	pid_t pid; /* 0 = nobody */
	int fd;	   /* pidfd, becomes readable (EPOLLIN) when the process ended; -EBADF */
};

#define PROCESS_WATCH_NONE ((struct process_watch){ .fd = -EBADF })

/* Watches pid instead of what was watched before. -ESRCH: it is gone already. */
int process_watch_set(struct process_watch *w, pid_t pid);
/* True once the watched process has ended (a zombie counts as ended). */
bool process_watch_ended(const struct process_watch *w);
void process_watch_close(struct process_watch *w);

#endif
