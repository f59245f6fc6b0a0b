/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	uint16_t max;
	bool required;
	bool is_uri; /* stands between angle brackets or alone in a header: no brackets, no blanks */
} binding_fields[BINDING_FIELDS] = {
	[BINDING_AOR] = { "aor", BINDING_AOR_MAX, true, true },
	[BINDING_CONTACT] = { "contact", BINDING_CONTACT_MAX, true, true },
	[BINDING_RECEIVED] = { "received", BINDING_RECEIVED_MAX, false, true },
	[BINDING_PATH] = { "path", BINDING_PATH_MAX, false, false },
	[BINDING_SOCKET] = { "socket", BINDING_SOCKET_MAX, false, true },
	[BINDING_CALL_ID] = { "call_id", BINDING_CALL_ID_MAX, false, false },
	[BINDING_USER_AGENT] = { "user_agent", BINDING_USER_AGENT_MAX, false, false },
	[BINDING_INSTANCE] = { "instance", BINDING_INSTANCE_MAX, false, false },
	[BINDING_CONNECTION] = { "connection", BINDING_CONNECTION_MAX, false, true },
	[BINDING_DATA] = { "data", BINDING_DATA_MAX, false, false },
};

void binding_init(struct binding *b)
{
	*b = (struct binding){ .expires_at = BOOT_NEVER, .q_milli = BINDING_Q_UNSET };
	for (int f = 0; f < BINDING_FIELDS; f++)
		b->text[f] = "";
}

static bool binding_text_clean(const char *s, bool is_uri)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f)
			return false;
		if (is_uri && (c == ' ' || c == '<' || c == '>'))
			return false;
	}
	return true;
}

static int binding_check_field(const char *s, enum binding_field f)
{
	size_t len = strnlen(s, (size_t)binding_fields[f].max + 1);

	if (len > binding_fields[f].max)
		return -E2BIG;
	if (len == 0 && binding_fields[f].required)
		return -EINVAL;
	return binding_text_clean(s, binding_fields[f].is_uri) ? 0 : -EINVAL;
}

int binding_check(const struct binding *b, enum binding_field *ret_field)
{
	for (int f = 0; f < BINDING_FIELDS; f++) {
		int r = binding_check_field(b->text[f], (enum binding_field)f);

		if (r < 0) {
			if (ret_field)
				*ret_field = (enum binding_field)f;
			return r;
		}
	}
	if (b->q_milli < BINDING_Q_UNSET || b->q_milli > 1000) {
		if (ret_field)
			*ret_field = BINDING_CONTACT; /* q is a parameter of the contact */
		return -EINVAL;
	}
	if (b->priority > BINDING_PRIORITY_MAX) {
		if (ret_field)
			*ret_field = BINDING_AOR; /* it orders the accounts */
		return -EINVAL;
	}
	return 0;
}

size_t binding_field_max(enum binding_field f)
{
	return binding_fields[f].max;
}

const char *binding_field_name(enum binding_field f)
{
	return binding_fields[f].name;
}

bool binding_same_key(const struct binding *a, const struct binding *b)
{
	return !strcmp(a->text[BINDING_AOR], b->text[BINDING_AOR]) &&
	       !strcmp(a->text[BINDING_CONTACT], b->text[BINDING_CONTACT]);
}

bool binding_same_content(const struct binding *a, const struct binding *b)
{
	for (int f = 0; f < BINDING_FIELDS; f++)
		if (strcmp(a->text[f], b->text[f]))
			return false;
	return a->cseq == b->cseq && a->reg_id == b->reg_id && a->methods == b->methods &&
	       a->flags == b->flags && a->cflags == b->cflags && a->q_milli == b->q_milli;
}

static uint64_t hash_byte(uint64_t h, uint8_t c)
{
	return (h ^ c) * 0x100000001b3ULL; /* FNV-1a */
}

static uint64_t hash_u32(uint64_t h, uint32_t v)
{
	for (int i = 24; i >= 0; i -= 8)
		h = hash_byte(h, (uint8_t)(v >> i));
	return h;
}

/* FNV leaves the high bits of near-equal texts near-equal; a sum of such would cancel out. */
static uint64_t hash_finish(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

uint64_t binding_hash(const struct binding *b)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (int f = 0; f < BINDING_FIELDS; f++) {
		if (f > BINDING_INSTANCE && !*b->text[f])
			continue; /* nodes that do not know these fields come to the same sum */
		for (const char *s = b->text[f]; *s; s++)
			h = hash_byte(h, (uint8_t)*s);
		h = hash_byte(h, 0);
	}
	h = hash_u32(h, b->cseq);
	h = hash_u32(h, b->reg_id);
	h = hash_u32(h, b->methods);
	h = hash_u32(h, b->flags);
	h = hash_u32(h, b->cflags);
	h = hash_u32(h, (uint16_t)b->q_milli);
	return hash_finish(h);
}
