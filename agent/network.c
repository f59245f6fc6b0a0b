/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Gate, guard and addresses of this node: put up in that order, taken down in the reverse, and what they
 * report on the way turned into facts, alarms and answers of steps.
 */
#include "agent.h"
#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

size_t network_addresses(const struct config *c, node_id_t self, struct virtual_address *ret, size_t max)
{
	size_t n = 0;

	for (uint32_t g = 0; g < c->groups_count; g++)
		for (uint32_t i = 0; i < c->groups[g].addresses_count && n < max; i++, n++) {
			ret[n] = (struct virtual_address){ .ip = c->groups[g].addresses[i],
							   .group = (group_index_t)g };
			routers_device(c, self, g, ret[n].ip.family, ret[n].device);
		}
	return n;
}

_Static_assert(CONFIG_PEERS_ALL_MAX <= GATE_PEERS_TOTAL_MAX && CONFIG_PEERS_ALL_MAX <= GUARD_PEERS_MAX,
	       "all fit in");

size_t network_peers(const struct config *c, struct gate_peer ret[GATE_PEERS_TOTAL_MAX],
		     struct ip_prefix ret_guard[GATE_PEERS_TOTAL_MAX])
{
	size_t n = 0;

	for (uint32_t g = 0; g < c->groups_count; g++)
		for (uint32_t t = 0; t < c->groups[g].trunks_count; t++)
			for (uint32_t i = 0; i < c->groups[g].trunks[t].peers_count; i++, n++) {
				ret_guard[n] = c->groups[g].trunks[t].peers[i];
				ret[n] = (struct gate_peer){ ret_guard[n], (group_index_t)g };
			}
	return n;
}

/* ---- peers that are refused ---- */

void network_refuse(struct agent *a)
{
	struct gate_peer peers[GATE_PEERS_TOTAL_MAX];
	struct ip_prefix refused[GATE_PEERS_TOTAL_MAX];
	uint32_t open = 0;
	size_t count;

	if (!a->vip)
		return;
	for (uint8_t g = 0; g < a->config->groups_count; g++)
		if (boot_before(a->now.boot, gate_get(a->gate, g)))
			open |= 1U << g;
	if (a->refusal.known && open == a->refusal.open)
		return;
	count = network_peers(a->config, peers, refused);
	if (!a->refusal.known)
		refusal_learn(&a->refusal, peers, count);
	count = refusal_list(&a->refusal, peers, open, refused);
	guard_refuse(a->guard, refused, count);
}

/* ---- calls that would begin just before a hand-over ---- */

void network_hold(struct agent *a)
{
	struct ip_address held[VIRTUAL_ADDRESSES_MAX];
	size_t n = 0;

	if (!a->guard)
		return;
	for (uint32_t g = 0; g < a->config->groups_count; g++) {
		const struct config_group *cg = &a->config->groups[g];

		if (!core_releasing(&a->core, (group_index_t)g) || !facts_calling(a, (group_index_t)g))
			continue;
		for (uint32_t i = 0; i < cg->addresses_count && n < VIRTUAL_ADDRESSES_MAX; i++)
			held[n++] = cg->addresses[i];
	}
	guard_hold(a->guard, held, n);
}

/* ---- gate ---- */

/* Interfaces that lost the gate and have not got it back; more than fit in make the count too high, which is
 * safe. */
static void network_missing_add(struct agent *a, int ifindex)
{
	for (uint32_t i = 0; i < a->gate_missing; i++)
		if (a->gate_missing_on[i] == ifindex)
			return;
	if (a->gate_missing < AGENT_GATE_MISSING_MAX)
		a->gate_missing_on[a->gate_missing++] = ifindex;
}

static void network_missing_remove(struct agent *a, int ifindex)
{
	for (uint32_t i = 0; i < a->gate_missing; i++)
		if (a->gate_missing_on[i] == ifindex)
			a->gate_missing_on[i] = a->gate_missing_on[--a->gate_missing];
}

static void network_gate_lost(void *ctx, const struct gate_loss *loss)
{
	struct agent *a = ctx;
	bool told =
		loss->kind == GATE_LOSS_PRECEDED; /* nothing is missing, and nothing can be done about it */

	/* Silent first, then mend: an interface without the gate would answer for every group. */
	for (uint8_t g = 0; !told && g < a->core.config.groups_count; g++)
		gate_set(a->gate, g, (boot_t){ 0 });
	if (!told)
		network_missing_add(a, loss->ifindex);
	log_error("gate on %s: %s (port %u): %s%s", loss->device, gate_loss_name(loss->kind), loss->port_id,
		  loss->text.text, told ? "" : " -> all groups shut, repairing");
	(void)alarms_event(&a->alarms, "gate", a->now.boot, "The gate on %s: %s.", loss->device,
			   gate_loss_name(loss->kind));
	records_event(a, "gate-lost", NULL, "gate on %s: %s", loss->device, loss->text.text);
}

static void network_gate_repaired(void *ctx, int ifindex, const char *device, int error, int64_t took_ns)
{
	struct agent *a = ctx;
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "gate/%s", device);
	if (error) {
		(void)alarms_raise(&a->alarms, key, a->now.boot, "The gate cannot be put back on %s: %s.",
				   device, strerror(-error));
		return;
	}
	(void)alarms_clear(&a->alarms, key);
	network_missing_remove(a, ifindex);
	log_notice("gate back on %s after %lld us", device, (long long)(took_ns / NS_PER_US));
}

static void network_gate_attached(void *ctx, int ifindex, const char *device)
{
	struct agent *a = ctx;

	if (a->guard)
		guard_allow(a->guard, ifindex, device);
}

static void network_gate_detached(void *ctx, int ifindex, const char *device)
{
	struct agent *a = ctx;

	(void)device;
	if (a->guard)
		guard_deny(a->guard, ifindex);
}

static const struct gate_ops network_gate_ops = {
	.lost = network_gate_lost,
	.repaired = network_gate_repaired,
	.attached = network_gate_attached,
	.detached = network_gate_detached,
};

/* ---- guard ---- */

static void network_guard_lost(void *ctx, const struct guard_loss *loss)
{
	struct agent *a = ctx;

	log_error("guard %s by %s (pid %u) -> repairing", loss->flushed ? "removed" : "changed",
		  loss->process[0] ? loss->process : "?", loss->pid);
	(void)alarms_event(&a->alarms, "guard", a->now.boot, "The nftables guard was %s by %s (pid %u).",
			   loss->flushed ? "removed" : "changed", loss->process[0] ? loss->process : "?",
			   loss->pid);
	records_event(a, "guard-lost", NULL, "guard %s by %s", loss->flushed ? "removed" : "changed",
		      loss->process[0] ? loss->process : "?");
}

static void network_guard_repaired(void *ctx, int error, const char *text, int64_t took_ns)
{
	struct agent *a = ctx;

	if (error) {
		(void)alarms_raise(&a->alarms, "guard-down", a->now.boot,
				   "The nftables guard cannot be put up: %s", text);
		return;
	}
	(void)alarms_clear(&a->alarms, "guard-down");
	log_notice("guard back after %lld ms", (long long)(took_ns / NS_PER_MS));
}

static const struct guard_ops network_guard_ops = {
	.lost = network_guard_lost,
	.repaired = network_guard_repaired,
};

/* ---- addresses ---- */

static void network_address(void *ctx, const struct virtual_address *address, enum vip_address_event event,
			    int error)
{
	struct agent *a = ctx;
	struct agent_group *g = &a->group[address->group];
	char ip[IP_TEXT_MAX];

	ip_format(&address->ip, ip);
	log_notice("address %s on %s: %s%s%s", ip, address->device, vip_address_event_name(event),
		   error ? ": " : "", error ? strerror(-error) : "");
	switch (event) {
	case VIP_ADDRESS_REMOVED:
		(void)alarms_event(&a->alarms, "address", a->now.boot,
				   "Somebody removed %s from %s; it was put back.", ip, address->device);
		records_event(a, "address-removed", agent_group_name(a, address->group),
			      "%s was removed from %s", ip, address->device);
		g->address_missing = error != 0;
		break;
	case VIP_ADDRESS_NO_DEVICE:
	case VIP_ADDRESS_FAILED:
		g->address_missing = true;
		break;
	case VIP_ADDRESS_READY:
		g->address_missing = false;
		break;
	case VIP_ADDRESS_ADOPTED:
	case VIP_ADDRESS_ORPHAN:
	case VIP_ADDRESS_ELSEWHERE:
		break;
	}
}

static void network_contended(void *ctx, const struct vip_contention *c)
{
	struct agent *a = ctx;
	char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX], key[ALARM_KEY_MAX];

	ip_format(&c->ip, ip);
	mac_format(&c->mac, mac);
	(void)snprintf(key, sizeof key, "contention/%s", mac);
	log_warning("%s: %s claims %s on %s -> announced again", agent_group_name(a, c->group), mac, ip,
		    c->device);
	if (alarms_event(&a->alarms, key, a->now.boot, "Another host, %s, claims %s on %s.", mac, ip,
			 c->device))
		records_event(a, "contention", agent_group_name(a, c->group), "%s claims %s on %s", mac, ip,
			      c->device);
}

static void network_announced(void *ctx, group_index_t group, int error)
{
	steps_ended(ctx, group, STEP_ANNOUNCE, error);
}

static void network_verified(void *ctx, const struct vip_verdict *v)
{
	struct agent *a = ctx;
	char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX];

	if (v->error == -EADDRINUSE)
		log_warning("%s: %s also answers for %s", agent_group_name(a, v->group),
			    mac_format(&v->mac, mac), ip_format(&v->ip, ip));
	steps_ended(a, v->group, STEP_VERIFY, v->error);
}

static void network_link(void *ctx, group_index_t group, bool up)
{
	struct agent *a = ctx;

	log_notice("%s: link of %s is %s", agent_group_name(a, group), a->config->groups[group].device,
		   up ? "up" : "down");
}

static const struct vip_ops network_vip_ops = {
	.address = network_address,
	.contended = network_contended,
	.announced = network_announced,
	.verified = network_verified,
	.link = network_link,
};

/* ---- all three ---- */

static void network_gate_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)fd, (void)revents;
	(void)gate_readable(a->gate, a->now.boot); /* an error is followed by a full check in gate_tick() */
}

static void network_guard_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)fd, (void)revents;
	(void)guard_readable(a->guard, a->now.boot); /* likewise */
}

static void network_vip_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)fd, (void)revents;
	(void)vip_readable(a->vip, a->now.boot); /* likewise */
}

static int network_watch(struct agent *a)
{
	int r = loop_add(&a->loop, gate_fd(a->gate), POLLIN, LOOP_HIGH, network_gate_readable, a);

	if (r == 0)
		r = loop_add(&a->loop, guard_fd(a->guard), POLLIN, LOOP_LOW, network_guard_readable, a);
	if (r == 0)
		r = loop_add(&a->loop, vip_fd(a->vip), POLLIN, LOOP_HIGH, network_vip_readable, a);
	return r;
}

/* Interfaces that got the gate before the guard was there to be told. */
static void network_allow_attached(struct agent *a)
{
	struct gate_link_status *links = calloc(GATE_LINKS_MAX, sizeof *links);
	size_t n = links ? gate_link_status(a->gate, links) : 0;

	for (size_t i = 0; i < n; i++)
		if (links[i].attached)
			guard_allow(a->guard, links[i].ifindex, links[i].device);
	free(links);
}

/* All addresses of the configuration; to be freed. */
static struct virtual_address *network_list(const struct agent *a, size_t *ret_count)
{
	struct virtual_address *list = calloc(VIRTUAL_ADDRESSES_MAX, sizeof *list);

	if (list)
		*ret_count = network_addresses(a->config, a->self, list, VIRTUAL_ADDRESSES_MAX);
	return list;
}

int network_open_gate(struct agent *a, struct sentence *reterr)
{
	struct gate_virtual_mac macs[GATE_VIRTUAL_MACS_MAX];
	struct gate_peer peers[GATE_PEERS_TOTAL_MAX];
	struct ip_prefix unused[GATE_PEERS_TOTAL_MAX];
	struct gate_config gate = { .group_count = a->config->groups_count, .macs = macs, .peers = peers };
	_cleanup_(free_ptr) struct virtual_address *list = network_list(a, &gate.address_count);

	if (!list)
		return sentence_fail(reterr, -ENOMEM, "Out of memory.");
	gate.addresses = list;
	gate.mac_count = routers_macs(a->config, macs);
	gate.peer_count = network_peers(a->config, peers, unused);
	for (uint32_t g = 0; g < a->config->groups_count; g++)
		gate.wire_id[g] = a->config->groups[g].wire_id;
	return gate_open(&gate, &network_gate_ops, a, a->now.boot, &a->gate, reterr);
}

int network_open_addresses(struct agent *a, struct sentence *reterr)
{
	struct gate_peer unused[GATE_PEERS_TOTAL_MAX];
	struct ip_prefix peers[GATE_PEERS_TOTAL_MAX];
	struct guard_config guard = { .peers = peers };
	struct vip_config vip = { 0 };
	_cleanup_(free_ptr) struct virtual_address *list = network_list(a, &guard.address_count);
	int r;

	if (!list)
		return sentence_fail(reterr, -ENOMEM, "Out of memory.");
	guard.addresses = vip.addresses = list;
	guard.peer_count = network_peers(a->config, unused, peers);
	vip.address_count = guard.address_count;
	r = guard_open(&guard, &network_guard_ops, a, &a->guard, reterr);
	if (r < 0)
		return r;
	network_allow_attached(a);
	/* After a restart the former guard is still there, and every millisecond is one of a running lease.
	 */
	if (gate_adopted(a->gate))
		guard_settle_later(a->guard);
	else
		r = guard_settle(a->guard, reterr);
	if (r < 0)
		return r;
	/* Before the addresses: some are put on interfaces that it makes. */
	r = routers_open(a, reterr);
	if (r < 0)
		return r;
	r = vip_open(&vip, &network_vip_ops, a, a->now.boot, &a->vip, reterr);
	if (r < 0)
		return r;
	alone_open(a);
	r = network_watch(a);
	return r < 0 ? sentence_fail(reterr, r, "The main loop refuses a descriptor: %s.", strerror(-r)) : 0;
}

/* Addresses first. False: some may still be on a device, so the gate has to stay, shut. */
static bool network_remove_addresses(struct agent *a)
{
	if (!a->vip)
		return !gate_adopted(a->gate); /* what a former agent left was not looked at */
	if (vip_remove(a->vip) == 0)
		return true;
	log_error("not all addresses could be removed -> the gate stays, shut");
	return false;
}

static void network_remove(struct agent *a)
{
	for (uint8_t g = 0; g < a->core.config.groups_count; g++)
		gate_set(a->gate, g, (boot_t){ 0 });
	if (!network_remove_addresses(a))
		return;
	routers_close(a); /* its interfaces go while the gate still covers them */
	if (gate_remove(a->gate) < 0)
		log_warning("the gate could not be removed");
	if (a->guard && guard_remove(a->guard) < 0)
		log_warning("the nftables guard could not be removed");
}

void network_close(struct agent *a)
{
	if (a->vip)
		loop_remove(&a->loop, vip_fd(a->vip));
	if (a->guard)
		loop_remove(&a->loop, guard_fd(a->guard));
	if (a->gate)
		loop_remove(&a->loop, gate_fd(a->gate));
	if (a->gate && !a->leaving)
		network_remove(a);
	routers_close(a);
	vip_free(a->vip);
	guard_free(a->guard);
	gate_free(a->gate);
	a->vip = NULL;
	a->guard = NULL;
	a->gate = NULL;
}

boot_t network_next(const struct agent *a)
{
	if (!a->vip)
		return BOOT_NEVER;
	return boot_min(gate_next(a->gate), boot_min(guard_next(a->guard), vip_next(a->vip)));
}

void network_tick(struct agent *a)
{
	if (!a->vip)
		return;
	gate_tick(a->gate, a->now.boot);
	guard_tick(a->guard, a->now.boot);
	vip_tick(a->vip, a->now.boot);
}
