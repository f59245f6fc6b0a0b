/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Records that belong together. A beginning ("takeover-begun") is replaced by its end, which names it by its
 * number; a takeover that others saw ("takeover-seen") by the record of who took over.
 */
#include "history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BEGUN	 "-begun"
#define SEEN_MAX 64 /* of one list: more stay as they are */

static const char *text_of(const json_t *r, const char *key)
{
	const char *t = json_string_value(json_object_get(r, key));

	return t ? t : "";
}

static bool is_begun(const json_t *r)
{
	const char *type = text_of(r, "type");
	size_t len = strlen(type);

	return len > sizeof BEGUN - 1 && !strcmp(type + len - (sizeof BEGUN - 1), BEGUN);
}

static bool is_seen(const json_t *r)
{
	return !strcmp(text_of(r, "type"), "takeover-seen");
}

/* "42.2" */
static struct epoch epoch_parse(const char *text)
{
	struct epoch e = { 0 };
	char *end;

	if (*text < '0' || *text > '9')
		return e;
	e.counter = strtoull(text, &end, 10);
	unsigned long node = *end == '.' ? strtoul(end + 1, &end, 10) : 0;

	if (*end || node == 0 || node > NODE_ID_MAX)
		return (struct epoch){ 0 };
	e.node = (node_id_t)node;
	return e;
}

struct epoch history_tenure(const json_t *record, const char **ret_group)
{
	const char *type = text_of(record, "type");

	*ret_group = text_of(record, "group");
	if (strcmp(type, "takeover") != 0 && strcmp(type, "takeover" BEGUN) != 0 && !is_seen(record))
		return (struct epoch){ 0 };
	return epoch_parse(text_of(record, "epoch"));
}

/* ---- beginnings ---- */

/* Names a record: by its node and that node's number. */
static void record_key(const json_t *r, const char *number, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%lld.%lld", (long long)json_integer_value(json_object_get(r, "node_id")),
		       (long long)json_integer_value(json_object_get(r, number)));
}

void history_drop_begun(json_t *records)
{
	json_t *ended = json_object(), *r;
	char key[48];
	size_t i;

	json_array_foreach(records, i, r)
	{
		if (!json_is_integer(json_object_get(r, "begun")))
			continue;
		record_key(r, "begun", key, sizeof key);
		(void)json_object_set_new(ended, key, json_true());
	}
	for (i = json_array_size(records); i-- > 0;) {
		r = json_array_get(records, i);
		record_key(r, "number", key, sizeof key);
		if (is_begun(r) && json_object_get(ended, key))
			(void)json_array_remove(records, i);
	}
	json_decref(ended);
}

/* The agent that would have written the end was started again since: nobody will write it. */
static void mark_begun(json_t *records)
{
	json_int_t started[NODE_ID_MAX + 1] = { 0 };
	json_t *r;
	size_t i;

	for (int pass = 0; pass < 2; pass++) {
		json_array_foreach(records, i, r)
		{
			json_int_t node = json_integer_value(json_object_get(r, "node_id"));
			json_int_t number = json_integer_value(json_object_get(r, "number"));

			if (node < 0 || node > NODE_ID_MAX)
				continue;
			if (pass == 0 && number > started[node] &&
			    !strcmp(text_of(r, "type"), "agent-started"))
				started[node] = number;
			if (pass == 1 && is_begun(r))
				(void)json_object_set_new(r, "interrupted",
							  json_boolean(number < started[node]));
		}
	}
}

/* ---- takeovers that others saw ---- */

bool history_tenure_told(struct epoch known, struct epoch seen)
{
	return known.node == seen.node && epoch_cmp(known, seen) <= 0;
}

/* Is that tenure told by somebody else in the list, or earlier in it by the same witness? */
static bool seen_is_told(const json_t *records, size_t at)
{
	const char *group, *other;
	struct epoch latest = { 0 }, seen = history_tenure(json_array_get(records, at), &group);
	json_t *r;
	size_t i;

	json_array_foreach(records, i, r)
	{
		struct epoch e = i < at || !is_seen(r) ? history_tenure(r, &other) : (struct epoch){ 0 };

		if (epoch_none(e) || strcmp(group, other) != 0 || epoch_cmp(e, seen) > 0)
			continue;
		if (epoch_cmp(e, latest) > 0)
			latest = e;
	}
	return !epoch_none(latest) && history_tenure_told(latest, seen);
}

static void drop_seen(json_t *records)
{
	int left = SEEN_MAX;

	for (size_t i = json_array_size(records); i-- > 0 && left > 0;) {
		if (!is_seen(json_array_get(records, i)))
			continue;
		left--;
		if (seen_is_told(records, i))
			(void)json_array_remove(records, i);
	}
}

void history_tidy(json_t *records, unsigned count)
{
	history_drop_begun(records);
	mark_begun(records);
	drop_seen(records);
	while (json_array_size(records) > count)
		(void)json_array_remove(records, 0);
}
