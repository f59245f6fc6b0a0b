/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls: how many, by asterisk_channels.h, and which endpoints are in one. The list of channels is asked for
 * at most once a second, and less often when it is long.
 */
#include "asterisk_private.h"

#include <strings.h>

#define CHANNELS_NS  (60 * NS_PER_S)
#define LIST_NS_MIN  (900 * NS_PER_MS) /* so that each answer of CoreStatus finds it due */
#define A_CHANNEL_NS (5 * NS_PER_MS)   /* 200 channels: once a second */

void calls_channels(struct asterisk *k, uint32_t channels, boot_t now)
{
	int64_t every_ns = channels * A_CHANNEL_NS;

	if (channels == ADAPTER_CALLS_UNKNOWN) {
		k->calls = channels;
		return;
	}
	k->calls = asterisk_channels_calls(&k->channels, channels);
	if (channels == 0)
		return;
	k->channels_at = boot_min(k->channels_at, boot_add(k->channels_asked_at,
							   every_ns > LIST_NS_MIN ? every_ns : LIST_NS_MIN));
	calls_tick(k, now);
}

static const char *field(const struct ami_message *m, const char *name)
{
	const char *value = ami_message_get(m, name);

	return value ? value : "";
}

void calls_event(struct asterisk *k, const char *event, const struct ami_message *m, boot_t now)
{
	bool up = !strcasecmp(event, "Newchannel"), gone = !strcasecmp(event, "Hangup");

	asterisk_channels_event(&k->channels, field(m, "Channel"), field(m, "Uniqueid"),
				gone ? NULL : field(m, "ChannelState"), now);
	if (up || gone)
		asterisk_names_channel(&k->names, field(m, "Channel"), up, now);
}

static void calls_ask(struct asterisk *k, boot_t now)
{
	k->channels_at = boot_add(now, CHANNELS_NS);
	if (ami_client_in_flight(&k->ami, AMI_CHANNELS))
		return;
	k->channels_asked_at = now;
	asterisk_names_list_begin(&k->names);
	asterisk_channels_list_begin(&k->channels);
	if (ami_client_call(&k->ami, AMI_CHANNELS, 0, ASTERISK_LIST_NS, "CoreShowChannels", NULL, 0, now) < 0)
		k->channels_at = boot_add(now, NS_PER_S);
}

void calls_answered(struct asterisk *k, enum ami_answer what, const struct ami_message *m, boot_t now)
{
	const char *channel = m ? ami_message_get(m, "Channel") : NULL;

	if (what == AMI_ITEM && channel) {
		asterisk_names_listed(&k->names, channel);
		asterisk_channels_listed(&k->channels, channel, field(m, "Linkedid"));
	} else if (what == AMI_DONE) {
		asterisk_names_list_end(&k->names, now);
		if (asterisk_channels_list_end(&k->channels) && k->calls != ADAPTER_CALLS_UNKNOWN)
			k->calls = asterisk_channels_calls(&k->channels, (uint32_t)k->channels.count);
	}
}

void calls_tick(struct asterisk *k, boot_t now)
{
	if (k->booted && !boot_before(now, k->channels_at))
		calls_ask(k, now);
}

boot_t calls_next(const struct asterisk *k)
{
	boot_t answered = asterisk_channels_next(&k->channels);

	return k->booted ? boot_min(k->channels_at, answered) : answered;
}
