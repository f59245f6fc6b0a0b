/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as the body of an answer of ARI, read as each of the three things it may be: a contact (the first
 * line names AOR and URI that were asked for), an AOR, asterisk/info.
 */
#include "ari_text.h"
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WALL_NS (1796097300 * NS_PER_S)

static const boot_t now = { 1000 * NS_PER_S };

static bool ends_within(const char *text, size_t size)
{
	return strnlen(text, size) < size;
}

static void check_contact(const char *body, const char *aor, const char *uri)
{
	struct ari_contact c;

	if (ari_text_contact(body, aor, uri, now, WALL_NS, &c)) {
		const struct binding *b = &c.contact.b;

		assert(binding_check(b, NULL) == 0);
		/* What was asked for, and nothing else: another would be taken for the phone's word. */
		assert(!strcmp(b->text[BINDING_AOR], aor) && !strcmp(b->text[BINDING_CONTACT], uri));
		assert(boot_before(now, b->expires_at));
	}
	ari_contact_free(&c);
}

static void check_others(const char *body)
{
	struct asterisk_qualify q;
	char name[80];

	memset(&q, 'x', sizeof q);
	ari_text_qualify(body, &q);
	assert(ends_within(q.frequency, sizeof q.frequency) && ends_within(q.timeout, sizeof q.timeout));
	assert(ends_within(q.authenticate, sizeof q.authenticate) &&
	       ends_within(q.only_2xx, sizeof q.only_2xx));
	memset(name, 'x', sizeof name);
	ari_text_systemname(body, name, sizeof name);
	assert(ends_within(name, sizeof name));
}

/* As ari_client.c hands it over: no end but its NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	char *uri = strchr(text, ' '), *body = strchr(text, '\n');

	if (uri && body && uri < body) {
		*uri++ = *body++ = 0;
		if (strlen(text) <= BINDING_AOR_MAX && strlen(uri) <= BINDING_CONTACT_MAX)
			check_contact(body, text, uri);
		check_others(body);
	}
	free(text);
	return 0;
}
