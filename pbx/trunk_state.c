/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trunk_state.h"

#include <string.h>

static const char *const names[TRUNK_STATES] = {
	[TRUNK_UNKNOWN] = "unknown",	     [TRUNK_UNREGISTERED] = "unregistered",
	[TRUNK_REGISTERING] = "registering", [TRUNK_REGISTERED] = "registered",
	[TRUNK_FAILED] = "failed",	     [TRUNK_REJECTED] = "rejected",
};

const char *trunk_state_name(enum trunk_state s)
{
	return s < TRUNK_STATES ? names[s] : "?";
}

bool trunk_state_from_name(const char *name, enum trunk_state *ret)
{
	for (int i = 0; i < TRUNK_STATES; i++)
		if (!strcmp(name, names[i])) {
			*ret = (enum trunk_state)i;
			return true;
		}
	return false;
}
