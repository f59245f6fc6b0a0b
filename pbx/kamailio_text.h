/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between a binding and the words of Kamailio: the contact of an RPC answer, the parameters of ul.add, and
 * the REGISTER that gives a binding to its sync listener. Pure.
 */
#ifndef RK_KAMAILIO_TEXT_H
#define RK_KAMAILIO_TEXT_H

#include "binding.h"

struct json_t;

#define KAMAILIO_REGISTER_MAX (BINDING_TEXT_MAX + 2048)

/* "Contact" object of ul.lookup. ret borrows from it, from aor and from connection. 0; -ENOENT expired or
 * being removed; -EINVAL not of that form; the error of binding_check(). wall_ns: CLOCK_REALTIME, for
 * "Last-Modified". A phone that Kamailio hears on a TCP, TLS or WebSocket connection is bound to it. */
int kamailio_contact_parse(const struct json_t *contact, const char *aor, boot_t now, int64_t wall_ns,
			   char connection[BINDING_CONNECTION_MAX + 1], struct binding *ret);
/* via: our own "127.0.0.1:40000"; domain: host part of the account's URI; branch: without the cookie. Bytes
 * or -ENOSPC. Keeps Call-ID, CSeq, User-Agent, Path, instance; Received, socket and branch flags travel in
 * headers that the sync route of packaging/examples/kamailio understands. */
int kamailio_register_build(const struct binding *b, boot_t now, const char *via, const char *domain,
			    const char *branch, char *ret, size_t size);
/* The number behind "core:rcv_requests = " in the answer of stats.get_statistics; 0 if it is none. */
uint64_t kamailio_requests_parse(const struct json_t *result);
/* Parameters of ul.add, numbers as numbers: as a string "300" it would be permanent. */
struct json_t *kamailio_add_params(const struct binding *b, boot_t now, const char *table);
/* What the PBX has (have) is what it should have (want), as far as it can know. by_rpc: it was given by
 * ul.add, which knows no Call-ID and CSeq. */
bool kamailio_in_step(const struct binding *want, const struct binding *have, bool by_rpc);

/* Phones say what they like, JSON must be UTF-8: bytes that are none become DEL, which binding_check()
 * refuses where it matters, so that one odd phone does not make the answer about all unreadable. */
void kamailio_clean(char *data, size_t len);

#endif
