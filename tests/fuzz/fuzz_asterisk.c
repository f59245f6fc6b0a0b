/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a row of registrar/contact (its id, a newline, its JSON). What is accepted goes to another
 * Asterisk as strings only, and reads back as the same binding.
 */
#include "asterisk_contact.h"
#include "fuzz.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define WALL_NS (1795578470 * NS_PER_S)

static const boot_t now = { 1000 * NS_PER_S };

static void check_body(const char *id, const struct binding *b)
{
	const struct asterisk_qualify q = { "60", "3.000000", "no", "false" };
	char *text = asterisk_contact_body(b, &q, now, WALL_NS);
	json_t *body = json_loads(text, 0, NULL);
	json_t *fields = asterisk_fields(json_object_get(body, "fields"));
	struct asterisk_contact again;

	assert(fields && asterisk_contact_parse(id, fields, now, WALL_NS, &again) == 0);
	/* A connection is not given away: the target takes it as an address. */
	if (!binding_is_bound(b))
		assert(binding_same_content(b, &again.b));
	assert(again.b.expires_at.ns == b->expires_at.ns);
	json_decref(fields);
	json_decref(body);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = memchr(data, '\n', size);
	size_t len = newline ? (size_t)(newline - data) : 0;
	struct asterisk_contact c;

	if (!newline)
		return 0;
	char *id = strndup((const char *)data, len);
	json_t *row = json_loadb((const char *)newline + 1, size - len - 1, 0, NULL);

	assert(id);
	if (row) {
		json_t *fields = asterisk_fields(row);

		if (asterisk_contact_parse(id, row, now, WALL_NS, &c) == 0) {
			assert(binding_check(&c.b, NULL) == 0);
			check_body(id, &c.b);
		}
		json_decref(fields);
	}
	json_decref(row);
	free(id);
	return 0;
}
