/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's end of cpg_relay: owns the child and the socket to it. Replaces a child that died or that does
 * not answer (because corosync hangs), with a growing pause. Never blocks. Knows nothing of what it carries;
 * has no queue: -EAGAIN means the child's socket is full.
 */
#ifndef RK_CPG_IO_H
#define RK_CPG_IO_H

#include "clock.h"
#include "cpg_relay.h"

#include <sys/types.h>

struct cpg_io_ops {
	void (*up)(void *ctx, uint32_t corosync_node);
	void (*down)(void *ctx); /* also if it was not up */
	void (*view)(void *ctx, node_set_t members, node_set_t left, node_set_t down, node_set_t joined);
	void (*quorum)(void *ctx, bool quorate);
	void (*deliver)(void *ctx, uint32_t corosync_node, const uint8_t *data, size_t len);
	/* As in heartbeat_io.h. */
	void (*fd_changed)(void *ctx, int old_fd, int fd);
};

struct cpg_io {
	const struct cpg_io_ops *ops;
	void *ctx;
	char group[64];
	int fd;
	pid_t child;
	bool up;
	boot_t ping_at;
	boot_t alive_at;
	boot_t start_at; /* no child: when to start one */
	int64_t pause_ns;
	uint64_t starts;
	uint8_t packet[CPG_RELAY_PACKET_MAX];
};

/* Starts the child. Calls no callback. Borrows ops and ctx for its life. */
int cpg_io_init(struct cpg_io *c, const char *cluster, const struct cpg_io_ops *ops, void *ctx, boot_t now);
void cpg_io_close(struct cpg_io *c);
void cpg_io_readable(struct cpg_io *c, boot_t now);
boot_t cpg_io_next(const struct cpg_io *c);
void cpg_io_tick(struct cpg_io *c, boot_t now);
/* @retval -EAGAIN try later   @retval -ENOTCONN not joined */
int cpg_io_send(struct cpg_io *c, const void *data, size_t len);

#endif
