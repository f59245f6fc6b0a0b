/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rules of corosync.conf(5), votequorum(5) and corosync-qdevice(8), defaults included.
 */
#include "corosync_check.h"

#include "config.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_MS_DEFAULT       3000
#define COEFFICIENT_MS_DEFAULT 650 /* for each node above two */
#define PONG_COUNT_DEFAULT     2
/* knet wakes each 200 ms to send its pings, whatever their interval: a timeout near that loses every link. */
#define PING_TIMEOUT_MS_MIN 250
#define KNET_STEP_MS	    200
#define LINKS_MAX	    8

struct check {
	const struct corosync_conf *corosync;
	const struct config *c;
	struct findings *f;
};

/* ---- reading ---- */

static struct place at_key(const struct check *k, const struct corosync_key *key)
{
	return (struct place){ k->corosync->file, key ? key->line : 0 };
}

static const char *text_of(const struct corosync_key *key, const char *otherwise)
{
	return key ? key->value : otherwise;
}

/* What is no number is told by check_numbers(). */
static unsigned long number_of(const struct corosync_key *key, unsigned long otherwise)
{
	char *end;
	unsigned long n = key ? strtoul(key->value, &end, 10) : otherwise;

	return key && (*end || end == key->value || key->value[0] == '-' || n > 1000000000) ? otherwise : n;
}

static bool is_set(const struct corosync_conf *c, const char *path, const char *name)
{
	const struct corosync_key *key = corosync_key(c, path, name);

	return key && number_of(key, 0) == 1;
}

static uint32_t nodes_count(const struct corosync_conf *c)
{
	uint32_t n = 0;

	for (uint32_t s = corosync_section_next(c, "nodelist.node", 0); s;
	     s = corosync_section_next(c, "nodelist.node", s))
		n++;
	return n;
}

static uint32_t links_of(const struct corosync_conf *c, uint32_t node)
{
	uint32_t n = 0;

	for (int i = 0; i < LINKS_MAX; i++) {
		char name[24];

		(void)snprintf(name, sizeof name, "ring%d_addr", i);
		n += corosync_key_in(c, node, name) != NULL;
	}
	return n;
}

/* Those that every node has. */
static uint32_t links_count(const struct corosync_conf *c)
{
	uint32_t least = LINKS_MAX, nodes = 0;

	for (uint32_t s = corosync_section_next(c, "nodelist.node", 0); s;
	     s = corosync_section_next(c, "nodelist.node", s), nodes++) {
		uint32_t n = links_of(c, s);

		least = n < least ? n : least;
	}
	return nodes ? least : 0;
}

/* As corosync computes it: the nodes above two add to it. */
static unsigned long token_ms(const struct corosync_conf *c)
{
	unsigned long token = number_of(corosync_key(c, "totem", "token"), TOKEN_MS_DEFAULT);
	unsigned long more = number_of(corosync_key(c, "totem", "token_coefficient"), COEFFICIENT_MS_DEFAULT);
	uint32_t nodes = nodes_count(c);

	return token + (nodes > 2 ? (nodes - 2) * more : 0);
}

static bool is_knet(const struct corosync_conf *c)
{
	return !strcmp(text_of(corosync_key(c, "totem", "transport"), "knet"), "knet");
}

static const struct corosync_key *device(const struct corosync_conf *c)
{
	return corosync_key(c, "quorum.device", "model");
}

/* "none" if nothing protects the ring. */
static const char *crypto(const struct corosync_conf *c, const char *name, const char *with_secauth)
{
	const char *secauth = text_of(corosync_key(c, "totem", "secauth"), "off");
	bool on = !strcmp(secauth, "on") || !strcmp(secauth, "yes") || !strcmp(secauth, "1");

	return text_of(corosync_key(c, "totem", name), on ? with_secauth : "none");
}

/* ---- totem ---- */

static void check_crypto(const struct check *k)
{
	const struct corosync_conf *c = k->corosync;
	const struct corosync_key *cipher = corosync_key(c, "totem", "crypto_cipher");
	const struct corosync_key *hash = corosync_key(c, "totem", "crypto_hash");
	const struct corosync_key *transport = corosync_key(c, "totem", "transport");

	if (!is_knet(c))
		findings_add(k->f, FINDING_ERROR, at_key(k, transport),
			     "transport: %s has no encryption and one link: whoever reaches the network can "
			     "join and "
			     "stop the cluster; use knet",
			     text_of(transport, ""));
	else if (!strcmp(crypto(c, "crypto_hash", "sha256"), "none"))
		findings_add(
			k->f, FINDING_ERROR, at_key(k, hash ? hash : corosync_key(c, "totem", "version")),
			"crypto_hash: messages are not authenticated: whoever reaches the network can join "
			"and stop "
			"the cluster; set crypto_cipher: aes256 and crypto_hash: sha256, and make a key with "
			"corosync-keygen");
	else if (!strcmp(crypto(c, "crypto_cipher", "aes256"), "none"))
		findings_add(
			k->f, FINDING_ERROR, at_key(k, cipher ? cipher : hash),
			"crypto_cipher: registrations and admin commands pass the network unencrypted; set "
			"crypto_cipher: aes256");
}

static void check_ping_timeout(const struct check *k, uint32_t interface)
{
	const struct corosync_conf *c = k->corosync;
	unsigned long token = token_ms(c);
	unsigned long pongs = number_of(corosync_key_in(c, interface, "knet_pong_count"), PONG_COUNT_DEFAULT);
	const struct corosync_key *timeout = corosync_key_in(c, interface, "knet_ping_timeout");
	unsigned long ms = number_of(timeout, token / (pongs ? pongs : 1));
	const struct corosync_key *token_key = corosync_key(c, "totem", "token");

	if (ms < PING_TIMEOUT_MS_MIN)
		findings_add(k->f, FINDING_ERROR, at_key(k, timeout ? timeout : token_key),
			     "%s: with a ping timeout of %lu ms%s all links go down together again and "
			     "again, because knet "
			     "sends pings only every %d ms; give each interface knet_ping_interval: 200 and "
			     "knet_ping_timeout: 1000, or set token: 500 or more",
			     timeout ? timeout->name : "token", ms,
			     timeout ? "" : " (token / knet_pong_count)", KNET_STEP_MS);
	else if (links_count(c) > 1 &&
		 !strcmp(text_of(corosync_key(c, "totem", "link_mode"), "passive"), "passive") &&
		 ms + KNET_STEP_MS >= token)
		findings_add(
			k->f, FINDING_NOTE, at_key(k, corosync_key(c, "totem", "link_mode")),
			"link_mode: passive sends on one link and changes over after %lu ms, about the token "
			"of %lu ms: "
			"one cut link costs the membership although another is good; set link_mode: active",
			ms + KNET_STEP_MS, token);
}

/* Each interface that is configured, else what links have by default (section 0 has no such keys). */
static void check_pings(const struct check *k)
{
	uint32_t s = corosync_section_next(k->corosync, "totem.interface", 0), configured = 0;

	if (!is_knet(k->corosync))
		return;
	for (; s; s = corosync_section_next(k->corosync, "totem.interface", s), configured++)
		check_ping_timeout(k, s);
	if (configured < links_count(k->corosync) || !configured)
		check_ping_timeout(k, 0);
}

static void check_links(const struct check *k)
{
	for (uint32_t s = corosync_section_next(k->corosync, "nodelist.node", 0); s;
	     s = corosync_section_next(k->corosync, "nodelist.node", s))
		if (links_of(k->corosync, s) < 2) {
			findings_add(k->f, FINDING_NOTE,
				     (struct place){ k->corosync->file, k->corosync->sections[s].line },
				     "node: one link only: a cut cable or a dead switch splits the cluster; "
				     "give each "
				     "node a ring1_addr on another network");
			return; /* it is the same with the others */
		}
}

static void check_cluster_name(const struct check *k)
{
	const struct corosync_key *name = corosync_key(k->corosync, "totem", "cluster_name");

	if (name && strcmp(name->value, k->c->cluster) != 0)
		findings_add(k->f, FINDING_NOTE, at_key(k, name),
			     "cluster_name: \"%s\" here and \"%s\" in ringkeep's configuration; nothing "
			     "depends on it, but "
			     "people do: use one name",
			     name->value, k->c->cluster);
}

/* ---- nodes ---- */

static const struct corosync_key *node_name(const struct check *k, uint32_t node)
{
	return corosync_key_in(k->corosync, node, "name");
}

static void check_node(const struct check *k, uint32_t node)
{
	const struct corosync_key *id = corosync_key_in(k->corosync, node, "nodeid"),
				  *name = node_name(k, node);
	struct place here = { k->corosync->file, id ? id->line : k->corosync->sections[node].line };
	const struct config_node *by_id = NULL, *by_name = name ? config_node_named(k->c, name->value) : NULL;
	unsigned long number = number_of(id, 0);

	if (!number) {
		findings_add(k->f, FINDING_ERROR, here,
			     "nodeid: missing, or not a number above 0; give each node the id that it has in "
			     "ringkeep's "
			     "configuration");
		return;
	}
	by_id = number < NODE_ID_MAX + 1 ? config_node(k->c, (node_id_t)number) : NULL;
	if (by_name && by_name->id != number)
		findings_add(k->f, FINDING_ERROR, here,
			     "nodeid: node %s is %lu here and id %u in ringkeep's configuration: its "
			     "heartbeats are refused; "
			     "make them the same",
			     by_name->name, number, by_name->id);
	else if (!by_id)
		findings_add(k->f, FINDING_ERROR, here,
			     "nodeid: ringkeep's configuration has no node with the id %lu; add it there, or "
			     "remove the node "
			     "here",
			     number);
	else if (by_id->witness)
		findings_add(k->f, FINDING_ERROR, here,
			     "nodeid: %lu is the witness %s, which must not be in corosync: it would vote "
			     "twice; remove the "
			     "node here, or take another id",
			     number, by_id->name);
	else if (name && !by_name)
		findings_add(k->f, FINDING_NOTE, here,
			     "name: node %lu is \"%s\" here and \"%s\" in ringkeep's configuration", number,
			     name->value, by_id->name);
}

static bool has_node(const struct corosync_conf *c, const struct config_node *n, uint32_t after)
{
	for (uint32_t s = corosync_section_next(c, "nodelist.node", after); s;
	     s = corosync_section_next(c, "nodelist.node", s)) {
		const struct corosync_key *name = corosync_key_in(c, s, "name");

		if (number_of(corosync_key_in(c, s, "nodeid"), 0) == n->id ||
		    (name && !strcmp(name->value, n->name)))
			return true;
	}
	return false;
}

static void check_twice(const struct check *k, uint32_t node)
{
	const struct corosync_key *id = corosync_key_in(k->corosync, node, "nodeid"), *other;

	for (uint32_t s = corosync_section_next(k->corosync, "nodelist.node", 0); id && s && s < node;
	     s = corosync_section_next(k->corosync, "nodelist.node", s)) {
		other = corosync_key_in(k->corosync, s, "nodeid");
		if (other && number_of(other, 0) == number_of(id, 1))
			findings_add(k->f, FINDING_ERROR, at_key(k, id),
				     "nodeid: %s is also the node's of line %d; give each node its own",
				     id->value, other->line);
	}
}

static void check_nodes(const struct check *k)
{
	uint32_t first = corosync_section_next(k->corosync, "nodelist.node", 0);

	if (!first) {
		findings_add(k->f, FINDING_ERROR, (struct place){ k->corosync->file, 0 },
			     "nodelist: there is no node; list every PBX node with the id that it has in "
			     "ringkeep's "
			     "configuration");
		return;
	}
	for (uint32_t s = first; s; s = corosync_section_next(k->corosync, "nodelist.node", s)) {
		check_node(k, s);
		check_twice(k, s);
	}
	for (uint32_t i = 0; i < k->c->nodes_count; i++)
		if (!k->c->nodes[i].witness && !has_node(k->corosync, &k->c->nodes[i], 0))
			findings_add(k->f, FINDING_ERROR,
				     (struct place){ k->corosync->file, k->corosync->sections[first].line },
				     "nodelist: node %s (id %u) of ringkeep's configuration is missing; add "
				     "it, or make it a "
				     "witness there",
				     k->c->nodes[i].name, k->c->nodes[i].id);
}

/* ---- quorum ---- */

static void check_provider(const struct check *k)
{
	const struct corosync_key *provider = corosync_key(k->corosync, "quorum", "provider");

	if (!provider || strcmp(provider->value, "corosync_votequorum") != 0)
		findings_add(k->f, FINDING_ERROR, at_key(k, provider),
			     "provider: without provider: corosync_votequorum in the section quorum every "
			     "part of a split "
			     "cluster counts as quorate; set it");
}

/* two_node brings wait_for_all with it. With a third voter that is a pity: a node that boots alone after a
 * power cut has the witness and would be let, but is not quorate. Without one it is a safeguard. */
static void check_wait_for_all(const struct check *k, const struct corosync_key *two)
{
	const struct corosync_key *wait = corosync_key(k->corosync, "quorum", "wait_for_all");
	bool waits = number_of(wait, 1) != 0;

	if (waits && k->c->nodes_count > 2)
		findings_add(
			k->f, FINDING_NOTE, at_key(k, wait ? wait : two),
			"wait_for_all: on (two_node implies it): a node that boots alone takes over nothing, "
			"though the witness would let it; set wait_for_all: 0, the lease keeps two nodes "
			"from "
			"speaking");
	if (!waits && k->c->nodes_count <= 2)
		findings_add(k->f, FINDING_NOTE, at_key(k, wait),
			     "wait_for_all: off with two_node and no witness: each of two nodes that boot "
			     "apart is "
			     "quorate alone; remove it, or add a witness");
}

static void check_two_node(const struct check *k)
{
	const struct corosync_conf *c = k->corosync;
	const struct corosync_key *two = corosync_key(c, "quorum", "two_node");
	uint32_t nodes = nodes_count(c);

	if (!two || number_of(two, 0) != 1)
		return;
	if (nodes != 2 && nodes != 0)
		findings_add(k->f, FINDING_ERROR, at_key(k, two),
			     "two_node: set for %u nodes: one node alone counts as quorate until the third "
			     "has joined; "
			     "remove two_node",
			     nodes);
	if (device(c))
		findings_add(k->f, FINDING_ERROR, at_key(k, two),
			     "two_node: together with a quorum device one node alone counts as quorate, "
			     "whatever the device "
			     "says; remove two_node");
	check_wait_for_all(k, two);
}

static void check_tie_breakers(const struct check *k)
{
	static const char *const names[] = { "auto_tie_breaker", "last_man_standing" };
	const struct corosync_conf *c = k->corosync;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (is_set(c, "quorum", names[i]) && device(c))
			findings_add(k->f, FINDING_ERROR, at_key(k, corosync_key(c, "quorum", names[i])),
				     "%s: together with a quorum device (line %d) corosync ignores the "
				     "device; remove one of the "
				     "two",
				     names[i], device(c)->line);
	if (is_set(c, "quorum", "last_man_standing") && !is_set(c, "quorum", "wait_for_all"))
		findings_add(k->f, FINDING_NOTE, at_key(k, corosync_key(c, "quorum", "last_man_standing")),
			     "last_man_standing: without wait_for_all: 1 parts that boot apart are quorate "
			     "side by side; set "
			     "it");
	if (is_set(c, "quorum", "auto_tie_breaker") && nodes_count(c) % 2 && !device(c))
		findings_add(k->f, FINDING_NOTE, at_key(k, corosync_key(c, "quorum", "auto_tie_breaker")),
			     "auto_tie_breaker: with %u nodes there is no tie to break, and after a loss "
			     "both halves were seen "
			     "quorate; remove it",
			     nodes_count(c));
}

/* A vote that each node gives itself because it reaches a router is given by both sides of a split. */
static void check_device(const struct check *k)
{
	const struct corosync_conf *c = k->corosync;
	const struct corosync_key *model = device(c),
				  *algorithm = corosync_key(c, "quorum.device.net", "algorithm");
	const struct corosync_key *mode = corosync_key(c, "quorum.device.heuristics", "mode");
	uint32_t nodes = nodes_count(c);

	if (!model)
		return;
	if (strcmp(model->value, "net") != 0)
		findings_add(k->f, FINDING_ERROR, at_key(k, model),
			     "model: %s lets each node decide alone whether the device's vote is there (a "
			     "ping vote): when "
			     "the link between them is cut %s have it and are quorate; use model: net with a "
			     "corosync-qnetd on a third machine, or a ringkeep witness and no device",
			     model->value, nodes == 2 ? "both nodes" : "several parts");
	if (algorithm && strcmp(algorithm->value, "ffsplit") != 0 && strcmp(algorithm->value, "lms") != 0)
		findings_add(k->f, FINDING_ERROR, at_key(k, algorithm),
			     "algorithm: %s may give its vote to several parts at once and is for "
			     "developers; use ffsplit",
			     algorithm->value);
	else if (nodes % 2 && !strcmp(text_of(algorithm, "ffsplit"), "ffsplit"))
		findings_add(k->f, FINDING_NOTE, at_key(k, algorithm ? algorithm : model),
			     "algorithm: ffsplit is for an even number of nodes, and there are %u; use lms, "
			     "or no device",
			     nodes);
	if (mode && strcmp(mode->value, "off") != 0 && nodes == 2)
		findings_add(k->f, FINDING_NOTE, at_key(k, mode),
			     "mode: heuristics that ping a router pass on both nodes when only the link "
			     "between them is cut: "
			     "they do not decide who goes on, tie_breaker does");
}

static unsigned long votes_sum(const struct corosync_conf *c)
{
	unsigned long common = number_of(corosync_key(c, "quorum", "votes"), 1), sum = 0;

	for (uint32_t s = corosync_section_next(c, "nodelist.node", 0); s;
	     s = corosync_section_next(c, "nodelist.node", s))
		sum += number_of(corosync_key_in(c, s, "quorum_votes"), common);
	return sum;
}

static void check_expected_votes(const struct check *k)
{
	const struct corosync_key *expected = corosync_key(k->corosync, "quorum", "expected_votes");
	unsigned long sum = votes_sum(k->corosync), n = number_of(expected, 0);
	unsigned long more =
		device(k->corosync)
			? number_of(corosync_key(k->corosync, "quorum.device", "votes"), sum ? sum - 1 : 0)
			: 0;

	if (!expected || !sum || n == sum || n == sum + more)
		return;
	if (n < sum)
		findings_add(k->f, FINDING_ERROR, at_key(k, expected),
			     "expected_votes: %s, but the nodes have %lu: parts that boot apart can be "
			     "quorate side by side; "
			     "remove it, corosync counts the nodes itself",
			     expected->value, sum);
	else
		findings_add(k->f, FINDING_NOTE, at_key(k, expected),
			     "expected_votes: %s, but nodes and device have only %lu: fewer failures stop "
			     "the cluster; remove "
			     "it, corosync counts the nodes itself",
			     expected->value, sum + more);
}

static void check_numbers(const struct check *k)
{
	static const char *const names[] = { "token",
					     "token_coefficient",
					     "knet_ping_timeout",
					     "knet_ping_interval",
					     "knet_pong_count",
					     "expected_votes",
					     "two_node",
					     "wait_for_all",
					     "auto_tie_breaker",
					     "last_man_standing",
					     "quorum_votes",
					     "votes" };

	for (uint32_t i = 0; i < k->corosync->keys_count; i++) {
		const struct corosync_key *key = &k->corosync->keys[i];

		for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
			if (!strcmp(key->name, names[n]) && number_of(key, 1) != number_of(key, 2))
				findings_add(k->f, FINDING_ERROR, at_key(k, key),
					     "%s: \"%s\" is not a number; corosync refuses it", key->name,
					     key->value);
	}
}

void corosync_check(const struct corosync_conf *corosync, const struct config *c, struct findings *f)
{
	const struct check k = { corosync, c, f };

	check_numbers(&k);
	check_crypto(&k);
	check_pings(&k);
	check_links(&k);
	check_cluster_name(&k);
	check_nodes(&k);
	check_provider(&k);
	check_two_node(&k);
	check_tie_breakers(&k);
	check_device(&k);
	check_expected_votes(&k);
}

void corosync_explain(const struct corosync_conf *c, FILE *out)
{
	const struct corosync_key *model = device(c);

	(void)fprintf(out, "    %u nodes, %u links, link mode %s, token %lu ms, cipher %s, hash %s\n",
		      nodes_count(c), links_count(c),
		      text_of(corosync_key(c, "totem", "link_mode"), "passive"), token_ms(c),
		      crypto(c, "crypto_cipher", "aes256"), crypto(c, "crypto_hash", "sha256"));
	if (!model) {
		(void)fputs("    no quorum device\n", out);
		return;
	}
	(void)fprintf(
		out,
		"    quorum device: corosync-qdevice, model %s, host %s, algorithm %s, heuristics %s. It "
		"decides which "
		"nodes are quorate;\n    who may speak is decided by the lease, in which it has no vote\n",
		model->value, text_of(corosync_key(c, "quorum.device.net", "host"), "none"),
		text_of(corosync_key(c, "quorum.device.net", "algorithm"), "ffsplit"),
		text_of(corosync_key(c, "quorum.device.heuristics", "mode"), "off"));
}
