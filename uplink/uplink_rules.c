/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_rules.h"

#include <assert.h>

/* Order matters: what is under way, then an operator's word, then nothing in use, then the end of a drain,
 * then trouble from the worst to the mildest, then failback. */
static const struct uplink_rule rules[] = {
	{ 500, UPLINK_FACT_MOVING, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "a switch is being carried out: wait for its end" },
	{ 513, UPLINK_FACT_PINNED | UPLINK_FACT_PIN_ELSEWHERE | UPLINK_FACT_PIN_BARRED,
	  UPLINK_FACT_PIN_NO_ROUTE, UPLINK_HOLD, UPLINK_TO_NOWHERE, true,
	  "the switch to the uplink that an operator wants has just failed: again in a moment; hactl uplink "
	  "auto ends this" },
	{ 510, UPLINK_FACT_PINNED | UPLINK_FACT_PIN_ELSEWHERE, UPLINK_FACT_PIN_NO_ROUTE, UPLINK_SWITCH,
	  UPLINK_TO_PINNED, false, "an operator wants this uplink: switch" },
	{ 511, UPLINK_FACT_PINNED | UPLINK_FACT_PIN_ELSEWHERE, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, true,
	  "the uplink that an operator wants has no route: stay; hactl uplink auto ends this" },
	{ 512, UPLINK_FACT_PINNED, 0, UPLINK_STAY, UPLINK_TO_NOWHERE, false,
	  "an operator wants this uplink: nothing is automatic; hactl uplink auto ends this" },
	{ 520, UPLINK_FACT_NOTHING | UPLINK_FACT_USABLE, UPLINK_FACT_DOUBT, UPLINK_SWITCH, UPLINK_TO_BEST,
	  false, "nothing is in use: take the best" },
	{ 521, UPLINK_FACT_NOTHING | UPLINK_FACT_ROUTE, 0, UPLINK_SWITCH, UPLINK_TO_FIRST, false,
	  "nothing is in use and none is known to be fit: take the preferred one that has a route" },
	{ 522, UPLINK_FACT_NOTHING, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, true, "no uplink has a route" },
	{ 530, UPLINK_FACT_DRAIN_DEAD, 0, UPLINK_FINISH, UPLINK_TO_NOWHERE, false,
	  "the uplink that is being drained is dead: its live calls go to the one in use" },
	{ 531, UPLINK_FACT_DRAIN_DONE, 0, UPLINK_FINISH, UPLINK_TO_NOWHERE, false,
	  "no call is left on the uplink that is being drained: the drain is over" },
	{ 544, UPLINK_FACT_DEAD | UPLINK_FACT_USABLE | UPLINK_FACT_DOUBT, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE,
	  false,
	  "the uplink in use is dead, and the best of the others is in doubt: a moment, to see whether it "
	  "lives" },
	{ 540, UPLINK_FACT_DEAD | UPLINK_FACT_USABLE | UPLINK_FACT_EARLY, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE,
	  false, "the uplink in use is dead, but the latest switch was just now: a moment" },
	{ 541, UPLINK_FACT_DEAD | UPLINK_FACT_USABLE | UPLINK_FACT_SPENT, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE,
	  true, "the uplink in use is dead, but there were too many switches lately: wait for the next" },
	{ 542, UPLINK_FACT_DEAD | UPLINK_FACT_USABLE, 0, UPLINK_SWITCH, UPLINK_TO_BEST, false,
	  "the uplink in use is dead: switch at once" },
	{ 543, UPLINK_FACT_DEAD, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, true,
	  "the uplink in use is dead and no other is fit: hold, change nothing, go on probing" },
	{ 550, UPLINK_FACT_UNKNOWN, 0, UPLINK_STAY, UPLINK_TO_NOWHERE, false,
	  "not known yet how good the uplink in use is: stay" },
	{ 560, UPLINK_FACT_DEGRADED | UPLINK_FACT_BETTER | UPLINK_FACT_EARLY, 0, UPLINK_HOLD,
	  UPLINK_TO_NOWHERE, false, "degraded and another is better, but the latest switch was just now" },
	{ 561, UPLINK_FACT_DEGRADED | UPLINK_FACT_BETTER | UPLINK_FACT_SCARCE, 0, UPLINK_HOLD,
	  UPLINK_TO_NOWHERE, true,
	  "degraded and another is better, but there were too many switches lately: the rest is for a dead "
	  "uplink" },
	{ 567, UPLINK_FACT_DEGRADED | UPLINK_FACT_BETTER | UPLINK_FACT_DOUBT, 0, UPLINK_HOLD,
	  UPLINK_TO_NOWHERE, false, "degraded and another is better, but that one is in doubt: a moment" },
	{ 562, UPLINK_FACT_DEGRADED | UPLINK_FACT_BETTER | UPLINK_FACT_IDLE, 0, UPLINK_SWITCH, UPLINK_TO_BEST,
	  false, "degraded, another is better and no call is up: switch" },
	{ 563, UPLINK_FACT_DEGRADED | UPLINK_FACT_BETTER | UPLINK_FACT_CONFIRMED | UPLINK_FACT_DRAINS, 0,
	  UPLINK_DRAIN, UPLINK_TO_BEST, false,
	  "degraded for a while and another is better: new calls go there, live ones stay until they end" },
	{ 566, UPLINK_FACT_DEGRADED | UPLINK_FACT_BETTER | UPLINK_FACT_DRAINING, 0, UPLINK_HOLD,
	  UPLINK_TO_NOWHERE, false,
	  "degraded and another is better, but live calls are still on a third: one drain at a time" },
	{ 564, UPLINK_FACT_DEGRADED | UPLINK_FACT_BETTER | UPLINK_FACT_CONFIRMED, 0, UPLINK_SWITCH,
	  UPLINK_TO_BEST, false, "degraded for a while and another is better: switch" },
	{ 565, UPLINK_FACT_DEGRADED | UPLINK_FACT_BETTER, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "degraded and another is better, but calls are up: wait whether it lasts" },
	{ 570, UPLINK_FACT_BACK | UPLINK_FACT_BACK_BY_HAND, 0, UPLINK_STAY, UPLINK_TO_NOWHERE, false,
	  "a preferred uplink is as good, failback is by hand: hactl uplink use" },
	{ 571, UPLINK_FACT_BACK | UPLINK_FACT_BACK_YOUNG, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "a preferred uplink is as good, but not for long enough yet" },
	{ 572, UPLINK_FACT_BACK | UPLINK_FACT_BACK_CLOSED, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "a preferred uplink is as good: back to it at the configured time of day" },
	{ 573, UPLINK_FACT_BACK | UPLINK_FACT_SCARCE, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "a preferred uplink is as good, but there were too many switches lately" },
	{ 578, UPLINK_FACT_BACK | UPLINK_FACT_EARLY, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "a preferred uplink is as good, but the latest switch was just now" },
	{ 579, UPLINK_FACT_BACK | UPLINK_FACT_BACK_DOUBT, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "a preferred uplink is as good, but it is in doubt: a moment" },
	{ 574, UPLINK_FACT_BACK | UPLINK_FACT_IDLE, 0, UPLINK_SWITCH, UPLINK_TO_BACK, false,
	  "a preferred uplink is as good and no call is up: back to it" },
	{ 575, UPLINK_FACT_BACK | UPLINK_FACT_BACK_WAITED | UPLINK_FACT_DRAINS, 0, UPLINK_DRAIN,
	  UPLINK_TO_BACK, false,
	  "a preferred uplink is as good and there was no quiet moment: new calls go back to it" },
	{ 581, UPLINK_FACT_BACK | UPLINK_FACT_DRAINING, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "a preferred uplink is as good, but live calls are still on another: one drain at a time" },
	{ 576, UPLINK_FACT_BACK | UPLINK_FACT_BACK_WAITED, 0, UPLINK_SWITCH, UPLINK_TO_BACK, false,
	  "a preferred uplink is as good and there was no quiet moment: back to it" },
	{ 577, UPLINK_FACT_BACK, 0, UPLINK_HOLD, UPLINK_TO_NOWHERE, false,
	  "a preferred uplink is as good, but calls are up: back to it when none is" },
	{ 580, 0, 0, UPLINK_STAY, UPLINK_TO_NOWHERE, false, "the uplink in use is as good as any: stay" },
};

#define RULES_COUNT (sizeof rules / sizeof rules[0])

const struct uplink_rule *uplink_rules_match(uint32_t facts)
{
	for (size_t i = 0; i < RULES_COUNT; i++)
		if ((facts & rules[i].when) == rules[i].when && !(facts & rules[i].unless))
			return &rules[i];
	assert(!"a row with no conditions ends the table");
	return NULL;
}

const struct uplink_rule *uplink_rules_table(size_t *ret_count)
{
	*ret_count = RULES_COUNT;
	return rules;
}

const char *uplink_action_name(enum uplink_action a)
{
	static const char *const names[] = {
		[UPLINK_STAY] = "stay",	  [UPLINK_HOLD] = "hold",     [UPLINK_SWITCH] = "switch",
		[UPLINK_DRAIN] = "drain", [UPLINK_FINISH] = "finish",
	};

	return (unsigned)a <= UPLINK_FINISH ? names[a] : "unknown";
}
