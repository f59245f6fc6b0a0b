/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_io.h"

#include "cleanup.h"
#include "crypto.h"
#include "path_lookup.h"
#include "probe_codec.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>

#define DATAGRAM_MAX  2048
#define EVENTS_MAX    16
#define DATAGRAM_SLOT PROBE_IO_OUT_MAX /* in epoll's data, beside the numbers of the slots */

static const struct probe_codec *codec(const struct probe_io *p)
{
	return &probe_codecs[p->target.kind];
}

static bool stream(const struct probe_io *p)
{
	return codec(p)->type == SOCK_STREAM;
}

int probe_io_init(struct probe_io *p, const struct probe_target *target, struct netlink *route,
		  probe_io_handler *handler, void *ctx)
{
	uint8_t request[PROBE_CODEC_REQUEST_MAX];
	int r;

	*p = (struct probe_io){ .target = *target,
				.route = route,
				.handler = handler,
				.ctx = ctx,
				.fd = -EBADF,
				.epoll_fd = -EBADF };
	for (size_t i = 0; i < PROBE_IO_OUT_MAX; i++)
		p->out[i].fd = -EBADF;
	r = crypto_random(p->nonce, sizeof p->nonce);
	if (r == 0 && codec(p)->request)
		r = codec(p)->request(p, 0, "0.0.0.0:0", request, sizeof request);
	if (r < 0)
		return r;
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return p->epoll_fd < 0 ? -errno : 0;
}

static void out_free(struct probe_out *o)
{
	close_fd(&o->fd); /* leaves epoll with it */
	o->fd = -EBADF;
	o->used = false;
}

void probe_io_reset(struct probe_io *p)
{
	for (size_t i = 0; i < PROBE_IO_OUT_MAX; i++)
		out_free(&p->out[i]);
	close_fd(&p->fd);
	p->fd = -EBADF;
}

void probe_io_close(struct probe_io *p)
{
	probe_io_reset(p);
	close_fd(&p->epoll_fd);
	p->epoll_fd = -EBADF;
}

int probe_io_fd(const struct probe_io *p)
{
	return p->epoll_fd;
}

/* ---- one that is under way ---- */

static struct probe_out *out_find(struct probe_io *p, uint16_t sequence)
{
	for (size_t i = 0; i < PROBE_IO_OUT_MAX; i++)
		if (p->out[i].used && p->out[i].sequence == sequence)
			return &p->out[i];
	return NULL;
}

/* A free place, or that of the oldest. */
static struct probe_out *out_new(struct probe_io *p, uint16_t sequence, boot_t now)
{
	struct probe_out *o = &p->out[0];

	for (size_t i = 0; i < PROBE_IO_OUT_MAX && o->used; i++)
		if (!p->out[i].used || boot_before(p->out[i].sent_at, o->sent_at))
			o = &p->out[i];
	out_free(o);
	o->used = true;
	o->sequence = sequence;
	o->sent_at = now;
	o->connected = false;
	o->filled = 0;
	return o;
}

static void out_end(struct probe_io *p, struct probe_out *o, struct probe_result *r)
{
	r->sequence = o->sequence;
	r->at = boot_max(r->at, o->sent_at); /* whatever the clocks say, no answer before its question */
	out_free(o);
	if (r->error == 0)
		p->counters.answered++;
	else
		p->counters.failed++;
	p->handler(p->ctx, r);
}

static void out_failed(struct probe_io *p, struct probe_out *o, int error, boot_t now)
{
	struct probe_result r = { .at = now, .error = error };

	out_end(p, o, &r);
}

/* ---- sending ---- */

static int send_request(struct probe_io *p, int fd, uint16_t sequence)
{
	uint8_t request[PROBE_CODEC_REQUEST_MAX];
	char self[PROBE_ENDPOINT_TEXT_MAX];
	struct ip_address ip;
	uint16_t port;
	int n = probe_socket_name(fd, &ip, &port);

	if (n == 0)
		n = codec(p)->request(p, sequence, probe_endpoint_format(&ip, port, self), request,
				      sizeof request);
	if (n < 0)
		return n;
	return send(fd, request, (size_t)n, MSG_NOSIGNAL) == n ? 0 : errno ? -errno : -EIO;
}

static int probe_open(struct probe_io *p, uint32_t slot, uint32_t events)
{
	const struct probe_target *t = &p->target;
	struct epoll_event e = { .events = events, .data.u32 = slot };
	int protocol = t->kind != PROBE_KIND_ICMP ? 0
		       : t->to.family == AF_INET  ? IPPROTO_ICMP
						  : IPPROTO_ICMPV6;
	int fd = probe_socket_open(&t->binding, codec(p)->type, protocol, &t->to,
				   t->kind == PROBE_KIND_ICMP ? 0 : t->port, p->ifindex);

	if (fd >= 0 && epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) {
		int r = -errno;

		close_fd(&fd);
		return r;
	}
	return fd;
}

static int send_datagram(struct probe_io *p, uint16_t sequence, boot_t now)
{
	int r;

	if (p->fd < 0)
		p->fd = probe_open(p, DATAGRAM_SLOT, EPOLLIN);
	if (p->fd < 0)
		return p->fd;
	r = send_request(p, p->fd, sequence);
	/* What an earlier probe has brought back (port unreachable) comes out of this send. */
	if (r == -ECONNREFUSED)
		r = send_request(p, p->fd, sequence);
	if (r == 0)
		(void)out_new(p, sequence, now);
	return r;
}

static int send_stream(struct probe_io *p, uint16_t sequence, boot_t now)
{
	struct probe_out *o = out_new(p, sequence, now);
	int fd = probe_open(p, (uint32_t)(o - p->out), EPOLLOUT);

	if (fd < 0) {
		out_free(o);
		return fd;
	}
	o->fd = fd;
	return 0;
}

/* A device that was made anew keeps its name, and the old socket its old device. */
static int probe_check_way(struct probe_io *p)
{
	const struct probe_target *t = &p->target;
	struct path_question q = { .to = t->to,
				   .from = t->binding.from,
				   .mark = t->binding.mark,
				   .table = t->table,
				   .gateway = t->gateway,
				   .ifindex = (int)if_nametoindex(t->binding.device) };

	if (q.ifindex == 0)
		return -ENETUNREACH;
	if (!t->binding.from.family)
		return -EADDRNOTAVAIL; /* the kernel would take another uplink's */
	if (q.ifindex != p->ifindex)
		probe_io_reset(p);
	p->ifindex = q.ifindex;
	return path_lookup(p->route, &q);
}

int probe_io_send(struct probe_io *p, uint16_t sequence, boot_t now)
{
	int r = probe_check_way(p);

	if (r < 0) {
		p->counters.no_route++;
		return r;
	}
	r = stream(p) ? send_stream(p, sequence, now) : send_datagram(p, sequence, now);
	if (r < 0)
		p->counters.unsent++;
	else
		p->counters.sent++;
	return r;
}

/* ---- what comes back ---- */

static void take_datagram(struct probe_io *p, const uint8_t *data, size_t len, boot_t at)
{
	struct probe_result r = { .at = at };
	int answered = codec(p)->answer(p, data, len, &r);
	struct probe_out *o = answered == 1 ? out_find(p, r.sequence) : NULL;

	if (o)
		out_end(p, o, &r);
	else if (answered != 0)
		p->counters.stray++;
}

/* "Port unreachable" does not say for which: for all that are out. */
static void fail_all(struct probe_io *p, int error, boot_t now)
{
	for (size_t i = 0; i < PROBE_IO_OUT_MAX; i++)
		if (p->out[i].used)
			out_failed(p, &p->out[i], error, now);
}

static void ready_datagrams(struct probe_io *p, boot_t now)
{
	uint8_t data[DATAGRAM_MAX];

	/* As many as can be answers, so that a flood does not hold us. */
	for (int i = 0; i < 2 * PROBE_IO_OUT_MAX && p->fd >= 0; i++) {
		boot_t at;
		ssize_t n = probe_socket_take(p->fd, data, sizeof data, now, &at);

		if (n == -EAGAIN)
			return;
		if (n >= 0)
			take_datagram(p, data, (size_t)n, at);
		else
			fail_all(p, (int)-n, now);
	}
}

static void stream_connected(struct probe_io *p, struct probe_out *o, boot_t now)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = (uint32_t)(o - p->out) };
	struct probe_result done = { .at = now };
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(o->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == 0 && !codec(p)->request) {
		out_end(p, o, &done);
		return;
	}
	if (error == 0)
		error = -send_request(p, o->fd, o->sequence);
	if (error == 0 && epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, o->fd, &e) < 0)
		error = errno;
	if (error)
		out_failed(p, o, error, now);
	else
		o->connected = true;
}

static void stream_readable(struct probe_io *p, struct probe_out *o, boot_t now)
{
	ssize_t n = recv(o->fd, o->data + o->filled, sizeof o->data - o->filled, 0);
	struct probe_result r = { .at = now };
	int answered;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		out_failed(p, o, n == 0 ? ECONNRESET : errno, now);
		return;
	}
	o->filled += (size_t)n;
	answered = codec(p)->answer(p, o->data, o->filled, &r);
	if (answered == 1)
		out_end(p, o, &r);
	else if (answered < 0 || o->filled == sizeof o->data)
		out_failed(p, o, EBADMSG, now);
}

void probe_io_ready(struct probe_io *p, boot_t now)
{
	struct epoll_event e[EVENTS_MAX];
	int n = epoll_wait(p->epoll_fd, e, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		struct probe_out *o;

		if (e[i].data.u32 == DATAGRAM_SLOT) {
			ready_datagrams(p, now);
			continue;
		}
		o = &p->out[e[i].data.u32];
		if (!o->used || o->fd < 0)
			continue;
		if (o->connected)
			stream_readable(p, o, now);
		else
			stream_connected(p, o, now);
	}
}

void probe_io_tick(struct probe_io *p, boot_t now)
{
	for (size_t i = 0; i < PROBE_IO_OUT_MAX; i++)
		if (p->out[i].used && !boot_before(now, boot_add(p->out[i].sent_at, p->target.timeout_ns)))
			out_failed(p, &p->out[i], ETIMEDOUT, now);
}

boot_t probe_io_next(const struct probe_io *p)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < PROBE_IO_OUT_MAX; i++)
		if (p->out[i].used)
			next = boot_min(next, boot_add(p->out[i].sent_at, p->target.timeout_ns));
	return next;
}
