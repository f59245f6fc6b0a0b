/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ari_text.h"

#include <jansson.h>
#include <string.h>

bool ari_text_contact(const char *body, const char *aor, const char *uri, boot_t now, int64_t wall_ns,
		      struct ari_contact *ret)
{
	char id[ASTERISK_ID_MAX + 1];

	ret->list = json_loads(body, 0, NULL);
	ret->row = asterisk_fields(ret->list);
	asterisk_contact_id(aor, uri, id);
	if (!ret->row || asterisk_contact_parse(id, ret->row, now, wall_ns, &ret->contact) < 0)
		return false;
	/* An AOR whose name begins as AstDB's family does would be read as another. */
	return !strcmp(ret->contact.b.text[BINDING_AOR], aor) &&
	       !strcmp(ret->contact.b.text[BINDING_CONTACT], uri);
}

void ari_contact_free(struct ari_contact *c)
{
	json_decref(c->row);
	json_decref(c->list);
}

static void text_copy(const json_t *fields, const char *name, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(fields, name));

	if (text && strlen(text) < size)
		memcpy(ret, text, strlen(text) + 1);
}

void ari_text_qualify(const char *body, struct asterisk_qualify *ret)
{
	json_t *list = json_loads(body, 0, NULL);
	json_t *fields = asterisk_fields(list);

	*ret = (struct asterisk_qualify){ 0 };
	text_copy(fields, "qualify_frequency", ret->frequency, sizeof ret->frequency);
	text_copy(fields, "qualify_timeout", ret->timeout, sizeof ret->timeout);
	text_copy(fields, "authenticate_qualify", ret->authenticate, sizeof ret->authenticate);
	text_copy(fields, "qualify_2xx_only", ret->only_2xx, sizeof ret->only_2xx);
	json_decref(fields);
	json_decref(list);
}

void ari_text_systemname(const char *body, char *ret, size_t size)
{
	json_t *info = json_loads(body, 0, NULL);

	ret[0] = 0;
	text_copy(json_object_get(info, "config"), "name", ret, size);
	json_decref(info);
}
