/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_plan.h"
#include "unit.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	ck_assert_int_eq(ip_prefix_parse(text, &p), 0);
	return p;
}

/* Two of IPv4, the second one PPP; one of IPv6. */
static struct path_config config(void)
{
	return (struct path_config){
		.mark_mask = 0xff00,
		.voice_table = 300,
		.voice_nexthop = 1000,
		.rule_priority = 1000,
		.uplink_count = 3,
		.uplink = { { .device = "wan1",
			      .ifindex = 2,
			      .family = AF_INET,
			      .routed = true,
			      .gateway = ip("10.1.0.1"),
			      .address_count = 2,
			      .address = { ip("10.1.0.2"), ip("10.1.0.3") },
			      .table = 301,
			      .mark = 0x100 },
			    { .device = "ppp0",
			      .ifindex = 3,
			      .family = AF_INET,
			      .routed = true,
			      .table = 302,
			      .mark = 0x200 },
			    { .device = "wan1",
			      .ifindex = 2,
			      .family = AF_INET6,
			      .routed = true,
			      .gateway = ip("fe80::1"),
			      .table = 301,
			      .mark = 0x300 } },
		.voice_count = 3,
		.voice_to = { prefix("203.0.113.0/24"), prefix("2001:db8::/32"), prefix("0.0.0.0/0") },
	};
}

static size_t count(const struct path_plan *p, enum path_kind kind, uint8_t family)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->object[i].kind == kind && p->object[i].family == family;
	return n;
}

static const struct path_object *route(const struct path_plan *p, uint8_t family, uint32_t table,
				       bool unreachable)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct path_object *o = &p->object[i];

		if (o->kind == PATH_ROUTE && o->family == family && o->table == table &&
		    o->unreachable == unreachable)
			return o;
	}
	return NULL;
}

static const struct path_object *rule(const struct path_plan *p, uint8_t family, uint32_t priority)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->object[i].kind == PATH_RULE && p->object[i].family == family &&
		    p->object[i].priority == priority)
			return &p->object[i];
	return NULL;
}

START_TEST(every_table_ends_in_unreachable)
{
	static const uint32_t tables[] = { 300, 301, 302 };
	const int8_t active[] = { 1, 2 }, none[] = { PATH_NONE, PATH_NONE };
	struct path_config c = config();
	struct path_plan p;

	path_plan_make(&c, active, &p);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(route(&p, AF_INET, tables[i], false));
		ck_assert_uint_eq(route(&p, AF_INET, tables[i], true)->metric, UINT32_MAX);
	}
	ck_assert_ptr_nonnull(route(&p, AF_INET6, 301, true));
	ck_assert_ptr_null(route(&p, AF_INET6, 302, true));
	c.uplink[0].routed = c.uplink[2].routed = false;
	c.uplink[1].ifindex = 0;
	path_plan_make(&c, none, &p);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_null(route(&p, AF_INET, tables[i], false));
		ck_assert_ptr_nonnull(route(&p, AF_INET, tables[i], true));
	}
	ck_assert_uint_eq(count(&p, PATH_NEXTHOP, AF_INET) + count(&p, PATH_NEXTHOP, AF_INET6), 0);
}
END_TEST

START_TEST(voice_goes_through_one_nexthop_of_each_family)
{
	const int8_t active[] = { 1, 2 };
	const struct path_config c = config();
	struct path_object o;
	struct path_plan p;

	path_plan_make(&c, active, &p);
	ck_assert_uint_eq(p.object[0].kind, PATH_NEXTHOP); /* before the route that takes it */
	ck_assert_uint_eq(p.object[0].nexthop, 1000);
	ck_assert_int_eq(p.object[0].ifindex, 3);
	ck_assert_uint_eq(p.object[0].gateway.family, 0);
	ck_assert_uint_eq(p.object[1].nexthop, 1001);
	ck_assert_uint_eq(route(&p, AF_INET, 300, false)->nexthop, 1000);
	ck_assert_uint_eq(route(&p, AF_INET6, 300, false)->nexthop, 1001);
	ck_assert_int_eq(path_plan_nexthop(&c, 0, &o), 0);
	ck_assert(path_object_key_equal(&o, &p.object[0]) && !path_object_equal(&o, &p.object[0]));
}
END_TEST

START_TEST(an_uplink_without_a_way_out_has_no_nexthop)
{
	const int8_t active[] = { 0, PATH_NONE };
	struct path_config c = config();
	struct path_object o;
	struct path_plan p;

	c.uplink[0].routed = false;
	ck_assert_int_eq(path_plan_nexthop(&c, 0, &o), -ENETUNREACH);
	path_plan_make(&c, active, &p);
	ck_assert_uint_eq(count(&p, PATH_NEXTHOP, AF_INET), 0);
	ck_assert_ptr_null(route(&p, AF_INET, 300, false));
}
END_TEST

START_TEST(rules_come_in_their_order)
{
	const int8_t active[] = { 0, 2 };
	const struct path_config c = config();
	struct path_plan p;
	const struct path_object *o;

	path_plan_make(&c, active, &p);
	o = rule(&p, AF_INET, 1000);
	ck_assert(o->suppress_default && o->table == RT_TABLE_MAIN);
	ck_assert_str_eq(rule(&p, AF_INET, 1101)->oif, "ppp0");
	o = rule(&p, AF_INET, 1200);
	ck_assert(o->mark == 0x100 && o->mask == 0xff00 && o->table == 301);
	ck_assert(ip_equal(&rule(&p, AF_INET, 1301)->from.ip, &c.uplink[0].address[1]));
	ck_assert_ptr_null(rule(&p, AF_INET, 1304)); /* ppp0 has no address */
	ck_assert(ip_prefix_equal(&rule(&p, AF_INET, 1400)->to, &c.voice_to[0]));
	ck_assert_ptr_null(rule(&p, AF_INET, 1401));
	ck_assert(ip_prefix_equal(&rule(&p, AF_INET6, 1401)->to, &c.voice_to[1]));
	ck_assert_uint_eq(rule(&p, AF_INET, 1402)->to.ip.family, 0); /* all the world needs no prefix */
	ck_assert_uint_eq(count(&p, PATH_RULE, AF_INET6), 4);
}
END_TEST

/* Every object has a number of its own among those of its kind, however many there are. */
START_TEST(the_biggest_configuration_fits)
{
	const int8_t active[] = { 0, 4 };
	struct path_config c = config();
	const struct path_uplink v4 = c.uplink[0], v6 = c.uplink[2];
	struct path_plan p;

	c.uplink_count = PATH_UPLINKS_MAX;
	for (uint32_t i = 0; i < PATH_UPLINKS_MAX; i++) {
		c.uplink[i] = i < 4 ? v4 : v6;
		c.uplink[i].table = 301 + i;
		c.uplink[i].address_count = PATH_ADDRESSES_MAX;
		for (uint32_t j = 0; j < PATH_ADDRESSES_MAX; j++)
			c.uplink[i].address[j] = c.uplink[i].gateway;
	}
	c.voice_count = PATH_VOICE_MAX;
	for (uint32_t i = 0; i < PATH_VOICE_MAX; i++)
		c.voice_to[i] = c.voice_to[i % 2];
	path_plan_make(&c, active, &p);
	ck_assert_uint_le(p.count, PATH_OBJECTS_MAX);
	for (size_t i = 0; i < p.count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct path_object *a = &p.object[i], *b = &p.object[j];

			ck_assert(!path_object_equal(a, b) && !path_object_key_equal(a, b));
			ck_assert(a->kind != PATH_RULE || b->kind != PATH_RULE || a->family != b->family ||
				  a->priority != b->priority);
		}
}
END_TEST

START_TEST(numbers_that_would_do_harm_are_refused)
{
	const struct path_config good = config();
	struct path_config bad[12];
	struct sentence why;

	ck_assert_int_eq(path_plan_check(&good, &why), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		bad[i] = good;
	bad[0].uplink[1].device[0] = 0; /* a rule without a device is one for all */
	bad[1].uplink[1].mark = 0;
	bad[2].uplink[1].mark = 0x10000;
	bad[3].uplink[2].mark = 0x100; /* to flush one would flush the other */
	bad[4].uplink[1].table = 301;
	bad[5].uplink[1].table = RT_TABLE_MAIN;
	bad[6].uplink[1].table = 300;
	bad[7].uplink[0].address[1] = ip("fd01::2");
	bad[8].voice_table = 0;
	bad[9].rule_priority = 32700;
	bad[10].voice_nexthop = 0;
	memcpy(bad[11].uplink[1].device, "wan1", 5);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		why.text[0] = 0;
		ck_assert_msg(path_plan_check(&bad[i], &why) == -EINVAL, "%zu", i);
		ck_assert(why.text[0]);
	}
}
END_TEST

/* A request looks like what the kernel shows later. */
START_TEST(what_is_written_reads_back_as_the_same)
{
	const int8_t active[] = { 0, 2 };
	const struct path_config c = config();
	struct path_plan p;

	path_plan_make(&c, active, &p);
	for (size_t i = 0; i < p.count; i++) {
		struct nl_msg *msg = path_object_put(&p.object[i], false);
		struct path_object back;
		char text[PATH_OBJECT_TEXT_MAX];

		ck_assert_ptr_nonnull(msg);
		ck_assert_uint_eq(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
		ck_assert_int_eq(path_object_parse(nlmsg_hdr(msg), &back), 0);
		ck_assert_msg(path_object_equal(&back, &p.object[i]), "%s",
			      path_object_format(&p.object[i], text));
		nlmsg_free(msg);
		msg = path_object_put(&p.object[i], true);
		ck_assert_ptr_nonnull(msg);
		ck_assert_uint_eq(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE);
		nlmsg_free(msg);
	}
}
END_TEST

UNIT_MAIN("path_plan", every_table_ends_in_unreachable, voice_goes_through_one_nexthop_of_each_family,
	  an_uplink_without_a_way_out_has_no_nexthop, rules_come_in_their_order,
	  the_biggest_configuration_fits, numbers_that_would_do_harm_are_refused,
	  what_is_written_reads_back_as_the_same)
