/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alert_events.h"
#include "config_text.h"
#include "unit.h"

#include <string.h>

static const char good[] = "cluster = office\n"						      /* 1 */
			   "node n1 { id = 1 public-key = \"" KEY_A "\"\n"		      /* 2 */
			   "  link ring0 { address = 10.77.1.1 } }\n"			      /* 3 */
			   "node n2 { id = 2 public-key = \"" KEY_B "\"\n"		      /* 4 */
			   "  link ring0 { address = 10.77.1.2 } }\n"			      /* 5 */
			   "node w1 { id = 3 witness = yes public-key = \"" KEY_C "\"\n"      /* 6 */
			   "  link ring0 { address = 10.77.1.3 } }\n"			      /* 7 */
			   "alert web { type = webhook url = \"https://noc.example.com/x\"\n" /* 8 */
			   "  events = { takeover, rogue-vrrp }\n"			      /* 9 */
			   "  token-file = \"/etc/ringkeep/token\" }\n"			      /* 10 */
			   "alert mail { type = mail url = \"smtp://mail.example.com:587\"\n" /* 11 */
			   "  from = \"pbx@example.com\" to = { \"noc@example.com\" }\n"      /* 12 */
			   "  user = pbx password-file = \"/etc/ringkeep/mail\" }\n"	      /* 13 */
			   "alert hook { type = exec program = \"/usr/local/bin/hook\" }\n"   /* 14 */
			   "alert log { type = syslog severity = info }\n"		      /* 15 */
			   "certificate api { file = \"/etc/ringkeep/api.crt\"\n"	      /* 16 */
			   "  warning = 30 critical = 10 }\n";				      /* 17 */

static const struct config_bad_case bad_cases[] = {
	/* clang-format off */
	{ "type = exec program", "program",
	  "f:14: type: missing in section alert hook; add it (exec (a program is run), webhook (JSON by HTTP POST), alertmanager (Prometheus' Alertmanager, API "
	  "v2), mail or syslog)" },
	{ "type = webhook", "type = webhok",
	  "f:8: type: \"webhok\" is none of its words; choose exec, webhook, alertmanager, mail, syslog" },
	{ "rogue-vrrp", "rouge-vrrp",
	  "f:9: events: \"rouge-vrrp\" is no event (did you mean \"rogue-vrrp\"?); docs/ALERTS.md lists them" },
	{ "rogue-vrrp", "test", "f:9: events: \"test\" is no event; docs/ALERTS.md lists them" },
	{ "https://noc.example.com/x", "ftp://noc.example.com/x",
	  "f:8: url: \"ftp://noc.example.com/x\" is no address of this type; write https://HOST/PATH" },
	{ "https://noc.example.com/x", "http://noc.example.com/x",
	  "f:8: url: would carry a password or token in the clear; write https://, or a loopback address" },
	{ "https://noc.example.com/x", "https://me:secret@noc.example.com/x",
	  "f:8: url: has a user in it, and this file is read by many; write user and password-file" },
	{ "https://noc.example.com/x", "https:///x", "f:8: url: \"https:///x\" names no host; add it" },
	{ "\"smtp://mail.example.com:587\"", "\"mail.example.com\"",
	  "f:11: url: \"mail.example.com\" is no address of this type; write smtp://HOST:PORT or smtps://HOST" },
	{ "\"noc@example.com\"", "\"noc@example.com>, <x@y\"",
	  "f:12: to: \"noc@example.com>, <x@y\" is no mail address; write one such as noc@example.com" },
	{ "user = pbx ", "", "f:13: password-file: user and password-file go together; write both or neither" },
	{ "program = \"/usr/local/bin/hook\"", "program = hook",
	  "f:14: program: \"hook\" is not an absolute path; start it with /" },
	{ "type = exec program", "type = exec url = \"https://x\" program",
	  "f:14: url: means nothing to a receiver of this type; remove it" },
	{ "program = \"/usr/local/bin/hook\"", "", "f:14: program: missing; add it (the program to run)" },
	{ "critical = 10", "critical = 31", "f:17: critical: 31 days are more than the 30 of warning; choose fewer" },
	/* clang-format on */
};

START_TEST(defaults_are_filled_in)
{
	struct config *c = config_parsed(good);

	ck_assert_uint_eq(c->alerts_count, 4);
	ck_assert_str_eq(c->alerts[0].name, "hook"); /* by name */
	ck_assert_uint_eq(c->alerts[0].severity, ALERT_WARNING);
	ck_assert(c->alerts[0].resolved);
	ck_assert_uint_eq(c->alerts[0].timeout_ms, 10000);
	ck_assert_uint_eq(c->alerting_count, 1);
	ck_assert_uint_eq(c->alerting[0].stand_in_ms, 15000);
	ck_assert_uint_eq(c->certificates[0].warning_days, 30);
	config_free(c);
}
END_TEST

START_TEST(whoever_runs_the_alerts_may_look)
{
	struct config *c = config_parsed(good);

	ck_assert_int_eq(config_role_of(c, 990, CONFIG_ALERT_USER), ROLE_VIEWER);
	ck_assert_int_eq(config_role_of(c, 990, "somebody"), ROLE_NONE);
	c->alerts_count = 0;
	ck_assert_int_eq(config_role_of(c, 990, CONFIG_ALERT_USER), ROLE_NONE);
	config_free(c);
}
END_TEST

START_TEST(what_cannot_work_is_told_with_its_line)
{
	config_all_are_refused(good, bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}
END_TEST

UNIT_MAIN("config_alerts", defaults_are_filled_in, whoever_runs_the_alerts_may_look,
	  what_cannot_work_is_told_with_its_line)
