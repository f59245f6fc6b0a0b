/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_connection.h"
#include "unit.h"

#include <errno.h>

static void parses(const char *text, const char *ip, uint16_t port, bool secure)
{
	struct binding_connection c;
	char found[IP_TEXT_MAX];

	ck_assert_msg(binding_connection_parse(text, &c) == 0, "%s", text);
	ck_assert_str_eq(ip_format(&c.ip, found), ip);
	ck_assert_uint_eq(c.port, port);
	ck_assert_int_eq(c.secure, secure);
}

START_TEST(reads_both_families_and_all_transports)
{
	parses("tcp:203.0.113.9:40123", "203.0.113.9", 40123, false);
	parses("TLS:[2001:db8::9]:1", "2001:db8::9", 1, true);
	parses("ws:10.0.0.1:80", "10.0.0.1", 80, false);
	parses("wss:2001:db8::9:5061", "2001:db8::9", 5061,
	       true); /* no brackets: the last colon is the port's */
}
END_TEST

START_TEST(refuses_everything_else)
{
	static const char *const bad[] = {
		"",
		"tcp",
		"tcp:",
		"tcp::5060",
		"udp:10.0.0.1:5060",
		"tcp:10.0.0.1",
		"tcp:h:5060",
		"tcp:10.0.0.1:",
		"tcp:10.0.0.1:0",
		"tcp:10.0.0.1:65536",
		"tcp:10.0.0.1:-1",
		"tcp:[]:5060",
		"tcp:[::1:5060",
		"tcp:10.0.0.1:5060 ",
		"tcp:1111111111111111111111111111111111111111111111111:5060",
	};
	struct binding_connection c;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(binding_connection_parse(bad[i], &c) == -EINVAL, "%s", bad[i]);
}
END_TEST

UNIT_MAIN("binding_connection", reads_both_families_and_all_transports, refuses_everything_else)
