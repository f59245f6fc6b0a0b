/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What uplinks must have to be told apart and measured: devices, tables and marks of their own, somebody to
 * ask over each, and what a probe of its kind cannot do without.
 */
#include "config_parse.h"
#include "probe_io.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TABLE_FIRST 101

static uint8_t uplink_family(const struct config_uplink *u)
{
	return u->family == CONFIG_IPV6 ? AF_INET6 : AF_INET;
}

static const struct config_line *line_of(const struct config_node *n, const char *uplink)
{
	for (uint32_t i = 0; i < n->lines_count; i++)
		if (!strcmp(n->lines[i].name, uplink))
			return &n->lines[i];
	return NULL;
}

static const char *device_on(const struct config_node *n, const struct config_uplink *u)
{
	const struct config_line *l = line_of(n, u->name);

	return l && l->device[0] ? l->device : u->device;
}

/* ---- numbers ---- */

static bool table_of_kernel(uint32_t table)
{
	return table >= RT_TABLE_COMPAT && table <= RT_TABLE_LOCAL;
}

static void check_numbers(struct config_parse *p, const struct config *c, const struct config_voice *v,
			  const struct config_uplink *u)
{
	if (u->table && (table_of_kernel(u->table) || u->table == v->table))
		config_fail(p, u, "table", 0, "%u is %s; choose another", u->table,
			    u->table == v->table ? "the table of voice" : "a table of the kernel's own");
	if (u->mark && (u->mark & ~v->mark_mask))
		config_fail(p, u, "mark", 0, "%u has bits outside of voice's mark-mask %u; choose one within",
			    u->mark, v->mark_mask);
	for (const struct config_uplink *o = c->uplinks; o < u; o++) {
		if (u->mark && o->mark == u->mark)
			config_fail(p, u, "mark", 0, "%u is the mark of uplink %s already; choose another",
				    u->mark, o->name);
		if (u->table && o->table == u->table && o->family == u->family)
			config_fail(p, u, "table", 0, "%u is the table of uplink %s already; choose another",
				    u->table, o->name);
	}
}

/* ---- devices and addresses ---- */

static void check_address(struct config_parse *p, const void *base, const char *key,
			  const struct ip_address *a, const struct config_uplink *u)
{
	char text[IP_TEXT_MAX];

	if (a->family && a->family != uplink_family(u))
		config_fail(p, base, key, 0, "%s is not %s, and uplink %s is; an uplink has one family",
			    ip_format(a, text), u->family == CONFIG_IPV6 ? "IPv6" : "IPv4", u->name);
}

static void check_device(struct config_parse *p, const struct config *c, const struct config_node *n,
			 const struct config_uplink *u)
{
	const char *device = device_on(n, u);

	if (!device[0]) {
		config_fail(p, u, "device", 0,
			    "missing, and node %s has no line %s that says it; add device here, or section "
			    "line %s to "
			    "the node",
			    n->name, u->name, u->name);
		return;
	}
	for (const struct config_uplink *o = c->uplinks; o < u; o++)
		if (o->family == u->family && !strcmp(device_on(n, o), device))
			config_fail(p, u, "device", 0,
				    "uplink %s of the same family is over %s of node %s already; each has "
				    "its own device",
				    o->name, device, n->name);
}

static void check_uplink(struct config_parse *p, const struct config *c, const struct config_voice *v,
			 const struct config_uplink *u)
{
	bool asked = false;

	check_numbers(p, c, v, u);
	check_address(p, u, "gateway", &u->gateway, u);
	check_address(p, u, "public-address", &u->public_address, u);
	for (uint32_t i = 0; i < c->nodes_count; i++)
		if (!c->nodes[i].witness)
			check_device(p, c, &c->nodes[i], u);
	for (uint32_t i = 0; i < c->probes_count; i++)
		asked |= c->probes[i].address.family == uplink_family(u);
	if (!asked)
		config_fail(p, u, "uplink", 0,
			    "nobody is asked over %s; add section probe with %s address, better two of "
			    "different operators",
			    u->name, u->family == CONFIG_IPV6 ? "an IPv6" : "an IPv4");
}

static void check_lines(struct config_parse *p, const struct config *c, const struct config_node *n)
{
	for (uint32_t i = 0; i < n->lines_count; i++) {
		const struct config_line *l = &n->lines[i];
		const struct config_uplink *u = NULL;

		for (uint32_t k = 0; k < c->uplinks_count; k++)
			if (!strcmp(c->uplinks[k].name, l->name))
				u = &c->uplinks[k];
		if (!u) {
			config_fail(p, l, "line", 0,
				    "%s is not an uplink of this file; add section uplink %s", l->name,
				    l->name);
			continue;
		}
		check_address(p, l, "gateway", &l->gateway, u);
		check_address(p, l, "public-address", &l->public_address, u);
	}
}

/* ---- probes ---- */

static void check_probe(struct config_parse *p, const struct config *c, const struct config_probe *q)
{
	uint32_t same = 0;
	bool used = false;

	if (q->kind == PROBE_KIND_TCP && !q->port)
		config_fail(p, q, "port", 0, "missing in probe %s; a tcp probe needs one", q->name);
	if (q->kind == PROBE_KIND_DNS && !q->host[0])
		config_fail(p, q, "host", 0, "missing in probe %s; write a name that the server knows",
			    q->name);
	if (q->kind == PROBE_KIND_HTTP && !q->host[0])
		config_fail(p, q, "host", 0, "missing in probe %s; write the name of the site", q->name);
	if (q->path[0] && q->path[0] != '/')
		config_fail(p, q, "path", 0, "\"%.60s\" does not begin with /; write the whole path",
			    q->path);
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		used |= uplink_family(&c->uplinks[i]) == q->address.family;
	if (q->address.family && c->uplinks_count && !used)
		config_fail(p, q, "address", 0,
			    "no uplink of this file is of its family; add one, or remove the probe");
	for (const struct config_probe *o = c->probes; o <= q; o++)
		same += o->address.family == q->address.family;
	if (same == CONFIG_PROBES_MAX + 1)
		config_fail(p, q, "probe", 0, "more than %d probes of one family; remove some",
			    CONFIG_PROBES_MAX);
}

/* Operators of a family's probes; one that was not named is the probe's own. */
static uint32_t operators_count(const struct config *c, uint8_t family)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->probes_count; i++) {
		const struct config_probe *q = &c->probes[i];
		bool known = q->address.family != family;

		for (uint32_t k = 0; k < i && q->operator[0]; k++)
			known |= c->probes[k].address.family == family &&
				 !strcmp(c->probes[k].operator, q->operator);
		n += !known;
	}
	return n;
}

/* ---- voice ---- */

static bool minutes_parse(const char **text, uint32_t *ret)
{
	unsigned h, m;
	int n = 0;

	if (sscanf(*text, "%2u:%2u%n", &h, &m, &n) != 2 || h > 23 || m > 59 || n != 5)
		return false;
	*text += n;
	*ret = h * 60 + m;
	return true;
}

static bool window_parse(const char *text, uint32_t *ret_from, uint32_t *ret_until)
{
	return minutes_parse(&text, ret_from) && *text++ == '-' && minutes_parse(&text, ret_until) &&
	       !*text && *ret_from != *ret_until;
}

static void check_window(struct config_parse *p, struct config_voice *v)
{
	if (v->failback_window[0] &&
	    !window_parse(v->failback_window, &v->failback_from_min, &v->failback_until_min))
		config_fail(p, v, "failback-window", 0,
			    "\"%.20s\" is not a time of day; write it as 02:00-05:00, with two digits each",
			    v->failback_window);
	if (v->failback == CONFIG_UPLINK_WINDOW && !v->failback_window[0])
		config_fail(p, v, "failback-window", 0,
			    "missing, and failback = window; write such as 02:00-05:00");
}

static void check_quorum(struct config_parse *p, const struct config *c, const struct config_voice *v)
{
	for (uint32_t i = 0; i < c->uplinks_count; i++) {
		uint32_t n = operators_count(c, uplink_family(&c->uplinks[i]));

		if (n && v->quorum > n) {
			config_fail(
				p, v, "quorum", 0,
				"%u, but uplink %s has probes of %u operators only; lower it, or add probes",
				v->quorum, c->uplinks[i].name, n);
			return;
		}
	}
}

static void check_voice(struct config_parse *p, const struct config *c, struct config_voice *v)
{
	char text[IP_PREFIX_TEXT_MAX];

	check_window(p, v);
	check_quorum(p, c, v);
	if (v->mos_degraded_milli >= v->mos_good_milli)
		config_fail(p, v, "mos-degraded", 0, "is not below mos-good; lower it");
	if (table_of_kernel(v->table))
		config_fail(p, v, "table", 0, "%u is a table of the kernel's own; choose another", v->table);
	if (v->slow_interval_ms < v->interval_ms)
		config_fail(p, v, "slow-interval", 0, "is below interval; raise it");
	if (v->hook[0] && v->hook[0] != '/')
		config_fail(p, v, "hook", 0, "\"%.60s\" is not an absolute path; start it with /", v->hook);
	for (uint32_t i = 0; i < v->to_count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (ip_prefix_equal(&v->to[i], &v->to[k]))
				config_fail(p, v, "to", i, "%s is named twice; remove one",
					    ip_prefix_format(&v->to[i], text));
}

/* Without the section its defaults hold. */
static void voice_default(struct config *c)
{
	char why[200];

	memset(&c->voice[0], 0, sizeof c->voice[0]);
	for (size_t i = 0; i < config_options_count; i++)
		if (!strcmp(config_options[i].section, "voice") && config_options[i].default_text)
			(void)config_option_set(&config_options[i], &c->voice[0],
						config_options[i].default_text, why, sizeof why);
	c->voice_count = 1;
}

static uint32_t trunk_peers(const struct config *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->groups_count; i++)
		for (uint32_t k = 0; k < c->groups[i].trunks_count; k++)
			n += c->groups[i].trunks[k].peers_count;
	return n;
}

static void check_to(struct config_parse *p, const struct config *c, const struct config_voice *v)
{
	uint32_t peers = trunk_peers(c);

	if (v->to_count || !c->uplinks_count)
		return;
	if (!peers)
		config_fail(p, &c->uplinks[0], "uplink", 0,
			    "nothing goes over it: no trunk has peers; add section voice with \"to\", such "
			    "as 0.0.0.0/0");
	else if (peers > CONFIG_VOICE_TO_MAX)
		config_fail(p, &c->uplinks[0], "uplink", 0,
			    "the trunks have %u peers, and at most %d routes are made; name the networks in "
			    "\"to\" of "
			    "section voice",
			    peers, CONFIG_VOICE_TO_MAX);
}

void config_check_uplinks(struct config_parse *p, struct config *c)
{
	if (c->uplinks_count && !c->voice_count)
		voice_default(c);
	if (!c->uplinks_count && c->voice_count)
		config_fail(p, &c->voice[0], "voice", 0,
			    "there is no uplink; add section uplink, or remove this one");
	if (!c->uplinks_count && c->probes_count)
		config_fail(p, &c->probes[0], "probe", 0,
			    "there is no uplink to ask over; add section uplink, or remove this "
			    "one");
	for (uint32_t i = 0; i < c->nodes_count; i++)
		check_lines(p, c, &c->nodes[i]);
	for (uint32_t i = 0; i < c->probes_count; i++)
		check_probe(p, c, &c->probes[i]);
	if (!c->uplinks_count)
		return;
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		check_uplink(p, c, &c->voice[0], &c->uplinks[i]);
	check_voice(p, c, &c->voice[0]);
	check_to(p, c, &c->voice[0]);
}

/* ---- what was not given ---- */

static bool table_taken(const struct config *c, uint32_t table)
{
	bool taken = table == c->voice[0].table || table_of_kernel(table);

	for (uint32_t i = 0; i < c->uplinks_count; i++)
		taken |= c->uplinks[i].table == table;
	return taken;
}

static bool mark_taken(const struct config *c, uint32_t mark)
{
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		if (c->uplinks[i].mark == mark)
			return true;
	return false;
}

static void complete_uplink(struct config *c, struct config_uplink *u)
{
	uint32_t lowest = c->voice[0].mark_mask & -c->voice[0].mark_mask;

	if (!u->isp[0])
		memcpy(u->isp, u->name, sizeof u->isp);
	for (uint32_t t = TABLE_FIRST; !u->table; t++)
		if (!table_taken(c, t))
			u->table = t;
	for (uint32_t m = lowest; !u->mark && m; m += lowest)
		if (!(m & ~c->voice[0].mark_mask) && !mark_taken(c, m))
			u->mark = m;
}

void config_complete_uplinks(struct config *c)
{
	static const uint16_t ports[PROBE_KINDS_COUNT] = { [PROBE_KIND_DNS] = 53,
							   [PROBE_KIND_HTTP] = 80,
							   [PROBE_KIND_STUN] = 3478,
							   [PROBE_KIND_SIP] = 5060,
							   [PROBE_KIND_SIP_TCP] = 5060 };

	for (uint32_t i = 0; i < c->uplinks_count; i++)
		complete_uplink(c, &c->uplinks[i]);
	for (uint32_t i = 0; i < c->probes_count; i++) {
		struct config_probe *q = &c->probes[i];

		if (!q->operator[0])
			memcpy(q->operator, q->name, sizeof q->operator);
		if (!q->port)
			q->port = ports[q->kind];
	}
}
