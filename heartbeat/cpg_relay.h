/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The child process that talks to corosync. Calls of libcpg and libquorum wait for corosync's answer without
 * a limit; a corosync that hangs must not hang the agent, whose leases would run out. So the child makes
 * them, and packets of one socket (SOCK_SEQPACKET) go between: it keeps connecting while corosync is absent,
 * joins the group, and tells what comes. It owns nothing else of the agent: every other descriptor is closed,
 * and it ends with its parent. Messages to it wait in the socket while corosync's flow control says "try
 * again".
 */
#ifndef RK_CPG_RELAY_H
#define RK_CPG_RELAY_H

#include "heartbeat_wire.h"

/* Packets begin with one byte that says what they are; numbers are in host order, both ends are this program.
 */
enum cpg_relay_kind {
	RELAY_SEND = 1, /* to the child: a message for the group */
	RELAY_PING,	/* to the child: answer with ALIVE */
	RELAY_ALIVE,	/* from the child, after all that it was sent before */
	RELAY_UP,	/* connected and joined; struct cpg_relay_packet.node is corosync's id of this node */
	RELAY_DOWN,	/* the connection is lost; no view and no quorum any more */
	RELAY_VIEW,    /* members, left, down and joined as sets; ids above NODE_ID_MAX are not ours and left out */
	RELAY_QUORUM,  /* flag */
	RELAY_DELIVER, /* node, and the message behind the packet's head */
};

struct cpg_relay_packet {
	uint8_t kind;
	uint8_t flag;
	uint32_t node;
	node_set_t members;
	node_set_t left;
	node_set_t down; /* of these, those whose node corosync lost */
	node_set_t joined;
};

#define CPG_RELAY_PACKET_MAX (sizeof(struct cpg_relay_packet) + HEARTBEAT_SIZE_MAX)

/* In the child, right after fork(): never returns. fd: its end of the socket. */
_Noreturn void cpg_relay_run(int fd, const char *group);

#endif
