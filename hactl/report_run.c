/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_run.h"

#include "child_spawn.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REAP_STEP_MS 10

int64_t report_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* As its operator would run it, in a group of its own. */
static int start(char *const argv[], int out, pid_t *ret)
{
	_cleanup_(close_fd) int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_(close_fd) int pidfd = -EBADF;

	return in < 0 ? -errno : child_spawn_env(argv, environ, in, out, out, ret, &pidfd);
}

/* Until the other end is closed, enough is there, or it is too late. */
static void collect(int fd, size_t bytes_max, int64_t until_ms, struct report_output *ret)
{
	while (ret->len < bytes_max) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left_ms = until_ms - report_now_ms();
		ssize_t n;

		if (left_ms <= 0 || poll(&p, 1, (int)left_ms) <= 0) {
			ret->late = report_now_ms() >= until_ms;
			if (ret->late)
				return;
			continue;
		}
		n = read(fd, ret->data + ret->len, bytes_max - ret->len);
		if (n <= 0)
			return;
		ret->len += (size_t)n;
	}
	ret->cut = true;
}

/* A program may close its output and go on. */
static int reap(pid_t pid, int64_t until_ms, struct report_output *ret)
{
	const struct timespec step = { .tv_nsec = REAP_STEP_MS * 1000000L };
	int status = 0;

	while (!ret->late && !ret->cut && waitpid(pid, &status, WNOHANG) == 0) {
		ret->late = report_now_ms() >= until_ms;
		(void)nanosleep(&step, NULL);
	}
	if (ret->late || ret->cut) {
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int report_run(char *const argv[], size_t bytes_max, uint32_t ms_max, struct report_output *ret)
{
	int64_t begun_ms = report_now_ms();
	_cleanup_(close_fd) int read_end = -EBADF, write_end = -EBADF;
	int pipes[2], r;
	pid_t pid;

	memset(ret, 0, sizeof *ret);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	read_end = pipes[0];
	write_end = pipes[1];
	ret->data = malloc(bytes_max + 1);
	if (!ret->data)
		return -ENOMEM;
	r = start(argv, write_end, &pid);
	if (r < 0)
		return r;
	close_fd(&write_end);
	write_end = -EBADF;
	collect(read_end, bytes_max, begun_ms + ms_max, ret);
	ret->status = reap(pid, begun_ms + ms_max, ret);
	ret->took_ms = (uint32_t)(report_now_ms() - begun_ms);
	return 0;
}

int report_read(const char *path, size_t bytes_max, struct report_output *ret)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = 1;

	memset(ret, 0, sizeof *ret);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	ret->data = malloc(bytes_max + 1);
	if (!ret->data)
		return -ENOMEM;
	ret->cut = (uint64_t)st.st_size > bytes_max;
	if (ret->cut && lseek(fd, st.st_size - (off_t)bytes_max, SEEK_SET) < 0)
		return -errno;
	while (ret->len < bytes_max && n > 0) {
		n = read(fd, ret->data + ret->len, bytes_max - ret->len);
		if (n < 0)
			return -errno;
		ret->len += (size_t)n;
	}
	return 0;
}
