/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child_job.h"

#include "cleanup.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

int child_job_init(struct child_job *j)
{
	guard_child_init(&j->child);
	j->kill_at = BOOT_NEVER;
	j->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return j->epoll_fd < 0 ? -errno : 0;
}

void child_job_close(struct child_job *j)
{
	if (child_job_runs(j)) {
		guard_child_kill(&j->child);
		(void)guard_child_end(&j->child);
	}
	close_fd(&j->epoll_fd);
	j->epoll_fd = -EBADF;
}

bool child_job_runs(const struct child_job *j)
{
	return j->child.pid != 0;
}

int child_job_start(struct child_job *j, char *const argv[], char *const env[], const char *text, boot_t now,
		    int64_t timeout_ns)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int r;

	if (child_job_runs(j))
		return -EBUSY;
	r = guard_child_start_env(&j->child, argv, env, text);
	if (r < 0)
		return r;
	if (epoll_ctl(j->epoll_fd, EPOLL_CTL_ADD, j->child.pidfd, &ev) < 0 ||
	    epoll_ctl(j->epoll_fd, EPOLL_CTL_ADD, j->child.output, &ev) < 0) {
		r = -errno;
		guard_child_kill(&j->child);
		(void)guard_child_end(&j->child);
		return r;
	}
	j->kill_at = boot_add(now, timeout_ns);
	return 0;
}

int child_job_fd(const struct child_job *j)
{
	return j->epoll_fd;
}

boot_t child_job_next(const struct child_job *j)
{
	return j->kill_at;
}

static bool job_ended(const struct child_job *j)
{
	siginfo_t info = { 0 };

	return waitid(P_PIDFD, (id_t)j->child.pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

bool child_job_work(struct child_job *j, boot_t now, int *ret_result)
{
	if (!child_job_runs(j))
		return false;
	if (j->child.output >= 0)
		guard_child_listen(&j->child);
	if (job_ended(j)) {
		j->kill_at = BOOT_NEVER;
		*ret_result = guard_child_end(&j->child);
		return true;
	}
	if (!boot_before(now, j->kill_at)) {
		guard_child_kill(&j->child);
		j->kill_at = BOOT_NEVER; /* it ends as soon as the kernel lets it */
	}
	return false;
}

const char *child_job_said(const struct child_job *j, char *ret, size_t size)
{
	size_t n = 0;

	for (const char *p = j->child.said; *p && n + 1 < size; p++)
		ret[n++] = *p > ' ' && *p <= '~' ? *p : ' ';
	while (n > 0 && ret[n - 1] == ' ')
		n--;
	ret[n] = '\0';
	return ret;
}
