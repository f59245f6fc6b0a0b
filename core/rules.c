/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include <assert.h>
#include <string.h>

/* Order matters: stopping, then what an operator asked for, then the pause, then trouble from the worst to
 * the mildest, each with a second row for "nobody can take over". A healthy holder reaches R120 whatever
 * happens to others. */
static const struct rule rules[] = {
	/* ---- the holder ---- */
	{ 200, FACT_HOLDING | FACT_STOPPING | FACT_PAUSED, 0, GOAL_RELEASE, CAUSE_STOPPING,
	  "the agent stops while the cluster is paused: release, nobody takes over before resume" },
	{ 201, FACT_HOLDING | FACT_STOPPING | FACT_SUCCESSOR, 0, GOAL_HAND_OVER, CAUSE_STOPPING,
	  "the agent stops: hand over to the best candidate" },
	{ 202, FACT_HOLDING | FACT_STOPPING, 0, GOAL_RELEASE, CAUSE_STOPPING,
	  "the agent stops and no other candidate is fit: release, whoever becomes fit may ask" },
	{ 210, FACT_HOLDING | FACT_MOVE_AWAY | FACT_MOVE_READY, 0, GOAL_HAND_OVER, CAUSE_OPERATOR,
	  "an operator moves the group and its target is ready: hand over" },
	{ 220, FACT_HOLDING | FACT_PAUSED, 0, GOAL_KEEP, CAUSE_NONE,
	  "paused: keep holding, nothing is automatic" },
	{ 230, FACT_HOLDING | FACT_STANDBY | FACT_SUCCESSOR, 0, GOAL_HAND_OVER, CAUSE_OPERATOR,
	  "this node is in standby: hand over to the best candidate" },
	{ 240, FACT_HOLDING | FACT_GATE_LOST | FACT_SUCCESSOR, 0, GOAL_HAND_OVER, CAUSE_GATE_LOST,
	  "the gate or the addresses are not in force here: hand over" },
	{ 250, FACT_HOLDING | FACT_LAN_DOWN | FACT_SUCCESSOR, 0, GOAL_HAND_OVER, CAUSE_LAN_DOWN,
	  "the service network has no link here: hand over" },
	{ 260, FACT_HOLDING | FACT_PBX_DEAD | FACT_SUCCESSOR, 0, GOAL_HAND_OVER, CAUSE_PBX_DEAD,
	  "the PBX is dead: hand over at once" },
	{ 270, FACT_HOLDING | FACT_PBX_SICK | FACT_SUCCESSOR, 0, GOAL_HAND_OVER, CAUSE_PBX_SICK,
	  "the PBX does not answer SIP: hand over" },
	{ 241, FACT_HOLDING | FACT_GATE_LOST, 0, GOAL_KEEP, CAUSE_NONE,
	  "the gate or the addresses are not in force, but nobody can take over: keep the lease and repair" },
	{ 251, FACT_HOLDING | FACT_LAN_DOWN, 0, GOAL_KEEP, CAUSE_NONE,
	  "the service network has no link, but nobody can take over: keep, the link may come back" },
	{ 261, FACT_HOLDING | FACT_PBX_DEAD, 0, GOAL_KEEP, CAUSE_NONE,
	  "the PBX is dead, but nobody can take over: keep, it may come back; start a PBX" },
	{ 271, FACT_HOLDING | FACT_PBX_SICK, 0, GOAL_KEEP, CAUSE_NONE,
	  "the PBX does not answer SIP, but nobody can take over: keep, it may recover" },
	/* No path to the outside is trouble of this node, too. */
	{ 610, FACT_HOLDING | FACT_UPLINK_LOST | FACT_UPLINK_BETTER, FACT_UPLINK_SETTLED, GOAL_KEEP,
	  CAUSE_NONE, "no path here and another node has one: a moment, to see whether the cause is shared" },
	{ 611, FACT_HOLDING | FACT_UPLINK_LOST | FACT_UPLINK_BETTER | FACT_UPLINK_FROZEN, 0, GOAL_KEEP,
	  CAUSE_NONE,
	  "no path here and another node has one, but the group was moved too often lately: frozen" },
	{ 612, FACT_HOLDING | FACT_UPLINK_LOST | FACT_UPLINK_BETTER, 0, GOAL_HAND_OVER, CAUSE_UPLINK,
	  "no path here and another node has one: hand over" },
	{ 231, FACT_HOLDING | FACT_STANDBY, 0, GOAL_KEEP, CAUSE_NONE,
	  "this node is in standby, but nobody can take over: keep until somebody can" },
	{ 212, FACT_HOLDING | FACT_DRAINING, 0, GOAL_KEEP, CAUSE_NONE,
	  "an operator moves the group when no call is up and its target is ready: keep until then" },
	{ 211, FACT_HOLDING | FACT_MOVE_AWAY, 0, GOAL_KEEP, CAUSE_NONE,
	  "an operator moves the group, but its target cannot take over yet: keep until it can" },
	{ 613, FACT_HOLDING | FACT_UPLINK_LOST | FACT_UPLINK_SHARED, 0, GOAL_KEEP, CAUSE_NONE,
	  "no path here, and what failed here failed on another node at the same time: the cause is shared" },
	{ 614, FACT_HOLDING | FACT_UPLINK_LOST | FACT_UPLINK_STALE, 0, GOAL_KEEP, CAUSE_NONE,
	  "no path here, and another node has not said lately how its uplinks are: hold" },
	{ 615, FACT_HOLDING | FACT_UPLINK_LOST, 0, GOAL_KEEP, CAUSE_NONE,
	  "no path here and none on another node: hold, calls inside go on" },
	{ 620, FACT_HOLDING | FACT_UPLINK_DEGRADED | FACT_UPLINK_BETTER, FACT_UPLINK_IDLE, GOAL_KEEP,
	  CAUSE_NONE, "degraded here and another node is good, but calls are up: when none is" },
	{ 621, FACT_HOLDING | FACT_UPLINK_DEGRADED | FACT_UPLINK_BETTER, FACT_UPLINK_SETTLED, GOAL_KEEP,
	  CAUSE_NONE, "degraded here and another node is good: a moment, to see whether it lasts" },
	{ 622, FACT_HOLDING | FACT_UPLINK_DEGRADED | FACT_UPLINK_BETTER | FACT_UPLINK_FROZEN, 0, GOAL_KEEP,
	  CAUSE_NONE,
	  "degraded here and another node is good, but the group was moved too often lately: frozen" },
	{ 623, FACT_HOLDING | FACT_UPLINK_DEGRADED | FACT_UPLINK_BETTER, 0, GOAL_HAND_OVER, CAUSE_UPLINK,
	  "degraded here, another node is good and no call is up: hand over" },
	{ 280, FACT_HOLDING | FACT_FAILBACK, 0, GOAL_HAND_OVER, CAUSE_FAILBACK,
	  "the preferred candidate has been fit for long enough and the policy wants it back: hand over" },
	{ 281, FACT_HOLDING | FACT_FAILBACK_CALLS, 0, GOAL_KEEP, CAUSE_NONE,
	  "the preferred candidate is fit again, but calls are up: it gets the group when none is" },
	{ 282, FACT_HOLDING | FACT_FAILBACK_BLIND, 0, GOAL_KEEP, CAUSE_NONE,
	  "the preferred candidate is fit again, but the PBX here does not tell how many calls are up: keep, "
	  "hactl switchover moves the group" },
	{ 120, FACT_HOLDING, 0, GOAL_KEEP, CAUSE_NONE, "lease held and nothing wrong here: keep holding" },
	/* ---- everybody else ---- */
	{ 300, FACT_STOPPING, 0, GOAL_REST, CAUSE_NONE, "the agent stops: ask for nothing" },
	{ 130, FACT_MOVE_HERE | FACT_ELIGIBLE, 0, GOAL_ASK, CAUSE_NONE,
	  "an operator moves the group here: ask as soon as the voters are free" },
	{ 310, FACT_PAUSED, FACT_MOVING, GOAL_REST, CAUSE_NONE, "paused: ask for nothing" },
	{ 111, FACT_ELIGIBLE | FACT_HOLDER_SEEN, 0, GOAL_ASK, CAUSE_NONE,
	  "fit, another node holds the group: stand by, ask when the voters are free" },
	{ 110, FACT_ELIGIBLE, 0, GOAL_ASK, CAUSE_NONE,
	  "fit and nobody seen to hold: ask when the voters are free" },
	{ 320, 0, 0, GOAL_REST, CAUSE_NONE, "not fit: do not ask" },
	/* ---- told, not decided ---- */
	{ RULE_WON, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "lease won: the gate is open, announce, then wake" },
	{ RULE_LAPSED, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE, "lease lost: the gate is shut" },
	{ RULE_LET_GO, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE, "gate shut, lease released" },
	{ RULE_ADOPTED, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE, "the open gate of the former agent goes on" },
	{ RULE_RAISED, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "epoch raised while holding, so that a voter can follow" },
	{ RULE_COMMAND, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE, "an operator's command took effect" },
	{ RULE_OPERATION_STARTED, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "an operator's move of the group begins" },
	{ RULE_OPERATION_DONE, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "an operator's move of the group is done" },
	{ RULE_OPERATION_FAILED, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "an operator's move of the group failed" },
	{ RULE_SAVE_FAILED, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "the promise could not be written: nothing of it was said to anybody" },
	{ RULE_STEP_FAILED, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE, "a step failed; the others go on" },
	{ RULE_NATIVE_WON, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "VRRP made this node the Active router: the gate is open, announce, then wake" },
	{ RULE_NATIVE_LOST, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "this node is the Active router no more: the gate is shut" },
	{ RULE_RELEASING, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "a planned hand-over waits a moment: trunks that know this node's own address are unregistered "
	  "first, and who calls is answered" },
	{ RULE_TWO_HOLDERS, UINT32_MAX, 0, GOAL_KEEP, CAUSE_NONE,
	  "the other node held the group at the same time: the higher epoch goes on, the other gives way" },
};

#define RULES_COUNT (sizeof rules / sizeof rules[0])

const struct rule *rules_match(uint32_t facts)
{
	for (size_t i = 0; i < RULES_COUNT; i++)
		if ((facts & rules[i].when) == rules[i].when && !(facts & rules[i].unless))
			return &rules[i];
	assert(!"a row with no conditions ends the table");
	return NULL;
}

const struct rule *rules_table(size_t *ret_count)
{
	*ret_count = RULES_COUNT;
	return rules;
}

const char *rules_sentence(uint16_t number)
{
	for (size_t i = 0; i < RULES_COUNT; i++)
		if (rules[i].number == number)
			return rules[i].why;
	return NULL;
}

bool rules_alarm(uint16_t number)
{
	static const uint16_t numbers[] = { 611, 613, 614, 615, 622 };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static const char *const goal_names[] = {
	[GOAL_KEEP] = "keep", [GOAL_HAND_OVER] = "hand-over", [GOAL_RELEASE] = "release",
	[GOAL_ASK] = "ask",   [GOAL_REST] = "rest",
};

const char *rules_goal_name(enum rule_goal goal)
{
	return (unsigned)goal <= GOAL_REST ? goal_names[goal] : "unknown";
}

static const char *const fact_names[RULE_FACTS_COUNT] = {
	"holding",	   "stopping",	    "paused",	      "moving",		"standby",
	"successor",	   "move-away",	    "move-ready",     "move-here",	"eligible",
	"gate-lost",	   "lan-down",	    "pbx-dead",	      "pbx-sick",	"failback",
	"holder-seen",	   "draining",	    "failback-calls", "failback-blind", "uplink-lost",
	"uplink-degraded", "uplink-better", "uplink-settled", "uplink-frozen",	"uplink-idle",
	"uplink-shared",   "uplink-stale",
};

struct rules_text {
	char *buf;
	size_t size;
	size_t len;
};

static void rules_put(struct rules_text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->size == 0)
		return;
	if (n > t->size - 1 - t->len)
		n = t->size - 1 - t->len;
	memcpy(t->buf + t->len, s, n);
	t->len += n;
	t->buf[t->len] = '\0';
}

static void rules_put_facts(struct rules_text *t, uint32_t facts, const char *prefix)
{
	for (int i = 0; i < RULE_FACTS_COUNT; i++) {
		if (!(facts >> i & 1))
			continue;
		rules_put(t, prefix);
		rules_put(t, fact_names[i]);
	}
}

size_t rules_print(const struct rule *r, char *buf, size_t size)
{
	struct rules_text t = { buf, size, 0 };
	char number[] = { 'R', (char)('0' + r->number / 100 % 10), (char)('0' + r->number / 10 % 10),
			  (char)('0' + r->number % 10), '\0' };

	rules_put(&t, number);
	if (r->when != UINT32_MAX) {
		rules_put_facts(&t, r->when, " +");
		rules_put_facts(&t, r->unless, " -");
		rules_put(&t, " -> ");
		rules_put(&t, rules_goal_name(r->goal));
	}
	rules_put(&t, ": ");
	rules_put(&t, r->why);
	return t.len;
}
