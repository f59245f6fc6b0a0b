/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "adapter_child.h"

#include "child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define CHILD_CLOSE_MS 50

struct child_pipes {
	int in[2]; /* a socket pair, because a write into a closed pipe is a signal, into a socket only an
		      error */
	int out[2];
	int err[2];
};

static void pipes_close(struct child_pipes *p)
{
	int *fds[] = { &p->in[0], &p->in[1], &p->out[0], &p->out[1], &p->err[0], &p->err[1] };

	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]); /* nothing was written through them */
		*fds[i] = -EBADF;
	}
}

static int pipes_open(struct child_pipes *p)
{
	*p = (struct child_pipes){ { -EBADF, -EBADF }, { -EBADF, -EBADF }, { -EBADF, -EBADF } };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->in) < 0 || pipe2(p->out, O_CLOEXEC) < 0 ||
	    pipe2(p->err, O_CLOEXEC) < 0 || fcntl(p->in[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(p->out[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(p->err[0], F_SETFL, O_NONBLOCK) < 0) {
		int r = -errno;

		pipes_close(p);
		return r;
	}
	return 0;
}

int adapter_child_spawn(struct adapter_child *c, const char *path)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	struct child_pipes p;
	pid_t pid = 0;
	int pidfd = -EBADF, r = pipes_open(&p);

	if (r < 0)
		return r;
	r = child_spawn(argv, p.in[1], p.out[1], p.err[1], &pid, &pidfd);
	if (r == 0) {
		*c = (struct adapter_child){
			.pid = pid, .pidfd = pidfd, .in = p.in[0], .out = p.out[0], .err = p.err[0]
		};
		p.in[0] = p.out[0] = p.err[0] = -EBADF;
	}
	pipes_close(&p);
	return r;
}

void adapter_child_kill(const struct adapter_child *c)
{
	if (c->pid > 0)
		(void)kill(-c->pid, SIGKILL); /* ESRCH: it beat us to it */
}

static void child_forget(struct adapter_child *c)
{
	const int fds[] = { c->pidfd, c->in, c->out, c->err };

	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]); /* whatever was still in them is lost with the child */
	*c = ADAPTER_CHILD_NONE;
}

bool adapter_child_reap(struct adapter_child *c, int *ret_status)
{
	siginfo_t info = { 0 };
	int r;

	if (c->pid <= 0)
		return false;
	r = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	if (r < 0 && errno == ECHILD) {
		/* Collected by somebody else: how it ended is not known, nor whose its group is. */
		*ret_status = 0;
		child_forget(c);
		return true;
	}
	if (r < 0 || info.si_pid == 0)
		return false;
	/* While the leader is a zombie its group id cannot be anybody else's. */
	adapter_child_kill(c);
	(void)waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG); /* cannot block: it is a zombie */
	*ret_status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
	child_forget(c);
	return true;
}

void adapter_child_close(struct adapter_child *c)
{
	struct pollfd ended = { .fd = c->pidfd, .events = POLLIN };
	int status;

	adapter_child_kill(c);
	if (c->pidfd >= 0)
		(void)poll(&ended, 1, CHILD_CLOSE_MS); /* a killed process ends within microseconds, or hangs
							  in the kernel */
	if (!adapter_child_reap(c, &status))
		child_forget(c);
}
