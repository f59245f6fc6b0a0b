/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A good corosync.conf with one thing changed, and what is said about it.
 */
#include "corosync_check.h"

#include "cleanup.h"
#include "corosync_sample.h"
#include "unit.h"

#include <string.h>

static const char good[] = "totem {\n"			       /* 1 */
			   "\tversion: 2\n"		       /* 2 */
			   "\tcluster_name: office\n"	       /* 3 */
			   "\tcrypto_cipher: aes256\n"	       /* 4 */
			   "\tcrypto_hash: sha256\n"	       /* 5 */
			   "\ttoken: 1000\n"		       /* 6 */
			   "\tlink_mode: active\n"	       /* 7 */
			   "}\n"			       /* 8 */
			   "quorum {\n"			       /* 9 */
			   "\tprovider: corosync_votequorum\n" /* 10 */
			   "\ttwo_node: 1\n"		       /* 11 */
			   "}\n"			       /* 12 */
			   "nodelist {\n"		       /* 13 */
			   "\tnode {\n"			       /* 14 */
			   "\t\tname: n1\n"		       /* 15 */
			   "\t\tnodeid: 1\n"		       /* 16 */
			   "\t\tring0_addr: 10.0.1.1\n"	       /* 17 */
			   "\t\tring1_addr: 10.0.2.1\n"	       /* 18 */
			   "\t}\n"			       /* 19 */
			   "\tnode {\n"			       /* 20 */
			   "\t\tname: n2\n"		       /* 21 */
			   "\t\tnodeid: 2\n"		       /* 22 */
			   "\t\tring0_addr: 10.0.1.2\n"	       /* 23 */
			   "\t\tring1_addr: 10.0.2.2\n"	       /* 24 */
			   "\t}\n"			       /* 25 */
			   "}\n"			       /* 26 */
			   "quorum {\n"			       /* 27 */
			   "\twait_for_all: 0\n"	       /* 28 */
			   "}\n";			       /* 29 */

#define THIRD                                                                               \
	"\tnode {\n\t\tname: n3\n\t\tnodeid: 4\n\t\tring0_addr: 10.0.1.3\n\t\tring1_addr: " \
	"10.0.2.3\n\t}\n}\n"
#define DEVICE "device {\nmodel: net\nvotes: 1\nnet {\nhost: q\nalgorithm: ffsplit\n}\n}\n"
#define BAD    FINDING_ERROR
#define NOTE   FINDING_NOTE

struct change {
	const char *from, *to; /* from "" is the whole file */
	enum finding_level level;
	int line;
	const char *says; /* NULL: nothing may be said */
};

static const struct change changes[] = {
	/* encryption */
	{ "\tcrypto_hash: sha256\n", "\tcrypto_hash: none\n", BAD, 5,
	  "crypto_hash: messages are not authenticated" },
	{ "\tcrypto_cipher: aes256\n", "\tcrypto_cipher: none\n", BAD, 4, "unencrypted" },
	{ "\tcrypto_cipher: aes256\n\tcrypto_hash: sha256\n", "", BAD, 2, "messages are not authenticated" },
	{ "\tcrypto_cipher: aes256\n\tcrypto_hash: sha256\n", "\tsecauth: off\n", BAD, 2,
	  "not authenticated" },
	{ "\tcrypto_cipher: aes256\n\tcrypto_hash: sha256\n", "\tsecauth: on\n", 0, 0, NULL },
	{ "\tversion: 2\n", "\ttransport: udpu\n", BAD, 2, "transport: udpu has no encryption" },
	/* pings and links */
	{ "token: 1000", "token: 499", BAD, 6,
	  "token: with a ping timeout of 249 ms (token / knet_pong_count)" },
	{ "token: 1000", "token: 500", 0, 0, NULL },
	{ "token: 1000", "token: many", BAD, 6, "token: \"many\" is not a number" },
	{ "\tlink_mode: active\n",
	  "\tlink_mode: active\ninterface {\nlinknumber: 0\nknet_ping_timeout: 200\nknet_ping_interval: "
	  "100\n}\n",
	  BAD, 10, "knet_ping_timeout: with a ping timeout of 200 ms" },
	{ "token: 1000\n\tlink_mode: active\n",
	  "token: 300\n\tlink_mode: active\ninterface {\nlinknumber: 0\nknet_ping_timeout: 1000\n}\n", BAD, 6,
	  "ping timeout of 150 ms" }, /* the second link has its own */
	{ "token: 1000\n\tlink_mode: active\n",
	  "token: 300\n\tlink_mode: active\ninterface {\nlinknumber: 0\nknet_ping_timeout: 1000\n}\n"
	  "interface {\nlinknumber: 1\nknet_ping_timeout: 1000\n}\n",
	  0, 0, NULL },
	{ "token: 1000\n\tlink_mode: active\n", "token: 400\n\tlink_mode: passive\n", BAD, 6,
	  "ping timeout of 200 ms" },
	{ "token: 1000\n\tlink_mode: active\n",
	  "token: 1000\n\tlink_mode: passive\ninterface {\nlinknumber: 0\nknet_ping_timeout: 900\n}\n"
	  "interface {\nlinknumber: 1\nknet_ping_timeout: 700\n}\n",
	  NOTE, 7, "changes over after 1100 ms, about the token of 1000 ms" },
	{ "\tlink_mode: active\n", "", 0, 0, NULL }, /* 500 + 200 is below 1000 */
	{ "\t\tring1_addr: 10.0.2.1\n", "", NOTE, 14, "one link only" },
	/* names and nodes */
	{ "cluster_name: office", "cluster_name: debian", NOTE, 3, "\"debian\" here and \"office\"" },
	{ "nodeid: 1\n", "nodeid: 5\n", BAD, 16, "node n1 is 5 here and id 1" },
	{ "name: n1\n\t\tnodeid: 1\n", "nodeid: 5\n", BAD, 15, "has no node with the id 5" },
	{ "name: n1\n\t\tnodeid: 1\n", "nodeid: 5\n", BAD, 14,
	  "node n1 (id 1) of ringkeep's configuration is missing" },
	{ "name: n1\n\t\tnodeid: 1\n", "nodeid: 3\n", BAD, 15, "3 is the witness w1" },
	{ "name: n1\n", "name: pbx-a\n", NOTE, 16, "node 1 is \"pbx-a\" here and \"n1\"" },
	{ "nodeid: 2\n", "nodeid: 1\n", BAD, 22, "1 is also the node's of line 16" },
	{ "\t\tnodeid: 2\n", "", BAD, 20, "nodeid: missing" },
	{ "nodeid: 2\n", "nodeid: 0\n", BAD, 22, "not a number above 0" },
	{ "nodeid: 2\n", "nodeid: 4294967295\n", BAD, 22, "nodeid: " },
	{ "name: n2\n\t\tnodeid: 2", "name: n1\n\t\tnodeid: 2", BAD, 22, "node n1 is 2 here and id 1" },
	{ "", "totem {\nversion: 2\nsecauth: on\n}\nquorum {\nprovider: corosync_votequorum\n}\n", BAD, 0,
	  "there is no node" },
	/* quorum */
	{ "\tprovider: corosync_votequorum\n", "", BAD, 0,
	  "every part of a split cluster counts as quorate" },
	{ "wait_for_all: 0\n", "wait_for_all: 1\n", NOTE, 28, "a node that boots alone takes over nothing" },
	{ "\twait_for_all: 0\n", "", NOTE, 11, "a node that boots alone takes over nothing" },
	{ "\t}\n}\n", "\t}\n" THIRD, BAD, 11, "two_node: set for 3 nodes" },
	{ "two_node: 1\n", "expected_votes: 1\n", BAD, 11, "expected_votes: 1, but the nodes have 2" },
	{ "two_node: 1\n", "expected_votes: 3\n", NOTE, 11, "fewer failures stop the cluster" },
	{ "two_node: 1\n", "expected_votes: 2\n\ttwo_node: 1\n", 0, 0, NULL },
	{ "two_node: 1\n", "last_man_standing: 1\n", NOTE, 11, "without wait_for_all: 1" },
	{ "\t\tnodeid: 1\n", "\t\tnodeid: 1\n\t\tquorum_votes: 2\n", 0, 0, NULL },
	/* quorum device */
	{ "\ttwo_node: 1\n", DEVICE, 0, 0, NULL },
	{ "\ttwo_node: 1\n", "expected_votes: 3\n" DEVICE, 0, 0, NULL },
	{ "\ttwo_node: 1\n", "\ttwo_node: 1\n" DEVICE, BAD, 11, "two_node: together with a quorum device" },
	{ "\ttwo_node: 1\n", "auto_tie_breaker: 1\n" DEVICE, BAD, 11,
	  "auto_tie_breaker: together with a quorum device (line 13)" },
	{ "\ttwo_node: 1\n", "last_man_standing: 1\nwait_for_all: 1\n" DEVICE, BAD, 11,
	  "last_man_standing: together" },
	{ "\ttwo_node: 1\n", "device {\nmodel: ping\n}\n", BAD, 12,
	  "when the link between them is cut both nodes have it" },
	{ "\ttwo_node: 1\n", "device {\nmodel: net\nnet {\nalgorithm: test\n}\n}\n", BAD, 14,
	  "algorithm: test may give its vote" },
	{ "\ttwo_node: 1\n",
	  "device {\nmodel: net\nvotes: 1\nheuristics {\nmode: on\nexec_gw: /bin/ping 10.0.0.1\n}\n}\n", NOTE,
	  15, "heuristics that ping a router pass on both nodes" },
	/* the format */
	{ "token: 1000", "token 1000", BAD, 6, "neither \"name {\" nor" },
	{ "totem {", "totem { # ring", BAD, 1, "neither \"name {\" nor" },
	{ "\ttwo_node: 1\n}\n", "\ttwo_node: 1\n", BAD, 28, "a section is open at the end" },
	{ "}\nquorum {", "}\n}\nquorum {", BAD, 9, "without a section that it ends" },
	{ "token: 1000", "token:", BAD, 6, "lacks one of the two" },
	{ "token: 1000", "#token: 1000", 0, 0, NULL },
};

static char *changed(const struct change *x)
{
	const char *at = *x->from ? strstr(good, x->from) : good;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_msg(at, "\"%s\" is not in the file", x->from);
	(void)fprintf(f, "%.*s%s%s", (int)(at - good), good, x->to, *x->from ? at + strlen(x->from) : "");
	(void)fclose(f);
	return text;
}

static void look_at(const char *text, const struct config *config, struct findings *f)
{
	_cleanup_(corosync_conf_free_ptr) struct corosync_conf *c = corosync_conf_new();

	corosync_conf_parse(c, "corosync.conf", text, strlen(text), f);
	corosync_check(c, config, f);
	findings_sort(f);
}

static void look(const char *text, struct findings *f)
{
	look_at(text, &cluster, f);
}

static bool has(const struct findings *f, const struct change *x)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->list[i].level == x->level && f->list[i].at.line == x->line &&
		    strstr(f->list[i].text, x->says))
			return true;
	return false;
}

START_TEST(each_change_is_told_at_its_line)
{
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		_cleanup_(findings_free_ptr) struct findings *f = findings_new();
		_cleanup_(free_ptr) char *text = changed(&changes[i]);
		char all[8192] = "";

		look(text, f);
		for (uint32_t n = 0; n < f->count; n++)
			(void)snprintf(all + strlen(all), sizeof all - strlen(all), "%d: %s: %s\n",
				       f->list[n].at.line, finding_level_name(f->list[n].level),
				       f->list[n].text);
		if (changes[i].says)
			ck_assert_msg(has(f, &changes[i]), "change %zu (%s) is not told:\n%s%s", i,
				      changes[i].says, all, text);
		else
			ck_assert_msg(f->count == 0, "change %zu (%s): told without need:\n%s", i,
				      changes[i].to, all);
	}
}
END_TEST

START_TEST(a_note_is_no_error)
{
	static const struct change note = { "cluster_name: office", "cluster_name: other", NOTE, 3, "other" };
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	_cleanup_(free_ptr) char *text = changed(&note);

	look(text, f);
	ck_assert_uint_eq(f->count, 1);
	ck_assert(!f->behaviour);
}
END_TEST

START_TEST(without_a_witness_nodes_shall_wait_for_each_other)
{
	static const struct config two = { .cluster = "office",
					   .nodes_count = 2,
					   .nodes = { { .name = "n1", .id = 1 },
						      { .name = "n2", .id = 2 } } };
	static const struct change waits = { "wait_for_all: 0", "wait_for_all: 1", NOTE, 0, NULL };
	_cleanup_(findings_free_ptr) struct findings *f = findings_new(), *none = findings_new();
	_cleanup_(free_ptr) char *text = changed(&waits);

	look_at(good, &two, f);
	ck_assert_uint_eq(f->count, 1);
	ck_assert_int_eq(f->list[0].at.line, 28);
	ck_assert(strstr(f->list[0].text, "no witness"));
	look_at(text, &two, none);
	ck_assert_uint_eq(none->count, 0);
}
END_TEST

START_TEST(the_last_of_two_keys_counts_and_sections_of_a_name_are_one)
{
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	_cleanup_(corosync_conf_free_ptr) struct corosync_conf *c = corosync_conf_new();
	const char text[] =
		"totem {\ntoken: 1\ntoken: 2\n}\nother {\ntotem {\ntoken: 7\n}\n}\ntotem {\ntoken: 3\n}\n";

	corosync_conf_parse(c, "x", text, strlen(text), f);
	ck_assert_uint_eq(f->count, 0);
	ck_assert_str_eq(corosync_key(c, "totem", "token")->value, "3");
	ck_assert_int_eq(corosync_key(c, "totem", "token")->line, 11);
	ck_assert_ptr_null(corosync_key(c, "token", "token"));
	ck_assert_str_eq(corosync_key_in(c, 1, "token")->value, "2");
}
END_TEST

UNIT_MAIN("corosync_check", each_change_is_told_at_its_line, a_note_is_no_error,
	  without_a_witness_nodes_shall_wait_for_each_other,
	  the_last_of_two_keys_counts_and_sections_of_a_name_are_one)
