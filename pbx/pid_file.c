/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pid_file.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>

int pid_file_read(const char *path, pid_t *ret_pid)
{
	/* Nonblocking: a FIFO in its place must not hang us. */
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[32];
	ssize_t n;
	long pid;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof text - 1);
	if (n < 0)
		return -errno;
	text[n] = 0;
	pid = strtol(text, NULL, 10);
	if (pid <= 1 || pid > INT_MAX)
		return -EBADMSG;
	*ret_pid = (pid_t)pid;
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH ? -ESRCH : 0;
}
