/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_json.h"

#include <errno.h>
#include <jansson.h>

static const struct {
	const char *key;
	size_t offset;
} json_numbers[] = {
	{ "cseq", offsetof(struct binding, cseq) },	  { "reg_id", offsetof(struct binding, reg_id) },
	{ "methods", offsetof(struct binding, methods) }, { "flags", offsetof(struct binding, flags) },
	{ "cflags", offsetof(struct binding, cflags) },
};
#define JSON_NUMBERS (sizeof json_numbers / sizeof json_numbers[0])

/* Ten years, both ways: what is longer is as good as that, and cannot overflow. Written no larger than it is
 * read. */
#define EXPIRES_MS_MAX (10LL * 365 * 86400 * 1000)

static const uint32_t *number_at(const struct binding *b, size_t i)
{
	return (const uint32_t *)((const char *)b + json_numbers[i].offset);
}

static json_t *json_ms(int64_t ns)
{
	int64_t ms = ns > 0 ? (ns + NS_PER_MS - 1) / NS_PER_MS : ns / NS_PER_MS;

	if (ms > EXPIRES_MS_MAX)
		ms = EXPIRES_MS_MAX;
	return json_integer(ms < -EXPIRES_MS_MAX ? -EXPIRES_MS_MAX : ms);
}

json_t *binding_to_json(const struct binding *b, boot_t now)
{
	json_t *o = json_object();
	int64_t left_ns = boot_diff_ns(now, b->expires_at);
	int failed = o ? 0 : -1;

	for (int f = 0; f < BINDING_FIELDS; f++)
		if (b->text[f][0])
			failed |= json_object_set_new(o, binding_field_name((enum binding_field)f),
						      json_string(b->text[f]));
	for (size_t i = 0; i < JSON_NUMBERS; i++)
		if (*number_at(b, i))
			failed |= json_object_set_new(o, json_numbers[i].key, json_integer(*number_at(b, i)));
	if (b->priority)
		failed |= json_object_set_new(o, "priority", json_integer(b->priority));
	if (b->q_milli != BINDING_Q_UNSET)
		failed |= json_object_set_new(o, "q", json_integer(b->q_milli));
	if (b->expires_at.ns != BOOT_NEVER.ns)
		failed |= json_object_set_new(o, "expires_ms", json_ms(left_ns > 0 ? left_ns : 0));
	failed |= json_object_set_new(o, "age_ms", json_ms(boot_diff_ns(b->modified_at, now)));
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* False if the key is there with another type or out of range. */
static bool json_get_integer(const json_t *o, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!v)
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return false;
	*ret = json_integer_value(v);
	return true;
}

static int json_read_texts(const json_t *o, struct binding *b)
{
	for (int f = 0; f < BINDING_FIELDS; f++) {
		const json_t *v = json_object_get(o, binding_field_name((enum binding_field)f));

		if (v && !json_is_string(v))
			return -EINVAL;
		if (v)
			b->text[f] = json_string_value(v);
	}
	return 0;
}

static int json_read_numbers(const json_t *o, boot_t now, struct binding *b)
{
	int64_t expires_ms = -1, age_ms = 0, q = BINDING_Q_UNSET, priority = 0;

	for (size_t i = 0; i < JSON_NUMBERS; i++) {
		int64_t v = 0;

		if (!json_get_integer(o, json_numbers[i].key, 0, UINT32_MAX, &v))
			return -EINVAL;
		*(uint32_t *)((char *)b + json_numbers[i].offset) = (uint32_t)v;
	}
	if (!json_get_integer(o, "q", 0, 1000, &q) ||
	    !json_get_integer(o, "priority", 0, BINDING_PRIORITY_MAX, &priority) ||
	    !json_get_integer(o, "expires_ms", 0, EXPIRES_MS_MAX, &expires_ms) ||
	    !json_get_integer(o, "age_ms", -EXPIRES_MS_MAX, EXPIRES_MS_MAX, &age_ms))
		return -EINVAL;
	b->q_milli = (int16_t)q;
	b->priority = (uint8_t)priority;
	b->expires_at = expires_ms < 0 ? BOOT_NEVER : boot_add(now, expires_ms * NS_PER_MS);
	b->modified_at = boot_add(now, -age_ms * NS_PER_MS);
	return 0;
}

int binding_from_json(const json_t *object, boot_t now, struct binding *ret)
{
	struct binding b;
	int r;

	binding_init(&b);
	if (!json_is_object(object) || json_read_texts(object, &b) < 0 ||
	    json_read_numbers(object, now, &b) < 0)
		return -EINVAL;
	r = binding_check(&b, NULL);
	if (r == 0)
		*ret = b;
	return r;
}

json_t *binding_key_to_json(const char *aor, const char *contact)
{
	return json_pack("{ss ss}", "aor", aor, "contact", contact);
}

int binding_key_from_json(const json_t *object, const char **ret_aor, const char **ret_contact)
{
	struct binding b;
	int r;

	binding_init(&b);
	if (!json_is_object(object) || json_read_texts(object, &b) < 0)
		return -EINVAL;
	r = binding_check(&b, NULL);
	if (r < 0)
		return r;
	*ret_aor = b.text[BINDING_AOR];
	*ret_contact = b.text[BINDING_CONTACT];
	return 0;
}
