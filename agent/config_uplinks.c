/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_uplinks.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MINUTES_PER_DAY (24u * 60)
#define DSCP_EF		46 /* RFC 3246: as speech, since ISPs queue by it */

static_assert(CONFIG_UPLINKS_MAX <= PATH_UPLINKS_MAX && CONFIG_UPLINKS_MAX <= UPLINKS_MAX, "uplinks");
static_assert(CONFIG_VOICE_TO_MAX <= PATH_VOICE_MAX, "prefixes of voice");
static_assert(CONFIG_PROBES_MAX <= UPLINK_TARGETS_MAX, "targets");
static_assert(CONFIG_HOST_MAX == PROBE_HOST_MAX && CONFIG_PROBE_PATH_MAX == PROBE_PATH_MAX, "texts");

uint8_t config_family(uint32_t family)
{
	return family == CONFIG_IPV6 ? AF_INET6 : AF_INET;
}

int config_uplink_index(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		if (!strcmp(c->uplinks[i].name, name))
			return (int)i;
	return -1;
}

/* NULL: nothing is different on this node. */
static const struct config_line *line_of(const struct config *c, node_id_t self, uint32_t uplink)
{
	const struct config_node *n = config_node(c, self);

	for (uint32_t i = 0; n && i < n->lines_count; i++)
		if (!strcmp(n->lines[i].name, c->uplinks[uplink].name))
			return &n->lines[i];
	return NULL;
}

const char *config_uplink_device(const struct config *c, node_id_t self, uint32_t uplink)
{
	const struct config_line *l = line_of(c, self, uplink);

	return l && l->device[0] ? l->device : c->uplinks[uplink].device;
}

/* ---- paths ---- */

static void path_of(const struct config *c, node_id_t self, uint32_t index, struct path_uplink *ret,
		    bool *ret_learn)
{
	const struct config_uplink *u = &c->uplinks[index];
	const struct config_line *l = line_of(c, self, index);

	memset(ret, 0, sizeof *ret);
	(void)snprintf(ret->device, sizeof ret->device, "%s", config_uplink_device(c, self, index));
	ret->family = config_family(u->family);
	ret->gateway = l && l->gateway.family ? l->gateway : u->gateway;
	ret->routed = ret->gateway.family != 0;
	ret->table = u->table;
	ret->mark = u->mark;
	*ret_learn = !ret->routed;
}

static void voice_add(struct path_config *p, const struct ip_prefix *to)
{
	for (uint8_t i = 0; i < p->voice_count; i++)
		if (ip_prefix_equal(&p->voice_to[i], to))
			return;
	assert(p->voice_count < PATH_VOICE_MAX); /* config_check_uplinks() */
	p->voice_to[p->voice_count++] = *to;
}

static void voice_to(const struct config *c, struct path_config *ret)
{
	const struct config_voice *v = &c->voice[0];

	for (uint32_t i = 0; i < v->to_count; i++)
		voice_add(ret, &v->to[i]);
	for (uint32_t i = 0; !v->to_count && i < c->groups_count; i++)
		for (uint32_t k = 0; k < c->groups[i].trunks_count; k++) {
			const struct config_trunk *t = &c->groups[i].trunks[k];

			for (uint32_t n = 0; n < t->peers_count; n++)
				voice_add(ret, &t->peers[n]);
		}
}

void config_uplinks_path(const struct config *c, node_id_t self, struct path_config *ret,
			 bool ret_learn[CONFIG_UPLINKS_MAX])
{
	const struct config_voice *v = &c->voice[0];

	*ret = (struct path_config){ .mark_mask = v->mark_mask,
				     .voice_table = v->table,
				     .voice_nexthop = v->nexthop,
				     .rule_priority = v->rule_priority,
				     .uplink_count = (uint8_t)c->uplinks_count };
	for (uint32_t i = 0; i < c->uplinks_count; i++)
		path_of(c, self, i, &ret->uplink[i], &ret_learn[i]);
	voice_to(c, ret);
}

struct ip_address config_uplink_public(const struct config *c, node_id_t self, uint32_t uplink)
{
	const struct config_line *l = line_of(c, self, uplink);

	return l && l->public_address.family ? l->public_address : c->uplinks[uplink].public_address;
}

/* ---- policies ---- */

void config_uplink_policy(const struct config_voice *v, struct uplink_policy *ret)
{
	*ret = uplink_policy_default;
	ret->probe.interval_ns = v->interval_ms * NS_PER_MS;
	ret->probe.slow_interval_ns = v->slow_interval_ms * NS_PER_MS;
	ret->probe.timeout_ns_min = v->timeout_ms * NS_PER_MS;
	ret->probe.fall = (uint8_t)v->fall;
	ret->probe.rise = (uint8_t)v->rise;
	if (ret->probe.burst_interval_ns > ret->probe.interval_ns)
		ret->probe.burst_interval_ns = ret->probe.interval_ns;
	ret->codec = (enum emodel_codec)v->codec;
	ret->borders.good_mos_milli = v->mos_good_milli;
	ret->borders.degraded_mos_milli = v->mos_degraded_milli;
	ret->quorum = (uint8_t)v->quorum;
}

void config_uplink_choice_policy(const struct config_voice *v, struct uplink_choice_policy *ret)
{
	static const enum uplink_failback failbacks[] = { [CONFIG_UPLINK_MANUAL] = UPLINK_FAILBACK_MANUAL,
							  [CONFIG_UPLINK_IDLE] = UPLINK_FAILBACK_IDLE,
							  [CONFIG_UPLINK_DELAY] = UPLINK_FAILBACK_DELAY,
							  [CONFIG_UPLINK_WINDOW] = UPLINK_FAILBACK_WINDOW };

	*ret = uplink_choice_policy_default;
	ret->failback = failbacks[v->failback];
	ret->failback_delay_ns = v->failback_after_ms * NS_PER_MS;
	ret->max_wait_ns = v->failback_wait_ms * NS_PER_MS;
	ret->confirm_ns = v->confirm_ms * NS_PER_MS;
	ret->hold_ns = v->hold_ms * NS_PER_MS;
	ret->drain = v->drain;
}

/* ---- targets ---- */

void config_uplink_targets(const struct config *c, uint32_t uplink, struct config_targets *ret)
{
	memset(ret, 0, sizeof *ret);
	for (uint32_t i = 0; i < c->probes_count && ret->count < UPLINK_TARGETS_MAX; i++) {
		const struct config_probe *q = &c->probes[i];
		uint8_t network = ret->count;

		if (q->address.family != config_family(c->uplinks[uplink].family))
			continue;
		for (uint8_t k = 0; k < ret->count; k++)
			if (!strcmp(c->probes[ret->probe[k]].operator, q->operator))
				network = ret->network[k];
		ret->probe[ret->count] = (uint8_t)i;
		ret->network[ret->count++] = network;
	}
}

void config_uplink_target(const struct config *c, const struct path_config *paths, uint32_t uplink,
			  uint8_t probe, struct probe_target *ret)
{
	const struct config_probe *q = &c->probes[probe];
	const struct path_uplink *u = &paths->uplink[uplink];

	*ret = (struct probe_target){ .kind = (enum probe_kind)q->kind,
				      .binding = { .mark = u->mark, .dscp = DSCP_EF },
				      .to = q->address,
				      .port = (uint16_t)q->port,
				      .table = u->table,
				      .gateway = u->gateway,
				      .http_status = (uint16_t)q->status,
				      .timeout_ns = 4 * NS_PER_S };
	memcpy(ret->binding.device, u->device, sizeof ret->binding.device);
	if (u->address_count)
		ret->binding.from = u->address[0];
	(void)snprintf(ret->host, sizeof ret->host, "%s", q->host);
	(void)snprintf(ret->path, sizeof ret->path, "%.*s", (int)sizeof ret->path - 1,
		       q->path[0] ? q->path : "/");
}

bool config_voice_in_window(const struct config_voice *v, uint32_t minute)
{
	uint32_t from = v->failback_from_min, until = v->failback_until_min;

	if (!v->failback_window[0])
		return true;
	return (minute + MINUTES_PER_DAY - from) % MINUTES_PER_DAY <
	       (until + MINUTES_PER_DAY - from) % MINUTES_PER_DAY;
}
