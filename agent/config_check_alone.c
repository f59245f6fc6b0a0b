/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two nodes that have neither a third voter nor a switch to turn each other off: what they promise hangs on
 * gateways that tell whether a node is cut off.
 */
#include "config_parse.h"

#include <string.h>

#define KEEP_PULSES 5 /* three of silence, two to renew in */

static bool is_virtual(const struct config *c, const struct ip_address *ip)
{
	for (uint32_t g = 0; g < c->groups_count; g++)
		for (uint32_t i = 0; i < c->groups[g].addresses_count; i++)
			if (ip_equal(ip, &c->groups[g].addresses[i]))
				return true;
	return false;
}

static bool is_node(const struct config *c, const struct ip_address *ip)
{
	for (uint32_t n = 0; n < c->nodes_count; n++)
		for (uint32_t i = 0; i < c->nodes[n].links_count; i++)
			if (ip_equal(ip, &c->nodes[n].links[i].address))
				return true;
	return false;
}

/* Each counts once. */
static void check_named_once(struct config_parse *p, const struct config_group *g, uint32_t index)
{
	char ip[IP_TEXT_MAX];

	for (uint32_t k = 0; k < index; k++)
		if (ip_equal(&g->gateways[index], &g->gateways[k]))
			config_fail(p, g, "gateways", index, "%s is named twice; remove one",
				    ip_format(&g->gateways[index], ip));
}

static void check_group_gateways(struct config_parse *p, const struct config *c, const struct config_group *g)
{
	if (!g->gateways_count) {
		config_fail(
			p, g, "gateways", 0,
			"two-node = best-effort needs a gateway in group %s: without one nobody can tell a "
			"dead node from a cut cable; add gateways = { \"ADDRESS\" }, a router on %s",
			g->name, g->device);
		return;
	}
	if (g->gateways_needed > g->gateways_count)
		config_fail(p, g, "gateways-needed", 0, "%u, but there are %u gateways; lower it",
			    g->gateways_needed, g->gateways_count);
	for (uint32_t i = 0; i < g->gateways_count; i++) {
		check_named_once(p, g, i);
		if (is_virtual(c, &g->gateways[i]))
			config_fail(
				p, g, "gateways", i,
				"is a virtual address of this file; name a router that stays up when both "
				"nodes are down");
		else if (is_node(c, &g->gateways[i]))
			config_fail(p, g, "gateways", i,
				    "is a node of this file; name a router that stays up when both nodes are "
				    "down");
	}
}

static void check_alone_group(struct config_parse *p, const struct config *c, const struct config_group *g)
{
	if (config_group_native(g))
		return;
	if (g->fence == FENCE_REQUIRED)
		config_fail(p, g, "fence", 0,
			    "required, but with two-node = best-effort nothing is ever proved off, and two "
			    "nodes may hold the group: take two-node = fenced");
	check_group_gateways(p, c, g);
}

void config_check_alone(struct config_parse *p, const struct config *c)
{
	for (uint32_t i = 0; i < c->nodes_count; i++)
		if (c->nodes[i].witness)
			config_fail(p, c, "two-node", 0,
				    "best-effort is for two nodes that both may hold a group, and %s is a "
				    "witness; "
				    "leave it out",
				    c->nodes[i].name);
	if (c->fence_devices_count)
		config_fail(
			p, c, "two-node", 0,
			"best-effort, but there is a fence-device: take fenced, which never has two holders");
	if (!config_needs_lease(c))
		config_fail(
			p, c, "two-node", 0,
			"best-effort is about the lease, and VRRP decides in every group of this file; leave "
			"it out");
	if (c->gateway_timeout_ms < 2 * c->gateway_interval_ms)
		config_fail(
			p, c, "gateway-timeout", 0,
			"%u ms is less than two times gateway-interval %u ms, so that one lost answer cuts a "
			"node off; raise it",
			c->gateway_timeout_ms, c->gateway_interval_ms);
	for (uint32_t i = 0; i < c->groups_count; i++)
		check_alone_group(p, c, &c->groups[i]);
}

static void check_keep(struct config_parse *p, const struct config *c)
{
	if (c->timing.lease_ms < KEEP_PULSES * c->timing.pulse_ms)
		config_fail(p, c, "lease", 0,
			    "%u ms is less than %d times pulse-interval %u ms: with two-node = best-effort a "
			    "holder would lose it before it knows that the other node is silent; raise it",
			    c->timing.lease_ms, KEEP_PULSES, c->timing.pulse_ms);
}

void config_check_gateways(struct config_parse *p, const struct config *c)
{
	if (c->two_node == CONFIG_TWO_NODE_BEST_EFFORT) {
		check_keep(p, c);
		return;
	}
	for (uint32_t i = 0; i < c->groups_count; i++)
		if (c->groups[i].gateways_count)
			config_fail(
				p, &c->groups[i], "gateways", 0,
				"are for two-node = best-effort, and this file decides without them; leave "
				"them out");
}
