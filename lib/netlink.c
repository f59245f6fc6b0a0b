/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Big enough that a few thousand address changes in a row fit: the 32 KiB of libnl overran at 100. */
#define EVENT_BUFFER_SIZE (4 * 1024 * 1024)
#define REQUEST_TIMEOUT_S 5

static void netlink_set_buffer(int fd)
{
	int size = EVENT_BUFFER_SIZE;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* smaller is only slower */
}

static int netlink_join(struct netlink *n, const int *groups)
{
	for (; groups && *groups; groups++)
		if (nl_socket_add_membership(n->sock, *groups) < 0)
			return -errno;
	return 0;
}

static int netlink_set_options(struct netlink *n, const int *groups)
{
	const struct timeval timeout = { .tv_sec = REQUEST_TIMEOUT_S };
	int fd = nl_socket_get_fd(n->sock), on = 1;

	netlink_set_buffer(fd);
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on); /* only for better words */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	/* The kernel answers at once; the timeout only keeps a bug from hanging us. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
		return -errno;
	return netlink_join(n, groups);
}

int netlink_open(struct netlink *n, int protocol, const int *groups)
{
	int r;

	*n = (struct netlink){ .sock = nl_socket_alloc(), .buffer = malloc(NETLINK_BUFFER_SIZE) };
	if (!n->sock || !n->buffer) {
		netlink_close(n);
		return -ENOMEM;
	}
	errno = 0;
	if (nl_connect(n->sock, protocol) < 0) {
		r = errno ? -errno : -EIO;
		netlink_close(n);
		return r;
	}
	r = netlink_set_options(n, groups);
	if (r < 0)
		netlink_close(n);
	return r;
}

void netlink_close(struct netlink *n)
{
	if (n->sock)
		nl_socket_free(n->sock);
	free(n->buffer);
	*n = (struct netlink){ 0 };
}

int netlink_fd(const struct netlink *n)
{
	return nl_socket_get_fd(n->sock);
}

struct nl_msg *netlink_message(int type, int flags, const void *header, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (msg && nlmsg_append(msg, (void *)header, len, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int netlink_send(struct netlink *n, struct nl_msg *msg, uint32_t *ret_seq)
{
	int r;

	if (!msg)
		return -ENOMEM;
	n->error_text[0] = '\0';
	nl_complete_msg(n->sock, msg);
	*ret_seq = nlmsg_hdr(msg)->nlmsg_seq;
	errno = 0;
	r = nl_send(n->sock, msg);
	nlmsg_free(msg);
	return r >= 0 ? 0 : errno ? -errno : -EIO;
}

/* One datagram from the kernel. Others may send to our port, too: those are ignored. */
static ssize_t netlink_recv(struct netlink *n, int flags)
{
	struct sockaddr_nl from;
	socklen_t len;
	ssize_t size;

	do {
		len = sizeof from;
		size = recvfrom(netlink_fd(n), n->buffer, NETLINK_BUFFER_SIZE, flags,
				(struct sockaddr *)&from, &len);
	} while ((size < 0 && errno == EINTR) || (size >= 0 && from.nl_pid != 0));
	return size < 0 ? -errno : size;
}

/* NLMSG_ERROR is also the acknowledgement. */
static int netlink_answer(struct netlink *n, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1] = { 0 };
	size_t header = sizeof *e;

	if (nlmsg_datalen(h) < (int)sizeof *e)
		return -EBADMSG;
	if (!(h->nlmsg_flags & NLM_F_CAPPED) && e->error)
		header += nlmsg_datalen(&e->msg);
	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) && nlmsg_datalen(h) > (int)header &&
	    nlmsg_parse((struct nlmsghdr *)h, header, tb, NLMSGERR_ATTR_MAX, NULL) == 0 &&
	    tb[NLMSGERR_ATTR_MSG])
		(void)nla_strlcpy(n->error_text, tb[NLMSGERR_ATTR_MSG], sizeof n->error_text);
	return e->error;
}

/* Goes through one datagram. Returns 1 at the end of the answer (ret_error is set), 0 if more is to come. */
static int netlink_scan(struct netlink *n, ssize_t size, uint32_t seq, netlink_handler *handler, void *ctx,
			int *ret_error)
{
	int left = (int)size;

	for (struct nlmsghdr *h = (void *)n->buffer; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != seq)
			continue; /* the late answer to a request that was given up */
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			*ret_error = -EAGAIN;
		if (h->nlmsg_type == NLMSG_ERROR) {
			*ret_error = netlink_answer(n, h);
			return 1;
		}
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (handler)
			handler(ctx, h);
	}
	return 0;
}

static int netlink_collect(struct netlink *n, uint32_t seq, netlink_handler *handler, void *ctx)
{
	int error = 0;

	for (;;) {
		ssize_t size = netlink_recv(n, 0);

		if (size == -EAGAIN)
			return -ETIMEDOUT;
		if (size < 0)
			return (int)size;
		if (netlink_scan(n, size, seq, handler, ctx, &error))
			return error;
	}
}

int netlink_get(struct netlink *n, struct nl_msg *msg, netlink_handler *handler, void *ctx)
{
	uint32_t seq;
	int r;

	if (msg)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	r = netlink_send(n, msg, &seq);
	return r < 0 ? r : netlink_collect(n, seq, handler, ctx);
}

int netlink_request(struct netlink *n, struct nl_msg *msg)
{
	return netlink_get(n, msg, NULL, NULL);
}

int netlink_dump(struct netlink *n, struct nl_msg *msg, netlink_handler *handler, void *ctx)
{
	uint32_t seq;
	int r;

	if (msg)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	r = netlink_send(n, msg, &seq);
	return r < 0 ? r : netlink_collect(n, seq, handler, ctx);
}

int netlink_receive(struct netlink *n, netlink_handler *handler, void *ctx)
{
	for (;;) {
		ssize_t size = netlink_recv(n, MSG_DONTWAIT);
		int left = (int)size;

		if (size == -EAGAIN)
			return 0;
		if (size < 0)
			return (int)size;
		for (struct nlmsghdr *h = (void *)n->buffer; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			handler(ctx, h);
	}
}
