/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bytes of a pulse. Pure: bytes <-> struct; keys and freshness are pulse_session's. All numbers big
 * endian:
 *
 *   magic u32 "RKPU" | version u8 | link u8 | from u8 | to u8 | cluster u64 | incarnation u64 | challenge u64
 *   | echo u64 | sequence u64 | heard u64 | heartbeat u64 | sent_us u32 | echo_us u32 | held_us u32
 *   | entries u8 | entries | tag[16]
 *
 * An entry is: type u8 | length u8 | body. 1 is a view, 2 the minor version (wire_version.h; not sent
 * while 0), from 16 on lease messages, 64 is a parcel: bytes for whoever takes them. An entry of an unknown
 * type is skipped, a known one must have exactly its length. Every field is checked on decoding: enums in
 * range, node ids possible, times between 0 and an hour, flags only those that exist.
 */
#ifndef RK_PULSE_WIRE_H
#define RK_PULSE_WIRE_H

#include "plan.h"
#include "wire_version.h"

#define PULSE_MAGIC	   0x524b5055u
#define PULSE_HEADER_SIZE  77
#define PULSE_TAG_SIZE	   16
#define PULSE_MINOR_SIZE   3	/* of its entry */
#define PULSE_SIZE_MAX	   1200 /* UDP payload: below every usual MTU, tunnels included */
#define PULSE_MESSAGES_MAX 32	/* of one datagram */
#define PULSE_TIME_NS_MAX  (3600 * NS_PER_S)
#define PULSE_PARCELS_MAX  4 /* of one datagram that has nothing else */
#define PULSE_PARCEL_MAX   250

struct pulse_view {
	uint32_t group; /* wire id */
	struct lease_view view;
};

struct pulse_message {
	uint32_t group;	      /* wire id */
	struct lease_msg msg; /* msg.group is unused; from and to are the header's */
};

struct pulse_parcel {
	const uint8_t *data; /* borrows */
	uint8_t len;	     /* 1 to PULSE_PARCEL_MAX */
};

struct pulse {
	uint8_t link;
	uint8_t minor; /* version of the sender */
	node_id_t from;
	node_id_t to;
	uint64_t cluster;
	uint64_t incarnation; /* of the sender's process */
	uint64_t challenge;   /* what the receiver has to echo */
	uint64_t echo;	      /* the receiver's challenge, as the sender knows it */
	uint64_t sequence;
	node_set_t heard;   /* whom the sender has heard lately */
	uint64_t heartbeat; /* the latest sequence number of the sender's heartbeats */
	uint32_t sent_us;   /* the sender's clock, to be echoed; only for measuring the round trip */
	uint32_t echo_us;   /* sent_us of the latest pulse that came over this link */
	uint32_t held_us;   /* how long ago that was; UINT32_MAX: none */
	uint8_t views_count;
	uint8_t messages_count;
	uint8_t parcels_count;
	uint8_t skipped; /* entries of unknown types */
	struct pulse_view views[RK_GROUPS_MAX];
	struct pulse_message messages[PULSE_MESSAGES_MAX];
	struct pulse_parcel parcels[PULSE_PARCELS_MAX];
};

/* Encodes without the tag. Returns the length.
 * @retval -EMSGSIZE does not fit into size
 * @retval -EINVAL something in it could not be decoded again */
int pulse_encode(const struct pulse *p, void *buf, size_t size);
/* data includes the tag, which is not looked at.
 * @retval -EBADMSG against the format
 * @retval -EPROTONOSUPPORT another version */
int pulse_decode(const void *data, size_t len, struct pulse *ret);
/* The major version of something that begins like a pulse; 0: it does not. */
uint8_t pulse_version(const void *data, size_t len);
/* The same as pulse_decode(), but only the header: counts stay 0. */
int pulse_decode_header(const void *data, size_t len, struct pulse *ret);

/* Bytes that an entry takes, its type and length included. */
size_t pulse_view_size(void);
size_t pulse_message_size(enum lease_msg_type type);

#endif
