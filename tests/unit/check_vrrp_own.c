/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"
#include "vrrp_own.h"

#include <stdio.h>
#include <sys/socket.h>

static struct vrrp_own own;

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

static bool set(const char *text, int ifindex, bool usable)
{
	const struct vrrp_own_address a = { .ip = ip(text), .ifindex = ifindex, .usable = usable };

	return vrrp_own_set(&own, &a);
}

static bool skip(const void *ctx, const struct ip_address *a)
{
	return ctx && ip_equal(ctx, a);
}

static void first_is(int family, const struct ip_address *skipped, const char *expected)
{
	struct ip_address a = vrrp_own_first(&own, 7, family, skip, skipped), none = { 0 };
	struct ip_address wanted = expected ? ip(expected) : none;

	ck_assert_int_eq(a.family, wanted.family);
	ck_assert(ip_equal(&a, &wanted));
}

START_TEST(the_first_that_came_is_the_first)
{
	struct ip_address a = ip("10.86.0.1");

	own.count = 0;
	ck_assert(set("10.86.1.1", 8, true)); /* another device */
	ck_assert(set("10.86.0.1", 7, true));
	ck_assert(set("10.86.0.2", 7, true));
	ck_assert(!set("10.86.0.1", 7, true));
	first_is(AF_INET, NULL, "10.86.0.1");
	first_is(AF_INET, &a, "10.86.0.2");
	ck_assert(vrrp_own_remove(&own, 7, &a));
	ck_assert(!vrrp_own_remove(&own, 7, &a));
	ck_assert(set("10.86.0.1", 7, true));
	first_is(AF_INET, NULL, "10.86.0.2");
	vrrp_own_remove_device(&own, 7);
	first_is(AF_INET, NULL, NULL);
	ck_assert_uint_eq(own.count, 1);
}
END_TEST

START_TEST(of_ipv6_only_link_local_and_usable_ones)
{
	struct ip_address a = ip("fe80::1");

	own.count = 0;
	ck_assert(set("fd86::1", 7, true));
	ck_assert(set("fe80::1", 7, false));
	first_is(AF_INET6, NULL, NULL);
	ck_assert(!vrrp_own_has_on(&own, 7, &a));
	ck_assert(vrrp_own_has(&own, &a)); /* what it says is ours nevertheless */
	ck_assert(set("fe80::1", 7, true));
	first_is(AF_INET6, NULL, "fe80::1");
	ck_assert(vrrp_own_has_on(&own, 7, &a) && !vrrp_own_has_on(&own, 8, &a));
}
END_TEST

START_TEST(more_than_fit_are_as_if_they_were_not_there)
{
	char text[IP_TEXT_MAX];

	own.count = 0;
	for (int i = 0; i < VRRP_OWN_MAX; i++) {
		snprintf(text, sizeof text, "10.%d.%d.1", i / 250, i % 250);
		ck_assert(set(text, 7, true));
	}
	ck_assert(!set("10.86.0.1", 7, true));
	vrrp_own_remove_device(&own, 7);
	ck_assert_uint_eq(own.count, 0);
}
END_TEST

UNIT_MAIN("vrrp_own", the_first_that_came_is_the_first, of_ipv6_only_link_local_and_usable_ones,
	  more_than_fit_are_as_if_they_were_not_there)
