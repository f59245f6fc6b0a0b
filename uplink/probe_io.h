/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asks one target through one uplink and tells what came back. It neither knows when to ask nor what an
 * answer is worth: probe_window does. Never blocks; the caller's loop polls one descriptor.
 *
 * A probe leaves only through its uplink: the socket is bound to the device (and marked), and before each
 * probe the kernel is asked for the route. What answers must prove that it got the question: each carries a
 * random number of 80 bits or more, DNS as much as fits.
 */
#ifndef RK_PROBE_IO_H
#define RK_PROBE_IO_H

#include "clock.h"
#include "netlink.h"
#include "probe_dns_wire.h"
#include "probe_icmp_wire.h"
#include "probe_socket.h"

enum probe_kind {
	PROBE_KIND_ICMP,
	PROBE_KIND_TCP,	 /* a connection is accepted */
	PROBE_KIND_DNS,	 /* over UDP; "no such name" is an answer, "server failure" is none */
	PROBE_KIND_HTTP, /* the status is as expected: a portal that asks for a login is not the Internet */
	PROBE_KIND_STUN,
	PROBE_KIND_SIP,	    /* OPTIONS over UDP; any final response but 503 */
	PROBE_KIND_SIP_TCP, /* the same over a connection of its own */
	PROBE_KINDS_COUNT
};

#define PROBE_HOST_MAX 254
#define PROBE_PATH_MAX 128

struct probe_target {
	enum probe_kind kind;
	struct probe_binding binding; /* `from` is needed */
	struct ip_address to;
	uint16_t port;
	uint32_t table; /* the uplink's; and its gateway, none: the device itself */
	struct ip_address gateway;
	char host[PROBE_HOST_MAX]; /* DNS: the name to ask for. HTTP: the Host */
	char path[PROBE_PATH_MAX]; /* HTTP: "/" */
	uint16_t http_status;	   /* expected; 0: any 2xx */
	int64_t timeout_ns; /* given up after this; longer than what counts as lost, so that a late answer
			     * is seen as one */
};

struct probe_result {
	uint16_t sequence;
	boot_t at;  /* when the kernel got it, where it says so */
	int error;  /* 0: a good answer; ETIMEDOUT; EREMOTEIO: an answer, but `status` is not a good one;
		     * ECONNREFUSED, ... */
	int status; /* HTTP, SIP: status. DNS: rcode. STUN: error code. Else 0 */
	struct ip_address public_address; /* STUN */
	uint16_t public_port;
};

/* Must not call probe_io_ functions for the same target. */
typedef void probe_io_handler(void *ctx, const struct probe_result *r);

#define PROBE_IO_OUT_MAX    32 /* under way at once; one more, and the oldest is given up silently */
#define PROBE_IO_STREAM_MAX 1024

struct probe_out {
	bool used;
	uint16_t sequence;
	boot_t sent_at;
	int fd; /* of a stream; -EBADF */
	bool connected;
	size_t filled;
	uint8_t data[PROBE_IO_STREAM_MAX];
};

struct probe_io {
	struct probe_target target;
	struct netlink *route; /* borrowed */
	probe_io_handler *handler;
	void *ctx;
	uint8_t nonce[PROBE_NONCE_SIZE];
	int epoll_fd;
	int fd; /* of datagrams; -EBADF: opened with the next probe */
	int ifindex;
	struct probe_out out[PROBE_IO_OUT_MAX];
	struct {
		uint64_t sent, answered, failed, no_route, unsent, stray;
	} counters;
};

/* Copies target, borrows route and ctx. @retval -EINVAL target makes no request (host or path). */
int probe_io_init(struct probe_io *p, const struct probe_target *target, struct netlink *route,
		  probe_io_handler *handler, void *ctx);
void probe_io_close(struct probe_io *p);

/* @retval -ENETUNREACH it would not leave through the uplink: nothing was sent. -EADDRNOTAVAIL: nor
 * without an address of the uplink. Any other: a failed bind or send is a failed probe. */
int probe_io_send(struct probe_io *p, uint16_t sequence, boot_t now);
int probe_io_fd(const struct probe_io *p);
/* Call this before probe_io_tick(): who stood still finds the answers in the socket. */
void probe_io_ready(struct probe_io *p, boot_t now);
void probe_io_tick(struct probe_io *p, boot_t now);
boot_t probe_io_next(const struct probe_io *p);
/* The device or an address has changed: sockets are made anew, what was under way is forgotten. */
void probe_io_reset(struct probe_io *p);

const char *probe_kind_name(enum probe_kind kind);

#endif
