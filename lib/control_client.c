/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOM_FIRST (16 * 1024)
#define READS_MAX  64 /* at once: the caller has other things to do */

void control_client_init(struct control_client *c)
{
	memset(c, 0, sizeof *c);
	c->fd = -EBADF;
}

int control_client_open(struct control_client *c, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof sa.sun_path)
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		r = -errno; /* also EAGAIN: so many wait already that it makes no sense */
		(void)close(fd);
		return r;
	}
	c->fd = fd;
	c->used = c->taken = 0;
	return 0;
}

void control_client_close(struct control_client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c->text);
	control_client_init(c);
}

int control_client_send(struct control_client *c, const char *line)
{
	size_t len = strlen(line);
	ssize_t n = send(c->fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EAGAIN; /* a request is far smaller than the socket's buffer */
}

static int make_room(struct control_client *c)
{
	if (c->taken)
		memmove(c->text, c->text + c->taken, c->used - c->taken);
	c->used -= c->taken;
	c->taken = 0;
	if (c->used < c->size)
		return 0;
	if (c->size >= CONTROL_CLIENT_LINE_MAX)
		return -EMSGSIZE;
	size_t size = c->size ? c->size * 2 : ROOM_FIRST;
	char *more = realloc(c->text, size);

	if (!more)
		return -ENOMEM;
	c->text = more;
	c->size = size;
	return 0;
}

int control_client_read(struct control_client *c)
{
	for (int i = 0; i < READS_MAX; i++) {
		int r = !c->text || c->taken || c->used == c->size ? make_room(c) : 0;

		if (r < 0)
			return r;
		ssize_t n = recv(c->fd, c->text + c->used, c->size - c->used, MSG_DONTWAIT);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		c->used += (size_t)n;
	}
	return 0;
}

char *control_client_line(struct control_client *c, size_t *ret_len)
{
	char *start = c->text ? c->text + c->taken : NULL;
	char *end = start ? memchr(start, '\n', c->used - c->taken) : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	*ret_len = (size_t)(end - start);
	c->taken += *ret_len + 1;
	return start;
}
