/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child_spawn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Own group, so that a kill reaches its children; no real-time priority and no signal mask of ours. */
static int spawn_attributes(posix_spawnattr_t *attr)
{
	const struct sched_param normal = { 0 };
	sigset_t none, all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	return posix_spawnattr_setpgroup(attr, 0) || posix_spawnattr_setsigmask(attr, &none) ||
	       posix_spawnattr_setsigdefault(attr, &all) ||
	       posix_spawnattr_setschedpolicy(attr, SCHED_OTHER) ||
	       posix_spawnattr_setschedparam(attr, &normal) ||
	       posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSCHEDULER);
}

static int spawn_files(posix_spawn_file_actions_t *files, int in, int out, int err)
{
	return posix_spawn_file_actions_adddup2(files, in, 0) ||
	       posix_spawn_file_actions_adddup2(files, out, 1) ||
	       posix_spawn_file_actions_adddup2(files, err, 2) ||
	       posix_spawn_file_actions_addclosefrom_np(files, 3);
}

static int spawn(char *const argv[], char *const env[], int in, int out, int err, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r = -ENOMEM;

	if (posix_spawn_file_actions_init(&files))
		return -ENOMEM;
	if (!posix_spawnattr_init(&attr)) {
		if (!spawn_attributes(&attr) && !spawn_files(&files, in, out, err))
			r = -posix_spawnp(ret, argv[0], &files, &attr, argv, env);
		(void)posix_spawnattr_destroy(&attr); /* cannot fail in glibc */
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return r;
}

int child_spawn(char *const argv[], int in, int out, int err, pid_t *ret_pid, int *ret_pidfd)
{
	char *const env[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, (char[]){ "LC_ALL=C.UTF-8" },
			      NULL };

	return child_spawn_env(argv, env, in, out, err, ret_pid, ret_pidfd);
}

int child_spawn_env(char *const argv[], char *const env[], int in, int out, int err, pid_t *ret_pid,
		    int *ret_pidfd)
{
	pid_t pid = 0;
	int fd, r = spawn(argv, env, in, out, err, &pid);

	if (r < 0)
		return r;
	fd = (int)syscall(SYS_pidfd_open, pid, 0); /* not reaped yet, so the pid is still its own */
	if (fd < 0) {
		r = -errno;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return r;
	}
	*ret_pid = pid;
	*ret_pidfd = fd;
	return 0;
}
