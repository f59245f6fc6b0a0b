/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ami_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ID_PREFIX     "rk-"
#define ID_DIGITS_MAX 10

const char *ami_message_get(const struct ami_message *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (!strcasecmp(m->field[i].name, name))
			return m->field[i].value;
	return NULL;
}

static void message_line(struct ami_message *m, char *line)
{
	char *colon = strchr(line, ':');
	char *value;

	if (!colon || colon == line || m->count == AMI_FIELDS_MAX)
		return;
	*colon = 0;
	for (value = colon + 1; *value == ' '; value++)
		;
	m->field[m->count++] = (struct ami_field){ line, value };
}

size_t ami_message_parse(char *text, size_t len, struct ami_message *ret)
{
	char *line = text, *end = text + len;

	ret->count = 0;
	*end = 0;
	while (line < end) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *stop = newline ? newline : end;

		if (stop > line && stop[-1] == '\r')
			stop[-1] = 0;
		*stop = 0;
		message_line(ret, line); /* a NUL byte within ends the value there */
		line = stop + 1;
	}
	return ret->count;
}

/* ---- the stream ---- */

int ami_stream_init(struct ami_stream *s)
{
	*s = (struct ami_stream){ .buf = malloc(AMI_MESSAGE_MAX + 1) };
	return s->buf ? 0 : -ENOMEM;
}

void ami_stream_close(struct ami_stream *s)
{
	free(s->buf);
	*s = (struct ami_stream){ 0 };
}

void ami_stream_reset(struct ami_stream *s)
{
	s->start = s->used = s->scanned = 0;
	s->skipping = false;
}

char *ami_stream_room(struct ami_stream *s, size_t *ret_room)
{
	if (s->start > 0) {
		memmove(s->buf, s->buf + s->start, s->used - s->start);
		s->used -= s->start;
		s->scanned -= s->start;
		s->start = 0;
	}
	if (s->used == AMI_MESSAGE_MAX) { /* its end may lie across the border: keep the last bytes */
		s->oversized += !s->skipping;
		s->skipping = true;
		memmove(s->buf, s->buf + s->used - 2, 2);
		s->used = 2;
		s->scanned = 0;
	}
	*ret_room = AMI_MESSAGE_MAX - s->used;
	return s->buf + s->used;
}

void ami_stream_filled(struct ami_stream *s, size_t len)
{
	s->used += len;
}

char *ami_stream_line(struct ami_stream *s)
{
	char *line = s->buf + s->start;
	char *end = memchr(line, '\n', s->used - s->start);

	if (!end)
		return NULL;
	s->start = s->scanned = (size_t)(end - s->buf) + 1;
	if (end > line && end[-1] == '\r')
		end--;
	*end = 0;
	return line;
}

/* Behind the empty line that ends the message at start, 0 = none yet. */
static size_t stream_message_end(struct ami_stream *s)
{
	while (s->scanned < s->used) {
		char *newline = memchr(s->buf + s->scanned, '\n', s->used - s->scanned);
		size_t at;

		if (!newline) {
			s->scanned = s->used;
			return 0;
		}
		at = (size_t)(newline - s->buf);
		s->scanned = at + 1;
		if (at >= s->start + 1 && s->buf[at - 1] == '\n')
			return at + 1;
		if (at >= s->start + 2 && s->buf[at - 1] == '\r' && s->buf[at - 2] == '\n')
			return at + 1;
	}
	return 0;
}

bool ami_stream_next(struct ami_stream *s, struct ami_message *ret)
{
	for (;;) {
		size_t start, end = stream_message_end(s);
		bool skipped = s->skipping;

		if (!end)
			return false;
		start = s->start;
		s->start = end;
		s->skipping = false;
		if (!skipped && ami_message_parse(s->buf + start, end - start - 1, ret) > 0)
			return true;
	}
}

/* ---- what we send ---- */

static bool value_ok(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 127)
			return false;
	return true;
}

int ami_action_build(char *ret, size_t size, const char *action, uint32_t id, const struct ami_field *fields,
		     size_t count)
{
	int n = snprintf(ret, size, "Action: %s\r\nActionID: " ID_PREFIX "%u\r\n", action, id);

	for (size_t i = 0; i < count && n >= 0 && (size_t)n < size; i++) {
		if (!value_ok(fields[i].value))
			return -EINVAL;
		n += snprintf(ret + n, size - (size_t)n, "%s: %s\r\n", fields[i].name, fields[i].value);
	}
	if (n < 0 || (size_t)n + 3 > size)
		return -ENOSPC;
	memcpy(ret + n, "\r\n", 3);
	return n + 2;
}

uint32_t ami_action_id(const struct ami_message *m)
{
	const char *id = ami_message_get(m, "ActionID");
	char *end;
	unsigned long v;

	if (!id || strncmp(id, ID_PREFIX, strlen(ID_PREFIX)) != 0)
		return 0;
	id += strlen(ID_PREFIX);
	if (*id < '0' || *id > '9' || strlen(id) > ID_DIGITS_MAX)
		return 0;
	v = strtoul(id, &end, 10);
	return *end || v > UINT32_MAX ? 0 : (uint32_t)v;
}
