/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What Asterisk's channels say of calls. A call has one channel for each who takes part, and all of them have
 * its Linkedid: calls are counted by that, from the list of CoreShowChannels, which is long on a busy PBX;
 * CoreStatus has the number of channels at any time. Who waits for an answer is kept by events. Pure.
 */
#ifndef RK_ASTERISK_CHANNELS_H
#define RK_ASTERISK_CHANNELS_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASTERISK_CALLING_MAX 1024

/* Asterisk says that a caller is answered, or gone, before it has sent the caller the answer: another thread
 * of its sends that, later the busier the machine is. Who would cut it off waits for so much longer. */
#define ASTERISK_ANSWERED_NS (100 * NS_PER_MS)

struct asterisk_caller {
	uint64_t id;
	boot_t until; /* BOOT_NEVER: not answered yet */
};

struct asterisk_channels {
	uint64_t *listed; /* of each channel in the list that is under way */
	size_t count, room;
	bool incomplete;				      /* no memory for all of it */
	uint32_t calls, channels;			      /* in the last whole list; none yet: 1 and 2 */
	struct asterisk_caller calling[ASTERISK_CALLING_MAX]; /* by events; more are not waited for */
	size_t calling_count;
};

void asterisk_channels_init(struct asterisk_channels *c);
void asterisk_channels_close(struct asterisk_channels *c);

void asterisk_channels_list_begin(struct asterisk_channels *c);
void asterisk_channels_listed(struct asterisk_channels *c, const char *channel, const char *linkedid);
/* False: it was not whole. */
bool asterisk_channels_list_end(struct asterisk_channels *c);
/* So many channels there are now: how many calls, going by the last list? 0 only without a channel. */
uint32_t asterisk_channels_calls(const struct asterisk_channels *c, uint32_t channels);

/* An event: a channel has come, or has another state, or (state NULL) has gone. */
void asterisk_channels_event(struct asterisk_channels *c, const char *channel, const char *uniqueid,
			     const char *state, boot_t now);
/* A phone or a trunk calls and may have been told nothing but "ringing" yet: if Asterisk is cut off now, its
 * attempt fails. */
bool asterisk_channels_calling(struct asterisk_channels *c, boot_t now);
/* When that may be over without an event. */
boot_t asterisk_channels_next(const struct asterisk_channels *c);
/* Events were missed. */
void asterisk_channels_forget(struct asterisk_channels *c);

#endif
