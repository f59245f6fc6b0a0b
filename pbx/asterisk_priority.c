/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who is served first at a takeover: 9 in a call; 6 called lately; 3 member of a queue (7 if both); 0 others.
 * Holder only: it travels with the bindings, because the standby sees no calls.
 */
#include "asterisk_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RECENT_NS  (600 * NS_PER_S)
#define QUEUES_NS  (300 * NS_PER_S)
#define COMPARE_NS (2 * NS_PER_S)

/* "PJSIP/1001", "Local/1001@from-queue/n", "hint:1001@ext-local": the name in it. */
static void device_name(const char *device, char ret[ASTERISK_ENDPOINT_MAX + 1])
{
	const char *start = strpbrk(device, "/:");
	size_t len;

	start = start ? start + 1 : device;
	len = strcspn(start, "@/&,");
	(void)snprintf(ret, ASTERISK_ENDPOINT_MAX + 1, "%.*s", (int)(len > ASTERISK_ENDPOINT_MAX ? 0 : len),
		       start);
}

static struct asterisk_name *device_endpoint(struct asterisk *k, const char *device)
{
	char name[ASTERISK_ENDPOINT_MAX + 1];

	device_name(device, name);
	return asterisk_names_find(&k->names, ASTERISK_ENDPOINT, name);
}

void priority_member(struct asterisk *k, const struct ami_message *m)
{
	static const char *const names[] = { "StateInterface", "Location", "Interface" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *device = ami_message_get(m, names[i]);
		struct asterisk_name *e = device ? device_endpoint(k, device) : NULL;

		if (e)
			e->queue_round = k->queue_round;
	}
}

void priority_queues_answered(struct asterisk *k, enum ami_answer what, const struct ami_message *m)
{
	const char *event = m ? ami_message_get(m, "Event") : NULL;

	if (what == AMI_ITEM && event && !strcasecmp(event, "QueueMember"))
		priority_member(k, m);
	else if (what == AMI_FAILED)
		k->queues_missing = true; /* no app_queue, or no right to ask */
}

static uint8_t priority_of(const struct asterisk *k, const struct binding *b, boot_t now)
{
	char name[ASTERISK_ENDPOINT_MAX + 1];
	const struct asterisk_name *e;
	int p = 0;

	asterisk_contact_endpoint(b, name);
	e = asterisk_names_find(&k->names, ASTERISK_ENDPOINT, name);
	if (!e)
		return 0;
	if (e->channels > 0)
		return BINDING_PRIORITY_MAX;
	if (e->called_at.ns && boot_diff_ns(e->called_at, now) < RECENT_NS)
		p = 6;
	if (e->queue_round && e->queue_round + 1 >= k->queue_round) /* the list may be under way */
		p = p ? 7 : 3;
	return (uint8_t)p;
}

static void priority_compare(struct asterisk *k, boot_t now)
{
	for (size_t i = binding_store_count(k->known); i-- > 0;) {
		struct binding b = *binding_store_at(k->known, i);
		uint8_t p = priority_of(k, &b, now);

		/* What the holder before us knew counts until we have been here for as long. */
		if (p == b.priority || !boot_before(now, b.expires_at) ||
		    (p < b.priority && boot_diff_ns(k->active_at, now) < RECENT_NS))
			continue;
		b.priority = p;
		if (binding_store_put(k->known, &b, now, NULL) == 0)
			adapter_main_put(k->m, &b, now);
	}
}

static void priority_ask_queues(struct asterisk *k, boot_t now)
{
	if (ami_client_in_flight(&k->ami, AMI_QUEUES)) {
		k->queues_at = boot_add(now, NS_PER_S);
		return;
	}
	k->queues_at = boot_add(now, QUEUES_NS);
	k->queue_round++;
	if (ami_client_call(&k->ami, AMI_QUEUES, 0, ASTERISK_LIST_NS, "QueueStatus", NULL, 0, now) < 0)
		k->queues_at = boot_add(now, NS_PER_S);
}

void priority_tick(struct asterisk *k, boot_t now)
{
	if (!k->active)
		return;
	if (!boot_before(now, k->queues_at) && k->booted && !k->queues_missing)
		priority_ask_queues(k, now);
	if (!boot_before(now, k->priority_at)) {
		k->priority_at = boot_add(now, COMPARE_NS);
		priority_compare(k, now);
	}
}

boot_t priority_next(const struct asterisk *k)
{
	if (!k->active)
		return BOOT_NEVER;
	return k->booted && !k->queues_missing ? boot_min(k->priority_at, k->queues_at) : k->priority_at;
}
