/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster_view.h"

#include <string.h>

static bool text_is(const json_t *j, const char *key, const char *text)
{
	const char *is = json_string_value(json_object_get(j, key));

	return is && !strcmp(is, text);
}

static void read_node(const json_t *n, struct cluster_view *v)
{
	json_int_t id = json_integer_value(json_object_get(n, "id"));
	const char *name = json_string_value(json_object_get(n, "name"));

	if (id <= 0 || id > NODE_ID_MAX || !name)
		return;
	alert_set(v->name[id], sizeof v->name[id], name);
	v->witness[id] = json_is_true(json_object_get(n, "witness"));
	v->up[id] = text_is(n, "state", "up") || text_is(n, "state", "joining");
	if (!strcmp(name, v->self)) {
		v->self_id = (node_id_t)id;
		v->up[id] = true;
	}
}

bool cluster_view_read(const json_t *status, struct cluster_view *ret)
{
	const char *cluster = json_string_value(json_object_get(status, "cluster"));
	const char *self = json_string_value(json_object_get(status, "node"));
	struct cluster_view v = { .known = true };
	json_t *n;
	size_t i;

	if (!cluster || !self)
		return false;
	alert_set(v.cluster, sizeof v.cluster, cluster);
	alert_set(v.self, sizeof v.self, self);
	json_array_foreach(json_object_get(status, "nodes"), i, n)
	{
		read_node(n, &v);
	}
	if (v.self_id == NODE_NONE)
		return false;
	*ret = v;
	return true;
}

bool cluster_view_tells(const struct cluster_view *v, node_id_t but)
{
	if (!v->known)
		return true;
	for (int n = 1; n <= NODE_ID_MAX; n++)
		if (v->up[n] && !v->witness[n] && n != but)
			return n == v->self_id;
	return v->self_id != but; /* a witness, alone */
}
