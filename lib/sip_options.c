/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sip_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SIP_MAGIC "z9hG4bK"

int sip_options_build(const struct sip_options *o, char *ret, size_t size)
{
	int n = snprintf(ret, size,
			 "OPTIONS sip:%s SIP/2.0\r\n"
			 "Via: SIP/2.0/%s %s;branch=" SIP_MAGIC "%s;rport\r\n"
			 "Max-Forwards: 1\r\n"
			 "From: <sip:ringkeep@%s>;tag=%s\r\n"
			 "To: <sip:%s>\r\n"
			 "Call-ID: %s\r\n"
			 "CSeq: %u OPTIONS\r\n"
			 "User-Agent: ringkeep\r\n"
			 "Content-Length: 0\r\n\r\n",
			 o->target, o->transport, o->from, o->branch, o->from, o->branch, o->target,
			 o->branch, o->cseq);

	return n < 0 || (size_t)n >= size ? -ENOSPC : n;
}

struct sip_span {
	const char *p;
	size_t len;
};

/* Takes the next line (CRLF or LF) from s; false if there is none. */
static bool sip_next_line(struct sip_span *s, struct sip_span *ret)
{
	const char *end = s->len ? memchr(s->p, '\n', s->len) : NULL;
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - s->p);
	*ret = (struct sip_span){ s->p, len > 0 && s->p[len - 1] == '\r' ? len - 1 : len };
	s->p += len + 1;
	s->len -= len + 1;
	return true;
}

static struct sip_span sip_skip_blanks(struct sip_span s)
{
	while (s.len > 0 && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.len--;
	}
	return s;
}

/* The value, if the line is the header `name` or its compact form. */
static bool sip_header(struct sip_span line, const char *name, char compact, struct sip_span *ret)
{
	const char *colon = line.len ? memchr(line.p, ':', line.len) : NULL;
	size_t len = colon ? (size_t)(colon - line.p) : 0;
	size_t name_len = len;

	while (name_len > 0 && (line.p[name_len - 1] == ' ' || line.p[name_len - 1] == '\t'))
		name_len--;
	if (name_len == 0)
		return false;
	if (!(name_len == strlen(name) && !strncasecmp(line.p, name, name_len)) &&
	    !(name_len == 1 && compact && (line.p[0] | 0x20) == compact))
		return false;
	*ret = sip_skip_blanks((struct sip_span){ colon + 1, line.len - len - 1 });
	return true;
}

/* Digits at the start; false if there are none or too many. */
static bool sip_number(struct sip_span *s, uint32_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; n < s->len && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
		v = v * 10 + (uint64_t)(s->p[n] - '0');
		if (v > UINT32_MAX)
			return false;
	}
	s->p += n;
	s->len -= n;
	*ret = (uint32_t)v;
	return n > 0;
}

static bool sip_status_line(struct sip_span line, int *ret)
{
	static const char version[] = "SIP/2.0 ";
	uint32_t status;

	if (line.len < sizeof version - 1 || strncasecmp(line.p, version, sizeof version - 1) != 0)
		return false;
	line.p += sizeof version - 1;
	line.len -= sizeof version - 1;
	if (!sip_number(&line, &status) || status < 100 || status > 699)
		return false;
	*ret = (int)status;
	return true;
}

static bool sip_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-.!%*_+`'~", c));
}

/* branch= of the first value of a Via, with the magic cookie. */
static void sip_branch(struct sip_span via, char ret[SIP_BRANCH_MAX])
{
	static const char name[] = ";branch=" SIP_MAGIC;
	size_t name_len = sizeof name - 1, n = 0;

	for (size_t i = 0; i + name_len <= via.len && via.p[i] != ','; i++) {
		if (strncasecmp(via.p + i, name, name_len) != 0)
			continue;
		for (i += name_len; i < via.len && sip_token(via.p[i]); i++)
			if (n < SIP_BRANCH_MAX - 1)
				ret[n++] = via.p[i];
		break;
	}
	ret[n] = 0;
}

static bool sip_cseq(struct sip_span value, struct sip_response *r)
{
	size_t n = 0;

	if (!sip_number(&value, &r->cseq))
		return false;
	value = sip_skip_blanks(value);
	for (; n < value.len && n < sizeof r->method - 1 && sip_token(value.p[n]); n++)
		r->method[n] = value.p[n];
	r->method[n] = 0;
	return n > 0;
}

int sip_response_parse(const char *data, size_t len, struct sip_response *ret)
{
	struct sip_span rest = { data, len }, line, value;
	struct sip_response r = { 0 };

	if (!sip_next_line(&rest, &line) || !sip_status_line(line, &r.status))
		return -EBADMSG;
	while (sip_next_line(&rest, &line) && line.len > 0) {
		if (!r.branch[0] && sip_header(line, "Via", 'v', &value))
			sip_branch(value, r.branch);
		else if (!r.method[0] && sip_header(line, "CSeq", 0, &value) && !sip_cseq(value, &r))
			return -EBADMSG;
	}
	if (!r.branch[0] || !r.method[0])
		return -EBADMSG;
	*ret = r;
	return 0;
}

int sip_message_length(const char *data, size_t len)
{
	struct sip_span rest = { data, len }, line, value;
	uint32_t body = 0;

	while (sip_next_line(&rest, &line)) {
		if (sip_header(line, "Content-Length", 'l', &value) &&
		    (!sip_number(&value, &body) || body > 65535))
			return -EBADMSG;
		if (line.len == 0)
			return rest.len >= body ? (int)(len - rest.len + body) : 0;
	}
	return len > 65535 ? -EBADMSG : 0;
}
