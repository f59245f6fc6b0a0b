/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "config_options.h"
#include "core.h"

#include <stdlib.h>
#include <string.h>

struct config *config_new(void)
{
	return calloc(1, sizeof(struct config));
}

void config_free(struct config *c)
{
	free(c);
}

const char *config_role_name(enum config_role r)
{
	static const char *const names[] = { [ROLE_NONE] = "none",
					     [ROLE_VIEWER] = "viewer",
					     [ROLE_OPERATOR] = "operator",
					     [ROLE_ADMIN] = "admin" };

	return names[r];
}

node_id_t config_self(const struct config *c, const char *public_key)
{
	for (uint32_t i = 0; i < c->nodes_count; i++)
		if (!strcmp(c->nodes[i].public_key, public_key))
			return (node_id_t)c->nodes[i].id;
	return NODE_NONE;
}

const struct config_node *config_node(const struct config *c, node_id_t id)
{
	for (uint32_t i = 0; i < c->nodes_count; i++)
		if (c->nodes[i].id == id)
			return &c->nodes[i];
	return NULL;
}

const struct config_node *config_node_named(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->nodes_count; i++)
		if (!strcmp(c->nodes[i].name, name))
			return &c->nodes[i];
	return NULL;
}

int config_group_index(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->groups_count; i++)
		if (!strcmp(c->groups[i].name, name))
			return (int)i;
	return -1;
}

int config_group_index_wire(const struct config *c, uint32_t wire_id)
{
	for (uint32_t i = 0; i < c->groups_count; i++)
		if (c->groups[i].wire_id == wire_id)
			return (int)i;
	return -1;
}

bool config_group_native(const struct config_group *g)
{
	return g->vrrp_count && g->vrrp[0].mode == CONFIG_VRRP_NATIVE;
}

bool config_watchdog_counts(const struct config *c)
{
	uint32_t members = 0;

	for (uint32_t i = 0; i < c->nodes_count; i++)
		members += !c->nodes[i].witness;
	return c->watchdog_count && c->watchdog[0].quorum && members >= 3;
}

bool config_needs_lease(const struct config *c)
{
	for (uint32_t i = 0; i < c->groups_count; i++)
		if (!config_group_native(&c->groups[i]))
			return true;
	return c->groups_count == 0; /* a cluster that is being set up */
}

uint8_t config_vrrp_priority(const struct config_group *g, node_id_t node)
{
	for (uint32_t i = 0; i < g->candidates_count; i++) {
		if (g->candidates[i] != node)
			continue;
		if (i < g->vrrp[0].priorities_count)
			return (uint8_t)g->vrrp[0].priorities[i];
		return (uint8_t)(200 - 10 * i);
	}
	return 0;
}

node_set_t config_voters(const struct config *c)
{
	node_set_t set = 0;

	for (uint32_t i = 0; i < c->nodes_count; i++)
		set |= node_bit((node_id_t)c->nodes[i].id);
	return set;
}

/* A B2BUA that loses the address loses its calls, or (sofia recover) the next one counts them. */
static int64_t group_unseen_ns(const struct config_group *g)
{
	static const char *const ending[] = { "asterisk", "freeswitch", "sip" };

	if (!g->pbx_count)
		return 0;
	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
		if (!strcmp(g->pbx[0].adapter, ending[i]))
			return 0;
	return g->pbx[0].unseen_calls_ms * NS_PER_MS;
}

static void group_core(const struct config_group *g, struct core_group_config *ret)
{
	ret->unseen_ns = group_unseen_ns(g);
	ret->native = config_group_native(g);
	ret->fence = (enum fence_policy)g->fence;
	ret->candidates_count = (uint8_t)g->candidates_count;
	memcpy(ret->candidates, g->candidates, sizeof ret->candidates);
	ret->policy = (struct placement_policy){
		.failback = (enum failback)g->failback,
		.failback_after_ns = g->failback_after_ms * NS_PER_MS,
		.damping = {
			.penalty = g->damping_penalty,
			.suppress = g->damping_suppress,
			.reuse = g->damping_reuse,
			.penalty_max = g->damping_max,
			.half_life_ns = g->damping_half_life_ms * NS_PER_MS,
		},
	};
}

bool config_proof_votes(const struct config *c)
{
	return c->two_node == CONFIG_TWO_NODE_FENCED && c->nodes_count == 2 && !c->nodes[0].witness &&
	       !c->nodes[1].witness;
}

bool config_alone_votes(const struct config *c)
{
	return c->two_node == CONFIG_TWO_NODE_BEST_EFFORT && c->nodes_count == 2 && !c->nodes[0].witness &&
	       !c->nodes[1].witness;
}

uint32_t config_cut_off_ms(const struct config *c)
{
	uint64_t open_us = (c->gateway_timeout_ms + c->timing.lease_ms) * 1000ULL + TIMING_RESOLUTION_US;

	return (uint32_t)((open_us * 1000000 / (1000000 - c->timing.clock_error_ppm) + 999) / 1000);
}

/* Longer than a holder is open that was cut off from everything right after its last sign of life: by the
 * slowest clock of it and the fastest one here. A sign of life may be a pulse old, or a question, when the
 * next is missed. */
uint32_t config_silence_ms(const struct config *c)
{
	uint64_t ms = config_cut_off_ms(c);

	ms = ms * (1000000 + c->timing.clock_error_ppm) / 1000000 + 1;
	return (uint32_t)ms + 2 * (c->timing.pulse_ms + c->gateway_interval_ms);
}

/* Before a group moves for the uplinks' sake. */
static struct uplink_move_policy uplinks_core(const struct config *c)
{
	struct uplink_move_policy p = uplink_move_policy_default;

	if (c->voice[0].settle_ms)
		p.settle_ns = c->voice[0].settle_ms * NS_PER_MS;
	if (c->voice[0].together_ms)
		p.together_ns = c->voice[0].together_ms * NS_PER_MS;
	return p;
}

static void alone_core(const struct config *c, struct core_config *ret)
{
	ret->alone_votes = config_alone_votes(c);
	if (!ret->alone_votes)
		return;
	ret->timing.keep_ns = 3 * c->timing.pulse_ms * NS_PER_MS;
	ret->timing.silence_ns = config_silence_ms(c) * NS_PER_MS;
}

void config_core(const struct config *c, node_id_t self, uint64_t process, struct core_config *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->self = self;
	ret->process = process;
	ret->nodes_count = (uint8_t)c->nodes_count;
	for (uint32_t i = 0; i < c->nodes_count; i++)
		ret->nodes[i] = (struct core_node_config){ (node_id_t)c->nodes[i].id, c->nodes[i].witness };
	ret->groups_count = (uint8_t)c->groups_count;
	for (uint32_t i = 0; i < c->groups_count; i++) {
		group_core(&c->groups[i], &ret->groups[i]);
		ret->groups[i].uplinks = uplinks_core(c);
	}
	ret->timing = config_timing_lease(&c->timing);
	ret->config_hash = c->hash;
	ret->operation_timeout_ns = c->operation_timeout_ms * NS_PER_MS;
	ret->facts_timeout_ns = c->facts_timeout_ms * NS_PER_MS;
	config_fence(c, &ret->fence);
	ret->proof_votes = config_proof_votes(c);
	alone_core(c, ret);
}

static bool role_has(const struct config_role_users *r, const char *uid, const char *user)
{
	for (uint32_t i = 0; i < r->users_count; i++)
		if (!strcmp(r->users[i], uid) || (user && !strcmp(r->users[i], user)))
			return true;
	return false;
}

enum config_role config_role_of(const struct config *c, uint32_t uid, const char *user)
{
	bool looks = user && ((c->alerts_count && !strcmp(user, CONFIG_ALERT_USER)) ||
			      (c->api_count && !strcmp(user, CONFIG_API_USER)));
	enum config_role best = uid == 0 ? ROLE_ADMIN : looks ? ROLE_VIEWER : ROLE_NONE;
	char number[16];

	(void)snprintf(number, sizeof number, "%u", uid);
	for (uint32_t i = 0; i < c->roles_count; i++)
		for (enum config_role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
			if (r > best && !strcmp(c->roles[i].name, config_role_name(r)) &&
			    role_has(&c->roles[i], number, user))
				best = r;
	return best;
}

bool config_replaces_in_time(const struct config *c)
{
	return config_needs_lease(c) && !config_proof_votes(c) && c->nodes_count >= 3;
}

const char *config_safety(const struct config *c)
{
	/* Where VRRP decides, a split network has two holders. */
	if (!config_needs_lease(c))
		return "best-effort";
	if (config_alone_votes(c))
		return "best-effort";
	return config_proof_votes(c) ? "fenced" : "leased";
}

const char *config_safety_note(const struct config *c)
{
	if (!config_needs_lease(c))
		return "VRRP decides (mode native): two holders are possible when the network between the "
		       "routers is split";
	if (config_proof_votes(c))
		return "never two holders, as long as no fence device says \"off\" of a node that has power";
	if (config_alone_votes(c))
		return "two holders are possible: while every link between the nodes is cut, the service "
		       "network too, and both still reach a gateway, both hold; they end it within one pulse "
		       "of hearing each other, one lease at most. A witness on any third machine makes it "
		       "never";
	if (c->nodes_count >= 3)
		return "never two holders";
	if (c->nodes_count == 2)
		return "never two holders, but with two voters nobody can take over when one dies: add a "
		       "witness";
	return "one voter: there is nobody to take over";
}

/* ---- what a reload may change ---- */

static bool option_equal(const struct config_option *o, const void *a, const void *b)
{
	bool list = config_option_is_list(o);
	const char *x = a, *y = b;
	uint32_t count = 1;

	if (list) {
		count = *(const uint32_t *)(x + o->count_offset);
		if (count != *(const uint32_t *)(y + o->count_offset))
			return false;
	}
	return !memcmp(x + o->offset, y + o->offset, count * o->size);
}

static const char *section_restart(const struct config_section *s, const char *a, const char *b)
{
	for (size_t i = 0; i < config_options_count; i++) {
		const struct config_option *o = &config_options[i];

		if (!strcmp(o->section, s->name) && !(o->flags & OPTION_RELOAD) && !option_equal(o, a, b))
			return o->key;
	}
	for (size_t i = 0; i < config_sections_count; i++) {
		const struct config_section *child = &config_sections[i];

		if (!child->parent || strcmp(child->parent, s->name) || child->reload)
			continue;
		uint32_t count = *(const uint32_t *)(a + child->count_offset);

		if (count != *(const uint32_t *)(b + child->count_offset))
			return child->name;
		for (uint32_t k = 0; k < count; k++) {
			size_t at = child->offset + k * child->size;

			if (child->titled && strcmp(a + at, b + at))
				return child->name;
			const char *key = section_restart(child, a + at, b + at);

			if (key)
				return key;
		}
	}
	return NULL;
}

const char *config_restart_needed(const struct config *old_config, const struct config *new_config)
{
	return section_restart(&config_sections[0], (const char *)old_config, (const char *)new_config);
}
