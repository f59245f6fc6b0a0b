/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_text.h"
#include "fence_request.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static const char good[] = "cluster = office\n"					 /* 1 */
			   "fence-timeout = 4m watchdog { timeout = 8s }\n"	 /* 2 */
			   "fence-device pdu {\n"				 /* 3 */
			   "  agent = fence_apc_snmp\n"				 /* 4 */
			   "  parameters = { \"ip=10.0.0.9\",\n"		 /* 5 */
			   "    \"snmp_version=1\" }\n"				 /* 6 */
			   "  password-file = /etc/ringkeep/pdu\n"		 /* 7 */
			   "  password-parameter = community\n"			 /* 8 */
			   "  target n1 { plug = \"1,2\" }\n"			 /* 9 */
			   "  target n2 { plug = 3 }\n"				 /* 10 */
			   "}\n"						 /* 11 */
			   "fence-device bmc-n1 {\n"				 /* 12 */
			   "  agent = /opt/fence_bmc\n"				 /* 13 */
			   "  off-timeout = 25s retries = 2\n"			 /* 14 */
			   "  target n1 { }\n"					 /* 15 */
			   "}\n"						 /* 16 */
			   "fence-device dog {\n"				 /* 17 */
			   "  kind = watchdog\n"				 /* 18 */
			   "  target n1 { }\n"					 /* 19 */
			   "  target n2 { }\n"					 /* 20 */
			   "}\n"						 /* 21 */
			   "node n1 {\n"					 /* 22 */
			   "  id = 1 public-key = \"" KEY_A "\"\n"		 /* 23 */
			   "  link ring0 { address = 10.77.1.1 }\n"		 /* 24 */
			   "  fence-delay = 5s\n"				 /* 25 */
			   "  fence-level 2 { devices = { pdu, dog } }\n"	 /* 26 */
			   "  fence-level 1 { devices = { bmc-n1 } }\n"		 /* 27 */
			   "}\n"						 /* 28 */
			   "node n2 {\n"					 /* 29 */
			   "  id = 2 public-key = \"" KEY_B "\"\n"		 /* 30 */
			   "  link ring0 { address = 10.77.1.2 }\n"		 /* 31 */
			   "  fence-action = reboot\n"				 /* 32 */
			   "  fence-level 1 { devices = { pdu } }\n"		 /* 33 */
			   "}\n"						 /* 34 */
			   "node w1 {\n"					 /* 35 */
			   "  id = 3 witness = yes public-key = \"" KEY_C "\"\n" /* 36 */
			   "  link ring0 { address = 10.77.1.3 }\n"		 /* 37 */
			   "}\n"						 /* 38 */
			   "group office {\n"					 /* 39 */
			   "  addresses = { 10.77.0.100 } device = eth0\n"	 /* 40 */
			   "  candidates = { n1, n2 }\n"			 /* 41 */
			   "  fence = required\n"				 /* 42 */
			   "}\n";

static const struct config_bad_case bad_cases[] = {
	/* clang-format off */
	{ "agent = fence_apc_snmp", "kind = power",
	  "f:4: agent: missing in section fence-device pdu; add it" },
	{ "agent = /opt/fence_bmc", "agent = opt/fence_bmc",
	  "f:13: agent: \"opt/fence_bmc\" is neither a name, such as fence_ipmilan, nor an absolute path" },
	{ "snmp_version=1", "snmp_version",
	  "f:6: parameters: \"snmp_version\" is not name=value; write it so" },
	{ "snmp_version=1", "option=off",
	  "f:6: parameters: option is not for here; ringkeep says what the agent shall do" },
	{ "snmp_version=1", "plug=3",
	  "f:6: parameters: plug is not for here; write it as the plug of a target" },
	{ "snmp_version=1", "delay=3",
	  "f:6: parameters: delay is not for here; write it as fence-delay of the node, where it does not eat the agent's time" },
	{ "snmp_version=1", "passwd=x",
	  "f:6: parameters: passwd is not for here; a password belongs into a file of its own, the password-file" },
	{ "snmp_version=1", "community=x",
	  "f:6: parameters: community comes from the password-file; remove one" },
	{ "snmp_version=1", "method=cycle",
	  "f:6: parameters: method cycle is never verified by the agent, so it proves nothing; leave it out, and write "
	  "fence-action = reboot at the node" },
	{ "\"snmp_version=1\"", "\"snmp_version=1\", \"snmp-version=2c\"",
	  "f:6: parameters: snmp-version is given twice; remove one" },
	{ "snmp_version=1", "power-timeout=30",
	  "f:6: parameters: power-timeout=30 s is not shorter than off-timeout 30000 ms: the agent would be killed before it "
	  "can say what is wrong; raise off-timeout" },
	{ "/etc/ringkeep/pdu", "pdu",
	  "f:7: password-file: \"pdu\" is not an absolute path; start it with /" },
	{ "plug = 3", "plug = \"1,2\"",
	  "f:10: plug: 1,2 is the plug of n1 already; one of the two is wrong" },
	{ "  target n2 { plug = 3 }\n", "  target n2 { plug = 3 }\n target n9 { plug = 4 }\n",
	  "f:11: target: n9 is not a node of this file; add section node n9" },
	{ "  target n2 { plug = 3 }\n", "  target n2 { plug = 3 }\n target w1 { plug = 4 }\n",
	  "f:11: target: w1 is a witness, which holds nothing; leave it out" },
	{ "retries = 2\n  target n1 { }\n", "retries = 2\n  target n1 { }\n  target n2 { }\n",
	  "f:16: target: without plugs the device is one node's own, but n1 is a target, too; give each its plug, or its own device" },
	{ "kind = watchdog", "kind = watchdog agent = x",
	  "f:18: kind: a watchdog is the target's own: no agent, parameters or password-file; remove them" },
	{ "kind = watchdog\n  target n1 { }", "kind = watchdog\n  target n1 { plug = 1 }",
	  "f:19: plug: a watchdog has no plugs; remove it" },
	{ "fence-level 1 { devices = { bmc-n1 } }", "fence-level 1 { devices = { bmc-n2 } }",
	  "f:27: devices: bmc-n2 is not a fence device of this file; add section fence-device bmc-n2" },
	{ "fence-level 1 { devices = { pdu } }", "fence-level 1 { devices = { bmc-n1 } }",
	  "f:33: devices: bmc-n1 has no target n2; add section target n2 to it" },
	{ "{ pdu, dog }", "{ pdu, pdu }",
	  "f:26: devices: pdu is named twice; remove one" },
	{ "fence-level 2", "fence-level 3",
	  "f:23: fence-level: n1 has level 3 but no level 2; number them from 1" },
	{ "fence-level 2", "fence-level first",
	  "f:26: fence-level: first is not its number; choose 1 to 4" },
	{ "agent = fence_apc_snmp", "agent = fence_apc_snmp kind = fabric",
	  "f:33: devices: pdu cuts n2 off and cannot reboot it; set fence-action = off" },
	{ "fence-timeout = 4m", "fence-timeout = 90s",
	  "f:2: fence-timeout: 90000 ms is too short: the levels of n1 may take 91000 ms (off-timeout and status-timeout of each "
	  "device, twice the timeout of a watchdog); raise it, or lower those" },
	{ "  fence-level 1 { devices = { pdu } }\n", "",
	  "f:41: fence: required, but nothing can fence candidate n2: nobody could take over from it; add section fence-level 1 "
	  "to node n2" },
	{ "  fence = required", "  fence = required vrrp { vrid = 1 mode = native }",
	  "f:42: fence: required means nothing where VRRP decides (mode native); choose after or never" },
	{ "watchdog { timeout = 8s }", "",
	  "f:18: kind: watchdog, but no node arms one; add section watchdog" },
	{ "fence-timeout = 4m", "two-node = fenced",
	  "f:2: two-node: is for two nodes without a third voter, and this file has 3; leave it out" },
	{ "  link ring0 { address = 10.77.1.3 }", "  link ring0 { address = 10.77.1.3 } fence-level 1 { devices = { pdu } }",
	  "f:36: fence-level: w1 is a witness, which holds nothing; leave it out\n"
	  "f:37: devices: pdu has no target w1; add section target w1 to it" },
	/* clang-format on */
};

START_TEST(says_what_is_wrong_where)
{
	config_all_are_refused(good, bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}
END_TEST

START_TEST(two_nodes_that_shoot_each_other_need_levels)
{
	static const char two[] =
		"cluster = c two-node = fenced\n"
		"node a { id = 1 public-key = \"" KEY_A "\" link l { address = 10.0.0.1 } }\n"
		"node b { id = 2 public-key = \"" KEY_B
		"\" link l { address = 10.0.0.2 } fence-level 1 { devices = { bmc } } }\n"
		"fence-device bmc { agent = fence_dummy target b { } }\n";
	_cleanup_(config_free_ptr) struct config *c = config_new();
	static struct config_errors e;

	ck_assert_int_eq(config_parse_text("f", two, strlen(two), c, &e), -EINVAL);
	ck_assert_str_eq(e.error[0].text, "f:1: two-node: fenced, but nothing can fence a; add section "
					  "fence-level 1 to node a");
}
END_TEST

#define TWO                                                                            \
	"node a { id = 1 public-key = \"" KEY_A "\" link l { address = 10.0.0.1 } }\n" \
	"node b { id = 2 public-key = \"" KEY_B "\" link l { address = 10.0.0.2 } }\n"

static const char *best_effort_error(const char *top, const char *group, struct config *c)
{
	static struct config_errors e;
	char text[2048];
	int r;

	(void)snprintf(text, sizeof text,
		       "cluster = c two-node = best-effort %s\n" TWO
		       "group g { addresses = 10.0.0.9 device = eth0 candidates = { a, b } %s }\n",
		       top, group);
	memset(&e, 0, sizeof e);
	r = config_parse_text("f", text, strlen(text), c, &e);
	ck_assert_int_eq(r, e.count ? -EINVAL : 0);
	return e.count ? e.error[0].text : "";
}

START_TEST(two_nodes_and_nothing_else_need_a_gateway)
{
	static const struct {
		const char *top, *group, *says;
	} bad[] = {
		{ "", "", "f:4: gateways: two-node = best-effort needs a gateway in group g" },
		{ "", "gateways = 10.0.0.9", "f:4: gateways: is a virtual address" },
		{ "", "gateways = 10.0.0.2", "f:4: gateways: is a node" },
		{ "", "gateways = { 10.0.0.254, 10.0.0.253, 10.0.0.254 } gateways-needed = 2",
		  "f:4: gateways: 10.0.0.254 is named twice" },
		{ "", "gateways = 10.0.0.254 gateways-needed = 2",
		  "f:4: gateways-needed: 2, but there are 1 gateways" },
		{ "", "gateways = 10.0.0.254 fence = required", "f:4: fence: required" },
		{ "gateway-timeout = 400ms", "gateways = 10.0.0.254",
		  "f:1: gateway-timeout: 400 ms is less than two times" },
		{ "lease = 400ms", "gateways = 10.0.0.254", "f:1: lease: 400 ms is less than 5 times" },
		{ "fence-device d { agent = fence_dummy target a { } }", "gateways = 10.0.0.254",
		  "f:1: two-node: best-effort, but there is a fence-device" },
		{ "node w { id = 3 witness = yes public-key = \"" KEY_C "\" link l { address = 10.0.0.3 } }",
		  "gateways = 10.0.0.254", "f:1: two-node: is for two nodes" },
	};
	_cleanup_(config_free_ptr) struct config *c = config_new();

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *says = best_effort_error(bad[i].top, bad[i].group, c);

		ck_assert_msg(strncmp(says, bad[i].says, strlen(bad[i].says)) == 0, "%s, not %s", says,
			      bad[i].says);
	}
	ck_assert_str_eq(best_effort_error("", "gateways = 10.0.0.254", c), "");
	ck_assert_str_eq(config_safety(c), "best-effort");
	ck_assert(config_alone_votes(c) && !config_proof_votes(c) && !config_replaces_in_time(c));
	/* What an idle node waits is longer than a holder that is cut off is open, by the worst clocks. */
	ck_assert_uint_eq(config_cut_off_ms(c), 2560);
	ck_assert_uint_gt(config_silence_ms(c), config_cut_off_ms(c) * 11 / 10);
}
END_TEST

START_TEST(tells_the_decider)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);
	struct fence_config f;

	config_fence(c, &f);
	ck_assert_uint_eq(f.devices_count, 3); /* by name: bmc-n1, dog, pdu */
	ck_assert_int_eq(f.device[0].off_ns, 25 * NS_PER_S);
	ck_assert_uint_eq(f.device[0].retries, 2);
	ck_assert_uint_eq(f.device[0].targets, node_bit(1));
	ck_assert(!f.device[0].watchdog && f.device[1].watchdog && !f.device[1].fabric);
	ck_assert_int_eq(f.device[2].status_ns, 10 * NS_PER_S);
	ck_assert_int_eq(f.device[2].monitor_ns, 20 * NS_PER_S);
	ck_assert_int_eq(f.device[2].monitor_period_ns, 60 * NS_PER_S);
	ck_assert_uint_eq(f.device[2].targets, node_bit(1) | node_bit(2));
	ck_assert_uint_eq(f.target[1].levels_count, 2);
	ck_assert_uint_eq(f.target[1].level[0].count, 1); /* level 1, though level 2 is written before it */
	ck_assert_uint_eq(f.target[1].level[0].device[0], 0);
	ck_assert_uint_eq(f.target[1].level[1].count, 2);
	ck_assert_uint_eq(f.target[1].level[1].device[0], 2);
	ck_assert_uint_eq(f.target[1].level[1].device[1], 1);
	ck_assert_int_eq(f.target[1].delay_ns, 5 * NS_PER_S);
	ck_assert_int_eq(f.target[1].action, FENCE_ACTION_OFF);
	ck_assert_int_eq(f.target[2].action, FENCE_ACTION_REBOOT);
	ck_assert_uint_eq(f.target[3].levels_count, 0);
	ck_assert_int_eq(f.total_ns, 240 * NS_PER_S);
	ck_assert_uint_eq(c->groups[0].fence, FENCE_REQUIRED);
}
END_TEST

START_TEST(tells_the_caller_of_agents)
{
	_cleanup_(config_free_ptr) struct config *c = config_parsed(good);
	struct fence_request r;

	ck_assert(config_fence_request(c, 2, 1, FENCE_OFF, &r));
	ck_assert_str_eq(r.agent, "fence_apc_snmp");
	ck_assert_str_eq(r.action, "off");
	ck_assert_str_eq(r.plug, "1,2");
	ck_assert_str_eq(r.password_file, "/etc/ringkeep/pdu");
	ck_assert_str_eq(r.password_parameter, "community");
	ck_assert_uint_eq(r.parameters_count, 2);
	ck_assert_str_eq(r.parameter[1], "snmp_version=1");
	ck_assert_uint_eq(r.timeout_ms, 30000);
	ck_assert(config_fence_request(c, 2, NODE_NONE, FENCE_MONITOR, &r));
	ck_assert_ptr_null(r.plug);
	ck_assert_uint_eq(r.timeout_ms, 20000);
	ck_assert(config_fence_request(c, 0, 1, FENCE_STATUS, &r));
	ck_assert_ptr_null(r.plug);
	ck_assert_ptr_null(r.password_file);
	ck_assert_uint_eq(r.timeout_ms, 10000);
	ck_assert(!config_fence_request(c, 1, 1, FENCE_OFF, &r)); /* a watchdog has no agent */
}
END_TEST

static uint64_t digest_with(const char *old, const char *changed, int device, node_id_t n)
{
	_cleanup_(free_ptr) char *text = config_edit(good, old, changed);
	_cleanup_(config_free_ptr) struct config *c = config_parsed(text);
	uint64_t digest[FENCE_DEVICES_MAX][NODE_ID_MAX + 1];

	config_fence_digests(c, digest);
	ck_assert_uint_eq(digest[1][1], 0); /* a watchdog is not asked */
	ck_assert_uint_eq(digest[0][2], 0);
	return digest[device][n];
}

START_TEST(a_device_that_is_configured_otherwise_is_another)
{
	static const char *const changes[][2] = {
		{ "agent = fence_apc_snmp", "agent = fence_apc" },
		{ "ip=10.0.0.9", "ip=10.0.0.8" },
		{ "password-file = /etc/ringkeep/pdu", "password-file = /etc/ringkeep/pd" },
		{ "password-parameter = community", "password-parameter = password" },
		{ "plug = 3", "plug = 4" },
	};
	uint64_t first = digest_with("", "", 2, 2);

	ck_assert_uint_ne(first, 0);
	ck_assert_uint_ne(first, digest_with("", "", 2, 1));
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		ck_assert_msg(first != digest_with(changes[i][0], changes[i][1], 2, 2), "%s", changes[i][1]);
	ck_assert_uint_eq(first, digest_with("off-timeout = 25s", "off-timeout = 26s", 2, 2));
	ck_assert_uint_eq(first, digest_with("plug = \"1,2\"", "plug = 7", 2, 2));
}
END_TEST

START_TEST(what_fences_whom_is_not_changed_by_a_reload)
{
	static const char *const changes[][3] = {
		{ "fence-timeout = 4m", "fence-timeout = 5m", "fence-timeout" },
		{ "ip=10.0.0.9", "ip=10.0.0.8", "parameters" },
		{ "plug = 3", "plug = 4", "plug" },
		{ "retries = 2", "retries = 1", "retries" },
		{ "devices = { pdu, dog }", "devices = { pdu }", "devices" },
		{ "fence-delay = 5s", "fence-delay = 6s", "fence-delay" },
		{ "fence-action = reboot", "fence-action = off", "fence-action" },
		{ "fence-level 1 { devices = { bmc-n1 } }",
		  "fence-level 1 { devices = { bmc-n1 } } fence-level 3 { devices = { bmc-n1 } }",
		  "fence-level" },
		{ "fence-device dog {",
		  "fence-device another { agent = fence_x target n1 { } } fence-device dog {",
		  "fence-device" },
	};
	_cleanup_(config_free_ptr) struct config *before = config_parsed(good);

	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		_cleanup_(free_ptr) char *text = config_edit(good, changes[i][0], changes[i][1]);
		_cleanup_(config_free_ptr) struct config *after = config_parsed(text);
		const char *key = config_restart_needed(before, after);

		ck_assert_msg(key && !strcmp(key, changes[i][2]), "%s: %s", changes[i][1],
			      key ? key : "taken");
	}
}
END_TEST

UNIT_MAIN("config_fence", says_what_is_wrong_where, two_nodes_that_shoot_each_other_need_levels,
	  two_nodes_and_nothing_else_need_a_gateway, tells_the_decider, tells_the_caller_of_agents,
	  a_device_that_is_configured_otherwise_is_another, what_fences_whom_is_not_changed_by_a_reload)
