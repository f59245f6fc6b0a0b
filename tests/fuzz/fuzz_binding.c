/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a batch of bindings: refused whole, or every item of it fits a store and is written again.
 */
#include "binding_store.h"
#include "binding_wire.h"
#include "fuzz.h"

#include <assert.h>
#include <errno.h>

static void take(struct binding_store *s, struct binding_batch_writer *bw,
		 const struct binding_batch_item *item, boot_t now)
{
	const char *aor = item->b.text[BINDING_AOR], *contact = item->b.text[BINDING_CONTACT];

	if (item->remove) {
		(void)binding_store_remove(s, aor, contact, item->b.epoch);
		assert(binding_batch_remove(bw, aor, contact, item->b.epoch) == 0);
		return;
	}
	int r = binding_store_put(s, &item->b, now, NULL);

	assert(r == 0 || r == -ENOSPC);
	assert(binding_batch_put(bw, &item->b, now) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[BINDING_BATCH_BYTES_MAX];
	const boot_t now = { 1000 * NS_PER_S };
	struct binding_batch_header h, back;
	struct binding_batch_reader br;
	struct binding_batch_writer bw;
	struct binding_batch_item item;
	struct binding_store *s = NULL;
	unsigned items = 0;

	if (binding_batch_open(&br, data, size, &h) < 0)
		return 0;
	assert(binding_store_new(100, &s) == 0);
	binding_batch_begin(&bw, &h, again, sizeof again);
	for (; binding_batch_next(&br, now, &item); items++)
		take(s, &bw, &item, now);
	size_t len = binding_batch_end(&bw, h.full_end);

	assert(len <= size); /* less only by what a later version added */
	assert(binding_batch_open(&br, again, len, &back) == 0);
	assert(back.group == h.group && back.full_begin == h.full_begin && back.full_end == h.full_end);
	while (binding_batch_next(&br, now, &item))
		items--;
	assert(items == 0);
	binding_store_free(s);
	return 0;
}
