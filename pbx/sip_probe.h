/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asks one address for OPTIONS at an interval and counts what was not answered. Any final response proves
 * that SIP lives there, but 503 (draining, overloaded by its own word) does not. The address is one of this
 * host, so the question goes over loopback, which the gate does not touch: it works on the standby too.
 */
#ifndef RK_SIP_PROBE_H
#define RK_SIP_PROBE_H

#include "clock.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct sip_probe {
	struct sockaddr_storage to;
	socklen_t to_len;
	bool tcp;
	int64_t interval_ns;
	int fd;		 /* -EBADF between tries */
	bool connecting; /* TCP, or its request is not written yet */
	bool waiting;	 /* a request is out */
	boot_t next_at;	 /* when to ask again; a request still out then has failed */
	boot_t asked_at;
	uint32_t cseq;
	uint32_t failures; /* in a row */
	uint32_t answers;
	int status;	   /* of the last answer */
	int error;	   /* errno of the last failure; ETIMEDOUT */
	uint64_t nonce;	   /* in every branch: an old or foreign answer does not count */
	char stream[4096]; /* TCP */
	size_t stream_used;
};

/* address without port. -EINVAL no IP address. */
int sip_probe_init(struct sip_probe *p, const char *address, uint16_t port, bool tcp, int64_t interval_ns,
		   uint64_t nonce, boot_t now);
void sip_probe_close(struct sip_probe *p);
/* Changes with each try: ask before each poll. */
int sip_probe_fd(const struct sip_probe *p);
short sip_probe_events(const struct sip_probe *p);
void sip_probe_ready(struct sip_probe *p, boot_t now);
boot_t sip_probe_next(const struct sip_probe *p);
void sip_probe_tick(struct sip_probe *p, boot_t now);
/* "10.77.0.100:5060", "[fd77::100]:5060" */
void sip_address_text(const struct sockaddr_storage *a, char *ret, size_t size);

#endif
