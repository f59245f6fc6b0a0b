/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conditions.h"

#include <stdio.h>
#include <string.h>

static struct condition *find(struct conditions *cs, const char *name)
{
	for (size_t i = 0; i < cs->count; i++)
		if (!strcmp(cs->at[i].name, name))
			return &cs->at[i];
	return NULL;
}

void conditions_see(struct conditions *look, const struct condition *c)
{
	if (find(look, c->name))
		return;
	if (look->count == CONDITIONS_MAX) {
		look->overflowed++;
		return;
	}
	look->at[look->count++] = *c;
}

/* ---- telling ---- */

/* The same on all nodes for what all see, so that receivers know it again whoever tells of it. */
static void condition_key(const struct condition *c, const struct cluster_view *v, char *ret, size_t size)
{
	if (c->cluster)
		(void)snprintf(ret, size, "state/%.120s", c->name);
	else
		(void)snprintf(ret, size, "state/%.100s@%.40s", c->name, v->self);
}

void conditions_alert(const struct condition *c, const struct cluster_view *v, enum alert_state state,
		      int64_t wall_ns, struct alert *ret)
{
	memset(ret, 0, sizeof *ret);
	condition_key(c, v, ret->key, sizeof ret->key);
	(void)snprintf(ret->id, sizeof ret->id, "%.120s/%lld/%s%s", ret->key,
		       (long long)(c->since_wall_ns / NS_PER_MS), state == ALERT_RESOLVED ? "end" : "",
		       state == ALERT_RESOLVED ? "" : alert_severity_name(c->told_severity));
	alert_clean(ret->key);
	alert_clean(ret->id);
	alert_set(ret->cluster, sizeof ret->cluster, v->cluster);
	alert_set(ret->node, sizeof ret->node, c->cluster ? c->node : v->self);
	alert_set(ret->group, sizeof ret->group, c->group);
	alert_set(ret->teller, sizeof ret->teller, v->self);
	ret->event = c->event;
	ret->severity = c->told_severity;
	ret->state = state;
	alert_time(wall_ns, ret->time);
	if (state != ALERT_HAPPENED)
		alert_time(c->since_wall_ns, ret->since);
	alert_set(ret->text, sizeof ret->text, c->text);
}

static void tell_of(const struct condition *c, const struct cluster_view *v, enum alert_state state,
		    int64_t wall_ns, conditions_tell *tell, void *ctx)
{
	struct alert a;

	conditions_alert(c, v, state, wall_ns, &a);
	tell(ctx, &a);
}

/* ---- one look ---- */

/* What was seen before keeps its beginning; its words and how bad it is are those of the new look. */
static void take_in(struct conditions *known, const struct condition *seen, boot_t now, int64_t wall_ns)
{
	struct condition *c = find(known, seen->name), kept;

	if (!c) {
		if (known->count == CONDITIONS_MAX) {
			known->overflowed++;
			return;
		}
		c = &known->at[known->count++];
		*c = *seen;
		c->since = now;
		c->since_wall_ns = wall_ns;
		c->gone_since = (boot_t){ 0 };
		c->told = false;
		return;
	}
	kept = *c;
	*c = *seen;
	c->since = kept.since;
	c->since_wall_ns = kept.since_wall_ns;
	c->told = kept.told;
	c->told_severity = kept.told_severity;
	c->gone_since = (boot_t){ 0 };
}

/* Told for the first time, or worse than it was told. */
static bool tell_beginning(struct condition *c, const struct cluster_view *v, boot_t now, int64_t wall_ns,
			   conditions_tell *tell, void *ctx)
{
	if (c->gone_since.ns || boot_diff_ns(c->since, now) < c->settle_ns)
		return false;
	if (c->told && c->severity <= c->told_severity)
		return false;
	if (c->cluster && !cluster_view_tells(v, NODE_NONE))
		return false;
	c->told = true;
	c->told_severity = c->severity;
	tell_of(c, v, c->once ? ALERT_HAPPENED : ALERT_FIRING, wall_ns, tell, ctx);
	return true;
}

/* True: it is over and forgotten. */
static bool tell_end(const struct condition *c, const struct cluster_view *v, boot_t now, int64_t wall_ns,
		     conditions_tell *tell, void *ctx)
{
	if (!c->gone_since.ns || (c->told && boot_diff_ns(c->gone_since, now) < c->settle_ns))
		return false;
	if (c->told && !c->once)
		tell_of(c, v, ALERT_RESOLVED, wall_ns, tell, ctx);
	return true;
}

bool conditions_update(struct conditions *known, enum condition_source source, const struct conditions *look,
		       const struct cluster_view *view, boot_t now, int64_t wall_ns, conditions_tell *tell,
		       void *ctx)
{
	bool changed = false;

	for (size_t i = 0; look && i < look->count; i++)
		take_in(known, &look->at[i], now, wall_ns);
	for (size_t i = 0; i < known->count; i++) {
		struct condition *c = &known->at[i];

		if (c->source != source)
			continue;
		if (look && !c->gone_since.ns && !find((struct conditions *)look, c->name))
			c->gone_since = now;
		changed |= tell_beginning(c, view, now, wall_ns, tell, ctx);
		if (!tell_end(c, view, now, wall_ns, tell, ctx))
			continue;
		changed |= c->told;
		memmove(c, c + 1, (known->count - i - 1) * sizeof *c);
		known->count--;
		i--;
	}
	return changed;
}

/* ---- over a restart ---- */

json_t *conditions_json(const struct conditions *known)
{
	json_t *list = json_array();

	for (size_t i = 0; i < known->count; i++) {
		const struct condition *c = &known->at[i];

		if (!c->told)
			continue;
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:b, s:I, s:I}", "name", c->name,
				  "node", c->node, "group", c->group, "text", c->text, "source",
				  (int)c->source, "event", (int)c->event, "severity", (int)c->told_severity,
				  "cluster", c->cluster, "once", c->once, "settle_ns",
				  (json_int_t)c->settle_ns, "since_wall_ns", (json_int_t)c->since_wall_ns));
	}
	return list;
}

static void load_text(const json_t *j, const char *key, char *ret, size_t size)
{
	const char *t = json_string_value(json_object_get(j, key));

	alert_set(ret, size, t ? t : "");
}

static int load_word(const json_t *j, const char *key, int count)
{
	json_int_t n = json_integer_value(json_object_get(j, key));

	return n >= 0 && n < count ? (int)n : 0;
}

static void load_one(struct conditions *known, const json_t *j, boot_t now)
{
	struct condition c = { 0 };
	json_int_t settle_ns = json_integer_value(json_object_get(j, "settle_ns"));

	load_text(j, "name", c.name, sizeof c.name);
	load_text(j, "node", c.node, sizeof c.node);
	load_text(j, "group", c.group, sizeof c.group);
	load_text(j, "text", c.text, sizeof c.text);
	c.source = (enum condition_source)load_word(j, "source", CONDITION_SELF + 1);
	c.event = (enum alert_event)load_word(j, "event", ALERT_EVENTS_COUNT);
	c.severity = c.told_severity = (enum alert_severity)load_word(j, "severity", ALERT_SEVERITIES_COUNT);
	c.cluster = json_is_true(json_object_get(j, "cluster"));
	c.once = json_is_true(json_object_get(j, "once"));
	c.settle_ns = settle_ns >= 0 && settle_ns < 3600 * NS_PER_S ? settle_ns : 0;
	c.since_wall_ns = json_integer_value(json_object_get(j, "since_wall_ns"));
	c.since = now;
	c.told = true;
	if (c.name[0])
		conditions_see(known, &c);
}

void conditions_load(struct conditions *known, const json_t *j, boot_t now)
{
	json_t *one;
	size_t i;

	memset(known, 0, sizeof *known);
	json_array_foreach(j, i, one)
	{
		load_one(known, one, now);
	}
}
