/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate.h"

#include "gate_links.h"
#include "gate_program.h"
#include "gate_slots.h"

#include <assert.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Notifications tell at once; this only covers what no notification tells. Each interface is looked at once
 * per GATE_POLL_NS, one after the other, so that many interfaces cause no stall. */
#define GATE_POLL_NS	 (5 * NS_PER_S)
#define GATE_POLL_MIN_NS (50 * NS_PER_MS)
#define GATE_RETRY_NS	 NS_PER_S

_Static_assert(GATE_PEERS_MAX >= GATE_PEERS_TOTAL_MAX, "each may be of one family");

struct gate_peer_entry {
	struct ip_prefix prefix;
	uint32_t groups; /* a bit for each group that names it, or a wider one */
};

struct gate {
	struct netlink events;
	struct gate_program program;
	struct gate_links links;
	size_t group_count;
	uint8_t slot[RK_GROUPS_MAX]; /* by group */
	size_t address_count;
	struct ip_address address[VIRTUAL_ADDRESSES_MAX];
	size_t mac_count;
	struct gate_virtual_mac mac[GATE_VIRTUAL_MACS_MAX];
	size_t peer_count;
	struct gate_peer_entry peer[GATE_PEERS_TOTAL_MAX]; /* different ones */
	boot_t next_poll;
	boot_t next_retry;
	size_t poll_at;
};

/* ---- groups, addresses, MACs and peers ---- */

static int gate_cover_all(struct gate *g, const struct gate_config *config, struct sentence *reterr)
{
	char text[IP_TEXT_MAX];

	g->address_count = config->address_count;
	for (size_t i = 0; i < config->address_count; i++) {
		const struct virtual_address *a = &config->addresses[i];
		int r = gate_program_cover(&g->program, &a->ip, g->slot[a->group]);

		if (r < 0)
			return sentence_fail(reterr, r, "the gate cannot take %s: %s",
					     ip_format(&a->ip, text), strerror(-r));
		g->address[i] = a->ip;
	}
	return 0;
}

static bool mac_equal(const struct mac_address *a, const struct mac_address *b)
{
	return !memcmp(a, b, sizeof *a);
}

static int gate_check_macs(const struct gate_config *config, struct sentence *reterr)
{
	char text[MAC_TEXT_MAX];

	for (size_t i = 0; i < config->mac_count; i++)
		for (size_t j = 0; j < i; j++)
			if (mac_equal(&config->macs[i].mac, &config->macs[j].mac) &&
			    config->macs[i].group != config->macs[j].group)
				return sentence_fail(
					reterr, -EEXIST,
					"two groups have the virtual MAC %s: give them different "
					"VRIDs",
					mac_format(&config->macs[i].mac, text));
	return 0;
}

static int gate_cover_macs(struct gate *g, const struct gate_config *config, struct sentence *reterr)
{
	char text[MAC_TEXT_MAX];

	g->mac_count = config->mac_count;
	for (size_t i = 0; i < config->mac_count; i++) {
		const struct gate_virtual_mac *m = &config->macs[i];
		int r = gate_program_cover_mac(&g->program, &m->mac, g->slot[m->group]);

		if (r < 0)
			return sentence_fail(reterr, r, "the gate cannot take the virtual MAC %s: %s",
					     mac_format(&m->mac, text), strerror(-r));
		g->mac[i] = *m;
	}
	return 0;
}

/* The longest prefix is found alone, so it carries the groups of all that contain it. */
static uint32_t gate_peer_groups(const struct gate_config *config, const struct ip_prefix *prefix)
{
	uint32_t groups = 0;

	for (size_t i = 0; i < config->peer_count; i++)
		if (ip_prefix_contains(&config->peers[i].prefix, prefix))
			groups |= 1u << config->peers[i].group;
	return groups;
}

static struct gate_peer_entry *gate_peer_find(struct gate *g, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < g->peer_count; i++)
		if (ip_prefix_equal(&g->peer[i].prefix, prefix))
			return &g->peer[i];
	return NULL;
}

static uint32_t gate_slot_bits(const struct gate *g, uint32_t groups)
{
	uint32_t slots = 0;

	for (size_t i = 0; i < g->group_count; i++)
		if (groups & 1u << i)
			slots |= 1u << g->slot[i];
	return slots;
}

static int gate_cover_peers(struct gate *g, const struct gate_config *config, struct sentence *reterr)
{
	char text[IP_PREFIX_TEXT_MAX];

	_Static_assert(RK_GROUPS_MAX <= 32 && GATE_SLOTS <= 32, "a bit each");
	g->peer_count = 0;
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct ip_prefix *prefix = &config->peers[i].prefix;
		uint32_t groups = gate_peer_groups(config, prefix);
		int r;

		if (gate_peer_find(g, prefix))
			continue;
		r = gate_program_cover_peer(&g->program, prefix, gate_slot_bits(g, groups));
		if (r < 0)
			return sentence_fail(reterr, r, "the gate cannot take the trunk peer %s: %s",
					     ip_prefix_format(prefix, text), strerror(-r));
		g->peer[g->peer_count++] = (struct gate_peer_entry){ *prefix, groups };
	}
	return 0;
}

static void gate_check_config(const struct gate_config *config)
{
	assert(config->group_count <= RK_GROUPS_MAX && config->address_count <= VIRTUAL_ADDRESSES_MAX);
	assert(config->mac_count <= GATE_VIRTUAL_MACS_MAX);
	assert(config->peer_count <= GATE_PEERS_TOTAL_MAX);
	for (size_t i = 0; i < config->peer_count; i++)
		assert(config->peers[i].group < config->group_count);
	for (size_t i = 0; i < config->address_count; i++)
		assert(config->addresses[i].group < config->group_count);
	for (size_t i = 0; i < config->mac_count; i++)
		assert(config->macs[i].group < config->group_count);
}

int gate_update(struct gate *g, const struct gate_config *config, struct sentence *reterr)
{
	int r;

	gate_check_config(config);
	r = gate_check_macs(config, reterr);
	if (r < 0)
		return r;
	r = gate_slots_assign(g->program.slots, config->wire_id, config->group_count, g->slot);
	if (r < 0)
		return sentence_fail(reterr, r, "the gate has no room for more groups");
	g->group_count = config->group_count;
	r = gate_cover_macs(g, config, reterr);
	if (r == 0)
		r = gate_cover_peers(g, config, reterr);
	return r < 0 ? r : gate_cover_all(g, config, reterr);
}

static bool gate_forgets(void *ctx, const struct ip_address *ip)
{
	const struct gate *g = ctx;

	for (size_t i = 0; i < g->address_count; i++)
		if (ip_equal(&g->address[i], ip))
			return false;
	return true;
}

static bool gate_forgets_mac(void *ctx, const struct mac_address *mac)
{
	const struct gate *g = ctx;

	for (size_t i = 0; i < g->mac_count; i++)
		if (mac_equal(&g->mac[i].mac, mac))
			return false;
	return true;
}

static bool gate_forgets_peer(void *ctx, const struct ip_prefix *prefix)
{
	return !gate_peer_find(ctx, prefix);
}

int gate_prune(struct gate *g)
{
	int r = gate_program_prune(&g->program, gate_forgets, g);

	if (r == 0)
		r = gate_program_prune_macs(&g->program, gate_forgets_mac, g);
	if (r == 0)
		r = gate_program_prune_peers(&g->program, gate_forgets_peer, g);
	if (r == 0)
		gate_slots_free(g->program.slots, g->slot, g->group_count);
	return r;
}

/* ---- deadlines ---- */

void gate_set(struct gate *g, group_index_t group, boot_t deadline)
{
	assert(group < g->group_count);
	gate_slot_set(&g->program.slots[g->slot[group]], deadline.ns);
}

boot_t gate_get(const struct gate *g, group_index_t group)
{
	const struct gate_slot *slot;

	assert(group < g->group_count);
	slot = &g->program.slots[g->slot[group]];
	return (boot_t){ (int64_t)__atomic_load_n(&slot->until_ns, __ATOMIC_ACQUIRE) };
}

/* ---- events ---- */

static void gate_link_event(void *ctx, const struct nlmsghdr *h)
{
	struct gate *g = ctx;
	struct link_info info;

	if (link_info_parse(h, &info) < 0)
		return;
	if (h->nlmsg_type == RTM_NEWLINK)
		gate_links_seen(&g->links, &info);
	else
		gate_links_gone(&g->links, info.ifindex);
}

static void gate_event(void *ctx, const struct nlmsghdr *h)
{
	struct gate *g = ctx;
	const struct tcmsg *t = nlmsg_data(h);

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		gate_link_event(g, h);
		break;
	case RTM_DELQDISC:
	case RTM_DELTFILTER:
	case RTM_NEWTFILTER:
		if (nlmsg_datalen(h) >= (int)sizeof *t)
			gate_links_suspect(&g->links, t->tcm_ifindex, h->nlmsg_pid);
		break;
	default:
		break; /* other classes, qdiscs, chains */
	}
}

/* Interfaces of which the deletion was missed are found by a dump that does not show them. */
struct gate_resync {
	struct gate *g;
	bool seen[GATE_LINKS_MAX];
};

static void gate_resync_seen(void *ctx, const struct nlmsghdr *h)
{
	struct gate_resync *s = ctx;
	struct link_info info;

	gate_link_event(s->g, h);
	if (link_info_parse(h, &info) < 0)
		return;
	for (size_t i = 0; i < s->g->links.count; i++)
		if (s->g->links.link[i].ifindex == info.ifindex)
			s->seen[i] = true;
}

static int gate_look_at_all(struct gate *g)
{
	struct gate_resync s = { .g = g };
	int r = link_info_dump(&g->links.request, gate_resync_seen, &s);

	if (r < 0)
		return r;
	for (size_t i = 0; i < g->links.count; i++)
		if (!s.seen[i] && g->links.link[i].ifindex)
			gate_links_gone(&g->links, g->links.link[i].ifindex);
	gate_links_suspect_all(&g->links);
	return 0;
}

int gate_fd(const struct gate *g)
{
	return netlink_fd(&g->events);
}

int gate_readable(struct gate *g, boot_t now)
{
	int r = netlink_receive(&g->events, gate_event, g);

	if (r == -ENOBUFS) {
		g->links.counters.overruns++;
		r = gate_look_at_all(g);
	}
	gate_links_check(&g->links);
	return r;
}

static bool gate_has_errors(const struct gate *g)
{
	for (size_t i = 0; i < g->links.count; i++)
		if (g->links.link[i].error)
			return true;
	return false;
}

boot_t gate_next(const struct gate *g)
{
	return gate_has_errors(g) ? boot_min(g->next_poll, g->next_retry) : g->next_poll;
}

static void gate_poll_one(struct gate *g)
{
	if (!g->links.count)
		return;
	g->poll_at = (g->poll_at + 1) % g->links.count;
	if (g->links.link[g->poll_at].ifindex)
		gate_link_check(&g->links, &g->links.link[g->poll_at]);
}

static int64_t gate_poll_interval_ns(const struct gate *g)
{
	int64_t ns = GATE_POLL_NS / (int64_t)(g->links.count ? g->links.count : 1);

	return ns < GATE_POLL_MIN_NS ? GATE_POLL_MIN_NS : ns;
}

void gate_tick(struct gate *g, boot_t now)
{
	if (!boot_before(now, g->next_retry)) {
		g->next_retry = boot_add(now, GATE_RETRY_NS);
		for (size_t i = 0; i < g->links.count; i++)
			if (g->links.link[i].error)
				gate_link_check(&g->links, &g->links.link[i]);
	}
	if (!boot_before(now, g->next_poll)) {
		g->next_poll = boot_add(now, gate_poll_interval_ns(g));
		gate_poll_one(g);
	}
}

/* ---- start and end ---- */

/* Looks for a gate on the interfaces, and takes the first that can be adopted. */
static int gate_adopt(struct gate *g, struct sentence *reterr)
{
	uint32_t tried = 0;

	for (size_t i = 0; i < g->links.count; i++) {
		for (int d = GATE_IN; d <= GATE_OUT; d++) {
			struct gate_filter_state s;
			int r = gate_filter_look(&g->links.request, g->links.link[i].ifindex, d, &s);
			uint32_t id = r < 0 ? 0 : s.program[0] ? s.program[0] : s.program[1];

			if (!id || id == GATE_PROGRAM_UNKNOWN || id == tried)
				continue;
			tried = id;
			r = gate_program_open(&g->program, id, reterr);
			if (r != -ENOENT)
				return r;
		}
	}
	return gate_program_open(&g->program, 0, reterr);
}

static void gate_remember_programs(struct gate *g)
{
	g->links.program = &g->program;
	for (int ethernet = 0; ethernet < 2; ethernet++)
		for (int d = GATE_IN; d <= GATE_OUT; d++)
			g->links.program_id[ethernet][d] = gate_program_id(&g->program, ethernet, d);
}

/* No interface takes the gate: that is the kernel, not the interface. */
static int gate_check_attached(const struct gate *g, struct sentence *reterr)
{
	int error = 0;

	for (size_t i = 0; i < g->links.count; i++) {
		if (g->links.link[i].attached)
			return 0;
		error = g->links.link[i].error ? g->links.link[i].error : error;
	}
	if (error == -EPERM)
		return sentence_fail(reterr, error,
				     "no permission to attach the gate: CAP_NET_ADMIN is needed");
	if (error == -ENOENT || error == -EOPNOTSUPP)
		return sentence_fail(reterr, -EOPNOTSUPP,
				     "this kernel has no clsact qdisc or no BPF classifier "
				     "(CONFIG_NET_SCH_INGRESS, CONFIG_NET_CLS_BPF), which the gate needs");
	return error ? sentence_fail(reterr, error, "the gate cannot be put on any interface: %s",
				     strerror(-error))
		     : 0;
}

static int gate_start(struct gate *g, const struct gate_config *config, struct sentence *reterr)
{
	const int groups[] = { RTNLGRP_LINK, RTNLGRP_TC, 0 };
	int r = netlink_open(&g->events, NETLINK_ROUTE, groups);

	if (r == 0)
		r = netlink_open(&g->links.request, NETLINK_ROUTE, NULL);
	if (r == 0)
		r = gate_look_at_all(g);
	if (r < 0)
		return sentence_fail(reterr, r, "the network interfaces cannot be listed: %s", strerror(-r));
	r = gate_adopt(g, reterr);
	if (r < 0)
		return r;
	gate_remember_programs(g);
	r = gate_update(g, config, reterr);
	if (r < 0)
		return r;
	gate_links_check(&g->links);
	return gate_check_attached(g, reterr);
}

int gate_open(const struct gate_config *config, const struct gate_ops *ops, void *ctx, boot_t now,
	      struct gate **ret, struct sentence *reterr)
{
	struct gate *g = calloc(1, sizeof *g);
	int r;

	if (!g)
		return sentence_fail(reterr, -ENOMEM, "no memory for the gate");
	g->links.ops = *ops;
	g->links.ctx = ctx;
	g->next_poll = boot_add(now, GATE_POLL_NS);
	g->next_retry = boot_add(now, GATE_RETRY_NS);
	*ret = g; /* callbacks want to use it */
	r = gate_start(g, config, reterr);
	if (r < 0) {
		*ret = NULL;
		gate_free(g);
	}
	return r;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	gate_program_close(&g->program);
	netlink_close(&g->links.request);
	netlink_close(&g->events);
	free(g);
}

int gate_remove(struct gate *g)
{
	gate_slots_shut_all(g->program.slots);
	return gate_links_remove(&g->links);
}

bool gate_adopted(const struct gate *g)
{
	return g->program.adopted;
}

/* ---- status ---- */

void gate_group_status(const struct gate *g, group_index_t group, struct gate_group_status *ret)
{
	const struct gate_slot *slot;

	assert(group < g->group_count);
	slot = &g->program.slots[g->slot[group]];
	*ret = (struct gate_group_status){
		.open_until = gate_get(g, group),
		.drops_in = __atomic_load_n(&slot->drops_in, __ATOMIC_RELAXED),
		.drops_out = __atomic_load_n(&slot->drops_out, __ATOMIC_RELAXED),
	};
	for (size_t i = 0; i < g->mac_count && ret->mac_count < GATE_GROUP_MACS_MAX; i++)
		if (g->mac[i].group == group)
			ret->mac[ret->mac_count++] = g->mac[i].mac;
}

size_t gate_peer_status(const struct gate *g, struct gate_peer_status ret[GATE_PEERS_TOTAL_MAX])
{
	for (size_t i = 0; i < g->peer_count; i++)
		ret[i] = (struct gate_peer_status){
			.prefix = g->peer[i].prefix,
			.groups = g->peer[i].groups,
			.drops = gate_program_peer_drops(&g->program, &g->peer[i].prefix),
		};
	return g->peer_count;
}

size_t gate_link_status(const struct gate *g, struct gate_link_status ret[GATE_LINKS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < g->links.count; i++) {
		const struct gate_link *link = &g->links.link[i];

		if (!link->ifindex)
			continue;
		ret[count] = (struct gate_link_status){ .ifindex = link->ifindex,
							.attached = link->attached,
							.error = link->error };
		memcpy(ret[count++].device, link->name, sizeof link->name);
	}
	return count;
}

void gate_counters(const struct gate *g, struct gate_counters *ret)
{
	*ret = g->links.counters;
}

const char *gate_loss_name(enum gate_loss_kind kind)
{
	static const char *const names[] = {
		[GATE_LOSS_FILTER] = "its filter was removed",
		[GATE_LOSS_REPLACED] = "its filter was replaced by another program",
		[GATE_LOSS_OVERTAKEN] = "another filter was put in front of it",
		[GATE_LOSS_PRECEDED] = "a tcx program runs before it and may let frames pass",
		[GATE_LOSS_BLOCKED] = "it cannot be put on",
	};

	return names[kind];
}
