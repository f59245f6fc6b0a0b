/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What must not be found out when a node has to be shot: names that nobody has, a device that belongs to two
 * nodes, levels that do not fit into their time, ways to "fence" that prove nothing.
 */
#include "config_parse.h"
#include "fence.h"
#include "fence_request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WATCHDOG_MARGIN_MS ((uint32_t)(FENCE_WATCHDOG_MARGIN_NS / NS_PER_MS))

/* ---- parameters ---- */

static size_t parameter_name_length(const char *parameter)
{
	size_t len = 0;

	while (isalnum((unsigned char)parameter[len]) ||
	       (len && strchr("-_", parameter[len]) && parameter[len]))
		len++;
	return parameter[len] == '=' ? len : 0;
}

/* What ringkeep itself says, or what has a better place. */
static const char *parameter_refused(const char *parameter, size_t len)
{
	static const struct {
		const char *name, *why;
	} refused[] = {
		{ "action", "ringkeep says what the agent shall do" },
		{ "option", "ringkeep says what the agent shall do" },
		{ "plug", "write it as the plug of a target" },
		{ "port", "write it as the plug of a target" },
		{ "nodename", "write it as the plug of a target" },
		{ "delay", "write it as fence-delay of the node, where it does not eat the agent's time" },
		{ "password", "a password belongs into a file of its own, the password-file" },
		{ "passwd", "a password belongs into a file of its own, the password-file" },
	};

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (fence_parameter_same(parameter, len, refused[i].name))
			return refused[i].why;
	return NULL;
}

static void check_parameter(struct config_parse *p, const struct config_fence_device *d, uint32_t index)
{
	const char *text = d->parameters[index], *why;
	size_t len = parameter_name_length(text);
	char name[RK_NAME_MAX];

	if (!len || len >= sizeof name) {
		config_fail(p, d, "parameters", index, "\"%.60s\" is not name=value; write it so", text);
		return;
	}
	(void)snprintf(name, sizeof name, "%.*s", (int)len, text);
	why = parameter_refused(text, len);
	if (why)
		config_fail(p, d, "parameters", index, "%s is not for here; %s", name, why);
	else if (d->password_file[0] && fence_parameter_same(text, len, d->password_parameter))
		config_fail(p, d, "parameters", index, "%s comes from the password-file; remove one", name);
	if (fence_parameter_same(text, len, "method") && !strcasecmp(text + len + 1, "cycle"))
		config_fail(
			p, d, "parameters", index,
			"method cycle is never verified by the agent, so it proves nothing; leave it out, "
			"and write fence-action = reboot at the node");
	for (uint32_t k = 0; k < index; k++)
		if (fence_parameter_same(d->parameters[k], parameter_name_length(d->parameters[k]), name))
			config_fail(p, d, "parameters", index, "%s is given twice; remove one", name);
	if (fence_parameter_same(text, len, "power_timeout") &&
	    strtoull(text + len + 1, NULL, 10) * 1000 >= d->off_timeout_ms)
		config_fail(p, d, "parameters", index,
			    "%s s is not shorter than off-timeout %u ms: the agent would be killed before it "
			    "can say what is wrong; raise off-timeout",
			    text, d->off_timeout_ms);
}

/* ---- devices ---- */

static void check_agent(struct config_parse *p, const struct config *c, const struct config_fence_device *d)
{
	if (d->kind == CONFIG_FENCE_WATCHDOG) {
		if (!c->watchdog_count)
			config_fail(p, d, "kind", 0, "watchdog, but no node arms one; add section watchdog");
		if (d->agent[0] || d->parameters_count || d->password_file[0])
			config_fail(p, d, "kind", 0,
				    "a watchdog is the target's own: no agent, parameters or password-file; "
				    "remove them");
		return;
	}
	if (!d->agent[0])
		config_fail(p, d, "agent", 0, "missing in section fence-device %s; add it", d->name);
	else if (strchr(d->agent, '/') ? d->agent[0] != '/' : d->agent[0] == '.')
		config_fail(p, d, "agent", 0,
			    "\"%.60s\" is neither a name, such as fence_ipmilan, nor an absolute path",
			    d->agent);
	if (d->password_file[0] && d->password_file[0] != '/')
		config_fail(p, d, "password-file", 0, "\"%.60s\" is not an absolute path; start it with /",
			    d->password_file);
}

static void check_target(struct config_parse *p, const struct config *c, const struct config_fence_device *d,
			 const struct config_fence_target *t)
{
	const struct config_node *n = config_node_named(c, t->name);

	if (!n)
		config_fail(p, t, "target", 0, "%s is not a node of this file; add section node %s", t->name,
			    t->name);
	else if (n->witness)
		config_fail(p, t, "target", 0, "%s is a witness, which holds nothing; leave it out", t->name);
	if (t->plug[0] && d->kind == CONFIG_FENCE_WATCHDOG)
		config_fail(p, t, "plug", 0, "a watchdog has no plugs; remove it");
	for (const struct config_fence_target *o = d->targets; o < t; o++) {
		if (d->kind == CONFIG_FENCE_WATCHDOG || strcmp(o->plug, t->plug))
			continue;
		if (t->plug[0])
			config_fail(p, t, "plug", 0, "%s is the plug of %s already; one of the two is wrong",
				    t->plug, o->name);
		else
			config_fail(
				p, t, "target", 0,
				"without plugs the device is one node's own, but %s is a target, too; give "
				"each its plug, or its own device",
				o->name);
	}
}

/* ---- levels ---- */

static const struct config_fence_device *device_named(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->fence_devices_count; i++)
		if (!strcmp(c->fence_devices[i].name, name))
			return &c->fence_devices[i];
	return NULL;
}

static bool device_has(const struct config_fence_device *d, const char *node)
{
	for (uint32_t i = 0; i < d->targets_count; i++)
		if (!strcmp(d->targets[i].name, node))
			return true;
	return false;
}

/* How long an off and the status after it may take; a watchdog, until it must have fired. */
static uint32_t device_time_ms(const struct config *c, const struct config_fence_device *d)
{
	uint32_t t = c->watchdog_count ? c->watchdog[0].timeout_ms : 0;

	if (d->kind != CONFIG_FENCE_WATCHDOG)
		return d->off_timeout_ms + d->status_timeout_ms;
	return t > WATCHDOG_MARGIN_MS ? 2 * t : t + WATCHDOG_MARGIN_MS;
}

/* Returns the time that the device may take. */
static uint32_t check_level_device(struct config_parse *p, const struct config *c,
				   const struct config_node *n, const struct config_fence_level *l,
				   uint32_t index)
{
	const char *name = l->devices[index];
	const struct config_fence_device *d = device_named(c, name);

	for (uint32_t k = 0; k < index; k++)
		if (!strcmp(name, l->devices[k]))
			config_fail(p, l, "devices", index, "%s is named twice; remove one", name);
	if (!d) {
		config_fail(p, l, "devices", index,
			    "%s is not a fence device of this file; add section fence-device %s", name, name);
		return 0;
	}
	if (!device_has(d, n->name))
		config_fail(p, l, "devices", index, "%s has no target %s; add section target %s to it", name,
			    n->name, n->name);
	if (d->kind == CONFIG_FENCE_FABRIC && n->fence_action == FENCE_ACTION_REBOOT)
		config_fail(p, l, "devices", index,
			    "%s cuts %s off and cannot reboot it; set fence-action = off", name, n->name);
	return device_time_ms(c, d);
}

static void check_levels(struct config_parse *p, const struct config *c, const struct config_node *n)
{
	bool seen[FENCE_LEVELS_MAX] = { false };
	uint32_t need_ms = 0;

	for (uint32_t i = 0; i < n->fence_levels_count; i++) {
		const struct config_fence_level *l = &n->fence_levels[i];
		int number = l->name[0] - '1';

		if (l->name[1] || number < 0 || number >= FENCE_LEVELS_MAX)
			config_fail(p, l, "fence-level", 0, "%s is not its number; choose 1 to %d", l->name,
				    FENCE_LEVELS_MAX);
		else
			seen[number] = true;
		for (uint32_t k = 0; k < l->devices_count; k++)
			need_ms += check_level_device(p, c, n, l, k);
	}
	for (uint32_t i = 1; i < FENCE_LEVELS_MAX; i++)
		if (seen[i] && !seen[i - 1])
			config_fail(p, n, "fence-level", 0,
				    "%s has level %u but no level %u; number them from 1", n->name, i + 1, i);
	if (n->fence_levels_count && n->witness)
		config_fail(p, n, "fence-level", 0, "%s is a witness, which holds nothing; leave it out",
			    n->name);
	if (need_ms > c->fence_timeout_ms)
		config_fail(p, c, "fence-timeout", 0,
			    "%u ms is too short: the levels of %s may take %u ms (off-timeout and "
			    "status-timeout of each device, twice the timeout of a watchdog); raise it, or "
			    "lower those",
			    c->fence_timeout_ms, n->name, need_ms);
}

/* ---- who needs them ---- */

static void check_group_fence(struct config_parse *p, const struct config *c, const struct config_group *g)
{
	if (g->fence == FENCE_REQUIRED && config_group_native(g))
		config_fail(p, g, "fence", 0,
			    "required means nothing where VRRP decides (mode native); choose after or never");
	if (g->fence != FENCE_REQUIRED)
		return;
	for (uint32_t i = 0; i < g->candidates_names_count; i++) {
		const struct config_node *n = config_node_named(c, g->candidates_names[i]);

		if (n && !n->witness && !n->fence_levels_count)
			config_fail(
				p, g, "fence", 0,
				"required, but nothing can fence candidate %s: nobody could take over from "
				"it; add section fence-level 1 to node %s",
				n->name, n->name);
	}
}

static void check_two_node(struct config_parse *p, const struct config *c)
{
	if (c->two_node == CONFIG_TWO_NODE_WITNESS)
		return;
	if (c->nodes_count != 2) {
		config_fail(p, c, "two-node", 0,
			    "is for two nodes without a third voter, and this file has %u; leave it out",
			    c->nodes_count);
		return;
	}
	if (c->two_node == CONFIG_TWO_NODE_BEST_EFFORT) {
		config_check_alone(p, c);
		return;
	}
	for (uint32_t i = 0; i < c->nodes_count && c->two_node == CONFIG_TWO_NODE_FENCED; i++)
		if (!c->nodes[i].fence_levels_count)
			config_fail(p, c, "two-node", 0,
				    "fenced, but nothing can fence %s; add section fence-level 1 to node %s",
				    c->nodes[i].name, c->nodes[i].name);
}

static void keep_lines(struct config_parse *p, struct config_fence_device *d)
{
	d->line = config_place_line(p, d, NULL, 0);
	for (uint32_t i = 0; i < d->parameters_count; i++)
		d->parameters_line[i] = config_place_line(p, d, "parameters", i);
}

void config_check_fence(struct config_parse *p, struct config *c)
{
	for (uint32_t i = 0; i < c->fence_devices_count; i++) {
		struct config_fence_device *d = &c->fence_devices[i];

		keep_lines(p, d);
		check_agent(p, c, d);
		for (uint32_t k = 0; k < d->parameters_count; k++)
			check_parameter(p, d, k);
		for (uint32_t k = 0; k < d->targets_count; k++)
			check_target(p, c, d, &d->targets[k]);
	}
	for (uint32_t i = 0; i < c->nodes_count; i++)
		check_levels(p, c, &c->nodes[i]);
	for (uint32_t i = 0; i < c->groups_count; i++)
		check_group_fence(p, c, &c->groups[i]);
	check_two_node(p, c);
}
