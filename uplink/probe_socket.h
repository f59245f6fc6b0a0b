/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The socket of a probe: bound to one device, marked, and for datagrams told when the kernel got them.
 */
#ifndef RK_PROBE_SOCKET_H
#define RK_PROBE_SOCKET_H

#include "clock.h"
#include "ip_address.h"

#include <sys/socket.h>
#include <sys/types.h>

struct probe_binding {
	char device[IF_NAMESIZE];
	uint32_t mark;		/* 0: none */
	uint8_t dscp;		/* 46: as speech */
	struct ip_address from; /* none: the kernel's choice */
};

/* Does not block; connecting goes on if it is a stream. protocol: 0, IPPROTO_ICMP, IPPROTO_ICMPV6.
 * Any step that fails is an error: a socket that is not bound would measure another uplink.
 * @retval the descriptor, or -errno. */
int probe_socket_open(const struct probe_binding *b, int type, int protocol, const struct ip_address *to,
		      uint16_t port, int ifindex);

/* Takes a datagram and when the kernel got it, `now` if it does not say. @retval bytes, or -errno. */
ssize_t probe_socket_take(int fd, void *ret, size_t size, boot_t now, boot_t *ret_at);

#define PROBE_ENDPOINT_TEXT_MAX (IP_TEXT_MAX + 9)
/* "10.77.0.100:5060", "[fd77::100]:5060". Fills ret and returns it. */
const char *probe_endpoint_format(const struct ip_address *ip, uint16_t port,
				  char ret[PROBE_ENDPOINT_TEXT_MAX]);
/* The socket's own end. */
int probe_socket_name(int fd, struct ip_address *ret, uint16_t *ret_port);

#endif
