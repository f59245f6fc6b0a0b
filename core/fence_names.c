/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence.h"

static const char *const state_names[FENCE_STATES_COUNT] = {
	[FENCE_CLEAN] = "clean",	 [FENCE_SUSPECT] = "suspect",	  [FENCE_DELAY] = "delay",
	[FENCE_SHOOTING] = "shooting",	 [FENCE_VERIFYING] = "verifying", [FENCE_FENCED] = "fenced",
	[FENCE_FAILED] = "failed",	 [FENCE_UNKNOWN] = "unknown",	  [FENCE_DISPUTED] = "disputed",
	[FENCE_CONFIRMED] = "confirmed",
};

const char *fence_state_name(enum fence_state s)
{
	return (unsigned)s < FENCE_STATES_COUNT ? state_names[s] : "?";
}

static const char *const answer_names[] = {
	[FENCE_ANSWER_OK] = "ok",	  [FENCE_ANSWER_OFF] = "off",
	[FENCE_ANSWER_FAILED] = "failed", [FENCE_ANSWER_TIMEOUT] = "timeout",
	[FENCE_ANSWER_BROKEN] = "broken",
};

const char *fence_answer_name(enum fence_answer a)
{
	return a >= FENCE_ANSWER_OK && a <= FENCE_ANSWER_BROKEN ? answer_names[a] : "?";
}

static const char *const verb_names[] = {
	[FENCE_OFF] = "off",	   [FENCE_ON] = "on",		[FENCE_REBOOT] = "reboot",
	[FENCE_STATUS] = "status", [FENCE_MONITOR] = "monitor",
};

const char *fence_verb_name(enum fence_verb v)
{
	return v >= FENCE_OFF && v <= FENCE_MONITOR ? verb_names[v] : "?";
}

static const char *const refusal_texts[] = {
	[FENCE_ACCEPTED] = "accepted",
	[FENCE_REFUSED_UNKNOWN] = "it is no node of the configuration that could hold a group; name one of "
				  "those that hactl status shows",
	[FENCE_REFUSED_SELF] = "a node neither shoots itself nor says of itself that it is off; ask another "
			       "node",
	[FENCE_REFUSED_NO_DEVICE] =
		"the configuration has no fence level for it; add one, or switch it off by "
		"hand and confirm that",
	[FENCE_REFUSED_ALIVE] = "it is alive: corosync or its pulses are heard; only a lost node can be "
				"confirmed as off",
	[FENCE_REFUSED_NOT_QUORATE] = "this part of the cluster is not quorate, so it shoots nobody; see "
				      "corosync-quorumtool",
};

const char *fence_refusal_text(enum fence_refusal r)
{
	return (unsigned)r <= FENCE_REFUSED_NOT_QUORATE ? refusal_texts[r] : "?";
}
