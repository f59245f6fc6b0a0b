/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The virtual routers of the groups that have VRRP. Mode announce: they say what the steps tell them, and who
 * else speaks becomes an alarm. Mode native: whether this node may take part comes from what it knows of
 * itself, and what the state machine decides becomes the gate's deadline and an event of the core.
 */
#include "agent.h"
#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- configuration ---- */

static enum vrrp_mac_mode router_mac(const struct config_vrrp *v)
{
	static const enum vrrp_mac_mode modes[] = {
		[CONFIG_VIRTUAL_MAC_NO] = VRRP_MAC_NONE,
		[CONFIG_VIRTUAL_MAC_BRIDGE] = VRRP_MAC_BRIDGE,
		[CONFIG_VIRTUAL_MAC_PRIVATE] = VRRP_MAC_PRIVATE,
	};

	return modes[v->virtual_mac];
}

/* Groups with the same sync-group get the number of the first of them, from 1 on. */
static uint8_t router_sync(const struct config *c, uint32_t group)
{
	const char *name = c->groups[group].vrrp[0].sync_group;

	for (uint32_t g = 0; name[0] && g <= group; g++)
		if (c->groups[g].vrrp_count && !strcmp(c->groups[g].vrrp[0].sync_group, name))
			return (uint8_t)(g + 1);
	return 0;
}

static void router_config(const struct config *c, node_id_t self, uint32_t group,
			  struct vrrp_group_config *ret)
{
	const struct config_group *cg = &c->groups[group];
	const struct config_vrrp *v = &cg->vrrp[0];

	*ret = (struct vrrp_group_config){
		.group = (group_index_t)group,
		.mode = v->mode == CONFIG_VRRP_NATIVE ? VRRP_NATIVE : VRRP_ANNOUNCE,
		.vrid = (uint8_t)v->vrid,
		.version = (uint8_t)v->version,
		.priority = config_vrrp_priority(cg, self),
		.checksum_rfc9568 = v->checksum == CONFIG_CHECKSUM_RFC9568,
		.advert_ns = v->advert_ms * NS_PER_MS,
		.preempt = v->preempt,
		.preempt_delay_ns = v->preempt_delay_ms * NS_PER_MS,
		.dscp = (uint8_t)v->dscp,
		.mac = router_mac(v),
		.clock_error_ppm = c->timing.clock_error_ppm,
		.sync = router_sync(c, group),
		.peers_count = v->unicast_peers_count,
		.sources_count = v->source_addresses_count,
		.addresses_count = cg->addresses_count,
		.addresses = cg->addresses,
	};
	memcpy(ret->device, cg->device, sizeof ret->device);
	memcpy(ret->peers, v->unicast_peers, sizeof ret->peers);
	memcpy(ret->sources, v->source_addresses, sizeof ret->sources);
}

/* Where this node is a candidate. */
static size_t routers_configs(const struct config *c, node_id_t self,
			      struct vrrp_group_config ret[RK_GROUPS_MAX])
{
	size_t n = 0;

	for (uint32_t g = 0; g < c->groups_count; g++)
		if (c->groups[g].vrrp_count && config_vrrp_priority(&c->groups[g], self))
			router_config(c, self, g, &ret[n++]);
	return n;
}

void routers_device(const struct config *c, node_id_t self, uint32_t group, int family, char ret[IF_NAMESIZE])
{
	struct vrrp_group_config vc;

	memset(ret, 0, IF_NAMESIZE);
	if (c->groups[group].vrrp_count && config_vrrp_priority(&c->groups[group], self)) {
		router_config(c, self, group, &vc);
		vrrp_address_device(&vc, family, ret);
	} else {
		memcpy(ret, c->groups[group].device, IF_NAMESIZE - 1);
	}
}

static bool group_has_family(const struct config_group *cg, int family)
{
	for (uint32_t i = 0; i < cg->addresses_count; i++)
		if (cg->addresses[i].family == family)
			return true;
	return false;
}

/* Two groups may share a VRID, one for each family: the MAC of a family that a group has not is not its own.
 */
size_t routers_macs(const struct config *c, struct gate_virtual_mac ret[GATE_VIRTUAL_MACS_MAX])
{
	static const int families[] = { AF_INET, AF_INET6 };
	size_t n = 0;

	for (uint32_t g = 0; g < c->groups_count; g++) {
		const struct config_group *cg = &c->groups[g];

		if (!cg->vrrp_count || cg->vrrp[0].virtual_mac == CONFIG_VIRTUAL_MAC_NO)
			continue;
		for (size_t f = 0; f < 2; f++) {
			if (!group_has_family(cg, families[f]))
				continue;
			ret[n].mac = vrrp_virtual_mac(families[f], (uint8_t)cg->vrrp[0].vrid);
			ret[n++].group = (group_index_t)g;
		}
	}
	return n;
}

/* ---- what the virtual routers report ---- */

static bool router_gate_open(const struct agent *a, group_index_t group)
{
	return a->gate && boot_before(a->now.boot, gate_get(a->gate, group));
}

static enum core_cause router_cause(const struct agent *a, group_index_t group, enum vrrp_cause cause)
{
	switch (cause) {
	case VRRP_CAUSE_DOWN_TIMER:
		return CAUSE_VRRP_SILENCE;
	case VRRP_CAUSE_RELEASE:
		return CAUSE_VRRP_RELEASE;
	case VRRP_CAUSE_PREEMPT:
	case VRRP_CAUSE_OWNER:
		return CAUSE_VRRP_PREEMPT;
	case VRRP_CAUSE_BETTER:
		return CAUSE_VRRP_BETTER;
	case VRRP_CAUSE_STANDSTILL:
		return CAUSE_STANDSTILL;
	case VRRP_CAUSE_YIELD:
		return CAUSE_OPERATOR;
	case VRRP_CAUSE_ADOPTED:
		return CAUSE_ADOPTED;
	case VRRP_CAUSE_UNSENT:
		return CAUSE_VRRP_UNSENT;
	case VRRP_CAUSE_SHUTDOWN:
		return a->group[group].router.fault ? a->group[group].router.fault : CAUSE_VRRP_FAULT;
	case VRRP_CAUSE_NONE:
	case VRRP_CAUSE_STARTUP:
	case VRRP_CAUSES_COUNT:
		break;
	}
	return CAUSE_VACANT;
}

static void router_gate(void *ctx, group_index_t group, boot_t until)
{
	struct agent *a = ctx;

	gate_set(a->gate, group, until);
}

/* Active is told when the gate is open: announcements before that would go nowhere. */
static void router_state(void *ctx, group_index_t group, enum vrrp_state state, enum vrrp_cause cause)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_NATIVE, .group = group };

	log_notice("%s: VRRP %s (%s)", agent_group_name(a, group), vrrp_state_name(state),
		   vrrp_cause_name(cause));
	ev.native.holds = state == VRRP_ACTIVE;
	ev.native.cause = router_cause(a, group, cause);
	agent_feed(a, &ev);
}

static void router_announce(void *ctx, group_index_t group)
{
	struct agent *a = ctx;

	/* The step of the takeover that has just begun announces by itself. */
	if (a->vip && a->core.group[group].takeover.step != STEP_ANNOUNCE && core_holds(&a->core, group))
		vip_announce_again(a->vip, group, a->now.boot);
}

static void router_rogue(void *ctx, const struct vrrp_rogue *rogue)
{
	struct agent *a = ctx;
	const char *group = agent_group_name(a, rogue->group);
	char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX], key[ALARM_KEY_MAX];

	ip_format(&rogue->from, ip);
	mac_format(&rogue->mac, mac);
	(void)snprintf(key, sizeof key, "rogue-vrrp/%s", mac);
	if (a->vip)
		vip_announce_again(a->vip, rogue->group, a->now.boot);
	log_warning("%s: VRRP of %s (%s), priority %u, on %s, and %u more -> advertised and announced again",
		    group, ip, mac, rogue->priority, rogue->device, rogue->suppressed);
	if (alarms_event(&a->alarms, key, a->now.boot,
			 "Another host, %s (%s), advertises the virtual router of %s on %s with priority %u; "
			 "the address stays here.",
			 ip, mac, group, rogue->device, rogue->priority))
		records_event(a, "rogue-vrrp", group,
			      "%s (%s) advertises our virtual router on %s, priority %u", ip, mac,
			      rogue->device, rogue->priority);
}

static void router_trouble(void *ctx, group_index_t group, const char *what, int error)
{
	struct agent *a = ctx;
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "vrrp/%.20s/%.18s", agent_group_name(a, group), what);
	if (error == 0) {
		if (alarms_clear(&a->alarms, key))
			log_notice("%s: VRRP: %s is good again", agent_group_name(a, group), what);
	} else if (alarms_raise(&a->alarms, key, a->now.boot, "VRRP of %s on %s: %s: %s.",
				agent_group_name(a, group), a->config->groups[group].device, what,
				strerror(error < 0 ? -error : error))) {
		log_warning("%s: VRRP: %s: %s -> tried again", agent_group_name(a, group), what,
			    strerror(error < 0 ? -error : error));
	}
}

static const struct vrrp_ops router_ops = {
	.gate = router_gate,
	.state = router_state,
	.announce = router_announce,
	.rogue = router_rogue,
	.trouble = router_trouble,
};

/* ---- mode native: may this node take part? ---- */

struct router_wish {
	enum core_cause fault; /* CAUSE_NONE: able */
	uint8_t penalty;
};

static void router_weigh(struct router_wish *w, uint32_t weight, enum core_cause cause)
{
	if (weight == CONFIG_WEIGHT_FAULT && w->fault == CAUSE_NONE)
		w->fault = cause;
	else if (weight != CONFIG_WEIGHT_FAULT)
		w->penalty = (uint8_t)(w->penalty + weight > 254 ? 254 : w->penalty + weight);
}

/* An agent that has just adopted an open gate knows nothing of its PBX yet: that is no trouble. */
static bool router_pbx_bad(const struct agent *a, group_index_t group)
{
	enum pbx_health pbx = a->core.facts.group[group].pbx;

	if (pbx == PBX_HEALTHY)
		return false;
	return pbx != PBX_UNKNOWN || !(core_holds(&a->core, group) || router_gate_open(a, group));
}

static struct router_wish router_judge(const struct agent *a, group_index_t group)
{
	const struct config_vrrp *v = &a->config->groups[group].vrrp[0];
	const struct group_facts *f = &a->core.facts.group[group];
	struct router_wish w = { .fault = CAUSE_NONE };

	if (a->stopping)
		w.fault = CAUSE_STOPPING;
	else if (a->core.intent.paused) /* nothing automatic: who is Active stays so, nobody becomes it */
		return (struct router_wish){ .fault = core_holds(&a->core, group) ? CAUSE_NONE
										  : CAUSE_VRRP_FAULT };
	else if (a->core.intent.node[a->self].standby)
		w.fault = CAUSE_OPERATOR;
	else if (a->vip && (a->gate_missing || a->group[group].address_missing || petter_missing(a)))
		w.fault = CAUSE_GATE_LOST;
	if (router_pbx_bad(a, group))
		router_weigh(&w, v->pbx_weight, f->pbx == PBX_SICK ? CAUSE_PBX_SICK : CAUSE_PBX_DEAD);
	for (uint32_t i = 0; i < v->track_interfaces_count; i++)
		if (!vrrp_link_up(a->vrrp, v->track_interfaces[i]))
			router_weigh(&w, v->interface_weight, CAUSE_LAN_DOWN);
	if (f->uplink == UPLINK_BAD)
		router_weigh(&w, v->uplink_weight, CAUSE_VRRP_FAULT);
	return w;
}

void routers_refresh(struct agent *a)
{
	for (uint32_t g = 0; a->vrrp && g < a->config->groups_count; g++) {
		group_index_t group = (group_index_t)g;
		struct agent_router *r = &a->group[g].router;
		struct router_wish w;

		if (!config_group_native(&a->config->groups[g]) ||
		    !config_vrrp_priority(&a->config->groups[g], a->self))
			continue;
		w = router_judge(a, group);
		r->fault = w.fault;
		vrrp_penalty(a->vrrp, group, w.penalty, a->now.boot);
		vrrp_run(a->vrrp, group, w.fault == CAUSE_NONE, gate_get(a->gate, group), a->now.boot);
	}
}

/* ---- life ---- */

static void routers_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)fd, (void)revents;
	vrrp_readable(a->vrrp, a->now.boot);
}

int routers_open(struct agent *a, struct sentence *reterr)
{
	_cleanup_(free_ptr) struct vrrp_group_config *groups = calloc(RK_GROUPS_MAX, sizeof *groups);
	struct vrrp_config config = { .groups = groups };
	int r;

	if (!groups)
		return sentence_fail(reterr, -ENOMEM, "Out of memory.");
	config.group_count = routers_configs(a->config, a->self, groups);
	r = vrrp_open(&config, &router_ops, a, a->now.boot, &a->vrrp, reterr);
	if (r == 0)
		r = loop_add(&a->loop, vrrp_fd(a->vrrp), POLLIN, LOOP_HIGH, routers_readable, a);
	if (r == 0)
		routers_refresh(a);
	return r;
}

void routers_close(struct agent *a)
{
	if (!a->vrrp)
		return;
	loop_remove(&a->loop, vrrp_fd(a->vrrp));
	if (!a->leaving && vrrp_remove(a->vrrp) < 0)
		log_warning("not all virtual MAC interfaces could be removed");
	vrrp_free(a->vrrp);
	a->vrrp = NULL;
}

int routers_update(struct agent *a, const struct config *c)
{
	_cleanup_(free_ptr) struct vrrp_group_config *groups = calloc(RK_GROUPS_MAX, sizeof *groups);
	struct vrrp_config config = { .groups = groups };

	if (!groups)
		return -ENOMEM;
	config.group_count = routers_configs(c, a->self, groups);
	return vrrp_update(a->vrrp, &config, a->now.boot);
}

boot_t routers_next(const struct agent *a)
{
	return a->vrrp ? vrrp_next(a->vrrp) : BOOT_NEVER;
}

void routers_tick(struct agent *a)
{
	if (a->vrrp)
		vrrp_tick(a->vrrp, a->now.boot);
}
