/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What takes more than one value to judge: duplicates, references, majorities, address families, timing.
 */
#include "config_parse.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- addresses ---- */

/* VRRP's own router address is link-local (RFC 9568 section 5.2.9); anything else means something else on
 * each interface. */
static const char *address_unusable(const struct ip_address *a, bool link_local_ok)
{
	static const uint8_t zero[16];

	if (!memcmp(a->bytes, zero, sizeof zero))
		return "the unspecified address";
	if (a->family == AF_INET)
		return a->bytes[0] >= 224 ? "a multicast or broadcast address" : NULL;
	if (a->bytes[0] == 0xff)
		return "a multicast address";
	if (ip_link_local(a) && !link_local_ok)
		return "a link-local address, which means something else on each interface (only a group "
		       "with "
		       "VRRP may have one)";
	return NULL;
}

struct used_address {
	const struct ip_address *ip;
	const void *base;
	const char *key;
	uint32_t index;
	const char *owner;
	bool link_local_ok;
};

static int used_cmp(const void *a, const void *b)
{
	const struct used_address *x = a, *y = b;
	int r = memcmp(x->ip, y->ip, sizeof *x->ip);

	/* By place, so that the later one is reported. */
	return r ? r
		 : (x->base > y->base) - (x->base < y->base) + (x->base == y->base && x->index > y->index);
}

static uint32_t collect_addresses(const struct config *c, struct used_address *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->nodes_count; i++)
		for (uint32_t k = 0; k < c->nodes[i].links_count; k++)
			ret[n++] = (struct used_address){ &c->nodes[i].links[k].address,
							  &c->nodes[i].links[k],
							  "address",
							  0,
							  c->nodes[i].name,
							  false };
	for (uint32_t i = 0; i < c->groups_count; i++)
		for (uint32_t k = 0; k < c->groups[i].addresses_count; k++)
			ret[n++] = (struct used_address){
				&c->groups[i].addresses[k], &c->groups[i], "addresses", k, c->groups[i].name,
				c->groups[i].vrrp_count > 0
			};
	return n;
}

static void check_addresses(struct config_parse *p, const struct config *c)
{
	uint32_t max = RK_NODES_MAX * RK_LINKS_MAX + RK_GROUPS_MAX * CONFIG_ADDRESSES_MAX;
	struct used_address *used = malloc(max * sizeof *used);
	char text[IP_TEXT_MAX];

	if (!used) {
		p->out_of_memory = true;
		return;
	}
	uint32_t n = collect_addresses(c, used), virtual_count = 0;

	qsort(used, n, sizeof *used, used_cmp);
	for (uint32_t i = 0; i < n; i++) {
		const char *why =
			used[i].ip->family ? address_unusable(used[i].ip, used[i].link_local_ok) : NULL;

		virtual_count += used[i].key[7] == 'e'; /* "addresses" */
		(void)ip_format(used[i].ip, text);
		if (why)
			config_fail(p, used[i].base, used[i].key, used[i].index, "%s is %s; choose another",
				    text, why);
		else if (i && used[i].ip->family && ip_equal(used[i].ip, used[i - 1].ip))
			config_fail(p, used[i].base, used[i].key, used[i].index,
				    "%s is used by %s already; every address belongs to one thing", text,
				    used[i - 1].owner);
	}
	if (virtual_count > VIRTUAL_ADDRESSES_MAX)
		config_fail(p, &c->groups[0], "addresses", 0, "%u addresses in all groups; at most %u work",
			    virtual_count, VIRTUAL_ADDRESSES_MAX);
	free(used);
}

/* ---- nodes and links ---- */

static bool base64url(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", s[i]) ||
		    !s[i])
			return false;
	return true;
}

static void check_key(struct config_parse *p, const struct config_node *n)
{
	const char *key = n->public_key;
	size_t len = strlen(key);

	if (!len)
		return; /* told already */
	/* 64 bytes: the last character has four bits that must be zero. */
	if (strncmp(key, "rk1:", 4) || len != 4 + 86 || !base64url(key + 4, 86) || !strchr("AQgw", key[89]))
		config_fail(p, n, "public-key", 0,
			    "\"%.24s%s\" is not a key (rk1: and 86 characters); take what `hactl key show` "
			    "prints on %s",
			    key, len > 24 ? "..." : "", n->name);
}

static void check_nodes(struct config_parse *p, const struct config *c)
{
	for (uint32_t i = 0; i < c->nodes_count; i++) {
		const struct config_node *n = &c->nodes[i];

		check_key(p, n);
		for (uint32_t k = 0; k < i; k++) {
			const struct config_node *m = &c->nodes[k];

			if (n->id && n->id == m->id)
				config_fail(p, n, "id", 0, "%u is the id of node %s already; choose another",
					    n->id, m->name);
			if (n->public_key[0] && !strcmp(n->public_key, m->public_key))
				config_fail(p, n, "public-key", 0,
					    "is the key of node %s already; each node has its own (`hactl "
					    "key show` on %s)",
					    m->name, n->name);
		}
	}
}

static const struct config_link *link_named(const struct config_node *n, const char *name)
{
	for (uint32_t i = 0; i < n->links_count; i++)
		if (!strcmp(n->links[i].name, name))
			return &n->links[i];
	return NULL;
}

/* True if the two have a link in common; a link of two families is reported at the later node. */
static bool linked(struct config_parse *p, const struct config_node *a, const struct config_node *b)
{
	bool any = false;

	for (uint32_t i = 0; i < a->links_count; i++) {
		const struct config_link *la = &a->links[i], *lb = link_named(b, la->name);

		if (!lb)
			continue;
		any = true;
		if (!la->address.family || !lb->address.family)
			continue; /* told already */
		if (la->address.family != lb->address.family && a > b)
			config_fail(p, la, "address", 0,
				    "is %s, but link %s of node %s is %s; one link is one address family",
				    la->address.family == AF_INET ? "IPv4" : "IPv6", la->name, b->name,
				    lb->address.family == AF_INET ? "IPv4" : "IPv6");
	}
	return any;
}

static void check_links(struct config_parse *p, const struct config *c)
{
	for (uint32_t i = 0; i < c->nodes_count; i++) {
		const struct config_node *n = &c->nodes[i];
		uint32_t reach = 1;

		if (!n->links_count && config_needs_lease(c))
			config_fail(p, n, "link", 0,
				    "no such section in %s; add one (one network that carries pulses; the "
				    "title is its name, the same on all nodes)",
				    n->name);
		for (uint32_t k = 0; k < c->nodes_count; k++)
			reach += k != i && linked(p, n, &c->nodes[k]);
		if (n->links_count && !n->witness && reach < c->nodes_count / 2 + 1)
			config_fail(p, n, "link", 0,
				    "node %s has a link in common with %u of %u voters, itself included: no "
				    "majority possible; "
				    "give its links the names they have on other nodes",
				    n->name, reach, c->nodes_count);
	}
}

/* ---- groups ---- */

static const struct config_node *node_named(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->nodes_count; i++)
		if (!strcmp(c->nodes[i].name, name))
			return &c->nodes[i];
	return NULL;
}

static void check_candidates(struct config_parse *p, const struct config *c, struct config_group *g)
{
	for (uint32_t i = 0; i < g->candidates_names_count; i++) {
		const char *name = g->candidates_names[i];
		const struct config_node *n = node_named(c, name);

		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(name, g->candidates_names[k]))
				config_fail(p, g, "candidates", i, "%s is named twice; remove one", name);
		if (!n)
			config_fail(p, g, "candidates", i,
				    "%s is not a node of this file; add section node %s", name, name);
		else if (n->witness)
			config_fail(p, g, "candidates", i, "%s is a witness, which only votes; leave it out",
				    name);
		else
			g->candidates[g->candidates_count++] = (node_id_t)n->id;
	}
}

static bool adapter_is_known(const char *adapter)
{
	static const char *const ours[] = { "asterisk", "freeswitch", "kamailio", "sip" };

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (!strcmp(adapter, ours[i]))
			return true;
	return !*adapter || !strncmp(adapter, "exec:/", 6);
}

static void check_pbx(struct config_parse *p, const struct config_pbx *x)
{
	if (!adapter_is_known(x->adapter))
		config_fail(
			p, x, "adapter", 0,
			"\"%.60s\" is not known; choose asterisk, freeswitch, kamailio, sip or exec:/PATH",
			x->adapter);
	if (x->pid_file[0] && x->pid_file[0] != '/')
		config_fail(p, x, "pid-file", 0, "\"%.60s\" is not an absolute path; start it with /",
			    x->pid_file);
}

static void check_group(struct config_parse *p, const struct config *c, struct config_group *g)
{
	g->wire_id = group_wire_id(g->name);
	for (const struct config_group *o = c->groups; o < g; o++)
		if (o->wire_id == g->wire_id)
			config_fail(p, g, "group", 0,
				    "%s and %s have the same number on the wire; rename one of them", g->name,
				    o->name);
	check_candidates(p, c, g);
	if (g->damping_reuse >= g->damping_suppress)
		config_fail(p, g, "damping-reuse", 0, "%u is not below damping-suppress %u; lower it",
			    g->damping_reuse, g->damping_suppress);
	if (g->damping_max < g->damping_suppress)
		config_fail(p, g, "damping-max", 0,
			    "%u is below damping-suppress %u, so nothing is ever damped; "
			    "raise it, or set damping-penalty = 0",
			    g->damping_max, g->damping_suppress);
	if (g->pbx_count)
		check_pbx(p, &g->pbx[0]);
	config_check_vrrp(p, c, g);
}

static void check_roles(struct config_parse *p, const struct config *c)
{
	for (uint32_t i = 0; i < c->roles_count; i++) {
		const char *name = c->roles[i].name;
		bool known = false;

		for (enum config_role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
			known |= !strcmp(name, config_role_name(r));
		if (!known)
			config_fail(p, &c->roles[i], "role", 0,
				    "%s is not a role; choose viewer, operator or admin", name);
	}
}

/* ---- timing ---- */

static void check_timing(struct config_parse *p, struct config *c)
{
	struct timing_inequality list[TIMING_INEQUALITIES_MAX];

	config_timing_complete(&c->timing);
	int n = config_timing_check(&c->timing, list);

	for (int i = 0; i < n; i++)
		if (!list[i].holds)
			config_fail(p, c, list[i].key, 0,
				    "unsafe timing: %s does not hold (%s), %s; "
				    "see `hactl config explain`",
				    list[i].rule, list[i].numbers, list[i].why);
}

/* ---- order: the same on every node, whatever the order in the file ---- */

static int node_cmp(const void *a, const void *b)
{
	const struct config_node *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int name_cmp(const void *a, const void *b)
{
	return strcmp(a, b); /* name[] is the first member of every titled section */
}

static void sort_sections(struct config *c)
{
	for (uint32_t i = 0; i < c->nodes_count; i++)
		qsort(c->nodes[i].links, c->nodes[i].links_count, sizeof c->nodes[i].links[0], name_cmp);
	for (uint32_t i = 0; i < c->nodes_count; i++)
		qsort(c->nodes[i].fence_levels, c->nodes[i].fence_levels_count,
		      sizeof c->nodes[i].fence_levels[0], name_cmp);
	for (uint32_t i = 0; i < c->fence_devices_count; i++)
		qsort(c->fence_devices[i].targets, c->fence_devices[i].targets_count,
		      sizeof c->fence_devices[i].targets[0], name_cmp);
	qsort(c->fence_devices, c->fence_devices_count, sizeof c->fence_devices[0], name_cmp);
	qsort(c->nodes, c->nodes_count, sizeof c->nodes[0], node_cmp);
	for (uint32_t i = 0; i < c->groups_count; i++)
		if (c->groups[i].pbx_count)
			qsort(c->groups[i].pbx[0].settings, c->groups[i].pbx[0].settings_count,
			      sizeof c->groups[i].pbx[0].settings[0], name_cmp);
	for (uint32_t i = 0; i < c->groups_count; i++)
		qsort(c->groups[i].trunks, c->groups[i].trunks_count, sizeof c->groups[i].trunks[0],
		      name_cmp);
	for (uint32_t i = 0; i < c->groups_count; i++)
		qsort(c->groups[i].publishes, c->groups[i].publishes_count, sizeof c->groups[i].publishes[0],
		      name_cmp);
	qsort(c->groups, c->groups_count, sizeof c->groups[0], name_cmp);
	for (uint32_t i = 0; i < c->nodes_count; i++)
		qsort(c->nodes[i].lines, c->nodes[i].lines_count, sizeof c->nodes[i].lines[0], name_cmp);
	qsort(c->uplinks, c->uplinks_count, sizeof c->uplinks[0], name_cmp);
	qsort(c->probes, c->probes_count, sizeof c->probes[0], name_cmp);
	qsort(c->alerts, c->alerts_count, sizeof c->alerts[0], name_cmp);
	qsort(c->certificates, c->certificates_count, sizeof c->certificates[0], name_cmp);
	qsort(c->roles, c->roles_count, sizeof c->roles[0], name_cmp);
}

void config_check(struct config_parse *p, struct config *c)
{
	check_nodes(p, c);
	check_links(p, c);
	check_addresses(p, c);
	for (uint32_t i = 0; i < c->groups_count; i++)
		check_group(p, c, &c->groups[i]);
	config_check_trunks(p, c);
	config_check_fence(p, c);
	check_roles(p, c);
	config_check_uplinks(p, c);
	config_check_alerts(p, c);
	config_check_api(p, c);
	check_timing(p, c);
	config_check_gateways(p, c); /* after the timing is complete */
	if (p->errors->count == 0) {
		sort_sections(c);
		c->hash = config_hash(c);
	}
}
