/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bytes of the SIP that ringkeep speaks itself: an OPTIONS request (RFC 3261 section 11) and the status line
 * and the headers of a response that say to which request it belongs. Pure. Refuses to be a SIP stack: folded
 * headers, bodies and everything else are skipped. Fuzzed by tests/fuzz/fuzz_sip.c.
 */
#ifndef RK_SIP_OPTIONS_H
#define RK_SIP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIP_OPTIONS_MAX 1024
#define SIP_BRANCH_MAX	64

struct sip_options {
	const char *target;    /* "10.77.0.100:5060", "[fd77::100]:5060" */
	const char *from;      /* our own address, the same way */
	const char *transport; /* "UDP", "TCP" */
	const char *branch;    /* without the magic cookie; also tag and Call-ID */
	uint32_t cseq;
};

/* Bytes, or -ENOSPC. */
int sip_options_build(const struct sip_options *o, char *ret, size_t size);

struct sip_response {
	int status;		     /* 100..699 */
	char branch[SIP_BRANCH_MAX]; /* of the topmost Via, without the magic cookie */
	char method[16];	     /* of CSeq */
	uint32_t cseq;
};

/* 0; -EBADMSG no response, or without branch or CSeq. */
int sip_response_parse(const char *data, size_t len, struct sip_response *ret);
/* Bytes up to and with the empty line and the body (Content-Length) in a stream; 0 = not complete; -EBADMSG.
 */
int sip_message_length(const char *data, size_t len);

#endif
