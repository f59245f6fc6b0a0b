/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpg_io.h"

#include "cleanup.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PING_NS	     NS_PER_S
#define ALIVE_NS     (4 * NS_PER_S) /* without an answer to a ping: corosync or the child hangs */
#define PAUSE_NS_MIN (500 * NS_PER_MS)
#define PAUSE_NS_MAX (8 * NS_PER_S)
#define PACKETS_MAX  64		  /* per call */
#define BYTES_MAX    (100 * 1024) /* the same: two full batches of bindings are about 2 ms of work */
#define SOCKET_BYTES (1 << 20)

/* ---- the child ---- */

static void set_buffers(int fd)
{
	const int size = SOCKET_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* smaller, but big enough */
}

static int start_child(struct cpg_io *c, boot_t now)
{
	_cleanup_(close_fd) int mine = -EBADF;
	_cleanup_(close_fd) int theirs = -EBADF;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	mine = pair[0];
	theirs = pair[1];
	set_buffers(mine);
	set_buffers(theirs);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		cpg_relay_run(theirs, c->group);
	c->child = pid;
	c->fd = mine;
	mine = -EBADF;
	c->starts++;
	c->alive_at = now;
	c->ping_at = now;
	return 0;
}

static void reap_child(struct cpg_io *c)
{
	if (c->child <= 0)
		return;
	(void)kill(c->child, SIGKILL);
	while (waitpid(c->child, NULL, 0) < 0 && errno == EINTR)
		; /* it ends at once: it holds nothing that waits for a disk or a device */
	c->child = 0;
}

static void end_child(struct cpg_io *c, boot_t now)
{
	int fd = c->fd;

	c->up = false;
	c->ops->down(c->ctx);
	c->fd = -1;
	if (fd >= 0) {
		c->ops->fd_changed(c->ctx, fd, -1);
		(void)close(fd);
	}
	reap_child(c);
	c->start_at = boot_add(now, c->pause_ns);
	c->pause_ns = c->pause_ns * 2 < PAUSE_NS_MAX ? c->pause_ns * 2 : PAUSE_NS_MAX;
}

int cpg_io_init(struct cpg_io *c, const char *cluster, const struct cpg_io_ops *ops, void *ctx, boot_t now)
{
	*c = (struct cpg_io){ .ops = ops, .ctx = ctx, .fd = -1, .pause_ns = PAUSE_NS_MIN };
	(void)snprintf(c->group, sizeof c->group, "ringkeep/%.*s", RK_NAME_MAX, cluster);
	return start_child(c, now);
}

void cpg_io_close(struct cpg_io *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	reap_child(c);
}

/* ---- to the child ---- */

static int send_packet(struct cpg_io *c, enum cpg_relay_kind kind, const void *data, size_t len)
{
	struct cpg_relay_packet p = { .kind = (uint8_t)kind };
	struct iovec parts[2] = { { &p, sizeof p }, { (void *)(uintptr_t)data, len } };
	const struct msghdr m = { .msg_iov = parts, .msg_iovlen = len ? 2 : 1 };

	if (sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* A child that is gone is noticed by reading. */
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? -EAGAIN : -ENOTCONN;
}

int cpg_io_send(struct cpg_io *c, const void *data, size_t len)
{
	return c->up && c->fd >= 0 ? send_packet(c, RELAY_SEND, data, len) : -ENOTCONN;
}

/* ---- from the child ---- */

static void take_packet(struct cpg_io *c, const struct cpg_relay_packet *p, size_t len, boot_t now)
{
	switch ((enum cpg_relay_kind)p->kind) {
	case RELAY_ALIVE:
		c->alive_at = now;
		c->pause_ns = PAUSE_NS_MIN;
		break;
	case RELAY_UP:
		c->up = true;
		c->ops->up(c->ctx, p->node);
		break;
	case RELAY_DOWN:
		c->up = false;
		c->ops->down(c->ctx);
		break;
	case RELAY_VIEW:
		c->ops->view(c->ctx, p->members, p->left, p->down, p->joined);
		break;
	case RELAY_QUORUM:
		c->ops->quorum(c->ctx, p->flag != 0);
		break;
	case RELAY_DELIVER:
		c->ops->deliver(c->ctx, p->node, c->packet + sizeof *p, len - sizeof *p);
		break;
	case RELAY_SEND:
	case RELAY_PING:
		break; /* only in the other direction */
	}
}

void cpg_io_readable(struct cpg_io *c, boot_t now)
{
	size_t bytes = 0;

	for (int i = 0; i < PACKETS_MAX && bytes < BYTES_MAX && c->fd >= 0; i++) {
		struct cpg_relay_packet p;
		ssize_t n = recv(c->fd, c->packet, sizeof c->packet, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < (ssize_t)sizeof p) {
			end_child(c, now);
			return;
		}
		bytes += (size_t)n;
		memcpy(&p, c->packet, sizeof p);
		take_packet(c, &p, (size_t)n, now);
	}
}

/* ---- timer ---- */

boot_t cpg_io_next(const struct cpg_io *c)
{
	return c->fd < 0 ? c->start_at : c->ping_at;
}

static void restart(struct cpg_io *c, boot_t now)
{
	if (boot_before(now, c->start_at))
		return;
	if (start_child(c, now) == 0)
		c->ops->fd_changed(c->ctx, -1, c->fd);
	else
		c->start_at = boot_add(now, PAUSE_NS_MAX); /* no memory, no processes: later */
}

void cpg_io_tick(struct cpg_io *c, boot_t now)
{
	if (c->fd < 0) {
		restart(c, now);
		return;
	}
	if (boot_before(now, c->ping_at))
		return;
	/* If we ourselves stood still, its answer is waiting to be read. */
	if (boot_diff_ns(c->ping_at, now) > PING_NS)
		c->alive_at = now;
	c->ping_at = boot_add(now, PING_NS);
	if (boot_diff_ns(c->alive_at, now) > ALIVE_NS)
		end_child(c, now);
	else
		(void)send_packet(c, RELAY_PING, NULL, 0); /* no room: it hangs, or answers later */
}
