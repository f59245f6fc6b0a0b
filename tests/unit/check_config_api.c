/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_text.h"
#include "unit.h"

#include <string.h>
#include <sys/socket.h>

static const char good[] = "cluster = office\n"						 /* 1 */
			   "node n1 { id = 1 public-key = \"" KEY_A "\"\n"		 /* 2 */
			   "  link ring0 { address = 10.77.1.1 } }\n"			 /* 3 */
			   "node n2 { id = 2 public-key = \"" KEY_B "\"\n"		 /* 4 */
			   "  link ring0 { address = 10.77.1.2 } }\n"			 /* 5 */
			   "node w1 { id = 3 witness = yes public-key = \"" KEY_C "\"\n" /* 6 */
			   "  link ring0 { address = 10.77.1.3 } }\n"			 /* 7 */
			   "api { listen = { \"10.0.0.1:8443\", \"[fd00::1]:8443\" }\n"	 /* 8 */
			   "  certificate-file = \"/etc/ringkeep/api.pem\"\n"		 /* 9 */
			   "  key-file = \"/etc/ringkeep/api.key\"\n"			 /* 10 */
			   "  access-file = \"/etc/ringkeep/access\" }\n";		 /* 11 */

static const struct config_bad_case bad_cases[] = {
	/* clang-format off */
	{ "10.0.0.1:8443", "10.0.0.1", "f:8: listen: \"10.0.0.1\" is no address with a port; write 10.0.0.1:8443 or [fd00::1]:8443" },
	{ "10.0.0.1:8443", "api.example.com:8443",
	  "f:8: listen: \"api.example.com:8443\" is no address with a port; write 10.0.0.1:8443 or [fd00::1]:8443" },
	{ "[fd00::1]:8443", "fd00::1:8443", "f:8: listen: \"fd00::1:8443\" is no address with a port; write 10.0.0.1:8443 or [fd00::1]:8443" },
	{ "10.0.0.1:8443", "10.0.0.1:99999", "f:8: listen: \"10.0.0.1:99999\" is no address with a port; write 10.0.0.1:8443 or [fd00::1]:8443" },
	{ "10.0.0.1:8443", "0.0.0.0:8443",
	  "f:8: listen: \"0.0.0.0:8443\" is every address, those of the telephones, too; write the management address" },
	{ "[fd00::1]:8443", "[::]:8443", "f:8: listen: \"[::]:8443\" is every address, those of the telephones, too; write the management address" },
	{ "\"[fd00::1]:8443\" }", "\"[::1]:8443\" } plain = yes",
	  "f:8: listen: \"10.0.0.1:8443\" without TLS would carry tokens in the clear; plain is for loopback addresses only\n"
	  "f:9: certificate-file: means nothing with plain = yes; remove one\n"
	  "f:10: key-file: means nothing with plain = yes; remove one" },
	{ "\"10.0.0.1:8443\", \"[fd00::1]:8443\" }", "\"127.0.0.1:80\" } plain = yes",
	  "f:9: certificate-file: means nothing with plain = yes; remove one\n"
	  "f:10: key-file: means nothing with plain = yes; remove one" },
	{ "  key-file = \"/etc/ringkeep/api.key\"\n", "\n", "f:8: key-file: missing; TLS needs it (or plain = yes, on loopback addresses)" },
	{ "\"/etc/ringkeep/access\"", "access", "f:11: access-file: \"access\" is not an absolute path; start it with /" },
	/* clang-format on */
};

START_TEST(where_it_listens)
{
	struct config *c = config_parsed(good);
	struct ip_address ip;
	uint16_t port;

	ck_assert_uint_eq(c->api_count, 1);
	ck_assert_int_eq(config_api_listen(c->api[0].listen[1], &ip, &port), 0);
	ck_assert_int_eq(ip.family, AF_INET6);
	ck_assert_uint_eq(port, 8443);
	ck_assert_int_lt(config_api_listen("[10.0.0.1]:8443", &ip, &port), 0);
	ck_assert_int_lt(config_api_listen(":8443", &ip, &port), 0);
	ck_assert_int_lt(config_api_listen("[]:8443", &ip, &port), 0);
	ck_assert_int_lt(config_api_listen("[", &ip, &port), 0);
	ck_assert_int_lt(config_api_listen("]:1", &ip, &port), 0);
	ck_assert_int_lt(config_api_listen("10.0.0.1:+1", &ip, &port), 0);
	ck_assert_uint_eq(c->api[0].connections_max, 256);
	config_free(c);
}
END_TEST

START_TEST(whoever_runs_it_may_look)
{
	struct config *c = config_parsed(good);

	ck_assert_int_eq(config_role_of(c, 990, CONFIG_API_USER), ROLE_VIEWER);
	c->api_count = 0;
	ck_assert_int_eq(config_role_of(c, 990, CONFIG_API_USER), ROLE_NONE);
	config_free(c);
}
END_TEST

START_TEST(what_cannot_work_is_told_with_its_line)
{
	config_all_are_refused(good, bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}
END_TEST

UNIT_MAIN("config_api", where_it_listens, whoever_runs_it_may_look, what_cannot_work_is_told_with_its_line)
