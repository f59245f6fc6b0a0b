/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_call.h"

#include "child_spawn.h"
#include "cleanup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

void fence_call_init(struct fence_call *c, char *room, size_t size)
{
	*c = (struct fence_call){
		.pidfd = -EBADF, .output = -EBADF, .request = -EBADF, .room = room, .size = size
	};
}

/* A socket rather than a pipe: a write to a program that has died is an error, not a signal. */
static int call_send(int fd, const struct fence_request *r)
{
	char text[FENCE_REQUEST_TEXT_MAX];
	size_t len;
	int error = fence_request_write(r, text, &len);

	if (error == 0 && send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
		error = -EIO; /* a new socket has room for it */
	explicit_bzero(text, sizeof text);
	return error;
}

int fence_call_start(struct fence_call *c, const char *program, const struct fence_request *r)
{
	char *const argv[] = { (char *)(uintptr_t)program, NULL };
	_cleanup_(close_fd) int in = -EBADF, request = -EBADF, out = -EBADF, output = -EBADF;
	int pair[2], error;

	assert(!c->pid);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	in = pair[0];
	request = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	output = pair[0];
	out = pair[1];
	error = call_send(request, r);
	if (error == 0 && fcntl(output, F_SETFL, O_NONBLOCK) < 0)
		error = -errno;
	if (error == 0)
		error = child_spawn(argv, in, out, out, &c->pid, &c->pidfd);
	if (error < 0)
		return error;
	c->used = 0;
	c->request = request;
	c->output = output;
	request = output = -EBADF;
	return 0;
}

void fence_call_listen(struct fence_call *c)
{
	char waste[512];

	for (;;) {
		size_t room = c->size - c->used;
		ssize_t n = room ? read(c->output, c->room + c->used, room)
				 : read(c->output, waste, sizeof waste);

		if (n == 0) { /* readable for ever: who is woken by it would keep the child from its end */
			close_fd(&c->output);
			c->output = -EBADF;
		}
		if (n <= 0)
			return;
		c->used += room ? (size_t)n : 0;
	}
}

void fence_call_kill(struct fence_call *c)
{
	if (c->pid)
		(void)kill(c->pid,
			   SIGKILL); /* the namespace follows; its end is still seen through the pidfd */
}

void fence_call_end(struct fence_call *c, struct fence_result *ret, const char **ret_text, size_t *ret_output)
{
	size_t output = 0;
	int status = 0, line;

	assert(c->pid);
	fence_call_listen(c);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	close_fd(&c->pidfd);
	close_fd(&c->output);
	close_fd(&c->request);
	c->pid = 0;
	c->pidfd = c->output = c->request = -EBADF;
	line = fence_answer_read(c->room, c->used, ret, &output);
	if (line < 0) {
		*ret = (struct fence_result){ .answer = WIFSIGNALED(status) ? FENCE_ANSWER_TIMEOUT
									    : FENCE_ANSWER_BROKEN };
		fence_said(c->room, c->used, ret->said);
		line = (int)c->used;
	}
	if (output > c->used - (size_t)line)
		output = c->used - (size_t)line; /* more than room holds */
	if (ret_text) {
		*ret_text = c->room + line;
		*ret_output = output;
	}
}
