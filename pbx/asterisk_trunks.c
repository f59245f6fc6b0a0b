/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registrations at carriers, ordered by the agent. A registration that the agent ordered off stays off over
 * reloads, but not over a restart: it is ordered off again at once.
 *
 * AMI tells that a REGISTER was refused or not answered, but neither the carrier's status nor its
 * Retry-After. Asterisk knows them, and keeps them: whatever was refused, also the unregistration that an
 * order begins with, its next try is a REGISTER, after Retry-After or the interval that its configuration has
 * for such an answer. So a refusal is told to the agent as one that Asterisk itself tries again, unless the
 * configuration lets it give up.
 */
#include "asterisk_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIST_NS	      (10 * NS_PER_S)
#define LIST_SOON_NS  (200 * NS_PER_MS)
#define LIST_HURRY_NS NS_PER_S /* while something is under way */
/* An order takes one second; one that comes while Asterisk still waits for an answer is dropped without a
 * word. Doubled each time. */
#define AGAIN_NS     (3 * NS_PER_S)
#define AGAIN_NS_MAX (48 * NS_PER_S)
/* Less than a SIP transaction lasts (RFC 3261 timer F, 32 s): what ends earlier was not begun by the order.
 */
#define TRANSACTION_NS (31 * NS_PER_S)
/* Where Asterisk may have given up: as after a rejection. */
#define PAUSE_S	      300
#define TRANSACTION_S 40

void trunks_configure(struct asterisk *k, const struct adapter_main_config *c, boot_t now)
{
	k->trunks_count = c->trunks_count;
	k->trunks_at = now;
	k->trunks_due_at = BOOT_NEVER;
	for (size_t i = 0; i < c->trunks_count; i++)
		k->trunks[i] = (struct asterisk_trunk){ .name = c->trunks[i].name,
							.registration = c->trunks[i].registration,
							.again_ns = AGAIN_NS };
}

static bool trunk_wants_on(const struct asterisk *k, const struct asterisk_trunk *t)
{
	return t->ordered ? t->wanted : k->active;
}

/* ---- what the agent is told ---- */

static void trunk_say(struct asterisk *k, struct asterisk_trunk *t, const struct adapter_trunk *report)
{
	t->told = true;
	t->state = report->state;
	(void)snprintf(t->why, sizeof t->why, "%s", report->why); /* cutting a sentence is fine */
	adapter_main_trunk(k->m, report);
}

static void trunk_tell(struct asterisk *k, struct asterisk_trunk *t, enum trunk_state state, const char *why)
{
	const struct adapter_trunk report = {
		.name = t->name, .state = state, .why = why, .retry_after_ms = -1
	};

	if (!t->told || t->state != state || strcmp(t->why, why) != 0)
		trunk_say(k, t, &report);
}

/* Told each time: each of Asterisk's own tries puts off what the agent would order. */
static void trunk_refused(struct asterisk *k, struct asterisk_trunk *t)
{
	bool may_stop = t->fatal_retry_s == 0 || t->refusals > t->retries_max;
	uint32_t pause_s = t->longest_retry_s + TRANSACTION_S;
	const struct adapter_trunk report = {
		.name = t->name,
		.state = TRUNK_FAILED,
		.why = may_stop ? "refused or not answered, AMI does not tell; Asterisk may have given up"
				: "refused or not answered, AMI does not tell; Asterisk tries again",
		.retry_after_ms = may_stop ? (int64_t)(pause_s > PAUSE_S ? pause_s : PAUSE_S) * 1000 : -1,
		.retries = !may_stop,
	};

	trunk_say(k, t, &report);
}

/* ---- orders ---- */

void trunk_sent(struct asterisk_trunk *t, boot_t now)
{
	t->due = t->undone = t->idle = false;
	t->waits = ASTERISK_WAITS_ORDER;
	t->sent_at = now;
}

int trunk_send(struct asterisk *k, size_t i, boot_t now)
{
	const struct ami_field fields[] = { { "Registration", k->trunks[i].registration } };

	trunk_sent(&k->trunks[i], now);
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
	t->was_off = t->ordered && !t->wanted;
	t->was_on = registered && (t->registered || t->state == TRUNK_REGISTERED ||
				   (t->waits == ASTERISK_WAITS_ORDER && t->was_on));
	t->wanted = registered;
	t->ordered = true;
	t->due = t->heard = t->repeated = t->idle = false;
	t->again_ns = AGAIN_NS;
	t->refusals = 0;
	t->ordered_at = now;
	if (!k->booted || (!registered && trunk_send(k, trunk, now) < 0)) {
		adapter_main_answer(k->m, id,
				    k->ami.error[0] ? k->ami.error : "Asterisk is not fully booted");
		t->answer_id = 0;
	} else if (registered) {
		together_order(k, t, now);
		trunk_tell(k, t, TRUNK_REGISTERING, "ordered");
	}
}

/* An Asterisk that was started registers by itself, a standby's, too. */
void trunks_booted(struct asterisk *k, boot_t now)
{
	k->trunks_listed = false;
	for (size_t i = 0; i < k->trunks_count; i++) {
		struct asterisk_trunk *t = &k->trunks[i];

		if (!trunk_wants_on(k, t)) {
			t->wanted = false;
			(void)trunk_send(k, i, now); /* lost: the list shows it, and it is sent again */
		} else if (!t->due) {
			t->waits = ASTERISK_WAITS_START;
			t->sent_at = now;
			t->again_ns = AGAIN_NS;
		}
	}
	k->trunks_at = boot_add(now, LIST_SOON_NS);
}

static void trunks_look(struct asterisk *k, boot_t now)
{
	k->trunks_at = boot_min(k->trunks_at, boot_add(now, LIST_SOON_NS));
}

static void order_answered(struct asterisk *k, struct asterisk_trunk *t, enum ami_answer what,
			   const struct ami_message *m, boot_t now)
{
	const char *text = m ? ami_message_get(m, "Message") : NULL;
	char why[ADAPTER_WHY_MAX];

	trunks_look(k, now);
	if (!t->answer_id)
		return;
	(void)snprintf(why, sizeof why, "registration %.60s: %.80s", t->registration,
		       what == AMI_LOST ? "AMI gave no answer"
		       : text		? text
					: "refused"); /* fits */
	adapter_main_answer(k->m, t->answer_id, what == AMI_DONE ? NULL : why);
	t->answer_id = 0;
}

/* ---- Registry events ---- */

/* What an order found under way has ended, and the order was dropped: that outcome is not the order's. */
static bool outcome_is_older(const struct asterisk_trunk *t, boot_t now)
{
	int64_t after_ns = boot_diff_ns(t->ordered_at, now);

	return t->waits == ASTERISK_WAITS_ORDER && !t->heard && !t->repeated && after_ns > AGAIN_NS &&
	       after_ns < TRANSACTION_NS;
}

static void heard_rejected(struct asterisk *k, size_t i, boot_t now)
{
	struct asterisk_trunk *t = &k->trunks[i];

	if (outcome_is_older(t, now)) {
		t->repeated = true;
		(void)trunk_send(k, i, now); /* lost: the list shows it, and it is sent again */
		return;
	}
	t->waits = ASTERISK_WAITS_NOT;
	t->refusals++;
	trunk_refused(k, t);
}

static void heard_unregistered(struct asterisk *k, struct asterisk_trunk *t, boot_t now)
{
	if (t->state != TRUNK_REGISTERED || t->waits == ASTERISK_WAITS_ORDER) {
		t->idle = true; /* an order begins with it */
		return;
	}
	/* By somebody's hand; or the last word of what Asterisk had under way when all registrations were
	 * made anew: then its list says that all is well. */
	t->undone = true;
	t->waits = ASTERISK_WAITS_ORDER;
	t->sent_at = now;
	t->again_ns = AGAIN_NS;
	trunk_tell(k, t, TRUNK_REGISTERING, "unregistered, not by an order");
}

static void trunk_heard(struct asterisk *k, size_t i, const char *status, boot_t now)
{
	struct asterisk_trunk *t = &k->trunks[i];

	if (!trunk_wants_on(k, t))
		return;
	if (!strcasecmp(status, "Registered")) {
		t->undone = false;
		t->waits = ASTERISK_WAITS_NOT;
		t->refusals = 0;
		trunk_tell(k, t, TRUNK_REGISTERED, "");
	} else if (!strcasecmp(status, "Unregistered")) {
		heard_unregistered(k, t, now);
	} else {
		heard_rejected(k, i, now);
	}
	t->heard = true;
}

void trunks_heard(struct asterisk *k, const struct ami_message *m, boot_t now)
{
	const char *client = ami_message_get(m, "Username"), *server = ami_message_get(m, "Domain");
	const char *status = ami_message_get(m, "Status");

	for (size_t i = 0; client && server && status && i < k->trunks_count; i++)
		if (!strcmp(k->trunks[i].client_uri, client) && !strcmp(k->trunks[i].server_uri, server))
			trunk_heard(k, i, status, now);
	trunks_look(k, now);
}

/* ---- the list ---- */

/* Lost: again with the next list. A registration without a state is made by making all of them anew. So is
 * one whose carrier takes a second to answer an unregistration: the REGISTER is dropped then, each time. */
static void trunk_send_again(struct asterisk *k, size_t i, boot_t now)
{
	struct asterisk_trunk *t = &k->trunks[i];

	if (boot_diff_ns(t->sent_at, now) < t->again_ns || t->due)
		return;
	if (t->again_ns < AGAIN_NS_MAX)
		t->again_ns *= 2;
	if (t->stateless || t->idle)
		together_order(k, t, now);
	else
		(void)trunk_send(k, i, now);
}

static void trunk_judge_off(struct asterisk *k, size_t i, bool rejected, boot_t now)
{
	struct asterisk_trunk *t = &k->trunks[i];

	if (t->registered) {
		trunk_tell(k, t, TRUNK_REGISTERED, "");
		t->wanted = false;
		(void)trunk_send(k, i, now); /* lost: again with the next list */
	} else {
		trunk_tell(k, t, TRUNK_UNREGISTERED, rejected ? "the carrier did not confirm" : "");
	}
}

/* What the list shows is of after the order: by an event, or by its time where no event can be told apart.
 * What was registered stays so in the list while its carrier is silent. */
static bool trunk_is_news(const struct asterisk_trunk *t, boot_t now)
{
	if (t->waits != ASTERISK_WAITS_ORDER)
		return true;
	if (boot_diff_ns(t->sent_at, now) < AGAIN_NS)
		return false;
	return !*t->client_uri || (t->registered && !t->was_on);
}

static void trunk_judge(struct asterisk *k, size_t i, const char *status, boot_t now)
{
	struct asterisk_trunk *t = &k->trunks[i];
	bool rejected = !strcasecmp(status, "Rejected") || !strcasecmp(status, "Stopped");

	t->registered = !strcasecmp(status, "Registered");
	if (!trunk_wants_on(k, t)) {
		trunk_judge_off(k, i, rejected, now);
	} else if (t->registered && !t->undone && trunk_is_news(t, now)) {
		t->waits = ASTERISK_WAITS_NOT;
		trunk_tell(k, t, TRUNK_REGISTERED, "");
	} else if (rejected && trunk_is_news(t, now)) {
		t->waits = ASTERISK_WAITS_NOT;
		if (t->state != TRUNK_FAILED || !t->told)
			trunk_refused(k, t);
	} else if (t->waits == ASTERISK_WAITS_NOT && !t->stateless) {
		trunk_tell(k, t, TRUNK_UNREGISTERED, "");
	} else {
		trunk_tell(k, t, TRUNK_REGISTERING, "");
		t->wanted = true;
		trunk_send_again(k, i, now);
	}
}

static uint32_t item_number(const struct ami_message *m, const char *name)
{
	const char *text = ami_message_get(m, name);

	return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static void item_uri(const struct ami_message *m, const char *name, char ret[ASTERISK_URI_MAX])
{
	const char *text = ami_message_get(m, name);

	/* One that is too long is never equal to what an event says: then the list alone tells. */
	(void)snprintf(ret, ASTERISK_URI_MAX, "%s",
		       text && strlen(text) < ASTERISK_URI_MAX ? text : ""); /* fits */
}

/* What of its configuration matters here. */
static void trunk_learn(struct asterisk *k, struct asterisk_trunk *t, const struct ami_message *m)
{
	static const char *const retries[] = { "RetryInterval", "ForbiddenRetryInterval",
					       "FatalRetryInterval" };
	uint32_t delay_s = item_number(m, "MaxRandomInitialDelay");

	item_uri(m, "ClientUri", t->client_uri);
	item_uri(m, "ServerUri", t->server_uri);
	t->fatal_retry_s = item_number(m, "FatalRetryInterval");
	t->retries_max = item_number(m, "MaxRetries");
	t->longest_retry_s = 0;
	for (size_t i = 0; i < sizeof retries / sizeof retries[0]; i++)
		if (item_number(m, retries[i]) > t->longest_retry_s)
			t->longest_retry_s = item_number(m, retries[i]);
	if (t->settings_said)
		return;
	t->settings_said = true;
	if (delay_s > 0)
		adapter_main_log(k->m,
				 "trunk %s: max_random_initial_delay is %u s: a take-over registers that "
				 "much later; set it to 0",
				 t->name, delay_s);
	if (t->fatal_retry_s == 0)
		adapter_main_log(k->m,
				 "trunk %s: fatal_retry_interval is 0: Asterisk may give up after a refusal, "
				 "and does not say so; set it to 300",
				 t->name);
}

static void trunk_item(struct asterisk *k, const struct ami_message *m, boot_t now)
{
	const char *name = ami_message_get(m, "ObjectName"), *status = ami_message_get(m, "Status");
	const char *type = ami_message_get(m, "ObjectType");
	bool mine = false;

	if (!name || (type && strcasecmp(type, "registration") != 0))
		return; /* its AuthDetail */
	for (size_t i = 0; i < k->trunks_count; i++) {
		struct asterisk_trunk *t = &k->trunks[i];

		if (strcmp(t->registration, name) != 0)
			continue;
		mine = t->listed = true;
		t->stateless = !status;
		trunk_learn(k, t, m);
		trunk_judge(k, i, status ? status : "", now);
	}
	k->trunks_foreign_seen += !mine;
}

static void list_ended(struct asterisk *k, bool ok, boot_t now)
{
	bool hurry = false;

	for (size_t i = 0; i < k->trunks_count; i++) {
		struct asterisk_trunk *t = &k->trunks[i];

		if (ok && !t->listed)
			trunk_tell(k, t, TRUNK_UNKNOWN, "Asterisk has no registration of that name");
		if (ok)
			t->known = t->listed;
		t->listed = false;
		hurry |= t->state == TRUNK_REGISTERING;
	}
	if (ok)
		k->trunks_foreign = k->trunks_foreign_seen;
	k->trunks_listed |= ok;
	k->trunks_at = boot_min(k->trunks_at, boot_add(now, hurry ? LIST_HURRY_NS : LIST_NS));
}

void trunks_answered(struct asterisk *k, const struct ami_slot *slot, enum ami_answer what,
		     const struct ami_message *m, boot_t now)
{
	if (slot->call == AMI_FILE || slot->call == AMI_TOGETHER) {
		together_answered(k, slot->call, what, m, now);
		if (slot->call == AMI_TOGETHER)
			for (size_t i = 0; i < k->trunks_count; i++)
				if (k->trunks[i].wanted)
					order_answered(k, &k->trunks[i], what, m, now);
	} else if (slot->call == AMI_ORDER) {
		order_answered(k, &k->trunks[slot->tag], what, m, now);
	} else if (what == AMI_ITEM) {
		trunk_item(k, m, now);
	} else {
		list_ended(k, what == AMI_DONE, now);
	}
}

void trunks_tick(struct asterisk *k, boot_t now)
{
	together_tick(k, now);
	if (k->trunks_count == 0 || !k->booted || boot_before(now, k->trunks_at) ||
	    ami_client_in_flight(&k->ami, AMI_TRUNKS))
		return;
	k->trunks_at = boot_add(now, LIST_NS);
	k->trunks_foreign_seen = 0;
	(void)ami_client_call(&k->ami, AMI_TRUNKS, 0, ASTERISK_LIST_NS, "PJSIPShowRegistrationsOutbound",
			      NULL, 0, now); /* again in a while */
}

boot_t trunks_next(const struct asterisk *k)
{
	boot_t next = k->trunks_count > 0 && k->booted && !ami_client_in_flight(&k->ami, AMI_TRUNKS)
			      ? k->trunks_at
			      : BOOT_NEVER;

	/* What is ordered while the file is read waits for that answer, which wakes us. */
	return ami_client_in_flight(&k->ami, AMI_FILE) ? next : boot_min(next, k->trunks_due_at);
}
