/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process_watch.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

int process_watch_set(struct process_watch *w, pid_t pid)
{
	int fd;

	if (pid <= 0)
		return -EINVAL;
	if (w->fd >= 0 && w->pid == pid && !process_watch_ended(w))
		return 0;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	process_watch_close(w);
	w->pid = pid;
	w->fd = fd;
	return 0;
}

bool process_watch_ended(const struct process_watch *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	return w->fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

void process_watch_close(struct process_watch *w)
{
	if (w->fd >= 0)
		(void)close(w->fd); /* a pidfd has nothing to lose */
	*w = PROCESS_WATCH_NONE;
}
