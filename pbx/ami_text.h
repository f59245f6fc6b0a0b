/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bytes of the Asterisk Manager Interface: messages of "Name: value" lines, ended by an empty line. Pure.
 * Owns the bounds: a message over AMI_MESSAGE_MAX is dropped whole and counted, lines without a name are
 * skipped, and a value with a line break never goes out. Fuzzed by tests/fuzz/fuzz_ami.c.
 */
#ifndef RK_AMI_TEXT_H
#define RK_AMI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMI_MESSAGE_MAX (256 * 1024)
#define AMI_FIELDS_MAX	128

struct ami_field {
	const char *name;
	const char *value;
};

/* Borrows from the stream's buffer: until the next call of it. Further fields than AMI_FIELDS_MAX are
 * dropped. */
struct ami_message {
	struct ami_field field[AMI_FIELDS_MAX];
	size_t count;
};

/* The first of that name (in any case), NULL = none. */
const char *ami_message_get(const struct ami_message *m, const char *name);
/* Splits len bytes (changed in place, text[len] is overwritten): the number of fields. */
size_t ami_message_parse(char *text, size_t len, struct ami_message *ret);

struct ami_stream {
	char *buf; /* AMI_MESSAGE_MAX + 1 */
	size_t start, used, scanned;
	bool skipping;
	uint64_t oversized;
};

int ami_stream_init(struct ami_stream *s);
void ami_stream_close(struct ami_stream *s);
void ami_stream_reset(struct ami_stream *s);
/* Where the next bytes go; the room is never 0. */
char *ami_stream_room(struct ami_stream *s, size_t *ret_room);
void ami_stream_filled(struct ami_stream *s, size_t len);
/* One line, for the banner; NULL = not yet whole. */
char *ami_stream_line(struct ami_stream *s);
/* False: no whole message yet. */
bool ami_stream_next(struct ami_stream *s, struct ami_message *ret);

/* Bytes, -ENOSPC, -EINVAL: a control character in a value. */
int ami_action_build(char *ret, size_t size, const char *action, uint32_t id, const struct ami_field *fields,
		     size_t count);
/* The number behind our prefix of an ActionID, 0 = not ours. */
uint32_t ami_action_id(const struct ami_message *m);

#endif
