/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One SIP registration (binding) with all that is needed to call the phone and to let its next REGISTER
 * refresh the same record. Owns the limits of each field: a binding that breaks one is refused, never
 * truncated, because a cut contact is a wrong contact. Knows no PBX, no JSON, no clock.
 */
#ifndef RK_BINDING_H
#define RK_BINDING_H

#include "clock.h"
#include "ids.h"

enum binding_field {
	BINDING_AOR,	    /* "1001", or "1001@example.org" where the PBX uses domains */
	BINDING_CONTACT,    /* the URI the phone gave: key together with the AOR */
	BINDING_RECEIVED,   /* URI of the NAT's outside, "" = none */
	BINDING_PATH,	    /* Path header value (RFC 3327), "" = none */
	BINDING_SOCKET,	    /* local socket of the PBX, "udp:10.0.0.1:5060", "" = default */
	BINDING_CALL_ID,    /* of the last REGISTER */
	BINDING_USER_AGENT, /* of the phone */
	BINDING_INSTANCE,   /* +sip.instance (RFC 5626) without its quotes, "" = none */
	BINDING_CONNECTION, /* "tcp:203.0.113.9:40123": the phone's own connection is the only way to it (tcp,
			     * tls, ws, wss); it cannot be moved, only be reset. "" = it can be called from
			     * anywhere */
	BINDING_DATA,	    /* what the PBX keeps beside, passed on as it is */
	BINDING_FIELDS
};

/* Bytes of each field without the final NUL. */
#define BINDING_AOR_MAX	       255
#define BINDING_CONTACT_MAX    511
#define BINDING_RECEIVED_MAX   255
#define BINDING_PATH_MAX       1023
#define BINDING_SOCKET_MAX     127
#define BINDING_CALL_ID_MAX    255
#define BINDING_USER_AGENT_MAX 255
#define BINDING_INSTANCE_MAX   255
#define BINDING_CONNECTION_MAX 79
#define BINDING_DATA_MAX       255
/* All fields with their NULs. */
#define BINDING_TEXT_MAX                                                                            \
	(BINDING_AOR_MAX + BINDING_CONTACT_MAX + BINDING_RECEIVED_MAX + BINDING_PATH_MAX +          \
	 BINDING_SOCKET_MAX + BINDING_CALL_ID_MAX + BINDING_USER_AGENT_MAX + BINDING_INSTANCE_MAX + \
	 BINDING_CONNECTION_MAX + BINDING_DATA_MAX + BINDING_FIELDS)

#define BINDING_Q_UNSET	     (-1)
#define BINDING_CSEQ_UNSET   0
#define BINDING_PRIORITY_MAX 9

/* A view: the texts are borrowed from whoever filled it (store entry, message buffer, JSON object). All are
 * NUL-terminated and never NULL once binding_init() ran. */
struct binding {
	const char *text[BINDING_FIELDS];
	boot_t expires_at;  /* BOOT_NEVER = permanent; on any wire it travels as time remaining */
	boot_t modified_at; /* when the PBX last saw a REGISTER of it; on any wire as age */
	struct epoch epoch; /* of the holder that reported it: the higher one wins */
	uint32_t cseq;
	uint32_t reg_id;  /* RFC 5626, 0 = none */
	uint32_t methods; /* the PBX's bit mask of allowed methods */
	uint32_t flags;
	uint32_t cflags;
	int16_t q_milli;  /* 0..1000, BINDING_Q_UNSET */
	uint8_t priority; /* 0..9, higher ones are served first at a takeover; not part of the content */
};

/* All texts "", permanent, nothing set. */
void binding_init(struct binding *b);
/* 0; -E2BIG a field is longer than its maximum; -EINVAL no AOR or contact, a control character (it would
 * inject headers), an angle bracket or blank where a URI stands, q out of range. ret_field (may be NULL)
 * names the culprit. */
int binding_check(const struct binding *b, enum binding_field *ret_field);
size_t binding_field_max(enum binding_field f);
const char *binding_field_name(enum binding_field f);

/* Same AOR and contact. */
bool binding_same_key(const struct binding *a, const struct binding *b);
/* The phone's own connection is the only way to it: no other PBX is given it. */
static inline bool binding_is_bound(const struct binding *b)
{
	return b->text[BINDING_CONNECTION][0];
}
/* Equal in everything but epoch, times and priority. */
bool binding_same_content(const struct binding *a, const struct binding *b);
/* What binding_same_content() compares, as 64 bits: equal on all nodes and versions of the same wire. */
uint64_t binding_hash(const struct binding *b);

#endif
