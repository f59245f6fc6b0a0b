/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ip_address.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	ck_assert_int_eq(ip_prefix_parse(text, &p), 0);
	return p;
}

START_TEST(prefix_goes_to_text_and_back)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "203.0.113.10", "203.0.113.10" },
		{ "203.0.113.10/32", "203.0.113.10" },
		{ "203.0.113.16/28", "203.0.113.16/28" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "128.0.0.0/1", "128.0.0.0/1" },
		{ "2001:DB8::1", "2001:db8::1" },
		{ "2001:db8::/64", "2001:db8::/64" },
		{ "::/0", "::/0" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
	};
	char text[IP_PREFIX_TEXT_MAX];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ip_prefix p = prefix(rows[i].in);

		ck_assert_str_eq(ip_prefix_format(&p, text), rows[i].out);
	}
}
END_TEST

START_TEST(what_is_no_prefix_is_refused)
{
	static const char *const bad[] = { "",
					   "/",
					   "/24",
					   "203.0.113.0/",
					   "203.0.113.0/33",
					   "203.0.113.0/-1",
					   "203.0.113.0/+8",
					   "203.0.113.0/ 8",
					   "203.0.113.0/8x",
					   "203.0.113.0/0024",
					   "203.0.113.0/24/24",
					   "203.0.113/24",
					   "2001:db8::/129",
					   "2001:db8::/4294967297",
					   "carrier.example",
					   "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/64" };
	static const char *const bits[] = { "203.0.113.10/24", "0.0.0.1/0", "2001:db8::1/64", "128.0.0.1/1" };
	struct ip_prefix p;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(ip_prefix_parse(bad[i], &p) == -EINVAL, "%s", bad[i]);
	for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
		ck_assert_msg(ip_prefix_parse(bits[i], &p) == -ERANGE, "%s", bits[i]);
}
END_TEST

START_TEST(wider_prefix_contains_the_narrower_one_only)
{
	const struct ip_prefix wide = prefix("203.0.113.0/24"), narrow = prefix("203.0.113.16/28");
	const struct ip_prefix all = prefix("0.0.0.0/0"), all6 = prefix("::/0"), one = prefix("203.0.113.17");
	const struct ip_prefix odd = prefix("203.0.112.0/23"), after = prefix("203.0.113.32");

	ck_assert(ip_prefix_contains(&wide, &narrow) && !ip_prefix_contains(&narrow, &wide));
	ck_assert(ip_prefix_contains(&wide, &wide) && ip_prefix_equal(&wide, &wide));
	ck_assert(ip_prefix_contains(&narrow, &one) && ip_prefix_has(&narrow, &one.ip));
	ck_assert(!ip_prefix_contains(&one, &narrow));
	ck_assert(ip_prefix_contains(&odd, &wide) && !ip_prefix_equal(&odd, &wide));
	ck_assert(ip_prefix_contains(&all, &one) && !ip_prefix_contains(&all6, &one));
	ck_assert(!ip_prefix_has(&all, &all6.ip) && ip_prefix_has(&all6, &all6.ip));
	ck_assert(!ip_prefix_has(&narrow, &after.ip));
}
END_TEST

UNIT_MAIN("ip_address", prefix_goes_to_text_and_back, what_is_no_prefix_is_refused,
	  wider_prefix_contains_the_narrower_one_only)
