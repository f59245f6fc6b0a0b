/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as what Kamailio sends (a list of accounts, a contact of an RPC answer, a netstring of the change
 * feed) and as a binding of an adapter. What is accepted makes a REGISTER in which no text could start a line
 * of its own.
 */
#include "binding_json.h"
#include "fuzz.h"
#include "kamailio_evapi.h"
#include "kamailio_list.h"
#include "kamailio_text.h"
#include "kamailio_trunks.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void check_register(const struct binding *b, boot_t now)
{
	char text[KAMAILIO_REGISTER_MAX];
	int n = kamailio_register_build(b, now, "127.0.0.1:9", "192.0.2.1", "x", text, sizeof text),
	    lines = 0;

	assert(binding_check(b, NULL) == 0);
	assert(n > 0 && strlen(text) == (size_t)n); /* every binding fits */
	for (int i = 0; i < n; i++) {
		assert((text[i] == '\r') == (i + 1 < n && text[i + 1] == '\n'));
		lines += text[i] == '\n';
	}
	assert(lines >= 11 && lines <= 17);
	assert(strstr(text, "\r\n\r\n") == text + n - 4);
	json_t *params = kamailio_add_params(b, now, "location"), *back = binding_to_json(b, now);
	struct binding again;

	assert(params && json_array_size(params) == 11);
	assert(back && binding_from_json(back, now, &again) == 0 && binding_same_content(b, &again));
	json_decref(params);
	json_decref(back);
}

/* As the adapter walks through a list, and through the answer of a look-up. */
static void check_lists(const json_t *o, boot_t now)
{
	const json_t *names = kamailio_list_names(o), *contacts = json_object_get(o, "Contacts"), *item;
	char connection[BINDING_CONNECTION_MAX + 1];
	struct binding b;
	size_t i;

	assert(!names || json_is_array(names));
	json_array_foreach(names, i, item)
	{
		const char *aor = json_string_value(json_object_get(item, "AoR"));

		assert(!aor || strlen(aor) == json_string_length(json_object_get(item, "AoR")));
	}
	json_array_foreach(contacts, i, item)
	{
		const json_t *contact = json_object_get(item, "Contact");

		if (kamailio_contact_parse(contact, "1001", now, 1795555970 * NS_PER_S, connection, &b) == 0)
			check_register(&b, now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const boot_t now = { 1000 * NS_PER_S };
	const char *p = (const char *)data;
	struct binding b;
	size_t len;
	int n = kamailio_netstring(p, size, &p, &len);

	if (n > 0)
		assert((size_t)n <= size && len < (size_t)n && p > (const char *)data &&
		       p + len < (const char *)data + size);
	char *clean = malloc(size ? size : 1);

	assert(clean);
	memcpy(clean, data, size);
	kamailio_clean(clean, size);
	json_t *o = json_loadb(clean, size, 0, NULL);
	char connection[BINDING_CONNECTION_MAX + 1];

	/* What the table of carriers' answers may hold; NUL-terminated by whoever read it. */
	char answer[64];
	int64_t retry_after_ms;
	int status;

	(void)snprintf(answer, sizeof answer, "%.*s", (int)(size < 63 ? size : 63), clean);
	if (kamailio_trunk_status(answer, &status, &retry_after_ms))
		assert(status >= 100 && status <= 699 && retry_after_ms >= -1 && retry_after_ms <= 86400000);
	free(clean);
	if (o)
		check_lists(o, now);
	if (o && kamailio_contact_parse(o, "1001", now, 1795555970 * NS_PER_S, connection, &b) == 0)
		check_register(&b, now);
	if (o && binding_from_json(o, now, &b) == 0)
		check_register(&b, now);
	json_decref(o);
	return 0;
}
