/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Virtual addresses, peers and sources of a group out of those of an instance.
 */
#include "import.h"

#include <string.h>
#include <sys/socket.h>

/* One octet counts them, and 90 IPv6 addresses fill an Ethernet frame. */
#define ADVERT_IPV4_MAX 255
#define ADVERT_IPV6_MAX 90

static bool group_has(const struct import_group *g, const struct ip_address *a)
{
	for (uint32_t i = 0; i < g->addresses_count; i++)
		if (ip_equal(&g->addresses[i], a))
			return true;
	return false;
}

static bool address_taken(const struct import *i, const struct ip_address *a)
{
	for (uint32_t n = 0; n < i->groups_count; n++)
		if (group_has(&i->groups[n], a))
			return true;
	return false;
}

/* g: the group that it is for, which may not be one of the import's yet. */
static bool address_usable(struct import_mapping *m, const struct keepalived_instance *in,
			   const struct keepalived_address *a, const struct import_group *g)
{
	static const struct ip_address none4 = { .family = AF_INET }, none6 = { .family = AF_INET6 };
	bool multicast = a->ip.family == AF_INET ? a->ip.bytes[0] >= 224 : a->ip.bytes[0] == 0xff;
	char text[IP_TEXT_MAX];

	(void)ip_format(&a->ip, text);
	if (a->device[0] && strcmp(a->device, in->interface))
		findings_add(m->findings, FINDING_LEFT, a->at,
			     "%s dev %s: all addresses of a group are on its device %s; make it an instance "
			     "of its own",
			     text, a->device, in->interface);
	else if (multicast || ip_equal(&a->ip, &none4) || ip_equal(&a->ip, &none6))
		findings_add(m->findings, FINDING_ERROR, a->at, "%s is no address that a node can have",
			     text);
	else if (group_has(g, &a->ip) || address_taken(m->import, &a->ip))
		findings_add(m->findings, FINDING_ERROR, a->at,
			     "%s is in another place already; every address belongs to one group", text);
	else if (m->addresses_total == VIRTUAL_ADDRESSES_MAX)
		findings_add(m->findings, FINDING_ERROR, a->at, "%s: more than %u addresses", text,
			     VIRTUAL_ADDRESSES_MAX);
	else
		return true;
	return false;
}

/* keepalived on another router refuses advertisements with addresses that it does not expect. */
static void tell_excluded(const struct import_mapping *m, const struct keepalived_instance *in,
			  const struct import_group *g, const struct keepalived_address *a)
{
	const struct keepalived_address *advertised = NULL;
	char text[IP_TEXT_MAX];

	for (uint32_t i = 0; i < in->addresses_count && !advertised; i++)
		if (!in->addresses[i].excluded && in->addresses[i].ip.family == a->ip.family)
			advertised = &in->addresses[i];
	(void)ip_format(&a->ip, text);
	if (advertised)
		findings_add(m->findings, FINDING_LEFT, a->at,
			     "virtual_ipaddress_excluded %s: ours are all advertised, and keepalived refuses "
			     "addresses that it does "
			     "not expect; move it to virtual_ipaddress on all routers before the first one "
			     "is replaced",
			     text);
	else
		findings_add(m->findings, FINDING_NOTE, a->at,
			     "virtual_ipaddress_excluded %s: %s gets a virtual router of its own with VRID "
			     "%u and the same fate",
			     text, a->ip.family == AF_INET ? "IPv4" : "IPv6", g->vrid);
}

void import_take_addresses(struct import_mapping *m, const struct keepalived_instance *in, uint8_t family,
			   struct import_group *g)
{
	uint32_t count = 0,
		 max = family == AF_INET ? ADVERT_IPV4_MAX : ADVERT_IPV6_MAX - 1; /* and a link-local one */

	for (uint32_t i = 0; i < in->addresses_count; i++) {
		const struct keepalived_address *a = &in->addresses[i];

		if (a->ip.family != family || !address_usable(m, in, a, g))
			continue;
		if (++count > max || g->addresses_count == CONFIG_ADDRESSES_MAX) {
			findings_add(m->findings, FINDING_ERROR, a->at,
				     "more than %u addresses of one family in one advertisement; make it two "
				     "instances",
				     max);
			return;
		}
		if (a->excluded)
			tell_excluded(m, in, g, a);
		g->addresses[g->addresses_count++] = a->ip;
		m->addresses_total++;
	}
}

static bool list_add(struct ip_address *list, uint32_t *count, const struct ip_address *a)
{
	for (uint32_t i = 0; i < *count; i++)
		if (ip_equal(&list[i], a))
			return true;
	if (*count == CONFIG_VRRP_PEERS_MAX)
		return false;
	list[(*count)++] = *a;
	return true;
}

bool import_unicast(const struct keepalived_instance *in, uint8_t family)
{
	for (uint32_t i = 0; i < in->peers_count; i++)
		if (in->peers[i].family == family)
			return true;
	return false;
}

/* Our list of peers is that of all routers: the same file works on each. */
void import_take_peers(const struct import_mapping *m, const struct keepalived_instance *in, uint8_t family,
		       struct import_group *g)
{
	bool fits = true, any = import_unicast(in, family);

	if (in->has_source && in->source.family == family)
		fits = any ? list_add(g->peers, &g->peers_count, &in->source)
			   : list_add(g->sources, &g->sources_count, &in->source);
	for (uint32_t i = 0; i < in->peers_count && fits; i++)
		if (in->peers[i].family == family)
			fits = list_add(g->peers, &g->peers_count, &in->peers[i]);
	if (!fits)
		findings_add(m->findings, FINDING_ERROR, in->at,
			     "vrrp_instance %s: more than %u unicast peers", in->name, CONFIG_VRRP_PEERS_MAX);
	if (in->unicast && !any)
		findings_add(m->findings, in->peers_count ? FINDING_LEFT : FINDING_NOTE, in->at,
			     "vrrp_instance %s: no unicast_peer of %s, so its advertisements are multicast",
			     in->name, family == AF_INET ? "IPv4" : "IPv6");
}

/* ---- the virtual router's link-local address ---- */

static bool link_local(const struct ip_address *a)
{
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

/* Link-local first, else as written. */
static void link_local_first(struct import_group *g)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < g->addresses_count; i++) {
		struct ip_address a = g->addresses[i];

		if (!link_local(&a))
			continue;
		memmove(&g->addresses[at + 1], &g->addresses[at], (i - at) * sizeof a);
		g->addresses[at++] = a;
	}
}

/* fe80::112:VRID, with the VRID to be read as it is written: one more group of digits until nobody has it. */
static struct ip_address link_local_new(const struct import *i, uint32_t vrid)
{
	struct ip_address a;
	char text[IP_TEXT_MAX];

	for (unsigned n = 1;; n++) {
		(void)snprintf(text, sizeof text, n > 1 ? "fe80::112:%u:%u" : "fe80::112:%u", vrid, n);
		if (ip_parse(text, &a) == 0 && !address_taken(i, &a))
			return a;
	}
}

/* Does some router that is not ours know the group's virtual IPv6 router? Not if all were excluded. */
static const struct keepalived_address *advertised_v6(const struct import_group *g)
{
	for (uint32_t n = 0; n < g->instances_count; n++)
		for (uint32_t i = 0; i < g->instances[n]->addresses_count; i++)
			if (!g->instances[n]->addresses[i].excluded &&
			    g->instances[n]->addresses[i].ip.family == AF_INET6)
				return &g->instances[n]->addresses[i];
	return NULL;
}

void import_link_local(struct import_mapping *m, struct import_group *g)
{
	const struct keepalived_address *first = advertised_v6(g);
	const char *todo =
		first ? "put it first in virtual_ipaddress on all routers before the first one is replaced"
		      : "no other router has to know it";
	bool any = false;
	char text[IP_TEXT_MAX];

	if (!g->has_v6)
		return;
	for (uint32_t i = 0; i < g->addresses_count; i++)
		any |= link_local(&g->addresses[i]);
	if (!any &&
	    (g->addresses_count == CONFIG_ADDRESSES_MAX || m->addresses_total == VIRTUAL_ADDRESSES_MAX)) {
		findings_add(m->findings, FINDING_ERROR, g->instances[0]->at,
			     "no room for a link-local address");
		return;
	}
	if (!any) {
		g->addresses[g->addresses_count++] = link_local_new(m->import, g->vrid);
		m->addresses_total++;
		findings_add(
			m->findings, first ? FINDING_LEFT : FINDING_NOTE,
			first ? first->at : g->instances[0]->at,
			"a virtual IPv6 router has a link-local address (RFC 9568); %s is made up here, %s",
			ip_format(&g->addresses[g->addresses_count - 1], text), todo);
	} else if (first && !link_local(&first->ip)) {
		findings_add(m->findings, FINDING_LEFT, first->at,
			     "the link-local address has to be the first one (RFC 9568): %s", todo);
	}
	link_local_first(g);
}
