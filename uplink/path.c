/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path.h"

#include "cleanup.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define LIST_TRIES 5

/* What is there: all of ours, and of others what is where we want something. */
struct path_list {
	const struct path_config *config; /* NULL: nothing is wanted */
	bool full;
	size_t count;
	struct path_object object[2 * PATH_OBJECTS_MAX];
};

int path_open(struct path *p)
{
	*p = (struct path){ 0 };
	return netlink_open(&p->request, NETLINK_ROUTE, NULL);
}

void path_close(struct path *p)
{
	netlink_close(&p->request);
}

/* ---- what is there ---- */

static bool list_our_table(const struct path_config *c, const struct path_object *o)
{
	if (o->table == c->voice_table)
		return true;
	for (size_t i = 0; i < c->uplink_count; i++)
		if (c->uplink[i].table == o->table && c->uplink[i].family == o->family)
			return true;
	return false;
}

static bool list_in_the_way(const struct path_config *c, const struct path_object *o)
{
	if (!c)
		return false;
	switch (o->kind) {
	case PATH_NEXTHOP:
		return o->nexthop == path_voice_nexthop(c, PATH_IPV4) ||
		       o->nexthop == path_voice_nexthop(c, PATH_IPV6);
	case PATH_ROUTE:
		return list_our_table(c, o) && !o->strange &&
		       (o->metric == PATH_METRIC || o->metric == PATH_METRIC_UNREACHABLE);
	case PATH_RULE:
		return false;
	}
	return false;
}

static void list_take(void *ctx, const struct nlmsghdr *h)
{
	struct path_list *l = ctx;
	struct path_object o;

	if (path_object_parse(h, &o) < 0 || (o.protocol != PATH_PROTOCOL && !list_in_the_way(l->config, &o)))
		return;
	if (l->count < sizeof l->object / sizeof l->object[0])
		l->object[l->count++] = o;
	else
		l->full = true;
}

static int list_nexthops(struct path *p, struct path_list *l)
{
	const struct nhmsg nh = { 0 };

	return netlink_dump(&p->request, netlink_message(RTM_GETNEXTHOP, 0, &nh, sizeof nh), list_take, l);
}

static int list_routes(struct path *p, struct path_list *l, uint8_t family)
{
	const struct rtmsg rtm = { .rtm_family = family };

	return netlink_dump(&p->request, netlink_message(RTM_GETROUTE, 0, &rtm, sizeof rtm), list_take, l);
}

static int list_rules(struct path *p, struct path_list *l, uint8_t family)
{
	const struct fib_rule_hdr f = { .family = family };

	return netlink_dump(&p->request, netlink_message(RTM_GETRULE, 0, &f, sizeof f), list_take, l);
}

static int list_once(struct path *p, struct path_list *l)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int r;

	l->count = 0;
	l->full = false;
	r = list_nexthops(p, l);
	for (int i = 0; i < 2 && r == 0; i++) {
		r = list_routes(p, l, families[i]);
		if (r == 0)
			r = list_rules(p, l, families[i]);
	}
	return r == 0 && l->full ? -E2BIG : r;
}

static int list_make(struct path *p, const struct path_config *c, struct path_list **ret)
{
	_cleanup_(free_ptr) struct path_list *l = malloc(sizeof *l);
	int r = -EAGAIN;

	if (!l)
		return -ENOMEM;
	l->config = c;
	for (int i = 0; i < LIST_TRIES && r == -EAGAIN; i++)
		r = list_once(p, l);
	if (r < 0)
		return r;
	*ret = l;
	l = NULL;
	return 0;
}

static const struct path_object *list_find(const struct path_list *l, const struct path_object *o,
					   bool (*same)(const struct path_object *,
							const struct path_object *))
{
	for (size_t i = 0; i < l->count; i++)
		if (same(&l->object[i], o))
			return &l->object[i];
	return NULL;
}

/* ---- the difference ---- */

static int path_write(struct path *p, struct nl_msg *msg)
{
	p->writes++;
	return netlink_request(&p->request, msg);
}

static int ensure_failed(struct path *p, const struct path_object *o, int error, struct sentence *reterr)
{
	char text[PATH_OBJECT_TEXT_MAX];

	return sentence_fail(reterr, error, "%s cannot be written: %s%s%s", path_object_format(o, text),
			     strerror(-error), p->request.error_text[0] ? ": " : "", p->request.error_text);
}

static int ensure_foreign(const struct path_object *o, const struct path_object *there,
			  struct sentence *reterr)
{
	char text[PATH_OBJECT_TEXT_MAX];

	return sentence_fail(
		reterr, -EEXIST,
		"%s is not ringkeep's (protocol %u) and in the way: give ringkeep other numbers, or "
		"remove it",
		path_object_format(o, text), there->protocol);
}

static int ensure_object(struct path *p, const struct path_list *l, const struct path_object *o,
			 struct path_report *report, struct sentence *reterr)
{
	const struct path_object *there;
	int r;

	if (list_find(l, o, path_object_equal))
		return 0;
	there = list_find(l, o, path_object_key_equal);
	if (there && there->protocol != PATH_PROTOCOL)
		return ensure_foreign(o, there, reterr);
	r = path_write(p, path_object_put(o, there != NULL));
	if (r < 0)
		return ensure_failed(p, o, r, reterr);
	report->written++;
	return 0;
}

static bool wanted(const struct path_plan *plan, const struct path_object *o)
{
	for (size_t i = 0; i < plan->count; i++)
		if (path_object_equal(&plan->object[i], o) || path_object_key_equal(&plan->object[i], o))
			return true;
	return false;
}

static bool gone(int error)
{
	return error == -ENOENT || error == -ESRCH || error == -ENODEV;
}

static int ensure_absent(struct path *p, const struct path_object *o, struct path_report *report,
			 struct sentence *reterr)
{
	int r = path_write(p, path_object_delete(o));

	if (r < 0 && !gone(r))
		return ensure_failed(p, o, r, reterr);
	report->removed++;
	return 0;
}

/* Backwards: rules, then what they lead to, then what that goes through. */
static int remove_unwanted(struct path *p, const struct path_list *l, const struct path_plan *plan,
			   const uint32_t spared[PATH_FAMILIES], struct path_report *report,
			   struct sentence *reterr)
{
	static const enum path_kind order[] = { PATH_RULE, PATH_ROUTE, PATH_NEXTHOP };
	int error = 0;

	for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
		for (size_t i = 0; i < l->count; i++) {
			const struct path_object *o = &l->object[i];
			int r;

			if (o->kind != order[k] || o->protocol != PATH_PROTOCOL || wanted(plan, o))
				continue;
			if (o->nexthop && o->nexthop == spared[path_family(o->family)])
				continue;
			r = ensure_absent(p, o, report, error ? NULL : reterr);
			error = error ? error : r;
		}
	return error;
}

/* ---- whose nexthop it is ---- */

static int8_t nexthop_uplink(const struct path_config *c, const struct path_object *o)
{
	for (int8_t i = 0; i < c->uplink_count; i++)
		if (c->uplink[i].family == o->family && c->uplink[i].ifindex > 0 &&
		    c->uplink[i].ifindex == o->ifindex)
			return i;
	return PATH_ADOPT;
}

static int8_t adopted(const struct path_config *c, const struct path_list *l, enum path_family f)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct path_object *o = &l->object[i];

		if (o->kind == PATH_NEXTHOP && o->protocol == PATH_PROTOCOL &&
		    o->nexthop == path_voice_nexthop(c, f))
			return nexthop_uplink(c, o);
	}
	return PATH_NONE;
}

/* What decides about voice in each family: the uplink, and the nexthop that is left alone (0: none). */
static void ensure_active(const struct path_config *c, const struct path_list *l,
			  const int8_t active[PATH_FAMILIES], struct path_report *report,
			  uint32_t spared[PATH_FAMILIES])
{
	for (int f = 0; f < PATH_FAMILIES; f++) {
		struct path_object o;

		report->active[f] = active[f] == PATH_ADOPT ? adopted(c, l, f) : active[f];
		if (report->active[f] == PATH_ADOPT ||
		    (report->active[f] >= 0 && path_plan_nexthop(c, report->active[f], &o) < 0))
			spared[f] = path_voice_nexthop(c, f);
	}
}

/* What a switch may replace without looking. */
static void remember_nexthops(struct path *p, const struct path_plan *plan, const struct path_report *report)
{
	memset(p->nexthop, 0, sizeof p->nexthop);
	for (size_t i = 0; i < plan->count; i++) {
		const struct path_object *o = &plan->object[i];

		if (o->kind == PATH_NEXTHOP && report->voice[path_family(o->family)])
			p->nexthop[path_family(o->family)] = *o;
	}
}

/* The kernel takes nothing through a device that is down or has no carrier, and tells when it is up: what
 * waits for that is no error. Nor is voice's route, as long as there is no nexthop that it could take. */
static int ensure_plan(struct path *p, const struct path_list *l, const struct path_plan *plan,
		       struct path_report *report, struct sentence *reterr)
{
	struct sentence why = { "" };
	int error = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct path_object *o = &plan->object[i];
		bool *voice = &report->voice[path_family(o->family)];
		int r;

		if (o->kind == PATH_ROUTE && o->nexthop && !*voice)
			continue;
		r = ensure_object(p, l, o, report, &why);
		if (o->nexthop)
			*voice = r == 0;
		if (r == 0 || r == -ENETDOWN || error)
			continue;
		error = r;
		if (reterr)
			*reterr = why;
	}
	return error;
}

int path_ensure(struct path *p, const struct path_config *c, const int8_t active[PATH_FAMILIES],
		struct path_report *ret, struct sentence *reterr)
{
	_cleanup_(free_ptr) struct path_plan *plan = malloc(sizeof *plan);
	_cleanup_(free_ptr) struct path_list *l = NULL;
	struct path_report report = { 0 };
	uint32_t spared[PATH_FAMILIES] = { 0 };
	int r, error;

	if (!plan)
		return -ENOMEM;
	r = path_plan_check(c, reterr);
	if (r < 0)
		return r;
	r = list_make(p, c, &l);
	if (r < 0)
		return sentence_fail(reterr, r, "routes, rules and nexthops cannot be listed: %s",
				     strerror(-r));
	report.listed = (uint32_t)l->count;
	ensure_active(c, l, active, &report, spared);
	path_plan_make(c, report.active, plan);
	error = ensure_plan(p, l, plan, &report, reterr);
	r = remove_unwanted(p, l, plan, spared, &report, error ? NULL : reterr);
	remember_nexthops(p, plan, &report);
	*ret = report;
	return error ? error : r;
}

/* Before anything is listed: with the routes of the world in the main table that takes its time. */
static int use_at_once(struct path *p, const struct path_object *o, struct sentence *reterr)
{
	struct path_object *now = &p->nexthop[path_family(o->family)];
	int r;

	if (!now->nexthop || now->nexthop != o->nexthop || path_object_equal(now, o))
		return 0;
	r = path_write(p, path_object_put(o, true));
	if (r < 0)
		return ensure_failed(p, o, r, reterr);
	*now = *o;
	return 1;
}

int path_use(struct path *p, const struct path_config *c, int8_t uplink, struct path_report *ret,
	     struct sentence *reterr)
{
	int8_t active[PATH_FAMILIES] = { PATH_ADOPT, PATH_ADOPT };
	struct path_object o;
	int at_once, r = path_plan_nexthop(c, uplink, &o);

	if (r < 0)
		return sentence_fail(reterr, r, "%s has no way out", c->uplink[uplink].device);
	active[path_family(o.family)] = uplink;
	at_once = use_at_once(p, &o, reterr);
	if (at_once < 0)
		return at_once;
	*ret = (struct path_report){ 0 };
	r = path_ensure(p, c, active, ret, reterr);
	ret->written += (uint32_t)at_once;
	if (ret->voice[path_family(o.family)])
		return 0;
	return r < 0 ? r : sentence_fail(reterr, -ENETDOWN, "%s is down", c->uplink[uplink].device);
}

int path_remove(struct path *p, struct path_report *ret)
{
	static const uint32_t spared[PATH_FAMILIES] = { 0 };
	_cleanup_(free_ptr) struct path_plan *plan = calloc(1, sizeof *plan);
	_cleanup_(free_ptr) struct path_list *l = NULL;
	struct path_report report = { .active = { PATH_NONE, PATH_NONE } };
	int r;

	if (!plan)
		return -ENOMEM;
	r = list_make(p, NULL, &l);
	if (r < 0)
		return r;
	report.listed = (uint32_t)l->count;
	r = remove_unwanted(p, l, plan, spared, &report, NULL);
	*ret = report;
	return r;
}
