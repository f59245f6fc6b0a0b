/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asterisk_quality.h"

#include "digest.h"

#include <stdlib.h>
#include <string.h>

#define CLOCK_HZ      8000u  /* of G.711, G.722, G.729: what carriers speak */
#define PACKETS_MAX   30000u /* of one report: ten minutes; more is a stream that began anew */
#define JITTER_US_MAX 10000000u
#define RTT_US_MAX    60000000.0

bool asterisk_address(const char *text, struct ip_address *ret)
{
	const char *from = *text == '[' ? text + 1 : text;
	const char *end = *text == '[' ? strchr(from, ']') : strrchr(from, ':');
	char host[IP_TEXT_MAX];

	if (!end || (size_t)(end - from) >= sizeof host)
		return false;
	memcpy(host, from, (size_t)(end - from));
	host[end - from] = 0;
	return ip_parse(host, ret) == 0;
}

static bool number(const struct ami_message *m, const char *name, int base, int64_t *ret)
{
	const char *text = ami_message_get(m, name);
	char *end;

	if (!text || !*text)
		return false;
	*ret = strtoll(text, &end, base);
	return end != text;
}

/* The entry of that stream, or the oldest one, emptied. */
static struct asterisk_stream *stream_of(struct asterisk_quality *q, uint64_t key)
{
	struct asterisk_stream *oldest = &q->stream[0];

	for (size_t i = 0; i < ASTERISK_STREAMS_MAX; i++) {
		if (q->stream[i].key == key)
			return &q->stream[i];
		if (q->stream[i].used < oldest->used)
			oldest = &q->stream[i];
	}
	*oldest = (struct asterisk_stream){ 0 };
	return oldest;
}

static uint64_t stream_key(const char *call, const char *ssrc)
{
	uint64_t key = digest_fnv64(DIGEST_FNV64_INIT, call, strlen(call) + 1);

	key = digest_fnv64(key, ssrc, strlen(ssrc));
	return key ? key : 1;
}

/* 24 bits, signed (RFC 3550, 6.4.1). Asterisk 16 shows them without the sign. */
static int32_t lost_signed(int64_t lost)
{
	int32_t v = (int32_t)(lost & 0xffffff);

	return v & 0x800000 ? v - 0x1000000 : v;
}

static uint32_t rtt_us(const struct ami_message *m)
{
	const char *text = ami_message_get(m, "RTT");
	double s = text ? strtod(text, NULL) : 0;

	return s > 0 && s * 1e6 <= RTT_US_MAX ? (uint32_t)(s * 1e6) : 0;
}

bool asterisk_quality_event(struct asterisk_quality *q, const struct ami_message *m,
			    struct adapter_quality *ret)
{
	const char *call = ami_message_get(m, "Uniqueid"), *ssrc = ami_message_get(m, "Report0SourceSSRC");
	int64_t sequence, cycles = 0, lost, jitter = 0;
	struct asterisk_stream *s, old;

	if (!call || !ssrc || !number(m, "Report0HighestSequence", 10, &sequence) ||
	    !number(m, "Report0CumulativeLost", 10, &lost))
		return false;
	(void)number(m, "Report0SequenceNumberCycles", 10, &cycles); /* none: 0 */
	(void)number(m, "Report0IAJitter", 10, &jitter);
	s = stream_of(q, stream_key(call, ssrc));
	old = *s;
	*s = (struct asterisk_stream){ .key = stream_key(call, ssrc),
				       .highest = (uint32_t)(cycles & 0xffff) << 16 |
						  (uint32_t)(sequence & 0xffff),
				       .lost = lost_signed(lost),
				       .used = ++q->clock };
	*ret = (struct adapter_quality){ .call = call,
					 .packets = s->highest - old.highest,
					 .rtt_us = rtt_us(m) };
	if (!old.key || ret->packets == 0 || ret->packets > PACKETS_MAX)
		return false;
	ret->lost = s->lost > old.lost ? (uint32_t)(s->lost - old.lost) : 0;
	if (ret->lost > ret->packets)
		ret->lost = ret->packets;
	jitter = jitter < 0 || jitter > UINT32_MAX ? 0 : jitter * 1000000 / CLOCK_HZ;
	ret->jitter_us = jitter > JITTER_US_MAX ? JITTER_US_MAX : (uint32_t)jitter;
	return true;
}
