/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * SIGHUP: the configuration is parsed into a fresh struct and applied as a difference, or not at all. Nothing
 * is stopped and nothing moves because of it.
 */
#include "agent.h"
#include "log.h"
#include "uplinks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void reload_refuse(struct agent *a, const char *text)
{
	log_error("reload: %s -> the configuration in force stays", text);
	(void)alarms_raise(&a->alarms, "reload", a->now.boot, "The configuration on disk was not applied: %s",
			   text);
}

/* Who may hold a group is fixed for the life of a lease: only their order may change without a restart. */
static bool reload_same_candidates(const struct config *old_config, const struct config *new_config)
{
	for (uint32_t g = 0; g < old_config->groups_count; g++) {
		node_set_t was = 0, is = 0;

		for (uint32_t i = 0; i < old_config->groups[g].candidates_count; i++)
			was |= node_bit(old_config->groups[g].candidates[i]);
		for (uint32_t i = 0; i < new_config->groups[g].candidates_count; i++)
			is |= node_bit(new_config->groups[g].candidates[i]);
		if (was != is)
			return false;
	}
	return true;
}

/* New addresses behind the gate before they are on a device, old ones off the device before the gate forgets
 * them. */
static int reload_network(struct agent *a, const struct config *c, struct sentence *reterr)
{
	struct virtual_address *addresses = calloc(VIRTUAL_ADDRESSES_MAX, sizeof *addresses);
	struct gate_virtual_mac macs[GATE_VIRTUAL_MACS_MAX];
	struct gate_peer peers[GATE_PEERS_TOTAL_MAX];
	struct ip_prefix guard_peers[GATE_PEERS_TOTAL_MAX];
	struct gate_config gate = {
		.group_count = c->groups_count, .addresses = addresses, .macs = macs, .peers = peers
	};
	struct guard_config guard = { .addresses = addresses, .peers = guard_peers };
	struct vip_config vip = { .addresses = addresses };
	int r;

	if (!addresses)
		return sentence_fail(reterr, -ENOMEM, "Out of memory.");
	gate.address_count = guard.address_count = vip.address_count =
		network_addresses(c, a->self, addresses, VIRTUAL_ADDRESSES_MAX);
	for (uint32_t g = 0; g < c->groups_count; g++)
		gate.wire_id[g] = c->groups[g].wire_id;
	gate.mac_count = routers_macs(c, macs);
	gate.peer_count = guard.peer_count = network_peers(c, peers, guard_peers);
	r = gate_update(a->gate, &gate, reterr);
	if (r == 0) {
		(void)guard_update(a->guard, &guard); /* a failing child is tried again and reported */
		a->refusal.known = false;
		r = vip_update(a->vip, &vip, a->now.boot);
		if (r == 0)
			r = routers_update(a, c);
		if (r < 0)
			(void)sentence_fail(reterr, r, "Addresses cannot be changed: %s.", strerror(-r));
	}
	if (r == 0)
		(void)gate_prune(a->gate); /* what stays is shut */
	free(addresses);
	return r;
}

/* Takes c. */
static bool reload_take(struct agent *a, struct config *c, struct sentence *reterr)
{
	struct core_config *core = calloc(1, sizeof *core);

	if (!core) {
		(void)sentence_fail(reterr, 0, "out of memory");
		config_free(c);
		return false;
	}
	config_core(c, a->self, a->core.config.process, core);
	memcpy(a->core.config.groups, core->groups, sizeof core->groups);
	a->core.config.config_hash = core->config_hash;
	journal_flush(&a->journal);
	a->journal.broken =
		true; /* the core was changed from outside: the next file starts with it as it is */
	free(core);
	config_free(a->config);
	a->config = c;
	for (uint32_t i = 0; i < c->nodes_count; i++)
		a->node_names[c->nodes[i].id] = c->nodes[i].name;
	for (uint32_t i = 0; i < c->groups_count; i++)
		a->group_names[i] = c->groups[i].name;
	alone_open(a);
	trunks_update(a);
	uplinks_update(a->uplinks, c);
	log_level((int)c->log_level);
	(void)alarms_clear(&a->alarms, "reload");
	log_notice("configuration read again, hash %016llx", (unsigned long long)c->hash);
	records_event(a, "reloaded", NULL, "configuration read again");
	return true;
}

/* What of it cannot be had by reading it again? */
static bool reload_possible(const struct agent *a, const struct config *c, struct sentence *reterr)
{
	const char *key = config_restart_needed(a->config, c);

	if (key)
		(void)sentence_fail(
			reterr, 0,
			"%s cannot be changed without a restart (systemctl restart ringkeepd moves nothing)",
			key);
	else if (!reload_same_candidates(a->config, c))
		(void)sentence_fail(
			reterr, 0,
			"the candidates of a group cannot be changed without a restart (which moves "
			"nothing)");
	else
		return true;
	return false;
}

bool agent_reload_check(const struct agent *a, const char *text, size_t len, bool after_restart,
			struct sentence *reterr)
{
	struct config_errors *errors = calloc(1, sizeof *errors);
	struct config *c = config_new();
	char public_key[NODE_PUBLIC_TEXT_MAX];
	bool good = false;

	node_public_format(&a->key.public_key, public_key);
	if (!errors || !c)
		(void)sentence_fail(reterr, 0, "out of memory");
	else if (config_parse_text(a->paths.config, text, len, c, errors) < 0)
		(void)sentence_fail(reterr, 0, "%s", errors->error[0].text);
	else if (strcmp(c->cluster, a->config->cluster) != 0 || config_self(c, public_key) != a->self)
		(void)sentence_fail(reterr, 0,
				    "it is the configuration of another cluster, or lacks this node");
	else
		good = after_restart || reload_possible(a, c, reterr);
	config_free(c);
	free(errors);
	return good;
}

bool agent_reload(struct agent *a, struct sentence *reterr)
{
	struct config_errors *errors = calloc(1, sizeof *errors);
	struct config *c = config_new();
	bool good = false;

	if (!errors || !c) {
		(void)sentence_fail(reterr, 0, "out of memory");
	} else if (config_parse_file(a->paths.config, c, errors) < 0) {
		for (uint32_t i = 0; i < errors->count && i < CONFIG_ERRORS_MAX; i++)
			log_error("%s", errors->error[i].text);
		(void)sentence_fail(reterr, 0, "%s", errors->error[0].text);
	} else if (reload_possible(a, c, reterr) && (!a->vip || reload_network(a, c, reterr) == 0)) {
		good = reload_take(a, c, reterr);
		c = NULL;
	}
	if (!good)
		reload_refuse(a, reterr->text);
	config_free(c);
	free(errors);
	return good;
}
