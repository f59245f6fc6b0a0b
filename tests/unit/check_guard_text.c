/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

START_TEST(sets_hold_addresses_and_interfaces)
{
	const struct ip_address addresses[] = { ip("10.77.0.100"), ip("fd77::100"), ip("10.77.0.101") };
	const struct guard_link links[] = { { 2, "eth0" }, { 0, "" }, { 7, "eth0.10" } };
	const struct guard_content c = {
		.addresses = addresses, .address_count = 3, .links = links, .link_count = 3
	};
	char *text = guard_text_all(&c);

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "delete table inet ringkeep\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "set v4 { type ipv4_addr; elements = { 10.77.0.100, 10.77.0.101 } }"));
	ck_assert_ptr_nonnull(strstr(text, "set v6 { type ipv6_addr; elements = { fd77::100 } }"));
	ck_assert_ptr_nonnull(strstr(text, "elements = { 0xfd770000000000000000000000000100 } }"));
	ck_assert_ptr_nonnull(
		strstr(text, "add element inet ringkeep gated { 2 . \"eth0\", 7 . \"eth0.10\" }\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "add element arp ringkeep gated { 2 . \"eth0\", 7 . \"eth0.10\" }\n"));
	free(text);
}
END_TEST

START_TEST(trunk_peers_are_intervals)
{
	struct ip_prefix peers[3];
	const struct guard_content all = {
		.peers = peers, .peer_count = 3, .refused = peers, .refused_count = 2
	};
	char *text;

	ck_assert_int_eq(ip_prefix_parse("203.0.113.10", &peers[0]), 0);
	ck_assert_int_eq(ip_prefix_parse("198.51.100.16/28", &peers[1]), 0);
	ck_assert_int_eq(ip_prefix_parse("2001:db8::/64", &peers[2]), 0);
	text = guard_text_all(&all);
	ck_assert_ptr_nonnull(strstr(text, "set peer4 { type ipv4_addr; flags interval; elements = { "
					   "203.0.113.10, 198.51.100.16/28 } }"));
	ck_assert_ptr_nonnull(
		strstr(text, "set peer6 { type ipv6_addr; flags interval; elements = { 2001:db8::/64 } }"));
	ck_assert_ptr_nonnull(strstr(text, "set refused4 { type ipv4_addr; flags interval; elements = { "
					   "203.0.113.10, 198.51.100.16/28 } }"));
	ck_assert_ptr_nonnull(strstr(text, "set refused6 { type ipv6_addr; flags interval; }"));
	free(text);
	text = guard_text_changes(&all);
	ck_assert_ptr_nonnull(
		strstr(text, "add element inet ringkeep refused4 { 203.0.113.10, 198.51.100.16/28 }\n"));
	ck_assert_ptr_null(strstr(text, "add element inet ringkeep refused6"));
	ck_assert_ptr_null(strstr(text, "peer4"));
	free(text);
}
END_TEST

START_TEST(nothing_is_no_empty_element)
{
	const struct guard_content nothing = { 0 };
	char *text = guard_text_all(&nothing);

	ck_assert_ptr_nonnull(strstr(text, "set v4 { type ipv4_addr; }"));
	ck_assert_ptr_nonnull(strstr(text, "set peer4 { type ipv4_addr; flags interval; }"));
	ck_assert_ptr_null(strstr(text, "add element"));
	ck_assert_ptr_null(strstr(text, "{ }"));
	free(text);
	text = guard_text_changes(&nothing);
	ck_assert_str_eq(text, "flush set inet ringkeep gated\nflush set arp ringkeep gated\n"
			       "flush set inet ringkeep refused4\nflush set inet ringkeep refused6\n"
			       "flush set inet ringkeep held4\nflush set inet ringkeep held6\n");
	free(text);
}
END_TEST

START_TEST(who_is_held_is_let_go_by_the_kernel)
{
	struct ip_address held[3];
	const struct guard_content c = { .held = held, .held_count = 3 };
	char *text;

	ck_assert_int_eq(ip_parse("192.0.2.10", &held[0]), 0);
	ck_assert_int_eq(ip_parse("2001:db8::10", &held[1]), 0);
	ck_assert_int_eq(ip_parse("192.0.2.11", &held[2]), 0);
	for (int all = 0; all < 2; all++) {
		text = all ? guard_text_all(&c) : guard_text_changes(&c);
		ck_assert_ptr_nonnull(strstr(text, "add element inet ringkeep held4 { 192.0.2.10 timeout 3s, "
						   "192.0.2.11 timeout 3s }\n"));
		ck_assert_ptr_nonnull(
			strstr(text, "add element inet ringkeep held6 { 2001:db8::10 timeout 3s }\n"));
		free(text);
	}
}
END_TEST

START_TEST(a_name_cannot_become_a_rule)
{
	static const char *const bad[] = { "",	  "a b",  "x\"",  "e*", "a}b", "a;b",
					   "a,b", "a\nb", "a\\b", "$x", "#x" };
	const struct guard_link links[] = { { 3, "x\" }; flush r" }, { 4, "e*" } };
	const struct guard_content c = { .links = links, .link_count = 2 };
	char *text;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert(!guard_name_plain(bad[i]));
	ck_assert(guard_name_plain("br-ab12.4@x+_9"));
	text = guard_text_changes(&c);
	ck_assert_ptr_null(strstr(text, "add element"));
	free(text);
}
END_TEST

UNIT_MAIN("guard_text", sets_hold_addresses_and_interfaces, trunk_peers_are_intervals,
	  nothing_is_no_empty_element, who_is_held_is_let_go_by_the_kernel, a_name_cannot_become_a_rule)
