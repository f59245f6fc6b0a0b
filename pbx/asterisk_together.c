/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Orders to register, passed on to Asterisk. One that names a registration sends an unregistration first and
 * the REGISTER a second later: for that second the carrier has no contact. One for all registrations makes
 * them anew from the configuration file, and what is not registered sends its REGISTER after the same second,
 * but nothing before it: at a takeover the carrier keeps the old holder's contact until it is replaced.
 *
 * That is for nobody but the group's own trunks, all of them together, none registered, and only if the file
 * has them: those of a file that cannot be read would be gone, others of it begin to register.
 */
#include "asterisk_private.h"

#include <jansson.h>
#include <string.h>

/* Orders of one takeover come together; others, paced by a carrier's rate, come alone. */
#define COLLECT_NS (20 * NS_PER_MS)

void together_order(struct asterisk *k, struct asterisk_trunk *t, boot_t now)
{
	t->due = true;
	k->trunks_due_at = boot_min(k->trunks_due_at, boot_add(now, COLLECT_NS));
}

static bool together_possible(const struct asterisk *k)
{
	bool some = false;

	if (!k->trunks_listed || k->trunks_foreign > 0)
		return false;
	for (size_t i = 0; i < k->trunks_count; i++) {
		const struct asterisk_trunk *t = &k->trunks[i];

		if (!t->known)
			continue;
		if (!t->due || t->registered || (!t->was_off && !t->stateless && !t->idle))
			return false;
		some = true;
	}
	return some;
}

static void together_each(struct asterisk *k, boot_t now)
{
	for (size_t i = 0; i < k->trunks_count; i++) {
		struct asterisk_trunk *t = &k->trunks[i];

		if (!t->due || trunk_send(k, i, now) == 0 || !t->answer_id)
			continue;
		adapter_main_answer(k->m, t->answer_id, k->ami.error[0] ? k->ami.error : "AMI is busy");
		t->answer_id = 0;
	}
}

/* The file has the registrations that Asterisk has, and no other. */
static bool together_is_file(const struct asterisk *k, const char *text)
{
	json_t *file = text ? json_loads(text, 0, NULL) : NULL;
	size_t known = 0;
	bool same = true;

	for (size_t i = 0; i < k->trunks_count; i++) {
		if (!k->trunks[i].known)
			continue;
		known++;
		same &= json_is_object(json_object_get(file, k->trunks[i].registration));
	}
	same &= json_object_size(file) == known;
	json_decref(file);
	return same;
}

void together_answered(struct asterisk *k, int call, enum ami_answer what, const struct ami_message *m,
		       boot_t now)
{
	static const struct ami_field fields[] = { { "Registration", "*all" } };
	bool ok = what == AMI_DONE && m;

	if (call == AMI_TOGETHER)
		return; /* its outcome is heard, or shows in the list */
	if (!ok || !together_possible(k) || !together_is_file(k, ami_message_get(m, "JSON")) ||
	    ami_client_call(&k->ami, AMI_TOGETHER, 0, ASTERISK_QUICK_NS, "PJSIPRegister", fields, 1, now) <
		    0) {
		together_each(k, now);
		return;
	}
	for (size_t i = 0; i < k->trunks_count; i++)
		if (k->trunks[i].due)
			trunk_sent(&k->trunks[i], now);
}

void together_tick(struct asterisk *k, boot_t now)
{
	static const struct ami_field fields[] = { { "Filename", "pjsip.conf" },
						   { "Filter", "type=^registration$" } };

	if (boot_before(now, k->trunks_due_at) || ami_client_in_flight(&k->ami, AMI_FILE))
		return;
	k->trunks_due_at = BOOT_NEVER;
	if (!together_possible(k) ||
	    ami_client_call(&k->ami, AMI_FILE, 0, ASTERISK_QUICK_NS, "GetConfigJSON", fields, 2, now) < 0)
		together_each(k, now);
}
