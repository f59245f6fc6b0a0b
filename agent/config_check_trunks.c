/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a trunk must not be: a way for the gate to cut the nodes off from each other, a registration that
 * nobody can make, a carrier with two rates.
 */
#include "config_parse.h"

#include <string.h>
#include <sys/socket.h>

/* Wider is hardly a carrier, and the whole net behind it would be out of a standby's reach. */
#define PEER_LENGTH_MIN4 8
#define PEER_LENGTH_MIN6 16

/* ---- peers ---- */

static struct ip_prefix prefix_of(uint8_t family, uint8_t first, uint8_t second, uint8_t length)
{
	const uint8_t bytes[16] = { first, second };

	return (struct ip_prefix){ .ip = ip_make(family, bytes), .length = length };
}

static const char *peer_unusable(const struct ip_prefix *peer)
{
	const struct {
		struct ip_prefix prefix;
		const char *what;
	} kinds[] = {
		{ prefix_of(AF_INET, 0, 0, 8), "the unspecified address" },
		{ prefix_of(AF_INET, 127, 0, 8), "a loopback address, which never passes the gate" },
		{ prefix_of(AF_INET, 224, 0, 3), "a multicast or broadcast address" },
		{ prefix_of(AF_INET6, 0, 0, 16), "an unspecified, loopback or mapped address" },
		{ prefix_of(AF_INET6, 0xfe, 0x80, 10),
		  "a link-local address, which means something else on each interface" },
		{ prefix_of(AF_INET6, 0xff, 0, 8), "a multicast address" },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (ip_prefix_contains(&kinds[i].prefix, peer))
			return kinds[i].what;
	return NULL;
}

/* Shut, the gate would keep a node's pulses from the others, for ever. */
static void check_peer_nodes(struct config_parse *p, const struct config *c, const struct config_trunk *t,
			     uint32_t index)
{
	char peer[IP_PREFIX_TEXT_MAX], own[IP_TEXT_MAX];

	for (uint32_t i = 0; i < c->nodes_count; i++)
		for (uint32_t k = 0; k < c->nodes[i].links_count; k++) {
			const struct ip_address *a = &c->nodes[i].links[k].address;

			if (ip_prefix_has(&t->peers[index], a))
				config_fail(p, t, "peers", index,
					    "%s takes in %s of node %s, whom the other nodes have to reach; "
					    "name only the carrier's addresses",
					    ip_prefix_format(&t->peers[index], peer), ip_format(a, own),
					    c->nodes[i].name);
		}
}

static void check_peer_groups(struct config_parse *p, const struct config *c, const struct config_trunk *t,
			      uint32_t index)
{
	char peer[IP_PREFIX_TEXT_MAX], own[IP_TEXT_MAX];

	for (uint32_t i = 0; i < c->groups_count; i++)
		for (uint32_t k = 0; k < c->groups[i].addresses_count; k++) {
			const struct ip_address *a = &c->groups[i].addresses[k];

			if (ip_prefix_has(&t->peers[index], a))
				config_fail(p, t, "peers", index,
					    "%s takes in %s, an address of group %s itself; name only the "
					    "carrier's addresses",
					    ip_prefix_format(&t->peers[index], peer), ip_format(a, own),
					    c->groups[i].name);
		}
}

static void check_peer(struct config_parse *p, const struct config *c, const struct config_trunk *t,
		       uint32_t index)
{
	const struct ip_prefix *peer = &t->peers[index];
	const char *why = peer_unusable(peer);
	uint8_t min = peer->ip.family == AF_INET ? PEER_LENGTH_MIN4 : PEER_LENGTH_MIN6;
	char text[IP_PREFIX_TEXT_MAX];

	(void)ip_prefix_format(peer, text);
	if (peer->length < min)
		config_fail(
			p, t, "peers", index,
			"%s is too much of the net, of which a standby would reach nothing; name only the "
			"carrier's addresses (/%u or longer)",
			text, min);
	else if (why)
		config_fail(p, t, "peers", index, "%s is %s; name the carrier's addresses", text, why);
	for (uint32_t k = 0; k < index; k++)
		if (ip_prefix_equal(peer, &t->peers[k]))
			config_fail(p, t, "peers", index, "%s is named twice; remove one", text);
	check_peer_nodes(p, c, t, index);
	check_peer_groups(p, c, t, index);
}

/* ---- one trunk ---- */

static void check_registration(struct config_parse *p, const struct config_group *g,
			       const struct config_trunk *t)
{
	const char *adapter = g->pbx_count ? g->pbx[0].adapter : "";

	if (!t->registration[0])
		return;
	if (!*adapter || !strcmp(adapter, "sip"))
		config_fail(p, t, "registration", 0,
			    "%s cannot register; use the adapter of the PBX, or leave registration out "
			    "(IP-authenticated)",
			    *adapter ? "the adapter sip" : "a group without a pbx section");
	for (const struct config_trunk *o = g->trunks; o < t; o++)
		if (!strcmp(o->registration, t->registration))
			config_fail(p, t, "registration", 0,
				    "%s is the registration of trunk %s already; each trunk has its own",
				    t->registration, o->name);
}

/* One carrier, one bucket: two rates would be a matter of which trunk comes first. */
static void check_carrier(struct config_parse *p, const struct config *c, const struct config_trunk *t)
{
	for (uint32_t i = 0; i < c->groups_count; i++)
		for (uint32_t k = 0; k < c->groups[i].trunks_count; k++) {
			const struct config_trunk *o = &c->groups[i].trunks[k];

			if (o == t)
				return; /* those after it are compared with it */
			if (strcmp(o->carrier, t->carrier) || (o->rate == t->rate && o->burst == t->burst))
				continue;
			config_fail(p, t, o->rate == t->rate ? "burst" : "rate", 0,
				    "trunk %s of group %s has another rate or burst, and both are of carrier "
				    "%s; write the same in both",
				    o->name, c->groups[i].name, t->carrier);
			return;
		}
}

static uint32_t check_trunk(struct config_parse *p, const struct config *c, const struct config_group *g,
			    struct config_trunk *t)
{
	if (!t->carrier[0])
		memcpy(t->carrier, t->name, sizeof t->carrier);
	for (uint32_t i = 0; i < t->peers_count; i++)
		check_peer(p, c, t, i);
	check_registration(p, g, t);
	check_carrier(p, c, t);
	return t->peers_count;
}

void config_check_trunks(struct config_parse *p, struct config *c)
{
	uint32_t peers = 0;

	for (uint32_t i = 0; i < c->groups_count; i++)
		for (uint32_t k = 0; k < c->groups[i].trunks_count; k++)
			peers += check_trunk(p, c, &c->groups[i], &c->groups[i].trunks[k]);
	if (peers > CONFIG_PEERS_ALL_MAX)
		config_fail(p, &c->groups[0], "trunk", 0, "%u peers in all trunks; at most %u work", peers,
			    CONFIG_PEERS_ALL_MAX);
}
