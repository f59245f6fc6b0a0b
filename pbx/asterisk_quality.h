/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the other sides of live calls report by RTCP, from Asterisk's RTCPReceived events: a report has totals
 * since the stream began, we want what is new in it. One entry for each stream (our SSRC of that leg); the
 * one not heard of for longest makes room. Pure.
 */
#ifndef RK_ASTERISK_QUALITY_H
#define RK_ASTERISK_QUALITY_H

#include "adapter.h"
#include "ami_text.h"

#define ASTERISK_STREAMS_MAX 2048

struct asterisk_stream {
	uint64_t key;	  /* 0 = free */
	uint32_t highest; /* extended highest sequence number received */
	int32_t lost;	  /* cumulative; 24 bits, and negative if packets came twice */
	uint64_t used;
};

struct asterisk_quality {
	struct asterisk_stream stream[ASTERISK_STREAMS_MAX];
	uint64_t clock;
};

/* "203.0.113.5:5060", "[2001:db8::5]:5060". False: neither. */
bool asterisk_address(const char *text, struct ip_address *ret);
/* False: no report about a stream of ours, or the first one of its stream, or nothing new in it. ret->call
 * borrows from m; ret->peer is not set. */
bool asterisk_quality_event(struct asterisk_quality *q, const struct ami_message *m,
			    struct adapter_quality *ret);

#endif
