/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "health.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* The first reason stays. */
__attribute__((format(printf, 2, 3))) static void bad(struct health *h, const char *fmt, ...)
{
	va_list ap;

	if (!h->ok)
		return;
	h->ok = false;
	va_start(ap, fmt);
	(void)vsnprintf(h->why, sizeof h->why, fmt, ap); /* a cut sentence is still one */
	va_end(ap);
}

static bool begin(const json_t *status, const char *why_not, struct health *ret)
{
	*ret = (struct health){ .ok = true };
	if (!status)
		bad(ret, "the agent does not answer: %s", why_not);
	return status != NULL;
}

static const json_t *named(const json_t *list, const char *key, const char *name)
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o) if (!strcmp(text_of(o, key), name)) return o;
	return NULL;
}

static const json_t *self_of(const json_t *status)
{
	return named(json_object_get(status, "nodes"), "name", text_of(status, "node"));
}

static bool holds(const json_t *status, const json_t *group)
{
	return *text_of(status, "node") && !strcmp(text_of(group, "holder"), text_of(status, "node"));
}

static void look_active(const json_t *group, struct health *h)
{
	const char *pbx = text_of(json_object_get(group, "pbx"), "state"), *name = text_of(group, "name");

	if (strcmp(text_of(group, "gate"), "open") != 0)
		bad(h, "group %s is held here, and its gate is shut", name);
	if (strcmp(pbx, "healthy") != 0 && strcmp(pbx, "none") != 0)
		bad(h, "group %s is held here, and its PBX is %s", name, pbx);
}

/* Of the candidates' reasons the one of this node. */
static void look_standby(const json_t *status, const json_t *group, struct health *h)
{
	const json_t *c = named(json_object_get(group, "candidates"), "node", text_of(status, "node"));

	if (c && !json_is_true(json_object_get(c, "eligible")))
		bad(h, "this node could not take group %s over: %s", text_of(group, "name"),
		    text_of(c, "text"));
}

static void look_ready(const json_t *status, struct health *h)
{
	const json_t *self = self_of(status);

	if (json_is_true(json_object_get(status, "stopping")))
		bad(h, "the agent is stopping");
	if (self && strcmp(text_of(self, "state"), "up") != 0)
		bad(h, "this node is %s", text_of(self, "state"));
	if (json_is_false(json_object_get(status, "corosync")) &&
	    !json_is_true(json_object_get(status, "witness")) &&
	    json_is_object(json_object_get(status, "timing")))
		bad(h, "corosync is not connected");
}

void health_ready(const json_t *status, const char *why_not, struct health *ret)
{
	if (begin(status, why_not, ret))
		look_ready(status, ret);
}

void health_node(const json_t *status, const char *why_not, struct health *ret)
{
	bool excused;
	json_t *g;
	size_t i;

	if (!begin(status, why_not, ret))
		return;
	look_ready(status, ret);
	excused = json_is_true(json_object_get(status, "paused")) ||
		  json_is_true(json_object_get(status, "witness")) ||
		  json_is_true(json_object_get(self_of(status), "standby"));
	json_array_foreach(json_object_get(status, "groups"), i, g)
	{
		if (holds(status, g))
			look_active(g, ret);
		else if (!excused)
			look_standby(status, g, ret);
	}
}

static void each_group(const json_t *status, const char *group, struct health *ret,
		       void (*look)(const json_t *status, const json_t *group, struct health *ret))
{
	const json_t *list = json_object_get(status, "groups"),
		     *one = *group ? named(list, "name", group) : NULL;
	json_t *g;
	size_t i;

	if (*group && !one) {
		bad(ret, "there is no group %s here", group);
		ret->unknown = true;
	} else if (one) {
		look(status, one, ret);
	} else if (!json_array_size(list)) {
		bad(ret, "there is no group here");
	} else {
		json_array_foreach(list, i, g) look(status, g, ret);
	}
}

static void look_holds(const json_t *status, const json_t *group, struct health *ret)
{
	const char *holder = text_of(group, "holder"), *name = text_of(group, "name");

	if (holds(status, group))
		look_active(group, ret);
	else
		bad(ret, *holder ? "group %s is held by %s" : "nobody is known to hold group %s", name,
		    holder);
}

static void look_stands_by(const json_t *status, const json_t *group, struct health *ret)
{
	if (holds(status, group))
		bad(ret, "group %s is held here", text_of(group, "name"));
	look_ready(status, ret);
	if (json_is_true(json_object_get(self_of(status), "standby")))
		bad(ret, "this node is in standby, by hand");
	look_standby(status, group, ret);
}

void health_active(const json_t *status, const char *why_not, const char *group, struct health *ret)
{
	if (begin(status, why_not, ret))
		each_group(status, group, ret, look_holds);
}

void health_standby(const json_t *status, const char *why_not, const char *group, struct health *ret)
{
	if (begin(status, why_not, ret))
		each_group(status, group, ret, look_stands_by);
}
