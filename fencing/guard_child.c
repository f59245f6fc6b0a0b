/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_child.h"

#include "cleanup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

/* A fresh signal mask, default handlers and normal scheduling: whatever the agent has set is not for nft. */
static int child_attributes(posix_spawnattr_t *a)
{
	const struct sched_param normal = { 0 };
	sigset_t all, none;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if (posix_spawnattr_init(a))
		return -ENOMEM;
	(void)posix_spawnattr_setsigmask(a, &none);
	(void)posix_spawnattr_setsigdefault(a, &all);
	(void)posix_spawnattr_setschedpolicy(a, SCHED_OTHER);
	(void)posix_spawnattr_setschedparam(a, &normal);
	(void)posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						  POSIX_SPAWN_SETSCHEDULER);
	return 0;
}

static int child_spawn(pid_t *ret_pid, char *const argv[], int in, int out)
{
	char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int r = child_attributes(&attributes);

	if (r < 0)
		return r;
	r = -posix_spawn_file_actions_init(&files);
	if (r == 0) {
		(void)posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
		(void)posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
		(void)posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
		r = -posix_spawn(ret_pid, argv[0], &files, &attributes, argv, environment);
		(void)posix_spawn_file_actions_destroy(&files);
	}
	(void)posix_spawnattr_destroy(&attributes);
	return r;
}

int guard_child_start(struct guard_child *c, char *const argv[], const char *text)
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
	r = child_spawn(&c->pid, argv, in, pipes[1]);
	close_fd(&pipes[1]);
	if (r == 0) {
		(void)fcntl(pipes[0], F_SETFL, O_NONBLOCK); /* our end only */
		c->output = pipes[0];
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0); /* not reaped yet, so it is still ours */
		if (c->pidfd >= 0)
			return 0;
		r = -errno;
		(void)kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	c->pid = 0;
	c->output = -EBADF;
	close_fd(&pipes[0]);
	return r;
}

void guard_child_listen(struct guard_child *c)
{
	char waste[512];

	for (;;) {
		size_t room = sizeof c->said - 1 - c->used;
		ssize_t n = room ? read(c->output, c->said + c->used, room)
				 : read(c->output, waste, sizeof waste);

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
		(void)kill(c->pid, SIGKILL); /* its end is still seen through the pidfd */
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
