/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_options.h"
#include "config_text.h"
#include "config_uplinks.h"
#include "unit.h"

#include <string.h>
#include <sys/socket.h>

static const char good[] = "cluster = office\n"						  /* 1 */
			   "node n1 {\n"						  /* 2 */
			   "  id = 1\n"							  /* 3 */
			   "  public-key = \"" KEY_A "\"\n"				  /* 4 */
			   "  link ring0 { address = 10.77.1.1 }\n"			  /* 5 */
			   "}\n"							  /* 6 */
			   "node n2 {\n"						  /* 7 */
			   "  id = 2\n"							  /* 8 */
			   "  public-key = \"" KEY_B "\"\n"				  /* 9 */
			   "  link ring0 { address = 10.77.1.2 }\n"			  /* 10 */
			   "  line isp2 { device = ppp0 gateway = 10.2.0.9 }\n"		  /* 11 */
			   "}\n"							  /* 12 */
			   "node w1 {\n"						  /* 13 */
			   "  id = 3 witness = yes\n"					  /* 14 */
			   "  public-key = \"" KEY_C "\"\n"				  /* 15 */
			   "  link ring0 { address = 10.77.1.3 }\n"			  /* 16 */
			   "}\n"							  /* 17 */
			   "uplink isp2 {\n"						  /* 18 */
			   "  device = wan2\n"						  /* 19 */
			   "}\n"							  /* 20 */
			   "uplink isp1 {\n"						  /* 21 */
			   "  device = wan1\n"						  /* 22 */
			   "  gateway = 10.1.0.1\n"					  /* 23 */
			   "}\n"							  /* 24 */
			   "probe a {\n"						  /* 25 */
			   "  address = 192.0.2.1\n"					  /* 26 */
			   "}\n"							  /* 27 */
			   "probe b {\n"						  /* 28 */
			   "  kind = dns address = 192.0.2.53\n"			  /* 29 */
			   "  host = example.com\n"					  /* 30 */
			   "}\n"							  /* 31 */
			   "group office {\n"						  /* 32 */
			   "  addresses = 10.77.0.100 device = eth0\n"			  /* 33 */
			   "  candidates = { n1, n2 }\n"				  /* 34 */
			   "  trunk itsp { peers = { 203.0.113.0/28, 2001:db8::/64 } }\n" /* 35 */
			   "  trunk more { peers = { 203.0.113.0/28 } }\n"		  /* 36 */
			   "  publish name {\n"						  /* 37 */
			   "    host = pbx.example.com\n"				  /* 38 */
			   "    server = 192.0.2.53\n"					  /* 39 */
			   "  }\n"							  /* 40 */
			   "}\n";

static const struct config_bad_case bad_cases[] = {
	/* clang-format off */
	{ "  address = 192.0.2.1\n", "  address = 2001:db8::1\n",
	  "f:26: address: 2001:db8::1 is IPv6, and no uplink is; add an uplink with family = ipv6, or remove the probe" },
	{ "gateway = 10.1.0.1", "family = ipv6",
	  "f:22: uplink: no probe has an IPv6 address, so nobody knows if uplink isp1 works; add section probe, better two of different "
	  "operators" },
	{ "gateway = 10.1.0.1", "gateway = fd01::1",
	  "f:23: gateway: fd01::1 is no IPv4 address, and uplink isp1 is; write family = ipv6, or another address" },
	{ "  device = wan2\n", "",
	  "f:19: device: uplink isp2 has none on node n1; add it here, or \"line isp2 { device = ... }\" there" },
	{ "  device = wan1\n", "  device = wan2\n",
	  "f:22: device: wan2 is the device of uplink isp2 already (node n1); each IPv4 uplink needs its own" },
	{ "device = ppp0", "device = wan1",
	  "f:22: device: wan1 is the device of uplink isp2 already (node n2); each IPv4 uplink needs its own" },
	{ "line isp2", "line isp3",
	  "f:11: line: isp3 is not an uplink of this file; add section uplink isp3, or rename the line" },
	{ "gateway = 10.2.0.9", "gateway = fd02::9",
	  "f:11: gateway: fd02::9 is no IPv4 address, and uplink isp2 is; write an address of its family" },
	{ "10.77.1.3 }", "10.77.1.3 } line isp1 { }",
	  "f:16: line: node w1 is a witness, which has no uplinks; remove it" },
	{ "gateway = 10.1.0.1", "table = 100",
	  "f:23: table: 100 is the table of voice; choose another" },
	{ "gateway = 10.1.0.1", "table = 254",
	  "f:23: table: 254 is one of the kernel's own (252 to 255); choose another" },
	{ "  device = wan1\n", "  device = wan1 table = 200 } voice { table = 253 } uplink isp3 { device = wan3 table = 200\n",
	  "f:22: table: 200 is the table of uplink isp1 already; choose another\n"
	  "f:22: table: 253 is one of the kernel's own (252 to 255); choose another" },
	{ "gateway = 10.1.0.1", "mark = 0x10000",
	  "f:23: mark: 0x10000 is not within 0xff00; choose another, or another mark-mask in section voice" },
	{ "gateway = 10.1.0.1", "mark = 0xzz",
	  "f:23: mark: \"0xzz\" is not a number in hexadecimal, such as 0xff00; write one" },
	{ "gateway = 10.1.0.1", "mark = 0x100 } uplink isp3 { device = wan3 mark = 256",
	  "f:23: mark: 0x100 is the mark of uplink isp1 already; choose another" },
	/* One bit is one mark. */
	{ "gateway = 10.1.0.1", "} voice { mark-mask = 0x100",
	  "f:19: mark: 0x200 is not within 0x100; choose another, or another mark-mask in section voice" },
	{ "  host = example.com\n", "",
	  "f:29: host: missing in probe b; dns asks for a name: add one that the server knows" },
	{ "kind = dns", "kind = http path = status status = 204",
	  "f:29: path: \"status\" does not begin with /; write it so" },
	{ "kind = dns", "kind = stun path = / status = 204",
	  "f:29: path: stun has none; remove it, or choose kind = http\n"
	  "f:29: status: stun has none; remove it, or choose kind = http\n"
	  "f:30: host: stun asks for none; remove it, or choose kind = dns or http" },
	{ "  address = 192.0.2.1\n", "  kind = tcp address = 192.0.2.1\n",
	  "f:26: port: missing in probe a; tcp has no port of its own: add it" },
	{ "  address = 192.0.2.1\n", "  kind = http address = 192.0.2.1\n",
	  "f:26: host: missing in probe a; http asks a site: add its name" },
	{ "  address = 192.0.2.1\n", "  address = 192.0.2.1 port = 7\n",
	  "f:26: port: icmp has none; remove it, or choose another kind" },
	{ "  address = 192.0.2.1\n", "  kind = dns host = example.com address = 192.0.2.53\n",
	  "f:29: address: probe a asks the same already; remove one" },
	{ NULL, "voice { quorum = 3 }\n",
	  "f:42: quorum: 3, but the probes with an IPv4 address have 2 operators; lower it, or add probes" },
	{ "  host = example.com\n", "  host = example.com operator = a } voice { quorum = 2",
	  "f:30: quorum: 2, but the probes with an IPv4 address have 1 operator; lower it, or add probes" },
	{ NULL, "voice { failback = window }\n",
	  "f:42: failback-window: missing, and failback = window; add a time of day such as 02:00-05:00" },
	{ NULL, "voice { failback-window = \"2-5\" }\n",
	  "f:42: failback-window: \"2-5\" is not a time of day; write it as 02:00-05:00, with two digits each" },
	{ NULL, "voice { failback-window = \"02:00-02:00\" }\n",
	  "f:42: failback-window: \"02:00-02:00\" is not a time of day; write it as 02:00-05:00, with two digits each" },
	{ NULL, "voice { mos-good = 3.2 }\n",
	  "f:42: mos-degraded: is not below mos-good; lower it" },
	{ NULL, "voice { mos-good = 4.6 }\n",
	  "f:42: mos-good: 4.6 is out of range; choose 1 to 4.5" },
	{ NULL, "voice { mos-good = 3.1234 }\n",
	  "f:42: mos-good: \"3.1234\" is not a number with up to three decimals, such as 3.9; write one" },
	{ NULL, "voice { interval = 2s }\n",
	  "f:42: slow-interval: 1000ms is shorter than interval 2000ms; raise it" },
	{ NULL, "voice { hook = notify.sh }\n",
	  "f:42: hook: \"notify.sh\" is not an absolute path; start it with /" },
	{ NULL, "voice { to = { 0.0.0.0/0, 0.0.0.0/0 } }\n",
	  "f:42: to: 0.0.0.0/0 is named twice; remove one" },
	{ "    host = pbx.example.com\n", "    host = pbx.example.com zone = example.org\n",
	  "f:38: zone: pbx.example.com is not in example.org; write the zone that it is in" },
	{ "    host = pbx.example.com\n", "    host = \"pbx.example.com A\"\n",
	  "f:38: host: \"pbx.example.com A\" is not a name in DNS; write one such as pbx.example.com" },
	{ "    host = pbx.example.com\n", "    host = pbx.example.com ttl = 1500ms key-file = ddns.key\n",
	  "f:38: ttl: 1500ms is not a whole number of seconds; write one\n"
	  "f:38: key-file: \"ddns.key\" is not an absolute path; start it with /" },
	{ "  publish name {\n", "  publish twin { host = PBX.example.com. server = 192.0.2.53 }\n  publish name {\n",
	  "f:39: host: pbx.example.com is published by twin of group office already; remove one" },
	{ "candidates = { n1, n2 }", "candidates = { n1, n2 } vrrp { vrid = 1 mode = native }",
	  "f:38: publish: VRRP decides who holds group office (mode = native), so two nodes could publish at once; remove it" },
	/* clang-format on */
};

START_TEST(says_what_is_wrong_where_and_what_to_do)
{
	config_all_are_refused(good, bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}
END_TEST

static const char bare[] = "cluster = c\n"
			   "node a { id = 1 public-key = \"" KEY_A "\" link l { address = 10.0.0.1 } }\n"
			   "node b { id = 2 public-key = \"" KEY_B "\" link l { address = 10.0.0.2 } }\n"
			   "group g { addresses = 10.0.0.9 device = eth0 candidates = { a, b } }\n";

/* What is said of the bare file with this behind it; "" = nothing. */
static const char *said_of(const char *more)
{
	_cleanup_(free_ptr) char *text = config_edit(bare, NULL, more);
	_cleanup_(config_free_ptr) struct config *c = config_new();
	static struct config_errors e;

	return config_parse_text("f", text, strlen(text), c, &e) < 0 ? e.error[0].text : "";
}

START_TEST(nothing_of_uplinks_without_one)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(bare);

	ck_assert_uint_eq(c->voice_count, 0);
	ck_assert_str_eq(said_of("voice { }"),
			 "f:5: voice: there is no uplink; add uplink sections, or remove it");
	ck_assert_str_eq(said_of("probe p { address = 192.0.2.1 }"),
			 "f:5: probe: there is no uplink; add uplink sections, or remove it");
	/* Nobody would take it. */
	ck_assert_str_eq(said_of("uplink u { device = wan } probe p { address = 192.0.2.1 } voice { }"),
			 "f:5: to: no trunk has peers, so nothing would take the uplinks; add trunk "
			 "sections, or section voice with to = { 0.0.0.0/0 }");
	/* One can be measured, at least. */
	ck_assert_str_eq(said_of("uplink u { device = wan } probe p { address = 192.0.2.1 } voice { to = { "
				 "0.0.0.0/0 } }"),
			 "");
}
END_TEST

START_TEST(two_uplinks_and_two_probes_are_a_whole_configuration)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);
	const struct config_uplink *u = c->uplinks;
	struct sentence why = { "" };

	ck_assert_uint_eq(c->uplinks_count, 2);
	ck_assert_str_eq(u[0].name, "isp1");
	ck_assert_str_eq(u[0].isp, "isp1");
	ck_assert_uint_eq(u[0].table, 101);
	ck_assert_uint_eq(u[1].table, 102);
	ck_assert_uint_eq(u[0].mark, 0x100);
	ck_assert_uint_eq(u[1].mark, 0x200);
	ck_assert_uint_eq(c->probes[1].port, 53);
	ck_assert_str_eq(c->probes[1].operator, "b");
	ck_assert_uint_eq(c->voice_count, 1);
	ck_assert_uint_eq(c->voice[0].quorum, 1);
	for (node_id_t n = 1; n <= 2; n++) {
		struct path_config p;
		bool learn[CONFIG_UPLINKS_MAX];

		config_uplinks_path(c, n, &p, learn);
		ck_assert_msg(path_plan_check(&p, &why) == 0, "%s", why.text);
		ck_assert_uint_eq(p.voice_count, 2); /* each prefix once */
		ck_assert_str_eq(p.uplink[1].device, n == 1 ? "wan2" : "ppp0");
		ck_assert(p.uplink[0].routed && !learn[0]);
		ck_assert(learn[1] == (n == 1));
	}
}
END_TEST

START_TEST(defaults_are_those_that_the_measures_stand_beside)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);
	struct uplink_policy p;
	struct uplink_choice_policy q;

	memset(&p, 0, sizeof p);
	memset(&q, 0, sizeof q);
	config_uplink_policy(&c->voice[0], &p);
	config_uplink_choice_policy(&c->voice[0], &q);
	ck_assert_int_eq(p.probe.interval_ns, uplink_policy_default.probe.interval_ns);
	ck_assert_int_eq(p.probe.slow_interval_ns, uplink_policy_default.probe.slow_interval_ns);
	ck_assert_int_eq(p.probe.timeout_ns_min, uplink_policy_default.probe.timeout_ns_min);
	ck_assert_uint_eq(p.probe.fall, uplink_policy_default.probe.fall);
	ck_assert_uint_eq(p.probe.rise, uplink_policy_default.probe.rise);
	ck_assert_int_eq(p.codec, uplink_policy_default.codec);
	ck_assert_uint_eq(p.borders.good_mos_milli, uplink_policy_default.borders.good_mos_milli);
	ck_assert_uint_eq(p.borders.degraded_mos_milli, uplink_policy_default.borders.degraded_mos_milli);
	ck_assert_uint_eq(p.quorum, uplink_policy_default.quorum);
	ck_assert_int_eq(q.failback, uplink_choice_policy_default.failback);
	ck_assert_int_eq(q.failback_delay_ns, uplink_choice_policy_default.failback_delay_ns);
	ck_assert_int_eq(q.max_wait_ns, uplink_choice_policy_default.max_wait_ns);
	ck_assert_int_eq(q.confirm_ns, uplink_choice_policy_default.confirm_ns);
	ck_assert_int_eq(q.hold_ns, uplink_choice_policy_default.hold_ns);
	ck_assert_int_eq(q.drain, uplink_choice_policy_default.drain);
}
END_TEST

START_TEST(numbers_follow_names_and_leave_out_what_is_taken)
{
	_cleanup_(free_ptr) char *text =
		config_edit(good, "  device = wan2\n", "  device = wan2 table = 101 mark = 0x100\n");
	_cleanup_(config_free_ptr) struct config *c = config_parsed(text);

	ck_assert_uint_eq(c->uplinks[0].table, 102);
	ck_assert_uint_eq(c->uplinks[0].mark, 0x200);
	ck_assert_uint_eq(c->uplinks[1].table, 101);
}
END_TEST

START_TEST(two_of_three_operators_have_to_answer)
{
	_cleanup_(free_ptr) char *text = config_edit(
		good, NULL, "probe c { address = 192.0.2.3 } probe d { address = 192.0.2.4 operator = c }\n");
	_cleanup_(config_free_ptr) struct config *c = config_parsed(text);
	struct config_targets t;

	ck_assert_uint_eq(c->voice[0].quorum, 2);
	config_uplink_targets(c, 0, &t);
	ck_assert_uint_eq(t.count, 4);
	ck_assert_uint_eq(t.network[2], t.network[3]);
	ck_assert_uint_ne(t.network[1], t.network[2]);
}
END_TEST

START_TEST(a_window_may_span_midnight)
{
	_cleanup_(free_ptr) char *text =
		config_edit(good, NULL, "voice { failback = window failback-window = \"22:30-04:00\" }\n");
	_cleanup_(config_free_ptr) struct config *c = config_parsed(text);

	ck_assert(config_voice_in_window(&c->voice[0], 22 * 60 + 30));
	ck_assert(config_voice_in_window(&c->voice[0], 0));
	ck_assert(config_voice_in_window(&c->voice[0], 4 * 60 - 1));
	ck_assert(!config_voice_in_window(&c->voice[0], 4 * 60));
	ck_assert(!config_voice_in_window(&c->voice[0], 12 * 60));
}
END_TEST

START_TEST(prints_what_parses_to_the_same)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good), *again = NULL;
	_cleanup_(free_ptr) char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	config_print(c, f);
	(void)fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "mark = 0x200\n"));
	ck_assert_ptr_nonnull(strstr(text, "mos-good = 3.9\n"));
	again = config_parsed(text);
	ck_assert(again->hash == c->hash);
	ck_assert_ptr_null(config_restart_needed(c, again));
}
END_TEST

/* Policies, names in DNS: in place. What has sockets, routes and rules of its own: a restart. */
START_TEST(a_reload_changes_policies_and_no_paths)
{
	static const struct {
		const char *find, *replace, *key;
	} changes[] = {
		{ NULL, "voice { failback = manual interval = 100ms hook = /bin/true }\n", NULL },
		{ "gateway = 10.1.0.1", "gateway = 10.1.0.1 preference = 1 public-address = 192.0.2.9",
		  NULL },
		{ "pbx.example.com", "www.example.com", NULL },
		{ "  publish name {\n",
		  "  publish twin { host = x.example.com server = 192.0.2.1 }\n  publish name {\n", NULL },
		{ "gateway = 10.1.0.1", "gateway = 10.1.0.2", "gateway" },
		{ "device = ppp0", "device = ppp1", "device" },
		{ NULL, "probe c { address = 192.0.2.7 }\n", "probe" },
		{ NULL, "voice { table = 300 }\n", "table" },
	};
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);

	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		_cleanup_(free_ptr) char *text = config_edit(good, changes[i].find, changes[i].replace);
		_cleanup_(config_free_ptr) struct config *d = config_parsed(text);
		const char *key = config_restart_needed(c, d);

		ck_assert_msg(changes[i].key ? key && !strcmp(key, changes[i].key) : !key, "%s: %s",
			      changes[i].replace, key ? key : "nothing");
	}
}
END_TEST

UNIT_MAIN("config_uplinks", says_what_is_wrong_where_and_what_to_do, nothing_of_uplinks_without_one,
	  two_uplinks_and_two_probes_are_a_whole_configuration,
	  defaults_are_those_that_the_measures_stand_beside, numbers_follow_names_and_leave_out_what_is_taken,
	  two_of_three_operators_have_to_answer, a_window_may_span_midnight, prints_what_parses_to_the_same,
	  a_reload_changes_policies_and_no_paths)
