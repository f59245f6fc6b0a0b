/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Re-INVITEs of the calls with the carriers: a list of channels, the address of the other side of each that
 * is up, and PJSIP_SEND_SESSION_REFRESH on those whose address is a trunk's.
 */
#include "asterisk_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GIVE_UP_NS (8 * NS_PER_S) /* before the agent does */
#define STATE_UP   "6"

static void reinvite_end(struct asterisk *k, const char *why)
{
	struct asterisk_reinvites *r = &k->reinvites;
	uint64_t id = r->id;
	char sentence[64];

	r->id = 0;
	r->count = 0;
	if (!id)
		return;
	(void)snprintf(sentence, sizeof sentence, "re-INVITEs sent on %u call%s", r->sent,
		       r->sent == 1 ? "" : "s"); /* fits */
	if (why)
		adapter_main_answer(k->m, id, why);
	else
		adapter_main_done(k->m, id, sentence);
}

void reinvite_order(void *ctx, uint64_t id, boot_t now)
{
	struct asterisk *k = ctx;
	struct asterisk_reinvites *r = &k->reinvites;

	reinvite_end(k, "ordered once more meanwhile");
	r->id = id;
	r->order++;
	r->next = r->in_flight = r->sent = 0;
	r->refused[0] = 0;
	r->listed = false;
	r->give_up_at = boot_add(now, GIVE_UP_NS);
	if (ami_client_call(&k->ami, AMI_REINVITE_LIST, r->order, ASTERISK_LIST_NS, "CoreShowChannels", NULL,
			    0, now) < 0)
		reinvite_end(k, k->ami.error[0] ? k->ami.error : "AMI is busy");
}

static void reinvite_note(struct asterisk_reinvites *r, const struct ami_message *m)
{
	const char *channel = ami_message_get(m, "Channel"), *state = ami_message_get(m, "ChannelState");

	if (channel && state && !strcmp(state, STATE_UP) && !strncasecmp(channel, "PJSIP/", 6) &&
	    strlen(channel) < sizeof r->channel[0] && r->count < ASTERISK_REINVITES_MAX)
		(void)snprintf(r->channel[r->count++], sizeof r->channel[0], "%s", channel); /* measured */
}

/* Where the other side's media is, else where its SIP goes: it may be a name, which is no peer. */
static const char *const questions[] = { "CHANNEL(rtp,dest)", "CHANNEL(pjsip,target_uri)" };

static bool reinvite_ask(struct asterisk *k, uint32_t i, uint32_t question, boot_t now)
{
	struct asterisk_reinvites *r = &k->reinvites;
	const struct ami_field fields[] = { { "Channel", r->channel[i] },
					    { "Variable", questions[question] } };

	if (ami_client_call(&k->ami, AMI_REINVITE_PEER, r->order << 16 | question << 15 | i,
			    ASTERISK_QUICK_NS, "Getvar", fields, 2, now) < 0)
		return false;
	r->in_flight++;
	return true;
}

/* "sip:itsp@203.0.113.5:5060;transport=udp", or "203.0.113.5:5060". */
static bool is_peer(const struct asterisk *k, const char *value)
{
	const char *colon = strncasecmp(value, "sip", 3) ? NULL : strchr(value, ':'),
		   *at = strchr(value, '@');
	char host[80];
	struct ip_address ip;
	size_t n;

	value = at ? at + 1 : colon ? colon + 1 : value;
	n = strcspn(value, ";?");
	if (n + sizeof ":" > sizeof host)
		return false;
	(void)snprintf(host, sizeof host, "%.*s:", (int)n, value); /* fits; a URI need not name a port */
	if (strchr(value, ':') && strcspn(value, ":") < n)
		host[n] = 0;
	return asterisk_address(host, &ip) && adapter_main_is_peer(k->config, &ip);
}

/* A channel of a carrier's? Then it is to be refreshed. */
static void reinvite_judge(struct asterisk *k, uint32_t tag, const struct ami_message *m, boot_t now)
{
	struct asterisk_reinvites *r = &k->reinvites;
	const char *value = ami_message_get(m, "Value");
	uint32_t i = tag & 0x7fff;
	const struct ami_field fields[] = { { "Channel", r->channel[i] },
					    { "Variable", "PJSIP_SEND_SESSION_REFRESH()" },
					    { "Value", "invite" } };

	if (!value || !is_peer(k, value)) {
		if (!(tag >> 15 & 1))
			(void)reinvite_ask(k, i, 1, now); /* there is room: one has just been answered */
		return;
	}
	if (ami_client_call(&k->ami, AMI_REINVITE, r->order, ASTERISK_QUICK_NS, "Setvar", fields, 3, now) ==
	    0)
		r->in_flight++;
}

static void reinvite_refused(struct asterisk_reinvites *r, const char *what, const struct ami_message *m)
{
	const char *text = ami_message_get(m, "Message");

	/* A call that has ended meanwhile is none. */
	if (text && strcasestr(text, "No such channel"))
		return;
	(void)snprintf(r->refused, sizeof r->refused, "AMI refuses %s: %.100s", what,
		       text ? text : "no reason given"); /* fits */
}

static void reinvite_go_on(struct asterisk *k, boot_t now)
{
	struct asterisk_reinvites *r = &k->reinvites;

	while (r->id && r->listed && r->next < r->count &&
	       ami_client_free_slots(&k->ami) > AMI_SLOTS_MAX / 2) {
		if (!reinvite_ask(k, (uint32_t)r->next, 0, now))
			return; /* the next tick */
		r->next++;
	}
	if (r->id && r->listed && r->next == r->count && r->in_flight == 0)
		reinvite_end(k, r->refused[0] && r->sent == 0 ? r->refused : NULL);
}

void reinvite_answered(struct asterisk *k, const struct ami_slot *slot, enum ami_answer what,
		       const struct ami_message *m, boot_t now)
{
	struct asterisk_reinvites *r = &k->reinvites;
	bool peer = slot->call == AMI_REINVITE_PEER;

	if (!r->id || (peer ? slot->tag >> 16 : slot->tag) != (peer ? r->order & 0xffff : r->order))
		return; /* of an order that was given up */
	if (what == AMI_LOST) {
		reinvite_end(k, "AMI was lost meanwhile");
		return;
	}
	if (slot->call == AMI_REINVITE_LIST) {
		if (what == AMI_ITEM)
			reinvite_note(r, m);
		else
			r->listed = true;
	} else {
		r->in_flight--;
		if (what == AMI_FAILED)
			reinvite_refused(r, peer ? "Getvar CHANNEL()" : "Setvar PJSIP_SEND_SESSION_REFRESH()",
					 m);
		else if (peer)
			reinvite_judge(k, slot->tag, m, now);
		else
			r->sent++;
	}
	reinvite_go_on(k, now);
}

void reinvite_tick(struct asterisk *k, boot_t now)
{
	if (!k->reinvites.id)
		return;
	if (!boot_before(now, k->reinvites.give_up_at))
		reinvite_end(k, "Asterisk takes too long");
	reinvite_go_on(k, now);
}

boot_t reinvite_next(const struct asterisk *k)
{
	return k->reinvites.id ? k->reinvites.give_up_at : BOOT_NEVER;
}
