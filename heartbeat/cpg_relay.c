/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpg_relay.h"

#include <corosync/cpg.h>
#include <corosync/quorum.h>
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define RELAY_FD	 3
#define RECONNECT_MS_MIN 100
#define RECONNECT_MS_MAX 1000
#define TRY_AGAIN_MS	 5
#define IDLE_MS		 1000

struct relay {
	struct cpg_name group;
	cpg_handle_t cpg;
	quorum_handle_t quorum;
	bool connected;
	bool joined;
	int reconnect_ms;
	size_t waiting; /* length of a message that corosync did not take yet; 0 = none */
	uint8_t packet[CPG_RELAY_PACKET_MAX];
};

static void tell(const struct cpg_relay_packet *p, const void *data, size_t len)
{
	struct iovec parts[2] = {
		{ (void *)(uintptr_t)p, sizeof *p },
		{ (void *)(uintptr_t)data, len },
	};
	const struct msghdr m = { .msg_iov = parts, .msg_iovlen = len ? 2 : 1 };

	while (sendmsg(RELAY_FD, &m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			_exit(0); /* the agent is gone */
}

/* ---- what corosync says ---- */

static void on_deliver(cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid,
		       void *msg, size_t len)
{
	const struct cpg_relay_packet p = { .kind = RELAY_DELIVER, .node = nodeid };

	if (len <= HEARTBEAT_SIZE_MAX) /* longer ones are not of ours */
		tell(&p, msg, len);
}

static node_set_t set_of(const struct cpg_address *list, size_t count)
{
	node_set_t set = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].nodeid <= NODE_ID_MAX)
			set |= node_bit((node_id_t)list[i].nodeid);
	return set;
}

static node_set_t down_of(const struct cpg_address *list, size_t count)
{
	node_set_t set = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].reason == CPG_REASON_NODEDOWN && list[i].nodeid <= NODE_ID_MAX)
			set |= node_bit((node_id_t)list[i].nodeid);
	return set;
}

static void on_view(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
		    size_t members_count, const struct cpg_address *left, size_t left_count,
		    const struct cpg_address *joined, size_t joined_count)
{
	const struct cpg_relay_packet p = {
		.kind = RELAY_VIEW,
		.members = set_of(members, members_count),
		.left = set_of(left, left_count),
		.down = down_of(left, left_count),
		.joined = set_of(joined, joined_count),
	};

	tell(&p, NULL, 0);
}

static void on_quorum(quorum_handle_t handle, uint32_t quorate, struct quorum_ring_id ring, uint32_t count,
		      const uint32_t *list)
{
	const struct cpg_relay_packet p = { .kind = RELAY_QUORUM, .flag = quorate != 0 };

	tell(&p, NULL, 0);
}

static void on_nodes(quorum_handle_t handle, struct quorum_ring_id ring, uint32_t members_count,
		     const uint32_t *members, uint32_t joined_count, const uint32_t *joined,
		     uint32_t left_count, const uint32_t *left)
{
	/* The group's own membership is what counts. */
}

/* ---- connection ---- */

static void disconnect(struct relay *r)
{
	const struct cpg_relay_packet p = { .kind = RELAY_DOWN };

	if (r->connected)
		tell(&p, NULL, 0);
	if (r->cpg)
		(void)cpg_finalize(r->cpg); /* corosync may be gone; nothing else to be done */
	if (r->quorum)
		(void)quorum_finalize(r->quorum);
	r->cpg = 0;
	r->quorum = 0;
	r->waiting = 0;
	r->connected = r->joined = false;
}

static bool connect_both(struct relay *r)
{
	cpg_model_v1_data_t cpg_model = {
		.model = CPG_MODEL_V1,
		.cpg_deliver_fn = on_deliver,
		.cpg_confchg_fn = on_view,
	};
	quorum_model_v1_data_t quorum_model = {
		.model = QUORUM_MODEL_V1,
		.quorum_notify_fn = on_quorum,
		.nodelist_notify_fn = on_nodes,
	};
	uint32_t type;

	if (cpg_model_initialize(&r->cpg, CPG_MODEL_V1, (cpg_model_data_t *)&cpg_model, r) != CS_OK) {
		r->cpg = 0;
		return false;
	}
	if (quorum_model_initialize(&r->quorum, QUORUM_MODEL_V1, (quorum_model_data_t *)&quorum_model, &type,
				    r) != CS_OK) {
		r->quorum = 0;
		return false;
	}
	return quorum_trackstart(r->quorum, CS_TRACK_CURRENT | CS_TRACK_CHANGES) == CS_OK;
}

/* Corosync says "try again" while its membership changes. */
static bool join(struct relay *r)
{
	struct cpg_relay_packet p = { .kind = RELAY_UP };
	cs_error_t e;

	if (r->joined)
		return true;
	e = cpg_join(r->cpg, &r->group);
	if (e == CS_ERR_TRY_AGAIN)
		return true;
	if (e != CS_OK || cpg_local_get(r->cpg, &p.node) != CS_OK)
		return false;
	r->joined = true;
	tell(&p, NULL, 0);
	return true;
}

static void try_connect(struct relay *r)
{
	if (connect_both(r)) {
		r->connected = true;
		r->reconnect_ms = RECONNECT_MS_MIN;
		return;
	}
	disconnect(r);
	r->reconnect_ms = r->reconnect_ms * 2 < RECONNECT_MS_MAX ? r->reconnect_ms * 2 : RECONNECT_MS_MAX;
}

static bool dispatch(struct relay *r)
{
	cs_error_t c = cpg_dispatch(r->cpg, CS_DISPATCH_ALL);
	cs_error_t q = quorum_dispatch(r->quorum, CS_DISPATCH_ALL);

	return (c == CS_OK || c == CS_ERR_TRY_AGAIN) && (q == CS_OK || q == CS_ERR_TRY_AGAIN);
}

/* ---- what the agent says ---- */

static bool send_waiting(struct relay *r)
{
	const struct iovec part = { r->packet + sizeof(struct cpg_relay_packet), r->waiting };
	cs_error_t e = cpg_mcast_joined(r->cpg, CPG_TYPE_AGREED, &part, 1);

	if (e == CS_ERR_TRY_AGAIN)
		return true;
	r->waiting = 0;
	return e == CS_OK || e == CS_ERR_TOO_BIG || e == CS_ERR_INVALID_PARAM;
}

static void take_packet(struct relay *r)
{
	const struct cpg_relay_packet alive = { .kind = RELAY_ALIVE };
	ssize_t n = recv(RELAY_FD, r->packet, sizeof r->packet, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		_exit(0); /* the agent is gone */
	if (n < (ssize_t)sizeof alive)
		return;
	if (r->packet[0] == RELAY_PING) {
		uint32_t node;

		/* Sending waits for nobody; this does, and that is what the agent wants to know. */
		if (r->connected)
			(void)cpg_local_get(r->cpg, &node);
		tell(&alive, NULL, 0);
	} else if (r->packet[0] == RELAY_SEND && r->joined) {
		r->waiting = (size_t)n - sizeof alive;
	}
}

/* ---- loop ---- */

static void wait_for_more(struct relay *r)
{
	struct pollfd fds[3] = { { .fd = RELAY_FD, .events = r->waiting ? 0 : POLLIN },
				 { .fd = -1 },
				 { .fd = -1 } };
	int timeout = r->waiting || (r->connected && !r->joined) ? TRY_AGAIN_MS : IDLE_MS;

	if (r->connected) {
		fds[1].events = fds[2].events = POLLIN;
		(void)cpg_fd_get(r->cpg, &fds[1].fd);
		(void)quorum_fd_get(r->quorum, &fds[2].fd);
	} else {
		timeout = r->reconnect_ms;
	}
	(void)poll(fds, 3, timeout);
	if (fds[0].revents & (POLLIN | POLLHUP))
		take_packet(r);
}

static void step(struct relay *r)
{
	if (!r->connected)
		try_connect(r);
	if (r->connected && (!join(r) || !dispatch(r) || (r->waiting && !send_waiting(r))))
		disconnect(r);
	wait_for_more(r);
}

/* Corosync looks at the user, not at capabilities. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 }, { 0 } };

	(void)syscall(SYS_capset, &head, none); /* dropping cannot be refused */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void become_relay(int fd)
{
	/* A stop of the service signals every process of it; this one ends with its parent. */
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
	sigset_t none;

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "ringkeep-cpg");
	if (fd != RELAY_FD && dup2(fd, RELAY_FD) < 0)
		_exit(1);
	(void)close_range(RELAY_FD + 1, ~0U, 0);
	drop_capabilities();
}

_Noreturn void cpg_relay_run(int fd, const char *group)
{
	static struct relay r; /* of this process only */

	become_relay(fd);
	r.reconnect_ms = RECONNECT_MS_MIN;
	r.group.length = (uint32_t)strnlen(group, CPG_MAX_NAME_LENGTH);
	memcpy(r.group.value, group, r.group.length);
	while (true)
		step(&r);
}
