/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived_read.h"

#include "keepalived_left_out.h"
#include "keepalived_scan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TOLD_MAX 128

typedef struct keepalived_statement statement;

struct reader {
	const struct keepalived_scan *s;
	struct findings *findings;
	struct keepalived *k;
	const char *told[TOLD_MAX]; /* notes are told once */
	size_t told_count;
};

static const char *word(const struct reader *r, const statement *st, uint32_t index)
{
	return keepalived_word(r->s, st, index);
}

/* The statements right inside of a block. */
#define FOR_EACH_INSIDE(reader, outer, inner)                                  \
	for (const statement *inner = (outer) + 1;                             \
	     (outer)->block && inner < (reader)->s->statements + (outer)->end; \
	     inner = (reader)->s->statements + inner->end)

/* ---- findings ---- */

static bool told(struct reader *r, const char *text)
{
	for (size_t i = 0; i < r->told_count; i++)
		if (r->told[i] == text)
			return true;
	if (r->told_count < TOLD_MAX)
		r->told[r->told_count++] = text;
	return false;
}

static void note_once(struct reader *r, const statement *st, const char *text)
{
	if (!told(r, text))
		findings_add(r->findings, FINDING_NOTE, st->at, "%s", text);
}

static void leave_out(struct reader *r, enum keepalived_where where, const statement *st)
{
	const char *keyword = word(r, st, 0), *name = st->block ? word(r, st, 1) : "";
	const struct keepalived_left_out *row = keepalived_left_out(where, keyword);

	if (!row) {
		findings_add(r->findings, FINDING_LEFT, st->at,
			     "%.60s: not known to this import; see keepalived.conf(5)",
			     *keyword ? keyword : "a block without a name");
		return;
	}
	if (!row->text || (row->level == FINDING_NOTE && told(r, row->text)))
		return;
	findings_add(r->findings, row->level, st->at, "%.60s%s%.60s: %s", keyword, *name ? " " : "", name,
		     row->text);
}

static void excess(struct reader *r, const statement *st, uint32_t max)
{
	findings_add(r->findings, FINDING_ERROR, st->at, "%.60s: more than %u of them; this one is left out",
		     word(r, st, 0), max);
}

/* ---- values ---- */

static bool take_number(struct reader *r, const statement *st, uint32_t min, uint32_t max, uint32_t *ret)
{
	const char *text = word(r, st, 1);
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || v < min || v > max) {
		findings_add(r->findings, FINDING_ERROR, st->at,
			     "%.60s: \"%.60s\" is not a number from %u to %u", word(r, st, 0), text, min,
			     max);
		return false;
	}
	*ret = (uint32_t)v;
	return true;
}

/* Seconds with a fraction, as microseconds; min and max in seconds. */
static bool take_seconds(struct reader *r, const statement *st, double min, double max, uint64_t *ret_us)
{
	const char *text = word(r, st, 1);
	char *end;
	bool digits = text[strspn(text, "0123456789.")] == 0 && strpbrk(text, "0123456789");
	double v = digits ? strtod(text, &end) : 0;

	if (!digits || *end || v < min || v > max) {
		findings_add(r->findings, FINDING_ERROR, st->at,
			     "%.60s: \"%.60s\" is not a number of seconds from %g to %g", word(r, st, 0),
			     text, min, max);
		return false;
	}
	*ret_us = (uint64_t)(v * 1e6 + 0.5);
	return true;
}

/* A word alone says yes. */
static bool take_bool(struct reader *r, const statement *st)
{
	const char *text = word(r, st, 1);
	static const char *const no[] = { "off", "no", "false" };

	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		if (!strcmp(text, no[i]))
			return false;
	if (*text && strcmp(text, "on") && strcmp(text, "yes") && strcmp(text, "true"))
		findings_add(r->findings, FINDING_ERROR, st->at, "%.60s: \"%.60s\" is neither on nor off",
			     word(r, st, 0), text);
	return true;
}

static void take_text(struct reader *r, const statement *st, uint32_t index, char *ret, size_t size)
{
	const char *text = word(r, st, index);

	if (strlen(text) >= size)
		findings_add(r->findings, FINDING_ERROR, st->at, "%.60s: longer than %zu characters, cut",
			     text, size - 1);
	(void)snprintf(ret, size, "%.*s", (int)(size - 1), text);
}

/* "10.0.0.1/24": the address; what is behind the slash does not matter to us. */
static bool take_address(struct reader *r, const statement *st, uint32_t index, struct ip_address *ret)
{
	const char *text = word(r, st, index);
	size_t len = strcspn(text, "/");
	char copy[IP_TEXT_MAX + 1];

	(void)snprintf(copy, sizeof copy, "%.*s", (int)(len < sizeof copy ? len : 0), text);
	if (ip_parse(copy, ret) == 0)
		return true;
	findings_add(r->findings, FINDING_ERROR, st->at, "\"%.60s\" is not an IPv4 or IPv6 address", text);
	return false;
}

/* ---- addresses ---- */

static void take_device(struct reader *r, const statement *st, uint32_t index, char ret[IF_NAMESIZE])
{
	const char *name = word(r, st, index);

	if (!*name || strlen(name) >= IF_NAMESIZE)
		findings_add(r->findings, FINDING_ERROR, st->at,
			     "%.60s: \"%.60s\" is no name of a network interface", word(r, st, 0), name);
	else
		(void)snprintf(ret, IF_NAMESIZE, "%s", name);
}

/* One word behind the address, and its value if it has one; returns how many were taken. */
static uint32_t take_address_option(struct reader *r, const statement *st, uint32_t at,
				    struct keepalived_address *ret)
{
	static const char *const with_value[] = { "brd", "broadcast", "scope", "preferred_lft",
						  "track_group" };
	static const char *const alone[] = { "home",	      "-nodad",	  "nodad",   "mngtmpaddr",
					     "noprefixroute", "autojoin", "no_track" };
	const char *option = word(r, st, at);

	if (!strcmp(option, "dev")) {
		take_device(r, st, at + 1, ret->device);
		return 2;
	}
	if (!strcmp(option, "label")) {
		note_once(r, st,
			  "label: addresses get no label; `hactl gate` and `ip address` show them by "
			  "themselves");
		return 2;
	}
	for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++)
		if (!strcmp(option, with_value[i]))
			return 2;
	for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
		if (!strcmp(option, alone[i]))
			return 1;
	if (!strcmp(option, "peer") || !strcmp(option, "use_vmac"))
		findings_add(r->findings, FINDING_LEFT, st->at, "%.20s of an address: %s", option,
			     *option == 'p' ? "no point-to-point addresses"
					    : "say use_vmac of the whole instance");
	else
		findings_add(r->findings, FINDING_ERROR, st->at,
			     "\"%.60s\" is no option of an address, and keepalived ignores it too; one "
			     "address is one line",
			     option);
	return *option == 'p' ? 2 : 1;
}

/* The place for one more address; NULL: there are too many. */
static struct keepalived_address *address_next(struct keepalived_instance *in)
{
	uint32_t size = in->addresses_size ? 2 * in->addresses_size : 16;
	struct keepalived_address *more;

	if (in->addresses_count < in->addresses_size)
		return &in->addresses[in->addresses_count];
	more = size > KEEPALIVED_ADDRESSES_MAX ? NULL : reallocarray(in->addresses, size, sizeof *more);
	if (!more)
		return NULL;
	in->addresses = more;
	in->addresses_size = size;
	return &in->addresses[in->addresses_count];
}

static void take_address_line(struct reader *r, struct keepalived_instance *in, const statement *st,
			      bool excluded)
{
	struct keepalived_address *a = address_next(in);
	const char *slash = strchr(word(r, st, 0), '/');

	if (!a) {
		excess(r, st, KEEPALIVED_ADDRESSES_MAX);
		return;
	}
	*a = (struct keepalived_address){ .at = st->at, .excluded = excluded };
	if (!take_address(r, st, 0, &a->ip))
		return;
	for (uint32_t i = 1; i < st->words_count;)
		i += take_address_option(r, st, i, a);
	if (slash && strcmp(slash, a->ip.family == AF_INET ? "/32" : "/128"))
		note_once(r, st,
			  "prefix lengths are dropped: virtual addresses are /32 and /128, so the device "
			  "needs an address or a "
			  "route of its own in their network");
	in->addresses_count++;
}

static void take_virtual_addresses(struct reader *r, struct keepalived_instance *in, const statement *block)
{
	bool excluded = !strcmp(word(r, block, 0), "virtual_ipaddress_excluded");

	FOR_EACH_INSIDE(r, block, st)
	{
		take_address_line(r, in, st, excluded);
	}
}

/* ---- tracks ---- */

static void take_weight(struct reader *r, const statement *st, uint32_t at, int *ret_weight,
			bool *ret_reverse)
{
	const char *text = word(r, st, at);
	char *end;
	long v = strtol(text, &end, 10);

	if (!*text || *end || v < -254 || v > 254)
		findings_add(r->findings, FINDING_ERROR, st->at,
			     "weight \"%.60s\" is not a number from -254 to 254", text);
	else
		*ret_weight = (int)v;
	*ret_reverse = !strcmp(word(r, st, at + 1), "reverse");
}

static void take_tracks(struct reader *r, const statement *block, struct keepalived_track *list,
			uint32_t *count)
{
	FOR_EACH_INSIDE(r, block, st)
	{
		struct keepalived_track *t = &list[*count];

		if (*count == KEEPALIVED_TRACKED_MAX) {
			excess(r, block, KEEPALIVED_TRACKED_MAX);
			return;
		}
		*t = (struct keepalived_track){ .at = st->at, .weighted = !strcmp(word(r, st, 1), "weight") };
		take_text(r, st, 0, t->name, sizeof t->name);
		if (t->weighted)
			take_weight(r, st, 2, &t->weight, &t->reverse);
		++*count;
	}
}

/* track_interface, track_script, track_process; false: another keyword. */
static bool take_track_block(struct reader *r, struct keepalived_tracks *tracks, const statement *st)
{
	const char *keyword = word(r, st, 0);

	if (!strcmp(keyword, "track_interface"))
		take_tracks(r, st, tracks->interfaces, &tracks->interfaces_count);
	else if (!strcmp(keyword, "track_script") || !strcmp(keyword, "track_process"))
		take_tracks(r, st, tracks->scripts, &tracks->scripts_count);
	else
		return false;
	return true;
}

/* ---- the keywords of vrrp_instance ---- */

#define TAKE(name) \
	static void take_##name(struct reader *r, struct keepalived_instance *in, const statement *st)

TAKE(state)
{
	in->state_master = !strcmp(word(r, st, 1), "MASTER");
	if (!in->state_master && strcmp(word(r, st, 1), "BACKUP"))
		findings_add(r->findings, FINDING_ERROR, st->at,
			     "state: \"%.60s\" is neither MASTER nor BACKUP", word(r, st, 1));
}

TAKE(interface)
{
	take_device(r, st, 1, in->interface);
}

TAKE(vrid)
{
	in->vrid_at = st->at;
	if (!take_number(r, st, 1, 255, &in->vrid))
		in->vrid = 0;
}

TAKE(priority)
{
	if (!take_number(r, st, 1, 255, &in->priority))
		in->priority = 100; /* as keepalived does */
}

TAKE(advert)
{
	uint64_t us;

	in->advert_at = st->at;
	if (take_seconds(r, st, 0.01, 255, &us))
		in->advert_us = (uint32_t)us;
}

TAKE(version)
{
	in->version_at = st->at;
	(void)take_number(r, st, 2, 3, &in->version);
}

TAKE(preempt)
{
	in->preempt = strcmp(word(r, st, 0), "nopreempt") != 0;
	in->preempt_at = st->at;
}

TAKE(preempt_delay)
{
	in->preempt_delay_at = st->at;
	(void)take_seconds(r, st, 0, 1000, &in->preempt_delay_us);
}

TAKE(checksum)
{
	in->checksum_as_v2 = take_bool(r, st);
	in->checksum_given = true;
}

TAKE(vmac)
{
	in->vmac = true;
	in->vmac_at = st->at;
	for (uint32_t i = 1; i < st->words_count; i++) {
		if (strchr(word(r, st, i), ':'))
			findings_add(r->findings, FINDING_LEFT, st->at,
				     "use_vmac %.40s: the virtual MAC is always that of the RFC, "
				     "00:00:5e:00:01:VRID",
				     word(r, st, i));
		else
			note_once(
				r, st,
				"use_vmac: virtual MAC devices are named v4.VRID.DEVICE and v6.VRID.DEVICE");
	}
}

TAKE(vmac_base)
{
	in->vmac_base = true;
	findings_add(r->findings, FINDING_LEFT, st->at,
		     "vmac_xmit_base: with a virtual MAC advertisements are sent from it, so that switches "
		     "learn where it is");
}

TAKE(authentication)
{
	in->has_authentication = true;
	in->authentication_at = st->at;
}

TAKE(strict)
{
	in->has_strict = true;
	in->strict = take_bool(r, st);
	in->strict_at = st->at;
}

TAKE(source)
{
	in->unicast |= !strcmp(word(r, st, 0), "unicast_src_ip");
	in->has_source |= take_address(r, st, 1, &in->source);
}

TAKE(peers)
{
	in->unicast = true;
	FOR_EACH_INSIDE(r, st, line)
	{
		if (in->peers_count == KEEPALIVED_PEERS_MAX) {
			excess(r, st, KEEPALIVED_PEERS_MAX);
			return;
		}
		in->peers_count += take_address(r, line, 0, &in->peers[in->peers_count]);
		if (line->words_count > 1)
			findings_add(r->findings, FINDING_LEFT, line->at,
				     "%.20s of a unicast peer: advertisements are taken with TTL 255 only",
				     word(r, line, 1));
	}
}

static const struct {
	const char *keyword;
	void (*take)(struct reader *r, struct keepalived_instance *in, const statement *st);
} instance_words[] = {
	{ "state", take_state },
	{ "interface", take_interface },
	{ "virtual_router_id", take_vrid },
	{ "priority", take_priority },
	{ "advert_int", take_advert },
	{ "version", take_version },
	{ "preempt", take_preempt },
	{ "nopreempt", take_preempt },
	{ "preempt_delay", take_preempt_delay },
	{ "v3_checksum_as_v2", take_checksum },
	{ "use_vmac", take_vmac },
	{ "vmac_xmit_base", take_vmac_base },
	{ "authentication", take_authentication },
	{ "strict_mode", take_strict },
	{ "mcast_src_ip", take_source },
	{ "unicast_src_ip", take_source },
	{ "unicast_peer", take_peers },
	{ "virtual_ipaddress", take_virtual_addresses },
	{ "virtual_ipaddress_excluded", take_virtual_addresses },
};

static void take_instance_word(struct reader *r, struct keepalived_instance *in, const statement *st)
{
	for (size_t i = 0; i < sizeof instance_words / sizeof instance_words[0]; i++) {
		if (!strcmp(word(r, st, 0), instance_words[i].keyword)) {
			instance_words[i].take(r, in, st);
			return;
		}
	}
	if (!take_track_block(r, &in->tracks, st))
		leave_out(r, IN_INSTANCE, st);
}

/* ---- the other blocks ---- */

static void take_instance(struct reader *r, const statement *block)
{
	struct keepalived_instance *in = &r->k->instances[r->k->instances_count];

	if (r->k->instances_count == KEEPALIVED_INSTANCES_MAX) {
		excess(r, block, KEEPALIVED_INSTANCES_MAX);
		return;
	}
	r->k->instances_count++;
	in->at = block->at;
	in->preempt = true;
	in->advert_us = 1000000;
	take_text(r, block, 1, in->name, sizeof in->name);
	FOR_EACH_INSIDE(r, block, st)
	{
		take_instance_word(r, in, st);
	}
}

static void take_members(struct reader *r, struct keepalived_sync *sync, const statement *block)
{
	FOR_EACH_INSIDE(r, block, st)
	{
		for (uint32_t i = 0; i < st->words_count; i++) {
			if (sync->members_count == KEEPALIVED_MEMBERS_MAX) {
				excess(r, block, KEEPALIVED_MEMBERS_MAX);
				return;
			}
			take_text(r, st, i, sync->members[sync->members_count++], KEEPALIVED_NAME_MAX);
		}
	}
}

static void take_sync(struct reader *r, const statement *block)
{
	struct keepalived_sync *sync = &r->k->syncs[r->k->syncs_count];

	if (r->k->syncs_count == KEEPALIVED_SYNCS_MAX) {
		excess(r, block, KEEPALIVED_SYNCS_MAX);
		return;
	}
	r->k->syncs_count++;
	sync->at = block->at;
	take_text(r, block, 1, sync->name, sizeof sync->name);
	FOR_EACH_INSIDE(r, block, st)
	{
		if (!strcmp(word(r, st, 0), "group"))
			take_members(r, sync, st);
		else if (!strcmp(word(r, st, 0), "sync_group_tracking_weight"))
			sync->members_weigh = true;
		else if (!take_track_block(r, &sync->tracks, st))
			leave_out(r, IN_SYNC, st);
	}
}

static void take_command(const struct reader *r, const statement *st, char ret[KEEPALIVED_COMMAND_MAX])
{
	size_t used = 0;

	for (uint32_t i = 1; i < st->words_count && used < KEEPALIVED_COMMAND_MAX; i++)
		used += (size_t)snprintf(ret + used, KEEPALIVED_COMMAND_MAX - used, "%s%s", i > 1 ? " " : "",
					 word(r, st, i));
}

/* How often and how long it runs does not matter: it is not run any more. */
static void take_script(struct reader *r, const statement *block)
{
	struct keepalived_script *script = &r->k->scripts[r->k->scripts_count];

	if (r->k->scripts_count == KEEPALIVED_SCRIPTS_MAX) {
		excess(r, block, KEEPALIVED_SCRIPTS_MAX);
		return;
	}
	r->k->scripts_count++;
	script->at = block->at;
	script->process = strcmp(word(r, block, 0), "vrrp_script") != 0;
	script->weight = script->process; /* the default of each */
	take_text(r, block, 1, script->name, sizeof script->name);
	FOR_EACH_INSIDE(r, block, st)
	{
		if (!strcmp(word(r, st, 0), "script") || !strcmp(word(r, st, 0), "process"))
			take_command(r, st, script->command);
		else if (!strcmp(word(r, st, 0), "weight"))
			take_weight(r, st, 1, &script->weight, &script->reverse);
	}
}

static void take_global_word(struct reader *r, const statement *st)
{
	const char *keyword = word(r, st, 0);

	if (!strcmp(keyword, "router_id")) {
		take_text(r, st, 1, r->k->router_id, sizeof r->k->router_id);
	} else if (!strcmp(keyword, "vrrp_version")) {
		(void)take_number(r, st, 2, 3, &r->k->version);
	} else if (!strcmp(keyword, "vrrp_strict")) {
		r->k->strict = take_bool(r, st);
		r->k->strict_at = st->at;
	} else if (!strcmp(keyword, "v3_checksum_as_v2")) {
		r->k->checksum_as_v2 = take_bool(r, st);
	} else {
		leave_out(r, IN_GLOBAL, st);
	}
}

static void take_global(struct reader *r, const statement *block)
{
	FOR_EACH_INSIDE(r, block, st)
	{
		take_global_word(r, st);
	}
}

static const struct {
	const char *keyword;
	void (*take)(struct reader *r, const statement *block);
	bool named;
} top_words[] = {
	{ "global_defs", take_global, false },	     { "vrrp_instance", take_instance, true },
	{ "vrrp_sync_group", take_sync, true },	     { "vrrp_script", take_script, true },
	{ "vrrp_track_process", take_script, true },
};

static void take_top(struct reader *r, const statement *st)
{
	for (size_t i = 0; i < sizeof top_words / sizeof top_words[0]; i++) {
		if (strcmp(word(r, st, 0), top_words[i].keyword))
			continue;
		if (!st->block || (top_words[i].named && !*word(r, st, 1)))
			findings_add(r->findings, FINDING_ERROR, st->at, "%s: %s; it is left out",
				     top_words[i].keyword, st->block ? "it has no name" : "no block follows");
		else
			top_words[i].take(r, st);
		return;
	}
	leave_out(r, IN_TOP, st);
}

void keepalived_read(const struct keepalived_scan *s, struct keepalived *ret)
{
	struct reader r = { .s = s, .findings = s->findings, .k = ret };

	for (uint32_t i = 0; i < s->statements_count; i = s->statements[i].end)
		take_top(&r, &s->statements[i]);
}

struct keepalived_script *keepalived_script_named(struct keepalived *k, const char *name)
{
	for (uint32_t i = 0; i < k->scripts_count; i++)
		if (!strcmp(k->scripts[i].name, name))
			return &k->scripts[i];
	return NULL;
}

struct keepalived *keepalived_new(void)
{
	return calloc(1, sizeof(struct keepalived));
}

void keepalived_free(struct keepalived *k)
{
	for (uint32_t i = 0; k && i < k->instances_count; i++)
		free(k->instances[i].addresses);
	free(k);
}
