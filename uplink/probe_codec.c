/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_codec.h"

#include "probe_http_wire.h"
#include "probe_stun_wire.h"
#include "sip_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SIP_SERVICE_UNAVAILABLE 503

/* ---- ICMP ---- */

static int icmp_request(const struct probe_io *p, uint16_t sequence, const char *self, uint8_t *ret,
			size_t size)
{
	return (int)probe_icmp_write(p->target.to.family, p->nonce, sequence, ret);
}

static int icmp_answer(const struct probe_io *p, const uint8_t *data, size_t len, struct probe_result *ret)
{
	int r = probe_icmp_read(p->target.to.family, p->nonce, data, len, &ret->sequence);

	return r < 0 ? r : 1;
}

/* ---- DNS ---- */

static uint16_t dns_id_mask(const struct probe_io *p)
{
	return (uint16_t)(p->nonce[0] << 8 | p->nonce[1]);
}

static int dns_request(const struct probe_io *p, uint16_t sequence, const char *self, uint8_t *ret,
		       size_t size)
{
	return probe_dns_write(p->target.host, sequence ^ dns_id_mask(p), ret);
}

static int dns_answer(const struct probe_io *p, const uint8_t *data, size_t len, struct probe_result *ret)
{
	uint16_t id;
	uint8_t rcode;
	int r = probe_dns_read(p->target.host, data, len, &id, &rcode);

	if (r < 0)
		return r;
	ret->sequence = id ^ dns_id_mask(p);
	ret->status = rcode;
	ret->error = rcode == PROBE_DNS_NOERROR || rcode == PROBE_DNS_NXDOMAIN ? 0 : EREMOTEIO;
	return 1;
}

/* ---- HTTP ---- */

static int http_request(const struct probe_io *p, uint16_t sequence, const char *self, uint8_t *ret,
			size_t size)
{
	return probe_http_write(p->target.host, p->target.path, ret, size);
}

static int http_answer(const struct probe_io *p, const uint8_t *data, size_t len, struct probe_result *ret)
{
	int status = probe_http_read(data, len), wanted = p->target.http_status;

	if (status <= 0)
		return status;
	ret->status = status;
	ret->error = (wanted ? status == wanted : status / 100 == 2) ? 0 : EREMOTEIO;
	return 1;
}

/* ---- STUN ---- */

#define STUN_NONCE (PROBE_STUN_ID_SIZE - 2) /* and the sequence number */

static void stun_id(const struct probe_io *p, uint16_t sequence, uint8_t ret[PROBE_STUN_ID_SIZE])
{
	memcpy(ret, p->nonce, STUN_NONCE);
	ret[STUN_NONCE] = (uint8_t)(sequence >> 8);
	ret[STUN_NONCE + 1] = (uint8_t)sequence;
}

static int stun_request(const struct probe_io *p, uint16_t sequence, const char *self, uint8_t *ret,
			size_t size)
{
	uint8_t id[PROBE_STUN_ID_SIZE];

	stun_id(p, sequence, id);
	return (int)probe_stun_write(id, ret);
}

static int stun_answer(const struct probe_io *p, const uint8_t *data, size_t len, struct probe_result *ret)
{
	uint8_t id[PROBE_STUN_ID_SIZE], expected[PROBE_STUN_ID_SIZE];
	struct probe_stun s;

	if (probe_stun_id(data, len, id) < 0)
		return -EBADMSG;
	ret->sequence = (uint16_t)(id[STUN_NONCE] << 8 | id[STUN_NONCE + 1]);
	stun_id(p, ret->sequence, expected);
	if (probe_stun_read(expected, data, len, &s) < 0)
		return -EBADMSG;
	ret->status = s.error;
	ret->error = s.error ? EREMOTEIO : 0;
	ret->public_address = s.address;
	ret->public_port = s.port;
	return 1;
}

/* ---- SIP ---- */

static void sip_branch_text(const struct probe_io *p, uint16_t sequence, char ret[SIP_BRANCH_MAX])
{
	int n = snprintf(ret, SIP_BRANCH_MAX, "rk");

	for (int i = 0; i < PROBE_NONCE_SIZE; i++)
		n += snprintf(ret + n, (size_t)(SIP_BRANCH_MAX - n), "%02x", p->nonce[i]);
	(void)snprintf(ret + n, (size_t)(SIP_BRANCH_MAX - n), ".%u", sequence);
}

static int sip_request(const struct probe_io *p, uint16_t sequence, const char *self, uint8_t *ret,
		       size_t size)
{
	char target[PROBE_ENDPOINT_TEXT_MAX], branch[SIP_BRANCH_MAX];
	const struct sip_options o = {
		.target = probe_endpoint_format(&p->target.to, p->target.port, target),
		.from = self,
		.transport = p->target.kind == PROBE_KIND_SIP_TCP ? "TCP" : "UDP",
		.branch = branch,
		.cseq = sequence,
	};

	sip_branch_text(p, sequence, branch);
	return sip_options_build(&o, (char *)ret, size);
}

static int sip_answer_one(const struct probe_io *p, const uint8_t *data, size_t len, struct probe_result *ret)
{
	char branch[SIP_BRANCH_MAX];
	struct sip_response s;

	if (sip_response_parse((const char *)data, len, &s) < 0 || s.cseq > UINT16_MAX ||
	    strcmp(s.method, "OPTIONS") != 0)
		return -EBADMSG;
	ret->sequence = (uint16_t)s.cseq;
	sip_branch_text(p, ret->sequence, branch);
	if (strcmp(s.branch, branch) != 0)
		return -EBADMSG;
	if (s.status < 200)
		return 0;
	ret->status = s.status;
	ret->error = s.status == SIP_SERVICE_UNAVAILABLE ? EREMOTEIO : 0;
	return 1;
}

/* A provisional response in a stream is stepped over. */
static int sip_answer_stream(const struct probe_io *p, const uint8_t *data, size_t len,
			     struct probe_result *ret)
{
	int n, r = 0;

	while (r == 0 && (n = sip_message_length((const char *)data, len)) != 0) {
		if (n < 0)
			return n;
		r = sip_answer_one(p, data, (size_t)n, ret);
		data += n;
		len -= (size_t)n;
	}
	return r;
}

const struct probe_codec probe_codecs[PROBE_KINDS_COUNT] = {
	[PROBE_KIND_ICMP] = { "icmp", SOCK_RAW, icmp_request, icmp_answer },
	[PROBE_KIND_TCP] = { "tcp", SOCK_STREAM, NULL, NULL },
	[PROBE_KIND_DNS] = { "dns", SOCK_DGRAM, dns_request, dns_answer },
	[PROBE_KIND_HTTP] = { "http", SOCK_STREAM, http_request, http_answer },
	[PROBE_KIND_STUN] = { "stun", SOCK_DGRAM, stun_request, stun_answer },
	[PROBE_KIND_SIP] = { "sip", SOCK_DGRAM, sip_request, sip_answer_one },
	[PROBE_KIND_SIP_TCP] = { "sip-tcp", SOCK_STREAM, sip_request, sip_answer_stream },
};

const char *probe_kind_name(enum probe_kind kind)
{
	return probe_codecs[kind].name;
}
