/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registrations at carriers, ordered by the agent. Asterisk tells that something changed (Registry), not
 * which registration by its name, so the list is read then. A registration that the agent ordered off stays
 * off over reloads, but not over a restart: it is ordered off again at once.
 */
#include "asterisk_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIST_NS	      (10 * NS_PER_S)
#define LIST_SOON_NS  (200 * NS_PER_MS)
#define LIST_HURRY_NS NS_PER_S /* while something is under way */
#define AGAIN_NS      (1500 * NS_PER_MS)

void trunks_configure(struct asterisk *k, const struct adapter_main_config *c, boot_t now)
{
	k->trunks_count = c->trunks_count;
	k->trunks_at = now;
	for (size_t i = 0; i < c->trunks_count; i++)
		k->trunks[i] = (struct asterisk_trunk){ .name = c->trunks[i].name,
							.registration = c->trunks[i].registration };
}

static void trunk_tell(struct asterisk *k, struct asterisk_trunk *t, enum trunk_state state, const char *why)
{
	struct adapter_trunk report = {
		.name = t->name, .state = state, .why = t->why, .retry_after_ms = -1
	};

	if (t->told && t->state == state && !strcmp(t->why, why))
		return;
	t->told = true;
	t->state = state;
	(void)snprintf(t->why, sizeof t->why, "%s", why); /* cutting a sentence is fine */
	adapter_main_trunk(k->m, &report);
}

/* ---- orders ---- */

static int trunk_send(struct asterisk *k, size_t i, boot_t now)
{
	const struct ami_field fields[] = { { "Registration", k->trunks[i].registration } };

	k->trunks[i].sent_at = now;
	return ami_client_call(&k->ami, AMI_ORDER, (uint32_t)i, ASTERISK_QUICK_NS,
			       k->trunks[i].wanted ? "PJSIPRegister" : "PJSIPUnregister", fields, 1, now);
}

void trunks_order(void *ctx, uint64_t id, size_t trunk, bool registered, boot_t now)
{
	struct asterisk *k = ctx;
	struct asterisk_trunk *t = &k->trunks[trunk];

	if (t->answer_id)
		adapter_main_answer(k->m, t->answer_id, "another order followed");
	t->answer_id = id;
	t->wanted = registered;
	t->ordered = true;
	if (!k->booted || trunk_send(k, trunk, now) < 0) {
		adapter_main_answer(k->m, id,
				    k->ami.error[0] ? k->ami.error : "Asterisk is not fully booted");
		t->answer_id = 0;
	} else if (registered) {
		trunk_tell(k, t, TRUNK_REGISTERING, "ordered");
	}
}

/* A standby whose Asterisk was started registers by itself. */
void trunks_booted(struct asterisk *k, boot_t now)
{
	for (size_t i = 0; i < k->trunks_count; i++)
		if (k->trunks[i].ordered ? !k->trunks[i].wanted : !k->active)
			(void)trunk_send(k, i, now); /* lost: the list shows it, and it is sent again */
	k->trunks_at = boot_add(now, LIST_SOON_NS);
}

void trunks_changed(struct asterisk *k, boot_t now)
{
	k->trunks_at = boot_min(k->trunks_at, boot_add(now, LIST_SOON_NS));
}

static void order_answered(struct asterisk *k, struct asterisk_trunk *t, enum ami_answer what,
			   const struct ami_message *m, boot_t now)
{
	const char *text = m ? ami_message_get(m, "Message") : NULL;
	char why[ADAPTER_WHY_MAX];

	trunks_changed(k, now);
	if (!t->answer_id)
		return;
	(void)snprintf(why, sizeof why, "registration %.60s: %.80s", t->registration,
		       what == AMI_LOST ? "AMI gave no answer"
		       : text		? text
					: "refused"); /* fits */
	adapter_main_answer(k->m, t->answer_id, what == AMI_DONE ? NULL : why);
	t->answer_id = 0;
}

/* ---- the list ---- */

static void trunk_judge(struct asterisk *k, size_t i, const char *status, boot_t now)
{
	struct asterisk_trunk *t = &k->trunks[i];
	bool off = t->ordered ? !t->wanted : !k->active;

	if (!strcasecmp(status, "Registered")) {
		trunk_tell(k, t, TRUNK_REGISTERED, "");
		if (off)
			(void)trunk_send(k, i, now); /* lost: again with the next list */
	} else if (!strcasecmp(status, "Rejected") || !strcasecmp(status, "Stopped")) {
		if (off)
			trunk_tell(k, t, TRUNK_UNREGISTERED, "the carrier did not confirm");
		else /* AMI tells neither why nor whether Asterisk tries again */
			trunk_tell(k, t, TRUNK_FAILED, "Asterisk calls it rejected: refused, or no answer");
	} else {
		trunk_tell(k, t, off ? TRUNK_UNREGISTERED : TRUNK_REGISTERING, "");
		/* An order that comes while Asterisk still waits for an answer is dropped without a word: to
		 * the unregistration of the time when the gate was shut, for up to 32 s. */
		if (!off && boot_diff_ns(t->sent_at, now) >= AGAIN_NS)
			(void)trunk_send(k, i, now);
	}
}

static void trunk_item(struct asterisk *k, const struct ami_message *m, boot_t now)
{
	const char *name = ami_message_get(m, "ObjectName"), *status = ami_message_get(m, "Status");
	const char *delay = ami_message_get(m, "MaxRandomInitialDelay");

	for (size_t i = 0; name && i < k->trunks_count; i++) {
		struct asterisk_trunk *t = &k->trunks[i];

		if (strcmp(t->registration, name) != 0)
			continue;
		t->listed = true;
		trunk_judge(k, i, status ? status : "", now);
		if (delay && strcmp(delay, "0") != 0 && !t->delay_said)
			adapter_main_log(k->m,
					 "trunk %s: max_random_initial_delay is %.10s s: a take-over "
					 "registers that much later; set it to 0",
					 t->name, delay);
		t->delay_said = true;
	}
}

static void list_ended(struct asterisk *k, bool ok, boot_t now)
{
	bool hurry = false;

	for (size_t i = 0; i < k->trunks_count; i++) {
		struct asterisk_trunk *t = &k->trunks[i];

		if (ok && !t->listed)
			trunk_tell(k, t, TRUNK_UNKNOWN, "Asterisk has no registration of that name");
		t->listed = false;
		hurry |= t->state == TRUNK_REGISTERING;
	}
	k->trunks_at = boot_min(k->trunks_at, boot_add(now, hurry ? LIST_HURRY_NS : LIST_NS));
}

void trunks_answered(struct asterisk *k, const struct ami_slot *slot, enum ami_answer what,
		     const struct ami_message *m, boot_t now)
{
	if (slot->call == AMI_ORDER)
		order_answered(k, &k->trunks[slot->tag], what, m, now);
	else if (what == AMI_ITEM)
		trunk_item(k, m, now);
	else
		list_ended(k, what == AMI_DONE, now);
}

void trunks_tick(struct asterisk *k, boot_t now)
{
	if (k->trunks_count == 0 || !k->booted || boot_before(now, k->trunks_at) ||
	    ami_client_in_flight(&k->ami, AMI_TRUNKS))
		return;
	k->trunks_at = boot_add(now, LIST_NS);
	(void)ami_client_call(&k->ami, AMI_TRUNKS, 0, ASTERISK_LIST_NS, "PJSIPShowRegistrationsOutbound",
			      NULL, 0, now); /* again in a while */
}

boot_t trunks_next(const struct asterisk *k)
{
	return k->trunks_count > 0 && k->booted && !ami_client_in_flight(&k->ami, AMI_TRUNKS) ? k->trunks_at
											      : BOOT_NEVER;
}
