/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What becomes of single lines of a keepalived configuration. Whole files are the golden tests of hactl.
 */
#include "cleanup.h"
#include "import.h"
#include "keepalived_scan.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static struct findings *findings;
static struct keepalived *keepalived;
static struct import *import;
static struct keepalived_scan scan;

static void teardown(void)
{
	keepalived_scan_free(&scan);
	findings_free(findings);
	keepalived_free(keepalived);
	import_free(import);
}

static int read_text(const char *text)
{
	findings = findings_new();
	keepalived = keepalived_new();
	import = import_new();
	ck_assert(findings && keepalived && import);
	keepalived_scan_init(&scan, findings, "n1");
	scan.no_files = true;
	return keepalived_scan_text(&scan, "k", text, strlen(text));
}

static void import_text(const char *text)
{
	ck_assert_int_eq(read_text(text), 0);
	keepalived_read(&scan, keepalived);
	import_map(keepalived, findings, import);
	findings_sort(findings);
}

/* One instance on eth0 with VRID 9 and 10.0.0.1, and these lines in it. */
static struct import_group *import_lines(const char *lines)
{
	_cleanup_(free_ptr) char *text = NULL;

	ck_assert_int_gt(asprintf(&text,
				  "vrrp_instance a {\ninterface eth0\nvirtual_router_id 9\nvirtual_ipaddress "
				  "{\n10.0.0.1\n}\n%s\n}\n",
				  lines),
			 0);
	import_text(text);
	ck_assert_uint_ge(import->groups_count, 1);
	return &import->groups[0];
}

/* "LINE LEVEL", and a part of the text. */
static void ck_finding(uint32_t index, int line, enum finding_level level, const char *part)
{
	ck_assert_uint_lt(index, findings->count);
	const struct finding *f = &findings->list[index];

	ck_assert_msg(f->at.line == line && f->level == level && strstr(f->text, part), "line %d, %s: %s",
		      f->at.line, finding_level_name(f->level), f->text);
}

static void ck_address(const struct ip_address *a, const char *text)
{
	char own[IP_TEXT_MAX];

	ck_assert_str_eq(ip_format(a, own), text);
}

/* ---- the scanner ---- */

static const char *first_words(uint32_t statement, uint32_t index)
{
	ck_assert_uint_lt(statement, scan.statements_count);
	return keepalived_word(&scan, &scan.statements[statement], index);
}

START_TEST(words_quotes_and_comments)
{
	ck_assert_int_eq(read_text("script \"a # b\" 'c ! d' e\"f g\"h i\\ j # k\n! nothing\n\n  x!y\n"), 0);
	ck_assert_uint_eq(scan.statements_count, 2);
	ck_assert_str_eq(first_words(0, 1), "a # b");
	ck_assert_str_eq(first_words(0, 2), "c ! d");
	ck_assert_str_eq(first_words(0, 3), "ef gh");
	ck_assert_str_eq(first_words(0, 4), "i j");
	ck_assert_str_eq(first_words(0, 5), "");
	ck_assert_str_eq(first_words(1, 0), "x");
	ck_assert_int_eq(scan.statements[1].at.line, 4);
	teardown();
}
END_TEST

START_TEST(blocks_in_every_way_of_writing)
{
	ck_assert_int_eq(read_text("a b { c d }\ne\n{\nf { g }\n}\nh{i}\n"), 0);
	ck_assert_uint_eq(scan.statements_count, 7);
	ck_assert(scan.statements[0].block && scan.statements[0].end == 2); /* a: c */
	ck_assert(scan.statements[2].block && scan.statements[2].end == 5); /* e: f: g */
	ck_assert(scan.statements[3].block && scan.statements[3].end == 5);
	ck_assert(scan.statements[5].block && scan.statements[5].end == 7); /* h: i */
	ck_assert_uint_eq(findings->count, 0);
	teardown();
}
END_TEST

START_TEST(braces_that_do_not_match_are_told_with_their_line)
{
	ck_assert_int_eq(read_text("a {\n}\n}\nb {\nc {\n}\n"), 0);
	ck_finding(0, 3, FINDING_ERROR, "closes nothing");
	ck_finding(1, 4, FINDING_ERROR, "b: the block is never closed");
	ck_assert_uint_eq(findings->count, 2);
	teardown();
}
END_TEST

START_TEST(definitions_are_put_in_where_they_are_used)
{
	ck_assert_int_eq(read_text("$BASE=10.2.${SUB}\n$SUB=0\n${BASE}.100/32\n$SUB=10\n${BASE}.100/32\n$NO "
				   "$SUB\n$EMPTY=\nx$EMPTY\n"),
			 0);
	ck_assert_str_eq(first_words(0, 0), "10.2.0.100/32");
	ck_assert_str_eq(first_words(1, 0), "10.2.10.100/32");
	ck_assert_str_eq(first_words(2, 0), "$NO");
	ck_assert_str_eq(first_words(2, 1), "10");
	ck_assert_str_eq(first_words(3, 0), "x");
	teardown();
}
END_TEST

START_TEST(definitions_of_several_lines_stand_alone)
{
	ck_assert_int_eq(read_text("$I= \\\na ${N} { \\\n  b \\\n}\n$N=5\n$I\n"), 0);
	ck_assert_uint_eq(scan.statements_count, 2);
	ck_assert_str_eq(first_words(0, 1), "5");
	ck_assert_int_eq(scan.statements[0].at.line, 6);
	ck_assert(scan.statements[0].block && scan.statements[0].end == 2);
	teardown();
	ck_assert_int_eq(read_text("$I= \\\na\n\nx $I\n"), -EBADMSG);
	teardown();
	ck_assert_int_eq(read_text("$I= \\\na \\\n"), 0);
	ck_finding(0, 2, FINDING_ERROR, "$I does not end");
	teardown();
}
END_TEST

START_TEST(definitions_that_go_round_end)
{
	ck_assert_int_eq(read_text("$A=x $B\n$B=y $A\n$A\n"), -E2BIG);
	teardown();
	ck_assert_int_eq(read_text("$A= \\\n$A\n\n$A\n"), -E2BIG);
	teardown();
	ck_assert_int_eq(
		read_text("$A= \\\na \\\na\n$B= \\\n$A \\\n$A \\\n$A \\\n$A\n$C= \\\n$B \\\n$B\n$C\n"), 0);
	ck_assert_uint_eq(scan.statements_count, 16);
	teardown();
}
END_TEST

START_TEST(conditions_choose_lines)
{
	ck_assert_int_eq(
		read_text("@n1 a\n@n2 b\n@^n1 c\n@^n2 d\n@n1 $V=1\n@n2 $V=2\ne $V\n@n2 $W= \\\nx \\\ny\nf\n"),
		0);
	ck_assert_uint_eq(scan.statements_count, 4);
	ck_assert_str_eq(first_words(0, 0), "a");
	ck_assert_str_eq(first_words(1, 0), "d");
	ck_assert_str_eq(first_words(2, 1), "1");
	ck_assert_str_eq(first_words(3, 0), "f");
	teardown();
}
END_TEST

START_TEST(sequences_are_told)
{
	ck_assert_int_eq(read_text("~SEQ(N, 1, 4) a ${N}\n ~LST(N, 1, 2) b\n"), 0);
	ck_assert_uint_eq(scan.statements_count, 0);
	ck_finding(0, 1, FINDING_LEFT, "~SEQ");
	ck_finding(1, 2, FINDING_LEFT, "~LST");
	teardown();
}
END_TEST

START_TEST(what_is_no_text_or_too_much_is_refused)
{
	_cleanup_(free_ptr) char *text = malloc(300000);

	ck_assert_int_eq(read_text("a\x01\n"), -EBADMSG);
	teardown();
	memset(text, 'x', 20000);
	text[20000] = 0;
	ck_assert_int_eq(read_text(text), -EBADMSG);
	teardown();
	for (int i = 0; i < 300000; i += 2)
		memcpy(text + i, i < 40 ? "{\n" : "a\n", 2);
	text[299999] = 0;
	ck_assert_int_eq(read_text(text), -E2BIG); /* deeper than 16 */
	teardown();
	ck_assert_int_eq(read_text(text + 40), -E2BIG); /* more than 50000 statements */
	ck_finding(0, 50001, FINDING_ERROR, "more statements");
	teardown();
}
END_TEST

/* ---- the mapping ---- */

START_TEST(defaults_are_those_of_keepalived)
{
	const struct import_group *g = import_lines("");

	ck_assert_str_eq(g->name, "a");
	ck_assert_str_eq(g->device, "eth0");
	ck_assert(g->vrid == 9 && g->version == 2 && g->advert_ms == 1000 && g->priority == 100 &&
		  g->preempt && !g->preempt_delay_ms);
	ck_assert(!g->vmac && !g->rfc9568 && !g->peers_count && !g->sources_count && !g->sync[0]);
	ck_address(&g->addresses[0], "10.0.0.1");
	ck_assert_uint_eq(findings->count, 0);
	teardown();
}
END_TEST

static const struct {
	const char *lines;
	uint32_t version, advert_ms;
	int line; /* of an error; 0: none */
} interval_cases[] = {
	{ "advert_int 5", 2, 5000, 0 },
	{ "advert_int 0.2", 2, 1000, 7 },
	{ "advert_int 1.6", 2, 2000, 7 },
	{ "version 3\nadvert_int 0.2", 3, 200, 0 },
	{ "version 3\nadvert_int 0.01", 3, 10, 0 },
	{ "version 3\nadvert_int 0.925", 3, 930, 8 },
	{ "version 3\nadvert_int 0.001", 3, 1000, 8 }, /* keepalived takes its default, too */
	{ "version 4\nadvert_int 1", 2, 1000, 7 },
};

START_TEST(intervals_that_a_version_cannot_carry)
{
	for (size_t i = 0; i < sizeof interval_cases / sizeof interval_cases[0]; i++) {
		const struct import_group *g = import_lines(interval_cases[i].lines);

		ck_assert_msg(g->version == interval_cases[i].version &&
				      g->advert_ms == interval_cases[i].advert_ms,
			      "%s: %u, %u ms", interval_cases[i].lines, g->version, g->advert_ms);
		ck_assert_msg(findings->behaviour == (interval_cases[i].line > 0), "%s",
			      interval_cases[i].lines);
		if (interval_cases[i].line)
			ck_finding(0, interval_cases[i].line, FINDING_ERROR, "");
		teardown();
	}
	import_text("vrrp_instance a {\ninterface eth0\nvirtual_router_id 9\nadvert_int "
		    "11\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n");
	ck_assert_uint_eq(import->groups_count, 0);
	ck_finding(0, 4, FINDING_ERROR, "10 s is the most");
	teardown();
}
END_TEST

START_TEST(preemption_as_keepalived_does_it)
{
	const struct import_group *g = import_lines("nopreempt\npreempt_delay 2.5");

	ck_assert(!g->preempt && g->preempt_delay_ms == 2500);
	teardown();
	g = import_lines("state MASTER\nnopreempt\npreempt_delay 2.5\npriority 50");
	ck_assert(g->preempt && !g->preempt_delay_ms && g->priority == 50 && !findings->behaviour);
	ck_finding(0, 8, FINDING_NOTE, "ignores it with state MASTER");
	ck_finding(1, 9, FINDING_NOTE, "ignores it with state MASTER");
	teardown();
	ck_assert_uint_eq(import_lines("state MASTER")->priority, 255);
	teardown();
	ck_assert_uint_eq(import_lines("state MASTER\npriority 0")->priority, 100);
	teardown();
}
END_TEST

START_TEST(weights_keep_the_priority_on_the_wire)
{
	const struct import_group *g =
		import_lines("track_interface {\neth1 weight -20\neth2 weight -20\neth0\n}");

	ck_assert(g->priority == 100 && g->interface_weight == 20 && g->tracked_count == 2);
	teardown();
	g = import_lines("track_interface {\neth1 weight 20\n}");
	ck_assert(g->priority == 120 && g->interface_weight == 20);
	teardown();
	g = import_lines("priority 250\ntrack_interface {\neth1 weight 20\n}");
	ck_assert_uint_eq(g->priority, 254);
	teardown();
	g = import_lines("track_interface {\neth1\neth2 weight 5\neth3 weight -5 reverse\n}");
	ck_assert(g->interface_weight == CONFIG_WEIGHT_FAULT && g->tracked_count == 1 && g->priority == 100);
	ck_finding(0, 9, FINDING_LEFT, "track_interface eth2");
	ck_finding(1, 10, FINDING_LEFT, "track_interface eth3");
	teardown();
}
END_TEST

#define MEMBER                                                                                       \
	"vrrp_instance a {\ninterface eth0\nvirtual_router_id 9\nvirtual_ipaddress {\n10.0.0.1\n}\n" \
	"track_interface {\neth1 weight 20\n}\n}\n"

START_TEST(members_of_a_sync_group_have_no_weights)
{
	import_text("vrrp_sync_group s {\ngroup {\na\n}\n}\n" MEMBER);
	ck_assert(import->groups[0].interface_weight == CONFIG_WEIGHT_FAULT &&
		  import->groups[0].priority == 100);
	teardown();
	import_text("vrrp_sync_group s {\ngroup {\na\n}\nsync_group_tracking_weight\n}\n" MEMBER);
	ck_assert(import->groups[0].interface_weight == 20 && import->groups[0].priority == 120);
	teardown();
}
END_TEST

START_TEST(checks_of_a_pbx_are_recognised)
{
	static const struct {
		const char *command, *adapter;
	} cases[] = {
		{ "/usr/bin/killall -0 kamailio", "kamailio" },
		{ "kamcmd core.uptime", "kamailio" },
		{ "/usr/sbin/asterisk -rx 'core show uptime'", "asterisk" },
		{ "sipsak -s sip:127.0.0.1", "sip" },
		{ "/usr/bin/systemctl is-active FreeSWITCH", "sip" },
		{ "/usr/bin/pg_isready", NULL },
		{ "ping -c1 10.0.0.1", NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct keepalived_script s = { .name = "chk" };
		const char *adapter;

		(void)snprintf(s.command, sizeof s.command, "%s", cases[i].command);
		adapter = import_pbx_adapter(&s);
		ck_assert_msg(adapter == cases[i].adapter ||
				      (adapter && cases[i].adapter && !strcmp(adapter, cases[i].adapter)),
			      "%s", cases[i].command);
	}
}
END_TEST

START_TEST(unicast_peers_are_all_routers)
{
	const struct import_group *g =
		import_lines("unicast_src_ip 10.9.0.1\nunicast_peer {\n10.9.0.2\n10.9.0.3\n10.9.0.2\n}");

	ck_assert(g->peers_count == 3 && g->sources_count == 0);
	ck_address(&g->peers[0], "10.9.0.1");
	ck_address(&g->peers[2], "10.9.0.3");
	teardown();
	g = import_lines("mcast_src_ip 10.9.0.1");
	ck_assert(g->peers_count == 0 && g->sources_count == 1);
	teardown();
}
END_TEST

START_TEST(an_ipv6_router_gets_a_link_local_address)
{
	const struct import_group *g =
		import_lines("version 3\nvirtual_ipaddress_excluded {\n2001:db8::1/64\n2001:db8::2/64\n}");

	ck_assert_uint_eq(import->groups_count, 1); /* one group: both families, version 3 */
	ck_assert(g->has_v4 && g->has_v6 && !g->sync[0] && !findings->behaviour);
	ck_address(&g->addresses[0], "fe80::112:9");
	teardown();
	g = import_lines("virtual_ipaddress_excluded {\n2001:db8::1/64\n}");
	ck_assert_uint_eq(import->groups_count, 2); /* version 2 knows no IPv6 */
	ck_assert_str_eq(import->groups[1].name, "a-ipv6");
	ck_assert(import->groups[1].version == 3 && !strcmp(g->sync, "a") &&
		  !strcmp(import->groups[1].sync, "a"));
	teardown();
	import_text("vrrp_instance a {\ninterface eth0\nvirtual_router_id 9\nvirtual_ipaddress "
		    "{\n2001:db8::1\nfe80::1\n}\n}\n");
	ck_finding(0, 5, FINDING_LEFT, "has to be the first one");
	ck_address(&import->groups[0].addresses[0], "fe80::1");
	ck_address(&import->groups[0].addresses[1], "2001:db8::1");
	teardown();
}
END_TEST

START_TEST(an_address_that_is_there_twice_is_taken_once)
{
	const struct import_group *g = import_lines(
		"virtual_ipaddress {\n10.0.0.2\n10.0.0.2/24\n}\nvirtual_ipaddress_excluded {\n10.0.0.1\n}");

	ck_assert_uint_eq(g->addresses_count, 2);
	ck_finding(1, 9, FINDING_ERROR, "10.0.0.2 is in another place already");
	ck_finding(2, 12, FINDING_ERROR, "10.0.0.1 is in another place already");
	teardown();
}
END_TEST

START_TEST(names_are_ours_and_unique)
{
	static const struct {
		const char *text, *name;
	} cases[] = { { "VI_1", "VI_1" },
		      { "büro 7", "b--ro-7" },
		      { "_-x", "x" },
		      { "", "g1" },
		      { "a12345678901234567890123456789012345", "a123456789012345678901234567890" } };
	char name[RK_NAME_MAX];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		import_name(cases[i].text, name);
		ck_assert_str_eq(name, cases[i].name);
	}
	import_text("vrrp_instance \"a b\" { interface eth0\nvirtual_router_id 1\nvirtual_ipaddress { "
		    "10.0.0.1 }\n}\n"
		    "vrrp_instance a:b { interface eth0\nvirtual_router_id 2\nvirtual_ipaddress { 10.0.0.2 "
		    "}\n}\n");
	ck_assert_str_eq(import->groups[0].name, "a-b");
	ck_assert_str_eq(import->groups[1].name, "a-b-2");
	teardown();
}
END_TEST

START_TEST(more_findings_than_are_kept_still_count)
{
	struct findings *f = findings_new();

	for (int i = 0; i < FINDINGS_MAX; i++)
		findings_add(f, FINDING_NOTE, (struct place){ 0, FINDINGS_MAX - i }, "%s", "t\xc3\xbc");
	findings_add(f, FINDING_LEFT, (struct place){ 0, 9999 }, "%s", "last");
	ck_assert(f->count == FINDINGS_MAX && f->more == 1 && f->behaviour);
	findings_sort(f);
	ck_assert(f->list[0].at.line == 1 && f->list[FINDINGS_MAX - 1].at.line == FINDINGS_MAX);
	ck_assert_str_eq(f->list[0].text, "t??");
	findings_free(f);
}
END_TEST

UNIT_MAIN("keepalived_import", words_quotes_and_comments, blocks_in_every_way_of_writing,
	  braces_that_do_not_match_are_told_with_their_line, definitions_are_put_in_where_they_are_used,
	  definitions_of_several_lines_stand_alone, definitions_that_go_round_end, conditions_choose_lines,
	  sequences_are_told, what_is_no_text_or_too_much_is_refused, defaults_are_those_of_keepalived,
	  intervals_that_a_version_cannot_carry, preemption_as_keepalived_does_it,
	  weights_keep_the_priority_on_the_wire, members_of_a_sync_group_have_no_weights,
	  checks_of_a_pbx_are_recognised, unicast_peers_are_all_routers,
	  an_ipv6_router_gets_a_link_local_address, an_address_that_is_there_twice_is_taken_once,
	  names_are_ours_and_unique, more_findings_than_are_kept_still_count)
