/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stand_in.h"

#include <string.h>

static void forget(struct stand_in *s, size_t i)
{
	memmove(&s->at[i], &s->at[i + 1], (s->count - i - 1) * sizeof s->at[0]);
	s->count--;
}

void stand_in_keep(struct stand_in *s, const struct alert *a, node_id_t node, boot_t due)
{
	if (s->count == STAND_IN_MAX) {
		s->dropped++;
		forget(s, 0);
	}
	s->at[s->count].alert = *a;
	s->at[s->count].node = node;
	s->at[s->count].due = due;
	s->count++;
}

bool stand_in_take(struct stand_in *s, const struct cluster_view *v, boot_t now, struct alert *ret)
{
	for (size_t i = 0; i < s->count;) {
		bool own = s->at[i].node == v->self_id;
		bool tell = own || (!v->up[s->at[i].node] && cluster_view_tells(v, s->at[i].node));

		if (!own && boot_before(now, s->at[i].due)) {
			i++;
			continue;
		}
		if (tell)
			*ret = s->at[i].alert;
		forget(s, i);
		if (tell)
			return true;
	}
	return false;
}

boot_t stand_in_next(const struct stand_in *s)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < s->count; i++)
		next = boot_min(next, s->at[i].due);
	return next;
}

json_t *stand_in_json(const struct stand_in *s, boot_t now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->count; i++)
		(void)json_array_append_new(list,
					    json_pack("{s:o, s:i, s:I}", "alert", alert_json(&s->at[i].alert),
						      "node", (int)s->at[i].node, "left_ns",
						      (json_int_t)boot_diff_ns(now, s->at[i].due)));
	return list;
}

void stand_in_load(struct stand_in *s, const json_t *j, boot_t now, int64_t wait_ns_max)
{
	struct alert a;
	json_t *one;
	size_t i;

	memset(s, 0, sizeof *s);
	json_array_foreach(j, i, one)
	{
		json_int_t node = json_integer_value(json_object_get(one, "node"));
		json_int_t left_ns = json_integer_value(json_object_get(one, "left_ns"));

		if (node <= 0 || node > NODE_ID_MAX || alert_from_json(json_object_get(one, "alert"), &a) < 0)
			continue;
		if (left_ns < 0 || left_ns > wait_ns_max)
			left_ns = wait_ns_max;
		stand_in_keep(s, &a, (node_id_t)node, boot_add(now, left_ns));
	}
}
