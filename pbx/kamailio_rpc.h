/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * JSON-RPC to Kamailio over its unix datagram socket, several calls in flight, each answered exactly once by
 * answer, error or timeout. Refuses big answers: a datagram of more than about 128 KiB never arrives,
 * silently; lists of everything go through kamailio_list.h.
 */
#ifndef RK_KAMAILIO_RPC_H
#define RK_KAMAILIO_RPC_H

#include "binding.h"

#include <sys/socket.h>
#include <sys/un.h>

struct json_t;

#define KAMAILIO_RPC_WINDOW 64

enum kamailio_call {
	CALL_NONE,
	CALL_UPTIME,
	CALL_LOOKUP,
	CALL_REMOVE,
	CALL_ADD,
	CALL_LIST,
	CALL_DIALOGS,
	CALL_REQUESTS,
	/* kamailio_trunks.c */
	CALL_TRUNKS,
	CALL_TRUNK_ENABLE,
	CALL_TRUNK_DISABLE,
	CALL_TRUNK_UNREGISTER,
	CALL_TRUNK_RELOAD,
	CALL_TRUNK_STATUS,
	CALL_TRUNK_FORGET,
	CALL_UPLINK /* kamailio_uplink.c */
};

struct kamailio_rpc_slot {
	enum kamailio_call call; /* CALL_NONE = free */
	uint32_t id;
	boot_t deadline;
	char aor[BINDING_AOR_MAX + 1];
	char contact[BINDING_CONTACT_MAX + 1];
};

/* result NULL: error says why (borrowed); code is Kamailio's, or 0 if it did not answer. */
typedef void kamailio_answered_fn(void *ctx, const struct kamailio_rpc_slot *slot,
				  const struct json_t *result, int code, const char *error, boot_t now);

struct kamailio_rpc {
	int fd;
	struct sockaddr_un to;
	size_t window; /* calls in flight at most */
	uint32_t next_id;
	kamailio_answered_fn *answered;
	void *ctx;
	char *reply; /* KAMAILIO_REPLY_MAX */
	struct kamailio_rpc_slot slots[KAMAILIO_RPC_WINDOW];
};

/* window: what a unix datagram socket of this machine holds (kamailio_rpc_window()): an answer that finds
 * ours full is lost. */
int kamailio_rpc_init(struct kamailio_rpc *rpc, const char *path, size_t window,
		      kamailio_answered_fn *answered, void *ctx);
/* net.unix.max_dgram_qlen, at most KAMAILIO_RPC_WINDOW. systemd sets it to 512; where nobody does it is 10.
 */
size_t kamailio_rpc_window(void);
size_t kamailio_rpc_free_slots(const struct kamailio_rpc *rpc);
/* Takes params (NULL = none); aor and contact (may be NULL) come back with the answer. 0: answered() follows;
 * -EAGAIN: window or Kamailio's socket full, later; -errno of the socket: nothing follows. */
int kamailio_rpc_call(struct kamailio_rpc *rpc, enum kamailio_call call, struct json_t *params,
		      const char *aor, const char *contact, boot_t now);
bool kamailio_rpc_in_flight(const struct kamailio_rpc *rpc, enum kamailio_call call);
void kamailio_rpc_ready(struct kamailio_rpc *rpc, boot_t now);
boot_t kamailio_rpc_next(const struct kamailio_rpc *rpc);
void kamailio_rpc_tick(struct kamailio_rpc *rpc, boot_t now);

#endif
