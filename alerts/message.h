/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An alert in the words of each kind of receiver. Pure; texts are the caller's to free, NULL without memory.
 *
 * RFC 5322 (mail), RFC 5424 (syslog), RFC 2104 (signature), Alertmanager's API v2.
 */
#ifndef RK_MESSAGE_H
#define RK_MESSAGE_H

#include "alert.h"

#include <stdint.h>

#define MESSAGE_VARS	      14
#define MESSAGE_VAR_MAX	      700
#define MESSAGE_LINE_MAX      1800 /* receivers of syslog should take 2048 */
#define MESSAGE_SIGNATURE_MAX 80

/* Webhook and exec: one JSON object. */
char *message_json(const struct alert *a);
/* "sha256=<hex>" of the body. Returns 0 or -errno. */
int message_signature(const char *secret, const char *body, char ret[MESSAGE_SIGNATURE_MAX]);
/* An element of Alertmanager's list. now_wall_ns: what happened is there for five minutes from then, what
 * goes on for four repetitions. New reference. */
json_t *message_alertmanager(const struct alert *a, int64_t now_wall_ns, uint32_t repeat_ms);
/* Headers and body, lines ended by CRLF. */
char *message_mail(const struct alert *a, const char *from, const char *const *to, size_t to_count,
		   int64_t now_wall_ns);
/* One datagram without an end of line: for a server (RFC 5424), and for /dev/log, as syslog(3) does it. */
void message_syslog(const struct alert *a, long pid, char ret[MESSAGE_LINE_MAX]);
void message_syslog_local(const struct alert *a, long pid, char ret[MESSAGE_LINE_MAX]);
/* Environment of a program: "RINGKEEP_EVENT=takeover" and so on. */
void message_environment(const struct alert *a, char ret[MESSAGE_VARS][MESSAGE_VAR_MAX]);

#endif
