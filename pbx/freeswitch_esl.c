/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "freeswitch_esl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *type;
	enum esl_kind kind;
} esl_kinds[] = {
	{ "auth/request", ESL_AUTH_REQUEST },
	{ "command/reply", ESL_REPLY },
	{ "api/response", ESL_API },
	{ "text/event-plain", ESL_EVENT },
	{ "text/disconnect-notice", ESL_DISCONNECT },
	{ "text/rude-rejection", ESL_REJECTION },
};

void esl_reset(struct esl_reader *r)
{
	r->used = 0;
	r->left = 0;
}

static enum esl_kind esl_kind_of(const char *type)
{
	for (size_t i = 0; i < sizeof esl_kinds / sizeof esl_kinds[0]; i++)
		if (!strcasecmp(type, esl_kinds[i].type))
			return esl_kinds[i].kind;
	return ESL_OTHER;
}

static int esl_length(const char *text, uint32_t *ret)
{
	uint32_t n = 0;

	if (!*text)
		return -EBADMSG;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (uint32_t)(*text - '0');
		if (n > ESL_BODY_MAX)
			return -EMSGSIZE;
	}
	if (*text)
		return -EBADMSG;
	*ret = n;
	return 0;
}

/* One line of a head, NUL-terminated in place. */
static int esl_line(char *line, struct esl_head *h)
{
	char *value = strchr(line, ':');
	size_t len = strlen(line);

	if (!value)
		return -EBADMSG;
	if (line[len - 1] == '\r')
		line[len - 1] = 0;
	*value++ = 0;
	value += strspn(value, " ");
	if (!strcasecmp(line, "Content-Type"))
		h->kind = esl_kind_of(value);
	else if (!strcasecmp(line, "Content-Length"))
		return esl_length(value, &h->length);
	else if (!strcasecmp(line, "Reply-Text"))
		(void)snprintf(h->reply, sizeof h->reply, "%s", value); /* cutting a sentence is fine */
	return 0;
}

static int esl_head_done(struct esl_reader *r, const struct esl_ops *ops, void *ctx)
{
	struct esl_head h = { .kind = ESL_OTHER };
	char *line = r->head, *end;
	int error;

	if (memchr(r->head, 0, r->used - 1))
		return -EBADMSG;
	r->head[r->used - 1] = 0; /* the empty line */
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		error = esl_line(line, &h);
		if (error < 0)
			return error;
	}
	r->used = 0;
	r->left = h.length;
	error = ops->head(ctx, &h);
	if (error == 0 && r->left == 0)
		error = ops->end(ctx);
	return error;
}

/* Bytes taken, or an error. */
static int esl_feed_head(struct esl_reader *r, const char *data, size_t len, const struct esl_ops *ops,
			 void *ctx)
{
	for (size_t i = 0; i < len; i++) {
		int error;

		if (r->used == 0 && (data[i] == '\n' || data[i] == '\r'))
			continue; /* between two frames */
		if (r->used == sizeof r->head)
			return -EBADMSG;
		r->head[r->used++] = data[i];
		if (data[i] != '\n' || r->used < 2 || r->head[r->used - 2] != '\n')
			continue;
		error = esl_head_done(r, ops, ctx);
		return error ? error : (int)i + 1;
	}
	return (int)len;
}

static int esl_feed_body(struct esl_reader *r, const char *data, size_t len, const struct esl_ops *ops,
			 void *ctx)
{
	size_t n = len < r->left ? len : r->left;
	int error;

	r->left -= (uint32_t)n;
	error = ops->body(ctx, data, n);
	if (error == 0 && r->left == 0)
		error = ops->end(ctx);
	return error ? error : (int)n;
}

/* Errors are negative, so that they are told from a count of bytes. */
int esl_feed(struct esl_reader *r, const char *data, size_t len, const struct esl_ops *ops, void *ctx)
{
	while (len > 0) {
		size_t piece = len < 65536 ? len : 65536;
		int n = r->left ? esl_feed_body(r, data, piece, ops, ctx)
				: esl_feed_head(r, data, piece, ops, ctx);

		if (n < 0)
			return n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- events ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool event_decode(const char *p, const char *end, char *ret, size_t size, bool *ret_decoded)
{
	size_t n = 0;

	while (p < end) {
		char c = *p++;

		if (c == '%' && end - p >= 2 && hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0) {
			c = (char)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
			p += 2;
			if (ret_decoded)
				*ret_decoded = true;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f || n + 1 >= size)
			return false;
		ret[n++] = c;
	}
	ret[n] = 0;
	return true;
}

/* The value in line..end if the line has this name. */
static const char *event_value(const char *line, const char *end, const char *name)
{
	size_t n = strlen(name);

	if ((size_t)(end - line) <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	for (line += n + 1; line < end && *line == ' '; line++)
		;
	return line;
}

bool esl_event_get(const char *body, size_t len, const char *name, char *ret, size_t size, bool *ret_decoded)
{
	const char *line = body, *stop = body + len;

	if (ret_decoded)
		*ret_decoded = false;
	while (line < stop) {
		const char *end = memchr(line, '\n', (size_t)(stop - line));
		const char *value;

		if (!end)
			end = stop;
		if (end == line)
			return false; /* what follows is the event's own body */
		value = event_value(line, end, name);
		if (value && end - value == 7 && !memcmp(value, "_undef_", 7))
			value = end;
		if (value)
			return event_decode(value, end, ret, size, ret_decoded);
		line = end + 1;
	}
	return false;
}
