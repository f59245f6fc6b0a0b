/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a PBX says of its registration at a carrier: words of the adapter protocol, and nothing else.
 */
#ifndef RK_TRUNK_STATE_H
#define RK_TRUNK_STATE_H

#include <stdbool.h>

enum trunk_state {
	TRUNK_UNKNOWN, /* not yet asked, or the PBX does not know this registration */
	TRUNK_UNREGISTERED,
	TRUNK_REGISTERING,
	TRUNK_REGISTERED,
	TRUNK_FAILED,	/* for now: no answer, 5xx */
	TRUNK_REJECTED, /* 401, 403, 404: trying again does not help */
	TRUNK_STATES
};

const char *trunk_state_name(enum trunk_state s);
/* False: no such word. */
bool trunk_state_from_name(const char *name, enum trunk_state *ret);

#endif
