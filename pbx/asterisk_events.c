/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What AMI tells: events, and answers to what we asked. A refresh makes no ContactStatus (unless
 * send_contact_status_on_update_registration is set), so a successful authentication stands for it.
 */
#include "asterisk_private.h"

#include <string.h>
#include <strings.h>

/* Only what we use: on a busy PBX the rest is most of it. */
static const char *const wanted_events[] = {
	"Event: ContactStatus", "Event: SuccessfulAuth", "Event: Newchannel",	"Event: Newstate",
	"Event: Hangup",	"Event: QueueMember",	 "Event: Registry",	"Event: FullyBooted",
	"Event: Reload",	"Event: Shutdown",	 "Event: RTCPReceived",
};

static const char *field(const struct ami_message *m, const char *name)
{
	const char *value = ami_message_get(m, name);

	return value ? value : "";
}

static void event_contact(struct asterisk *k, const struct ami_message *m, boot_t now)
{
	const char *aor = field(m, "AOR"), *uri = field(m, "URI"), *status = field(m, "ContactStatus");
	const struct binding *b = binding_store_find(k->known, aor, uri);
	bool removed = !strcasecmp(status, "Removed");

	if (b)
		push_heard(k, b, now);
	if (!lookup_tells(k, now) || !*aor || !*uri)
		return;
	if (!k->active) { /* of what is known it tells what we are doing */
		if (!b && !removed)
			lookup_request(k, aor, uri, now);
		return;
	}
	if (!strcasecmp(status, "Unreachable")) {
		qualify_again(k, field(m, "EndpointName"), now);
		return;
	}
	if (b && !removed && boot_before(now, k->own_until))
		return;
	if (removed && k->sweeping)
		sweep_request(k); /* its list may still have it */
	lookup_request(k, aor, uri, now);
}

static void event_auth(struct asterisk *k, const struct ami_message *m, boot_t now)
{
	if (lookup_tells(k, now) && !strcasecmp(field(m, "Service"), "PJSIP"))
		lookup_endpoint(k, field(m, "AccountID"), field(m, "SessionID"), now);
}

static void event_rtcp(struct asterisk *k, const struct ami_message *m)
{
	struct ip_address ip;
	struct adapter_quality q;
	char peer[IP_TEXT_MAX];

	if (!asterisk_address(field(m, "From"), &ip) || !adapter_main_is_peer(k->config, &ip) ||
	    !asterisk_quality_event(&k->quality, m, &q))
		return;
	q.peer = ip_format(&ip, peer);
	adapter_main_quality(k->m, &q);
}

static void event_booted(struct asterisk *k, boot_t now)
{
	k->booted = true;
	k->status_at = now;
	trunks_booted(k, now);
	uplinks_booted(k, now);
	sweep_request(k);
}

static void on_event(void *ctx, const char *name, const struct ami_message *m, boot_t now)
{
	struct asterisk *k = ctx;

	if (!strcasecmp(name, "ContactStatus"))
		event_contact(k, m, now);
	else if (!strcasecmp(name, "SuccessfulAuth"))
		event_auth(k, m, now);
	else if (!strcasecmp(name, "Newchannel") || !strcasecmp(name, "Newstate") ||
		 !strcasecmp(name, "Hangup"))
		calls_event(k, name, m, now);
	else if (!strncasecmp(name, "QueueMember", 11))
		k->queues_at = boot_min(k->queues_at, boot_add(now, NS_PER_S)); /* asked as a whole */
	else if (!strcasecmp(name, "Registry"))
		trunks_heard(k, m, now);
	else if (!strcasecmp(name, "FullyBooted"))
		event_booted(k, now);
	else if (!strcasecmp(name, "Reload"))
		asterisk_names_doubt(&k->names);
	else if (!strcasecmp(name, "RTCPReceived"))
		event_rtcp(k, m);
	else if (!strcasecmp(name, "Shutdown"))
		k->shutting_down = true;
}

static void on_connected(void *ctx, bool connected, boot_t now)
{
	struct asterisk *k = ctx;

	k->booted = k->sweeping = k->status_asked = k->shutting_down = false;
	k->start_known = false;
	asterisk_channels_forget(&k->channels);
	if (!connected) {
		adapter_main_log(k->m, "%s", k->ami.error);
		return;
	}
	for (size_t i = 0; i < sizeof wanted_events / sizeof wanted_events[0]; i++) {
		const struct ami_field fields[] = { { "Operation", "Add" }, { "Filter", wanted_events[i] } };

		/* Refused (no class system): more is read, and skipped. */
		(void)ami_client_call(&k->ami, AMI_FILTER, 0, ASTERISK_QUICK_NS, "Filter", fields, 2, now);
	}
	k->status_at = k->queues_at = k->channels_at = k->trunks_at = now;
	(void)ari_client_call(&k->ari, ARI_INFO, "GET", "asterisk/info?only=config", NULL, "", "",
			      now); /* name only */
}

static void on_answered(void *ctx, const struct ami_slot *slot, enum ami_answer what,
			const struct ami_message *m, boot_t now)
{
	struct asterisk *k = ctx;

	switch ((enum ami_call)slot->call) {
	case AMI_STATUS:
		k->status_asked = false;
		health_status(k, what == AMI_DONE ? m : NULL, now);
		break;
	case AMI_TREE:
		if (what == AMI_ITEM)
			sweep_row(k, m, now);
		else
			sweep_ended(k, what == AMI_DONE, now);
		break;
	case AMI_QUEUES:
		priority_queues_answered(k, what, m);
		break;
	case AMI_CHANNELS:
		calls_answered(k, what, m, now);
		break;
	case AMI_TRUNKS:
	case AMI_ORDER:
	case AMI_FILE:
	case AMI_TOGETHER:
		trunks_answered(k, slot, what, m, now);
		break;
	case AMI_RELOAD:
		uplinks_reloaded(k, what, m, now);
		break;
	case AMI_REINVITE_LIST:
	case AMI_REINVITE_PEER:
	case AMI_REINVITE:
		reinvite_answered(k, slot, what, m, now);
		break;
	case AMI_FILTER:
	case AMI_QUALIFY:
	case AMI_HANGUP:
		break;
	}
}

const struct ami_ops asterisk_ami_ops = { on_connected, on_event, on_answered };
