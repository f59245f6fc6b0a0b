/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_options.h"
#include "config_text.h"
#include "core.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static const char good[] = "cluster = office\n"					  /* 1 */
			   "profile = lan\n"					  /* 2 */
			   "node n1 {\n"					  /* 3 */
			   "  id = 1\n"						  /* 4 */
			   "  public-key = \"" KEY_A "\"\n"			  /* 5 */
			   "  link ring0 { address = 10.77.1.1 }\n"		  /* 6 */
			   "}\n"						  /* 7 */
			   "node n2 {\n"					  /* 8 */
			   "  id = 2\n"						  /* 9 */
			   "  public-key = \"" KEY_B "\"\n"			  /* 10 */
			   "  link ring0 { address = 10.77.1.2 }\n"		  /* 11 */
			   "}\n"						  /* 12 */
			   "node w1 {\n"					  /* 13 */
			   "  id = 3\n"						  /* 14 */
			   "  witness = yes\n"					  /* 15 */
			   "  public-key = \"" KEY_C "\"\n"			  /* 16 */
			   "  link ring0 { address = 10.77.1.3 }\n"		  /* 17 */
			   "}\n"						  /* 18 */
			   "group office {\n"					  /* 19 */
			   "  addresses = { 10.77.0.100,\n"			  /* 20 */
			   "                fd77::100 }\n"			  /* 21 */
			   "  device = eth0\n"					  /* 22 */
			   "  candidates = { n1, n2 }\n"			  /* 23 */
			   "  pbx {\n"						  /* 24 */
			   "    adapter = kamailio\n"				  /* 25 */
			   "    pid-file = /run/kamailio.pid\n"			  /* 26 */
			   "    setting rpc { value = unixgram:/run/rpc.sock }\n" /* 27 */
			   "  }\n"						  /* 28 */
			   "}\n";

static const struct config_bad_case bad_cases[] = {
#include "config_bad_cases.h"
};

static char *printed(const struct config *c)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	config_print(c, f);
	(void)fclose(f);
	return text;
}

START_TEST(says_what_is_wrong_where_and_what_to_do)
{
	config_all_are_refused(good, bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}
END_TEST

START_TEST(takes_values_defaults_and_order)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);
	const struct config_group *g = &c->groups[0];

	ck_assert_str_eq(c->cluster, "office");
	ck_assert_uint_eq(c->pulse_port, 5707);
	ck_assert_uint_eq(c->nodes_count, 3);
	ck_assert(c->nodes[2].witness);
	ck_assert_str_eq(g->name, "office");
	ck_assert_uint_eq(g->wire_id, group_wire_id("office"));
	ck_assert_uint_eq(g->addresses_count, 2);
	ck_assert_uint_eq(g->candidates_count, 2);
	ck_assert_uint_eq(g->candidates[0], 1);
	ck_assert_uint_eq(g->failback, FAILBACK_MANUAL);
	ck_assert_uint_eq(g->failback_after_ms, 300000);
	ck_assert_uint_eq(g->pbx[0].settings_count, 1);
	ck_assert_str_eq(g->pbx[0].settings[0].value, "unixgram:/run/rpc.sock");
	ck_assert_uint_eq(config_self(c, KEY_B), 2);
	ck_assert_uint_eq(config_self(c, "rk1:"), NODE_NONE);
	ck_assert_uint_eq(config_voters(c), 0xe);
	ck_assert_int_eq(config_group_index(c, "office"), 0);
	ck_assert_int_eq(config_group_index(c, "home"), -1);
	ck_assert_int_eq(config_group_index_wire(c, g->wire_id), 0);
}
END_TEST

START_TEST(prints_what_it_parses_to_the_same)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);
	_cleanup_(free_ptr) char *first = printed(c);
	_cleanup_(config_free_ptr) struct config *again = config_parsed(first);
	_cleanup_(free_ptr) char *second = printed(again);

	ck_assert_str_eq(first, second);
	ck_assert_uint_eq(c->hash, again->hash);
	ck_assert_ptr_nonnull(strstr(first, "guard = 112ms\n"));
}
END_TEST

START_TEST(hashes_meaning_not_text)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);
	_cleanup_(free_ptr) char *comment =
		config_edit(good, "profile = lan", "# ${HOME} is fine here\npulse-interval = 0.1s");
	_cleanup_(config_free_ptr) struct config *same = config_parsed(comment);
	_cleanup_(free_ptr) char *port = config_edit(good, "profile = lan", "pulse-port = 5708");
	_cleanup_(config_free_ptr) struct config *other = config_parsed(port);
	char moved[sizeof good] = "";
	const char *n1 = strstr(good, "node n1"), *n2 = strstr(good, "node n2"),
		   *w1 = strstr(good, "node w1");

	(void)snprintf(moved, sizeof moved, "%.*s%.*s%.*s%s", (int)(n1 - good), good, (int)(w1 - n2), n2,
		       (int)(n2 - n1), n1, w1);
	_cleanup_(config_free_ptr) struct config *order = config_parsed(moved);

	ck_assert_uint_eq(c->hash, same->hash);
	ck_assert_uint_eq(c->hash, order->hash);
	ck_assert_uint_ne(c->hash, other->hash);
}
END_TEST

START_TEST(forgets_a_broken_file)
{
	/* libconfuse's scanner keeps its state in globals: the next file must not suffer. */
	static const char *const broken[] = { "cluster = \"off", "/* never ends", "cluster = 'x\n",
					      "a\"\\400\"", "" };
	static struct config_errors e;
	_cleanup_(config_free_ptr) struct config *c = config_new();

	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		ck_assert_int_eq(config_parse_text("f", broken[i], strlen(broken[i]), c, &e), -EINVAL);
		ck_assert_uint_gt(e.count, 0);
		ck_assert_int_eq(config_parse_text("f", good, strlen(good), c, &e), 0);
	}
}
END_TEST

START_TEST(computes_the_guard_from_the_inequality)
{
	ck_assert_uint_eq(timing_guard_needed_us(800, 100000, 20000), 111200);
	ck_assert_uint_eq(timing_guard_needed_us(800, 0, 0), TIMING_RESOLUTION_US);
	static const struct {
		uint32_t profile, pulse_ms, lease_ms, guard_ms, mute_ms, takeover_ms;
	} want[] = { { PROFILE_METAL, 25, 200, 32, 2838, 272 },
		     { PROFILE_LAN, 100, 800, 112, 2838, 1071 },
		     { PROFILE_VM, 250, 2500, 338, 2838, 3245 } };

	for (int i = 0; i < 3; i++) {
		struct config_timing t = { .profile = want[i].profile,
					   .clock_error_ppm = 100000,
					   .voter_error_ppm = 20000 };
		struct timing_inequality list[TIMING_INEQUALITIES_MAX];

		config_timing_complete(&t);
		ck_assert_uint_eq(t.pulse_ms, want[i].pulse_ms);
		ck_assert_uint_eq(t.lease_ms, want[i].lease_ms);
		ck_assert_uint_eq(t.guard_ms, want[i].guard_ms);
		ck_assert_uint_eq(config_timing_mute_ms(&t), want[i].mute_ms);
		ck_assert_uint_eq(config_timing_takeover_ms(&t), want[i].takeover_ms);
		for (int k = config_timing_check(&t, list); k-- > 0;)
			ck_assert_msg(list[k].holds, "%s: %s", list[k].rule, list[k].numbers);
		ck_assert_int_eq(config_timing_lease(&t).lease_ns, want[i].lease_ms * NS_PER_MS);
	}
}
END_TEST

START_TEST(knows_who_may_do_what)
{
	_cleanup_(free_ptr) char *text = config_edit(good, NULL,
						     "role viewer { users = { monitor, 1000 } }\n"
						     "role operator { users = { 1000 } }\n");
	_cleanup_(config_free_ptr) struct config *c = config_parsed(text);

	ck_assert_int_eq(config_role_of(c, 0, "root"), ROLE_ADMIN);
	ck_assert_int_eq(config_role_of(c, 77, "monitor"), ROLE_VIEWER);
	ck_assert_int_eq(config_role_of(c, 1000, "alice"), ROLE_OPERATOR);
	ck_assert_int_eq(config_role_of(c, 1001, NULL), ROLE_NONE);
}
END_TEST

START_TEST(knows_what_a_reload_can_change)
{
	static const struct {
		const char *find, *replace, *key;
	} cases[] = {
		{ "profile = lan", "log-level = debug", NULL },
		{ "candidates = { n1, n2 }", "candidates = { n2, n1 }", NULL },
		{ "fd77::100 }", "fd77::101 }", NULL },
		{ "profile = lan", "profile = vm", "profile" },
		{ "profile = lan", "pulse-port = 99", "pulse-port" },
		{ "10.77.1.3", "10.77.1.4", "address" },
		{ "adapter = kamailio", "adapter = sip", "adapter" },
		{ "group office", "group house", "group" },
	};
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		_cleanup_(free_ptr) char *text = config_edit(good, cases[i].find, cases[i].replace);
		_cleanup_(config_free_ptr) struct config *changed = config_parsed(text);

		ck_assert_pstr_eq(config_restart_needed(c, changed), cases[i].key);
	}
}
END_TEST

START_TEST(tells_the_core)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);
	struct core_config core;

	config_core(c, 2, 99, &core);
	ck_assert_uint_eq(core.self, 2);
	ck_assert_uint_eq(core.nodes_count, 3);
	ck_assert(core.nodes[2].witness);
	ck_assert_uint_eq(core.groups[0].candidates_count, 2);
	ck_assert_int_eq(core.timing.guard_ns, 112 * NS_PER_MS);
	ck_assert_uint_eq(core.config_hash, c->hash);
}
END_TEST

START_TEST(knows_when_a_watchdog_counts)
{
	static struct config c = { .nodes_count = 4, .nodes[3].witness = true, .watchdog_count = 1 };

	ck_assert(!config_watchdog_counts(&c));
	c.watchdog[0].quorum = true;
	ck_assert(config_watchdog_counts(&c));
	c.nodes[2].witness = true; /* two that corosync cannot tell apart */
	ck_assert(!config_watchdog_counts(&c));
	c.nodes[2].witness = false;
	c.watchdog_count = 0;
	ck_assert(!config_watchdog_counts(&c));
}
END_TEST

UNIT_MAIN("config", says_what_is_wrong_where_and_what_to_do, takes_values_defaults_and_order,
	  prints_what_it_parses_to_the_same, hashes_meaning_not_text, forgets_a_broken_file,
	  computes_the_guard_from_the_inequality, knows_who_may_do_what, knows_what_a_reload_can_change,
	  tells_the_core, knows_when_a_watchdog_counts)
