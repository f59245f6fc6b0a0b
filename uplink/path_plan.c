/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_plan.h"

#include <assert.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* From one kind of rule to the next; within, the uplink's index times the addresses, or the prefix's. */
#define RULE_STEP 100

#define RULE_KINDS 5
/* `from all lookup main`, which everybody has. */
#define RULE_PRIORITY_MAIN 32766

static const uint8_t families[PATH_FAMILIES] = { AF_INET, AF_INET6 };

/* ---- is it one? ---- */

static bool table_valid(uint32_t table)
{
	return table != RT_TABLE_UNSPEC && (table < RT_TABLE_COMPAT || table > RT_TABLE_LOCAL);
}

static int check_table(const struct path_config *c, const struct path_uplink *u, struct sentence *reterr)
{
	if (!table_valid(u->table) || u->table == c->voice_table)
		return sentence_fail(reterr, -EINVAL,
				     "uplink over %s: table %u is the kernel's own or that of voice",
				     u->device, u->table);
	return 0;
}

static int check_mark(const struct path_config *c, const struct path_uplink *u, struct sentence *reterr)
{
	if (!u->mark || (u->mark & ~c->mark_mask))
		return sentence_fail(reterr, -EINVAL, "uplink over %s: mark 0x%x is zero or not within 0x%x",
				     u->device, u->mark, c->mark_mask);
	return 0;
}

static int check_addresses(const struct path_uplink *u, struct sentence *reterr)
{
	bool fits = u->address_count <= PATH_ADDRESSES_MAX &&
		    (u->family == AF_INET || u->family == AF_INET6) &&
		    (!u->gateway.family || u->gateway.family == u->family);

	for (size_t i = 0; fits && i < u->address_count; i++)
		fits = u->address[i].family == u->family;
	return fits ? 0
		    : sentence_fail(reterr, -EINVAL, "uplink over %s: addresses of two families", u->device);
}

static int check_twice(const struct path_config *c, size_t index, struct sentence *reterr)
{
	const struct path_uplink *u = &c->uplink[index];

	for (size_t i = 0; i < index; i++) {
		const struct path_uplink *o = &c->uplink[i];

		if (o->mark == u->mark)
			return sentence_fail(reterr, -EINVAL,
					     "uplinks over %s and %s have the same mark 0x%x", o->device,
					     u->device, u->mark);
		if (o->family != u->family)
			continue;
		if (o->table == u->table)
			return sentence_fail(reterr, -EINVAL, "uplinks over %s and %s have the same table %u",
					     o->device, u->device, u->table);
		if (!strncmp(o->device, u->device, sizeof o->device))
			return sentence_fail(reterr, -EINVAL, "two uplinks of one family over %s", u->device);
	}
	return 0;
}

static int check_uplink(const struct path_config *c, size_t index, struct sentence *reterr)
{
	const struct path_uplink *u = &c->uplink[index];
	int r;

	if (!u->device[0])
		return sentence_fail(reterr, -EINVAL, "uplink %zu has no device", index);
	r = check_table(c, u, reterr);
	if (r == 0)
		r = check_mark(c, u, reterr);
	if (r == 0)
		r = check_addresses(u, reterr);
	return r < 0 ? r : check_twice(c, index, reterr);
}

int path_plan_check(const struct path_config *c, struct sentence *reterr)
{
	int r = 0;

	if (c->uplink_count > PATH_UPLINKS_MAX || c->voice_count > PATH_VOICE_MAX)
		return sentence_fail(reterr, -EINVAL, "more than %d uplinks or %d prefixes", PATH_UPLINKS_MAX,
				     PATH_VOICE_MAX);
	if (!table_valid(c->voice_table) || !c->voice_nexthop || c->voice_nexthop == UINT32_MAX)
		return sentence_fail(reterr, -EINVAL, "voice: table %u or nexthop %u is not one",
				     c->voice_table, c->voice_nexthop);
	if (!c->rule_priority || c->rule_priority > RULE_PRIORITY_MAIN - RULE_KINDS * RULE_STEP)
		return sentence_fail(reterr, -EINVAL, "rules from %u on: not from 1 to %d", c->rule_priority,
				     RULE_PRIORITY_MAIN - RULE_KINDS * RULE_STEP);
	for (size_t i = 0; i < c->uplink_count && r == 0; i++)
		r = check_uplink(c, i, reterr);
	return r;
}

/* ---- the plan ---- */

uint32_t path_voice_nexthop(const struct path_config *c, enum path_family f)
{
	return c->voice_nexthop + (uint32_t)f;
}

static struct path_object *plan_add(struct path_plan *p, enum path_kind kind, uint8_t family)
{
	assert(p->count < PATH_OBJECTS_MAX);
	p->object[p->count] =
		(struct path_object){ .kind = kind, .family = family, .protocol = PATH_PROTOCOL };
	return &p->object[p->count++];
}

static bool uplink_usable(const struct path_uplink *u)
{
	return u->routed && u->ifindex > 0;
}

int path_plan_nexthop(const struct path_config *c, int8_t uplink, struct path_object *ret)
{
	const struct path_uplink *u = &c->uplink[uplink];

	assert(uplink >= 0 && uplink < c->uplink_count);
	if (!uplink_usable(u))
		return -ENETUNREACH;
	*ret = (struct path_object){ .kind = PATH_NEXTHOP,
				     .family = u->family,
				     .protocol = PATH_PROTOCOL,
				     .nexthop = path_voice_nexthop(c, path_family(u->family)),
				     .ifindex = u->ifindex,
				     .gateway = u->gateway };
	return 0;
}

static void plan_unreachable(struct path_plan *p, uint8_t family, uint32_t table)
{
	struct path_object *o = plan_add(p, PATH_ROUTE, family);

	o->table = table;
	o->metric = PATH_METRIC_UNREACHABLE;
	o->unreachable = true;
}

static void plan_uplink_routes(struct path_plan *p, const struct path_uplink *u)
{
	struct path_object *o;

	if (uplink_usable(u)) {
		o = plan_add(p, PATH_ROUTE, u->family);
		o->table = u->table;
		o->metric = PATH_METRIC;
		o->ifindex = u->ifindex;
		o->gateway = u->gateway;
	}
	plan_unreachable(p, u->family, u->table);
}

static void plan_voice_routes(struct path_plan *p, const struct path_config *c, enum path_family f,
			      bool nexthop)
{
	struct path_object *o;

	if (nexthop) {
		o = plan_add(p, PATH_ROUTE, families[f]);
		o->table = c->voice_table;
		o->metric = PATH_METRIC;
		o->nexthop = path_voice_nexthop(c, f);
	}
	plan_unreachable(p, families[f], c->voice_table);
}

static struct path_object *plan_rule(struct path_plan *p, uint8_t family, uint32_t priority, uint32_t table)
{
	struct path_object *o = plan_add(p, PATH_RULE, family);

	o->priority = priority;
	o->table = table;
	return o;
}

static void plan_uplink_rules(struct path_plan *p, const struct path_config *c, uint32_t index)
{
	const struct path_uplink *u = &c->uplink[index];
	struct path_object *o = plan_rule(p, u->family, c->rule_priority + RULE_STEP + index, u->table);

	memcpy(o->oif, u->device, sizeof o->oif);
	o = plan_rule(p, u->family, c->rule_priority + 2 * RULE_STEP + index, u->table);
	o->mark = u->mark;
	o->mask = c->mark_mask;
	for (uint32_t i = 0; i < u->address_count; i++) {
		o = plan_rule(p, u->family, c->rule_priority + 3 * RULE_STEP + index * PATH_ADDRESSES_MAX + i,
			      u->table);
		o->from = (struct ip_prefix){ u->address[i], u->address[i].family == AF_INET6 ? 128 : 32 };
	}
}

static void plan_voice_rules(struct path_plan *p, const struct path_config *c, uint8_t family)
{
	for (uint32_t i = 0; i < c->voice_count; i++) {
		struct path_object *o;

		if (c->voice_to[i].ip.family != family)
			continue;
		o = plan_rule(p, family, c->rule_priority + 4 * RULE_STEP + i, c->voice_table);
		if (c->voice_to[i].length > 0)
			o->to = c->voice_to[i];
	}
}

static bool plan_has_family(const struct path_config *c, uint8_t family)
{
	for (size_t i = 0; i < c->uplink_count; i++)
		if (c->uplink[i].family == family)
			return true;
	return false;
}

static void plan_routes(struct path_plan *p, const struct path_config *c, const bool nexthop[PATH_FAMILIES])
{
	for (size_t i = 0; i < c->uplink_count; i++)
		plan_uplink_routes(p, &c->uplink[i]);
	for (int f = 0; f < PATH_FAMILIES; f++)
		if (plan_has_family(c, families[f]))
			plan_voice_routes(p, c, f, nexthop[f]);
}

/* What has a route of its own comes first: without that, marked packets to the LAN would leave by an ISP. */
static void plan_rules(struct path_plan *p, const struct path_config *c)
{
	for (int f = 0; f < PATH_FAMILIES; f++)
		if (plan_has_family(c, families[f]))
			plan_rule(p, families[f], c->rule_priority, RT_TABLE_MAIN)->suppress_default = true;
	for (uint32_t i = 0; i < c->uplink_count; i++)
		plan_uplink_rules(p, c, i);
	for (int f = 0; f < PATH_FAMILIES; f++)
		if (plan_has_family(c, families[f]))
			plan_voice_rules(p, c, families[f]);
}

void path_plan_make(const struct path_config *c, const int8_t active[PATH_FAMILIES], struct path_plan *ret)
{
	bool nexthop[PATH_FAMILIES] = { false };

	assert(c->uplink_count <= PATH_UPLINKS_MAX && c->voice_count <= PATH_VOICE_MAX);
	ret->count = 0;
	for (int f = 0; f < PATH_FAMILIES; f++) {
		struct path_object o;

		if (active[f] < 0 || path_plan_nexthop(c, active[f], &o) < 0)
			continue;
		assert(o.family == families[f]);
		*plan_add(ret, PATH_NEXTHOP, o.family) = o;
		nexthop[f] = true;
	}
	plan_routes(ret, c, nexthop);
	plan_rules(ret, c);
}
