/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bytes of a heartbeat: what travels over corosync's CPG in one order for all nodes. Pure: bytes <->
 * struct. Signing and freshness are heartbeat_session's. All numbers big endian:
 *
 *   magic u32 "RKHB" | version u8 | type u8 | sender u8 | 0 u8 | cluster u64 | incarnation u64 | sequence u64
 *   | payload | signature[64]
 *
 * The payload of a STATE may end with fields (tag u8, length u8, bytes), by rising tag, each only if there is
 * something to say; a receiver skips tags that it does not know. New facts of a node go there, so that nodes
 * of two versions go on hearing each other.
 *
 * Groups travel as wire ids; those that the receiver does not know are skipped. Times travel as what remains
 * of them. Payloads of BINDINGS, HISTORY and of a snapshot's sections are opaque here.
 */
#ifndef RK_HEARTBEAT_WIRE_H
#define RK_HEARTBEAT_WIRE_H

#include "core.h"
#include "peers.h"
#include "wire_version.h"

#define HEARTBEAT_MAGIC		0x524b4842u
#define HEARTBEAT_HEADER_SIZE	32
#define HEARTBEAT_OPAQUE_MAX	(60 * 1024) /* bytes of one opaque payload */
#define HEARTBEAT_SIZE_MAX	(HEARTBEAT_HEADER_SIZE + HEARTBEAT_OPAQUE_MAX + 64 + CRYPTO_SIGNATURE_SIZE)
#define HEARTBEAT_WHY_MAX	200
#define HEARTBEAT_VERSION_MAX	32
#define HEARTBEAT_CALLS_UNKNOWN UINT32_MAX

enum heartbeat_type {
	HEARTBEAT_STATE = 1,
	HEARTBEAT_COMMAND,
	HEARTBEAT_BINDINGS,
	HEARTBEAT_HISTORY,
	HEARTBEAT_SNAPSHOT_REQUEST,
	HEARTBEAT_SNAPSHOT,
	HEARTBEAT_FENCE,
};
#define HEARTBEAT_TYPES_COUNT 8 /* with the unused 0 */
const char *heartbeat_type_name(enum heartbeat_type t);

/* What a node says of itself, about once a second and at every change. */
struct heartbeat_state {
	char version[HEARTBEAT_VERSION_MAX]; /* of ringkeepd */
	uint8_t minor;			     /* of what it says: wire_version.h */
	struct node_facts facts;	     /* with ages where times are: node_facts_ages() */
};

struct heartbeat_command {
	struct core_command command; /* command.origin is the sender */
	uint32_t uid;		     /* who gave it there */
	char user[RK_NAME_MAX];
	char why[HEARTBEAT_WHY_MAX];
};

/* A step of a fence operation, in one order for all. */
struct heartbeat_fence {
	struct fence_msg fence;	     /* fence.from is the sender */
	char user[RK_NAME_MAX];	     /* by hand: who ... */
	char why[HEARTBEAT_WHY_MAX]; /* ... and why */
};

/* The sender wants the state of nodes outside `known`, for all nodes in it. */
struct heartbeat_snapshot_request {
	uint64_t request;	   /* random */
	uint8_t attempt;	   /* 0, 1, ...: who answers moves on by one each time */
	node_set_t known;	   /* the nodes that share the sender's state, itself included */
	bool joining;		   /* the sender has no state of the cluster yet */
	struct core_intent intent; /* the sender's own, to be merged by all */
};

enum heartbeat_section { SECTION_END = 0, SECTION_INTENT = 1, SECTION_OPAQUE = 16 };

/* One part of the answer; parts come in order, the last one is SECTION_END. */
struct heartbeat_snapshot {
	uint64_t request;
	node_set_t known; /* of the request: whom it is for */
	uint16_t part;
	uint8_t section;	   /* SECTION_INTENT, SECTION_END, or SECTION_OPAQUE + what the agent likes */
	struct core_intent intent; /* SECTION_INTENT */
	const uint8_t *data;	   /* opaque; borrows the buffer that was decoded */
	size_t data_len;
};

struct heartbeat {
	enum heartbeat_type type;
	node_id_t sender;
	uint64_t cluster;
	uint64_t incarnation;
	uint64_t sequence;
	union {
		struct heartbeat_state state;
		struct heartbeat_command command;
		struct {
			const uint8_t *data; /* borrows */
			size_t len;
		} opaque; /* BINDINGS, HISTORY */
		struct heartbeat_snapshot_request request;
		struct heartbeat_snapshot snapshot;
		struct heartbeat_fence fence;
	};
};

/* Encodes without the signature. Returns the length. Fills what follows from the rest (origin of a command).
 * @retval -EMSGSIZE does not fit
 * @retval -EINVAL something in it could not be decoded again */
int heartbeat_encode(struct heartbeat *h, const struct peers_config *peers, void *buf, size_t size);
/* data includes the signature, which is not looked at. ret_skipped: facts of unknown groups.
 * @retval -EBADMSG against the format
 * @retval -EPROTONOSUPPORT another version
 * @retval -ENOMSG a type that this version does not know
 * @retval -ENOENT a command about a group or node that is not configured here */
int heartbeat_decode(const void *data, size_t len, const struct peers_config *peers, struct heartbeat *ret,
		     uint32_t *ret_skipped);
/* The major version of something that begins like a heartbeat; 0: it does not. */
uint8_t heartbeat_version(const void *data, size_t len);
/* Only the header, whatever the type. */
int heartbeat_decode_header(const void *data, size_t len, struct heartbeat *ret);

#endif
