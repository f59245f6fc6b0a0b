/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An Asterisk that was started again reads its contacts from AstDB, and asks the phones one by one over the
 * whole qualify interval: until then their endpoints are offline. So all are asked at once, by priority.
 */
#include "asterisk_private.h"

#define OWN_NS	 (10 * NS_PER_S)
#define AGAIN_NS (2 * NS_PER_S)
#define AT_ONCE	 16
#define EVERY_NS (20 * NS_PER_MS) /* 800 a second: what answers arrive at is not to be overrun */

void qualify_start(struct asterisk *k)
{
	k->qualify_pass = BINDING_PRIORITY_MAX + 1;
	k->qualify_left = binding_store_count(k->known);
}

static void qualify_send(struct asterisk *k, const char *endpoint, boot_t now)
{
	const struct ami_field fields[] = { { "Endpoint", endpoint } };

	/* Lost: Asterisk asks by itself, later. */
	(void)ami_client_call(&k->ami, AMI_QUALIFY, 0, ASTERISK_QUICK_NS, "PJSIPQualify", fields, 1, now);
}

/* One lost answer, while all the network is learning where the address is, would keep the phone unavailable
 * for the whole qualify interval. Later on it is Asterisk's own word. */
void qualify_again(struct asterisk *k, const char *endpoint, boot_t now)
{
	struct asterisk_name *e = asterisk_names_find(&k->names, ASTERISK_ENDPOINT, endpoint);

	if (!e || !boot_before(now, k->own_until) || boot_diff_ns(e->again_at, now) < AGAIN_NS)
		return;
	e->again_at = now;
	qualify_send(k, endpoint, now);
}

static const struct binding *qualify_take(struct asterisk *k)
{
	while (k->qualify_pass > 0) {
		while (k->qualify_left > 0) {
			const struct binding *b = binding_store_at(k->known, --k->qualify_left);

			if (b && b->priority + 1 == (int)k->qualify_pass &&
			    binding_store_mark(k->known, b) & MARK_QUALIFY)
				return b;
		}
		k->qualify_pass--;
		k->qualify_left = binding_store_count(k->known);
	}
	return NULL;
}

void qualify_pump(struct asterisk *k, boot_t now)
{
	if (k->qualify_pass == 0 || !k->active || boot_before(now, k->qualify_at))
		return;
	k->qualify_at = boot_add(now, EVERY_NS);
	for (int i = 0; i < AT_ONCE && ami_client_free_slots(&k->ami) > AMI_SLOTS_MAX / 2; i++) {
		const struct binding *b = qualify_take(k);
		char endpoint[ASTERISK_ENDPOINT_MAX + 1];

		if (!b)
			return;
		asterisk_contact_endpoint(b, endpoint);
		push_mark(k, b, 0, MARK_QUALIFY);
		k->own_until = boot_add(now, OWN_NS);
		qualify_send(k, endpoint, now);
	}
}

boot_t qualify_next(const struct asterisk *k)
{
	return k->qualify_pass > 0 && k->active ? k->qualify_at : BOOT_NEVER;
}
