/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The virtual routers in the status model: what they do, whom they hear, and what their mode promises.
 */
#include "agent.h"

static bool router_native(const struct agent *a, group_index_t group)
{
	return config_group_native(&a->config->groups[group]);
}

static json_t *router_sender(const struct agent *a, const struct ip_address *from,
			     const struct mac_address *mac, boot_t at)
{
	char ip[IP_TEXT_MAX], text[MAC_TEXT_MAX];

	if (at.ns == 0)
		return json_null();
	return json_pack("{s:s, s:s, s:I}", "address", ip_format(from, ip), "mac", mac_format(mac, text),
			 "ms", (json_int_t)(boot_diff_ns(at, a->now.boot) / NS_PER_MS));
}

static json_t *router_counters(const struct vrrp_counters *c)
{
	json_t *dropped = json_object();

	for (int i = VRRP_GOOD + 1; i < VRRP_VERDICTS_COUNT; i++)
		json_object_set_new(dropped, vrrp_verdict_name((enum vrrp_verdict)i),
				    json_integer((json_int_t)c->dropped[i]));
	json_object_set_new(dropped, "not-a-peer", json_integer((json_int_t)c->not_a_peer));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "sent", (json_int_t)c->sent,
			 "send_errors", (json_int_t)c->send_errors, "received", (json_int_t)c->received,
			 "rogue", (json_int_t)c->rogue, "interval_mismatch", (json_int_t)c->interval_mismatch,
			 "addresses_mismatch", (json_int_t)c->addresses_mismatch, "checksum_rfc5798",
			 (json_int_t)c->checksum_rfc5798, "checksum_rfc9568", (json_int_t)c->checksum_rfc9568,
			 "dropped", dropped);
}

json_t *routers_counters_json(const struct agent *a)
{
	uint64_t sent = 0, received = 0, dropped = 0, rogue = 0;
	struct vrrp_status s;

	for (uint32_t g = 0; a->vrrp && g < a->config->groups_count; g++) {
		if (!vrrp_status(a->vrrp, (group_index_t)g, &s))
			continue;
		sent += s.counters.sent;
		received += s.counters.received;
		rogue += s.counters.rogue;
		dropped += s.counters.not_a_peer;
		for (int i = VRRP_GOOD + 1; i < VRRP_VERDICTS_COUNT; i++)
			dropped += s.counters.dropped[i];
	}
	return json_pack("{s:I, s:I, s:I, s:I}", "vrrp_sent", (json_int_t)sent, "vrrp_received",
			 (json_int_t)received, "vrrp_dropped", (json_int_t)dropped, "vrrp_rogue",
			 (json_int_t)rogue);
}

static const char *router_promise(const struct agent *a, group_index_t group)
{
	if (!router_native(a, group))
		return "the lease decides; advertisements of others are reported and never obeyed";
	return "VRRP decides, not a lease: two holders are possible while the network between the routers is "
	       "split "
	       "and for a moment when one preempts, and who can send on it can take the address; a dead or "
	       "hung "
	       "agent falls silent before its successor speaks";
}

static const char *router_state_word(const struct agent *a, group_index_t group, const struct vrrp_status *s)
{
	if (router_native(a, group))
		return vrrp_state_name(s->state);
	return s->speaking ? "advertising" : "listening";
}

json_t *routers_json(const struct agent *a, group_index_t group)
{
	struct vrrp_status s;
	json_t *o;

	if (!a->vrrp || !vrrp_status(a->vrrp, group, &s))
		return json_null();
	o = json_pack("{s:s, s:i, s:i, s:i, s:I, s:s, s:s}", "mode",
		      router_native(a, group) ? "native" : "announce", "vrid", s.vrid, "version", s.version,
		      "priority", s.priority, "advert_ms", (json_int_t)(s.advert_ns / NS_PER_MS), "state",
		      router_state_word(a, group, &s), "promise", router_promise(a, group));
	if (router_native(a, group)) {
		json_object_set_new(o, "down_ms", json_integer(s.down_ns / NS_PER_MS));
		json_object_set_new(o, "fault",
				    a->group[group].router.fault
					    ? json_string(cause_name(a->group[group].router.fault))
					    : json_null());
	}
	json_object_set_new(o, "heard", router_sender(a, &s.heard_from, &s.heard_mac, s.heard_at));
	if (s.heard_at.ns)
		json_object_set_new(json_object_get(o, "heard"), "priority", json_integer(s.heard_priority));
	json_object_set_new(o, "rogue", router_sender(a, &s.rogue_from, &s.rogue_mac, s.rogue_at));
	json_object_set_new(o, "counters", router_counters(&s.counters));
	return o;
}

/* The name of the node whose address this is, NULL if it is none of ours. */
static const char *router_node_of(const struct agent *a, const struct ip_address *ip)
{
	for (uint32_t i = 0; i < a->config->nodes_count; i++)
		for (uint32_t k = 0; k < a->config->nodes[i].links_count; k++)
			if (ip_equal(&a->config->nodes[i].links[k].address, ip))
				return a->config->nodes[i].name;
	return NULL;
}

json_t *routers_holder_json(const struct agent *a, group_index_t group)
{
	struct vrrp_status s;
	char ip[IP_TEXT_MAX];
	const char *name;

	if (core_holds(&a->core, group))
		return json_string(agent_node_name(a, a->self));
	/* Silent for longer than it takes to succeed it: gone. */
	if (!a->vrrp || !vrrp_status(a->vrrp, group, &s) || !s.heard_at.ns || !s.heard_priority ||
	    boot_diff_ns(s.heard_at, a->now.boot) > 4 * s.advert_ns)
		return json_null();
	name = router_node_of(a, &s.heard_from);
	return json_string(name ? name : ip_format(&s.heard_from, ip));
}
