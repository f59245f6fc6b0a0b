/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A thin wrapper around libnl: one socket for requests that are answered at once, another for events with a
 * big buffer. Messages are built and parsed with libnl's nlmsg_ and nla_ functions; what comes back are real
 * errnos, with the kernel's own words where it gives them. An overrun of the event socket is -ENOBUFS: the
 * caller has missed something and must look at everything again.
 */
#ifndef RK_NETLINK_H
#define RK_NETLINK_H

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdint.h>

#define NETLINK_BUFFER_SIZE (256 * 1024)

struct netlink {
	struct nl_sock *sock;
	uint8_t *buffer;
	char error_text[128]; /* the kernel's words for the latest failed request, or "" */
};

typedef void netlink_handler(void *ctx, const struct nlmsghdr *h);

/* protocol: NETLINK_ROUTE, ... groups: RTNLGRP_..., ended by 0; NULL = none. */
int netlink_open(struct netlink *n, int protocol, const int *groups);
void netlink_close(struct netlink *n);
int netlink_fd(const struct netlink *n);

/* Sends a request and waits for its acknowledgement. Takes msg. @retval -ENOMEM msg is NULL. */
int netlink_request(struct netlink *n, struct nl_msg *msg);
/* The same, for a question about one thing: handler gets the answer before the acknowledgement. Takes msg. */
int netlink_get(struct netlink *n, struct nl_msg *msg, netlink_handler *handler, void *ctx);
/* Sends a dump request and calls handler for each answer. Takes msg.
 * @retval -EAGAIN the dump was interrupted by a change; some answers were handled. */
int netlink_dump(struct netlink *n, struct nl_msg *msg, netlink_handler *handler, void *ctx);
/* Hands over what has arrived, without waiting. @retval -ENOBUFS messages were lost. */
int netlink_receive(struct netlink *n, netlink_handler *handler, void *ctx);

/* A request with its fixed header copied in; NULL without memory. */
struct nl_msg *netlink_message(int type, int flags, const void *header, size_t len);

#endif
