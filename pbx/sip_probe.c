/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sip_probe.h"

#include "sip_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int sip_probe_init(struct sip_probe *p, const char *address, uint16_t port, bool tcp, int64_t interval_ns,
		   uint64_t nonce, boot_t now)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&p->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&p->to;

	*p = (struct sip_probe){
		.tcp = tcp, .interval_ns = interval_ns, .nonce = nonce, .fd = -EBADF, .next_at = now
	};
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		p->to_len = sizeof *v4;
		return 0;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		p->to_len = sizeof *v6;
		return 0;
	}
	return -EINVAL;
}

void sip_probe_close(struct sip_probe *p)
{
	if (p->fd >= 0)
		(void)close(p->fd); /* nothing to lose in a probe */
	p->fd = -EBADF;
	p->connecting = false;
	p->stream_used = 0;
}

void sip_address_text(const struct sockaddr_storage *a, char *ret, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

		(void)inet_ntop(AF_INET6, &v6->sin6_addr, host,
				sizeof host); /* cannot fail: right family and size */
		(void)snprintf(ret, size, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;

		(void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		(void)snprintf(ret, size, "%s:%u", host, ntohs(v4->sin_port));
	}
}

static void probe_failed(struct sip_probe *p, int error)
{
	p->waiting = false;
	p->failures++;
	p->error = error;
	sip_probe_close(p); /* a TCP connection that does not answer is as good as none; UDP starts clean */
}

static void probe_branch(const struct sip_probe *p, char ret[SIP_BRANCH_MAX])
{
	(void)snprintf(ret, SIP_BRANCH_MAX, "rk%016llx%u", (unsigned long long)p->nonce, p->cseq); /* fits */
}

static int probe_open(struct sip_probe *p)
{
	int type = (p->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;

	if (p->fd >= 0)
		return 0;
	p->fd = socket(p->to.ss_family, type, 0);
	if (p->fd < 0)
		return -errno;
	if (connect(p->fd, (struct sockaddr *)&p->to, p->to_len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	p->connecting = true;
	return 0;
}

static int probe_send(struct sip_probe *p)
{
	char target[64], from[64], branch[SIP_BRANCH_MAX], message[SIP_OPTIONS_MAX];
	struct sip_options o = { target, from, p->tcp ? "TCP" : "UDP", branch, p->cseq };
	struct sockaddr_storage self = { 0 };
	socklen_t len = sizeof self;
	int n;

	if (getsockname(p->fd, (struct sockaddr *)&self, &len) < 0)
		return -errno;
	sip_address_text(&p->to, target, sizeof target);
	sip_address_text(&self, from, sizeof from);
	probe_branch(p, branch);
	n = sip_options_build(&o, message, sizeof message);
	if (n < 0)
		return n;
	return send(p->fd, message, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -errno;
}

static void probe_ask(struct sip_probe *p, boot_t now)
{
	int r;

	p->cseq++;
	p->asked_at = now;
	p->waiting = true;
	p->next_at = boot_add(now, p->interval_ns);
	r = probe_open(p);
	if (r == 0 && !p->connecting)
		r = probe_send(p);
	if (r < 0)
		probe_failed(p, -r);
}

static void probe_answer(struct sip_probe *p, const char *data, size_t len)
{
	char branch[SIP_BRANCH_MAX];
	struct sip_response r;

	probe_branch(p, branch);
	if (!p->waiting || sip_response_parse(data, len, &r) < 0 || r.cseq != p->cseq || r.status < 200 ||
	    strcmp(r.branch, branch) || strcmp(r.method, "OPTIONS"))
		return;
	p->status = r.status;
	if (r.status == 503) {
		probe_failed(p, EBUSY);
		return;
	}
	p->waiting = false;
	p->failures = 0;
	p->error = 0;
	p->answers++;
}

static void probe_stream(struct sip_probe *p)
{
	ssize_t n = recv(p->fd, p->stream + p->stream_used, sizeof p->stream - p->stream_used, 0);
	int len = 0;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN) {
			sip_probe_close(p); /* idle connections may be closed by the other side */
			if (p->waiting)
				probe_failed(p, n == 0 ? ECONNRESET : errno);
		}
		return;
	}
	p->stream_used += (size_t)n;
	while (p->fd >= 0 && (len = sip_message_length(p->stream, p->stream_used)) > 0) {
		probe_answer(p, p->stream, (size_t)len);
		if (p->fd < 0)
			return;
		p->stream_used -= (size_t)len;
		memmove(p->stream, p->stream + len, p->stream_used);
	}
	if (p->fd >= 0 && (len < 0 || p->stream_used == sizeof p->stream))
		probe_failed(p, EBADMSG);
}

static void probe_connected(struct sip_probe *p)
{
	socklen_t len = sizeof(int);
	int error = 0;

	p->connecting = false;
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == 0)
		error = -probe_send(p);
	if (error)
		probe_failed(p, error);
}

void sip_probe_ready(struct sip_probe *p, boot_t now)
{
	char message[4096];
	ssize_t n;

	if (p->fd < 0)
		return;
	if (p->connecting) {
		probe_connected(p);
	} else if (p->tcp) {
		probe_stream(p);
	} else {
		n = recv(p->fd, message, sizeof message, 0);
		if (n >= 0)
			probe_answer(p, message, (size_t)n);
		else if (errno != EAGAIN && p->waiting)
			probe_failed(p, errno); /* ECONNREFUSED: nobody listens there, known at once */
	}
}

int sip_probe_fd(const struct sip_probe *p)
{
	return p->fd;
}

short sip_probe_events(const struct sip_probe *p)
{
	return p->connecting ? POLLOUT : POLLIN;
}

boot_t sip_probe_next(const struct sip_probe *p)
{
	return p->next_at;
}

void sip_probe_tick(struct sip_probe *p, boot_t now)
{
	if (boot_before(now, p->next_at))
		return;
	sip_probe_ready(p, now); /* if it was we who stood still, the answer is there */
	if (p->waiting)
		probe_failed(p, ETIMEDOUT);
	probe_ask(p, now);
}
