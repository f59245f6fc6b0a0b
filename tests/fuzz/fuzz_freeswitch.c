/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as what FreeSWITCH's event socket says: frames, events, lists, counts. A row that is accepted
 * makes an event in which no text could start a line of its own, and comes back as the same binding.
 */
#include "binding_json.h"
#include "freeswitch_esl.h"
#include "freeswitch_list.h"
#include "freeswitch_text.h"
#include "fuzz.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#define PUT_LINES    23 /* with the empty one */
#define REMOVE_LINES 11

static const boot_t now = { 1000 * NS_PER_S };

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void check_row(void *ctx, const struct list_item *item)
{
	static const struct freeswitch_target target = { "internal", "b", "192.0.2.1", "" };
	char event[FREESWITCH_EVENT_MAX];
	struct freeswitch_row room;
	struct binding b;

	(*(unsigned *)ctx)++;
	for (int f = 0; f < LIST_FIELDS; f++)
		assert(strlen(item->text[f]) < LIST_TEXT_MAX);
	if (freeswitch_row_parse(item, now, &room, &b) < 0)
		return;
	assert(binding_check(&b, NULL) == 0 && freeswitch_in_step(&b, &b));
	int n = freeswitch_put_build(&target, &b, now, event, sizeof event);

	if (n == -EINVAL)
		return; /* an account without a user or host */
	assert(n > 0 && strlen(event) == (size_t)n && lines_of(event) == PUT_LINES);
	assert(strstr(event, "\n\n") == event + n - 2);
	n = freeswitch_remove_build(&target, b.text[BINDING_AOR], b.text[BINDING_CALL_ID], event,
				    sizeof event);
	assert(n > 0 && lines_of(event) == REMOVE_LINES);
}

static int on_head(void *ctx, const struct esl_head *h)
{
	assert(h->length <= ESL_BODY_MAX && strlen(h->reply) < ESL_REPLY_MAX);
	return 0;
}

static int on_body(void *ctx, const char *data, size_t len)
{
	char value[64];

	if (esl_event_get(data, len, "from-user", value, sizeof value, NULL))
		assert(strlen(value) < sizeof value && !strchr(value, '\n'));
	list_reader_feed(ctx, data, len);
	return 0;
}

static int on_end(void *ctx)
{
	(void)list_reader_end(ctx);
	list_reader_reset(ctx);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct esl_ops ops = { on_head, on_body, on_end };
	const char *text = (const char *)data;
	unsigned items = 0, items_in_pieces = 0;
	struct list_reader *l = list_reader_new(check_row, &items), *pieces;
	struct esl_reader r = { .used = 0 };
	const char *why;
	char value[256];

	assert(l);
	(void)esl_feed(&r, text, size, &ops, l);
	list_reader_reset(l);
	items = 0;
	list_reader_feed(l, text, size);
	int whole = list_reader_end(l);

	list_reader_free(l);
	pieces = list_reader_new(check_row, &items_in_pieces);
	assert(pieces);
	for (size_t i = 0; i < size; i++)
		list_reader_feed(pieces, text + i, 1);
	assert(list_reader_end(pieces) == whole && items == items_in_pieces);
	list_reader_free(pieces);
	if (esl_event_get(text, size, "contact", value, sizeof value, NULL))
		assert(strlen(value) < sizeof value);
	assert(freeswitch_calls_parse(text, size) >= -1);
	if (size && size < sizeof value) {
		memcpy(value, text, size);
		value[size] = 0;
		(void)freeswitch_gateway_state(value, 0, &why);
		(void)freeswitch_account_plain(value);
	}
	return 0;
}
