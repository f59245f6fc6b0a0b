/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_child.h"

#include "child_spawn.h"
#include "cleanup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

void guard_child_init(struct guard_child *c)
{
	*c = (struct guard_child){ .pidfd = -EBADF, .output = -EBADF };
}

/* A file in memory rather than a pipe: nobody has to feed it while the child reads. */
static int child_stdin(const char *text)
{
	int fd = memfd_create("ringkeep", MFD_CLOEXEC);
	size_t left = strlen(text);

	while (fd >= 0 && left) {
		ssize_t n = write(fd, text, left);

		if (n < 0) {
			int error = -errno;

			close_fd(&fd);
			return error;
		}
		text += n;
		left -= (size_t)n;
	}
	if (fd < 0)
		return -errno;
	(void)lseek(fd, 0, SEEK_SET); /* cannot fail on a file in memory */
	return fd;
}

int guard_child_start(struct guard_child *c, char *const argv[], const char *text)
{
	return guard_child_start_env(c, argv, NULL, text);
}

int guard_child_start_env(struct guard_child *c, char *const argv[], char *const env[], const char *text)
{
	_cleanup_(close_fd) int in = child_stdin(text);
	int pipes[2], r;

	assert(!c->pid);
	if (in < 0)
		return in;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	c->used = 0;
	c->said[0] = '\0';
	r = env ? child_spawn_env(argv, env, in, pipes[1], pipes[1], &c->pid, &c->pidfd)
		: child_spawn(argv, in, pipes[1], pipes[1], &c->pid, &c->pidfd);
	close_fd(&pipes[1]);
	if (r < 0) {
		close_fd(&pipes[0]);
		return r;
	}
	(void)fcntl(pipes[0], F_SETFL, O_NONBLOCK); /* our end only */
	c->output = pipes[0];
	return 0;
}

void guard_child_listen(struct guard_child *c)
{
	char waste[512];

	for (;;) {
		size_t room = sizeof c->said - 1 - c->used;
		ssize_t n = room ? read(c->output, c->said + c->used, room)
				 : read(c->output, waste, sizeof waste);

		if (n == 0) { /* readable for ever: who is woken by it would keep the child from its end */
			close_fd(&c->output);
			c->output = -EBADF;
		}
		if (n <= 0)
			return;
		if (!room)
			continue;
		c->used += (size_t)n;
		c->said[c->used] = '\0';
	}
}

void guard_child_kill(struct guard_child *c)
{
	if (c->pid)
		(void)kill(-c->pid,
			   SIGKILL); /* its group is its own; its end is still seen through the pidfd */
}

int guard_child_end(struct guard_child *c)
{
	int status = 0;

	assert(c->pid);
	guard_child_listen(c);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	close_fd(&c->pidfd);
	close_fd(&c->output);
	c->pid = 0;
	c->pidfd = c->output = -EBADF;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return WIFSIGNALED(status) ? -ETIMEDOUT : -EIO;
}
