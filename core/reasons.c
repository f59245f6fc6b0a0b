/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names (stable, for JSON, metrics and history) and sentences (for people: why, and what to do) of the enums
 * of placement.h.
 */
#include "placement.h"

#define REASONS_MAX 256

static const struct {
	const char *name;
	const char *text;
} reasons[REASONS_MAX] = {
	[REASON_NONE] = { "none", "not judged yet" },
	[REASON_CHOSEN] = { "chosen", "best candidate: it should hold the group" },
	[REASON_UNREACHABLE] = { "unreachable",
				 "no pulse or no heartbeat comes from it, or it does not hear this "
				 "node; check the machine, its agent and the links" },
	[REASON_NOT_QUORATE] = { "not_quorate",
				 "corosync says its partition has no quorum; check corosync and the "
				 "links, corosync-quorumtool shows who is missing" },
	[REASON_STANDBY] = { "standby",
			     "an operator put it in standby; hactl unstandby lets it hold groups again" },
	[REASON_FENCED] = { "fenced", "it is being fenced or was, and has not come back since; start it again" },
	[REASON_FENCE_WAIT] = { "fence_wait",
				"the group is to be taken over only when its lost holder is proved off; see "
				"hactl fence history, or look at the machine and say hactl fence confirm" },
	[REASON_JOINING] = { "joining",
			     "it has just joined and waits for its snapshot; this ends by itself" },
	[REASON_CONFIG] = { "config",
			    "its configuration differs or was refused; compare with hactl config diff" },
	[REASON_GATE] = { "gate", "its gate, its addresses or the watchdog that it requires are not in "
				  "force; the agent "
				  "repairs them, see its alarms and its log" },
	[REASON_LAN_DOWN] = { "lan_down",
			      "the service network has no link there; check cable, switch port, device" },
	[REASON_PBX_UNKNOWN] = { "pbx_unknown",
				 "its PBX has not been asked yet; this ends by itself within seconds, "
				 "else check the adapter" },
	[REASON_PBX_STARTING] = { "pbx_starting", "its PBX is starting; wait until it answers" },
	[REASON_PBX_SICK] = { "pbx_sick",
			      "its PBX runs but does not answer SIP; look at the PBX's log, restart it" },
	[REASON_PBX_DEAD] = { "pbx_dead", "its PBX process is gone; start it and look at why it ended" },
	[REASON_DAMPED] = { "damped",
			    "it failed too often lately; it is chosen again when its penalty has decayed" },
	[REASON_REGISTRATIONS] = { "registrations",
				   "fit, but its registrations are not in step; they are healed by "
				   "themselves, see hactl registrations diff" },
	[REASON_UPLINK] = { "uplink",
			    "fit, but its uplink is worse than another candidate's; see hactl uplink list" },
	[REASON_NOT_INCUMBENT] = { "not_incumbent", "fit, but the present holder stays while it is healthy; "
						    "hactl switchover moves the group" },
	[REASON_PRIORITY] = { "priority", "fit, but another candidate comes first in the configuration" },
	[REASON_NODE_ID] = { "node_id", "fit, but another candidate has the lower node id" },
	[REASON_PAUSED] = { "paused",
			    "the cluster is paused; hactl resume first, or hactl failover --force" },
	[REASON_NO_CANDIDATE] = { "no_candidate",
				  "no other candidate can take over now; the list says why for each" },
	[REASON_NOT_A_CANDIDATE] = { "not_a_candidate", "that node is not among the candidates of the group; "
							"name one of them" },
	[REASON_ALREADY_HOLDER] = { "already_holder", "that node holds the group already; nothing to do" },
	[REASON_BUSY] = { "busy", "another operation is moving this group; wait for its end, or end it "
				  "with hactl cancel" },
	[REASON_NO_HOLDER] = { "no_holder",
			       "nobody holds the group, so nothing can be switched over; see hactl why, "
			       "or hactl failover --force" },
	[REASON_TIMEOUT] = { "timeout",
			     "the target did not take over in time; hactl why on both nodes tells more" },
	[REASON_NO_MAJORITY] = { "no_majority",
				 "no majority of the voters can be reached, and without it nobody may "
				 "hold a group; bring nodes or the witness back" },
	[REASON_STOPPING] = { "stopping", "this agent is stopping; ask another node" },
	[REASON_CALLS_UP] = { "calls_up", "calls were still up when the time for them to end was over, and "
					  "nothing moved; "
					  "drain for longer, or switch over without --drain" },
	[REASON_CALLS_UNKNOWN] = { "calls_unknown",
				   "the holder's PBX does not tell how many calls are up, so nobody can wait "
				   "for "
				   "their end; let its adapter count calls, or switch over without --drain" },
	[REASON_CANCELLED] = { "cancelled", "an operator cancelled it" },
	[REASON_NO_OPERATION] = { "no_operation",
				  "no operation runs on the group, so there is nothing to cancel; see hactl "
				  "history" },
	[REASON_HOLDER_CHANGED] = { "holder_changed",
				    "the holder failed while its calls were waited for, and another node has "
				    "taken over; see hactl history, then decide anew" },
	[REASON_LOST_TOUCH] = { "lost_touch",
				"this node and the holder do not hear each other over corosync, so what the "
				"holder "
				"does is not known here; see hactl status there, and check corosync" },
	[REASON_MUTE] = { "mute", "it has lost the memory of what it promised, by a boot for example, and "
				  "may not vote yet, "
				  "not even for itself; try again in some seconds" },
	[REASON_SUPERSEDED] = { "superseded", "a later command replaced it; see hactl history" },
};

const char *reason_name(enum reason r)
{
	return (unsigned)r < REASONS_MAX && reasons[r].name ? reasons[r].name : "unknown";
}

const char *reason_text(enum reason r)
{
	return (unsigned)r < REASONS_MAX && reasons[r].text ? reasons[r].text
							    : "a reason this version does not know";
}

static const char *const pbx_health_names[] = {
	[PBX_UNKNOWN] = "unknown", [PBX_STARTING] = "starting", [PBX_HEALTHY] = "healthy",
	[PBX_SICK] = "sick",	   [PBX_DEAD] = "dead",
};

const char *pbx_health_name(enum pbx_health h)
{
	return (unsigned)h <= PBX_DEAD ? pbx_health_names[h] : "unknown";
}

static const char *const uplink_class_names[] = {
	[UPLINK_UNKNOWN] = "unknown",
	[UPLINK_GOOD] = "good",
	[UPLINK_DEGRADED] = "degraded",
	[UPLINK_BAD] = "bad",
};

const char *uplink_class_name(enum uplink_class u)
{
	return (unsigned)u <= UPLINK_BAD ? uplink_class_names[u] : "unknown";
}
