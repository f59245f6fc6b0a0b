/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as what an AMI sends, in two pieces: what is read does not depend on where it is cut, and no
 * value that is read breaks an action that is written, and no report of RTCP is told with numbers out of
 * bounds.
 */
#include "ami_text.h"
#include "asterisk_quality.h"
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct seen {
	uint64_t sum;
	size_t messages;
};

static struct asterisk_quality quality;

static void see_quality(const struct ami_message *m)
{
	const char *from = ami_message_get(m, "From");
	struct adapter_quality q;
	struct ip_address ip;

	if (from && asterisk_address(from, &ip))
		assert(ip.family == AF_INET || ip.family == AF_INET6);
	if (asterisk_quality_event(&quality, m, &q))
		assert(q.call && q.packets > 0 && q.packets <= 30000 && q.lost <= q.packets &&
		       q.jitter_us <= 10000000 && q.rtt_us <= 60000000);
}

static void see(struct seen *s, const struct ami_message *m)
{
	char text[4096];

	assert(m->count > 0 && m->count <= AMI_FIELDS_MAX);
	s->messages++;
	for (size_t i = 0; i < m->count; i++) {
		assert(!strchr(m->field[i].name, '\n') && !strchr(m->field[i].value, '\n'));
		for (const char *c = m->field[i].value; *c; c++)
			s->sum = s->sum * 31 + (unsigned char)*c;
		int n = ami_action_build(text, sizeof text, "X", 1,
					 &(struct ami_field){ "V", m->field[i].value }, 1);

		assert(n < 0 || (strlen(text) == (size_t)n && !strcmp(text + n - 4, "\r\n\r\n")));
	}
	(void)ami_action_id(m); /* any text */
	see_quality(m);
}

static struct seen read_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
	struct ami_stream s;
	struct ami_message m;
	struct seen seen = { 0 };

	assert(ami_stream_init(&s) == 0);
	while (size > 0) {
		size_t room;
		char *at = ami_stream_room(&s, &room);
		size_t n = size < piece ? size : piece;

		n = n < room ? n : room;
		assert(n > 0);
		memcpy(at, data, n);
		ami_stream_filled(&s, n);
		data += n;
		size -= n;
		while (ami_stream_next(&s, &m))
			see(&seen, &m);
	}
	ami_stream_close(&s);
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = read_in_pieces(data, size, size ? size : 1);
	struct seen cut = read_in_pieces(data, size, 7);

	assert(whole.messages == cut.messages && whole.sum == cut.sum);
	return 0;
}
