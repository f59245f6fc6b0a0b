/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_run.h"

#include "cleanup.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FLOOD_PAUSE_MS 10   /* between two reads of what is thrown away anyway */
#define DEATH_MS       3000 /* a killed namespace dies at once, or hangs in the kernel */

/* What the inside tells the outside. */
struct fence_note {
	enum fence_end end;
	int value;
};

struct run_pipes {
	int in[2], out[2], err[2], note[2];
	int life[2]; /* open at our end while we live */
};

int64_t fence_run_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* ---- inside ---- */

static void note_write(int fd, enum fence_end end, int value)
{
	struct fence_note n = { end, value };

	/* A note that is lost reads as "ended in an unknown way". */
	if (write(fd, &n, sizeof n) < 0)
		_exit(1);
}

__attribute__((noreturn)) static void agent_exec(const struct fence_run *r, const struct run_pipes *p)
{
	char *const env[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, (char[]){ "LANG=C" }, NULL };
	char *const argv[] = { (char *)(uintptr_t)r->path, NULL };

	if (dup2(p->in[0], 0) < 0 || dup2(p->out[1], 1) < 0 || dup2(p->err[1], 2) < 0 || chdir("/") < 0)
		note_write(p->note[1], FENCE_END_NOT_STARTED, errno);
	else {
		(void)execve(r->path, argv, env);
		note_write(p->note[1], FENCE_END_NOT_STARTED, errno);
	}
	_exit(127);
}

/* A /proc of the namespace's own, where we may: the agent then sees nobody but itself. */
static void init_mount_proc(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL); /* else the outer one */
}

/* PID 1 of the namespace: reaps, and takes everybody with it when the agent has ended. */
__attribute__((noreturn)) static void init_main(const struct fence_run *r, struct run_pipes *p)
{
	struct pollfd life = { .fd = p->life[0], .events = POLLIN };
	pid_t agent, pid;
	int status;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "fence-init");
	close_fd(&p->life[1]);
	close_fd(&p->in[1]);
	if (poll(&life, 1, 0) != 0) /* our parent died before it could take us with it */
		_exit(1);
	init_mount_proc();
	(void)setsid();
	agent = fork();
	if (agent == 0)
		agent_exec(r, p);
	if (agent < 0) {
		note_write(p->note[1], FENCE_END_NOT_STARTED, errno);
		_exit(1);
	}
	do
		pid = waitpid(-1, &status, 0);
	while (pid != agent && (pid > 0 || errno == EINTR));
	if (pid == agent && WIFEXITED(status))
		note_write(p->note[1], FENCE_END_EXIT, WEXITSTATUS(status));
	else if (pid == agent)
		note_write(p->note[1], FENCE_END_SIGNAL, WTERMSIG(status));
	_exit(0);
}

/* ---- outside ---- */

static int pipes_open(struct run_pipes *p)
{
	int *const pairs[] = { p->in, p->out, p->err, p->note, p->life };

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		pairs[i][0] = pairs[i][1] = -EBADF;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (pipe2(pairs[i], O_CLOEXEC) < 0)
			return -errno;
	if (fcntl(p->out[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(p->err[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(p->note[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(p->in[1], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static void pipes_close(struct run_pipes *p)
{
	int *const pairs[] = { p->in, p->out, p->err, p->note, p->life };

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		close_fd(&pairs[i][0]);
		close_fd(&pairs[i][1]);
	}
}

static void write_map(const char *path, const char *text)
{
	_cleanup_(close_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* Without a map the agent sees itself as nobody, and may do what it could before. */
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return;
}

/* Only the next child is in the new namespace. Without CAP_SYS_ADMIN a user namespace brings it. */
static int namespace_make(void)
{
	char uid[64], gid[64];

	(void)snprintf(uid, sizeof uid, "%u %u 1", geteuid(), geteuid());
	(void)snprintf(gid, sizeof gid, "%u %u 1", getegid(), getegid());
	if (unshare(CLONE_NEWPID) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		return -errno;
	write_map("/proc/self/uid_map", uid);
	write_map("/proc/self/setgroups", "deny");
	write_map("/proc/self/gid_map", gid);
	return 0;
}

/* Reads once. Returns what read(2) does; an end of the stream or an error closes our interest in it. */
static ssize_t take(struct pollfd *from, char *to, size_t *used, size_t other_used)
{
	char waste[FENCE_OUTPUT_MAX];
	size_t room = FENCE_OUTPUT_MAX - *used - other_used;
	ssize_t n = room ? read(from->fd, to + *used, room) : read(from->fd, waste, sizeof waste);

	if (n > 0 && room)
		*used += (size_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		from->fd = -1;
	return n;
}

struct watch {
	struct pollfd fd[4]; /* the namespace's init, cancel, stdout, stderr */
};

static int poll_until(struct watch *w, int64_t deadline_ns)
{
	int64_t left = deadline_ns - fence_run_now_ns();

	if (left <= 0)
		return 0;
	return poll(w->fd, 4, (int)((left + NS_PER_MS - 1) / NS_PER_MS));
}

static void watch_output(struct fence_run *r, struct watch *w)
{
	if (w->fd[2].revents)
		(void)take(&w->fd[2], r->out, &r->out_len, r->err_len);
	if (w->fd[3].revents)
		(void)take(&w->fd[3], r->err, &r->err_len, r->out_len);
}

/* A word that nobody asked for is thrown away; only the end of them counts. */
static bool watch_cancelled(const struct watch *w)
{
	char waste[256];
	ssize_t n;

	if (!w->fd[1].revents)
		return false;
	n = read(w->fd[1].fd, waste, sizeof waste);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Until the namespace is dead, the deadline has come or nobody wants to know any more. */
static enum fence_end watch_run(struct fence_run *r, struct watch *w)
{
	const struct timespec pause = { .tv_nsec = FLOOD_PAUSE_MS * NS_PER_MS };

	for (;;) {
		int n = poll_until(w, r->deadline_ns);

		if (n == 0 && fence_run_now_ns() >= r->deadline_ns)
			return FENCE_END_TIMEOUT;
		if (n < 0 && errno != EINTR)
			return FENCE_END_TIMEOUT; /* ENOMEM: as bad as */
		if (n <= 0)
			continue;
		watch_output(r, w);
		if (w->fd[0].revents)
			return FENCE_END_EXIT;
		if (watch_cancelled(w))
			return FENCE_END_CANCELLED;
		if (r->out_len + r->err_len == FENCE_OUTPUT_MAX)
			(void)nanosleep(&pause, NULL);
	}
}

/* The init is the last of its namespace to be reaped: readable means that all are dead. */
static void namespace_end(struct fence_run *r, struct watch *w, pid_t init, const struct run_pipes *p)
{
	struct fence_note note = { FENCE_END_SIGNAL, SIGKILL };
	int64_t end = fence_run_now_ns() + DEATH_MS * NS_PER_MS;

	(void)kill(init, SIGKILL); /* a zombie of ours until reaped, so the pid is its own */
	w->fd[1].fd = -1;
	while (!(w->fd[0].revents & POLLIN) && poll_until(w, end) != 0)
		watch_output(r, w);
	while (w->fd[2].fd >= 0 && take(&w->fd[2], r->out, &r->out_len, r->err_len) > 0)
		; /* what the pipes still hold */
	while (w->fd[3].fd >= 0 && take(&w->fd[3], r->err, &r->err_len, r->out_len) > 0)
		;
	(void)waitpid(init, NULL, WNOHANG);
	if (r->end != FENCE_END_EXIT)
		return;
	if (read(p->note[0], &note, sizeof note) == (ssize_t)sizeof note)
		r->end = note.end;
	else
		r->end = FENCE_END_SIGNAL;
	r->value = note.value;
}

/* Forks the namespace's init. Returns its pid, or -errno. */
static pid_t namespace_start(const struct fence_run *r, struct run_pipes *p)
{
	size_t len = strlen(r->input);
	int error;
	pid_t init;

	if (write(p->in[1], r->input, len) != (ssize_t)len)
		return -EMSGSIZE;
	error = namespace_make();
	if (error < 0)
		return error;
	init = fork();
	if (init == 0)
		init_main(r, p);
	if (init < 0)
		return -errno;
	close_fd(&p->in[0]);
	close_fd(&p->in[1]);
	close_fd(&p->out[1]);
	close_fd(&p->err[1]);
	close_fd(&p->note[1]);
	return init;
}

static void run_in_namespace(struct fence_run *r, struct run_pipes *p, pid_t init)
{
	_cleanup_(close_fd) int pidfd = (int)syscall(SYS_pidfd_open, init, 0);
	struct watch w = { { { .fd = pidfd, .events = POLLIN },
			     { .fd = r->cancel, .events = POLLIN },
			     { .fd = p->out[0], .events = POLLIN },
			     { .fd = p->err[0], .events = POLLIN } } };

	r->end = pidfd < 0 ? FENCE_END_TIMEOUT : watch_run(r, &w);
	namespace_end(r, &w, init, p);
}

void fence_run(struct fence_run *r)
{
	struct run_pipes p;
	pid_t init = pipes_open(&p);

	r->out_len = r->err_len = 0;
	r->value = 0;
	if (init == 0)
		init = namespace_start(r, &p);
	if (init > 0) {
		run_in_namespace(r, &p, init);
	} else {
		r->end = FENCE_END_NO_NAMESPACE;
		r->value = -init;
	}
	pipes_close(&p);
}
