/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Uplinks, lines, probes, voice and published names: what was not written is filled in, and what cannot work
 * is told.
 */
#include "config_parse.h"

#include "config_uplinks.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define TABLE_FIRST 101

static const char *family_name(uint32_t family)
{
	return family == CONFIG_IPV6 ? "IPv6" : "IPv4";
}

/* ---- what was not written ---- */

static void voice_defaults(struct config *c)
{
	if (c->voice_count)
		return;
	config_section_defaults("voice", &c->voice[0]);
	c->voice_count = 1;
}

static bool table_used(const struct config *c, uint32_t table)
{
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		if (c->uplinks[i].table == table)
			return true;
	return c->voice[0].table == table || (table >= RT_TABLE_COMPAT && table <= RT_TABLE_LOCAL);
}

static bool mark_used(const struct config *c, uint32_t mark)
{
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		if (c->uplinks[i].mark == mark)
			return true;
	return false;
}

static void number(struct config *c, struct config_uplink *u)
{
	uint32_t table = TABLE_FIRST, step = c->voice[0].mark_mask & -c->voice[0].mark_mask, mark = step;

	while (table_used(c, table))
		table++;
	/* A mask too small for all leaves a mark outside, which is told. */
	while (mark_used(c, mark))
		mark += step;
	if (!u->table)
		u->table = table;
	if (!u->mark)
		u->mark = mark;
}

/* By name: the order in the file is no part of the configuration. */
static void number_all(struct config *c)
{
	bool done[CONFIG_UPLINKS_MAX] = { false };

	for (uint32_t i = 0; i < c->uplinks_count; i++) {
		uint32_t first = CONFIG_UPLINKS_MAX;

		for (uint32_t k = 0; k < c->uplinks_count; k++)
			if (!done[k] && (first == CONFIG_UPLINKS_MAX ||
					 strcmp(c->uplinks[k].name, c->uplinks[first].name) < 0))
				first = k;
		done[first] = true;
		number(c, &c->uplinks[first]);
	}
}

static void probe_defaults(struct config_probe *b)
{
	static const uint32_t ports[PROBE_KINDS_COUNT] = { [PROBE_KIND_DNS] = 53,
							   [PROBE_KIND_HTTP] = 80,
							   [PROBE_KIND_STUN] = 3478,
							   [PROBE_KIND_SIP] = 5060,
							   [PROBE_KIND_SIP_TCP] = 5060 };

	if (!b->operator[0])
		memcpy(b->operator, b->name, sizeof b->operator);
	if (!b->port)
		b->port = ports[b->kind];
	if (b->kind == PROBE_KIND_HTTP && !b->path[0])
		b->path[0] = '/';
}

/* Operators with a target of this family. */
static uint32_t operators(const struct config *c, uint32_t family)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->probes_count; i++) {
		bool seen = c->probes[i].address.family != config_family(family);

		for (uint32_t k = 0; k < i && !seen; k++)
			seen = c->probes[k].address.family == c->probes[i].address.family &&
			       !strcmp(c->probes[k].operator, c->probes[i].operator);
		n += !seen;
	}
	return n;
}

static bool has_family(const struct config *c, uint32_t family)
{
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		if (c->uplinks[i].family == family)
			return true;
	return false;
}

/* One of two that fails would be a dead uplink; two of three are a majority. */
static void quorum_default(struct config *c)
{
	if (c->voice[0].quorum)
		return;
	c->voice[0].quorum = 2;
	for (uint32_t f = CONFIG_IPV4; f <= CONFIG_IPV6; f++)
		if (has_family(c, f) && operators(c, f) < 3)
			c->voice[0].quorum = 1;
}

static void complete(struct config *c)
{
	voice_defaults(c);
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		if (!c->uplinks[i].isp[0])
			memcpy(c->uplinks[i].isp, c->uplinks[i].name, sizeof c->uplinks[i].isp);
	number_all(c);
	for (uint32_t i = 0; i < c->probes_count; i++)
		probe_defaults(&c->probes[i]);
	quorum_default(c);
}

/* ---- uplinks ---- */

static void check_numbers(struct config_parse *p, const struct config *c, const struct config_uplink *u)
{
	const struct config_voice *v = &c->voice[0];

	if (u->table == v->table)
		config_fail(p, u, "table", 0, "%u is the table of voice; choose another", u->table);
	else if (u->table >= RT_TABLE_COMPAT && u->table <= RT_TABLE_LOCAL)
		config_fail(p, u, "table", 0, "%u is one of the kernel's own (252 to 255); choose another",
			    u->table);
	if (u->mark & ~v->mark_mask)
		config_fail(p, u, "mark", 0,
			    "0x%x is not within 0x%x; choose another, or another mark-mask in section voice",
			    u->mark, v->mark_mask);
	for (const struct config_uplink *o = c->uplinks; o < u; o++) {
		if (o->table == u->table && o->family == u->family)
			config_fail(p, u, "table", 0, "%u is the table of uplink %s already; choose another",
				    u->table, o->name);
		if (o->mark == u->mark)
			config_fail(p, u, "mark", 0, "0x%x is the mark of uplink %s already; choose another",
				    u->mark, o->name);
	}
}

static void check_family(struct config_parse *p, const void *base, const char *key,
			 const struct ip_address *a, const struct config_uplink *u)
{
	char text[IP_TEXT_MAX];

	if (a->family && a->family != config_family(u->family))
		config_fail(p, base, key, 0, "%s is no %s address, and uplink %s is; %s", ip_format(a, text),
			    family_name(u->family), u->name,
			    u->family == CONFIG_IPV4 && base == u ? "write family = ipv6, or another address"
								  : "write an address of its family");
}

/* On one node, where the uplink has its device. */
static void check_device(struct config_parse *p, const struct config *c, const struct config_node *n,
			 uint32_t uplink)
{
	const struct config_uplink *u = &c->uplinks[uplink];
	const char *device = config_uplink_device(c, (node_id_t)n->id, uplink);

	if (!*device) {
		config_fail(p, u, "device", 0,
			    "uplink %s has none on node %s; add it here, or \"line %s { device = ... }\" "
			    "there",
			    u->name, n->name, u->name);
		return;
	}
	for (uint32_t k = 0; k < uplink; k++)
		if (c->uplinks[k].family == u->family &&
		    !strcmp(device, config_uplink_device(c, (node_id_t)n->id, k)))
			config_fail(p, u, "device", 0,
				    "%s is the device of uplink %s already (node %s); each %s uplink needs "
				    "its own",
				    device, c->uplinks[k].name, n->name, family_name(u->family));
}

static void check_uplink(struct config_parse *p, const struct config *c, uint32_t index)
{
	const struct config_uplink *u = &c->uplinks[index];

	check_numbers(p, c, u);
	check_family(p, u, "gateway", &u->gateway, u);
	check_family(p, u, "public-address", &u->public_address, u);
	for (uint32_t i = 0; i < c->nodes_count; i++)
		if (!c->nodes[i].witness && c->nodes[i].id)
			check_device(p, c, &c->nodes[i], index);
	if (!operators(c, u->family))
		config_fail(p, u, "uplink", 0,
			    "no probe has an %s address, so nobody knows if uplink %s works; add section "
			    "probe, better two of different operators",
			    family_name(u->family), u->name);
}

static void check_lines(struct config_parse *p, const struct config *c, const struct config_node *n)
{
	for (uint32_t i = 0; i < n->lines_count; i++) {
		const struct config_line *l = &n->lines[i];
		int uplink = config_uplink_index(c, l->name);

		if (uplink < 0) {
			config_fail(p, l, "line", 0,
				    "%s is not an uplink of this file; add section uplink %s, or rename the "
				    "line",
				    l->name, l->name);
			continue;
		}
		if (n->witness)
			config_fail(p, l, "line", 0, "node %s is a witness, which has no uplinks; remove it",
				    n->name);
		check_family(p, l, "gateway", &l->gateway, &c->uplinks[uplink]);
		check_family(p, l, "public-address", &l->public_address, &c->uplinks[uplink]);
	}
}

/* ---- probes ---- */

static const char *kind_text(const struct config_probe *b)
{
	return probe_kind_name((enum probe_kind)b->kind);
}

/* What another kind has and this one does not. */
static void check_kind(struct config_parse *p, const struct config_probe *b)
{
	bool http = b->kind == PROBE_KIND_HTTP;

	if (b->kind == PROBE_KIND_TCP && !b->port)
		config_fail(p, b, "port", 0, "missing in probe %s; tcp has no port of its own: add it",
			    b->name);
	if (b->kind == PROBE_KIND_ICMP && b->port)
		config_fail(p, b, "port", 0, "icmp has none; remove it, or choose another kind");
	if (b->kind == PROBE_KIND_DNS && !b->host[0])
		config_fail(p, b, "host", 0,
			    "missing in probe %s; dns asks for a name: add one that the server knows",
			    b->name);
	if (http && !b->host[0])
		config_fail(p, b, "host", 0, "missing in probe %s; http asks a site: add its name", b->name);
	if (b->host[0] && !http && b->kind != PROBE_KIND_DNS)
		config_fail(p, b, "host", 0, "%s asks for none; remove it, or choose kind = dns or http",
			    kind_text(b));
	if (b->path[0] && !http)
		config_fail(p, b, "path", 0, "%s has none; remove it, or choose kind = http", kind_text(b));
	if (b->status && !http)
		config_fail(p, b, "status", 0, "%s has none; remove it, or choose kind = http", kind_text(b));
	if (http && b->path[0] && b->path[0] != '/')
		config_fail(p, b, "path", 0, "\"%.60s\" does not begin with /; write it so", b->path);
	if (strpbrk(b->host, " \t") || strpbrk(b->path, " \t"))
		config_fail(p, b, strpbrk(b->host, " \t") ? "host" : "path", 0,
			    "there is a blank in it; remove that, or write it as %%20");
}

static void check_probe(struct config_parse *p, const struct config *c, const struct config_probe *b)
{
	uint32_t family = b->address.family == AF_INET6 ? CONFIG_IPV6 : CONFIG_IPV4, same = 0;
	char text[IP_TEXT_MAX];

	if (!b->address.family)
		return; /* told already */
	if (!has_family(c, family))
		config_fail(p, b, "address", 0,
			    "%s is %s, and no uplink is; add an uplink with family = %s, or remove the probe",
			    ip_format(&b->address, text), family_name(family),
			    family == CONFIG_IPV6 ? "ipv6" : "ipv4");
	check_kind(p, b);
	for (const struct config_probe *o = c->probes; o < b; o++) {
		same += o->address.family == b->address.family;
		if (o->kind == b->kind && o->port == b->port && ip_equal(&o->address, &b->address))
			config_fail(p, b, "address", 0, "probe %s asks the same already; remove one",
				    o->name);
	}
	if (same == CONFIG_PROBES_MAX)
		config_fail(p, b, "probe", 0, "more than %d probes with an %s address; leave some out",
			    CONFIG_PROBES_MAX, family_name(family));
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
			    "missing, and failback = window; add a time of day such as 02:00-05:00");
}

static void check_voice_policy(struct config_parse *p, const struct config *c, const struct config_voice *v)
{
	if (v->mos_good_milli && v->mos_degraded_milli >= v->mos_good_milli) /* 0: told already */
		config_fail(p, v, "mos-degraded", 0, "is not below mos-good; lower it");
	if (v->slow_interval_ms < v->interval_ms)
		config_fail(p, v, "slow-interval", 0, "%ums is shorter than interval %ums; raise it",
			    v->slow_interval_ms, v->interval_ms);
	if (v->hook[0] && v->hook[0] != '/')
		config_fail(p, v, "hook", 0, "\"%.60s\" is not an absolute path; start it with /", v->hook);
	for (uint32_t f = CONFIG_IPV4; f <= CONFIG_IPV6; f++)
		if (has_family(c, f) && operators(c, f) && v->quorum > operators(c, f))
			config_fail(p, v, "quorum", 0,
				    "%u, but the probes with an %s address have %u operator%s; lower it, or "
				    "add probes",
				    v->quorum, family_name(f), operators(c, f),
				    operators(c, f) == 1 ? "" : "s");
}

static bool prefix_known(const struct ip_prefix *seen, uint32_t count, const struct ip_prefix *x)
{
	for (uint32_t i = 0; i < count; i++)
		if (ip_prefix_equal(&seen[i], x))
			return true;
	return false;
}

/* The trunks' peers, each once; those beyond the maximum are counted only. */
static uint32_t peers_of_trunks(const struct config *c, struct ip_prefix seen[CONFIG_VOICE_TO_MAX])
{
	uint32_t n = 0;

	for (uint32_t g = 0; g < c->groups_count; g++)
		for (uint32_t t = 0; t < c->groups[g].trunks_count; t++)
			for (uint32_t i = 0; i < c->groups[g].trunks[t].peers_count; i++) {
				const struct ip_prefix *x = &c->groups[g].trunks[t].peers[i];
				uint32_t kept = n < CONFIG_VOICE_TO_MAX ? n : CONFIG_VOICE_TO_MAX;

				if (prefix_known(seen, kept, x))
					continue;
				if (n < CONFIG_VOICE_TO_MAX)
					seen[n] = *x;
				n++;
			}
	return n;
}

static void check_voice_to(struct config_parse *p, const struct config *c, const struct config_voice *v)
{
	struct ip_prefix seen[CONFIG_VOICE_TO_MAX];
	uint32_t peers = peers_of_trunks(c, seen);
	char text[IP_PREFIX_TEXT_MAX];

	for (uint32_t i = 0; i < v->to_count; i++)
		if (prefix_known(v->to, i, &v->to[i]))
			config_fail(p, v, "to", i, "%s is named twice; remove one",
				    ip_prefix_format(&v->to[i], text));
	if (!v->to_count && peers > CONFIG_VOICE_TO_MAX)
		config_fail(p, v, "to", 0,
			    "the trunks have %u peers, and at most %d prefixes work; write fewer, wider ones "
			    "into section voice, such as to = { 0.0.0.0/0 }",
			    peers, CONFIG_VOICE_TO_MAX);
	if (!v->to_count && !peers)
		config_fail(p, v, "to", 0,
			    "no trunk has peers, so nothing would take the uplinks; add trunk sections, or "
			    "section voice with to = { 0.0.0.0/0 }");
}

static void check_voice(struct config_parse *p, const struct config *c, struct config_voice *v)
{
	check_window(p, v);
	if (v->table >= RT_TABLE_COMPAT && v->table <= RT_TABLE_LOCAL)
		config_fail(p, v, "table", 0, "%u is one of the kernel's own (252 to 255); choose another",
			    v->table);
	check_voice_policy(p, c, v);
	check_voice_to(p, c, v);
}

/* ---- published names ---- */

/* Letters, digits, "-" and "_" between dots, as they reach nsupdate; at most 253 characters. */
static bool name_in_dns(const char *s)
{
	size_t label = 0;

	for (; *s; s++) {
		if (*s == '.') {
			if (!label)
				return false;
			label = 0;
			continue;
		}
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *s) ||
		    ++label > 63)
			return false;
	}
	return true;
}

static size_t name_length(const char *s)
{
	size_t len = strlen(s);

	return len && s[len - 1] == '.' ? len - 1 : len;
}

static bool name_within(const char *name, const char *zone)
{
	size_t n = name_length(name), z = name_length(zone);

	return n >= z && !strncasecmp(name + n - z, zone, z) && (n == z || name[n - z - 1] == '.');
}

static void check_publish(struct config_parse *p, const struct config *c, const struct config_group *g,
			  const struct config_publish *x)
{
	if (!c->uplinks_count)
		config_fail(p, x, "publish", 0,
			    "there is no uplink whose address could be published; add uplink sections, or "
			    "remove it");
	if (config_group_native(g))
		config_fail(p, x, "publish", 0,
			    "VRRP decides who holds group %s (mode = native), so two nodes could publish at "
			    "once; remove it",
			    g->name);
	if (!name_in_dns(x->host))
		config_fail(p, x, "host", 0,
			    "\"%.60s\" is not a name in DNS; write one such as pbx.example.com", x->host);
	if (x->zone[0] && !name_in_dns(x->zone))
		config_fail(p, x, "zone", 0, "\"%.60s\" is not a name in DNS; write one such as example.com",
			    x->zone);
	else if (x->zone[0] && !name_within(x->host, x->zone))
		config_fail(p, x, "zone", 0, "%.60s is not in %.60s; write the zone that it is in", x->host,
			    x->zone);
	if (x->ttl_ms % 1000)
		config_fail(p, x, "ttl", 0, "%ums is not a whole number of seconds; write one", x->ttl_ms);
	if (x->key_file[0] && x->key_file[0] != '/')
		config_fail(p, x, "key-file", 0, "\"%.60s\" is not an absolute path; start it with /",
			    x->key_file);
}

/* Two of them would overwrite each other for ever. */
static void check_publish_twice(struct config_parse *p, const struct config *c,
				const struct config_publish *x)
{
	for (uint32_t i = 0; i < c->groups_count; i++)
		for (uint32_t k = 0; k < c->groups[i].publishes_count; k++) {
			const struct config_publish *o = &c->groups[i].publishes[k];

			if (o == x)
				return; /* those after it are compared with it */
			if (name_length(o->host) == name_length(x->host) && name_within(o->host, x->host))
				config_fail(p, x, "host", 0,
					    "%.60s is published by %s of group %s already; remove one",
					    x->host, o->name, c->groups[i].name);
		}
}

static void check_publishes(struct config_parse *p, const struct config *c)
{
	for (uint32_t i = 0; i < c->groups_count; i++)
		for (uint32_t k = 0; k < c->groups[i].publishes_count; k++) {
			check_publish(p, c, &c->groups[i], &c->groups[i].publishes[k]);
			check_publish_twice(p, c, &c->groups[i].publishes[k]);
		}
}

/* ---- all of it ---- */

static void check_without(struct config_parse *p, const struct config *c)
{
	static const char *const advice = "there is no uplink; add uplink sections, or remove it";

	if (c->probes_count)
		config_fail(p, &c->probes[0], "probe", 0, "%s", advice);
	if (c->voice_count)
		config_fail(p, &c->voice[0], "voice", 0, "%s", advice);
}

void config_check_uplinks(struct config_parse *p, struct config *c)
{
	for (uint32_t i = 0; i < c->nodes_count; i++)
		check_lines(p, c, &c->nodes[i]);
	check_publishes(p, c);
	if (!c->uplinks_count) {
		check_without(p, c);
		return;
	}
	complete(c);
	for (uint32_t i = 0; i < c->uplinks_count; i++) {
		c->uplinks[i].line = config_place_line(p, &c->uplinks[i], NULL, 0);
		check_uplink(p, c, i);
	}
	for (uint32_t i = 0; i < c->probes_count; i++)
		check_probe(p, c, &c->probes[i]);
	check_voice(p, c, &c->voice[0]);
}
