/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What VRRP asks of a group: what its versions can carry, what a virtual router must have, what two of them
 * must not share.
 */
#include "config_parse.h"

#include <string.h>
#include <sys/socket.h>

/* What fits in one advertisement: Count is one byte, and 90 IPv6 addresses fill an Ethernet frame. */
#define VRRP_MAX4	      255
#define VRRP_MAX6	      90
#define VRRP_V3_ADVERT_MS_MAX 40950
#define VRRP_V3_ADVERT_STEP   10
/* The gate takes deadlines up to a minute ahead, and native mode sets it to three intervals. */
#define VRRP_NATIVE_ADVERT_MS_MAX 10000

struct families {
	uint32_t v4, v6, link_local;
};

static struct families count_families(const struct config_group *g)
{
	struct families f = { 0 };

	for (uint32_t i = 0; i < g->addresses_count; i++) {
		f.v4 += g->addresses[i].family == AF_INET;
		f.v6 += g->addresses[i].family == AF_INET6;
		f.link_local += ip_link_local(&g->addresses[i]);
	}
	return f;
}

static void check_interval(struct config_parse *p, const struct config_vrrp *v)
{
	if (v->version == 2 && v->advert_ms % 1000)
		config_fail(p, v, "advert-interval", 0,
			    "version 2 has whole seconds only; write 1s or more, or use version = 3");
	if (v->version == 3 && (v->advert_ms > VRRP_V3_ADVERT_MS_MAX || v->advert_ms % VRRP_V3_ADVERT_STEP))
		config_fail(p, v, "advert-interval", 0,
			    "version 3 has hundredths of a second, up to 40950ms; choose a multiple of 10ms");
	if (v->mode == CONFIG_VRRP_NATIVE && v->advert_ms > VRRP_NATIVE_ADVERT_MS_MAX)
		config_fail(p, v, "advert-interval", 0,
			    "in mode native the gate follows the advertisements; choose 10s or less");
}

static void check_families(struct config_parse *p, const struct config_group *g, const struct config_vrrp *v)
{
	struct families f = count_families(g);

	if (v->version == 2 && f.v6)
		config_fail(p, v, "version", 0,
			    "version 2 knows no IPv6, and %s has IPv6 addresses; use version = 3", g->name);
	if (f.v6 && !f.link_local && v->version == 3)
		config_fail(
			p, g, "addresses", 0,
			"a virtual router for IPv6 has a link-local address (RFC 9568 section 5.2.9); add "
			"one, such as fe80::%x",
			v->vrid ? v->vrid : 1);
	if (f.v4 > VRRP_MAX4 || f.v6 > VRRP_MAX6)
		config_fail(p, g, "addresses", 0,
			    "%u IPv4 and %u IPv6 addresses; one advertisement has room for %d and %d, so use "
			    "several groups",
			    f.v4, f.v6, VRRP_MAX4, VRRP_MAX6);
}

static void check_peers(struct config_parse *p, const struct config_group *g, const struct config_vrrp *v)
{
	struct families f = count_families(g), peers = { 0 };

	for (uint32_t i = 0; i < v->unicast_peers_count; i++) {
		peers.v4 += v->unicast_peers[i].family == AF_INET;
		peers.v6 += v->unicast_peers[i].family == AF_INET6;
	}
	if (v->unicast_peers_count && ((f.v4 && !peers.v4) || (f.v6 && !peers.v6)))
		config_fail(
			p, v, "unicast-peers", 0,
			"%s has %s addresses, but no peer has one; add the routers' addresses of that family",
			g->name, f.v4 && !peers.v4 ? "IPv4" : "IPv6");
}

static void check_priorities(struct config_parse *p, const struct config_group *g,
			     const struct config_vrrp *v)
{
	uint32_t owners = 0;

	if (v->priorities_count && v->priorities_count != g->candidates_names_count)
		config_fail(p, v, "priorities", 0,
			    "%u priorities for %u candidates; write one for each, in their order",
			    v->priorities_count, g->candidates_names_count);
	for (uint32_t i = 0; i < v->priorities_count; i++)
		owners += v->priorities[i] == 255;
	if (owners > 1)
		config_fail(p, v, "priorities", 0,
			    "255 is for the one owner of the addresses; give it to one candidate at most");
}

static bool families_meet(const struct config_group *a, const struct config_group *b)
{
	struct families x = count_families(a), y = count_families(b);

	return (x.v4 && y.v4) || (x.v6 && y.v6);
}

static void check_vrid(struct config_parse *p, const struct config *c, const struct config_group *g)
{
	const struct config_vrrp *v = &g->vrrp[0];

	for (const struct config_group *o = c->groups; o < g; o++)
		if (o->vrrp_count && v->vrid && o->vrrp[0].vrid == v->vrid && !strcmp(o->device, g->device) &&
		    families_meet(o, g))
			config_fail(p, v, "vrid", 0,
				    "%u is the virtual router of group %s on %s already; choose another",
				    v->vrid, o->name, g->device);
}

/* On one interface that is refused above. The gate has one group for a MAC, whatever the interface. */
static void check_virtual_mac(struct config_parse *p, const struct config *c, const struct config_group *g)
{
	const struct config_vrrp *v = &g->vrrp[0];

	for (const struct config_group *o = c->groups; o < g; o++)
		if (o->vrrp_count && v->vrid && o->vrrp[0].vrid == v->vrid && strcmp(o->device, g->device) &&
		    v->virtual_mac != CONFIG_VIRTUAL_MAC_NO &&
		    o->vrrp[0].virtual_mac != CONFIG_VIRTUAL_MAC_NO && families_meet(o, g))
			config_fail(p, v, "vrid", 0,
				    "%u gives group %s the same virtual MAC on %s; choose another", v->vrid,
				    o->name, o->device);
}

void config_check_vrrp(struct config_parse *p, const struct config *c, const struct config_group *g)
{
	const struct config_vrrp *v = &g->vrrp[0];

	if (!g->vrrp_count)
		return;
	check_interval(p, v);
	check_families(p, g, v);
	check_peers(p, g, v);
	check_priorities(p, g, v);
	check_vrid(p, c, g);
	check_virtual_mac(p, c, g);
	if (v->sync_group[0] && v->mode != CONFIG_VRRP_NATIVE)
		config_fail(p, v, "sync-group", 0,
			    "is for mode native; in mode announce put addresses of one fate into one group");
}
